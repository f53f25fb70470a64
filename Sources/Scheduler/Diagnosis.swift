import KubeTypes

/// Why no node takes a pod, in the words that kube-scheduler has for it.
struct Diagnosis: Sendable, Equatable {
    /// What refused nodes, to tell later which changes may help.
    var plugins: Set<Plugin> = []
    /// How many nodes gave each reason.
    var reasons: [String: Int] = [:]
    var nodeCount = 0
    /// What is wrong with the pod before any node is asked; stands in place of the reasons.
    var beforeNodes = ""
    /// What keeps the pod from pushing others out, as upstream ends its message; empty where it does push.
    var preemption = ""
    /// An allocated claim that is given up, so that the pod can have other devices.
    var claimToGiveUp: ObjectKey?

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). …`
    var message: String {
        guard nodeCount > 0 else { return "no nodes available to schedule pods" }
        var message = "0/\(nodeCount) nodes are available:"
        if !beforeNodes.isEmpty {
            message += " \(beforeNodes)."
        } else if !reasons.isEmpty {
            message += " \(Self.list(reasons))."
        }
        return preemption.isEmpty ? message : "\(message) \(preemption)"
    }

    /// `1 this, 2 that`, in the order of the text.
    static func list(_ reasons: [String: Int]) -> String {
        reasons.map { "\($0.value) \($0.key)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .joined(separator: ", ")
    }
}

/// The plugins that can refuse a node, in the order in which they are asked. A node is refused by the first that does
/// not like it.
enum Plugin: String, Sendable, CaseIterable {
    case nodeUnschedulable = "NodeUnschedulable"
    case nodeName = "NodeName"
    case taintToleration = "TaintToleration"
    case nodeAffinity = "NodeAffinity"
    case nodePorts = "NodePorts"
    case nodeResourcesFit = "NodeResourcesFit"
    case volumeRestrictions = "VolumeRestrictions"
    case nodeVolumeLimits = "NodeVolumeLimits"
    case volumeBinding = "VolumeBinding"
    case volumeZone = "VolumeZone"
    case podTopologySpread = "PodTopologySpread"
    case interPodAffinity = "InterPodAffinity"
    case dynamicResources = "DynamicResources"
    case gangScheduling = "GangScheduling"
}

/// Plugins, one bit each: asked for every node of every decision.
struct PluginSet: Sendable, Hashable, ExpressibleByArrayLiteral {
    private var bits: UInt32 = 0

    init(arrayLiteral elements: Plugin...) { for element in elements { insert(element) } }

    static let all: PluginSet = {
        var set: PluginSet = []
        for plugin in Plugin.allCases { set.insert(plugin) }
        return set
    }()

    func contains(_ plugin: Plugin) -> Bool { bits & plugin.bit != 0 }
    mutating func insert(_ plugin: Plugin) { bits |= plugin.bit }
    mutating func remove(_ plugin: Plugin) { bits &= ~plugin.bit }
}

extension Plugin {
    fileprivate var bit: UInt32 {
        switch self {
        case .nodeUnschedulable: 1
        case .nodeName: 2
        case .taintToleration: 4
        case .nodeAffinity: 8
        case .nodePorts: 16
        case .nodeResourcesFit: 32
        case .volumeRestrictions: 64
        case .nodeVolumeLimits: 128
        case .volumeBinding: 256
        case .volumeZone: 512
        case .podTopologySpread: 1024
        case .interPodAffinity: 2048
        case .gangScheduling: 4096
        case .dynamicResources: 8192
        }
    }
}

/// What refuses a node for a pod.
enum Refusal: Sendable, Equatable {
    case unschedulable, nodeName, taint, affinity, ports, spread, spreadLabel
    case addedAffinity
    /// By name; whether the node would be too small even if it were empty.
    case resources([String], tooSmall: Bool)
    case podAffinity, podAntiAffinity, existingAntiAffinity
    case disk, claimInUse, volumeLimit, zone
    /// In upstream's order.
    case volumes([String])
    case devices(String)
    /// No refusal of this node: something is wrong with what the pod asks for, and no node shall have it.
    case failed(Plugin, String)

    var plugin: Plugin {
        switch self {
        case .unschedulable: .nodeUnschedulable
        case .nodeName: .nodeName
        case .taint: .taintToleration
        case .affinity, .addedAffinity: .nodeAffinity
        case .ports: .nodePorts
        case .resources: .nodeResourcesFit
        case .spread, .spreadLabel: .podTopologySpread
        case .podAffinity, .podAntiAffinity, .existingAntiAffinity: .interPodAffinity
        case .disk, .claimInUse: .volumeRestrictions
        case .volumeLimit: .nodeVolumeLimits
        case .zone: .volumeZone
        case .volumes: .volumeBinding
        case .devices: .dynamicResources
        case .failed(let plugin, _): plugin
        }
    }

    var reasons: [String] {
        switch self {
        case .unschedulable: ["node(s) were unschedulable"]
        case .nodeName: ["node(s) didn't match the requested node name"]
        case .taint: ["node(s) had untolerated taint(s)"]
        case .affinity: ["node(s) didn't match Pod's node affinity/selector"]
        case .addedAffinity: ["node(s) didn't match scheduler-enforced node affinity"]
        case .ports: ["node(s) didn't have free ports for the requested pod ports"]
        case .spread: ["node(s) didn't match pod topology spread constraints"]
        case .spreadLabel: ["node(s) didn't match pod topology spread constraints (missing required label)"]
        case .podAffinity: ["node(s) didn't match pod affinity rules"]
        case .podAntiAffinity: ["node(s) didn't match pod anti-affinity rules"]
        case .existingAntiAffinity: ["node(s) didn't satisfy existing pods anti-affinity rules"]
        case .disk: ["node(s) had no available disk"]
        case .claimInUse:
            [
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use "
                    + "by another pod"
            ]
        case .volumeLimit: ["node(s) exceed max volume count"]
        case .zone: ["node(s) had no available volume zone"]
        case .volumes(let reasons): reasons
        case .devices(let reason), .failed(_, let reason): [reason]
        case .resources(let names, _): names.map { $0 == "pods" ? "Too many pods" : "Insufficient \($0)" }
        }
    }

    /// Whether the node might take the pod if others were gone from it.
    var isResolvable: Bool {
        switch self {
        case .ports, .spread, .podAntiAffinity, .existingAntiAffinity, .disk, .claimInUse, .volumeLimit: true
        case .resources(_, let tooSmall): !tooSmall
        default: false
        }
    }
}
