import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// The scheduler: tells each new pod which node it runs on.
///
/// It listens to nodes, pods and services, keeps a snapshot of them, tries one pod after the other on the snapshot, and
/// writes its decisions to the API beside that, so that no decision waits for another to be written. Behaves as
/// kube-scheduler with its default profile, without preemption, pod affinity and volume binding.
public struct Scheduler: Sendable {
    private let client: KubeClient
    private let name: String
    private let logger: Logger
    private let events: EventRecorder
    private let state: Shared

    /// What handlers and the loop share.
    private final class Shared: Sendable {
        let core: Mutex<SchedulerCore>
        let bell = Bell()
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
    ///   - name: Only pods whose `schedulerName` this is are looked after.
    ///   - seed: Decides between nodes that are equally good.
    public init(
        client: KubeClient, name: String = "default-scheduler", logger: Logger = Logger(label: "scheduler"),
        seed: UInt64
    ) {
        self.client = client
        self.name = name
        self.logger = logger
        events = EventRecorder(client: client, component: name, logger: logger)
        state = Shared(SchedulerCore(name: name, seed: seed))
    }

    /// Schedules until the task is cancelled.
    public func run() async {
        let nodes = Informer<Node>(client, logger: logger)
        let services = Informer<Service>(client, logger: logger)
        // What has ended holds nothing; the server need not tell of it.
        let pods = Informer<Pod>(
            client, fieldSelector: "status.phase!=Succeeded,status.phase!=Failed", logger: logger)
        let state = state
        let name = name
        let gated = AsyncStream.makeStream(of: PodInfo.self, bufferingPolicy: .bufferingNewest(1000))
        nodes.addHandler { change in
            state.change { core in
                switch change {
                case .added(let node), .updated(_, let node): core.nodeChanged(node, now: .now)
                case .deleted(let node): core.nodeDeleted(node.name, now: .now)
                }
            }
        }
        services.addHandler { change in
            state.change { core in
                switch change {
                case .added(let service), .updated(_, let service): core.serviceChanged(service)
                case .deleted(let service): core.serviceDeleted(service.key)
                }
            }
        }
        pods.addHandler { change in
            if case .updated(let old, let new) = change, Self.isOnlyStatus(old, new) { return }
            let pod = PodInfo(change.object)
            if pod.isGated, pod.schedulerName == name, case .added = change { gated.continuation.yield(pod) }
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
            group.addTask { await nodes.run() }
            group.addTask { await services.run() }
            group.addTask { await pods.run() }
            group.addTask {
                await nodes.waitForSync()
                await services.waitForSync()
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
                case .bind(let pod, let node):
                    await slots.take()
                    group.addTask {
                        await bind(pod, to: node, pods)
                        slots.giveBack()
                    }
                case .refused(let pod, let diagnosis):
                    await slots.take()
                    group.addTask {
                        await report(pod, reason: "Unschedulable", message: diagnosis.message)
                        slots.giveBack()
                    }
                }
            }
        }
    }

    /// Tells the API that the pod runs on the node.
    private func bind(_ pod: PodInfo, to node: String, _ pods: Informer<Pod>) async {
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
            events.event(
                regarding: pod.reference, type: .normal, reason: "Scheduled",
                message: "Successfully assigned \(pod.key) to \(node)")
        } catch {
            let current = pods[pod.key].map(PodInfo.init)
            let waiting = current.flatMap { $0.uid == pod.uid && $0.nodeName.isEmpty ? $0 : nil }
            state.change { $0.bindFailed(pod, current: waiting, now: .now) }
            guard waiting != nil, !error.isNotFound else { return }
            logger.info("binding \(pod.key) to \(node) failed: \(error)")
            await report(pod, reason: "SchedulerError", message: "binding rejected: \(error.message)")
        }
    }

    /// Upstream's API server says so when the pod is made; one that does not leaves it to us.
    private func reportGated(_ pod: PodInfo) async {
        guard pod.condition?.reason != "SchedulingGated" else { return }
        await write(
            Self.condition(
                for: pod, reason: "SchedulingGated",
                message: "Scheduling is blocked due to non-empty scheduling gates", now: wallClockTime()), of: pod)
    }

    /// Says in an event and in the pod's condition why it has no node.
    private func report(_ pod: PodInfo, reason: String, message: String) async {
        // The limit of events/v1 on notes.
        let note =
            message.utf8.count <= 1024 ? message : String(decoding: message.utf8.prefix(1020), as: UTF8.self) + " ..."
        events.event(regarding: pod.reference, type: .warning, reason: "FailedScheduling", message: note)
        await write(Self.condition(for: pod, reason: reason, message: message, now: wallClockTime()), of: pod)
    }

    private func write(_ condition: PodCondition?, of pod: PodInfo) async {
        guard let condition else { return }
        do throws(APIError) {
            try await client.patch(
                Pod.self, pod.key.name, namespace: pod.key.namespace, subresource: "status",
                ["metadata": ["uid": .string(pod.uid)], "status": ["conditions": [condition.json]]], as: .strategic)
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
}

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
