import Foundation
import JSON
import Testing

@testable import PKI

@Suite struct TokenTests {
    private let issuer: ServiceAccountTokenIssuer
    private let now: Int64 = 1_700_000_000
    private let account = ServiceAccountClaims.Reference(name: "web", uid: "sa-uid")

    init() throws {
        issuer = try Self.makeIssuer("https://kubernetes.default.svc")
    }

    private static func makeIssuer(_ name: String) throws -> ServiceAccountTokenIssuer {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try ServiceAccountTokenIssuer.loadOrCreate(issuer: name, keyPath: path)
    }

    @Test func claimsComeBack() throws {
        let (token, claims) = try issuer.issue(
            namespace: "shop", serviceAccount: account, pod: .init(name: "web-1", uid: "pod-uid"),
            node: .init(name: "n1", uid: "node-uid"), now: now, lifetime: 3607, warnAfter: 3000)
        let read = try issuer.verify(token, now: now + 10)
        #expect(read == claims)
        #expect(read.subject == "system:serviceaccount:shop:web")
        #expect(read.audiences == ["https://kubernetes.default.svc"])
        #expect(read.expires == now + 3607)
        #expect(read.warnAfter == now + 3000)
        #expect(read.pod?.uid == "pod-uid")
        #expect(UUID(uuidString: read.id) != nil)
        let payload = try #require(Base64URL.decode(token.split(separator: ".")[1]))
        let json = try JSONParser.parse(payload)
        #expect(json[path: "kubernetes.io", "serviceaccount", "uid"] == "sa-uid")
        #expect(json["sub"] == "system:serviceaccount:shop:web")
        #expect(json["nbf"] == .integer(now))
    }

    @Test func timesAreKept() throws {
        let (token, _) = try issuer.issue(namespace: "a", serviceAccount: account, now: now, lifetime: 600)
        // A minute of leeway, either way.
        for good in [now - 60, now, now + 600, now + 660] { _ = try issuer.verify(token, now: good) }
        #expect(throws: TokenError.expired) { try issuer.verify(token, now: now + 661) }
        #expect(throws: TokenError.notYetValid) { try issuer.verify(token, now: now - 61) }
    }

    @Test func audiencesAreKept() throws {
        let (token, _) = try issuer.issue(
            namespace: "a", serviceAccount: account, audiences: ["vault", "other"], now: now)
        #expect(throws: TokenError.wrongAudience(["vault", "other"], accepted: issuer.defaultAudiences)) {
            try issuer.verify(token, now: now)
        }
        #expect(try issuer.verify(token, audiences: ["x", "vault"], now: now).audiences == ["vault", "other"])
    }

    @Test func whatIsNotOursIsRefused() throws {
        let (token, _) = try issuer.issue(namespace: "a", serviceAccount: account, now: now)
        let parts = token.split(separator: ".").map(String.init)
        let sameName = try Self.makeIssuer(issuer.issuer)
        let otherName = try Self.makeIssuer("https://elsewhere")
        #expect(throws: TokenError.badSignature) { try sameName.verify(token, now: now) }
        #expect(throws: TokenError.notOurs) { try otherName.verify(token, now: now) }
        for nonsense in ["", "a", "a.b.c", "..", "....", String(repeating: "a", count: 100_000), "é.é.é"] {
            #expect(throws: TokenError.notOurs) { try issuer.verify(nonsense, now: now) }
        }
        // Claims that were changed, and headers that ask for another algorithm.
        let claims = try #require(Base64URL.decode(parts[1]))
        let bent = String(decoding: claims, as: UTF8.self).replacingOccurrences(of: ":a:", with: ":b:")
        #expect(throws: TokenError.badSignature) {
            try issuer.verify("\(parts[0]).\(Base64URL.encode(Array(bent.utf8))).\(parts[2])", now: now)
        }
        for algorithm in ["none", "HS256", "RS256"] {
            let header = Base64URL.encode(Array("{\"alg\":\"\(algorithm)\"}".utf8))
            #expect(throws: TokenError.malformed) {
                try issuer.verify("\(header).\(parts[1]).\(parts[2])", now: now)
            }
        }
        #expect(throws: TokenError.malformed) { try issuer.verify("\(parts[0]).\(parts[1]).AAAA", now: now) }
    }

    @Test func anyBitThatChangesEndsAToken() throws {
        let (token, _) = try issuer.issue(namespace: "a", serviceAccount: account, now: now)
        var bytes = Array(token.utf8)
        for position in stride(from: 0, to: bytes.count, by: 7) {
            let kept = bytes[position]
            bytes[position] = kept == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let bent = String(decoding: bytes, as: UTF8.self)
            #expect(throws: TokenError.self, "position \(position)") { try issuer.verify(bent, now: now) }
            bytes[position] = kept
        }
    }

    @Test func olderKeysAreStillBelieved() throws {
        let (token, _) = try issuer.issue(namespace: "a", serviceAccount: account, now: now)
        try withFolder { folder in
            let path = folder + "/sa.key"
            _ = try ServiceAccountTokenIssuer.loadOrCreate(issuer: issuer.issuer, keyPath: path)
            let pem = try #require(try SecretFile.read(path))
            let rotated = try ServiceAccountTokenIssuer(
                issuer: issuer.issuer, privateKeyPEM: pem, olderPublicKeysPEM: [issuer.publicKeyPEM])
            _ = try rotated.verify(token, now: now)
            #expect(rotated.jwks["keys"]?.arrayValue?.count == 2)
            let again = try ServiceAccountTokenIssuer.loadOrCreate(issuer: issuer.issuer, keyPath: path)
            #expect(again.keyID == rotated.keyID)
        }
    }

    @Test func discoveryDocuments() throws {
        let key = try #require(issuer.jwks["keys"]?[0])
        #expect(key["kid"]?.stringValue == issuer.keyID)
        #expect(key["x"]?.stringValue.flatMap { Base64URL.decode($0) }?.count == 32)
        #expect(
            issuer.openIDConfiguration["jwks_uri"]?.stringValue == "https://kubernetes.default.svc/openid/v1/jwks")
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{0}\u{ff}ÿ≠"])
    func base64URL(_ text: String) throws {
        let bytes = Array(text.utf8)
        let encoded = Base64URL.encode(bytes)
        let expected = Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        #expect(encoded == expected)
        #expect(Base64URL.decode(encoded) == bytes)
    }

    @Test(arguments: ["Zg==", "Z", "Zh", "a+b/", "a b", "Zg\n"])
    func base64URLIsStrict(_ text: String) { #expect(Base64URL.decode(text) == nil) }
}
