import ClusterDNS
import KubeClient
import KubeTypes
import Logging

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
        let nodes = Informer<Node>(reader, logger: logger)
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        nodes.addHandler { _ in change.yield() }
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
        for node in nodes.sorted(by: { $0.name < $1.name }) where node.name != ownNode {
            guard let gateway = node.spec.podCIDR.flatMap(NodeSettings.gateway) else { continue }
            let ready = node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
            servers.append(ClusterDNS.Server(address: gateway, nodeName: node.name, isReady: ready))
        }
        return servers
    }
}
