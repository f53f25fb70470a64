import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS

/// Puts a new connection's pipeline together: TLS if there is any, then HTTP/1.1 or HTTP/2, whichever was agreed upon.
struct ConnectionSetup: Sendable {
    let shared: SharedState

    func configure(_ channel: any Channel) throws {
        let peer = Peer(address: channel.remoteAddress)
        let pipeline = channel.pipeline.syncOperations
        if let sslContext = shared.sslContext {
            if let clients = shared.configuration.tls?.clientCertificates {
                try pipeline.addHandler(
                    NIOSSLServerHandler(context: sslContext) { certificates, promise in
                        peer.judge(certificates, clients, promise)
                    })
            } else {
                try pipeline.addHandler(NIOSSLServerHandler(context: sslContext))
            }
        }
        try pipeline.addHandler(
            NegotiationHandler(setup: self, peer: peer, secure: shared.sslContext != nil), name: "negotiation")
    }

    func addHTTP1(to channel: any Channel, _ peer: Peer) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = shared.limits.headerBytes
        limits.maxHeaderListSize = shared.limits.headerBytes
        limits.maxHeaderFieldCount = shared.limits.headerFields
        // Bytes behind an upgrade request are forwarded when the decoder is removed: that, and the handlers' names, is
        // what exec and port-forward will need to take the connection over.
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ByteToMessageHandler(decoder), name: "http1.decoder")
        try pipeline.addHandler(HTTPResponseEncoder(), name: "http1.encoder")
        try pipeline.addHandler(HTTP1Connection(shared: shared, peer: peer), name: "http1")
    }

    func addHTTP2(to channel: any Channel, _ peer: Peer) throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: shared.limits.concurrentStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: shared.limits.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Connection.streamWindow),
        ]
        connection.maximumBufferedControlFrames = 2000
        // A client that ends all its watches at once, or that many times in half a minute, does nothing wrong.
        connection.controlFrameRateLimit.maximumCount = 1000
        // Counted over the whole life of a connection, and clients keep theirs for weeks: the rates below are limit enough.
        connection.maximumConnectionGlitches = .max
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = 1000
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
            NIOHTTP2Handler(mode: .server, connectionConfiguration: connection, streamConfiguration: stream),
            name: "http2.frames")
        try pipeline.addHandler(HTTP2Connection(shared: shared, peer: peer), name: "http2")
    }
}

/// Who is at the other end of a connection. Changed on its event loop only, before the first request.
final class Peer: @unchecked Sendable {
    let address: SocketAddress?
    fileprivate(set) var certificate: [UInt8]?
    fileprivate(set) var certificateProblem: String?

    init(address: SocketAddress?) { self.address = address }

    /// Has the certificates judged and lets the handshake go on in any case.
    fileprivate func judge(
        _ certificates: [NIOSSLCertificate], _ clients: HTTPServer.ClientCertificates,
        _ promise: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        let chain = certificates.prefix(8).compactMap { try? $0.toDERBytes() }
        let judged = promise.futureResult.eventLoop.makeFutureWithTask { await clients.verify(chain) }
        judged.whenComplete { result in
            switch result {
            case .success(nil): self.certificate = chain.first
            case .success(let problem?): self.certificateProblem = problem
            case .failure(let error): self.certificateProblem = "\(error)"
            }
            promise.succeed(.certificateVerified)
        }
    }
}

/// Waits until it is known which version a connection speaks: by ALPN, or, without TLS, by its first bytes.
private final class NegotiationHandler: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = Never

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private let setup: ConnectionSetup
    private let peer: Peer
    private let secure: Bool
    private var received: ByteBuffer?
    private var timeout: Scheduled<Void>?
    private var decided = false

    init(setup: ConnectionSetup, peer: Peer, secure: Bool) {
        self.setup = setup
        self.peer = peer
        self.secure = secure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: setup.shared.limits.headerTimeout) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if secure, case .handshakeCompleted(let version)? = event as? TLSUserEvent {
            decide(context, http2: version == "h2")
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !secure else {
            context.fireChannelRead(data)
            return
        }
        if received == nil { received = bytes } else { received?.writeBuffer(&bytes) }
        guard let start = received?.readableBytesView else { return }
        if start.count >= Self.preface.count {
            decide(context, http2: start.starts(with: Self.preface))
        } else if !Self.preface.starts(with: start) {
            decide(context, http2: false)
        }
    }

    private func decide(_ context: ChannelHandlerContext, http2: Bool) {
        guard !decided else { return }
        decided = true
        do {
            if http2 {
                try setup.addHTTP2(to: context.channel, peer)
            } else {
                try setup.addHTTP1(to: context.channel, peer)
            }
        } catch {
            context.close(promise: nil)
            return
        }
        if let received {
            self.received = nil
            context.fireChannelRead(wrapInboundOut(received))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if !decided, event is DrainEvent {
            promise?.succeed()
            context.close(promise: nil)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        setup.shared.configuration.logger.debug("connection from \(String(describing: peer.address)) failed: \(error)")
        context.close(promise: nil)
    }
}
