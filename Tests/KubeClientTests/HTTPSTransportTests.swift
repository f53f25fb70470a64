import HTTPServer
import JSON
import KubeClient
import KubeTypes
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import PKI
import Testing

private struct Responder: HTTPResponder {
    let body: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void
    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) { body(request, response) }
}

extension HTTPResponseWriter {
    fileprivate func send(_ json: JSONValue, _ status: HTTPResponseStatus = .ok, _ headers: HTTPHeaders = [:]) {
        send(status, headers: headers, body: [ByteBuffer(bytes: JSONWriter.bytes(of: json))])
    }
}

@Suite struct HTTPSTransportTests {
    private let authority: CertificateAuthority
    private let tls: HTTPServer.TLS

    init() throws {
        authority = try CertificateAuthority.create(commonName: "ca")
        let certificate = try authority.issueServer(commonName: "s", dnsNames: [], ipAddresses: ["127.0.0.1"])
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority.certificatePEM)
        tls = HTTPServer.TLS(
            certificateChainPEM: Array(certificate.certificatePEM.utf8),
            privateKeyPEM: Array(certificate.privateKeyPEM.utf8),
            clientCertificates: .init(
                certificateAuthoritiesPEM: Array(authority.certificatePEM.utf8),
                verify: { await verifier.problem(with: $0) }))
    }

    /// Runs a client against a server whose answers are `respond`'s.
    private func withClient(
        as credentials: HTTPSTransport.Credentials = .none, ca: String? = nil,
        _ respond: @escaping @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void,
        _ body: (HTTPSTransport, HTTPServer) async throws -> Void
    ) async throws {
        let server = try await HTTPServer.start(.init(tls: tls), responder: Responder(body: respond))
        let transport = try HTTPSTransport(
            .init(
                server: "https://127.0.0.1:\(server.port)", caPEM: ca ?? authority.certificatePEM,
                credentials: credentials))
        var failure: (any Error)?
        do { try await body(transport, server) } catch { failure = error }
        await transport.shutdown()
        await server.shutdown(grace: .milliseconds(100))
        if let failure { throw failure }
    }

    @Test func requestsSayWhatIsWanted() async throws {
        let seen = NIOLockedValueBox<[String]>([])
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { request, response in
            let type = request.headers.first(name: "content-type") ?? "-"
            let body = String(buffer: request.body)
            seen.withLockedValue { $0.append("\(request.method) \(request.target) \(type) \(body)") }
            response.send(["kind": "X"])
        }
        try await withClient(respond) { transport, _ in
            let deployment = KubeRequest(
                .get, apiVersion: "apps/v1", resource: "deployments", namespace: "a", name: "b")
            #expect(try await transport.call(deployment) == ["kind": "X"])
            _ = try await transport.call(
                KubeRequest(
                    .list, apiVersion: "v1", resource: "pods",
                    query: [(name: "labelSelector", value: "a in (b,c),d=é&f")]))
            _ = try await transport.call(
                KubeRequest(.create, apiVersion: "v1", resource: "pods", namespace: "a", body: ["x": 1]))
            _ = try await transport.call(
                KubeRequest(.update, apiVersion: "v1", resource: "nodes", name: "n", subresource: "status", body: [:]))
            _ = try await transport.call(
                KubeRequest(.patch, apiVersion: "v1", resource: "nodes", name: "n", body: [:], patchType: .strategic))
            _ = try await transport.call(KubeRequest(.patch, apiVersion: "v1", resource: "nodes", name: "n", body: [:]))
            _ = try await transport.call(KubeRequest(.delete, apiVersion: "v1", resource: "nodes", name: "n"))
        }
        #expect(
            seen.withLockedValue { $0 } == [
                "GET /apis/apps/v1/namespaces/a/deployments/b - ",
                "GET /api/v1/pods?labelSelector=a%20in%20%28b%2Cc%29%2Cd%3D%C3%A9%26f - ",
                "POST /api/v1/namespaces/a/pods application/json {\"x\":1}",
                "PUT /api/v1/nodes/n/status application/json {}",
                "PATCH /api/v1/nodes/n application/strategic-merge-patch+json {}",
                "PATCH /api/v1/nodes/n application/merge-patch+json {}",
                "DELETE /api/v1/nodes/n - ",
            ])
    }

    @Test func credentialsAreShown() async throws {
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { request, response in
            let identity = request.clientCertificate.flatMap { try? ClientCertificateIdentity(der: $0) }
            response.send([
                "certificate": .string(identity?.commonName ?? ""),
                "authorization": .string(request.headers.first(name: "authorization") ?? ""),
            ])
        }
        let request = KubeRequest(.get, apiVersion: "v1", resource: "nodes", name: "n")
        let issued = try authority.issueClient(commonName: "alice")
        let certificate = HTTPSTransport.Credentials.clientCertificate(
            certificatePEM: issued.certificatePEM, keyPEM: issued.privateKeyPEM)
        try await withClient(as: certificate, respond) { transport, _ in
            let answer = try await transport.call(request)
            #expect(answer["certificate"] == "alice")
        }
        try await withClient(as: .token("t0ken"), respond) { transport, _ in
            let answer = try await transport.call(request)
            #expect(answer == ["certificate": "", "authorization": "Bearer t0ken"])
        }
    }

    @Test func errorsAreTheServers() async throws {
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { request, response in
            if request.target.hasSuffix("text") {
                response.send(.forbidden, headers: [:], body: [ByteBuffer(string: "no entry")])
            } else {
                let error = APIError.notFound("nodes", group: "", name: "n")
                response.send(error.status.json, .notFound)
            }
        }
        try await withClient(respond) { transport, _ in
            do {
                _ = try await transport.call(KubeRequest(.get, apiVersion: "v1", resource: "nodes", name: "n"))
                Issue.record("no error")
            } catch let error as APIError {
                #expect(error == APIError.notFound("nodes", group: "", name: "n"))
            }
            do {
                _ = try await transport.call(KubeRequest(.get, apiVersion: "v1", resource: "nodes", name: "text"))
                Issue.record("no error")
            } catch let error as APIError {
                #expect(error == APIError(code: 403, reason: "Forbidden", message: "no entry"))
            }
        }
    }

    @Test func whoIsAskedToTryLaterDoes() async throws {
        let count = NIOLockedValueBox(0)
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { _, response in
            let attempt = count.withLockedValue { count in
                count += 1
                return count
            }
            if attempt < 3 {
                response.send([:], .tooManyRequests, ["retry-after": "0"])
            } else {
                response.send(["attempt": .integer(Int64(attempt))])
            }
        }
        try await withClient(respond) { transport, _ in
            let answer = try await transport.call(KubeRequest(.get, apiVersion: "v1", resource: "nodes", name: "n"))
            #expect(answer == ["attempt": 3])
        }
    }

    @Test func serversThatAreNotThereAreUnavailable() async throws {
        let request = KubeRequest(.get, apiVersion: "v1", resource: "nodes", name: "n")
        let transport = try HTTPSTransport(.init(server: "https://127.0.0.1:1"))
        do {
            _ = try await transport.call(request)
            Issue.record("no error")
        } catch let error as APIError {
            #expect(error.code == 503)
            #expect(error.reason == "ServiceUnavailable")
        }
        await transport.shutdown()
        // Neither is one whose certificate comes from somebody else.
        let other = try CertificateAuthority.create(commonName: "ca")
        try await withClient(ca: other.certificatePEM, { _, response in response.send([:]) }) { transport, _ in
            do {
                _ = try await transport.call(request)
                Issue.record("a foreign server was believed")
            } catch let error as APIError {
                #expect(error.code == 503)
            }
        }
    }

    @Test func watches() async throws {
        let writer = NIOLockedValueBox<(any HTTPResponseWriter)?>(nil)
        let closed = NIOLockedValueBox(false)
        let target = NIOLockedValueBox("")
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { request, response in
            target.withLockedValue { $0 = request.target }
            response.begin(.ok, headers: ["content-type": "application/json"])
            response.onClose { closed.withLockedValue { $0 = true } }
            writer.withLockedValue { $0 = response }
        }
        try await withClient(respond) { transport, _ in
            let events = try await transport.watch(
                KubeRequest(
                    .watch, apiVersion: "v1", resource: "pods", query: [(name: "resourceVersion", value: "7")]))
            #expect(target.withLockedValue { $0 } == "/api/v1/pods?resourceVersion=7&watch=true")
            let response = try #require(writer.withLockedValue { $0 })
            var iterator = events.makeAsyncIterator()
            // One event in two pieces, then two in one.
            response.write(ByteBuffer(string: #"{"type":"ADDED","object":{"n"#))
            try await Task.sleep(for: .milliseconds(20))
            response.write(ByteBuffer(string: "\":1}}\n"))
            var event = try #require(try await iterator.next())
            #expect(event.kind == .added)
            #expect(event.object == ["n": 1])
            response.write(
                ByteBuffer(
                    string: #"{"type":"MODIFIED","object":{"n":2}}"# + "\n" + #"{"type":"DELETED","object":{}}"# + "\n")
            )
            event = try #require(try await iterator.next())
            #expect(event.kind == .modified)
            event = try #require(try await iterator.next())
            #expect(event.kind == .deleted)
            response.write(ByteBuffer(string: "nonsense\n"))
            await #expect(throws: APIError.self) { try await iterator.next() }
            response.end()
        }
        #expect(closed.withLockedValue { $0 })
    }

    @Test func theEndOfAWatchIsItsEnd() async throws {
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { _, response in
            response.begin(.ok, headers: [:])
            response.write(ByteBuffer(string: #"{"type":"BOOKMARK","object":{}}"# + "\n"))
            response.end()
        }
        try await withClient(respond) { transport, _ in
            var kinds: [KubeWatchEvent.Kind] = []
            for try await event in try await transport.watch(KubeRequest(.watch, apiVersion: "v1", resource: "pods")) {
                kinds.append(event.kind)
            }
            #expect(kinds == [.bookmark])
        }
    }

    @Test func aWatchThatNobodyReadsEndsAtTheServer() async throws {
        let begun = NIOLockedValueBox(false)
        let closed = NIOLockedValueBox(false)
        let respond: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { _, response in
            response.begin(.ok, headers: [:])
            response.write(ByteBuffer(string: #"{"type":"BOOKMARK","object":{}}"# + "\n"))
            response.onClose { closed.withLockedValue { $0 = true } }
        }
        func wait(for flag: NIOLockedValueBox<Bool>) async throws {
            for _ in 0..<1000 where !flag.withLockedValue({ $0 }) { try await Task.sleep(for: .milliseconds(10)) }
            #expect(flag.withLockedValue { $0 })
        }
        try await withClient(respond) { transport, _ in
            let task = Task {
                for try await _ in try await transport.watch(KubeRequest(.watch, apiVersion: "v1", resource: "pods")) {
                    begun.withLockedValue { $0 = true }
                }
            }
            try await wait(for: begun)
            #expect(!closed.withLockedValue { $0 })
            task.cancel()
            _ = await task.result
            try await wait(for: closed)
        }
    }
}
