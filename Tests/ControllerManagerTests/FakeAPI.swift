import Foundation
import JSON
import KubeClient
import KubeTypes
import Synchronization

/// An API server in memory, as far as controllers can tell: resource versions and conflicts, generations, status apart
/// from the rest, finalizers and grace periods, selectors, and watches that replay from a revision.
final class FakeAPI: KubeTransport {
    private struct Key: Hashable {
        var resource: String
        var namespace: String
        var name: String
    }
    private struct Change {
        var resource: String
        var revision: Int
        var kind: KubeWatchEvent.Kind
        var object: JSONValue
    }
    private struct Watcher {
        var request: KubeRequest
        var continuation: AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation
        var held: [KubeWatchEvent] = []
    }
    private struct State {
        var objects: [Key: JSONValue] = [:]
        var revision = 1
        var history: [Change] = []
        var watchers: [Int: Watcher] = [:]
        var lastWatcher = 0
        var lastName = 0
        var requests: [KubeRequest] = []
        var failure: (@Sendable (KubeRequest) -> APIError?)?
        /// Answers SubjectAccessReviews from their spec.
        var allows: (@Sendable (JSONValue) -> Bool)?
        var heldResources: Set<String> = []
        /// Told of every request that went well, with the objects of its resource after it.
        var observer: (@Sendable (KubeRequest, [JSONValue]) -> Void)?
    }

    private let state = Mutex(State())
    let now: @Sendable () -> Time

    init(now: @escaping @Sendable () -> Time = { wallClockTime() }) { self.now = now }

    var client: KubeClient { KubeClient(self) }

    // MARK: What tests ask

    /// The requests so far that change something, but for events.
    func writes(_ resource: String? = nil) -> [KubeRequest] {
        state.withLock { state in
            state.requests.filter {
                ![.get, .list, .watch].contains($0.verb) && $0.resource != "events"
                    && (resource == nil || $0.resource == resource)
            }
        }
    }

    func objects<T: KubeObject>(_ type: T.Type, namespace: String? = nil) -> [T] {
        state.withLock { state in
            state.objects.filter {
                $0.key.resource == T.type.resource && (namespace == nil || $0.key.namespace == namespace)
            }.values.map { T($0) }.sorted { $0.key < $1.key }
        }
    }

    func object<T: KubeObject>(_ type: T.Type, _ name: String, namespace: String = "") -> T? {
        state.withLock { $0.objects[Key(resource: T.type.resource, namespace: namespace, name: name)].map { T($0) } }
    }

    func count<T: KubeObject>(_ type: T.Type) -> Int {
        state.withLock { state in state.objects.keys.count { $0.resource == T.type.resource } }
    }

    var eventMessages: [String] { objects(Event.self).map { "\($0.reason ?? ""): \($0.message ?? "")" } }

    /// Requests for which `failure` returns an error fail with it.
    func fail(_ failure: (@Sendable (KubeRequest) -> APIError?)?) { state.withLock { $0.failure = failure } }

    func reviews(_ allows: @escaping @Sendable (JSONValue) -> Bool) { state.withLock { $0.allows = allows } }

    /// How many requests there were for a resource.
    func count(of resource: String) -> Int {
        state.withLock { state in state.requests.count { $0.resource == resource } }
    }

    /// Keeps a resource's watch events back, as a slow cache would be.
    func hold(_ resource: String) { state.withLock { _ = $0.heldResources.insert(resource) } }

    func release(_ resource: String) {
        state.withLock { state in
            state.heldResources.remove(resource)
            for (number, watcher) in state.watchers where watcher.request.resource == resource {
                for event in watcher.held { watcher.continuation.yield(event) }
                state.watchers[number]?.held = []
            }
        }
    }

    func observe(_ observer: (@Sendable (KubeRequest, [JSONValue]) -> Void)?) {
        state.withLock { $0.observer = observer }
    }

    /// Breaks a resource's watches so that what they had not delivered yet is lost: their caches list again.
    func loseWatches(_ resource: String) {
        let lost = state.withLock { state in
            let lost = state.watchers.filter { $0.value.request.resource == resource }
            for number in lost.keys { state.watchers[number] = nil }
            return lost.values
        }
        for watcher in lost { watcher.continuation.finish(throwing: APIError.expired("too old resource version")) }
    }

    /// Ends all watches, as a restarting server does.
    func dropWatches() {
        let watchers = state.withLock { state in
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.continuation.finish() }
    }

    /// Writes an object past all rules; for what other components do.
    func put(_ object: some KubeObject) {
        func resource<T: KubeObject>(_: T) -> String { T.type.resource }
        let name = resource(object)
        state.withLock { state in
            var json = object.json
            if json[path: "metadata", "uid"] == nil { Self.stamp(&json, now()) }
            let key = Key(resource: name, namespace: object.namespace, name: object.name)
            store(json, key, &state)
        }
    }

    func remove<T: KubeObject>(_ type: T.Type, _ name: String, namespace: String = "") {
        state.withLock { state in
            erase(Key(resource: T.type.resource, namespace: namespace, name: name), &state)
        }
    }

    // MARK: The transport

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        // Give way, so that races that can happen do happen.
        await Task.yield()
        let result: Result<JSONValue, APIError> = state.withLock { state in
            state.requests.append(request)
            if let error = state.failure?(request) { return .failure(error) }
            do throws(APIError) {
                let answer = try answer(request, &state)
                if let observer = state.observer, request.verb != .list {
                    observer(request, state.objects.filter { $0.key.resource == request.resource }.map(\.value))
                }
                return .success(answer)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<KubeWatchEvent, any Error>.makeStream()
        let number = state.withLock { state in
            state.lastWatcher += 1
            let from = request.query.first { $0.name == "resourceVersion" }.flatMap { Int($0.value) } ?? 0
            state.watchers[state.lastWatcher] = Watcher(request: request, continuation: continuation)
            for change in state.history where change.revision > from {
                deliver(change, to: state.lastWatcher, &state)
            }
            return state.lastWatcher
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
        }
        return stream
    }

    private func deliver(_ change: Change, to number: Int, _ state: inout State) {
        guard let watcher = state.watchers[number], watcher.request.resource == change.resource,
            Self.matches(change.object, watcher.request)
        else { return }
        let event = KubeWatchEvent(kind: change.kind, object: change.object)
        if state.heldResources.contains(change.resource) {
            state.watchers[number]?.held.append(event)
        } else {
            watcher.continuation.yield(event)
        }
    }

    // MARK: Storage

    private static func stamp(_ json: inout JSONValue, _ now: Time) {
        var metadata = ObjectMeta(json["metadata"] ?? [:])
        metadata.uid = UUID().uuidString.lowercased()
        if metadata.creationTimestamp == nil { metadata.creationTimestamp = now }
        if metadata.generation == nil { metadata.generation = 1 }
        json["metadata"] = metadata.json
    }

    @discardableResult
    private func store(_ object: JSONValue, _ key: Key, _ state: inout State) -> JSONValue {
        state.revision += 1
        var object = object
        var metadata = ObjectMeta(object["metadata"] ?? [:])
        metadata.resourceVersion = String(state.revision)
        object["metadata"] = metadata.json
        let existed = state.objects.updateValue(object, forKey: key) != nil
        publish(
            Change(
                resource: key.resource, revision: state.revision, kind: existed ? .modified : .added, object: object),
            &state)
        return object
    }

    private func erase(_ key: Key, _ state: inout State) {
        guard var object = state.objects.removeValue(forKey: key) else { return }
        state.revision += 1
        var metadata = ObjectMeta(object["metadata"] ?? [:])
        metadata.resourceVersion = String(state.revision)
        object["metadata"] = metadata.json
        publish(Change(resource: key.resource, revision: state.revision, kind: .deleted, object: object), &state)
    }

    private func publish(_ change: Change, _ state: inout State) {
        state.history.append(change)
        for number in state.watchers.keys { deliver(change, to: number, &state) }
    }

    // MARK: Answers

    private func answer(_ request: KubeRequest, _ state: inout State) throws(APIError) -> JSONValue {
        let group = request.apiVersion.contains("/") ? String(request.apiVersion.split(separator: "/")[0]) : ""
        let name = request.name ?? ""
        let key = Key(resource: request.resource, namespace: request.namespace ?? "", name: name)
        func found() throws(APIError) -> JSONValue {
            guard let object = state.objects[key] else {
                throw .notFound(request.resource, group: group, name: name)
            }
            return object
        }
        switch request.verb {
        case .get: return try found()
        case .list:
            let items = state.objects.filter { Self.belongs($0.key.resource, $0.key.namespace, to: request) }.values
                .filter { Self.matches($0, request) }
            return ["metadata": ["resourceVersion": .string(String(state.revision))], "items": .array(Array(items))]
        case .create:
            var object = request.body ?? [:]
            if request.subresource != nil { return object }
            if request.resource == "subjectaccessreviews" {
                object["status"] = ["allowed": .bool(state.allows?(object["spec"] ?? [:]) ?? false)]
                return object
            }
            var metadata = ObjectMeta(object["metadata"] ?? [:])
            if (metadata.name ?? "").isEmpty, let prefix = metadata.generateName {
                state.lastName += 1
                metadata.name = "\(prefix)\(String(state.lastName, radix: 36))"
            }
            let namespace = request.namespace ?? ""
            let key = Key(resource: request.resource, namespace: namespace, name: metadata.name ?? "")
            if state.objects[key] != nil {
                throw .alreadyExists(request.resource, group: group, name: key.name)
            }
            if !namespace.isEmpty,
                let parent = state.objects[Key(resource: "namespaces", namespace: "", name: namespace)],
                parent[path: "metadata", "deletionTimestamp"] != nil, request.resource != "events"
            {
                throw Self.terminating(request.resource, group, key.name, namespace)
            }
            metadata.namespace = namespace.isEmpty ? nil : namespace
            metadata.resourceVersion = nil
            object["metadata"] = metadata.json
            Self.stamp(&object, now())
            if request.resource == "namespaces" {
                object["spec"] = ["finalizers": ["kubernetes"]]
                object["status"] = ["phase": "Active"]
            } else if request.resource == "pods" {
                if object["status"] == nil { object["status"] = ["phase": "Pending"] }
            } else if request.resource != "events" {
                object["status"] = nil
            }
            return store(object, key, &state)
        case .update:
            return try write(request.body ?? [:], over: try found(), key, request, group, &state)
        case .patch:
            let current = try found()
            var body = request.body ?? [:]
            // Of strategic patches, only this is used.
            let removal = "$deleteFromPrimitiveList/finalizers"
            if let gone = body[path: "metadata", removal]?.arrayValue {
                body["metadata"]?[removal] = nil
                let kept = (current[path: "metadata", "finalizers"]?.arrayValue ?? []).filter { !gone.contains($0) }
                body["metadata"]?["finalizers"] = .array(kept)
            }
            let patched = JSONMergePatch.apply(body, to: current)
            return try write(patched, over: current, key, request, group, &state)
        case .delete:
            let current = try found()
            let options = DeleteOptions(request.body ?? [:])
            let metadata = ObjectMeta(current["metadata"] ?? [:])
            if let uid = options.preconditions?.uid, uid != metadata.uid {
                throw .conflict(request.resource, group: group, name: name, "the UID in the precondition is another")
            }
            if let version = options.preconditions?.resourceVersion, version != metadata.resourceVersion {
                throw .conflict(request.resource, group: group, name: name, "the resourceVersion is another")
            }
            delete(current, key, options, &state)
            return ["kind": "Status", "status": "Success"]
        case .deletecollection:
            for (key, object) in state.objects where Self.belongs(key.resource, key.namespace, to: request) {
                delete(object, key, DeleteOptions(request.body ?? [:]), &state)
            }
            return ["kind": "Status", "status": "Success"]
        case .watch: throw .badRequest("watch is another call")
        }
    }

    private static func terminating(_ resource: String, _ group: String, _ name: String, _ namespace: String)
        -> APIError
    {
        var error = APIError.forbidden(
            resource, group: group, name: name,
            "unable to create new content in namespace \(namespace) because it is being terminated")
        var cause = StatusCause()
        cause.reason = "NamespaceTerminating"
        error.details?.causes = [cause]
        return error
    }

    private func write(
        _ new: JSONValue, over current: JSONValue, _ key: Key, _ request: KubeRequest, _ group: String,
        _ state: inout State
    ) throws(APIError) -> JSONValue {
        let before = ObjectMeta(current["metadata"] ?? [:])
        let after = ObjectMeta(new["metadata"] ?? [:])
        if let version = after.resourceVersion, !version.isEmpty, version != before.resourceVersion {
            throw .conflict(
                request.resource, group: group, name: key.name,
                "the object has been modified; please apply your changes to the latest version and try again")
        }
        var result: JSONValue
        switch request.subresource {
        case "status", "approval":
            // As upstream's strategies do: annotations may come with a status.
            result = current
            result["status"] = new["status"]
            var metadata = before
            metadata.annotations = after.annotations
            result["metadata"] = metadata.json
        case "finalize":
            result = current
            result["spec"] = new["spec"]
        default:
            result = new
            if request.resource != "events" { result["status"] = current["status"] }
            var metadata = after
            metadata.uid = before.uid
            metadata.creationTimestamp = before.creationTimestamp
            metadata.deletionTimestamp = before.deletionTimestamp
            metadata.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds
            metadata.generation = (before.generation ?? 1) + (new["spec"] == current["spec"] ? 0 : 1)
            result["metadata"] = metadata.json
        }
        var metadata = ObjectMeta(result["metadata"] ?? [:])
        metadata.resourceVersion = before.resourceVersion
        result["metadata"] = metadata.json
        if result == current { return current }
        let stored = store(result, key, &state)
        reap(key, &state)
        return stored
    }

    private func delete(_ object: JSONValue, _ key: Key, _ options: DeleteOptions, _ state: inout State) {
        var object = object
        var metadata = ObjectMeta(object["metadata"] ?? [:])
        var finalizers = metadata.finalizers.filter { $0 != "orphan" && $0 != "foregroundDeletion" }
        switch options.propagationPolicy {
        case "Orphan": finalizers.append("orphan")
        case "Foreground": finalizers.append("foregroundDeletion")
        case nil: finalizers = metadata.finalizers
        default: break
        }
        var grace = 0
        if key.resource == "pods", object[path: "spec", "nodeName"] != nil {
            grace = options.gracePeriodSeconds ?? object[path: "spec", "terminationGracePeriodSeconds"]?.intValue ?? 30
        }
        let waits = !finalizers.isEmpty || grace > 0 || key.resource == "namespaces"
        guard waits else {
            erase(key, &state)
            return
        }
        let before = metadata
        metadata.finalizers = finalizers
        if metadata.deletionTimestamp == nil { metadata.deletionTimestamp = now().adding(seconds: grace) }
        metadata.deletionGracePeriodSeconds = grace
        if metadata != before {
            object["metadata"] = metadata.json
            if key.resource == "namespaces" { object["status"] = ["phase": "Terminating"] }
            store(object, key, &state)
        }
        reap(key, &state)
    }

    /// Removes what is being deleted and nothing holds any more.
    private func reap(_ key: Key, _ state: inout State) {
        guard let object = state.objects[key] else { return }
        let metadata = ObjectMeta(object["metadata"] ?? [:])
        guard metadata.deletionTimestamp != nil, metadata.finalizers.isEmpty,
            (metadata.deletionGracePeriodSeconds ?? 0) == 0
        else { return }
        if key.resource == "namespaces", object[path: "spec", "finalizers"]?.arrayValue?.isEmpty == false { return }
        erase(key, &state)
    }

    // MARK: Selection

    private static func belongs(_ resource: String, _ namespace: String, to request: KubeRequest) -> Bool {
        resource == request.resource && (request.namespace == nil || request.namespace == namespace)
    }

    private static func matches(_ object: JSONValue, _ request: KubeRequest) -> Bool {
        let metadata = object["metadata"] ?? [:]
        if let namespace = request.namespace, metadata["namespace"]?.stringValue != namespace { return false }
        for (name, value) in request.query where name == "fieldSelector" {
            for term in value.split(separator: ",") {
                let parts = term.split(separator: "=", maxSplits: 1)
                var field: JSONValue? = object
                for step in parts[0].split(separator: ".") { field = field?[String(step)] }
                if field?.stringValue != parts.dropFirst().first.map(String.init) { return false }
            }
        }
        for (name, value) in request.query where name == "labelSelector" {
            for term in value.split(separator: ",") {
                let parts = term.split(separator: "=", maxSplits: 1).map(String.init)
                if metadata[path: "labels", parts[0]]?.stringValue != parts.dropFirst().first { return false }
            }
        }
        return true
    }
}

/// A clock that tests move.
final class FakeClock: Sendable {
    private let time: Mutex<Time>

    init(_ start: Time = Time(seconds: 1_800_000_000)) { time = Mutex(start) }

    var now: Time { time.withLock { $0 } }

    func advance(seconds: Int) { time.withLock { $0 = $0.adding(seconds: seconds) } }
}

/// Waits until something is so.
/// - Returns: Whether it came to be within the time.
func eventually(
    within timeout: Duration = .seconds(30), _ condition: @Sendable () -> Bool
) async -> Bool {
    let end = ContinuousClock.now + timeout
    while ContinuousClock.now < end {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return condition()
}
