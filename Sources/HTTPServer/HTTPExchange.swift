import NIOCore
import NIOHTTP1
import Synchronization

/// One request and its answer, whatever the version: hops to the event loop, keeps the order of calls, and drops what
/// comes after the end.
///
/// All but `pending` is touched on the event loop only; that is what makes it sendable.
class HTTPExchange: HTTPResponseWriter, @unchecked Sendable {
    enum Phase { case waiting, streaming, over }

    final let eventLoop: any EventLoop
    private let pending = Atomic<Int>(0)
    final var phase = Phase.waiting
    private var closeHandlers: [@Sendable () -> Void] = []
    private var drainHandlers: [(limit: Int, handler: @Sendable () -> Void)] = []

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    // What a version does, on the event loop, in a phase that allows it. The caller has set the new phase.
    func sendResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: [ByteBuffer]) {}
    func beginResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {}
    /// Must complete `promise` when the client has taken the bytes, or never will.
    func writeBody(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {}
    func endResponse() {}
    func abortResponse() {}
    var canUpgrade: Bool { false }
    /// Must call the close handlers, by `abandon`, when the connection that was given away closes.
    func handOver(_ headers: HTTPHeaders, _ takeOver: @Sendable (any Channel) -> Void) {}

    final var pendingBytes: Int { pending.load(ordering: .relaxed) }

    final func send(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: [ByteBuffer]) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.send(status, headers: headers, body: body) }
            return
        }
        guard phase == .waiting else { return }
        phase = .over
        sendResponse(status, headers, body)
        callCloseHandlers()
    }

    final func begin(_ status: HTTPResponseStatus, headers: HTTPHeaders) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.begin(status, headers: headers) }
            return
        }
        guard phase == .waiting else { return }
        phase = .streaming
        beginResponse(status, headers)
    }

    final func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        // Counted before the hop: whoever writes faster than the event loop runs must see it too.
        pending.add(bytes.readableBytes, ordering: .relaxed)
        if eventLoop.inEventLoop {
            writeCounted(bytes)
        } else {
            eventLoop.execute { self.writeCounted(bytes) }
        }
    }

    private func writeCounted(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard phase == .streaming else {
            pending.subtract(count, ordering: .relaxed)
            return
        }
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in
            self.pending.subtract(count, ordering: .relaxed)
            if !self.drainHandlers.isEmpty { self.callDrainHandlers() }
        }
        writeBody(bytes, promise)
    }

    final func onDrain(below limit: Int, _ handler: @escaping @Sendable () -> Void) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.onDrain(below: limit, handler) }
            return
        }
        if phase == .over || pendingBytes <= limit {
            handler()
        } else {
            drainHandlers.append((limit: limit, handler: handler))
        }
    }

    private func callDrainHandlers() {
        let pending = pendingBytes
        let ready = drainHandlers.filter { phase == .over || pending <= $0.limit }
        guard !ready.isEmpty else { return }
        drainHandlers.removeAll { phase == .over || pending <= $0.limit }
        for entry in ready { entry.handler() }
    }

    final func abort() {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.abort() }
            return
        }
        guard phase != .over else { return }
        phase = .over
        abortResponse()
        callCloseHandlers()
    }

    final func upgrade(headers: HTTPHeaders, _ takeOver: @escaping @Sendable (any Channel) -> Void) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.upgrade(headers: headers, takeOver) }
            return
        }
        guard phase == .waiting, canUpgrade else { return }
        phase = .streaming
        handOver(headers, takeOver)
    }

    final func end() {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.end() }
            return
        }
        guard phase == .streaming else { return }
        phase = .over
        endResponse()
        callCloseHandlers()
    }

    final func onClose(_ handler: @escaping @Sendable () -> Void) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.onClose(handler) }
            return
        }
        if phase == .over { handler() } else { closeHandlers.append(handler) }
    }

    /// The client has gone: nothing more is sent.
    final func abandon() {
        guard phase != .over else { return }
        phase = .over
        callCloseHandlers()
    }

    private func callCloseHandlers() {
        callDrainHandlers()
        guard !closeHandlers.isEmpty else { return }
        let handlers = closeHandlers
        closeHandlers = []
        for handler in handlers { handler() }
    }
}

extension HTTPResponseStatus {
    /// Whether an answer with this status may have a body (RFC 9110, 6.4.1).
    var mayHaveBody: Bool { code >= 200 && code != 204 && code != 304 }
}

/// What clients send as the target of a request, brought to the form `/path?query`; nil if it is none of HTTP's forms.
func originForm(of target: String) -> String? {
    if target.utf8.first == UInt8(ascii: "/") || target == "*" { return target }
    // The absolute form that clients send to proxies, and must be accepted from them (RFC 9112, 3.2.2).
    guard let scheme = target.range(of: "://") else { return nil }
    let rest = target[scheme.upperBound...]
    guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
    return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
}

extension StringProtocol {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
