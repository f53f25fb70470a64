import Logging
import NIOCore
import NIOHTTP1

extension HTTPServer {
    /// Where a server listens, how it proves who it is, and what it tolerates.
    public struct Configuration: Sendable {
        /// An IP address or a name that resolves to one; `::` takes IPv4 as well.
        public var host: String
        /// 0 lets the system choose.
        public var port: Int
        /// Nil serves plain HTTP/1.1 and HTTP/2 with prior knowledge (h2c): for tests and loopback only.
        public var tls: TLS?
        public var limits: Limits
        /// Answers a request whose body is larger than the limit; the request comes without its body. Nil answers with
        /// 413 and a line of text.
        public var onTooLarge: (@Sendable (HTTPRequest, any HTTPResponseWriter) -> Void)?
        /// Where connections live; nil means the process's shared event loops.
        public var eventLoopGroup: (any EventLoopGroup)?
        public var logger: Logger

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: TLS? = nil, limits: Limits = Limits(),
            onTooLarge: (@Sendable (HTTPRequest, any HTTPResponseWriter) -> Void)? = nil,
            eventLoopGroup: (any EventLoopGroup)? = nil, logger: Logger = Logger(label: "http")
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.limits = limits
            self.onTooLarge = onTooLarge
            self.eventLoopGroup = eventLoopGroup
            self.logger = logger
        }
    }

    /// What a server shows to clients, and what it asks of them.
    public struct TLS: Sendable {
        /// The server's certificate and what lies between it and its CA, PEM, the server's first.
        public var certificateChainPEM: [UInt8]
        public var privateKeyPEM: [UInt8]
        /// Whether and how clients' certificates are looked at; nil does not ask for any.
        public var clientCertificates: ClientCertificates?
        /// Asked at each handshake which certificate to show for the name that the client sent, if it sent one; where
        /// it answers nil, the server's own is shown. Called on the event loop.
        public var certificateForName: (@Sendable (_ serverName: String?) -> ServerCertificate?)?

        public init(
            certificateChainPEM: [UInt8], privateKeyPEM: [UInt8], clientCertificates: ClientCertificates? = nil
        ) {
            self.certificateChainPEM = certificateChainPEM
            self.privateKeyPEM = privateKeyPEM
            self.clientCertificates = clientCertificates
        }
    }

    /// Client certificates are asked for and never required. The handshake accepts any, as upstream's does: who shows
    /// one that `verify` refuses is for the authenticator to turn away, with a 401 that says so.
    public struct ClientCertificates: Sendable {
        /// The CAs whose names the server sends, so that clients know which certificate to show.
        public var certificateAuthoritiesPEM: [UInt8]
        /// Judges a chain (DER, the client's first) once for each connection: nil if it is good, else what is wrong.
        public var verify: @Sendable (_ chain: [[UInt8]]) async -> String?

        public init(
            certificateAuthoritiesPEM: [UInt8], verify: @escaping @Sendable (_ chain: [[UInt8]]) async -> String?
        ) {
            self.certificateAuthoritiesPEM = certificateAuthoritiesPEM
            self.verify = verify
        }
    }

    /// What a server tolerates before it refuses: nothing a client sends makes it grow without end.
    public struct Limits: Sendable {
        /// Bytes of one request's body; more is answered with 413. Upstream's 3 MiB.
        public var bodyBytes = 3 << 20
        /// Bytes of all bodies that are being received; beyond, requests are answered with 503.
        public var bufferedBodyBytes = 256 << 20
        /// Bytes of one request's header fields.
        public var headerBytes = 64 << 10
        public var headerFields = 256
        /// Open connections; more are closed as they come.
        public var connections = 16_384
        /// Requests under way on one HTTP/2 connection. Go's default.
        public var concurrentStreams = 250
        /// Bytes a connection's client may leave untaken before its new HTTP/2 streams are refused.
        public var pendingBytes = 128 << 20
        /// From the connection's beginning to its first request, TLS handshake included.
        public var headerTimeout = TimeAmount.seconds(32)
        /// From a request's header to the end of its body.
        public var bodyTimeout = TimeAmount.seconds(60)
        /// How long a connection may have no request.
        public var idleTimeout = TimeAmount.seconds(90)
        /// How long a client may take nothing of what waits for it.
        public var writeTimeout = TimeAmount.seconds(60)

        public init() {}

        /// How often connections look at their timeouts.
        var checkInterval: TimeAmount {
            let shortest = min(min(headerTimeout, bodyTimeout), min(idleTimeout, writeTimeout))
            return .nanoseconds(max(10_000_000, min(5_000_000_000, shortest.nanoseconds / 4)))
        }
    }
}

/// Why a server could not be started, in words for whoever runs it.
public enum HTTPServerError: Error, Sendable, CustomStringConvertible {
    case addressInUse(host: String, port: Int)
    case cannotListen(host: String, port: Int, reason: String)
    /// The certificate, its key or a client CA does not parse, or they do not belong together.
    case badCertificate(String)

    public var description: String {
        switch self {
        case .addressInUse(let host, let port): "\(host):\(port) is in use by another program"
        case .cannotListen(let host, let port, let reason): "cannot listen on \(host):\(port): \(reason)"
        case .badCertificate(let reason): "the server's certificate cannot be used: \(reason)"
        }
    }
}
