// The executor of the ways to other nodes' pods: follows the Node objects, and brings the kernel's routes up to them.

import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Keeps the routes to the pods of other nodes. Needs root, `ip` and `bridge` (iproute2).
public final class NodePeers: Sendable {
    public struct Options: Sendable {
        public var nodeName: String
        /// This node's own address.
        public var address: String
        public var podCIDR: String
        /// The addresses of nodes that share a machine, and the pods of the machine's first node; nil if there are none.
        public var machineLink: (range: String, firstPodCIDR: String)?
        /// How often the routes are looked after even if no node changes: a laptop's links come and go.
        public var probeInterval = Duration.seconds(30)

        public init(nodeName: String, address: String, podCIDR: String) {
            self.nodeName = nodeName
            self.address = address
            self.podCIDR = podCIDR
        }
    }

    private let nodes: Informer<Node>
    private let options: Options
    private let logger: Logger
    private let tunnelling: @Sendable (Int?) async -> Void
    private let wasTunnelling = Mutex(false)

    /// - Parameter tunnelling: is told when packets to some node begin to go through the tunnel, with the MTU that is left
    ///   to pods, and with nil when none does any more.
    public init(
        client: KubeClient, options: Options, logger: Logger = Logger(label: "node-routes"),
        tunnelling: @escaping @Sendable (Int?) async -> Void = { _ in }
    ) {
        nodes = Informer(client, logger: logger)
        self.options = options
        self.logger = logger
        self.tunnelling = tunnelling
    }

    /// Works until the task is cancelled. The routes stay: pods go on talking while the agent restarts.
    public func run() async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let seen = Mutex<[String: NodePeer]>([:])
        nodes.addHandler { update in
            // Nodes report often, and what matters here hardly ever changes.
            let peer: NodePeer? = if case .deleted = update { nil } else { Self.peer(update.object) }
            let changed = seen.withLock { seen in
                defer { seen[update.object.name] = peer }
                return seen[update.object.name] != peer
            }
            if changed { change.yield() }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.nodes.run() }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.options.probeInterval)
                    change.yield()
                }
            }
            group.addTask {
                while !self.nodes.hasSynced {
                    do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
                }
                change.yield()
                await ChangeLoop(changes: changes, change: change, logger: self.logger, what: "routes to other nodes")
                    .run { try await self.sync() }
            }
        }
    }

    private static func peer(_ node: Node) -> NodePeer? {
        guard let address = node.status.addresses.first(where: { $0.type == "InternalIP" })?.address,
            let parsed = IPAddress(address),
            let range = ([node.spec.podCIDR].compactMap { $0 } + node.spec.podCIDRs).lazy
                .compactMap({ IPRange($0) }).first(where: { $0.family == parsed.family })
        else { return nil }
        return NodePeer(name: node.name, address: parsed, podRange: range)
    }

    private func sync() async throws {
        // The tunnel's hardware addresses hold four bytes of an address: pods of IPv6 stay on their node.
        guard let address = IPAddress(options.address), address.family == .ipv4,
            let range = IPRange(options.podCIDR), range.family == .ipv4
        else { return }
        let own = NodePeer(name: options.nodeName, address: address, podRange: range)
        let machine = options.machineLink.flatMap { MachineLink(range: $0.range, firstPodRange: $0.firstPodCIDR) }
        let hops = NodeRoutePlan.hops(own: own, peers: nodes.objects.compactMap(Self.peer), machine: machine)
        var paths: [IPAddress: LinkPath] = [:]
        for hop in Set(hops.map(\.node.address)) {
            let result = try await Subprocess.run("ip", ["-4", "-o", "route", "get", "\(hop)"])
            paths[hop] = LinkPath(routeGet: result.output)
        }
        let present = try await Subprocess.run(
            "ip", ["-4", "-o", "route", "show", "proto", NodeRoutePlan.routeProtocol])
        let links = paths.values.compactMap { path in if case .routed(let link) = path { link } else { nil } }
        let mtu: Int? = if let link = links.sorted().first { await NodeNetwork.mtu(of: link) } else { nil }
        let commands = NodeRoutePlan.commands(
            own: own, hops: hops, paths: paths, present: present.output,
            tunnelExists: NodeNetwork.links.contains(NodeRoutePlan.tunnel), mtu: mtu)
        try await perform("ip", commands.ip)
        try await perform("bridge", commands.bridge)
        let isTunnelling = !links.isEmpty
        if wasTunnelling.withLock({ was in
            defer { was = isTunnelling }
            return was != isTunnelling
        }) {
            await tunnelling(isTunnelling ? (mtu ?? 1500) - NodeRoutePlan.overhead : nil)
        }
    }

    private func perform(_ tool: String, _ lines: [String]) async throws {
        guard !lines.isEmpty else { return }
        let input = lines.map { $0 + "\n" }.joined()
        // One node that cannot be reached must not keep the others from being.
        let result = try await Subprocess.run(tool, ["-force", "-batch", "-"], input: input)
        if !result.succeeded { throw NodeNetwork.Failure(description: "\(tool): \(result.complaint)") }
    }
}
