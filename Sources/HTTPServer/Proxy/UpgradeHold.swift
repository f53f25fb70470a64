// What a backend says between its change of protocol and the moment when the client's connection has changed too.

import NIOCore

/// Keeps bytes, and that the backend is gone, so that nothing of a short session is lost: HTTP's decoder drops what it
/// still has when it sees the end of the connection.
///
/// Lives on the event loop of both connections.
final class UpgradeHold {
    /// In front of HTTP's decoder, from which it keeps what comes later, and the end.
    private final class Gate: ChannelDuplexHandler, RemovableChannelHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer

        var late: [ByteBuffer] = []
        var isClosed = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { late.append(unwrapInboundIn(data)) }
        func channelReadComplete(context: ChannelHandlerContext) {}
        func channelInactive(context: ChannelHandlerContext) { isClosed = true }
        func read(context: ChannelHandlerContext) {}
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// Behind it, where what it had left comes out.
    private final class Sink: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = ByteBuffer

        var early: [ByteBuffer] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { early.append(unwrapInboundIn(data)) }
    }

    private let channel: any Channel
    private let gate = Gate()
    private let sink = Sink()
    /// Succeeds when HTTP's handlers have left the pipeline.
    let ready: EventLoopFuture<Void>

    /// Called while the decoder gives the answer that changes the protocol. Takes HTTP's handlers out of the pipeline.
    init(_ channel: any Channel, decoder: String, others: [String]) throws {
        self.channel = channel
        let pipeline = channel.pipeline.syncOperations
        let gone = channel.eventLoop.makePromise(of: Void.self)
        ready = gone.futureResult
        do {
            let handler = try pipeline.context(name: decoder).handler
            try pipeline.addHandler(gate, position: .before(handler))
            try pipeline.addHandler(sink, position: .after(handler))
        } catch {
            gone.fail(error)
            throw error
        }
        for name in others { pipeline.removeHandler(name: name, promise: nil) }
        pipeline.removeHandler(name: decoder, promise: gone)
    }

    /// Lets `join` put its handlers into both pipelines, and gives them what was kept. A backend that has gone meanwhile
    /// can be joined with nothing: the client gets what it left behind.
    func release(into client: any Channel, _ join: (any Channel, any Channel, EventLoopFuture<Void>) -> Void) {
        let held = sink.early + gate.late
        if gate.isClosed || !channel.isActive {
            for bytes in held { client.write(bytes, promise: nil) }
            client.writeAndFlush(ByteBuffer()).whenComplete { _ in client.close(promise: nil) }
            return
        }
        let pipeline = channel.pipeline.syncOperations
        join(client, channel, ready)
        if let context = try? pipeline.context(handler: sink) {
            for bytes in held { context.fireChannelRead(NIOAny(bytes)) }
        }
        pipeline.removeHandler(sink, promise: nil)
        pipeline.removeHandler(gate, promise: nil)
        channel.read()
    }
}
