// How the store's watches are fed: one watch of etcd's for all that begin at what is known, others for those before.

import HeapModule
import Logging
import Storage

extension EtcdStore {
    public func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        let made: Result<(watch: LogWatch, isLive: Bool), StoreError> = state.withLock { state in
            if state.closed { return .failure(.closed) }
            if after < state.compacted { return .failure(.compacted(oldest: state.compacted)) }
            if state.follower == nil { follow(after: after, &state) }
            state.lastWatch += 1
            let id = state.lastWatch
            func watch(_ backlog: [StoreEvent]) -> LogWatch {
                LogWatch(
                    id: id, prefix: prefix, after: after, backlog: backlog, handler: handler,
                    unregister: { [weak self] in self?.forget(id) }, lost: ended)
            }
            guard after >= state.floor else { return .success((watch([]), false)) }
            let probe = watch([])
            let live = watch(state.recent.filter(probe.concerns))
            state.watches[id] = live
            return .success((live, true))
        }
        let (watch, isLive) = try made.get()
        if isLive {
            // Handlers are not called on their owner's thread.
            Task { watch.deliver([]) }
        } else {
            followHistory(watch)
        }
        return watch
    }

    private func forget(_ id: Int) {
        let history = state.withLock { state in
            state.watches[id] = nil
            return state.history.removeValue(forKey: id)
        }
        history?.cancel()
    }

    /// Begins to follow everything from what the first watch has seen.
    private func follow(after revision: Revision, _ state: inout State) {
        let follower = EtcdFollower(connection, keys, keys.all, logger: logger)
        state.hasFollowed = true
        state.told = revision
        state.floor = revision
        state.recent = []
        state.recentBytes = 0
        let task = Task { [weak self] in
            guard let error = await follower.run(after: revision, { [weak self] in self?.hear($0) }) else { return }
            self?.lose(error)
        }
        state.follower = (follower, task)
        // Those who waited while nobody followed: whoever watches now has read what they wait for.
        let due = takeDue(&state)
        if !due.isEmpty { Task { for waiter in due { waiter.completion(nil) } } }
    }

    private func takeDue(_ state: inout State) -> [Waiter] {
        var due: [Waiter] = []
        while let first = state.waiters.min, first.revision <= state.told {
            due.append(state.waiters.removeMin())
            if first.deadline != nil { state.impatient -= 1 }
        }
        return due
    }

    /// Tells the watches, and then those who wait for it. Called by one task, in order.
    private func hear(_ news: EtcdFollower.News) {
        var events: [StoreEvent] = []
        let revision: Revision
        switch news {
        case .events(let told, let through):
            events = told
            revision = through
        case .progress(let reached): revision = reached
        }
        if !events.isEmpty {
            let watches = state.withLock { state in
                remember(events, &state)
                return Array(state.watches.values)
            }
            for watch in watches {
                let matching = events.filter(watch.concerns)
                if !matching.isEmpty { watch.deliver(matching) }
            }
        }
        let due = state.withLock { state in
            state.told = max(state.told, revision)
            state.seen = max(state.seen, revision)
            return takeDue(&state)
        }
        for waiter in due { waiter.completion(nil) }
    }

    private func remember(_ events: [StoreEvent], _ state: inout State) {
        state.recent += events
        state.recentBytes += events.reduce(0) { $0 + $1.keyValue.value.count }
        guard state.recent.count > 2 * Self.recentLimit || state.recentBytes > 2 * Self.recentBytesLimit else { return }
        // Half of it goes at a time.
        var dropped = 0
        while dropped < state.recent.count,
            state.recent.count - dropped > Self.recentLimit || state.recentBytes > Self.recentBytesLimit
        {
            state.recentBytes -= state.recent[dropped].keyValue.value.count
            state.floor = state.recent[dropped].keyValue.modRevision
            dropped += 1
        }
        state.recent.removeFirst(dropped)
    }

    /// What came next is gone: whoever watches must begin anew, and then it is followed from there.
    private func lose(_ error: StoreError) {
        logger.warning("history of etcd that was not read yet is compacted; everything is read again")
        let lost = state.withLock { state in
            if case .compacted(let oldest) = error { state.compacted = max(state.compacted, oldest) }
            state.follower = nil
            state.recent = []
            state.recentBytes = 0
            defer { state.watches = [:] }
            return [LogWatch](state.watches.values)
        }
        for watch in lost { watch.lose(error) }
    }

    /// Feeds a watch that begins further back than memory reaches.
    private func followHistory(_ watch: LogWatch) {
        let follower = EtcdFollower(connection, keys, keys.range(prefix: watch.prefix), logger: logger)
        let task = Task {
            let error = await follower.run(after: watch.after) { news in
                if case .events(let events, _) = news { watch.deliver(events) }
            }
            if let error { watch.lose(error) }
        }
        let isClosed = state.withLock { state in
            if !state.closed { state.history[watch.id] = task }
            return state.closed
        }
        if isClosed { task.cancel() }
    }
}
