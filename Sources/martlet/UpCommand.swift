import ArgumentParser
import Cluster
import ClusterDNS
import Foundation
import ServiceProxy

extension ProxyMode: ExpressibleByArgument {}
extension ServiceScheduling: ExpressibleByArgument {}

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start a cluster on this machine.",
        discussion: """
            As root it is a whole cluster: control plane, node, network, DNS. With --no-node it is the control plane \
            alone, which needs no root. The administrator's kubeconfig is written into the data directory and, as the \
            context 'martlet', into yours.

            Ctrl-C or TERM stops everything it started. After a crash, 'martlet up' finds the containers that still run.
            """)

    @Flag(
        name: .long, help: "Return when the API answers and the node is Ready; the cluster goes on in the background.")
    var detach = false

    @OptionGroup var data: DataDirectoryOption

    @Option(name: .long, help: "The API's port on loopback and on the node's address.")
    var port = 6443

    @Flag(name: .customLong("no-node"), help: "The control plane alone, without root.")
    var noNode = false

    @Option(name: .long, help: "The node's name; the host's by default.")
    var nodeName: String?

    @Option(name: .long, help: "This machine's address for other machines, if there are to be any.")
    var advertiseAddress: String?

    @OptionGroup(title: "Several servers") var sharing: SharingOptions

    @OptionGroup(title: "Failing nodes") var failures: NodeFailureOptions

    @Option(name: .long, help: "The socket of a containerd that runs already, instead of one of our own.")
    var containerRuntimeEndpoint: String?

    @Option(name: .long, help: "What to log: trace, debug, info, warning or error.")
    var logLevel = "info"

    @Option(name: .long, help: "An EncryptionConfiguration: what of the cluster's state is encrypted at rest.")
    var encryptionProviderConfig: String?

    @Option(name: .long, help: "An audit Policy: which requests are logged, and how much of them.")
    var auditPolicyFile: String?

    @Option(name: .long, help: "Where the audit log goes; '-' is standard output.")
    var auditLogPath: String?

    @Option(name: .long, help: "A kubeconfig that leads to the server to which audit events are sent.")
    var auditWebhookConfigFile: String?

    @Option(name: .customLong("audit-log-maxsize"), help: "Megabytes of an audit log before another is begun.")
    var auditLogMaxSize = 100

    @Option(name: .customLong("audit-log-maxbackup"), help: "How many old audit logs are kept; 0 keeps all.")
    var auditLogMaxBackup = 0

    @Option(name: .customLong("audit-log-maxage"), help: "Days that old audit logs are kept; 0 keeps them.")
    var auditLogMaxAge = 0

    @Flag(name: .customLong("no-context"), help: "Leave your own kubeconfig alone.")
    var noContext = false

    @Option(name: .long, help: "A file of bearer tokens: lines of token,user,uid,\"group1,group2\".")
    var tokenAuthFile: String?

    @Option(
        name: .long,
        help: "A file with an AuthenticationConfiguration: OpenID Connect issuers, and where anonymous requests may go."
    )
    var authenticationConfig: String?

    @Option(name: .long, help: "Who carries connections to Services: nftables, userspace or ipvs.")
    var proxyMode = ProxyMode.nftables

    @Option(
        name: .long,
        help: "Which endpoint a connection gets: random, rr, dh or sh; in user-space mode also lc, sed or nq.")
    var proxyScheduler = ServiceScheduling.random

    @Option(name: .long, help: "The range that Services of type LoadBalancer get addresses from; 'none' gives none.")
    var loadBalancerPool = ClusterOptions.defaultLoadBalancerPool

    @Flag(name: .customLong("no-ingress"), help: "Leave Ingresses to somebody else.")
    var noIngress = false

    @Option(name: .long, help: "A domain and its resolvers: corp.example=10.0.0.53,10.0.0.54. May be repeated.")
    var stubDomain: [String] = []

    @Option(name: .long, help: "A file with a KubeSchedulerConfiguration: profiles, plugins and their arguments.")
    var schedulerConfig: String?

    @Option(
        name: .long,
        help: "A file with a KubeletConfiguration for all nodes: eviction, log rotation, image collection, sysctls.")
    var kubeletConfig: String?

    @Option(name: .long, help: "Nodes that are not there, beside the real one: how many.")
    var simulateNodes = 0

    @OptionGroup(title: "Autoscaling") var autoscaling: AutoscalingOptions

    @OptionGroup(title: "Simulated nodes") var simulation: SimulationArguments

    func validate() throws {
        guard (0...50_000).contains(simulateNodes) else {
            throw ValidationError("--simulate-nodes takes a number up to 50,000.")
        }
        guard (1...65535).contains(port) else { throw ValidationError("--port takes a number from 1 to 65535.") }
        for stub in stubDomain where StubDomain(stub) == nil {
            throw ValidationError("--stub-domain takes DOMAIN=ADDRESS[,ADDRESS], not \(stub).")
        }
        guard (auditPolicyFile == nil) == (auditLogPath == nil && auditWebhookConfigFile == nil) else {
            throw ValidationError(
                "--audit-policy-file goes together with --audit-log-path, --audit-webhook-config-file or both.")
        }
    }

    func run() async throws {
        var options = ClusterOptions(directory: data.directory)
        options.port = port
        options.runsNode = !noNode
        if let nodeName { options.nodeName = nodeName }
        options.containerRuntimeEndpoint = containerRuntimeEndpoint
        options.advertiseAddress = advertiseAddress
        sharing.apply(to: &options)
        failures.apply(to: &options)
        autoscaling.apply(to: &options)
        options.encryptionProviderConfig = encryptionProviderConfig
        options.auditPolicyFile = auditPolicyFile
        options.auditLogPath = auditLogPath
        options.auditWebhookConfigFile = auditWebhookConfigFile
        options.auditLogMaxSize = auditLogMaxSize
        options.auditLogMaxBackup = auditLogMaxBackup
        options.auditLogMaxAge = auditLogMaxAge
        options.mergesUserKubeconfig = !noContext
        options.tokenAuthFile = tokenAuthFile
        options.authenticationConfig = authenticationConfig
        options.proxyMode = proxyMode
        options.proxyScheduler = proxyScheduler
        options.loadBalancerPool = loadBalancerPool == "none" ? nil : loadBalancerPool
        options.servesIngress = !noIngress
        options.stubDomains = stubDomain
        options.schedulerConfig = schedulerConfig
        if let kubeletConfig { try options.readKubeletConfiguration(kubeletConfig) }
        if simulateNodes > 0 { options.simulatedNodes = simulation.options(count: simulateNodes) }
        guard let level = LogLevel(rawValue: logLevel) else {
            throw ValidationError("--log-level is one of trace, debug, info, warning and error.")
        }
        if detach {
            let report = try await DetachedCluster.start(options, arguments: Array(CommandLine.arguments.dropFirst()))
            print(report)
        } else {
            try await ForegroundCluster.run(options, logLevel: level)
        }
    }
}

/// How soon a node that fails is noticed, and its pods are replaced. The defaults are upstream's.
struct NodeFailureOptions: ParsableArguments {
    @Option(name: .long, help: "How often the health of nodes is looked at.")
    var nodeMonitorPeriod = TimeSpan(seconds: 5)

    @Option(name: .long, help: "How long a node may be silent before it counts as gone.")
    var nodeMonitorGracePeriod = TimeSpan(seconds: 50)

    @Option(name: .long, help: "The same for a node that has never reported.")
    var nodeStartupGracePeriod = TimeSpan(seconds: 60)

    @Option(name: .long, help: "How long a node's lease is good for; it is renewed four times as often.")
    var nodeLeaseDurationSeconds = 40

    @Option(name: .long, help: "How many nodes a second may lose their pods.")
    var nodeEvictionRate = 0.1

    @Option(name: .long, help: "How long pods that do not say otherwise stay on a node that is not ready.")
    var defaultNotReadyTolerationSeconds = 300

    @Option(name: .long, help: "The same on a node that is not heard of.")
    var defaultUnreachableTolerationSeconds = 300

    func validate() throws {
        guard nodeMonitorPeriod.seconds >= 0.1 else {
            throw ValidationError("--node-monitor-period takes a length of time such as 5s, no less than 100ms.")
        }
        guard nodeLeaseDurationSeconds > 0 else {
            throw ValidationError("--node-lease-duration-seconds takes a number above 0.")
        }
        guard nodeMonitorGracePeriod.seconds > Double(nodeLeaseDurationSeconds) / 4 else {
            throw ValidationError(
                "--node-monitor-grace-period must be longer than a quarter of --node-lease-duration-seconds, "
                    + "which is how often nodes are heard of.")
        }
        guard nodeEvictionRate > 0 else { throw ValidationError("--node-eviction-rate takes a number above 0.") }
        guard defaultNotReadyTolerationSeconds >= 0, defaultUnreachableTolerationSeconds >= 0 else {
            throw ValidationError("Toleration seconds are no less than 0.")
        }
    }

    func apply(to options: inout ClusterOptions) {
        options.nodeMonitorPeriod = .milliseconds(Int64(nodeMonitorPeriod.seconds * 1000))
        options.nodeMonitorGraceSeconds = nodeMonitorGracePeriod.wholeSeconds
        options.nodeStartupGraceSeconds = nodeStartupGracePeriod.wholeSeconds
        options.nodeLeaseSeconds = nodeLeaseDurationSeconds
        options.nodeEvictionRate = nodeEvictionRate
        options.notReadyTolerationSeconds = defaultNotReadyTolerationSeconds
        options.unreachableTolerationSeconds = defaultUnreachableTolerationSeconds
    }
}

/// How patient autoscaling is. The defaults are upstream's.
struct AutoscalingOptions: ParsableArguments {
    @Option(name: .long, help: "How often each autoscaler looks.")
    var horizontalPodAutoscalerSyncPeriod = TimeSpan(seconds: 15)

    @Option(name: .long, help: "How long fewer replicas must have been enough before some are taken away.")
    var horizontalPodAutoscalerDownscaleStabilization = TimeSpan(seconds: 300)

    @Option(name: .long, help: "How long a pod's CPU usage may be that of its start.")
    var horizontalPodAutoscalerCpuInitializationPeriod = TimeSpan(seconds: 300)

    @Option(name: .long, help: "How long after its start a pod that becomes unready counts as never ready.")
    var horizontalPodAutoscalerInitialReadinessDelay = TimeSpan(seconds: 30)

    func validate() throws {
        guard horizontalPodAutoscalerSyncPeriod.seconds >= 1 else {
            throw ValidationError(
                "--horizontal-pod-autoscaler-sync-period takes a length of time such as 15s, no less than 1s.")
        }
    }

    func apply(to options: inout ClusterOptions) {
        options.autoscaling.syncPeriod = .milliseconds(Int64(horizontalPodAutoscalerSyncPeriod.seconds * 1000))
        options.autoscaling.downscaleStabilizationSeconds = horizontalPodAutoscalerDownscaleStabilization.wholeSeconds
        options.autoscaling.cpuInitializationSeconds = horizontalPodAutoscalerCpuInitializationPeriod.seconds
        options.autoscaling.initialReadinessDelaySeconds = horizontalPodAutoscalerInitialReadinessDelay.seconds
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the cluster and everything it started.",
        discussion: "What the cluster holds is kept for the next 'martlet up', unless --purge is given.")

    @OptionGroup var data: DataDirectoryOption

    @Flag(name: .long, help: "Remove the data directory and the kubeconfig context as well.")
    var purge = false

    func run() async throws {
        print(try await ClusterShutdown(data.directory).run(purge: purge))
    }
}
