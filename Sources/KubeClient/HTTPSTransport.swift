import AsyncHTTPClient
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// The way to an API server over HTTPS, with HTTP/2 where the server has it: what components and tools use that do not
/// share the server's process.
public final class HTTPSTransport: KubeTransport {
    /// Who the client is.
    public enum Credentials: Sendable {
        case none
        case clientCertificate(certificatePEM: String, keyPEM: String)
        case token(String)
    }

    public struct Configuration: Sendable {
        /// `https://127.0.0.1:6443`, with a path in front if a proxy wants one.
        public var server: String
        /// The authorities that the server's certificate may come from; nil trusts the system's.
        public var caPEM: String?
        public var credentials: Credentials
        public var userAgent: String
        /// For one call, from its beginning to the last byte of its answer. Watches have none.
        public var timeout: TimeAmount
        /// Bytes of the largest answer, and of the largest event of a watch, that is taken.
        public var maximumResponseBytes: Int
        /// How often a call is tried again that the server asked to try again later (429, 503 with `Retry-After`).
        public var retries: Int

        public init(
            server: String, caPEM: String? = nil, credentials: Credentials = .none, userAgent: String = "martlet",
            timeout: TimeAmount = .seconds(60), maximumResponseBytes: Int = 512 << 20, retries: Int = 5
        ) {
            self.server = server
            self.caPEM = caPEM
            self.credentials = credentials
            self.userAgent = userAgent
            self.timeout = timeout
            self.maximumResponseBytes = maximumResponseBytes
            self.retries = retries
        }
    }

    private let configuration: Configuration
    private let client: HTTPClient
    private let base: String
    private let headers: HTTPHeaders
    private let logger: Logger

    /// - Throws: `APIError` with reason `BadRequest` if a certificate or key does not parse.
    public init(_ configuration: Configuration, logger: Logger = Logger(label: "kube-client")) throws(APIError) {
        self.configuration = configuration
        self.logger = logger
        base = configuration.server.hasSuffix("/") ? String(configuration.server.dropLast()) : configuration.server
        var headers: HTTPHeaders = ["accept": "application/json", "user-agent": configuration.userAgent]
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let ca = configuration.caPEM {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(ca.utf8)))
            }
            switch configuration.credentials {
            case .none: break
            case .token(let token): headers.add(name: "authorization", value: "Bearer \(token)")
            case .clientCertificate(let certificate, let key):
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
                    .map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
            }
        } catch {
            throw APIError.badRequest("the credentials for \(configuration.server) cannot be used: \(error)")
        }
        self.headers = headers
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)))
        settings.httpVersion = .automatic
        // Whoever calls knows better whether to try again, and must learn soon that the server is not there.
        settings.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    /// Closes the connections; calls and watches under way fail. Must be called before the transport is let go.
    public func shutdown() async {
        try? await client.shutdown()
    }

    public func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        var attempt = 0
        while true {
            let deadline = NIODeadline.now() + configuration.timeout
            let response = try await execute(request, deadline: deadline)
            let body = try await collect(response, deadline)
            if (200..<300).contains(response.status.code) {
                guard body.readableBytes > 0 else { return .null }
                do {
                    return try JSONParser.parse(body.readableBytesView, limits: .init(bytes: .max))
                } catch {
                    throw APIError.internalError("the server's answer is no JSON: \(error)")
                }
            }
            let error = Self.error(response.status, body)
            attempt += 1
            guard attempt <= configuration.retries, let delay = Self.retryDelay(response) else { throw error }
            do {
                try await Task.sleep(for: delay)
            } catch {
                throw Self.unreachable("the call was cancelled")
            }
        }
    }

    public func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        var request = request
        request.verb = .watch
        let response = try await execute(request, deadline: .distantFuture)
        guard response.status.code == 200 else {
            throw Self.error(response.status, try await collect(response, .now() + configuration.timeout))
        }
        let reader = WatchReader(response.body, limit: configuration.maximumResponseBytes)
        // Pulled, not pushed: a consumer that is slow holds the server back instead of filling memory here.
        return AsyncThrowingStream(unfolding: { try await reader.next() })
    }

    // MARK: Requests

    private func execute(_ request: KubeRequest, deadline: NIODeadline) async throws(APIError) -> HTTPClientResponse {
        let message = httpRequest(request)
        do {
            return try await client.execute(message, deadline: deadline, logger: nil)
        } catch {
            logger.debug("\(message.method) \(message.url) failed: \(error)")
            throw Self.unreachable("\(configuration.server) cannot be reached: \(error)")
        }
    }

    private func collect(_ response: HTTPClientResponse, _ deadline: NIODeadline) async throws(APIError) -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: configuration.maximumResponseBytes)
        } catch {
            throw Self.unreachable("the answer of \(configuration.server) broke off: \(error)")
        }
    }

    private func httpRequest(_ request: KubeRequest) -> HTTPClientRequest {
        var query = request.query
        if request.verb == .watch { query.append((name: "watch", value: "true")) }
        var url = base + request.path
        for (position, item) in query.enumerated() {
            url += (position == 0 ? "?" : "&") + Self.escape(item.name) + "=" + Self.escape(item.value)
        }
        var message = HTTPClientRequest(url: url)
        message.headers = headers
        switch request.verb {
        case .get, .list, .watch: message.method = .GET
        case .create: message.method = .POST
        case .update: message.method = .PUT
        case .patch: message.method = .PATCH
        case .delete, .deletecollection: message.method = .DELETE
        }
        if let body = request.body {
            let type = request.verb == .patch ? (request.patchType ?? .merge).rawValue : "application/json"
            message.headers.add(name: "content-type", value: type)
            message.body = .bytes(ByteBuffer(bytes: JSONWriter.bytes(of: body)))
        }
        return message
    }

    /// Percent-encodes all that is not unreserved (RFC 3986, 2.3).
    static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Errors

    private static func unreachable(_ message: String) -> APIError {
        APIError(code: 503, reason: "ServiceUnavailable", message: message)
    }

    /// The `Status` in an answer, or, where there is none, what its HTTP status stands for.
    static func error(_ status: HTTPResponseStatus, _ body: ByteBuffer) -> APIError {
        if let json = try? JSONParser.parse(body.readableBytesView), json["kind"]?.stringValue == "Status" {
            var error = APIError(Status(json))
            error.code = Int(status.code)
            return error
        }
        let reason =
            switch status.code {
            case 400: "BadRequest"
            case 401: "Unauthorized"
            case 403: "Forbidden"
            case 404: "NotFound"
            case 405: "MethodNotAllowed"
            case 406: "NotAcceptable"
            case 409: "Conflict"
            case 410: "Gone"
            case 413: "RequestEntityTooLarge"
            case 415: "UnsupportedMediaType"
            case 422: "Invalid"
            case 429: "TooManyRequests"
            case 500: "InternalError"
            case 503: "ServiceUnavailable"
            case 504: "Timeout"
            default: "Unknown"
            }
        let text = String(decoding: body.readableBytesView.prefix(2048), as: UTF8.self)
        return APIError(
            code: Int(status.code), reason: reason,
            message: text.isEmpty ? "the server answered \(status.code) \(status.reasonPhrase)" : text)
    }

    private static func retryDelay(_ response: HTTPClientResponse) -> Duration? {
        guard response.status.code == 429 || response.status.code >= 500,
            let seconds = response.headers.first(name: "retry-after").flatMap({ Int($0) }), seconds >= 0
        else { return nil }
        return .seconds(min(seconds, 30))
    }
}

/// Takes the lines of a watch apart: each is an event (`{"type": …, "object": …}`).
///
/// Used by one stream, which asks for one event after the other; that is what makes it sendable.
private final class WatchReader: @unchecked Sendable {
    private var body: HTTPClientResponse.Body.AsyncIterator
    private var buffer = ByteBuffer()
    /// How far `buffer` has been searched for the end of a line.
    private var searched = 0
    private let limit: Int
    private var ended = false

    init(_ body: HTTPClientResponse.Body, limit: Int) {
        self.body = body.makeAsyncIterator()
        self.limit = limit
    }

    func next() async throws -> KubeWatchEvent? {
        while true {
            let view = buffer.readableBytesView
            if let end = view.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer.readSlice(length: end - view.startIndex) ?? ByteBuffer()
                buffer.moveReaderIndex(forwardBy: 1)
                searched = 0
                if line.readableBytes > 0 { return try event(line) }
                continue
            }
            searched = buffer.readableBytes
            guard !ended else {
                // A server that ends its stream within an event has broken it.
                guard buffer.readableBytes > 0 else { return nil }
                defer { buffer.clear() }
                return try event(buffer)
            }
            guard searched <= limit else {
                throw APIError.internalError("an event of the watch has more than \(limit) bytes")
            }
            buffer.discardReadBytes()
            do {
                if var chunk = try await body.next() {
                    if buffer.readableBytes == 0 { buffer = chunk } else { buffer.writeBuffer(&chunk) }
                } else {
                    ended = true
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw APIError(code: 503, reason: "ServiceUnavailable", message: "the watch broke off: \(error)")
            }
        }
    }

    private func event(_ line: ByteBuffer) throws -> KubeWatchEvent {
        guard let json = try? JSONParser.parse(line.readableBytesView, limits: .init(bytes: .max)),
            let kind = json["type"]?.stringValue.flatMap(KubeWatchEvent.Kind.init(rawValue:)),
            let object = json["object"]
        else { throw APIError.internalError("the server sent what is no event") }
        return KubeWatchEvent(kind: kind, object: object)
    }
}
