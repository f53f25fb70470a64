import JSON

/// What a service account's token says: the claims of a bound token (KEP-1205), besides the signature.
public struct ServiceAccountClaims: Sendable, Hashable {
    /// A name with the uid of the object that had it when the token was issued.
    public struct Reference: Sendable, Hashable {
        public var name: String
        public var uid: String

        public init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }

        init?(_ json: JSONValue?) {
            guard let json, let name = json["name"]?.stringValue else { return nil }
            self.init(name: name, uid: json["uid"]?.stringValue ?? "")
        }

        var json: JSONValue { ["name": .string(name), "uid": .string(uid)] }
    }

    public var issuer: String
    public var audiences: [String]
    /// Seconds since 1970.
    public var issuedAt: Int64
    public var notBefore: Int64
    public var expires: Int64
    /// The token's own id (`jti`).
    public var id: String
    public var namespace: String
    public var serviceAccount: Reference
    public var pod: Reference?
    public var secret: Reference?
    public var node: Reference?
    /// From when on whoever uses the token should have taken a newer one.
    public var warnAfter: Int64?

    /// `system:serviceaccount:NAMESPACE:NAME`
    public var subject: String { "system:serviceaccount:\(namespace):\(serviceAccount.name)" }

    var json: JSONValue {
        var kubernetes: JSONValue = [
            "namespace": .string(namespace), "serviceaccount": serviceAccount.json,
        ]
        if let node { kubernetes["node"] = node.json }
        if let pod { kubernetes["pod"] = pod.json }
        if let secret { kubernetes["secret"] = secret.json }
        if let warnAfter { kubernetes["warnafter"] = .integer(warnAfter) }
        return [
            "aud": .array(audiences.map { .string($0) }), "exp": .integer(expires), "iat": .integer(issuedAt),
            "iss": .string(issuer), "jti": .string(id), "kubernetes.io": kubernetes, "nbf": .integer(notBefore),
            "sub": .string(subject),
        ]
    }

    /// Nil where a claim that every token has is missing or of another type.
    init?(_ json: JSONValue) {
        guard let issuer = json["iss"]?.stringValue, let kubernetes = json["kubernetes.io"],
            let namespace = kubernetes["namespace"]?.stringValue,
            let serviceAccount = Reference(kubernetes["serviceaccount"]), let expires = Self.date(json["exp"])
        else { return nil }
        self.issuer = issuer
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.expires = expires
        switch json["aud"] {
        case .string(let audience)?: audiences = [audience]
        case .array(let list)?: audiences = list.compactMap(\.stringValue)
        default: audiences = []
        }
        issuedAt = Self.date(json["iat"]) ?? 0
        notBefore = Self.date(json["nbf"]) ?? 0
        id = json["jti"]?.stringValue ?? ""
        pod = Reference(kubernetes["pod"])
        secret = Reference(kubernetes["secret"])
        node = Reference(kubernetes["node"])
        warnAfter = Self.date(kubernetes["warnafter"])
        guard json["sub"]?.stringValue == subject else { return nil }
    }

    /// A `NumericDate` of RFC 7519, which may have a fraction.
    private static func date(_ json: JSONValue?) -> Int64? {
        json.flatMap { $0.integerValue ?? $0.doubleValue.flatMap { Int64(exactly: $0.rounded(.down)) } }
    }

    init(
        issuer: String, audiences: [String], issuedAt: Int64, expires: Int64, id: String, namespace: String,
        serviceAccount: Reference, pod: Reference?, secret: Reference?, node: Reference?, warnAfter: Int64?
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.issuedAt = issuedAt
        notBefore = issuedAt
        self.expires = expires
        self.id = id
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.pod = pod
        self.secret = secret
        self.node = node
        self.warnAfter = warnAfter
    }
}

/// What a token says that lies in a secret (`kubernetes.io/service-account-token`).
public struct LegacyServiceAccountClaims: Sendable, Hashable {
    public let subject: String
    public let namespace: String
    public let secretName: String
    public let serviceAccount: ServiceAccountClaims.Reference
}

/// Why a token is not believed.
public enum TokenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is no JSON Web Token of this issuer's at all: another authenticator may know it.
    case notOurs
    case malformed
    case badSignature
    case expired
    case notYetValid
    case issuedInTheFuture
    case wrongAudience([String], accepted: [String])

    private static func list(_ texts: [String]) -> String {
        "[\(texts.map { "\"\($0)\"" }.joined(separator: " "))]"
    }

    public var description: String {
        switch self {
        case .notOurs: "the token is not from this cluster's issuer"
        case .malformed: "the token is malformed"
        case .badSignature: "the token's signature is not right"
        case .expired: "service account token has expired"
        case .notYetValid: "service account token is not valid yet"
        case .issuedInTheFuture: "service account token is issued in the future"
        case .wrongAudience(let meant, let accepted):
            "token audiences \(Self.list(meant)) is invalid for the target audiences \(Self.list(accepted))"
        }
    }
}
