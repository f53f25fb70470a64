import Crypto
import CryptoExtras
import Foundation
import JSON
import Testing

@testable import PKI

@Suite struct RequestTests {
    @Test func requestsAreReadAndSigned() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let made = try CertificateRequest.create(
            commonName: "system:node:n1", organizations: ["system:nodes"], dnsNames: ["n1"],
            ipAddresses: ["10.0.0.1", "::1"])
        let request = try CertificateRequest(pem: Array(("text before\n" + made.requestPEM).utf8))
        #expect(request.commonName == "system:node:n1")
        #expect(request.organizations == ["system:nodes"])
        #expect(request.dnsNames == ["n1"])
        #expect(request.ipAddresses == ["10.0.0.1", "::1"])
        #expect(request.emailAddresses.isEmpty && request.uris.isEmpty)
        #expect(request.isSignatureValid)
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let short = try authority.sign(
            request, usages: ["digital signature", "server auth"], lifetime: 3600, now: now)
        #expect(CertificatePEM.problem(with: Array(short.utf8)) == nil)
        #expect(CertificatePEM.notAfter(Array(short.utf8)) == Int64(now.timeIntervalSince1970) + 3600)
        // What lives eight hours or longer ends as much earlier as it begins.
        let long = try authority.sign(request, usages: ["client auth"], lifetime: 8 * 3600, now: now)
        #expect(CertificatePEM.notAfter(Array(long.utf8)) == Int64(now.timeIntervalSince1970) + 8 * 3600 - 300)
        let tooLong = try authority.sign(request, usages: ["client auth"], lifetime: 20 * 365 * 86400, now: now)
        #expect(CertificatePEM.notAfter(Array(tooLong.utf8)) == Int64(authority.notAfter.timeIntervalSince1970))
        #expect(throws: PKIError.self) { try authority.sign(request, usages: ["x"], lifetime: 3600) }
    }

    @Test func signedClientsAreBelieved() async throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let other = try CertificateAuthority.create(commonName: "ca")
        let made = try CertificateRequest.create(commonName: "ann", organizations: ["dev"])
        let request = try CertificateRequest(pem: Array(made.requestPEM.utf8))
        func der(_ pem: String) throws -> [UInt8] {
            let text = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
            return Array(try #require(Data(base64Encoded: text)))
        }
        let client = try der(authority.sign(request, usages: ["client auth"], lifetime: 3600))
        let server = try der(authority.sign(request, usages: ["server auth"], lifetime: 3600))
        let verifier = try ClientCertificateVerifier(authoritiesPEM: authority.certificatePEM)
        #expect(await verifier.problem(with: [client]) == nil)
        #expect(await verifier.problem(with: [server]) != nil)
        #expect(verifier.hasSigned(client))
        #expect(try !ClientCertificateVerifier(authoritiesPEM: other.certificatePEM).hasSigned(client))
        #expect(try ClientCertificateIdentity(der: client).commonName == "ann")
    }

    @Test(arguments: ["", "x", "-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n"])
    func whatIsNoRequest(_ text: String) {
        #expect(throws: PKIError.self) { try CertificateRequest(pem: Array(text.utf8)) }
    }

    @Test func keySets() throws {
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let p384 = P384.Signing.PrivateKey()
        let point = Array(p384.publicKey.rawRepresentation)
        let keys = try JSONWebKeySet([
            "keys": [
                [
                    "kty": "RSA", "kid": "r", "n": .string(Base64URL.encode(primitives.modulus)),
                    "e": .string(Base64URL.encode(primitives.publicExponent)),
                ],
                [
                    "kty": "EC", "crv": "P-384", "kid": "e", "x": .string(Base64URL.encode(point[..<48])),
                    "y": .string(Base64URL.encode(point[48...])),
                ], ["kty": "oct", "kid": "o", "k": "eA"], ["kty": "RSA", "use": "enc", "kid": "x"],
            ]
        ])
        func token(_ algorithm: String, _ kid: String, _ sign: (Data) throws -> Data) throws -> JSONWebToken {
            let head: JSONValue = ["alg": .string(algorithm), "kid": .string(kid)]
            let text = Base64URL.encode(JSONWriter.bytes(of: head)) + "." + Base64URL.encode(Array("{}".utf8))
            return try #require(JSONWebToken(text + "." + Base64URL.encode(sign(Data(text.utf8)))))
        }
        func rs(_ data: Data) throws -> Data {
            try rsa.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
        }
        #expect(keys.hasSigned(try token("RS256", "r", rs)))
        #expect(
            keys.hasSigned(
                try token("PS512", "r") {
                    try rsa.signature(for: SHA512.hash(data: $0), padding: .PSS).rawRepresentation
                }))
        #expect(keys.hasSigned(try token("ES384", "e") { try p384.signature(for: $0).rawRepresentation }))
        for (algorithm, kid) in [("RS384", "r"), ("none", "r"), ("HS256", "r"), ("RS256", "e"), ("RS256", "z")] {
            #expect(!keys.hasSigned(try token(algorithm, kid, rs)), "\(algorithm) \(kid)")
        }
        #expect(keys.has(keyID: "r") && !keys.has(keyID: "o") && !keys.has(keyID: "x"))
    }

    @Test(arguments: ["", "a.b", "a.b.c", "e30.e30.", "e30.W10.AA"])
    func whatIsNoToken(_ text: String) { #expect(JSONWebToken(text) == nil) }

    @Test func legacyTokens() throws {
        try withFolder { folder in
            let issuer = try ServiceAccountTokenIssuer.loadOrCreate(issuer: "https://a", keyPath: folder + "/sa.key")
            let token = try issuer.issueLegacy(
                namespace: "a", serviceAccount: .init(name: "b", uid: "u"), secretName: "s")
            let claims = try issuer.verifyLegacy(token)
            #expect(claims.subject == "system:serviceaccount:a:b")
            #expect(claims.secretName == "s")
            #expect(claims.serviceAccount == .init(name: "b", uid: "u"))
            #expect(throws: TokenError.notOurs) { try issuer.verify(token, now: 0) }
            let bound = try issuer.issue(namespace: "a", serviceAccount: .init(name: "b", uid: "u"), now: 0).token
            #expect(throws: TokenError.notOurs) { try issuer.verifyLegacy(bound) }
        }
    }
}
