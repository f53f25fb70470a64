// The probes of one pod: a task for each probe of each running container.

import CRI
import KubeTypes
import Synchronization

/// Keeps probing what runs, and what the probes have found.
final class PodProbes: Sendable {
    private struct Watched {
        var verdict: ProbeVerdict
        var tasks: [(kind: ProbeKind, task: Task<Void, Never>)] = []
    }

    private let state = Mutex<[String: Watched]>([:])
    private let prober: Prober
    /// Called when a verdict has changed.
    private let changed: @Sendable () -> Void
    /// Called with the container's name, the kind of probe and what is wrong.
    private let report: @Sendable (_ container: String, _ kind: ProbeKind, _ outcome: ProbeOutcome) -> Void

    init(
        prober: Prober, changed: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (_ container: String, _ kind: ProbeKind, _ outcome: ProbeOutcome) -> Void
    ) {
        self.prober = prober
        self.changed = changed
        self.report = report
    }

    var verdicts: [String: ProbeVerdict] { state.withLock { $0.mapValues(\.verdict) } }

    /// Begins to probe containers that have started to run and stops with those that have ended.
    /// - Parameter known: What the API says about containers that ran before this agent started: they keep it until
    ///   their probes say otherwise.
    func follow(_ pod: Pod, running: [RuntimeContainerStatus], podIP: String, known: [ContainerStatus]) {
        let ids = Set(running.map(\.id))
        let gone = state.withLock { state in
            let gone = state.filter { !ids.contains($0.key) }
            for id in gone.keys { state[id] = nil }
            return gone
        }
        for watched in gone.values { for probe in watched.tasks { probe.task.cancel() } }
        for status in running {
            guard let container = pod.allContainers.first(where: { $0.name == status.name }) else { continue }
            let isNew = state.withLock { state in
                guard state[status.id] == nil else { return false }
                let before = known.first {
                    $0.name == status.name && ($0.containerID ?? "").hasSuffix("://\(status.id)")
                }
                state[status.id] = Watched(
                    verdict: ProbeVerdict(
                        started: container.startupProbe == nil || before?.started == true,
                        ready: container.readinessProbe == nil || before?.ready == true))
                return true
            }
            if isNew { start(container, status, podIP: podIP) }
        }
    }

    /// The pod is ending: no liveness or startup probe may end a container that is being ended anyway. Whether a container
    /// is ready is asked until it has ended: whoever takes traffic off it waits for the answer.
    func stopDeciding() { stop { $0 != .readiness } }

    func stop() { stop { _ in true } }

    private func stop(_ which: (ProbeKind) -> Bool) {
        let stopped = state.withLock { state in
            var stopped: [Task<Void, Never>] = []
            for id in state.keys {
                stopped += state[id]?.tasks.filter { which($0.kind) }.map(\.task) ?? []
                state[id]?.tasks.removeAll { which($0.kind) }
            }
            return stopped
        }
        for task in stopped { task.cancel() }
    }

    private func start(_ container: Container, _ status: RuntimeContainerStatus, podIP: String) {
        let probes: [(ProbeKind, Probe?)] = [
            (.startup, container.startupProbe), (.liveness, container.livenessProbe),
            (.readiness, container.readinessProbe),
        ]
        for (kind, probe) in probes {
            guard let probe else { continue }
            let task = Task {
                await self.run(kind, probe, container, status.id, Time(nanoseconds: status.startedAt), podIP)
            }
            state.withLock { $0[status.id]?.tasks.append((kind, task)) }
        }
    }

    private func started(_ id: String) -> Bool? { state.withLock { $0[id]?.verdict.started } }

    private func run(
        _ kind: ProbeKind, _ probe: Probe, _ container: Container, _ id: String, _ startedAt: Time, _ podIP: String
    ) async {
        let period = Duration.seconds(max(1, probe.periodSeconds ?? 10))
        let delay = Double(probe.initialDelaySeconds ?? 0) - kubeletNow().since(startedAt)
        if delay > 0 { try? await Task.sleep(for: .seconds(delay)) }
        var counter = ProbeCounter(
            successThreshold: probe.successThreshold ?? 1, failureThreshold: probe.failureThreshold ?? 3)
        // While a container is not ready it is asked more often than its period says, so that it becomes ready soon.
        // Such extra answers count only if they are good.
        var eager = probe.exec == nil && kind != .liveness ? Duration.milliseconds(40) : period
        var nextRegular = ContinuousClock.now
        while !Task.isCancelled {
            guard let started = started(id) else { return }
            if kind == .startup, started { return }
            if kind != .startup, !started {
                try? await Task.sleep(for: .milliseconds(100))
                nextRegular = .now
                continue
            }
            let regular = ContinuousClock.now >= nextRegular
            if regular { nextRegular = .now + period }
            let outcome = await prober.probe(probe, container: container, id: id, podIP: podIP)
            if Task.isCancelled { return }
            var waiting = true
            switch outcome {
            case .success:
                waiting = false
                if let verdict = counter.take(true) { set(id, kind, verdict) }
            case .failure:
                if regular {
                    report(container.name, kind, outcome)
                    if let verdict = counter.take(false) { set(id, kind, verdict) }
                }
            case .error: if regular { report(container.name, kind, outcome) }
            }
            // One that decided a container's fate waits for the next container.
            let verdict = state.withLock { $0[id]?.verdict }
            if kind == .liveness, verdict?.unhealthy == true { return }
            if kind == .startup, verdict?.failedToStart == true || verdict?.started == true { return }
            if waiting, eager < period, kind == .startup || verdict?.ready == false {
                let pause = min(eager, ContinuousClock.now.duration(to: nextRegular))
                eager = min(period, eager * 2)
                try? await Task.sleep(for: max(pause, .milliseconds(10)))
            } else {
                try? await Task.sleep(until: nextRegular, clock: .continuous)
            }
        }
    }

    private func set(_ id: String, _ kind: ProbeKind, _ success: Bool) {
        let different = state.withLock { state in
            guard var verdict = state[id]?.verdict else { return false }
            let before = verdict
            switch kind {
            case .startup: if success { verdict.started = true } else { verdict.failedToStart = true }
            case .liveness: verdict.unhealthy = !success
            case .readiness: verdict.ready = success
            }
            state[id]?.verdict = verdict
            return verdict != before
        }
        if different { changed() }
    }
}
