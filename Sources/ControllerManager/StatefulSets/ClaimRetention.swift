import KubeTypes

/// Whose a claim of a StatefulSet is, so that garbage collection deletes it when, and only when, the set's
/// `persistentVolumeClaimRetentionPolicy` says so (KEP-1847).
///
/// Deleted with the set: owned by the set. Deleted when its pod is scaled away: owned by that pod, once it is to go.
struct ClaimRetention {
    let set: StatefulSet
    let deletesWithSet: Bool
    let deletesWhenScaled: Bool

    init(_ set: StatefulSet) {
        self.set = set
        let policy = set.spec.persistentVolumeClaimRetentionPolicy
        deletesWithSet = policy?.whenDeleted == "Delete"
        deletesWhenScaled = policy?.whenScaled == "Delete"
    }

    /// The owners that a claim is to have instead of its own.
    /// - Returns: Nil if it is to be left as it is, because it is right or because another set or pod of the same name
    ///   left it behind, which is the garbage collector's business.
    func correctedOwners(of claim: PersistentVolumeClaim, pod: Pod) -> [OwnerReference]? {
        let owners = claim.metadata.ownerReferences
        if Self.isStale(owners, set) || Self.isStale(owners, pod) { return nil }
        let mine = owners.filter { $0.uid == set.uid || $0.uid == pod.uid }
        let others = owners.filter { !Self.names($0, set) && !Self.names($0, pod) }
        if hasOtherController(claim, pod: pod) { return mine.isEmpty ? nil : others }
        let wanted = wantedOwner(pod)
        let isRight =
            mine.allSatisfy { $0.controller == true } && mine.map(\.uid) == (wanted.map { [$0.uid] } ?? [])
        return isRight ? nil : others + (wanted.map { [$0] } ?? [])
    }

    /// Somebody else manages a claim that the policy would have deleted.
    func hasOtherController(_ claim: PersistentVolumeClaim, pod: Pod) -> Bool {
        guard deletesWithSet || deletesWhenScaled else { return false }
        return claim.metadata.ownerReferences.contains { owner in
            if Self.names(owner, set) { return owner.uid != set.uid }
            if Self.names(owner, pod) { return owner.uid != pod.uid }
            return owner.controller == true
        }
    }

    /// A claim of this name is still going away with the pod that was scaled down; a new pod must wait for its own.
    func blocks(_ claim: PersistentVolumeClaim, pod: Pod) -> Bool {
        deletesWhenScaled && Self.isStale(claim.metadata.ownerReferences, pod)
    }

    private func wantedOwner(_ pod: Pod) -> OwnerReference? {
        let isCondemned = !(StatefulSetIdentity.split(pod.name).map { set.ordinals.contains($0.ordinal) } ?? false)
        if deletesWhenScaled, isCondemned { return ControllerRef.make(to: pod) }
        return deletesWithSet ? ControllerRef.make(to: set) : nil
    }

    private static func names<Object: KubeObject>(_ owner: OwnerReference, _ object: Object) -> Bool {
        owner.apiVersion == Object.type.apiVersion && owner.kind == Object.type.kind && owner.name == object.name
    }

    private static func isStale(_ owners: [OwnerReference], _ object: some KubeObject) -> Bool {
        owners.first { names($0, object) }.map { $0.uid != object.uid } ?? false
    }
}
