// Which endpoints of a Service a node uses: readiness, termination, traffic policies and topology hints.

/// The endpoints to balance over.
struct EndpointChoice: Sendable, Hashable {
    /// Under the policy `Cluster`.
    var cluster: [EndpointTarget] = []
    /// Under the policy `Local`: those on this node.
    var local: [EndpointTarget] = []
    /// Whether there is any endpoint at all, be it out of reach for this node.
    var hasAny = false

    /// All that can be reached, each once, ordered.
    var reachable: [EndpointTarget] { Array(Set(cluster).union(local)).sorted() }

    /// Ready endpoints count. Where there are none, those that still serve while they terminate are better than
    /// nothing, for each policy by itself.
    init(_ route: ServicePortRoute, node: NodeFacts) {
        let ready = route.endpoints.filter(\.ready)
        let lastResort = route.endpoints.filter { !$0.ready && $0.serving && $0.terminating }
        hasAny = !ready.isEmpty || !lastResort.isEmpty
        if route.usesCluster {
            cluster = ready.isEmpty ? lastResort : Self.nearest(ready, node)
        }
        if route.usesLocal {
            local = ready.filter(\.isLocal)
            if local.isEmpty { local = lastResort.filter(\.isLocal) }
        }
    }

    /// Follows hints only if every endpoint has them and at least one is for this node or its zone: otherwise the slices
    /// are between two states, or this node was not known when the hints were given.
    private static func nearest(_ ready: [EndpointTarget], _ node: NodeFacts) -> [EndpointTarget] {
        if ready.allSatisfy({ !$0.nodeHints.isEmpty }) {
            let here = ready.filter { $0.nodeHints.contains(node.nodeName) }
            if !here.isEmpty { return here }
        }
        if ready.allSatisfy({ !$0.zoneHints.isEmpty }) {
            let here = ready.filter { $0.zoneHints.contains(node.zone) }
            if !here.isEmpty { return here }
        }
        return ready
    }
}
