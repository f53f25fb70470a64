import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: collects requests, one after the other, and writes their answers.
///
/// While a request is being answered nothing is read, so that a client that pipelines is held back by TCP. That the
/// client has gone is noticed nevertheless: the kernel tells NIO of the end of the stream even then.
final class HTTP1Connection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case receiving(HTTPRequestHead, target: String, body: ByteBuffer)
        case responding(HTTP1Exchange)
        /// The answer is out, or on its way, before the request's end: the rest is dropped until the client stops.
        case discarding
        case closed
        /// The connection belongs to somebody else, who speaks another protocol.
        case handedOver(HTTP1Exchange)
    }

    private let shared: SharedState
    private let peer: Peer
    private var context: ChannelHandlerContext?
    private var state = State.idle
    private var keepAlive = true
    private var draining = false
    private var readHeld = false
    private var inRead = false
    private var flushScheduled = false
    /// Parts that came behind a request that is still being answered: no more than one read brings.
    private var queued = CircularBuffer<HTTPServerRequestPart>()
    private var handlingQueue = false
    private var bodyBytesTaken = 0
    private var since = NIODeadline.now()
    private var served = 0
    /// When discarding: whether the answer is out, and whether the request is in.
    private var answered = false
    private var requestEnded = false
    private var refused: HTTP1Exchange?
    private var writesPending = 0
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
        returnBodyBudget()
        queued.removeAll()
        let last = state
        state = .closed
        switch last {
        case .responding(let exchange), .handedOver(let exchange): exchange.abandon()
        case .idle, .receiving, .discarding, .closed: break
        }
        refused?.abandon()
        refused = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inRead = true
        queued.append(unwrapInboundIn(data))
        handleQueue()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        inRead = false
        context.flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { readHeld = true }
    }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        switch state {
        case .idle, .receiving: context.channel.isWritable && queued.isEmpty
        case .responding: false
        case .discarding, .closed, .handedOver: true
        }
    }

    private func resumeReading() {
        guard readHeld, let context, mayRead(context) else { return }
        readHeld = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resumeReading()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, canStillAnswer {
            refuse(error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest)
        } else {
            shared.configuration.logger.debug("connection from \(String(describing: peer.address)): \(error)")
            context.close(promise: nil)
        }
    }

    private var canStillAnswer: Bool {
        switch state {
        case .idle, .receiving: true
        case .responding, .discarding, .closed, .handedOver: false
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is DrainEvent else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed()
        draining = true
        switch state {
        case .idle: closeAfterWrites()
        case .responding(let exchange): exchange.end()  // a streamed answer; the others finish by themselves
        case .receiving, .discarding, .closed, .handedOver: break
        }
    }

    // MARK: Requests

    private func handleQueue() {
        guard !handlingQueue else { return }
        handlingQueue = true
        defer { handlingQueue = false }
        while let part = queued.first {
            switch state {
            case .responding, .handedOver: return
            case .idle, .receiving, .discarding, .closed: break
            }
            queued.removeFirst()
            handle(part)
        }
        resumeReading()
    }

    private func handle(_ part: HTTPServerRequestPart) {
        switch (part, state) {
        case (.head(let head), .idle): handle(head)
        case (.body(let bytes), .receiving(let head, let target, var body)):
            state = .discarding  // so that the body is not copied when it grows
            guard body.readableBytes + bytes.readableBytes <= shared.limits.bodyBytes else {
                refuseTooLarge(head, target)
                return
            }
            guard shared.bodies.take(bytes.readableBytes) else {
                refuse(.serviceUnavailable, ["retry-after": "1"])
                return
            }
            bodyBytesTaken += bytes.readableBytes
            if body.readableBytes == 0 {
                body = bytes
            } else {
                body.writeImmutableBuffer(bytes)
            }
            state = .receiving(head, target: target, body: body)
        case (.end, .receiving(let head, let target, let body)):
            respond(to: head, target, body)
        case (.end, .discarding):
            requestEnded = true
            if answered { closeAfterWrites() }
        default: break
        }
    }

    private func handle(_ head: HTTPRequestHead) {
        served += 1
        since = .now()
        keepAlive = head.isKeepAlive && !draining
        guard let target = originForm(of: head.uri) else {
            refuse(.badRequest)
            return
        }
        // The parser stops behind a request that asks for another protocol: it is answered in HTTP, once.
        if head.method == .CONNECT || head.headers.contains(name: "upgrade") { keepAlive = false }
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
            length > shared.limits.bodyBytes
        {
            state = .discarding
            refuseTooLarge(head, target)
            return
        }
        if let expectation = head.headers.first(name: "expect") {
            guard expectation.lowercased() == "100-continue" else {
                refuse(.expectationFailed)
                return
            }
            if head.version.minor >= 1 {
                write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
                scheduleFlush()
            }
        }
        state = .receiving(head, target: target, body: ByteBuffer())
    }

    private func respond(to head: HTTPRequestHead, _ target: String, _ body: ByteBuffer) {
        guard let context else { return }
        returnBodyBudget()
        let exchange = HTTP1Exchange(self, eventLoop: context.eventLoop, head: head)
        state = .responding(exchange)
        let request = HTTPRequest(
            method: head.method, target: target, headers: head.headers, body: body,
            clientCertificate: peer.certificate, clientCertificateProblem: peer.certificateProblem,
            remoteAddress: peer.address)
        shared.responder.respond(to: request, exchange)
    }

    private func returnBodyBudget() {
        shared.bodies.giveBack(bodyBytesTaken)
        bodyBytesTaken = 0
    }

    /// Has the API answer that the body is too large. The rest of the body is dropped, and the connection is closed.
    private func refuseTooLarge(_ head: HTTPRequestHead, _ target: String) {
        guard let onTooLarge = shared.configuration.onTooLarge, let context else {
            refuse(.payloadTooLarge)
            return
        }
        returnBodyBudget()
        keepAlive = false
        let exchange = HTTP1Exchange(self, eventLoop: context.eventLoop, head: head)
        exchange.requestIncomplete = true
        refused = exchange
        // The parts of the body that are still coming must not wait for the answer.
        state = .discarding
        onTooLarge(
            HTTPRequest(
                method: head.method, target: target, headers: head.headers, clientCertificate: peer.certificate,
                clientCertificateProblem: peer.certificateProblem, remoteAddress: peer.address), exchange)
    }

    /// Answers with a status and a line of text, and closes the connection.
    private func refuse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:]) {
        returnBodyBudget()
        keepAlive = false
        state = .discarding
        let text = ByteBuffer(string: "\(status.code) \(status.reasonPhrase)\n")
        var headers = headers
        headers.add(name: "content-type", value: "text/plain; charset=utf-8")
        headers.add(name: "content-length", value: String(text.readableBytes))
        writeHead(status, headers, version: .http1_1)
        write(.body(.byteBuffer(text)))
        write(.end(nil))
        scheduleFlush()
        lingerThenClose()
    }

    // MARK: Answers

    fileprivate func writeHead(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, version: HTTPVersion) {
        var headers = headers
        if !headers.contains(name: "date") { headers.add(name: "date", value: date.now()) }
        if draining { keepAlive = false }
        if !keepAlive { headers.replaceOrAdd(name: "connection", value: "close") }
        write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
    }

    fileprivate func write(_ part: HTTPServerResponsePart, _ promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    /// Counts a write as pending until `promise` completes: a client that takes nothing for long is cut off.
    fileprivate func track(_ promise: EventLoopPromise<Void>) {
        guard let context else { return }
        if writesPending == 0 { lastProgress = .now() }
        writesPending += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            bound.value.writesPending -= 1
            bound.value.lastProgress = .now()
        }
    }

    fileprivate func scheduleFlush() {
        guard !inRead, !flushScheduled, let context else { return }
        flushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.flushScheduled = false
            bound.value.context?.flush()
        }
    }

    fileprivate func responseEnded(_ exchange: HTTP1Exchange) {
        scheduleFlush()
        since = .now()
        if exchange.requestIncomplete {
            lingerThenClose()
        } else if !keepAlive || draining {
            state = .discarding
            closeAfterWrites()
        } else {
            state = .idle
            handleQueue()
        }
    }

    private func closeAfterWrites() {
        guard let context else { return }
        if case .closed = state { return }
        state = .closed
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        track(promise)
        // Something empty behind all that was written: when it is done, so is the rest.
        guard let below = try? context.pipeline.syncOperations.context(name: "http1.encoder") else {
            promise.succeed()
            return
        }
        below.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
    }

    /// Closing while the client still sends would make its kernel drop the answer: it gets half a second to stop.
    private func lingerThenClose() {
        guard let context else { return }
        answered = true
        refused = nil
        if requestEnded {
            closeAfterWrites()
            return
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        resumeReading()
        context.eventLoop.scheduleTask(in: .milliseconds(500)) { bound.value.closeAfterWrites() }
    }

    private func checkTimeouts() {
        guard let context else { return }
        let now = NIODeadline.now()
        if writesPending > 0, now - lastProgress > shared.limits.writeTimeout {
            context.close(promise: nil)
            return
        }
        switch state {
        case .idle:
            let limit = served == 0 ? shared.limits.headerTimeout : shared.limits.idleTimeout
            if now - since > limit { context.close(promise: nil) }
        case .receiving:
            if now - since > shared.limits.bodyTimeout { refuse(.requestTimeout) }
        case .responding, .discarding, .closed, .handedOver: break
        }
    }

    // MARK: Other protocols

    /// Answers with 101, takes HTTP out of the pipeline and gives the channel away. Bytes that came behind the request
    /// follow, since the decoder forwards what it has left when it goes.
    fileprivate func handOver(
        _ headers: HTTPHeaders, _ exchange: HTTP1Exchange, _ takeOver: @Sendable (any Channel) -> Void
    ) {
        guard let context else {
            exchange.abandon()
            return
        }
        state = .handedOver(exchange)
        timer?.cancel()
        write(.head(HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)))
        write(.end(nil))
        context.flush()
        let channel = context.channel
        channel.closeFuture.whenComplete { _ in exchange.abandon() }
        let pipeline = channel.pipeline.syncOperations
        pipeline.removeHandler(name: "http1.encoder", promise: nil)
        pipeline.removeHandler(context: context, promise: nil)
        takeOver(channel)
        pipeline.removeHandler(name: "http1.decoder", promise: nil)
    }

    fileprivate func abort() {
        state = .closed
        // What was written is the client's; only the end is missing.
        context?.flush()
        context?.close(promise: nil)
    }
}

/// An answer on an HTTP/1.1 connection.
final class HTTP1Exchange: HTTPExchange, @unchecked Sendable {
    private let connection: HTTP1Connection
    private let isHead: Bool
    private let version: HTTPVersion
    private var bodyAllowed = true
    var requestIncomplete = false
    private let asksForUpgrade: Bool

    init(_ connection: HTTP1Connection, eventLoop: any EventLoop, head: HTTPRequestHead) {
        self.connection = connection
        isHead = head.method == .HEAD
        version = head.version
        asksForUpgrade =
            head.headers.contains(name: "upgrade")
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
        super.init(eventLoop: eventLoop)
    }

    override func sendResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: [ByteBuffer]) {
        var headers = headers
        let length = body.reduce(0) { $0 + $1.readableBytes }
        if status.mayHaveBody { headers.replaceOrAdd(name: "content-length", value: String(length)) }
        connection.writeHead(status, headers, version: version)
        if !isHead, status.mayHaveBody {
            for part in body where part.readableBytes > 0 { connection.write(.body(.byteBuffer(part))) }
        }
        if length > 16 << 10 {
            let promise = eventLoop.makePromise(of: Void.self)
            connection.track(promise)
            connection.write(.end(nil), promise)
        } else {
            connection.write(.end(nil))
        }
        connection.responseEnded(self)
    }

    override func beginResponse(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        bodyAllowed = !isHead && status.mayHaveBody
        connection.writeHead(status, headers, version: version)
        connection.scheduleFlush()
    }

    override func writeBody(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard bodyAllowed else {
            promise.succeed()
            return
        }
        connection.track(promise)
        connection.write(.body(.byteBuffer(bytes)), promise)
        connection.scheduleFlush()
    }

    override func endResponse() {
        connection.write(.end(nil))
        connection.responseEnded(self)
    }

    override func abortResponse() { connection.abort() }

    override var canUpgrade: Bool { asksForUpgrade && !requestIncomplete }

    override func handOver(_ headers: HTTPHeaders, _ takeOver: @Sendable (any Channel) -> Void) {
        connection.handOver(headers, self, takeOver)
    }
}
