// One pod on this node, from the moment it is assigned here until nothing of it is left.

import CRI
import Glibc
import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// What the workers of all pods have in common.
struct PodWorkerContext: Sendable {
    let client: KubeClient
    let runtime: any RuntimeService
    let executor: PodExecutor
    let reporter: PodReporter
    let prober: Prober
    let facts: @Sendable () -> NodeFacts
    /// Why there is no room for a pod that has just come, which is taken in otherwise.
    let admit: @Sendable (Pod) async -> WaitingReason?
    /// Why there is no room for a pod that is here already and wants to grow.
    let resizeProblem: @Sendable (Pod) -> WaitingReason?
    let now: @Sendable () -> Time
    let logger: Logger
}

/// Looks at its pod whenever something may have changed, asks `nextStep` what to do, has it done, and reports.
///
/// What takes time (pulling, starting, stopping) runs beside it, so that it notices a deletion at any moment.
actor PodWorker {
    /// What comes from outside between two looks.
    private struct Inbox {
        var pod: Pod
        var removed = false
        /// Try again now what failed before.
        var retryNow = false
        var eviction: Eviction?
        var signal: AsyncStream<Void>.Continuation
    }

    /// The node itself ends a pod, to save others.
    struct Eviction: Sendable {
        var failure: WaitingReason
        /// Seconds.
        var grace: Int
    }

    nonisolated let uid: String
    private nonisolated let inbox: Mutex<Inbox>
    private let signals: AsyncStream<Void>
    private let context: PodWorkerContext
    private let probes: PodProbes
    private let status: StatusWriter

    /// The pod with the resources that are allocated to it.
    private var pod: Pod
    private var removed = false
    private var observed = ObservedPod()
    private var sandboxOf: [String: String] = [:]
    private var containerCache: [String: RuntimeContainerStatus] = [:]
    private var sandboxCache: [String: RuntimeSandboxStatus] = [:]
    private var messages: [String: String] = [:]

    private var crashes = Backoff()
    private var failures: [String: (waiting: WaitingReason, retry: Time)] = [:]
    private var reportedBackoff: [String: Time] = [:]
    private var sandboxFailures = 0
    private var sandboxRetry: Time?
    private var starting: Task<Void, Never>?
    private var operationsEnded = 0
    private var stopping: Set<String> = []
    private var ending: Task<Void, Never>?
    /// Devices are being given back; nil where that has not begun or has failed.
    private var releasing: Task<Void, Never>?
    private var releaseRetry: Time?
    private var endingGrace = Int.max
    /// When the last attempt to end everything was over.
    private var lastEnding: Time?
    /// The pod is over by what its containers did.
    private var isOver = false
    private var failure: WaitingReason?
    private var evictionGrace: Int?
    /// All containers are being removed, to start anew.
    private var isResetting = false
    private var isAdmitted = false
    private let resize: ResizeState
    private var cleaned = false
    /// The runtime has been looked at before.
    private var hasObserved = false
    private var timer: Task<Void, Never>?
    private var nextRefresh: Time

    init(_ pod: Pod, _ context: PodWorkerContext) {
        uid = pod.uid
        self.pod = pod
        self.context = context
        resize = ResizeState(pod)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signals = stream
        inbox = Mutex(Inbox(pod: pod, signal: continuation))
        let wake: @Sendable () -> Void = { continuation.yield() }
        let reporter = context.reporter
        probes = PodProbes(prober: context.prober, changed: wake) { name, kind, outcome in
            let container = pod.allContainers.first { $0.name == name }
            switch outcome {
            case .success: break
            case .failure(let output):
                reporter.warning(pod, container, "Unhealthy", "\(kind.rawValue) probe failed: \(output)")
            case .error(let error):
                reporter.warning(
                    pod, container, "Unhealthy",
                    "\(kind.rawValue) probe errored and resulted in unknown state: \(error)")
            }
        }
        status = StatusWriter(client: context.client, pod: pod, logger: context.logger, written: wake)
        nextRefresh = context.now().adding(seconds: 60)
        continuation.yield()
    }

    // MARK: From outside

    /// The pod as the API has it now.
    nonisolated func submit(_ pod: Pod) {
        inbox.withLock { inbox in
            inbox.pod = pod
            inbox.signal.yield()
        }
    }

    /// The API has the pod no longer.
    nonisolated func submitRemoval() {
        inbox.withLock { inbox in
            inbox.removed = true
            inbox.signal.yield()
        }
    }

    /// Something happened to the pod in the runtime.
    nonisolated func wake() { inbox.withLock { _ = $0.signal.yield() } }

    /// Ends the pod, which fails.
    nonisolated func evict(_ eviction: Eviction) {
        inbox.withLock { inbox in
            if inbox.eviction == nil { inbox.eviction = eviction }
            inbox.signal.yield()
        }
    }

    /// An object that the pod refers to has changed.
    nonisolated func objectsChanged() {
        inbox.withLock { inbox in
            inbox.retryNow = true
            inbox.signal.yield()
        }
    }

    /// The pod with the status that was reported last.
    func current() -> Pod {
        var pod = pod
        pod.status = status.last
        return pod
    }

    /// The pod and what the runtime showed of it last.
    func snapshot() -> (Pod, ObservedPod) { (current(), observed) }

    /// The containers of a name, the newest first, as the runtime showed them last.
    func containers(named name: String) -> [RuntimeContainerStatus] { observed.containers.filter { $0.name == name } }

    // MARK: The loop

    /// Returns when nothing of the pod is left on the node, or its task is cancelled: then what runs goes on running.
    func run() async {
        for await _ in signals {
            if Task.isCancelled { break }
            do {
                if try await sync() { break }
            } catch is CancellationError {
                break
            } catch {
                context.logger.debug("pod \(pod.key): \(error)")
                setTimer(after: 1)
            }
        }
        timer?.cancel()
        probes.stop()
        status.stop()
    }

    /// - Returns: whether the pod is gone.
    private func sync() async throws -> Bool {
        let now = context.now()
        let (retryNow, latest, eviction) = inbox.withLock { inbox in
            removed = inbox.removed
            defer { inbox.retryNow = false }
            return (inbox.retryNow, inbox.pod, inbox.eviction)
        }
        let isEnding = latest.isBeingDeleted || removed || failure != nil || isOver || latest.isFinished
        pod = isEnding ? PodResize.apply(resize.allocation, to: latest) : resizing(latest)
        status.submit(base: latest)
        if let eviction, failure == nil, !isEnding {
            failure = eviction.failure
            evictionGrace = eviction.grace
        }
        if retryNow || now >= nextRefresh { await refresh(now, retryNow: retryNow) }
        // An operation that ended while the runtime was being asked may or may not be in the answer: ask again.
        var before: Int
        repeat {
            before = operationsEnded
            try await observe()
        } while before != operationsEnded
        checkDeadline(now)
        if !isAdmitted {
            isAdmitted = true
            let isNew = observed.isEmpty && pod.status.startTime == nil && !isEnding
            if let problem = isNew ? await context.admit(pod) : nil {
                failure = problem
                context.reporter.warning(pod, nil, problem.reason, problem.message)
            }
        }
        let finishedBefore = status.last.phase == "Succeeded" || status.last.phase == "Failed"
        if pod.isBeingDeleted || removed || failure != nil || isOver || pod.isFinished || finishedBefore {
            return try await end(now)
        }

        let facts = context.facts()
        let podIP = pod.isHostNetwork ? facts.ips.first ?? "" : observed.sandboxes.first?.ips.first ?? ""
        probes.follow(
            pod, running: observed.containers.filter { $0.state == .running }, podIP: podIP,
            known: status.last.containerStatuses + status.last.initContainerStatuses)
        let verdicts = probes.verdicts
        var step = nextStep(
            PodSituation(
                pod: pod, observed: observed, probes: verdicts, crashes: crashes, failures: failures,
                stopping: stopping, starting: starting != nil,
                hashes: Dictionary(
                    pod.allContainers.map { ($0.name, ContainerPlan.hash($0)) }, uniquingKeysWith: { $1 }),
                now: now))
        actuate(&step, now)
        for action in step.actions { perform(action, now, &step) }
        if isOver { return try await end(now) }
        reportBackoff(step, now)
        report(waiting: step.waiting, verdicts: verdicts, isTerminal: false, now)
        removeOldContainers()
        step.lookAgain(nextRefresh)
        if let deadline = deadline { step.lookAgain(deadline) }
        if let time = step.lookAgain { setTimer(after: time.since(now)) }
        return false
    }

    private func perform(_ action: PodAction, _ now: Time, _ step: inout PodStep) {
        let executor = context.executor
        let pod = pod
        switch action {
        case .createSandbox(let attempt, let replacing):
            if let retry = sandboxRetry, now < retry {
                step.lookAgain(retry)
                return
            }
            starting = Task {
                do {
                    try await executor.createSandbox(pod, attempt: attempt, replacing: replacing)
                    self.sandboxEnded(nil)
                } catch { self.sandboxEnded(error) }
            }
        case .start(let names):
            guard let sandbox = observed.readySandbox else { return }
            let observed = observed
            for name in names {
                failures[name] = nil
                if let last = observed.latest(name), last.state == .exited { crashes.next(name, now: last.finished) }
            }
            starting = Task {
                for name in names {
                    guard !Task.isCancelled, let container = pod.allContainers.first(where: { $0.name == name }) else {
                        continue
                    }
                    do {
                        try await executor.start(container, of: pod, observed: observed, sandbox: sandbox)
                    } catch { self.startFailed(name, error) }
                }
                self.startEnded()
            }
        case .stop(let id, let name, let message, let reason):
            guard stopping.insert(id).inserted, let status = observed.containers.first(where: { $0.id == id }) else {
                return
            }
            let grace = gracePeriod(name: name, reason: reason)
            let podIP = observed.sandboxes.first?.ips.first ?? ""
            Task {
                await executor.stop(status, of: pod, message: message, grace: grace, podIP: podIP)
                self.stopEnded(id)
            }
        case .reset(let ids):
            isResetting = true
            let statuses = ids.compactMap { id in observed.containers.first { $0.id == id } }
            starting = Task {
                do { try await executor.reset(statuses, of: pod) } catch {
                    context.logger.warning("containers of \(pod.key) could not be removed: \(error)")
                }
                self.startEnded()
            }
        case .stopAll: isOver = true
        }
    }

    private func sandboxEnded(_ error: (any Error)?) {
        starting = nil
        operationsEnded += 1
        if let error {
            if !(error is CancellationError) {
                context.logger.info("pod \(pod.key): \(error)")
                sandboxFailures += 1
                let delay =
                    error is VolumeError
                    ? 0.5 * Double(1 << min(8, sandboxFailures - 1)) : Double(min(10, sandboxFailures))
                sandboxRetry = context.now().adding(delay)
            }
        } else {
            sandboxFailures = 0
            sandboxRetry = nil
        }
        wake()
    }

    private func startFailed(_ name: String, _ error: any Error) {
        if error is CancellationError { return }
        let failure =
            error as? StartFailure ?? StartFailure(reason: "CreateContainerError", message: "\(error)", retry: 2)
        context.logger.info("pod \(pod.key), container \(name): \(failure.reason): \(failure.message)")
        failures[name] = (
            WaitingReason(reason: failure.reason, message: failure.message), context.now().adding(failure.retry)
        )
    }

    private func startEnded() {
        starting = nil
        operationsEnded += 1
        wake()
    }

    private func stopEnded(_ id: String) {
        stopping.remove(id)
        operationsEnded += 1
        wake()
    }

    private func gracePeriod(name: String, reason: StopReason) -> Int {
        let container = pod.allContainers.first { $0.name == name }
        let own =
            switch reason {
            case .liveness: container?.livenessProbe?.terminationGracePeriodSeconds
            case .startup: container?.startupProbe?.terminationGracePeriodSeconds
            default: Int?.none
            }
        return own ?? pod.spec.terminationGracePeriodSeconds ?? 30
    }

    private func setTimer(after seconds: Double) {
        timer?.cancel()
        let signal = inbox.withLock { $0.signal }
        timer = Task {
            do { try await Task.sleep(for: .seconds(max(0.01, seconds))) } catch { return }
            signal.yield()
        }
    }

    // MARK: Resizing

    /// The pod with what is allocated to it, after what it wants more of was allocated if there is room.
    private func resizing(_ latest: Pod) -> Pod {
        let wanted = PodResize.wanted(by: latest)
        if PodResize.differs(wanted, resize.allocation) {
            if let problem = context.resizeProblem(latest) {
                if resize.pending != problem {
                    resize.pending = problem
                    context.reporter.warning(
                        latest, nil, "Resize\(problem.reason)",
                        "Pod resize \(problem.reason): {\"error\":\"\(problem.message)\"}")
                }
            } else {
                let before = PodResize.apply(resize.allocation, to: latest)
                resize.allocation = wanted
                resize.pending = nil
                resize.isUnderWay = true
                context.executor.cgroups.set(latest, widenedBy: before)
            }
        } else {
            resize.allocation = wanted
            resize.pending = nil
        }
        return PodResize.apply(resize.allocation, to: latest)
    }

    /// Gives running containers what is allocated to them.
    private func actuate(_ step: inout PodStep, _ now: Time) {
        if resize.pending != nil { step.lookAgain(now.adding(5)) }
        resize.forget(except: Set(observed.containers.map(\.id)))
        var complete = true
        if resize.isUnderWay, let problem = memoryProblem() {
            if resize.failure != problem {
                resize.failure = problem
                context.reporter.warning(pod, nil, "ResizeError", "Pod resize error: \(problem)")
            }
            step.lookAgain(now.adding(5))
            return
        }
        for container in pod.spec.initContainers + pod.spec.containers {
            guard let status = observed.latest(container.name), status.state == .running else { continue }
            let actual = resize.actual(status)
            guard PodResize.differs(actual, container.resources) else { continue }
            complete = false
            if stopping.contains(status.id) || resize.tasks[status.id] != nil { continue }
            if PodResize.needsRestart(container, from: actual) {
                step.actions.append(
                    .stop(
                        id: status.id, name: container.name,
                        message: "Container \(container.name) resize requires restart", reason: .changed))
                continue
            }
            if let retry = resize.retry, now < retry {
                step.lookAgain(retry)
                continue
            }
            startUpdate(container, status)
        }
        if complete, resize.isUnderWay {
            resize.isUnderWay = false
            resize.failure = nil
            resize.podMemory = CgroupLimits(of: pod).memory
            context.executor.cgroups.set(pod)
            context.reporter.normal(
                pod, nil, "ResizeCompleted", "Pod resize completed: {\"generation\":\(pod.metadata.generation ?? 0)}")
        }
    }

    /// Why the limits on memory that are allocated cannot be set: more is in use.
    private func memoryProblem() -> String? {
        let cgroups = context.executor.cgroups
        let path = cgroups.path(of: pod)
        func used(_ path: String) -> UInt64 { cgroups.tree.usage(path)?.memory ?? 0 }
        let whole = CgroupLimits(of: pod).memory
        var limits: [(name: String, wanted: Int64?, actual: Int64?, used: UInt64)] = []
        if whole != resize.podMemory { limits.append(("", whole, resize.podMemory, used(path))) }
        for container in pod.spec.initContainers + pod.spec.containers {
            guard let status = observed.latest(container.name), status.state == .running else { continue }
            let wanted = container.resources?.limits["memory"]?.value
            let actual = resize.actual(status)?.limits["memory"]?.value
            if wanted != actual { limits.append((container.name, wanted, actual, used("\(path)/\(status.id)"))) }
        }
        return PodResize.memoryProblem(limits)
    }

    private func startUpdate(_ container: Container, _ status: RuntimeContainerStatus) {
        var resources = PodQoS(of: pod).resources(
            of: container, pod: pod, memoryCapacity: context.facts().memoryCapacity)
        if resources.cpuQuota == 0 { resources.cpuQuota = -1 }
        let runtime = context.runtime
        let wanted = container.resources ?? ResourceRequirements()
        resize.tasks[status.id] = Task { [resources] in
            do {
                try await runtime.updateContainerResources(status.id, resources)
                self.updateEnded(status.id, wanted, nil)
            } catch { self.updateEnded(status.id, wanted, error) }
        }
    }

    private func updateEnded(_ id: String, _ wanted: ResourceRequirements, _ error: (any Error)?) {
        resize.tasks[id] = nil
        if let error {
            resize.failure = "\(error)"
            resize.retry = context.now().adding(5)
            context.reporter.warning(pod, nil, "ResizeError", "Pod resize error: \(error)")
        } else {
            resize.actuated[id] = wanted
            resize.failure = nil
            resize.retry = nil
        }
        wake()
    }

    // MARK: Looking

    private func observe() async throws {
        let labels = [RuntimeKeys.podUID: uid]
        let runtime = context.runtime
        async let listedSandboxes = runtime.listPodSandboxes(labels: labels)
        async let listedContainers = runtime.listContainers(labels: labels)
        var sandboxes: [String: RuntimeSandboxStatus] = [:]
        for sandbox in try await listedSandboxes {
            if let cached = sandboxCache[sandbox.id], cached.sandbox.ready == sandbox.ready {
                sandboxes[sandbox.id] = cached
            } else {
                do {
                    sandboxes[sandbox.id] = try await runtime.podSandboxStatus(sandbox.id)
                } catch let error as RuntimeError where error.isNotFound {}
            }
        }
        var containers: [String: RuntimeContainerStatus] = [:]
        sandboxOf = [:]
        for container in try await listedContainers {
            sandboxOf[container.id] = container.sandboxID
            if let cached = containerCache[container.id], cached.state == container.state {
                containers[container.id] = cached
                continue
            }
            do {
                let status = try await runtime.containerStatus(container.id)
                containers[container.id] = status
                if status.state == .exited { messages[container.id] = TerminationMessages.message(of: status) }
            } catch let error as RuntimeError where error.isNotFound {}
        }
        sandboxCache = sandboxes
        containerCache = containers
        messages = messages.filter { containers[$0.key] != nil }
        observed = ObservedPod(sandboxes: Array(sandboxes.values), containers: Array(containers.values))
        if !hasObserved {
            hasObserved = true
            // What crashed again and again under an earlier agent waits as long as it would have.
            for status in observed.containers where status.state == .exited && status.exitCode != 0 {
                crashes.resume(status.name, failures: status.restartCount, last: status.finished)
            }
        }
    }

    private var deadline: Time? {
        guard let seconds = pod.spec.activeDeadlineSeconds, let start = status.last.startTime ?? pod.status.startTime
        else {
            return nil
        }
        return start.adding(seconds: seconds)
    }

    private func checkDeadline(_ now: Time) {
        guard failure == nil, !isOver, !pod.isFinished, let deadline, now >= deadline else { return }
        let message = "Pod was active on the node longer than the specified deadline"
        failure = WaitingReason(reason: "DeadlineExceeded", message: message)
        context.reporter.normal(pod, nil, "DeadlineExceeded", message)
    }

    /// Brings up to date the volumes that show objects of the API, and lets failed starts try again.
    private func refresh(_ now: Time, retryNow: Bool) async {
        nextRefresh = now.adding(Double.random(in: 60...90))
        if retryNow {
            sandboxRetry = nil
            for name in failures.keys where failures[name]?.waiting.reason == "CreateContainerConfigError" {
                failures[name]?.retry = now
            }
        }
        guard observed.readySandbox != nil, !isOver, !pod.isBeingDeleted, !pod.isFinished else { return }
        do {
            _ = try await context.executor.volumes.prepare(pod, allocatable: context.facts().allocatable)
        } catch { context.logger.debug("volumes of \(pod.key) were not refreshed: \(error)") }
    }

    /// Keeps of each container the newest and the one before it, whose log can still be asked for.
    private func removeOldContainers() {
        var seen: [String: Int] = [:]
        var old: [RuntimeContainerStatus] = []
        for status in observed.containers {
            seen[status.name, default: 0] += 1
            if seen[status.name, default: 0] > 2, status.state == .exited { old.append(status) }
        }
        let kept = Set(
            observed.containers.filter { status in !old.contains { $0.id == status.id } }.compactMap {
                sandboxOf[$0.id]
            })
        let sandboxes = observed.sandboxes.dropFirst().filter { !$0.sandbox.ready && !kept.contains($0.sandbox.id) }
        guard !old.isEmpty || !sandboxes.isEmpty else { return }
        let runtime = context.runtime
        Task {
            for status in old {
                try? await runtime.removeContainer(status.id)
                if !status.logPath.isEmpty { unlink(status.logPath) }
            }
            for sandbox in sandboxes { try? await runtime.removePodSandbox(sandbox.sandbox.id) }
        }
    }

    // MARK: Reporting

    private func reportBackoff(_ step: PodStep, _ now: Time) {
        for (name, waiting) in step.waiting where waiting.reason == "CrashLoopBackOff" {
            guard let last = observed.latest(name), reportedBackoff[name] != last.finished else { continue }
            reportedBackoff[name] = last.finished
            context.reporter.warning(
                pod, pod.allContainers.first { $0.name == name }, "BackOff",
                "Back-off restarting failed container \(name) in pod \(pod.logName)")
        }
    }

    private func report(
        waiting: [String: WaitingReason], verdicts: [String: ProbeVerdict], isTerminal: Bool, _ now: Time
    ) {
        var waiting = waiting
        for (name, failure) in failures where waiting[name] == nil && observed.latest(name)?.state != .running {
            waiting[name] = failure.waiting
        }
        // A pod that waits for its volumes says what any other pod says that is being made.
        waiting = waiting.filter { $0.value.reason != "ContainerCreating" }
        status.submit(
            podStatus(
                PodStatusInput(
                    pod: pod, observed: observed, previous: status.last, probes: verdicts, waiting: waiting,
                    isTerminal: isTerminal, failure: failure, hostIPs: context.facts().ips,
                    terminationMessages: messages, actuated: resize.actuated, resizePending: resize.pending,
                    resizeInProgress: resize.progress(of: pod, observed),
                    imageVolumes: context.executor.volumes.imageReferences(of: pod),
                    disruption: evictionGrace == nil
                        ? nil : failure.map { WaitingReason(reason: "TerminationByKubelet", message: $0.message) },
                    features: context.facts().features, isRestartingAll: isResetting, now: now)))
        if starting == nil { isResetting = false }
    }

    // MARK: The end

    /// Seconds between attempts to end what would not end.
    private static let endingPause = 1.0

    /// Ends what runs, reports how it ended, and removes what is left.
    /// - Returns: whether nothing is left.
    private func end(_ now: Time) async throws -> Bool {
        probes.stopDeciding()
        if let starting {
            starting.cancel()
            report(waiting: [:], verdicts: probes.verdicts, isTerminal: false, now)
            return false
        }
        let executor = context.executor
        let grace =
            removed
            ? min(2, pod.spec.terminationGracePeriodSeconds ?? 30)
            : evictionGrace ?? pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
        for task in resize.tasks.values { task.cancel() }
        if !observed.running.isEmpty || observed.sandboxes.contains(where: { $0.sandbox.ready }) {
            let pod = pod
            let observed = observed
            if ending == nil, let lastEnding, now.since(lastEnding) < Self.endingPause {
                // What was left over the last time needs a moment: the runtime is in trouble.
                setTimer(after: Self.endingPause)
            } else if ending == nil {
                endingGrace = grace
                ending = Task {
                    await executor.stopAll(pod, observed, grace: grace)
                    self.endingEnded()
                }
            } else if grace < endingGrace {
                // Somebody has lost patience.
                endingGrace = grace
                let runtime = context.runtime
                for status in observed.running {
                    Task { try? await runtime.stopContainer(status.id, timeout: grace) }
                }
            }
            report(waiting: [:], verdicts: probes.verdicts, isTerminal: false, now)
            return false
        }
        if ending != nil { return false }
        // A pod has ended when its devices can be given to another.
        if await executor.devices.holds(uid) {
            if let retry = releaseRetry, now < retry {
                setTimer(after: retry.since(now))
            } else if releasing == nil {
                releasing = Task {
                    do throws(DeviceError) { try await executor.devices.unprepare(pod: uid) } catch {
                        context.logger.info("devices of \(pod.key) are not given back yet: \(error)")
                        releaseRetry = context.now().adding(1)
                    }
                    self.releasingEnded()
                }
            }
            report(waiting: [:], verdicts: probes.verdicts, isTerminal: false, now)
            return false
        }
        probes.stop()
        report(waiting: [:], verdicts: [:], isTerminal: true, now)
        guard pod.isBeingDeleted || removed else {
            // It stays as it is until somebody deletes it: its volumes are not needed any more.
            if !cleaned {
                cleaned = true
                for point in Files.mountPoints(below: executor.volumes.podDirectory(uid)) { umount2(point, 2) }
            }
            return false
        }
        // The API must know how the containers ended before it forgets the pod.
        if !removed, await !status.flush() {
            setTimer(after: 1)
            return false
        }
        let logs = SandboxPlan.logDirectory(pod, context.facts().podLogs)
        if !cleaned {
            try await executor.remove(uid: uid, logDirectory: logs)
            cleaned = true
        }
        if !removed {
            var options = DeleteOptions()
            options.gracePeriodSeconds = 0
            var preconditions = Preconditions()
            preconditions.uid = uid
            options.preconditions = preconditions
            do {
                try await context.client.delete(Pod.self, pod.name, namespace: pod.namespace, options: options)
            } catch {
                guard error.isNotFound || error.isConflict else { throw error }
            }
        }
        return true
    }

    private func releasingEnded() {
        releasing = nil
        wake()
    }

    private func endingEnded() {
        ending = nil
        lastEnding = context.now()
        operationsEnded += 1
        wake()
    }
}
