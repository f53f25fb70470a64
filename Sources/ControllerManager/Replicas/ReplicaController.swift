import JSON
import KubeClient
import KubeTypes

/// What ReplicaSets and ReplicationControllers have in common.
protocol ReplicaOwner: KubeObject {
    static var component: String { get }
    var desiredReplicas: Int { get }
    var podSelector: LabelMatcher { get }
    var podTemplate: PodTemplateSpec { get }
    var minReady: Int { get }
    static var reportsTerminating: Bool { get }
}

extension ReplicaSet: ReplicaOwner {
    static var component: String { "replicaset-controller" }
    var desiredReplicas: Int { spec.replicas ?? 1 }
    var podSelector: LabelMatcher { LabelMatcher(spec.selector) }
    var podTemplate: PodTemplateSpec { spec.template ?? PodTemplateSpec() }
    var minReady: Int { spec.minReadySeconds ?? 0 }
    static var reportsTerminating: Bool { true }
}

extension ReplicationController: ReplicaOwner {
    static var component: String { "replication-controller" }
    var desiredReplicas: Int { spec.replicas ?? 1 }
    var podSelector: LabelMatcher {
        // An empty selector selects nothing here; the API fills it in from the template.
        spec.selector.isEmpty ? LabelMatcher([.nothing]) : LabelMatcher(matchLabels: spec.selector)
    }
    var podTemplate: PodTemplateSpec { spec.template ?? PodTemplateSpec() }
    var minReady: Int { spec.minReadySeconds ?? 0 }
    static var reportsTerminating: Bool { false }
}

/// Keeps the pods of ReplicaSets, or of ReplicationControllers, at the number wanted.
final class ReplicaController<Owner: ReplicaOwner>: Controller {
    private static var byController: String { "controller" }

    private let context: ControllerContext
    private let owners: Informer<Owner>
    private let pods: Informer<Pod>
    private let replicas = ReplicaPods(ofKind: Owner.type.kind)
    private let queue: WorkQueue<ObjectKey>
    private let expectations = Expectations<ObjectKey>()
    private let podControl: PodControl

    init(_ context: ControllerContext) {
        self.context = context
        owners = context.informers.informer(Owner.self)
        pods = context.informers.pods
        queue = context.queue()
        podControl = PodControl(client: context.client, recorder: context.recorder(Owner.component))
        owners.addIndex(Self.byController) { owner in owner.controller.map { [$0.uid] } ?? [] }
        owners.addHandler { [self] change in
            if case .deleted(let owner) = change { expectations.forget(owner.key) }
            queue.add(change.object.key)
        }
        pods.addView(replicas)
        pods.addHandler { [self] in heard($0) }
    }

    func run() async {
        await owners.waitForSync()
        await pods.waitForSync()
        await context.work(queue, of: Owner.component, workers: 4) { [self] in try await reconcile($0) }
    }

    // MARK: What changed

    private func owner(of pod: Pod) -> Owner? {
        guard let reference = pod.controller, reference.kind == Owner.type.kind else { return nil }
        guard let owner = owners.get(reference.name, namespace: pod.namespace), owner.uid == reference.uid else {
            return nil
        }
        return owner
    }

    private func heard(_ change: Informer<Pod>.Change) {
        switch change {
        case .added(let pod):
            if pod.isBeingDeleted {
                gone(pod)
            } else if let reference = pod.controller {
                guard reference.kind == Owner.type.kind else { return }
                // Lowered even if the owner is not in the cache: it is by its key that creations were expected.
                let key = ObjectKey(namespace: pod.namespace, name: reference.name)
                expectations.lowerCreations(of: key)
                queue.add(key)
            } else {
                for owner in candidates(for: pod) { queue.add(owner.key) }
            }
        case .updated(let old, let new):
            if new.isBeingDeleted, !old.isBeingDeleted {
                gone(new)
                return
            }
            let reference = new.controller
            if let former = old.controller, former.uid != reference?.uid, former.kind == Owner.type.kind {
                queue.add(ObjectKey(namespace: old.namespace, name: former.name))
            }
            if reference != nil {
                if let owner = owner(of: new) { touched(owner, old: old, new: new) }
            } else if old.labels != new.labels || old.controller != nil {
                for owner in candidates(for: new) { queue.add(owner.key) }
            }
        case .deleted(let pod): gone(pod)
        }
    }

    private func gone(_ pod: Pod) {
        guard let reference = pod.controller, reference.kind == Owner.type.kind else { return }
        let key = ObjectKey(namespace: pod.namespace, name: reference.name)
        expectations.observeDeletion(of: pod.uid, for: key)
        queue.add(key)
    }

    /// A large set's pods report in by the thousand: what only moves counters is gathered for a moment, in proportion
    /// to what counting costs.
    private func touched(_ owner: Owner, old: Pod, new: Pod) {
        let size = PodIndex.countControlled(by: owner.uid, in: pods)
        let urgent = old.isActive != new.isActive || size < 100
        queue.add(owner.key, after: urgent ? .zero : .milliseconds(min(200, size / 20)))
    }

    private func candidates(for pod: Pod) -> [Owner] {
        let labels = pod.labels
        guard !labels.isEmpty else { return [] }
        return owners.objects(namespace: pod.namespace).filter { $0.podSelector.matches(labels) }
    }

    // MARK: What to do

    private func reconcile(_ key: ObjectKey) async throws {
        guard let owner = owners[key] else {
            expectations.forget(key)
            return
        }
        let mayAct = expectations.areSatisfied(for: key, now: context.now)
        let selector = owner.podSelector
        let controlled = replicas.controlled(by: owner.uid)
        let (matching, strangers) = selector.split(controlled.filter(\.isActive))
        let orphans = PodIndex.orphans(namespace: key.namespace, in: pods).filter(\.isActive)
        let adopted = try await ControllerRef.claim(
            strangers.map(\.pod) + orphans, by: owner, matching: selector, client: context.client)
        let active = matching + adopted.map { ReplicaPod($0) }
        let terminating = controlled.count(where: \.isTerminating)

        var failure: (any Error)?
        if mayAct, !owner.isBeingDeleted {
            let plan = ReplicaPlan(
                desired: owner.desiredReplicas, active: active.count,
                pods: { active.map(\.pod) }, related: { related(to: owner, own: $0) }, now: context.now)
            do {
                if plan.create > 0 { try await create(plan.create, for: owner) }
                if !plan.delete.isEmpty { try await delete(plan.delete, of: owner) }
            } catch {
                failure = error
            }
        }

        let now = context.now
        let current = ReplicaStatus(owner.json["status"] ?? [:])
        let status = ReplicaStatus.compute(
            current: current, generation: owner.metadata.generation ?? 0, desired: owner.desiredReplicas,
            minReadySeconds: owner.minReady, templateLabels: owner.podTemplate.metadata.labels, active: active,
            terminating: Owner.reportsTerminating ? terminating : nil,
            outcome: failure.map { .failure("\($0)") } ?? .success, now: now)
        if status != current {
            var updated = owner
            updated.json["status"] = status.json
            do {
                try await context.client.updateStatus(updated)
            } catch {
                if error.isNotFound { return }
                throw error
            }
        }
        if let failure { throw failure }
        if let seconds = ReplicaStatus.secondsToNextAvailable(
            active.lazy.map(\.readySince), minReadySeconds: owner.minReady, now: now)
        {
            queue.add(key, after: .milliseconds(Int64((seconds * 1000).rounded(.up)) + 1))
        }
    }

    /// The pods of all sets that have the same owner, by which crowded nodes are found.
    private func related(to owner: Owner, own: [Pod]) -> [Pod] {
        guard let parent = owner.controller else { return own }
        return owners.objects(by: Self.byController, parent.uid)
            .flatMap { $0.uid == owner.uid ? own : PodIndex.controlled(by: $0.uid, in: pods) }
    }

    private func create(_ count: Int, for owner: Owner) async throws {
        let pod = PodFromTemplate.make(owner.podTemplate, owner: owner)
        expectations.expect(creations: count, of: owner.key, now: context.now)
        let outcome = await PodControl.inBatches(count) { [podControl] _ in await podControl.create(pod, for: owner) }
        expectations.lowerCreations(of: owner.key, by: count - outcome.created)
        // In a namespace that is going away nothing can be created, and nothing needs to be.
        if let failure = outcome.failure, !failure.isNamespaceTerminating { throw failure }
    }

    private func delete(_ victims: [Pod], of owner: Owner) async throws {
        expectations.expect(deletions: victims.map(\.uid), of: owner.key, now: context.now)
        if let failure = await podControl.delete(victims, of: owner, expectations) { throw failure }
    }
}

extension APIError {
    /// The object was refused because its namespace is being deleted.
    var isNamespaceTerminating: Bool {
        details?.causes.contains { $0.reason == "NamespaceTerminating" } ?? false
    }
}
