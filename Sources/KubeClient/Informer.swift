import JSON
import KubeTypes
import Logging
import Synchronization

/// A local copy of the objects of one resource, kept current by a list and a watch.
///
/// Handlers are called one after the other, on the informer's task, after the copy has changed: they should do no more
/// than put a key into a queue.
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

    private struct State {
        var objects: [ObjectKey: Object] = [:]
        var handlers: [Handler] = []
        var synced = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let client: KubeClient
    private let namespace: String?
    private let labelSelector: String?
    private let fieldSelector: String?
    private let logger: Logger

    public init(
        _ client: KubeClient, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        logger: Logger = Logger(label: "informer")
    ) {
        self.client = client
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
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

    public subscript(key: ObjectKey) -> Object? { state.withLock { $0.objects[key] } }

    public func get(_ name: String, namespace: String = "") -> Object? { self[ObjectKey(namespace: namespace, name: name)] }

    public var objects: [Object] { state.withLock { Array($0.objects.values) } }

    public func objects(namespace: String) -> [Object] {
        state.withLock { $0.objects.values.filter { $0.namespace == namespace } }
    }

    public var count: Int { state.withLock { $0.objects.count } }

    public var hasSynced: Bool { state.withLock { $0.synced } }

    /// Returns once the first list has arrived.
    public func waitForSync() async {
        await withCheckedContinuation { continuation in
            let synced = state.withLock { state in
                if !state.synced { state.waiters.append(continuation) }
                return state.synced
            }
            if synced { continuation.resume() }
        }
    }

    /// Lists and watches until the task is cancelled, and begins anew, after a growing delay, whenever that breaks.
    public func run() async {
        var delay = Duration.milliseconds(50)
        while !Task.isCancelled {
            do {
                let list = try await client.list(
                    Object.self, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector)
                replace(list.items)
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
        while !Task.isCancelled {
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
        }
    }

    private func apply(_ kind: KubeWatchEvent.Kind, _ object: Object) {
        let (change, handlers): (Change?, [Handler]) = state.withLock { state in
            switch kind {
            case .added, .modified:
                let old = state.objects.updateValue(object, forKey: object.key)
                return (old.map { .updated(old: $0, new: object) } ?? .added(object), state.handlers)
            case .deleted:
                state.objects[object.key] = nil
                return (.deleted(object), state.handlers)
            case .bookmark, .error: return (nil, [])
            }
        }
        guard let change else { return }
        for handler in handlers { handler(change) }
    }

    private func replace(_ items: [Object]) {
        let (changes, handlers, waiters) = state.withLock { state in
            var changes: [Change] = []
            var fresh = [ObjectKey: Object](minimumCapacity: items.count)
            for item in items {
                fresh[item.key] = item
                if let old = state.objects[item.key] {
                    if old.resourceVersion != item.resourceVersion { changes.append(.updated(old: old, new: item)) }
                } else {
                    changes.append(.added(item))
                }
            }
            for (key, old) in state.objects where fresh[key] == nil { changes.append(.deleted(old)) }
            state.objects = fresh
            state.synced = true
            defer { state.waiters = [] }
            return (changes, state.handlers, state.waiters)
        }
        for change in changes { for handler in handlers { handler(change) } }
        for waiter in waiters { waiter.resume() }
    }
}
