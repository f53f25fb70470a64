import Crypto
import JSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Issues and verifies service account tokens: JSON Web Tokens signed with ES256 (RFC 7519, 7515, 7518).
public struct ServiceAccountTokenIssuer: Sendable {
    /// The `iss` claim, and the base of the discovery documents.
    public let issuer: String
    /// The audience of tokens that name none: the API server itself.
    public let defaultAudiences: [String]
    private let key: P256.Signing.PrivateKey
    /// The keys whose tokens are believed, by id; the signing key first, then older ones.
    private let publicKeys: [(id: String, key: P256.Signing.PublicKey)]

    /// Clocks may differ by this much, in seconds.
    private static let leeway: Int64 = 60
    /// No token of ours comes near to this many bytes.
    private static let maximumLength = 16 << 10

    /// - Parameters:
    ///   - privateKeyPEM: a P-256 key.
    ///   - olderPublicKeysPEM: keys whose tokens are still believed.
    public init(
        issuer: String, defaultAudiences: [String]? = nil, privateKeyPEM: String, olderPublicKeysPEM: [String] = []
    ) throws(PKIError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
            let older = try olderPublicKeysPEM.map { try P256.Signing.PublicKey(pemRepresentation: $0) }
            publicKeys = ([key.publicKey] + older).map { (Self.id(of: $0), $0) }
        } catch {
            throw PKIError.malformed(what: "the service accounts' key", reason: "\(error)")
        }
        self.issuer = issuer
        self.defaultAudiences = defaultAudiences ?? [issuer]
    }

    /// Reads the key from a file, or makes one and writes it there (0600).
    public static func loadOrCreate(
        issuer: String, defaultAudiences: [String]? = nil, keyPath: String
    ) throws(PKIError) -> ServiceAccountTokenIssuer {
        let text: String
        if let found = try SecretFile.read(keyPath) {
            text = found
        } else {
            text = P256.Signing.PrivateKey().pemRepresentation + "\n"
            try SecretFile.write(text, to: keyPath)
        }
        return try ServiceAccountTokenIssuer(issuer: issuer, defaultAudiences: defaultAudiences, privateKeyPEM: text)
    }

    /// As upstream derives it: the hash of the public key's DER.
    private static func id(of key: P256.Signing.PublicKey) -> String {
        Base64URL.encode(SHA256.hash(data: key.derRepresentation))
    }

    public var keyID: String { publicKeys[0].id }

    public var publicKeyPEM: String { key.publicKey.pemRepresentation + "\n" }

    /// Issues a token.
    /// - Parameters:
    ///   - audiences: empty for the default ones.
    ///   - now: seconds since 1970.
    ///   - lifetime: seconds; the caller has checked its bounds (the API allows no less than 600).
    ///   - warnAfter: seconds from now, for tokens that live longer than was asked for.
    /// - Returns: the token and the claims in it.
    public func issue(
        namespace: String, serviceAccount: ServiceAccountClaims.Reference, pod: ServiceAccountClaims.Reference? = nil,
        secret: ServiceAccountClaims.Reference? = nil, node: ServiceAccountClaims.Reference? = nil,
        audiences: [String] = [], now: Int64, lifetime: Int64 = 3600, warnAfter: Int64? = nil
    ) throws(PKIError) -> (token: String, claims: ServiceAccountClaims) {
        let claims = ServiceAccountClaims(
            issuer: issuer, audiences: audiences.isEmpty ? defaultAudiences : audiences, issuedAt: now,
            expires: now + lifetime, id: Self.makeUUID(), namespace: namespace, serviceAccount: serviceAccount,
            pod: pod, secret: secret, node: node, warnAfter: warnAfter.map { now + $0 })
        return (try sign(claims.json), claims)
    }

    /// The issuer of tokens that lie in secrets.
    public static let legacyIssuer = "kubernetes/serviceaccount"

    /// Issues a token of the old kind, which lies in a secret and lives as long as that does.
    public func issueLegacy(
        namespace: String, serviceAccount: ServiceAccountClaims.Reference, secretName: String
    ) throws(PKIError) -> String {
        try sign([
            "iss": .string(Self.legacyIssuer), "kubernetes.io/serviceaccount/namespace": .string(namespace),
            "kubernetes.io/serviceaccount/secret.name": .string(secretName),
            "kubernetes.io/serviceaccount/service-account.name": .string(serviceAccount.name),
            "kubernetes.io/serviceaccount/service-account.uid": .string(serviceAccount.uid),
            "sub": .string("system:serviceaccount:\(namespace):\(serviceAccount.name)"),
        ])
    }

    private func sign(_ claims: JSONValue) throws(PKIError) -> String {
        let header: JSONValue = ["alg": "ES256", "kid": .string(keyID)]
        let signed =
            Base64URL.encode(JSONWriter.bytes(of: header)) + "." + Base64URL.encode(JSONWriter.bytes(of: claims))
        do {
            let signature = try key.signature(for: Array(signed.utf8))
            return signed + "." + Base64URL.encode(signature.rawRepresentation)
        } catch {
            throw PKIError.cannotSign("\(error)")
        }
    }

    /// A random UUID (RFC 9562, version 4).
    private static func makeUUID() -> String { UUID().uuidString.lowercased() }

    /// Checks signature, issuer, times and audience. Whether the objects that the token is bound to still exist is the
    /// authenticator's to check.
    /// - Parameters:
    ///   - audiences: one of them must be among the token's; empty for the default ones.
    ///   - now: seconds since 1970.
    public func verify(
        _ token: String, audiences: [String] = [], now: Int64
    ) throws(TokenError) -> ServiceAccountClaims {
        let body = try signedClaims(token, issuer: issuer)
        guard let claims = ServiceAccountClaims(body) else { throw .malformed }
        let accepted = audiences.isEmpty ? defaultAudiences : audiences
        // Tokens of old had no audience: they are for the API server.
        let meant = claims.audiences.isEmpty ? defaultAudiences : claims.audiences
        guard meant.contains(where: accepted.contains) else { throw .wrongAudience(meant, accepted: accepted) }
        guard now <= claims.expires + Self.leeway else { throw .expired }
        guard now >= claims.notBefore - Self.leeway else { throw .notYetValid }
        guard now >= claims.issuedAt - Self.leeway else { throw .issuedInTheFuture }
        return claims
    }

    /// What a token of the old kind says. Whether its secret still holds it is the authenticator's to check.
    public func verifyLegacy(_ token: String) throws(TokenError) -> LegacyServiceAccountClaims {
        let body = try signedClaims(token, issuer: Self.legacyIssuer)
        return LegacyServiceAccountClaims(
            subject: body["sub"]?.stringValue ?? "",
            namespace: body["kubernetes.io/serviceaccount/namespace"]?.stringValue ?? "",
            secretName: body["kubernetes.io/serviceaccount/secret.name"]?.stringValue ?? "",
            serviceAccount: ServiceAccountClaims.Reference(
                name: body["kubernetes.io/serviceaccount/service-account.name"]?.stringValue ?? "",
                uid: body["kubernetes.io/serviceaccount/service-account.uid"]?.stringValue ?? ""))
    }

    /// The claims of a token of one issuer that one of our keys has signed.
    private func signedClaims(_ token: String, issuer: String) throws(TokenError) -> JSONValue {
        guard token.utf8.count <= Self.maximumLength, let token = JSONWebToken(token), token.issuer == issuer else {
            throw .notOurs
        }
        guard token.algorithm == "ES256",
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: token.signature)
        else { throw .malformed }
        let believed = publicKeys.contains { known in
            (token.keyID == nil || known.id == token.keyID) && known.key.isValidSignature(signature, for: token.signed)
        }
        guard believed else { throw .badSignature }
        return token.claims
    }

    /// The document at `/openid/v1/jwks` (RFC 7517).
    public var jwks: JSONValue {
        [
            "keys": .array(
                publicKeys.map { known in
                    let point = Array(known.key.rawRepresentation)
                    return [
                        "use": "sig", "kty": "EC", "kid": .string(known.id), "crv": "P-256", "alg": "ES256",
                        "x": .string(Base64URL.encode(point[..<32])), "y": .string(Base64URL.encode(point[32...])),
                    ]
                })
        ]
    }

    /// The document at `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0).
    public var openIDConfiguration: JSONValue {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        return [
            "issuer": .string(issuer), "jwks_uri": .string(base + "/openid/v1/jwks"),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        ]
    }
}
