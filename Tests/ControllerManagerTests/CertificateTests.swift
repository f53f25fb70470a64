// Certificates: who is approved, what is signed and what fails, and what is cleaned away.

import Foundation
import JSON
import KubeTypes
import PKI
import Testing

@testable import ControllerManager

@Suite struct CertificateTests {
    private func request(
        _ name: String, signer: String, usages: [String], pem: String, seconds: Int? = nil, username: String = "boot"
    ) -> CertificateSigningRequest {
        var request = CertificateSigningRequest(name: name)
        request.spec.request = Data(pem.utf8).base64EncodedString()
        request.spec.signerName = signer
        request.spec.usages = usages
        request.spec.expirationSeconds = seconds
        request.spec.username = username
        return request
    }

    private func pem(
        _ name: String, _ organizations: [String] = ["system:nodes"], dnsNames: [String] = []
    ) throws -> String {
        try CertificateRequest.create(commonName: name, organizations: organizations, dnsNames: dnsNames).requestPEM
    }

    private static func condition(_ type: String, at time: Time? = nil) -> CertificateSigningRequestCondition {
        var condition = CertificateSigningRequestCondition()
        condition.type = type
        condition.status = "True"
        condition.lastUpdateTime = time
        return condition
    }

    @Test(
        arguments: [
            (
                BuiltInSigner.kubeletClient, "system:node:n1", ["system:nodes"], [],
                ["digital signature", "client auth"], nil
            ),
            (
                .kubeletClient, "system:node:n1", ["system:nodes"], [],
                ["digital signature", "key encipherment", "client auth"], nil
            ),
            (
                .kubeletClient, "system:node:n1", ["other"], [], ["digital signature", "client auth"],
                "subject organization is not system:nodes"
            ),
            (
                .kubeletClient, "n1", ["system:nodes"], [], ["digital signature", "client auth"],
                "subject common name does not begin with system:node:"
            ),
            (
                .kubeletClient, "system:node:n1", ["system:nodes"], ["n1"], ["digital signature", "client auth"],
                "DNS subjectAltNames are not allowed"
            ),
            (
                .kubeletClient, "system:node:n1", ["system:nodes"], [], ["client auth"],
                "usages did not match [client auth digital signature key encipherment]"
            ),
            (.kubeletServing, "system:node:n1", ["system:nodes"], ["n1"], ["digital signature", "server auth"], nil),
            (
                .kubeletServing, "system:node:n1", ["system:nodes"], [], ["digital signature", "server auth"],
                "DNS or IP subjectAltName is required"
            ),
            (.apiServerClient, "ann", [], [], ["client auth"], nil),
            (
                .apiServerClient, "ann", [], [], ["client auth", "server auth"],
                "invalid usage for client certificate: server auth"
            ),
            (
                .apiServerClient, "ann", [], [], ["digital signature"],
                "missing required usage for client certificate: client auth"
            ),
            (.legacyUnknown, "x", [], ["y"], ["any"], nil),
        ] as [(BuiltInSigner, String, [String], [String], [String], String?)])
    func signersHaveRules(
        _ signer: BuiltInSigner, _ name: String, _ organizations: [String], _ dnsNames: [String], _ usages: [String],
        _ problem: String?
    ) throws {
        let parsed = try CertificateRequest(pem: Array(pem(name, organizations, dnsNames: dnsNames).utf8))
        #expect(signer.problem(with: parsed, usages: usages) == problem)
    }

    @Test func approvedRequestsAreSigned() async throws {
        let clock = FakeClock(Time(seconds: Int64(Date().timeIntervalSince1970)))
        let api = FakeAPI(now: { clock.now })
        let authority = try CertificateAuthority.create(commonName: "ca")
        var good = request(
            "good", signer: BuiltInSigner.apiServerClient.rawValue, usages: ["client auth"], pem: try pem("ann", []),
            seconds: 700)
        good.status.conditions = [Self.condition("Approved", at: clock.now)]
        var bad = good
        bad.metadata.name = "bad"
        bad.spec.usages = ["server auth"]
        var waiting = good
        waiting.metadata.name = "waiting"
        waiting.status.conditions = []
        var foreign = good
        foreign.metadata.name = "foreign"
        foreign.spec.signerName = "example.com/x"
        for one in [good, bad, waiting, foreign] { api.put(one) }
        await withControllers(
            ["certificatesigningrequest-signing-controller"], api, clock: clock, options: { $0.authority = authority }
        ) {
            #expect(
                await eventually {
                    api.object(CertificateSigningRequest.self, "good")?.isIssued == true
                        && api.object(CertificateSigningRequest.self, "bad")?.has("Failed") == true
                })
        }
        let issued = try #require(api.object(CertificateSigningRequest.self, "good")?.status.certificate)
        let certificate = try #require(Data(base64Encoded: issued))
        #expect(CertificatePEM.notAfter(certificate) == clock.now.seconds + 700)
        let failed = api.object(CertificateSigningRequest.self, "bad")?.status.conditions.last
        #expect(failed?.reason == "SignerValidationFailure")
        #expect(failed?.message == "invalid usage for client certificate: server auth")
        for name in ["waiting", "foreign"] {
            #expect(api.object(CertificateSigningRequest.self, name)?.isIssued == false)
        }
    }

    @Test(arguments: [(true, true), (false, true), (false, false)])
    func nodesAreApprovedWhoMay(_ isSelf: Bool, _ allowed: Bool) async throws {
        let api = FakeAPI()
        let name = isSelf ? "selfnodeclient" : "nodeclient"
        api.reviews { spec in
            allowed && spec[path: "resourceAttributes", "subresource"]?.stringValue == name
                && spec["user"]?.stringValue == (isSelf ? "system:node:n1" : "boot")
        }
        api.put(
            request(
                "node", signer: BuiltInSigner.kubeletClient.rawValue, usages: ["digital signature", "client auth"],
                pem: try pem("system:node:n1"), username: isSelf ? "system:node:n1" : "boot"))
        api.put(
            request(
                "other", signer: BuiltInSigner.apiServerClient.rawValue, usages: ["client auth"],
                pem: try pem("system:node:n1")))
        await withControllers(["certificatesigningrequest-approving-controller"], api) {
            if allowed {
                #expect(
                    await eventually { api.object(CertificateSigningRequest.self, "node")?.has("Approved") == true })
            } else {
                #expect(await eventually { api.count(of: "subjectaccessreviews") > 0 })
            }
        }
        let conditions = api.object(CertificateSigningRequest.self, "node")?.status.conditions ?? []
        #expect(conditions.map(\.reason) == (allowed ? ["AutoApproved"] : []))
        #expect(api.object(CertificateSigningRequest.self, "other")?.status.conditions.isEmpty == true)
    }

    @Test func whatIsOverIsCleaned() throws {
        let now = Time(seconds: 1_800_000_000)
        func isOver(_ age: Int, _ condition: String?, changed: Int = 0, issued: Bool = false) -> Bool {
            var request = CertificateSigningRequest(name: "x")
            request.metadata.creationTimestamp = now.adding(seconds: -age)
            if let condition {
                request.status.conditions = [Self.condition(condition, at: now.adding(seconds: -changed))]
            }
            if issued { request.status.certificate = "eA==" }
            return CertificateCleaner.isOver(request, now)
        }
        #expect(!isOver(86400, nil))
        #expect(isOver(86401, nil))
        #expect(!isOver(90000, "Denied", changed: 3600))
        #expect(isOver(90000, "Denied", changed: 3601))
        #expect(isOver(90000, "Failed", changed: 3601))
        #expect(!isOver(90000, "Approved", changed: 3601))
        #expect(isOver(90000, "Approved", changed: 86401))
        #expect(isOver(90000, "Approved", changed: 3601, issued: true))
        #expect(!isOver(90000, "Approved", changed: 3600, issued: true))
    }
}
