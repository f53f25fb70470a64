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
            if let problem = Self.shortage(pod, others: others.map(Self.allocated), allocatable: allocatable) {
                return problem
            }
            admitted.insert(pod.uid)
            return nil
        }
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
        // Resources of others (devices) are not ours to count: the node's own are all that is allocatable here.
        if let lack = Lack.first(of: wanted, beside: others, in: allocatable) {
            return WaitingReason(reason: "OutOf\(lack.resource)", message: "Pod was rejected: \(lack)")
        }
        let ports = { (pod: Pod) in HostPort.used(by: pod.spec.containers, initContainers: pod.spec.initContainers) }
        let taken = others.flatMap(ports)
        if ports(pod).contains(where: { port in taken.contains { port.conflicts(with: $0) } }) {
            return WaitingReason(
                reason: "NodePorts",
                message:
                    "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested "
                    + "pod ports")
        }
        return nil
    }

    /// A resource of which a node has too little, in the units that messages count it in.
    struct Lack: CustomStringConvertible {
        let resource: String
        let requested, used, capacity: Int64

        var description: String {
            "Node didn't have enough resource: \(resource), requested: \(requested), used: \(used), capacity: \(capacity)"
        }

        /// The first, by name, that does not fit beside what other pods have asked for.
        static func first(
            of wanted: ResourceAmounts, beside others: [Pod], in allocatable: ResourceAmounts
        ) -> Lack? {
            let taken = others.reduce(into: ResourceAmounts()) { sum, other in
                sum = sum + PodResources.total(.requests, of: other.spec.json, overhead: true)
            }
            for (name, request) in wanted.sorted(by: { $0.key < $1.key }) where request.nanos > 0 {
                guard let capacity = allocatable[name] else { continue }
                let used = taken[name] ?? Quantity(0)
                guard capacity < used + request else { continue }
                return Lack(
                    resource: name, requested: number(name, request), used: number(name, used),
                    capacity: number(name, capacity))
            }
            return nil
        }

        /// Processors are counted in thousandths.
        private static func number(_ name: String, _ quantity: Quantity) -> Int64 {
            name == "cpu" ? quantity.milliValue : quantity.value
        }
    }
}
