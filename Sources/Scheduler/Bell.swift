// How tasks of the scheduler wait: for a ring, and for one of so many permits.
import Synchronization

/// Wakes the one task that waits; a ring while nobody waits is remembered.
final class Bell: Sendable {
    private struct State {
        var rung = false
        var waiter: (id: Int, continuation: CheckedContinuation<Void, Never>)?
        var last = 0
    }
    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            state.rung = state.waiter == nil
            return state.waiter
        }
        waiter?.continuation.resume()
    }

    /// Returns at the next ring, at `deadline`, or when the task is cancelled.
    func wait(until deadline: ContinuousClock.Instant) async {
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            if !Task.isCancelled { ring() }
        }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.rung || Task.isCancelled {
                        state.rung = false
                        return true
                    }
                    state.last += 1
                    state.waiter = (state.last, continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }
}

/// So many may go on at a time.
final class Permits: Sendable {
    private let state: Mutex<(left: Int, waiting: [CheckedContinuation<Void, Never>])>

    init(_ count: Int) { state = Mutex((left: count, waiting: [])) }

    func take() async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state in
                guard state.left > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.left -= 1
                return true
            }
            if now { continuation.resume() }
        }
    }

    func giveBack() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.left += 1
                return Optional<CheckedContinuation<Void, Never>>.none
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}

/// Wakes everyone who waits. Who takes a ticket before looking misses no ring.
final class Broadcast: Sendable {
    private struct State {
        var number = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var last = 0
    }
    private let state = Mutex(State())

    func ring() {
        let waiters = state.withLock { state in
            state.number += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    func ticket() -> Int { state.withLock { $0.number } }

    /// Returns at the first ring after the ticket was taken, at `deadline`, or when the task is cancelled.
    func wait(for ticket: Int, until deadline: ContinuousClock.Instant) async {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            wake(id)
        }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.number != ticket || Task.isCancelled || ContinuousClock.now >= deadline { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: Int) { state.withLock { $0.waiters.removeValue(forKey: id) }?.resume() }
}
