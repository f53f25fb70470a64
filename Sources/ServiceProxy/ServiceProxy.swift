// The shell of the service proxy: watches Services and EndpointSlices, computes the table, and sends what changed to
// the kernel in one transaction.

import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Makes the addresses of Services reach their endpoints on this node, by nftables.
///
/// Specified by https://kubernetes.io/docs/reference/networking/virtual-ips/ (the `nftables` mode). It needs root and
/// the `nft` command; `run` says in the log what is missing and keeps trying.
public final class ServiceProxy: Sendable {
    public struct Options: Sendable {
        /// The name of the nftables tables (`ip NAME`, and `ip6 NAME` on nodes with IPv6). Each cluster on a machine
        /// needs its own.
        public var table: String
        /// The ranges of cluster IPs: traffic to addresses there that no Service has is dropped.
        public var serviceCIDRs: [String]
        /// Node ports answer on 127.0.0.1 too (`NodeNetwork` sets the sysctl that it takes).
        public var localhostNodePorts: Bool
        /// Pods reach addresses outside of the cluster from the node's own address.
        public var masqueradePodEgress: Bool
        /// The least time between two transactions; the first change after a quiet time is applied at once.
        public var minSyncInterval: Duration
        /// How often the table is looked after even if nothing changed.
        public var probeInterval: Duration
        /// Who carries connections. `ipvs` needs a kernel that has it: see `problem`.
        public var mode = ProxyMode.nftables
        /// Which endpoint a new connection gets. Those that count connections need the user-space mode.
        public var scheduling = ServiceScheduling.random
        /// Where the health check ports of load balancers listen; nil opens none.
        public var healthCheckAddress: String?

        /// What keeps a proxy from running in this mode, in one line; nil if nothing does.
        public var problem: String? {
            if mode == .ipvs, !IPVSRules.kernelHasIPVS { return IPVSRules.missing }
            if mode == .ipvs { return "the IPVS mode computes its rules but does not drive the kernel yet" }
            if mode == .nftables, !scheduling.isStateless {
                return "nftables does not count connections: \(scheduling.rawValue) needs --proxy-mode userspace"
            }
            return nil
        }

        public init(
            table: String = "martlet", serviceCIDRs: [String] = [],
            localhostNodePorts: Bool = true, masqueradePodEgress: Bool = true,
            minSyncInterval: Duration = .milliseconds(50), probeInterval: Duration = .seconds(30)
        ) {
            self.table = table
            self.serviceCIDRs = serviceCIDRs
            self.localhostNodePorts = localhostNodePorts
            self.masqueradePodEgress = masqueradePodEgress
            self.minSyncInterval = minSyncInterval
            self.probeInterval = probeInterval
        }
    }

    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    /// This node, for its zone.
    private let nodes: Informer<Node>
    /// But for the zone, which may change.
    private let node: NodeFacts
    private let options: Options
    private let logger: Logger
    private let kernel: NFTables
    /// In user-space mode.
    private let userspace: UserspaceProxy?
    private let healthChecks: HealthChecks?
    private let health: ProxyHealth
    private let synced = Mutex<(done: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    /// - Parameters:
    ///   - nodeIPs: the node's addresses.
    ///   - podCIDR: the ranges of all pods, separated by commas. IPv6 gets a table if this or the ranges of Services
    ///     have IPv6.
    public init(
        client: KubeClient, nodeName: String, nodeIPs: [String], podCIDR: String, options: Options = Options(),
        logger: Logger = Logger(label: "service-proxy")
    ) {
        let podRanges = podCIDR.split(separator: ",").compactMap { IPRange(String($0)) }
        let addresses = nodeIPs.compactMap { IPAddress($0) }
        let serviceRanges = options.serviceCIDRs.compactMap { IPRange($0) }
        let families = IPFamily.allCases.filter { family in
            family == .ipv4
                || (podRanges + serviceRanges).contains { $0.family == family }
        }
        node = NodeFacts(
            nodeName: nodeName, nodeIPs: addresses, podRanges: podRanges,
            serviceRanges: serviceRanges, families: families)
        self.options = options
        self.logger = logger
        services = Informer(client, logger: logger)
        slices = Informer(client, logger: logger)
        nodes = Informer(client, fieldSelector: "metadata.name=\(nodeName)", logger: logger)
        kernel = NFTables(logger: logger)
        userspace = options.mode == .userspace ? UserspaceProxy(options.scheduling, logger: logger) : nil
        health = ProxyHealth(mode: options.mode, logger: logger)
        healthChecks = options.healthCheckAddress.map { HealthChecks(host: $0, logger: logger) }
    }

    /// Returns once the first table is in the kernel.
    public func waitForSync() async {
        await withCheckedContinuation { continuation in
            let done = synced.withLock { state in
                if !state.done { state.waiters.append(continuation) }
                return state.done
            }
            if done { continuation.resume() }
        }
    }

    /// Works until the task is cancelled. The table stays, so that Services go on working while Martlet restarts.
    public func run() async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        services.addHandler { _ in change.yield() }
        slices.addHandler { _ in change.yield() }
        nodes.addHandler { [health] update in
            health.setEligible(Self.isEligible(update.object))
            if case .updated(let old, let new) = update, Self.zone(of: old) == Self.zone(of: new) { return }
            change.yield()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.services.run() }
            group.addTask { await self.slices.run() }
            group.addTask { await self.nodes.run() }
            if let address = self.options.healthCheckAddress {
                group.addTask { await self.health.run(on: address) }
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.options.probeInterval)
                    change.yield()
                }
            }
            group.addTask {
                // Not `waitForSync`, which does not hear that the task was cancelled.
                while !(self.services.hasSynced && self.slices.hasSynced) {
                    do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
                }
                await self.follow(changes, change)
            }
        }
        await userspace?.stop()
        await healthChecks?.apply([:])
    }

    private static func zone(of node: Node) -> String { node.labels["topology.kubernetes.io/zone"] ?? "" }

    /// Whether load balancers should send traffic here: not to a node that is being taken away.
    private static func isEligible(_ node: Node) -> Bool {
        !node.isBeingDeleted && !node.spec.taints.contains { $0.key == "ToBeDeletedByClusterAutoscaler" }
    }

    private func follow(_ changes: AsyncStream<Void>, _ change: AsyncStream<Void>.Continuation) async {
        var flows = FlowTable([], node: node)
        change.yield()
        await ChangeLoop(
            changes: changes, change: change, logger: logger, what: "cannot write the nftables table \(options.table)"
        ).run {
            health.begin()
            var node = node
            node.zone = nodes.objects.first.map(Self.zone) ?? ""
            let current = services.objects
            let meant = ServicePorts.routes(services: current, slices: slices.objects, node: node)
            await healthChecks?.apply(HealthCheck.all(current, meant, node: node))
            let next = await userspace?.apply(meant, node: node) ?? meant
            do {
                for ruleset in rulesets(next, node) { try await kernel.apply(ruleset) }
            } catch {
                health.fail()
                throw error
            }
            let table = FlowTable(next, node: node)
            if table != flows { await deleteStaleFlows(table, before: flows, node) }
            flows = table
            health.finish()
            markSynced()
            try? await Task.sleep(for: options.minSyncInterval)
        }
    }

    /// UDP clients of endpoints that are gone find others with their next packet.
    private func deleteStaleFlows(_ table: FlowTable, before: FlowTable, _ node: NodeFacts) async {
        for family in node.families {
            do {
                let count = try await Conntrack.delete(family) {
                    table.isStale($0, before: before, node: node)
                }
                if count > 0 { logger.debug("\(count) stale UDP flows deleted") }
            } catch {
                logger.info("UDP clients stay with endpoints that are gone until they pause: \(error)")
            }
        }
    }

    private func rulesets(_ routes: [ServicePortRoute], _ node: NodeFacts) -> [Ruleset] {
        let fixed = RulesetOptions(
            table: options.table, localhostNodePorts: options.localhostNodePorts,
            masqueradePodEgress: options.masqueradePodEgress, scheduling: options.scheduling)
        return node.families.map { RulesetBuilder.ruleset(family: $0, routes: routes, node: node, options: fixed) }
    }

    private func markSynced() {
        let waiters = synced.withLock { state in
            state.done = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Removes the tables. Call it after `run` has ended.
    public func cleanup() async { await Self.cleanup(table: options.table, logger: logger) }

    /// Removes the tables of a proxy that ran under this name, be they there or not.
    public static func cleanup(table: String, logger: Logger = Logger(label: "service-proxy")) async {
        for family in IPFamily.allCases {
            do {
                let script = Ruleset.removal(family: family, table: table)
                let result = try await Subprocess.run("nft", ["-f", "-"], input: script)
                if !result.succeeded { logger.warning("cannot remove the table \(table): \(result.complaint)") }
            } catch {
                logger.warning("cannot remove the table \(table): \(error)")
                return
            }
        }
    }
}
