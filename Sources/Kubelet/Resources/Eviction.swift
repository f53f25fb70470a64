// Which pods have to go when the node runs out of something (Kubernetes documentation, *Node-pressure Eviction*).

import KubeTypes

/// What a node may run out of.
public enum EvictionSignal: String, Sendable, CaseIterable {
    case memory = "memory.available"
    case nodeDisk = "nodefs.available"
    case nodeInodes = "nodefs.inodesFree"
    case imageDisk = "imagefs.available"
    case imageInodes = "imagefs.inodesFree"
    case processes = "pid.available"

    /// The resource as messages name it.
    var resource: String {
        switch self {
        case .memory: "memory"
        case .nodeDisk, .imageDisk: "ephemeral-storage"
        case .nodeInodes, .imageInodes: "inodes"
        case .processes: "pids"
        }
    }

    /// Counted in bytes, and such that pods can ask for some of it.
    var isInBytes: Bool { self == .memory || self == .nodeDisk || self == .imageDisk }

    /// The node's condition.
    var condition: String {
        switch self {
        case .memory: "MemoryPressure"
        case .nodeDisk, .nodeInodes, .imageDisk, .imageInodes: "DiskPressure"
        case .processes: "PIDPressure"
        }
    }
}

/// How little may be left: so much, or such a part of all there is.
public enum EvictionThreshold: Sendable, Equatable {
    case amount(UInt64)
    case part(Double)

    func value(of capacity: UInt64) -> UInt64 {
        switch self {
        case .amount(let amount): amount
        case .part(let part): UInt64(Double(capacity) * part)
        }
    }

    /// `100Mi` or `10%`.
    public init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let percent = Double(text.dropLast()), (0...100).contains(percent) else { return nil }
            self = .part(percent / 100)
        } else {
            guard let quantity = Quantity(text), quantity.value >= 0 else { return nil }
            self = .amount(UInt64(quantity.value))
        }
    }
}

/// When pods have to go for the node's sake.
public struct EvictionPolicy: Sendable, Equatable {
    /// Crossed, they call for a pod at once.
    public var hard = EvictionRules.defaults
    /// Crossed for as long as `softGrace` says, in seconds, they call for a pod too, which is given time to end.
    public var soft: [EvictionSignal: EvictionThreshold] = [:]
    public var softGrace: [EvictionSignal: Double] = [:]
    /// Seconds at most that a pod is given then.
    public var maxPodGrace = 0
    /// Seconds for which the node's condition stays after the pressure is over.
    public var transition = 300.0

    public init() {}
}

public enum EvictionRules {
    /// Upstream's hard thresholds, but for those of images: on a disk that other things fill as well, 15 % free is no
    /// distress.
    public static let defaults: [EvictionSignal: EvictionThreshold] = [
        .memory: .amount(100 << 20), .nodeDisk: .part(0.1), .nodeInodes: .part(0.05),
    ]

    static func observe(_ stats: NodeStats, _ signal: EvictionSignal) -> (available: UInt64, capacity: UInt64) {
        switch signal {
        case .memory: (stats.machine.available, stats.machine.available + stats.machine.workingSet)
        case .nodeDisk: (stats.nodeFS.available, stats.nodeFS.capacity)
        case .nodeInodes: (stats.nodeFS.inodesFree, stats.nodeFS.inodes)
        case .imageDisk: (stats.imageFS.available, stats.imageFS.capacity)
        case .imageInodes: (stats.imageFS.inodesFree, stats.imageFS.inodes)
        case .processes:
            (
                stats.machine.maxProcesses - min(stats.machine.maxProcesses, stats.machine.processes),
                stats.machine.maxProcesses
            )
        }
    }

    /// The thresholds that are crossed, in upstream's order: memory first.
    static func crossed(_ stats: NodeStats, _ thresholds: [EvictionSignal: EvictionThreshold]) -> [EvictionSignal] {
        EvictionSignal.allCases.filter { signal in
            guard let threshold = thresholds[signal] else { return false }
            let (available, capacity) = observe(stats, signal)
            // A file system that counts no inodes has none to run out of.
            return capacity > 0 && available < threshold.value(of: capacity)
        }
    }

    /// Those that use more than they asked for first, then those of low priority, then those that use most beyond it.
    static func ranked(_ pods: [NodeStats.PodUse], by signal: EvictionSignal) -> [NodeStats.PodUse] {
        func use(_ pod: NodeStats.PodUse) -> Int64 {
            switch signal {
            case .memory: Int64(clamping: pod.usage?.workingSet ?? 0)
            case .nodeDisk: Int64(clamping: pod.ephemeral)
            case .imageDisk: Int64(clamping: pod.containers.reduce(0) { $0 + $1.rootfs })
            case .nodeInodes, .imageInodes: Int64(clamping: pod.volumes.reduce(0) { $0 + $1.use.inodes })
            case .processes: Int64(clamping: pod.usage?.processes ?? 0)
            }
        }
        func beyond(_ pod: NodeStats.PodUse) -> Int64 {
            let requests = PodResources.total(.requests, of: pod.pod.spec.json, overhead: true)
            return use(pod) - (requests[signal.resource]?.value ?? 0)
        }
        return pods.filter { !isCritical($0.pod) && !$0.pod.isFinished && !$0.pod.isBeingDeleted }.sorted {
            left, right in
            let exceeds = (beyond(left) > 0, beyond(right) > 0)
            if signal.isInBytes, exceeds.0 != exceeds.1 { return exceeds.0 }
            let priorities = (left.pod.spec.priority ?? 0, right.pod.spec.priority ?? 0)
            if priorities.0 != priorities.1 { return priorities.0 < priorities.1 }
            return beyond(left) > beyond(right)
        }
    }

    /// Pods that nobody may push aside: static ones and those of the two highest classes.
    static func isCritical(_ pod: Pod) -> Bool {
        pod.isStatic || pod.mirroredUID != nil || pod.isSystemCritical
    }

    /// What the evicted pod's status says.
    static func message(
        _ victim: NodeStats.PodUse, _ signal: EvictionSignal, available: UInt64, threshold: UInt64
    ) -> String {
        func shown(_ value: UInt64) -> String {
            signal.isInBytes
                ? Quantity(Int64(clamping: value) / 1024 * 1024, format: .binary).canonical : "\(value)"
        }
        var text = "The node was low on resource: \(signal.resource). "
        text += "Threshold quantity: \(shown(threshold)), available: \(shown(available)). "
        guard signal.isInBytes else { return text }
        for container in victim.containers {
            let used = signal == .memory ? container.usage.workingSet : container.rootfs + container.logs.bytes
            let spec = victim.pod.allContainers.first { $0.name == container.name }
            let request = spec?.resources?.requests[signal.resource]
            guard Int64(clamping: used) > request?.value ?? 0 else { continue }
            text += "Container \(container.name) was using \(shown(used)), request is \(request?.text ?? "0"), "
            text += "has larger consumption of \(signal.resource). "
        }
        return text
    }

    /// Why a pod has used more of the disk than it may; nil if it has not.
    static func localStorageProblem(_ use: NodeStats.PodUse) -> String? {
        for volume in use.pod.spec.volumes {
            guard let limit = volume.emptyDir?.sizeLimit, limit.value > 0,
                let found = use.volumes.first(where: { $0.name == volume.name }),
                Int64(clamping: found.use.bytes) > limit.value
            else { continue }
            return "Usage of EmptyDir volume \"\(volume.name)\" exceeds the limit \"\(limit.text)\". "
        }
        let limits = PodResources.total(.limits, of: use.pod.spec.json, overhead: true)
        let all = use.pod.spec.containers.allSatisfy { $0.resources?.limits["ephemeral-storage"] != nil }
        if all, let limit = limits["ephemeral-storage"], limit.value > 0, Int64(clamping: use.ephemeral) > limit.value {
            return "Pod ephemeral local storage usage exceeds the total limit of containers \(limit.text). "
        }
        for container in use.containers {
            let spec = use.pod.allContainers.first { $0.name == container.name }
            guard let limit = spec?.resources?.limits["ephemeral-storage"], limit.value > 0,
                Int64(clamping: container.rootfs + container.logs.bytes) > limit.value
            else { continue }
            return "Container \(container.name) exceeded its local ephemeral storage limit \"\(limit.text)\". "
        }
        return nil
    }
}
