import JSON
import KubeTypes

/// Annotations and finalizers by which binder, scheduler, provisioners and kubelet work on volumes together.
enum VolumeMark {
    /// Of a volume or claim whose binding the controller chose: the user did not name it.
    static let boundByController = "pv.kubernetes.io/bound-by-controller"
    /// Of a claim that has been bound, for good.
    static let bindCompleted = "pv.kubernetes.io/bind-completed"
    static let provisionedBy = LocalVolumes.provisionedBy
    /// Of a claim, who is to make its volume.
    static let provisioners = [
        "volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner",
    ]
    /// Of a claim, the node that the scheduler has chosen for its first pod.
    static let selectedNode = "volume.kubernetes.io/selected-node"
    static let betaClass = "volume.beta.kubernetes.io/storage-class"
    static let migratedTo = "pv.kubernetes.io/migrated-to"
}

extension PersistentVolumeClaim {
    /// The class that is asked for; empty for volumes without one.
    var className: String { annotations[VolumeMark.betaClass] ?? spec.storageClassName ?? "" }
    /// Whether a class was named, even the empty one.
    var hasClass: Bool { annotations[VolumeMark.betaClass] != nil || spec.storageClassName != nil }
    var isBindCompleted: Bool { annotations[VolumeMark.bindCompleted] != nil }
    var requestedStorage: Quantity { spec.resources?.requests["storage"] ?? Quantity(0) }
    var volumeMode: String { spec.volumeMode ?? "Filesystem" }
}

extension PersistentVolume {
    var className: String { annotations[VolumeMark.betaClass] ?? spec.storageClassName ?? "" }
    var storage: Quantity { spec.capacity["storage"] ?? Quantity(0) }
    var volumeMode: String { spec.volumeMode ?? "Filesystem" }
    var phase: String { status.phase ?? "" }
    var reclaimPolicy: String { spec.persistentVolumeReclaimPolicy ?? "Retain" }

    /// The claim that the volume is bound to, or reserved for.
    var claimKey: ObjectKey? {
        spec.claimRef.map { ObjectKey(namespace: $0.namespace ?? "", name: $0.name ?? "") }
    }

    /// Whether the volume is bound to, or reserved for, just this claim.
    func isMeant(for claim: PersistentVolumeClaim) -> Bool {
        guard let reference = spec.claimRef, claimKey == claim.key else { return false }
        return (reference.uid ?? "").isEmpty || reference.uid == claim.uid
    }
}

extension StorageClass {
    var waitsForConsumer: Bool { volumeBindingMode == "WaitForFirstConsumer" }

    var isDefault: Bool {
        annotations["storageclass.kubernetes.io/is-default-class"] == "true"
            || annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true"
    }

    /// The class of claims that name none: the newest of those marked so, by name where two are of one second.
    static func theDefault(of classes: [StorageClass]) -> StorageClass? {
        classes.filter(\.isDefault).min { left, right in
            let (first, second) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let first, let second, first != second { return first > second }
            return left.name < right.name
        }
    }
}

/// What a controller has to say about a volume or claim.
struct VolumeNotice: Equatable {
    var isWarning = false
    var reason: String
    var message: String
}
