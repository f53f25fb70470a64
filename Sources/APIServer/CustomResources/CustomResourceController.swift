// Follows CustomResourceDefinitions: accepts their names, serves what they define, and cleans up when they go.

import APISchema
import JSON
import KubeTypes
import Logging
import NIOCore
import Storage
import Synchronization

/// One task looks at one definition at a time, so that no two get the same name. Level-triggered: it is told a name, and
/// compares what is there with what is served.
final class CustomResourceController: Sendable {
    static let finalizer = "customresourcecleanup.apiextensions.k8s.io"
    private static let retryDelay = TimeAmount.seconds(5)

    private struct Installed {
        var rows: CustomResourceRows
        /// What of the definition decides how it is served.
        var content: JSONValue
    }

    private struct State {
        var installed: [String: Installed] = [:]
        /// The names of definitions that are being deleted.
        var terminating: Set<String> = []
        var task: Task<Void, Never>?
        var watcher: Watcher?
    }

    private let schema: LiveSchema
    private let registry: Registry
    private let logger: Logger
    private let state = Mutex(State())
    private let names: AsyncStream<String>
    private let queue: AsyncStream<String>.Continuation

    init(_ schema: LiveSchema, _ registry: Registry, logger: Logger) {
        self.schema = schema
        self.registry = registry
        self.logger = logger
        (names, queue) = AsyncStream.makeStream(of: String.self)
    }

    private var definitions: ResourceCache? {
        registry.cache.cache(group: "apiextensions.k8s.io", resource: "customresourcedefinitions")
    }

    /// Serves what is defined already, and follows changes from then on.
    /// - Throws: `StoreError` if objects cannot be read.
    func start() async throws(StoreError) {
        guard let definitions else { return }
        for object in definitions.snapshot.objects.all where Self.isServed(object.value) {
            _ = try await install(object.value, publish: false)
        }
        publish()
        let queue = queue
        let watcher = Watcher(scope: ObjectScope(), sink: NameSink { queue.yield($0) })
        let (objects, _) = definitions.addWatcher(watcher)
        for object in objects.all { queue.yield(object.key.name) }
        watcher.start(initial: [], missed: [], bookmark: nil)
        let task = Task { [self] in
            for await name in names { await reconcile(name) }
        }
        state.withLock { state in
            state.watcher = watcher
            state.task = task
        }
    }

    func stop() {
        let (task, watcher) = state.withLock { ($0.task, $0.watcher) }
        watcher?.end()
        queue.finish()
        task?.cancel()
    }

    // MARK: What is served

    private static func isServed(_ definition: JSONValue) -> Bool {
        CustomResourceConditions.isTrue("NamesAccepted", of: definition)
            || CustomResourceConditions.isTrue("Established", of: definition)
    }

    private static func content(of definition: JSONValue) -> JSONValue {
        [
            "uid": .string(definition.uid), "spec": definition["spec"] ?? [:],
            "names": definition[path: "status", "acceptedNames"] ?? [:],
        ]
    }

    /// Serves a definition as it is now; does nothing if it is served like that already.
    private func install(_ definition: JSONValue, publish isLast: Bool) async throws(StoreError) -> Bool {
        let name = definition.name
        let content = Self.content(of: definition)
        let isTerminating = CustomResourceConditions.isTrue("Terminating", of: definition)
        let (isServed, isNews) = state.withLock { state in
            let isNews =
                isTerminating ? state.terminating.insert(name).inserted : state.terminating.remove(name) != nil
            return (state.installed[name]?.content == content, isNews)
        }
        if isServed {
            if isNews, isLast { publish() }
            return false
        }
        guard let rows = CustomResourceRows(definition, base: schema.base) else { return false }
        let webhooks = registry.webhooks
        let webhook = ConversionWebhook(definition, random: registry.configuration.random) {
            document, client throws(WebhookCallError) in
            try await webhooks.post(document, to: client, timeout: 30)
        }
        try await registry.cache.install(
            CustomResourceStorage(rows, definition: definition, webhook: webhook))
        state.withLock { $0.installed[name] = Installed(rows: rows, content: content) }
        if isLast { publish() }
        return true
    }

    private func uninstall(_ name: String) {
        let gone = state.withLock { state in
            state.terminating.remove(name)
            return state.installed.removeValue(forKey: name)
        }
        guard let gone else { return }
        publish()
        registry.cache.uninstall(group: gone.rows.group, plural: gone.rows.plural)
    }

    private func publish() {
        let (rows, terminating) = state.withLock { state in
            (state.installed.sorted { $0.key < $1.key }.map(\.value.rows), state.terminating)
        }
        schema.replace(with: Schema(schema.base, adding: rows, terminating: terminating))
    }

    // MARK: Reconciliation

    private func reconcile(_ name: String) async {
        guard let definitions else { return }
        do {
            guard let definition = definitions[ObjectKey(name: name)]?.value else {
                let group = state.withLock { $0.installed[name]?.rows.group }
                uninstall(name)
                // Its names are free now.
                requeueOthers(in: group ?? Self.group(of: name), but: name)
                return
            }
            var wanted = definition
            let others = definitions.snapshot.objects.all.map(\.value).filter { $0.name != name }
            CustomResourceNames.accept(&wanted, among: others, now: registry.configuration.now())
            CustomResourceApproval.setCondition(in: &wanted, now: registry.configuration.now())
            if Self.isServed(wanted) {
                _ = try await install(wanted, publish: true)
                // Only what can be used is called established.
                CustomResourceNames.establish(&wanted, now: registry.configuration.now())
            }
            if wanted["status"] != definition["status"] {
                let status = wanted["status"]
                let names = definition[path: "status", "acceptedNames"]
                try await change(name) { $0["status"] = status }
                if wanted[path: "status", "acceptedNames"] != names {
                    requeueOthers(in: wanted["spec"]?["group"]?.stringValue ?? "", but: name)
                }
                return
            }
            if definition.isBeingDeleted, definition.finalizers.contains(Self.finalizer) {
                try await cleanUp(definition)
            }
        } catch {
            logger.warning("CustomResourceDefinition \(name): \(error); trying again")
            requeue(name)
        }
    }

    private static func group(of name: String) -> String {
        name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? ""
    }

    private func requeueOthers(in group: String, but name: String) {
        for object in definitions?.snapshot.objects.all ?? []
        where object.key.name != name && object.value["spec"]?["group"]?.stringValue == group {
            queue.yield(object.key.name)
        }
    }

    private func requeue(_ name: String) {
        let queue = queue
        registry.resume(after: Self.retryDelay) { queue.yield(name) }
    }

    /// Changes a definition in the store; does nothing if it is gone.
    private func change(_ name: String, _ body: @escaping @Sendable (inout JSONValue) -> Void) async throws(APIError) {
        guard let definitions else { return }
        let missing = APIError.notFound("customresourcedefinitions", group: "apiextensions.k8s.io", name: name)
        let result: Result<MutationResult, APIError> = await withCheckedContinuation { continuation in
            registry.mutate(
                ObjectKey(name: name), in: definitions, dryRun: false, missing: missing,
                plan: { current throws(APIError) in
                    var object = current.value
                    body(&object)
                    if object.isBeingDeleted, object.finalizers.isEmpty {
                        return PlannedMutation(.remove(last: object))
                    }
                    return PlannedMutation(.write(object))
                }, completion: { continuation.resume(returning: $0) })
        }
        if case .failure(let error) = result, !error.isNotFound { throw error }
    }

    // MARK: Cleaning up

    /// Deletes all objects of a definition that is being deleted, and lets it go when they are gone.
    private func cleanUp(_ definition: JSONValue) async throws(APIError) {
        let name = definition.name
        func finish(_ reason: String, _ message: String) async throws(APIError) {
            let now = registry.configuration.now()
            try await change(name) { object in
                CustomResourceConditions.set(
                    "Terminating", "False", reason: reason, message: message, in: &object, now: now)
                let rest = object.finalizers.filter { $0 != Self.finalizer }
                object.updateMetadata { $0.set("finalizers", rest) }
            }
        }
        guard let rows = state.withLock({ $0.installed[name]?.rows }),
            let storage = registry.cache.customStorage(group: rows.group, plural: rows.plural)
        else { return try await finish("NeverEstablished", "resource was never established") }
        if storage.count == 0 { return try await finish("InstanceDeletionCompleted", "removed all instances") }
        let queue = queue
        storage.whenEmpty { queue.yield(name) }
        var problem = await deleteAll(in: storage)
        if problem == nil, storage.caches.isEmpty { problem = .internalError("nothing serves \(name)") }
        let now = registry.configuration.now()
        let (reason, message) =
            problem.map { ("InstanceDeletionFailed", "could not issue all deletes: \($0.message)") }
            ?? ("InstanceDeletionInProgress", "CustomResource deletion is in progress")
        try await change(name) { object in
            CustomResourceConditions.set("Terminating", "True", reason: reason, message: message, in: &object, now: now)
        }
        if problem != nil { requeue(name) }
    }

    /// Deletes every object; those with finalizers are marked.
    /// - Returns: the first reason why one could not be.
    private func deleteAll(in storage: CustomResourceStorage) async -> APIError? {
        guard let cache = storage.caches.first else { return nil }
        var failure: APIError?
        for object in storage.snapshot.objects.all where !object.value.isBeingDeleted {
            var request = RegistryRequest(
                user: Bootstrap.user, verb: .delete, resource: cache.resource, cache: cache)
            request.namespace = object.key.namespace
            request.name = object.key.name
            let single = request
            let result: Result<Answer, APIError> = await withCheckedContinuation { continuation in
                registry.perform(single) { continuation.resume(returning: $0) }
            }
            if case .failure(let error) = result, !error.isNotFound { failure = failure ?? error }
        }
        return failure
    }
}

/// Hears which objects have changed, and nothing else about them.
private struct NameSink: WatchSink {
    let heard: @Sendable (String) -> Void

    init(_ heard: @escaping @Sendable (String) -> Void) { self.heard = heard }

    func send(_ events: [WatchEvent]) -> Bool {
        for event in events { heard(event.object.key.name) }
        return true
    }

    func bookmark(_ revision: Revision, initialEventsEnd: Bool) {}
    func fail(_ error: APIError) {}
    func end() {}
}
