/// The store of a cluster on one machine: an SQLite file.
///
/// An answered write is on the disk. One process at a time may have the file open. `close` must be called to let go of
/// it.
public final class SQLiteStore: Store {
    private let store: LogStore<SQLiteLog>

    /// Opens the database, or makes one that only its owner may read (0600).
    /// - Throws: `StoreError.failed` if the file cannot be opened, is in use by another process, or has the format of
    ///   another version.
    public init(path: String, limits: StoreLimits = StoreLimits()) throws(StoreError) {
        store = try LogStore(SQLiteLog(path: path), limits: limits, readers: 2)
    }

    public var revision: Revision { store.revision }

    public func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
        store.commit(write, completion: completion)
    }

    public func range(
        prefix: String, start: String?, limit: Int, at revision: Revision?
    ) async throws(StoreError) -> StoreRange {
        try await store.range(prefix: prefix, start: start, limit: limit, at: revision)
    }

    public func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        try store.watch(prefix: prefix, after: after, handler: handler, ended: ended)
    }

    public func compact(to revision: Revision) async throws(StoreError) { try await store.compact(to: revision) }

    public func close() async { await store.close() }

    /// The revision that changed the key last; 0 if it is not there. Answered from memory.
    public func current(of key: String) -> Revision {
        store.state.withLock { state in state.index[key].map { $0.deleted ? 0 : $0.modified } ?? 0 }
    }
}
