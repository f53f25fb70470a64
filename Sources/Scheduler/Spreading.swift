import KubeTypes

/// A topology spread constraint: see *Pod Topology Spread Constraints* in the Kubernetes documentation.
struct SpreadConstraint: Sendable {
    let maxSkew: Int
    let topologyKey: String
    let selector: LabelMatcher
    let minDomains: Int
    /// Only nodes that the pod's selector and affinity admit count.
    let honorsAffinity: Bool
    /// Only nodes whose taints the pod tolerates count.
    let honorsTaints: Bool

    init(_ constraint: TopologySpreadConstraint, podLabels: [String: String]) {
        maxSkew = constraint.maxSkew
        topologyKey = constraint.topologyKey
        minDomains = constraint.minDomains ?? 1
        honorsAffinity = (constraint.nodeAffinityPolicy ?? "Honor") == "Honor"
        honorsTaints = constraint.nodeTaintsPolicy == "Honor"
        var selector = LabelMatcher(constraint.labelSelector)
        for key in constraint.matchLabelKeys {
            if let value = podLabels[key] { selector.requirements.append(.in(key: key, values: [value])) }
        }
        self.selector = selector
    }
}

/// Which pods are counted where one is to be placed away from its like.
struct SpreadGroup: Sendable, Hashable {
    enum Members: Sendable, Hashable {
        /// The pods of one ReplicaSet, ReplicationController or StatefulSet, by its uid: what its selector selects.
        case owned(by: String)
        case matching(LabelMatcher)
    }

    let namespace: String
    let members: Members

    func contains(_ pod: PodInfo) -> Bool {
        guard pod.key.namespace == namespace, !pod.isBeingDeleted, !pod.isFinished else { return false }
        return switch members {
        case .owned(let owner): pod.owner == owner
        case .matching(let matcher): matcher.matches(pod.labels)
        }
    }
}
