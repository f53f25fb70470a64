/// One row of the log: what a revision did to a key.
struct LogRow: Sendable {
    let revision: Revision
    let key: String
    /// Empty for a deletion.
    let value: [UInt8]
    /// The revision that created the key; for a deletion, the one that had created it.
    let created: Revision
    /// The key's row before this one, a deletion included; 0 if there was none. The row may be compacted.
    let previous: Revision
    let deleted: Bool

    var keyValue: KeyValue { KeyValue(key: key, value: value, createRevision: created, modRevision: revision) }
    var indexEntry: KeyIndex.Entry { .init(key: key, created: created, modified: revision, deleted: deleted) }
}

/// Rows as they were at one moment.
protocol LogReader {
    /// The row of a revision; nil if it is compacted or never was.
    func row(_ revision: Revision) throws(StoreError) -> LogRow?

    /// The rows after one revision through another, in order, at most `limit`. Without `values`, values are empty.
    func rows(after: Revision, through: Revision, limit: Int, values: Bool) throws(StoreError) -> [LogRow]
}

/// What `LogStore` keeps its rows in. Everything but `read` is called by the writer's thread alone.
protocol RevisionLog: LogReader, Sendable {
    associatedtype Snapshot: LogReader

    /// The log as it was found: the latest row of every key, the revision up to which it is compacted, up to which rows
    /// that this made needless are removed, and the last revision.
    func load() throws(StoreError) -> LoadedLog

    /// Opens a transaction; what follows is there after `commit`, durably, or not at all.
    func begin() throws(StoreError)
    func append(_ row: LogRow) throws(StoreError)
    func remove(_ revisions: [Revision]) throws(StoreError)
    func set(_ number: LogNumber, _ value: Revision) throws(StoreError)
    /// Leaves nothing of the transaction behind where it throws.
    func commit() throws(StoreError)
    func rollback()

    /// Calls `body` with a view that does not change, on a reader's thread.
    func read<Result>(_ body: (Snapshot) throws(StoreError) -> Result) throws(StoreError) -> Result

    /// No call follows.
    func close()
}

/// Numbers that are kept beside the rows.
enum LogNumber: String, Sendable {
    case compacted
    case swept
}

struct LoadedLog: Sendable {
    var index = KeyIndex()
    var revision: Revision = 0
    var compacted: Revision = 0
    var swept: Revision = 0
}
