// The control groups of pods: one for each, below those of the quality of service classes, on hierarchies of both versions.

import CRI
import Glibc
import KubeTypes

/// What the group of a pod, or of a class of pods, is limited to.
struct CgroupLimits: Sendable, Equatable {
    /// 1024 is one core's weight; 2 the least.
    var cpuShares: Int64 = 2
    /// Microseconds of each 100 ms; nil is no limit.
    var cpuQuota: Int64?
    /// Bytes; nil is no limit.
    var memory: Int64?
    /// Processes and threads; nil is no limit.
    var pids: Int64?
    /// Bytes in huge pages, by their size as the kernel writes it (`2MB`).
    var hugePages: [String: Int64] = [:]

    /// The limits of a whole pod: the sum of what its containers want, with limits only where every container has one.
    /// - Parameter hugePages: The resources of huge pages that the node has: of those that a pod does not ask for, it
    ///   gets none.
    init(of pod: Pod, pids: Int64? = nil, hugePages: [String] = []) {
        let requests = PodResources.total(.requests, of: pod.spec.json, overhead: true)
        let limits = PodResources.total(.limits, of: pod.spec.json, overhead: true)
        func all(_ kind: String) -> Bool {
            if pod.spec.resources?.limits[kind] != nil { return true }
            let containers = pod.spec.initContainers + pod.spec.containers
            return containers.allSatisfy { ($0.resources?.limits[kind]?.nanos ?? 0) > 0 }
        }
        self.pids = pids
        for name in hugePages {
            guard let size = HugePages.size(of: name) else { continue }
            self.hugePages[HugePages.kernelName(size)] = limits[name]?.value ?? 0
        }
        guard PodQoS(of: pod) != .bestEffort else { return }
        cpuShares = Self.shares(milli: (requests["cpu"] ?? limits["cpu"])?.milliValue ?? 0)
        if all("cpu"), let limit = limits["cpu"] { cpuQuota = max(1000, limit.milliValue * 100) }
        if all("memory"), let limit = limits["memory"], limit.value > 0 { memory = limit.value }
    }

    init(cpuShares: Int64 = 2, memory: Int64? = nil, pids: Int64? = nil) {
        self.cpuShares = cpuShares
        self.memory = memory
        self.pids = pids
    }

    /// 1024 shares are one core, 2 the least there is.
    static func shares(milli: Int64) -> Int64 { min(262_144, max(2, milli * 1024 / 1000)) }

    /// Enough for both: what a pod's group has while its containers go from one size to the other.
    func widened(by other: CgroupLimits) -> CgroupLimits {
        var result = self
        result.cpuShares = max(cpuShares, other.cpuShares)
        result.cpuQuota = cpuQuota.flatMap { own in other.cpuQuota.map { max(own, $0) } }
        result.memory = memory.flatMap { own in other.memory.map { max(own, $0) } }
        result.hugePages = hugePages.merging(other.hugePages) { max($0, $1) }
        return result
    }
}

/// The files of a control group, below the mounts of the hierarchies.
struct CgroupTree: Sendable {
    /// `/sys/fs/cgroup`
    var mount = "/sys/fs/cgroup"
    /// One hierarchy for everything (version 2), or one for each controller.
    let isUnified: Bool

    init(mount: String = "/sys/fs/cgroup") {
        self.mount = mount
        isUnified = Files.exists("\(mount)/cgroup.controllers")
    }

    /// The file of a controller's group: `path` is `/kubepods/pod…`.
    func file(_ controller: String, _ path: String, _ name: String) -> String {
        isUnified ? "\(mount)\(path)/\(name)" : "\(mount)/\(controller)\(path)/\(name)"
    }

    private func exists(_ controller: String) -> Bool { isUnified || Files.exists("\(mount)/\(controller)") }

    /// Makes a group and those above it, and sets its limits. What the kernel has not is left out.
    func set(_ path: String, _ limits: CgroupLimits) {
        make(path)
        func put(_ controller: String, _ name: String, _ value: String) {
            guard exists(controller) else { return }
            // A limit that the kernel refuses (memory in use beyond it) stays as it was; the next pass tries again.
            Self.put(value, file(controller, path, name))
        }
        if isUnified {
            put("cpu", "cpu.weight", "\(Self.weight(shares: limits.cpuShares))")
            put("cpu", "cpu.max", limits.cpuQuota.map { "\($0) 100000" } ?? "max 100000")
            put("memory", "memory.max", limits.memory.map { "\($0)" } ?? "max")
            put("pids", "pids.max", limits.pids.map { "\($0)" } ?? "max")
            for (size, bytes) in limits.hugePages { put("hugetlb", "hugetlb.\(size).max", "\(bytes)") }
        } else {
            put("cpu", "cpu.shares", "\(limits.cpuShares)")
            put("cpu", "cpu.cfs_period_us", "100000")
            put("cpu", "cpu.cfs_quota_us", "\(limits.cpuQuota ?? -1)")
            put("memory", "memory.limit_in_bytes", "\(limits.memory ?? -1)")
            put("pids", "pids.max", limits.pids.map { "\($0)" } ?? "max")
            for (size, bytes) in limits.hugePages { put("hugetlb", "hugetlb.\(size).limit_in_bytes", "\(bytes)") }
        }
    }

    private static func put(_ text: String, _ path: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// From 2…262144 to 1…10000, as the kernel's documentation of version 2 suggests.
    static func weight(shares: Int64) -> Int64 { 1 + (shares - 2) * 9999 / 262_142 }

    private static let controllers = ["cpu", "cpuacct", "memory", "pids", "cpuset", "hugetlb"]

    private func make(_ path: String) {
        if isUnified {
            var above = mount
            for part in path.split(separator: "/") {
                // A group's children have only the controllers that it passes on.
                for controller in ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"] {
                    Self.put("+\(controller)", "\(above)/cgroup.subtree_control")
                }
                above += "/\(part)"
                mkdir(above, 0o755)
            }
        } else {
            for controller in Self.controllers where exists(controller) {
                var above = "\(mount)/\(controller)"
                for part in path.split(separator: "/") {
                    let parent = above
                    above += "/\(part)"
                    guard mkdir(above, 0o755) == 0, controller == "cpuset" else { continue }
                    // A new group of this controller has no processors until it is given some.
                    for name in ["cpuset.cpus", "cpuset.mems"] {
                        if let text = Files.text("\(parent)/\(name)") { Self.put(text, "\(above)/\(name)") }
                    }
                }
            }
        }
    }

    /// Removes the groups of a pod that is gone, in every hierarchy.
    func remove(pod uid: String, root: String) {
        for hierarchy in hierarchies {
            for level in ["", "/burstable", "/besteffort"] { rmdir("\(hierarchy)\(root)\(level)/pod\(uid)") }
        }
    }

    /// Removes the groups above those of pods, where there are no pods.
    func removeEmpty(root: String) {
        for hierarchy in hierarchies {
            for level in ["/burstable", "/besteffort", ""] { rmdir("\(hierarchy)\(root)\(level)") }
        }
    }

    private var hierarchies: [String] { [mount] + Files.list(mount).map { "\(mount)/\($0)" } }
}

/// The groups of a node's pods, kept as the pods are.
struct PodCgroups: Sendable {
    let tree: CgroupTree
    /// `/kubepods`
    let root: String
    let allocatable: [String: Quantity]
    /// Of each pod; nil is no limit.
    let pidsLimit: Int64?

    /// The groups that all pods are in: together they get no more than what is allocatable.
    func setUp() {
        let cpu = allocatable["cpu"]?.milliValue ?? 0
        tree.set(root, CgroupLimits(cpuShares: CgroupLimits.shares(milli: cpu), memory: allocatable["memory"]?.value))
        tree.set(root + "/burstable", CgroupLimits())
        tree.set(root + "/besteffort", CgroupLimits())
    }

    func path(of pod: Pod) -> String { PodQoS(of: pod).cgroup(root: root, uid: pod.uid) }

    func set(_ pod: Pod, widenedBy other: Pod? = nil) {
        let pages = allocatable.keys.filter { $0.hasPrefix(HugePages.prefix) }
        var limits = CgroupLimits(of: pod, pids: pidsLimit, hugePages: pages)
        if let other { limits = limits.widened(by: CgroupLimits(of: other, hugePages: pages)) }
        tree.set(path(of: pod), limits)
    }

    /// The weight of all burstable pods against guaranteed ones: what they asked for together.
    func share(_ pods: [Pod]) {
        let milli = pods.filter { PodQoS(of: $0) == .burstable && !$0.isFinished }.reduce(Int64(0)) { sum, pod in
            sum + (PodResources.total(.requests, of: pod.spec.json, overhead: true)["cpu"]?.milliValue ?? 0)
        }
        tree.set(root + "/burstable", CgroupLimits(cpuShares: CgroupLimits.shares(milli: milli)))
    }
}
