// Manifests of every group and version apply as they were written, and come back as they were.

import APISchema
import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(5)))
struct VersionsTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Examples/versions").path

    private static func manifests() throws -> [(file: String, object: JSONValue)] {
        var all: [(String, JSONValue)] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".yaml") {
            let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            for text in String(decoding: data, as: UTF8.self).components(separatedBy: "---\n") {
                all.append((name, try YAML.parseOne(Array(text.utf8))))
            }
        }
        return all
    }

    /// Where the two differ in something that `given` says.
    private static func lost(_ given: JSONValue, _ answer: JSONValue?, _ path: String) -> [String] {
        switch (given, answer) {
        case (.object(let given), .object(let answer)?):
            return given.flatMap { lost($0.value, answer[$0.key], "\(path).\($0.key)") }
        case (.array(let given), .array(let answer)?) where given.count == answer.count:
            return given.indices.flatMap { lost(given[$0], answer[$0], "\(path)[\($0)]") }
        default: return given == answer ? [] : [path]
        }
    }

    @Test func everyManifestAppliesAndComesBack() async throws {
        let plane = try await ControlPlane()
        let manifests = try Self.manifests()
        #expect(manifests.count > 80)
        for (file, object) in manifests {
            let kind = object["kind"]?.stringValue ?? ""
            let apiVersion = object["apiVersion"]?.stringValue ?? ""
            let resource = try #require(Schema.builtin.resource(apiVersion: apiVersion, kind: kind), "\(file) \(kind)")
            let root = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(apiVersion)"
            let path = "\(root)/\(resource.namespaced ? "namespaces/default/" : "")\(resource.plural)"
            let created = await plane.call(.POST, path, object)
            #expect(created.status == 201, "\(file) \(kind): \(created.message)")
            let warnings = created.headers["warning"].joined()
            #expect(
                warnings.contains("\(apiVersion) \(kind) is deprecated in v") == (resource.deprecation != nil),
                "\(file) \(kind)")
            let got = await plane.call(.GET, "\(path)/\(object.name)").json
            // Nothing to roll back to is nothing.
            var given = object
            given.update("spec") { $0["rollbackTo"] = nil }
            if object["spec"] == nil { given["spec"] = nil }
            #expect(Self.lost(given, got, "") == [], "\(file) \(kind)")
            // The same in protobuf.
            let bytes = await plane.call(.GET, "\(path)/\(object.name)", accept: Schema.protobufMediaType).body
            let decoded = try Schema.builtin.decodeProtobuf(bytes)
            #expect(Self.lost(given, decoded, "") == [], "\(file) \(kind) in protobuf")
        }
    }

    @Test(
        arguments: [
            // An empty selector means another thing in v1.
            (
                "policy/v1beta1", "PodDisruptionBudget", #"{"selector":{}}"#,
                #"{"selector":{"matchExpressions":[{"key":"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match","operator":"Exists"}]}}"#
            ),
            (
                "flowcontrol.apiserver.k8s.io/v1beta2", "PriorityLevelConfiguration",
                #"{"type":"Limited","limited":{"assuredConcurrencyShares":7}}"#,
                #"{"limited":{"nominalConcurrencyShares":7}}"#
            ),
            (
                "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition",
                #"{"group":"g.io","version":"v1","names":{"plural":"as","kind":"A"},"additionalPrinterColumns":[{"name":"x","type":"string","JSONPath":".x"}],"validation":{"openAPIV3Schema":{"properties":{"a":{"type":"string"}}}}}"#,
                #"{"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true,"additionalPrinterColumns":[{"jsonPath":".x"}],"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"string"}}}}}]}"#
            ),
            (
                "autoscaling/v2beta1", "HorizontalPodAutoscaler",
                #"{"scaleTargetRef":{"kind":"D","name":"d"},"maxReplicas":2,"metrics":[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":50}}]}"#,
                #"{"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}]}"#
            ),
            (
                "networking.k8s.io/v1beta1", "Ingress", #"{"backend":{"serviceName":"a","servicePort":"http"}}"#,
                #"{"defaultBackend":{"service":{"name":"a","port":{"name":"http"}}}}"#
            ),
        ] as [(String, String, String, String)])
    func olderFormsAreStoredInTodays(
        _ apiVersion: String, _ kind: String, _ spec: String, _ stored: String
    ) throws {
        let resource = try #require(Schema.builtin.resource(apiVersion: apiVersion, kind: kind))
        let given: JSONValue = [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": ["name": "x"],
            "spec": try JSONParser.parse(spec),
        ]
        var object = given
        _ = try Schema.builtin.decode(&object, as: resource.message, kind: kind, version: resource.version)
        try Schema.builtin.toStorage(&object, from: resource)
        #expect(Self.lost(try JSONParser.parse(stored), object["spec"], "spec") == [])
        try Schema.builtin.fromStorage(&object, to: resource)
        #expect(Self.lost(given, object, "") == [])
    }
}
