// WATCH: where it begins, what it is fed from, and when it ends.

import APISchema
import JSON
import KubeTypes
import NIOCore
import NIOPosix
import Storage

extension Registry {
    /// Makes a watch and begins it.
    /// - Parameters:
    ///   - loop: where its timers run.
    ///   - begin: called before the first event, once it is certain that the watch is answered with a stream.
    /// - Throws: what is wrong with the request. A revision that is gone is told as an event, as upstream does.
    func watch(
        _ request: RegistryRequest, on loop: any EventLoop, sink: (ListOptions) -> any WatchSink, begin: () -> Void
    ) throws(APIError) -> Watcher {
        var options = try ListOptions(
            request.query, resource: request.storage.plural, group: request.storage.group,
            custom: request.resource.custom, watch: true)
        if let seconds = options.timeoutSeconds, seconds < 0 { options.timeoutSeconds = nil }
        if !request.name.isEmpty, let fields = options.fields, fields.required("metadata.name") != request.name {
            throw .badRequest("fieldSelector metadata.name doesn't match requested name")
        }
        let scope = ObjectScope(
            namespace: request.namespace.isEmpty ? nil : request.namespace,
            name: request.name.isEmpty ? nil : request.name, labels: options.labels, fields: options.fields)
        let watcher = Watcher(scope: scope, sink: sink(options))
        let cache = request.cache
        begin()
        schedule(watcher, options, on: loop)
        watcher.onEnd { [weak watcher] in
            if let watcher { cache.removeWatcher(watcher) }
        }
        if self.cache.isShared || cache.mayLag {
            synchronize(for: options) { [options] error in
                if let error { return watcher.fail(error) }
                cache.catchUp { error in
                    if let error { watcher.fail(error) } else { self.start(watcher, options, cache) }
                    if watcher.hasEnded { cache.removeWatcher(watcher) }
                }
            }
        } else {
            start(watcher, options, cache)
        }
        // The client may have gone before the watcher was registered.
        if watcher.hasEnded { cache.removeWatcher(watcher) }
        return watcher
    }

    /// A watch that begins with what is there begins with all of it, and one that continues is told nothing twice: the
    /// watch cache must have come as far as whoever listed before.
    private func synchronize(for options: ListOptions, _ completion: @escaping @Sendable (APIError?) -> Void) {
        guard cache.isShared, options.resourceVersion != 0 else { return completion(nil) }
        if let asked = options.resourceVersion, asked <= cache.revision { return completion(nil) }
        synchronize(to: options.resourceVersion, completion)
    }

    private func start(_ watcher: Watcher, _ options: ListOptions, _ cache: ResourceCache) {
        let current = self.cache.revision
        let asked = options.resourceVersion ?? 0
        let wantsState = options.sendInitialEvents ?? (asked == 0)
        if wantsState {
            let (objects, lastChange) = cache.addWatcher(watcher)
            if asked > max(current, lastChange) {
                watcher.fail(.tooLarge(resourceVersion: asked, current: current))
                return
            }
            var initial: [CachedObject] = []
            objects.forEach(namespace: watcher.scope.namespace) { object in
                if watcher.scope.matches(object, isListed: true) { initial.append(object) }
                return true
            }
            // A watch from nowhere in particular is one that begins with the state, whether or not it says so.
            let marksEnd = options.allowBookmarks
            watcher.start(initial: initial, missed: [], bookmark: marksEnd ? max(current, lastChange) : nil)
            return
        }
        if asked == 0 {
            _ = cache.addWatcher(watcher)
            watcher.start(initial: [], missed: [], bookmark: nil)
            return
        }
        if let missed = cache.addWatcher(watcher, after: asked) {
            watcher.start(initial: [], missed: missed, bookmark: nil)
            return
        }
        if cache.mayLag {
            // History lies in the store as it was written, and conversion would take a webhook's time for each event.
            return watcher.fail(.expired("too old resource version: \(asked) (\(current))"))
        }
        do throws(StoreError) {
            // Memory does not reach back so far; the store may.
            watcher.silenceBookmarks()
            let history = try self.cache.followHistory(of: cache, after: asked, watcher)
            watcher.onEnd { history.cancel() }
            watcher.start(initial: [], missed: [], bookmark: nil)
        } catch {
            if case .compacted(let oldest) = error {
                watcher.fail(.expired("too old resource version: \(asked) (\(oldest))"))
            } else {
                watcher.fail(APIError(error))
            }
        }
    }

    /// Bookmarks now and then, and the end after the time that the client gave, or after half an hour to an hour, so
    /// that clients of a server that was restarted spread.
    private func schedule(_ watcher: Watcher, _ options: ListOptions, on loop: any EventLoop) {
        let seconds =
            options.timeoutSeconds.flatMap { $0 > 0 ? $0 : nil }
            ?? 1800 + Int64(configuration.random() % 1800)
        let end = loop.scheduleTask(in: .seconds(min(seconds, 1 << 31))) { [weak watcher] in watcher?.end() }
        watcher.onEnd { end.cancel() }
        guard options.allowBookmarks else { return }
        let interval = TimeAmount.seconds(Int64(configuration.bookmarkInterval))
        let revision: @Sendable () -> Revision = { [cache] in cache.revision }
        let bookmarks = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak watcher] _ in
            watcher?.bookmark(revision())
        }
        watcher.onEnd { bookmarks.cancel() }
    }
}
