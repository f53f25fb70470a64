import JSON
import KubeClient
import KubeTypes
import Synchronization

/// A pod as the scheduler sees it: what its spec asks of a node, computed once.
final class PodInfo: Sendable {
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    /// Empty for a pod that has no node yet.
    let nodeName: String
    /// The node that preemption makes room on, as the API says; empty for none.
    let nominatedNode: String
    let schedulerName: String
    let priority: Int
    let neverPreempts: Bool
    let created: Time
    let generation: Int
    let isBeingDeleted: Bool
    /// Being deleted because the scheduler made room for another.
    let isPreempted: Bool
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
    let affinity: PodAffinityTerms
    let hardSpread: [SpreadConstraint]
    let softSpread: [SpreadConstraint]
    let volumes: PodVolumes
    /// Claims for devices.
    let claims: PodClaims
    /// What may be devices, too.
    let extended: ExtendedRequests
    /// Images of containers, init containers and image volumes, with a tag or digest; as often as they are named.
    let images: [String]
    let containerCount: Int
    /// The ReplicaSet, ReplicationController or StatefulSet that manages the pod.
    let owner: String?
    /// What events name.
    let reference: ObjectReference
    /// What the API says of its scheduling so far.
    let condition: PodCondition?

    /// When the kubelet first saw it, in nanoseconds; 0 as long as it has not. Comes late, and changes nothing else.
    private let started: Atomic<Int64>

    init(_ pod: Pod) {
        reference = EventRecorder.reference(to: pod)
        let status = pod.status
        let conditions = status.conditions
        condition = conditions.first { $0.type == "PodScheduled" }
        let metadata = pod.metadata
        let spec = pod.spec
        key = pod.key
        uid = metadata.uid ?? ""
        labels = metadata.labels
        generation = metadata.generation ?? 0
        isBeingDeleted = metadata.deletionTimestamp != nil
        isPreempted =
            metadata.deletionTimestamp != nil
            && conditions.contains {
                $0.type == "DisruptionTarget" && $0.status == "True" && $0.reason == "PreemptionByScheduler"
            }
        created = metadata.creationTimestamp ?? Time(seconds: 0)
        nodeName = spec.nodeName ?? ""
        nominatedNode = status.nominatedNodeName ?? ""
        let name = spec.schedulerName ?? ""
        schedulerName = name.isEmpty ? "default-scheduler" : name
        priority = spec.priority ?? 0
        neverPreempts = spec.preemptionPolicy == "Never"
        let phase = status.phase
        isFinished = phase == "Succeeded" || phase == "Failed"
        schedulingGates = spec.schedulingGates.map(\.name)
        started = Atomic(Self.startTime(pod))
        let containers = spec.containers
        let initContainers = spec.initContainers
        (requests, nonZero) = PodRequests.compute(spec, containers: containers, initContainers: initContainers)
        extended =
            requests.scalars.isEmpty
            ? ExtendedRequests()
            : ExtendedRequests(requests, containers: containers, initContainers: initContainers)
        ports = HostPort.used(by: containers, initContainers: initContainers)
        tolerations = spec.tolerations.map(PodToleration.init)
        let affinity = spec.affinity
        let nodeAffinity = affinity?.nodeAffinity
        nodeRequirement = NodeRequirement(
            nodeSelector: spec.nodeSelector, required: nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
        preferredNodes = (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).compactMap {
            preferred in
            guard let term = preferred.preference.flatMap(NodeTerm.init), preferred.weight > 0 else { return nil }
            return (preferred.weight, term)
        }
        let labels = labels
        self.affinity = PodAffinityTerms(affinity, namespace: key.namespace, labels: labels)
        let constraints = spec.topologySpreadConstraints
        let namespace = key.namespace
        hardSpread = constraints.filter { $0.whenUnsatisfiable == "DoNotSchedule" }.map {
            .init($0, namespace: namespace, podLabels: labels)
        }
        softSpread = constraints.filter { $0.whenUnsatisfiable == "ScheduleAnyway" }.map {
            .init($0, namespace: namespace, podLabels: labels)
        }
        let specVolumes = spec.volumes
        volumes = PodVolumes(specVolumes, podName: key.name)
        claims = PodClaims(pod)
        images =
            (initContainers + containers).compactMap(\.image).map(Self.normalizedImage)
            + specVolumes.compactMap { $0.image?.reference }.map(Self.normalizedImage)
        containerCount = containers.count + initContainers.count
        let kinds = ["ReplicaSet", "ReplicationController", "StatefulSet"]
        owner = metadata.ownerReferences.first { $0.controller == true && kinds.contains($0.kind) }?.uid
    }

    /// Whether a pod on a node takes up and counts for the same as before.
    func countsTheSame(as other: PodInfo) -> Bool {
        uid == other.uid && isBeingDeleted == other.isBeingDeleted && labels == other.labels
            && requests == other.requests && ports == other.ports
    }

    var startTime: Int64 {
        get { started.load(ordering: .relaxed) }
    }

    /// The kubelet has seen the pod.
    func hasStarted(at nanoseconds: Int64) { started.store(nanoseconds, ordering: .relaxed) }

    static func startTime(_ pod: Pod) -> Int64 {
        pod.status.startTime.map { $0.seconds * 1_000_000_000 + Int64($0.nanoseconds) } ?? 0
    }

    /// An image's name as nodes report it: with `:latest` if it has no tag.
    static func normalizedImage(_ name: String) -> String {
        let last = name.utf8.lastIndex(of: UInt8(ascii: "/")).map { name.utf8.index(after: $0) } ?? name.startIndex
        return name.utf8[last...].contains(UInt8(ascii: ":")) ? name : "\(name):latest"
    }

    /// Upstream's order of importance: higher priority, then the one that runs longer.
    static func isMoreImportant(_ left: PodInfo, _ right: PodInfo) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        // One that has not started counts as starting now.
        let first = left.startTime == 0 ? Int64.max : left.startTime
        let second = right.startTime == 0 ? Int64.max : right.startTime
        return first != second ? first < second : left.key < right.key
    }
}
