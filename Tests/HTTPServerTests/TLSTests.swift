import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import PKI
import Testing

/// The protocol that was agreed upon, and what a server says of the client's certificate, over HTTP/1.1.
private func ask(
    _ port: Int, ca: String, certificate: IssuedCertificate? = nil, protocols: [String] = ["http/1.1"]
) async throws -> String {
    final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received: NIOLockedValueBox<String>
        init(_ received: NIOLockedValueBox<String>) { self.received = received }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            received.withLockedValue { $0 += text }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            received.withLockedValue { $0 += "error: \(error)" }
            context.close(promise: nil)
        }
    }
    var settings = TLSConfiguration.makeClientConfiguration()
    settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(ca.utf8)))
    settings.applicationProtocols = protocols
    if let certificate {
        settings.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.certificatePEM.utf8))
            .map { .certificate($0) }
        settings.privateKey = .privateKey(
            try NIOSSLPrivateKey(bytes: Array(certificate.privateKeyPEM.utf8), format: .pem))
    }
    let context = try NIOSSLContext(configuration: settings)
    let received = NIOLockedValueBox("")
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                try channel.pipeline.syncOperations.addHandler(Collector(received))
            }
        }
        .connect(host: "127.0.0.1", port: port).get()
    let request = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
    defer { channel.close(promise: nil) }
    return try await eventually("an answer") {
        let text = received.withLockedValue { $0 }
        if text.hasPrefix("error") { return text }
        return text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

@Suite struct TLSTests {
    private let authority: CertificateAuthority
    private let tls: HTTPServer.TLS

    init() throws {
        let authority = try CertificateAuthority.create(commonName: "test-ca")
        self.authority = authority
        let certificate = try authority.issueServer(
            commonName: "server", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority.certificatePEM)
        tls = HTTPServer.TLS(
            certificateChainPEM: Array(certificate.certificatePEM.utf8),
            privateKeyPEM: Array(certificate.privateKeyPEM.utf8),
            clientCertificates: .init(
                certificateAuthoritiesPEM: Array(authority.certificatePEM.utf8),
                verify: { await verifier.problem(with: $0) }))
    }

    @Test func aGoodClientCertificateIsHandedOn() async throws {
        let certificate = try authority.issueClient(commonName: "alice", organizations: ["dev"])
        try await withServer(tls: tls) { server in
            let answer = try await ask(server.port, ca: authority.certificatePEM, certificate: certificate)
            #expect(answer.hasSuffix("bytes, no problem"))
        }
    }

    @Test func noClientCertificateIsNoProblem() async throws {
        try await withServer(tls: tls) { server in
            let answer = try await ask(server.port, ca: authority.certificatePEM)
            #expect(answer == "none, no problem")
        }
    }

    @Test func aForeignClientCertificateIsAProblemButNoFailure() async throws {
        let foreign = try CertificateAuthority.create(commonName: "test-ca")
        let certificate = try foreign.issueClient(commonName: "system:admin", organizations: ["system:masters"])
        try await withServer(tls: tls) { server in
            let answer = try await ask(server.port, ca: authority.certificatePEM, certificate: certificate)
            #expect(answer.hasPrefix("none, "))
            #expect(!answer.hasSuffix("no problem"))
        }
    }

    @Test func aServersCertificateIsNoClients() async throws {
        let certificate = try authority.issueServer(commonName: "node", dnsNames: ["node"], ipAddresses: [])
        try await withServer(tls: tls) { server in
            let answer = try await ask(server.port, ca: authority.certificatePEM, certificate: certificate)
            #expect(answer == "none, the certificate is not meant for clients")
        }
    }

    @Test func badCertificatesAreToldOf() async throws {
        var broken = tls
        broken.privateKeyPEM = Array("nonsense".utf8)
        await #expect(throws: HTTPServerError.self) {
            try await HTTPServer.start(.init(tls: broken), responder: ClosureResponder(body: standardResponder))
        }
    }

    @Test func plainTextOnATLSPortIsClosed() async throws {
        try await withServer(tls: tls) { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitForClose()
            #expect(try await ask(server.port, ca: authority.certificatePEM) == "none, no problem")
        }
    }
}
