import JSON
import KubeClient
import KubeTypes

/// Carries out the plans of StatefulSets.
final class StatefulSetController: Controller {
    private static let component = "statefulset-controller"

    private let context: ControllerContext
    private let sets: Informer<StatefulSet>
    private let pods: Informer<Pod>
    private let claims: Informer<PersistentVolumeClaim>
    private let revisions: RevisionKeeper
    private let queue: WorkQueue<ObjectKey>
    private let horizon = WriteHorizon<ObjectKey>()
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        sets = context.informers.informer(StatefulSet.self)
        pods = context.informers.pods
        claims = context.informers.informer(PersistentVolumeClaim.self)
        revisions = RevisionKeeper(context, label: "controller.kubernetes.io/hash")
        queue = context.queue()
        recorder = context.recorder(Self.component)
        sets.addHandler { [self] change in
            if case .deleted(let set) = change { horizon.forget(set.key) }
            queue.add(change.object.key)
        }
        pods.addHandler { [self] in heard($0) }
        // A pod may wait for the claim of its predecessor to go.
        claims.addHandler { [self] change in
            guard case .deleted(let claim) = change, let name = StatefulSetIdentity.split(claim.name)?.set else {
                return
            }
            for set in sets.objects(namespace: claim.namespace)
            where set.spec.volumeClaimTemplates.contains(where: { name == "\($0.name)-\(set.name)" }) {
                queue.add(set.key)
            }
        }
    }

    func run() async {
        await sets.waitForSync()
        await pods.waitForSync()
        await claims.waitForSync()
        await revisions.informer.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private func heard(_ change: Informer<Pod>.Change) {
        let pod = change.object
        var mayJoin = true
        if case .updated(let old, let new) = change {
            if let former = old.controller, former.uid != new.controller?.uid { enqueue(former, pod) }
            mayJoin = old.labels != new.labels || old.controller != nil
        }
        if let reference = pod.controller {
            enqueue(reference, pod)
            return
        }
        if case .deleted = change { return }
        guard mayJoin, !pod.labels.isEmpty else { return }
        for set in sets.objects(namespace: pod.namespace) where LabelMatcher(set.spec.selector).matches(pod.labels) {
            queue.add(set.key)
        }
    }

    private func enqueue(_ reference: OwnerReference, _ pod: Pod) {
        guard reference.kind == StatefulSet.type.kind else { return }
        queue.add(ObjectKey(namespace: pod.namespace, name: reference.name))
    }

    // MARK: What to do

    private func reconcile(_ key: ObjectKey) async throws {
        guard let set = sets[key] else {
            horizon.forget(key)
            return
        }
        guard horizon.isReached(by: pods.resourceVersion, for: key) else {
            // The pods' own event brings the key back here; this is for the case that it came before the answer.
            queue.add(key, after: .milliseconds(100))
            return
        }
        let selector = LabelMatcher(set.spec.selector)
        let history = try await revisions.history(of: set, matching: selector)
        let candidates =
            PodIndex.controlled(by: set.uid, in: pods) + PodIndex.orphans(namespace: key.namespace, in: pods)
        let owned = try await ControllerRef.claim(
            candidates, by: set, matching: selector, client: context.client
        ) { StatefulSetIdentity.split($0.name)?.set == set.name }
        let (templates, all) = try await settleRevisions(of: set, history)
        let plan = StatefulSetPlan(
            set, pods: owned, revisions: templates,
            claim: { [claims] in claims.get($0, namespace: key.namespace) }, now: context.now)
        var failure: (any Error)?
        do { try await carryOut(plan, for: set) } catch { failure = error }
        try await write(plan.status, of: set)
        if let failure { throw failure }
        let used = Set(owned.compactMap { $0.labels[StatefulSetIdentity.revisionLabel] })
            .union([templates.current, templates.update, plan.status.currentRevision ?? ""])
        if !set.isBeingDeleted {
            try await revisions.delete(
                all.surplus(limit: set.spec.revisionHistoryLimit ?? 10) { used.contains($0.name) })
        }
        if let seconds = plan.recheckSeconds { queue.add(key, after: .milliseconds(Int64(seconds * 1000) + 1)) }
    }

    /// - Returns: The set's two revisions, and the history with the newer one in it.
    private func settleRevisions(
        of set: StatefulSet, _ history: RevisionHistory
    ) async throws -> (StatefulSetPlan.Revisions, RevisionHistory) {
        let template = set.spec.template
        var collisions = set.status.collisionCount ?? 0
        let step = history.step(to: template)
        let update: ControllerRevision
        if set.isBeingDeleted, case .create(let number) = step {
            // Nothing is created for what is going away, not even this.
            update = RevisionHistory.make(
                template, owner: set, revision: number, label: revisions.label, collisionCount: collisions)
        } else {
            update = try await revisions.take(step, to: template, of: set, collisionCount: &collisions)
        }
        let all = RevisionHistory(history.revisions.filter { $0.name != update.name } + [update])
        let current = all.revisions.first { $0.name == set.status.currentRevision } ?? update
        return (
            StatefulSetPlan.Revisions(
                current: current.name, update: update.name,
                currentTemplate: RevisionHistory.template(in: current) ?? template, updateTemplate: template,
                collisionCount: collisions), all
        )
    }

    private func write(_ status: StatefulSetStatus, of set: StatefulSet) async throws {
        guard status != set.status else { return }
        var changed = set
        changed.status = status
        do { try await context.client.updateStatus(changed) } catch {
            if !error.isNotFound { throw error }
        }
    }

    private func carryOut(_ plan: StatefulSetPlan, for set: StatefulSet) async throws {
        for phase in plan.phases {
            if set.isOrdered {
                for action in phase { if let failure = await carryOut(action, for: set) { throw failure } }
            } else {
                let outcome = await PodControl.inBatches(phase.count) { await self.carryOut(phase[$0], for: set) }
                if let failure = outcome.failure { throw failure }
            }
        }
    }

    private func carryOut(_ action: StatefulSetPlan.Action, for set: StatefulSet) async -> APIError? {
        do throws(APIError) {
            switch action {
            case .create(let pod, let missing):
                try await create(missing, for: pod, of: set)
                try await tell("Create", pod.name, set) { () async throws(APIError) in
                    let created = try await context.client.create(pod)
                    horizon.wrote(created.resourceVersion, for: set.key)
                }
            case .createClaims(let missing, let pod): try await create(missing, for: pod, of: set)
            case .setOwners(let owners, let claim, let conflicting):
                if conflicting {
                    recorder.event(
                        regarding: set, type: .warning, reason: "ConflictingController",
                        message: "PersistentVolumeClaim \(claim.name) is managed by another controller: "
                            + "the retention policy does not apply to it")
                }
                var changed = claim
                changed.metadata.ownerReferences = owners
                try await context.client.update(changed)
            case .conform(let pod, let ordinal):
                try await tell("Update", pod.name, set) { () async throws(APIError) in
                    // The cache keeps only parts of a pod.
                    var whole = try await context.client.get(Pod.self, pod.name, namespace: pod.namespace)
                    StatefulSetIdentity.assume(set, ordinal, &whole)
                    let updated = try await context.client.update(whole)
                    horizon.wrote(updated.resourceVersion, for: set.key)
                }
            case .delete(let pod):
                try await tell("Delete", pod.name, set) { () async throws(APIError) in
                    do throws(APIError) {
                        try await context.client.delete(
                            Pod.self, pod.name, namespace: pod.namespace, options: .only(uid: pod.uid))
                    } catch {
                        if !error.isNotFound { throw error }
                    }
                }
            case .fail(let pod, let message):
                let failure = APIError.internalError(message)
                announce("Create", pod, set, failure)
                throw failure
            }
            return nil
        } catch {
            return error
        }
    }

    private func create(
        _ missing: [PersistentVolumeClaim], for pod: Pod, of set: StatefulSet
    ) async throws(APIError) {
        for claim in missing {
            do throws(APIError) {
                try await context.client.create(claim)
                recorder.event(
                    regarding: set, type: .normal, reason: "SuccessfulCreate",
                    message: "Create Claim \(claim.name) Pod \(pod.name) in StatefulSet \(set.name) success")
            } catch {
                // The cache of claims is behind; the claim is there.
                if error.isAlreadyExists { continue }
                if !error.isNamespaceTerminating {
                    recorder.event(
                        regarding: set, type: .warning, reason: "FailedCreate",
                        message: "Create Claim \(claim.name) for Pod \(pod.name) in StatefulSet \(set.name) "
                            + "failed error: \(error)")
                }
                throw error
            }
        }
    }

    /// Does something to a pod, and tells of it.
    private func tell(
        _ verb: String, _ pod: String, _ set: StatefulSet, _ work: () async throws(APIError) -> Void
    ) async throws(APIError) {
        do throws(APIError) {
            try await work()
            announce(verb, pod, set, nil)
        } catch {
            if !error.isAlreadyExists, !error.isConflict, !error.isNamespaceTerminating {
                announce(verb, pod, set, error)
            }
            throw error
        }
    }

    private func announce(_ verb: String, _ pod: String, _ set: StatefulSet, _ failure: APIError?) {
        recorder.event(
            regarding: set, type: failure == nil ? .normal : .warning,
            reason: failure == nil ? "Successful\(verb)" : "Failed\(verb)",
            message: "\(verb) Pod \(pod) in StatefulSet \(set.name) "
                + (failure.map { "failed error: \($0)" } ?? "successful"))
    }
}
