import KubeClient
import KubeTypes

/// Makes bound claims larger that ask for more than they have (upstream's persistentvolume-expander-controller). A local
/// volume is as large as its node's file system, so that only the numbers change; other volumes are a CSI driver's.
final class VolumeExpansionController: Controller {
    private static let component = "volume_expand"

    private let context: ControllerContext
    private let claims: Informer<PersistentVolumeClaim>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        claims = context.informers.informer(PersistentVolumeClaim.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        claims.addHandler { change in
            guard Self.isDue(change.object) else { return }
            // Other changes of a claim that waits for its driver are no news.
            if case .updated(let old, let new) = change, Self.isDue(old), old.requestedStorage == new.requestedStorage {
                return
            }
            queue.add(change.object.key)
        }
    }

    func run() async {
        await claims.waitForSync()
        await context.work(queue, of: Self.component, workers: 2) { [self] in try await reconcile($0) }
    }

    static func isDue(_ claim: PersistentVolumeClaim) -> Bool {
        guard claim.status.phase == "Bound", let has = claim.status.capacity["storage"] else { return false }
        return claim.requestedStorage > has
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let claim = claims[key], Self.isDue(claim), let name = claim.spec.volumeName else { return }
        var volume = try await context.client.get(PersistentVolume.self, name)
        guard volume.spec.claimRef?.uid == claim.uid else {
            throw RetryLater(description: "persistent Volume is not bound to PVC being updated : \(key)")
        }
        guard volume.annotations[VolumeMark.provisionedBy] == LocalVolumes.provisioner else {
            recorder.event(
                regarding: claim, type: .warning, reason: "ExternalExpanding",
                message: "waiting for an external controller to expand this PVC")
            return
        }
        let size = claim.requestedStorage
        if volume.storage < size {
            volume.spec.capacity["storage"] = size
            try await context.client.update(volume)
        }
        // A patch of the status is all that the controller's role allows.
        try await context.client.patch(
            PersistentVolumeClaim.self, key.name, namespace: key.namespace, subresource: "status",
            ["status": ["capacity": ["storage": size.field]]])
        recorder.event(
            regarding: claim, type: .normal, reason: "VolumeResizeSuccessful", message: "Resize volume succeeded")
    }
}
