// Calls to webhooks: JSON posted over HTTPS to a URL or a Service, with the caller's CA and a deadline.

import APISchema
import AsyncHTTPClient
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Where a webhook is: `clientConfig` of webhook configurations and of CRDs' conversion.
struct WebhookClientConfig: Sendable, Hashable {
    struct Service: Sendable, Hashable {
        var namespace: String
        var name: String
        var path: String
        var port: Int
    }

    /// Exactly one of the two is given.
    var url: String?
    var service: Service?
    /// PEM; empty trusts the system's authorities.
    var caBundle: String

    init(url: String?, service: Service?, caBundle: String) {
        self.url = url
        self.service = service
        self.caBundle = caBundle
    }

    /// Reads a `clientConfig`.
    init(_ json: JSONValue?) {
        url = json?["url"]?.stringValue
        if let reference = json?["service"]?.objectValue {
            service = Service(
                namespace: reference[string: "namespace"], name: reference[string: "name"],
                path: reference[string: "path"], port: reference["port"]?.intValue ?? 443)
        }
        let encoded = json?["caBundle"]?.stringValue ?? ""
        caBundle = Base64.decode(encoded).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// Why a webhook's answer did not come: the text is what follows `failed to call webhook: `.
struct WebhookCallError: Error, CustomStringConvertible {
    var description: String
    /// The HTTP status that the webhook answered with, if it answered.
    var code: Int?
    var isTimeout = false
}

/// Posts to webhooks and keeps connections to them. One is shared by all that call webhooks.
final class WebhookClient: Sendable {
    /// What connections are told apart by.
    private struct Route: Hashable {
        var caBundle: String
        /// The name that is asked for, and the address that is connected to in its place.
        var serverName: String
        var address: String
    }

    private struct Pool {
        var clients: [Route: HTTPClient] = [:]
        /// Oldest use first.
        var order: [Route] = []
        var isClosed = false
    }

    private let pool = Mutex(Pool())
    private let resolver: ServiceResolver
    /// Bytes of an answer.
    private static let answerLimit = 16 << 20
    private static let clientLimit = 64

    init(resolver: ServiceResolver) { self.resolver = resolver }

    /// Whoever forgets to shut down leaves no connections behind.
    deinit {
        for client in pool.withLock({ $0.clients.values }) { client.shutdown { _ in } }
    }

    /// Posts a JSON document and returns the document that comes back.
    /// - Parameters:
    ///   - timeoutInQuery: whether the webhook is told the timeout as `?timeout=10s`, as admission does.
    ///   - timeout: seconds for all of it.
    func post(_ document: JSONValue, to config: WebhookClientConfig, timeoutInQuery: Bool = false, timeout: Int)
        async throws(WebhookCallError) -> JSONValue
    {
        let target = try target(of: config, timeout: timeoutInQuery ? timeout : nil)
        let url = target.url
        func failure(_ why: String, code: Int? = nil, isTimeout: Bool = false) -> WebhookCallError {
            WebhookCallError(description: "Post \"\(url)\": \(why)", code: code, isTimeout: isTimeout)
        }
        let client: HTTPClient
        do {
            client = try self.client(for: target.route)
        } catch {
            throw failure("unable to load root certificates: \(error)")
        }
        var request = HTTPClientRequest(url: target.address)
        request.method = .POST
        request.headers = [
            "content-type": "application/json", "accept": "application/json, */*",
            "user-agent": "kube-apiserver-admission",
        ]
        if let host = target.hostHeader { request.headers.replaceOrAdd(name: "host", value: host) }
        request.body = .bytes(ByteBuffer(bytes: JSONWriter.bytes(of: document)))
        let code: Int
        let body: ByteBuffer
        do {
            let response = try await client.execute(
                request, deadline: .now() + .seconds(Int64(max(1, timeout))), logger: nil)
            code = Int(response.status.code)
            body = try await response.body.collect(upTo: Self.answerLimit)
        } catch {
            let isTimeout = Self.isTimeout(error)
            throw failure(isTimeout ? "context deadline exceeded" : Self.text(of: error), isTimeout: isTimeout)
        }
        guard (200..<300).contains(code) else {
            if let json = try? JSONParser.parse(body.readableBytesView), json["kind"]?.stringValue == "Status",
                let message = json["message"]?.stringValue
            {
                throw WebhookCallError(description: message, code: code)
            }
            throw WebhookCallError(
                description: "an error on the server (\(Self.excerpt(body))) has prevented the request from succeeding",
                code: code)
        }
        do {
            return try JSONParser.parse(body.readableBytesView)
        } catch {
            throw WebhookCallError(description: "couldn't get version/kind; json parse error: \(error)", code: code)
        }
    }

    /// Closes the connections; calls under way fail.
    func shutdown() async {
        let clients = pool.withLock { pool in
            defer { pool = Pool(isClosed: true) }
            return Array(pool.clients.values)
        }
        for client in clients { try? await client.shutdown() }
    }

    // MARK: Targets

    private struct Target {
        /// As messages show it: the service's name, its own port.
        var url: String
        var route: Route
        /// The same with the port that is connected to.
        var address: String
        var hostHeader: String?
    }

    private func target(of config: WebhookClientConfig, timeout: Int?) throws(WebhookCallError) -> Target {
        if let service = config.service {
            let serverName = ServiceResolver.serverName(service.name, service.namespace)
            let path = service.path.isEmpty || service.path.hasPrefix("/") ? service.path : "/\(service.path)"
            let url = Self.withTimeout("https://\(serverName):\(service.port)\(path)", timeout)
            let resolved: ResolvedService
            do throws(ServiceResolutionError) {
                resolved = try resolver.resolve(
                    namespace: service.namespace, name: service.name, port: service.port)
            } catch {
                throw WebhookCallError(description: "Post \"\(url)\": \(error)")
            }
            return Target(
                url: url,
                route: Route(caBundle: config.caBundle, serverName: serverName, address: resolved.host),
                address: Self.withTimeout("https://\(serverName):\(resolved.port)\(path)", timeout),
                hostHeader: "\(serverName):\(service.port)")
        }
        let url = config.url ?? ""
        guard url.hasPrefix("https://") else {
            throw WebhookCallError(description: "Post \"\(url)\": unsupported protocol scheme")
        }
        let address = Self.withTimeout(url, timeout)
        return Target(
            url: address, route: Route(caBundle: config.caBundle, serverName: "", address: ""), address: address)
    }

    private static func withTimeout(_ url: String, _ seconds: Int?) -> String {
        seconds.map { "\(url)\(url.contains("?") ? "&" : "?")timeout=\($0)s" } ?? url
    }

    // MARK: Clients

    private func client(for route: Route) throws -> HTTPClient {
        let (client, evicted): (HTTPClient, HTTPClient?) = try pool.withLock { pool in
            if pool.isClosed { throw WebhookCallError(description: "the server is shutting down") }
            if let client = pool.clients[route] {
                if pool.order.last != route {
                    pool.order.removeAll { $0 == route }
                    pool.order.append(route)
                }
                return (client, nil)
            }
            let client = try Self.makeClient(route)
            pool.clients[route] = client
            pool.order.append(route)
            guard pool.order.count > Self.clientLimit else { return (client, nil) }
            return (client, pool.clients.removeValue(forKey: pool.order.removeFirst()))
        }
        if let evicted { Task { try? await evicted.shutdown() } }
        return client
    }

    private static func makeClient(_ route: Route) throws -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        if !route.caBundle.isEmpty {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(route.caBundle.utf8)))
        }
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)))
        settings.httpVersion = .automatic
        settings.connectionPool.retryConnectionEstablishment = false
        settings.connectionPool.idleTimeout = .seconds(60)
        if !route.address.isEmpty { settings.dnsOverride = [route.serverName: route.address] }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    // MARK: Errors

    private static func isTimeout(_ error: any Error) -> Bool {
        if let error = error as? HTTPClientError {
            return [.deadlineExceeded, .readTimeout, .writeTimeout, .connectTimeout, .getConnectionFromPoolTimeout]
                .contains(error)
        }
        if let error = error as? ChannelError, case .connectTimeout = error { return true }
        return false
    }

    private static func text(of error: any Error) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "tls: failed to verify certificate: x509: certificate is not valid for the name asked for"
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        }
        if text.lowercased().contains("connection refused") || text.contains("errno: 111") {
            return "dial tcp: connect: connection refused"
        }
        if error is HTTPClientError || error is ChannelError { return "EOF (\(text))" }
        return text
    }

    private static func excerpt(_ body: ByteBuffer) -> String {
        let text = String(decoding: body.readableBytesView.prefix(1024), as: UTF8.self)
        return text.isEmpty ? "\"unknown\"" : JSONWriter.text(of: .string(text))
    }
}
