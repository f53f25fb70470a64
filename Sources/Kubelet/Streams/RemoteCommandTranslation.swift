// exec and attach for a client with a WebSocket: channels 0 to 4 and 255 on its side, SPDY streams on the runtime's.

import CRI
import HTTPServer
import JSON
import NIOCore

/// Specified in the Kubernetes documentation, *Container Attach/Exec over WebSocket* (KEP-4006), and by what clients do.
struct RemoteCommandTranslation: StreamTranslation {
    private enum Channel: UInt8 { case stdin, stdout, stderr, error, resize }
    private static let endOfStream: UInt8 = 255
    /// The runtime's last words are a `Status`.
    private static let statusLimit = 1 << 20

    private let options: StreamOptions
    private var messages: ChannelMessages
    private var writer = SPDYWriter()
    private var parser = SPDYParser()
    private var channels: [UInt32: Channel] = [:]
    private var stdinEnded = false
    private var status = ByteBuffer()
    private var statusTold = false

    init(_ options: StreamOptions, _ form: ChannelProtocol) {
        self.options = options
        messages = ChannelMessages(form)
    }

    private func stream(_ channel: Channel) -> UInt32? { channels.first { $0.value == channel }?.key }

    mutating func begin() -> [StreamAction] {
        var wanted: [(Channel, String)] = [(.error, "error")]
        if options.stdin { wanted.append((.stdin, "stdin")) }
        if options.stdout { wanted.append((.stdout, "stdout")) }
        if options.stderr { wanted.append((.stderr, "stderr")) }
        if options.tty { wanted.append((.resize, "resize")) }
        var request = ByteBuffer()
        for (index, (channel, name)) in wanted.enumerated() {
            let id = UInt32(2 * index + 1)
            channels[id] = channel
            request.writeImmutableBuffer(writer.synStream(id, headers: [("streamtype", name)]))
        }
        // The first message tells the client that the session stands.
        let first: Channel = options.stdout ? .stdout : options.stderr ? .stderr : .error
        return [.toRuntime(request), .toClient(messages.message(first.rawValue, ByteBuffer()))]
    }

    mutating func fromClient(_ event: WebSocketParser.Event) throws -> [StreamAction] {
        switch event {
        case .ping(let payload): return [.toClient(WebSocketFrames.pong(payload))]
        case .pong: return []
        case .close: return [.toClient(WebSocketFrames.goodbye), .closeClient, .closeRuntime]
        case .data(let piece, let begins, let ends):
            guard let (number, payload) = try messages.receive(piece, begins: begins, ends: ends) else { return [] }
            if number == Self.endOfStream, messages.form.tellsEnds {
                guard payload.readableBytesView.first == Channel.stdin.rawValue, !stdinEnded, let id = stream(.stdin)
                else { return [] }
                stdinEnded = true
                return [.toRuntime(SPDYWriter.data(id, ByteBuffer(), last: true))]
            }
            guard payload.readableBytes > 0, let channel = Channel(rawValue: number),
                channel == .resize || (channel == .stdin && !stdinEnded), let id = stream(channel)
            else { return [] }
            return [.toRuntime(SPDYWriter.data(id, payload))]
        }
    }

    mutating func fromRuntime(_ bytes: ByteBuffer) throws -> [StreamAction] {
        var actions: [StreamAction] = []
        for event in try parser.receive(bytes) {
            switch event {
            case .ping(let id): actions.append(.toRuntime(SPDYWriter.ping(id)))
            case .data(let id, var payload, let last):
                switch channels[id] {
                case .stdout?, .stderr?:
                    guard payload.readableBytes > 0, let channel = channels[id] else { break }
                    actions.append(.toClient(messages.message(channel.rawValue, payload)))
                case .error?:
                    if status.readableBytes + payload.readableBytes <= Self.statusLimit { status.writeBuffer(&payload) }
                    if last { actions += tellStatus() }
                default: break
                }
            case .reset, .reply, .goAway: break
            }
        }
        return actions
    }

    mutating func runtimeClosed() -> [StreamAction] {
        tellStatus() + [.toClient(WebSocketFrames.goodbye), .closeClient]
    }

    /// How the command ended.
    private mutating func tellStatus() -> [StreamAction] {
        guard !statusTold else { return [] }
        statusTold = true
        if status.readableBytes == 0 {
            let lost: JSONValue = [
                "metadata": [:], "status": "Failure", "reason": "InternalError", "code": 500,
                "message": "the connection to the container runtime ended before the command did",
            ]
            status.writeBytes(JSONWriter.bytes(of: lost))
        }
        if messages.form.hasStatus { return [.toClient(messages.message(Channel.error.rawValue, status))] }
        let parsed = try? JSONParser.parse(Array(status.readableBytesView))
        if parsed?["status"]?.stringValue == "Success" { return [] }
        let message = parsed?["message"]?.stringValue ?? String(buffer: status)
        return [.toClient(messages.message(Channel.error.rawValue, ByteBuffer(string: message)))]
    }
}
