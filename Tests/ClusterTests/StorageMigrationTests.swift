// Objects are stored in today's version: by whoever writes them, and by the order to write all of them.

import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import Storage
import Testing

@testable import Cluster

@Suite struct StorageMigrationTests {
    private static let definition = KubeRequest(
        .get, apiVersion: "apiextensions.k8s.io/v1", resource: "customresourcedefinitions", name: "gatos.example.com")

    private static func version(_ name: String, isStored: Bool) -> JSONValue {
        [
            "name": .string(name), "served": true, "storage": .bool(isStored),
            "schema": [
                "openAPIV3Schema": [
                    "type": "object",
                    "properties": ["spec": ["type": "object", "properties": ["n": ["type": "integer"]]]],
                ]
            ],
        ]
    }

    private static func versions(stored: String) -> JSONValue {
        .array(["v1", "v2"].map { version($0, isStored: $0 == stored) })
    }

    private func call(
        _ client: KubeClient, _ verb: KubeRequest.Verb, _ apiVersion: String, _ resource: String, name: String? = nil,
        namespace: String? = nil, body: JSONValue? = nil, patchType: KubeRequest.PatchType? = nil
    ) async throws -> JSONValue {
        try await client.transport.call(
            KubeRequest(
                verb, apiVersion: apiVersion, resource: resource, namespace: namespace, name: name, body: body,
                patchType: patchType))
    }

    /// Asks again for as long as `condition` does not hold of the answer, at most 20 s.
    private func wait(for condition: (JSONValue) -> Bool, _ ask: () async throws -> JSONValue) async throws -> JSONValue
    {
        var answer: JSONValue = .null
        for _ in 0..<400 {
            answer = try await ask()
            if condition(answer) { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("not within 20 s: \(JSONWriter.text(of: answer))")
        return answer
    }

    private func isTrue(_ type: String) -> (JSONValue) -> Bool {
        { object in
            (object[path: "status", "conditions"]?.arrayValue ?? []).contains {
                $0["type"]?.stringValue == type && $0["status"]?.stringValue == "True"
            }
        }
    }

    /// How the objects lie in the store.
    private func storedVersions(_ options: ClusterOptions) async throws -> [String: String] {
        let store = try SQLiteStore(path: options.directory.database)
        let range = try await store.range(prefix: "/registry/example.com/gatos/", start: nil, limit: 0, at: nil)
        await store.close()
        return try Dictionary(
            uniqueKeysWithValues: range.keyValues.map { keyValue in
                // Behind the JSON stand four bytes that say where the revision goes.
                let object = try JSONParser.parse(keyValue.value.dropLast(4))
                return (object[path: "metadata", "name"]?.stringValue ?? "", object["apiVersion"]?.stringValue ?? "")
            })
    }

    @Test func rewritesWhatIsStoredInAFormerVersion() async throws {
        var options = ClusterOptions(
            directory: DataDirectory(path: "/tmp/martlet-cluster-test-\(UUID().uuidString)"))
        defer { try? FileManager.default.removeItem(atPath: options.directory.path) }
        options.runsNode = false
        options.mergesUserKubeconfig = false
        try options.directory.prepare()
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let plane = try await ControlPlane(options, logger: logger)
        let components = Task { await plane.runComponents() }
        let client = plane.client(as: "admin", groups: ["system:masters"])

        _ = try await call(
            client, .create, "apiextensions.k8s.io/v1", "customresourcedefinitions",
            body: [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": ["name": "gatos.example.com"],
                "spec": [
                    "group": "example.com", "scope": "Namespaced",
                    "names": ["plural": "gatos", "singular": "gato", "kind": "Gato"],
                    "versions": Self.versions(stored: "v1"),
                ],
            ])
        _ = try await wait(for: isTrue("Established")) { try await client.transport.call(Self.definition) }
        var created: JSONValue?
        for name in ["c", "b", "a"] {
            let object = try await call(
                client, .create, "example.com/v1", "gatos", namespace: "default",
                body: [
                    "apiVersion": "example.com/v1", "kind": "Gato", "metadata": ["name": .string(name)],
                    "spec": ["n": 1],
                ])
            created = object[path: "metadata", "resourceVersion"]
        }
        let changed = try await call(
            client, .patch, "apiextensions.k8s.io/v1", "customresourcedefinitions", name: "gatos.example.com",
            body: ["spec": ["versions": Self.versions(stored: "v2")]], patchType: .merge)
        #expect(changed[path: "status", "storedVersions"] == ["v1", "v2"])
        // Whoever writes an object, changing nothing, stores it in today's version: once, and from the moment on at which
        // the changed definition is in force.
        let touch: () async throws -> JSONValue = {
            try await self.call(
                client, .patch, "example.com/v2", "gatos", name: "a", namespace: "default", body: ["spec": ["n": 1]],
                patchType: .merge)
        }
        let written = try await wait(for: { $0[path: "metadata", "resourceVersion"] != created }, touch)
        #expect(try await touch()[path: "metadata", "resourceVersion"] == written[path: "metadata", "resourceVersion"])

        for (name, resource) in [("cats", "gatos"), ("nothing", "perros")] {
            _ = try await call(
                client, .create, "storagemigration.k8s.io/v1beta1", "storageversionmigrations",
                body: [
                    "apiVersion": "storagemigration.k8s.io/v1beta1", "kind": "StorageVersionMigration",
                    "metadata": ["name": .string(name)],
                    "spec": ["resource": ["group": "example.com", "resource": .string(resource)]],
                ])
        }
        let migration = try await wait(for: isTrue("Succeeded")) {
            try await call(client, .get, "storagemigration.k8s.io/v1beta1", "storageversionmigrations", name: "cats")
        }
        #expect(!isTrue("Running")(migration))
        let definition = try await client.transport.call(Self.definition)
        #expect(definition[path: "status", "storedVersions"] == ["v2"])
        #expect(!isTrue("StorageMigrating")(definition))
        // What is not served may still come: it has not failed yet.
        let other = try await call(
            client, .get, "storagemigration.k8s.io/v1beta1", "storageversionmigrations", name: "nothing")
        #expect(other[path: "status", "conditions"] == nil)

        components.cancel()
        await components.value
        await plane.stop()
        #expect(
            try await storedVersions(options) == ["a": "example.com/v2", "b": "example.com/v2", "c": "example.com/v2"])
    }
}
