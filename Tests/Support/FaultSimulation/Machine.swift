// The machine that the simulated cluster runs on: one thread, a clock that moves when there is nothing to do, and
// randomness from a seed.
import CSimulatedSystem
import HeapModule

/// Runs one piece of work after the other, each chosen at random among those that could run. As everything in the
/// process is handed to it (jobs of Swift's tasks, the store's work, timers), the seed decides all that happens.
///
/// Not protected against threads: there is one.
final class Machine: @unchecked Sendable {
    /// The runtime's hooks are functions without a context.
    static let shared = Machine()

    private enum Work {
        case job(UnsafeMutableRawPointer)
        case function(@convention(c) (UnsafeMutableRawPointer?) -> Void, UnsafeMutableRawPointer?)
        case call(@Sendable () -> Void)
    }

    private struct Timer: Comparable {
        let due: Int64
        let number: Int
        static func < (left: Timer, right: Timer) -> Bool { (left.due, left.number) < (right.due, right.number) }
        static func == (left: Timer, right: Timer) -> Bool { left.number == right.number }
    }

    /// What a piece of work takes, in nanoseconds: whoever goes round in circles sees the time pass.
    private static let workTime: Int64 = 2000

    private var ready: [Work] = []
    private var timers = Heap<Timer>()
    private var timed: [Int: Work] = [:]
    private var lastTimer = 0
    /// Nanoseconds since the simulation began.
    private(set) var now: Int64 = 0
    private(set) var steps = 0
    /// Prints every step, to find where two runs part.
    var tracesSteps = false

    var seconds: Double { Double(now) / 1e9 }

    func begin(seed: UInt64) {
        simulated_system_begin(
            seed, { Machine.shared.ready.append(.job($0)) },
            { context, work, due in _ = Machine.shared.put(.function(work, context), at: due) })
    }

    // MARK: Randomness

    func random(below limit: Int) -> Int { Int(simulated_system_random() % UInt64(limit)) }

    func chance(_ probability: Double) -> Bool { fraction() < probability }

    /// From 0 to 1.
    func fraction() -> Double { Double(simulated_system_random() >> 11) / Double(1 << 53) }

    func between(_ least: Double, _ most: Double) -> Double { least + (most - least) * fraction() }

    // MARK: Work

    /// Runs the function soon.
    func call(_ work: @escaping @Sendable () -> Void) { ready.append(.call(work)) }

    /// Runs the function at a time; returns what cancels it.
    func call(at due: Int64, _ work: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
        let number = put(.call(work), at: due)
        return { Machine.shared.timed[number] = nil }
    }

    private func put(_ work: Work, at due: Int64) -> Int {
        lastTimer += 1
        timed[lastTimer] = work
        timers.insert(Timer(due: due, number: lastTimer))
        return lastTimer
    }

    /// Lets so many seconds pass, whether the task is cancelled or not.
    func pause(_ seconds: Double) async {
        let due = now + Int64(seconds * 1e9)
        await withCheckedContinuation { continuation in
            _ = put(.call { continuation.resume() }, at: due)
        }
    }

    /// Runs until `isOver`. False: there was nothing left to do, or too much (more than `limit` pieces of work).
    func run(limit: Int, until isOver: () -> Bool) -> Bool {
        while !isOver() {
            steps += 1
            if steps > limit { return false }
            while let first = timers.min, first.due <= now || timed[first.number] == nil || ready.isEmpty {
                timers.removeMin()
                guard let work = timed.removeValue(forKey: first.number) else { continue }
                now = max(now, first.due)
                ready.append(work)
            }
            guard !ready.isEmpty else { return false }
            ready.swapAt(random(below: ready.count), ready.count - 1)
            now += Self.workTime
            simulated_system_set_time(now)
            if tracesSteps { print("step \(steps) at \(now) of \(ready.count + 1), \(timed.count) timers") }
            switch ready.removeLast() {
            case .job(let job): simulated_system_run(job)
            case .function(let work, let context): work(context)
            case .call(let work): work()
            }
        }
        return true
    }
}
