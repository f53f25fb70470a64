import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Which pods nobody will ever remove by themselves, computed from pods and nodes alone.
struct PodGarbage {
    var pods: [Pod]
    var nodes: [Node]

    /// The oldest of the ended pods, evicted ones first, that are more than `threshold`.
    func terminated(threshold: Int) -> [Pod] {
        let ended = pods.filter { !["", "Pending", "Running", "Unknown"].contains($0.phase) }
        guard threshold > 0, ended.count > threshold else { return [] }
        func isEvicted(_ pod: Pod) -> Bool { pod.phase == "Failed" && pod.status.reason == "Evicted" }
        let order = ended.map { (pod: $0, evicted: isEvicted($0), created: $0.metadata.creationTimestamp) }
        return order.sorted { left, right in
            if left.evicted != right.evicted { return left.evicted }
            if let first = left.created, let second = right.created, first != second { return first < second }
            return left.pod.name < right.pod.name
        }.prefix(ended.count - threshold).map(\.pod)
    }

    /// Pods that are being deleted and have no node that could end them.
    var unscheduledTerminating: [Pod] { pods.filter { $0.isBeingDeleted && $0.nodeName.isEmpty } }

    /// Pods that are being deleted on nodes that an administrator has declared dead.
    var terminatingOutOfService: [Pod] {
        let dead = Set(
            nodes.filter { node in
                NodeCondition.ready(of: node)?.status != "True"
                    && node.spec.taints.contains { $0.key == "node.kubernetes.io/out-of-service" }
            }.map(\.name))
        return dead.isEmpty ? [] : pods.filter { $0.isBeingDeleted && dead.contains($0.nodeName) }
    }

    /// Names of nodes that have pods but do not exist.
    var missingNodes: Set<String> {
        Set(pods.lazy.map(\.nodeName).filter { !$0.isEmpty }).subtracting(nodes.map(\.name))
    }
}

/// Removes such pods every now and then.
final class PodGarbageCollector: Controller {
    private let context: ControllerContext
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    /// Since when nodes have been missing.
    private let missing = Mutex<[String: Time]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        pods = context.informers.pods
        nodes = context.informers.informer(Node.self)
    }

    func run() async {
        await pods.waitForSync()
        await nodes.waitForSync()
        while !Task.isCancelled {
            await pass()
            do { try await Task.sleep(for: context.options.podGarbageCollectionPeriod) } catch { return }
        }
    }

    func pass() async {
        let garbage = PodGarbage(pods: pods.objects, nodes: nodes.objects)
        for pod in garbage.terminated(threshold: context.options.terminatedPodThreshold) { await remove(pod) }
        for pod in garbage.terminatingOutOfService { await remove(pod) }
        for name in await lostNodes(garbage.missingNodes) {
            var condition = PodCondition()
            condition.type = "DisruptionTarget"
            condition.status = "True"
            condition.reason = "DeletionByPodGC"
            condition.message = "PodGC: node no longer exists"
            condition.lastTransitionTime = context.now
            for pod in PodIndex.onNode(name, in: pods) { await remove(pod, because: condition) }
        }
        for pod in garbage.unscheduledTerminating { await remove(pod) }
    }

    /// The nodes that have been missing for long enough, and are missing in the API as well.
    private func lostNodes(_ names: Set<String>) async -> [String] {
        let now = context.now
        let due = missing.withLock { missing in
            missing = missing.filter { names.contains($0.key) }
            for name in names where missing[name] == nil { missing[name] = now }
            return missing.filter { now.since($0.value) >= Double(context.options.orphanedPodQuarantineSeconds) }.keys
        }
        var lost: [String] = []
        for name in due {
            do { _ = try await context.client.get(Node.self, name) } catch {
                if error.isNotFound { lost.append(name) }
            }
        }
        return lost
    }

    private func remove(_ pod: Pod, because condition: PodCondition? = nil) async {
        let uid = pod.uid
        do {
            if !pod.isTerminal {
                // Of just this version: the cached conditions are replaced as a whole.
                var status: JSONValue = ["phase": "Failed"]
                if let condition {
                    let conditions = pod.status.conditions.filter { $0.type != condition.type } + [condition]
                    status["conditions"] = .array(conditions.map(\.json))
                }
                try await context.client.patch(
                    Pod.self, pod.name, namespace: pod.namespace, subresource: "status",
                    ["metadata": ["resourceVersion": .string(pod.resourceVersion)], "status": status])
            }
            var options = DeleteOptions(["kind": "DeleteOptions", "apiVersion": "v1"])
            options.gracePeriodSeconds = 0
            var preconditions = Preconditions()
            preconditions.uid = uid
            options.preconditions = preconditions
            try await context.client.delete(Pod.self, pod.name, namespace: pod.namespace, options: options)
        } catch {
            if error.isNotFound { return }
            context.logger.info("pod-garbage-collector: \(pod.key): \(error)")
        }
    }
}
