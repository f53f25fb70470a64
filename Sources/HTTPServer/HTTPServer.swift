import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL

/// A server for HTTP/1.1 and HTTP/2 on SwiftNIO: it owns the listening socket and knows its connections.
///
/// Requests are collected whole and handed to an `HTTPResponder` on their connection's event loop.
public final class HTTPServer: Sendable {
    /// Where the server listens, with the port that the system chose.
    public let address: SocketAddress
    private let listener: any Channel
    private let connections: Connections

    private init(listener: any Channel, address: SocketAddress, connections: Connections) {
        self.listener = listener
        self.address = address
        self.connections = connections
    }

    public var port: Int { address.port ?? 0 }

    /// How many connections are open.
    public var connectionCount: Int { connections.count }

    /// Starts to listen and to answer.
    /// - Throws: `HTTPServerError`.
    public static func start(_ configuration: Configuration, responder: any HTTPResponder) async throws -> HTTPServer {
        let sslContext = try configuration.tls.map(makeSSLContext)
        let connections = Connections(limit: configuration.limits.connections)
        let shared = SharedState(configuration: configuration, responder: responder, sslContext: sslContext)
        let group = configuration.eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            // One request must not hold 64 KiB for a connection that then is idle: begin small, grow with the traffic.
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 65536)
            )
            .childChannelOption(
                .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.add(channel) else { throw ChannelError.connectionRefusedByServer }
                    try ConnectionSetup(shared: shared).configure(channel)
                }
            }
        let listener: any Channel
        do {
            listener = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw HTTPServerError.addressInUse(host: configuration.host, port: configuration.port)
        } catch {
            throw HTTPServerError.cannotListen(
                host: configuration.host, port: configuration.port, reason: "\(error)")
        }
        guard let address = listener.localAddress else {
            try? await listener.close()
            throw HTTPServerError.cannotListen(
                host: configuration.host, port: configuration.port, reason: "the socket has no address")
        }
        return HTTPServer(listener: listener, address: address, connections: connections)
    }

    private static func makeSSLContext(_ tls: TLS) throws -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(tls.certificateChainPEM)
            let key = try NIOSSLPrivateKey(bytes: tls.privateKeyPEM, format: .pem)
            var settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            settings.applicationProtocols = ["h2", "http/1.1"]
            settings.minimumTLSVersion = .tlsv12
            if let choose = tls.certificateForName { settings.choosesCertificates(by: choose) }
            if let clients = tls.clientCertificates {
                settings.certificateVerification = .optionalVerification
                settings.trustRoots = .certificates(
                    try NIOSSLCertificate.fromPEMBytes(clients.certificateAuthoritiesPEM))
                settings.sendCANameList = true
            }
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw HTTPServerError.badCertificate("\(error)")
        }
    }

    /// Stops to listen at once, ends streamed answers (watches, logs), lets the other requests under way finish for
    /// `grace`, and closes what is left. New requests on open connections are refused: HTTP/2 clients are told by
    /// GOAWAY, HTTP/1.1 clients by `Connection: close`.
    public func shutdown(grace: TimeAmount = .seconds(5)) async {
        try? await listener.close()
        let open = connections.close()
        for channel in open { channel.triggerUserOutboundEvent(DrainEvent.begin, promise: nil) }
        let deadline = listener.eventLoop.scheduleTask(in: grace) {
            for channel in open { channel.close(promise: nil) }
        }
        for channel in open { try? await channel.closeFuture.get() }
        deadline.cancel()
    }
}

extension ChannelError {
    fileprivate static let connectionRefusedByServer = ChannelError.operationUnsupported
}

/// Travels through a connection's pipeline when the server wants to stop.
enum DrainEvent: Sendable { case begin }

/// What all connections of a server have in common.
struct SharedState: Sendable {
    let configuration: HTTPServer.Configuration
    let responder: any HTTPResponder
    let sslContext: NIOSSLContext?
    let bodies: BodyBudget

    init(configuration: HTTPServer.Configuration, responder: any HTTPResponder, sslContext: NIOSSLContext?) {
        self.configuration = configuration
        self.responder = responder
        self.sslContext = sslContext
        bodies = BodyBudget(limit: configuration.limits.bufferedBodyBytes)
    }

    var limits: HTTPServer.Limits { configuration.limits }
}

/// The open connections, up to a limit.
private final class Connections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var closing = false
    }

    private let state = NIOLockedValueBox(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLockedValue { $0.channels.count } }

    /// False if there are too many or the server is closing.
    func add(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let added = state.withLockedValue { state in
            guard !state.closing, state.channels.count < limit else { return false }
            state.channels[id] = channel
            return true
        }
        if added {
            channel.closeFuture.whenComplete { _ in
                self.state.withLockedValue { _ = $0.channels.removeValue(forKey: id) }
            }
        }
        return added
    }

    /// Lets no more in and returns those there are.
    func close() -> [any Channel] {
        state.withLockedValue { state in
            state.closing = true
            return Array(state.channels.values)
        }
    }
}
