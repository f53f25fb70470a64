// Passing a request on to another server, and its answer back, whatever comes of it: a stream, an upgraded connection.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Where a request is passed on to.
public struct ProxyTarget: Sendable {
    /// An IP address, or a name that the system resolves.
    public var host: String
    public var port: Int
    /// Nil speaks plain HTTP.
    public var tls: NIOSSLContext?
    /// The name that the server's certificate must be for, if it is not `host`; nil for an address or where nothing is
    /// verified.
    public var serverName: String?

    public init(host: String, port: Int, tls: NIOSSLContext? = nil, serverName: String? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
        self.serverName = serverName
    }
}

/// Why no answer came, or none that can be passed on.
public enum ProxyProblem: Error, Sendable, CustomStringConvertible {
    case cannotConnect(String)
    /// The connection broke before the answer began.
    case broken(String)
    /// The answer did not begin in time.
    case timeout
    /// The server answered a request for another protocol with a success that is none.
    case notUpgraded(Int)

    public var description: String {
        switch self {
        case .cannotConnect(let why): "error dialing backend: \(why)"
        case .broken(let why): why
        case .timeout: "timeout awaiting response headers"
        case .notUpgraded(let code): "invalid upgrade response: status code \(code)"
        }
    }
}

/// One request on its way to another server.
public struct ProxyPass: Sendable {
    /// What becomes of the answer's body.
    public enum Body: Sendable {
        case stream
        /// Collected up to `limit` bytes and changed. A body that is larger is passed on as it is.
        case collect(limit: Int, change: @Sendable ([UInt8]) -> [UInt8])
    }

    /// The request as the other server is to get it; see `forwardedHeaders`.
    public var request: HTTPRequest
    public var target: ProxyTarget
    public var connectTimeout = TimeAmount.seconds(30)
    /// How long the other server may take to begin its answer; nil: as long as it likes.
    public var headTimeout: TimeAmount?
    /// Where connections come from and go back to; nil makes one for this request alone.
    public var pool: ProxyPool?
    /// Looks at the answer's head, may change it, and says what becomes of the body.
    public var adjust: @Sendable (_ status: inout HTTPResponseStatus, _ headers: inout HTTPHeaders) -> Body = { _, _ in
        .stream
    }
    /// Answers the client where there is nothing to pass on.
    public var onProblem: @Sendable (ProxyProblem, any HTTPResponseWriter) -> Void = { problem, response in
        response.send(
            .badGateway, headers: ["content-type": "text/plain; charset=utf-8"],
            body: [ByteBuffer(string: "\(problem)\n")])
    }
    /// Changes the head of an answer that changes the protocol, where the client is to see another one.
    public var adjustUpgrade: @Sendable (HTTPHeaders) -> HTTPHeaders = { $0 }
    /// Joins the client's connection with the other one when both have changed the protocol; called on their event loop.
    /// The third argument is fulfilled when the last of HTTP has left the server's pipeline: until then bytes may come
    /// from there, but none may be written.
    public var join: @Sendable (_ client: any Channel, _ server: any Channel, _ ready: EventLoopFuture<Void>) -> Void =
        {
            client, server, _ in BytePipe.join(client, server)
        }
    /// Told of the status that goes to the client, 101 included: for whoever counts.
    public var onStatus: @Sendable (Int) -> Void = { _ in }

    public init(_ request: HTTPRequest, to target: ProxyTarget) {
        self.request = request
        self.target = target
    }

    /// Fields that are about one connection and are not passed on (RFC 9110, 7.6.1).
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// The fields without those that are about one connection.
    public static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = Set(headers[canonicalForm: "connection"].map { $0.lowercased() })
        return HTTPHeaders(
            headers.filter { field in
                let name = field.name.lowercased()
                return !hopByHop.contains(name) && !named.contains(name)
            })
    }

    /// A request's fields as they are passed on: those about the connection replaced, the client's address added.
    public static func forwardedHeaders(_ request: HTTPRequest) -> HTTPHeaders {
        var headers = endToEnd(request.headers)
        headers.remove(name: "expect")
        headers.remove(name: "content-length")
        if isUpgrade(request) {
            headers.add(name: "connection", value: "Upgrade")
            for protocolName in request.headers["upgrade"] { headers.add(name: "upgrade", value: protocolName) }
        }
        let hasBody = ![.GET, .HEAD, .DELETE, .OPTIONS].contains(request.method)
        if request.body.readableBytes > 0 || hasBody {
            headers.add(name: "content-length", value: String(request.body.readableBytes))
        }
        if let address = request.remoteAddress?.ipAddress {
            let before = headers["x-forwarded-for"]
            headers.replaceOrAdd(name: "x-forwarded-for", value: (before + [address]).joined(separator: ", "))
        }
        return headers
    }

    /// Whether a request asks for another protocol.
    public static func isUpgrade(_ request: HTTPRequest) -> Bool {
        request.headers.contains(name: "upgrade")
            && request.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    /// Sends the request and passes the answer to `response`. The connection lives on the response's event loop.
    public func start(_ response: any HTTPResponseWriter) {
        guard let pool, !Self.isUpgrade(request) else { return connect(response) }
        let loop = response.eventLoop
        guard loop.inEventLoop else { return loop.execute { self.start(response) } }
        if let connection = pool.take(ProxyPool.Key(target, loop)) {
            connection.reuse(self, response)
        } else {
            connect(response)
        }
    }

    /// Sends the request by a connection of its own.
    func connect(_ response: any HTTPResponseWriter) {
        let pass = self
        let bootstrap = ClientBootstrap(group: response.eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context = pass.target.tls {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: pass.target.verifiedName))
                    }
                    let gate = ProxyPass.isUpgrade(pass.request) ? UpgradeGate() : nil
                    if let gate { try pipeline.addHandler(gate) }
                    try pipeline.addHandler(HTTPRequestEncoder(), name: "proxy.encoder")
                    // The gate waits to be told of heads that are followed by others.
                    let decoder = HTTPResponseDecoder(informationalResponseStrategy: .forward)
                    try pipeline.addHandler(ByteToMessageHandler(decoder), name: "proxy.decoder")
                    try pipeline.addHandler(ProxyConnection(pass, response, gate), name: "proxy")
                }
            }
        bootstrap.connect(host: target.host, port: target.port).whenFailure { error in
            onProblem(.cannotConnect(Self.describe(error, target)), response)
        }
    }

    /// A connection's failure as Go words it, which clients' messages are searched for.
    static func describe(_ error: any Error, _ target: ProxyTarget) -> String {
        let address = target.host.contains(":") ? "[\(target.host)]:\(target.port)" : "\(target.host):\(target.port)"
        var cause = error
        if let failure = error as? NIOConnectionError, let first = failure.connectionErrors.first {
            cause = first.error
        }
        if let failure = cause as? IOError, failure.errnoCode == ECONNREFUSED {
            return "dial tcp \(address): connect: connection refused"
        }
        if let failure = cause as? ChannelError, case .connectTimeout = failure {
            return "dial tcp \(address): i/o timeout"
        }
        return "dial tcp \(address): \(cause)"
    }
}

extension ProxyTarget {
    /// The name for SNI and the certificate's check; addresses have none.
    fileprivate var verifiedName: String? {
        let name = serverName ?? host
        return (try? SocketAddress(ipAddress: name, port: 0)) == nil ? name : nil
    }
}
