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
        if let priority = pod.spec.priority, priority >= 2_000_000_000 { return -997 }
        switch self {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            let request =
                container.resources?.requests["memory"]?.value ?? container.resources?.limits["memory"]?.value ?? 0
            let share = memoryCapacity > 0 ? 1000 * min(request, memoryCapacity) / memoryCapacity : 0
            // Above guaranteed pods, and below those that asked for nothing.
            return min(999, max(3, 1000 - share))
        }
    }

    /// Requests and limits as the kernel has them.
    func resources(of container: Container, pod: Pod, memoryCapacity: Int64) -> RuntimeResources {
        var result = RuntimeResources()
        let limit = container.resources?.limits["cpu"]?.milliValue ?? 0
        let request = container.resources?.requests["cpu"]?.milliValue ?? limit
        // 1024 shares are one core, 2 the least there is.
        result.cpuShares = min(262_144, max(2, request * 1024 / 1000))
        if limit > 0 {
            result.cpuPeriod = 100_000
            result.cpuQuota = max(1000, limit * 100_000 / 1000)
        }
        result.memoryLimit = container.resources?.limits["memory"]?.value ?? 0
        result.oomScoreAdj = oomScore(of: container, pod: pod, memoryCapacity: memoryCapacity)
        return result
    }
}
