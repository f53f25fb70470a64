import NIOCore

/// Keeps what follows an answer's head away from HTTP's decoder, where a change of protocol may follow it.
///
/// A decoder forwards what it has left when it is removed, but not if the connection has ended by then: a short session,
/// whose bytes and end come in one read with the head, would be lost. So the decoder is given heads alone until somebody
/// has looked at one (RFC 9110, 7.8); the rest waits here.
final class UpgradeGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

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
    private var readHeld = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .open = state { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        waiting.writeBuffer(&bytes)
        forwardHead(context)
    }

    /// Forwards what there is of a head, up to its end.
    private func forwardHead(_ context: ChannelHandlerContext) {
        guard case .head(var matched) = state else { return }
        var length = 0
        for byte in waiting.readableBytesView {
            length += 1
            matched = byte == Self.end[matched] ? matched + 1 : byte == 13 ? 1 : 0
            if matched == Self.end.count { break }
        }
        state = matched == Self.end.count ? .held : .head(matched: matched)
        // Whoever reads the head may open the gate while it does.
        if length > 0, let head = waiting.readSlice(length: length) { context.fireChannelRead(wrapInboundOut(head)) }
    }

    /// Nothing is read while the gate is shut, least of all the end: all handlers would leave with the connection.
    func read(context: ChannelHandlerContext) {
        if case .held = state { readHeld = true } else { context.read() }
    }

    private func readAgain(_ context: ChannelHandlerContext) {
        guard readHeld else { return }
        readHeld = false
        context.read()
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

    /// The head was one of several: the next one is looked for, when the decoder has done with this one.
    func passHead() {
        guard let context else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (gate, context) = bound.value
            guard case .held = gate.state else { return }
            gate.state = .head(matched: 0)
            gate.forwardHead(context)
            if case .head = gate.state { gate.readAgain(context) }
        }
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
        readAgain(context)
    }
}
