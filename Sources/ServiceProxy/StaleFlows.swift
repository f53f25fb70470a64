// UDP flows that conntrack would keep sending to endpoints that are gone, or that it remembers as having none.
//
// A TCP connection ends with its endpoint; a UDP flow is only a conntrack entry, which every further packet renews. The
// entry has to be deleted for the client to be sent to another endpoint.

/// Flows to delete, as one call of `conntrack -D` each.
struct StaleFlow: Sendable, Hashable, Comparable {
    let family: IPFamily
    /// Where the client sent to; nil for a node port, which every address of the node has.
    let destination: IPAddress?
    let port: Int
    /// The endpoint that is gone; nil for flows that were never sent to any.
    let endpoint: IPAddress?

    var arguments: [String] {
        var arguments = ["-D", "-p", "udp", "-f", family.rawValue]
        if let destination { arguments += ["--orig-dst", "\(destination)"] }
        arguments += ["--orig-port-dst", "\(port)"]
        if let endpoint { arguments += ["--dst-nat", "\(endpoint)"] }
        return arguments
    }

    static func < (left: StaleFlow, right: StaleFlow) -> Bool {
        left.arguments.lexicographicallyPrecedes(right.arguments)
    }

    /// What became stale between two states of all Services.
    static func flows(from old: [ServicePortRoute], to new: [ServicePortRoute], node: NodeFacts) -> [StaleFlow] {
        struct Frontend: Hashable {
            let family: IPFamily
            let destination: IPAddress?
            let port: Int
        }
        func frontends(_ routes: [ServicePortRoute]) -> [Frontend: Set<IPAddress>] {
            var found: [Frontend: Set<IPAddress>] = [:]
            for route in routes where route.transport == "udp" {
                let usable = Set(EndpointChoice(route, node: node).reachable.map(\.address))
                for address in [route.clusterIP] + route.externalIPs + route.loadBalancerIPs {
                    found[Frontend(family: route.family, destination: address, port: route.port)] = usable
                }
                if let nodePort = route.nodePort {
                    found[Frontend(family: route.family, destination: nil, port: nodePort)] = usable
                }
            }
            return found
        }
        let before = frontends(old), after = frontends(new)
        var stale: [StaleFlow] = []
        for (frontend, endpoints) in before {
            for gone in endpoints.subtracting(after[frontend] ?? []) {
                stale.append(
                    StaleFlow(
                        family: frontend.family, destination: frontend.destination, port: frontend.port, endpoint: gone)
                )
            }
        }
        // Where there was no endpoint, or no Service, a client may have an entry that goes nowhere. For a node port that
        // cannot be told from a client's own flow to that port elsewhere, so it is left to time out.
        for (frontend, endpoints) in after where !endpoints.isEmpty && (before[frontend] ?? []).isEmpty {
            guard let destination = frontend.destination else { continue }
            stale.append(
                StaleFlow(family: frontend.family, destination: destination, port: frontend.port, endpoint: nil))
        }
        return stale.sorted()
    }
}
