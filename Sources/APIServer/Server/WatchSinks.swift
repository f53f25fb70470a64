// Where watches' events go: down a connection as lines of JSON, or to a function in this process.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import Storage
import Synchronization

/// A watch over HTTP: one JSON object a line, or frames of protobuf.
struct HTTPWatchSink: WatchSink {
    let response: any HTTPResponseWriter
    let rendering: Rendering
    /// Bytes that may wait for the client.
    let backlogLimit: Int
    let wantsBookmarks: Bool
    /// Tables have their columns in the first event only.
    private let hasColumns = HasColumns()

    private final class HasColumns: Sendable {
        private let sent = Atomic<Bool>(false)
        /// Whether this is the first time.
        func first() -> Bool { !sent.exchange(true, ordering: .relaxed) }
    }

    init(response: any HTTPResponseWriter, rendering: Rendering, backlogLimit: Int, wantsBookmarks: Bool) {
        self.response = response
        self.rendering = rendering
        self.backlogLimit = backlogLimit
        self.wantsBookmarks = wantsBookmarks
    }

    func send(_ events: [WatchEvent]) -> Bool {
        guard response.pendingBytes <= backlogLimit else { return false }
        var buffer = ByteBufferAllocator().buffer(
            capacity: events.reduce(0) { $0 + $1.object.bytes.count + 48 })
        do throws(APIError) {
            for event in events {
                try rendering.write(event, withColumns: hasColumns.first(), to: &buffer)
            }
        } catch {
            return false
        }
        response.write(buffer)
        return true
    }

    func bookmark(_ revision: Revision, initialEventsEnd: Bool) {
        guard wantsBookmarks || initialEventsEnd else { return }
        let object = rendering.bookmark(
            revision, initialEventsEnd: initialEventsEnd, withColumns: hasColumns.first())
        response.write(rendering.event("BOOKMARK", object))
    }

    func fail(_ error: APIError) { response.write(rendering.event("ERROR", error.status.json)) }

    func end() { response.end() }
}

/// A watch inside the process.
struct InProcessWatchSink: WatchSink {
    let rendering: Rendering
    let wantsBookmarks: Bool
    let onEvent: @Sendable (APIWatchEvent) -> Bool
    let onEnd: @Sendable () -> Void

    func send(_ events: [WatchEvent]) -> Bool {
        for event in events {
            guard let value = try? rendering.value(of: event.object),
                onEvent(APIWatchEvent(type: event.kind.rawValue, object: value))
            else { return false }
        }
        return true
    }

    func bookmark(_ revision: Revision, initialEventsEnd: Bool) {
        guard wantsBookmarks || initialEventsEnd else { return }
        _ = onEvent(
            APIWatchEvent(
                type: "BOOKMARK", object: rendering.bookmark(revision, initialEventsEnd: initialEventsEnd)))
    }

    func fail(_ error: APIError) { _ = onEvent(APIWatchEvent(type: "ERROR", object: error.status.json)) }

    func end() { onEnd() }
}
