import CSQLite
import Glibc
import Synchronization

/// The log in an SQLite file: a table that is only appended to, keyed by revision.
///
/// Write-ahead logging with `synchronous=FULL`: a commit returns after the fsync, and readers, who have connections of
/// their own, never see what is not durable. There is no index by key on disk; `KeyIndex` is built from the table at
/// start, so that a commit writes the fewest pages.
final class SQLiteLog: RevisionLog, @unchecked Sendable {
    static let schemaVersion: Int64 = 1

    /// Pages of the write-ahead log after which the checkpoint thread copies them into the database, and after which the
    /// writer itself does and starts the file anew.
    private static let checkpointPages = 2000
    private static let resetPages = 16_000

    private let path: String
    private let lock: Mutex<FileLock?>
    // The writer's thread uses these alone.
    private let database: SQLiteDatabase
    private let statements: Statements
    private let begins, commits, rollbacks, appends, removes, numbers: SQLiteStatement
    /// Readers' connections that nobody uses at the moment.
    private let idle = Mutex<[SQLiteSnapshot]>([])
    private let checkpoints = BlockingQueue<Void>(limit: 1)

    /// - Parameter maximumPages: The size at which the database is full: for tests.
    init(path: String, maximumPages: Int? = nil) throws(StoreError) {
        self.path = path
        lock = Mutex(try FileLock(path + "-lock"))
        // SQLite gives its companion files the permissions of the database.
        let created = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard created >= 0 else { throw .failed("cannot open \(path): \(String(cString: strerror(errno)))") }
        fchmod(created, 0o600)
        Glibc.close(created)
        database = try Self.connect(path)
        try Self.prepareSchema(of: database, path)
        if let maximumPages { try database.execute("PRAGMA max_page_count = \(maximumPages)") }
        statements = try Statements(database)
        begins = try database.prepare("BEGIN IMMEDIATE")
        commits = try database.prepare("COMMIT")
        rollbacks = try database.prepare("ROLLBACK")
        appends = try database.prepare(
            "INSERT INTO log (revision, created, previous, deleted, key, value) VALUES (?, ?, ?, ?, ?, ?)")
        removes = try database.prepare("DELETE FROM log WHERE revision = ?")
        numbers = try database.prepare("INSERT OR REPLACE INTO number (name, value) VALUES (?2, ?1)")
    }

    private static func connect(_ path: String) throws(StoreError) -> SQLiteDatabase {
        let database = try SQLiteDatabase(path: path, flags: SQLITE_OPEN_READWRITE)
        try database.execute("PRAGMA synchronous = FULL")
        try database.execute("PRAGMA cache_size = -4000")
        return database
    }

    private static func prepareSchema(of database: SQLiteDatabase, _ path: String) throws(StoreError) {
        guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw .failed("\(path) is on a file system without shared memory, which write-ahead logging needs")
        }
        if try database.text("SELECT name FROM sqlite_schema LIMIT 1") == nil {
            try database.execute(
                """
                BEGIN IMMEDIATE;
                CREATE TABLE log (
                    revision INTEGER PRIMARY KEY, created INTEGER NOT NULL, previous INTEGER NOT NULL,
                    deleted INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL);
                CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                INSERT INTO number VALUES ('schema', \(schemaVersion)), ('compacted', 0), ('swept', 0);
                COMMIT;
                """)
        }
        guard try database.text("SELECT name FROM sqlite_schema WHERE name = 'number'") != nil,
            let version = try database.text("SELECT value FROM number WHERE name = 'schema'")
        else { throw .failed("\(path) is no database of Martlet's") }
        guard version == String(schemaVersion) else {
            throw .failed("\(path) has the format of version \(version); this program knows version \(schemaVersion)")
        }
    }

    func load() throws(StoreError) -> LoadedLog {
        let rows = try database.prepare("SELECT revision, created, deleted, key FROM log ORDER BY revision")
        var latest: [String: KeyIndex.Entry] = [:]
        var revision: Revision = 0
        while try rows.step() {
            revision = rows.integer(0)
            let key = rows.text(3)
            latest[key] = .init(
                key: key, created: rows.integer(1), modified: revision, deleted: rows.integer(2) != 0)
        }
        let compacted = Revision(try database.text("SELECT value FROM number WHERE name = 'compacted'") ?? "") ?? 0
        let swept = Revision(try database.text("SELECT value FROM number WHERE name = 'swept'") ?? "") ?? 0
        startCheckpoints()
        return LoadedLog(
            index: KeyIndex(latest.values), revision: max(revision, compacted), compacted: compacted, swept: swept)
    }

    // MARK: Writing

    func begin() throws(StoreError) { try begins.run() }

    func append(_ row: LogRow) throws(StoreError) {
        appends.bind(row.revision, row.created, row.previous, row.deleted ? 1 : 0)
        var key = row.key
        let failure: StoreError? = key.withUTF8 { key in
            row.value.withUnsafeBufferPointer { value in
                appends.bindText(key, at: 5)
                // A blob without bytes needs an address all the same, or it would be NULL.
                var nothing: UInt8 = 0
                return withUnsafePointer(to: &nothing) { nothing in
                    appends.bind(value.isEmpty ? UnsafeBufferPointer(start: nothing, count: 0) : value, at: 6)
                    do throws(StoreError) {
                        try appends.run()
                        return nil
                    } catch {
                        return error
                    }
                }
            }
        }
        if let failure { throw failure }
    }

    func remove(_ revisions: [Revision]) throws(StoreError) {
        for revision in revisions {
            removes.bind(revision)
            try removes.run()
        }
    }

    func set(_ number: LogNumber, _ value: Revision) throws(StoreError) {
        numbers.bind(value, at: 1)
        var name = number.rawValue
        let failure: StoreError? = name.withUTF8 { name in
            numbers.bindText(name, at: 2)
            do throws(StoreError) {
                try numbers.run()
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    func commit() throws(StoreError) {
        do throws(StoreError) {
            try commits.run()
        } catch {
            rollback()
            throw error
        }
        checkpointIfDue()
    }

    func rollback() {
        // Some errors have rolled back already.
        if database.inTransaction { try? rollbacks.run() }
    }

    func row(_ revision: Revision) throws(StoreError) -> LogRow? { try statements.row(revision) }

    func rows(after: Revision, through: Revision, limit: Int, values: Bool) throws(StoreError) -> [LogRow] {
        try statements.rows(after: after, through: through, limit: limit, values: values)
    }

    // MARK: Reading

    func read<Result>(_ body: (SQLiteSnapshot) throws(StoreError) -> Result) throws(StoreError) -> Result {
        let reader: SQLiteSnapshot
        if let free = idle.withLock({ $0.popLast() }) {
            reader = free
        } else {
            reader = try SQLiteSnapshot(Self.connect(path))
        }
        defer { idle.withLock { $0.append(reader) } }
        try reader.begin()
        defer { reader.end() }
        return try body(reader)
    }

    // MARK: Checkpoints

    private func startCheckpoints() {
        startThread(named: "store-checkpoint") { [self] in
            guard let database = try? Self.connect(path) else { return }
            while !checkpoints.take(most: 1).isEmpty { _ = database.checkpoint(truncating: false) }
        }
    }

    private func checkpointIfDue() {
        let pages = database.pagesInLog
        if pages > Self.resetPages {
            // The log starts anew only once all of it is in the database, which the thread beside never reaches while
            // writes go on. It has done most of the work, so this is short.
            _ = database.checkpoint(truncating: false)
        } else if pages > Self.checkpointPages {
            // If the queue is full, the thread is about to do it anyhow.
            _ = checkpoints.add(())
        }
    }

    func close() {
        checkpoints.close()
        idle.withLock { $0 = [] }
        _ = database.checkpoint(truncating: true)
        lock.withLock { $0 = nil }
    }
}

/// Keeps other processes out of a database for as long as it lives: what the index in memory says would not be true.
private final class FileLock: Sendable {
    private let file: CInt

    init(_ path: String) throws(StoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .failed("cannot open \(path): \(String(cString: strerror(errno)))") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(file)
            throw .failed("\(path.dropLast(5)) is in use by another process")
        }
        self.file = file
    }

    deinit { Glibc.close(file) }
}

/// The statements that read the log over one connection.
struct Statements {
    private let byRevision, inOrder, inOrderWithoutValues: SQLiteStatement

    init(_ database: SQLiteDatabase) throws(StoreError) {
        byRevision = try database.prepare(
            "SELECT revision, created, previous, deleted, key, value FROM log WHERE revision = ?")
        let order = "FROM log WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?"
        inOrder = try database.prepare("SELECT revision, created, previous, deleted, key, value \(order)")
        inOrderWithoutValues = try database.prepare("SELECT revision, created, previous, deleted, key, x'' \(order)")
    }

    private static func row(_ statement: SQLiteStatement) -> LogRow {
        LogRow(
            revision: statement.integer(0), key: statement.text(4), value: statement.bytes(5),
            created: statement.integer(1), previous: statement.integer(2), deleted: statement.integer(3) != 0)
    }

    func row(_ revision: Revision) throws(StoreError) -> LogRow? {
        byRevision.bind(revision)
        defer { byRevision.reset() }
        return try byRevision.step() ? Self.row(byRevision) : nil
    }

    func rows(after: Revision, through: Revision, limit: Int, values: Bool) throws(StoreError) -> [LogRow] {
        let statement = values ? inOrder : inOrderWithoutValues
        statement.bind(after, through, Int64(limit))
        defer { statement.reset() }
        var rows: [LogRow] = []
        while try statement.step() { rows.append(Self.row(statement)) }
        return rows
    }
}

/// A reader's connection; between `begin` and `end` it shows the log as it was at `begin`.
final class SQLiteSnapshot: LogReader, @unchecked Sendable {
    private let begins, ends, pins: SQLiteStatement
    private let statements: Statements

    init(_ database: SQLiteDatabase) throws(StoreError) {
        try database.execute("PRAGMA query_only = ON")
        begins = try database.prepare("BEGIN")
        ends = try database.prepare("COMMIT")
        pins = try database.prepare("SELECT value FROM number WHERE name = 'schema'")
        statements = try Statements(database)
    }

    func begin() throws(StoreError) {
        try begins.run()
        // The view is taken at the first read.
        do throws(StoreError) {
            _ = try pins.step()
            pins.reset()
        } catch {
            end()
            throw error
        }
    }

    func end() { try? ends.run() }

    func row(_ revision: Revision) throws(StoreError) -> LogRow? { try statements.row(revision) }

    func rows(after: Revision, through: Revision, limit: Int, values: Bool) throws(StoreError) -> [LogRow] {
        try statements.rows(after: after, through: through, limit: limit, values: values)
    }
}
