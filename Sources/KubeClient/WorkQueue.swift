import HeapModule
import Synchronization

/// The clock by which a queue delays keys; a test hands in one that it moves by hand.
public struct DelayClock: Sendable {
    public var now: @Sendable () -> ContinuousClock.Instant
    /// Returns when the instant has come, or the task is cancelled.
    public var sleep: @Sendable (_ until: ContinuousClock.Instant) async -> Void

    public init(
        now: @escaping @Sendable () -> ContinuousClock.Instant,
        sleep: @escaping @Sendable (_ until: ContinuousClock.Instant) async -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    public static let continuous = DelayClock(
        now: { ContinuousClock.now }, sleep: { try? await Task.sleep(until: $0, clock: .continuous) })
}

/// A queue of keys to reconcile: a key waits at most once, is worked on by one worker at a time, and comes back later,
/// after a growing delay, when its work failed. Modelled on client-go's rate limiting queue.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var ready: [Key] = []
        var head = 0
        /// Waiting in `ready`, or to be put there when the worker that has the key is done.
        var dirty: Set<Key> = []
        var processing: Set<Key> = []
        var failures: [Key: Int] = [:]
        var delayed = Heap<Delayed>()
        var delayedUntil: [Key: ContinuousClock.Instant] = [:]
        var timer: Task<Void, Never>?
        var timerDue: ContinuousClock.Instant?
        var waiters: [CheckedContinuation<Key?, Never>] = []
        var closed = false

        mutating func pop() -> Key? {
            guard head < ready.count else { return nil }
            let key = ready[head]
            head += 1
            if head > 1024, head * 2 > ready.count {
                ready.removeFirst(head)
                head = 0
            }
            dirty.remove(key)
            processing.insert(key)
            return key
        }
    }

    private struct Delayed: Comparable {
        let due: ContinuousClock.Instant
        let key: Key
        static func < (left: Self, right: Self) -> Bool { left.due < right.due }
        static func == (left: Self, right: Self) -> Bool { left.due == right.due }
    }

    private let state = Mutex(State())
    private let baseDelay: Duration
    private let maximumDelay: Duration
    private let clock: DelayClock

    /// A key that failed n times waits `baseDelay` × 2ⁿ, at most `maximumDelay`.
    public init(
        baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000),
        clock: DelayClock = .continuous
    ) {
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
        self.clock = clock
    }

    /// How many keys wait for a time to come.
    public var delayedCount: Int { state.withLock { $0.delayedUntil.count } }

    public var count: Int { state.withLock { $0.ready.count - $0.head } }

    public func add(_ key: Key) {
        let resumption: (CheckedContinuation<Key?, Never>, Key)? = state.withLock { state in
            guard !state.closed, state.dirty.insert(key).inserted, !state.processing.contains(key) else { return nil }
            state.ready.append(key)
            guard !state.waiters.isEmpty, let next = state.pop() else { return nil }
            return (state.waiters.removeFirst(), next)
        }
        if let (waiter, next) = resumption { waiter.resume(returning: next) }
    }

    /// Adds the key once `delay` has passed. An earlier time that is set already stays.
    public func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else {
            add(key)
            return
        }
        let due = clock.now() + delay
        state.withLock { state in
            guard !state.closed else { return }
            if let earlier = state.delayedUntil[key], earlier <= due { return }
            state.delayedUntil[key] = due
            state.delayed.insert(Delayed(due: due, key: key))
            schedule(&state)
        }
    }

    /// Adds the key after a delay that doubles with every failure since the last `forget`.
    public func addRateLimited(_ key: Key) {
        let failures = state.withLock { state in
            let count = state.failures[key, default: 0]
            state.failures[key] = count + 1
            return count
        }
        add(key, after: min(maximumDelay, baseDelay * (1 << min(failures, 30))))
    }

    /// The key's work succeeded: its next failure starts at the first delay again.
    public func forget(_ key: Key) {
        state.withLock { $0.failures[key] = nil }
    }

    /// The next key; nil when the queue has been closed. `done` must be called with it.
    public func next() async -> Key? {
        await withCheckedContinuation { continuation in
            let result: Key?? = state.withLock { state in
                if let key = state.pop() { return .some(key) }
                if state.closed { return .some(nil) }
                state.waiters.append(continuation)
                return nil
            }
            if let result { continuation.resume(returning: result) }
        }
    }

    /// The work on the key is over. If it was added meanwhile, it is ready again.
    public func done(_ key: Key) {
        let resumption: (CheckedContinuation<Key?, Never>, Key)? = state.withLock { state in
            state.processing.remove(key)
            guard state.dirty.contains(key) else { return nil }
            state.ready.append(key)
            guard !state.waiters.isEmpty, let next = state.pop() else { return nil }
            return (state.waiters.removeFirst(), next)
        }
        if let (waiter, next) = resumption { waiter.resume(returning: next) }
    }

    /// Nothing more is handed out; workers that wait get nil.
    public func close() {
        let waiters = state.withLock { state in
            state.closed = true
            state.timer?.cancel()
            state.delayed = Heap()
            state.delayedUntil = [:]
            state.ready = []
            state.head = 0
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    /// Sets the timer for the earliest delayed key.
    private func schedule(_ state: inout State) {
        guard let first = state.delayed.min else { return }
        if let due = state.timerDue, due <= first.due { return }
        state.timer?.cancel()
        state.timerDue = first.due
        state.timer = Task { [weak self, clock] in
            await clock.sleep(first.due)
            if !Task.isCancelled { self?.wake() }
        }
    }

    private func wake() {
        let now = clock.now()
        let due: [Key] = state.withLock { state in
            var due: [Key] = []
            state.timerDue = nil
            guard !state.closed else { return [] }
            while let first = state.delayed.min, first.due <= now {
                state.delayed.removeMin()
                // A key may have been set to an earlier time after this entry was made.
                if state.delayedUntil[first.key] == first.due {
                    state.delayedUntil[first.key] = nil
                    due.append(first.key)
                }
            }
            schedule(&state)
            return due
        }
        for key in due { add(key) }
    }

    /// Works on keys, `workers` at a time, until the queue is closed or the task is cancelled; work that has begun is
    /// finished first. A key whose work throws comes back later.
    public func run(
        workers: Int = 1, _ reconcile: @escaping @Sendable (Key) async throws -> Void,
        onError: @escaping @Sendable (Key, any Error) -> Void = { _, _ in }
    ) async {
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<workers {
                    group.addTask {
                        while let key = await self.next() {
                            do {
                                try await reconcile(key)
                                self.forget(key)
                            } catch {
                                onError(key, error)
                                self.addRateLimited(key)
                            }
                            self.done(key)
                        }
                    }
                }
            }
        } onCancel: {
            close()
        }
    }
}
