import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A responder made of a closure.
struct ClosureResponder: HTTPResponder {
    let body: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) { body(request, response) }
}

extension HTTPResponseWriter {
    func send(text: String, _ status: HTTPResponseStatus = .ok) {
        send(status, headers: ["content-type": "text/plain"], body: [ByteBuffer(string: text)])
    }
}

/// Answers `/echo` with the body, `/size` with its size, `/later` from another thread, `/stream` with three pieces,
/// `/open` with one piece and no end, and anything else with its method and target.
@Sendable func standardResponder(_ request: HTTPRequest, _ response: any HTTPResponseWriter) {
    switch request.target.split(separator: "?").first ?? "" {
    case "/echo": response.send(.ok, headers: [:], body: [request.body])
    case "/size": response.send(text: "\(request.body.readableBytes)")
    case "/later":
        let text = "later \(request.target)"
        let delay = Int64(request.target.utf8.reduce(0) { $0 + Int($1) } % 17)
        MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .milliseconds(delay)) { response.send(text: text) }
    case "/slow":
        MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .milliseconds(300)) { response.send(text: "slow") }
    case "/stream":
        response.begin(.ok, headers: ["content-type": "text/plain"])
        for piece in ["one ", "two ", "three"] { response.write(ByteBuffer(string: piece)) }
        response.end()
    case "/open":
        response.begin(.ok, headers: ["content-type": "text/plain"])
        response.write(ByteBuffer(string: "first"))
    case "/empty": response.send(.noContent, headers: [:], body: [])
    case "/who":
        let certificate = request.clientCertificate.map { "\($0.count) bytes" } ?? "none"
        response.send(text: "\(certificate), \(request.clientCertificateProblem ?? "no problem")")
    default: response.send(text: "\(request.method) \(request.target)")
    }
}

/// Runs a server for the length of `body`, on loopback and a port of the system's choice.
func withServer(
    limits: HTTPServer.Limits = .init(), tls: HTTPServer.TLS? = nil,
    onTooLarge: (@Sendable (HTTPRequest, any HTTPResponseWriter) -> Void)? = nil,
    responder: @escaping @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = standardResponder,
    _ body: (HTTPServer) async throws -> Void
) async throws {
    let server = try await HTTPServer.start(
        .init(tls: tls, limits: limits, onTooLarge: onTooLarge), responder: ClosureResponder(body: responder))
    do {
        try await body(server)
    } catch {
        await server.shutdown(grace: .milliseconds(100))
        throw error
    }
    await server.shutdown(grace: .milliseconds(100))
}

struct Timeout: Error {
    let waitedFor: String
    let seen: String
}

/// Asks again and again until there is an answer.
func eventually<Value>(
    _ what: String, seen: () -> String = { "" }, seconds: Double = 10, _ ask: () -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + .milliseconds(Int64(seconds * 1000))
    while true {
        if let value = ask() { return value }
        guard ContinuousClock.now < deadline else { throw Timeout(waitedFor: what, seen: seen()) }
        try await Task.sleep(for: .milliseconds(3))
    }
}

/// A TCP connection that sends what it is told and keeps what comes back.
final class RawConnection: Sendable {
    private struct State {
        var received: [UInt8] = []
        var closed = false
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state: NIOLockedValueBox<State>
        init(_ state: NIOLockedValueBox<State>) { self.state = state }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            state.withLockedValue { $0.received += bytes }
        }
        func channelInactive(context: ChannelHandlerContext) { state.withLockedValue { $0.closed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let state = NIOLockedValueBox(State())
    let channel: any Channel

    init(port: Int, autoRead: Bool = true) async throws {
        let state = state
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: autoRead)
            .channelInitializer { $0.pipeline.addHandler(Collector(state)) }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    var text: String { String(decoding: state.withLockedValue { $0.received }, as: UTF8.self) }
    var isClosed: Bool { state.withLockedValue { $0.closed } }

    func waitFor(_ text: String, count: Int = 1) async throws {
        try await eventually("\(count) × \(text)", seen: { self.text }) {
            self.text.components(of: text) >= count ? () : nil
        }
    }

    func waitForClose() async throws {
        try await eventually("close", seen: { self.text }) { self.isClosed ? () : nil }
    }

    func close() { channel.close(promise: nil) }
}

extension String {
    /// How often `text` occurs.
    func components(of text: String) -> Int {
        var count = 0
        let bytes = Array(utf8), wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return 0 }
        var position = 0
        while position + wanted.count <= bytes.count {
            if bytes[position..<(position + wanted.count)].elementsEqual(wanted) {
                count += 1
                position += wanted.count
            } else {
                position += 1
            }
        }
        return count
    }
}
