import JSON
import KubeTypes
import Logging
import Synchronization

/// A local copy of the objects of one resource, kept current by a list and a watch.
///
/// Handlers are called one after the other, on the informer's task, after the copy and its indices have changed: they
/// should do no more than put a key into a queue.
public final class Informer<Object: KubeObject>: Sendable {
    public enum Change: Sendable {
        case added(Object)
        case updated(old: Object, new: Object)
        case deleted(Object)

        /// The object as it is now, or was last.
        public var object: Object {
            switch self {
            case .added(let object), .updated(_, let object), .deleted(let object): object
            }
        }
    }

    public typealias Handler = @Sendable (Change) -> Void
    /// The keys under which an index holds an object: none, one or several, no key twice.
    public typealias Indexer = @Sendable (Object) -> [String]

    private struct State {
        var objects: [ObjectKey: Object] = [:]
        /// A handful, in an array: going through a dictionary's keys would keep a second hold of it, and every change
        /// would copy the whole of an index.
        var indices: [InformerIndex<Object>] = []
        var views: [any InformerView<Object>] = []
        var handlers: [Handler] = []
        var synced = false
        var resourceVersion = ""
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0

        mutating func set(_ object: Object, _ key: ObjectKey) -> Object? {
            let old = objects.updateValue(object, forKey: key)
            for position in indices.indices { indices[position].replace(old, by: object, key) }
            for view in views { view.replace(old, by: object) }
            return old
        }

        mutating func remove(_ key: ObjectKey) -> Object? {
            guard let old = objects.removeValue(forKey: key) else { return nil }
            for position in indices.indices { indices[position].replace(old, by: nil, key) }
            for view in views { view.replace(old, by: nil) }
            return old
        }

        mutating func addIndex(_ name: String, _ keys: @escaping Indexer) {
            var index = InformerIndex(name, keys)
            for (key, object) in objects { index.replace(nil, by: object, key) }
            indices.append(index)
        }

        func index(_ name: String) -> InformerIndex<Object>? { indices.first { $0.name == name } }
    }

    private let state = Mutex(State())
    private let client: KubeClient
    private let namespace: String?
    private let labelSelector: String?
    private let fieldSelector: String?
    private let transform: (@Sendable (Object) -> Object)?
    private let logger: Logger

    private static var byNamespace: String { "\u{0}namespace" }

    /// - Parameter transform: Changes an object before it is kept, to drop what its readers never look at
    ///   (`managedFields`, most of all). Name, namespace and resourceVersion must stay.
    public init(
        _ client: KubeClient, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        transform: (@Sendable (Object) -> Object)? = nil, logger: Logger = Logger(label: "informer")
    ) {
        self.client = client
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.transform = transform
        self.logger = logger
    }

    /// Adds a handler; it hears of every object there is first.
    public func addHandler(_ handler: @escaping Handler) {
        let objects = state.withLock { state in
            state.handlers.append(handler)
            return state.objects.values
        }
        for object in objects { handler(.added(object)) }
    }

    /// Adds an index under a name, so that `objects(by:_:)` finds objects without looking at all of them. An index whose
    /// name is taken already is left as it is: several users of one informer may ask for the same.
    public func addIndex(_ name: String, _ keys: @escaping Indexer) {
        state.withLock { state in if state.index(name) == nil { state.addIndex(name, keys) } }
    }

    /// Adds a view, which hears of every object there is first.
    public func addView(_ view: some InformerView<Object>) {
        state.withLock { state in
            for object in state.objects.values { view.replace(nil, by: object) }
            state.views.append(view)
        }
    }

    /// The objects that the index `name` holds under `value`, in no order; none if there is no such index.
    public func objects(by name: String, _ value: String) -> [Object] {
        state.withLock { $0.index(name)?[value].map { Array($0.values) } ?? [] }
    }

    /// How many objects the index `name` holds under `value`.
    public func count(by name: String, _ value: String) -> Int {
        state.withLock { $0.index(name)?[value]?.count ?? 0 }
    }

    public subscript(key: ObjectKey) -> Object? { state.withLock { $0.objects[key] } }

    public func get(_ name: String, namespace: String = "") -> Object? {
        self[ObjectKey(namespace: namespace, name: name)]
    }

    public var objects: [Object] { state.withLock { Array($0.objects.values) } }

    /// The objects of one namespace, from an index that is made when it is first asked for.
    public func objects(namespace: String) -> [Object] {
        state.withLock { state in
            if state.index(Self.byNamespace) == nil { state.addIndex(Self.byNamespace) { [$0.namespace] } }
            return state.index(Self.byNamespace)?[namespace].map { Array($0.values) } ?? []
        }
    }

    public var count: Int { state.withLock { $0.objects.count } }

    /// The revision up to which this copy is current; empty before the first list. What was written at or before it shows
    /// here.
    public var resourceVersion: String { state.withLock { $0.resourceVersion } }

    public var hasSynced: Bool { state.withLock { $0.synced } }

    /// Returns once the first list has arrived, or the task is cancelled.
    public func waitForSync() async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resume = state.withLock { state in
                    if state.synced || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if resume { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    /// Lists and watches until the task is cancelled, and begins anew, after a growing delay, whenever that breaks.
    public func run() async {
        var delay = Duration.milliseconds(50)
        while !Task.isCancelled {
            do {
                let list = try await client.list(
                    Object.self, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector)
                replace(list.items, at: list.resourceVersion)
                delay = .milliseconds(50)
                try await follow(from: list.resourceVersion)
            } catch is CancellationError {
                return
            } catch {
                logger.debug("list and watch of \(Object.type.resource) broke: \(error)")
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(10))
        }
    }

    /// Watches from a revision on, and again from where the watch ended, until the revision is gone.
    private func follow(from start: String) async throws {
        var resourceVersion = start
        var delay = Duration.milliseconds(10)
        while !Task.isCancelled {
            let before = resourceVersion
            let events = try await client.watch(
                Object.self, namespace: namespace, resourceVersion: resourceVersion, labelSelector: labelSelector,
                fieldSelector: fieldSelector)
            for try await event in events {
                if event.kind == .error { throw APIError(Status(event.object)) }
                let object = Object(event.object)
                if !object.resourceVersion.isEmpty { resourceVersion = object.resourceVersion }
                apply(event.kind, object)
            }
            try Task.checkCancellation()
            // A server that ends every watch at once must not be asked in a tight loop.
            delay = resourceVersion == before ? min(delay * 2, .seconds(1)) : .milliseconds(10)
            try await Task.sleep(for: delay)
        }
    }

    private func apply(_ kind: KubeWatchEvent.Kind, _ received: Object) {
        let object = transform?(received) ?? received
        let (change, handlers): (Change?, [Handler]) = state.withLock { state in
            if !received.resourceVersion.isEmpty { state.resourceVersion = received.resourceVersion }
            switch kind {
            case .added, .modified:
                let old = state.set(object, object.key)
                return (old.map { .updated(old: $0, new: object) } ?? .added(object), state.handlers)
            case .deleted:
                _ = state.remove(object.key)
                return (.deleted(object), state.handlers)
            case .bookmark, .error: return (nil, [])
            }
        }
        guard let change else { return }
        for handler in handlers { handler(change) }
    }

    /// Takes a list for the new state. An object that went and came back under its name between two lists counts as
    /// deleted and added, for whoever keeps track by UID.
    private func replace(_ received: [Object], at resourceVersion: String) {
        let items = transform.map { received.map($0) } ?? received
        let (changes, handlers, waiters) = state.withLock { state in
            var changes: [Change] = []
            var fresh = Set<ObjectKey>(minimumCapacity: items.count)
            for item in items {
                let key = item.key
                fresh.insert(key)
                switch state.set(item, key) {
                case nil: changes.append(.added(item))
                case let old? where old.uid != item.uid: changes += [.deleted(old), .added(item)]
                case let old? where old.resourceVersion != item.resourceVersion:
                    changes.append(.updated(old: old, new: item))
                default: break
                }
            }
            for key in Array(state.objects.keys) where !fresh.contains(key) {
                if let old = state.remove(key) { changes.append(.deleted(old)) }
            }
            state.synced = true
            state.resourceVersion = resourceVersion
            defer { state.waiters = [:] }
            return (changes, state.handlers, state.waiters.values)
        }
        for change in changes { for handler in handlers { handler(change) } }
        for waiter in waiters { waiter.resume() }
    }
}

/// What is computed from an informer's objects, one by one. It changes together with the informer's copy, before handlers
/// hear of the change, and under the same lock: it must not ask the informer anything.
public protocol InformerView<Object>: Sendable {
    associatedtype Object: KubeObject
    /// - Parameters:
    ///   - old: Nil for an object that is new.
    ///   - new: Nil for one that is gone.
    func replace(_ old: Object?, by new: Object?)
}

/// Objects under the keys that a function computes from them.
struct InformerIndex<Object: KubeObject>: Sendable {
    let name: String
    private let keys: @Sendable (Object) -> [String]
    private var buckets: [String: [ObjectKey: Object]] = [:]

    init(_ name: String, _ keys: @escaping @Sendable (Object) -> [String]) {
        self.name = name
        self.keys = keys
    }

    subscript(value: String) -> [ObjectKey: Object]? { buckets[value] }

    mutating func replace(_ old: Object?, by new: Object?, _ key: ObjectKey) {
        let after = new.map(keys) ?? []
        if let old {
            for value in keys(old) where !after.contains(value) {
                buckets[value]?[key] = nil
                if buckets[value]?.isEmpty == true { buckets[value] = nil }
            }
        }
        if let new { for value in after { buckets[value, default: [:]][key] = new } }
    }
}
