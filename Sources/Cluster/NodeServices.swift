// What a node does for the network beside its links: Services, network policies, and the Ingress proxy.

import Ingress
import Logging
import ServiceProxy

final class NodeServices: Sendable {
    private let proxy: ServiceProxy
    private let policies: NetworkPolicyEnforcer
    /// Nil where somebody else serves Ingresses.
    private let ingress: IngressController?
    private let logger: Logger

    init(_ options: ClusterOptions, plane: ControlPlane, logger: Logger) {
        self.logger = logger
        let client = plane.client(as: "system:kube-proxy")
        proxy = ServiceProxy(
            client: client, nodeName: options.nodeName, nodeIPs: [Addresses.node], podCIDR: Addresses.clusterPodCIDR,
            options: Self.proxyOptions(options), logger: Logger(label: "service-proxy", from: logger))
        policies = NetworkPolicyEnforcer(
            client: client, nodeName: options.nodeName, podCIDR: Addresses.clusterPodCIDR,
            logger: Logger(label: "network-policy", from: logger))
        ingress = options.servesIngress ? Self.ingress(options, plane: plane, logger: logger) : nil
    }

    private static func ingress(
        _ options: ClusterOptions, plane: ControlPlane, logger: Logger
    ) -> IngressController? {
        // Shown for names without a certificate of their own: for nothing that anybody would believe.
        guard
            let certificate = try? plane.keys.authority.issueServer(
                commonName: "ingress.local", dnsNames: ["ingress.local"], ipAddresses: [])
        else {
            logger.error("the ingress proxy has no certificate and does not run")
            return nil
        }
        return IngressController(
            client: plane.client(ofAccount: "martlet-ingress"),
            options: IngressController.Options(
                address: Addresses.node, defaultCertificatePEM: Array(certificate.certificatePEM.utf8),
                defaultKeyPEM: Array(certificate.privateKeyPEM.utf8), nodeName: options.nodeName),
            logger: Logger(label: "ingress", from: logger))
    }

    private static func proxyOptions(_ options: ClusterOptions) -> ServiceProxy.Options {
        var settings = ServiceProxy.Options(
            serviceCIDRs: [Addresses.serviceCIDR] + [options.loadBalancerPool].compactMap(\.self))
        settings.mode = options.proxyMode
        settings.scheduling = options.proxyScheduler
        settings.healthCheckAddress = Addresses.node
        return settings
    }

    /// What keeps the Services of a node from working as the options say, in one line; nil if nothing does.
    static func problem(_ options: ClusterOptions) -> String? { proxyOptions(options).problem }

    /// Works until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.proxy.run() }
            group.addTask { await self.policies.run() }
            if let ingress {
                group.addTask {
                    do { try await ingress.run() } catch { self.logger.error("the ingress proxy: \(error)") }
                }
            }
        }
    }

    /// Removes the tables. Call it after `run` has ended.
    func cleanup() async {
        await proxy.cleanup()
        await policies.cleanup()
    }
}
