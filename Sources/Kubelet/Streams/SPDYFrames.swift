// The frames of SPDY/3.1, the protocol of container runtimes' streaming servers, as a client writes and reads them.

import NIOCore

/// Writes frames. Headers are "compressed" without being made smaller: zlib knows blocks that are stored as they are.
struct SPDYWriter: Sendable {
    private static let version: UInt16 = 0x8003
    private var hasZlibHead = false

    /// - Parameter closed: The client will send nothing on the stream.
    mutating func synStream(_ id: UInt32, headers: [(String, String)], closed: Bool = false) -> ByteBuffer {
        var pairs = ByteBuffer()
        pairs.writeInteger(UInt32(headers.count))
        for (name, value) in headers {
            for text in [name, value] {
                pairs.writeInteger(UInt32(text.utf8.count))
                pairs.writeString(text)
            }
        }
        var payload = ByteBuffer()
        payload.writeInteger(id)
        payload.writeInteger(UInt32(0))
        payload.writeInteger(UInt16(0))
        if !hasZlibHead {
            // Deflate with a dictionary: that of SPDY/3, by its checksum.
            payload.writeBytes([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2])
            hasZlibHead = true
        }
        Self.stored(&payload, pairs)
        // An empty block makes the reader give out what it has, as zlib's sync flush does.
        Self.stored(&payload, ByteBuffer())
        return Self.control(1, flags: closed ? 1 : 0, payload)
    }

    private static func stored(_ output: inout ByteBuffer, _ bytes: ByteBuffer) {
        output.writeInteger(UInt8(0))
        output.writeInteger(UInt16(bytes.readableBytes), endianness: .little)
        output.writeInteger(~UInt16(bytes.readableBytes), endianness: .little)
        output.writeImmutableBuffer(bytes)
    }

    static func data(_ id: UInt32, _ bytes: ByteBuffer, last: Bool = false) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.reserveCapacity(8 + bytes.readableBytes)
        frame.writeInteger(id & 0x7fff_ffff)
        frame.writeInteger(UInt32(last ? 1 : 0) << 24 | UInt32(bytes.readableBytes))
        frame.writeImmutableBuffer(bytes)
        return frame
    }

    /// The answer to a ping is the ping.
    static func ping(_ id: UInt32) -> ByteBuffer { control(6, flags: 0, ByteBuffer(integer: id)) }

    private static func control(_ kind: UInt16, flags: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(version)
        frame.writeInteger(kind)
        frame.writeInteger(UInt32(flags) << 24 | UInt32(payload.readableBytes))
        frame.writeImmutableBuffer(payload)
        return frame
    }
}

/// Takes frames apart; the payload of data comes piece by piece.
struct SPDYParser: Sendable {
    enum Event: Sendable, Equatable {
        case data(UInt32, ByteBuffer, last: Bool)
        case reset(UInt32)
        /// The server has taken up a stream; `last` where it will send nothing on it.
        case reply(UInt32, last: Bool)
        case ping(UInt32)
        case goAway
    }

    private static let headLength = 8
    /// Control frames are small; a larger one is no SPDY.
    private static let controlLimit = 1 << 16

    private var held = ByteBuffer()
    private var stream: UInt32 = 0
    private var left = 0
    private var isLast = false
    private var inData = false

    mutating func receive(_ bytes: ByteBuffer) throws(ConfigError) -> [Event] {
        var input = bytes
        if held.readableBytes > 0 {
            held.writeImmutableBuffer(bytes)
            input = held
            held = ByteBuffer()
        }
        var events: [Event] = []
        while true {
            if inData {
                guard left > 0 else {
                    inData = false
                    continue
                }
                guard let piece = input.readSlice(length: min(left, input.readableBytes)), piece.readableBytes > 0
                else { break }
                left -= piece.readableBytes
                events.append(.data(stream, piece, last: isLast && left == 0))
                continue
            }
            let start = input.readerIndex
            guard let first = input.getInteger(at: start, as: UInt32.self),
                let second = input.getInteger(at: start + 4, as: UInt32.self)
            else { break }
            let length = Int(second & 0xff_ffff)
            let flags = UInt8(second >> 24)
            if first & 0x8000_0000 == 0 {
                input.moveReaderIndex(forwardBy: Self.headLength)
                (stream, left, isLast, inData) = (first, length, flags & 1 != 0, true)
                if length == 0 { events.append(.data(stream, ByteBuffer(), last: isLast)) }
                continue
            }
            guard length <= Self.controlLimit else { throw ConfigError("the runtime sent a frame of \(length) bytes") }
            guard input.readableBytes >= Self.headLength + length else { break }
            input.moveReaderIndex(forwardBy: Self.headLength)
            let number = input.getInteger(at: input.readerIndex, as: UInt32.self) ?? 0
            input.moveReaderIndex(forwardBy: length)
            switch first & 0xffff {
            case 2: events.append(.reply(number, last: flags & 1 != 0))
            case 3: events.append(.reset(number))
            case 6: events.append(.ping(number))
            case 7: events.append(.goAway)
            default: break
            }
        }
        if input.readableBytes > 0 { held = input.slice() }
        return events
    }
}
