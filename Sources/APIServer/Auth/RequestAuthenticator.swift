import HTTPServer
import JSON
import KubeTypes
import Logging
import PKI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why credentials are not accepted. Clients hear no more than `Unauthorized`; the reason is for the log.
public struct AuthenticationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
    /// What to answer with (401).
    public var apiError: APIError { .unauthorized() }
}

/// Whom a bearer token stands for, and which of the audiences asked for it is meant for.
public struct AuthenticatedToken: Sendable, Hashable {
    public var user: UserInfo
    public var audiences: [String]
}

/// Finds out who sends a request: by the header of a proxy that may speak for others, by client certificate, by bearer
/// token, or nobody known.
///
/// As upstream's chain does it, the first credential that is good decides. A request whose credentials all are bad is
/// refused and never taken for anonymous.
public final class RequestAuthenticator: Sendable {
    /// Which requests without credentials are let through as `system:anonymous`.
    public enum AnonymousAccess: Sendable, Hashable {
        case never
        case everywhere
        /// For these paths alone.
        case paths(Set<String>)

        public static let health = AnonymousAccess.paths(["/healthz", "/livez", "/readyz"])
    }

    public struct Configuration: Sendable {
        /// Verifies service account tokens; nil knows none.
        public var tokenIssuer: ServiceAccountTokenIssuer?
        /// Bearer tokens given at start, and who they stand for. `system:authenticated` is added.
        public var staticTokens: [String: UserInfo]
        public var anonymous: AnonymousAccess
        /// Which proxies may say who sent a request; nil believes none.
        public var requestHeader: RequestHeaderAuthentication?
        /// Issuers of OpenID Connect tokens.
        public var openIDIssuers: [OpenIDIssuer]
        /// The time, in seconds since 1970.
        public var now: @Sendable () -> Int64

        public init(
            tokenIssuer: ServiceAccountTokenIssuer? = nil, staticTokens: [String: UserInfo] = [:],
            anonymous: AnonymousAccess = .health, requestHeader: RequestHeaderAuthentication? = nil,
            openIDIssuers: [OpenIDIssuer] = [], now: @escaping @Sendable () -> Int64 = { Int64(Glibc.time(nil)) }
        ) {
            self.tokenIssuer = tokenIssuer
            self.staticTokens = staticTokens
            self.anonymous = anonymous
            self.requestHeader = requestHeader
            self.openIDIssuers = openIDIssuers
            self.now = now
        }
    }

    private static let authenticatedGroup = "system:authenticated"
    private static let credentialID = "authentication.kubernetes.io/credential-id"

    private let configuration: Configuration
    /// By digest, so that comparing takes no time that tells of the token.
    private let staticTokens: [[UInt8]: UserInfo]
    private let tokens: ServiceAccountTokenAuthenticator?
    private let bootstrapTokens: BootstrapTokenAuthenticator
    private let certificates = BoundedCache<[UInt8], CertificateUser>(limit: 1024)

    private enum CertificateUser: Sendable {
        /// The certificate of a proxy, with its common name: it says who the user is with every request.
        case proxy(name: String, notAfter: Int64)
        case user(UserInfo, notAfter: Int64)
    }

    public init(_ configuration: Configuration, lookup: any ObjectLookup) {
        self.configuration = configuration
        var staticTokens: [[UInt8]: UserInfo] = [:]
        for (token, user) in configuration.staticTokens {
            staticTokens[Digest.sha256(token)] = Self.authenticated(user)
        }
        self.staticTokens = staticTokens
        tokens = configuration.tokenIssuer.map { ServiceAccountTokenAuthenticator($0, lookup: lookup) }
        bootstrapTokens = BootstrapTokenAuthenticator(lookup: lookup)
    }

    /// Called with the namespace and name of a secret whose token was used, at most once a day for each.
    public func onLegacyToken(_ use: @escaping @Sendable (_ namespace: String, _ secret: String, _ day: String) -> Void)
    {
        tokens?.onLegacyToken(use)
    }

    /// The audiences of the API server itself.
    var audiences: [String] { configuration.tokenIssuer?.defaultAudiences ?? [] }

    /// Who sends the request.
    /// - Parameter path: the request's, without the query.
    public func authenticate(_ request: HTTPRequest, path: String) throws(AuthenticationError) -> UserInfo {
        var problem: AuthenticationError?
        if let certificate = request.clientCertificate {
            do {
                if let user = try authenticate(certificate: certificate, request) { return user }
            } catch {
                problem = error
            }
        } else if let reason = request.clientCertificateProblem {
            problem = AuthenticationError("client certificate: \(reason)")
        }
        if let token = Self.token(of: request) {
            do {
                return try authenticate(token: token).user
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        switch configuration.anonymous {
        case .everywhere: return .anonymous
        case .paths(let paths) where paths.contains(path): return .anonymous
        default: throw AuthenticationError("no credentials")
        }
    }

    /// What has to be waited for before a request can be judged: the keys of an issuer whose token it shows. Nil for
    /// almost all requests. The function calls back once, on any thread.
    func preparation(for request: HTTPRequest) -> ((@escaping @Sendable () -> Void) -> Void)? {
        guard !configuration.openIDIssuers.isEmpty, let token = Self.token(of: request) else { return nil }
        return preparation(forToken: token)
    }

    func preparation(forToken token: String) -> ((@escaping @Sendable () -> Void) -> Void)? {
        guard !configuration.openIDIssuers.isEmpty, let token = JSONWebToken(token) else { return nil }
        let now = configuration.now()
        return configuration.openIDIssuers.lazy.compactMap { $0.preparation(for: token, now: now) }.first
    }

    // MARK: Tokens

    /// The token of `Authorization: Bearer …`; nil for other schemes, which upstream ignores as well. Browsers, which
    /// cannot set that header for a WebSocket, name it as a subprotocol.
    private static func token(of request: HTTPRequest) -> String? {
        if let field = request.headers.first(name: "authorization") {
            // On every request: bytes, since a search for characters takes as long as all the rest of authentication.
            let parts = field.utf8.split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard parts.count >= 2, String(parts[0])?.lowercased() == "bearer" else { return nil }
            return String(parts[1])
        }
        guard request.headers.first(name: "upgrade")?.lowercased() == "websocket" else { return nil }
        let prefix = "base64url.bearer.authorization.k8s.io."
        for name in request.headers[canonicalForm: "sec-websocket-protocol"] where name.hasPrefix(prefix) {
            guard let bytes = Base64URL.decode(name.dropFirst(prefix.utf8.count)) else { return nil }
            return String(validating: bytes, as: UTF8.self)
        }
        return nil
    }

    /// Who a bearer token stands for: of a request, or of a `TokenReview`.
    /// - Parameter audiences: whom the token must be meant for; empty for the API server.
    public func authenticate(token: String, audiences: [String] = []) throws(AuthenticationError) -> AuthenticatedToken
    {
        if !staticTokens.isEmpty, let user = staticTokens[Digest.sha256(token)] {
            return try forAnyAudience(user, audiences)
        }
        let now = configuration.now()
        if let user = bootstrapTokens.authenticate(token, now: now) {
            return try forAnyAudience(Self.authenticated(user), audiences)
        }
        var problem: AuthenticationError?
        do {
            if let found = try tokens?.authenticate(token, audiences: audiences, now: now) { return found }
        } catch {
            problem = error
        }
        if !configuration.openIDIssuers.isEmpty, let parsed = JSONWebToken(token) {
            for issuer in configuration.openIDIssuers where issuer.configuration.url == parsed.issuer {
                do {
                    return try forAnyAudience(Self.authenticated(issuer.authenticate(parsed, now: now)), audiences)
                } catch {
                    problem = error
                }
            }
        }
        throw problem ?? AuthenticationError("invalid bearer token")
    }

    /// Tokens that know nothing of audiences are meant for the API server.
    private func forAnyAudience(_ user: UserInfo, _ wanted: [String]) throws(AuthenticationError) -> AuthenticatedToken
    {
        let own = audiences
        guard !wanted.isEmpty, !own.isEmpty else { return AuthenticatedToken(user: user, audiences: own) }
        let common = wanted.filter(own.contains)
        guard !common.isEmpty else { throw AuthenticationError("invalid bearer token") }
        return AuthenticatedToken(user: user, audiences: common)
    }

    // MARK: Certificates

    /// The user of a verified certificate, or of whom its owner may speak for; nil if it names none.
    private func authenticate(certificate: [UInt8], _ request: HTTPRequest) throws(AuthenticationError) -> UserInfo? {
        let known: CertificateUser
        if let remembered = certificates[certificate] {
            known = remembered
        } else {
            known = try read(certificate)
        }
        // The connection may be older than the certificate's end.
        switch known {
        case .user(_, let notAfter), .proxy(_, let notAfter):
            guard configuration.now() <= notAfter else {
                throw AuthenticationError("the client's certificate has expired")
            }
        }
        switch known {
        case .user(let user, _): return user.name.isEmpty ? nil : user
        case .proxy(let name, _):
            guard let proxies = configuration.requestHeader else { return nil }
            return try proxies.user(of: request.headers, sentBy: name).map(Self.authenticated)
        }
    }

    private func read(_ certificate: [UInt8]) throws(AuthenticationError) -> CertificateUser {
        let identity: ClientCertificateIdentity
        do {
            identity = try ClientCertificateIdentity(der: certificate)
        } catch {
            throw AuthenticationError("\(error)")
        }
        let known: CertificateUser
        if let proxies = configuration.requestHeader, proxies.authority.hasSigned(certificate) {
            known = .proxy(name: identity.commonName, notAfter: identity.notAfter)
        } else {
            let user = UserInfo(
                name: identity.commonName, groups: identity.organizations,
                extra: [Self.credentialID: ["X509SHA256=" + identity.fingerprint]])
            known = .user(Self.authenticated(user), notAfter: identity.notAfter)
        }
        certificates[certificate] = known
        return known
    }

    private static func authenticated(_ user: UserInfo) -> UserInfo {
        guard !user.groups.contains(authenticatedGroup), !user.groups.contains("system:unauthenticated"),
            user.name != UserInfo.anonymous.name
        else { return user }
        var user = user
        user.groups.append(authenticatedGroup)
        return user
    }
}

/// A dictionary that forgets everything when it is full: simple, bounded, and as good as any other where what is
/// missing is merely computed again.
final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let entries = Mutex<[Key: Value]>([:])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    subscript(key: Key) -> Value? {
        get { entries.withLock { $0[key] } }
        set {
            entries.withLock { entries in
                if entries.count >= limit, entries[key] == nil { entries.removeAll(keepingCapacity: true) }
                entries[key] = newValue
            }
        }
    }

    var count: Int { entries.withLock { $0.count } }
}
