// UDP flows that conntrack would keep sending to endpoints that are gone, or that it remembers as having none.
//
// A TCP connection ends with its endpoint; a UDP flow is only a conntrack entry, which every further packet renews. The
// entry has to be deleted for the client to be sent to another endpoint.

import KubeTypes

/// Where clients of UDP Services send to, and where they may arrive.
struct FlowTable: Sendable, Hashable {
    struct Frontend: Sendable, Hashable {
        let family: IPFamily
        /// Nil for a node port, which every address of the node has.
        let address: IPAddress?
        let port: Int
    }

    struct Target: Sendable, Hashable {
        let address: IPAddress
        let port: Int
    }

    private(set) var targets: [Frontend: Set<Target>] = [:]

    init(_ routes: [ServicePortRoute], node: NodeFacts) {
        for route in routes where route.transport == "udp" {
            let reachable = EndpointChoice(route, node: node).reachable
            let usable = Set(reachable.map { Target(address: $0.address, port: $0.port) })
            for address in [route.clusterIP] + route.externalIPs + route.loadBalancerIPs {
                targets[Frontend(family: route.family, address: address, port: route.port)] = usable
            }
            if let port = route.nodePort { targets[Frontend(family: route.family, address: nil, port: port)] = usable }
        }
    }

    /// Whether an entry leads its client to nowhere.
    /// - Parameter before: the table of a moment ago: frontends that it has and this one has not are gone.
    func isStale(_ flow: Flow, before: FlowTable, node: NodeFacts) -> Bool {
        let address = flow.destination, reached = Target(address: flow.replySource, port: flow.replySourcePort)
        let isTranslated = reached != Target(address: address, port: flow.destinationPort)
        var frontend = Frontend(family: address.family, address: address, port: flow.destinationPort)
        if targets[frontend] == nil, before.targets[frontend] == nil {
            frontend = Frontend(family: address.family, address: nil, port: flow.destinationPort)
            // Another machine may have a service of its own at that port. Whom nobody translated may be a program's.
            guard isTranslated || node.nodeIPs.contains(address) || address.isLoopback else { return false }
        }
        guard let current = targets[frontend] else {
            return isTranslated && before.targets[frontend]?.contains(reached) == true
        }
        if current.contains(reached) { return false }
        // Without an endpoint there is nothing better for the client, but what was one must not be reached any more.
        return isTranslated || !current.isEmpty
    }
}

/// An entry of conntrack for UDP.
struct Flow: Sendable, Hashable {
    /// Where the client sent from and to.
    let source: IPAddress
    let sourcePort: Int
    let destination: IPAddress
    let destinationPort: Int
    /// Who is expected to answer: the endpoint, or the destination itself.
    let replySource: IPAddress
    let replySourcePort: Int
    /// Tells entries apart that have the same addresses one after the other.
    var identifier: UInt32?
    /// The zone that the entry was made in; nil is the default one.
    var zone: UInt16?
}
