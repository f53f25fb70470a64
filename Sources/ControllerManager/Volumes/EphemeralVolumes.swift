import JSON
import KubeClient
import KubeTypes

/// Creates the claims of pods' generic ephemeral volumes (upstream's ephemeral-volume-controller). They are the pods' own
/// and go with them.
final class EphemeralVolumeController: Controller {
    private static let component = "ephemeral_volume"

    private let context: ControllerContext
    private let pods: Informer<Pod>
    private let claims: Informer<PersistentVolumeClaim>
    private let queue: WorkQueue<ObjectKey>
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        pods = context.informers.pods
        claims = context.informers.informer(PersistentVolumeClaim.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        self.queue = queue
        recorder = context.recorder(Self.component)
        pods.addHandler { change in
            if case .deleted = change { return }
            if !Self.templates(of: change.object).isEmpty { queue.add(change.object.key) }
        }
        claims.addHandler { change in
            // A claim that went while its pod needs it is made again.
            guard case .deleted(let claim) = change, let owner = claim.controller, owner.kind == Pod.type.kind else {
                return
            }
            queue.add(ObjectKey(namespace: claim.namespace, name: owner.name))
        }
    }

    func run() async {
        await pods.waitForSync()
        await claims.waitForSync()
        await context.work(queue, of: Self.component, workers: 4) { [self] in try await reconcile($0) }
    }

    private static func templates(of pod: Pod) -> [(name: String, template: JSONValue)] {
        (pod.json[path: "spec", "volumes"]?.arrayValue ?? []).compactMap { volume in
            guard let template = volume["ephemeral"]?["volumeClaimTemplate"], let name = volume["name"]?.stringValue
            else { return nil }
            return ("\(pod.name)-\(name)", template)
        }
    }

    /// The claim for a volume of a pod.
    static func claim(_ name: String, of pod: Pod, from template: JSONValue) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: name, namespace: pod.namespace)
        let metadata = ObjectMeta(template["metadata"] ?? [:])
        claim.metadata.labels = metadata.labels
        claim.metadata.annotations = metadata.annotations
        claim.metadata.ownerReferences = [ControllerRef.make(to: pod)]
        claim.spec = PersistentVolumeClaimSpec(template["spec"] ?? [:])
        return claim
    }

    private func reconcile(_ key: ObjectKey) async throws {
        guard let pod = pods[key], !pod.isBeingDeleted, !pod.isTerminal else { return }
        for (name, template) in Self.templates(of: pod) {
            if let present = claims.get(name, namespace: key.namespace) {
                guard present.controller?.uid != pod.uid else { continue }
                throw RetryLater(
                    description: "PVC \(present.key) was not created for pod \(pod.key) (pod is not owner)")
            }
            do {
                try await context.client.create(Self.claim(name, of: pod, from: template))
            } catch {
                if error.isNamespaceTerminating || error.isAlreadyExists { continue }
                recorder.event(
                    regarding: pod, type: .warning, reason: "FailedCreate",
                    message: "ephemeral volume controller: create PVC \(name): \(error)")
                throw error
            }
        }
    }
}
