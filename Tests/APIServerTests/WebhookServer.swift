// A webhook's server in the test's own process: HTTPS with a certificate of its own CA, and what it was asked.

import HTTPServer
import JSON
import NIOCore
import NIOHTTP1
import PKI
import Synchronization
import Testing

@testable import APIServer

final class WebhookServer: Sendable {
    /// Answers a path and a document with a document, or, nil, not at all.
    typealias Answer = @Sendable (_ path: String, _ review: JSONValue) -> JSONValue?

    private final class Responder: HTTPResponder {
        let answer: Answer
        let seen = Mutex<[(path: String, review: JSONValue)]>([])
        init(_ answer: @escaping Answer) { self.answer = answer }

        func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
            let review = (try? JSONParser.parse(request.body.readableBytesView)) ?? .null
            let path = request.target.prefix { $0 != "?" }
            seen.withLock { $0.append((request.target, review)) }
            guard let answer = answer(String(path), review) else { return }
            if let code = answer["httpStatus"]?.intValue {
                response.send(HTTPResponseStatus(statusCode: code), headers: [:], body: [ByteBuffer(string: "no")])
                return
            }
            response.send(.ok, headers: [:], body: [ByteBuffer(bytes: JSONWriter.bytes(of: answer))])
        }
    }

    private let server: HTTPServer
    private let responder: Responder
    let authority: CertificateAuthority

    init(names: [String] = ["hook.default.svc"], _ answer: @escaping Answer) async throws {
        authority = try CertificateAuthority.create(commonName: "webhook-ca")
        let certificate = try authority.issueServer(commonName: "hook", dnsNames: names, ipAddresses: ["127.0.0.1"])
        responder = Responder(answer)
        server = try await HTTPServer.start(
            .init(
                tls: .init(
                    certificateChainPEM: Array(certificate.certificatePEM.utf8),
                    privateKeyPEM: Array(certificate.privateKeyPEM.utf8))), responder: responder)
    }

    var port: Int { server.port }
    var url: String { "https://127.0.0.1:\(port)" }
    var requests: [JSONValue] { responder.seen.withLock { $0.map { $0.review["request"] ?? .null } } }
    var targets: [String] { responder.seen.withLock { $0.map(\.path) } }
    var caBundle: JSONValue { .string(TestBase64.encode(authority.certificatePEM)) }

    func stop() async { await server.shutdown(grace: .milliseconds(50)) }

    /// An answer to a review.
    static func review(_ request: JSONValue, _ response: JSONValue) -> JSONValue {
        var response = response
        response["uid"] = request["request"]?["uid"]
        return [
            "apiVersion": request["apiVersion"] ?? .null, "kind": "AdmissionReview", "response": response,
        ]
    }

    static func allow(_ request: JSONValue) -> JSONValue { review(request, ["allowed": true]) }

    static func patch(_ request: JSONValue, _ operations: JSONValue) -> JSONValue {
        review(
            request,
            [
                "allowed": true, "patchType": "JSONPatch",
                "patch": .string(TestBase64.encode(JSONWriter.text(of: operations))),
            ])
    }
}

enum TestBase64 {
    static func encode(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var result = ""
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(0) { $0 << 8 | (start + $1 < bytes.count ? Int(bytes[start + $1]) : 0) }
            let count = min(3, bytes.count - start)
            for digit in 0..<4 { result.append(digit <= count ? alphabet[group >> (18 - 6 * digit) & 63] : "=") }
        }
        return result
    }
}
