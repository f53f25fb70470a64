import KubeTypes

/// Taints and tolerations: see *Taints and Tolerations* in the Kubernetes documentation.
struct NodeTaint: Sendable, Hashable {
    let key: String
    let value: String
    let effect: String

    init(key: String, value: String = "", effect: String) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    init(_ taint: Taint) { self.init(key: taint.key, value: taint.value ?? "", effect: taint.effect) }

    /// Keeps pods from being scheduled, rather than making a node less wanted.
    var isHard: Bool { effect == "NoSchedule" || effect == "NoExecute" }

    /// What `spec.unschedulable` amounts to.
    static let unschedulable = NodeTaint(key: "node.kubernetes.io/unschedulable", effect: "NoSchedule")
}

struct PodToleration: Sendable, Hashable {
    let key: String
    let `operator`: String
    let value: String
    let effect: String

    init(_ toleration: Toleration) {
        key = toleration.key ?? ""
        `operator` = toleration.operator ?? ""
        value = toleration.value ?? ""
        effect = toleration.effect ?? ""
    }

    func tolerates(_ taint: NodeTaint) -> Bool {
        TolerationMatch.covers(
            key: key, operator: `operator`, value: value, effect: effect,
            taintKey: taint.key, taintValue: taint.value, taintEffect: taint.effect)
    }
}

extension [PodToleration] {
    func tolerate(_ taint: NodeTaint) -> Bool { contains { $0.tolerates(taint) } }
}
