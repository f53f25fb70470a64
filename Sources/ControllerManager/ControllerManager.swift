import JSON
import KubeClient
import KubeTypes
import Logging
import PKI

/// What the controllers are told from outside: limits, periods, and what only whoever puts a cluster together knows.
public struct ControllerManagerOptions: Sendable {
    /// The certificate authority that pods are to trust, as PEM; becomes the ConfigMap `kube-root-ca.crt` of every
    /// namespace. Empty: none is published.
    public var rootCA: String
    /// Signs certificate requests for the built-in signers; nil signs none.
    public var authority: CertificateAuthority?
    /// The longest that a certificate signed here lives (`--cluster-signing-duration`).
    public var certificateLifetimeSeconds = 365 * 24 * 3600
    /// How often certificate requests are looked through for those that are over.
    public var certificateCleaningPeriod = Duration.seconds(3600)
    /// Signs the tokens in Secrets of service accounts; nil fills none.
    public var tokenIssuer: ServiceAccountTokenIssuer?
    /// Every resource that the API serves, in one version each; the garbage collector and namespace deletion work on
    /// those that can be listed and deleted.
    public var resources: [ServedResource]
    /// The controllers to run, by name; nil runs all. See `ControllerManager.controllerNames`.
    public var controllers: Set<String>?
    /// The range that nodes get ranges for their pods from (`--cluster-cidr`); nil gives out none.
    public var podCIDR: String?
    /// The length of the prefix of a node's range (`--node-cidr-mask-size`).
    public var nodeCIDRMaskSize = 24
    /// Ranges in it that are no node's to get.
    public var reservedPodCIDRs: [String] = []
    /// Names and addresses of the control plane, which no node gets a serving certificate for.
    public var reservedNames: Set<String> = []
    /// How patient autoscaling is.
    public var autoscaling = AutoscalerOptions()
    /// Through which autoscalers ask the metrics APIs. These are other servers', which a client inside the API server's
    /// process does not reach; nil: the controllers' own client.
    public var metrics: KubeClient?
    /// How often the health of nodes is looked at.
    public var nodeMonitorPeriod: Duration
    /// Seconds without lease or status after which a node counts as gone (`--node-monitor-grace-period`).
    public var nodeMonitorGraceSeconds: Int
    /// The same for a node that has never reported.
    public var nodeStartupGraceSeconds: Int
    /// Nodes per second that lose their pods while a zone is healthy (`--node-eviction-rate`).
    public var nodeEvictionRate: Double
    /// How many terminated pods are kept in the cluster; 0 keeps all (`--terminated-pod-gc-threshold`).
    public var terminatedPodThreshold: Int
    /// How often terminated and orphaned pods are looked for.
    public var podGarbageCollectionPeriod: Duration
    /// How long a node must be missing before its pods are removed.
    public var orphanedPodQuarantineSeconds: Int
    /// How long changes of a service's pods are gathered before its endpoints are written.
    public var endpointsBatchPeriod: Duration
    /// The range that Services of type LoadBalancer get their addresses from, `10.97.0.0/24`; nil gives none.
    public var loadBalancerPool: String?
    /// Where nodes keep the directories of volumes that `martlet.io/local` provisions.
    public var localVolumesDirectory = "/var/lib/martlet/kubelet/local-volumes"
    /// The image, with a shell, of pods that wipe volumes with the reclaim policy Recycle.
    public var recyclerImage = "registry.k8s.io/build-image/debian-base:bookworm-v1.0.7"
    /// Has several managers on one store work one at a time (`--leader-elect`); nil where there is only one.
    public var leaderElection: LeaderElection.Options?
    public var logger: Logger
    /// The time of day, for timestamps and deadlines.
    public var now: @Sendable () -> Time
    /// The clock of the work queues' delays.
    public var clock: DelayClock

    public init(
        rootCA: String = "", resources: [ServedResource] = [], controllers: Set<String>? = nil,
        nodeMonitorPeriod: Duration = .seconds(5), nodeMonitorGraceSeconds: Int = 50,
        nodeStartupGraceSeconds: Int = 60, nodeEvictionRate: Double = 0.1, terminatedPodThreshold: Int = 12_500,
        podGarbageCollectionPeriod: Duration = .seconds(20), orphanedPodQuarantineSeconds: Int = 40,
        endpointsBatchPeriod: Duration = .zero, logger: Logger = Logger(label: "controller-manager"),
        now: @escaping @Sendable () -> Time = { wallClockTime() }, clock: DelayClock = .continuous
    ) {
        self.rootCA = rootCA
        self.resources = resources
        self.controllers = controllers
        self.nodeMonitorPeriod = nodeMonitorPeriod
        self.nodeMonitorGraceSeconds = nodeMonitorGraceSeconds
        self.nodeStartupGraceSeconds = nodeStartupGraceSeconds
        self.nodeEvictionRate = nodeEvictionRate
        self.terminatedPodThreshold = terminatedPodThreshold
        self.podGarbageCollectionPeriod = podGarbageCollectionPeriod
        self.orphanedPodQuarantineSeconds = orphanedPodQuarantineSeconds
        self.endpointsBatchPeriod = endpointsBatchPeriod
        self.logger = logger
        self.now = now
        self.clock = clock
    }
}

/// One resource of the API as discovery describes it.
public struct ServedResource: Sendable, Hashable {
    /// `group/version`, or the version in the core group.
    public let apiVersion: String
    /// The plural.
    public let resource: String
    public let kind: String
    public let namespaced: Bool
    public let verbs: Set<String>

    public init(apiVersion: String, resource: String, kind: String, namespaced: Bool, verbs: Set<String>) {
        self.apiVersion = apiVersion
        self.resource = resource
        self.kind = kind
        self.namespaced = namespaced
        self.verbs = verbs
    }

    /// The group, empty for core.
    public var group: String { apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? "" }
    public var version: String {
        apiVersion.lastIndex(of: "/").map { String(apiVersion[apiVersion.index(after: $0)...]) } ?? apiVersion
    }
}

/// The controllers of kube-controller-manager: each compares what is wanted with what is there, and writes what is
/// missing. They share one informer a resource.
public struct ControllerManager: Sendable {
    private let client: KubeClient
    private let options: ControllerManagerOptions
    private let clientOf: @Sendable (String) -> KubeClient

    /// - Parameters:
    ///   - client: Acts as `system:kube-controller-manager`: it reads for all controllers.
    ///   - clientOf: The client with which a controller writes, acting as the service account of that name in
    ///     `kube-system` (`--use-service-account-credentials`): each may do what its own role allows.
    public init(
        client: KubeClient, options: ControllerManagerOptions, clientOf: @escaping @Sendable (String) -> KubeClient
    ) {
        self.client = client
        self.options = options
        self.clientOf = clientOf
    }

    /// The names of all controllers, as upstream's `--controllers` has them.
    public static let controllerNames = Self.makers.map(\.name)

    /// The controllers, the service account in `kube-system` that each acts as, and how they are made. An empty account is
    /// the manager itself.
    private static let makers:
        [(name: String, account: String, make: @Sendable (ControllerContext) -> any Controller)] = [
            ("deployment-controller", "deployment-controller", { DeploymentController($0) }),
            ("replicaset-controller", "replicaset-controller", { ReplicaController<ReplicaSet>($0) }),
            (
                "replicationcontroller-controller", "replication-controller",
                { ReplicaController<ReplicationController>($0) }
            ),
            ("statefulset-controller", "statefulset-controller", { StatefulSetController($0) }),
            ("daemonset-controller", "daemon-set-controller", { DaemonSetController($0) }),
            ("job-controller", "job-controller", { JobController($0) }),
            ("cronjob-controller", "cronjob-controller", { CronJobController($0) }),
            (
                "ttl-after-finished-controller", "ttl-after-finished-controller", { TTLAfterFinishedController($0) }
            ),
            ("endpointslice-controller", "endpointslice-controller", { EndpointSliceController($0) }),
            (
                "endpointslice-mirroring-controller", "endpointslicemirroring-controller",
                { EndpointSliceMirroringController($0) }
            ),
            ("endpoints-controller", "endpoint-controller", { EndpointsController($0) }),
            ("namespace-controller", "namespace-controller", { NamespaceController($0) }),
            ("serviceaccount-controller", "service-account-controller", { ServiceAccountController($0) }),
            ("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", { RootCAPublisher($0) }),
            ("serviceaccount-token-controller", "", { TokenSecretController($0) }),
            (
                "legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner",
                { LegacyTokenCleaner($0) }
            ),
            (
                "certificatesigningrequest-signing-controller", "certificate-controller", { CertificateSigner($0) }
            ),
            (
                "certificatesigningrequest-approving-controller", "certificate-controller",
                { CertificateApprover($0) }
            ),
            (
                "certificatesigningrequest-cleaner-controller", "certificate-controller",
                { CertificateCleaner($0) }
            ),
            ("bootstrap-signer-controller", "bootstrap-signer", { BootstrapSigner($0) }),
            ("token-cleaner-controller", "token-cleaner", { BootstrapTokenCleaner($0) }),
            (
                "clusterrole-aggregation-controller", "clusterrole-aggregation-controller",
                { ClusterRoleAggregationController($0) }
            ),
            ("garbage-collector-controller", "generic-garbage-collector", { GarbageCollector($0) }),
            ("pod-garbage-collector-controller", "pod-garbage-collector", { PodGarbageCollector($0) }),
            ("node-ipam-controller", "node-controller", { NodeIPAMController($0) }),
            ("node-certificate-approver-controller", "certificate-controller", { NodeCertificateApprover($0) }),
            ("node-lifecycle-controller", "node-controller", { NodeLifecycleController($0) }),
            ("taint-eviction-controller", "node-controller", { TaintEvictionController($0) }),
            ("disruption-controller", "disruption-controller", { DisruptionController($0) }),
            (
                "horizontal-pod-autoscaler-controller", "horizontal-pod-autoscaler",
                { HorizontalPodAutoscalerController($0) }
            ),
            ("resourcequota-controller", "resourcequota-controller", { ResourceQuotaController($0) }),
            ("service-lb-controller", "service-controller", { LoadBalancerController($0) }),
            (
                "persistentvolumeclaim-protection-controller", "pvc-protection-controller",
                { InUseProtectionController($0, .claims) }
            ),
            (
                "persistentvolume-protection-controller", "pv-protection-controller",
                { InUseProtectionController($0, .volumes) }
            ),
            ("persistentvolume-binder-controller", "persistent-volume-binder", { VolumeBinder($0) }),
            (
                "persistentvolume-attach-detach-controller", "attachdetach-controller", { AttachDetachController($0) }
            ),
            ("persistentvolume-expander-controller", "expand-controller", { VolumeExpansionController($0) }),
            ("service-cidr-controller", "service-cidrs-controller", { ServiceCIDRController($0) }),
            ("resourceclaim-controller", "resource-claim-controller", { ResourceClaimController($0) }),
            ("ttl-controller", "ttl-controller", { NodeTTLController($0) }),
            ("ephemeral-volume-controller", "ephemeral-volume-controller", { EphemeralVolumeController($0) }),
            (
                "storage-version-garbage-collector-controller", "storage-version-garbage-collector",
                { StorageVersionCleaner($0) }
            ),
            (
                "storage-version-migrator-controller", "storage-version-migrator-controller",
                { StorageVersionMigrator($0) }
            ),
            (
                "volumeattributesclass-protection-controller", "volumeattributesclass-protection-controller",
                { InUseProtectionController($0, .classes) }
            ),
        ]

    /// Runs until the task is cancelled. Then the controllers finish the key they work on, and after them the informers
    /// stop, so that nothing decides on a state that has ceased to be kept.
    public func run() async {
        guard let election = options.leaderElection else { return await work() }
        let leader = LeaderElection(
            client: client, options: election, clock: options.clock, now: options.now, logger: options.logger)
        await leader.run { await work() }
    }

    private func work() async {
        let factory = InformerFactory(client: client, logger: options.logger)
        let controllers = Self.makers
            .filter { options.controllers?.contains($0.name) ?? true }
            .map { maker in
                let client = maker.account.isEmpty ? client : clientOf(maker.account)
                return maker.make(ControllerContext(client: client, informers: factory, options: options))
            }
        let informers = Task { await factory.run() }
        await withTaskGroup(of: Void.self) { group in
            for controller in controllers { group.addTask { await controller.run() } }
        }
        informers.cancel()
        await informers.value
    }
}
