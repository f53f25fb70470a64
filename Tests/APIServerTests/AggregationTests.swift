// An API server of the test's own behind an APIService: passed on to, watched, and shown in discovery.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import PKI
import Testing

@testable import APIServer

/// Answers for `wardle.example.com/v1alpha1` and says who asked.
private struct Extension: HTTPResponder {
    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        let path = request.target.prefix { $0 != "?" }
        func send(_ value: JSONValue) {
            response.send(
                .ok, headers: ["content-type": "application/json"],
                body: [ByteBuffer(bytes: JSONWriter.bytes(of: value))])
        }
        switch path {
        case "/apis/wardle.example.com/v1alpha1":
            send([
                "kind": "APIResourceList", "groupVersion": "wardle.example.com/v1alpha1",
                "resources": [
                    [
                        "name": "flunders", "singularName": "flunder", "namespaced": true, "kind": "Flunder",
                        "verbs": ["get", "list"],
                    ],
                    [
                        "name": "flunders/status", "singularName": "", "namespaced": true, "kind": "Flunder",
                        "verbs": ["get"],
                    ],
                ],
            ])
        case "/apis/wardle.example.com/v1alpha1/flunders" where request.target.contains("watch=1"):
            response.begin(.ok, headers: ["content-type": "application/json"])
            response.write(ByteBuffer(string: "{\"type\":\"ADDED\",\"object\":{}}\n"))
        case "/openapi/v2":
            send([
                "swagger": "2.0",
                "paths": ["/apis/wardle.example.com/v1alpha1/flunders": ["get": [:]], "/healthz": [:]],
                "definitions": ["com.example.wardle.Flunder": ["type": "object"]],
            ])
        case "/apis/wardle.example.com/v1alpha1/moved":
            response.send(.found, headers: ["location": "https://elsewhere/"], body: [])
        default:
            send([
                "target": .string(request.target), "method": .string("\(request.method)"),
                "user": .string(request.headers["x-remote-user"].joined(separator: ",")),
                "groups": .string(request.headers["x-remote-group"].joined(separator: ",")),
                "certificate": .string(request.clientCertificate == nil ? "none" : "shown"),
                "authorization": .bool(request.headers.contains(name: "authorization")),
                "body": .string(String(buffer: request.body)),
            ])
        }
    }
}

private struct Fixture {
    let plane: ControlPlane
    let server: HTTPServer
    let authority: CertificateAuthority

    static func run(_ body: (Fixture) async throws -> Void) async throws {
        let authority = try CertificateAuthority.create(commonName: "serving")
        let serving = try authority.issueServer(
            commonName: "wardle", dnsNames: ["api.wardle.svc"], ipAddresses: ["192.0.2.9"])
        let frontAuthority = try CertificateAuthority.create(commonName: "front-proxy-ca")
        let front = try frontAuthority.issueClient(commonName: FrontProxy.commonName)
        let verifier = try ClientCertificateVerifier(authoritiesPEM: frontAuthority.certificatePEM)
        let server = try await HTTPServer.start(
            .init(
                tls: .init(
                    certificateChainPEM: Array(serving.certificatePEM.utf8),
                    privateKeyPEM: Array(serving.privateKeyPEM.utf8),
                    clientCertificates: .init(
                        certificateAuthoritiesPEM: Array(frontAuthority.certificatePEM.utf8),
                        verify: { await verifier.problem(with: $0) }))), responder: Extension())
        let plane = try await ControlPlane(
            frontProxy: FrontProxy(
                authorityPEM: frontAuthority.certificatePEM, certificatePEM: front.certificatePEM,
                privateKeyPEM: front.privateKeyPEM, clientAuthorityPEM: "clients"))
        do {
            try await body(Fixture(plane: plane, server: server, authority: authority))
        } catch {
            plane.server.stop()
            await server.shutdown(grace: .zero)
            throw error
        }
        plane.server.stop()
        await server.shutdown(grace: .zero)
    }

    func makeService() async {
        await plane.call(
            .POST, "/api/v1/namespaces", ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "wardle"]])
        await plane.call(
            .POST, "/api/v1/namespaces/wardle/services",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "api"],
                "spec": ["ports": [["port": 7443, "targetPort": .integer(Int64(server.port))]]],
            ])
    }

    func makeEndpoints() async {
        await plane.put(
            [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": ["name": "api-1", "labels": ["kubernetes.io/service-name": "api"]],
                "addressType": "IPv4",
                "endpoints": [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]],
                "ports": [["name": "", "port": .integer(Int64(server.port))]],
            ], group: "discovery.k8s.io", resource: "endpointslices", namespace: "wardle")
    }

    func apiService(_ spec: JSONObject = [:]) -> JSONValue {
        var all: JSONObject = [
            "group": "wardle.example.com", "version": "v1alpha1", "groupPriorityMinimum": 2000, "versionPriority": 200,
            "service": ["namespace": "wardle", "name": "api", "port": 7443],
            "caBundle": .string(Base64.encode(Array(authority.certificatePEM.utf8))),
        ]
        for (key, value) in spec { all[key] = value }
        return [
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": ["name": "v1alpha1.wardle.example.com"], "spec": .object(all),
        ]
    }

    static let objects = "/apis/apiregistration.k8s.io/v1/apiservices"
    static let object = "\(objects)/v1alpha1.wardle.example.com"

    /// Waits for the condition to have a reason.
    func wait(for reason: String) async throws -> JSONValue {
        for _ in 0..<2000 {
            let object = await plane.call(.GET, Self.object).json
            let condition = object[path: "status", "conditions"]?[0]
            if condition?["reason"]?.stringValue == reason { return condition ?? .null }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("never \(reason): \(await plane.call(.GET, Self.object).text)")
        return .null
    }
}

@Suite struct AggregationTests {
    @Test func passesRequestsOn() async throws {
        try await Fixture.run { fixture in
            let plane = fixture.plane
            let created = await plane.call(.POST, Fixture.objects, fixture.apiService())
            #expect(created.status == 201, "\(created.text)")
            #expect(try await fixture.wait(for: "ServiceNotFound")["status"] == "False")
            let early = await plane.call(.GET, "/apis/wardle.example.com/v1alpha1/flunders")
            #expect(early.status == 503)
            #expect(early.text == "service unavailable\n")
            await fixture.makeService()
            _ = try await fixture.wait(for: "EndpointsNotFound")
            await fixture.makeEndpoints()
            #expect(try await fixture.wait(for: "Passed")["status"] == "True")

            let path = "/apis/wardle.example.com/v1alpha1/namespaces/x/flunders?limit=5"
            let answer = await plane.call(
                .POST, path, ["a": 1], headers: [("X-Remote-User", "evil"), ("X-Remote-Group", "evil")])
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["target"]?.stringValue == path)
            #expect(answer.json["user"] == "admin")
            #expect(answer.json["groups"] == "system:masters,system:authenticated")
            #expect(answer.json["certificate"] == "shown")
            #expect(answer.json["authorization"] == false)
            #expect(answer.json["body"] == "{\"a\":1}")
            #expect(answer.headers.contains(name: "audit-id"))

            let watch = plane.begin(.GET, "/apis/wardle.example.com/v1alpha1/flunders?watch=1")
            #expect(await watch.events(1).events.count == 1)
            watch.close()

            let moved = await plane.call(.GET, "/apis/wardle.example.com/v1alpha1/moved")
            #expect(moved.status == 502)
            let denied = await plane.call(.GET, path, token: "nobody")
            #expect(denied.status == 403)
        }
    }

    @Test func showsInDiscovery() async throws {
        try await Fixture.run { fixture in
            let plane = fixture.plane
            await fixture.makeService()
            await fixture.makeEndpoints()
            await plane.call(.POST, Fixture.objects, fixture.apiService())
            _ = try await fixture.wait(for: "Passed")
            let groups = await plane.call(.GET, "/apis").json["groups"]?.arrayValue ?? []
            #expect(groups.last?["name"] == "wardle.example.com")
            #expect(groups.count > 10)
            let group = await plane.call(.GET, "/apis/wardle.example.com")
            #expect(group.json[path: "preferredVersion", "groupVersion"] == "wardle.example.com/v1alpha1")
            let list = await plane.call(.GET, "/apis/wardle.example.com/v1alpha1")
            #expect(list.json["kind"] == "APIResourceList")
            let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            let items = await plane.call(.GET, "/apis", accept: accept).json["items"]?.arrayValue ?? []
            let version = items.last?["versions"]?[0]
            #expect(version?["freshness"] == "Current")
            #expect(version?["resources"]?[0]?["resource"] == "flunders")
            #expect(version?["resources"]?[0]?["subresources"]?[0]?["subresource"] == "status")
            let index = await plane.call(.GET, "/openapi/v3").json
            #expect(index[path: "paths", "apis/wardle.example.com/v1alpha1"] != nil)

            let spec = await plane.call(.GET, "/openapi/v2").json
            #expect(spec["paths"]?["/apis/wardle.example.com/v1alpha1/flunders"] != nil)
            #expect(spec["paths"]?["/healthz"] == nil)
            #expect(spec["definitions"]?["com.example.wardle.Flunder"] != nil)
            #expect(spec["definitions"]?["io.k8s.api.core.v1.Pod"] != nil)

            await plane.call(.DELETE, Fixture.object)
            #expect(await plane.call(.GET, "/apis/wardle.example.com").status == 404)
            #expect(await plane.call(.GET, "/apis").text.contains("wardle") == false)
        }
    }

    @Test func believesNoOtherCertificate() async throws {
        try await Fixture.run { fixture in
            let other = try CertificateAuthority.create(commonName: "other")
            await fixture.makeService()
            await fixture.makeEndpoints()
            await fixture.plane.call(
                .POST, Fixture.objects,
                fixture.apiService(["caBundle": .string(Base64.encode(Array(other.certificatePEM.utf8)))]))
            #expect(try await fixture.wait(for: "FailedDiscoveryCheck")["status"] == "False")
            await fixture.plane.call(
                .PATCH, Fixture.object, ["spec": ["caBundle": .null, "insecureSkipTLSVerify": true]],
                type: "application/merge-patch+json")
            _ = try await fixture.wait(for: "Passed")
        }
    }

    @Test func hasAnObjectForEveryGroupVersionOfItsOwn() async throws {
        let plane = try await ControlPlane { $0.makesServingObjects = true }
        for group in plane.server.schema.groups {
            for version in group.versions {
                let object = await plane.call(.GET, "\(Fixture.objects)/\(version).\(group.name)").json
                #expect(object[path: "status", "conditions"]?[0]?["reason"] == "Local", "\(version).\(group.name)")
            }
        }
        plane.server.stop()
    }

    @Test func refusesWhatMakesNoSense() async throws {
        try await Fixture.run { fixture in
            for (spec, field) in [
                (["version": "v1"] as JSONObject, "metadata.name"),
                (["groupPriorityMinimum": 0], "spec.groupPriorityMinimum"),
                (["versionPriority": 1001], "spec.versionPriority"),
                (["insecureSkipTLSVerify": true], "spec.insecureSkipTLSVerify"), (["service": .null], "spec.caBundle"),
                (["service": ["namespace": "", "name": "x"]], "spec.service.namespace"),
                (["service": ["namespace": "x", "name": "x", "port": 70000]], "spec.service.port"),
            ] {
                let answer = await fixture.plane.call(.POST, Fixture.objects, fixture.apiService(spec))
                #expect(answer.status == 422, "\(spec)")
                #expect(answer.causes.contains(field), "\(answer.text)")
            }
        }
    }

    @Test func tellsOthersWhomToBelieve() async throws {
        try await Fixture.run { fixture in
            let map = await fixture.plane.call(
                .GET, "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
            ).json
            #expect(map[path: "data", "client-ca-file"] == "clients")
            #expect(map[path: "data", "requestheader-allowed-names"] == "[\"front-proxy-client\"]")
            #expect(map[path: "data", "requestheader-client-ca-file"]?.stringValue?.contains("CERTIFICATE") == true)
        }
    }
}
