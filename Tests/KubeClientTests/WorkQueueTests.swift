import KubeClient
import Synchronization
import Testing

/// A clock that a test moves; sleepers wake when their time has come.
final class ManualClock: Sendable {
    private struct State {
        var now = ContinuousClock.now
        var sleepers: [Int: (until: ContinuousClock.Instant, continuation: CheckedContinuation<Void, Never>)] = [:]
        var last = 0
    }
    private let state = Mutex(State())

    var clock: DelayClock {
        DelayClock(now: { self.state.withLock { $0.now } }, sleep: { await self.sleep(until: $0) })
    }

    private func sleep(until: ContinuousClock.Instant) async {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let over = state.withLock { state in
                    if state.now >= until || Task.isCancelled { return true }
                    state.sleepers[number] = (until, continuation)
                    return false
                }
                if over { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume()
        }
    }

    func advance(_ duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}

@Suite struct WorkQueueTests {
    @Test func aKeyWaitsOnce() async {
        let queue = WorkQueue<String>()
        queue.add("a")
        queue.add("b")
        queue.add("a")
        #expect(queue.count == 2)
        #expect(await queue.next() == "a")
        #expect(await queue.next() == "b")
        #expect(queue.count == 0)
    }

    @Test func aKeyInWorkComesBackAfterwards() async {
        let queue = WorkQueue<String>()
        queue.add("a")
        #expect(await queue.next() == "a")
        queue.add("a")
        #expect(queue.count == 0)
        queue.done("a")
        #expect(queue.count == 1)
        #expect(await queue.next() == "a")
        queue.done("a")
        #expect(queue.count == 0)
    }

    @Test func delaysByTheClock() async {
        let time = ManualClock()
        let queue = WorkQueue<String>(clock: time.clock)
        queue.add("late", after: .seconds(10))
        queue.add("soon", after: .seconds(5))
        // A later time does not replace the earlier one; an earlier one does.
        queue.add("soon", after: .seconds(50))
        queue.add("late", after: .seconds(7))
        #expect(queue.delayedCount == 2)
        time.advance(.seconds(5))
        #expect(await queue.next() == "soon")
        #expect(queue.count == 0)
        time.advance(.seconds(2))
        #expect(await queue.next() == "late")
        queue.done("soon")
        queue.done("late")
        time.advance(.seconds(100))
        #expect(queue.delayedCount == 0)
        #expect(queue.count == 0)
    }

    @Test func failuresWaitLongerAndLonger() async {
        let time = ManualClock()
        let queue = WorkQueue<String>(baseDelay: .seconds(1), maximumDelay: .seconds(5), clock: time.clock)
        for delay in [1, 2, 4, 5, 5] {
            queue.addRateLimited("a")
            time.advance(.seconds(delay) - .milliseconds(1))
            #expect(queue.count == 0)
            #expect(queue.delayedCount == 1)
            time.advance(.milliseconds(1))
            #expect(await queue.next() == "a")
            queue.done("a")
        }
        queue.forget("a")
        queue.addRateLimited("a")
        time.advance(.seconds(1))
        #expect(await queue.next() == "a")
    }

    @Test func closingEndsWorkers() async {
        let queue = WorkQueue<Int>()
        async let waiting = queue.next()
        queue.close()
        #expect(await waiting == nil)
        queue.add(1)
        #expect(await queue.next() == nil)
    }

    @Test func cancellationFinishesWhatHasBegun() async {
        let queue = WorkQueue<Int>()
        let finished = Mutex<[Int]>([])
        let (started, start) = AsyncStream<Void>.makeStream()
        let task = Task { @Sendable in
            await queue.run(workers: 2) { key in
                start.yield()
                try? await Task.sleep(for: .milliseconds(20))
                finished.withLock { $0.append(key) }
            }
        }
        queue.add(1)
        for await _ in started { break }
        task.cancel()
        await task.value
        #expect(finished.withLock { $0 } == [1])
    }

    @Test func noKeyIsWorkedOnTwiceAtATime() async {
        let queue = WorkQueue<Int>()
        let state = Mutex((active: Set<Int>(), overlaps: 0, runs: 0))
        let task = Task { @Sendable in
            await queue.run(workers: 8) { key in
                state.withLock { if !$0.active.insert(key).inserted { $0.overlaps += 1 } }
                await Task.yield()
                state.withLock {
                    $0.active.remove(key)
                    $0.runs += 1
                }
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for number in 0..<2000 {
                        queue.add(number % 7)
                        if number % 50 == 0 { await Task.yield() }
                    }
                }
            }
        }
        while queue.count > 0 { await Task.yield() }
        task.cancel()
        await task.value
        #expect(state.withLock { $0.overlaps } == 0)
        #expect(state.withLock { $0.runs } >= 7)
    }

    @Test func errorsBringAKeyBack() async {
        struct Failure: Error {}
        let queue = WorkQueue<String>(baseDelay: .milliseconds(1))
        let attempts = Mutex(0)
        let errors = Mutex(0)
        await queue.run(
            workers: 1,
            queueing("a", on: queue) {
                let attempt = attempts.withLock { count in
                    count += 1
                    return count
                }
                if attempt < 4 { throw Failure() }
                queue.close()
            }, onError: { _, _ in errors.withLock { $0 += 1 } })
        #expect(attempts.withLock { $0 } == 4)
        #expect(errors.withLock { $0 } == 3)
    }

    private func queueing(
        _ key: String, on queue: WorkQueue<String>, _ work: @escaping @Sendable () async throws -> Void
    ) -> @Sendable (String) async throws -> Void {
        queue.add(key)
        return { _ in try await work() }
    }
}
