import CRI
import ControllerManager
import Foundation
import Kubelet
import Logging
import ServiceProxy

/// What a cluster is to be.
public struct ClusterOptions: Sendable {
    public var directory: DataDirectory
    /// The etcd that holds the state; nil: the data directory does, and there is one server.
    public var sharedState: SharedStateOptions?
    /// A directory with the keys of the cluster that this server joins; nil: the data directory's, made if need be.
    public var pkiDirectory: String?
    public var leaderElection = LeaderElectionOptions()
    public var port = 6443
    /// False: the control plane alone.
    public var runsNode = true
    public var nodeName = ClusterOptions.hostName()
    /// A containerd's socket to use instead of one of our own.
    public var containerRuntimeEndpoint: String?
    /// The address at which other machines reach the API and this node; nil: the cluster is this machine's alone.
    public var advertiseAddress: String?
    /// How often the health of nodes is looked at, and after how many seconds of silence a node counts as gone; of a node
    /// that never reported, the second.
    public var nodeMonitorPeriod = Duration.seconds(5)
    public var nodeMonitorGraceSeconds = 50
    public var nodeStartupGraceSeconds = 60
    /// How many nodes a second may lose their pods.
    public var nodeEvictionRate = 0.1
    /// Seconds that pods which do not say otherwise stay on a node that is not ready, or not heard of.
    public var notReadyTolerationSeconds = 300
    public var unreachableTolerationSeconds = 300
    /// How patient autoscaling is.
    public var autoscaling = AutoscalerOptions()
    /// Seconds that a node's lease is good for; it is renewed four times as often.
    public var nodeLeaseSeconds = 40
    /// An EncryptionConfiguration of apiserver.config.k8s.io/v1; nil stores everything as it is.
    public var encryptionProviderConfig: String?
    /// A Policy of audit.k8s.io/v1, and where the events go: to a log (`-`: standard output), to the server that a
    /// kubeconfig leads to, or to both. All nil, or the first and another.
    public var auditPolicyFile: String?
    public var auditLogPath: String?
    public var auditWebhookConfigFile: String?
    /// Megabytes of a log file, how many old ones are kept, and for how many days; 0 is no limit.
    public var auditLogMaxSize = 100
    public var auditLogMaxBackup = 0
    public var auditLogMaxAge = 0
    /// Whether the context `martlet` is put into the user's kubeconfig.
    public var mergesUserKubeconfig = true

    /// A file of static bearer tokens: lines of `token,user,uid,"group1,group2"`.
    public var tokenAuthFile: String?
    /// A file with an `AuthenticationConfiguration`: OpenID Connect issuers, and where anonymous requests are allowed.
    public var authenticationConfig: String?

    /// Who carries connections to Services, and which endpoint a new one gets.
    public var proxyMode = ProxyMode.nftables
    public var proxyScheduler = ServiceScheduling.random
    /// The range that Services of type LoadBalancer get their addresses from; nil gives them none.
    public var loadBalancerPool: String? = Self.defaultLoadBalancerPool
    public static let defaultLoadBalancerPool = Addresses.loadBalancerPool
    /// Whether Ingresses are served.
    public var servesIngress = true
    /// Resolvers for domains of their own: `corp.example=10.0.0.53,10.0.0.54:5353`.
    public var stubDomains: [String] = []
    /// A file with a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1; nil is one profile with the defaults.
    public var schedulerConfig: String?

    /// A KubeletConfiguration for all nodes; empty for the defaults.
    private(set) var kubeletConfiguration = ""

    /// Nodes that are not there, beside the real one; nil for none.
    public var simulatedNodes: SimulatedNodes.Options?

    public init(directory: DataDirectory) { self.directory = directory }

    /// Takes the KubeletConfiguration (kubelet.config.k8s.io/v1beta1) in a file for all nodes.
    public mutating func readKubeletConfiguration(_ path: String) throws(ClusterError) {
        guard let text = Files.text(path) else { throw ClusterError("\(path) cannot be read") }
        do { _ = try KubeletConfiguration(parsing: text) } catch { throw ClusterError("\(path): \(error)") }
        kubeletConfiguration = text
    }

    /// Where nodes and pods reach the API.
    var advertised: String { advertiseAddress ?? (runsNode ? Addresses.node : "127.0.0.1") }

    /// Where the API listens besides loopback. The first node's link is there for pods and nodes of this machine.
    var listenAddresses: [String] {
        (runsNode ? [Addresses.node] : []) + [advertiseAddress].compactMap { $0 }.filter { $0 != "127.0.0.1" }
    }

    var network: ClusterNetwork {
        var network = ClusterNetwork()
        network.nodeLeaseSeconds = nodeLeaseSeconds
        network.kubelet = kubeletConfiguration
        network.proxyMode = proxyMode
        network.proxyScheduler = proxyScheduler
        network.loadBalancerPool = loadBalancerPool
        network.stubDomains = stubDomains
        return network
    }

    /// The server's own node.
    var nodeSettings: NodeSettings {
        NodeSettings(
            name: nodeName, directory: directory, address: advertiseAddress ?? Addresses.node,
            podCIDR: Addresses.podCIDR, network: network, containerRuntimeEndpoint: containerRuntimeEndpoint)
    }

    /// The host's name as a node may be called: lower case, without what a DNS name cannot have.
    public static func hostName() -> String {
        let name = ProcessInfo.processInfo.hostName.lowercased().prefix { $0 != "." }
        let allowed = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        let trimmed = allowed.drop { $0 == "-" }
        return trimmed.isEmpty || trimmed.hasSuffix("-") ? "martlet" : String(trimmed)
    }
}

/// How much is logged.
public enum LogLevel: String, Sendable {
    case trace, debug, info, warning, error

    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

public enum Version {
    public static let martlet = "0.1.0"
    public static let kubernetes = "v1.36.0"
}

/// The addresses of a cluster: of the server's own node, and what is the same on all nodes (`ClusterNetwork`).
enum Addresses {
    /// The node's own address, the pods' gateway on a link of its own: a laptop's network comes and goes, this one
    /// stays.
    static let node = "10.244.0.1"
    static let podCIDR = "10.244.0.0/24"
    static let clusterPodCIDR = "10.244.0.0/16"
    /// Further nodes on the same machine have their addresses here, on the first node's link.
    static let machineLink = "10.244.255.0/24"
    static let serviceCIDR = "10.96.0.0/16"
    static let kubernetesService = "10.96.0.1"
    static let dns = "10.96.0.10"
    /// What Services of type LoadBalancer get their addresses from.
    static let loadBalancerPool = "10.97.0.0/24"
    /// Where the DNS server listens on the node; the Service translates. Not 53, where a resolver of the host may be.
    static let dnsPort = 10053
    static let clusterDomain = "cluster.local"
}
