// One watch: which changes it is told of, in which order it begins, and how it ends.

import APISchema
import JSON
import KubeTypes
import Storage
import Synchronization

/// A change to an object of a resource, as the watch cache tells its watchers.
struct CacheEvent: Sendable {
    let kind: StoreEvent.Kind
    /// The object after the change; for a deletion, as it was last, with the revision of the deletion.
    let object: CachedObject
    let previous: CachedObject?
    var revision: Revision { object.revision }
}

/// What a client is told.
struct WatchEvent: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }
    let kind: Kind
    let object: CachedObject
}

/// Which objects a list or watch is about.
struct ObjectScope: Sendable {
    /// Nil means all.
    var namespace: String?
    var name: String?
    var labels: LabelMatcher?
    var fields: FieldSelector?

    /// Whether only the key decides.
    var hasSelectors: Bool { labels != nil || fields != nil }

    /// - Parameter isListed: the object is looked at once, among many.
    func matches(_ object: CachedObject, isListed: Bool = false) -> Bool {
        if let namespace, object.key.namespace != namespace { return false }
        if let name, object.key.name != name { return false }
        guard hasSelectors else { return true }
        let value = isListed ? object.transientValue : object.value
        if let fields, !fields.matches(object, value: value) { return false }
        if let labels, !labels.matches(value.labels) { return false }
        return true
    }
}

/// Where a watch's events go: a connection, or a stream in this process.
protocol WatchSink: Sendable {
    /// Takes events; false says that the client is too slow or gone and the watch is over.
    func send(_ events: [WatchEvent]) -> Bool
    /// Tells how far the watch has come. `initialEventsEnd` marks the end of the objects that were there at first.
    func bookmark(_ revision: Revision, initialEventsEnd: Bool)
    /// Tells of an error that ends the watch.
    func fail(_ error: APIError)
    func end()
}

final class Watcher: Sendable {
    private static let count = Atomic(0)

    /// Tells watchers apart. No address: the order in which they are told shall be the same whenever the same happens.
    let number = Watcher.count.wrappingAdd(1, ordering: .relaxed).newValue
    let scope: ObjectScope
    let sink: any WatchSink

    private struct State {
        var started = false
        var ended = false
        /// No bookmarks: how far the watch has come is not known.
        var isSilent = false
        var waiting: [CacheEvent] = []
        var onEnd: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    init(scope: ObjectScope, sink: any WatchSink) {
        self.scope = scope
        self.sink = sink
    }

    /// Sends what was there at first, then what came in meanwhile; from now on events go straight through.
    func start(initial: [CachedObject], missed: [CacheEvent], bookmark: Revision?) {
        if !initial.isEmpty {
            guard sink.send(initial.map { WatchEvent(kind: .added, object: $0) }) else { return end() }
        }
        if let bookmark { sink.bookmark(bookmark, initialEventsEnd: true) }
        forward(missed)
        while true {
            let waiting = state.withLock { state in
                let waiting = state.waiting
                state.waiting = []
                if waiting.isEmpty { state.started = true }
                return waiting
            }
            if waiting.isEmpty { return }
            forward(waiting)
        }
    }

    /// Takes events of the resource, in order; called by one thread at a time.
    func deliver(_ events: [CacheEvent]) {
        let ready = state.withLock { state in
            if state.ended { return false }
            if !state.started { state.waiting.append(contentsOf: events) }
            return state.started
        }
        if ready { forward(events) }
    }

    private func forward(_ events: [CacheEvent]) {
        var out: [WatchEvent] = []
        for event in events {
            if let translated = translate(event) { out.append(translated) }
        }
        if !out.isEmpty, !sink.send(out) { end() }
    }

    /// What a change means for this watch: an object that begins to match is added, one that ceases to is deleted.
    private func translate(_ event: CacheEvent) -> WatchEvent? {
        if let namespace = scope.namespace, event.object.key.namespace != namespace { return nil }
        if let name = scope.name, event.object.key.name != name { return nil }
        switch event.kind {
        case .created: return scope.matches(event.object) ? WatchEvent(kind: .added, object: event.object) : nil
        case .deleted: return scope.matches(event.object) ? WatchEvent(kind: .deleted, object: event.object) : nil
        case .updated:
            guard scope.hasSelectors else { return WatchEvent(kind: .modified, object: event.object) }
            let matches = scope.matches(event.object)
            let matched = event.previous.map { scope.matches($0) } ?? false
            switch (matched, matches) {
            case (true, true): return WatchEvent(kind: .modified, object: event.object)
            case (false, true): return WatchEvent(kind: .added, object: event.object)
            case (true, false):
                guard let previous = event.previous else { return nil }
                return WatchEvent(kind: .deleted, object: previous.restamped(event.revision))
            case (false, false): return nil
            }
        }
    }

    var hasEnded: Bool { state.withLock { $0.ended } }

    /// Ceases bookmarks, for a watch that is not fed by the watch cache.
    func silenceBookmarks() { state.withLock { $0.isSilent = true } }

    func bookmark(_ revision: Revision) {
        let ready = state.withLock { $0.started && !$0.ended && !$0.isSilent }
        if ready { sink.bookmark(revision, initialEventsEnd: false) }
    }

    /// Calls `handler` when the watch is over, at once if it is already.
    func onEnd(_ handler: @escaping @Sendable () -> Void) {
        let ended = state.withLock { state in
            if !state.ended { state.onEnd.append(handler) }
            return state.ended
        }
        if ended { handler() }
    }

    func fail(_ error: APIError) {
        sink.fail(error)
        end()
    }

    func end() {
        let handlers: [@Sendable () -> Void]? = state.withLock { state in
            guard !state.ended else { return nil }
            state.ended = true
            state.waiting = []
            defer { state.onEnd = [] }
            return state.onEnd
        }
        guard let handlers else { return }
        for handler in handlers { handler() }
        sink.end()
    }
}
