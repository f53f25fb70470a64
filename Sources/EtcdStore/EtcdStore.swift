// The store of clusters whose servers are several: etcd.

import HeapModule
import Logging
import Storage
import Synchronization

/// A `Store` in etcd, over its v3 gRPC API.
///
/// One watch of etcd's feeds all watches here that begin at what is known; those that begin further back have one of
/// their own. A write is answered when etcd has made it durable and the watches have been told of it, so that whoever
/// reads what they feed finds his own writes; what others wrote is there once `synchronize` says so.
public final class EtcdStore: Store {
    struct Waiter: Comparable {
        let revision: Revision
        /// When to give up; nil: never.
        let deadline: ContinuousClock.Instant?
        let completion: @Sendable (StoreError?) -> Void

        static func < (left: Waiter, right: Waiter) -> Bool { left.revision < right.revision }
        static func == (left: Waiter, right: Waiter) -> Bool { left.revision == right.revision }
    }

    struct State {
        var closed = false
        /// Whoever waits in `close`.
        var closing: [CheckedContinuation<Void, Never>] = []
        /// Writes that are not answered yet.
        var pending = 0
        /// The highest revision that any answer has named, and up to which history is known to be gone.
        var seen: Revision = 0
        var compacted: Revision = 0

        var follower: (watch: EtcdFollower, task: Task<Void, Never>)?
        var hasFollowed = false
        /// Everything up to here has been told to `watches`.
        var told: Revision = 0
        var watches: [Int: LogWatch] = [:]
        var history: [Int: Task<Void, Never>] = [:]
        var lastWatch = 0
        /// What was told last: everything after `floor`. Watches may begin there.
        var recent: [StoreEvent] = []
        var recentBytes = 0
        var floor: Revision = 0
        var waiters = Heap<Waiter>()
        /// How many of the waiters have a deadline, and whether somebody looks after them.
        var impatient = 0
        var isNudging = false

        /// Whoever wants to know etcd's revision, and whether it is being asked for already.
        var asking: [@Sendable (Result<Revision, StoreError>) -> Void] = []
        var isAsking = false
    }

    /// What is kept for watches that begin a little way back.
    static let recentLimit = 2000
    static let recentBytesLimit = 4 << 20

    private let configuration: EtcdConfiguration
    let keys: EtcdKeys
    let connection: EtcdConnection
    private let transactions: EtcdTransactions
    let logger: Logger
    let state = Mutex(State())
    private let compactor: Mutex<Task<Void, Never>?> = Mutex(nil)
    private let marking = Atomic<Bool>(false)

    /// Connects in the background, and again whenever the connection breaks.
    /// - Throws: `StoreError.failed` where an address or a file is no good.
    public init(_ configuration: EtcdConfiguration, logger: Logger = Logger(label: "etcd")) throws(StoreError) {
        self.configuration = configuration
        self.logger = logger
        keys = EtcdKeys(root: configuration.root, prefix: configuration.prefix)
        connection = try EtcdConnection(configuration, logger: logger)
        transactions = EtcdTransactions(connection: connection, keys: keys)
        guard configuration.compactionInterval > .zero else { return }
        compactor.withLock { $0 = Task { [weak self] in await Self.compactNowAndThen { [weak self] in self } } }
    }

    public var isShared: Bool { true }

    /// Where there are watches, how far they have been told.
    public var revision: Revision { state.withLock { $0.hasFollowed ? $0.told : $0.seen } }

    public var compactedRevision: Revision { state.withLock { $0.compacted } }

    // MARK: Writing

    public func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
        let limits = configuration.limits
        if let size = write.valueSize, size > limits.valueSize {
            completion(.failure(.failed("a value of \(size) bytes is larger than the limit of \(limits.valueSize)")))
            return
        }
        let refusal: StoreError? = state.withLock { state in
            if state.closed { return .closed }
            if state.pending >= limits.queuedWrites { return .failed("too many requests") }
            state.pending += 1
            return nil
        }
        if let refusal { return completion(.failure(refusal)) }
        Task {
            do throws(StoreError) {
                let commit = try await self.transactions.commit(write)
                self.wait(for: commit.revision, until: nil) { _ in
                    completion(.success(commit))
                    self.answered()
                }
            } catch {
                completion(.failure(error))
                self.answered()
            }
        }
    }

    private func answered() {
        let closing: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.pending -= 1
            guard state.pending == 0, state.closed else { return [] }
            defer { state.closing = [] }
            return state.closing
        }
        for continuation in closing { continuation.resume() }
    }

    /// Calls `completion` when the watches have been told of everything up to a revision, at once if there are none.
    private func wait(
        for revision: Revision, until deadline: ContinuousClock.Instant?,
        _ completion: @escaping @Sendable (StoreError?) -> Void
    ) {
        let (isDone, mustNudge) = state.withLock { state in
            state.seen = max(state.seen, deadline == nil ? revision : 0)
            if !state.hasFollowed || state.told >= revision || state.closed { return (true, false) }
            state.waiters.insert(Waiter(revision: revision, deadline: deadline, completion: completion))
            guard deadline != nil else { return (false, false) }
            state.impatient += 1
            defer { state.isNudging = true }
            return (false, !state.isNudging)
        }
        if isDone { completion(nil) }
        if mustNudge { Task { await self.nudge() } }
    }

    // MARK: Reading

    public func range(
        prefix: String, start: String?, limit: Int, at revision: Revision?
    ) async throws(StoreError) -> StoreRange {
        if state.withLock({ $0.closed }) { throw .closed }
        do throws(StoreError) {
            let range = try await transactions.range(
                keys.range(prefix: prefix), start: start.flatMap(keys.inner), limit: limit, at: revision)
            if revision == nil { state.withLock { $0.seen = max($0.seen, range.revision) } }
            return range
        } catch {
            switch EtcdConnection.revisionProblem(error) {
            case .compacted:
                // etcd does not say up to where; so much is certain.
                throw .compacted(oldest: state.withLock { max($0.compacted, (revision ?? 0) + 1) })
            case .future: throw .future(current: try await transactions.revision())
            case nil: throw error
            }
        }
    }

    public func synchronize(to revision: Revision?, completion: @escaping @Sendable (StoreError?) -> Void) {
        let deadline = ContinuousClock.now + configuration.synchronizationTimeout
        if let revision { return wait(for: revision, until: deadline, completion) }
        let (isClosed, mustAsk) = state.withLock { state in
            if state.closed { return (true, false) }
            state.asking.append { result in
                switch result {
                case .success(let revision): self.wait(for: revision, until: deadline, completion)
                case .failure(let error): completion(error)
                }
            }
            defer { state.isAsking = true }
            return (false, !state.isAsking)
        }
        if isClosed { return completion(.closed) }
        if mustAsk { Task { await self.ask() } }
    }

    /// Asks etcd for its revision, for all who want to know it at once. Who comes while a question is under way waits
    /// for the next answer: this one may be of before he came.
    private func ask() async {
        while true {
            let asking = state.withLock { state in
                defer { state.asking = [] }
                if state.asking.isEmpty { state.isAsking = false }
                return state.asking
            }
            if asking.isEmpty { return }
            let result: Result<Revision, StoreError>
            do throws(StoreError) {
                result = .success(try await transactions.revision())
            } catch {
                result = .failure(error)
            }
            for handler in asking { handler(result) }
        }
    }

    /// Looks after those who wait for a revision that may be nobody's here, so that no event tells of it: asks etcd how
    /// far the watch has come, and sends those away whose time is up.
    private func nudge() async {
        var round = 0
        while true {
            let follower = state.withLock { $0.follower?.watch }
            if follower?.askForProgress() == false, round > 0, !marking.exchange(true, ordering: .relaxed) {
                // An event of our own does what this etcd's answer cannot.
                do throws(StoreError) { try await transactions.mark() } catch { logger.debug("the marker: \(error)") }
                marking.store(false, ordering: .relaxed)
            }
            // What is on its way arrives within moments.
            try? await Task.sleep(for: .milliseconds(round == 0 ? 5 : 50))
            round += 1
            let (late, told, goesOn) = state.withLock { state -> ([Waiter], Revision, Bool) in
                let now = ContinuousClock.now
                let late = state.waiters.unordered.filter { $0.deadline.map { $0 <= now } ?? false }
                if !late.isEmpty {
                    let kept = state.waiters.unordered.filter { $0.deadline.map { $0 > now } ?? true }
                    state.waiters = Heap(kept)
                    state.impatient -= late.count
                }
                if state.impatient == 0 { state.isNudging = false }
                return (late, state.told, state.impatient > 0)
            }
            for waiter in late { waiter.completion(.future(current: told)) }
            if !goesOn { return }
        }
    }

    // MARK: Compaction

    public func compact(to revision: Revision) async throws(StoreError) {
        if state.withLock({ $0.closed }) { throw .closed }
        do throws(StoreError) {
            try await transactions.compact(to: revision)
            state.withLock { $0.compacted = max($0.compacted, revision) }
        } catch {
            switch EtcdConnection.revisionProblem(error) {
            case .compacted: throw .compacted(oldest: state.withLock { max($0.compacted, revision) })
            case .future: throw .future(current: try await transactions.revision())
            case nil: throw error
            }
        }
    }

    private static func compactNowAndThen(_ store: @Sendable () -> EtcdStore?) async {
        var turn: Int64 = 0
        // What was new a turn ago.
        var target: Revision = 0
        while let interval = store()?.configuration.compactionInterval {
            try? await Task.sleep(for: interval)
            guard !Task.isCancelled, let store = store() else { return }
            do throws(StoreError) {
                let taken = try await store.transactions.takeCompactionTurn(turn, revision: target)
                if taken.isOurs, target > 0 {
                    try await store.transactions.compact(to: target)
                    store.logger.debug("etcd is compacted up to \(target)")
                }
                store.state.withLock { $0.compacted = max($0.compacted, taken.noted) }
                turn = taken.turn
                target = taken.now
            } catch {
                store.logger.warning("compaction of etcd failed: \(error)")
            }
        }
    }

    // MARK: The end

    public func close() async {
        compactor.withLock { $0 }?.cancel()
        let waiters = state.withLock { state in
            state.closed = true
            state.impatient = 0
            defer { state.waiters = Heap() }
            return Array(state.waiters.unordered)
        }
        // What waits for the watches is durable already.
        for waiter in waiters { waiter.completion(waiter.deadline == nil ? nil : .closed) }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.pending > 0 { state.closing.append(continuation) }
                return state.pending == 0
            }
            if isIdle { continuation.resume() }
        }
        let (follower, history, watches) = state.withLock { state in
            defer {
                state.follower = nil
                state.history = [:]
                state.watches = [:]
            }
            return (state.follower?.task, Array(state.history.values), Array(state.watches.values))
        }
        for watch in watches { watch.end() }
        follower?.cancel()
        for task in history { task.cancel() }
        await follower?.value
        for task in history { await task.value }
        await connection.close()
    }
}
