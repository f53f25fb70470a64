// What an operator asks of a cluster, in one story: a kind of its own in two versions, converted, checked, defaulted and
// admitted by webhooks over TLS in this process, scaled, and applied by two managers who do not agree.

import HTTPServer
import JSON
import KubeTypes
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import PKI
import Testing

@testable import APIServer

/// The operator's webhooks: `/convert`, `/mutate` and `/validate`, behind a certificate of their own authority.
private final class OperatorWebhooks: HTTPResponder {
    private let server = NIOLockedValueBox<HTTPServer?>(nil)
    let seen = NIOLockedValueBox<[String]>([])
    let authority: CertificateAuthority

    init() throws { authority = try CertificateAuthority.create(commonName: "operator-ca") }

    func start() async throws -> Int {
        let certificate = try authority.issueServer(
            commonName: "webhooks", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
        var configuration = HTTPServer.Configuration()
        configuration.tls = HTTPServer.TLS(
            certificateChainPEM: Array(certificate.certificatePEM.utf8),
            privateKeyPEM: Array(certificate.privateKeyPEM.utf8))
        let started = try await HTTPServer.start(configuration, responder: self)
        server.withLockedValue { $0 = started }
        return started.port
    }

    func stop() async { await server.withLockedValue { $0 }?.shutdown(grace: .seconds(1)) }

    /// What an API server needs to call `path`.
    func clientConfig(_ path: String, port: Int) -> JSONValue {
        [
            "url": .string("https://127.0.0.1:\(port)\(path)"),
            "caBundle": .string(Base64.encode(Array(authority.certificatePEM.utf8))),
        ]
    }

    func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        seen.withLockedValue { $0.append(request.target) }
        let review = (try? JSONParser.parse(Array(request.body.readableBytesView))) ?? [:]
        let path = request.target.prefix { $0 != "?" }
        let answer: JSONValue =
            switch path {
            case "/convert": Self.convert(review)
            case "/mutate": Self.mutate(review)
            default: Self.validate(review)
            }
        response.send(
            .ok, headers: ["content-type": "application/json"], body: [ByteBuffer(bytes: JSONWriter.bytes(of: answer))])
    }

    /// v1 has `spec.size`, v2 calls it `spec.replicas`.
    private static func convert(_ review: JSONValue) -> JSONValue {
        let wanted = review[path: "request", "desiredAPIVersion"]?.stringValue ?? ""
        let (old, new) = wanted.hasSuffix("/v2") ? ("size", "replicas") : ("replicas", "size")
        let converted = (review[path: "request", "objects"]?.arrayValue ?? []).map { object in
            var object = object
            object["apiVersion"] = .string(wanted)
            var spec = object["spec"] ?? [:]
            if let value = spec[old] {
                spec[old] = nil as JSONValue?
                spec[new] = value
            }
            object["spec"] = spec
            return object
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": [
                "uid": review[path: "request", "uid"] ?? "", "result": ["status": "Success"],
                "convertedObjects": .array(converted),
            ],
        ]
    }

    private static func answer(_ review: JSONValue, _ fields: JSONValue) -> JSONValue {
        var response = fields
        response["uid"] = review[path: "request", "uid"] ?? ""
        return ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response]
    }

    private static func mutate(_ review: JSONValue) -> JSONValue {
        let patch = #"[{"op":"add","path":"/metadata/labels","value":{"operator":"martlet"}}]"#
        return answer(
            review,
            ["allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(Array(patch.utf8)))])
    }

    private static func validate(_ review: JSONValue) -> JSONValue {
        guard review[path: "request", "object", "metadata", "name"]?.stringValue == "forbidden" else {
            return answer(review, ["allowed": true, "warnings": ["this database is small"]])
        }
        return answer(review, ["allowed": false, "status": ["code": 403, "message": "that name is taken by history"]])
    }
}

@Suite struct OperatorTests {
    private static let group = "db.example.com"
    private static let list = "/apis/db.example.com/v2/namespaces/default/databases"

    private static func schema(_ field: String) -> JSONValue {
        [
            "openAPIV3Schema": [
                "type": "object",
                "properties": [
                    "spec": [
                        "type": "object",
                        "properties": [
                            .init(field): ["type": "integer", "minimum": 0, "default": 1],
                            "maximum": ["type": "integer"],
                            "engine": ["type": "string", "enum": ["fast", "safe"], "default": "safe"],
                            "users": [
                                "type": "array", "x-kubernetes-list-type": "map",
                                "x-kubernetes-list-map-keys": ["name"],
                                "items": [
                                    "type": "object", "required": ["name"],
                                    "properties": ["name": ["type": "string"], "role": ["type": "string"]],
                                ],
                            ],
                        ],
                        "x-kubernetes-validations": [
                            [
                                "rule": .string("!has(self.maximum) || self.\(field) <= self.maximum"),
                                "message": "more than the maximum",
                            ]
                        ],
                    ],
                    "status": [
                        "type": "object",
                        "properties": ["replicas": ["type": "integer"], "selector": ["type": "string"]],
                    ],
                ],
            ]
        ]
    }

    private static func definition(_ conversion: JSONValue) -> JSONValue {
        func version(_ name: String, _ field: String, stored: Bool) -> JSONValue {
            [
                "name": .string(name), "served": true, "storage": .bool(stored), "schema": schema(field),
                "subresources": [
                    "status": [:],
                    "scale": [
                        "specReplicasPath": .string(".spec.\(field)"), "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    ],
                ],
                "additionalPrinterColumns": [
                    ["name": "Engine", "type": "string", "jsonPath": ".spec.engine"]
                ],
            ]
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": "databases.db.example.com"],
            "spec": [
                "group": .string(group), "scope": "Namespaced",
                "names": ["plural": "databases", "singular": "database", "kind": "Database", "shortNames": ["db"]],
                "versions": [version("v1", "size", stored: true), version("v2", "replicas", stored: false)],
                "conversion": [
                    "strategy": "Webhook",
                    "webhook": ["clientConfig": conversion, "conversionReviewVersions": ["v1"]],
                ],
            ],
        ]
    }

    private static func webhook(_ kind: String, _ name: String, _ client: JSONValue) -> JSONValue {
        [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": .string(kind), "metadata": ["name": .string(name)],
            "webhooks": [
                [
                    "name": .string("\(name).db.example.com"), "clientConfig": client, "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "rules": [
                        [
                            "operations": ["CREATE"], "apiGroups": [.string(group)], "apiVersions": ["*"],
                            "resources": ["databases"],
                        ]
                    ],
                ]
            ],
        ]
    }

    private static func database(_ name: String, _ spec: JSONValue, version: String = "v2") -> JSONValue {
        [
            "apiVersion": .string("\(group)/\(version)"), "kind": "Database", "metadata": ["name": .string(name)],
            "spec": spec,
        ]
    }

    private static func apply(_ plane: ControlPlane, _ manager: String, _ spec: JSONValue, force: Bool = false) async
        -> Recorded
    {
        await plane.call(
            .PATCH, "\(list)/main?fieldManager=\(manager)\(force ? "&force=true" : "")", database("main", spec),
            type: "application/apply-patch+yaml")
    }

    @Test func aStoryFromDefinitionToConflict() async throws {
        let webhooks = try OperatorWebhooks()
        let port = try await webhooks.start()
        let plane = try await ControlPlane()
        let created = await plane.call(
            .POST, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            Self.definition(webhooks.clientConfig("/convert", port: port)))
        #expect(created.status == 201, "\(created.text)")
        // Established within moments.
        var listed = await plane.call(.GET, Self.list)
        for _ in 0..<200 where listed.status != 200 {
            try await Task.sleep(for: .milliseconds(10))
            listed = await plane.call(.GET, Self.list)
        }
        #expect(listed.status == 200, "\(listed.text)")
        for (kind, name, path) in [
            ("MutatingWebhookConfiguration", "labels", "/mutate"),
            ("ValidatingWebhookConfiguration", "names", "/validate"),
        ] {
            let answer = await plane.call(
                .POST, "/apis/admissionregistration.k8s.io/v1/\(kind.lowercased())s",
                Self.webhook(kind, name, webhooks.clientConfig(path, port: port)))
            #expect(answer.status == 201, "\(answer.text)")
        }

        // Defaulted by the schema, labelled by one webhook, let through with a warning by the other.
        let first = await plane.call(.POST, Self.list, Self.database("main", ["maximum": 5]))
        #expect(first.status == 201, "\(first.text)")
        #expect(first.json[path: "spec", "replicas"] == 1)
        #expect(first.json[path: "spec", "engine"] == "safe")
        #expect(first.json[path: "metadata", "labels", "operator"] == "martlet")
        #expect(first.headers["warning"].contains { $0.contains("this database is small") })
        // Refused by webhook, by rule, by schema; and none of them is there afterwards.
        let refused = await plane.call(.POST, Self.list, Self.database("forbidden", [:]))
        #expect(refused.status == 403)
        #expect(
            refused.message
                == "admission webhook \"names.db.example.com\" denied the request: that name is taken by history")
        let tooMany = await plane.call(.POST, Self.list, Self.database("many", ["replicas": 7, "maximum": 5]))
        #expect(tooMany.status == 422)
        #expect(tooMany.message.contains("more than the maximum"), "\(tooMany.message)")
        let unknown = await plane.call(.POST, Self.list, Self.database("odd", ["engine": "odd"]))
        #expect(unknown.status == 422)
        // As upstream, it also says that the rules were not asked.
        #expect(unknown.causes.first == "spec.engine" && unknown.causes.count == 2)
        listed = await plane.call(.GET, Self.list)
        #expect(listed.json["items"]?.arrayValue?.count == 1)

        // The other version, through the conversion webhook: one object, one list, one watch.
        let old = await plane.call(.GET, Self.list.replacing("/v2/", with: "/v1/") + "/main")
        #expect(old.json["apiVersion"] == "db.example.com/v1")
        #expect(old.json[path: "spec", "size"] == 1)
        #expect(old.json[path: "spec", "replicas"] == nil)
        #expect(webhooks.seen.withLockedValue { $0.contains { $0.hasPrefix("/convert") } })

        // Status and scale are doors of their own.
        var reported = first.json
        reported["status"] = ["replicas": 1, "selector": "app=db"]
        reported["spec"] = ["replicas": 4, "engine": "fast"]
        let status = await plane.call(.PUT, "\(Self.list)/main/status", reported)
        #expect(status.status == 200, "\(status.text)")
        #expect(status.json[path: "status", "replicas"] == 1)
        #expect(status.json[path: "spec", "replicas"] == 1)
        let scale = await plane.call(
            .PATCH, "\(Self.list)/main/scale", ["spec": ["replicas": 3]], type: "application/merge-patch+json")
        #expect(scale.status == 200, "\(scale.text)")
        #expect(scale.json["kind"] == "Scale")
        #expect(scale.json[path: "status", "selector"] == "app=db")
        let scaled = await plane.call(.GET, "\(Self.list)/main")
        #expect(scaled.json[path: "spec", "replicas"] == 3)

        // Two managers: each has its users, both want the engine.
        let one = await Self.apply(plane, "one", ["users": [["name": "ann", "role": "admin"]], "engine": "fast"])
        #expect(one.status == 409, "the creator owns the engine: \(one.text)")
        let forced = await Self.apply(
            plane, "one", ["users": [["name": "ann", "role": "admin"]], "engine": "fast"], force: true)
        #expect(forced.status == 200, "\(forced.text)")
        let two = await Self.apply(plane, "two", ["users": [["name": "bob", "role": "reader"]]])
        #expect(two.status == 200, "\(two.text)")
        #expect(two.json[path: "spec", "users"]?.arrayValue?.count == 2)
        let conflict = await Self.apply(
            plane, "two", ["users": [["name": "bob", "role": "reader"]], "engine": "safe"])
        #expect(conflict.status == 409)
        #expect(conflict.reason == "Conflict")
        #expect(conflict.message.contains("conflict with \"one\""), "\(conflict.message)")
        #expect(conflict.causes == [".spec.engine"])
        // What a manager no longer applies goes, if it was alone with it.
        let less = await Self.apply(plane, "one", ["engine": "fast"])
        #expect(less.json[path: "spec", "users"] == [["name": "bob", "role": "reader"]], "\(less.text)")

        // The definition goes, and everything of its kind with it.
        await plane.call(.DELETE, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/databases.db.example.com")
        for _ in 0..<500 where listed.status == 200 {
            try await Task.sleep(for: .milliseconds(10))
            listed = await plane.call(.GET, Self.list)
        }
        #expect(listed.status == 404, "\(listed.text)")
        plane.server.stop()
        await webhooks.stop()
    }
}
