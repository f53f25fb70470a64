import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Takes the finalizers off claims, volumes and volume attributes classes that are being deleted, once nobody uses them
/// (upstream's persistentvolumeclaim-, persistentvolume- and volumeattributesclass-protection-controller).
final class InUseProtectionController: Controller {
    enum Kind: String, Sendable, Hashable, CaseIterable {
        case claims = "persistentvolumeclaims"
        case volumes = "persistentvolumes"
        case classes = "volumeattributesclasses"

        var apiVersion: String { self == .classes ? "storage.k8s.io/v1" : "v1" }

        var finalizer: String {
            switch self {
            case .claims: "kubernetes.io/pvc-protection"
            case .volumes: "kubernetes.io/pv-protection"
            case .classes: "kubernetes.io/vac-protection"
            }
        }
    }

    /// For what no event tells of: the next look at something that is still used.
    private static let recheckPeriod = Duration.seconds(30)

    private let context: ControllerContext
    private let kind: Kind
    private let queue: WorkQueue<ObjectKey>
    /// Objects that wait for their users to go.
    private let pending: PendingDeletions

    init(_ context: ControllerContext, _ kind: Kind) {
        self.context = context
        self.kind = kind
        let queue: WorkQueue<ObjectKey> = context.queue()
        let pending = PendingDeletions()
        (self.queue, self.pending) = (queue, pending)
        guard kind == .claims else { return }
        context.informers.pods.addHandler { change in
            var isOver = QuotaEvaluator.isCharged(change.object.json, now: context.now) == false
            if case .deleted = change { isOver = true }
            guard isOver else { return }
            for key in pending.keys(namespace: change.object.namespace) { queue.add(key) }
        }
    }

    func run() async {
        let resource = ServedResource(
            apiVersion: kind.apiVersion, resource: kind.rawValue, kind: "", namespaced: kind == .claims,
            verbs: ["list", "watch"])
        let watcher = MetadataWatcher(resource, client: context.client, logger: context.logger) { [self] in heard($0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await watcher.run(onSync: {}) }
            group.addTask { [self] in
                await context.work(queue, of: "\(kind.rawValue)-protection-controller", workers: 1) { [self] in
                    try await reconcile($0)
                }
            }
        }
    }

    private func heard(_ event: MetadataWatcher.Event) {
        guard case .present(let object) = event, isDue(object) else { return }
        let metadata = object["metadata"]
        queue.add(
            ObjectKey(
                namespace: metadata?["namespace"]?.stringValue ?? "", name: metadata?["name"]?.stringValue ?? ""))
    }

    private func isDue(_ object: JSONValue) -> Bool {
        object["metadata"]?["deletionTimestamp"]?.stringValue != nil
            && (object["metadata"]?["finalizers"]?.arrayValue ?? []).contains(.string(kind.finalizer))
    }

    private func reconcile(_ key: ObjectKey) async throws {
        let namespace = key.namespace.isEmpty ? nil : key.namespace
        var object: JSONValue
        do {
            object = try await context.client.transport.call(
                KubeRequest(
                    .get, apiVersion: kind.apiVersion, resource: kind.rawValue, namespace: namespace, name: key.name))
        } catch {
            if !error.isNotFound { throw error }
            return pending.remove(key)
        }
        guard isDue(object) else { return pending.remove(key) }
        if try await isUsed(object, key) {
            pending.insert(key)
            queue.add(key, after: Self.recheckPeriod)
            return
        }
        let finalizers = (object["metadata"]?["finalizers"]?.arrayValue ?? []).filter { $0 != .string(kind.finalizer) }
        var metadata = object["metadata"]?.objectValue ?? JSONObject()
        metadata["finalizers"] = .array(finalizers)
        object["metadata"] = .object(metadata)
        do {
            _ = try await context.client.transport.call(
                KubeRequest(
                    .update, apiVersion: kind.apiVersion, resource: kind.rawValue, namespace: namespace,
                    name: key.name, body: object))
        } catch { if !error.isNotFound { throw error } }
        pending.remove(key)
    }

    private func isUsed(_ object: JSONValue, _ key: ObjectKey) async throws(APIError) -> Bool {
        switch kind {
        case .volumes: return object["status"]?["phase"]?.stringValue == "Bound"
        case .claims:
            return try await list("v1", "pods", namespace: key.namespace).contains { Self.pod($0, uses: key.name) }
        case .classes:
            for resource in ["persistentvolumeclaims", "persistentvolumes"] {
                let users = try await list("v1", resource, namespace: nil)
                let isNamed = users.contains { user in
                    [
                        user["spec"]?["volumeAttributesClassName"], user["status"]?["currentVolumeAttributesClassName"],
                    ].contains(.string(key.name))
                }
                if isNamed { return true }
            }
            return false
        }
    }

    private func list(_ apiVersion: String, _ resource: String, namespace: String?) async throws(APIError)
        -> [JSONValue]
    {
        let list = try await context.client.transport.call(
            KubeRequest(.list, apiVersion: apiVersion, resource: resource, namespace: namespace))
        return list["items"]?.arrayValue ?? []
    }

    /// Whether a pod that a node runs has the claim's volume. A node starts no pod with a claim that is being deleted.
    static func pod(_ pod: JSONValue, uses claim: String) -> Bool {
        let phase = pod["status"]?["phase"]?.stringValue
        guard !(pod["spec"]?["nodeName"]?.stringValue ?? "").isEmpty, phase != "Succeeded", phase != "Failed" else {
            return false
        }
        let name = pod["metadata"]?["name"]?.stringValue ?? ""
        return (pod["spec"]?["volumes"]?.arrayValue ?? []).contains { volume in
            if volume["persistentVolumeClaim"]?["claimName"]?.stringValue == claim { return true }
            return volume["ephemeral"] != nil && "\(name)-\(volume["name"]?.stringValue ?? "")" == claim
        }
    }
}

/// What waits for its users to go.
private final class PendingDeletions: Sendable {
    private let held = Mutex<Set<ObjectKey>>([])

    func insert(_ key: ObjectKey) { held.withLock { _ = $0.insert(key) } }
    func remove(_ key: ObjectKey) { held.withLock { _ = $0.remove(key) } }
    func keys(namespace: String) -> [ObjectKey] { held.withLock { $0.filter { $0.namespace == namespace } } }
}
