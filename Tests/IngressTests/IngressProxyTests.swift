import AsyncHTTPClient
import HTTPServer
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import PKI
import Synchronization
import Testing

@testable import Ingress

/// Answers with its name and what it was asked.
private struct Backend1: HTTPResponder {
    let name: String

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        let from = request.headers.first(name: "x-forwarded-for") ?? ""
        let proto = request.headers.first(name: "x-forwarded-proto") ?? ""
        response.send(
            .ok, headers: ["x-backend": name],
            body: [
                ByteBuffer(
                    string: "\(name) \(request.method) \(request.target) \(request.body.readableBytes) \(from) \(proto)"
                )
            ])
    }
}

/// The proxy on real sockets of loopback.
@Suite struct IngressProxyTests {
    /// Two backends and a proxy in front of them.
    private struct Stage {
        let proxy = IngressProxy(httpPort: 80, httpsPort: 443, logger: Logger(label: "test"))
        let backends: [HTTPServer]
        let front: HTTPServer
        let client = HTTPClient(eventLoopGroupProvider: .singleton)

        init() async throws {
            backends = [
                try await HTTPServer.start(HTTPServer.Configuration(), responder: Backend1(name: "one")),
                try await HTTPServer.start(HTTPServer.Configuration(), responder: Backend1(name: "two")),
            ]
            front = try await HTTPServer.start(
                HTTPServer.Configuration(), responder: proxy.responder(secure: false))
        }

        func endpoints(_ indices: [Int]) -> [BackendEndpoint] {
            indices.map { BackendEndpoint(host: "127.0.0.1", port: backends[$0].port) }
        }

        func route(_ endpoints: [BackendEndpoint], _ annotations: [String: String] = [:]) -> Route {
            let pairs = annotations.map { (Annotations.prefix + $0.key, $0.value) }
            let settings = Annotations(Dictionary(uniqueKeysWithValues: pairs)).settings
            return Route(
                ingress: ObjectKey(namespace: "d", name: "i"),
                backend: Backend(service: ObjectKey(name: "s"), port: "80", endpoints: endpoints),
                settings: settings)
        }

        func serve(_ route: Route, path: RoutePath = .prefix("")) {
            var routes = IngressRoutes()
            routes.table.add(route, host: "", path: path)
            proxy.replace(routes)
        }

        func get(
            _ path: String, _ headers: HTTPHeaders = [:], method: HTTPMethod = .GET, body: ByteBuffer? = nil
        ) async throws -> (status: Int, body: String, headers: HTTPHeaders) {
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(front.port)\(path)")
            request.method = method
            request.headers = headers
            if let body { request.body = .bytes(body) }
            let answer = try await client.execute(request, timeout: .seconds(20))
            let text = try await String(buffer: answer.body.collect(upTo: 1 << 20))
            return (Int(answer.status.code), text, answer.headers)
        }

        /// Of the backend that answers.
        func name(_ path: String, _ headers: HTTPHeaders = [:]) async throws -> String? {
            try await get(path, headers).headers.first(name: "x-backend")
        }

        func close() async throws {
            try await client.shutdown()
            for server in backends + [front] { await server.shutdown(grace: .zero) }
        }
    }

    private func withStage(_ body: (Stage) async throws -> Void) async throws {
        let stage = try await Stage()
        do {
            try await body(stage)
        } catch {
            try await stage.close()
            throw error
        }
        try await stage.close()
    }

    @Test func passesOnAndKeepsConnections() async throws {
        try await withStage { stage async throws in
            #expect(try await stage.get("/").status == 404)
            stage.serve(stage.route(stage.endpoints([0])))
            for number in 0..<20 {
                let answer = try await stage.get("/a?n=\(number)", ["x-forwarded-for": "6.6.6.6"])
                #expect(answer.body == "one GET /a?n=\(number) 0 127.0.0.1 http")
            }
            // Sequential requests of one client take one connection on either side.
            #expect(stage.backends[0].connectionCount == 1)
            #expect(stage.front.connectionCount == 1)
            let posted = try await stage.get("/p", method: .POST, body: ByteBuffer(repeating: 65, count: 5000))
            #expect(posted.body == "one POST /p 5000 127.0.0.1 http")
            // Another table: the client's connection stays.
            stage.serve(stage.route(stage.endpoints([1])))
            #expect(try await stage.name("/") == "two")
            #expect(stage.front.connectionCount == 1)
        }
    }

    @Test func aBackendThatClosesItsIdleConnectionsIsAskedAgain() async throws {
        try await withStage { stage async throws in
            stage.serve(stage.route(stage.endpoints([0])))
            #expect(try await stage.get("/").status == 200)
            let port = stage.backends[0].port
            await stage.backends[0].shutdown(grace: .zero)
            let again = try await HTTPServer.start(
                HTTPServer.Configuration(port: port), responder: Backend1(name: "again"))
            #expect(try await stage.name("/") == "again")
            await again.shutdown(grace: .zero)
        }
    }

    @Test func triesTheNextEndpoint() async throws {
        try await withStage { stage async throws in
            let dead = stage.backends[0].port
            await stage.backends[0].shutdown(grace: .zero)
            stage.serve(stage.route([BackendEndpoint(host: "127.0.0.1", port: dead)] + stage.endpoints([1])))
            for _ in 0..<6 { #expect(try await stage.name("/") == "two") }
            stage.serve(stage.route([BackendEndpoint(host: "127.0.0.1", port: dead)]))
            #expect(try await stage.get("/").status == 502)
            stage.serve(stage.route([]))
            #expect(try await stage.get("/").status == 503)
        }
    }

    @Test func endpointsTakeTurns() async throws {
        try await withStage { stage async throws in
            stage.serve(stage.route(stage.endpoints([0, 1])))
            var counts: [String: Int] = [:]
            for _ in 0..<100 { counts[String(try await stage.get("/").body.prefix(3)), default: 0] += 1 }
            #expect(counts == ["one": 50, "two": 50])
        }
    }

    @Test func aCanaryTakesItsShare() async throws {
        try await withStage { stage async throws in
            var route = stage.route(stage.endpoints([0]))
            var rule = CanaryRule()
            rule.weight = 25
            rule.header = "x-canary"
            route.canaries = [
                Canary(
                    rule: rule,
                    backend: Backend(
                        service: ObjectKey(name: "canary"), port: "80", endpoints: stage.endpoints([1])))
            ]
            stage.serve(route)
            var canary = 0
            for _ in 0..<1000 {
                let answer = try await stage.get("/")
                if answer.body.hasPrefix("two") { canary += 1 }
            }
            // Six standard deviations of 1,000 tosses.
            #expect((168...332).contains(canary))
            #expect(try await stage.name("/", ["x-canary": "always"]) == "two")
            #expect(try await stage.name("/", ["x-canary": "never"]) == "one")
        }
    }

    @Test func aCookieKeepsTheClient() async throws {
        try await withStage { stage async throws in
            stage.serve(stage.route(stage.endpoints([0, 1]), ["affinity": "cookie", "session-cookie-name": "stay"]))
            let first = try await stage.get("/")
            let cookie = try #require(first.headers.first(name: "set-cookie"))
            #expect(cookie.hasPrefix("stay=") && cookie.contains("HttpOnly"))
            let value = String(cookie.prefix { $0 != ";" })
            for _ in 0..<10 {
                let answer = try await stage.get("/", ["cookie": "other=1; \(value)"])
                #expect(answer.headers.first(name: "x-backend") == first.headers.first(name: "x-backend"))
                #expect(answer.headers.first(name: "set-cookie") == nil)
            }
        }
    }

    @Test func turnsAwayWhatAnnotationsForbid() async throws {
        try await withStage { stage async throws in
            let one = stage.endpoints([0])
            stage.serve(stage.route(one, ["whitelist-source-range": "10.0.0.0/8"]))
            #expect(try await stage.get("/").status == 403)
            stage.serve(stage.route(one, ["proxy-body-size": "1k"]))
            let large = ByteBuffer(repeating: 65, count: 1025)
            #expect(try await stage.get("/", method: .POST, body: large).status == 413)
            stage.serve(stage.route(one, ["rewrite-target": "/$1"]), path: .expression("/api/(.*)"))
            let rewritten = try await stage.get("/api/v1?x=1").body
            #expect(rewritten.hasPrefix("one GET /v1?x=1 "))
        }
    }

    @Test func sendsPlainRequestsToTLS() async throws {
        try await withStage { stage async throws in
            stage.serve(stage.route(stage.endpoints([0]), ["force-ssl-redirect": "true"]))
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let answer = try await client.execute(
                HTTPClientRequest(url: "http://127.0.0.1:\(stage.front.port)/x?y=1"), timeout: .seconds(20))
            #expect(answer.status == .permanentRedirect)
            #expect(answer.headers.first(name: "location") == "https://127.0.0.1/x?y=1")
            try await client.shutdown()
        }
    }

    /// The client verifies the name, so only the certificate chosen by it will do.
    @Test(arguments: [true, false]) func certificatesByName(isKnown: Bool) async throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let own = try authority.issueServer(commonName: "other", dnsNames: ["other"], ipAddresses: [])
        let named = try authority.issueServer(commonName: "localhost", dnsNames: ["localhost"], ipAddresses: [])
        let certificate = try ServerCertificate(
            certificateChainPEM: Array(named.certificatePEM.utf8), privateKeyPEM: Array(named.privateKeyPEM.utf8))
        var tls = HTTPServer.TLS(
            certificateChainPEM: Array(own.certificatePEM.utf8), privateKeyPEM: Array(own.privateKeyPEM.utf8))
        tls.certificateForName = { name in isKnown && name == "localhost" ? certificate : nil }
        let server = try await HTTPServer.start(
            HTTPServer.Configuration(tls: tls), responder: Backend1(name: "secure"))
        var trust = TLSConfiguration.makeClientConfiguration()
        trust.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.certificatePEM.utf8)))
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(tlsConfiguration: trust))
        let answer = try? await client.execute(
            HTTPClientRequest(url: "https://localhost:\(server.port)/"), timeout: .seconds(20))
        #expect((answer?.status == .ok) == isKnown)
        try await client.shutdown()
        await server.shutdown(grace: .zero)
    }
}
