// The user-space mode: a socket of this process for each port of a Service, to which the packet filter leads, and a
// connection of its own to the endpoint that the balancer chose.

import KubeTypes
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Accepts connections for Service ports and passes them on.
final class UserspaceProxy: Sendable {
    /// What one Service port needs: its sockets, its balancer.
    final class Port: Sendable {
        struct State {
            var balancer: Balancer
            var affinity = SessionAffinity()
            var affinitySeconds: Int?
        }

        let state: Mutex<State>
        /// Where clients that came by no other address meant to go.
        let clusterIP: IPAddress

        init(_ scheduling: ServiceScheduling, clusterIP: IPAddress) {
            state = Mutex(State(balancer: Balancer(scheduling)))
            self.clusterIP = clusterIP
        }

        func update(_ route: ServicePortRoute, _ targets: [EndpointTarget]) {
            state.withLock { state in
                state.balancer.update(targets)
                state.affinitySeconds = route.affinitySeconds
            }
        }

        func begin(source: IPAddress, destination: IPAddress?, excluded: Set<EndpointTarget>) -> EndpointTarget? {
            let now = ContinuousClock.now
            return state.withLock { state in
                if let seconds = state.affinitySeconds, let known = state.affinity.target(of: source, now: now),
                    !excluded.contains(known), state.balancer.join(known)
                {
                    state.affinity.remember(source, known, seconds: seconds, now: now)
                    return known
                }
                let chosen = state.balancer.begin(
                    source: source, destination: destination ?? clusterIP, excluded: excluded)
                if let chosen, let seconds = state.affinitySeconds {
                    state.affinity.remember(source, chosen, seconds: seconds, now: now)
                }
                return chosen
            }
        }

        func end(_ target: EndpointTarget) { state.withLock { $0.balancer.end(target) } }
    }

    private struct Listener {
        let port: Port
        let channel: any Channel
        let number: Int
    }

    private let scheduling: ServiceScheduling
    private let group: any EventLoopGroup
    private let logger: Logger
    private let listeners = Mutex<[String: Listener]>([:])

    init(
        _ scheduling: ServiceScheduling, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger
    ) {
        self.scheduling = scheduling
        self.group = group
        self.logger = logger
    }

    /// Opens, changes and closes sockets until they are what the routes need.
    /// - Returns: the routes as the packet filter is to have them: each leads to our socket alone. Those of a transport
    ///   that no process can carry (SCTP) are left as they are.
    func apply(_ routes: [ServicePortRoute], node: NodeFacts) async -> [ServicePortRoute] {
        var wanted: Set<String> = [], changed: [ServicePortRoute] = []
        for var route in routes {
            let choice = EndpointChoice(route, node: node)
            let targets = choice.cluster.isEmpty ? choice.local : choice.cluster
            guard !targets.isEmpty, route.transport != "sctp",
                let address = node.nodeIPs.first(where: { $0.family == route.family })
            else {
                changed.append(route)
                continue
            }
            let key = "\(route.name)/\(route.clusterIP)"
            guard let listener = await listener(key, route, address) else {
                changed.append(route)
                continue
            }
            wanted.insert(key)
            listener.port.update(route, targets)
            route.endpoints = [EndpointTarget(address: address, port: listener.number, isLocal: true)]
            // The balancer keeps clients where they are.
            route.affinitySeconds = nil
            changed.append(route)
        }
        let gone = listeners.withLock { listeners in
            let gone = listeners.filter { !wanted.contains($0.key) }
            for key in gone.keys { listeners[key] = nil }
            return gone.values.map(\.channel)
        }
        for channel in gone { channel.close(promise: nil) }
        return changed
    }

    func stop() async {
        let open = listeners.withLock { listeners in
            defer { listeners = [:] }
            return listeners.values.map(\.channel)
        }
        for channel in open { try? await channel.close() }
    }

    private func listener(_ key: String, _ route: ServicePortRoute, _ address: IPAddress) async -> Listener? {
        if let listener = listeners.withLock({ $0[key] }) { return listener }
        let port = Port(scheduling, clusterIP: route.clusterIP)
        do {
            let channel = try await open(route.transport, address, port)
            guard let number = channel.localAddress?.port else { return nil }
            let listener = Listener(port: port, channel: channel, number: number)
            listeners.withLock { $0[key] = listener }
            return listener
        } catch {
            logger.error("cannot listen for \(route.name) on \(address): \(error)")
            return nil
        }
    }

    /// A socket on any free port of the node's own address.
    func open(_ transport: String, _ address: IPAddress, _ port: Port) async throws -> any Channel {
        if transport == "udp" {
            return try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(DatagramRelay(port))
                    }
                }.bind(host: "\(address)", port: 0).get()
        }
        let logger = logger
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                StreamRelay(port, logger).accept(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }.bind(host: "\(address)", port: 0).get()
    }
}
