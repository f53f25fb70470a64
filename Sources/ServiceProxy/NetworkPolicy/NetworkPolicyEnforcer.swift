// The shell of NetworkPolicy: watches policies, pods and namespaces, computes the table, and sends what changed to the
// kernel.

import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Enforces NetworkPolicies for the pods of one node by nftables.
///
/// A packet between two pods of different nodes is judged twice, where it leaves and where it arrives, each node for its
/// own pod. Needs root and the `nft` command.
public final class NetworkPolicyEnforcer: Sendable {
    private let policies: Informer<NetworkPolicy>
    private let pods: Informer<Pod>
    private let namespaces: Informer<Namespace>
    private let nodeName: String
    private let table: String
    private let families: [IPFamily]
    private let kernel: NFTables
    private let proxies = Mutex<Set<ProxySocket>>([])
    private let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let logger: Logger

    /// The name of the tables (`ip NAME`, `ip6 NAME`).
    public static let defaultTable = "martlet-policy"

    /// The least time between two transactions.
    private static let pause = Duration.milliseconds(20)
    private static let probeInterval = Duration.seconds(30)

    /// - Parameters:
    ///   - podCIDR: the ranges of all pods, separated by commas: which families there are.
    ///   - table: of nftables; each cluster and node on a machine needs its own.
    public init(
        client: KubeClient, nodeName: String, podCIDR: String, table: String = NetworkPolicyEnforcer.defaultTable,
        logger: Logger = Logger(label: "network-policy")
    ) {
        self.nodeName = nodeName
        self.table = table
        self.logger = logger
        let ranges = podCIDR.split(separator: ",").compactMap { IPRange(String($0)) }
        families = IPFamily.allCases.filter { family in ranges.contains { $0.family == family } }
        policies = Informer(client, logger: logger)
        pods = Informer(client, transform: Self.slim, logger: logger)
        namespaces = Informer(client, logger: logger)
        kernel = NFTables(logger: logger)
    }

    /// A pod with nothing but what policies look at: there may be thousands.
    private static func slim(_ pod: Pod) -> Pod {
        var slim = Pod(name: pod.name, namespace: pod.namespace)
        slim.metadata.labels = pod.labels
        slim.metadata.uid = pod.metadata.uid
        slim.metadata.resourceVersion = pod.metadata.resourceVersion
        slim.spec.nodeName = pod.spec.nodeName
        slim.spec.hostNetwork = pod.spec.hostNetwork
        func portsOnly(_ containers: [Container]) -> [Container] {
            containers.filter { !$0.ports.isEmpty }.map { container in
                var kept = Container()
                kept.ports = container.ports
                kept.restartPolicy = container.restartPolicy
                return kept
            }
        }
        slim.spec.containers = portsOnly(pod.spec.containers)
        slim.spec.initContainers = portsOnly(pod.spec.initContainers)
        slim.status.phase = pod.status.phase
        slim.status.podIP = pod.status.podIP
        slim.status.podIPs = pod.status.podIPs
        return slim
    }

    /// Names the sockets of this node's layer-7 proxies: a pod that may not leave must not do so by way of them.
    public func setProxies(_ sockets: [(address: String, port: Int)]) {
        let known = sockets.compactMap { socket in
            IPAddress(socket.address).map { ProxySocket(address: $0, port: socket.port) }
        }
        proxies.withLock { $0 = Set(known) }
        changes.continuation.yield()
    }

    /// Keeps the table current until the task is cancelled. It stays in the kernel: see `cleanup`.
    public func run() async {
        let (changes, change) = self.changes
        policies.addHandler { _ in change.yield() }
        namespaces.addHandler { update in
            if case .updated(let old, let new) = update, old.labels == new.labels { return }
            change.yield()
        }
        pods.addHandler { update in
            // A pod's status changes often, and most of it is nothing to us.
            if case .updated(let old, let new) = update, old.labels == new.labels, old.spec == new.spec,
                old.status == new.status
            {
                return
            }
            change.yield()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.policies.run() }
            group.addTask { await self.pods.run() }
            group.addTask { await self.namespaces.run() }
            group.addTask {
                while !Task.isCancelled {
                    change.yield()
                    try? await Task.sleep(for: Self.probeInterval)
                }
                change.finish()
            }
            group.addTask {
                await self.policies.waitForSync()
                await self.pods.waitForSync()
                await self.namespaces.waitForSync()
                await ChangeLoop(
                    changes: changes, change: change, logger: self.logger,
                    what: "cannot write the nftables table \(self.table)"
                ).run {
                    for ruleset in self.rulesets() { try await self.kernel.apply(ruleset) }
                    try? await Task.sleep(for: Self.pause)
                }
            }
        }
    }

    private func rulesets() -> [Ruleset] {
        // Without policies nobody needs to look at the pods.
        let policies = policies.objects
        let known = policies.isEmpty ? [] : pods.objects.compactMap { PolicyPod($0, nodeName: nodeName) }
        let labels = Dictionary(
            namespaces.objects.map { ($0.name, $0.labels) }, uniquingKeysWith: { first, _ in first })
        let isolated = PolicyResolver.isolated(policies: policies, pods: known, namespaces: labels)
        return families.map {
            PolicyRuleset.ruleset(
                family: $0, table: table, isolated: isolated, pods: known, proxies: proxies.withLock(\.self))
        }
    }

    /// Removes the tables. Call it after `run` has ended.
    public func cleanup() async { await ServiceProxy.cleanup(table: table, logger: logger) }
}
