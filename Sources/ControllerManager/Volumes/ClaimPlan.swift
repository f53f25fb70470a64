import JSON
import KubeTypes

/// What is to be done about a claim.
enum ClaimPlan: Equatable {
    /// Make volume and claim name each other, and both Bound.
    case bind(PersistentVolume)
    /// Leave the claim Pending.
    case wait(VolumeNotice?)
    /// Give the claim the default class, which came later than the claim.
    case useClass(String)
    /// Have a volume made.
    case provision(StorageClass)
    /// Give up the claim: its volume is gone, or somebody else's.
    case lose(VolumeNotice)

    /// What a claim's plan depends on.
    struct Surroundings {
        /// The volumes of the claim's class, and those that are meant for it.
        var candidates: [PersistentVolume] = []
        /// The volume that the claim names.
        var named: PersistentVolume?
        var storageClass: StorageClass?
        var defaultClass: StorageClass?
        /// Pods that use the claim and have no node yet.
        var waitingPods: [String] = []
    }

    init(_ claim: PersistentVolumeClaim, _ around: Surroundings) {
        self = claim.isBindCompleted ? Self.bound(claim, around) : Self.unbound(claim, around)
    }

    private static func bound(_ claim: PersistentVolumeClaim, _ around: Surroundings) -> ClaimPlan {
        func lost(_ reason: String, _ message: String) -> ClaimPlan {
            .lose(VolumeNotice(isWarning: true, reason: reason, message: message))
        }
        if (claim.spec.volumeName ?? "").isEmpty {
            return lost(
                "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
        }
        guard let volume = around.named else {
            return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        }
        if let reference = volume.spec.claimRef, reference.uid != claim.uid {
            return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
        }
        return .bind(volume)
    }

    private static func unbound(_ claim: PersistentVolumeClaim, _ around: Surroundings) -> ClaimPlan {
        if !(claim.spec.volumeName ?? "").isEmpty {
            guard let volume = around.named else { return .wait(nil) }
            if volume.spec.claimRef == nil {
                guard let problem = VolumeMatch.problem(with: volume, for: claim) else { return .bind(volume) }
                return .wait(
                    VolumeNotice(
                        isWarning: true, reason: "VolumeMismatch",
                        message: "Cannot bind to requested volume \"\(volume.name)\": \(problem)"))
            }
            if volume.isMeant(for: claim) { return .bind(volume) }
            return .wait(
                VolumeNotice(
                    isWarning: true, reason: "FailedBinding",
                    message: "volume \"\(volume.name)\" already bound to a different claim."))
        }
        let waits = around.storageClass?.waitsForConsumer ?? false
        if let volume = VolumeMatch.best(for: claim, among: around.candidates, waits: waits) { return .bind(volume) }
        if !claim.hasClass, let standard = around.defaultClass { return .useClass(standard.name) }
        if waits, claim.annotations[VolumeMark.selectedNode] == nil { return .wait(Self.consumer(around.waitingPods)) }
        if claim.className.isEmpty {
            return .wait(
                VolumeNotice(
                    reason: "FailedBinding",
                    message: "no persistent volumes available for this claim and no storage class is set"))
        }
        guard let storageClass = around.storageClass else {
            return .wait(
                VolumeNotice(
                    isWarning: true, reason: "ProvisioningFailed",
                    message: "storageclass.storage.k8s.io \"\(claim.className)\" not found"))
        }
        return .provision(storageClass)
    }

    private static func consumer(_ pods: [String]) -> VolumeNotice {
        switch pods.count {
        case 0:
            VolumeNotice(
                reason: "WaitForFirstConsumer", message: "waiting for first consumer to be created before binding")
        case 1: VolumeNotice(reason: "WaitForPodScheduled", message: "waiting for pod \(pods[0]) to be scheduled")
        default:
            VolumeNotice(
                reason: "WaitForPodScheduled",
                message: "waiting for pods \(pods.sorted().joined(separator: ",")) to be scheduled")
        }
    }
}

extension PersistentVolumeClaimStatus {
    /// The status of a claim in a phase.
    /// - Parameter volume: The volume that it is bound to.
    func entering(_ phase: String, volume: PersistentVolume?) -> PersistentVolumeClaimStatus {
        var status = self
        status.phase = phase
        guard let volume else {
            status.accessModes = []
            status.capacity = [:]
            status.currentVolumeAttributesClassName = nil
            return status
        }
        status.accessModes = volume.spec.accessModes
        // Of a claim that is bound already, the size of the file system may lag behind that of the volume.
        if self.phase != phase { status.capacity = volume.spec.capacity }
        if self.phase ?? "Pending" == "Pending" {
            status.currentVolumeAttributesClassName = volume.spec.volumeAttributesClassName
        }
        return status
    }
}

extension PersistentVolume {
    /// The volume as it is when bound to the claim.
    func bound(to claim: PersistentVolumeClaim) -> PersistentVolume {
        var volume = self
        if !isMeant(for: claim) { volume.metadata.annotations[VolumeMark.boundByController] = "yes" }
        if spec.claimRef?.uid != claim.uid || claimKey != claim.key {
            var reference = ObjectReference()
            reference.apiVersion = "v1"
            reference.kind = "PersistentVolumeClaim"
            reference.namespace = claim.namespace
            reference.name = claim.name
            reference.uid = claim.uid
            reference.resourceVersion = claim.resourceVersion
            volume.spec.claimRef = reference
        }
        return volume
    }

    /// The volume with its binding undone: one that the user reserved stays reserved.
    var unbound: PersistentVolume {
        var volume = self
        if annotations[VolumeMark.boundByController] != nil {
            volume.spec.claimRef = nil
            volume.metadata.annotations[VolumeMark.boundByController] = nil
        } else {
            volume.spec.claimRef?.uid = nil
            volume.spec.claimRef?.resourceVersion = nil
        }
        return volume
    }
}

extension PersistentVolumeClaim {
    /// The claim as it is when bound to the volume.
    func bound(to volume: PersistentVolume) -> PersistentVolumeClaim {
        var claim = self
        if spec.volumeName != volume.name {
            claim.spec.volumeName = volume.name
            claim.metadata.annotations[VolumeMark.boundByController] = "yes"
        }
        claim.metadata.annotations[VolumeMark.bindCompleted] = "yes"
        return claim
    }
}
