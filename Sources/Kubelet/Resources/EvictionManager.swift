// Looking after the node's resources: pods that go beyond their limits on disk, and pods that have to go for others.

import CRI
import KubeTypes
import Logging
import Synchronization

/// What the node's conditions say about pressure, and since when it is over.
final class NodePressure: Sendable {
    private struct State {
        var present: Set<String> = []
        var seen: [String: Time] = [:]
    }

    private let state = Mutex(State())
    private let transition: Double

    /// - Parameter transition: Seconds for which a condition stays after the pressure is over, so that it does not go back
    ///   and forth.
    init(transition: Double = 300) { self.transition = transition }

    /// `MemoryPressure`, `DiskPressure`, `PIDPressure`
    var conditions: Set<String> { state.withLock { $0.present } }

    /// - Returns: whether a condition has changed.
    func update(_ crossed: Set<String>, now: Time) -> Bool {
        state.withLock { state in
            for name in crossed { state.seen[name] = now }
            let present = Set(
                state.seen.filter { now.since($0.value) < transition || crossed.contains($0.key) }.keys)
            defer { state.present = present }
            return present != state.present
        }
    }
}

/// Remembers since when thresholds are crossed, and says which of them calls for an eviction now.
struct EvictionWatch: Sendable {
    /// A threshold that calls for a pod to go.
    struct Call: Sendable, Equatable {
        var signal: EvictionSignal
        var threshold: EvictionThreshold
        /// Seconds that the pod is given at most; nil where there is no time to lose.
        var grace: Int?
    }

    let policy: EvictionPolicy
    private var since: [EvictionSignal: Time] = [:]

    init(_ policy: EvictionPolicy) { self.policy = policy }

    /// - Returns: the signals that are crossed, softly or not, which makes the node's conditions, and the most urgent call.
    mutating func look(_ stats: NodeStats, now: Time) -> (crossed: [EvictionSignal], call: Call?) {
        let hard = EvictionRules.crossed(stats, policy.hard)
        let soft = EvictionRules.crossed(stats, policy.soft)
        since = since.filter { soft.contains($0.key) }
        for signal in soft where since[signal] == nil { since[signal] = now }
        let both = EvictionSignal.allCases.filter { hard.contains($0) || soft.contains($0) }
        for signal in both {
            if hard.contains(signal), let threshold = policy.hard[signal] {
                return (both, Call(signal: signal, threshold: threshold))
            }
            if let begun = since[signal], let threshold = policy.soft[signal],
                now.since(begun) >= policy.softGrace[signal] ?? 0
            {
                return (both, Call(signal: signal, threshold: threshold, grace: policy.maxPodGrace))
            }
        }
        return (both, nil)
    }
}

struct EvictionManager: Sendable {
    let stats: NodeStatsCollector
    let policy: EvictionPolicy
    let pressure: NodePressure
    let images: ImageCollector
    let evict: @Sendable (Pod, PodWorker.Eviction) -> Void
    let reporter: PodReporter
    let now: @Sendable () -> Time
    let logger: Logger
    /// Seconds between two looks.
    var interval = 10.0

    func run() async {
        var watch = EvictionWatch(policy)
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(interval)) } catch { return }
            let measured = await stats.stats()
            enforceLimits(measured)
            await relieve(measured, &watch)
        }
    }

    private func enforceLimits(_ stats: NodeStats) {
        for use in stats.pods where !use.pod.isFinished && !use.pod.isBeingDeleted && !EvictionRules.isCritical(use.pod)
        {
            if let problem = EvictionRules.localStorageProblem(use) { end(use.pod, problem, grace: nil) }
        }
    }

    private func relieve(_ stats: NodeStats, _ watch: inout EvictionWatch) async {
        let (crossed, call) = watch.look(stats, now: now())
        if pressure.update(Set(crossed.map(\.condition)), now: now()) {
            logger.warning("node pressure: \(pressure.conditions.sorted().joined(separator: ", "))")
        }
        guard let call else { return }
        if call.signal.condition == "DiskPressure", await images.removeUnused() {
            // Perhaps that was enough: the next look tells.
            return
        }
        guard let victim = EvictionRules.ranked(stats.pods, by: call.signal).first else {
            logger.warning("the node is low on \(call.signal.resource), and there is no pod to evict")
            return
        }
        let (available, capacity) = EvictionRules.observe(stats, call.signal)
        let message = EvictionRules.message(
            victim, call.signal, available: available, threshold: call.threshold.value(of: capacity))
        end(victim.pod, message, grace: call.grace)
    }

    private func end(_ pod: Pod, _ message: String, grace: Int?) {
        reporter.warning(pod, nil, "Evicted", message)
        let seconds = grace.map { min($0, pod.spec.terminationGracePeriodSeconds ?? 30) } ?? 0
        evict(pod, PodWorker.Eviction(failure: WaitingReason(reason: "Evicted", message: message), grace: seconds))
    }
}
