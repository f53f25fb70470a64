import Foundation
import KubeClient
import PKI
import ServiceProxy

/// What is the same on all nodes of a cluster. The server publishes it in the ConfigMap `kube-system/martlet-config`, from
/// which agents have it.
struct ClusterNetwork: Sendable, Hashable {
    static let configMap = "martlet-config"

    /// Of all pods.
    var podCIDR = Addresses.clusterPodCIDR
    var serviceCIDR = Addresses.serviceCIDR
    /// The cluster IP of the Service `kube-dns`.
    var dns = Addresses.dns
    var domain = Addresses.clusterDomain
    /// The addresses of nodes in network namespaces of the server's machine, and the pods of the server's own node.
    var machineLink = Addresses.machineLink
    var firstPodCIDR = Addresses.podCIDR
    /// Seconds that a node's lease is good for.
    var nodeLeaseSeconds = 40
    /// A KubeletConfiguration for all nodes, or nothing.
    var kubelet = ""
    /// Who carries connections to Services, and which endpoint a new one gets.
    var proxyMode = ProxyMode.nftables
    var proxyScheduler = ServiceScheduling.random
    /// The addresses of Services of type LoadBalancer; nil: there are none.
    var loadBalancerPool: String? = Addresses.loadBalancerPool
    /// Resolvers for domains of their own: `corp.example=10.0.0.53,10.0.0.54:5353`.
    var stubDomains: [String] = []

    init() {}

    /// Nil where something is missing: the server is of another version.
    init?(_ data: [String: String]) {
        guard let podCIDR = data["podCIDR"], let serviceCIDR = data["serviceCIDR"], let dns = data["clusterDNS"],
            let domain = data["clusterDomain"], let machineLink = data["machineLink"],
            let firstPodCIDR = data["firstPodCIDR"], let lease = data["nodeLeaseDurationSeconds"].flatMap(Int.init)
        else { return nil }
        self.podCIDR = podCIDR
        self.serviceCIDR = serviceCIDR
        self.dns = dns
        self.domain = domain
        self.machineLink = machineLink
        self.firstPodCIDR = firstPodCIDR
        nodeLeaseSeconds = lease
        kubelet = data["kubelet"] ?? ""
        proxyMode = data["proxyMode"].flatMap(ProxyMode.init) ?? proxyMode
        proxyScheduler = data["proxyScheduler"].flatMap(ServiceScheduling.init) ?? proxyScheduler
        loadBalancerPool = data["loadBalancerPool"].flatMap { $0.isEmpty ? nil : $0 }
        stubDomains = data["stubDomains"]?.split(separator: "\n").map(String.init) ?? []
    }

    /// Of all addresses that Services have, whoever gives them.
    var serviceCIDRs: [String] { [serviceCIDR] + [loadBalancerPool].compactMap(\.self) }

    var data: [String: String] {
        [
            "podCIDR": podCIDR, "serviceCIDR": serviceCIDR, "clusterDNS": dns, "clusterDomain": domain,
            "machineLink": machineLink, "firstPodCIDR": firstPodCIDR,
            "nodeLeaseDurationSeconds": "\(nodeLeaseSeconds)", "kubelet": kubelet, "proxyMode": proxyMode.rawValue,
            "proxyScheduler": proxyScheduler.rawValue, "loadBalancerPool": loadBalancerPool ?? "",
            "stubDomains": stubDomains.joined(separator: "\n"),
        ]
    }
}

/// What one node is, be it the server's own or an agent's.
struct NodeSettings: Sendable {
    var name: String
    var directory: DataDirectory
    /// The node's own address (`InternalIP`), where its kubelet listens.
    var address: String
    /// The range of its pods; nil for a node that the cluster gives one.
    var podCIDR: String?
    var network = ClusterNetwork()
    /// A containerd's socket to use instead of one of our own.
    var containerRuntimeEndpoint: String?
    /// Whether it has a network namespace of its own on the server's machine.
    var isNamespaced = false
    /// Two nodes on a machine have their pods in different control groups.
    var cgroupRoot = "/kubepods"

    func networkOptions(podCIDR: String) -> NodeNetworkOptions {
        var options = NodeNetworkOptions(
            podCIDRs: [podCIDR], serviceCIDRs: network.serviceCIDRs, dataDirectory: directory.network,
            confDirectory: Machine.containerdOptions(directory).cniConfigDirectory)
        options.clusterCIDRs = [network.podCIDR]
        options.sharesMachine = !isNamespaced
        return options
    }

    /// The pods' gateway, which is the first address of their range.
    static func gateway(of podCIDR: String) -> String? {
        NodeNetworkOptions(podCIDRs: [podCIDR], serviceCIDRs: [], dataDirectory: "").gateways.first
    }
}

/// The API as the parts of a node have it, and the certificate that the kubelet shows.
struct NodeAPI: Sendable {
    /// As `system:node:NAME`.
    var kubelet: KubeClient
    var proxy: KubeClient
    var dns: KubeClient
    var serverCertificatePEM: String
    var serverKeyPEM: String
    /// Who signs the certificates of those who may speak to the kubelet.
    var clientCAPEM: String
    /// Nil on nodes that do not serve Ingresses.
    var ingress: IngressIdentity?
}

/// As whom the Ingress proxy acts, and what it shows for names without a certificate of their own: nothing that anybody
/// would believe.
struct IngressIdentity: Sendable {
    var client: KubeClient
    var certificate: IssuedCertificate
}
