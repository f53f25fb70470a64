// Changing the resources of a pod that runs (KEP-1287): what is allocated, whether more fits, and what a container needs.

import CRI
import JSON
import KubeTypes

enum PodResize {
    /// Resources that can change while a pod runs.
    static let kinds = ["cpu", "memory"]

    /// What the containers get of what their pod wants, by their names, and the pod as a whole (KEP-5419).
    typealias Allocation = [String: ResourceRequirements]
    /// What stands for the pod itself among its containers: none has an empty name.
    private static let wholePod = ""

    static func wanted(by pod: Pod) -> Allocation {
        var result = Dictionary(
            (pod.spec.initContainers + pod.spec.containers).map { ($0.name, $0.resources ?? ResourceRequirements()) },
            uniquingKeysWith: { $1 })
        result[wholePod] = pod.spec.resources
        return result
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
        if var own = pod.spec.resources, let shown = pod.status.resources {
            // The status tells of the containers' sums as well: what the pod itself does not ask for is none of its own.
            for name in own.requests.keys {
                own.requests[name] = pod.status.allocatedResources[name] ?? own.requests[name]
            }
            for name in own.limits.keys { own.limits[name] = shown.limits[name] ?? own.limits[name] }
            result[wholePod] = own
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
        if let own = allocation[wholePod], differs(own, pod.spec.resources) { pod.spec.resources = own }
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

    /// Why limits on memory cannot be lowered as they are to be; nil if they can.
    /// - Parameter limits: Of the pod (named by an empty text) and of containers: what is to be, what is, and what is used.
    static func memoryProblem(_ limits: [(name: String, wanted: Int64?, actual: Int64?, used: UInt64)]) -> String? {
        let problems = limits.compactMap { limit -> String? in
            guard let wanted = limit.wanted, wanted > 0, wanted < limit.actual ?? .max, limit.used >= UInt64(wanted)
            else { return nil }
            let what = limit.name == wholePod ? "pod" : "container \"\(limit.name)\""
            return "attempting to set \(what) memory limit (\(wanted)) below current usage (\(limit.used))"
        }
        guard !problems.isEmpty else { return nil }
        return "cannot decrease memory limits: "
            + (problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
    }

    /// Why a pod of this size cannot be on the node, now or ever; nil if it can.
    /// - Parameter others: The pods that run beside it, with what is allocated to them.
    static func problem(_ pod: Pod, others: [Pod], allocatable: [String: Quantity]) -> WaitingReason? {
        let requests = PodResources.total(.requests, of: pod.spec.json, overhead: true).masked(by: kinds)
        if let lack = NodeRoom.Lack.first(of: requests, beside: [], in: allocatable) {
            return WaitingReason(
                reason: "Infeasible",
                message: "Node didn't have enough capacity: \(lack.resource), requested: \(lack.requested), "
                    + "capacity: \(lack.capacity)")
        }
        return NodeRoom.Lack.first(of: requests, beside: others, in: allocatable).map {
            WaitingReason(reason: "Deferred", message: $0.description)
        }
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
    /// Bytes that the pod's control group is limited to; nil is no limit.
    var podMemory: Int64?

    init(_ pod: Pod) {
        let isKnown = pod.status.containerStatuses.contains { $0.containerID != nil }
        allocation = isKnown ? PodResize.allocated(of: pod) : PodResize.wanted(by: pod)
        podMemory = CgroupLimits(of: PodResize.apply(allocation, to: pod)).memory
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
        guard behind || isUnderWay else { return nil }
        return WaitingReason(reason: failure == nil ? "" : "Error", message: failure ?? "")
    }
}
