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

/// Finds out who sends a request: by client certificate, by service account token, by a static token, or nobody known.
///
/// As upstream's chain does it, the first credential that is good decides. A request whose credentials all are bad is
/// refused and never taken for anonymous.
public final class RequestAuthenticator: Sendable {
    public struct Configuration: Sendable {
        /// Verifies service account tokens; nil knows none.
        public var tokenIssuer: ServiceAccountTokenIssuer?
        /// Bearer tokens given at start, and who they stand for. `system:authenticated` is added.
        public var staticTokens: [String: UserInfo]
        /// Whether requests without credentials are let through as `system:anonymous`.
        public var allowAnonymous: Bool
        /// The time, in seconds since 1970.
        public var now: @Sendable () -> Int64

        public init(
            tokenIssuer: ServiceAccountTokenIssuer? = nil, staticTokens: [String: UserInfo] = [:],
            allowAnonymous: Bool = true, now: @escaping @Sendable () -> Int64 = { Int64(Glibc.time(nil)) }
        ) {
            self.tokenIssuer = tokenIssuer
            self.staticTokens = staticTokens
            self.allowAnonymous = allowAnonymous
            self.now = now
        }
    }

    private static let authenticatedGroup = "system:authenticated"
    private static let credentialID = "authentication.kubernetes.io/credential-id"

    private let configuration: Configuration
    /// By digest, so that comparing takes no time that tells of the token.
    private let staticTokens: [[UInt8]: UserInfo]
    private let tokens: ServiceAccountTokenAuthenticator?
    private let certificates = BoundedCache<[UInt8], CertificateUser>(limit: 1024)

    private struct CertificateUser: Sendable {
        let user: UserInfo
        let notAfter: Int64
    }

    public init(_ configuration: Configuration, lookup: any ObjectLookup) {
        self.configuration = configuration
        var staticTokens: [[UInt8]: UserInfo] = [:]
        for (token, user) in configuration.staticTokens {
            staticTokens[Digest.sha256(token)] = Self.authenticated(user)
        }
        self.staticTokens = staticTokens
        tokens = configuration.tokenIssuer.map { ServiceAccountTokenAuthenticator($0, lookup: lookup) }
    }

    /// Who sends the request.
    public func authenticate(_ request: HTTPRequest) throws(AuthenticationError) -> UserInfo {
        var problem: AuthenticationError?
        if let certificate = request.clientCertificate {
            do {
                if let user = try authenticate(certificate: certificate) { return user }
            } catch {
                problem = error
            }
        } else if let reason = request.clientCertificateProblem {
            problem = AuthenticationError("client certificate: \(reason)")
        }
        if let token = Self.bearerToken(request.headers.first(name: "authorization")) {
            do {
                return try authenticate(token: token)
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        guard configuration.allowAnonymous else { throw AuthenticationError("no credentials") }
        return .anonymous
    }

    /// The token of `Authorization: Bearer …`; nil for other schemes, which upstream ignores as well.
    private static func bearerToken(_ field: String?) -> String? {
        guard let field else { return nil }
        let parts = field.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count >= 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// Who a bearer token stands for: of a request, or of a `TokenReview`.
    /// - Parameter audiences: whom the token must be meant for; empty for the API server.
    public func authenticate(token: String, audiences: [String] = []) throws(AuthenticationError) -> UserInfo {
        if !staticTokens.isEmpty, let user = staticTokens[Digest.sha256(token)] { return user }
        guard let tokens else { throw AuthenticationError("unknown bearer token") }
        return try tokens.authenticate(token, audiences: audiences, now: configuration.now())
    }

    /// A verified certificate's user; nil if it names none.
    private func authenticate(certificate: [UInt8]) throws(AuthenticationError) -> UserInfo? {
        let known: CertificateUser
        if let cached = certificates[certificate] {
            known = cached
        } else {
            let identity: ClientCertificateIdentity
            do {
                identity = try ClientCertificateIdentity(der: certificate)
            } catch {
                throw AuthenticationError("\(error)")
            }
            guard !identity.commonName.isEmpty else { return nil }
            known = CertificateUser(
                user: Self.authenticated(
                    UserInfo(
                        name: identity.commonName, groups: identity.organizations,
                        extra: [Self.credentialID: ["X509SHA256=" + identity.fingerprint]])),
                notAfter: identity.notAfter)
            certificates[certificate] = known
        }
        // The connection may be older than the certificate's end.
        guard configuration.now() <= known.notAfter else {
            throw AuthenticationError("the client's certificate has expired")
        }
        return known.user
    }

    private static func authenticated(_ user: UserInfo) -> UserInfo {
        guard !user.groups.contains(authenticatedGroup), user.name != UserInfo.anonymous.name else { return user }
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
