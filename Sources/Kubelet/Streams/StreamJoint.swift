// The thin shell around a stream's translation: two connections on one event loop, neither read faster than the other
// one takes what follows from it.

import HTTPServer
import NIOCore

final class StreamJoint: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What both ends share.
    private final class Session {
        var translation: any StreamTranslation
        var parser = WebSocketParser()
        var client: StreamJoint?
        var runtime: StreamJoint?

        init(_ translation: any StreamTranslation) { self.translation = translation }
    }

    /// How long a client may take what is left when the session is over.
    private static let linger = TimeAmount.seconds(10)

    private let session: Session
    private let isClient: Bool
    private var context: ChannelHandlerContext?
    private var readHeld = false

    private init(_ session: Session, isClient: Bool) {
        self.session = session
        self.isClient = isClient
    }

    /// Called on the event loop of both channels. Nothing is written before HTTP's decoder has left the runtime's
    /// pipeline: it looks at what is written, and would take SPDY for a request.
    static func join(
        _ client: any Channel, _ runtime: any Channel, _ translation: any StreamTranslation,
        ready: EventLoopFuture<Void>
    ) {
        let session = Session(translation)
        let ends = (StreamJoint(session, isClient: true), StreamJoint(session, isClient: false))
        session.client = ends.0
        session.runtime = ends.1
        do {
            try client.pipeline.syncOperations.addHandler(ends.0)
            try runtime.pipeline.syncOperations.addHandler(ends.1)
        } catch {
            client.close(promise: nil)
            runtime.close(promise: nil)
            return
        }
        let bound = NIOLoopBound(ends.0, eventLoop: runtime.eventLoop)
        ready.whenComplete { _ in
            bound.value.perform(bound.value.session.translation.begin())
            client.read()
            runtime.read()
        }
    }

    private var partner: StreamJoint? { isClient ? session.runtime : session.client }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        do {
            if isClient {
                for event in try session.parser.receive(bytes) { perform(try session.translation.fromClient(event)) }
            } else {
                perform(try session.translation.fromRuntime(bytes))
            }
        } catch {
            perform([.closeClient, .closeRuntime])
        }
    }

    private func perform(_ actions: [StreamAction]) {
        for action in actions {
            switch action {
            case .toClient(let bytes): session.client?.send(bytes)
            case .toRuntime(let bytes): session.runtime?.send(bytes)
            case .closeClient: session.client?.closeAfterWrites()
            case .closeRuntime: session.runtime?.closeAfterWrites()
            }
        }
    }

    private func send(_ bytes: ByteBuffer) { context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }

    func read(context: ChannelHandlerContext) {
        if partner?.context?.channel.isWritable ?? true { context.read() } else { readHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let partner, partner.readHeld {
            partner.readHeld = false
            partner.context?.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isClient {
            session.runtime?.closeAfterWrites()
        } else {
            perform(session.translation.runtimeClosed())
        }
        if isClient { session.client = nil } else { session.runtime = nil }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func closeAfterWrites() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
        context.eventLoop.scheduleTask(in: Self.linger) { bound.value.close(promise: nil) }
    }
}
