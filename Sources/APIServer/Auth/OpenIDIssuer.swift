import AsyncHTTPClient
import CEL
import JSON
import KubeTypes
import NIOCore
import NIOSSL
import PKI
import Synchronization

/// Believes the tokens of an OpenID Connect issuer, as an `AuthenticationConfiguration` describes it.
///
/// Tokens are judged at once, from the issuer's keys in memory. Those are fetched when a token shows a key that is not
/// known, and no more often than every ten seconds, however many such tokens come.
public final class OpenIDIssuer: Sendable {
    /// One entry of `jwt` in the file.
    public struct Configuration: Sendable {
        /// What tokens must have as `iss`.
        public var url: String
        /// Where the discovery document lies; the usual place if empty.
        public var discoveryURL = ""
        /// The CA of the issuer's servers as PEM; the system's if nil.
        public var certificateAuthority: String?
        /// One of them must be among the token's.
        public var audiences: [String]
        /// Claims that must be there with a value.
        public var requiredClaims: [String: String] = [:]
        public var usernameClaim: String
        public var usernamePrefix = ""
        public var groupsClaim = ""
        public var groupsPrefix = ""
        public var uidClaim = ""
        var expressions = ClaimExpressions()

        public init(url: String, audiences: [String], usernameClaim: String) {
            self.url = url
            self.audiences = audiences
            self.usernameClaim = usernameClaim
        }
    }

    /// Fetches a document (JSON).
    public typealias Fetch = @Sendable (_ url: String) async throws -> [UInt8]

    private struct State {
        var keys: JSONWebKeySet?
        /// Seconds since 1970.
        var lastFetch: Int64?
        var isFetching = false
        var waiting: [@Sendable () -> Void] = []
    }

    /// Seconds between two fetches that unknown keys cause.
    private static let pause: Int64 = 10
    /// By how many seconds clocks may differ.
    private static let leeway: Int64 = 10

    public let configuration: Configuration
    private let fetch: Fetch
    private let state = Mutex(State())

    public init(_ configuration: Configuration, fetch: @escaping Fetch) {
        self.configuration = configuration
        self.fetch = fetch
    }

    /// An issuer whose documents are fetched over HTTPS.
    public convenience init(_ configuration: Configuration) throws(AuthenticationError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authority = configuration.certificateAuthority {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
            } catch {
                throw AuthenticationError("the certificateAuthority of \(configuration.url): \(error)")
            }
        }
        let fixed = tls
        self.init(configuration) { url in
            // Keys change once in weeks: a client is made for the fetch and not kept.
            var settings = HTTPClient.Configuration(tlsConfiguration: fixed)
            settings.timeout.connect = .seconds(5)
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
            do {
                let answer = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
                guard answer.status == .ok else {
                    throw AuthenticationError("\(url) answered with \(answer.status.code)")
                }
                let body = Array(try await answer.body.collect(upTo: 1 << 20).readableBytesView)
                try await client.shutdown()
                return body
            } catch {
                try? await client.shutdown()
                throw error
            }
        }
    }

    /// What has to be waited for before a token can be judged; nil if nothing, or if it is none of this issuer's.
    func preparation(for token: JSONWebToken, now: Int64) -> ((@escaping @Sendable () -> Void) -> Void)? {
        guard token.issuer == configuration.url else { return nil }
        let mustFetch = state.withLock { state in
            if state.isFetching { return true }
            if let keys = state.keys, keys.has(keyID: token.keyID) { return false }
            if let last = state.lastFetch, now < last + Self.pause { return false }
            return true
        }
        guard mustFetch else { return nil }
        return { [self] done in refresh(now: now, then: done) }
    }

    private func refresh(now: Int64, then done: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            state.waiting.append(done)
            defer { state.isFetching = true }
            return !state.isFetching
        }
        guard isFirst else { return }
        Task {
            let keys = try? await self.fetchKeys()
            let waiting = state.withLock { state in
                // Keys that were good stay so while the issuer cannot be reached.
                if let keys { state.keys = keys }
                state.lastFetch = now
                state.isFetching = false
                defer { state.waiting = [] }
                return state.waiting
            }
            for done in waiting { done() }
        }
    }

    private func fetchKeys() async throws -> JSONWebKeySet {
        let base = configuration.url.hasSuffix("/") ? String(configuration.url.dropLast()) : configuration.url
        let place =
            configuration.discoveryURL.isEmpty
            ? base + "/.well-known/openid-configuration" : configuration.discoveryURL
        let document = try JSONParser.parse(try await fetch(place), limits: .init(depth: 16))
        guard document["issuer"]?.stringValue == configuration.url, let keys = document["jwks_uri"]?.stringValue else {
            throw AuthenticationError("\(place) is not the discovery document of \(configuration.url)")
        }
        return try JSONWebKeySet(try JSONParser.parse(try await fetch(keys), limits: .init(depth: 16)))
    }

    /// Whose a token is.
    func authenticate(_ token: JSONWebToken, now: Int64) throws(AuthenticationError) -> UserInfo {
        guard let keys = state.withLock({ $0.keys }) else {
            throw AuthenticationError("oidc: authenticator for issuer \"\(configuration.url)\" is not initialized")
        }
        guard keys.hasSigned(token) else {
            throw AuthenticationError("oidc: verify token: failed to verify signature")
        }
        let claims = token.claims
        try checkValidity(claims, now)
        let expressions = configuration.expressions
        let read = CELValue.dynamic(claims)
        var user = UserInfo(name: try username(of: claims, read))
        if !configuration.groupsClaim.isEmpty, let groups = claims[configuration.groupsClaim] {
            let names = groups.stringValue.map { [$0] } ?? groups.strings
            user.groups = names.map { configuration.groupsPrefix + $0 }
        } else if let expression = expressions.groups {
            user.groups = try ClaimExpressions.texts(expression, read, "group")
        }
        if !configuration.uidClaim.isEmpty {
            guard let uid = claims[configuration.uidClaim]?.stringValue else {
                throw AuthenticationError("oidc: parse uid claim \"\(configuration.uidClaim)\": claim not present")
            }
            user.uid = uid
        } else if let expression = expressions.uid {
            user.uid = try ClaimExpressions.text(expression, read, "uid")
        }
        if let id = claims["jti"]?.stringValue, !id.isEmpty {
            user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id]
        }
        for (key, expression) in expressions.extra {
            let values = try ClaimExpressions.texts(expression, read, "extra")
            if !values.isEmpty { user.extra[key] = values }
        }
        for (name, value) in configuration.requiredClaims {
            guard let claim = claims[name] else {
                throw AuthenticationError("oidc: required claim \(name) not present in ID token")
            }
            let found = claim.stringValue ?? ""
            guard claim.stringValue == value else {
                throw AuthenticationError(
                    "oidc: required claim \(name) value does not match. Got = \(found), want = \(value)")
            }
        }
        try expressions.checkClaims(read)
        try expressions.check(user)
        return user
    }

    private func username(of claims: JSONValue, _ read: CELValue) throws(AuthenticationError) -> String {
        if let expression = configuration.expressions.username {
            let name = try ClaimExpressions.text(expression, read, "username")
            if name.isEmpty {
                throw AuthenticationError("oidc: empty username via CEL expression is not allowed")
            }
            return name
        }
        let claim = configuration.usernameClaim
        guard let name = claims[claim]?.stringValue, !name.isEmpty else {
            throw AuthenticationError("oidc: parse username claims \"\(claim)\": claim not present")
        }
        if claim == "email", let verified = claims["email_verified"], verified != true {
            throw AuthenticationError("oidc: email not verified")
        }
        return configuration.usernamePrefix + name
    }

    private func checkValidity(_ claims: JSONValue, _ now: Int64) throws(AuthenticationError) {
        func time(_ claim: String) -> Int64? {
            claims[claim].flatMap { $0.integerValue ?? $0.doubleValue.flatMap { Int64(exactly: $0.rounded(.down)) } }
        }
        guard let expires = time("exp"), now < expires else {
            throw AuthenticationError("oidc: verify token: oidc: token is expired")
        }
        if let start = time("nbf"), now < start - Self.leeway {
            throw AuthenticationError("oidc: verify token: oidc: current time is before the nbf (not before) time")
        }
        let audiences = claims["aud"]?.stringValue.map { [$0] } ?? claims["aud"]?.strings ?? []
        guard audiences.contains(where: configuration.audiences.contains) else {
            throw AuthenticationError("oidc: verify token: oidc: expected audience in \(configuration.audiences)")
        }
    }
}
