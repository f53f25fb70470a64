import ClusterDNS
import KubeClient
import KubeTypes
import Logging
import Simulation

/// Keeps the endpoints of the Service `kube-dns`: every node answers queries, and its pods ask it first.
struct DNSServers: Sendable {
    /// Acts as the account that owns the Service.
    let client: KubeClient
    /// May list and watch nodes.
    let reader: KubeClient
    let network: ClusterNetwork
    /// The server's own node; empty if there is none. Its DNS answers as long as this process runs.
    let ownNode: String
    let logger: Logger

    /// Works until the task is cancelled.
    func run() async {
        // Simulated nodes answer nobody.
        let nodes = Informer<Node>(reader, labelSelector: "!\(SimulatedNode.label)", logger: logger)
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        nodes.addHandler { event in
            // Nodes report themselves often, and mostly the same.
            if case .updated(let old, let new) = event, Self.server(of: old) == Self.server(of: new) { return }
            change.yield()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await nodes.run() }
            group.addTask {
                var written: [ClusterDNS.Server]?
                // The own node's server is known before the node is.
                change.yield()
                for await _ in changes {
                    if Task.isCancelled { return }
                    let servers = servers(nodes.objects)
                    guard servers != written, !servers.isEmpty else { continue }
                    do {
                        try await ClusterDNS.ensureService(
                            client: client, clusterIPs: [network.dns], servers: servers, port: Addresses.dnsPort)
                        written = servers
                    } catch {
                        logger.error("the service kube-dns: \(error)")
                        try? await Task.sleep(for: .seconds(1))
                        change.yield()
                    }
                }
            }
        }
    }

    func servers(_ nodes: [Node]) -> [ClusterDNS.Server] {
        var servers: [ClusterDNS.Server] = []
        if !ownNode.isEmpty, let gateway = NodeSettings.gateway(of: network.firstPodCIDR) {
            servers.append(ClusterDNS.Server(address: gateway, nodeName: ownNode))
        }
        servers += nodes.filter { $0.name != ownNode }.compactMap(Self.server).sorted {
            ($0.nodeName ?? "") < ($1.nodeName ?? "")
        }
        return servers
    }

    /// Where a node answers; nil before it has a range of addresses.
    private static func server(of node: Node) -> ClusterDNS.Server? {
        guard let gateway = node.spec.podCIDR.flatMap(NodeSettings.gateway) else { return nil }
        let ready = node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        return ClusterDNS.Server(address: gateway, nodeName: node.name, isReady: ready)
    }
}
