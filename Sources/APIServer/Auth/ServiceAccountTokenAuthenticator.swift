import JSON
import KubeTypes
import PKI

/// Finds out whose a service account token is, and whether what it is bound to still exists.
///
/// Signatures are checked once and remembered for a while; the objects are looked up for every request, so that a token
/// ends with its pod or its account at once.
final class ServiceAccountTokenAuthenticator: Sendable {
    private struct Verified: Sendable {
        let claims: ServiceAccountClaims
        let user: UserInfo
        /// Seconds since 1970.
        let until: Int64
    }

    /// How long a verified signature is remembered, in seconds.
    private static let memory: Int64 = 60
    /// An object that was deleted this long ago, in seconds, and only waits for its finalizers, ends its tokens.
    private static let leeway: Int64 = 60

    private let issuer: ServiceAccountTokenIssuer
    private let lookup: any ObjectLookup
    private let verified = BoundedCache<[UInt8], Verified>(limit: 4096)

    init(_ issuer: ServiceAccountTokenIssuer, lookup: any ObjectLookup) {
        self.issuer = issuer
        self.lookup = lookup
    }

    func authenticate(_ token: String, audiences: [String], now: Int64) throws(AuthenticationError) -> UserInfo {
        // Only tokens for the API server itself are remembered: for others the answer depends on who asks.
        let digest = audiences.isEmpty ? Digest.sha256(token) : []
        if !digest.isEmpty, let known = verified[digest], known.until > now {
            try checkObjects(known.claims, now)
            return known.user
        }
        let claims: ServiceAccountClaims
        do {
            claims = try issuer.verify(token, audiences: audiences, now: now)
        } catch {
            throw AuthenticationError("\(error)")
        }
        try checkObjects(claims, now)
        let user = Self.user(of: claims)
        if !digest.isEmpty {
            verified[digest] = Verified(claims: claims, user: user, until: min(claims.expires, now + Self.memory))
        }
        return user
    }

    static func user(of claims: ServiceAccountClaims) -> UserInfo {
        var extra: [String: [String]] = [:]
        if !claims.id.isEmpty { extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + claims.id] }
        if let pod = claims.pod {
            extra["authentication.kubernetes.io/pod-name"] = [pod.name]
            extra["authentication.kubernetes.io/pod-uid"] = [pod.uid]
        }
        if let node = claims.node {
            extra["authentication.kubernetes.io/node-name"] = [node.name]
            if !node.uid.isEmpty { extra["authentication.kubernetes.io/node-uid"] = [node.uid] }
        }
        return UserInfo(
            name: claims.subject, uid: claims.serviceAccount.uid,
            groups: [
                "system:serviceaccounts", "system:serviceaccounts:\(claims.namespace)", "system:authenticated",
            ],
            extra: extra)
    }

    private func checkObjects(_ claims: ServiceAccountClaims, _ now: Int64) throws(AuthenticationError) {
        try check("serviceaccounts", claims.namespace, claims.serviceAccount, now)
        if let secret = claims.secret { try check("secrets", claims.namespace, secret, now) }
        if let pod = claims.pod {
            // The node beside a pod only says where it runs.
            try check("pods", claims.namespace, pod, now)
        } else if let node = claims.node {
            try check("nodes", "", node, now)
        }
    }

    private func check(
        _ resource: String, _ namespace: String, _ reference: ServiceAccountClaims.Reference, _ now: Int64
    ) throws(AuthenticationError) {
        guard let object = lookup.object(group: "", resource: resource, namespace: namespace, name: reference.name)
        else {
            throw AuthenticationError(
                "\(resource) \(namespace)/\(reference.name), which the token is bound to, is gone")
        }
        let metadata = object.value["metadata"]
        guard metadata?["uid"]?.stringValue == reference.uid else {
            throw AuthenticationError("the token is bound to another \(resource) \(namespace)/\(reference.name)")
        }
        if let text = metadata?["deletionTimestamp"]?.stringValue, let deleted = Time(text),
            deleted.seconds < now - Self.leeway
        {
            throw AuthenticationError("\(resource) \(namespace)/\(reference.name) has been deleted")
        }
    }
}
