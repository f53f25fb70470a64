import JSON
import KubeTypes

/// What the deployment controller does next, computed from a deployment, its ReplicaSets and the time alone.
///
/// A plan changes copies of the ReplicaSets; what differs from what was observed is what is to be written. One plan
/// makes one step, as upstream's controller does: a scale up or a scale down of a rollout, not both.
struct DeploymentPlan {
    /// The deployment's ReplicaSets as they were observed.
    private let observed: [String: ReplicaSet]
    private(set) var deployment: Deployment
    private let now: Time

    private var newSet: ReplicaSet?
    /// Oldest first.
    private var oldSets: [ReplicaSet]

    /// The ReplicaSet to create, with its final name.
    private(set) var created: ReplicaSet?
    private(set) var deleted: [ReplicaSet] = []
    /// The revision to put on the deployment.
    private(set) var revision: String?
    /// The status that the deployment has after this.
    private(set) var status: DeploymentStatus
    /// Seconds after which to look at the deployment again, though nothing may have happened.
    private(set) var recheckSeconds: Double?

    /// A ReplicaSet that exists and is to be written.
    struct Update {
        var replicaSet: ReplicaSet
        var oldSize: Int
    }
    /// The changed ReplicaSets, those that grow first.
    var updates: [Update] {
        (oldSets + (newSet.map { [$0] } ?? []))
            .compactMap { set in
                guard let before = observed[set.uid], before != set else { return nil }
                return Update(replicaSet: set, oldSize: before.size)
            }
            .sorted { $0.replicaSet.size - $0.oldSize > $1.replicaSet.size - $1.oldSize }
    }

    /// - Parameters:
    ///   - replicaSets: All that the deployment owns.
    ///   - hasPods: Whether a ReplicaSet, by UID, owns pods that have not ended, even ones that are being deleted.
    init(_ deployment: Deployment, replicaSets: [ReplicaSet], hasPods: (String) -> Bool, now: Time) {
        self.deployment = deployment
        self.now = now
        status = deployment.status
        observed = Dictionary(replicaSets.map { ($0.uid, $0) }, uniquingKeysWith: { first, _ in first })
        let sorted = replicaSets.sorted(by: ReplicaSet.isOlder)
        let template = deployment.spec.template
        newSet = sorted.first { PodTemplateHash.equal($0.spec.template ?? PodTemplateSpec(), template) }
        let newUID = newSet?.uid
        oldSets = newUID == nil ? sorted : sorted.filter { $0.uid != newUID }

        if deployment.isBeingDeleted {
            adoptRevision()
            settleCounts()
            return
        }
        notePause()
        adoptRevision()
        if deployment.isPaused || isScaling {
            scale()
            if deployment.isPaused { cleanUp() }
            settleCounts()
        } else if deployment.isRollingUpdate {
            rollOver()
            settleProgress()
        } else {
            recreate(hasPods)
            settleProgress()
        }
    }

    // MARK: The newest ReplicaSet

    private var activeSets: [ReplicaSet] { allSets.filter { $0.size > 0 } }
    private var allSets: [ReplicaSet] { newSet.map { oldSets + [$0] } ?? oldSets }
    private var nextRevision: Int { (oldSets.map(\.revision).max() ?? 0) + 1 }

    /// Brings annotations and revision of the newest ReplicaSet, where there is one, up to date.
    private mutating func adoptRevision() {
        guard var set = newSet else { return }
        var annotations = set.annotations
        DeploymentAnnotation.update(&annotations, from: deployment.annotations, revision: nextRevision)
        if annotations != set.annotations { set.metadata.annotations = annotations }
        if (set.spec.minReadySeconds ?? 0) != deployment.minReady {
            set.spec.minReadySeconds = deployment.minReady == 0 ? nil : deployment.minReady
        }
        newSet = set
        note(revision: set.annotations[DeploymentAnnotation.revision])
        if deployment.progressDeadline != nil, condition("Progressing") == nil {
            setCondition("Progressing", "True", "FoundNewReplicaSet", "Found new replica set \"\(set.name)\"")
        }
    }

    private mutating func note(revision number: String?) {
        guard let number, deployment.annotations[DeploymentAnnotation.revision] != number else { return }
        revision = number
    }

    /// Makes the ReplicaSet of the deployment's template.
    private mutating func createNewSet() {
        let template = deployment.spec.template
        let hash = PodTemplateHash.compute(template, collisionCount: deployment.status.collisionCount)
        var labelled = template
        labelled.metadata.labels[PodTemplateHash.label] = hash
        var selector = deployment.spec.selector
        selector.matchLabels[PodTemplateHash.label] = hash

        var set = ReplicaSet(name: Self.name(of: deployment.name, hash: hash), namespace: deployment.namespace)
        set.metadata.labels = labelled.metadata.labels
        set.metadata.ownerReferences = [ControllerRef.make(to: deployment)]
        set.spec.minReadySeconds = deployment.minReady == 0 ? nil : deployment.minReady
        set.spec.selector = selector
        set.spec.template = labelled
        set.spec.replicas = 0
        let total = allSets.reduce(0) { $0 + $1.size }
        set.spec.replicas =
            deployment.isRollingUpdate
            ? RollingUpdate.newSize(
                desired: deployment.desired, surge: deployment.maxSurgeAsWritten, total: total, current: 0)
            : deployment.desired
        var annotations: [String: String] = [:]
        DeploymentAnnotation.update(&annotations, from: deployment.annotations, revision: nextRevision)
        set.metadata.annotations = annotations
        annotateSize(&set)
        created = set
        newSet = set
        note(revision: set.annotations[DeploymentAnnotation.revision])
        if deployment.progressDeadline != nil {
            setCondition("Progressing", "True", "NewReplicaSetCreated", "Created new replica set \"\(set.name)\"")
        }
    }

    /// `<deployment>-<hash>`, shortened to what a name may have.
    private static func name(of deployment: String, hash: String) -> String {
        "\(deployment.prefix(253 - 1 - hash.count))-\(hash)"
    }

    // MARK: Scaling

    private func annotateSize(_ set: inout ReplicaSet) {
        set.metadata.annotations[DeploymentAnnotation.desiredReplicas] = String(deployment.desired)
        set.metadata.annotations[DeploymentAnnotation.maxReplicas] = String(deployment.desired + deployment.maxSurge)
    }

    /// - Parameter force: Bring the annotations up to date even if the size stays.
    private mutating func resize(_ uid: String, to size: Int, force: Bool = false) {
        func changed(_ set: ReplicaSet) -> ReplicaSet {
            guard force || set.size != size else { return set }
            var set = set
            if set.size != size { set.spec.replicas = size }
            annotateSize(&set)
            return set
        }
        if let set = newSet, set.uid == uid {
            newSet = changed(set)
        } else if let position = oldSets.firstIndex(where: { $0.uid == uid }) {
            let set = oldSets[position]
            oldSets[position] = changed(set)
        }
    }

    /// Somebody has changed `replicas` since the active ReplicaSets were sized.
    private var isScaling: Bool {
        activeSets.contains { set in
            set.count(in: DeploymentAnnotation.desiredReplicas).map { $0 != deployment.desired } ?? false
        }
    }

    /// Gives the deployment its size without getting on with the rollout.
    private mutating func scale() {
        let active = activeSets
        if active.count <= 1 {
            // The only one, or else the newest, gets all.
            guard let set = active.first ?? newSet ?? oldSets.last else { return }
            resize(set.uid, to: deployment.desired)
            return
        }
        if let newSet, isSaturated(newSet) {
            for set in oldSets where set.size > 0 { resize(set.uid, to: 0) }
            return
        }
        guard deployment.isRollingUpdate else { return }
        let total = active.reduce(0) { $0 + $1.size }
        let allowed = deployment.desired > 0 ? deployment.desired + deployment.maxSurge : 0
        let ordered = active.sorted { left, right in
            if left.size != right.size { return left.size > right.size }
            // Of two equally large ones the newer grows first, and the older shrinks first.
            return allowed > total ? ReplicaSet.isOlder(right, left) : ReplicaSet.isOlder(left, right)
        }
        let members = ordered.map {
            RollingUpdate.Member(
                size: $0.size, available: $0.available,
                maxReplicasBefore: $0.count(in: DeploymentAnnotation.maxReplicas))
        }
        let sizes = RollingUpdate.proportionalSizes(
            members, desired: deployment.desired, surge: deployment.maxSurge,
            currentReplicas: deployment.status.replicas ?? 0)
        for (set, size) in zip(ordered, sizes) { resize(set.uid, to: size, force: true) }
    }

    /// All pods that are wanted are this ReplicaSet's, and available.
    private func isSaturated(_ set: ReplicaSet) -> Bool {
        set.size == deployment.desired && set.available == deployment.desired
            && set.count(in: DeploymentAnnotation.desiredReplicas) == deployment.desired
    }

    // MARK: Rollouts

    private mutating func rollOver() {
        guard let set = newSet else {
            createNewSet()
            return
        }
        let desired = deployment.desired
        let total = allSets.reduce(0) { $0 + $1.size }
        let size =
            set.size > desired
            ? desired
            : RollingUpdate.newSize(
                desired: desired, surge: deployment.maxSurgeAsWritten, total: total, current: set.size)
        if size != set.size {
            resize(set.uid, to: size)
            return
        }
        let sizes = RollingUpdate.oldSizes(
            oldSets.map { RollingUpdate.Member(size: $0.size, available: $0.available) },
            new: RollingUpdate.Member(size: set.size, available: set.available), desired: desired,
            unavailable: deployment.maxUnavailable)
        if sizes != oldSets.map(\.size) {
            for (old, size) in zip(oldSets, sizes) { resize(old.uid, to: size) }
            return
        }
        if isComplete(deployment.status) { cleanUp() }
    }

    private mutating func recreate(_ hasPods: (String) -> Bool) {
        let active = oldSets.filter { $0.size > 0 }
        if !active.isEmpty {
            for set in active { resize(set.uid, to: 0) }
            return
        }
        // Nothing new starts before the last old pod has ended.
        if oldSets.contains(where: { $0.status.replicas > 0 || hasPods($0.uid) }) { return }
        guard let set = newSet else {
            createNewSet()
            return
        }
        resize(set.uid, to: deployment.desired)
        if isComplete(deployment.status) { cleanUp() }
    }

    /// Deletes the oldest of the ReplicaSets that are empty, so that as many stay as history is to be kept.
    private mutating func cleanUp() {
        guard let limit = deployment.historyLimit else { return }
        let candidates = oldSets.filter { !$0.isBeingDeleted }
        guard candidates.count > limit else { return }
        let ordered = candidates.sorted { left, right in
            left.revision == right.revision ? ReplicaSet.isOlder(left, right) : left.revision < right.revision
        }
        deleted = ordered.prefix(candidates.count - limit).filter { set in
            set.status.replicas == 0 && set.size == 0
                && (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0)
        }
    }

    // MARK: Status

    /// All pods are of the newest template, and available.
    private func isComplete(_ status: DeploymentStatus) -> Bool {
        let desired = deployment.desired
        return (status.updatedReplicas ?? 0) == desired && (status.replicas ?? 0) == desired
            && (status.availableReplicas ?? 0) == desired
            && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
    }

    private mutating func settleCounts() {
        let sets = allSets
        func sum(_ count: (ReplicaSet) -> Int) -> Int { sets.reduce(0) { $0 + count($1) } }
        func positive(_ count: Int) -> Int? { count == 0 ? nil : count }
        let available = sum(\.available)
        status.observedGeneration = deployment.metadata.generation
        status.replicas = positive(sum(\.status.replicas))
        status.updatedReplicas = positive(newSet?.status.replicas ?? 0)
        status.readyReplicas = positive(sum { $0.status.readyReplicas ?? 0 })
        status.availableReplicas = positive(available)
        status.unavailableReplicas = positive(max(0, sum(\.size) - available))
        let seen = sets.filter { $0.status.observedGeneration ?? 0 > 0 || $0.status.terminatingReplicas != nil }
        status.terminatingReplicas =
            seen.contains { $0.status.terminatingReplicas == nil }
            ? nil : seen.reduce(0) { $0 + ($1.status.terminatingReplicas ?? 0) }
        if available >= deployment.desired - deployment.maxUnavailable {
            setCondition(
                "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            setCondition(
                "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        }
    }

    /// Counts, and judges whether the rollout gets on.
    private mutating func settleProgress() {
        let before = deployment.status
        // A condition that this plan has set already is the base to judge from.
        let progressing = condition("Progressing")
        settleCounts()
        if deployment.progressDeadline == nil { removeCondition("Progressing") }
        let wasComplete =
            status.replicas == status.updatedReplicas && progressing?.reason == "NewReplicaSetAvailable"
        if let deadline = deployment.progressDeadline, !wasComplete {
            let subject = newSet.map { "ReplicaSet \"\($0.name)\"" } ?? "Deployment \"\(deployment.name)\""
            if isComplete(status) {
                setCondition(
                    "Progressing", "True", "NewReplicaSetAvailable", "\(subject) has successfully progressed.")
            } else if hasProgressed(from: before) {
                // The same reason again still moves lastUpdateTime, from which the deadline counts.
                removeCondition("Progressing")
                setCondition(
                    "Progressing", "True", "ReplicaSetUpdated", "\(subject) is progressing.",
                    since: progressing?.status == "True" ? progressing?.lastTransitionTime : nil)
            } else if hasTimedOut(progressing, deadline) {
                setCondition(
                    "Progressing", "False", "ProgressDeadlineExceeded", "\(subject) has timed out progressing.")
            }
        }
        settleFailure()
        settleRecheck()
    }

    private func hasProgressed(from before: DeploymentStatus) -> Bool {
        func old(_ status: DeploymentStatus) -> Int { (status.replicas ?? 0) - (status.updatedReplicas ?? 0) }
        return (status.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(status) < old(before)
            || (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0)
            || (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
    }

    private func hasTimedOut(_ condition: DeploymentCondition?, _ deadline: Int) -> Bool {
        guard let condition, condition.reason != "NewReplicaSetAvailable" else { return false }
        if condition.reason == "ProgressDeadlineExceeded" { return true }
        guard let since = condition.lastUpdateTime else { return false }
        return now.since(since) > Double(deadline)
    }

    /// Shows a ReplicaSet's failure to create pods on the deployment, the newest set's before others'.
    private mutating func settleFailure() {
        let sets = (newSet.map { [$0] } ?? []) + oldSets
        let failure = sets.lazy.flatMap(\.status.conditions).first { $0.type == "ReplicaFailure" }
        guard let failure else {
            removeCondition("ReplicaFailure")
            return
        }
        if let current = condition("ReplicaFailure"), current.status == failure.status,
            current.reason == failure.reason
        {
            return
        }
        var condition = DeploymentCondition()
        condition.type = failure.type
        condition.status = failure.status
        condition.lastUpdateTime = failure.lastTransitionTime
        condition.lastTransitionTime = failure.lastTransitionTime
        condition.reason = failure.reason
        condition.message = failure.message
        put(condition)
    }

    private mutating func settleRecheck() {
        guard let deadline = deployment.progressDeadline, let condition = condition("Progressing"),
            !isComplete(status), condition.reason != "ProgressDeadlineExceeded",
            condition.reason != "NewReplicaSetAvailable", let since = condition.lastUpdateTime
        else { return }
        recheckSeconds = max(1, Double(deadline) - now.since(since) + 1)
    }

    /// Paused deployments make no progress, and must not be blamed for it afterwards.
    private mutating func notePause() {
        guard deployment.progressDeadline != nil else { return }
        let reason = condition("Progressing")?.reason
        guard reason != "ProgressDeadlineExceeded" else { return }
        if deployment.isPaused, reason != "DeploymentPaused" {
            setCondition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        } else if !deployment.isPaused, reason == "DeploymentPaused" {
            setCondition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        }
    }

    // MARK: Conditions

    private func condition(_ type: String) -> DeploymentCondition? { status.conditions.first { $0.type == type } }

    private mutating func removeCondition(_ type: String) {
        guard condition(type) != nil else { return }
        status.conditions = status.conditions.filter { $0.type != type }
    }

    /// Sets a condition, unless it has this status for this reason already.
    private mutating func setCondition(
        _ type: String, _ value: String, _ reason: String, _ message: String, since: Time? = nil
    ) {
        let current = condition(type)
        if current?.status == value, current?.reason == reason { return }
        var condition = DeploymentCondition()
        condition.type = type
        condition.status = value
        condition.lastUpdateTime = now
        condition.lastTransitionTime = current?.status == value ? current?.lastTransitionTime : since ?? now
        condition.reason = reason
        condition.message = message
        put(condition)
    }

    private mutating func put(_ condition: DeploymentCondition) {
        status.conditions = status.conditions.filter { $0.type != condition.type } + [condition]
    }
}

extension Deployment {
    /// `maxSurge` by itself, without the rule for when both fenceposts are 0.
    fileprivate var maxSurgeAsWritten: Int {
        max(0, spec.strategy?.rollingUpdate?.maxSurge?.scaled(of: desired, roundingUp: true) ?? 0)
    }
}
