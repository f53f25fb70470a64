import NIOCore
import NIOHTTP1

/// The connection to the other server, for one request after the other: sends it and passes the answer on, no faster than
/// the client takes it.
final class ProxyConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        case waiting
        case streaming
        /// The body is collected to be changed.
        case collecting(HTTPResponseStatus, HTTPHeaders, ByteBuffer, Int, @Sendable ([UInt8]) -> [UInt8])
        /// The protocol changes as soon as the answer's end has come out of the decoder.
        case switching(HTTPResponseHead)
        /// HTTP's handlers are on their way out.
        case upgrading
        /// In the pool.
        case idle
        case over
    }

    /// Bytes that may wait for the client before no more is read, and how few they must become again.
    private static let backlog = 1 << 20
    private static let drained = 256 << 10

    private var pass: ProxyPass
    private var response: any HTTPResponseWriter
    /// Where the protocol may change.
    private let gate: UpgradeGate?
    private var state = State.waiting
    private var context: ChannelHandlerContext?
    private var paused = false
    private var readHeld = false
    private var timeout: Scheduled<Void>?
    /// Counts requests: what was said about an earlier one is nothing to the present one.
    private var number = 0
    /// Whether the other server leaves the connection open after this answer.
    private var keepsAlive = false
    private var isReused = false

    init(_ pass: ProxyPass, _ response: any HTTPResponseWriter, _ gate: UpgradeGate?) {
        self.pass = pass
        self.response = response
        self.gate = gate
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        timeout?.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        send(context)
        context.fireChannelActive()
    }

    /// The next request, by a connection out of the pool.
    func reuse(_ pass: ProxyPass, _ response: any HTTPResponseWriter) {
        timeout?.cancel()
        guard let context, case .idle = state else { return pass.connect(response) }
        self.pass = pass
        self.response = response
        isReused = true
        keepsAlive = false
        state = .waiting
        send(context)
        if readHeld, !paused {
            readHeld = false
            context.read()
        }
    }

    private func send(_ context: ChannelHandlerContext) {
        number += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        response.onClose { [number] in bound.value.clientWent(number) }
        if let limit = pass.headTimeout {
            timeout = context.eventLoop.scheduleTask(in: limit) { bound.value.fail(.timeout) }
        }
        let request = pass.request
        let head = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.target, headers: request.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Nobody waits for the answer any more, and what is left of it cannot be told from the next one.
    private func clientWent(_ number: Int) {
        guard number == self.number else { return }
        if case .idle = state { return }
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): receive(head, context)
        case .body(let bytes): receive(bytes)
        case .end: finish(context)
        }
    }

    private func receive(_ head: HTTPResponseHead, _ context: ChannelHandlerContext) {
        guard case .waiting = state else { return }
        if head.status == .switchingProtocols {
            timeout?.cancel()
            state = .switching(head)
            return
        }
        if (100..<200).contains(head.status.code) {
            gate?.passHead()
            return
        }
        timeout?.cancel()
        keepsAlive = head.isKeepAlive && !ProxyPass.isUpgrade(pass.request)
        if ProxyPass.isUpgrade(pass.request), head.status.code < 400 {
            return fail(.notUpgraded(Int(head.status.code)))
        }
        defer { gate?.open() }
        var status = head.status
        var headers = ProxyPass.endToEnd(head.headers)
        switch pass.adjust(&status, &headers) {
        case .stream:
            state = .streaming
            pass.onStatus(Int(status.code))
            response.begin(status, headers: headers)
        case .collect(let limit, let change): state = .collecting(status, headers, ByteBuffer(), limit, change)
        }
    }

    private func receive(_ bytes: ByteBuffer) {
        switch state {
        case .streaming: write(bytes)
        case .collecting(let status, let headers, var body, let limit, let change):
            state = .waiting  // so that the body is not copied when it grows
            body.writeImmutableBuffer(bytes)
            guard body.readableBytes > limit else {
                state = .collecting(status, headers, body, limit, change)
                return
            }
            state = .streaming
            pass.onStatus(Int(status.code))
            response.begin(status, headers: headers)
            write(body)
        case .waiting, .switching, .upgrading, .idle, .over: break
        }
    }

    private func write(_ bytes: ByteBuffer) {
        response.write(bytes)
        guard !paused, response.pendingBytes > Self.backlog, let context else { return }
        paused = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        response.onDrain(below: Self.drained) { [number] in bound.value.resume(number) }
    }

    private func resume(_ number: Int) {
        guard number == self.number else { return }
        paused = false
        if readHeld {
            readHeld = false
            context?.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if paused { readHeld = true } else { context.read() }
    }

    private func finish(_ context: ChannelHandlerContext) {
        switch state {
        case .streaming:
            state = .over
            let response = response
            rest(context)
            response.end()
            return
        case .collecting(let status, var headers, let body, _, let change):
            state = .over
            headers.remove(name: "content-length")
            pass.onStatus(Int(status.code))
            response.send(
                status, headers: headers, body: [ByteBuffer(bytes: change(Array(body.readableBytesView)))])
        case .switching(let head): return upgrade(head, context)
        // The end of a head that another one follows.
        case .waiting: return
        case .upgrading: return
        case .idle, .over: break
        }
        context.close(promise: nil)
    }

    /// Goes back into the pool, or closes. Before the client is told of the end, which may bring its next request.
    private func rest(_ context: ChannelHandlerContext) {
        let key = ProxyPool.Key(pass.target, context.eventLoop)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        number += 1
        paused = false
        guard keepsAlive, let pool = pass.pool, pool.put(bound, key) else {
            context.close(promise: nil)
            return
        }
        state = .idle
        timeout = context.eventLoop.scheduleTask(in: pool.timeout) { bound.value.leave() }
        if readHeld {
            // The end of an idle connection is to be heard.
            readHeld = false
            context.read()
        }
    }

    /// Ends an idle connection.
    private func leave() {
        guard case .idle = state, let context else { return }
        state = .over
        pass.pool?.remove(self, ProxyPool.Key(pass.target, context.eventLoop))
        context.close(promise: nil)
    }

    /// A server may close an idle connection just as the next request is on its way. What may be repeated is.
    private static let repeatable: [HTTPMethod] = [.GET, .HEAD, .PUT, .DELETE, .OPTIONS, .TRACE]

    private func fail(_ problem: ProxyProblem) {
        switch state {
        case .waiting:
            state = .over
            if isReused, case .broken = problem, Self.repeatable.contains(pass.request.method) {
                number += 1
                pass.connect(response)
            } else {
                pass.onProblem(problem, response)
            }
        case .switching, .collecting:
            state = .over
            pass.onProblem(problem, response)
        case .streaming:
            state = .over
            response.abort()
        case .idle: return leave()
        case .upgrading, .over: break
        }
        timeout?.cancel()
        context?.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.broken("EOF"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(.broken("\(error)")) }

    /// Joins the two connections. What came behind the answer's head follows when the decoder has gone.
    private func upgrade(_ head: HTTPResponseHead, _ context: ChannelHandlerContext) {
        guard response.canUpgrade else {
            return fail(.broken("the backend changed the protocol, the client's connection cannot"))
        }
        state = .upgrading
        pass.onStatus(101)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let join = pass.join
        let gate = gate.map { NIOLoopBound($0, eventLoop: context.eventLoop) }
        response.upgrade(headers: pass.adjustUpgrade(head.headers)) { client in
            let context = bound.value
            let channel = context.channel
            let pipeline = channel.pipeline.syncOperations
            pipeline.removeHandler(name: "proxy.encoder", promise: nil)
            pipeline.removeHandler(context: context, promise: nil)
            let gone = channel.eventLoop.makePromise(of: Void.self)
            gone.futureResult.whenComplete { _ in gate?.value.open() }
            join(client, channel, gone.futureResult)
            pipeline.removeHandler(name: "proxy.decoder", promise: gone)
        }
    }
}
