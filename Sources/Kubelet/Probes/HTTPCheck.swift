// Asking a container over HTTP: for probes and for lifecycle hooks.

import KubeTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A request to a pod, over a connection of its own.
struct HTTPCheck: Sendable {
    var scheme: String
    var host: String
    var port: Int
    var path: String
    var headers: [(name: String, value: String)]
    /// `kube-probe/1.36` or `kube-lifecycle/1.36`, unless a header says otherwise.
    var userAgent: String

    init(
        _ action: HTTPGetAction, container: Container, podIP: String, userAgent: String
    ) throws(ConfigError) {
        scheme = (action.scheme ?? "HTTP").lowercased()
        host = action.host.flatMap { $0.isEmpty ? nil : $0 } ?? podIP
        port = try resolvePort(action.port, of: container)
        let path = action.path ?? "/"
        self.path = path.hasPrefix("/") ? path : "/" + path
        headers = action.httpHeaders.map { ($0.name, $0.value) }
        self.userAgent = userAgent
    }

    private var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
    var url: String { "\(scheme)://\(authority)\(path)" }

    /// - Returns: the status and the beginning of the body.
    func run(timeout: TimeAmount) async throws -> (status: Int, body: String) {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let answer = loop.makePromise(of: (status: Int, body: String).self)
        let isTLS = scheme == "https"
        let host = self.host
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if isTLS {
                    var configuration = TLSConfiguration.makeClientConfiguration()
                    // A probe asks whether the server answers, not who it is.
                    configuration.certificateVerification = .none
                    let context = try NIOSSLContext(configuration: configuration)
                    let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: name))
                }
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer))
            }
        }
        let scheduled = loop.scheduleTask(in: timeout) { answer.fail(CheckTimeout()) }
        defer { scheduled.cancel() }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: host, port: port).get()
        } catch {
            answer.fail(error)
            _ = try? await answer.futureResult.get()
            throw error
        }
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
        for header in headers { head.headers.add(name: header.name, value: header.value) }
        if !head.headers.contains(name: "host") { head.headers.add(name: "host", value: authority) }
        if !head.headers.contains(name: "user-agent") { head.headers.add(name: "user-agent", value: userAgent) }
        if !head.headers.contains(name: "accept") { head.headers.add(name: "accept", value: "*/*") }
        head.headers.add(name: "connection", value: "close")
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        defer { channel.close(promise: nil) }
        return try await answer.futureResult.get()
    }
}

struct CheckTimeout: Error {}

/// The number of a port that may be given by name.
func resolvePort(_ port: IntOrString?, of container: Container) throws(ConfigError) -> Int {
    switch port {
    case .int(let number) where (1...65535).contains(number): return number
    case .string(let name):
        if let found = container.ports.first(where: { $0.name == name }) { return found.containerPort }
        if let number = Int(name), (1...65535).contains(number) { return number }
        throw ConfigError("unable to find container port named \"\(name)\"")
    default: throw ConfigError("invalid port")
    }
}

/// What went wrong on a connection, in the words of Go's `net` package, which people know from events.
func connectionFailure(_ error: any Error, host: String, port: Int) -> String {
    let target = (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
    if let error = error as? NIOConnectionError {
        for failure in error.connectionErrors { return connectionFailure(failure.error, host: host, port: port) }
        return "dial tcp \(target): no such host"
    }
    if let error = error as? IOError {
        switch error.errnoCode {
        case 111: return "dial tcp \(target): connect: connection refused"
        case 113: return "dial tcp \(target): connect: no route to host"
        case 104: return "read tcp \(target): read: connection reset by peer"
        default: return "dial tcp \(target): connect: \(error)"
        }
    }
    if case .connectTimeout = error as? ChannelError { return "dial tcp \(target): i/o timeout" }
    return "\(error)"
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private static let limit = 10 << 10
    private let answer: EventLoopPromise<(status: Int, body: String)>
    private var status = 0
    private var body = ""

    init(_ answer: EventLoopPromise<(status: Int, body: String)>) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let bytes):
            body += String(buffer: bytes)
            if body.utf8.count > Self.limit { finish(context) }
        case .end: finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        answer.succeed((status, String(body.prefix(Self.limit))))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if status != 0 { answer.succeed((status, body)) } else { answer.fail(ChannelError.eof) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }
}
