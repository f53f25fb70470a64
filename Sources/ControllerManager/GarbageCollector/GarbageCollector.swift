import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Deletes objects whose owners are gone, and carries out what deletion in the foreground and orphaning ask for.
///
/// The graph says what to look at; what happens is decided by what the API says at that moment, so that a graph that
/// lags behind costs a look but never an object.
final class GarbageCollector: Controller {
    private let context: ControllerContext
    private let watched: [ServedResource]
    private let builtin: [String: ServedResource]
    /// What CustomResourceDefinitions have added, in every version.
    private let custom = Mutex<[String: ServedResource]>([:])
    private let definitions: AsyncStream<MetadataWatcher.Event>
    private let tellDefinition: AsyncStream<MetadataWatcher.Event>.Continuation
    private let graph = Mutex(ObjectGraph())
    private let queue: WorkQueue<ObjectGraph.Work>
    private let recorder: EventRecorder
    private let absent = Mutex(AbsentOwners())
    /// How many resources have not been listed yet.
    private let unsynced = Mutex(0)

    init(_ context: ControllerContext) {
        self.context = context
        queue = context.queue()
        recorder = context.recorder("garbage-collector-controller")
        var seen: Set<String> = []
        // Events own nothing, are owned by nothing that matters, and come in numbers.
        watched = context.options.resources.filter { resource in
            resource.resource != "events" && resource.verbs.isSuperset(of: ["list", "watch", "delete"])
                && seen.insert("\(resource.group)/\(resource.resource)").inserted
        }
        // References may name any served version.
        (definitions, tellDefinition) = AsyncStream.makeStream(of: MetadataWatcher.Event.self)
        builtin = Dictionary(
            context.options.resources.map { (Self.key($0.apiVersion, $0.kind), $0) },
            uniquingKeysWith: { first, second in first.verbs.contains("delete") ? first : second })
    }

    private func served(_ apiVersion: String, _ kind: String) -> ServedResource? {
        let key = Self.key(apiVersion, kind)
        return builtin[key] ?? custom.withLock { $0[key] }
    }

    private static func key(_ apiVersion: String, _ kind: String) -> String { "\(apiVersion) \(kind)" }

    func run() async {
        guard !watched.isEmpty else { return }
        let (syncs, sync) = AsyncStream<Void>.makeStream()
        unsynced.withLock { $0 = watched.count }
        let onSync: @Sendable () -> Void = { [self] in
            let rest = unsynced.withLock { count in
                count -= 1
                return count
            }
            if rest == 0 { sync.finish() }
        }
        await withTaskGroup(of: Void.self) { group in
            for resource in watched {
                let watcher = MetadataWatcher(resource, client: context.client, logger: context.logger) {
                    [self] in heard($0, of: resource)
                }
                group.addTask { await watcher.run(onSync: onSync) }
            }
            group.addTask { [self] in await followDefinitions() }
            group.addTask { [self] in
                // An owner that has not been listed yet looks like one that is gone; every such doubt would cost a look.
                for await _ in syncs {}
                if Task.isCancelled { return }
                await context.work(queue, of: "garbage-collector-controller", workers: 8) { [self] work in
                    switch work {
                    case .attemptToDelete(let uid): try await attemptToDelete(uid)
                    case .attemptToOrphan(let uid): try await attemptToOrphan(uid)
                    }
                }
            }
        }
    }

    /// Watches the objects of each definition for as long as it is there.
    private func followDefinitions() async {
        struct Following {
            var resource: ServedResource
            var task: Task<Void, Never>
        }
        var following: [String: Following] = [:]
        for await event in definitions {
            let uid: String
            var served: [ServedResource] = []
            switch event {
            case .present(let definition):
                uid = definition[path: "metadata", "uid"]?.stringValue ?? ""
                served = CustomResources.served(by: definition)
            case .gone(let gone): uid = gone
            }
            if let former = following[uid], former.resource != served.first {
                former.task.cancel()
                following[uid] = nil
                let name = former.resource
                custom.withLock { custom in
                    custom = custom.filter { $0.value.group != name.group || $0.value.resource != name.resource }
                }
            }
            custom.withLock { custom in
                for resource in served { custom[Self.key(resource.apiVersion, resource.kind)] = resource }
            }
            guard following[uid] == nil, let resource = served.first else { continue }
            let watcher = MetadataWatcher(resource, client: context.client, logger: context.logger) {
                [self] in heard($0, of: resource)
            }
            following[uid] = Following(resource: resource, task: Task { await watcher.run(onSync: {}) })
        }
        for entry in following.values { entry.task.cancel() }
    }

    private func heard(_ event: MetadataWatcher.Event, of resource: ServedResource) {
        if resource.resource == CustomResources.resource, resource.apiVersion == CustomResources.apiVersion {
            tellDefinition.yield(event)
        }
        let work =
            switch event {
            case .present(let object):
                graph.withLock {
                    $0.observe(
                        ObjectGraph.Observation(object, apiVersion: resource.apiVersion, kind: resource.kind))
                }
            case .gone(let uid): gone(uid)
            }
        for item in work { queue.add(item) }
    }

    private func gone(_ uid: String) -> [ObjectGraph.Work] {
        absent.withLock { $0.insert(uid, namespace: nil) }
        return graph.withLock { $0.remove(uid) }
    }

    // MARK: The API

    private func request(
        _ verb: KubeRequest.Verb, _ resource: ServedResource, _ identity: ObjectGraph.Identity,
        body: JSONValue? = nil, patchType: KubeRequest.PatchType? = nil
    ) async throws(APIError) -> JSONValue {
        try await context.client.transport.call(
            KubeRequest(
                verb, apiVersion: resource.apiVersion, resource: resource.resource,
                namespace: resource.namespaced ? identity.namespace : nil, name: identity.name, body: body,
                patchType: patchType))
    }

    /// The object as it is now; nil if it is gone, or another has its name.
    private func live(_ uid: String, _ identity: ObjectGraph.Identity, _ resource: ServedResource) async throws
        -> JSONValue?
    {
        do {
            let object = try await request(.get, resource, identity)
            return object[path: "metadata", "uid"]?.stringValue == uid ? object : nil
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func patch(
        _ object: JSONValue, _ identity: ObjectGraph.Identity, _ resource: ServedResource, _ patch: JSONValue
    ) async throws {
        do {
            _ = try await request(.patch, resource, identity, body: patch, patchType: .merge)
        } catch { if !error.isNotFound { throw error } }
    }

    private func delete(
        _ object: JSONValue, _ identity: ObjectGraph.Identity, _ resource: ServedResource, policy: String
    ) async throws {
        let metadata = object["metadata"] ?? [:]
        var options = DeleteOptions(["kind": "DeleteOptions", "apiVersion": "v1"])
        options.propagationPolicy = policy
        var preconditions = Preconditions()
        preconditions.uid = metadata["uid"]?.stringValue
        // The decision is about these owners: should they change meanwhile, it has to be made again.
        preconditions.resourceVersion = metadata["resourceVersion"]?.stringValue
        options.preconditions = preconditions
        do {
            _ = try await request(.delete, resource, identity, body: options.json)
        } catch { if !error.isNotFound { throw error } }
    }

    // MARK: Work

    private func attemptToDelete(_ uid: String) async throws {
        guard let node = graph.withLock({ $0.nodes[uid] }) else { return }
        if node.isBeingDeleted, !node.deletesDependents { return }
        guard let resource = served(node.identity.apiVersion, node.identity.kind) else {
            throw RetryLater(description: "no resource serves \(node.identity.apiVersion) \(node.identity.kind)")
        }
        if resource.namespaced, node.identity.namespace.isEmpty { return }
        guard let object = try await live(uid, node.identity, resource) else {
            // An owner that never was, or whose end was missed.
            if node.isVirtual {
                // It may exist where no dependent says it is; each dependent finds out for itself.
                absent.withLock { $0.insert(uid, namespace: node.identity.namespace) }
                for dependent in node.dependents { queue.add(.attemptToDelete(dependent)) }
            } else {
                for work in gone(uid) { queue.add(work) }
            }
            return
        }
        // A virtual owner that turns out to exist becomes a real one by its own event.
        if node.isVirtual { return }
        if node.deletesDependents {
            try await deleteDependents(of: uid, object, node.identity, resource)
            return
        }

        let references = (object[path: "metadata", "ownerReferences"]?.arrayValue ?? [])
        guard !references.isEmpty else { return }
        var owners: [(uid: String, state: ObjectGraph.OwnerState)] = []
        for reference in references.map(ObjectGraph.Owner.init) {
            guard let state = try await state(of: reference, for: node, uid) else { return }
            owners.append((reference.uid, state))
        }
        switch graph.withLock({ $0.verdict(on: uid, owners: owners) }) {
        case .keep: break
        case .dropReferences(let gone):
            try await drop(gone, from: object, node.identity, resource)
        case .deleteInForeground(let unblock):
            var object = object
            if unblock {
                let freed = references.map { reference in
                    var reference = reference
                    reference["blockOwnerDeletion"] = false
                    return OwnerReference(reference)
                }
                let version = object[path: "metadata", "resourceVersion"]?.stringValue ?? ""
                try await patch(
                    object, node.identity, resource, OwnerPatch.owners(freed, resourceVersion: version))
                guard let changed = try await live(uid, node.identity, resource) else { return }
                object = changed
            }
            try await delete(object, node.identity, resource, policy: "Foreground")
        case .delete:
            let finalizers = object[path: "metadata", "finalizers"]?.arrayValue ?? []
            let policy =
                finalizers.contains(.string(ObjectGraph.orphan))
                ? "Orphan" : finalizers.contains(.string(ObjectGraph.foreground)) ? "Foreground" : "Background"
            try await delete(object, node.identity, resource, policy: policy)
        }
    }

    /// Whether an owner exists; nil if the reference makes no sense, and is left alone.
    private func state(of owner: ObjectGraph.Owner, for node: ObjectGraph.Node, _ uid: String) async throws
        -> ObjectGraph.OwnerState?
    {
        let namespace = node.identity.namespace
        if absent.withLock({ $0.contains(owner.uid, namespace: namespace) }) { return .absent }
        guard let resource = served(owner.apiVersion, owner.kind) else {
            throw RetryLater(description: "no resource serves the owner's kind \(owner.apiVersion) \(owner.kind)")
        }
        if resource.namespaced, namespace.isEmpty {
            warn(
                node, uid,
                "ownerRef \(owner.kind) \(owner.name) is namespaced, but \(node.identity.kind) is cluster-scoped")
            return nil
        }
        let identity = ObjectGraph.Identity(
            apiVersion: owner.apiVersion, kind: owner.kind, namespace: resource.namespaced ? namespace : "",
            name: owner.name)
        guard let object = try await live(owner.uid, identity, resource) else {
            absent.withLock { $0.insert(owner.uid, namespace: resource.namespaced ? namespace : nil) }
            if !graph.withLock({ $0.refersRightly(uid, to: owner.uid) }) {
                warn(
                    node, uid,
                    "ownerRef [\(owner.apiVersion)/\(owner.kind), name: \(owner.name), uid: \(owner.uid)] does not exist in "
                        + "namespace \"\(namespace)\"")
            }
            return .absent
        }
        let metadata = object["metadata"] ?? [:]
        let waits =
            metadata["deletionTimestamp"]?.stringValue != nil
            && metadata["finalizers"]?.arrayValue?.contains(.string(ObjectGraph.foreground)) == true
        return waits ? .waitsForDependents : .exists
    }

    private func warn(_ node: ObjectGraph.Node, _ uid: String, _ message: String) {
        var reference = ObjectReference()
        reference.apiVersion = node.identity.apiVersion
        reference.kind = node.identity.kind
        reference.namespace = node.identity.namespace.isEmpty ? nil : node.identity.namespace
        reference.name = node.identity.name
        reference.uid = uid
        recorder.event(regarding: reference, type: .warning, reason: "OwnerRefInvalidNamespace", message: message)
    }

    /// An owner goes once nothing that blocks it is left.
    private func deleteDependents(
        of uid: String, _ object: JSONValue, _ identity: ObjectGraph.Identity, _ resource: ServedResource
    ) async throws {
        let (blocking, waiting) = graph.withLock { graph in
            let blocking = graph.blockingDependents(of: uid)
            return (blocking, blocking.filter { graph.nodes[$0]?.deletesDependents != true })
        }
        if blocking.isEmpty {
            try await remove(ObjectGraph.foreground, from: object, identity, resource)
        } else {
            for dependent in waiting { queue.add(.attemptToDelete(dependent)) }
        }
    }

    private func attemptToOrphan(_ uid: String) async throws {
        guard let node = graph.withLock({ $0.nodes[uid] }), node.orphansDependents,
            let resource = served(node.identity.apiVersion, node.identity.kind)
        else { return }
        for dependent in node.dependents {
            guard let other = graph.withLock({ $0.nodes[dependent] }),
                let kind = served(other.identity.apiVersion, other.identity.kind),
                let object = try await live(dependent, other.identity, kind)
            else { continue }
            try await drop([uid], from: object, other.identity, kind)
        }
        guard let object = try await live(uid, node.identity, resource) else { return }
        try await remove(ObjectGraph.orphan, from: object, node.identity, resource)
    }

    private func drop(
        _ owners: Set<String>, from object: JSONValue, _ identity: ObjectGraph.Identity, _ resource: ServedResource
    ) async throws {
        let all = (object[path: "metadata", "ownerReferences"]?.arrayValue ?? []).map(OwnerReference.init)
        let kept = all.filter { !owners.contains($0.uid) }
        guard kept.count < all.count else { return }
        let version = object[path: "metadata", "resourceVersion"]?.stringValue ?? ""
        try await patch(object, identity, resource, OwnerPatch.owners(kept, resourceVersion: version))
    }

    private func remove(
        _ finalizer: String, from object: JSONValue, _ identity: ObjectGraph.Identity, _ resource: ServedResource
    ) async throws {
        let all = (object[path: "metadata", "finalizers"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard all.contains(finalizer) else { return }
        let version = object[path: "metadata", "resourceVersion"]?.stringValue ?? ""
        try await patch(
            object, identity, resource,
            OwnerPatch.finalizers(all.filter { $0 != finalizer }, resourceVersion: version))
    }
}

/// Owners that are known not to exist: a UID is never given twice, so what is gone stays gone.
struct AbsentOwners {
    private static let limit = 2000
    private var young: Set<String> = []
    private var old: Set<String> = []

    /// - Parameter namespace: Where the owner was looked for in vain; nil if it exists nowhere.
    mutating func insert(_ uid: String, namespace: String?) {
        if young.count >= Self.limit {
            old = young
            young = []
        }
        young.insert(namespace.map { "\($0)/\(uid)" } ?? uid)
    }

    func contains(_ uid: String, namespace: String) -> Bool {
        let local = "\(namespace)/\(uid)"
        return young.contains(uid) || old.contains(uid) || young.contains(local) || old.contains(local)
    }
}
