import JSON
import KubeClient
import KubeTypes

/// Carries out the plans of DaemonSets.
final class DaemonSetController: Controller {
    private static let component = "daemonset-controller"

    private let context: ControllerContext
    private let sets: Informer<DaemonSet>
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let revisions: RevisionKeeper
    private let queue: WorkQueue<ObjectKey>
    private let expectations = Expectations<ObjectKey>()
    private let backoff = FailureBackoff()
    private let recorder: EventRecorder
    private let podControl: PodControl

    init(_ context: ControllerContext) {
        self.context = context
        sets = context.informers.informer(DaemonSet.self)
        pods = context.informers.pods
        nodes = context.informers.informer(Node.self)
        revisions = RevisionKeeper(context, label: DaemonSet.hashLabel)
        queue = context.queue()
        recorder = context.recorder(Self.component)
        podControl = PodControl(client: context.client, recorder: recorder)
        sets.addHandler { [self] change in
            if case .deleted(let set) = change { expectations.forget(set.key) }
            queue.add(change.object.key)
        }
        pods.addHandler { [self] in heard($0) }
        nodes.addHandler { [self] in heard($0) }
        revisions.informer.addHandler { [self] in heard($0) }
    }

    func run() async {
        await sets.waitForSync()
        await pods.waitForSync()
        await nodes.waitForSync()
        await revisions.informer.waitForSync()
        await context.work(queue, of: Self.component, workers: 2) { [self] in try await reconcile($0) }
    }

    // MARK: What changed

    private func heard(_ change: Informer<Pod>.Change) {
        switch change {
        case .added(let pod):
            if pod.isBeingDeleted {
                gone(pod)
            } else if let key = owner(of: pod) {
                expectations.lowerCreations(of: key)
                queue.add(key)
            } else {
                enqueueSelecting(pod)
            }
        case .updated(let old, let new):
            if new.isBeingDeleted, !old.isBeingDeleted {
                gone(new)
                return
            }
            if let former = owner(of: old), old.controller?.uid != new.controller?.uid { queue.add(former) }
            if let key = owner(of: new) {
                queue.add(key)
            } else if old.labels != new.labels || old.controller != nil {
                enqueueSelecting(new)
            }
        case .deleted(let pod): gone(pod)
        }
    }

    private func gone(_ pod: Pod) {
        guard let key = owner(of: pod) else { return }
        expectations.observeDeletion(of: pod.uid, for: key)
        queue.add(key)
    }

    private func owner(of object: some KubeObject) -> ObjectKey? {
        guard let reference = object.controller, reference.kind == DaemonSet.type.kind else { return nil }
        return ObjectKey(namespace: object.namespace, name: reference.name)
    }

    private func enqueueSelecting(_ object: some KubeObject) {
        guard object.controller == nil, !object.labels.isEmpty else { return }
        for set in sets.objects(namespace: object.namespace)
        where LabelMatcher(set.spec.selector).matches(object.labels) {
            queue.add(set.key)
        }
    }

    private func heard(_ change: Informer<ControllerRevision>.Change) {
        if case .updated(let old, _) = change, let former = owner(of: old) { queue.add(former) }
        if let key = owner(of: change.object) {
            // Its own creation is no news.
            if case .added = change { return }
            queue.add(key)
        } else if case .deleted = change {
            return
        } else {
            enqueueSelecting(change.object)
        }
    }

    /// Heartbeats change a node all the time; only what decides about placement counts.
    private func heard(_ change: Informer<Node>.Change) {
        if case .updated(let old, let new) = change, old.labels == new.labels, old.spec.taints == new.spec.taints {
            return
        }
        for set in sets.objects { queue.add(set.key) }
    }

    // MARK: What to do

    private func reconcile(_ key: ObjectKey) async throws {
        guard let set = sets[key] else {
            expectations.forget(key)
            return
        }
        if set.isBeingDeleted { return }
        let selector = set.spec.selector
        if selector.matchLabels.isEmpty, selector.matchExpressions.isEmpty {
            recorder.event(
                regarding: set, type: .warning, reason: "SelectingAll",
                message: "This daemon set is selecting all pods. A non-empty selector is required.")
            return
        }
        let matcher = LabelMatcher(selector)
        let mayAct = expectations.areSatisfied(for: key, now: context.now)
        let nodes = nodes.objects
        let history = try await revisions.history(of: set, matching: matcher)
        let candidates =
            PodIndex.controlled(by: set.uid, in: pods) + PodIndex.orphans(namespace: key.namespace, in: pods)
        let owned = try await ControllerRef.claim(candidates, by: set, matching: matcher, client: context.client)

        var collisions = set.status.collisionCount ?? 0
        let current = try await settle(history, of: set, owned, &collisions)
        let hash = current.labels[DaemonSet.hashLabel] ?? current.name
        let placement = DaemonPlacement(set)
        let plan = DaemonPlan(
            set, placement: placement, nodes: nodes, pods: owned, hash: hash, mayAct: mayAct,
            backOff: { [backoff, context] in backoff.remaining(Self.backoffKey(set, $0), now: context.now) },
            now: context.now)
        var failure: (any Error)?
        do {
            try await carryOut(plan, placement, hash, for: set)
            if mayAct { try await dropHistory(history, keeping: current, owned, of: set) }
        } catch {
            failure = error
        }
        var status = plan.status
        if collisions != set.status.collisionCount ?? 0 { status.collisionCount = collisions }
        try await write(status, of: set)
        if let failure { throw failure }
        if let seconds = plan.recheckSeconds { queue.add(key, after: .milliseconds(Int64(seconds * 1000) + 1)) }
    }

    private static func backoffKey(_ set: DaemonSet, _ node: String) -> String {
        "\(set.uid)/\(set.status.observedGeneration ?? 0)/\(node)"
    }

    private func write(_ status: DaemonSetStatus, of set: DaemonSet) async throws {
        guard status != set.status else { return }
        var changed = set
        changed.status = status
        do { try await context.client.updateStatus(changed) } catch {
            if !error.isNotFound { throw error }
        }
    }

    private func carryOut(
        _ plan: DaemonPlan, _ placement: DaemonPlacement, _ hash: String, for set: DaemonSet
    ) async throws {
        guard !plan.create.isEmpty || !plan.delete.isEmpty else { return }
        for pod in plan.failed {
            if let node = DaemonPlacement.node(of: pod) {
                backoff.failed(Self.backoffKey(set, node), now: context.now)
                recorder.event(
                    regarding: set, type: .warning, reason: "FailedDaemonPod",
                    message: "Found failed daemon pod \(pod.key) on node \(node), will try to kill it")
            }
        }
        for pod in plan.succeeded {
            recorder.event(
                regarding: set, type: .normal, reason: "SucceededDaemonPod",
                message: "Found succeeded daemon pod \(pod.key) on node \(pod.nodeName), will try to delete it")
        }
        expectations.expect(
            creations: plan.create.count, deletions: plan.delete.map(\.uid), of: set.key, now: context.now)
        let creation = await create(plan.create, placement, hash, for: set)
        let deletion = await podControl.delete(plan.delete, of: set, expectations)
        if let failure = creation ?? deletion { throw failure }
    }

    private func create(
        _ nodes: [String], _ placement: DaemonPlacement, _ hash: String, for set: DaemonSet
    ) async -> APIError? {
        var template = placement.template
        template.metadata.labels[DaemonSet.hashLabel] = hash
        if let generation = set.templateGeneration { template.metadata.labels[DaemonSet.generationLabel] = generation }
        let pod = PodFromTemplate.make(template, owner: set)
        let outcome = await PodControl.inBatches(nodes.count) { [podControl] number in
            var bound = pod
            DaemonPlacement.bind(&bound, to: nodes[number])
            return await podControl.create(bound, for: set)
        }
        expectations.lowerCreations(of: set.key, by: nodes.count - outcome.created)
        return outcome.failure?.isNamespaceTerminating == true ? nil : outcome.failure
    }

    // MARK: History

    /// Brings the history up to date.
    /// - Returns: The revision of the set's template.
    private func settle(
        _ history: RevisionHistory, of set: DaemonSet, _ pods: [Pod], _ collisions: inout Int
    ) async throws -> ControllerRevision {
        let template = set.spec.template
        var current = try await revisions.take(
            history.step(to: template), to: template, of: set, collisionCount: &collisions)
        if current.labels[DaemonSet.hashLabel] == nil {
            // An adopted one that was made by somebody else: its name is as good as a hash.
            current.metadata.labels[DaemonSet.hashLabel] = current.name
            current = try await context.client.update(current)
        }
        let twins = history.revisions.filter { $0.uid != current.uid && RevisionHistory.holds($0, template) }
        guard !twins.isEmpty else { return current }
        let hash = current.labels[DaemonSet.hashLabel] ?? current.name
        let twinHashes = Set(twins.compactMap { $0.labels[DaemonSet.hashLabel] })
        for pod in pods where twinHashes.contains(pod.labels[DaemonSet.hashLabel] ?? "") {
            try await context.client.patch(
                Pod.self, pod.name, namespace: pod.namespace,
                ["metadata": ["labels": [DaemonSet.hashLabel: .string(hash)]]])
        }
        try await revisions.delete(twins)
        return current
    }

    private func dropHistory(
        _ history: RevisionHistory, keeping current: ControllerRevision, _ pods: [Pod], of set: DaemonSet
    ) async throws {
        let live = Set(pods.compactMap { $0.labels[DaemonSet.hashLabel] })
        let old = RevisionHistory(history.revisions.filter { $0.uid != current.uid })
        let used = old.revisions.count { live.contains($0.labels[DaemonSet.hashLabel] ?? "") }
        // Those in use count among those that are kept.
        let limit = max(0, (set.spec.revisionHistoryLimit ?? 10) - used)
        try await revisions.delete(
            old.surplus(limit: limit) { live.contains($0.labels[DaemonSet.hashLabel] ?? "") })
    }
}
