/// Why no node takes a pod, in the words that kube-scheduler has for it.
struct Diagnosis: Sendable, Equatable {
    /// What refused nodes, to tell later which changes may help.
    var plugins: Set<Plugin> = []
    /// How many nodes gave each reason.
    var reasons: [String: Int] = [:]
    var nodeCount = 0
    /// What keeps the pod from pushing others out, as upstream ends its message; empty where it would try to.
    var preemption = ""

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). …`
    var message: String {
        guard nodeCount > 0 else { return "no nodes available to schedule pods" }
        var message = "0/\(nodeCount) nodes are available:"
        let sorted = reasons.map { "\($0.value) \($0.key)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if !sorted.isEmpty { message += " \(sorted.joined(separator: ", "))." }
        return preemption.isEmpty ? message : "\(message) \(preemption)"
    }
}

/// The filters, in the order in which they are asked. A node is refused by the first that does not like it.
enum Plugin: String, Sendable, CaseIterable {
    case nodeUnschedulable = "NodeUnschedulable"
    case nodeName = "NodeName"
    case taintToleration = "TaintToleration"
    case nodeAffinity = "NodeAffinity"
    case nodePorts = "NodePorts"
    case nodeResourcesFit = "NodeResourcesFit"
    case podTopologySpread = "PodTopologySpread"

    /// Whether a change may make a node acceptable that this filter refused.
    func mayBeHelped(by event: ClusterEvent) -> Bool {
        switch event {
        case .nodeAdded: true
        case .nodeTaints: self == .nodeUnschedulable || self == .taintToleration || self == .podTopologySpread
        case .nodeLabels: self == .nodeAffinity || self == .podTopologySpread
        case .nodeAllocatable: self == .nodeResourcesFit
        case .podRemoved: self == .nodePorts || self == .nodeResourcesFit || self == .podTopologySpread
        case .podAdded: self == .podTopologySpread
        case .nodeRemoved: self == .podTopologySpread
        }
    }
}

/// Changes of the cluster that pods may be waiting for.
enum ClusterEvent: Sendable, Hashable, CaseIterable {
    case nodeAdded, nodeRemoved, nodeLabels, nodeTaints, nodeAllocatable
    /// A pod has come to a node, or what it is counted by has changed.
    case podAdded
    /// A pod has left its node, or asks for less.
    case podRemoved
}

/// What refuses a node for a pod.
enum Refusal: Sendable, Equatable {
    case unschedulable, nodeName, taint, affinity, ports, spread, spreadLabel
    /// By name; whether the node would be too small even if it were empty.
    case resources([String], tooSmall: Bool)

    var plugin: Plugin {
        switch self {
        case .unschedulable: .nodeUnschedulable
        case .nodeName: .nodeName
        case .taint: .taintToleration
        case .affinity: .nodeAffinity
        case .ports: .nodePorts
        case .resources: .nodeResourcesFit
        case .spread, .spreadLabel: .podTopologySpread
        }
    }

    var reasons: [String] {
        switch self {
        case .unschedulable: ["node(s) were unschedulable"]
        case .nodeName: ["node(s) didn't match the requested node name"]
        case .taint: ["node(s) had untolerated taint(s)"]
        case .affinity: ["node(s) didn't match Pod's node affinity/selector"]
        case .ports: ["node(s) didn't have free ports for the requested pod ports"]
        case .spread: ["node(s) didn't match pod topology spread constraints"]
        case .spreadLabel: ["node(s) didn't match pod topology spread constraints (missing required label)"]
        case .resources(let names, _): names.map { $0 == "pods" ? "Too many pods" : "Insufficient \($0)" }
        }
    }

    /// Whether the node might take the pod if others were gone from it.
    var isResolvable: Bool {
        switch self {
        case .ports, .spread: true
        case .resources(_, let tooSmall): !tooSmall
        default: false
        }
    }
}
