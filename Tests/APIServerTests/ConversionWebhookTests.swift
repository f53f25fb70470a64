// Custom resources whose versions are converted by a webhook, which runs in the test's own process, over TLS.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import PKI
import Synchronization
import Testing

@testable import APIServer

/// A webhook that splits `spec.hostPort` of v1 into `spec.host` and `spec.port` of v2, and joins them again.
private final class Converter: HTTPResponder, Sendable {
    struct Behaviour: Sendable {
        var failure: String?
        var losesObjects = false
        var renames = false
        var requests = 0
        var objects = 0
    }

    let behaviour = Mutex(Behaviour())

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        let review = (try? JSONParser.parse(request.body.readableBytesView)) ?? .null
        let asked = review["request"] ?? [:]
        let objects = asked["objects"]?.arrayValue ?? []
        let now = behaviour.withLock { behaviour in
            behaviour.requests += 1
            behaviour.objects += objects.count
            return behaviour
        }
        var answer: JSONValue = ["uid": asked["uid"] ?? ""]
        if let failure = now.failure {
            answer["result"] = ["status": "Failure", "message": .string(failure)]
        } else {
            let version = asked["desiredAPIVersion"]?.stringValue ?? ""
            var converted = objects.map { Self.convert($0, to: version) }
            if now.losesObjects { converted.removeLast() }
            if now.renames { converted[0]["metadata"]?["name"] = "other" }
            answer["result"] = ["status": "Success"]
            answer["convertedObjects"] = .array(converted)
        }
        let body: JSONValue = [
            "kind": "ConversionReview", "apiVersion": review["apiVersion"] ?? "", "response": answer,
        ]
        response.send(
            .ok, headers: ["content-type": "application/json"], body: [ByteBuffer(bytes: JSONWriter.bytes(of: body))])
    }

    private static func convert(_ object: JSONValue, to version: String) -> JSONValue {
        var object = object
        let spec = object["spec"] ?? [:]
        if version.hasSuffix("/v2") {
            let parts = (spec["hostPort"]?.stringValue ?? "").split(separator: ":").map(String.init)
            object["spec"] = ["host": .string(parts.first ?? ""), "port": .string(parts.last ?? "")]
        } else {
            object["spec"] = [
                "hostPort": .string("\(spec["host"]?.stringValue ?? ""):\(spec["port"]?.stringValue ?? "")")
            ]
        }
        object["apiVersion"] = .string(version)
        return object
    }
}

@Suite(.serialized) struct ConversionWebhookTests {
    private static let path = "/apis/stable.example.com"

    private static func schema(_ fields: [String]) -> JSONValue {
        [
            "type": "object",
            "properties": [
                "spec": [
                    "type": "object",
                    "properties": .object(
                        JSONObject(fields.map { (key: $0, value: ["type": "string", "minLength": 1]) })),
                ]
            ],
        ]
    }

    private static func object(_ name: String, _ version: String, _ spec: JSONValue) -> JSONValue {
        [
            "apiVersion": .string("stable.example.com/\(version)"), "kind": "CronTab",
            "metadata": ["name": .string(name)], "spec": spec,
        ]
    }

    private static func list(_ version: String) -> String { "\(path)/\(version)/namespaces/default/crontabs" }

    /// Runs a test against a control plane with a definition whose webhook is `converter`.
    private func withPlane(
        reviewVersions: JSONValue = ["v1", "v1beta1"],
        _ body: (ControlPlane, Converter, Definition) async throws -> Void
    ) async throws {
        let converter = Converter()
        let authority = try CertificateAuthority.create(commonName: "webhook-ca")
        let certificate = try authority.issueServer(
            commonName: "webhook", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
        let server = try await HTTPServer.start(
            HTTPServer.Configuration(
                host: "127.0.0.1", port: 0,
                tls: HTTPServer.TLS(
                    certificateChainPEM: Array(certificate.certificatePEM.utf8),
                    privateKeyPEM: Array(certificate.privateKeyPEM.utf8), clientCertificates: nil),
                logger: Logger(label: "webhook")), responder: converter)
        let plane = try await ControlPlane()
        let bundle = Base64.encode(Array(authority.certificatePEM.utf8))
        let definition = Definition(
            versions: [
                Definition.version("v1", schema: Self.schema(["hostPort"])),
                Definition.version("v2", storage: false, schema: Self.schema(["host", "port"])),
            ],
            spec: [
                "conversion": [
                    "strategy": "Webhook",
                    "webhook": [
                        "clientConfig": [
                            "url": .string("https://127.0.0.1:\(server.port)/convert"), "caBundle": .string(bundle),
                        ], "conversionReviewVersions": reviewVersions,
                    ],
                ]
            ])
        await plane.establish(definition)
        do {
            try await body(plane, converter, definition)
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await plane.server.registry.webhooks.shutdown()
        await server.shutdown(grace: .zero)
    }

    @Test(arguments: ["v1", "v1beta1"]) func readsAndWritesInBothVersions(_ review: String) async throws {
        try await withPlane(reviewVersions: [.string(review)]) { plane, converter, _ in
            let one = await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "a:1"]))
            #expect(one.status == 201)
            #expect(converter.behaviour.withLock { $0.requests } == 0)
            let newer = await plane.call(.GET, Self.list("v2") + "/one")
            #expect(newer.json["spec"] == ["host": "a", "port": "1"])
            #expect(newer.json["metadata"] == one.json["metadata"])
            let two = await plane.call(.POST, Self.list("v2"), Self.object("two", "v2", ["host": "b", "port": "2"]))
            #expect(two.status == 201)
            #expect(two.json["spec"] == ["host": "b", "port": "2"])
            #expect(await plane.call(.GET, Self.list("v1") + "/two").json["spec"] == ["hostPort": "b:2"])
            let patched = await plane.call(
                .PATCH, Self.list("v2") + "/one", ["spec": ["port": "9"]], type: "application/merge-patch+json")
            #expect(patched.json["spec"] == ["host": "a", "port": "9"])
            #expect(await plane.call(.GET, Self.list("v1") + "/one").json["spec"] == ["hostPort": "a:9"])
            // It is the version that was sent whose schema counts.
            let refused = await plane.call(.POST, Self.list("v2"), Self.object("three", "v2", ["host": ""]))
            #expect(refused.causes == ["spec.host"])
        }
    }

    @Test func listsAreConvertedInOneRequest() async throws {
        try await withPlane { plane, converter, _ in
            for index in 0..<20 {
                await plane.call(
                    .POST, Self.list("v1"), Self.object("o\(index)", "v1", ["hostPort": "h:\(index)"]))
            }
            let list = await plane.call(.GET, Self.list("v2"))
            #expect(list.json["items"]?.arrayValue?.count == 20)
            #expect(list.json["items"]?.arrayValue?.allSatisfy { $0["apiVersion"] == "stable.example.com/v2" } == true)
            let counts = converter.behaviour.withLock { ($0.requests, $0.objects) }
            #expect(counts == (1, 20))
            // What was converted is kept.
            await plane.call(.GET, Self.list("v2"))
            #expect(converter.behaviour.withLock { $0.requests } == 1)
        }
    }

    @Test func watchesAreConverted() async throws {
        try await withPlane { plane, _, _ in
            await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "a:1"]))
            let watch = plane.begin(.GET, Self.list("v2") + "?watch=1")
            _ = await watch.events(1)
            await plane.call(.POST, Self.list("v1"), Self.object("two", "v1", ["hostPort": "b:2"]))
            await plane.call(.DELETE, Self.list("v1") + "/one")
            let events = await watch.events(3)
            #expect(events.eventSummary == ["ADDED one", "ADDED two", "DELETED one"])
            #expect(events.events[1][path: "object", "spec"] == ["host": "b", "port": "2"])
            watch.close()
        }
    }

    @Test func objectsOfBothVersionsAreStored() async throws {
        try await withPlane { plane, _, definition in
            await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "a:1"]))
            _ = await plane.redefine(definition.name) { object in
                var versions = object["spec"]?["versions"]?.arrayValue ?? []
                versions[0]["storage"] = false
                versions[1]["storage"] = true
                object["spec"]?["versions"] = .array(versions)
            }
            await plane.call(.POST, Self.list("v2"), Self.object("two", "v2", ["host": "b", "port": "2"]))
            for version in ["v1", "v2"] {
                let list = await plane.call(.GET, Self.list(version))
                let specs = list.json["items"]?.arrayValue?.map { $0["spec"] }
                #expect(
                    specs
                        == (version == "v1"
                            ? [["hostPort": "a:1"], ["hostPort": "b:2"]]
                            : [["host": "a", "port": "1"], ["host": "b", "port": "2"]]))
            }
        }
    }

    @Test func failuresAreTold() async throws {
        try await withPlane { plane, converter, _ in
            await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "a:1"]))
            let about = "conversion webhook for stable.example.com/v1, Kind=CronTab"
            converter.behaviour.withLock { $0.failure = "cannot" }
            let failed = await plane.call(.GET, Self.list("v2") + "/one")
            #expect(failed.status == 500)
            #expect(failed.message == "Internal error occurred: \(about) failed: cannot")
            converter.behaviour.withLock {
                $0.failure = nil
                $0.losesObjects = true
            }
            let lost = await plane.call(.GET, Self.list("v2"))
            #expect(lost.message == "Internal error occurred: \(about) returned 0 objects, expected 1")
            converter.behaviour.withLock {
                $0.losesObjects = false
                $0.renames = true
            }
            let renamed = await plane.call(.GET, Self.list("v2"))
            #expect(renamed.message.hasSuffix("returned invalid object: must have the same name: one != other"))
            // What cannot be stored is not written.
            let refused = await plane.call(
                .POST, Self.list("v2"), Self.object("two", "v2", ["host": "b", "port": "2"]))
            #expect(refused.status == 500)
            #expect(await plane.call(.GET, Self.list("v1")).json["items"]?.arrayValue?.count == 1)
            converter.behaviour.withLock { $0.renames = false }
            #expect(await plane.call(.GET, Self.list("v2") + "/one").json["spec"] == ["host": "a", "port": "1"])
        }
    }

    @Test func aWatchEndsWhereTheWebhookFails() async throws {
        try await withPlane { plane, converter, _ in
            await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "a:1"]))
            let watch = plane.begin(.GET, Self.list("v2") + "?watch=1")
            _ = await watch.events(1)
            converter.behaviour.withLock { $0.failure = "cannot" }
            await plane.call(.POST, Self.list("v1"), Self.object("two", "v1", ["hostPort": "b:2"]))
            #expect(await watch.finished().eventSummary == ["ADDED one"])
            // Changes that come meanwhile are there afterwards, and a watch goes on from the list.
            await plane.call(.DELETE, Self.list("v1") + "/one")
            converter.behaviour.withLock { $0.failure = nil }
            let list = await plane.call(.GET, Self.list("v2"))
            #expect(list.json["items"]?.arrayValue?.map(\.name) == ["two"])
            let version = list.json["metadata"]?["resourceVersion"]?.stringValue ?? ""
            let again = plane.begin(.GET, Self.list("v2") + "?watch=1&resourceVersion=\(version)")
            await plane.call(.POST, Self.list("v1"), Self.object("three", "v1", ["hostPort": "c:3"]))
            #expect(await again.events(1).eventSummary == ["ADDED three"])
            again.close()
        }
    }

    @Test func aPolicyOfAnotherVersionSeesConvertedObjects() async throws {
        try await withPlane { plane, converter, _ in
            let path = "/apis/admissionregistration.k8s.io/v1"
            let rule: JSONValue = [
                "apiGroups": ["stable.example.com"], "apiVersions": ["v2"], "resources": ["crontabs"],
                "operations": ["CREATE"],
            ]
            func meta(_ name: String) -> JSONValue { ["name": .string(name)] }
            let policy: JSONValue = [
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": meta("hosts"),
                "spec": [
                    "matchConstraints": ["resourceRules": [rule]],
                    "validations": [["expression": "object.spec.host != 'bad'", "message": "a bad host"]],
                ],
            ]
            let binding: JSONValue = [
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": meta("hosts"), "spec": ["policyName": "hosts", "validationActions": ["Deny"]],
            ]
            let mutating: JSONValue = [
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
                "metadata": meta("ports"),
                "spec": [
                    "matchConstraints": ["resourceRules": [rule]], "reinvocationPolicy": "Never",
                    "mutations": [
                        [
                            "patchType": "JSONPatch",
                            "jsonPatch": [
                                "expression": "[JSONPatch{op: 'replace', path: '/spec/port', value: '80'}]"
                            ],
                        ]
                    ],
                ],
            ]
            let ports: JSONValue = [
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
                "metadata": meta("ports"), "spec": ["policyName": "ports"],
            ]
            for (resource, object) in [
                ("validatingadmissionpolicies", policy), ("validatingadmissionpolicybindings", binding),
                ("mutatingadmissionpolicies", mutating), ("mutatingadmissionpolicybindings", ports),
            ] {
                let made = await plane.call(.POST, "\(path)/\(resource)", object)
                #expect(made.status == 201, "\(made.message)")
            }
            let refused = await plane.call(.POST, Self.list("v1"), Self.object("one", "v1", ["hostPort": "bad:1"]))
            #expect(refused.status == 422)
            #expect(refused.message.hasSuffix("a bad host"))
            let made = await plane.call(.POST, Self.list("v1"), Self.object("two", "v1", ["hostPort": "good:1"]))
            #expect(made.json["spec"] == ["hostPort": "good:80"])
            #expect(made.json["apiVersion"] == "stable.example.com/v1")
        }
    }
}
