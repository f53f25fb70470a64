/// A watch of a store that tells its watches itself: what is delivered comes in order, and nothing after its end.
package final class LogWatch: StoreWatch, @unchecked Sendable {
    package let id: Int
    package let prefix: String
    /// Only what comes after is told.
    package let after: Revision
    /// Told by the writer from now on; before, by a reader from the log. Guarded by the store's lock.
    package var live = false
    /// How far a watch that is not live has come. Guarded by the store's lock.
    package var cursor: Revision
    private let handler: @Sendable ([StoreEvent]) -> Void
    private let unregister: @Sendable () -> Void
    private let lost: @Sendable (StoreError) -> Void
    // Recursive, because a handler may cancel its own watch.
    private let delivery = RecursiveLock()
    private var ended = false
    /// What had happened before the watch began, to be told before anything else.
    private var backlog: [StoreEvent]

    package init(
        id: Int, prefix: String, after: Revision, backlog: [StoreEvent] = [],
        handler: @escaping @Sendable ([StoreEvent]) -> Void, unregister: @escaping @Sendable () -> Void,
        lost: @escaping @Sendable (StoreError) -> Void
    ) {
        self.id = id
        self.prefix = prefix
        self.after = after
        self.backlog = backlog
        cursor = after
        self.handler = handler
        self.unregister = unregister
        self.lost = lost
    }

    /// Whether an event is this watch's business.
    package func concerns(_ event: StoreEvent) -> Bool {
        event.keyValue.modRevision > after && KeyOrder.hasPrefix(event.keyValue.key, prefix)
    }

    package func deliver(_ events: [StoreEvent]) {
        delivery.withLock {
            if ended { return }
            let all = backlog.isEmpty ? events : backlog + events
            backlog = []
            if !all.isEmpty { handler(all) }
        }
    }

    package func end() { delivery.withLock { ended = true } }

    /// Ends the watch because it cannot go on.
    package func lose(_ error: StoreError) {
        let wasEnded = delivery.withLock {
            defer { ended = true }
            return ended
        }
        unregister()
        if !wasEnded { lost(error) }
    }

    package func cancel() {
        unregister()
        end()
    }
}
