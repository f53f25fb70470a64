// The heart of the node agent: from what a pod should be and what the runtime shows of it to what is to be done now.

import CRI
import KubeTypes

/// What probes have found out about one container.
struct ProbeVerdict: Sendable, Equatable {
    /// The startup probe has succeeded, or there is none.
    var started = true
    var ready = true
    /// The liveness probe has failed often enough.
    var unhealthy = false
    /// The startup probe has failed often enough.
    var failedToStart = false
}

/// Why a container waits instead of running, as its status tells.
struct WaitingReason: Sendable, Equatable {
    var reason: String
    var message: String
}

/// All that the decision depends on.
struct PodSituation: Sendable {
    var pod: Pod
    var observed: ObservedPod
    /// By container id; a container that is not in it has not been probed yet.
    var probes: [String: ProbeVerdict] = [:]
    /// Restarts, by container name.
    var crashes = Backoff()
    /// Containers that could not be started, and when to try again.
    var failures: [String: (waiting: WaitingReason, retry: Time)] = [:]
    /// Ids of containers that are being stopped.
    var stopping: Set<String> = []
    /// A sandbox or containers are being started: nothing else is begun meanwhile.
    var starting = false
    /// The definition a running container was made from, by container name, as its annotation has it.
    var hashes: [String: String] = [:]
    var now: Time
}

enum StopReason: Sendable, Equatable { case liveness, startup, changed, unknown, podEnds }

enum PodAction: Sendable, Equatable {
    /// Makes a sandbox; one that it replaces is stopped first, with everything in it.
    case createSandbox(attempt: Int, replacing: [String])
    /// Starts containers one after the other.
    case start([String])
    case stop(id: String, name: String, message: String, reason: StopReason)
    /// Ends and removes every container in its sandbox, in this order, so that the pod begins anew (KEP-5532). Those whose
    /// ends ask for it are the last: as long as one of them is there, the work is not done.
    case reset([String])
    /// Every container has come to its end: whatever is left of the pod is stopped.
    case stopAll
}

struct PodStep: Sendable, Equatable {
    var actions: [PodAction] = []
    /// Containers that have to wait before they are started again.
    var waiting: [String: WaitingReason] = [:]
    /// When to look again though nothing happened.
    var lookAgain: Time?

    mutating func lookAgain(_ time: Time) { lookAgain = min(lookAgain ?? time, time) }
}

/// Decides what to do about a pod that is to run.
func nextStep(_ situation: PodSituation) -> PodStep {
    var step = PodStep()
    guard !situation.starting else { return step }
    let pod = situation.pod
    let observed = situation.observed

    if let change = sandboxChange(pod, observed) {
        let regular = Set(pod.spec.containers.map(\.name))
        let anyRegular = observed.containers.contains { regular.contains($0.name) }
        if change.attempt != 0, !observed.containers.isEmpty {
            let policyAllows =
                pod.restartPolicy != "Never"
                || pod.spec.containers.contains { $0.restartPolicy != nil || !$0.restartPolicyRules.isEmpty }
            let pending = pod.spec.containers.contains { container in
                guard let last = observed.latest(container.name), last.state == .exited else { return true }
                return pod.restarts(container, exitCode: last.exitCode)
            }
            if !policyAllows || (!pending && anyRegular) {
                step.actions = [.stopAll]
                return step
            }
        }
        step.actions = [.createSandbox(attempt: change.attempt, replacing: change.replaced)]
        return step
    }

    let reset = containersToReset(pod, observed)
    if !reset.isEmpty {
        step.actions = [.reset(reset)]
        return step
    }

    var starts: [String] = []
    // Whoever looks for a fault does not want to wait for what may never be.
    for container in pod.ephemeralContainers where observed.latest(container.name) == nil {
        planStart(situation, container, last: nil, &step, &starts)
    }
    let initialized = planInitContainers(situation, &step, &starts)
    guard initialized else {
        if !starts.isEmpty { step.actions.append(.start(starts)) }
        return step
    }

    var kept = 0
    for container in pod.spec.containers {
        let name = container.name
        guard let last = observed.latest(name) else {
            kept += 1
            planStart(situation, container, last: nil, &step, &starts)
            continue
        }
        switch last.state {
        case .created, .exited:
            // One that was created and never started failed to start: that is a failure whatever its exit code.
            if pod.restarts(container, exitCode: last.state == .created ? 128 : last.exitCode) {
                kept += 1
                planStart(situation, container, last: last, &step, &starts)
            }
        case .unknown:
            kept += 1
            if !situation.stopping.contains(last.id) {
                step.actions.append(
                    .stop(
                        id: last.id, name: name,
                        message: "Container is in \"unknown\" state, try killing it before restart", reason: .unknown))
            }
        case .running:
            kept += 1
            if situation.stopping.contains(last.id) { continue }
            if let stop = reasonToStop(situation, container, last) { step.actions.append(stop) }
        }
    }
    if kept == 0 {
        step.actions = [.stopAll]
        return step
    }
    if !starts.isEmpty { step.actions.append(.start(starts)) }
    return step
}

/// Ids of all containers, where one has ended in a way that by its rules restarts them all; none otherwise.
private func containersToReset(_ pod: Pod, _ observed: ObservedPod) -> [String] {
    func asks(_ container: Container, _ status: RuntimeContainerStatus) -> Bool {
        status.state == .exited && pod.restartsAll(container, exitCode: status.exitCode)
    }
    let all = pod.spec.containers + pod.spec.initContainers
    guard all.contains(where: { container in observed.latest(container.name).map { asks(container, $0) } ?? false })
    else { return [] }
    var others: [String] = []
    var sources: [String] = []
    for container in all {
        for status in observed.containers where status.name == container.name {
            if asks(container, status) { sources.append(status.id) } else { others.append(status.id) }
        }
    }
    return others + sources
}

/// Whether a new sandbox is needed: its number, and those that it replaces.
private func sandboxChange(_ pod: Pod, _ observed: ObservedPod) -> (attempt: Int, replaced: [String])? {
    guard let newest = observed.sandboxes.first else { return (0, []) }
    let attempt = newest.sandbox.metadata.attempt + 1
    let all = observed.sandboxes.map(\.sandbox.id)
    guard observed.readySandbox != nil else { return (attempt, all) }
    if (newest.networkMode == .node) != pod.isHostNetwork { return (attempt, all) }
    if !pod.isHostNetwork, newest.ips.isEmpty { return (attempt, all) }
    return nil
}

/// Init containers run one after the other to their end; sidecars among them are started and left running.
/// - Returns: whether the pod's other containers may run.
private func planInitContainers(_ situation: PodSituation, _ step: inout PodStep, _ starts: inout [String]) -> Bool {
    let pod = situation.pod
    let observed = situation.observed
    guard !pod.spec.initContainers.isEmpty else { return true }
    let regular = Set(pod.spec.containers.map(\.name))
    let sandbox = observed.readySandbox?.sandbox
    // Containers of an earlier sandbox say nothing about this one's initialization.
    let done = observed.containers.contains { regular.contains($0.name) && $0.createdAt >= (sandbox?.createdAt ?? 0) }
    for container in pod.spec.initContainers {
        var last = observed.latest(container.name)
        if let found = last, let sandbox, found.createdAt < sandbox.createdAt, !done { last = nil }
        if container.isSidecar {
            guard let last else {
                planStart(situation, container, last: nil, &step, &starts)
                if done { continue }
                return false
            }
            switch last.state {
            case .running:
                if situation.stopping.contains(last.id) {
                    if done { continue }
                    return false
                }
                if let stop = reasonToStop(situation, container, last) {
                    step.actions.append(stop)
                } else if situation.probes[last.id]?.started ?? (container.startupProbe == nil) {
                    continue
                }
            case .exited, .created:
                planStart(situation, container, last: last, &step, &starts)
            case .unknown:
                step.actions.append(
                    .stop(
                        id: last.id, name: container.name,
                        message: "Container is in \"unknown\" state, try killing it before restart", reason: .unknown))
            }
            if done { continue }
            return false
        }
        if done { continue }
        guard let last else {
            planStart(situation, container, last: nil, &step, &starts)
            return false
        }
        switch last.state {
        case .exited where last.exitCode == 0: continue
        case .exited, .created:
            let code = last.state == .created ? 128 : last.exitCode
            if !pod.restarts(container, exitCode: code) {
                step.actions.append(.stopAll)
            } else {
                planStart(situation, container, last: last, &step, &starts)
            }
        case .running: break
        case .unknown:
            step.actions.append(
                .stop(
                    id: last.id, name: container.name,
                    message: "Container is in \"unknown\" state, try killing it before restart", reason: .unknown))
        }
        return false
    }
    return true
}

/// Starts a container, unless it has to wait after a crash or a failed start.
private func planStart(
    _ situation: PodSituation, _ container: Container, last: RuntimeContainerStatus?, _ step: inout PodStep,
    _ starts: inout [String]
) {
    let name = container.name
    if let last, last.state == .exited,
        let wait = situation.crashes.waiting(name, since: last.finished, now: situation.now)
    {
        step.waiting[name] = WaitingReason(
            reason: "CrashLoopBackOff",
            message: "back-off \(goDuration(seconds: wait.delay)) restarting failed container=\(name) "
                + "pod=\(situation.pod.logName)")
        step.lookAgain(wait.until)
        return
    }
    if let failure = situation.failures[name] {
        step.waiting[name] = failure.waiting
        if situation.now < failure.retry {
            step.lookAgain(failure.retry)
            return
        }
    }
    starts.append(name)
}

/// Why a running container has to end though its pod goes on.
private func reasonToStop(
    _ situation: PodSituation, _ container: Container, _ status: RuntimeContainerStatus
) -> PodAction? {
    let name = container.name
    let verdict = situation.probes[status.id]
    var message: String
    var reason: StopReason
    if let made = status.annotations[RuntimeKeys.hash], let wanted = situation.hashes[name], made != wanted {
        return .stop(
            id: status.id, name: name, message: "Container \(name) definition changed, will be restarted",
            reason: .changed)
    } else if verdict?.unhealthy == true {
        message = "Container \(name) failed liveness probe"
        reason = .liveness
    } else if verdict?.failedToStart == true {
        message = "Container \(name) failed startup probe"
        reason = .startup
    } else {
        return nil
    }
    if (container.restartPolicy ?? situation.pod.restartPolicy) != "Never" { message += ", will be restarted" }
    return .stop(id: status.id, name: name, message: message, reason: reason)
}
