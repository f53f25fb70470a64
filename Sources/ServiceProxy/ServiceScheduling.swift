// How a Service's new connections are spread over its endpoints, and by whom.

/// Who carries connections to Services.
public enum ProxyMode: String, Sendable, CaseIterable {
    /// The kernel's packet filter: connections pass no process.
    case nftables
    /// This process accepts every connection and makes another one to the endpoint: slower, but it can count.
    case userspace
    /// The kernel's load balancer, where the kernel has it.
    case ipvs
}

/// The algorithms, by the names that IPVS has for them.
public enum ServiceScheduling: String, Sendable, CaseIterable {
    case random
    /// One after the other.
    case roundRobin = "rr"
    /// Whoever has the fewest connections.
    case leastConnection = "lc"
    /// Always the same endpoint for one address of the Service.
    case destinationHashing = "dh"
    /// Always the same endpoint for one client.
    case sourceHashing = "sh"
    /// The endpoint that, with this connection, would have the fewest for its weight.
    case shortestExpectedDelay = "sed"
    /// An idle endpoint if there is one, else as `shortestExpectedDelay`.
    case neverQueue = "nq"

    /// Whether the choice needs no knowledge of open connections, so that nftables can make it.
    public var isStateless: Bool {
        switch self {
        case .random, .roundRobin, .destinationHashing, .sourceHashing: true
        case .leastConnection, .shortestExpectedDelay, .neverQueue: false
        }
    }
}
