import KubeTypes

/// A topology spread constraint: see *Pod Topology Spread Constraints* in the Kubernetes documentation.
struct SpreadConstraint: Sendable {
    let maxSkew: Int
    let topologyKey: String
    let set: PodSet
    /// Whether the pod itself is one of those that are counted.
    let countsItself: Bool
    let minDomains: Int
    /// Only nodes that the pod's selector and affinity admit count.
    let honorsAffinity: Bool
    /// Only nodes whose taints the pod tolerates count.
    let honorsTaints: Bool

    init(_ constraint: TopologySpreadConstraint, namespace: String, podLabels: [String: String]) {
        maxSkew = constraint.maxSkew
        topologyKey = constraint.topologyKey
        minDomains = constraint.minDomains ?? 1
        honorsAffinity = (constraint.nodeAffinityPolicy ?? "Honor") == "Honor"
        honorsTaints = constraint.nodeTaintsPolicy == "Honor"
        var selector = LabelMatcher(constraint.labelSelector)
        for key in constraint.matchLabelKeys {
            if let value = podLabels[key] { selector.requirements.append(.in(key: key, values: [value])) }
        }
        countsItself = selector.matches(podLabels)
        set = .spread(selector, namespace: namespace)
    }

    /// A default constraint of a profile, for pods that have none of their own.
    init(_ constraint: DefaultConstraint, set: PodSet) {
        maxSkew = constraint.maxSkew
        topologyKey = constraint.topologyKey
        minDomains = 1
        honorsAffinity = true
        honorsTaints = false
        countsItself = true
        self.set = set
    }

    /// A constraint as a profile gives it.
    struct DefaultConstraint: Sendable, Hashable {
        var maxSkew: Int
        var topologyKey: String
        var isHard: Bool
    }
}
