// All objects of the cluster in memory, kept current by the store's log.

import APISchema
import JSON
import KubeTypes
import Logging
import Storage
import Synchronization

/// The watch cache: reads are answered from it alone. It is as new as the last write that was answered, since the store
/// tells its watchers of a write before it completes it. What other servers wrote to the same store is there once
/// `Store.synchronize` says so.
public final class WatchCache: Sendable, ObjectLookup {
    static let root = "/registry/"

    let store: any Store
    /// Whether other servers write to the store.
    let isShared: Bool
    private let logger: Logger
    /// By `group/plural`, as in the keys of the store.
    private let caches: [String: ResourceCache]
    private let byIdentity: [Identity: ResourceCache]
    /// By served resource: those of several versions share one cache.
    private let byResource: [ObjectIdentifier: ResourceCache]
    /// What CustomResourceDefinitions have added. Built-in resources are found without it.
    private let custom = Mutex(CustomCaches())
    private let currentRevision = Atomic<Int64>(0)
    private let compacted = Atomic<Int64>(0)
    private let following = Mutex<(any StoreWatch)?>(nil)
    /// The stored forms of custom resources that are being written.
    private let announced = Mutex<[String: [UInt8]]>([:])

    private struct Identity: Hashable {
        let group: String
        let plural: String
    }

    init(schema: Schema, store: any Store, logger: Logger) {
        self.store = store
        isShared = store.isShared
        self.logger = logger
        var caches: [String: ResourceCache] = [:]
        var byIdentity: [Identity: ResourceCache] = [:]
        var byResource: [ObjectIdentifier: ResourceCache] = [:]
        for resource in schema.resources {
            let storage = resource.storage
            let path = "\(storage.group.isEmpty ? "core" : storage.group)/\(storage.plural)"
            let identity = Identity(group: storage.group, plural: storage.plural)
            if let shared = caches[path] {
                byResource[ObjectIdentifier(resource)] = shared
                continue
            }
            guard
                let row = schema.resource(group: storage.group, version: storage.version, plural: storage.plural)
            else { continue }
            let cache = ResourceCache(resource: row, prefix: "\(Self.root)\(path)/")
            caches[path] = cache
            byIdentity[identity] = cache
            byResource[ObjectIdentifier(resource)] = cache
        }
        self.caches = caches
        self.byIdentity = byIdentity
        self.byResource = byResource
    }

    /// The revision up to which every change is here.
    var revision: Revision {
        let last = currentRevision.load(ordering: .acquiring)
        // A shared store may have come further without a change that concerns us.
        return isShared ? max(last, store.revision) : last
    }

    /// The revision before which history was forgotten since this server runs.
    var compactedRevision: Revision {
        let own = compacted.load(ordering: .acquiring)
        return isShared ? max(own, store.compactedRevision) : own
    }

    /// Forgets history before `revision`.
    func compact(to revision: Revision) async throws(StoreError) {
        try await store.compact(to: revision)
        compacted.store(revision, ordering: .releasing)
    }

    /// The cache that holds a served resource's objects.
    func cache(for resource: ResourceType) -> ResourceCache? {
        if resource.custom == nil { return byResource[ObjectIdentifier(resource)] }
        return custom.withLock { custom in
            if let cache = custom.byResource[ObjectIdentifier(resource)] { return cache }
            // The definition is changing: its new rows are about to be published.
            return custom.current["\(resource.group)/\(resource.plural)"]?.caches.first {
                $0.resource.version == resource.version
            }
        }
    }

    /// The cache of a resource in the version in which it is stored.
    func cache(group: String, resource: String) -> ResourceCache? {
        if let cache = byIdentity[Identity(group: group, plural: resource)] { return cache }
        return custom.withLock { $0.current["\(group)/\(resource)"]?.caches.first }
    }

    /// The caches of built-in resources.
    var builtin: some Collection<ResourceCache> { caches.values }

    /// The caches of all resources, those of custom ones in every version.
    var all: [ResourceCache] { Array(caches.values) + custom.withLock { $0.current.values.flatMap(\.caches) } }

    // MARK: Custom resources

    /// The storages that are told of changes, by `group/plural`, and the caches that requests find.
    private struct CustomCaches {
        var current: [String: CustomResourceStorage] = [:]
        /// Those that are being loaded and will take the place of the current ones.
        var coming: [String: CustomResourceStorage] = [:]
        var byResource: [ObjectIdentifier: ResourceCache] = [:]
        /// How often everything was read again.
        var restarts = 0
    }

    func customStorage(group: String, plural: String) -> CustomResourceStorage? {
        custom.withLock { $0.current["\(group)/\(plural)"] }
    }

    /// Reads the objects of a new definition, or takes over those of one that changed, and puts the storage in its place.
    /// Changes that happen meanwhile are not lost. Called by one task at a time.
    func install(_ storage: CustomResourceStorage) async throws(StoreError) {
        let path = "\(storage.rows.group)/\(storage.rows.plural)"
        let (former, restarts) = custom.withLock { custom in
            custom.coming[path] = storage
            return (custom.current[path], custom.restarts)
        }
        if let former {
            let (objects, revision) = former.snapshot
            storage.load(objects.all, at: revision)
        } else {
            do throws(StoreError) {
                try await load(storage)
            } catch {
                custom.withLock { _ = $0.coming.removeValue(forKey: path) }
                throw error
            }
        }
        let isComplete = custom.withLock { custom in
            custom.coming[path] = nil
            guard custom.restarts == restarts else { return false }
            for cache in former?.caches ?? [] { custom.byResource[ObjectIdentifier(cache.resource)] = nil }
            for cache in storage.caches { custom.byResource[ObjectIdentifier(cache.resource)] = cache }
            custom.current[path] = storage
            return true
        }
        guard isComplete else { throw .failed("changes were missed while \(path) was read") }
        former?.endWatches()
    }

    private func load(_ storage: CustomResourceStorage) async throws(StoreError) {
        var objects: [CachedObject] = []
        var start: String?
        var revision: Revision?
        while true {
            let page = try await store.range(prefix: storage.prefix, start: start, limit: 2000, at: revision)
            revision = page.revision
            for keyValue in page.keyValues {
                let key = ResourceCache.objectKey(keyValue.key.dropFirst(storage.prefix.count))
                objects.append(StoredObject.object(keyValue, key: key))
            }
            guard page.more, let last = page.keyValues.last else { break }
            start = last.key + "\0"
        }
        storage.load(objects, at: revision ?? 0)
    }

    /// Forgets the objects of a definition that is gone.
    func uninstall(group: String, plural: String) {
        let gone = custom.withLock { custom in
            let gone = custom.current.removeValue(forKey: "\(group)/\(plural)")
            for cache in gone?.caches ?? [] { custom.byResource[ObjectIdentifier(cache.resource)] = nil }
            return gone
        }
        gone?.endWatches()
    }

    /// The storages that a key of the store concerns.
    private func customStorages(_ path: String) -> [CustomResourceStorage] {
        guard path.hasPrefix(Self.root) else { return [] }
        let rest = path.dropFirst(Self.root.count)
        guard let group = rest.firstIndex(of: "/"), let plural = rest[rest.index(after: group)...].firstIndex(of: "/")
        else { return [] }
        let name = String(rest[..<plural])
        return custom.withLock { [$0.current[name], $0.coming[name]].compactMap { $0 } }
    }

    // MARK: The log

    /// Reads everything and follows the log.
    func start() async throws(StoreError) {
        let (loaded, revision) = try await readAll()
        for cache in caches.values { cache.load(loaded[cache.prefix] ?? [], at: revision) }
        currentRevision.store(revision, ordering: .releasing)
        try follow(after: revision)
    }

    /// All objects by their resources' prefixes, at one revision. Those of custom resources are among them.
    private func readAll() async throws(StoreError) -> (objects: [String: [CachedObject]], revision: Revision) {
        var loaded: [String: [CachedObject]] = [:]
        var start: String?
        var revision: Revision?
        while true {
            let page = try await store.range(prefix: Self.root, start: start, limit: 2000, at: revision)
            revision = page.revision
            for keyValue in page.keyValues {
                guard let (prefix, key) = Self.split(keyValue.key) else { continue }
                loaded[prefix, default: []].append(StoredObject.object(keyValue, key: key))
            }
            guard page.more, let last = page.keyValues.last else { break }
            start = last.key + "\0"
        }
        return (loaded, revision ?? 0)
    }

    private func follow(after revision: Revision) throws(StoreError) {
        let watch = try store.watch(
            prefix: Self.root, after: revision, handler: { [weak self] events in self?.apply(events) },
            ended: { [weak self] error in
                self?.logger.warning("the store's watch ended: \(error); everything is read again")
                Task { [weak self] in await self?.restart() }
            })
        let former = following.withLock { following in
            defer { following = watch }
            return following
        }
        former?.cancel()
    }

    /// Reads everything again, because history was missed. Watches end: their clients list again.
    private func restart() async {
        while following.withLock({ $0 != nil }) {
            do throws(StoreError) {
                let (loaded, revision) = try await readAll()
                for cache in caches.values { cache.reload(loaded[cache.prefix] ?? [], at: revision) }
                // Those that are being read have missed changes, too, and are read again.
                let storages = custom.withLock { custom in
                    custom.restarts += 1
                    return Array(custom.current.values)
                }
                for storage in storages { storage.reload(loaded[storage.prefix] ?? [], at: revision) }
                currentRevision.store(revision, ordering: .releasing)
                return try follow(after: revision)
            } catch {
                logger.error("the store cannot be read again: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    func stop() {
        let watch = following.withLock { watch in
            defer { watch = nil }
            return watch
        }
        watch?.cancel()
    }

    /// What a key begins with up to its resource, and what of it names the object.
    private static func split(_ path: String) -> (prefix: String, key: ObjectKey)? {
        guard path.hasPrefix(root) else { return nil }
        let rest = path.dropFirst(root.count)
        guard let group = rest.firstIndex(of: "/"), let plural = rest[rest.index(after: group)...].firstIndex(of: "/")
        else { return nil }
        let end = rest.index(after: plural)
        return (String(path[..<end]), ResourceCache.objectKey(rest[end...]))
    }

    private func locate(_ path: String) -> (ResourceCache, ObjectKey)? {
        guard path.hasPrefix(Self.root) else { return nil }
        let rest = path.dropFirst(Self.root.count)
        guard let group = rest.firstIndex(of: "/"),
            let plural = rest[rest.index(after: group)...].firstIndex(of: "/"),
            let cache = caches[String(rest[..<plural])]
        else { return nil }
        return (cache, cache.objectKey(rest[rest.index(after: plural)...]))
    }

    private func apply(_ events: [StoreEvent]) {
        guard let last = events.last else { return }
        // Changes of one resource are applied together; between resources no order is promised to anybody.
        var order: [ResourceCache] = []
        var changes: [ObjectIdentifier: [(kind: StoreEvent.Kind, object: CachedObject)]] = [:]
        var customEvents: [StoreEvent] = []
        for event in events {
            guard let (cache, key) = locate(event.keyValue.key) else {
                customEvents.append(event)
                continue
            }
            let object = StoredObject.object(event.keyValue, key: key)
            if changes[ObjectIdentifier(cache)] == nil { order.append(cache) }
            changes[ObjectIdentifier(cache), default: []].append((kind: event.kind, object: object))
        }
        for cache in order { cache.apply(changes[ObjectIdentifier(cache)] ?? []) }
        if !customEvents.isEmpty { applyCustom(customEvents) }
        currentRevision.store(last.keyValue.modRevision, ordering: .releasing)
    }

    private func applyCustom(_ events: [StoreEvent]) {
        var order: [CustomResourceStorage] = []
        var grouped: [ObjectIdentifier: [CustomResourceStorage.Change]] = [:]
        for event in events {
            let isFresh = takeAnnouncement(event.keyValue)
            for storage in customStorages(event.keyValue.key) {
                if grouped[ObjectIdentifier(storage)] == nil { order.append(storage) }
                grouped[ObjectIdentifier(storage), default: []].append((event: event, isFresh: isFresh))
            }
        }
        for storage in order { storage.apply(grouped[ObjectIdentifier(storage)] ?? []) }
    }

    // MARK: Custom resources that are being written

    /// Says that this process is writing an object that has the form of today's schema: it need not be checked again.
    func announce(_ path: String, stored: [UInt8]) { announced.withLock { $0[path] = stored } }

    func dropAnnouncement(_ path: String) { announced.withLock { _ = $0.removeValue(forKey: path) } }

    private func takeAnnouncement(_ keyValue: KeyValue) -> Bool {
        announced.withLock { $0.removeValue(forKey: keyValue.key) } == keyValue.value
    }

    /// A watch of one resource that begins further back than memory reaches: fed from the store's history.
    func followHistory(of cache: ResourceCache, after revision: Revision, _ watcher: Watcher) throws(StoreError)
        -> any StoreWatch
    {
        let told: @Sendable ([StoreEvent]) -> Void = { events in
            watcher.deliver(
                events.map { event in
                    let key = cache.objectKey(event.keyValue.key.dropFirst(cache.prefix.count))
                    func shown(_ keyValue: KeyValue) -> CachedObject {
                        let object = StoredObject.object(keyValue, key: key)
                        return cache.form?.shown(object) ?? object
                    }
                    return CacheEvent(
                        kind: event.kind, object: shown(event.keyValue), previous: event.previous.map(shown))
                })
        }
        // Whoever has missed something lists again.
        return try store.watch(
            prefix: cache.prefix, after: revision, handler: told, ended: { watcher.fail(APIError($0)) })
    }

    // MARK: ObjectLookup

    public func object(group: String, resource: String, namespace: String, name: String) -> CachedObject? {
        cache(group: group, resource: resource)?[ObjectKey(namespace: namespace, name: name)]
    }

    public func objects(group: String, resource: String, namespace: String?) -> [CachedObject] {
        guard let objects = cache(group: group, resource: resource)?.snapshot.objects else { return [] }
        return namespace.map { objects.objects(namespace: $0) } ?? objects.all
    }

    public func generation(group: String, resource: String) -> Int64 {
        cache(group: group, resource: resource)?.revision ?? 0
    }
}
