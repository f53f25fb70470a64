import JSON
import KubeTypes
import NIOCore
import NIOPosix

/// What an API server is told by whoever puts a cluster together.
public struct APIServerConfiguration: Sendable {
    /// The range that cluster IPs of services come from.
    public var serviceCIDR = "10.96.0.0/16"
    /// The ports that NodePort services get.
    public var nodePortRange = 30000...32767
    /// Where the `kubernetes` Service leads: this server's address and port as nodes reach it.
    public var advertiseAddress = "127.0.0.1"
    public var advertisePort = 6443
    /// The issuer of service account tokens, and their audience unless a request names another.
    public var serviceAccountIssuer = "https://kubernetes.default.svc.cluster.local"
    /// Seconds that pods which do not say otherwise stay on a node that is not ready, and on one that is not heard of
    /// (`--default-not-ready-toleration-seconds`, `--default-unreachable-toleration-seconds`).
    public var notReadyTolerationSeconds = 300
    public var unreachableTolerationSeconds = 300
    /// Bytes of a request's body.
    public var bodyLimit = 3 << 20
    /// How deep JSON may nest.
    public var depthLimit = 128
    /// Requests that change something and are not answered yet; more are told to come back (429).
    public var mutatingInFlightLimit = 2000
    /// Seats of all priority levels together: as many requests are worked on at a time, those of exempt levels aside.
    public var requestsInFlightLimit = 600
    /// Seconds that a request may take, watches and streams aside.
    public var requestTimeout = 60
    /// Bytes that may wait for a watcher before it is ended.
    public var watchBacklogLimit = 16 << 20
    /// Seconds that events are kept.
    public var eventLifetime = 3600
    /// Seconds between compactions of the store's history; as much history is kept at least.
    public var compactionInterval = 300
    /// The components whose health `componentstatuses` shows beside the store's, and whether they are well: nil if so,
    /// otherwise why not.
    public var components: @Sendable () -> [(name: String, problem: String?)] = { [] }
    /// Seconds between bookmarks of watches that asked for them.
    public var bookmarkInterval = 60
    /// Whether the server's own APIServices, flow schemas and priority levels are made at start. Without them it serves
    /// the same, and comes up sooner: for tests that are about neither.
    public var makesServingObjects = true
    /// Whether `proxy` may lead to loopback addresses: for tests, whose pods listen there.
    public var proxiesToLoopback = false
    /// Where timers of requests from inside the process run, and the server's own.
    public var eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    /// The time now. Passed in so that a cluster can run under a simulated clock.
    public var now: @Sendable () -> Time = { SystemClock.now() }
    /// A random number, for names and uids.
    public var random: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }

    public init() {}
}
