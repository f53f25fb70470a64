// What a WebSocket client says, in the runtime's SPDY, and back: state machines without I/O.

import Foundation
import HTTPServer
import JSON
import NIOCore

/// What is to be done about something that came from either side.
enum StreamAction: Sendable, Equatable {
    case toClient(ByteBuffer)
    case toRuntime(ByteBuffer)
    /// After what was sent before has been written.
    case closeClient
    case closeRuntime
}

/// One session between a client with a WebSocket and a runtime with SPDY.
protocol StreamTranslation: Sendable {
    /// When both connections stand.
    mutating func begin() -> [StreamAction]
    mutating func fromClient(_ event: WebSocketParser.Event) throws -> [StreamAction]
    mutating func fromRuntime(_ bytes: ByteBuffer) throws -> [StreamAction]
    /// The runtime has closed its connection.
    mutating func runtimeClosed() -> [StreamAction]
}

/// The WebSocket's side of every translation.
enum WebSocketFrames {
    static func message(_ payload: ByteBuffer, text: Bool = false) -> ByteBuffer {
        var frame = ByteBuffer()
        WebSocketWriter.append(payload.readableBytesView, opcode: text ? 1 : 2, to: &frame)
        return frame
    }

    static func pong(_ payload: ByteBuffer) -> ByteBuffer {
        var frame = ByteBuffer()
        WebSocketWriter.append(payload.readableBytesView, opcode: 10, to: &frame)
        return frame
    }

    /// Normal closure.
    static let goodbye: ByteBuffer = {
        var frame = ByteBuffer()
        WebSocketWriter.append(ByteBuffer(bytes: [0x03, 0xe8]).readableBytesView, opcode: 8, to: &frame)
        return frame
    }()
}

/// The protocols of channels: the first byte of a message says which of several streams it belongs to.
enum ChannelProtocol: String, Sendable, CaseIterable {
    case v5 = "v5.channel.k8s.io"
    case v4 = "v4.channel.k8s.io"
    case v4Base64 = "v4.base64.channel.k8s.io"
    case v1 = "channel.k8s.io"
    case v1Base64 = "base64.channel.k8s.io"
    /// None was asked for: as `channel.k8s.io`.
    case plain = ""

    var isBase64: Bool { self == .v4Base64 || self == .v1Base64 }
    /// Ends of streams are told by a message on channel 255.
    var tellsEnds: Bool { self == .v5 }
    /// How a command ended is told as a `Status`; older protocols tell only of failures, in words.
    var hasStatus: Bool { self == .v5 || self == .v4 || self == .v4Base64 }

    /// The first of those that a client offers that we know.
    static func chosen(from offered: [String]) -> ChannelProtocol? {
        if offered.isEmpty { return .plain }
        for name in offered { if let known = ChannelProtocol(rawValue: name), known != .plain { return known } }
        return nil
    }
}

/// Channels in messages, in whichever form the protocol has them.
struct ChannelMessages: Sendable {
    /// A message in base64 is collected before it can be decoded.
    private static let limit = 8 << 20
    let form: ChannelProtocol
    private var channel: UInt8?
    private var collected = ByteBuffer()

    init(_ form: ChannelProtocol) { self.form = form }

    /// A piece of a message: the channel and what belongs to it.
    mutating func receive(_ piece: ByteBuffer, begins: Bool, ends: Bool) throws -> (UInt8, ByteBuffer)? {
        var piece = piece
        if form.isBase64 {
            if begins { collected = ByteBuffer() }
            guard collected.readableBytes + piece.readableBytes <= Self.limit else {
                throw WebSocketViolation(description: "a message is larger than \(Self.limit) bytes")
            }
            collected.writeBuffer(&piece)
            guard ends, let digit = collected.readInteger(as: UInt8.self) else { return nil }
            let text = String(buffer: collected)
            guard digit >= 0x30, let bytes = Data(base64Encoded: text) else {
                throw WebSocketViolation(description: "a message is no base64")
            }
            return (digit - 0x30, ByteBuffer(bytes: bytes))
        }
        if begins { channel = nil }
        if channel == nil { channel = piece.readInteger(as: UInt8.self) }
        return channel.map { ($0, piece) }
    }

    func message(_ channel: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
        var message = ByteBuffer()
        if form.isBase64 {
            message.writeInteger(channel + 0x30)
            message.writeString(Data(payload.readableBytesView).base64EncodedString())
            return WebSocketFrames.message(message, text: true)
        }
        message.reserveCapacity(1 + payload.readableBytes)
        message.writeInteger(channel)
        message.writeImmutableBuffer(payload)
        return WebSocketFrames.message(message)
    }
}
