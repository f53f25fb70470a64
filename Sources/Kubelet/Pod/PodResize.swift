// Changing the resources of a pod that runs (KEP-1287): what is allocated, whether more fits, and what a container needs.

import CRI
import JSON
import KubeTypes

enum PodResize {
    /// Resources that can change while a pod runs.
    static let kinds = ["cpu", "memory"]

    /// What a container gets of what its pod wants.
    typealias Allocation = [String: ResourceRequirements]

    static func wanted(by pod: Pod) -> Allocation {
        Dictionary(
            (pod.spec.initContainers + pod.spec.containers).map { ($0.name, $0.resources ?? ResourceRequirements()) },
            uniquingKeysWith: { $1 })
    }

    /// What an earlier agent had allocated, as the status tells: its requests, and the limits that go with them.
    static func allocated(of pod: Pod) -> Allocation {
        var result = wanted(by: pod)
        for status in pod.status.initContainerStatuses + pod.status.containerStatuses {
            guard let shown = status.resources, status.json["allocatedResources"] != nil else { continue }
            var resources = shown
            resources.requests = status.allocatedResources
            result[status.name] = resources
        }
        return result
    }

    /// The pod with what is allocated in place of what it wants.
    static func apply(_ allocation: Allocation, to pod: Pod) -> Pod {
        func changed(_ container: Container) -> Container {
            guard let resources = allocation[container.name], differs(resources, container.resources) else {
                return container
            }
            var container = container
            container.resources = resources
            return container
        }
        var pod = pod
        pod.spec.containers = pod.spec.containers.map(changed)
        pod.spec.initContainers = pod.spec.initContainers.map(changed)
        return pod
    }

    static func differs(_ left: Allocation, _ right: Allocation) -> Bool {
        Set(left.keys).union(right.keys).contains { differs(left[$0], right[$0]) }
    }

    static func differs(_ left: ResourceRequirements?, _ right: ResourceRequirements?) -> Bool {
        !changes(left, right).isEmpty
    }

    /// The resources of which a request or limit is different.
    static func changes(_ left: ResourceRequirements?, _ right: ResourceRequirements?) -> [String] {
        kinds.filter {
            left?.requests[$0] != right?.requests[$0] || left?.limits[$0] != right?.limits[$0]
        }
    }

    /// Whether a container has to start anew for a change of its resources.
    static func needsRestart(_ container: Container, from old: ResourceRequirements?) -> Bool {
        changes(old, container.resources).contains { kind in
            container.resizePolicy.first { $0.resourceName == kind }?.restartPolicy == "RestartContainer"
        }
    }

    /// Why a pod of this size cannot be on the node, now or ever; nil if it can.
    /// - Parameter others: The pods that run beside it, with what is allocated to them.
    static func problem(_ pod: Pod, others: [Pod], allocatable: [String: Quantity]) -> WaitingReason? {
        let requests = PodResources.total(.requests, of: pod.spec.json, overhead: true)
        for kind in kinds {
            guard let request = requests[kind], let capacity = allocatable[kind], capacity < request else { continue }
            return WaitingReason(
                reason: "Infeasible",
                message: "Node didn't have enough capacity: \(kind), requested: \(number(kind, request)), "
                    + "capacity: \(number(kind, capacity))")
        }
        for kind in kinds {
            guard let request = requests[kind], let capacity = allocatable[kind] else { continue }
            let used = others.reduce(Quantity(0)) { sum, other in
                sum + (PodResources.total(.requests, of: other.spec.json, overhead: true)[kind] ?? Quantity(0))
            }
            if capacity < used + request {
                return WaitingReason(
                    reason: "Deferred",
                    message: "Node didn't have enough resource: \(kind), requested: \(number(kind, request)), "
                        + "used: \(number(kind, used)), capacity: \(number(kind, capacity))")
            }
        }
        return nil
    }

    private static func number(_ kind: String, _ quantity: Quantity) -> Int64 {
        kind == "cpu" ? quantity.milliValue : quantity.value
    }
}

/// What the worker of a pod remembers of its resizes. It belongs to the worker's isolation.
final class ResizeState {
    var allocation: PodResize.Allocation
    /// What containers were given after they were made, by their ids.
    var actuated: [String: ResourceRequirements] = [:]
    var tasks: [String: Task<Void, Never>] = [:]
    var pending: WaitingReason?
    var isUnderWay = false
    var failure: String?
    var retry: Time?

    init(_ pod: Pod) {
        let isKnown = pod.status.containerStatuses.contains { $0.containerID != nil }
        allocation = isKnown ? PodResize.allocated(of: pod) : PodResize.wanted(by: pod)
    }

    /// What a container has: what it was given last, or what it was made with.
    func actual(_ status: RuntimeContainerStatus) -> ResourceRequirements? {
        if let given = actuated[status.id] { return given }
        guard let text = status.annotations[RuntimeKeys.resources], let json = try? JSONParser.parse(Array(text.utf8))
        else { return allocation[status.name] }
        let made = ResourceRequirements(json)
        actuated[status.id] = made
        return made
    }

    func forget(except ids: Set<String>) { actuated = actuated.filter { ids.contains($0.key) } }

    /// What the pod's condition says while containers have not got what is allocated to them.
    func progress(of pod: Pod, _ observed: ObservedPod) -> WaitingReason? {
        let behind = (pod.spec.initContainers + pod.spec.containers).contains { container in
            guard let status = observed.latest(container.name), status.state == .running else { return false }
            return PodResize.differs(actual(status), container.resources)
        }
        guard behind else { return nil }
        return WaitingReason(reason: failure == nil ? "" : "Error", message: failure ?? "")
    }
}
