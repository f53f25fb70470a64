import JSON
import KubeTypes

/// What is to be done about a volume.
enum VolumePlan: Equatable {
    /// Set the phase.
    case phase(String)
    /// The claim has the next move.
    case leaveToClaim
    /// Volume and claim cannot come together.
    case mismatch
    /// The claim is gone, or has another volume that was found for it: say so, and do as the reclaim policy says.
    case release
    /// The claim has another volume: this one is free again.
    case unbind

    /// - Parameter claim: The claim that the volume names, if it is still the same one.
    init(_ volume: PersistentVolume, claim: PersistentVolumeClaim?) {
        guard let reference = volume.spec.claimRef, !(reference.uid ?? "").isEmpty else {
            self = .phase("Available")
            return
        }
        guard let claim else {
            self = .release
            return
        }
        switch claim.spec.volumeName ?? "" {
        case "": self = volume.volumeMode == claim.volumeMode ? .leaveToClaim : .mismatch
        case volume.name: self = .phase("Bound")
        default:
            let isOurs = volume.annotations[VolumeMark.provisionedBy] != nil && volume.reclaimPolicy == "Delete"
            self = isOurs ? .release : .unbind
        }
    }
}

/// What a reclaim policy asks for once a volume is released.
enum ReclaimPlan: Equatable {
    /// Nothing, or nothing that happens here.
    case leave
    /// Delete the object; whoever holds the data has a finalizer on it.
    case delete
    /// Have a pod wipe the volume, and make it available again.
    case recycle
    case fail(VolumeNotice)

    init(_ volume: PersistentVolume) {
        if volume.annotations[VolumeMark.migratedTo] != nil {
            self = .leave
            return
        }
        func failure(_ reason: String, _ message: String) -> ReclaimPlan {
            .fail(VolumeNotice(isWarning: true, reason: reason, message: message))
        }
        switch volume.reclaimPolicy {
        case "Retain": self = .leave
        case "Recycle":
            let canBeWiped = volume.spec.hostPath != nil || volume.spec.nfs != nil
            self =
                canBeWiped
                ? .recycle : failure("VolumeFailedRecycle", "No recycler plugin found for the volume!")
        case "Delete":
            switch volume.annotations[VolumeMark.provisionedBy] {
            case LocalVolumes.provisioner: self = .delete
            case let provisioner? where !provisioner.isEmpty && !provisioner.hasPrefix("kubernetes.io/"): self = .leave
            default:
                self =
                    volume.spec.csi != nil
                    ? .leave
                    : failure(
                        "VolumeFailedDelete",
                        "error getting deleter volume plugin for volume \"\(volume.name)\": "
                            + "no deletable volume plugin matched")
            }
        default:
            self = failure("VolumeUnknownReclaimPolicy", "Volume has unrecognized PersistentVolumeReclaimPolicy")
        }
    }
}
