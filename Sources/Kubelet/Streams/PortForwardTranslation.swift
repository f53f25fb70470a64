// port-forward for clients with a WebSocket: two channels for each port, or a whole SPDY connection within messages.

import HTTPServer
import NIOCore

/// The ports that a query named, each with a channel for data and one for errors (`v4.channel.k8s.io`), as the Python
/// client has it. The first message on each channel is the port's number, little-endian.
struct PortForwardTranslation: StreamTranslation {
    private let ports: [Int]
    private var messages: ChannelMessages
    private var writer = SPDYWriter()
    private var parser = SPDYParser()
    /// Data streams of ports that are not done yet.
    private var open: Set<UInt32> = []

    init(_ ports: [Int], _ form: ChannelProtocol) {
        self.ports = ports
        messages = ChannelMessages(form)
    }

    // Port i has channels 2i and 2i+1, and the streams 4i+3 and 4i+1.
    private static func dataStream(_ index: Int) -> UInt32 { UInt32(4 * index + 3) }
    private static func channel(of stream: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: (stream - 1) / 4 * 2 + (stream % 4 == 3 ? 0 : 1))
    }

    mutating func begin() -> [StreamAction] {
        var request = ByteBuffer()
        var actions: [StreamAction] = []
        for (index, port) in ports.enumerated() {
            let data = Self.dataStream(index)
            let common = [("port", "\(port)"), ("requestid", "\(index)")]
            request.writeImmutableBuffer(
                writer.synStream(data - 2, headers: [("streamtype", "error")] + common, closed: true))
            request.writeImmutableBuffer(writer.synStream(data, headers: [("streamtype", "data")] + common))
            open.insert(data)
            for channel in [2 * index, 2 * index + 1] {
                let number = ByteBuffer(integer: UInt16(truncatingIfNeeded: port), endianness: .little)
                actions.append(.toClient(messages.message(UInt8(truncatingIfNeeded: channel), number)))
            }
        }
        return [.toRuntime(request)] + actions
    }

    mutating func fromClient(_ event: WebSocketParser.Event) throws -> [StreamAction] {
        switch event {
        case .ping(let payload): return [.toClient(WebSocketFrames.pong(payload))]
        case .pong: return []
        case .close: return [.toClient(WebSocketFrames.goodbye), .closeClient, .closeRuntime]
        case .data(let piece, let begins, let ends):
            guard let (channel, payload) = try messages.receive(piece, begins: begins, ends: ends),
                channel % 2 == 0, Int(channel) / 2 < ports.count, payload.readableBytes > 0
            else { return [] }
            let stream = Self.dataStream(Int(channel) / 2)
            return open.contains(stream) ? [.toRuntime(SPDYWriter.data(stream, payload))] : []
        }
    }

    mutating func fromRuntime(_ bytes: ByteBuffer) throws -> [StreamAction] {
        var actions: [StreamAction] = []
        for event in try parser.receive(bytes) {
            switch event {
            case .ping(let id): actions.append(.toRuntime(SPDYWriter.ping(id)))
            case .data(let id, let payload, let last):
                if payload.readableBytes > 0 {
                    actions.append(.toClient(messages.message(Self.channel(of: id), payload)))
                }
                if last { actions += ended(id) }
            case .reset(let id): actions += ended(id)
            case .reply, .goAway: break
            }
        }
        return actions
    }

    private mutating func ended(_ stream: UInt32) -> [StreamAction] {
        guard open.remove(stream) != nil, open.isEmpty else { return [] }
        return [.toClient(WebSocketFrames.goodbye), .closeClient, .closeRuntime]
    }

    mutating func runtimeClosed() -> [StreamAction] { [.toClient(WebSocketFrames.goodbye), .closeClient] }
}

/// A SPDY connection whose bytes travel in messages (KEP-4006, `SPDY/3.1+portforward.k8s.io`), as kubectl has it.
struct TunnelTranslation: StreamTranslation {
    static let protocolName = "SPDY/3.1+portforward.k8s.io"

    mutating func begin() -> [StreamAction] { [] }

    mutating func fromClient(_ event: WebSocketParser.Event) throws -> [StreamAction] {
        switch event {
        case .ping(let payload): [.toClient(WebSocketFrames.pong(payload))]
        case .pong: []
        case .close: [.toClient(WebSocketFrames.goodbye), .closeClient, .closeRuntime]
        case .data(let piece, _, _): piece.readableBytes > 0 ? [.toRuntime(piece)] : []
        }
    }

    mutating func fromRuntime(_ bytes: ByteBuffer) throws -> [StreamAction] {
        [.toClient(WebSocketFrames.message(bytes))]
    }

    mutating func runtimeClosed() -> [StreamAction] { [.toClient(WebSocketFrames.goodbye), .closeClient] }
}
