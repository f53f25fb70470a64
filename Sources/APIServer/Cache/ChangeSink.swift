import KubeTypes
import Storage

/// Tells that objects of a resource changed, to whoever looks at the cache itself then.
struct ChangeSink: WatchSink {
    let onChange: @Sendable () -> Void

    var readsValues: Bool { false }

    func send(_ events: [WatchEvent]) -> Bool {
        onChange()
        return true
    }

    func bookmark(_ revision: Revision, initialEventsEnd: Bool) {}
    func fail(_ error: APIError) {}
    func end() {}
}

extension WatchCache {
    /// Calls `onChange` after every change to objects of a resource, on a thread of the store's: it must not block. Ends
    /// with the cache.
    func follow(group: String, resource: String, _ onChange: @escaping @Sendable () -> Void) {
        guard let cache = cache(group: group, resource: resource) else { return }
        let watcher = Watcher(scope: ObjectScope(), sink: ChangeSink(onChange: onChange))
        _ = cache.addWatcher(watcher)
        watcher.start(initial: [], missed: [], bookmark: nil)
    }
}
