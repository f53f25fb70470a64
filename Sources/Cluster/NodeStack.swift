import CRI
import ClusterDNS
import Foundation
import HTTPServer
import JSON
import KubeClient
import KubeTypes
import Kubelet
import Logging
import ServiceProxy

/// The node of a cluster on one machine: network, container runtime, kubelet, service proxy and DNS.
final class NodeStack: Sendable {
    /// What can be brought up before there is an API: links and routes, and the container runtime.
    struct Ground: Sendable {
        let network: NodeNetwork
        /// Nil where somebody else runs the runtime.
        let containerd: ContainerdProcess?
        let runtime: ContainerRuntime

        static func prepare(_ options: ClusterOptions, logger: Logger) async throws(ClusterError) -> Ground {
            let network = NodeNetwork(
                Machine.networkOptions(options.directory, pool: options.loadBalancerPool),
                logger: Logger(label: "node-network", from: logger))
            // Also what keeps stray packets on this machine: it has to be there before anything is sent.
            do { try await network.setUp() } catch { throw ClusterError("the node's network: \(error)") }
            do {
                var containerd: ContainerdProcess?
                let socket: String
                if let endpoint = options.containerRuntimeEndpoint {
                    socket = endpoint
                } else {
                    let process = ContainerdProcess(
                        Machine.containerdOptions(options.directory), logger: Logger(label: "containerd", from: logger))
                    _ = try await process.ensureRunning()
                    containerd = process
                    socket = process.options.socket
                }
                let runtime = try ContainerRuntime(socket: socket, logger: Logger(label: "cri", from: logger))
                return Ground(network: network, containerd: containerd, runtime: runtime)
            } catch {
                throw ClusterError("the container runtime: \(error)")
            }
        }
    }

    private let ground: Ground
    private let kubelet: Kubelet
    private let services: NodeServices
    private let apiListener: HTTPServer
    private let tasks: [Task<Void, Never>]
    private let client: KubeClient
    private let options: ClusterOptions
    private let logger: Logger

    init(_ options: ClusterOptions, plane: ControlPlane, ground: Ground, logger: Logger) async throws(ClusterError) {
        self.options = options
        self.ground = ground
        self.logger = logger
        // Pods reach the API at the node's address.
        apiListener = try await plane.listen(on: Addresses.node)
        client = plane.client(as: "system:node:\(options.nodeName)", groups: ["system:nodes"])
        kubelet = Self.makeKubelet(options, plane: plane, ground: ground, client: client, logger: logger)
        let services = NodeServices(options, plane: plane, logger: logger)
        self.services = services
        let dnsClient = plane.client(ofAccount: "coredns")
        let dns = ClusterDNS(
            client: dnsClient,
            options: ClusterDNS.Options(
                domain: Addresses.clusterDomain, listenAddresses: [Addresses.node], port: Addresses.dnsPort,
                serviceIPs: [Addresses.dns],
                reverseCIDRs: [Addresses.clusterPodCIDR, Addresses.serviceCIDR],
                stubDomains: options.stubDomains.compactMap { StubDomain($0) }),
            logger: Logger(label: "cluster-dns", from: logger))
        let kubelet = kubelet
        tasks = [
            Task { await kubelet.run() },
            Task { await services.run() },
            Task {
                do { try await dns.run() } catch { logger.error("cluster DNS: \(error)") }
            },
            Task {
                do {
                    try await ClusterDNS.ensureService(
                        client: dnsClient, clusterIPs: [Addresses.dns], addresses: [Addresses.node],
                        port: Addresses.dnsPort)
                } catch {
                    logger.error("the service kube-dns: \(error)")
                }
            },
            Task { await ground.containerd?.supervise() },
        ]
    }

    private static func makeKubelet(
        _ options: ClusterOptions, plane: ControlPlane, ground: Ground, client: KubeClient, logger: Logger
    ) -> Kubelet {
        var settings = KubeletOptions(
            nodeName: options.nodeName, client: client,
            runtimeSocket: options.containerRuntimeEndpoint ?? Machine.containerdOptions(options.directory).socket,
            nodeIPs: [Addresses.node])
        settings.dataDir = options.directory.kubelet
        settings.podLogsDir = options.directory.path + "/logs/pods"
        settings.podCIDR = Addresses.podCIDR
        settings.clusterDNS = [Addresses.dns]
        settings.clusterDomain = Addresses.clusterDomain
        settings.address = Addresses.node
        settings.serverCertificatePEM = plane.keys.kubeletServer.certificatePEM
        settings.serverKeyPEM = plane.keys.kubeletServer.privateKeyPEM
        settings.clientCAPEM = plane.keys.authority.certificatePEM
        settings.version = Version.kubernetes
        settings.imageStore = ground.containerd?.images
        settings.logger = Logger(label: "kubelet", from: logger)
        return Kubelet(settings, runtime: ground.runtime)
    }

    /// Waits for the node to be Ready and its kubelet to have renewed the lease: Ready alone may be left from before.
    /// - Returns: false if the cluster is told to stop before.
    func waitUntilReady(since start: Time, orStopped stop: StopSignal) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [client, options] in
                while !Task.isCancelled {
                    let lease = try? await client.get(Lease.self, options.nodeName, namespace: "kube-node-lease")
                    if let renewed = lease?.spec.renewTime?.time, renewed >= start,
                        let node = try? await client.get(Node.self, options.nodeName),
                        node.status.conditions.contains(where: { $0.type == "Ready" && $0.status == "True" })
                    {
                        return true
                    }
                    try? await Task.sleep(for: .milliseconds(5))
                }
                return false
            }
            group.addTask {
                await stop.wait()
                return false
            }
            let result = await group.next() ?? false
            group.cancelAll()
            return result
        }
    }

    /// Stops the pods, the runtime if it is ours, and removes links, routes and tables.
    func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await kubelet.stopAllPods()
        if let containerd = ground.containerd {
            await containerd.removeAllPods(ground.runtime)
            ground.runtime.close()
            await containerd.stop()
            Files.unmountAll(below: options.directory.path)
        } else {
            ground.runtime.close()
        }
        await services.cleanup()
        await ground.network.tearDown()
        await apiListener.shutdown(grace: .seconds(2))
    }
}
