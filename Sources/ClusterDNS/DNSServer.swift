// DNS over UDP and TCP: sockets, frames, limits. What to answer is someone else's.

import NIOCore
import NIOPosix
import Synchronization

/// Answers one query. A nil answer means that none is sent.
typealias DNSResponder = @Sendable (_ query: [UInt8], _ overTCP: Bool) -> DNSReply

/// What a responder has to say at once, or later.
enum DNSReply: Sendable {
    case now([UInt8]?)
    case later(@Sendable () async -> [UInt8]?)
}

/// Splits a TCP stream into messages, each behind its length in two bytes (RFC 1035, 4.2.2).
struct DNSFrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt16.self),
            buffer.readableBytes >= 2 + Int(length)
        else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 2)
        guard let frame = buffer.readSlice(length: Int(length)) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState { try decode(context: context, buffer: &buffer) }
}

/// Queries that are being answered later, on all sockets together, and open connections.
final class DNSLimits: Sendable {
    static let pending = 1024
    static let connections = 256
    private let counts = Mutex((pending: 0, connections: 0))

    /// Begins work on an answer and hands it to `send`; false, and no answer, if there is too much to do already.
    func later(
        _ work: @escaping @Sendable () async -> [UInt8]?, _ send: @escaping @Sendable ([UInt8]) -> Void
    ) -> Bool {
        let admitted = counts.withLock { counts in
            guard counts.pending < Self.pending else { return false }
            counts.pending += 1
            return true
        }
        guard admitted else { return false }
        Task {
            let answer = await work()
            counts.withLock { $0.pending -= 1 }
            if let answer { send(answer) }
        }
        return true
    }

    func beginConnection() -> Bool {
        counts.withLock { counts in
            counts.connections += 1
            return counts.connections <= Self.connections
        }
    }
    func endConnection() { counts.withLock { $0.connections -= 1 } }
}

final class UDPQueryHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let responder: DNSResponder
    private let limits: DNSLimits

    init(_ responder: @escaping DNSResponder, _ limits: DNSLimits) {
        self.responder = responder
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let sender = envelope.remoteAddress, channel = context.channel
        switch responder(Array(envelope.data.readableBytesView), false) {
        case .now(let answer):
            guard let answer else { return }
            let reply = AddressedEnvelope(remoteAddress: sender, data: channel.allocator.buffer(bytes: answer))
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        case .later(let work):
            _ = limits.later(work) { answer in
                channel.writeAndFlush(
                    AddressedEnvelope(remoteAddress: sender, data: channel.allocator.buffer(bytes: answer)),
                    promise: nil)
            }
        }
    }

    /// A datagram that could not be delivered is the client's to repeat: the socket stays.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

final class TCPQueryHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let responder: DNSResponder
    private let limits: DNSLimits

    init(_ responder: @escaping DNSResponder, _ limits: DNSLimits) {
        self.responder = responder
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        if !limits.beginConnection() { context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        limits.endConnection()
        context.fireChannelInactive()
    }

    private static func frame(_ answer: [UInt8], _ allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: answer.count + 2)
        buffer.writeInteger(UInt16(truncatingIfNeeded: answer.count))
        buffer.writeBytes(answer)
        return buffer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        switch responder(Array(unwrapInboundIn(data).readableBytesView), true) {
        case .now(let answer):
            guard let answer else { return }
            context.writeAndFlush(wrapOutboundOut(Self.frame(answer, channel.allocator)), promise: nil)
        case .later(let work):
            let begun = limits.later(work) { answer in
                channel.writeAndFlush(Self.frame(answer, channel.allocator), promise: nil)
            }
            if !begun { context.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// The listening sockets.
struct DNSServer: Sendable {
    let group: any EventLoopGroup
    let responder: DNSResponder
    private let limits = DNSLimits()

    init(group: any EventLoopGroup, responder: @escaping DNSResponder) {
        self.group = group
        self.responder = responder
    }

    /// Ports that are tried when any will do: the one that is free for UDP may be taken for TCP.
    private static let attempts = 8

    /// Listens on one port for both transports; on any that is free for both if `port` is 0.
    func listen(_ host: String, _ port: Int) async throws -> [any Channel] {
        for _ in 1..<Self.attempts where port == 0 {
            if let channels = try? await listenOnce(host, port) { return channels }
        }
        return try await listenOnce(host, port)
    }

    private func listenOnce(_ host: String, _ port: Int) async throws -> [any Channel] {
        let (responder, limits) = (responder, limits)
        let udp = try await DatagramBootstrap(group: group)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(UDPQueryHandler(responder, limits))
                }
            }
            .bind(host: host, port: port).get()
        do {
            let tcp = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 128)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers(
                            IdleStateHandler(readTimeout: .seconds(10)),
                            ByteToMessageHandler(DNSFrameDecoder(), maximumBufferSize: 65537),
                            TCPQueryHandler(responder, limits))
                    }
                }
                .bind(host: host, port: udp.localAddress?.port ?? port).get()
            return [udp, tcp]
        } catch {
            try? await udp.close().get()
            throw error
        }
    }
}
