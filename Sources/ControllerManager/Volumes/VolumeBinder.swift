import JSON
import KubeClient
import KubeTypes

/// Binds claims and volumes to each other, has volumes made, and reclaims them (upstream's
/// persistentvolume-binder-controller).
///
/// One worker does all of it: two would give one volume to two claims now and then. What it has written is remembered
/// until the caches show it.
final class VolumeBinder: Controller {
    enum Key: Hashable, Sendable {
        case claim(ObjectKey)
        case volume(String)
    }

    private static let component = "persistentvolume-controller"
    private static let byClass = "class"
    private static let byClaim = "claim"
    private static let byVolume = "volume"
    private static let unboundByClass = "unbound"
    /// For what no event tells of: a volume that cannot be reclaimed, a pod that was scheduled.
    private static let recheckPeriod = Duration.seconds(15)

    private let context: ControllerContext
    private let claims: Informer<PersistentVolumeClaim>
    private let volumes: Informer<PersistentVolume>
    private let classes: Informer<StorageClass>
    private let nodes: Informer<Node>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<Key>
    private let recorder: EventRecorder
    private let writtenClaims = WrittenObjects<PersistentVolumeClaim>()
    private let writtenVolumes = WrittenObjects<PersistentVolume>()
    private let recycler: VolumeRecycler

    init(_ context: ControllerContext) {
        self.context = context
        claims = context.informers.informer(PersistentVolumeClaim.self)
        volumes = context.informers.informer(PersistentVolume.self)
        classes = context.informers.informer(StorageClass.self)
        nodes = context.informers.informer(Node.self)
        pods = context.informers.pods
        queue = context.queue()
        recorder = context.recorder(Self.component)
        recycler = VolumeRecycler(context, recorder: recorder)
        volumes.addIndex(Self.byClass) { [$0.className] }
        volumes.addIndex(Self.byClaim) { volume in volume.claimKey.map { [$0.description] } ?? [] }
        claims.addIndex(Self.byVolume) { claim in claim.spec.volumeName.map { [$0] } ?? [] }
        claims.addIndex(Self.unboundByClass) { $0.isBindCompleted ? [] : [$0.className] }
        claims.addHandler { [self] in heard($0) }
        volumes.addHandler { [self] in heard($0) }
        classes.addHandler { [self] change in
            if case .deleted = change { return }
            let storageClass = change.object
            for name in storageClass.isDefault ? [storageClass.name, ""] : [storageClass.name] {
                for claim in claims.objects(by: Self.unboundByClass, name) { queue.add(.claim(claim.key)) }
            }
        }
        nodes.addHandler { [self] change in
            guard case .deleted = change else { return }
            for volume in volumes.objects where volume.isBeingDeleted { queue.add(.volume(volume.name)) }
        }
    }

    func run() async {
        await claims.waitForSync()
        await volumes.waitForSync()
        await classes.waitForSync()
        await nodes.waitForSync()
        await pods.waitForSync()
        await context.work(queue, of: Self.component, workers: 1) { [self] key in
            switch key {
            case .claim(let key): try await reconcileClaim(key)
            case .volume(let name): try await reconcileVolume(name)
            }
        }
    }

    // MARK: What changed

    private func heard(_ change: Informer<PersistentVolumeClaim>.Change) {
        let claim = change.object
        queue.add(.claim(claim.key))
        if case .deleted = change {
            // The volume may be released.
            for volume in volumes.objects(by: Self.byClaim, claim.key.description) { queue.add(.volume(volume.name)) }
            if let name = claim.spec.volumeName { queue.add(.volume(name)) }
        }
    }

    private func heard(_ change: Informer<PersistentVolume>.Change) {
        let volume = change.object
        queue.add(.volume(volume.name))
        for claim in claims.objects(by: Self.byVolume, volume.name) { queue.add(.claim(claim.key)) }
        if let claim = volume.claimKey {
            queue.add(.claim(claim))
        } else if volume.phase == "Available" {
            for claim in claims.objects(by: Self.unboundByClass, volume.className) { queue.add(.claim(claim.key)) }
        }
    }

    // MARK: Claims

    private func volume(_ name: String) -> PersistentVolume? {
        volumes.get(name).map { writtenVolumes.newest($0) }
    }

    private func reconcileClaim(_ key: ObjectKey) async throws {
        guard let cached = claims[key] else { return writtenClaims.forget(key) }
        let claim = writtenClaims.newest(cached)
        var around = ClaimPlan.Surroundings()
        if let name = claim.spec.volumeName, !name.isEmpty { around.named = volume(name) }
        around.storageClass = claim.className.isEmpty ? nil : classes.get(claim.className)
        around.defaultClass = StorageClass.theDefault(of: classes.objects)
        if !claim.isBindCompleted, around.named == nil {
            var candidates = volumes.objects(by: Self.byClass, claim.className)
            let known = Set(candidates.map(\.name))
            candidates += volumes.objects(by: Self.byClaim, key.description).filter { !known.contains($0.name) }
            around.candidates = candidates.map { writtenVolumes.newest($0) }
            around.waitingPods = PodIndex.using(key, in: pods)
                .filter { $0.nodeName.isEmpty && !$0.isTerminal }.map(\.name)
        }
        switch ClaimPlan(claim, around) {
        case .bind(let volume): try await bind(claim, volume)
        case .wait(let notice):
            if let notice { tell(notice, of: claim) }
            try await write(claim.status.entering("Pending", volume: nil), to: claim)
        case .lose(let notice):
            if claim.status.phase == "Lost" { return }
            try await write(claim.status.entering("Lost", volume: nil), to: claim)
            tell(notice, of: claim)
        case .useClass(let name):
            var changed = claim
            changed.spec.storageClassName = name
            try await write(changed)
            queue.add(.claim(key))
        case .provision(let storageClass): try await provision(claim, storageClass)
        }
    }

    private func bind(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume) async throws {
        var bound = volume.bound(to: claim)
        if bound != volume { bound = try await write(bound) }
        try await write(phase: "Bound", of: bound)
        var claimed = claim.bound(to: bound)
        if claimed != claim { claimed = try await write(claimed) }
        try await write(claimed.status.entering("Bound", volume: bound), to: claimed)
    }

    private func provision(_ claim: PersistentVolumeClaim, _ storageClass: StorageClass) async throws {
        let provisioner = storageClass.provisioner
        func fail(_ message: String) {
            tell(VolumeNotice(isWarning: true, reason: "ProvisioningFailed", message: message), of: claim)
        }
        if provisioner.hasPrefix("kubernetes.io/") {
            return fail("no volume plugin matched name: \(provisioner)")
        }
        var claim = claim
        if VolumeMark.provisioners.contains(where: { claim.annotations[$0] != provisioner }) {
            for annotation in VolumeMark.provisioners { claim.metadata.annotations[annotation] = provisioner }
            claim = try await write(claim)
        }
        guard provisioner == LocalVolumes.provisioner else {
            tell(
                VolumeNotice(
                    reason: "ExternalProvisioning",
                    message: "Waiting for a volume to be created either by the external provisioner '\(provisioner)' "
                        + "or manually by the system administrator. If volume creation is delayed, please verify that "
                        + "the provisioner is running and correctly registered."), of: claim)
            return
        }
        if let problem = LocalProvisioner.problem(with: claim) {
            return fail("Failed to provision volume with StorageClass \"\(storageClass.name)\": \(problem)")
        }
        guard let node = try await node(for: claim, fail) else { return }
        let volume = LocalProvisioner.volume(
            for: claim, storageClass, on: node, directory: context.options.localVolumesDirectory)
        do {
            try await context.client.create(volume)
        } catch {
            // Made in an earlier round, whose end the cache has not shown.
            if error.isAlreadyExists { return }
            fail("Error creating provisioned PV object for claim \(claim.key): \(error). Deleting the volume.")
            throw error
        }
        tell(
            VolumeNotice(
                reason: "ProvisioningSucceeded",
                message: "Successfully provisioned volume \(volume.name) using \(provisioner)"), of: claim)
    }

    /// The node that the scheduler has chosen, or, where it is not asked, one of those that take pods.
    private func node(for claim: PersistentVolumeClaim, _ fail: (String) -> Void) async throws -> Node? {
        if let selected = claim.annotations[VolumeMark.selectedNode] {
            if let node = nodes.get(selected) { return node }
            fail("Failed to get target node: node \"\(selected)\" not found")
            // The scheduler is to choose again.
            var changed = claim
            changed.metadata.annotations[VolumeMark.selectedNode] = nil
            try await write(changed)
            return nil
        }
        let ready = nodes.objects.filter { node in
            node.spec.unschedulable != true && node.spec.taints.allSatisfy { $0.effect == "PreferNoSchedule" }
                && node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        }
        guard let node = ready.min(by: { $0.name < $1.name }) else {
            fail("no node is ready to hold the volume")
            queue.add(.claim(claim.key), after: Self.recheckPeriod)
            return nil
        }
        return node
    }

    // MARK: Volumes

    private func reconcileVolume(_ name: String) async throws {
        guard let cached = volumes.get(name) else { return writtenVolumes.forget(ObjectKey(name: name)) }
        let volume = writtenVolumes.newest(cached)
        if LocalProvisioner.isStranded(volume, nodes: nodes.objects) {
            var freed = volume
            freed.metadata.finalizers.removeAll { $0 == LocalVolumes.finalizer }
            try await write(freed)
            return
        }
        let claim = try await claim(of: volume)
        switch VolumePlan(volume, claim: claim) {
        case .phase(let phase):
            try await write(phase: phase, of: volume)
            if phase == "Available", let key = volume.claimKey { queue.add(.claim(key)) }
        case .leaveToClaim: if let claim { queue.add(.claim(claim.key)) }
        case .mismatch:
            guard let claim else { return }
            let rest = "due to incompatible volumeMode."
            tell(
                VolumeNotice(
                    isWarning: true, reason: "VolumeMismatch",
                    message: "Cannot bind PersistentVolume to requested PersistentVolumeClaim \"\(claim.name)\" \(rest)"
                ),
                of: volume)
            tell(
                VolumeNotice(
                    isWarning: true, reason: "VolumeMismatch",
                    message:
                        "Cannot bind PersistentVolume \"\(volume.name)\" to requested PersistentVolumeClaim \(rest)"),
                of: claim)
        case .unbind:
            let freed = try await write(volume.unbound)
            try await write(phase: "Available", of: freed)
        case .release:
            var released = volume
            if !["Released", "Failed"].contains(volume.phase) {
                released = try await write(phase: "Released", of: volume)
            }
            try await reclaim(released)
        }
    }

    /// The claim that a volume is bound to; nil if it is gone. Before a volume is given up, the server is asked.
    private func claim(of volume: PersistentVolume) async throws -> PersistentVolumeClaim? {
        guard let key = volume.claimKey, let uid = volume.spec.claimRef?.uid, !uid.isEmpty else { return nil }
        if let cached = claims[key], cached.uid == uid { return writtenClaims.newest(cached) }
        if ["Released", "Failed"].contains(volume.phase), claims[key] == nil { return nil }
        do {
            let live = try await context.client.get(PersistentVolumeClaim.self, key.name, namespace: key.namespace)
            return live.uid == uid ? live : nil
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func reclaim(_ volume: PersistentVolume) async throws {
        switch ReclaimPlan(volume) {
        case .leave: break
        case .delete:
            if volume.isBeingDeleted { return }
            do {
                try await context.client.delete(PersistentVolume.self, volume.name, options: .only(uid: volume.uid))
            } catch { if !error.isNotFound { throw error } }
        case .recycle:
            let users =
                volume.claimKey.map { key in
                    claims[key] == nil
                        ? PodIndex.using(key, in: pods).filter { !$0.isTerminal } : []
                } ?? []
            if !users.isEmpty {
                tell(
                    VolumeNotice(
                        reason: "VolumeFailedRecycle",
                        message:
                            "Volume is used by pods: \(users.map(\.key.description).sorted().joined(separator: ","))"),
                    of: volume)
                queue.add(.volume(volume.name), after: Self.recheckPeriod)
                return
            }
            switch try await recycler.step(volume) {
            case .running: queue.add(.volume(volume.name), after: .seconds(1))
            case .done:
                tell(VolumeNotice(reason: "VolumeRecycled", message: "Volume recycled"), of: volume)
                let freed = try await write(volume.unbound)
                try await write(phase: "Available", of: freed)
            case .failed(let message):
                try await fail(
                    volume,
                    VolumeNotice(
                        isWarning: true, reason: "VolumeFailedRecycle", message: "Recycle failed: \(message)"))
                queue.add(.volume(volume.name), after: Self.recheckPeriod)
            }
        case .fail(let notice): try await fail(volume, notice)
        }
    }

    private func fail(_ volume: PersistentVolume, _ notice: VolumeNotice) async throws {
        if volume.phase == "Failed" { return }
        var failed = volume
        failed.status.phase = "Failed"
        failed.status.message = notice.message
        failed = try await context.client.updateStatus(failed)
        writtenVolumes.remember(failed)
        tell(notice, of: failed)
    }

    // MARK: Writing

    private func tell(_ notice: VolumeNotice, of object: some KubeObject) {
        recorder.event(
            regarding: object, type: notice.isWarning ? .warning : .normal, reason: notice.reason,
            message: notice.message)
    }

    @discardableResult
    private func write(_ volume: PersistentVolume) async throws(APIError) -> PersistentVolume {
        let written = try await context.client.update(volume)
        writtenVolumes.remember(written)
        return written
    }

    @discardableResult
    private func write(_ claim: PersistentVolumeClaim) async throws(APIError) -> PersistentVolumeClaim {
        let written = try await context.client.update(claim)
        writtenClaims.remember(written)
        return written
    }

    @discardableResult
    private func write(phase: String, of volume: PersistentVolume) async throws(APIError) -> PersistentVolume {
        if volume.phase == phase { return volume }
        var changed = volume
        changed.status.phase = phase
        changed.status.message = nil
        changed.status.lastPhaseTransitionTime = context.now
        let written = try await context.client.updateStatus(changed)
        writtenVolumes.remember(written)
        return written
    }

    private func write(_ status: PersistentVolumeClaimStatus, to claim: PersistentVolumeClaim) async throws(APIError) {
        if status == claim.status { return }
        var changed = claim
        changed.status = status
        writtenClaims.remember(try await context.client.updateStatus(changed))
    }
}

extension Pod {
    /// The claims whose volumes the pod uses, those made for it included.
    var claimKeys: [ObjectKey] {
        (json[path: "spec", "volumes"]?.arrayValue ?? []).compactMap { volume in
            if let name = volume[path: "persistentVolumeClaim", "claimName"]?.stringValue {
                return ObjectKey(namespace: namespace, name: name)
            }
            guard volume["ephemeral"] != nil, let part = volume["name"]?.stringValue else { return nil }
            return ObjectKey(namespace: namespace, name: "\(name)-\(part)")
        }
    }
}
