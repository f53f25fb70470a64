import NIOCore
import NIOSSL

/// Joins two connections: what comes out of one goes into the other, no faster than that one takes it, until either
/// side is done.
///
/// Both channels live on the same event loop. A side without TLS may finish sending and go on receiving; TLS ends both
/// directions together.
public final class BytePipe: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// How long the other side may take what is left when one side has closed.
    private static let linger = TimeAmount.seconds(10)

    private var partner: BytePipe?
    private var context: ChannelHandlerContext?
    private var readHeld = false
    private var outputClosed = false
    private var inputClosed = false
    private let hasTLS: Bool

    private init(_ channel: any Channel) {
        let pipeline = channel.pipeline.syncOperations
        hasTLS =
            (try? pipeline.handler(type: NIOSSLServerHandler.self)) != nil
            || (try? pipeline.handler(type: NIOSSLClientHandler.self)) != nil
    }

    /// Adds the two ends to the channels' pipelines and begins to read. Called on the event loop of both.
    public static func join(_ first: any Channel, _ second: any Channel) {
        let ends = (BytePipe(first), BytePipe(second))
        ends.0.partner = ends.1
        ends.1.partner = ends.0
        do {
            for (end, channel) in [(ends.0, first), (ends.1, second)] {
                if !end.hasTLS { try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true) }
                try channel.pipeline.syncOperations.addHandler(end)
            }
        } catch {
            first.close(promise: nil)
            second.close(promise: nil)
            return
        }
        first.read()
        second.read()
    }

    public func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Flushed at once: what a decoder had left when it went is followed by no end of a read.
        partner?.context?.writeAndFlush(data, promise: nil)
    }

    public func read(context: ChannelHandlerContext) {
        if partner?.context?.channel.isWritable ?? true { context.read() } else { readHeld = true }
    }

    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let partner, partner.readHeld {
            partner.readHeld = false
            partner.context?.read()
        }
        context.fireChannelWritabilityChanged()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            inputClosed = true
            partner?.closeOutput()
            if outputClosed { context.close(promise: nil) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    public func channelInactive(context: ChannelHandlerContext) {
        partner?.closeAfterWrites()
        partner = nil
        context.fireChannelInactive()
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The other side will send no more.
    private func closeOutput() {
        guard !hasTLS, !inputClosed else { return closeAfterWrites() }
        guard let context, !outputClosed else { return }
        outputClosed = true
        context.flush()
        context.close(mode: .output, promise: nil)
    }

    private func closeAfterWrites() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
        context.eventLoop.scheduleTask(in: Self.linger) { bound.value.close(promise: nil) }
    }
}
