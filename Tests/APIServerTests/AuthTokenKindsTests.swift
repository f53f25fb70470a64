// Tokens of other kinds than those of pods, proxies that speak for others, and the files that configure them.

import Crypto
import Foundation
import HTTPServer
import JSON
import KubeTypes
import NIOHTTP1
import PKI
import Synchronization
import Testing

@testable import APIServer

private typealias UserInfo = InProcessAPI.User

private func base64(_ text: String) -> JSONValue { .string(Data(text.utf8).base64EncodedString()) }

@Suite(.timeLimit(.minutes(5))) struct AuthTokenKindsTests {
    private static let now: Int64 = 1_700_000_000

    // MARK: Bootstrap tokens

    @Test(
        arguments: [
            ([:], "abcdef.0123456789abcdef", ["system:bootstrappers"]),
            (
                ["auth-extra-groups": "system:bootstrappers:b,system:bootstrappers:a"], "abcdef.0123456789abcdef",
                ["system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:b"]
            ),
            (["auth-extra-groups": "system:masters"], "abcdef.0123456789abcdef", nil),
            ([:], "abcdef.0123456789abcdee", nil), ([:], "abcdeg.0123456789abcdef", nil),
            ([:], "ABCDEF.0123456789abcdef", nil), ([:], "abcdef0123456789abcdef", nil),
            (["expiration": "2023-11-14T22:13:21Z"], "abcdef.0123456789abcdef", ["system:bootstrappers"]),
            (["expiration": "2023-11-14T22:13:20Z"], "abcdef.0123456789abcdef", nil),
            (["expiration": "never"], "abcdef.0123456789abcdef", nil),
            (["usage-bootstrap-authentication": "false"], "abcdef.0123456789abcdef", nil),
            (["token-id": "other1"], "abcdef.0123456789abcdef", nil),
        ] as [([String: String], String, [String]?)])
    func bootstrapTokens(_ change: [String: String], _ token: String, _ groups: [String]?) {
        let lookup = AuthLookup()
        let data = [
            "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
        ].merging(change) { $1 }
        lookup.put(
            [
                "metadata": ["name": "bootstrap-token-abcdef", "namespace": "kube-system"],
                "type": "bootstrap.kubernetes.io/token",
                "data": .object(JSONObject(data.map { (key: $0, value: base64($1)) })),
            ], resource: "secrets")
        let user = BootstrapTokenAuthenticator(lookup: lookup).authenticate(token, now: Self.now)
        #expect(user?.groups == groups)
        if groups != nil { #expect(user?.name == "system:bootstrap:abcdef") }
    }

    // MARK: Tokens in secrets

    @Test func legacyTokens() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        let issuer = try #require(TestTokens.issuer)
        let account = await plane.call(.GET, "/api/v1/namespaces/default/serviceaccounts/default").json
        let token = try issuer.issueLegacy(
            namespace: "default", serviceAccount: .init(name: "default", uid: account.uid), secretName: "t")
        #expect(await plane.call(.GET, "/api", token: token).status == 401)
        let path = "/api/v1/namespaces/default/secrets"
        await plane.call(
            .POST, path,
            [
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                "metadata": [
                    "name": "t",
                    "annotations": [
                        "kubernetes.io/service-account.name": "default",
                        "kubernetes.io/service-account.uid": .string(account.uid),
                    ],
                ], "data": ["token": base64(token)],
            ])
        let used = await plane.call(.GET, "/api/v1/pods", token: token)
        #expect(used.status == 403)
        #expect(used.message.contains("system:serviceaccount:default:default"))
        // That it was used is written down.
        var label: String?
        for _ in 0..<500 where label == nil {
            let secret = await plane.call(.GET, "\(path)/t").json
            label = secret.labels?["kubernetes.io/legacy-token-last-used"]?.stringValue
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(label?.count == 10)
        await plane.call(
            .PATCH, "\(path)/t", ["metadata": ["labels": ["kubernetes.io/legacy-token-invalid-since": "2024-01-01"]]],
            type: "application/merge-patch+json")
        #expect(await plane.call(.GET, "/api", token: token).status == 401)
        await plane.call(.DELETE, "\(path)/t")
        #expect(await plane.call(.GET, "/api", token: token).status == 401)
        let tracking = await plane.call(
            .GET,
            "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking")
        #expect(tracking.json[path: "data", "since"]?.stringValue?.count == 10)
    }

    // MARK: Files

    @Test func tokenFiles() throws {
        let users = try StaticTokenFile.parse(
            #"""
            t1,ann,1,"dev,ops"
            t2,bob,2
            # nobody
            ,empty,3
            t3,"the ""x""",4,one
            """#)
        #expect(users.count == 3)
        #expect(users["t1"] == UserInfo(name: "ann", uid: "1", groups: ["dev", "ops"]))
        #expect(users["t2"] == UserInfo(name: "bob", uid: "2"))
        #expect(users["t3"] == UserInfo(name: "the \"x\"", uid: "4", groups: ["one"]))
        #expect(throws: AuthenticationError.self) { try StaticTokenFile.parse("t,ann") }
    }

    private static let configuration = """
        apiVersion: apiserver.config.k8s.io/v1
        kind: AuthenticationConfiguration
        jwt:
        - issuer:
            url: https://issuer.example.com
            audiences: [cluster]
          claimMappings:
            username: {claim: sub, prefix: "oidc:"}
            groups: {claim: groups, prefix: "oidc:"}
            uid: {claim: uid}
          claimValidationRules:
          - {claim: hd, requiredValue: example.com}
        anonymous:
          enabled: true
          conditions: [{path: /livez}]
        """

    @Test func authenticationConfigurations() throws {
        let parsed = try AuthenticationConfiguration(yaml: Self.configuration)
        #expect(parsed.anonymous == .paths(["/livez"]))
        let issuer = try #require(parsed.issuers.first)
        #expect(issuer.url == "https://issuer.example.com")
        #expect(issuer.usernamePrefix == "oidc:")
        #expect(issuer.requiredClaims == ["hd": "example.com"])
        for (change, text) in [
            (("https://issuer", "http://issuer"), "URL scheme must be https"),
            (("audiences: [cluster]", "audiences: []"), "audiences: Required value"),
            (("claim: sub, prefix: \"oidc:\"", "claim: sub"), "prefix is required when claim is set"),
            (("claim: sub, prefix: \"oidc:\"", "expression: claims.sub +"), "compilation failed"),
            (
                ("claim: sub, prefix: \"oidc:\"", "claim: sub, expression: claims.sub"),
                "claim and expression can't both be set"
            ),
            (("claim: sub, prefix: \"oidc:\"", "expression: claims.email"), "claims.email_verified must be used"),
            (("{claim: hd, requiredValue: example.com}", "{expression: claims.hd}"), "must evaluate to bool"),
            (("{claim: hd, requiredValue: example.com}", "{message: none}"), "claim or expression is required"),
            (("uid: {claim: uid}", "extra: [{key: a, valueExpression: claims.a}]"), "domain-prefixed path"),
            (
                ("uid: {claim: uid}", "extra: [{key: a.k8s.io/b, valueExpression: claims.a}]"),
                "reserved for Kubernetes use"
            ),
            (("kind: AuthenticationConfiguration", "kind: Other"), "must be an AuthenticationConfiguration"),
            (("enabled: true", "enabled: false"), "enabled should be set to true"),
        ] {
            let yaml = Self.configuration.replacingOccurrences(of: change.0, with: change.1)
            do {
                _ = try AuthenticationConfiguration(yaml: yaml)
                Issue.record("\(change.1) was accepted")
            } catch {
                #expect("\(error)".contains(text), "\(error)")
            }
        }
    }

    // MARK: OpenID Connect

    /// An issuer with one key, and how often it was asked for its keys.
    private final class FakeIssuer: Sendable {
        let key = P256.Signing.PrivateKey()
        let fetches = Mutex(0)

        func token(_ claims: JSONValue, kid: String = "k1") throws -> String {
            let header: JSONValue = ["alg": "ES256", "kid": .string(kid)]
            let signed =
                Base64URL.encode(JSONWriter.bytes(of: header)) + "." + Base64URL.encode(JSONWriter.bytes(of: claims))
            return try signed + "."
                + Base64URL.encode(key.signature(for: Data(signed.utf8)).rawRepresentation)
        }

        func answer(_ url: String) throws -> [UInt8] {
            fetches.withLock { $0 += 1 }
            let point = Array(key.publicKey.rawRepresentation)
            let document: JSONValue =
                url.hasSuffix("/.well-known/openid-configuration")
                ? ["issuer": "https://issuer.example.com", "jwks_uri": "https://issuer.example.com/keys"]
                : [
                    "keys": [
                        [
                            "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig",
                            "x": .string(Base64URL.encode(point[..<32])), "y": .string(Base64URL.encode(point[32...])),
                        ]
                    ]
                ]
            return JSONWriter.bytes(of: document)
        }
    }

    @Test func openIDTokens() async throws {
        let fake = FakeIssuer()
        var configuration = try #require(AuthenticationConfiguration(yaml: Self.configuration).issuers.first)
        configuration.requiredClaims = ["hd": "example.com"]
        let issuer = OpenIDIssuer(configuration) { try fake.answer($0) }
        let authenticator = RequestAuthenticator(
            .init(openIDIssuers: [issuer], now: { Self.now }), lookup: AuthLookup())
        let good: JSONValue = [
            "iss": "https://issuer.example.com", "aud": ["x", "cluster"], "sub": "ann", "groups": ["dev"], "uid": "7",
            "hd": "example.com", "exp": .integer(Self.now + 60),
        ]
        func authenticate(_ token: String) async throws -> UserInfo {
            let request = HTTPRequest(method: .GET, target: "/", headers: ["authorization": "Bearer \(token)"])
            if let preparation = authenticator.preparation(for: request) {
                await withCheckedContinuation { done in preparation { done.resume() } }
            }
            return try authenticator.authenticate(request, path: "/")
        }
        let token = try fake.token(good)
        let user = try await authenticate(token)
        #expect(user.name == "oidc:ann")
        #expect(user.groups == ["oidc:dev", "system:authenticated"])
        #expect(user.uid == "7")
        _ = try await authenticate(token)
        #expect(fake.fetches.withLock { $0 } == 2)
        for (name, value) in [
            ("aud", "other"), ("exp", .integer(Self.now)), ("hd", "example.org"), ("sub", ""),
            ("nbf", .integer(Self.now + 60)), ("iss", "https://other.example.com"),
        ] as [(String, JSONValue)] {
            var claims = good
            claims[name] = value
            let bad = try fake.token(claims)
            await #expect(throws: AuthenticationError.self, "\(name)") { try await authenticate(bad) }
        }
        // Signed by somebody else, and under a key that nobody has: asked for again, but not at once.
        let forged = try FakeIssuer().token(good)
        await #expect(throws: AuthenticationError.self) { try await authenticate(forged) }
        let unknown = try fake.token(good, kid: "k2")
        await #expect(throws: AuthenticationError.self) { try await authenticate(unknown) }
        #expect(fake.fetches.withLock { $0 } == 2)
    }

    @Test func expressionsOverClaims() async throws {
        let yaml = """
            apiVersion: apiserver.config.k8s.io/v1
            kind: AuthenticationConfiguration
            jwt:
            - issuer:
                url: https://issuer.example.com
                audiences: [cluster]
              claimMappings:
                username: {expression: "claims.sub + '@' + claims.realm.name"}
                groups: {expression: "claims.roles.split(',')"}
                uid: {expression: "string(claims.number)"}
                extra:
                - {key: example.com/tenant, valueExpression: claims.tenant}
                - {key: example.com/none, valueExpression: "''"}
              claimValidationRules:
              - {expression: "claims.exp - claims.iat <= 3600", message: too long a life}
              userValidationRules:
              - {expression: "!user.username.startsWith('system:')", message: reserved}
              - {expression: "user.groups.all(g, g != 'root') && user.extra['example.com/tenant'][0] != ''"}
            """
        let fake = FakeIssuer()
        let configuration = try #require(AuthenticationConfiguration(yaml: yaml).issuers.first)
        let issuer = OpenIDIssuer(configuration) { try fake.answer($0) }
        let authenticator = RequestAuthenticator(
            .init(openIDIssuers: [issuer], now: { Self.now }), lookup: AuthLookup())
        let good: JSONValue = [
            "iss": "https://issuer.example.com", "aud": "cluster", "sub": "ann", "realm": ["name": "dev"],
            "roles": "a,b", "number": 7, "tenant": ["t"], "iat": .integer(Self.now), "exp": .integer(Self.now + 60),
        ]
        func authenticate(_ claims: JSONValue) async throws -> UserInfo {
            let token = try fake.token(claims)
            let request = HTTPRequest(method: .GET, target: "/", headers: ["authorization": "Bearer \(token)"])
            if let preparation = authenticator.preparation(for: request) {
                await withCheckedContinuation { done in preparation { done.resume() } }
            }
            return try authenticator.authenticate(request, path: "/")
        }
        let user = try await authenticate(good)
        #expect(user.name == "ann@dev")
        #expect(user.groups == ["a", "b", "system:authenticated"])
        #expect(user.uid == "7")
        #expect(user.extra == ["example.com/tenant": ["t"]])
        for (name, value, text) in [
            ("exp", .integer(Self.now + 7200), "too long a life"), ("sub", "system:x", "reserved"),
            ("roles", "root", "failed"), ("sub", 5, "no such overload"), ("tenant", 5, "a list of strings"),
        ] as [(String, JSONValue, String)] {
            var claims = good
            claims[name] = value
            do {
                _ = try await authenticate(claims)
                Issue.record("\(name) = \(value) was accepted")
            } catch {
                #expect("\(error)".contains(text), "\(error)")
            }
        }
    }

    // MARK: Proxies

    @Test func proxiesSpeakForOthers() throws {
        let date = Date(timeIntervalSince1970: TimeInterval(Self.now))
        let proxies = try CertificateAuthority.create(commonName: "proxies", now: date)
        let clients = try CertificateAuthority.create(commonName: "clients", now: date)
        let authenticator = RequestAuthenticator(
            .init(
                requestHeader: RequestHeaderAuthentication(
                    authority: try ClientCertificateVerifier(authoritiesPEM: proxies.certificatePEM),
                    allowedNames: ["front-proxy-client"]), now: { Self.now }), lookup: AuthLookup())
        func der(_ authority: CertificateAuthority, _ name: String) throws -> [UInt8] {
            let pem = try authority.issueClient(commonName: name, now: date).certificatePEM
            let text = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
            return Array(try #require(Data(base64Encoded: text)))
        }
        func user(_ certificate: [UInt8], _ headers: HTTPHeaders) throws -> UserInfo {
            try authenticator.authenticate(
                HTTPRequest(method: .GET, target: "/", headers: headers, clientCertificate: certificate), path: "/")
        }
        let headers: HTTPHeaders = [
            "x-remote-user": "ann", "X-Remote-Group": "dev", "X-Remote-Uid": "7", "X-Remote-Extra-Acme.com%2Fa": "b",
        ]
        let good = try der(proxies, "front-proxy-client")
        let ann = try user(good, headers)
        #expect(ann.name == "ann")
        #expect(ann.uid == "7")
        #expect(ann.groups == ["dev", "system:authenticated"])
        #expect(ann.extra == ["acme.com/a": ["b"]])
        // The certificate alone is nobody, other names are not believed, and clients speak for themselves.
        #expect(throws: AuthenticationError.self) { try user(good, [:]) }
        #expect(throws: AuthenticationError.self) { try user(der(proxies, "other"), headers) }
        #expect(try user(der(clients, "bob"), headers).name == "bob")
    }
}
