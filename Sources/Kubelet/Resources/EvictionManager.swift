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
    /// Seconds for which a condition stays after the pressure is over, so that it does not go back and forth.
    static let transition = 300.0

    /// `MemoryPressure`, `DiskPressure`, `PIDPressure`
    var conditions: Set<String> { state.withLock { $0.present } }

    /// - Returns: whether a condition has changed.
    func update(_ crossed: Set<String>, now: Time) -> Bool {
        state.withLock { state in
            for name in crossed { state.seen[name] = now }
            let present = Set(
                state.seen.filter { now.since($0.value) < Self.transition || crossed.contains($0.key) }.keys)
            defer { state.present = present }
            return present != state.present
        }
    }
}

struct EvictionManager: Sendable {
    let stats: NodeStatsCollector
    let thresholds: [EvictionSignal: EvictionThreshold]
    let pressure: NodePressure
    let images: ImageCollector
    let evict: @Sendable (Pod, PodWorker.Eviction) -> Void
    let reporter: PodReporter
    let now: @Sendable () -> Time
    let logger: Logger
    /// Seconds between two looks.
    var interval = 10.0

    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(interval)) } catch { return }
            let measured = await stats.stats()
            enforceLimits(measured)
            await relieve(measured)
        }
    }

    private func enforceLimits(_ stats: NodeStats) {
        for use in stats.pods where !use.pod.isFinished && !use.pod.isBeingDeleted && !EvictionRules.isCritical(use.pod)
        {
            if let problem = EvictionRules.localStorageProblem(use) { end(use.pod, problem) }
        }
    }

    private func relieve(_ stats: NodeStats) async {
        let crossed = EvictionRules.crossed(stats, thresholds)
        if pressure.update(Set(crossed.map(\.condition)), now: now()) {
            logger.warning("node pressure: \(pressure.conditions.sorted().joined(separator: ", "))")
        }
        guard let signal = crossed.first, let threshold = thresholds[signal] else { return }
        if signal == .nodeDisk || signal == .nodeInodes, await images.removeUnused() {
            // Perhaps that was enough: the next look tells.
            return
        }
        guard let victim = EvictionRules.ranked(stats.pods, by: signal).first else {
            logger.warning("the node is low on \(signal.resource), and there is no pod to evict")
            return
        }
        let (available, capacity) = EvictionRules.observe(stats, signal)
        end(
            victim.pod,
            EvictionRules.message(victim, signal, available: available, threshold: threshold.value(of: capacity)))
    }

    private func end(_ pod: Pod, _ message: String) {
        reporter.warning(pod, nil, "Evicted", message)
        evict(pod, PodWorker.Eviction(failure: WaitingReason(reason: "Evicted", message: message), grace: 0))
    }
}
