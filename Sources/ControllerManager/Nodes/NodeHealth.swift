import JSON
import KubeTypes

extension NodeCondition {
    static func of(_ node: Node, _ type: String) -> NodeCondition? {
        for condition in node.json[path: "status", "conditions"]?.arrayValue ?? []
        where condition["type"]?.stringValue == type {
            return NodeCondition(condition)
        }
        return nil
    }

    static func ready(of node: Node) -> NodeCondition? { of(node, "Ready") }
}

/// Whether a node is alive: when it was last heard of, by its lease or its status, against the clock of whoever watches,
/// so that clocks that differ do no harm.
struct NodeHealth: Equatable {
    /// When a sign of life was last seen.
    private(set) var seen: Time
    private(set) var heartbeat: Time?
    private(set) var renewal: Time?

    /// A node seen for the first time; one that has never reported is measured from its creation.
    init(_ node: Node, leaseRenewal: Time?, now: Time) {
        let ready = NodeCondition.ready(of: node)
        seen = ready == nil ? node.metadata.creationTimestamp ?? now : now
        heartbeat = ready?.lastHeartbeatTime
        renewal = leaseRenewal
    }

    mutating func observe(_ node: Node, leaseRenewal: Time?, now: Time) {
        let beat = NodeCondition.ready(of: node)?.lastHeartbeatTime
        if beat != heartbeat {
            heartbeat = beat
            seen = now
        }
        if let leaseRenewal, renewal.map({ leaseRenewal > $0 }) ?? true {
            renewal = leaseRenewal
            seen = now
        }
    }

    /// As if the node had been heard of now, after a time in which no node could be.
    mutating func reset(now: Time) { seen = now }

    func isSilent(graceSeconds: Int, now: Time) -> Bool { now.since(seen) > Double(graceSeconds) }

    /// Conditions of which nothing is known any more once a node is silent.
    static let reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]

    /// The conditions of a node that has fallen silent; nil where they say so already.
    static func silentConditions(of node: Node, now: Time) -> [NodeCondition]? {
        var conditions = node.status.conditions
        var changed = false
        for type in reported {
            guard let position = conditions.firstIndex(where: { $0.type == type }) else {
                var condition = NodeCondition()
                condition.type = type
                condition.status = "Unknown"
                condition.reason = "NodeStatusNeverUpdated"
                condition.message = "Kubelet never posted node status."
                condition.lastHeartbeatTime = node.metadata.creationTimestamp
                condition.lastTransitionTime = now
                conditions.append(condition)
                changed = true
                continue
            }
            guard conditions[position].status != "Unknown" else { continue }
            conditions[position].status = "Unknown"
            conditions[position].reason = "NodeStatusUnknown"
            conditions[position].message = "Kubelet stopped posting node status."
            conditions[position].lastTransitionTime = now
            changed = true
        }
        return changed ? conditions : nil
    }
}

/// The taints that follow from a node's conditions.
enum NodeTaints {
    static let notReady = "node.kubernetes.io/not-ready"
    static let unreachable = "node.kubernetes.io/unreachable"
    static let unschedulable = "node.kubernetes.io/unschedulable"

    private static let byCondition: [(type: String, status: String, key: String)] = [
        ("Ready", "False", notReady), ("Ready", "Unknown", unreachable),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
    ]
    private static let managed = Set(byCondition.map(\.key) + [unschedulable])

    static func taint(_ key: String, _ effect: String, now: Time?) -> Taint {
        var taint = Taint()
        taint.key = key
        taint.effect = effect
        taint.timeAdded = now
        return taint
    }

    /// The node's taints with those against scheduling that its conditions ask for, and without those they do not.
    static func withScheduling(_ node: Node, now: Time) -> [Taint] {
        var wanted: [String] = []
        for rule in byCondition where NodeCondition.of(node, rule.type)?.status == rule.status {
            wanted.append(rule.key)
        }
        if node.spec.unschedulable == true { wanted.append(unschedulable) }
        let kept = node.spec.taints.filter {
            $0.effect != "NoSchedule" || !managed.contains($0.key) || wanted.contains($0.key)
        }
        let missing = wanted.filter { key in !kept.contains { $0.key == key && $0.effect == "NoSchedule" } }
        return kept + missing.map { taint($0, "NoSchedule", now: now) }
    }

    /// The node's taints with the one that drives pods away, `key`, and without the other; nil removes both.
    static func withEviction(_ taints: [Taint], _ key: String?, now: Time) -> [Taint] {
        let kept = taints.filter {
            $0.effect != "NoExecute" || ![notReady, unreachable].contains($0.key) || $0.key == key
        }
        guard let key, !kept.contains(where: { $0.key == key && $0.effect == "NoExecute" }) else { return kept }
        return kept + [taint(key, "NoExecute", now: now)]
    }

    /// The taint that a node's readiness asks for, to drive its pods away.
    static func evicting(_ node: Node) -> String? {
        switch NodeCondition.ready(of: node)?.status {
        case "False": notReady
        case "Unknown": unreachable
        default: nil
        }
    }
}

/// How a zone is, and how fast its nodes may lose their pods: where most of a zone is lost, the fault is probably not
/// the nodes', and moving the pods would do harm.
enum ZoneState: Equatable {
    case normal
    case partialDisruption
    case fullDisruption

    private static let largeZone = 50
    private static let unhealthyShare = 0.55
    private static let reducedRate = 0.01

    init(ready: Int, notReady: Int) {
        if ready == 0, notReady > 0 {
            self = .fullDisruption
        } else if notReady > 2, Double(notReady) / Double(notReady + ready) >= Self.unhealthyShare {
            self = .partialDisruption
        } else {
            self = .normal
        }
    }

    /// Nodes a second.
    func evictionRate(_ healthyRate: Double, nodes: Int) -> Double {
        switch self {
        case .normal, .fullDisruption: healthyRate
        case .partialDisruption: nodes > Self.largeZone ? Self.reducedRate : 0
        }
    }

    static func zone(of node: Node) -> String {
        let labels = node.labels
        return "\(labels["topology.kubernetes.io/region"] ?? "")/\(labels["topology.kubernetes.io/zone"] ?? "")"
    }
}
