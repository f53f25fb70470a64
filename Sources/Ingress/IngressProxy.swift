// The layer-7 proxy: takes a request, finds its route in the table of the moment, and passes it on.

import HTTPServer
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Answers requests by the route table. The table may be replaced at any time: requests under way keep the route they
/// have, connections stay open.
final class IngressProxy: Sendable {
    /// What all requests look at, replaced as a whole.
    final class Snapshot: Sendable {
        let routes: IngressRoutes

        init(_ routes: IngressRoutes) { self.routes = routes }
    }

    /// The largest request body that is taken, whatever annotations say.
    static let bodyLimit = 64 << 20
    /// Endpoints that are tried for one request.
    private static let attempts = 3

    private let snapshot = Mutex(Snapshot(IngressRoutes()))
    private let turn = Atomic<Int>(0)
    private let pool = ProxyPool()
    private let backendTLS: NIOSSLContext?
    private let logger: Logger
    let httpPort: Int
    let httpsPort: Int

    /// - Parameter httpsPort: that clients know; what redirections lead to.
    init(httpPort: Int, httpsPort: Int, logger: Logger) {
        self.httpPort = httpPort
        self.httpsPort = httpsPort
        self.logger = logger
        var tls = TLSConfiguration.makeClientConfiguration()
        // As nginx: a backend inside of the cluster is not asked for a certificate that anybody signed.
        tls.certificateVerification = .none
        backendTLS = try? NIOSSLContext(configuration: tls)
    }

    var routes: IngressRoutes { snapshot.withLock { $0 }.routes }

    func replace(_ routes: IngressRoutes) {
        let new = Snapshot(routes)
        snapshot.withLock { $0 = new }
    }

    /// The responder for the listener with or without TLS.
    func responder(secure: Bool) -> any HTTPResponder { Responder(proxy: self, secure: secure) }

    private struct Responder: HTTPResponder {
        let proxy: IngressProxy
        let secure: Bool

        func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
            proxy.respond(to: request, response, secure: secure)
        }
    }

    // MARK: - Before a backend is asked

    private func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter, secure: Bool) {
        let host = request.headers.first(name: "host") ?? ""
        guard let path = RoutePath.normalized(request.target.prefix { $0 != "?" }) else {
            return Self.answer(.badRequest, response)
        }
        let current = snapshot.withLock { $0 }
        guard let match = current.routes.table.route(RouteQuery(host: host, path: path)) else {
            return Self.answer(.notFound, response, text: "default backend - 404")
        }
        let route = match.route, settings = route.settings
        if !settings.allowedSources.isEmpty {
            let client = request.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
            guard let client, settings.allowedSources.contains(where: { $0.contains(client) }) else {
                return Self.answer(.forbidden, response)
            }
        }
        if !secure, route.redirectsToTLS {
            let bare = RouteTable.bare(host)
            let place = (bare.contains(":") ? "[\(bare)]" : bare) + (httpsPort == 443 ? "" : ":\(httpsPort)")
            return Self.redirect(.permanentRedirect, "https://\(place)\(request.target)", response)
        }
        if let location = settings.permanentRedirect { return Self.redirect(.movedPermanently, location, response) }
        if let location = settings.temporalRedirect { return Self.redirect(.found, location, response) }
        if let root = settings.appRoot, path == "/" { return Self.redirect(.found, root, response) }
        guard settings.bodySize == 0 || request.body.readableBytes <= settings.bodySize else {
            return Self.answer(.payloadTooLarge, response)
        }
        forward(request, match, response, secure: secure)
    }

    private static func answer(
        _ status: HTTPResponseStatus, _ response: any HTTPResponseWriter, text: String? = nil
    ) {
        response.send(
            status, headers: ["content-type": "text/plain; charset=utf-8"],
            body: [ByteBuffer(string: text ?? "\(status.code) \(status.reasonPhrase)\n")])
    }

    private static func redirect(
        _ status: HTTPResponseStatus, _ location: String, _ response: any HTTPResponseWriter
    ) {
        response.send(status, headers: ["location": location], body: [])
    }

    // MARK: - To a backend

    private func forward(
        _ request: HTTPRequest, _ match: RouteMatch, _ response: any HTTPResponseWriter, secure: Bool
    ) {
        let route = match.route
        let backend = route.backend(
            header: { request.headers.first(name: $0) }, cookie: { Cookies.value($0, in: request.headers) },
            roll: { Int.random(in: 0..<$0) })
        guard !backend.endpoints.isEmpty else { return Self.answer(.serviceUnavailable, response) }
        var setCookie: String?
        var first = turn.wrappingAdd(1, ordering: .relaxed).newValue
        if let affinity = route.settings.affinity {
            let known = Cookies.value(affinity.name, in: request.headers)
            if let known, let index = backend.endpoints.firstIndex(where: { $0.token == known }) {
                first = index
            } else {
                let index = Int.random(in: 0..<backend.endpoints.count)
                first = index
                setCookie = Cookies.set(affinity, backend.endpoints[index].token, secure: secure)
            }
        }
        var passed = request
        passed.target = route.target(request.target, captures: match.captures)
        passed.headers = headers(request, route, secure: secure)
        attempt(passed, route, backend, first, 0, setCookie, response)
    }

    private func headers(_ request: HTTPRequest, _ route: Route, secure: Bool) -> HTTPHeaders {
        // What clients say about themselves is not believed: who is in front of this proxy is not known.
        var from = request
        from.headers.remove(name: "x-forwarded-for")
        var headers = ProxyPass.forwardedHeaders(from)
        let host = request.headers.first(name: "host") ?? ""
        let scheme = secure ? "https" : "http"
        headers.replaceOrAdd(name: "host", value: route.settings.upstreamHost ?? host)
        headers.replaceOrAdd(name: "x-real-ip", value: request.remoteAddress?.ipAddress ?? "")
        headers.replaceOrAdd(name: "x-forwarded-host", value: host)
        headers.replaceOrAdd(name: "x-forwarded-port", value: String(secure ? httpsPort : httpPort))
        headers.replaceOrAdd(name: "x-forwarded-proto", value: scheme)
        headers.replaceOrAdd(name: "x-forwarded-scheme", value: scheme)
        headers.replaceOrAdd(name: "x-scheme", value: scheme)
        if !headers.contains(name: "x-request-id") {
            let id = (0..<2).map { _ in String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16) }.joined()
            headers.add(name: "x-request-id", value: id)
        }
        return headers
    }

    private func attempt(
        _ request: HTTPRequest, _ route: Route, _ backend: Backend, _ first: Int, _ number: Int, _ setCookie: String?,
        _ response: any HTTPResponseWriter
    ) {
        let count = backend.endpoints.count
        let endpoint = backend.endpoints[((first &+ number) % count + count) % count]
        let target = ProxyTarget(
            host: endpoint.host, port: endpoint.port, tls: route.settings.backendTLS ? backendTLS : nil)
        var pass = ProxyPass(request, to: target)
        pass.pool = pool
        pass.connectTimeout = .seconds(Int64(route.settings.connectTimeout))
        pass.headTimeout = .seconds(Int64(route.settings.readTimeout))
        pass.adjust = { _, headers in
            if let setCookie { headers.add(name: "set-cookie", value: setCookie) }
            return .stream
        }
        pass.onProblem = { [self] problem, response in
            switch problem {
            case .cannotConnect where number + 1 < min(count, Self.attempts):
                attempt(request, route, backend, first, number + 1, setCookie, response)
            case .timeout: Self.answer(.gatewayTimeout, response)
            case .cannotConnect, .broken, .notUpgraded:
                logger.debug("\(backend.service) at \(endpoint.host):\(endpoint.port): \(problem)")
                Self.answer(.badGateway, response)
            }
        }
        pass.start(response)
    }
}

/// The cookies of requests, and ours.
enum Cookies {
    static func value(_ name: String, in headers: HTTPHeaders) -> String? {
        for header in headers["cookie"] {
            for part in header.split(separator: ";") {
                let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if pair.count == 2, pair[0] == name { return String(pair[1]) }
            }
        }
        return nil
    }

    static func set(_ affinity: CookieAffinity, _ value: String, secure: Bool) -> String {
        var text = "\(affinity.name)=\(value); Path=\(affinity.path ?? "/")"
        if let age = affinity.maxAge { text += "; Max-Age=\(age)" }
        if affinity.secure || (secure && affinity.sameSite == "None") { text += "; Secure" }
        text += "; HttpOnly"
        if let sameSite = affinity.sameSite { text += "; SameSite=\(sameSite)" }
        return text
    }
}
