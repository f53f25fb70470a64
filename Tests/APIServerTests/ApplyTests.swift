import APISchema
import JSON
import KubeTypes
import Testing

@testable import APIServer

/// Server-side apply and managed fields through the whole of the server.
@Suite struct ApplyTests {
    static let maps = "/api/v1/namespaces/default/configmaps"
    static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    static let applied = "application/apply-patch+yaml"

    private func apply(
        _ plane: ControlPlane, _ path: String, _ object: JSONValue, by manager: String = "m", query: String = ""
    ) async -> Recorded {
        await plane.call(.PATCH, "\(path)?fieldManager=\(manager)\(query)", object, type: Self.applied)
    }

    /// Who owns what: `OPERATION MANAGER[/SUBRESOURCE]: FIELDS`.
    private func owners(_ object: JSONValue) -> [String] {
        (object["metadata"]?["managedFields"]?.arrayValue ?? []).map { entry in
            let subresource = entry["subresource"]?.stringValue.map { "/\($0)" } ?? ""
            return "\(entry["operation"]?.stringValue ?? "") \(entry["manager"]?.stringValue ?? "")\(subresource): "
                + JSONWriter.text(of: entry["fieldsV1"] ?? .null)
        }
    }

    @Test func applyMakesWhatIsNotThere() async throws {
        let plane = try await ControlPlane()
        let made = await apply(plane, "\(Self.maps)/one", configMap("one"))
        #expect(made.status == 201)
        #expect(owners(made.json) == [#"Apply m: {"f:data":{"f:a":{}}}"#])
        let version = made.json.resourceVersion
        let again = await apply(plane, "\(Self.maps)/one", configMap("one"))
        #expect(again.status == 200)
        // Nothing was changed: nothing is written.
        #expect(again.json.resourceVersion == version)
        #expect(again.json == made.json)
        let changed = await apply(plane, "\(Self.maps)/one", configMap("one", ["b": "2"]))
        #expect(changed.json["data"] == ["b": "2"])
        #expect(owners(changed.json) == [#"Apply m: {"f:data":{"f:b":{}}}"#])
    }

    @Test func yaml() async throws {
        let plane = try await ControlPlane()
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: \"1\"\n"
        let made = await plane.call(
            .PATCH, "\(Self.maps)/one?fieldManager=m", bytes: Array(text.utf8), type: Self.applied)
        #expect(made.status == 201)
        #expect(made.json["data"] == ["a": "1"])
    }

    @Test func conflictsAndForce() async throws {
        let plane = try await ControlPlane()
        await apply(plane, "\(Self.deployments)/web", deployment("web"), by: "one")
        let scale: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"], "spec": ["replicas": 5],
        ]
        let refused = await apply(plane, "\(Self.deployments)/web", scale, by: "two")
        #expect(refused.status == 409)
        #expect(refused.reason == "Conflict")
        #expect(refused.message == #"Apply failed with 1 conflict: conflict with "one": .spec.replicas"#)
        #expect(refused.causes == [".spec.replicas"])
        #expect(
            refused.json[path: "details", "causes"]?[0]
                == [
                    "reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".spec.replicas",
                ])
        let forced = await apply(plane, "\(Self.deployments)/web", scale, by: "two", query: "&force=true")
        #expect(forced.status == 200)
        #expect(forced.json[path: "spec", "replicas"] == 5)
        #expect(forced.json.generation == 2)
        #expect(owners(forced.json).contains(#"Apply two: {"f:spec":{"f:replicas":{}}}"#))
        // Whoever no longer applies it leaves it to its default, or to others.
        var without = deployment("web")
        without["spec"]?["replicas"] = JSONValue?.none
        let left = await apply(plane, "\(Self.deployments)/web", without, by: "one")
        #expect(left.json[path: "spec", "replicas"] == 5)
    }

    /// Query, body, code, part of the message.
    @Test(arguments: [
        ("", "{}", 422, "fieldManager: Required value: is required for apply patch"),
        ("?fieldManager=\(String(repeating: "m", count: 129))", "{}", 422, "fieldManager: Too long"),
        ("?fieldManager=a%0Ab", "{}", 422, "invalid character U+000A (at position 1)"),
        ("?fieldManager=m", "[", 400, "error decoding YAML: "),
        ("?fieldManager=m", #"{"apiVersion":"v1","kind":"Pod"}"#, 400, "invalid object type: /v1, Kind=Pod"),
        (
            "?fieldManager=m", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"nope":1}"#, 500,
            "failed to create typed patch object (/x; /v1, Kind=ConfigMap): .nope: field not declared in schema"
        ),
        (
            "?fieldManager=m", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"y"}}"#, 400,
            "the name of the object (y) does not match the name on the URL (x)"
        ),
        (
            "?fieldManager=m", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","uid":"u"}}"#, 409,
            "uid mismatch: the provided object specified uid u, and no existing object was found"
        ),
        (
            "?fieldManager=m", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"z"}}"#, 400,
            "the namespace of the provided object does not match the namespace sent on the request"
        ),
    ])
    func refused(_ query: String, _ body: String, _ code: Int, _ message: String) async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(
            .PATCH, "\(Self.maps)/x\(query)", bytes: Array(body.utf8), type: Self.applied)
        #expect(answer.status == code)
        #expect(answer.message.contains(message), "\(answer.message)")
    }

    @Test func forceIsForApplyOnly() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one"))
        let answer = await plane.call(
            .PATCH, "\(Self.maps)/one?force=true", [:], type: "application/merge-patch+json")
        #expect(answer.status == 422)
        #expect(answer.causes == ["force"])
    }

    @Test func everyWriterIsWrittenDown() async throws {
        let plane = try await ControlPlane()
        let agent = [("user-agent", "kubectl/v1.36 (linux/amd64)")]
        let made = await plane.call(.POST, Self.deployments, deployment("web"), headers: agent)
        #expect(made.status == 201)
        let entry = made.json["metadata"]?["managedFields"]?[0]
        #expect(entry?["manager"] == "kubectl")
        #expect(entry?["operation"] == "Update")
        #expect(entry?["apiVersion"] == "apps/v1")
        let path = "\(Self.deployments)/web"
        await plane.call(
            .PATCH, "\(path)?fieldManager=patcher", ["spec": ["paused": true]], type: "application/merge-patch+json")
        await plane.call(
            .PATCH, "\(path)/status?fieldManager=controller", ["status": ["replicas": 2]],
            type: "application/strategic-merge-patch+json")
        let scaled = await plane.call(
            .PATCH, "\(path)/scale?fieldManager=scaler", ["spec": ["replicas": 7]],
            type: "application/merge-patch+json")
        #expect(scaled.json["metadata"]?["managedFields"]?.arrayValue?.count == 1)
        #expect(scaled.json["metadata"]?["managedFields"]?[0]?["manager"] == "scaler")
        #expect(scaled.json["metadata"]?["managedFields"]?[0]?["apiVersion"] == "autoscaling/v1")
        let object = await plane.call(.GET, path).json
        #expect(owners(object).contains(#"Update patcher: {"f:spec":{"f:paused":{}}}"#))
        #expect(owners(object).contains(#"Update controller/status: {"f:status":{"f:replicas":{}}}"#))
        #expect(owners(object).contains(#"Update scaler/scale: {"f:spec":{"f:replicas":{}}}"#))
        #expect(owners(object).contains { $0.hasPrefix("Update kubectl: ") && !$0.contains("f:replicas") })
        // What admission and strategies add is nobody's.
        #expect(!owners(object).joined().contains("f:generation"))
    }

    @Test func statusIsApplied() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.deployments, deployment("web"))
        let status: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": ["replicas": 9], "status": ["replicas": 3],
        ]
        let answer = await apply(plane, "\(Self.deployments)/web/status", status, by: "s", query: "&force=true")
        #expect(answer.status == 200)
        #expect(answer.json[path: "status", "replicas"] == 3)
        #expect(answer.json[path: "spec", "replicas"] == 2)
        #expect(owners(answer.json).contains(#"Apply s/status: {"f:status":{"f:replicas":{}}}"#))
        let none = await apply(plane, "\(Self.deployments)/none/status", status, by: "s")
        #expect(none.status == 404)
    }

    @Test func scaleIsApplied() async throws {
        let plane = try await ControlPlane()
        await apply(plane, "\(Self.deployments)/web", deployment("web"), by: "one")
        let scale: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web", "namespace": "default"],
            "spec": ["replicas": 4],
        ]
        let refused = await apply(plane, "\(Self.deployments)/web/scale", scale, by: "two")
        #expect(refused.status == 409)
        #expect(refused.message == #"Apply failed with 1 conflict: conflict with "one": .spec.replicas"#)
        let forced = await apply(plane, "\(Self.deployments)/web/scale", scale, by: "two", query: "&force=true")
        #expect(forced.status == 200)
        #expect(forced.json[path: "spec", "replicas"] == 4)
        let object = await plane.call(.GET, "\(Self.deployments)/web").json
        #expect(object[path: "spec", "replicas"] == 4)
        #expect(owners(object).contains(#"Apply two/scale: {"f:spec":{"f:replicas":{}}}"#))
        #expect(owners(object).contains { $0.hasPrefix("Apply one: ") && !$0.contains("f:replicas") })
    }

    @Test func dryRunWritesNothing() async throws {
        let plane = try await ControlPlane()
        let made = await apply(plane, "\(Self.maps)/one", configMap("one"), query: "&dryRun=All")
        #expect(made.status == 201)
        #expect(!owners(made.json).isEmpty)
        #expect(await plane.call(.GET, "\(Self.maps)/one").status == 404)
        await apply(plane, "\(Self.maps)/one", configMap("one"))
        let changed = await apply(plane, "\(Self.maps)/one", configMap("one", ["b": "2"]), query: "&dryRun=All")
        #expect(changed.json["data"] == ["b": "2"])
        #expect(await plane.call(.GET, "\(Self.maps)/one").json["data"] == ["a": "1"])
    }

    @Test func whoMayNotCreateMayNotApplyWhatIsNotThere() async throws {
        let plane = try await ControlPlane()
        await plane.call(
            .POST, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
            [
                "metadata": ["name": "p"],
                "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]]],
            ])
        await plane.call(
            .POST, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "metadata": ["name": "p"], "subjects": [["kind": "User", "name": "nobody"]],
                "roleRef": ["kind": "Role", "name": "p", "apiGroup": "rbac.authorization.k8s.io"],
            ])
        let path = "\(Self.maps)/one?fieldManager=m"
        let refused = await plane.call(.PATCH, path, configMap("one"), type: Self.applied, token: "nobody")
        #expect(refused.status == 403)
        #expect(refused.message.contains("cannot create resource"))
        await plane.call(.POST, Self.maps, configMap("one"))
        let allowed = await plane.call(.PATCH, path, configMap("one"), type: Self.applied, token: "nobody")
        #expect(allowed.status == 200)
    }

    @Test func managersOfOldVersions() async throws {
        let plane = try await ControlPlane()
        var old = deployment("web")
        old["apiVersion"] = "extensions/v1beta1"
        let made = await apply(plane, "/apis/extensions/v1beta1/namespaces/default/deployments/web", old, by: "one")
        #expect(made.status == 201)
        let new = await plane.call(.GET, "\(Self.deployments)/web").json
        #expect(new["metadata"]?["managedFields"]?[0]?["apiVersion"] == "extensions/v1beta1")
        let again = await apply(plane, "\(Self.deployments)/web", deployment("web", replicas: 3), by: "one")
        #expect(again.status == 200)
        #expect(again.json["metadata"]?["managedFields"]?.arrayValue?.count == 1)
        #expect(again.json["metadata"]?["managedFields"]?[0]?["apiVersion"] == "apps/v1")
    }
}
