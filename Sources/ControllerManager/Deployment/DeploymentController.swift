import JSON
import KubeClient
import KubeTypes

/// Carries out the plans of deployments.
final class DeploymentController: Controller {
    private static let component = "deployment-controller"
    private static let byController = "controller"

    private let context: ControllerContext
    private let deployments: Informer<Deployment>
    private let replicaSets: Informer<ReplicaSet>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        deployments = context.informers.informer(Deployment.self)
        replicaSets = context.informers.informer(ReplicaSet.self)
        pods = context.informers.pods
        queue = context.queue()
        recorder = context.recorder(Self.component)
        replicaSets.addIndex(Self.byController) { set in set.controller.map { [$0.uid] } ?? [] }
        replicaSets.addIndex("orphan") { set in set.controller == nil ? [set.namespace] : [] }
        deployments.addHandler { [queue] in queue.add($0.object.key) }
        replicaSets.addHandler { [self] in heard($0) }
        pods.addHandler { [self] change in
            // Only the end of a pod matters: a deployment that recreates waits for it.
            if case .deleted(let pod) = change { enqueueDeployment(of: pod) }
            if case .updated(let old, let new) = change, new.isTerminal, !old.isTerminal { enqueueDeployment(of: new) }
        }
    }

    func run() async {
        await deployments.waitForSync()
        await replicaSets.waitForSync()
        await pods.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private func heard(_ change: Informer<ReplicaSet>.Change) {
        let set = change.object
        if case .updated(let old, let new) = change {
            if old.resourceVersion == new.resourceVersion { return }
            if let former = old.controller, former.uid != new.controller?.uid {
                queue.add(ObjectKey(namespace: old.namespace, name: former.name))
            }
        }
        if let controller = set.controller {
            if controller.kind == Deployment.type.kind {
                queue.add(ObjectKey(namespace: set.namespace, name: controller.name))
            }
            return
        }
        if case .deleted = change { return }
        let labels = set.labels
        guard !labels.isEmpty else { return }
        for deployment in deployments.objects(namespace: set.namespace)
        where LabelMatcher(deployment.spec.selector).matches(labels) {
            queue.add(deployment.key)
        }
    }

    private func enqueueDeployment(of pod: Pod) {
        guard let controller = pod.controller, controller.kind == ReplicaSet.type.kind,
            let set = replicaSets.get(controller.name, namespace: pod.namespace),
            let owner = set.controller, owner.kind == Deployment.type.kind,
            let deployment = deployments.get(owner.name, namespace: pod.namespace), !deployment.isRollingUpdate
        else { return }
        queue.add(deployment.key)
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let deployment = deployments[key] else { return }
        let selector = deployment.spec.selector
        if selector.matchLabels.isEmpty, selector.matchExpressions.isEmpty {
            try await refuseSelectingAll(deployment)
            return
        }
        let candidates =
            replicaSets.objects(by: Self.byController, deployment.uid)
            + replicaSets.objects(by: "orphan", key.namespace)
        let owned = try await ControllerRef.claim(
            candidates, by: deployment, matching: LabelMatcher(selector), client: context.client)
        let plan = DeploymentPlan(
            deployment, replicaSets: owned,
            hasPods: { uid in PodIndex.controlled(by: uid, in: pods).contains { !$0.isTerminal } }, now: context.now)
        try await carryOut(plan, for: deployment)
        if let seconds = plan.recheckSeconds { queue.add(key, after: .milliseconds(Int64(seconds * 1000))) }
    }

    private func carryOut(_ plan: DeploymentPlan, for deployment: Deployment) async throws {
        if let set = plan.created, try await !create(set, for: deployment) { return }
        for update in plan.updates {
            let set = try await context.client.update(update.replicaSet)
            if set.size != update.oldSize { announce(set, from: update.oldSize, for: deployment) }
        }
        for set in plan.deleted {
            do {
                try await context.client.delete(
                    ReplicaSet.self, set.name, namespace: set.namespace, options: Self.onlyThis(set))
            } catch { if !error.isNotFound { throw error } }
        }
        guard plan.status != deployment.status || plan.revision != nil else { return }
        var changed = deployment
        // A status update writes annotations as well, which is how upstream's controller sets this one.
        if let revision = plan.revision { changed.metadata.annotations[DeploymentAnnotation.revision] = revision }
        changed.status = plan.status
        do { try await context.client.updateStatus(changed) } catch { if !error.isNotFound { throw error } }
    }

    private static func onlyThis(_ set: ReplicaSet) -> DeleteOptions {
        var options = DeleteOptions(["kind": "DeleteOptions", "apiVersion": "v1"])
        var preconditions = Preconditions()
        preconditions.uid = set.uid
        preconditions.resourceVersion = set.resourceVersion
        options.preconditions = preconditions
        return options
    }

    private func announce(_ set: ReplicaSet, from oldSize: Int, for deployment: Deployment) {
        recorder.event(
            regarding: deployment, type: .normal, reason: "ScalingReplicaSet",
            message:
                "Scaled \(set.size > oldSize ? "up" : "down") replica set \(set.name) from \(oldSize) to \(set.size)")
    }

    /// - Returns: Whether the rest of the plan holds: the ReplicaSet is there, made now.
    private func create(_ set: ReplicaSet, for deployment: Deployment) async throws -> Bool {
        do {
            let created = try await context.client.create(set)
            if created.size > 0 { announce(created, from: 0, for: deployment) }
            return true
        } catch {
            return try await handle(error, creating: set, for: deployment)
        }
    }

    /// - Returns: False if the plan is to be given up for now.
    private func handle(_ error: APIError, creating set: ReplicaSet, for deployment: Deployment) async throws -> Bool {
        if error.isNamespaceTerminating { return false }
        if error.isAlreadyExists {
            let existing = try await context.client.get(ReplicaSet.self, set.name, namespace: set.namespace)
            if existing.controller?.uid == deployment.uid,
                PodTemplateHash.equal(existing.spec.template ?? PodTemplateSpec(), deployment.spec.template)
            {
                // The cache is behind; its event brings the deployment back here.
                return false
            }
            // Another template has the same hash: with the counter in it, the next hash is another.
            var changed = deployment
            changed.status.collisionCount = (deployment.status.collisionCount ?? 0) + 1
            try await context.client.updateStatus(changed)
            throw RetryLater(description: "ReplicaSet \(set.key) exists with another template")
        }
        let message = "Failed to create new replica set \"\(set.name)\": \(error)"
        recorder.event(regarding: deployment, type: .warning, reason: "ReplicaSetCreateError", message: message)
        if deployment.progressDeadline != nil { try? await noteCreateError(message, deployment) }
        throw error
    }

    private func noteCreateError(_ message: String, _ deployment: Deployment) async throws {
        let current = deployment.status.conditions.first { $0.type == "Progressing" }
        if current?.reason == "ReplicaSetCreateError", current?.status == "False" { return }
        var condition = DeploymentCondition()
        condition.type = "Progressing"
        condition.status = "False"
        condition.lastUpdateTime = context.now
        condition.lastTransitionTime = current?.status == "False" ? current?.lastTransitionTime : context.now
        condition.reason = "ReplicaSetCreateError"
        condition.message = message
        var changed = deployment
        changed.status.conditions = deployment.status.conditions.filter { $0.type != "Progressing" } + [condition]
        try await context.client.updateStatus(changed)
    }

    private func refuseSelectingAll(_ deployment: Deployment) async throws {
        recorder.event(
            regarding: deployment, type: .warning, reason: "SelectingAll",
            message: "This deployment is selecting all pods. A non-empty selector is required.")
        guard (deployment.status.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0) else { return }
        var changed = deployment
        changed.status.observedGeneration = deployment.metadata.generation
        try await context.client.updateStatus(changed)
    }
}
