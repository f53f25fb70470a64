// Certificate signing requests as the API keeps them: what is refused, approved, signed and left alone.

import Foundation
import JSON
import KubeTypes
import NIOHTTP1
import PKI
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct AuthCertificateRequestTests {
    private static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    private static let pem = (try? CertificateRequest.create(commonName: "ann"))?.requestPEM ?? ""

    private func request(_ name: String, _ change: JSONObject = [:]) -> JSONValue {
        var spec: JSONObject = [
            "request": .string(Data(Self.pem.utf8).base64EncodedString()), "signerName": "example.com/signer",
            "usages": ["client auth"], "username": "somebody else",
        ]
        for (key, value) in change { spec[key] = value }
        return [
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": ["name": .string(name)], "spec": .object(spec), "status": ["certificate": "eA=="],
        ]
    }

    @Test(
        arguments: [
            (["request": "eA=="], ["spec.request"]), (["usages": []], ["spec.usages"]),
            (["usages": ["client auth", "x", "client auth"]], ["spec.usages[1]", "spec.usages[2]"]),
            (["signerName": "x"], ["spec.signerName"]), (["signerName": ""], ["spec.signerName"]),
            (["signerName": "kubernetes.io/legacy-unknown"], ["spec.signerName"]),
            (["signerName": "example/Sig"], ["spec.signerName", "spec.signerName"]),
            (["expirationSeconds": 599], ["spec.expirationSeconds"]),
        ] as [(JSONObject, [String])])
    func whatIsRefused(_ change: JSONObject, _ fields: [String]) async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(.POST, Self.path, request("x", change))
        #expect(answer.status == 422)
        #expect(Set(answer.causes) == Set(fields), "\(answer.text)")
    }

    @Test func theServerSaysWhoAsks() async throws {
        let plane = try await ControlPlane()
        let made = await plane.call(.POST, Self.path, request("x"))
        #expect(made.status == 201, "\(made.text)")
        #expect(made.json[path: "spec", "username"] == "admin")
        #expect(made.json[path: "spec", "groups"] == ["system:masters", "system:authenticated"])
        #expect(made.json[path: "status", "certificate"] == nil)
        // The spec stays, whatever an update says.
        var changed = made.json
        changed["spec"]?["usages"] = ["server auth"]
        changed.updateMetadata { $0["labels"] = ["a": "b"] }
        let updated = await plane.call(.PUT, "\(Self.path)/x", changed)
        #expect(updated.status == 200)
        #expect(updated.json[path: "spec", "usages"] == ["client auth"])
        #expect(updated.json.labels == ["a": "b"])
    }

    @Test func approvalAndSignature() async throws {
        let plane = try await ControlPlane()
        var object = await plane.call(.POST, Self.path, request("x")).json
        func put(_ subresource: String, _ status: JSONValue) async -> Recorded {
            object["status"] = status
            object.updateMetadata { $0["resourceVersion"] = nil }
            return await plane.call(.PUT, "\(Self.path)/x/\(subresource)", object)
        }
        func condition(_ type: String, _ status: String = "True") -> JSONValue {
            ["type": .string(type), "status": .string(status), "reason": "R", "message": "M"]
        }
        // Not by way of the status, and not both.
        #expect(await put("status", ["conditions": [condition("Approved")]]).status == 422)
        #expect(await put("approval", ["conditions": [condition("Approved"), condition("Denied")]]).status == 422)
        #expect(await put("approval", ["conditions": [condition("Approved", "False")]]).status == 422)
        let approved = await put("approval", ["conditions": [condition("Approved")], "certificate": "eA=="])
        #expect(approved.status == 200, "\(approved.text)")
        let stored = approved.json[path: "status", "conditions"]?[0]
        #expect(stored?["lastUpdateTime"]?.stringValue?.isEmpty == false)
        #expect(stored?["lastTransitionTime"]?.stringValue?.isEmpty == false)
        #expect(approved.json[path: "status", "certificate"] == nil)
        #expect(await put("approval", ["conditions": []]).status == 422)
        let nonsense = await put("status", ["conditions": [condition("Approved")], "certificate": "eA=="])
        #expect(nonsense.causes == ["status.certificate"])
        let authority = try CertificateAuthority.create(commonName: "ca")
        let certificate = try authority.sign(
            CertificateRequest(pem: Array(Self.pem.utf8)), usages: ["client auth"], lifetime: 3600)
        let signature: JSONValue = .string(Data(certificate.utf8).base64EncodedString())
        let signed = await put("status", ["conditions": [condition("Approved")], "certificate": signature])
        #expect(signed.status == 200, "\(signed.text)")
        // What was decided, and when, is what the approval said.
        #expect(signed.json[path: "status", "conditions"]?[0] == stored)
        let other: JSONValue = .string(Data(authority.certificatePEM.utf8).base64EncodedString())
        #expect(await put("status", ["conditions": [condition("Approved")], "certificate": other]).status == 422)
        let got = await plane.call(.GET, "\(Self.path)/x/approval")
        #expect(got.json[path: "status", "certificate"] == signature)
    }
}
