// A streamed answer over a WebSocket (RFC 6455), for clients that ask for a log or a watch that way.

import Crypto
import NIOCore
import NIOHTTP1
import Synchronization

/// Sends what is written as messages, where the client asked for a WebSocket; a refusal is sent as HTTP.
public final class WebSocketWriter: HTTPResponseWriter {
    /// What becomes of the bytes.
    public enum Messages: Sendable {
        /// One binary message for each piece.
        case binary
        /// One text message for each line.
        case lines
    }

    private struct State {
        var channel: (any Channel)?
        /// What was written before the connection was ours.
        var early = ByteBuffer()
        var isOver = false
        /// The answer is a refusal, and none of messages.
        var isPlain = false
    }

    private let response: any HTTPResponseWriter
    private let messages: Messages
    private let answer: HTTPHeaders
    private let state = Mutex(State())
    private let pending = Atomic<Int>(0)

    /// Nil where the request asks for no WebSocket, or for protocols that are none of ours.
    public init?(_ request: HTTPRequest, _ response: any HTTPResponseWriter, _ messages: Messages) {
        guard response.canUpgrade, request.method == .GET,
            request.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }),
            let key = request.headers.first(name: "sec-websocket-key")
        else { return nil }
        var answer: HTTPHeaders = [
            "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": Self.accept(key),
        ]
        let offered = request.headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
        if !offered.isEmpty {
            guard let chosen = offered.first(where: { $0 == "binary.k8s.io" }) else { return nil }
            answer.add(name: "sec-websocket-protocol", value: chosen)
        }
        self.response = response
        self.messages = messages
        self.answer = answer
    }

    /// The answer to a client's key (RFC 6455, 4.2.2).
    public static func accept(_ key: String) -> String {
        let digest = Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        var bits: UInt32 = 0
        var count = 0
        for byte in Array(digest) + [0] {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6, text.count < 27 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        return text + "="
    }

    public var eventLoop: any EventLoop { response.eventLoop }
    public var pendingBytes: Int { pending.load(ordering: .relaxed) }

    public func send(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: [ByteBuffer]) {
        response.send(status, headers: headers, body: body)
    }

    public func begin(_ status: HTTPResponseStatus, headers: HTTPHeaders) {
        guard status == .ok else {
            state.withLock { $0.isPlain = true }
            return response.begin(status, headers: headers)
        }
        response.upgrade(headers: answer) { channel in
            try? channel.pipeline.syncOperations.addHandler(ClientFrames())
            let (early, isOver) = self.state.withLock { state in
                state.channel = channel
                defer { state.early = ByteBuffer() }
                return (state.early, state.isOver)
            }
            if early.readableBytes > 0 { self.push(early, to: channel) }
            if isOver { self.goodbye(channel) }
            channel.read()
        }
    }

    public func write(_ bytes: ByteBuffer) {
        if state.withLock({ $0.isPlain }) { return response.write(bytes) }
        let frames = frames(of: bytes)
        guard frames.readableBytes > 0 else { return }
        let channel = state.withLock { state in
            if state.channel == nil { state.early.writeImmutableBuffer(frames) }
            return state.channel
        }
        if let channel { push(frames, to: channel) }
    }

    private func push(_ frames: ByteBuffer, to channel: any Channel) {
        let count = frames.readableBytes
        pending.add(count, ordering: .relaxed)
        channel.writeAndFlush(frames).whenComplete { _ in self.pending.subtract(count, ordering: .relaxed) }
    }

    private func frames(of bytes: ByteBuffer) -> ByteBuffer {
        var frames = ByteBuffer()
        switch messages {
        case .binary: Self.append(bytes.readableBytesView[...], opcode: 2, to: &frames)
        case .lines:
            for line in bytes.readableBytesView.split(separator: UInt8(ascii: "\n")) {
                Self.append(line, opcode: 1, to: &frames)
            }
        }
        return frames
    }

    /// One message of one frame; a server's are not masked.
    public static func append(_ payload: ByteBufferView, opcode: UInt8, to frames: inout ByteBuffer) {
        frames.writeInteger(0x80 | opcode)
        switch payload.count {
        case ..<126: frames.writeInteger(UInt8(payload.count))
        case ..<65536:
            frames.writeInteger(UInt8(126))
            frames.writeInteger(UInt16(payload.count))
        default:
            frames.writeInteger(UInt8(127))
            frames.writeInteger(UInt64(payload.count))
        }
        frames.writeBytes(payload)
    }

    public func end() {
        let channel = state.withLock { state in
            state.isOver = true
            return state.channel
        }
        if let channel { goodbye(channel) } else { response.end() }
    }

    private func goodbye(_ channel: any Channel) {
        var frame = ByteBuffer()
        Self.append(ByteBuffer(bytes: [0x03, 0xe8]).readableBytesView, opcode: 8, to: &frame)
        channel.writeAndFlush(frame).whenComplete { _ in channel.close(promise: nil) }
    }

    public func abort() {
        if let channel = state.withLock({ $0.channel }) { channel.close(promise: nil) } else { response.abort() }
    }

    public func onClose(_ handler: @escaping @Sendable () -> Void) { response.onClose(handler) }

    /// Waits for the client to close; what else it says is of no interest.
    private final class ClientFrames: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let first = unwrapInboundIn(data).readableBytesView.first ?? 0
            if first & 0x0f == 8 { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
