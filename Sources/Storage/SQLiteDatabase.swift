import CSQLite

/// A connection to an SQLite database and its prepared statements: SQLite's C interface with errors thrown. To be used by
/// one thread at a time.
final class SQLiteDatabase {
    private let connection: OpaquePointer
    /// The length of the write-ahead log after this connection's last commit.
    private(set) var pagesInLog = 0

    /// - Parameter flags: `SQLITE_OPEN_…`.
    init(path: String, flags: CInt) throws(StoreError) {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let why = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw .failed("cannot open \(path): \(why)")
        }
        connection = opened
        // Says how long the write-ahead log is, in place of SQLite's own checkpoints, which would make commits wait.
        sqlite3_wal_hook(
            connection,
            { context, _, _, pages in
                context.map { Unmanaged<SQLiteDatabase>.fromOpaque($0).takeUnretainedValue().pagesInLog = Int(pages) }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
        // Checkpoints and other connections hold locks for moments only.
        sqlite3_busy_timeout(connection, 10_000)
    }

    /// Statements must have been let go before.
    deinit { sqlite3_close_v2(connection) }

    var inTransaction: Bool { sqlite3_get_autocommit(connection) == 0 }

    func error(_ doing: String) -> StoreError {
        let extended = sqlite3_extended_errcode(connection)
        return .failed("\(doing): \(String(cString: sqlite3_errmsg(connection))) (SQLite code \(extended))")
    }

    /// Runs statements that answer nothing of interest.
    func execute(_ sql: String) throws(StoreError) {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw error(sql) }
    }

    func prepare(_ sql: String) throws(StoreError) -> SQLiteStatement {
        var statement: OpaquePointer?
        guard
            sqlite3_prepare_v3(connection, sql, -1, CUnsignedInt(SQLITE_PREPARE_PERSISTENT), &statement, nil)
                == SQLITE_OK,
            let statement
        else { throw error(sql) }
        return SQLiteStatement(statement, of: self)
    }

    /// The text of the first column of the first row, if there is one.
    func text(_ sql: String) throws(StoreError) -> String? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// Copies what the write-ahead log holds into the database. With `truncating`, waits for readers and empties it.
    func checkpoint(truncating: Bool) -> Bool {
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        return sqlite3_wal_checkpoint_v2(connection, nil, mode, nil, nil) == SQLITE_OK
    }
}

/// A prepared statement. It is reset before each use, not after: call `reset` where a row is left standing.
final class SQLiteStatement {
    private let statement: OpaquePointer
    // Keeps the connection open.
    private let database: SQLiteDatabase

    init(_ statement: OpaquePointer, of database: SQLiteDatabase) {
        self.statement = statement
        self.database = database
    }

    deinit { sqlite3_finalize(statement) }

    func reset() { sqlite3_reset(statement) }

    /// Binds parameters from the first on; `blob` is bound last, without a copy, and must outlive the step.
    func bind(_ values: Int64...) {
        for (position, value) in values.enumerated() { sqlite3_bind_int64(statement, CInt(position + 1), value) }
    }

    func bind(_ value: Int64, at position: CInt) { sqlite3_bind_int64(statement, position, value) }

    /// Binds bytes that stay where they are until the statement has been stepped and reset.
    func bind(_ bytes: UnsafeBufferPointer<UInt8>, at position: CInt) {
        sqlite3_bind_blob64(statement, position, bytes.baseAddress, sqlite3_uint64(bytes.count), nil)
    }

    func bindText(_ bytes: UnsafeBufferPointer<UInt8>, at position: CInt) {
        bytes.withMemoryRebound(to: CChar.self) { characters in
            _ = sqlite3_bind_text64(
                statement, position, characters.baseAddress, sqlite3_uint64(characters.count), nil,
                CUnsignedChar(SQLITE_UTF8))
        }
    }

    /// Whether there is another row.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let error = database.error(String(cString: sqlite3_sql(statement)))
            sqlite3_reset(statement)
            throw error
        }
    }

    /// Runs a statement that answers with no row.
    func run() throws(StoreError) {
        _ = try step()
        sqlite3_reset(statement)
    }

    func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(statement, column) }

    func text(_ column: CInt) -> String {
        guard let bytes = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func bytes(_ column: CInt) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
    }
}
