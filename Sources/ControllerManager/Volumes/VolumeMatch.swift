import KubeTypes

/// Which volume a claim gets.
enum VolumeMatch {
    /// The volume that is meant for the claim, else the one that wastes least: the fewest access modes beyond those asked
    /// for, and of these the smallest.
    /// - Parameter waits: The scheduler chooses for this claim; only what is meant for it counts here.
    static func best(
        for claim: PersistentVolumeClaim, among volumes: [PersistentVolume], waits: Bool
    ) -> PersistentVolume? {
        let selector = claim.spec.selector.map { LabelMatcher($0) }
        var best: PersistentVolume?
        for volume in volumes.sorted(by: { $0.name < $1.name }) {
            guard volume.spec.claimRef == nil || volume.isMeant(for: claim), !volume.isBeingDeleted,
                volume.storage >= claim.requestedStorage, volume.volumeMode == claim.volumeMode,
                (volume.spec.volumeAttributesClassName ?? "") == (claim.spec.volumeAttributesClassName ?? ""),
                Set(claim.spec.accessModes).isSubset(of: volume.spec.accessModes)
            else { continue }
            if volume.isMeant(for: claim) { return volume }
            guard !waits, volume.phase == "Available", volume.className == claim.className,
                selector?.matches(volume.labels) ?? true
            else { continue }
            guard let current = best else {
                best = volume
                continue
            }
            let (modes, currentModes) = (volume.spec.accessModes.count, current.spec.accessModes.count)
            if modes < currentModes || modes == currentModes && volume.storage < current.storage { best = volume }
        }
        return best
    }

    /// Why a volume that the claim names cannot be its; nil if it can.
    static func problem(with volume: PersistentVolume, for claim: PersistentVolumeClaim) -> String? {
        if volume.isBeingDeleted { return "the volume is marked for deletion \"\(volume.name)\"" }
        if volume.storage < claim.requestedStorage { return "requested PV is too small" }
        if volume.className != claim.className { return "storageClassName does not match" }
        if (volume.spec.volumeAttributesClassName ?? "") != (claim.spec.volumeAttributesClassName ?? "") {
            return "volumeAttributesClassName does not match"
        }
        if volume.volumeMode != claim.volumeMode { return "incompatible volumeMode" }
        if !Set(claim.spec.accessModes).isSubset(of: volume.spec.accessModes) { return "incompatible accessMode" }
        return nil
    }
}
