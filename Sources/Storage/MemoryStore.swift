import Synchronization

/// A store that is gone with the process: for tests, and for clusters that nobody wants back.
public final class MemoryStore: Store {
    private let store: LogStore<MemoryLog>

    public convenience init(limits: StoreLimits = StoreLimits(), execution: StoreExecution = .threads) {
        self.init(MemoryLog(), limits: limits, execution: execution)
    }

    init(_ log: MemoryLog, limits: StoreLimits = StoreLimits(), execution: StoreExecution = .threads) {
        do {
            store = try LogStore(log, limits: limits, readers: 1, execution: execution)
        } catch {
            preconditionFailure("loading a memory log cannot fail: \(error)")
        }
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
}

/// Rows in a dictionary.
final class MemoryLog: RevisionLog {
    struct Content: LogReader, Sendable {
        var rows: [Revision: LogRow] = [:]
        var numbers: [LogNumber: Revision] = [:]

        func row(_ revision: Revision) -> LogRow? { rows[revision] }

        func rows(after: Revision, through: Revision, limit: Int, values: Bool) -> [LogRow] {
            guard after < through else { return [] }
            return Array(((after + 1)...through).lazy.compactMap { rows[$0] }.prefix(limit))
        }
    }

    private struct State: Sendable {
        var committed = Content()
        // What the open transaction will do.
        var appended: [LogRow] = []
        var removed: [Revision] = []
        var numbers: [LogNumber: Revision] = [:]
        var failing: StoreError?
    }

    private let state = Mutex(State())

    /// Makes commits fail with the error, or, with nil, succeed again: for tests.
    func fail(with error: StoreError?) { state.withLock { $0.failing = error } }

    func load() -> LoadedLog {
        let content = state.withLock { $0.committed }
        var latest: [String: LogRow] = [:]
        for row in content.rows.values where row.revision > latest[row.key]?.revision ?? 0 { latest[row.key] = row }
        let compacted = content.numbers[.compacted] ?? 0
        return LoadedLog(
            index: KeyIndex(latest.values.map(\.indexEntry)), revision: max(content.rows.keys.max() ?? 0, compacted),
            compacted: compacted, swept: content.numbers[.swept] ?? 0)
    }

    func begin() { rollback() }
    func append(_ row: LogRow) { state.withLock { $0.appended.append(row) } }
    func remove(_ revisions: [Revision]) { state.withLock { $0.removed += revisions } }
    func set(_ number: LogNumber, _ value: Revision) { state.withLock { $0.numbers[number] = value } }

    func commit() throws(StoreError) {
        let failure = state.withLock { state in
            if let failing = state.failing { return Optional(failing) }
            for row in state.appended { state.committed.rows[row.revision] = row }
            for revision in state.removed { state.committed.rows[revision] = nil }
            state.committed.numbers.merge(state.numbers) { $1 }
            return nil
        }
        rollback()
        if let failure { throw failure }
    }

    func rollback() {
        state.withLock { state in
            state.appended = []
            state.removed = []
            state.numbers = [:]
        }
    }

    func row(_ revision: Revision) -> LogRow? { state.withLock { $0.committed.row(revision) } }

    func rows(after: Revision, through: Revision, limit: Int, values: Bool) -> [LogRow] {
        state.withLock { $0.committed.rows(after: after, through: through, limit: limit, values: values) }
    }

    func read<Result>(_ body: (Content) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try body(state.withLock { $0.committed })
    }

    func close() {}
}
