// Chooses endpoints for connections, one by one: every algorithm of `ServiceScheduling`, without clock or sockets.

import KubeTypes

/// The endpoints of one Service port and what is under way to each.
struct Balancer: Sendable {
    struct Server: Sendable, Hashable {
        let target: EndpointTarget
        /// How much it takes in proportion to the others. Kubernetes gives all the same.
        var weight = 1
        /// Connections that are open.
        var active = 0
    }

    let scheduling: ServiceScheduling
    private(set) var servers: [Server] = []
    private var next = 0

    init(_ scheduling: ServiceScheduling) { self.scheduling = scheduling }

    /// Takes over another list of endpoints. Connections to those that stay go on counting; those to endpoints that are
    /// gone are forgotten.
    mutating func update(_ targets: [EndpointTarget], weights: [Int] = []) {
        let open = Dictionary(servers.map { (Key($0.target), $0.active) }, uniquingKeysWith: +)
        servers = targets.enumerated().map { index, target in
            Server(
                target: target, weight: index < weights.count ? max(weights[index], 0) : 1,
                active: open[Key(target)] ?? 0)
        }
        if !servers.isEmpty { next %= servers.count }
    }

    private struct Key: Hashable {
        let address: IPAddress
        let port: Int

        init(_ target: EndpointTarget) { (address, port) = (target.address, target.port) }
    }

    /// Chooses an endpoint for a connection, which counts from then on; nil if there is none.
    /// - Parameters:
    ///   - excluded: endpoints that could not be reached just now.
    ///   - random: for `random` alone: a number below the one given.
    mutating func begin(
        source: IPAddress, destination: IPAddress, excluded: Set<EndpointTarget> = [],
        random: (Int) -> Int = { Int.random(in: 0..<$0) }
    ) -> EndpointTarget? {
        let open = servers.indices.filter { servers[$0].weight > 0 && !excluded.contains(servers[$0].target) }
        guard !open.isEmpty else { return nil }
        let chosen: Int
        switch scheduling {
        case .random: chosen = open[min(max(random(open.count), 0), open.count - 1)]
        case .roundRobin: chosen = open.first { $0 >= next } ?? open[0]
        case .leastConnection: chosen = least(open) { $0.active }
        case .shortestExpectedDelay: chosen = least(open) { $0.active + 1 }
        case .neverQueue:
            chosen = open.first { servers[$0].active == 0 } ?? least(open) { $0.active + 1 }
        case .sourceHashing: chosen = open[Self.hash(source) % open.count]
        case .destinationHashing: chosen = open[Self.hash(destination) % open.count]
        }
        next = (chosen + 1) % servers.count
        servers[chosen].active += 1
        return servers[chosen].target
    }

    /// A connection to the endpoint is over.
    mutating func end(_ target: EndpointTarget) {
        guard let index = servers.firstIndex(where: { Key($0.target) == Key(target) }) else { return }
        servers[index].active = max(servers[index].active - 1, 0)
    }

    /// Counts a connection to an endpoint that was not chosen here (session affinity); false if it is not there any more.
    mutating func join(_ target: EndpointTarget) -> Bool {
        guard let index = servers.firstIndex(where: { Key($0.target) == Key(target) }) else { return false }
        servers[index].active += 1
        return true
    }

    /// The server with the least load for its weight; the first of several.
    private func least(_ open: [Int], _ load: (Server) -> Int) -> Int {
        // a/wa < b/wb without division.
        open.dropFirst().reduce(open[0]) { best, index in
            load(servers[index]) * servers[best].weight < load(servers[best]) * servers[index].weight ? index : best
        }
    }

    /// FNV-1a over the address: the same on every node and in every run.
    private static func hash(_ address: IPAddress) -> Int {
        let hash = FNV1a.hash32(address.bytes)
        // The low bits of FNV alternate with the last byte; the high ones are mixed better.
        return Int(hash ^ (hash >> 16))
    }
}

/// Which endpoint a client stays with, and for how long: `sessionAffinity: ClientIP`.
struct SessionAffinity: Sendable {
    private struct Entry {
        let target: EndpointTarget
        let expires: ContinuousClock.Instant
    }

    /// More clients than this are not remembered.
    private static let limit = 65_536
    private var entries: [IPAddress: Entry] = [:]

    mutating func target(of client: IPAddress, now: ContinuousClock.Instant) -> EndpointTarget? {
        guard let entry = entries[client] else { return nil }
        if entry.expires > now { return entry.target }
        entries[client] = nil
        return nil
    }

    mutating func remember(_ client: IPAddress, _ target: EndpointTarget, seconds: Int, now: ContinuousClock.Instant) {
        if entries.count >= Self.limit { entries = entries.filter { $0.value.expires > now } }
        guard entries.count < Self.limit else { return }
        entries[client] = Entry(target: target, expires: now + .seconds(seconds))
    }
}
