import JSON
import KubeTypes

/// What the StatefulSet controller does next, computed from a set, its pods, their claims and the time alone.
///
/// An ordered set gets on pod by pod, each only once its predecessors are available; a parallel one does all at once.
/// Missing pods come before surplus ones, and both before updates.
struct StatefulSetPlan {
    enum Action: Equatable {
        /// Creates the claims that are missing, then the pod.
        case create(Pod, claims: [PersistentVolumeClaim])
        case createClaims([PersistentVolumeClaim], pod: Pod)
        case setOwners([OwnerReference], of: PersistentVolumeClaim, conflicting: Bool)
        /// Gives a pod back its labels, and its volumes.
        case conform(Pod, ordinal: Int)
        case delete(Pod)
        /// A pod cannot be created yet.
        case fail(pod: String, String)
    }

    /// What the revisions of a set are, and their templates.
    struct Revisions {
        var current: String
        var update: String
        var currentTemplate: PodTemplateSpec
        var updateTemplate: PodTemplateSpec
        var collisionCount: Int
    }

    /// A phase is done after the one before it, if that went well. In a parallel set the actions of one phase are done
    /// at once.
    private(set) var phases: [[Action]] = []
    private(set) var status: StatefulSetStatus
    /// Seconds until a pod becomes available, though nothing may happen.
    private(set) var recheckSeconds: Double?

    private let set: StatefulSet
    private let revisions: Revisions
    private let claim: (String) -> PersistentVolumeClaim?
    private let retention: ClaimRetention
    private let now: Time
    /// By ordinal, from the first on; those that are missing as they are to be created.
    private var replicas: [Pod] = []
    /// Those that are too many, the highest ordinal first.
    private var condemned: [Pod] = []

    /// - Parameters:
    ///   - pods: All that the set owns, ended ones included.
    ///   - claim: Finds a claim in the set's namespace.
    init(
        _ set: StatefulSet, pods: [Pod], revisions: Revisions, claim: @escaping (String) -> PersistentVolumeClaim?,
        now: Time
    ) {
        self.set = set
        self.revisions = revisions
        self.claim = claim
        self.now = now
        retention = ClaimRetention(set)
        status = set.status
        sort(pods)
        settleStatus(pods)
        if !set.isBeingDeleted { _ = planReplicas() && planCondemned() && planUpdate() }
        completeUpdate()
        recheckSeconds = ReplicaStatus.secondsToNextAvailable(
            pods.lazy.map(\.readySince), minReadySeconds: set.minReady, now: now)
    }

    private mutating func sort(_ pods: [Pod]) {
        var known: [Int: Pod] = [:]
        for pod in pods {
            guard let ordinal = StatefulSetIdentity.split(pod.name)?.ordinal else { continue }
            if set.ordinals.contains(ordinal) { known[ordinal] = pod } else { condemned.append(pod) }
        }
        condemned.sort { Self.ordinal(of: $0) > Self.ordinal(of: $1) }
        replicas = set.ordinals.map { known[$0] ?? missing($0) }
    }

    private static func ordinal(of pod: Pod) -> Int { StatefulSetIdentity.split(pod.name)?.ordinal ?? -1 }

    /// A pod below the partition comes back as it was, though there is a newer template.
    private func missing(_ ordinal: Int) -> Pod {
        let rolling = set.spec.updateStrategy?.rollingUpdate
        let old: Int
        if let rolling {
            old = rolling.partition ?? 0
        } else {
            old = set.isRollingUpdate ? set.status.currentReplicas ?? 0 : 0
        }
        let isOld = ordinal < set.ordinals.lowerBound + old
        return StatefulSetIdentity.pod(
            set, ordinal, isOld ? revisions.currentTemplate : revisions.updateTemplate,
            revision: isOld ? revisions.current : revisions.update)
    }

    private func isAvailable(_ pod: Pod) -> Bool { pod.isAvailable(minReadySeconds: set.minReady, now: now) }

    private func isUnavailable(_ pod: Pod) -> Bool { !isAvailable(pod) || pod.isBeingDeleted }

    // MARK: The pods that are wanted

    /// - Returns: Whether the next concern may be looked at.
    private mutating func planReplicas() -> Bool {
        var actions: [Action] = []
        defer { if !actions.isEmpty { phases.append(actions) } }
        for pod in replicas {
            let goesOn = plan(pod, &actions)
            if !goesOn, set.isOrdered { return false }
            if set.isOrdered, actions.contains(where: Self.isFailure) { return false }
        }
        return true
    }

    private static func isFailure(_ action: Action) -> Bool {
        if case .fail = action { return true }
        return false
    }

    /// - Returns: Whether an ordered set may turn to the next pod.
    private func plan(_ pod: Pod, _ actions: inout [Action]) -> Bool {
        // However a pod ended, it is started anew: its exit code says nothing when it was stopped from outside.
        if pod.isTerminal {
            if !pod.isBeingDeleted { actions.append(.delete(pod)) }
            return false
        }
        guard pod.isCreated else {
            planCreation(pod, &actions)
            return false
        }
        if pod.phase == "Pending" {
            if let failure = leavingClaim(of: pod) {
                actions.append(.fail(pod: pod.name, failure))
                return false
            }
            let missing = missingClaims(of: pod)
            if !missing.isEmpty { actions.append(.createClaims(missing, pod: pod)) }
            planOwners(ofClaimsOf: pod, &actions)
        }
        if set.isOrdered, pod.isBeingDeleted || !pod.isRunningAndReady || !isAvailable(pod) { return false }
        if pod.phase != "Pending" { planOwners(ofClaimsOf: pod, &actions) }
        if !StatefulSetIdentity.matches(set, pod) || !StatefulSetIdentity.hasStorage(set, pod) {
            actions.append(.conform(pod, ordinal: Self.ordinal(of: pod)))
        }
        return true
    }

    private func planCreation(_ pod: Pod, _ actions: inout [Action]) {
        for template in StatefulSetIdentity.claims(set, Self.ordinal(of: pod)) {
            if let existing = claim(template.name), retention.blocks(existing, pod: pod) { return }
        }
        if let failure = leavingClaim(of: pod) {
            actions.append(.fail(pod: pod.name, failure))
        } else {
            actions.append(.create(pod, claims: missingClaims(of: pod)))
        }
    }

    private func missingClaims(of pod: Pod) -> [PersistentVolumeClaim] {
        StatefulSetIdentity.claims(set, Self.ordinal(of: pod)).filter { claim($0.name) == nil }
    }

    private func leavingClaim(of pod: Pod) -> String? {
        StatefulSetIdentity.claims(set, Self.ordinal(of: pod)).first { claim($0.name)?.isBeingDeleted == true }
            .map { "pvc \($0.name) is being deleted" }
    }

    private func planOwners(ofClaimsOf pod: Pod, _ actions: inout [Action]) {
        for template in set.spec.volumeClaimTemplates {
            guard let claim = claim(StatefulSetIdentity.claimName(template, set, Self.ordinal(of: pod))),
                let owners = retention.correctedOwners(of: claim, pod: pod)
            else { continue }
            actions.append(
                .setOwners(owners, of: claim, conflicting: retention.hasOtherController(claim, pod: pod)))
        }
    }

    // MARK: The pods that are not

    private mutating func planCondemned() -> Bool {
        var owners: [Action] = []
        for pod in condemned { planOwners(ofClaimsOf: pod, &owners) }
        if !owners.isEmpty { phases.append(owners) }

        if !set.isOrdered {
            let leaving = condemned.filter { !$0.isBeingDeleted }.map(Action.delete)
            if !leaving.isEmpty { phases.append(leaving) }
            return true
        }
        guard let next = condemned.first else { return true }
        // Of those that are not available only the first may go while it is so; nothing else is taken down meanwhile.
        let firstUnavailable = condemned.last(where: isUnavailable)
        let mayGo =
            !next.isBeingDeleted && (next.isRunningAndReady && isAvailable(next) || next.name == firstUnavailable?.name)
        if mayGo { phases.append([.delete(next)]) }
        return false
    }

    // MARK: Updates

    private mutating func planUpdate() -> Bool {
        guard set.isRollingUpdate else { return true }
        let first = min(set.partition, replicas.count)
        var victims: [Pod] = []
        if let limit = set.maxUnavailable {
            let spare = limit - replicas.count(where: isUnavailable)
            if spare > 0 {
                victims = Array(replicas[first...].reversed().lazy.filter(isOutdated).prefix(spare))
            }
        } else {
            for pod in replicas[first...].reversed() {
                if isOutdated(pod) {
                    victims = [pod]
                    break
                }
                if isUnavailable(pod) { break }
            }
        }
        guard !victims.isEmpty else { return true }
        phases.append(victims.map(Action.delete))
        let current = (status.currentReplicas ?? 0) - victims.count
        status.currentReplicas = current > 0 ? current : nil
        return true
    }

    private func isOutdated(_ pod: Pod) -> Bool {
        pod.labels[StatefulSetIdentity.revisionLabel] != revisions.update && !pod.isBeingDeleted && pod.isCreated
    }

    // MARK: Status

    private mutating func settleStatus(_ pods: [Pod]) {
        func positive(_ count: Int) -> Int? { count == 0 ? nil : count }
        let created = pods.filter(\.isCreated)
        let ready = created.filter(\.isRunningAndReady)
        func count(of revision: String) -> Int {
            created.count { !$0.isBeingDeleted && $0.labels[StatefulSetIdentity.revisionLabel] == revision }
        }
        status.observedGeneration = set.metadata.generation
        status.replicas = created.count
        status.readyReplicas = positive(ready.count)
        status.availableReplicas = ready.count(where: isAvailable)
        status.currentReplicas = positive(count(of: revisions.current))
        status.updatedReplicas = positive(count(of: revisions.update))
        status.currentRevision = revisions.current
        status.updateRevision = revisions.update
        status.collisionCount = revisions.collisionCount
    }

    /// Once all pods are of the newest template, that is the current one.
    private mutating func completeUpdate() {
        guard set.isRollingUpdate, (status.updatedReplicas ?? 0) == set.desired,
            (status.readyReplicas ?? 0) == set.desired, status.replicas == set.desired
        else { return }
        status.currentReplicas = status.updatedReplicas
        status.currentRevision = status.updateRevision
    }
}
