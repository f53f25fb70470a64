// The objects of one storage resource in memory, its recent changes, and who watches it.

import APISchema
import DequeModule
import JSON
import KubeTypes
import Storage
import Synchronization

final class ResourceCache: Sendable {
    /// The row whose version objects are stored in.
    let resource: ResourceType
    /// `/registry/apps/deployments/`
    let prefix: String
    /// How stored objects become those of this version; nil for built-in types, which are cached as they are stored.
    let form: CustomResourceForm?
    /// The objects as they are stored, where `form` converts them.
    private let raw: RawObjects
    /// Where objects wait for a conversion webhook; nil where nobody has to be asked.
    private let queue: ConversionQueue?

    private struct State {
        var objects = ObjectMap()
        /// The last change to an object of this resource.
        var revision: Revision = 0
        /// Recent changes, oldest first: all that came after `floor`.
        var recent = Deque<CacheEvent>()
        var recentBytes = 0
        var floor: Revision = 0
        var watchers: [Int: Watcher] = [:]
        /// The watchers of a single node's pods apart from the others: there may be one for every node, and each hears
        /// only of its own.
        var general: [Int: Watcher] = [:]
        var byNode: [String: [Int: Watcher]] = [:]
        /// Told of changes before watchers are.
        var observers: [@Sendable ([CacheEvent]) -> Void] = []
    }

    private let state = Mutex(State())

    /// How much of the past is kept for watches that begin at an older revision.
    private static let recentLimit = 2048
    private static let recentBytesLimit = 2 << 20

    /// - Parameter raw: the objects as they are stored, where `form` converts them.
    init(resource: ResourceType, prefix: String, form: CustomResourceForm? = nil, raw: RawObjects = RawObjects()) {
        self.resource = resource
        self.prefix = prefix
        self.form = form
        self.raw = raw
        queue = form.flatMap { $0.webhook == nil ? nil : ConversionQueue($0, raw) }
    }

    // MARK: Versions of custom resources

    /// Begins with objects in their stored form.
    func loadRaw(_ objects: [CachedObject], at revision: Revision) {
        // A queue looks at them when somebody asks for this version.
        if queue != nil { return }
        load(objects.map { form?.shown($0) ?? $0 }, at: revision)
    }

    /// Begins anew with objects in their stored form, because changes were missed.
    func reloadRaw(_ objects: [CachedObject], at revision: Revision) {
        if let queue { return queue.restart(with: objects, at: revision, into: self) }
        reload(objects.map { form?.shown($0) ?? $0 }, at: revision)
    }

    /// Takes changes of objects in their stored form.
    func take(_ changes: [RawChange]) {
        if let queue { return queue.take(changes, into: self) }
        apply(changes.map { ($0.kind, form?.shown($0.object, isFresh: $0.isFresh) ?? $0.object) })
    }

    /// Whether an object would be stored in another version if it were written today, so that even a write that changes
    /// nothing is one.
    func isStoredInFormerVersion(_ key: ObjectKey) -> Bool {
        guard let form, let stored = raw.snapshot.objects[key] else { return false }
        return stored.transientValue["apiVersion"]?.stringValue != form.storedVersion
    }

    /// Whether a request may have to wait until all changes are here; false for all but resources with a conversion
    /// webhook.
    var mayLag: Bool { queue != nil }

    /// Calls `completion` when all changes so far are here, or with the reason why they cannot be.
    func catchUp(_ completion: @escaping @Sendable (APIError?) -> Void) {
        guard let queue else { return completion(nil) }
        queue.catchUp(self, completion)
    }

    /// Waits until all changes so far are here.
    /// - Returns: the reason why they cannot be.
    func caughtUp() async -> APIError? {
        guard mayLag else { return nil }
        return await withCheckedContinuation { continuation in catchUp { continuation.resume(returning: $0) } }
    }

    // MARK: Keys

    func storeKey(_ key: ObjectKey) -> String {
        key.namespace.isEmpty ? prefix + key.name : "\(prefix)\(key.namespace)/\(key.name)"
    }

    /// The key of an object from what follows the prefix in the store.
    func objectKey(_ rest: Substring) -> ObjectKey { Self.objectKey(rest) }

    static func objectKey(_ rest: Substring) -> ObjectKey {
        guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { return ObjectKey(name: String(rest)) }
        return ObjectKey(
            namespace: String(rest[..<slash]), name: String(rest[rest.index(after: slash)...]))
    }

    subscript(key: ObjectKey) -> CachedObject? { state.withLock { $0.objects[key] } }

    /// The objects now, and the last change among them.
    var snapshot: (objects: ObjectMap, revision: Revision) { state.withLock { ($0.objects, $0.revision) } }

    var count: Int { state.withLock { $0.objects.count } }
    var watcherCount: Int { state.withLock { $0.watchers.count } }
    var revision: Revision { state.withLock { $0.revision } }

    func load(_ objects: [CachedObject], at revision: Revision) {
        let observers = state.withLock { state in
            for object in objects { state.objects.set(object) }
            state.revision = objects.reduce(0) { max($0, $1.revision) }
            state.floor = revision
            return state.observers
        }
        guard !observers.isEmpty, !objects.isEmpty else { return }
        let events = objects.map { CacheEvent(kind: .created, object: $0, previous: nil) }
        for observer in observers { observer(events) }
    }

    /// Begins anew with other objects. Who has watched the former ones has missed what lies between: his watch ends, and
    /// he lists again.
    func replace(with objects: [CachedObject], at revision: Revision) {
        let former = state.withLock { state in
            state.objects = ObjectMap()
            state.recent = []
            state.recentBytes = 0
            return Array(state.watchers.values)
        }
        for watcher in former { watcher.end() }
        load(objects, at: revision)
    }

    /// The same for observers, who are not told to begin anew: they hear what has changed between the two. No watch goes
    /// on from before.
    func reload(_ objects: [CachedObject], at revision: Revision) {
        let (events, observers, watchers) = state.withLock { state in
            var gone = state.objects
            var events: [CacheEvent] = []
            for object in objects {
                let previous = gone.remove(object.key)
                if previous?.revision == object.revision { continue }
                events.append(
                    CacheEvent(kind: previous == nil ? .created : .updated, object: object, previous: previous))
                state.objects.set(object)
            }
            for object in gone.all {
                state.objects.remove(object.key)
                events.append(CacheEvent(kind: .deleted, object: object.restamped(revision), previous: object))
            }
            state.recent = []
            state.recentBytes = 0
            state.revision = revision
            state.floor = revision
            return (events, state.observers, Array(state.watchers.values))
        }
        if !events.isEmpty { for observer in observers { observer(events) } }
        for watcher in watchers { watcher.end() }
    }

    /// Ends all watches.
    func endWatches() { for watcher in watchers { watcher.end() } }

    /// Adds somebody inside the server who keeps what he computes from the objects current. He is told on the way of
    /// every write, before any watcher: he must be quick. To be called before `load`.
    func observe(_ observer: @escaping @Sendable ([CacheEvent]) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    /// Applies changes in order and tells the watchers. `changes` says for a key what it holds now, or, nil, that it is
    /// gone since a revision.
    func apply(_ changes: [(kind: StoreEvent.Kind, object: CachedObject)]) {
        let (events, observers, watchers, byNode) = state.withLock { state in
            var events: [CacheEvent] = []
            events.reserveCapacity(changes.count)
            for change in changes {
                let previous =
                    change.kind == .deleted
                    ? state.objects.remove(change.object.key) : state.objects.set(change.object)
                let event = CacheEvent(kind: change.kind, object: change.object, previous: previous)
                events.append(event)
                state.recent.append(event)
                state.recentBytes += change.object.bytes.count
                state.revision = change.object.revision
            }
            while state.recent.count > Self.recentLimit || state.recentBytes > Self.recentBytesLimit,
                let oldest = state.recent.popFirst()
            {
                state.recentBytes -= oldest.object.bytes.count
                state.floor = oldest.revision
            }
            return (events, state.observers, Array(state.general.values), state.byNode)
        }
        for observer in observers { observer(events) }
        for watcher in watchers { watcher.deliver(events) }
        if !byNode.isEmpty { deliver(events, byNode) }
    }

    private func deliver(_ events: [CacheEvent], _ byNode: [String: [Int: Watcher]]) {
        var concerned: [String: [CacheEvent]] = [:]
        for event in events {
            let node = Self.node(of: event.object)
            concerned[node, default: []].append(event)
            if let previous = event.previous {
                let before = Self.node(of: previous)
                if before != node { concerned[before, default: []].append(event) }
            }
        }
        for (node, events) in concerned {
            for watcher in (byNode[node] ?? [:]).values { watcher.deliver(events) }
        }
    }

    private static func node(of object: CachedObject) -> String {
        object.value["spec"]?["nodeName"]?.stringValue ?? ""
    }

    /// Registers a watcher and says with which objects it begins.
    /// - Returns: all objects, and the last change among them.
    func addWatcher(_ watcher: Watcher) -> (objects: ObjectMap, revision: Revision) {
        state.withLock { state in
            Self.register(watcher, in: &state)
            return (state.objects, state.revision)
        }
    }

    /// Registers a watcher that continues after a revision.
    /// - Returns: what it missed; nil if that is no longer in memory, and then it is not registered.
    func addWatcher(_ watcher: Watcher, after revision: Revision) -> [CacheEvent]? {
        state.withLock { state in
            guard revision >= state.floor else { return nil }
            Self.register(watcher, in: &state)
            // Few watches begin far back: look from the end.
            var start = state.recent.endIndex
            while start > state.recent.startIndex, state.recent[start - 1].revision > revision { start -= 1 }
            return Array(state.recent[start...])
        }
    }

    private static func register(_ watcher: Watcher, in state: inout State) {
        state.watchers[watcher.number] = watcher
        if let node = watcher.scope.fields?.required("spec.nodeName") {
            state.byNode[node, default: [:]][watcher.number] = watcher
        } else {
            state.general[watcher.number] = watcher
        }
    }

    func removeWatcher(_ watcher: Watcher) {
        state.withLock { state in
            let identifier = watcher.number
            guard state.watchers.removeValue(forKey: identifier) != nil else { return }
            state.general[identifier] = nil
            if let node = watcher.scope.fields?.required("spec.nodeName") {
                state.byNode[node]?[identifier] = nil
                if state.byNode[node]?.isEmpty == true { state.byNode[node] = nil }
            }
        }
    }

    var watchers: [Watcher] { state.withLock { Array($0.watchers.values) } }
}
