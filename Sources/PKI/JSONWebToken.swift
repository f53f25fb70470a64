import Crypto
import CryptoExtras
import JSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON Web Token taken apart (RFC 7519, compact serialization of RFC 7515), its signature not looked at.
public struct JSONWebToken: Sendable {
    public let algorithm: String
    public let keyID: String?
    public let claims: JSONValue
    /// What the signature is for.
    let signed: [UInt8]
    let signature: [UInt8]

    public var issuer: String? { claims["iss"]?.stringValue }

    /// Nil for what is no such token.
    public init?(_ token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]),
            let head = try? JSONParser.parse(header, limits: .init(depth: 8)),
            let claims = try? JSONParser.parse(payload, limits: .init(depth: 16)), claims.objectValue != nil,
            let algorithm = head["alg"]?.stringValue
        else { return nil }
        self.algorithm = algorithm
        keyID = head["kid"]?.stringValue
        self.claims = claims
        self.signature = signature
        signed = Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
    }
}

/// The keys that somebody else signs tokens with (RFC 7517), as an OpenID Connect issuer publishes them.
public struct JSONWebKeySet: Sendable {
    private enum Key: Sendable {
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case rsa(_RSA.Signing.PublicKey)
    }

    private let keys: [(id: String?, key: Key)]

    /// Keys of other kinds, and those that are not for signatures, are left out.
    /// - Throws: where there is no list of keys.
    public init(_ document: JSONValue) throws(PKIError) {
        guard let list = document["keys"]?.arrayValue else {
            throw PKIError.malformed(what: "the issuer's key set", reason: "it has no keys")
        }
        keys = list.compactMap { entry in
            guard entry["use"]?.stringValue ?? "sig" == "sig", let key = Self.key(entry) else { return nil }
            return (entry["kid"]?.stringValue, key)
        }
    }

    private static func key(_ entry: JSONValue) -> Key? {
        func bytes(_ name: String) -> [UInt8]? { entry[name]?.stringValue.flatMap { Base64URL.decode($0) } }
        switch entry["kty"]?.stringValue {
        case "EC":
            guard let x = bytes("x"), let y = bytes("y") else { return nil }
            switch entry["crv"]?.stringValue {
            case "P-256": return (try? P256.Signing.PublicKey(rawRepresentation: x + y)).map(Key.p256)
            case "P-384": return (try? P384.Signing.PublicKey(rawRepresentation: x + y)).map(Key.p384)
            case "P-521": return (try? P521.Signing.PublicKey(rawRepresentation: x + y)).map(Key.p521)
            default: return nil
            }
        case "RSA":
            guard let n = bytes("n"), let e = bytes("e") else { return nil }
            return (try? _RSA.Signing.PublicKey(n: n, e: e)).map(Key.rsa)
        default: return nil
        }
    }

    /// Whether a token that names no key, or this one, could be judged at all.
    public func has(keyID: String?) -> Bool { keyID == nil ? !keys.isEmpty : keys.contains { $0.id == keyID } }

    /// Whether one of the keys has signed a token. Only algorithms with a public key are known: `none` and shared
    /// secrets never pass.
    public func hasSigned(_ token: JSONWebToken) -> Bool {
        keys.contains { (token.keyID == nil || $0.id == token.keyID) && Self.verify(token, $0.key) }
    }

    private static func verify(_ token: JSONWebToken, _ key: Key) -> Bool {
        switch (key, token.algorithm) {
        case (.p256(let key), "ES256"):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: token.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: token.signed)
        case (.p384(let key), "ES384"):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: token.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: token.signed)
        case (.p521(let key), "ES512"):
            guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: token.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: token.signed)
        case (.rsa(let key), let algorithm):
            let padding: _RSA.Signing.Padding = algorithm.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
            let signature = _RSA.Signing.RSASignature(rawRepresentation: token.signature)
            switch algorithm {
            case "RS256", "PS256":
                return key.isValidSignature(signature, for: SHA256.hash(data: token.signed), padding: padding)
            case "RS384", "PS384":
                return key.isValidSignature(signature, for: SHA384.hash(data: token.signed), padding: padding)
            case "RS512", "PS512":
                return key.isValidSignature(signature, for: SHA512.hash(data: token.signed), padding: padding)
            default: return false
            }
        default: return false
        }
    }
}
