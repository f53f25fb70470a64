import APISchema
import JSON
import KubeTypes
import PKI
import Synchronization

/// Finds out whose a service account token is, and whether what it is bound to still exists.
///
/// Signatures are checked once and remembered for a while; the objects are looked up for every request, so that a token
/// ends with its pod or its account at once.
final class ServiceAccountTokenAuthenticator: Sendable {
    private struct Verified: Sendable {
        let content: Content
        let user: UserInfo
        /// Seconds since 1970.
        let until: Int64
    }

    private enum Content: Sendable {
        case bound(ServiceAccountClaims)
        case legacy(LegacyServiceAccountClaims)
    }

    /// How long a verified signature is remembered, in seconds.
    private static let memory: Int64 = 60
    /// An object that was deleted this long ago, in seconds, and only waits for its finalizers, ends its tokens.
    private static let leeway: Int64 = 60
    private static let invalidated = AuthenticationError("service account token has been invalidated")

    private let issuer: ServiceAccountTokenIssuer
    private let lookup: any ObjectLookup
    private let verified = BoundedCache<[UInt8], Verified>(limit: 4096)
    private let legacyUse = Mutex<(@Sendable (String, String, String) -> Void)?>(nil)
    /// The day on which a secret's token was last used, as far as it was told.
    private let legacyDays = BoundedCache<String, String>(limit: 4096)

    init(_ issuer: ServiceAccountTokenIssuer, lookup: any ObjectLookup) {
        self.issuer = issuer
        self.lookup = lookup
    }

    func onLegacyToken(_ use: @escaping @Sendable (_ namespace: String, _ secret: String, _ day: String) -> Void) {
        legacyUse.withLock { $0 = use }
    }

    /// Nil for tokens that are not from this cluster's issuer.
    func authenticate(_ token: String, audiences: [String], now: Int64) throws(AuthenticationError)
        -> AuthenticatedToken?
    {
        // Only tokens for the API server itself are remembered: for others the answer depends on who asks.
        let digest = audiences.isEmpty ? Digest.sha256(token) : []
        if !digest.isEmpty, let known = verified[digest], known.until > now {
            try check(known.content, token, now)
            return answer(known.user, known.content, audiences)
        }
        let content: Content
        var until = now + Self.memory
        do throws(TokenError) {
            let claims = try issuer.verify(token, audiences: audiences, now: now)
            content = .bound(claims)
            until = min(claims.expires, until)
        } catch {
            guard error == .notOurs else { throw AuthenticationError("\(error)") }
            do throws(TokenError) {
                content = .legacy(try issuer.verifyLegacy(token))
            } catch {
                guard error == .notOurs else { throw AuthenticationError("\(error)") }
                return nil
            }
            // A token of old is for the API server alone.
            guard audiences.isEmpty || audiences.contains(where: issuer.defaultAudiences.contains) else {
                throw AuthenticationError("\(TokenError.wrongAudience(issuer.defaultAudiences, accepted: audiences))")
            }
        }
        try check(content, token, now)
        let user = Self.user(of: content)
        if !digest.isEmpty { verified[digest] = Verified(content: content, user: user, until: until) }
        return answer(user, content, audiences)
    }

    private func answer(_ user: UserInfo, _ content: Content, _ wanted: [String]) -> AuthenticatedToken {
        var audiences = issuer.defaultAudiences
        if case .bound(let claims) = content, !claims.audiences.isEmpty { audiences = claims.audiences }
        let asked = wanted.isEmpty ? issuer.defaultAudiences : wanted
        return AuthenticatedToken(user: user, audiences: asked.filter(audiences.contains))
    }

    private static func user(of content: Content) -> UserInfo {
        switch content {
        case .bound(let claims): return user(of: claims)
        case .legacy(let claims):
            return UserInfo(
                name: claims.subject, uid: claims.serviceAccount.uid, groups: groups(claims.namespace))
        }
    }

    private static func groups(_ namespace: String) -> [String] {
        ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
    }

    private static func user(of claims: ServiceAccountClaims) -> UserInfo {
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
            name: claims.subject, uid: claims.serviceAccount.uid, groups: groups(claims.namespace), extra: extra)
    }

    // MARK: What a token is bound to

    private func check(_ content: Content, _ token: String, _ now: Int64) throws(AuthenticationError) {
        switch content {
        case .bound(let claims): try check(claims, now)
        case .legacy(let claims): try check(claims, token, now)
        }
    }

    private func check(_ claims: ServiceAccountClaims, _ now: Int64) throws(AuthenticationError) {
        let namespace = claims.namespace
        guard let account = object("serviceaccounts", namespace, claims.serviceAccount.name) else {
            throw AuthenticationError("serviceaccounts \"\(claims.serviceAccount.name)\" not found")
        }
        guard account.uid == claims.serviceAccount.uid else {
            throw AuthenticationError(
                "service account UID (\(account.uid)) does not match claim (\(claims.serviceAccount.uid))")
        }
        if isGone(account, now) {
            throw AuthenticationError("service account \(namespace)/\(account.name) has been deleted")
        }
        if let secret = claims.secret { try check(secret, "secret", "secrets", namespace, now) }
        if let pod = claims.pod {
            // The node beside a pod only says where it runs.
            try check(pod, "pod", "pods", namespace, now)
        } else if let node = claims.node {
            try check(node, "node", "nodes", "", now)
        }
    }

    private func check(
        _ reference: ServiceAccountClaims.Reference, _ what: String, _ resource: String, _ namespace: String,
        _ now: Int64
    ) throws(AuthenticationError) {
        guard let object = object(resource, namespace, reference.name) else { throw Self.invalidated }
        guard object.uid == reference.uid else {
            let title = what.prefix(1).uppercased() + what.dropFirst()
            throw AuthenticationError(
                "\(what == "secret" ? title : what) UID (\(object.uid)) does not match service account \(what) ref "
                    + "claim (\(reference.uid))")
        }
        if isGone(object, now) { throw Self.invalidated }
    }

    private func check(_ claims: LegacyServiceAccountClaims, _ token: String, _ now: Int64) throws(AuthenticationError)
    {
        let (namespace, name) = (claims.namespace, claims.serviceAccount.name)
        guard !namespace.isEmpty, !name.isEmpty,
            claims.subject == "system:serviceaccount:\(namespace):\(name)"
        else { throw AuthenticationError("sub claim is invalid") }
        guard let secret = object("secrets", namespace, claims.secretName), !secret.isBeingDeleted else {
            throw AuthenticationError("Token has been invalidated")
        }
        guard secret[path: "data", "token"]?.stringValue.flatMap({ Base64.decode($0) }) == Array(token.utf8) else {
            throw AuthenticationError("Token does not match server's copy")
        }
        guard let account = object("serviceaccounts", namespace, name) else {
            throw AuthenticationError("serviceaccounts \"\(name)\" not found")
        }
        if account.isBeingDeleted { throw AuthenticationError("ServiceAccount \(namespace)/\(name) has been deleted") }
        guard account.uid == claims.serviceAccount.uid else {
            throw AuthenticationError(
                "ServiceAccount UID (\(account.uid)) does not match claim (\(claims.serviceAccount.uid))")
        }
        tellUse(of: secret, now)
        if secret.labels?["kubernetes.io/legacy-token-invalid-since"]?.stringValue?.isEmpty == false {
            throw AuthenticationError(
                "the token in secret \(namespace)/\(claims.secretName) for service account \(namespace)/\(name) has "
                    + "been marked invalid. Use tokens from the TokenRequest API or manually created secret-based "
                    + "tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to "
                    + "temporarily allow use of this token")
        }
    }

    private func tellUse(of secret: JSONValue, _ now: Int64) {
        let today = String(Time(seconds: now).description.prefix(10))
        let tomorrow = String(Time(seconds: now + 86400).description.prefix(10))
        let last = secret.labels?["kubernetes.io/legacy-token-last-used"]?.stringValue
        guard last != today, last != tomorrow, legacyDays[secret.uid] != today else { return }
        legacyDays[secret.uid] = today
        legacyUse.withLock { $0 }?(secret.namespace, secret.name, today)
    }

    private func object(_ resource: String, _ namespace: String, _ name: String) -> JSONValue? {
        lookup.object(group: "", resource: resource, namespace: namespace, name: name)?.value
    }

    private func isGone(_ object: JSONValue, _ now: Int64) -> Bool {
        guard let text = object.deletionTimestamp, let deleted = Time(text) else { return false }
        return deleted.seconds < now - Self.leeway
    }
}
