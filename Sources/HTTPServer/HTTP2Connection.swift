import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One HTTP/2 connection, all its streams: collects requests and writes their answers, frame by frame.
///
/// There is no channel per stream: `NIOHTTP2Handler` below checks the protocol and keeps the flow control, and what a
/// stream needs beside that is an entry in a dictionary. That is what makes small answers cheap.
final class HTTP2Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = Never
    typealias OutboundOut = HTTP2Frame

    /// How much of a body may be under way, for one stream and for all of a connection.
    static let streamWindow = 256 << 10
    private static let connectionWindow = 1 << 20

    let shared: SharedState
    private let peer: Peer
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: HTTP2Exchange] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    private var inRead = false
    private var flushScheduled = false
    private var draining = false
    /// New streams are refused, and the connection is closed after the last one.
    private var closing = false
    private var closed = false
    private var since = NIODeadline.now()
    private var served = false
    private var pending = 0
    private var lastProgress = NIODeadline.now()
    private var timer: RepeatedTask?
    private var date = HTTPDate()

    init(shared: SharedState, peer: Peer) {
        self.shared = shared
        self.peer = peer
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let interval = shared.limits.checkInterval
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            bound.value.checkTimeouts()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        let open = streams
        streams = [:]
        for exchange in open.values { exchange.streamClosed() }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inRead = true
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): receive(headers, on: frame.streamID)
        case .data(let data): receive(data, on: frame.streamID)
        case .goAway: if streams.isEmpty { close() }
        default: break  // The handler below has done what is to be done.
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        inRead = false
        context.flush()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent: topUpWindow(event)
        case let event as StreamClosedEvent:
            if let exchange = streams.removeValue(forKey: event.streamID) {
                since = .now()
                exchange.streamClosed()
                closeIfDrained()
            }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream has been answered by RST_STREAM below; any other has ended the connection.
        if error is NIOHTTP2Errors.StreamError || error is NIOHTTP2Errors.NoSuchStream
            || error is NIOHTTP2Errors.StreamClosed
        {
            return
        }
        shared.configuration.logger.debug("connection from \(String(describing: peer.address)): \(error)")
        context.close(promise: nil)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is DrainEvent else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed()
        guard !draining else { return }
        draining = true
        // First a warning, so that requests already on their way are still answered, then the last stream's number.
        write(.rootStream, .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        for exchange in streams.values { exchange.end() }
        context.flush()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(50)) {
            bound.value.closing = true
            bound.value.closeIfDrained()
        }
    }

    private func closeIfDrained() {
        if closing, streams.isEmpty { close() }
    }

    /// Says goodbye, and closes the connection once that, and all before it, is out.
    private func close() {
        guard let context, !closed else { return }
        closing = true
        closed = true
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        write(.rootStream, .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil), promise)
        context.flush()
    }

    private func topUpWindow(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let size = event.inboundWindowSize else { return }
        if event.streamID == .rootStream {
            if size < Self.connectionWindow / 2 {
                write(.rootStream, .windowUpdate(windowSizeIncrement: Self.connectionWindow - size))
                scheduleFlush()
            }
        } else if size < Self.streamWindow / 2, let exchange = streams[event.streamID], exchange.receiving {
            write(event.streamID, .windowUpdate(windowSizeIncrement: Self.streamWindow - size))
            scheduleFlush()
        }
    }

    // MARK: Requests

    private func receive(_ frame: HTTP2Frame.FramePayload.Headers, on stream: HTTP2StreamID) {
        if let exchange = streams[stream] {
            // Trailers: nothing here reads them.
            if frame.endStream, exchange.receiving { dispatch(exchange) }
            return
        }
        guard let context else { return }
        lastStream = max(lastStream, stream)
        served = true
        guard !closing, pending <= shared.limits.pendingBytes else {
            write(stream, .rstStream(.refusedStream))
            scheduleFlush()
            return
        }
        guard frame.headers.count <= shared.limits.headerFields, let request = makeRequest(frame.headers) else {
            write(stream, .rstStream(.protocolError))
            scheduleFlush()
            return
        }
        let exchange = HTTP2Exchange(self, eventLoop: context.eventLoop, stream: stream, request: request)
        streams[stream] = exchange
        if frame.endStream {
            dispatch(exchange)
            return
        }
        exchange.bodyDeadline = .now() + shared.limits.bodyTimeout
        if let length = request.headers.first(name: "content-length").flatMap({ Int($0) }),
            length > shared.limits.bodyBytes
        {
            refuseTooLarge(exchange)
        } else if request.headers.first(name: "expect")?.lowercased() == "100-continue" {
            write(stream, .headers(.init(headers: [":status": "100"])))
            scheduleFlush()
        }
    }

    /// The frame's fields as a request; nil where the pseudo fields are none of a request's.
    private func makeRequest(_ fields: HPACKHeaders) -> HTTPRequest? {
        var method: HTTPMethod?
        var target: String?
        var authority: String?
        var hasHost = false
        var headers: [(String, String)] = []
        headers.reserveCapacity(fields.count)
        for (name, value, _) in fields {
            if name.utf8.first == UInt8(ascii: ":") {
                switch name {
                case ":method": method = HTTPMethod(rawValue: value)
                case ":path": target = value
                case ":authority": authority = value
                default: break
                }
            } else {
                if name == "host" { hasHost = true }
                headers.append((name, value))
            }
        }
        guard let method, let path = target, let target = originForm(of: path) else { return nil }
        if let authority, !hasHost { headers.append(("host", authority)) }
        return HTTPRequest(
            method: method, target: target, headers: HTTPHeaders(headers), clientCertificate: peer.certificate,
            clientCertificateProblem: peer.certificateProblem, remoteAddress: peer.address)
    }

    private func receive(_ frame: HTTP2Frame.FramePayload.Data, on stream: HTTP2StreamID) {
        guard let exchange = streams[stream], exchange.receiving, case .byteBuffer(let bytes) = frame.data else {
            return
        }
        guard exchange.request.body.readableBytes + bytes.readableBytes <= shared.limits.bodyBytes else {
            refuseTooLarge(exchange)
            return
        }
        guard shared.bodies.take(bytes.readableBytes) else {
            exchange.stopReceiving(incomplete: !frame.endStream)
            exchange.send(.serviceUnavailable, headers: ["retry-after": "1"], body: [])
            return
        }
        exchange.append(bytes)
        if frame.endStream { dispatch(exchange) }
    }

    private func dispatch(_ exchange: HTTP2Exchange) {
        let request = exchange.takeRequest()
        shared.responder.respond(to: request, exchange)
    }

    private func refuseTooLarge(_ exchange: HTTP2Exchange) {
        var request = exchange.request
        request.body = ByteBuffer()
        exchange.stopReceiving(incomplete: true)
        if let onTooLarge = shared.configuration.onTooLarge {
            onTooLarge(request, exchange)
        } else {
            exchange.send(
                .payloadTooLarge, headers: ["content-type": "text/plain; charset=utf-8"],
                body: [ByteBuffer(string: "413 Payload Too Large\n")])
        }
    }

    // MARK: Answers

    fileprivate func write(
        _ stream: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload, _ promise: EventLoopPromise<Void>? = nil
    ) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: payload)), promise: promise)
    }

    fileprivate func writeHead(
        _ stream: HTTP2StreamID, _ status: HTTPResponseStatus, _ headers: HTTPHeaders, length: Int?, end: Bool
    ) {
        var fields = HPACKHeaders()
        fields.reserveCapacity(headers.count + 3)
        fields.add(name: ":status", value: String(status.code))
        var hasDate = false
        for (name, value) in headers {
            let name = name.lowercasedIfNeeded()
            switch name {
            // Fields about the connection have no place in HTTP/2 (RFC 9113, 8.2.2).
            case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": continue
            case "content-length": if length != nil { continue }
            case "date": hasDate = true
            default: break
            }
            // What differs with every answer would only push the rest out of the peer's table.
            let varies = name == "audit-id" || name == "etag" || name == "last-modified" || name == "location"
            fields.add(name: name, value: value, indexing: varies ? .nonIndexable : .indexable)
        }
        if let length { fields.add(name: "content-length", value: String(length), indexing: .nonIndexable) }
        if !hasDate { fields.add(name: "date", value: date.now()) }
        write(stream, .headers(.init(headers: fields, endStream: end)))
    }

    /// Counts bytes as pending until `promise` completes.
    fileprivate func track(_ count: Int, _ promise: EventLoopPromise<Void>) {
        guard let context else { return }
        if pending == 0 { lastProgress = .now() }
        pending += count
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            bound.value.pending -= count
            bound.value.lastProgress = .now()
        }
    }

    /// Flushes at the end of the read, or of the event loop's turn: answers that are ready together travel together.
    fileprivate func scheduleFlush() {
        guard !inRead, !flushScheduled, let context else { return }
        flushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.flushScheduled = false
            bound.value.context?.flush()
        }
    }

    /// The answer stands without the rest of the request (RFC 9113, 8.1): a client that does not stop sending by itself
    /// is told to.
    fileprivate func resetSoon(_ stream: HTTP2StreamID) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(500)) {
            guard bound.value.streams[stream] != nil else { return }
            bound.value.write(stream, .rstStream(.noError))
            bound.value.scheduleFlush()
        }
    }

    private func checkTimeouts() {
        guard let context else { return }
        let now = NIODeadline.now()
        if pending > 0, now - lastProgress > shared.limits.writeTimeout {
            context.close(promise: nil)
        } else if streams.isEmpty {
            let limit = served ? shared.limits.idleTimeout : shared.limits.headerTimeout
            if !closing, now - since > limit { close() }
        } else {
            for (stream, exchange) in streams where exchange.receiving && exchange.bodyDeadline < now {
                exchange.stopReceiving(incomplete: false)
                write(stream, .rstStream(.cancel))
                scheduleFlush()
            }
        }
    }
}

/// A stream: its request while it is being received, then the way back.
final class HTTP2Exchange: HTTPExchange, @unchecked Sendable {
    private let connection: HTTP2Connection
    private let stream: HTTP2StreamID
    private(set) var request: HTTPRequest
    /// Whether the request's body is still being collected.
    private(set) var receiving = true
    /// Whether the answer may come before the end of the request, whose rest then is refused.
    private var incomplete = false
    private var bodyBytesTaken = 0
    var bodyDeadline = NIODeadline.distantFuture
    private let isHead: Bool
    private var bodyAllowed = true

    init(_ connection: HTTP2Connection, eventLoop: any EventLoop, stream: HTTP2StreamID, request: HTTPRequest) {
        self.connection = connection
        self.stream = stream
        self.request = request
        isHead = request.method == .HEAD
        super.init(eventLoop: eventLoop)
    }

    func append(_ bytes: ByteBuffer) {
        bodyBytesTaken += bytes.readableBytes
        if request.body.readableBytes == 0 {
            request.body = bytes
        } else {
            request.body.writeImmutableBuffer(bytes)
        }
    }

    /// The request, complete; the exchange forgets it.
    func takeRequest() -> HTTPRequest {
        let whole = request
        stopReceiving(incomplete: false)
        return whole
    }

    func stopReceiving(incomplete: Bool) {
        receiving = false
        self.incomplete = incomplete
        request.body = ByteBuffer()
        connection.shared.bodies.giveBack(bodyBytesTaken)
        bodyBytesTaken = 0
    }

    func streamClosed() {
        if receiving { stopReceiving(incomplete: false) }
        abandon()
    }

    override func sendResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: [ByteBuffer]) {
        let length = body.reduce(0) { $0 + $1.readableBytes }
        let withBody = length > 0 && !isHead && status.mayHaveBody
        connection.writeHead(stream, status, headers, length: status.mayHaveBody ? length : nil, end: !withBody)
        if withBody { writeParts(body, length) }
        ended()
    }

    /// DATA frames for the parts. Small parts are put together to frames of the usual maximum: the header, the
    /// encryption and the bookkeeping of a frame cost more than copying a few kilobytes.
    private func writeParts(_ parts: [ByteBuffer], _ length: Int) {
        if parts.count == 1 {
            write(parts[0], end: true)
            return
        }
        let frameSize = 16 << 10
        var gathered = ByteBuffer()
        var left = length
        for part in parts {
            var part = part
            left -= part.readableBytes
            if part.readableBytes >= 8 << 10 {
                if gathered.readableBytes > 0 {
                    write(gathered, end: false)
                    gathered = ByteBuffer()
                }
                write(part, end: left == 0)
                continue
            }
            while part.readableBytes > 0 {
                if gathered.capacity == 0 { gathered.reserveCapacity(min(frameSize, length)) }
                let room = frameSize - gathered.readableBytes
                guard let piece = part.readSlice(length: min(room, part.readableBytes)) else { break }
                gathered.writeImmutableBuffer(piece)
                if gathered.readableBytes == frameSize {
                    write(gathered, end: left == 0 && part.readableBytes == 0)
                    gathered = ByteBuffer()
                }
            }
        }
        if gathered.readableBytes > 0 { write(gathered, end: true) }
    }

    private func write(_ bytes: ByteBuffer, end: Bool) {
        var promise: EventLoopPromise<Void>?
        if bytes.readableBytes >= 8 << 10 {
            let tracked = eventLoop.makePromise(of: Void.self)
            connection.track(bytes.readableBytes, tracked)
            promise = tracked
        }
        connection.write(stream, .data(.init(data: .byteBuffer(bytes), endStream: end)), promise)
    }

    override func beginResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        bodyAllowed = !isHead && status.mayHaveBody
        connection.writeHead(stream, status, headers, length: nil, end: false)
        connection.scheduleFlush()
    }

    override func writeBody(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard bodyAllowed else {
            promise.succeed()
            return
        }
        connection.track(bytes.readableBytes, promise)
        connection.write(stream, .data(.init(data: .byteBuffer(bytes))), promise)
        connection.scheduleFlush()
    }

    override func endResponse() {
        connection.write(stream, .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
        ended()
    }

    override func abortResponse() {
        connection.write(stream, .rstStream(.internalError))
        connection.scheduleFlush()
    }

    private func ended() {
        connection.scheduleFlush()
        if incomplete { connection.resetSoon(stream) }
    }
}

extension String {
    /// The string itself if it has no capital letters, as almost always.
    fileprivate func lowercasedIfNeeded() -> String {
        utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } ? lowercased() : self
    }
}
