import KubeTypes

/// How the pods of one `schedulerName` are scheduled: which plugins have a say, and how much.
struct Profile: Sendable, Hashable {
    var name = "default-scheduler"
    var filters = PluginSet.all
    /// A score that is not here does not count.
    var weights: [ScorePlugin: Int64] = [
        .taintToleration: 3, .nodeAffinity: 2, .nodeResourcesFit: 1, .volumeBinding: 1, .podTopologySpread: 2,
        .interPodAffinity: 2, .nodeResourcesBalancedAllocation: 1, .imageLocality: 1, .dynamicResources: 2,
    ]
    var preempts = true
    var fit = FitStrategy()
    /// What BalancedAllocation balances.
    var balanced = ["cpu", "memory"]
    /// What a pod that must be near the new one counts for, 0 to 100.
    var hardPodAffinityWeight = 1
    var ignoresPreferredTermsOfExistingPods = false
    /// What every pod of the profile must find beside its own affinity.
    var addedAffinity = NodeRequirement(nodeSelector: [:], required: nil)
    var addedPreferred: [WeightedNodeTerm] = []
    /// Nil: the system's own, three per host and five per zone, both soft.
    var defaultSpread: [SpreadConstraint.DefaultConstraint]?
    /// 0: by the number of nodes.
    var percentageOfNodesToScore = 0
    /// How many nodes are looked at for victims: a share of them, and at least so many.
    var minCandidateNodesPercentage = 10
    var minCandidateNodesAbsolute = 100
    /// How long a pod waits for its volumes.
    var bindTimeout = Duration.seconds(600)
    /// How long after their allocation devices may take to be ready, in seconds.
    var deviceBindingTimeout: Int64 = 600
    var ignoredResources: Set<String> = []
    var ignoredResourceGroups: Set<String> = []

    struct WeightedNodeTerm: Sendable, Hashable {
        let weight: Int
        let term: NodeTerm
    }

    /// How many nodes that fit are enough, of so many: all of up to 100, then a share that falls from 50 to 5 percent.
    func enough(of nodes: Int) -> Int {
        guard nodes >= 100 else { return nodes }
        if weights.isEmpty { return 1 }
        let share = percentageOfNodesToScore > 0 ? percentageOfNodesToScore : max(5, 50 - nodes / 125)
        return share >= 100 ? nodes : max(100, nodes * share / 100)
    }
}

/// The plugins that tell good nodes from better ones.
enum ScorePlugin: String, Sendable, CaseIterable {
    case taintToleration = "TaintToleration"
    case nodeAffinity = "NodeAffinity"
    case nodeResourcesFit = "NodeResourcesFit"
    case volumeBinding = "VolumeBinding"
    case podTopologySpread = "PodTopologySpread"
    case interPodAffinity = "InterPodAffinity"
    case nodeResourcesBalancedAllocation = "NodeResourcesBalancedAllocation"
    case imageLocality = "ImageLocality"
    case dynamicResources = "DynamicResources"
}

/// What NodeResourcesFit prefers: nodes with much left, with little left, or by a curve.
struct FitStrategy: Sendable, Hashable {
    enum Kind: String, Sendable { case leastAllocated, mostAllocated, requestedToCapacityRatio }

    struct Weighted: Sendable, Hashable {
        let name: String
        let weight: Int64
    }

    struct Point: Sendable, Hashable {
        /// Percent.
        let utilization: Int64
        /// 0 to 100 (a file says 0 to 10).
        let score: Int64
    }

    var kind = Kind.leastAllocated
    var resources = [Weighted(name: "cpu", weight: 1), Weighted(name: "memory", weight: 1)]
    var shape: [Point] = []

    /// Whether it is what everyone has, for which there is a short way.
    var isDefault: Bool { self == FitStrategy() }

    func score(requested: Int64, of capacity: Int64) -> Int64 {
        switch kind {
        case .leastAllocated:
            guard capacity > 0, requested <= capacity else { return 0 }
            return Self.share(capacity - requested, of: capacity)
        case .mostAllocated:
            guard capacity > 0 else { return 0 }
            return Self.share(min(requested, capacity), of: capacity)
        case .requestedToCapacityRatio:
            return curve(capacity == 0 || requested > capacity ? 100 : Self.share(requested, of: capacity))
        }
    }

    /// Percent, rounded down.
    static func share(_ part: Int64, of whole: Int64) -> Int64 {
        // Divided first where the product would not fit.
        let (product, overflow) = part.multipliedReportingOverflow(by: 100)
        return overflow ? part / (whole / 100) : product / whole
    }

    /// The straight lines between the points; level outside of them.
    func curve(_ utilization: Int64) -> Int64 {
        guard let first = shape.first, let last = shape.last else { return 0 }
        if utilization <= first.utilization { return first.score }
        for (left, right) in zip(shape, shape.dropFirst()) where utilization <= right.utilization {
            return left.score + (right.score - left.score) * (utilization - left.utilization)
                / (right.utilization - left.utilization)
        }
        return last.score
    }
}
