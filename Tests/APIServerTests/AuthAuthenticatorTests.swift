import APIServer
import Foundation
import HTTPServer
import JSON
import KubeTypes
import NIOConcurrencyHelpers
import NIOHTTP1
import PKI
import Testing

private typealias UserInfo = APIServer.UserInfo

extension RequestAuthenticator {
    fileprivate func authenticate(_ request: HTTPRequest) throws -> APIServer.UserInfo {
        try authenticate(request, path: "/")
    }
}

@Suite struct AuthAuthenticatorTests {
    private let issuer: ServiceAccountTokenIssuer
    private let lookup = AuthLookup()
    private let clock = NIOLockedValueBox<Int64>(1_700_000_000)
    private let authority: CertificateAuthority

    init() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        issuer = try ServiceAccountTokenIssuer.loadOrCreate(issuer: "https://kubernetes.default.svc", keyPath: path)
        authority = try CertificateAuthority.create(commonName: "ca", now: Date(timeIntervalSince1970: 1_700_000_000))
        lookup.put(
            ["metadata": ["name": "web", "namespace": "shop", "uid": "sa-1"]], resource: "serviceaccounts")
        lookup.put(["metadata": ["name": "web-1", "namespace": "shop", "uid": "pod-1"]], resource: "pods")
        lookup.put(["metadata": ["name": "n1", "uid": "node-1"]], resource: "nodes")
    }

    private func authenticator(anonymous: Bool = true) -> RequestAuthenticator {
        let clock = clock
        return RequestAuthenticator(
            .init(
                tokenIssuer: issuer, staticTokens: ["s3cret": UserInfo(name: "robot", groups: ["robots"])],
                anonymous: anonymous ? .everywhere : .never, now: { clock.withLockedValue { $0 } }), lookup: lookup)
    }

    private func request(
        authorization: String? = nil, certificate: [UInt8]? = nil, problem: String? = nil
    ) -> HTTPRequest {
        var headers = HTTPHeaders()
        if let authorization { headers.add(name: "Authorization", value: authorization) }
        return HTTPRequest(
            method: .GET, target: "/", headers: headers, clientCertificate: certificate,
            clientCertificateProblem: problem)
    }

    private func token(
        pod: ServiceAccountClaims.Reference? = nil, node: ServiceAccountClaims.Reference? = nil,
        audiences: [String] = [], uid: String = "sa-1"
    ) throws -> String {
        try issuer.issue(
            namespace: "shop", serviceAccount: .init(name: "web", uid: uid), pod: pod, node: node,
            audiences: audiences, now: 1_700_000_000
        ).token
    }

    private func certificate(_ name: String, _ groups: [String]) throws -> [UInt8] {
        let issued = try authority.issueClient(
            commonName: name, organizations: groups, validity: 3600, now: Date(timeIntervalSince1970: 1_700_000_000))
        let base64 = issued.certificatePEM.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        return Array(try #require(Data(base64Encoded: base64)))
    }

    @Test func serviceAccounts() throws {
        let user = try authenticator().authenticate(request(authorization: "Bearer " + token()))
        #expect(user.name == "system:serviceaccount:shop:web")
        #expect(user.uid == "sa-1")
        #expect(user.groups == ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"])
        #expect(user.extra["authentication.kubernetes.io/credential-id"]?.first?.hasPrefix("JTI=") == true)
        #expect(user.extra.count == 1)
    }

    @Test func podsTellWhereTheyAre() throws {
        let token = try token(pod: .init(name: "web-1", uid: "pod-1"), node: .init(name: "gone", uid: "node-9"))
        let user = try authenticator().authenticate(request(authorization: "bearer " + token))
        #expect(user.extra["authentication.kubernetes.io/pod-name"] == ["web-1"])
        #expect(user.extra["authentication.kubernetes.io/pod-uid"] == ["pod-1"])
        #expect(user.extra["authentication.kubernetes.io/node-name"] == ["gone"])
        #expect(user.extra["authentication.kubernetes.io/node-uid"] == ["node-9"])
    }

    @Test func tokensEndWithWhatTheyAreBoundTo() throws {
        let authenticator = authenticator()
        let bound = try request(authorization: "Bearer " + token(pod: .init(name: "web-1", uid: "pod-1")))
        let onNode = try request(authorization: "Bearer " + token(node: .init(name: "n1", uid: "node-1")))
        let plain = try request(authorization: "Bearer " + token())
        for request in [bound, onNode, plain] { _ = try authenticator.authenticate(request) }
        // Remembered or not: the pod is gone, the node is another, and at last so is the account.
        lookup.remove("web-1", namespace: "shop", resource: "pods")
        #expect(throws: AuthenticationError.self) { try authenticator.authenticate(bound) }
        lookup.put(["metadata": ["name": "n1", "uid": "node-2"]], resource: "nodes")
        #expect(throws: AuthenticationError.self) { try authenticator.authenticate(onNode) }
        _ = try authenticator.authenticate(plain)
        lookup.put(
            ["metadata": ["name": "web", "namespace": "shop", "uid": "sa-2"]], resource: "serviceaccounts")
        #expect(throws: AuthenticationError.self) { try authenticator.authenticate(plain) }
    }

    @Test func whatIsBeingDeletedLongerThanAMinuteCountsAsGone() throws {
        let request = try request(authorization: "Bearer " + token(pod: .init(name: "web-1", uid: "pod-1")))
        func delete(secondsAgo: Int64) {
            let time = Time(seconds: 1_700_000_000 - secondsAgo)
            lookup.put(
                [
                    "metadata": [
                        "name": "web-1", "namespace": "shop", "uid": "pod-1", "deletionTimestamp": time.field,
                    ]
                ], resource: "pods")
        }
        delete(secondsAgo: 59)
        _ = try authenticator().authenticate(request)
        delete(secondsAgo: 61)
        #expect(throws: AuthenticationError.self) { try authenticator().authenticate(request) }
    }

    @Test func tokensExpireAlsoWhenRemembered() throws {
        let authenticator = authenticator()
        let request = try request(authorization: "Bearer " + token())
        _ = try authenticator.authenticate(request)
        clock.withLockedValue { $0 += 3500 }
        _ = try authenticator.authenticate(request)
        clock.withLockedValue { $0 += 200 }
        #expect(throws: AuthenticationError.self) { try authenticator.authenticate(request) }
    }

    @Test func audiencesMatter() throws {
        let token = try token(audiences: ["vault"])
        #expect(throws: AuthenticationError.self) {
            try authenticator().authenticate(request(authorization: "Bearer " + token))
        }
        #expect(
            try authenticator().authenticate(token: token, audiences: ["vault"]).user.name
                == "system:serviceaccount:shop:web")
    }

    @Test func staticTokens() throws {
        let user = try authenticator().authenticate(request(authorization: "Bearer s3cret"))
        #expect(user == UserInfo(name: "robot", groups: ["robots", "system:authenticated"]))
    }

    @Test func certificates() throws {
        let authenticator = authenticator()
        let certificate = try certificate("alice", ["dev", "ops"])
        for _ in 0..<2 {
            let user = try authenticator.authenticate(request(certificate: certificate))
            #expect(user.name == "alice")
            #expect(user.groups == ["dev", "ops", "system:authenticated"])
            #expect(user.extra["authentication.kubernetes.io/credential-id"]?.first?.hasPrefix("X509SHA256=") == true)
        }
        clock.withLockedValue { $0 += 3601 }
        #expect(throws: AuthenticationError.self) { try authenticator.authenticate(request(certificate: certificate)) }
    }

    @Test func theFirstGoodCredentialDecides() throws {
        let good = try certificate("alice", [])
        let authenticator = authenticator()
        #expect(
            try authenticator.authenticate(request(authorization: "Bearer s3cret", certificate: good)).name == "alice")
        #expect(
            try authenticator.authenticate(request(authorization: "Bearer wrong", certificate: good)).name == "alice")
        #expect(try authenticator.authenticate(request(authorization: "Bearer s3cret", problem: "bad")).name == "robot")
    }

    @Test(arguments: ["Bearer wrong", "Bearer a.b.c", "bearer  x", "BEARER eyJh.eyJp.c2ln"])
    func badTokensAreNotAnonymous(_ authorization: String) {
        #expect(throws: AuthenticationError.self) {
            try authenticator().authenticate(request(authorization: authorization))
        }
    }

    @Test func badCertificatesAreNotAnonymous() {
        #expect(throws: AuthenticationError.self) { try authenticator().authenticate(request(problem: "unknown CA")) }
        #expect(throws: AuthenticationError.self) { try authenticator().authenticate(request(certificate: [1, 2])) }
    }

    @Test(arguments: [nil, "Basic YTpi", "Bearer", "Bearer ", ""] as [String?])
    func anonymous(_ authorization: String?) throws {
        #expect(try authenticator().authenticate(request(authorization: authorization)) == .anonymous)
        #expect(throws: AuthenticationError.self) {
            try authenticator(anonymous: false).authenticate(request(authorization: authorization))
        }
    }

    @Test func refusalsAreUnauthorized() {
        #expect(AuthenticationError("x").apiError.code == 401)
        #expect(AuthenticationError("x").apiError.reason == "Unauthorized")
    }
}
