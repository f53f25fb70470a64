// The status of a pod as the API shows it, from what the runtime shows and what the agent knows beside.

import CRI
import JSON
import KubeTypes

struct PodStatusInput: Sendable {
    var pod: Pod
    var observed: ObservedPod
    /// The status reported last; the API's at first.
    var previous: PodStatus
    var probes: [String: ProbeVerdict] = [:]
    /// Containers that wait, and why.
    var waiting: [String: WaitingReason] = [:]
    /// No container will be started any more: the pod is deleted, past its deadline, or done.
    var isTerminal = false
    /// Set where the agent itself ends the pod: reason and message of its failure.
    var failure: WaitingReason?
    var hostIPs: [String]
    /// Messages that containers left behind, by container id.
    var terminationMessages: [String: String] = [:]
    var runtimeName = "containerd"
    /// What running containers were given last, by container id, where that is not what they were allocated.
    var actuated: [String: ResourceRequirements] = [:]
    /// A resize that has not been taken up, and why; and one under way.
    var resizePending: WaitingReason?
    var resizeInProgress: WaitingReason?
    /// Digests of images that are mounted as volumes, by the volumes' names.
    var imageVolumes: [String: String] = [:]
    /// The node itself ends the pod (KEP-3329).
    var disruption: WaitingReason?
    var features = RuntimeFeatures()
    /// All containers are being removed to start anew.
    var isRestartingAll = false
    /// The generation of the pod's spec that this status is about.
    var generation: Int?
    var now: Time
}

/// Computes the status. What other components wrote into it (readiness gates, disruption) stays.
func podStatus(_ input: PodStatusInput) -> PodStatus {
    let pod = input.pod
    let old = input.previous
    var status = PodStatus()
    status.observedGeneration = input.generation ?? pod.metadata.generation
    status.qosClass = PodQoS(of: pod).rawValue

    let hasInit = !pod.spec.initContainers.isEmpty
    status.initContainerStatuses = pod.spec.initContainers.map {
        containerStatus(input, $0, isInit: true, old.initContainerStatuses, defaultReason: "PodInitializing")
    }
    status.containerStatuses = pod.spec.containers.sorted { $0.name < $1.name }.map {
        containerStatus(
            input, $0, isInit: false, old.containerStatuses,
            defaultReason: hasInit ? "PodInitializing" : "ContainerCreating")
    }
    status.ephemeralContainerStatuses = pod.ephemeralContainers.map {
        containerStatus(
            input, $0, isInit: false, old.ephemeralContainerStatuses,
            defaultReason: hasInit ? "PodInitializing" : "ContainerCreating")
    }
    let all = status.initContainerStatuses + status.containerStatuses

    var phase = input.failure == nil ? podPhase(pod, all, isTerminal: input.isTerminal) : "Failed"
    // A phase that says that the pod is over is final.
    if let final = [old.phase, pod.status.phase].compactMap({ $0 }).first(where: { $0 == "Succeeded" || $0 == "Failed" }
    ) {
        phase = final
    }
    status.phase = phase
    if phase == old.phase {
        status.reason = old.reason
        status.message = old.message
    }
    if let failure = input.failure {
        status.reason = failure.reason
        status.message = failure.message
    }

    addResources(pod, &status)
    addAddresses(input, &status)
    status.startTime = old.startTime ?? pod.status.startTime ?? input.now
    addConditions(input, &status, all)
    for field in ["nominatedNodeName", "resourceClaimStatuses", "extendedResourceClaimStatus", "resize"] {
        if let value = pod.status.json[field] { status.json[field] = value }
    }
    return status
}

/// What the pod as a whole has: its own resources, or those of its containers together.
private func addResources(_ pod: Pod, _ status: inout PodStatus) {
    let requests = PodResources.total(.requests, of: pod.spec.json, overhead: true)
    var limits = PodResources.total(.limits, of: pod.spec.json, overhead: true)
    status.allocatedResources = requests
    if status.phase == "Running" {
        // Only what the control group is limited to.
        let actual = CgroupLimits(of: pod)
        if actual.cpuQuota == nil { limits["cpu"] = nil }
        if actual.memory == nil { limits["memory"] = nil }
    }
    var resources = pod.spec.resources ?? ResourceRequirements()
    resources.requests = requests
    resources.limits = limits
    status.resources = resources
}

private func addAddresses(_ input: PodStatusInput, _ status: inout PodStatus) {
    status.hostIP = input.hostIPs.first
    status.hostIPs = input.hostIPs.map { ip in
        var address = HostIP()
        address.ip = ip
        return address
    }
    var ips: [String] = []
    if input.pod.isHostNetwork {
        if !input.observed.sandboxes.isEmpty || input.previous.podIP != nil { ips = input.hostIPs }
    } else if let sandbox = input.observed.sandboxes.first, !sandbox.ips.isEmpty {
        ips = sandbox.ips
    } else if input.isTerminal {
        // A pod that is over keeps showing the address it had.
        ips = input.previous.podIPs.map(\.ip)
    }
    status.podIP = ips.first
    status.podIPs = ips.map { ip in
        var address = PodIP()
        address.ip = ip
        return address
    }
}

// MARK: Containers

private func containerStatus(
    _ input: PodStatusInput, _ container: Container, isInit: Bool, _ previous: [ContainerStatus], defaultReason: String
) -> ContainerStatus {
    let pod = input.pod
    let old = previous.first { $0.name == container.name }
    let found = input.observed.containers.filter { $0.name == container.name }
    var status = ContainerStatus()
    status.name = container.name
    status.ready = false
    status.started = false
    status.image = container.image ?? ""
    status.imageID = ""
    status.restartCount = old?.restartCount ?? 0
    status.lastState = old?.lastState

    if let latest = found.first {
        status.restartCount = max(latest.restartCount, old?.restartCount ?? 0)
        status.image =
            latest.image.isEmpty || latest.image.hasPrefix("sha256:") ? (container.image ?? "") : latest.image
        status.imageID = latest.imageRef
        status.containerID = "\(input.runtimeName)://\(latest.id)"
        if let old, old.containerID != status.containerID, let ended = old.state?.terminated {
            status.lastState = state(terminated: ended)
        }
        if found.count > 1, found[1].state == .exited {
            status.lastState = state(terminated: terminated(found[1], input))
        }
        switch latest.state {
        case .running: status.state = state(running: latest)
        case .exited: status.state = state(terminated: terminated(latest, input))
        case .created: status.state = state(waiting: WaitingReason(reason: defaultReason, message: ""))
        case .unknown:
            if old?.state?.running != nil {
                var ended = ContainerStateTerminated()
                ended.reason = "ContainerStatusUnknown"
                ended.message = "The container could not be located when the pod was terminated"
                ended.exitCode = 137
                status.state = state(terminated: ended)
            } else {
                status.state = state(waiting: WaitingReason(reason: defaultReason, message: ""))
            }
        }
        if latest.state == .running {
            let verdict = input.probes[latest.id]
            let started = verdict?.started ?? (container.startupProbe == nil)
            status.started = started
            // An init container is ready when it has done its work, not while it does it.
            let mayBeReady = !isInit || container.isSidecar
            status.ready = started && mayBeReady && (verdict?.ready ?? (container.readinessProbe == nil))
        } else if latest.state == .exited {
            status.started = false
            // An init container that did its work counts as ready.
            status.ready = isInit && !container.isSidecar && latest.exitCode == 0
        }
    } else if input.isRestartingAll, let old, old.state?.waiting == nil {
        let message = "The container is removed because RestartAllContainers in place"
        var ended = ContainerStateTerminated()
        ended.reason = restartingAll
        ended.message = message
        ended.exitCode = 137
        status.lastState = state(terminated: ended)
        status.state = state(waiting: WaitingReason(reason: restartingAll, message: message))
        status.restartCount += 1
    } else if let old, let ended = old.state?.terminated {
        // The runtime has forgotten it; the API has not.
        status = old
        if isInit, ended.exitCode == 0 { status.ready = true }
    } else if let old, old.state?.running != nil {
        var ended = ContainerStateTerminated()
        ended.reason = "ContainerStatusUnknown"
        ended.message = "The container could not be located when the pod was deleted.  The container used to be Running"
        ended.exitCode = 137
        status.lastState = state(terminated: ended)
        if !pod.isBeingDeleted { status.restartCount += 1 }
        status.state = state(waiting: WaitingReason(reason: defaultReason, message: ""))
    } else {
        status.state = state(waiting: WaitingReason(reason: defaultReason, message: ""))
    }

    if let waiting = input.waiting[container.name], status.state?.running == nil, !input.isTerminal {
        if let ended = status.state?.terminated { status.lastState = state(terminated: ended) }
        status.state = state(waiting: waiting)
        status.ready = false
    }
    // Upstream always writes the field.
    if status.lastState == nil { status.lastState = ContainerState() }
    let mounts = container.volumeMounts.map { mount in
        var shown = VolumeMountStatus()
        shown.name = mount.name
        shown.mountPath = mount.mountPath
        if mount.readOnly == true {
            shown.readOnly = true
            shown.recursiveReadOnly = mount.isReadOnlyRecursively(input.features) ? "Enabled" : "Disabled"
        }
        if let reference = input.imageVolumes[mount.name] {
            shown.json["volumeStatus"] = ["image": ["imageRef": .string(reference)]]
        }
        return shown
    }
    status.volumeMounts = mounts
    let isEphemeral = pod.spec.ephemeralContainers.contains { $0.name == container.name }
    if let resources = container.resources, !isEphemeral {
        let latest = found.first
        status.resources = latest.flatMap { $0.state == .running ? input.actuated[$0.id] : nil } ?? resources
        status.allocatedResources = resources.requests
    }
    if let signal = container.lifecycle?.stopSignal { status.stopSignal = signal }
    return status
}

/// What a container's status says that was removed because all of its pod's are started anew.
private let restartingAll = "RestartingAllContainers"

private func state(running status: RuntimeContainerStatus) -> ContainerState {
    var running = ContainerStateRunning()
    running.startedAt = Time(nanoseconds: status.startedAt)
    var state = ContainerState()
    state.running = running
    return state
}

private func state(terminated: ContainerStateTerminated) -> ContainerState {
    var state = ContainerState()
    state.terminated = terminated
    return state
}

private func state(waiting reason: WaitingReason) -> ContainerState {
    var waiting = ContainerStateWaiting()
    waiting.reason = reason.reason.isEmpty ? nil : reason.reason
    waiting.message = reason.message.isEmpty ? nil : reason.message
    var state = ContainerState()
    state.waiting = waiting
    return state
}

private func terminated(_ status: RuntimeContainerStatus, _ input: PodStatusInput) -> ContainerStateTerminated {
    var ended = ContainerStateTerminated()
    ended.exitCode = status.exitCode
    ended.reason = status.reason.isEmpty ? (status.exitCode == 0 ? "Completed" : "Error") : status.reason
    let left = input.terminationMessages[status.id] ?? ""
    let message = status.message.isEmpty ? left : left.isEmpty ? status.message : "\(left): \(status.message)"
    ended.message = message.isEmpty ? nil : message
    ended.startedAt = Time(nanoseconds: status.startedAt)
    ended.finishedAt = Time(nanoseconds: status.finishedAt)
    ended.containerID = "\(input.runtimeName)://\(status.id)"
    return ended
}

// MARK: Phase

/// The phase that follows from the states of a pod's containers.
func podPhase(_ pod: Pod, _ statuses: [ContainerStatus], isTerminal: Bool) -> String {
    func find(_ container: Container) -> ContainerStatus? { statuses.first { $0.name == container.name } }
    /// How the container ended, now or before it came to wait.
    func end(_ status: ContainerStatus) -> ContainerStateTerminated? {
        status.state?.terminated ?? (status.state?.waiting != nil ? status.lastState?.terminated : nil)
    }
    func ended(_ status: ContainerStatus) -> Int? { end(status)?.exitCode }
    func isRestarted(_ container: Container, _ status: ContainerStatus, _ code: Int) -> Bool {
        pod.restarts(container, exitCode: code) || end(status)?.reason == restartingAll
    }
    let anyRegularStarted = pod.spec.containers.contains { container in
        guard let status = find(container) else { return false }
        return status.state?.running != nil || ended(status) != nil
    }
    var pendingInit = 0
    for container in pod.spec.initContainers {
        guard let status = find(container) else {
            pendingInit += 1
            continue
        }
        if container.isSidecar {
            if status.state?.running != nil {
                if status.started != true, !anyRegularStarted { pendingInit += 1 }
            } else if ended(status) == nil, !anyRegularStarted {
                pendingInit += 1
            }
        } else if let code = ended(status) {
            if code != 0, !isRestarted(container, status, code) { return "Failed" }
        } else {
            pendingInit += 1
        }
    }
    var running = 0
    var waiting = 0
    var stopped = 0
    var final = 0
    var succeeded = 0
    for container in pod.spec.containers {
        guard let status = find(container) else { return "Pending" }
        if status.state?.running != nil {
            running += 1
        } else if let code = ended(status) {
            stopped += 1
            if !isRestarted(container, status, code) { final += 1 }
            if code == 0 { succeeded += 1 }
        } else {
            waiting += 1
        }
    }
    if pendingInit > 0 || waiting > 0 {
        // Nothing more will start: what never ran has failed.
        if isTerminal, running == 0, stopped > 0, pendingInit == 0 { return "Failed" }
        return "Pending"
    }
    if running > 0 { return "Running" }
    guard stopped > 0 else { return "Pending" }
    if isTerminal || final == stopped { return succeeded == stopped ? "Succeeded" : "Failed" }
    return "Running"
}

// MARK: Conditions

enum PodConditions {
    /// Those that only the node agent writes.
    static let own: Set<String> = [
        "PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodResizePending",
        "PodResizeInProgress", "AllContainersRestarting",
    ]
}

private func addConditions(_ input: PodStatusInput, _ status: inout PodStatus, _ all: [ContainerStatus]) {
    let pod = input.pod
    let own = PodConditions.own
    let foreign = pod.status.conditions.filter { condition in
        !own.contains(condition.type) && !(condition.type == "DisruptionTarget" && input.disruption != nil)
    }
    let before = input.previous.conditions + pod.status.conditions
    func condition(_ type: String, _ met: Bool, _ reason: String = "", _ message: String = "") -> PodCondition {
        let value = met ? "True" : "False"
        let old = before.first { $0.type == type }
        var condition = PodCondition()
        condition.json["type"] = .string(type)
        condition.observedGeneration = input.generation ?? pod.metadata.generation
        condition.status = value
        // Written as null where there was none, as upstream does.
        condition.json["lastProbeTime"] = .null
        condition.lastTransitionTime = old?.status == value ? old?.lastTransitionTime ?? input.now : input.now
        if !reason.isEmpty { condition.reason = reason }
        if !message.isEmpty { condition.message = message }
        return condition
    }

    let sandboxReady = input.observed.readySandbox != nil
    var conditions = [condition("PodReadyToStartContainers", sandboxReady)]

    let incomplete = pod.spec.initContainers.filter { container in
        guard let found = all.first(where: { $0.name == container.name }) else { return true }
        return container.isSidecar ? found.started != true : !found.ready
    }
    let regular = Set(pod.spec.containers.map(\.name))
    let anyStarted = all.contains {
        regular.contains($0.name)
            && ($0.state?.running != nil || $0.state?.terminated != nil || $0.lastState?.terminated != nil)
    }
    if status.phase == "Succeeded" {
        conditions.append(condition("Initialized", true, "PodCompleted"))
    } else if incomplete.isEmpty || anyStarted {
        conditions.append(condition("Initialized", true))
    } else {
        let names = incomplete.map(\.name).joined(separator: " ")
        conditions.append(
            condition(
                "Initialized", false, "ContainersNotInitialized", "containers with incomplete status: [\(names)]"))
    }

    let needed = pod.spec.initContainers.filter(\.isSidecar) + pod.spec.containers
    let unready = needed.filter { container in !(all.first { $0.name == container.name }?.ready ?? false) }
    var reason = ""
    var message = ""
    if status.phase == "Succeeded" {
        reason = "PodCompleted"
    } else if status.phase == "Failed" {
        reason = "PodFailed"
    } else if !unready.isEmpty {
        reason = "ContainersNotReady"
        message = "containers with unready status: [\(unready.map(\.name).joined(separator: " "))]"
    }
    let containersReady = reason.isEmpty
    var readyReason = reason
    var readyMessage = message
    if containersReady {
        let complaints = pod.spec.readinessGates.compactMap { gate -> String? in
            guard let found = foreign.first(where: { $0.type == gate.conditionType }) else {
                return "corresponding condition of pod readiness gate \"\(gate.conditionType)\" does not exist."
            }
            return found.status == "True"
                ? nil
                : "the status of pod readiness gate \"\(gate.conditionType)\" is not \"True\", but \(found.status)"
        }
        if !complaints.isEmpty {
            readyReason = "ReadinessGatesNotReady"
            readyMessage = complaints.joined(separator: ", ")
        }
    }
    conditions.append(condition("Ready", readyReason.isEmpty, readyReason, readyMessage))
    conditions.append(condition("ContainersReady", containersReady, reason, message))
    conditions.append(condition("PodScheduled", true))
    if let pending = input.resizePending {
        conditions.append(condition("PodResizePending", true, pending.reason, pending.message))
    }
    if let progress = input.resizeInProgress {
        conditions.append(condition("PodResizeInProgress", true, progress.reason, progress.message))
    }
    if pod.mayRestartAll {
        let isOver = status.phase == "Succeeded" || status.phase == "Failed"
        conditions.append(
            input.isRestartingAll && !isOver
                ? condition(
                    "AllContainersRestarting", true, "RestartAllContainersStarted",
                    "container exited with restart policy rule")
                : condition(
                    "AllContainersRestarting", false,
                    status.phase == "Succeeded" ? "PodCompleted" : status.phase == "Failed" ? "PodFailed" : ""))
    }
    if let disruption = input.disruption {
        conditions.append(condition("DisruptionTarget", true, disruption.reason, disruption.message))
    }
    status.conditions = foreign + conditions
}
