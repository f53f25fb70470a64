// Audit events to a webhook: collected into an `EventList`, sent behind the requests, tried again where it fails.

import AsyncHTTPClient
import Dispatch
import Foundation
import JSON
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// Sends audit events in batches, as upstream's webhook backend does in its `batch` mode.
public final class AuditWebhook: AuditSink {
    public struct Configuration: Sendable {
        /// Where the events are posted to.
        public var url: String
        /// The authorities of the server as PEM; the system's if nil.
        public var authorityPEM: String?
        public var certificatePEM: String?
        public var privateKeyPEM: String?
        public var token: String?
        /// Events of one request.
        public var batchSize = 400
        /// Events that wait; beyond, they are dropped and counted.
        public var bufferSize = 10_000
        /// How long events wait until a batch is full.
        public var batchWait = Duration.seconds(30)
        /// The pause before a batch is sent again, doubled each time.
        public var backoff = Duration.seconds(10)
        /// How often a batch is sent before it is given up.
        public var attempts = 5

        public init(url: String) { self.url = url }
    }

    private struct State {
        var waiting: [[UInt8]] = []
        var dropped = 0
        /// Whether waiting events are to be sent at once, or after a while.
        var isDue = false
        var isTimed = false
        /// Somebody waits for the end: there are no pauses any more.
        var isUrgent = false
    }

    private let configuration: Configuration
    private let client: HTTPClient
    private let logger: Logger
    /// Sends, and waits for answers; neither an event loop nor a task may.
    private let queue = DispatchQueue(label: "audit-webhook")
    private let state = Mutex(State())

    /// - Throws: `AuditPolicyError` where the certificates cannot be read.
    public init(_ configuration: Configuration, logger: Logger) throws(AuditPolicyError) {
        self.configuration = configuration
        self.logger = logger
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let authority = configuration.authorityPEM {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
            }
            if let certificate = configuration.certificatePEM, let key = configuration.privateKeyPEM {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
                    .certificate($0)
                }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
            }
        } catch {
            throw AuditPolicyError(description: "the audit webhook's certificates: \(error)")
        }
        var settings = HTTPClient.Configuration(tlsConfiguration: tls)
        settings.timeout.connect = .seconds(5)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    deinit { client.shutdown { _ in } }

    public func write(_ line: [UInt8]) {
        let (isDue, isTimed) = state.withLock { state -> (Bool, Bool) in
            guard state.waiting.count < configuration.bufferSize else {
                state.dropped += 1
                return (false, false)
            }
            state.waiting.append(line)
            if state.waiting.count >= configuration.batchSize {
                defer { state.isDue = true }
                return (!state.isDue, false)
            }
            defer { state.isTimed = true }
            return (false, !state.isTimed)
        }
        if isDue { queue.async { self.drain() } }
        if isTimed { queue.asyncAfter(deadline: .now() + Self.seconds(configuration.batchWait)) { self.drain() } }
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    /// Waits until all is sent or given up.
    public func flush() {
        state.withLock { $0.isUrgent = true }
        queue.sync { drain() }
        state.withLock { $0.isUrgent = false }
    }

    private func drain() {
        state.withLock { state in
            state.isDue = false
            state.isTimed = false
        }
        while true {
            let (batch, dropped) = state.withLock { state in
                let count = min(state.waiting.count, configuration.batchSize)
                defer {
                    state.waiting.removeFirst(count)
                    state.dropped = 0
                }
                return (Array(state.waiting[..<count]), state.dropped)
            }
            if dropped > 0 { logger.error("\(dropped) audit events were dropped: the webhook is too slow") }
            if batch.isEmpty { return }
            post(batch)
        }
    }

    private func post(_ batch: [[UInt8]]) {
        var body = Array(#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.utf8)
        body += batch.joined(separator: [UInt8(ascii: ",")])
        body += Array("]}".utf8)
        var pause = configuration.backoff
        var problem = ""
        for attempt in 1...max(1, configuration.attempts) {
            do {
                var request = try HTTPClient.Request(
                    url: configuration.url, method: .POST, body: .byteBuffer(ByteBuffer(bytes: body)))
                request.headers.add(name: "content-type", value: "application/json")
                if let token = configuration.token {
                    request.headers.add(name: "authorization", value: "Bearer \(token)")
                }
                let answer = try client.execute(request: request, deadline: .now() + .seconds(10)).wait()
                if (200..<300).contains(answer.status.code) { return }
                problem = "status \(answer.status.code)"
                // What is refused for what it says is refused again.
                if !(answer.status.code == 429 || answer.status.code >= 500) { break }
            } catch {
                problem = "\(error)"
            }
            if attempt == configuration.attempts { break }
            if !state.withLock({ $0.isUrgent }) { Thread.sleep(forTimeInterval: Self.seconds(pause)) }
            pause *= 2
        }
        logger.error("\(batch.count) audit events could not be sent to the webhook: \(problem)")
    }
}

/// Several sinks of the same events.
public struct AuditSinks: AuditSink {
    private let sinks: [any AuditSink]

    public init(_ sinks: [any AuditSink]) { self.sinks = sinks }

    public func write(_ line: [UInt8]) { for sink in sinks { sink.write(line) } }
    public func flush() { for sink in sinks { sink.flush() } }
}
