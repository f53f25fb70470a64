import NIOCore
import NIOHTTP1

/// A request with its whole body, whatever version of HTTP brought it.
public struct HTTPRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query as sent: `/api/v1/pods?limit=500`.
    public var target: String
    public var headers: HTTPHeaders
    public var body: ByteBuffer
    /// The client's certificate (DER) if it showed one that the listener's client CA signed.
    public var clientCertificate: [UInt8]?
    /// Why the certificate that the client showed was not accepted; nil if it showed none or a good one.
    public var clientCertificateProblem: String?
    /// The peer's address and port, for logs and audit.
    public var remoteAddress: SocketAddress?

    public init(
        method: HTTPMethod, target: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer(),
        clientCertificate: [UInt8]? = nil, clientCertificateProblem: String? = nil,
        remoteAddress: SocketAddress? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.clientCertificate = clientCertificate
        self.clientCertificateProblem = clientCertificateProblem
        self.remoteAddress = remoteAddress
    }
}

/// Answers requests.
public protocol HTTPResponder: Sendable {
    /// Called on the connection's event loop: it must not block. It answers through `response`, at once or later, from
    /// whatever thread.
    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter)
}

/// The way back to a client, for one request. Safe to use from any thread; on the connection's event loop it does
/// without a hop. What is written after the client has gone is dropped.
public protocol HTTPResponseWriter: Sendable {
    var eventLoop: any EventLoop { get }

    /// Answers with a whole response; content-length is added. The body's parts are sent one after the other without
    /// being copied together.
    func send(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: [ByteBuffer])

    /// Begins a response whose body comes in pieces (a watch, a log).
    func begin(_ status: HTTPResponseStatus, headers: HTTPHeaders)
    /// Sends and flushes a piece of the body.
    func write(_ bytes: ByteBuffer)
    /// Ends the response that was begun.
    func end()

    /// Bytes written that the client has not taken yet: whoever streams ends a client that lets too much pile up.
    var pendingBytes: Int { get }

    /// Calls `handler` once on the event loop when the response is over: ended, or the client has gone.
    func onClose(_ handler: @escaping @Sendable () -> Void)

    /// Calls `handler` once on the event loop when no more than `limit` bytes are pending, or the response is over: how
    /// whoever copies a stream waits for a slow client.
    func onDrain(below limit: Int, _ handler: @escaping @Sendable () -> Void)

    /// Breaks a response off that was begun and cannot be finished, so that the client sees that something is missing.
    func abort()

    /// Whether the client asked for another protocol on a connection that can be given away (HTTP/1.1).
    var canUpgrade: Bool { get }

    /// Answers with 101 and gives the connection away: from then on it carries bytes, and belongs to `takeOver`, which
    /// is called on the event loop and adds its handlers to the channel at once. Only where `canUpgrade`.
    func upgrade(headers: HTTPHeaders, _ takeOver: @escaping @Sendable (any Channel) -> Void)
}

// What a writer that is no connection (in a test) may leave out.
extension HTTPResponseWriter {
    public func onDrain(below limit: Int, _ handler: @escaping @Sendable () -> Void) { eventLoop.execute(handler) }
    public func abort() { end() }
    public var canUpgrade: Bool { false }
    public func upgrade(headers: HTTPHeaders, _ takeOver: @escaping @Sendable (any Channel) -> Void) {
        send(.badRequest, headers: ["content-type": "text/plain"], body: [ByteBuffer(string: "unable to upgrade\n")])
    }
}
