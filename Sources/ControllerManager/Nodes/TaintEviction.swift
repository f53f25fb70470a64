import JSON
import KubeClient
import KubeTypes
import Synchronization

/// How long a pod stays on a node with certain taints, computed from the taints and the pod's tolerations.
enum TaintEviction: Equatable {
    case stays
    case goes(afterSeconds: Int)

    init(taints: [Taint], tolerations: [Toleration]) {
        let evicting = taints.filter { $0.effect == "NoExecute" }
        var used: [Toleration] = []
        for taint in evicting {
            // Of several tolerations for one taint the first counts.
            guard let toleration = tolerations.first(where: { $0.tolerates(taint) }) else {
                self = .goes(afterSeconds: 0)
                return
            }
            used.append(toleration)
        }
        let limits = used.compactMap(\.tolerationSeconds)
        self = limits.min().map { .goes(afterSeconds: max(0, $0)) } ?? .stays
    }

}

/// Deletes pods from nodes whose taints they do not tolerate, or not for longer.
final class TaintEvictionController: Controller {
    private struct Scheduled {
        var uid: String
        /// When the pod was first found on a tainted node.
        var since: Time
    }

    private let context: ControllerContext
    private let nodes: Informer<Node>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    private let scheduled = Mutex<[ObjectKey: Scheduled]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        let nodes = context.informers.informer(Node.self)
        let pods = context.informers.pods
        let queue: WorkQueue<ObjectKey> = context.queue()
        (self.nodes, self.pods, self.queue) = (nodes, pods, queue)
        recorder = context.recorder("taint-eviction-controller")
        nodes.addHandler { change in
            let taints = Self.evicting(change.object)
            switch change {
            case .added: if taints.isEmpty { return }
            case .updated(let old, _): if Self.evicting(old) == taints { return }
            case .deleted: return
            }
            for pod in PodIndex.onNode(change.object.name, in: pods) { queue.add(pod.key) }
        }
        pods.addHandler { [self] change in
            switch change {
            case .added(let pod): if isOnTaintedNode(pod) { queue.add(pod.key) }
            case .updated(let old, let new):
                guard old.nodeName != new.nodeName || old.spec.tolerations != new.spec.tolerations else { return }
                if isOnTaintedNode(new) { queue.add(new.key) }
            case .deleted(let pod): _ = scheduled.withLock { $0.removeValue(forKey: pod.key) }
            }
        }
    }

    private static func evicting(_ node: Node) -> [Taint] { node.spec.taints.filter { $0.effect == "NoExecute" } }

    private func isOnTaintedNode(_ pod: Pod) -> Bool {
        !pod.nodeName.isEmpty && nodes.get(pod.nodeName).map { !Self.evicting($0).isEmpty } ?? false
    }

    func run() async {
        await nodes.waitForSync()
        await pods.waitForSync()
        // Pods that were listed before their nodes.
        for pod in pods.objects where isOnTaintedNode(pod) { queue.add(pod.key) }
        await context.work(queue, of: "taint-eviction-controller", workers: 8) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let pod = pods[key], !pod.isBeingDeleted else {
            scheduled.withLock { $0[key] = nil }
            return
        }
        let taints = nodes.get(pod.nodeName).map(Self.evicting) ?? []
        guard !taints.isEmpty,
            case .goes(let seconds) = TaintEviction(taints: taints, tolerations: pod.spec.tolerations)
        else {
            cancel(key, pod)
            return
        }
        let now = context.now
        let since = scheduled.withLock { scheduled in
            if let entry = scheduled[key], entry.uid == pod.uid { return entry.since }
            scheduled[key] = Scheduled(uid: pod.uid, since: now)
            return now
        }
        let rest = Double(seconds) - now.since(since)
        if rest > 0 {
            queue.add(key, after: .milliseconds(Int64(rest * 1000) + 1))
            return
        }
        try await evict(pod)
        scheduled.withLock { $0[key] = nil }
    }

    private func cancel(_ key: ObjectKey, _ pod: Pod) {
        guard scheduled.withLock({ $0.removeValue(forKey: key) }) != nil else { return }
        recorder.event(
            regarding: pod, type: .normal, reason: "TaintManagerEviction", message: "Cancelling deletion of Pod \(key)")
    }

    private func evict(_ pod: Pod) async throws {
        recorder.event(
            regarding: pod, type: .normal, reason: "TaintManagerEviction",
            message: "Marking for deletion Pod \(pod.key)")
        let uid = pod.uid
        var condition = PodCondition()
        condition.type = "DisruptionTarget"
        condition.status = "True"
        condition.reason = "DeletionByTaintManager"
        condition.message = "Taint manager: deleting due to NoExecute taint"
        condition.lastTransitionTime = context.now
        let added = condition
        do {
            try await context.client.modify(Pod.self, pod.name, namespace: pod.namespace, status: true) { live in
                guard live.uid == uid, live.condition(added.type)?.status != "True" else { return false }
                live.status.conditions = live.status.conditions.filter { $0.type != added.type } + [added]
                return true
            }
            var options = DeleteOptions(["kind": "DeleteOptions", "apiVersion": "v1"])
            var preconditions = Preconditions()
            preconditions.uid = uid
            options.preconditions = preconditions
            try await context.client.delete(Pod.self, pod.name, namespace: pod.namespace, options: options)
        } catch { if !error.isNotFound { throw error } }
    }
}
