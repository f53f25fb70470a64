import JSON
import KubeClient
import KubeTypes

/// Keeps the status of PodDisruptionBudgets, by which evictions are granted.
final class DisruptionController: Controller {
    private static let component = "controllermanager"

    private let context: ControllerContext
    private let budgets: Informer<PodDisruptionBudget>
    private let pods: Informer<Pod>
    private let deployments: Informer<Deployment>
    private let replicaSets: Informer<ReplicaSet>
    private let replicationControllers: Informer<ReplicationController>
    private let statefulSets: Informer<StatefulSet>
    private let queue: WorkQueue<ObjectKey>
    private let stale: WorkQueue<ObjectKey>
    private let recorder: EventRecorder
    private let targets: ScaleTargets

    init(_ context: ControllerContext) {
        self.context = context
        let budgets = context.informers.informer(PodDisruptionBudget.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        (self.budgets, self.queue) = (budgets, queue)
        pods = context.informers.pods
        deployments = context.informers.informer(Deployment.self)
        replicaSets = context.informers.informer(ReplicaSet.self)
        replicationControllers = context.informers.informer(ReplicationController.self)
        statefulSets = context.informers.informer(StatefulSet.self)
        recorder = context.recorder(Self.component)
        targets = ScaleTargets(context)
        let stale: WorkQueue<ObjectKey> = context.queue()
        self.stale = stale
        budgets.addHandler { if !$0.isDeletion { queue.add($0.object.key) } }
        let enqueue: @Sendable (Pod) -> Void = { pod in
            for budget in budgets.objects(namespace: pod.namespace)
            where budget.spec.selector != nil && LabelMatcher(budget.spec.selector).matches(pod.labels) {
                queue.add(budget.key)
            }
        }
        pods.addHandler { change in
            if case .deleted = change {
            } else if let seconds = StaleDisruption.secondsLeft(change.object, now: context.now) {
                stale.add(change.object.key, after: .milliseconds(Int64(seconds * 1000) + 1))
            }
            switch change {
            case .added(let pod), .deleted(let pod): enqueue(pod)
            case .updated(let old, let new):
                guard
                    old.isReady != new.isReady || old.isBeingDeleted != new.isBeingDeleted || old.labels != new.labels
                        || old.controller?.uid != new.controller?.uid
                else { return }
                enqueue(new)
                if old.labels != new.labels { enqueue(old) }
            }
        }
        // A change of size changes what is expected; budgets are few.
        let rescaled: @Sendable (String) -> Void = { namespace in
            for budget in budgets.objects(namespace: namespace) { queue.add(budget.key, after: .milliseconds(50)) }
        }
        deployments.addHandler { change in
            if case .updated(let old, let new) = change, old.spec.replicas == new.spec.replicas { return }
            rescaled(change.object.namespace)
        }
        replicaSets.addHandler { change in
            if case .updated(let old, let new) = change, old.spec.replicas == new.spec.replicas { return }
            rescaled(change.object.namespace)
        }
        replicationControllers.addHandler { change in
            if case .updated(let old, let new) = change, old.spec.replicas == new.spec.replicas { return }
            rescaled(change.object.namespace)
        }
        statefulSets.addHandler { change in
            if case .updated(let old, let new) = change, old.spec.replicas == new.spec.replicas { return }
            rescaled(change.object.namespace)
        }
    }

    func run() async {
        await budgets.waitForSync()
        await pods.waitForSync()
        await deployments.waitForSync()
        await replicaSets.waitForSync()
        await replicationControllers.waitForSync()
        await statefulSets.waitForSync()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await context.work(queue, of: "disruption-controller", workers: 1) { try await self.reconcile($0) }
            }
            group.addTask { [self] in
                await context.work(stale, of: "disruption-controller", workers: 1) { try await self.withdraw($0) }
            }
        }
    }

    /// Takes the condition off a pod that nobody came for.
    private func withdraw(_ key: ObjectKey) async throws {
        guard let pod = pods[key], let seconds = StaleDisruption.secondsLeft(pod, now: context.now) else { return }
        if seconds > 0 {
            stale.add(key, after: .milliseconds(Int64(seconds * 1000) + 1))
            return
        }
        do {
            try await context.client.patch(
                Pod.self, key.name, namespace: key.namespace, subresource: "status",
                StaleDisruption.withdrawal(now: context.now), as: .strategic)
        } catch {
            if !error.isNotFound { throw error }
        }
    }

    /// Sizes that only the API knows: those of controllers of other kinds.
    private func otherScales(
        of pods: [Pod]
    ) async throws -> [String: Result<Int, DisruptionBudget.Problem>] {
        var scales: [String: Result<Int, DisruptionBudget.Problem>] = [:]
        for pod in pods {
            guard let owner = pod.controller, !Self.kinds.contains(owner.kind), scales[owner.uid] == nil else {
                continue
            }
            do throws(ScaleTargets.Failure) {
                let found = try await targets.scale(
                    apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name, namespace: pod.namespace
                ).scale
                if found.uid == owner.uid { scales[owner.uid] = .success(found.spec.replicas ?? 0) }
            } catch {
                if !error.isNotFound { scales[owner.uid] = .failure(.noScale("\(error)")) }
            }
        }
        return scales
    }

    private static let kinds: Set<String> = ["ReplicaSet", "ReplicationController", "StatefulSet"]

    private func scale(_ owner: OwnerReference, _ namespace: String) -> (uid: String, replicas: Int)? {
        switch owner.kind {
        case "ReplicaSet":
            guard let set = replicaSets.get(owner.name, namespace: namespace), set.uid == owner.uid else { return nil }
            if let parent = set.controller, parent.kind == "Deployment",
                let deployment = deployments.get(parent.name, namespace: namespace), deployment.uid == parent.uid
            {
                return (deployment.uid, deployment.desired)
            }
            return (set.uid, set.size)
        case "ReplicationController":
            guard let found = replicationControllers.get(owner.name, namespace: namespace), found.uid == owner.uid
            else {
                return nil
            }
            return (found.uid, found.desiredReplicas)
        case "StatefulSet":
            guard let found = statefulSets.get(owner.name, namespace: namespace), found.uid == owner.uid else {
                return nil
            }
            return (found.uid, found.spec.replicas ?? 1)
        default: return nil
        }
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let budget = budgets[key] else { return }
        let matching = PodIndex.matching(budget.spec.selector, namespace: key.namespace, in: pods)
        if matching.isEmpty {
            recorder.event(regarding: budget, type: .normal, reason: "NoPods", message: "No matching pods found")
        }
        let status: PodDisruptionBudgetStatus
        var recheck: Double?
        let others = try await otherScales(of: matching)
        do throws(DisruptionBudget.Problem) {
            let result = try DisruptionBudget(
                budget, pods: matching,
                scale: { (owner, namespace) throws(DisruptionBudget.Problem) in
                    if let other = others[owner.uid] { return (owner.uid, try other.get()) }
                    return scale(owner, namespace)
                }, now: context.now)
            if !result.unmanaged.isEmpty {
                recorder.event(
                    regarding: budget, type: .warning, reason: "UnmanagedPods",
                    message: "Pods selected by this PodDisruptionBudget are not managed by a controller, so that "
                        + "percentages and maxUnavailable cannot count them: set .spec.minAvailable to an integer.")
            }
            for pod in result.notDeleted {
                recorder.event(
                    regarding: pod, type: .warning, reason: "NotDeleted",
                    message: "Pod was expected by PDB \(key) to be deleted but it wasn't")
            }
            status = result.status
            recheck = result.recheckSeconds
        } catch {
            recorder.event(
                regarding: budget, type: .warning, reason: "CalculateExpectedPodCountFailed",
                message: "Failed to calculate the number of expected pods: \(error)")
            status = DisruptionBudget.failed(budget, error, now: context.now)
        }
        if status != budget.status {
            var updated = budget
            updated.status = status
            do { try await context.client.updateStatus(updated) } catch {
                if error.isNotFound { return }
                throw error
            }
        }
        if let recheck { queue.add(key, after: .milliseconds(Int64(recheck * 1000) + 1000)) }
    }
}
