import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Notices nodes that have fallen silent, says so in their status, and taints nodes by their conditions.
final class NodeLifecycleController: Controller {
    private struct State {
        var health: [String: NodeHealth] = [:]
        /// The nodes that there are, by UID: registration and removal are reported once each.
        var known: [String: (name: String, node: Node)] = [:]
        /// When the next node of a zone may be tainted.
        var nextTaint: [String: Time] = [:]
        var allDisrupted = false
        /// Nodes whose pods could not all be marked.
        var unmarked: Set<String> = []
    }

    private static let leaseNamespace = "kube-node-lease"

    private let context: ControllerContext
    private let nodes: Informer<Node>
    private let leases: Informer<Lease>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<String>
    private let recorder: EventRecorder
    private let state = Mutex(State())

    init(_ context: ControllerContext) {
        self.context = context
        nodes = context.informers.informer(Node.self)
        // Only the nodes' own leases.
        leases = Informer(context.informers.client, namespace: Self.leaseNamespace, logger: context.logger)
        pods = context.informers.pods
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        recorder = context.recorder("node-controller")
        nodes.addHandler { if !$0.isDeletion { queue.add($0.object.name) } }
    }

    func run() async {
        let informer = Task { [leases] in await leases.run() }
        await nodes.waitForSync()
        await leases.waitForSync()
        await pods.waitForSync()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await context.work(queue, of: "node-lifecycle-controller") { [self] in try await applyConditions($0) }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    await monitor()
                    do { try await Task.sleep(for: context.options.nodeMonitorPeriod) } catch { return }
                }
            }
        }
        informer.cancel()
        await informer.value
    }

    // MARK: Taints against scheduling

    /// Follows a node's conditions at once: a node that becomes ready takes pods without waiting for the next look.
    private func applyConditions(_ name: String) async throws {
        guard let node = nodes.get(name), !node.isBeingDeleted else { return }
        let now = context.now
        if NodeTaints.withScheduling(node, now: now) != node.spec.taints {
            try await changeTaints(name) { NodeTaints.withScheduling($0, now: now) }
        }
        if NodeTaints.evicting(node) == nil {
            try await setEviction(node, nil)
        }
        try await reconcileLabels(node)
    }

    private func changeTaints(_ name: String, _ taints: @escaping @Sendable (Node) -> [Taint]) async throws {
        do {
            try await context.client.modify(Node.self, name) { node in
                let changed = taints(node)
                guard changed != node.spec.taints else { return false }
                node.spec.taints = changed
                return true
            }
        } catch { if !error.isNotFound { throw error } }
    }

    private func setEviction(_ node: Node, _ key: String?) async throws {
        let now = context.now
        guard NodeTaints.withEviction(node.spec.taints, key, now: now) != node.spec.taints else { return }
        try await changeTaints(node.name) { NodeTaints.withEviction($0.spec.taints, key, now: now) }
    }

    /// The old names of the labels for operating system and architecture follow the new ones.
    private func reconcileLabels(_ node: Node) async throws {
        var missing: [String: JSONValue] = [:]
        for name in ["os", "arch"] {
            guard let value = node.labels["kubernetes.io/\(name)"], !value.isEmpty,
                node.labels["beta.kubernetes.io/\(name)"] != value
            else { continue }
            missing["beta.kubernetes.io/\(name)"] = .string(value)
        }
        guard !missing.isEmpty else { return }
        do {
            try await context.client.patch(
                Node.self, node.name,
                ["metadata": ["labels": .object(JSONObject(missing.map { (key: $0.key, value: $0.value) }))]])
        } catch { if !error.isNotFound { throw error } }
    }

    // MARK: Health

    /// Looks at all nodes once.
    func monitor() async {
        let all = nodes.objects
        report(all)
        var zones: [String: (ready: Int, notReady: Int)] = [:]
        var current: [Node] = []
        for node in all {
            guard let node = await look(at: node) else { continue }
            current.append(node)
            guard node.labels["node.kubernetes.io/exclude-disruption"] == nil else { continue }
            let ready = NodeCondition.ready(of: node)?.status == "True"
            zones[ZoneState.zone(of: node), default: (0, 0)].ready += ready ? 1 : 0
            zones[ZoneState.zone(of: node), default: (0, 0)].notReady += ready ? 0 : 1
        }
        await evict(from: current, zones)
    }

    private func report(_ all: [Node]) {
        let (added, removed) = state.withLock { state in
            let present = Dictionary(all.map { ($0.uid, $0) }, uniquingKeysWith: { first, _ in first })
            let removed = state.known.filter { present[$0.key] == nil }.map(\.value.node)
            let added = all.filter { state.known[$0.uid] == nil }
            for node in removed {
                state.known[node.uid] = nil
                state.health[node.uid] = nil
                state.unmarked.remove(node.uid)
            }
            for node in added { state.known[node.uid] = (node.name, node) }
            return (added, removed)
        }
        for node in added { tell(node, "RegisteredNode", "Registered Node \(node.name) in Controller") }
        for node in removed { tell(node, "RemovingNode", "Removing Node \(node.name) from Controller") }
    }

    private func tell(_ node: Node, _ reason: String, _ event: String) {
        recorder.event(
            regarding: node, type: .normal, reason: reason, message: "Node \(node.name) event: \(event)")
    }

    private func leaseRenewal(of node: Node) -> Time? {
        leases.get(node.name, namespace: Self.leaseNamespace)?.spec.renewTime?.time
    }

    /// Notes what is known of a node now, and says whether it has been silent for too long.
    private func isSilent(_ node: Node, leaseRenewal: Time?, now: Time) -> Bool {
        let grace =
            NodeCondition.ready(of: node) == nil
            ? context.options.nodeStartupGraceSeconds : context.options.nodeMonitorGraceSeconds
        return state.withLock { state in
            var health = state.health[node.uid] ?? NodeHealth(node, leaseRenewal: leaseRenewal, now: now)
            health.observe(node, leaseRenewal: leaseRenewal, now: now)
            state.health[node.uid] = health
            return health.isSilent(graceSeconds: grace, now: now)
        }
    }

    /// Updates a node's status if it has fallen silent.
    /// - Returns: The node as it is now; nil if that could not be found out.
    private func look(at cached: Node) async -> Node? {
        var node = cached
        for _ in 0..<5 {
            let observed = NodeCondition.ready(of: node)
            let now = context.now
            var result = node
            if isSilent(node, leaseRenewal: leaseRenewal(of: node), now: now),
                let conditions = NodeHealth.silentConditions(of: node, now: now)
            {
                // It may be the watch of leases that has fallen silent: the server knows. A list, because upstream's role
                // for what is watched allows no more.
                guard
                    let lease = try? await context.informers.client.list(
                        Lease.self, namespace: Self.leaseNamespace, fieldSelector: "metadata.name=\(node.name)")
                else { return nil }
                if !isSilent(node, leaseRenewal: lease.items.first?.spec.renewTime?.time, now: now) { return node }
                result.status.conditions = conditions
                do {
                    result = try await context.client.updateStatus(result)
                } catch {
                    guard !error.isNotFound else { return nil }
                    guard let live = try? await context.client.get(Node.self, node.name), live.uid == node.uid else {
                        return nil
                    }
                    node = live
                    continue
                }
            }
            let ready = NodeCondition.ready(of: result)
            let wentDown = ready?.status != "True" && ready != nil && observed?.status == "True"
            if wentDown {
                recorder.event(
                    regarding: result, type: .normal, reason: "NodeNotReady",
                    message: "Node \(result.name) status is now: NodeNotReady")
            }
            await markPodsIfDown(result, ready)
            return result
        }
        return nil
    }

    /// What runs on a node that is not ready cannot count as ready, and nobody else can say so.
    private func markPodsIfDown(_ node: Node, _ ready: NodeCondition?) async {
        guard let ready, ready.status != "True" else { return }
        for pod in PodIndex.onNode(node.name, in: pods) where pod.isReady {
            let now = context.now
            do {
                try await context.client.modify(Pod.self, pod.name, namespace: pod.namespace, status: true) { live in
                    guard live.uid == pod.uid, live.isReady else { return false }
                    live.status.conditions = live.status.conditions.map { condition in
                        guard condition.type == "Ready" else { return condition }
                        var condition = condition
                        condition.status = "False"
                        condition.lastTransitionTime = now
                        return condition
                    }
                    return true
                }
                recorder.event(
                    regarding: pod, type: .warning, reason: "NodeNotReady", message: "Node is not ready")
            } catch {
                if error.isNotFound { continue }
                context.logger.info("node-lifecycle-controller: pod \(pod.key) cannot be marked: \(error)")
            }
        }
    }

    /// Taints nodes that are not ready so that their pods go, as fast as their zone's state allows.
    private func evict(from nodes: [Node], _ zones: [String: (ready: Int, notReady: Int)]) async {
        let states = zones.mapValues { ZoneState(ready: $0.ready, notReady: $0.notReady) }
        let allDisrupted = !states.isEmpty && states.values.allSatisfy { $0 == .fullDisruption }
        let now = context.now
        let recovered = state.withLock { state in
            defer { state.allDisrupted = allDisrupted }
            guard state.allDisrupted, !allDisrupted else { return false }
            // It was us, or the network: nodes that are still silent get another chance.
            for uid in state.health.keys { state.health[uid]?.reset(now: now) }
            return true
        }
        for node in nodes {
            let key = NodeTaints.evicting(node)
            do {
                if key == nil || allDisrupted {
                    try await setEviction(node, nil)
                    continue
                }
                if recovered { continue }
                let tainted = node.spec.taints.contains {
                    $0.effect == "NoExecute" && [NodeTaints.notReady, NodeTaints.unreachable].contains($0.key)
                }
                // A taint that is there already only changes its name.
                if tainted || mayTaint(node, states, zones, now) { try await setEviction(node, key) }
            } catch {
                context.logger.info("node-lifecycle-controller: node \(node.name): \(error)")
            }
        }
    }

    private func mayTaint(
        _ node: Node, _ states: [String: ZoneState], _ zones: [String: (ready: Int, notReady: Int)], _ now: Time
    ) -> Bool {
        let zone = ZoneState.zone(of: node)
        let count = zones[zone].map { $0.ready + $0.notReady } ?? 0
        let rate = (states[zone] ?? .normal).evictionRate(context.options.nodeEvictionRate, nodes: count)
        guard rate > 0 else { return false }
        return state.withLock { state in
            if let next = state.nextTaint[zone], next > now { return false }
            state.nextTaint[zone] = now.adding(seconds: max(1, Int((1 / rate).rounded())))
            return true
        }
    }
}
