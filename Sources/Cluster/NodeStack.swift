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
import Synchronization

/// A node: network, container runtime, kubelet, service proxy and DNS. The same on the server and in an agent.
final class NodeStack: Sendable {
    /// What can be brought up before there is an API: links and routes, and the container runtime.
    struct Ground: Sendable {
        /// Nil as long as the node does not know the range of its pods.
        let network: NodeNetwork?
        /// Nil where somebody else runs the runtime.
        let containerd: ContainerdProcess?
        let runtime: ContainerRuntime

        static func prepare(_ settings: NodeSettings, logger: Logger) async throws(ClusterError) -> Ground {
            let network = settings.podCIDR.map { NodeStack.network(settings, podCIDR: $0, logger: logger) }
            // Also what keeps stray packets on this machine: it has to be there before anything is sent.
            do { try await network?.setUp() } catch { throw ClusterError("the node's network: \(error)") }
            do {
                var containerd: ContainerdProcess?
                let socket: String
                if let endpoint = settings.containerRuntimeEndpoint {
                    socket = endpoint
                } else {
                    let process = ContainerdProcess(
                        Machine.containerdOptions(settings.directory),
                        logger: Logger(label: "containerd", from: logger))
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

    private static func network(_ settings: NodeSettings, podCIDR: String, logger: Logger) -> NodeNetwork {
        NodeNetwork(
            settings.networkOptions(podCIDR: podCIDR), logger: Logger(label: "node-network", from: logger))
    }

    private let settings: NodeSettings
    private let api: NodeAPI
    private let ground: Ground
    private let kubelet: Kubelet
    private let services: NodeServices
    private let network: Mutex<NodeNetwork?>
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let logger: Logger

    init(_ settings: NodeSettings, api: NodeAPI, ground: Ground, logger: Logger) {
        self.settings = settings
        self.api = api
        self.ground = ground
        self.logger = logger
        network = Mutex(ground.network)
        kubelet = Self.makeKubelet(settings, api: api, ground: ground, logger: logger)
        services = NodeServices(settings, api: api, logger: logger)
    }

    func start() {
        let running: [Task<Void, Never>] = [
            Task { await self.kubelet.run() },
            Task { await self.runNetwork() },
            Task { [ground] in await ground.containerd?.supervise() },
        ]
        tasks.withLock { $0 = running }
    }

    /// Services, names and ways to other nodes, as soon as the node knows the range of its pods.
    private func runNetwork() async {
        guard let podCIDR = await podCIDR() else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [services] in await services.run() }
            group.addTask { await self.runDNS(podCIDR) }
            group.addTask { await self.peers(podCIDR).run() }
        }
    }

    /// Waits for the cluster to give the node a range, and sets its network up: until then it is not Ready.
    private func podCIDR() async -> String? {
        if let known = settings.podCIDR { return known }
        while !Task.isCancelled {
            if let range = try? await api.kubelet.get(Node.self, settings.name).spec.podCIDR, !range.isEmpty {
                let network = Self.network(settings, podCIDR: range, logger: logger)
                do {
                    try await network.setUp()
                    self.network.withLock { $0 = network }
                    try NodeRecord.note(podCIDR: range, in: settings.directory)
                    return range
                } catch {
                    logger.error("the node's network: \(error)")
                    try? await Task.sleep(for: .seconds(2))
                }
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    private func runDNS(_ podCIDR: String) async {
        var options = ClusterDNS.Options(
            domain: settings.network.domain, listenAddresses: NodeSettings.gateway(of: podCIDR).map { [$0] } ?? [],
            port: Addresses.dnsPort, serviceIPs: [settings.network.dns],
            reverseCIDRs: [settings.network.podCIDR, settings.network.serviceCIDR],
            stubDomains: settings.network.stubDomains.compactMap { StubDomain($0) })
        if settings.isNamespaced {
            // The machine's resolver may listen on its loopback, which is not this node's: the first node can ask it.
            options.resolverConfiguration = settings.directory.path + "/resolv.conf"
            options.resolverPort = Addresses.dnsPort
            let first = NodeSettings.gateway(of: settings.network.firstPodCIDR) ?? ""
            try? Files.write("nameserver \(first)\n", to: options.resolverConfiguration)
        }
        while !Task.isCancelled {
            let dns = ClusterDNS(client: api.dns, options: options, logger: Logger(label: "cluster-dns", from: logger))
            do { try await dns.run() } catch { logger.error("cluster DNS: \(error)") }
            // An address may come a moment later.
            try? await Task.sleep(for: .seconds(2))
        }
    }

    private func peers(_ podCIDR: String) -> NodePeers {
        var options = NodePeers.Options(nodeName: settings.name, address: settings.address, podCIDR: podCIDR)
        options.machineLink = (settings.network.machineLink, settings.network.firstPodCIDR)
        let network = settings.networkOptions(podCIDR: podCIDR)
        return NodePeers(
            client: api.proxy, options: options, logger: Logger(label: "node-routes", from: logger)
        ) { [logger] mtu in
            // Pods that start from now on send no packets that would not fit.
            var network = network
            network.mtu = mtu
            do { try await NodeNetwork(network, logger: logger).setUp() } catch { logger.error("\(error)") }
        }
    }

    private static func makeKubelet(
        _ settings: NodeSettings, api: NodeAPI, ground: Ground, logger: Logger
    ) -> Kubelet {
        var options = KubeletOptions(
            nodeName: settings.name, client: api.kubelet,
            runtimeSocket: settings.containerRuntimeEndpoint ?? Machine.containerdOptions(settings.directory).socket,
            nodeIPs: [settings.address])
        options.dataDir = settings.directory.kubelet
        options.podLogsDir = settings.directory.path + "/logs/pods"
        options.podCIDR = settings.podCIDR
        options.clusterDNS = [settings.network.dns]
        options.clusterDomain = settings.network.domain
        options.address = settings.address
        options.serverCertificatePEM = api.serverCertificatePEM
        options.serverKeyPEM = api.serverKeyPEM
        options.clientCAPEM = api.clientCAPEM
        options.version = Version.kubernetes
        options.cgroupRoot = settings.cgroupRoot
        options.leaseDurationSeconds = settings.network.nodeLeaseSeconds
        if !settings.network.kubelet.isEmpty {
            do { try KubeletConfiguration(parsing: settings.network.kubelet).apply(to: &options) } catch {
                logger.error("the cluster's KubeletConfiguration is left out: \(error)")
            }
        }
        options.imageStore = ground.containerd?.images
        options.logger = Logger(label: "kubelet", from: logger)
        return Kubelet(options, runtime: ground.runtime)
    }

    /// Waits for the node to be Ready and its kubelet to have renewed the lease: Ready alone may be left from before.
    /// - Returns: false if the cluster is told to stop before.
    func waitUntilReady(since start: Time, orStopped stop: StopSignal) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [client = api.kubelet, name = settings.name] in
                while !Task.isCancelled {
                    let lease = try? await client.get(Lease.self, name, namespace: "kube-node-lease")
                    if let renewed = lease?.spec.renewTime?.time, renewed >= start,
                        let node = try? await client.get(Node.self, name),
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
        let running = tasks.withLock { $0 }
        for task in running { task.cancel() }
        for task in running { await task.value }
        await kubelet.stopAllPods()
        if let containerd = ground.containerd {
            await containerd.removeAllPods(ground.runtime)
            ground.runtime.close()
            await containerd.stop()
            // Not below the whole directory, where further nodes may still be stopping.
            for own in [settings.directory.kubelet, settings.directory.containerd] { Files.unmountAll(below: own) }
        } else {
            ground.runtime.close()
        }
        await services.cleanup()
        await network.withLock { $0 }?.tearDown()
    }
}
