// Answering a gRPC server's pings before they are counted as an attack.

import NIOCore
import NIOSSL

/// Takes PING frames out of what an HTTP/2 server sends (RFC 9113, 6.7).
///
/// A server written in Go measures the line with a ping whenever it has read data: one for nearly every call. NIO
/// counts pings, takes 200 in half a minute for an attack and closes the connection, which ends every other call on it
/// unanswered. Here they are answered before it sees them. Answers to our own pings pass.
struct PingFilter {
    private static let headLength = 9
    private static let ping: UInt8 = 6
    private static let payloadLength = 8

    /// A frame's head, or a whole ping, that has not come in full yet.
    private var held = ByteBuffer()
    /// Bytes of the frame under way that are passed on as they come.
    private var left = 0

    /// - Returns: what is to be read on, and what is to be sent at once.
    mutating func filter(_ bytes: ByteBuffer) -> (passed: ByteBuffer, answers: ByteBuffer) {
        var input = bytes
        if held.readableBytes > 0 {
            held.writeImmutableBuffer(bytes)
            input = held
            held = ByteBuffer()
        }
        var passed = ByteBuffer()
        passed.reserveCapacity(input.readableBytes)
        var answers = ByteBuffer()
        while input.readableBytes > 0 {
            if left > 0 {
                guard var part = input.readSlice(length: min(left, input.readableBytes)) else { break }
                left -= part.readableBytes
                passed.writeBuffer(&part)
                continue
            }
            let start = input.readerIndex
            guard input.readableBytes >= Self.headLength,
                let size = input.getInteger(at: start, as: UInt32.self),
                let flags = input.getInteger(at: start + 4, as: UInt8.self)
            else { break }
            let length = Int(size >> 8)
            if UInt8(size & 0xff) == Self.ping, length == Self.payloadLength, flags & 1 == 0 {
                guard input.readableBytes >= Self.headLength + length,
                    let payload = input.getSlice(at: start + Self.headLength, length: length)
                else { break }
                input.moveReaderIndex(forwardBy: Self.headLength + length)
                answers.writeBytes([0, 0, UInt8(length), Self.ping, 1, 0, 0, 0, 0])
                answers.writeImmutableBuffer(payload)
                continue
            }
            left = Self.headLength + length
        }
        if input.readableBytes > 0 { held = input.slice() }
        return (passed, answers)
    }
}

/// The filter in a connection's pipeline, before all handlers that know frames.
public final class PingAnswerHandler: ChannelInboundHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundOut = IOData

    private var filter = PingFilter()

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let (passed, answers) = filter.filter(unwrapInboundIn(data))
        if answers.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(.byteBuffer(answers)), promise: nil) }
        if passed.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(passed)) }
    }

    /// Puts it into the pipeline of a client's connection: first, or next after TLS, where there is some.
    public static func install(on channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let tls = try? pipeline.context(handlerType: NIOSSLClientHandler.self) {
                try pipeline.addHandler(PingAnswerHandler(), position: .after(tls.handler))
            } else {
                try pipeline.addHandler(PingAnswerHandler(), position: .first)
            }
        }
    }
}
