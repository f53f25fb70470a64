// A pod's quality of service class, its place in the cgroup tree, and the numbers that follow for its containers.

import CRI
import KubeTypes

enum PodQoS: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// The class that the API has written, or else what the pod's resources amount to.
    init(of pod: Pod) {
        if let set = pod.status.json["qosClass"]?.stringValue, let known = PodQoS(rawValue: set) {
            self = known
            return
        }
        self = PodQoS(rawValue: PodQOS.qosClass(of: pod.spec.json.objectValue ?? [:])) ?? .bestEffort
    }

    /// `/kubepods/burstable/pod<uid>`
    func cgroup(root: String, uid: String) -> String {
        switch self {
        case .guaranteed: "\(root)/pod\(uid)"
        case .burstable: "\(root)/burstable/pod\(uid)"
        case .bestEffort: "\(root)/besteffort/pod\(uid)"
        }
    }

    /// How willingly the kernel ends a container when memory runs out: -997 … 1000.
    func oomScore(of container: Container, pod: Pod, memoryCapacity: Int64) -> Int64 {
        if pod.isSystemCritical { return -997 }
        switch self {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            let rest = Self.unclaimedMemory(of: pod)
            var request = Self.memoryRequest(of: container) + rest
            if container.isSidecar {
                // No more willingly than the first of the containers that it is there for.
                request = max(request, (pod.spec.containers.map(Self.memoryRequest).min() ?? 0) + rest)
            }
            let share = memoryCapacity > 0 ? 1000 * min(request, memoryCapacity) / memoryCapacity : 0
            // Above guaranteed pods, and below those that asked for nothing.
            return min(999, max(3, 1000 - share))
        }
    }

    private static func memoryRequest(of container: Container) -> Int64 {
        container.resources?.requests["memory"]?.value ?? container.resources?.limits["memory"]?.value ?? 0
    }

    /// Each container's part of what the pod itself asks for beyond its containers (KEP-2837), in bytes.
    private static func unclaimedMemory(of pod: Pod) -> Int64 {
        guard let whole = pod.spec.resources?.requests["memory"]?.value else { return 0 }
        var containers = pod.json["spec"] ?? [:]
        containers["resources"] = nil
        let claimed = PodResources.total(.requests, of: containers, overhead: false)["memory"]?.value ?? 0
        let count = pod.spec.containers.count + pod.spec.initContainers.filter(\.isSidecar).count
        return max(0, whole - claimed) / Int64(max(1, count))
    }

    /// Requests and limits as the kernel has them. A container without limits of its own has its pod's.
    func resources(of container: Container, pod: Pod, memoryCapacity: Int64) -> RuntimeResources {
        var result = RuntimeResources()
        func limit(_ name: String) -> Quantity? {
            if let own = container.resources?.limits[name], own.nanos > 0 { return own }
            return pod.spec.resources?.limits[name]
        }
        let own = container.resources?.limits["cpu"]?.milliValue ?? 0
        let request = container.resources?.requests["cpu"]?.milliValue ?? own
        let processors = limit("cpu")?.milliValue ?? 0
        result.cpuShares = CgroupLimits.shares(milli: request)
        if processors > 0 {
            result.cpuPeriod = 100_000
            result.cpuQuota = max(1000, processors * 100_000 / 1000)
        }
        result.memoryLimit = limit("memory")?.value ?? 0
        result.oomScoreAdj = oomScore(of: container, pod: pod, memoryCapacity: memoryCapacity)
        return result
    }
}
