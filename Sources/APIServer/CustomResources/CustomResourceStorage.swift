// The objects of one CustomResourceDefinition in memory: as they are stored, and in each version that is served.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

/// Made anew when the definition changes in a way that concerns its objects; the old one's watches end then, and clients
/// list again.
final class CustomResourceStorage: Sendable {
    let rows: CustomResourceRows
    /// `/registry/GROUP/PLURAL/`
    let prefix: String
    /// What the definition was when this was made.
    let definition: JSONValue
    /// A cache for each version, that of the storage version first.
    let caches: [ResourceCache]

    private let raw = RawObjects()

    private struct State {
        /// Changes that came while the objects were being loaded; nil afterwards.
        var waiting: [StoreEvent]? = []
        var whenEmpty: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    init(_ rows: CustomResourceRows, definition: JSONValue, webhook: ConversionWebhook?) {
        self.rows = rows
        self.definition = definition
        prefix = "\(WatchCache.root)\(rows.group)/\(rows.plural)/"
        var caches: [ResourceCache] = []
        let versions = [rows.storage] + rows.served.filter { $0 != rows.storage }
        for resource in versions {
            guard let version = resource.custom, let storage = rows.storage.custom else { continue }
            caches.append(
                ResourceCache(
                    resource: resource, prefix: prefix,
                    form: CustomResourceForm(
                        version: version, storage: storage, webhook: versions.count > 1 ? webhook : nil),
                    raw: raw))
        }
        self.caches = caches
    }

    var count: Int { raw.snapshot.objects.count }

    /// The objects as they are stored, and the last change among them.
    var snapshot: (objects: ObjectMap, revision: Revision) { raw.snapshot }

    // MARK: Changes

    /// A change in the store, and whether this process has just encoded the object under the schema of today.
    typealias Change = (event: StoreEvent, isFresh: Bool)

    /// Takes changes from the store, in order, on its thread.
    func apply(_ changes: [Change]) {
        let isLoading = state.withLock { state in
            guard state.waiting != nil else { return false }
            state.waiting?.append(contentsOf: changes.map(\.event))
            return true
        }
        if !isLoading { forward(changes) }
    }

    private func forward(_ events: [Change]) {
        let changes = events.map { event, isFresh in
            let key = ResourceCache.objectKey(event.keyValue.key.dropFirst(prefix.count))
            return RawChange(
                kind: event.kind, object: StoredObject.object(event.keyValue, key: key), isFresh: isFresh)
        }
        let whenEmpty = state.withLock { state -> [@Sendable () -> Void] in
            guard raw.apply(changes) == 0 else { return [] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for cache in caches { cache.take(changes) }
        for handler in whenEmpty { handler() }
    }

    /// Begins with the objects that were in the store at a revision; changes that came since follow.
    func load(_ objects: [CachedObject], at revision: Revision) {
        raw.load(objects, at: revision)
        for cache in caches { cache.loadRaw(objects, at: revision) }
        while true {
            let missed: [StoreEvent] = state.withLock { state in
                let waiting = state.waiting ?? []
                state.waiting = waiting.isEmpty ? nil : []
                return waiting
            }
            if missed.isEmpty { return }
            let later = missed.filter { $0.keyValue.modRevision > revision }
            forward(later.map { (event: $0, isFresh: false) })
        }
    }

    /// Begins anew with the objects that are in the store at a revision, because changes were missed.
    func reload(_ objects: [CachedObject], at revision: Revision) {
        raw.reload(objects, at: revision)
        for cache in caches { cache.reloadRaw(objects, at: revision) }
        let whenEmpty = state.withLock { state -> [@Sendable () -> Void] in
            guard objects.isEmpty else { return [] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for handler in whenEmpty { handler() }
    }

    /// Calls `handler` once when there is no object any more, at once if there is none.
    func whenEmpty(_ handler: @escaping @Sendable () -> Void) {
        let isEmpty = state.withLock { state in
            let isEmpty = count == 0
            if !isEmpty { state.whenEmpty.append(handler) }
            return isEmpty
        }
        if isEmpty { handler() }
    }

    /// Ends all watches: what they watch is no longer served in this form.
    func endWatches() {
        for cache in caches { cache.endWatches() }
    }
}

/// The objects of a definition as they are stored.
final class RawObjects: Sendable {
    private let state = Mutex<(objects: ObjectMap, revision: Revision)>((ObjectMap(), 0))

    /// The objects, and the last change among them.
    var snapshot: (objects: ObjectMap, revision: Revision) { state.withLock { $0 } }

    func load(_ objects: [CachedObject], at revision: Revision) {
        state.withLock { state in
            for object in objects { state.objects.set(object) }
            state.revision = revision
        }
    }

    func reload(_ objects: [CachedObject], at revision: Revision) {
        state.withLock { $0.objects = ObjectMap() }
        load(objects, at: revision)
    }

    /// - Returns: how many objects there are now.
    func apply(_ changes: [RawChange]) -> Int {
        state.withLock { state in
            for change in changes {
                if change.kind == .deleted {
                    state.objects.remove(change.object.key)
                } else {
                    state.objects.set(change.object)
                }
                state.revision = change.object.revision
            }
            return state.objects.count
        }
    }
}

/// A change to an object in the form in which it is stored.
struct RawChange: Sendable {
    let kind: StoreEvent.Kind
    let object: CachedObject
    /// Just encoded by this process under the schema of today.
    let isFresh: Bool
}
