import NIOCore

/// Keeps what follows an answer's head away from HTTP's decoder, where a change of protocol may follow it.
///
/// A decoder forwards what it has left when it is removed, but not if the connection has ended by then: a short session,
/// whose bytes and end come in one read with the head, would be lost. So the decoder is given heads alone until somebody
/// has looked at one (RFC 9110, 7.8); the rest waits here.
final class UpgradeGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        /// How much of the empty line that ends a head has been seen.
        case head(matched: Int)
        case held
        case open
    }

    private static let end: [UInt8] = [13, 10, 13, 10]

    private var state = State.head(matched: 0)
    private var waiting = ByteBuffer()
    /// An end of the input, or of the connection, which keeps its place behind the bytes that wait.
    private var waitingEnds: [(ChannelHandlerContext) -> Void] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch state {
        case .open: context.fireChannelRead(data)
        case .held: waiting.writeBuffer(&bytes)
        case .head(var matched):
            var length = 0
            for byte in bytes.readableBytesView {
                length += 1
                matched = byte == Self.end[matched] ? matched + 1 : byte == 13 ? 1 : 0
                if matched == Self.end.count { break }
            }
            state = matched == Self.end.count ? .held : .head(matched: matched)
            let head = bytes.readSlice(length: length)
            waiting.writeBuffer(&bytes)
            // Whoever reads the head may open the gate while it does.
            if let head { context.fireChannelRead(wrapInboundOut(head)) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent, case .held = state {
            waitingEnds.append { $0.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .held = state {
            waitingEnds.append { $0.fireChannelInactive() }
        } else {
            context.fireChannelInactive()
        }
    }

    /// The head was one of several: the next one is looked for.
    func passHead() {
        state = .head(matched: 0)
        guard waiting.readableBytes > 0, let context else { return }
        let bytes = waiting
        waiting = ByteBuffer()
        channelRead(context: context, data: wrapInboundOut(bytes))
    }

    /// Lets everything pass that has come, and that comes.
    func open() {
        state = .open
        guard let context else { return }
        if waiting.readableBytes > 0 {
            let bytes = waiting
            waiting = ByteBuffer()
            context.fireChannelRead(wrapInboundOut(bytes))
            context.fireChannelReadComplete()
        }
        let ends = waitingEnds
        waitingEnds = []
        for end in ends { end(context) }
    }
}
