// Whether there is room on the node for a pod: what its scheduler decided, checked by whoever runs it.

import KubeClient
import KubeTypes
import Synchronization

/// Knows the pods that were taken in. A pod that two schedulers' decisions leave no room for is turned away.
final class NodeRoom: Sendable {
    private let pods: Informer<Pod>
    private let allocatable: [String: Quantity]
    private let admitted = Mutex<Set<String>>([])

    init(pods: Informer<Pod>, allocatable: [String: Quantity]) {
        self.pods = pods
        self.allocatable = allocatable
    }

    /// Takes a pod in, or says why it is turned away, in the words of its status.
    func admit(_ pod: Pod) -> WaitingReason? {
        let all = pods.objects
        return admitted.withLock { admitted in
            let others = all.filter { admitted.contains($0.uid) && $0.uid != pod.uid && !$0.isFinished }
            if let problem = Self.portConflict(pod, others: others) { return problem }
            if let problem = Self.shortage(pod, others: others.map(Self.allocated), allocatable: allocatable) {
                return problem
            }
            admitted.insert(pod.uid)
            return nil
        }
    }

    /// A port of the node that the pod wants and another has: pods whose node somebody else chose come unchecked.
    static func portConflict(_ pod: Pod, others: [Pod]) -> WaitingReason? {
        func ports(_ pod: Pod) -> [HostPort] {
            HostPort.used(by: pod.spec.containers, initContainers: pod.spec.initContainers)
        }
        let wanted = ports(pod)
        guard !wanted.isEmpty else { return nil }
        let taken = others.flatMap(ports)
        guard wanted.contains(where: { port in taken.contains { port.conflicts(with: $0) } }) else { return nil }
        return WaitingReason(
            reason: "NodePorts",
            message: "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested "
                + "pod ports")
    }

    /// Why a pod that is here cannot have the resources that it wants.
    func problem(_ pod: Pod) -> WaitingReason? {
        let others = pods.objects.filter { $0.uid != pod.uid && !$0.isFinished }
        return PodResize.problem(pod, others: others.map(Self.allocated), allocatable: allocatable)
    }

    func forget(_ uid: String) { admitted.withLock { _ = $0.remove(uid) } }

    private static func allocated(_ pod: Pod) -> Pod { PodResize.apply(PodResize.allocated(of: pod), to: pod) }

    /// The first resource of which there is not enough, as upstream's kubelet reports it: `OutOfcpu`.
    static func shortage(_ pod: Pod, others: [Pod], allocatable: [String: Quantity]) -> WaitingReason? {
        if let capacity = allocatable["pods"]?.value, capacity < others.count + 1 {
            return WaitingReason(
                reason: "OutOfpods",
                message: "Pod was rejected: Node didn't have enough resource: pods, requested: 1, "
                    + "used: \(others.count), capacity: \(capacity)")
        }
        let wanted = PodResources.total(.requests, of: pod.spec.json, overhead: true)
        let used = others.reduce(into: [String: Quantity]()) { sum, other in
            sum = sum + PodResources.total(.requests, of: other.spec.json, overhead: true)
        }
        for (name, request) in wanted.sorted(by: { $0.key < $1.key }) where request.nanos > 0 {
            // Resources of others (devices) are not ours to count.
            guard let capacity = allocatable[name] else { continue }
            let taken = used[name] ?? Quantity(0)
            guard capacity < taken + request else { continue }
            func number(_ quantity: Quantity) -> Int64 { name == "cpu" ? quantity.milliValue : quantity.value }
            return WaitingReason(
                reason: "OutOf\(name)",
                message: "Pod was rejected: Node didn't have enough resource: \(name), requested: \(number(request)), "
                    + "used: \(number(taken)), capacity: \(number(capacity))")
        }
        return nil
    }
}
