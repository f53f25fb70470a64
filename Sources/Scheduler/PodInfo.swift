import JSON
import KubeClient
import KubeTypes

/// A pod as the scheduler sees it: what its spec asks of a node, computed once.
final class PodInfo: Sendable {
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    /// Empty for a pod that has no node yet.
    let nodeName: String
    let schedulerName: String
    let priority: Int
    let neverPreempts: Bool
    let created: Time
    let generation: Int
    let isBeingDeleted: Bool
    /// Succeeded or Failed: it holds nothing of its node any more.
    let isFinished: Bool
    let schedulingGates: [String]
    var isGated: Bool { !schedulingGates.isEmpty && nodeName.isEmpty && !isFinished && !isBeingDeleted }

    let requests: Resources
    /// The same with 100m of CPU and 200 MB for every container that asks for none: what scores count.
    let nonZero: (milliCPU: Int64, memory: Int64)
    let ports: [HostPort]
    let tolerations: [PodToleration]
    let nodeRequirement: NodeRequirement
    let preferredNodes: [(weight: Int, term: NodeTerm)]
    let hardSpread: [SpreadConstraint]
    let softSpread: [SpreadConstraint]
    /// The ReplicaSet, ReplicationController or StatefulSet that manages the pod.
    let owner: String?
    /// What events name.
    let reference: ObjectReference
    /// What the API says of its scheduling so far.
    let condition: PodCondition?

    init(_ pod: Pod) {
        reference = EventRecorder.reference(to: pod)
        condition = pod.status.conditions.first { $0.type == "PodScheduled" }
        let metadata = pod.metadata
        let spec = pod.spec
        key = pod.key
        uid = metadata.uid ?? ""
        labels = metadata.labels
        generation = metadata.generation ?? 0
        isBeingDeleted = metadata.deletionTimestamp != nil
        created = metadata.creationTimestamp ?? Time(seconds: 0)
        nodeName = spec.nodeName ?? ""
        let name = spec.schedulerName ?? ""
        schedulerName = name.isEmpty ? "default-scheduler" : name
        priority = spec.priority ?? 0
        neverPreempts = spec.preemptionPolicy == "Never"
        let phase = pod.json[path: "status", "phase"]?.stringValue
        isFinished = phase == "Succeeded" || phase == "Failed"
        schedulingGates = spec.schedulingGates.map(\.name)
        let containers = spec.containers
        let initContainers = spec.initContainers
        (requests, nonZero) = PodRequests.compute(spec, containers: containers, initContainers: initContainers)
        ports = HostPort.used(by: containers, initContainers: initContainers)
        tolerations = spec.tolerations.map(PodToleration.init)
        let affinity = spec.affinity?.nodeAffinity
        nodeRequirement = NodeRequirement(
            nodeSelector: spec.nodeSelector, required: affinity?.requiredDuringSchedulingIgnoredDuringExecution)
        preferredNodes = (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).compactMap { preferred in
            guard let term = preferred.preference.flatMap(NodeTerm.init), preferred.weight > 0 else { return nil }
            return (preferred.weight, term)
        }
        let constraints = spec.topologySpreadConstraints
        let labels = labels
        hardSpread = constraints.filter { $0.whenUnsatisfiable == "DoNotSchedule" }.map { .init($0, podLabels: labels) }
        softSpread = constraints.filter { $0.whenUnsatisfiable == "ScheduleAnyway" }.map {
            .init($0, podLabels: labels)
        }
        let kinds = ["ReplicaSet", "ReplicationController", "StatefulSet"]
        owner = metadata.ownerReferences.first { $0.controller == true && kinds.contains($0.kind) }?.uid
    }

    /// Whether a pod on a node takes up and counts for the same as before.
    func countsTheSame(as other: PodInfo) -> Bool {
        uid == other.uid && isBeingDeleted == other.isBeingDeleted && labels == other.labels
            && requests == other.requests && ports == other.ports
    }
}

/// Amounts of what a pod asks for or a node has.
struct Resources: Sendable, Equatable {
    var milliCPU: Int64 = 0
    /// Bytes.
    var memory: Int64 = 0
    /// Bytes.
    var ephemeralStorage: Int64 = 0
    /// Extended resources and huge pages, by name.
    var scalars: [String: Int64] = [:]

    var isEmpty: Bool { milliCPU == 0 && memory == 0 && ephemeralStorage == 0 && scalars.isEmpty }

    /// Reads amounts; `pods` is not among them.
    init(_ quantities: [String: Quantity] = [:]) {
        for (name, quantity) in quantities {
            switch name {
            case "cpu": milliCPU = quantity.milliValue
            case "memory": memory = quantity.value
            case "ephemeral-storage": ephemeralStorage = quantity.value
            case "pods": break
            default: if name.contains("/") || name.hasPrefix("hugepages-") { scalars[name] = quantity.value }
            }
        }
    }

    mutating func add(_ other: Resources) {
        milliCPU &+= other.milliCPU
        memory &+= other.memory
        ephemeralStorage &+= other.ephemeralStorage
        for (name, value) in other.scalars { scalars[name, default: 0] &+= value }
    }

    mutating func subtract(_ other: Resources) {
        milliCPU &-= other.milliCPU
        memory &-= other.memory
        ephemeralStorage &-= other.ephemeralStorage
        for (name, value) in other.scalars { scalars[name, default: 0] &-= value }
    }

    mutating func takeMaximum(_ other: Resources) {
        milliCPU = max(milliCPU, other.milliCPU)
        memory = max(memory, other.memory)
        ephemeralStorage = max(ephemeralStorage, other.ephemeralStorage)
        for (name, value) in other.scalars { scalars[name] = max(scalars[name] ?? 0, value) }
    }
}

/// What a pod asks for in all, as `component-helpers/resource` adds it up.
enum PodRequests {
    private static let defaultMilliCPU: Int64 = 100
    private static let defaultMemory: Int64 = 200 * 1024 * 1024

    static func compute(
        _ spec: PodSpec, containers: [Container], initContainers: [Container]
    ) -> (Resources, nonZero: (milliCPU: Int64, memory: Int64)) {
        let plain = total(spec, containers, initContainers, nonMissing: false)
        let padded = total(spec, containers, initContainers, nonMissing: true)
        return (plain, (padded.milliCPU, padded.memory))
    }

    private static func total(
        _ spec: PodSpec, _ containers: [Container], _ initContainers: [Container], nonMissing: Bool
    ) -> Resources {
        func requests(_ container: Container) -> Resources {
            let quantities = container.resources?.requests ?? [:]
            var resources = Resources(quantities)
            if nonMissing {
                if quantities["cpu"] == nil { resources.milliCPU = defaultMilliCPU }
                if quantities["memory"] == nil { resources.memory = defaultMemory }
            }
            return resources
        }
        var sum = Resources()
        for container in containers { sum.add(requests(container)) }
        // Init containers run one after the other, each beside the sidecars that were started before it.
        var sidecars = Resources()
        var peak = Resources()
        for container in initContainers {
            var own = requests(container)
            if container.restartPolicy == "Always" {
                sum.add(own)
                sidecars.add(own)
                own = sidecars
            } else {
                own.add(sidecars)
            }
            peak.takeMaximum(own)
        }
        sum.takeMaximum(peak)
        // Requests of the pod as a whole (KEP-2837) stand in place of the sum.
        if let whole = spec.resources?.requests, !whole.isEmpty {
            let resources = Resources(whole)
            if whole["cpu"] != nil { sum.milliCPU = resources.milliCPU }
            if whole["memory"] != nil { sum.memory = resources.memory }
            for (name, value) in resources.scalars where name.hasPrefix("hugepages-") { sum.scalars[name] = value }
        }
        sum.add(Resources(spec.overhead))
        return sum
    }
}

/// A port of the node that a pod takes.
struct HostPort: Sendable, Hashable {
    let ip: String
    let proto: String
    let port: Int

    init(ip: String, proto: String, port: Int) {
        self.ip = ip.isEmpty ? "0.0.0.0" : ip
        self.proto = proto.isEmpty ? "TCP" : proto
        self.port = port
    }

    static func used(by containers: [Container], initContainers: [Container]) -> [HostPort] {
        let sidecars = initContainers.filter { $0.restartPolicy == "Always" }
        return (containers + sidecars).flatMap(\.ports).compactMap { port in
            guard let number = port.hostPort, number > 0 else { return nil }
            return HostPort(ip: port.hostIP ?? "", proto: port.protocol ?? "", port: number)
        }
    }

    /// Two cannot be had at once: the same port and protocol on the same address, or on all of them.
    func conflicts(with other: HostPort) -> Bool {
        port == other.port && proto == other.proto && (ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0")
    }
}
