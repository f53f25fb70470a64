// Taking apart what a WebSocket's client sends (RFC 6455, 5.2): a state machine without I/O.

import NIOCore

/// What a client did that no WebSocket client may do.
public struct WebSocketViolation: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// Gives the payload of messages piece by piece, as it comes, so that a message may be larger than memory.
public struct WebSocketParser: Sendable {
    public enum Event: Sendable, Equatable {
        /// A piece of a message; `begins` and `ends` tell whether it is its first and its last.
        case data(ByteBuffer, begins: Bool, ends: Bool)
        case ping(ByteBuffer)
        case pong
        /// With its code, if it has one.
        case close(UInt16?)
    }

    private struct Frame {
        var opcode: UInt8
        var isFinal: Bool
        var left: UInt64
        var mask: [UInt8]
        var offset = 0
        var isFirstPiece = true
        var control = ByteBuffer()
    }

    private static let continuation: UInt8 = 0
    private static let controlLimit: UInt64 = 125

    private var held = ByteBuffer()
    private var frame: Frame?
    /// A message of several frames is under way.
    private var inMessage = false

    public init() {}

    public mutating func receive(_ bytes: ByteBuffer) throws(WebSocketViolation) -> [Event] {
        var input = bytes
        if held.readableBytes > 0 {
            held.writeImmutableBuffer(bytes)
            input = held
            held = ByteBuffer()
        }
        var events: [Event] = []
        while true {
            if frame == nil {
                guard let next = try Self.head(&input) else { break }
                frame = next
            }
            guard var current = frame else { break }
            if current.left > 0, input.readableBytes == 0 { break }
            let count = Int(min(current.left, UInt64(input.readableBytes)))
            var payload = input.readSlice(length: count) ?? ByteBuffer()
            Self.unmask(&payload, current.mask, from: current.offset)
            current.offset = (current.offset + count) % 4
            current.left -= UInt64(count)
            if current.opcode >= 8 {
                current.control.writeBuffer(&payload)
            } else {
                events.append(try data(payload, &current))
            }
            if current.left == 0 {
                if let event = try Self.control(current) { events.append(event) }
                frame = nil
            } else {
                frame = current
            }
        }
        if input.readableBytes > 0 { held = input.slice() }
        return events
    }

    private mutating func data(_ payload: ByteBuffer, _ frame: inout Frame) throws(WebSocketViolation) -> Event {
        let begins = frame.isFirstPiece && frame.opcode != Self.continuation
        if frame.isFirstPiece, inMessage == (frame.opcode != Self.continuation) {
            throw WebSocketViolation(description: "a message begins within another, or goes on that has not begun")
        }
        frame.isFirstPiece = false
        let ends = frame.isFinal && frame.left == 0
        inMessage = !ends
        return .data(payload, begins: begins, ends: ends)
    }

    private static func control(_ frame: Frame) throws(WebSocketViolation) -> Event? {
        switch frame.opcode {
        case 0...2: return nil
        case 8: return .close(frame.control.getInteger(at: frame.control.readerIndex, as: UInt16.self))
        case 9: return .ping(frame.control)
        case 10: return .pong
        default: throw WebSocketViolation(description: "unknown opcode \(frame.opcode)")
        }
    }

    /// Nil where the head has not come in full.
    private static func head(_ input: inout ByteBuffer) throws(WebSocketViolation) -> Frame? {
        var probe = input
        guard let first = probe.readInteger(as: UInt8.self), let second = probe.readInteger(as: UInt8.self) else {
            return nil
        }
        guard first & 0x70 == 0 else { throw WebSocketViolation(description: "reserved bits are set") }
        guard second & 0x80 != 0 else { throw WebSocketViolation(description: "a client's frames must be masked") }
        var length = UInt64(second & 0x7f)
        if length == 126 {
            guard let real = probe.readInteger(as: UInt16.self) else { return nil }
            length = UInt64(real)
        } else if length == 127 {
            guard let real = probe.readInteger(as: UInt64.self) else { return nil }
            length = real
        }
        guard let mask = probe.readBytes(length: 4) else { return nil }
        let opcode = first & 0x0f
        if opcode >= 8, length > controlLimit || first & 0x80 == 0 {
            throw WebSocketViolation(description: "a control frame is too long or in pieces")
        }
        input = probe
        return Frame(opcode: opcode, isFinal: first & 0x80 != 0, left: length, mask: mask)
    }

    private static func unmask(_ payload: inout ByteBuffer, _ mask: [UInt8], from offset: Int) {
        guard payload.readableBytes > 0, mask != [0, 0, 0, 0] else { return }
        payload.withUnsafeMutableReadableBytes { bytes in
            for index in bytes.indices { bytes[index] ^= mask[(offset + index) & 3] }
        }
    }
}
