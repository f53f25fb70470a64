import JSON
import KubeTypes

/// On which nodes a DaemonSet's pods belong, and what makes a pod one node's: the tolerations that every daemon has,
/// and affinity to the node by its name, by which the scheduler puts it there.
struct DaemonPlacement {
    /// What a DaemonSet's template says, with the tolerations added.
    let template: PodTemplateSpec
    private let nodeName: String?
    private let requirement: NodeRequirement
    private let tolerations: [Toleration]

    init(_ set: DaemonSet) {
        var template = set.spec.template
        Self.addTolerations(&template.spec)
        self.template = template
        nodeName = template.spec.nodeName.flatMap { $0.isEmpty ? nil : $0 }
        requirement = NodeRequirement(
            nodeSelector: template.spec.nodeSelector,
            required: template.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
        tolerations = template.spec.tolerations
    }

    /// What a node is to a DaemonSet.
    enum Verdict {
        /// A pod belongs there.
        case runs
        /// No new pod goes there, but one that is there may stay.
        case stays
        /// A pod that is there has to go.
        case leaves
    }

    func verdict(on node: Node) -> Verdict {
        if let nodeName, nodeName != node.name { return .leaves }
        guard requirement.matches(name: node.name, labels: node.labels) else { return .leaves }
        let untolerated = node.spec.taints.filter { taint in
            taint.effect != "PreferNoSchedule" && !tolerations.contains { $0.tolerates(taint) }
        }
        if untolerated.isEmpty { return .runs }
        return untolerated.contains { $0.effect == "NoExecute" } ? .leaves : .stays
    }

    /// Daemons outlive what drives other pods from a node, and start before it is ready.
    private static func addTolerations(_ spec: inout PodSpec) {
        var wanted = [
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ]
        if spec.hostNetwork == true { wanted.append(("network-unavailable", "NoSchedule")) }
        var tolerations = spec.tolerations
        for (taint, effect) in wanted {
            let toleration = Toleration([
                "key": .string("node.kubernetes.io/\(taint)"), "operator": "Exists", "effect": .string(effect),
            ])
            // One that is there with a limit of time loses the limit.
            let position = tolerations.firstIndex {
                $0.key == toleration.key && $0.operator == toleration.operator && $0.effect == effect
                    && ($0.value ?? "").isEmpty
            }
            if let position { tolerations[position] = toleration } else { tolerations.append(toleration) }
        }
        spec.tolerations = tolerations
    }

    /// The node that a daemon pod is on or is meant for; nil if neither can be told.
    static func node(of pod: Pod) -> String? {
        if !pod.nodeName.isEmpty { return pod.nodeName }
        let required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        for term in required?.nodeSelectorTerms ?? [] {
            for field in term.matchFields where field.key == "metadata.name" && field.operator == "In" {
                return field.values.count == 1 ? field.values[0] : nil
            }
        }
        return nil
    }

    /// Makes a pod one node's. Its other demands on nodes were met when the node was chosen.
    static func bind(_ pod: inout Pod, to node: String) {
        var affinity = pod.spec.affinity ?? Affinity()
        var nodeAffinity = affinity.nodeAffinity ?? NodeAffinity()
        nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution = NodeSelector([
            "nodeSelectorTerms": [
                ["matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]]
            ]
        ])
        affinity.nodeAffinity = nodeAffinity
        pod.spec.affinity = affinity
    }
}

/// What the DaemonSet controller reads from DaemonSets, with the API's defaults.
extension DaemonSet {
    static let hashLabel = "controller-revision-hash"
    static let generationLabel = "pod-template-generation"

    var minReady: Int { spec.minReadySeconds ?? 0 }
    var isRollingUpdate: Bool { (spec.updateStrategy?.type ?? "RollingUpdate") == "RollingUpdate" }

    /// Counts the changes of the template; set by the API server, nil where it is no number.
    var templateGeneration: String? {
        annotations["deprecated.daemonset.template.generation"].flatMap { Int64($0) }.map { String($0) }
    }

    /// How many pods may be too many, and how many may be missing, of so many wanted ones.
    func limits(desired: Int) -> (surge: Int, unavailable: Int) {
        guard isRollingUpdate, let update = spec.updateStrategy?.rollingUpdate else { return (0, 0) }
        let surge = update.maxSurge?.scaled(of: desired, roundingUp: true) ?? 0
        let unavailable = update.maxUnavailable?.scaled(of: desired, roundingUp: true) ?? 0
        // Where neither is allowed nothing could ever move.
        return surge == 0 && unavailable == 0 ? (0, desired > 0 ? 1 : 0) : (surge, unavailable)
    }

    var allowsSurge: Bool { limits(desired: 1).surge > 0 }
}
