import Synchronization

/// Limits of a store.
public struct StoreLimits: Sendable {
    /// Writes that may wait; more are refused.
    public var queuedWrites = 16_384
    /// Bytes of a value. Upstream's etcd takes requests of 1.5 MiB; what it refuses, so should this.
    public var valueSize = 1_572_864
    /// Writes that become durable together.
    public var batchedWrites = 1024

    public init() {}
}

/// Who does a store's work.
public enum StoreExecution: Sendable {
    /// Threads of its own, which may wait for the disk.
    case threads
    /// Whoever simulates them: the function is handed each piece of work, and calls it later, one at a time.
    case handed(@Sendable (_ work: @escaping @Sendable () -> Void) -> Void)
}

/// The store over some log: one writer's thread that commits groups of writes, an index of keys in memory, readers with
/// views of their own, and watches that go from history to what happens now without a gap.
///
/// Modelled on etcd: the log is keyed by revision alone and only appended to; what a key holds is found through the
/// index; what it held, by following each row to the one before.
final class LogStore<Log: RevisionLog>: Store {
    enum Job: Sendable {
        case write(StoreWrite, @Sendable (Result<StoreCommit, StoreError>) -> Void)
        case compact(Revision, @Sendable (StoreError?) -> Void)
    }

    struct State: Sendable {
        var index: KeyIndex
        var revision: Revision
        var compacted: Revision
        var watches: [Int: LogWatch] = [:]
        var lastWatch = 0
        var closed = false
    }

    let log: Log
    let limits: StoreLimits
    let state: Mutex<State>
    /// The last revision again, to be read without the lock.
    private let published: Atomic<Revision>
    private let jobs: BlockingQueue<Job>
    private let reads = BlockingQueue<@Sendable () -> Void>(limit: 65_536)
    private let threadsLeft: Mutex<(count: Int, closing: [CheckedContinuation<Void, Never>])>
    private let execution: StoreExecution
    /// The writer, where it has no thread of its own.
    private let handedWriter: Mutex<LogWriter<Log>?> = Mutex(nil)

    init(_ log: Log, limits: StoreLimits, readers: Int, execution: StoreExecution = .threads) throws(StoreError) {
        let loaded = try log.load()
        self.log = log
        self.limits = limits
        published = Atomic(loaded.revision)
        jobs = BlockingQueue(limit: limits.queuedWrites)
        state = Mutex(State(index: loaded.index, revision: loaded.revision, compacted: loaded.compacted))
        self.execution = execution
        if case .handed = execution {
            threadsLeft = Mutex((count: 0, closing: []))
            handedWriter.withLock { $0 = LogWriter(store: self, swept: loaded.swept) }
        } else {
            threadsLeft = Mutex((count: readers + 1, closing: []))
            startThreads(LogWriter(store: self, swept: loaded.swept), readers: readers)
        }
    }

    private func startThreads(_ first: LogWriter<Log>, readers: Int) {
        startThread(named: "store-writer") { [jobs, limits] in
            var writer = first
            while true {
                let batch = jobs.take(most: limits.batchedWrites)
                if batch.isEmpty { break }
                writer.perform(batch)
            }
            self.threadEnded()
        }
        for _ in 0..<readers {
            startThread(named: "store-reader") { [reads] in
                while true {
                    let jobs = reads.take(most: 1)
                    if jobs.isEmpty { break }
                    for job in jobs { job() }
                }
                self.threadEnded()
            }
        }
    }

    private func threadEnded() {
        let closing = threadsLeft.withLock { left in
            left.count -= 1
            guard left.count == 0 else { return [CheckedContinuation<Void, Never>]() }
            // The last one closes the log: nobody uses it any more.
            log.close()
            defer { left.closing = [] }
            return left.closing
        }
        for continuation in closing { continuation.resume() }
    }

    private func add(_ job: Job) -> BlockingQueue<Job>.Refusal? {
        if let refusal = jobs.add(job) { return refusal }
        if case .handed(let hand) = execution {
            hand { self.handedWriter.withLock { $0?.perform(self.jobs.take(most: 1)) } }
        }
        return nil
    }

    private func add(_ read: @escaping @Sendable () -> Void) -> BlockingQueue<@Sendable () -> Void>.Refusal? {
        if let refusal = reads.add(read) { return refusal }
        if case .handed(let hand) = execution {
            hand { for read in self.reads.take(most: 1) { read() } }
        }
        return nil
    }

    var revision: Revision { published.load(ordering: .acquiring) }

    func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
        if let size = write.valueSize, size > limits.valueSize {
            completion(.failure(.failed("a value of \(size) bytes is larger than the limit of \(limits.valueSize)")))
            return
        }
        if let refusal = add(.write(write, completion)) { completion(.failure(StoreError(refusal))) }
    }

    func compact(to revision: Revision) async throws(StoreError) {
        let failure: StoreError? = await withCheckedContinuation { continuation in
            let refusal = add(.compact(revision) { continuation.resume(returning: $0) })
            if let refusal { continuation.resume(returning: StoreError(refusal)) }
        }
        if let failure { throw failure }
    }

    func close() async {
        state.withLock { $0.closed = true }
        await withCheckedContinuation { continuation in
            let ended = threadsLeft.withLock { left in
                if left.count > 0 { left.closing.append(continuation) }
                return left.count == 0
            }
            jobs.close()
            reads.close()
            if ended {
                // Without threads there is no last one to do it.
                if handedWriter.withLock({ writer in
                    defer { writer = nil }
                    return writer != nil
                }) {
                    log.close()
                }
                continuation.resume()
            }
        }
        let watches = state.withLock { state in
            defer { state.watches = [:] }
            return Array(state.watches.values)
        }
        for watch in watches { watch.end() }
    }

    // MARK: Reading

    func range(
        prefix: String, start: String?, limit: Int, at revision: Revision?
    ) async throws(StoreError) -> StoreRange {
        let result: Result<StoreRange, StoreError> = await withCheckedContinuation { continuation in
            let refusal = add {
                continuation.resume(
                    returning: Result { () throws(StoreError) in
                        try self.readRange(prefix: prefix, start: start, limit: limit, at: revision)
                    })
            }
            if let refusal { continuation.resume(returning: .failure(StoreError(refusal))) }
        }
        return try result.get()
    }

    private func readRange(
        prefix: String, start: String?, limit: Int, at asked: Revision?
    ) throws(StoreError) -> StoreRange {
        while true {
            let view = state.withLock { $0 }
            let revision = asked ?? view.revision
            if revision > view.revision { throw .future(current: view.revision) }
            if revision < view.compacted { throw .compacted(oldest: view.compacted) }
            let range: StoreRange? = try log.read { (log) throws(StoreError) -> StoreRange? in
                // The log's view was taken after the index's: has a compaction come between the two?
                guard state.withLock({ $0.compacted }) <= revision else { return nil }
                return try Self.range(view.index, log, prefix: prefix, start: start, limit: limit, at: revision)
            }
            if let range { return range }
            // Without a revision asked for, the state of a moment later is as good.
        }
    }

    private static func range(
        _ index: KeyIndex, _ log: Log.Snapshot, prefix: String, start: String?, limit: Int, at revision: Revision
    ) throws(StoreError) -> StoreRange {
        var keyValues: [KeyValue] = []
        var more = false
        try index.forEach(prefix: prefix, from: start) { (entry) throws(StoreError) -> Bool in
            if entry.modified <= revision, entry.deleted { return true }
            let full = limit > 0 && keyValues.count == limit
            if full, entry.modified <= revision {
                more = true
                return false
            }
            var row = try log.row(entry.modified)
            if row == nil { throw .missing(entry) }
            // Back to the row that was the key's latest at the revision.
            while let later = row, later.revision > revision {
                row = later.previous == 0 ? nil : try log.row(later.previous)
            }
            guard let row, !row.deleted else { return true }
            if full {
                more = true
                return false
            }
            keyValues.append(row.keyValue)
            return true
        }
        return StoreRange(keyValues: keyValues, more: more, revision: revision)
    }

    // MARK: Watching

    func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        let registered: Result<(LogWatch, live: Bool), StoreError> = state.withLock { state in
            if state.closed { return .failure(.closed) }
            if after < state.compacted { return .failure(.compacted(oldest: state.compacted)) }
            state.lastWatch += 1
            let id = state.lastWatch
            let watch = LogWatch(
                id: id, prefix: prefix, after: after, handler: handler,
                unregister: { [weak self] in self?.state.withLock { $0.watches[id] = nil } }, lost: ended)
            watch.live = after >= state.revision
            state.watches[id] = watch
            return .success((watch, watch.live))
        }
        let (watch, live) = try registered.get()
        if !live, let refusal = add({ self.catchUp(watch) }) {
            watch.cancel()
            throw StoreError(refusal)
        }
        return watch
    }

    /// Hands a watch what happened between the revision it begins after and now. Runs on a reader's thread.
    private func catchUp(_ watch: LogWatch) {
        while true {
            // Nothing is committed while the state is locked: a watch that has seen everything then is told of all that
            // follows by the writer.
            let next: (after: Revision, through: Revision)? = state.withLock { state in
                guard state.watches[watch.id] != nil else { return nil }
                guard watch.cursor < state.revision else {
                    watch.live = true
                    return nil
                }
                return (watch.cursor, min(state.revision, watch.cursor + 500))
            }
            guard let next else { return }
            do throws(StoreError) {
                let events = try log.read { (log) throws(StoreError) -> [StoreEvent] in
                    var events: [StoreEvent] = []
                    for row in try log.rows(after: next.after, through: next.through, limit: 500, values: true)
                    where KeyOrder.hasPrefix(row.key, watch.prefix) {
                        let previous = row.previous == 0 ? nil : try log.row(row.previous)
                        events.append(StoreEvent(row, previous: previous))
                    }
                    return events
                }
                if !events.isEmpty { watch.deliver(events) }
                state.withLock { _ in watch.cursor = next.through }
            } catch {
                // The disk fails, or the store is being closed.
                watch.lose(error)
                return
            }
        }
    }

    // MARK: What the writer tells

    /// Makes rows that are durable visible and tells the watches; in this order nothing is missed.
    func publish(_ rows: [LogRow], _ events: [StoreEvent]) {
        guard let last = rows.last else { return }
        let watches = state.withLock { state in
            for row in rows { state.index.set(row.indexEntry) }
            state.revision = last.revision
            published.store(last.revision, ordering: .releasing)
            return state.watches.values.filter(\.live)
        }
        for watch in watches {
            let matching = events.filter(watch.concerns)
            if !matching.isEmpty { watch.deliver(matching) }
        }
    }
}

extension StoreError {
    /// The words that etcd has for it.
    init<Element>(_ refusal: BlockingQueue<Element>.Refusal) {
        self = refusal == .closed ? .closed : .failed("too many requests")
    }

    static func missing(_ entry: KeyIndex.Entry) -> StoreError {
        .failed("the database is damaged: revision \(entry.modified) of \(entry.key) is missing")
    }
}

extension StoreWrite {
    package var key: String {
        switch self {
        case .create(let key, _), .update(let key, _, _), .delete(let key, _): key
        }
    }

    package var valueSize: Int? {
        switch self {
        case .create(_, let value), .update(_, let value, _): value.count
        case .delete: nil
        }
    }
}

extension StoreEvent {
    /// The event that a row of the log records; `previous` is the row before it, whatever that was.
    init(_ row: LogRow, previous: LogRow?) {
        let before = previous.flatMap { $0.deleted ? nil : $0.keyValue }
        if row.deleted {
            // The last value under the revision of the deletion.
            let last = KeyValue(
                key: row.key, value: before?.value ?? [], createRevision: row.created, modRevision: row.revision)
            self.init(kind: .deleted, keyValue: last, previous: before)
        } else if row.created == row.revision {
            self.init(kind: .created, keyValue: row.keyValue, previous: nil)
        } else {
            self.init(kind: .updated, keyValue: row.keyValue, previous: before)
        }
    }
}
