// What a node does for the network beside its links: Services, network policies, and the Ingress proxy.

import Ingress
import Logging
import ServiceProxy

final class NodeServices: Sendable {
    private let proxy: ServiceProxy
    private let policies: NetworkPolicyEnforcer
    /// Nil where somebody else serves Ingresses.
    private let ingress: IngressController?
    private let ingressAddress: String
    private let logger: Logger

    init(_ settings: NodeSettings, api: NodeAPI, logger: Logger) {
        self.logger = logger
        proxy = ServiceProxy(
            client: api.proxy, nodeName: settings.name, nodeIPs: [settings.address],
            podCIDR: settings.network.podCIDR, options: Self.proxyOptions(settings),
            logger: Logger(label: "service-proxy", from: logger))
        policies = NetworkPolicyEnforcer(
            client: api.proxy, nodeName: settings.name, podCIDR: settings.network.podCIDR,
            logger: Logger(label: "network-policy", from: logger))
        // The first node's link is there whatever becomes of the machine's other addresses.
        ingressAddress = NodeSettings.gateway(of: settings.network.firstPodCIDR) ?? settings.address
        ingress = api.ingress.map { [ingressAddress] identity in
            IngressController(
                client: identity.client,
                options: IngressController.Options(
                    address: ingressAddress, defaultCertificatePEM: Array(identity.certificate.certificatePEM.utf8),
                    defaultKeyPEM: Array(identity.certificate.privateKeyPEM.utf8), nodeName: settings.name),
                logger: Logger(label: "ingress", from: logger))
        }
    }

    private static func proxyOptions(_ settings: NodeSettings) -> ServiceProxy.Options {
        var options = ServiceProxy.Options(serviceCIDRs: settings.network.serviceCIDRs)
        options.mode = settings.network.proxyMode
        options.scheduling = settings.network.proxyScheduler
        options.healthCheckAddress = settings.address
        return options
    }

    /// What keeps the Services of a node from working as the options say, in one line; nil if nothing does.
    static func problem(_ settings: NodeSettings) -> String? { proxyOptions(settings).problem }

    /// Works until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.proxy.run() }
            group.addTask { await self.policies.run() }
            if let ingress {
                group.addTask {
                    do {
                        try await ingress.run { [policies = self.policies, address = self.ingressAddress] http, https in
                            policies.setProxies([(address, http), (address, https)])
                        }
                    } catch { self.logger.error("the ingress proxy: \(error)") }
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
