import HeapModule
import Synchronization

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

    /// A key that failed n times waits `baseDelay` × 2ⁿ, at most `maximumDelay`.
    public init(baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000)) {
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
    }

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
        let due = ContinuousClock.now + delay
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
            state.ready = []
            state.head = 0
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    /// Sets the timer for the earliest delayed key.
    private func schedule(_ state: inout State) {
        state.timer?.cancel()
        guard let first = state.delayed.min else { return }
        state.timer = Task { [weak self] in
            try? await Task.sleep(until: first.due, clock: .continuous)
            if !Task.isCancelled { self?.wake() }
        }
    }

    private func wake() {
        let now = ContinuousClock.now
        let due: [Key] = state.withLock { state in
            var due: [Key] = []
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

    /// Works on keys, `workers` at a time, until the queue is closed. A key whose work throws comes back later.
    public func run(workers: Int = 1, _ reconcile: @escaping @Sendable (Key) async throws -> Void,
        onError: @escaping @Sendable (Key, any Error) -> Void = { _, _ in }
    ) async {
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
    }
}
