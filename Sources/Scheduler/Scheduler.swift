import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// The scheduler: tells each new pod which node it runs on.
///
/// It listens to nodes, pods and what else has a say, keeps a snapshot of them, tries one pod after the other on the
/// snapshot, and writes its decisions to the API beside that, so that no decision waits for another to be written.
/// Behaves as kube-scheduler with the plugins it ships with.
public struct Scheduler: Sendable {
    let client: KubeClient
    let logger: Logger
    let events: [String: EventRecorder]
    let state: Shared

    /// What handlers and the loop share.
    final class Shared: Sendable {
        let core: Mutex<SchedulerCore>
        let bell = Bell()
        /// Rung when claims or volumes change.
        let storage = Broadcast()
        init(_ core: SchedulerCore) { self.core = Mutex(core) }

        func change(_ body: (inout SchedulerCore) -> Void) {
            core.withLock { body(&$0) }
            bell.ring()
        }
    }

    /// Bindings and status changes that may be on their way at a time.
    private static let writesInFlight = 128

    /// - Parameters:
    ///   - client: Must be allowed what upstream's `system:kube-scheduler` role allows.
    ///   - configuration: Only pods whose `schedulerName` is that of one of its profiles are looked after.
    ///   - seed: Decides between nodes that are equally good.
    public init(
        client: KubeClient, configuration: SchedulerConfiguration = SchedulerConfiguration(),
        logger: Logger = Logger(label: "scheduler"), seed: UInt64
    ) {
        self.client = client
        self.logger = logger
        events = Dictionary(
            configuration.profiles.map {
                ($0.name, EventRecorder(client: client, component: $0.name, logger: logger))
            }
        ) { first, _ in first }
        state = Shared(SchedulerCore(configuration, seed: seed))
    }

    /// Schedules until the task is cancelled.
    public func run() async {
        // What has ended holds nothing; the server need not tell of it.
        let pods = Informer<Pod>(
            client, fieldSelector: "status.phase!=Succeeded,status.phase!=Failed", logger: logger)
        let sources = Sources(self)
        let state = state
        let gated = AsyncStream.makeStream(of: PodInfo.self, bufferingPolicy: .bufferingNewest(1000))
        pods.addHandler { change in
            if case .updated(let old, let new) = change, Self.isOnlyStatus(old, new) {
                if Self.hasStarted(old, new) {
                    state.core.withLock { $0.podStarted(new.key, at: PodInfo.startTime(new)) }
                }
                return
            }
            let pod = PodInfo(change.object)
            if pod.isGated, case .added = change { gated.continuation.yield(pod) }
            state.change { core in
                if case .deleted = change {
                    core.podDeleted(pod, now: .now)
                } else {
                    core.podChanged(pod, now: .now)
                }
            }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await pod in gated.stream { await reportGated(pod) }
            }
            group.addTask { await sources.run() }
            group.addTask { await pods.run() }
            group.addTask {
                await sources.waitForSync()
                await pods.waitForSync()
                await loop(pods)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func loop(_ pods: Informer<Pod>) async {
        await withDiscardingTaskGroup { group in
            let slots = Permits(Self.writesInFlight)
            while !Task.isCancelled {
                let (step, due) = state.core.withLock { core in
                    let step = core.step(now: .now)
                    return (step, core.queue.nextDue)
                }
                switch step {
                case .idle:
                    // Pods that wait for an event are looked at once in a while, too.
                    let latest = ContinuousClock.now + .seconds(30)
                    await state.bell.wait(until: min(due ?? latest, latest))
                case .bind(let pod, let node, let plan):
                    if plan.isEmpty { await slots.take() }
                    group.addTask {
                        // A pod that waits for its volumes keeps nobody else waiting.
                        if !plan.isEmpty {
                            guard await bindVolumes(of: pod, plan, pods) else { return }
                            await slots.take()
                        }
                        await bind(pod, to: node, plan, pods)
                        slots.giveBack()
                    }
                case .refused(let pod, let diagnosis, let nomination, let plan):
                    await slots.take()
                    group.addTask {
                        if let plan {
                            async let made: Void = makeRoom(for: pod, plan)
                            await report(
                                pod, reason: "Unschedulable", message: diagnosis.message, nomination: nomination)
                            await made
                        } else {
                            await report(
                                pod, reason: "Unschedulable", message: diagnosis.message, nomination: nomination)
                        }
                        slots.giveBack()
                    }
                }
            }
        }
    }

    /// Tells the API that the pod runs on the node.
    private func bind(_ pod: PodInfo, to node: String, _ plan: VolumePlan, _ pods: Informer<Pod>) async {
        let binding: JSONValue = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.key.name), "namespace": .string(pod.key.namespace), "uid": .string(pod.uid),
            ],
            "target": ["kind": "Node", "name": .string(node)],
        ]
        do throws(APIError) {
            try await client.createSubresource(
                "binding", of: Pod.self, pod.key.name, namespace: pod.key.namespace, binding)
            recorder(for: pod)?.event(
                regarding: pod.reference, type: .normal, reason: "Scheduled",
                message: "Successfully assigned \(pod.key) to \(node)")
        } catch {
            await failed(
                pod, plan, pods, message: error.isNotFound ? nil : "binding rejected: \(error.message)")
        }
    }

    func recorder(for pod: PodInfo) -> EventRecorder? { events[pod.schedulerName] }

    /// A decision could not be carried out: the pod is put back, and, with a message, told why.
    func failed(_ pod: PodInfo, _ plan: VolumePlan, _ pods: Informer<Pod>, message: String?) async {
        let current = pods[pod.key].map(PodInfo.init)
        let waiting = current.flatMap { $0.uid == pod.uid && $0.nodeName.isEmpty ? $0 : nil }
        state.change { $0.bindFailed(pod, plan, current: waiting, now: .now) }
        guard waiting != nil, let message else { return }
        logger.info("\(pod.key) cannot be bound to \(plan.node): \(message)")
        await report(pod, reason: "SchedulerError", message: message, nomination: .clear)
    }

    /// Upstream's API server says so when the pod is made; one that does not leaves it to us.
    private func reportGated(_ pod: PodInfo) async {
        guard pod.condition?.reason != "SchedulingGated",
            state.core.withLock({ $0.profile(named: pod.schedulerName) }) != nil
        else { return }
        let condition = Self.condition(
            for: pod, reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates",
            now: wallClockTime())
        guard let condition else { return }
        await write(["conditions": [condition.json]], of: pod)
    }

    /// Says in an event and in the pod's status why it has no node, and where room is being made for it.
    private func report(_ pod: PodInfo, reason: String, message: String, nomination: Nomination) async {
        // The limit of events/v1 on notes.
        let note =
            message.utf8.count <= 1024 ? message : String(decoding: message.utf8.prefix(1020), as: UTF8.self) + " ..."
        recorder(for: pod)?.event(
            regarding: pod.reference, type: .warning, reason: "FailedScheduling", message: note)
        var status: JSONObject = [:]
        if let condition = Self.condition(for: pod, reason: reason, message: message, now: wallClockTime()) {
            status["conditions"] = [condition.json]
        }
        switch nomination {
        case .keep: break
        case .clear: if !pod.nominatedNode.isEmpty { status["nominatedNodeName"] = .null }
        case .set(let node): if pod.nominatedNode != node { status["nominatedNodeName"] = .string(node) }
        }
        if !status.isEmpty { await write(.object(status), of: pod) }
    }

    func write(_ status: JSONValue, of pod: PodInfo) async {
        do throws(APIError) {
            try await client.patch(
                Pod.self, pod.key.name, namespace: pod.key.namespace, subresource: "status",
                ["metadata": ["uid": .string(pod.uid)], "status": status], as: .strategic)
        } catch {
            // Gone or replaced; else the next attempt writes it.
            if !error.isNotFound, !error.isConflict {
                logger.info("the status of \(pod.key) cannot be written: \(error)")
            }
        }
    }

    /// The condition to be written; nil if the pod has it already.
    static func condition(for pod: PodInfo, reason: String, message: String, now: Time) -> PodCondition? {
        let old = pod.condition
        if let old, old.status == "False", old.reason == reason, old.message == message { return nil }
        var condition = PodCondition()
        condition.type = "PodScheduled"
        condition.status = "False"
        condition.reason = reason
        condition.message = message
        condition.observedGeneration = pod.generation > 0 ? pod.generation : nil
        condition.lastTransitionTime = old?.status == "False" ? old?.lastTransitionTime ?? now : now
        return condition
    }

    // MARK: What need not be looked at

    /// Whether all that changed of a pod with a node is its status: the kubelet writes it often.
    static func isOnlyStatus(_ old: Pod, _ new: Pod) -> Bool {
        func field(_ pod: Pod, _ first: String, _ second: String) -> JSONValue? { pod.json[first]?[second] }
        guard field(new, "spec", "nodeName")?.stringValue?.isEmpty == false,
            field(old, "spec", "nodeName") == field(new, "spec", "nodeName"),
            let generation = field(new, "metadata", "generation"), field(old, "metadata", "generation") == generation
        else { return false }
        for name in ["uid", "labels", "deletionTimestamp"]
        where field(old, "metadata", name) != field(new, "metadata", name) { return false }
        let phase = field(new, "status", "phase")?.stringValue
        return phase != "Succeeded" && phase != "Failed"
    }

    private static func hasStarted(_ old: Pod, _ new: Pod) -> Bool {
        old.json["status"]?["startTime"] == nil && new.json["status"]?["startTime"] != nil
    }
}
