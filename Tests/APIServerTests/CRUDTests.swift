// Create, read, update, patch and delete, and what each refuses.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct CRUDTests {
    static let maps = "/api/v1/namespaces/default/configmaps"

    @Test func createThenReadThenDelete() async throws {
        let plane = try await ControlPlane()
        let created = await plane.call(.POST, Self.maps, configMap("one"))
        #expect(created.status == 201)
        #expect(created.json["metadata"]?["namespace"] == "default")
        #expect(created.json.uid.count == 36)
        #expect(Int64(created.json.resourceVersion) ?? 0 > 0)
        #expect(created.headers.first(name: "content-type") == "application/json")
        #expect(created.headers.first(name: "cache-control") == "no-cache, private")
        #expect(created.headers.first(name: "audit-id")?.count == 36)

        let read = await plane.call(.GET, "\(Self.maps)/one")
        #expect(read.status == 200)
        #expect(read.json == created.json)

        let gone = await plane.call(.DELETE, "\(Self.maps)/one")
        #expect(gone.status == 200)
        #expect(gone.json["status"] == "Success")
        #expect(gone.json[path: "details", "uid"]?.stringValue == created.json.uid)
        let missing = await plane.call(.GET, "\(Self.maps)/one")
        #expect(missing.status == 404)
        #expect(missing.reason == "NotFound")
        #expect(missing.message == "configmaps \"one\" not found")
    }

    @Test func stateSurvivesInTheStore() async throws {
        let plane = try await ControlPlane()
        let created = await plane.call(.POST, Self.maps, configMap("kept"))
        plane.server.stop()
        let second = try ControlPlane.server(plane.store)
        try await second.start()
        let found = second.cache.object(group: "", resource: "configmaps", namespace: "default", name: "kept")
        #expect(found?.value == created.json)
    }

    @Test func generatedNames() async throws {
        let plane = try await ControlPlane()
        var body = configMap("x")
        body["metadata"] = ["generateName": "web-"]
        let first = await plane.call(.POST, Self.maps, body)
        let second = await plane.call(.POST, Self.maps, body)
        #expect(first.status == 201)
        #expect(first.json.name.hasPrefix("web-") && first.json.name.count == 9)
        #expect(first.json.name != second.json.name)
    }

    @Test func aNameThatIsTakenIsAConflict() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one"))
        let again = await plane.call(.POST, Self.maps, configMap("one"))
        #expect(again.status == 409)
        #expect(again.reason == "AlreadyExists")
        #expect(again.message == "configmaps \"one\" already exists")
    }

    @Test func updateChecksTheRevision() async throws {
        let plane = try await ControlPlane()
        let created = await plane.call(.POST, Self.maps, configMap("one"))
        var changed = created.json
        changed["data"] = ["a": "2"]
        let updated = await plane.call(.PUT, "\(Self.maps)/one", changed)
        #expect(updated.status == 200)
        #expect(updated.json["data"] == ["a": "2"])
        #expect(updated.json.resourceVersion != created.json.resourceVersion)
        #expect(updated.json.uid == created.json.uid)
        changed["data"] = ["a": "3"]
        let stale = await plane.call(.PUT, "\(Self.maps)/one", changed)
        #expect(stale.status == 409)
        #expect(stale.reason == "Conflict")
        #expect(
            stale.message
                == "Operation cannot be fulfilled on configmaps \"one\": the object has been modified; please apply your "
                + "changes to the latest version and try again")
        // Without a resourceVersion the write is unconditional.
        let forced = await plane.call(.PUT, "\(Self.maps)/one", configMap("one", ["a": "4"]))
        #expect(forced.status == 200)
    }

    @Test func equalContentIsNoChange() async throws {
        let plane = try await ControlPlane()
        let created = await plane.call(.POST, Self.maps, configMap("one", ["a": "1", "b": "2"]))
        let before = plane.store.revision
        let same = await plane.call(.PUT, "\(Self.maps)/one", configMap("one", ["b": "2", "a": "1"]))
        #expect(same.status == 200)
        #expect(same.json.resourceVersion == created.json.resourceVersion)
        let patched = await plane.call(
            .PATCH, "\(Self.maps)/one", ["data": ["a": "1"]], type: "application/merge-patch+json")
        #expect(patched.json.resourceVersion == created.json.resourceVersion)
        #expect(plane.store.revision == before)
    }

    /// Upstream writes a status that has nothing in it, so a JSON patch may add to one.
    @Test func jsonPatchAddsToAStatusOfWhichThereIsNone() async throws {
        let plane = try await ControlPlane()
        let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
        await plane.call(
            .POST, claims,
            [
                "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": ["name": "one"],
                "spec": ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "c"]]]]],
            ])
        let patched = await plane.call(
            .PATCH, "\(claims)/one/status", [["op": "add", "path": "/status/allocation", "value": [:]]],
            type: "application/json-patch+json")
        #expect(patched.status == 200, "\(patched.json)")
        #expect(patched.json["status"] == ["allocation": [:]])
        let before = plane.store.revision
        let unchanged = await plane.call(
            .PATCH, "\(claims)/one", [["op": "test", "path": "/metadata/name", "value": "one"]],
            type: "application/json-patch+json")
        #expect(unchanged.status == 200)
        #expect(plane.store.revision == before)
    }

    @Test func patches() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one"))
        let merged = await plane.call(
            .PATCH, "\(Self.maps)/one", ["data": ["b": "2", "a": .null]], type: "application/merge-patch+json")
        #expect(merged.json["data"] == ["b": "2"])
        let json = await plane.call(
            .PATCH, "\(Self.maps)/one", [["op": "add", "path": "/data/c", "value": "3"]],
            type: "application/json-patch+json")
        #expect(json.json["data"] == ["b": "2", "c": "3"])
        let strategic = await plane.call(
            .PATCH, "\(Self.maps)/one", ["metadata": ["labels": ["x": "y"]]],
            type: "application/strategic-merge-patch+json")
        #expect(strategic.json.labels?["x"] == "y")
        let failed = await plane.call(
            .PATCH, "\(Self.maps)/one", [["op": "test", "path": "/data/c", "value": "9"]],
            type: "application/json-patch+json")
        #expect(failed.status == 422)
        #expect(failed.reason == "Invalid")
        let missing = await plane.call(
            .PATCH, "\(Self.maps)/none", ["data": [:]], type: "application/merge-patch+json")
        #expect(missing.status == 404)
        let unknown = await plane.call(
            .PATCH, "\(Self.maps)/one", configMap("one"), type: "application/apply-patch+cbor")
        #expect(unknown.status == 415)
        #expect(unknown.reason == "UnsupportedMediaType")
    }

    @Test func concurrentPatchesAllHappen() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one", [:]))
        await withTaskGroup(of: Int.self) { group in
            for index in 0..<40 {
                group.addTask {
                    await plane.call(
                        .PATCH, "\(Self.maps)/one", ["data": ["k\(index)": "v"]], type: "application/merge-patch+json"
                    ).status
                }
            }
            for await status in group { #expect(status == 200) }
        }
        let read = await plane.call(.GET, "\(Self.maps)/one")
        #expect(read.json["data"]?.objectValue?.count == 40)
    }

    @Test func dryRunChangesNothing() async throws {
        let plane = try await ControlPlane()
        let before = plane.store.revision
        let created = await plane.call(.POST, "\(Self.maps)?dryRun=All", configMap("one"))
        #expect(created.status == 201)
        #expect(created.json.uid.count == 36)
        #expect(plane.store.revision == before)
        #expect(await plane.call(.GET, "\(Self.maps)/one").status == 404)
        let bad = await plane.call(.POST, "\(Self.maps)?dryRun=Some", configMap("one"))
        #expect(bad.status == 422)
        #expect(bad.causes == ["dryRun"])
        await plane.call(.POST, Self.maps, configMap("one"))
        #expect(await plane.call(.DELETE, "\(Self.maps)/one?dryRun=All").status == 200)
        #expect(await plane.call(.GET, "\(Self.maps)/one").status == 200)
    }

    @Test func deletionPreconditions() async throws {
        let plane = try await ControlPlane()
        let created = await plane.call(.POST, Self.maps, configMap("one"))
        let wrong = await plane.call(.DELETE, "\(Self.maps)/one", ["preconditions": ["uid": "x"]])
        #expect(wrong.status == 409)
        let stale = await plane.call(.DELETE, "\(Self.maps)/one", ["preconditions": ["resourceVersion": "1"]])
        #expect(stale.status == 409)
        let right = await plane.call(
            .DELETE, "\(Self.maps)/one", ["preconditions": ["uid": .string(created.json.uid)]])
        #expect(right.status == 200)
    }

    @Test func finalizersHoldAnObjectBack() async throws {
        let plane = try await ControlPlane()
        var body = configMap("one")
        body.updateMetadata { $0["finalizers"] = ["example.com/hold"] }
        await plane.call(.POST, Self.maps, body)
        let marked = await plane.call(.DELETE, "\(Self.maps)/one")
        #expect(marked.status == 200)
        #expect(marked.json.isBeingDeleted)
        #expect(marked.json["kind"] == "ConfigMap")
        var more = marked.json
        more.updateMetadata { $0["finalizers"] = ["example.com/hold", "example.com/new"] }
        #expect(await plane.call(.PUT, "\(Self.maps)/one", more).status == 422)
        let freed = await plane.call(
            .PATCH, "\(Self.maps)/one", ["metadata": ["finalizers": .null]], type: "application/merge-patch+json")
        #expect(freed.status == 200)
        #expect(await plane.call(.GET, "\(Self.maps)/one").status == 404)
    }

    @Test(arguments: [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
    func propagationBecomesAFinalizer(_ policy: String, _ finalizer: String) async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one"))
        let marked = await plane.call(.DELETE, "\(Self.maps)/one?propagationPolicy=\(policy)")
        #expect(marked.json.finalizers == [finalizer])
        #expect(marked.json.isBeingDeleted)
    }

    @Test func deleteCollection() async throws {
        let plane = try await ControlPlane()
        for index in 0..<5 {
            await plane.call(
                .POST, Self.maps, configMap("m\(index)", labels: ["half": index % 2 == 0 ? "even" : "odd"]))
        }
        let gone = await plane.call(.DELETE, "\(Self.maps)?labelSelector=half%3Deven")
        #expect(gone.status == 200)
        #expect(gone.json["items"]?.arrayValue?.count == 3)
        let rest = await plane.call(.GET, Self.maps)
        #expect(rest.json["items"]?.arrayValue?.map(\.name) == ["m1", "m3"])
    }

    /// What is wrong with a request, and what it is told.
    @Test(arguments: [
        (HTTPMethod.GET, "/api/v1/foos", 404, "NotFound"),
        (.POST, "/api/v1/configmaps", 405, "MethodNotAllowed"),
        (.DELETE, "/api/v1/configmaps", 405, "MethodNotAllowed"),
        (.PUT, "/api/v1/namespaces/default/configmaps", 405, "MethodNotAllowed"),
        (.POST, "/api/v1/namespaces/default/configmaps/one", 405, "MethodNotAllowed"),
        (.GET, "/api/v1/configmaps/one", 404, "NotFound"),
        (.GET, "/api/v1/namespaces/default/nodes", 404, "NotFound"),
        (.GET, "/api/v1/namespaces/default/configmaps/one/status", 404, "NotFound"),
        (.GET, "/api/v1/namespaces/default/configmaps?labelSelector=a%20b%20c", 400, "BadRequest"),
        (.GET, "/api/v1/namespaces/default/configmaps?fieldSelector=spec.x%3D1", 400, "BadRequest"),
        (.GET, "/api/v1/namespaces/default/configmaps?resourceVersion=abc", 400, "BadRequest"),
        (.GET, "/api/v1/namespaces/default/configmaps?resourceVersion=999999", 504, "Timeout"),
        (.GET, "/api/v1/namespaces/default/configmaps?resourceVersionMatch=Exact", 422, "Invalid"),
        (.GET, "/api/v1/namespaces/default/configmaps?limit=x", 400, "BadRequest"),
        (.GET, "/api/v1/namespaces/default/configmaps?continue=zzz", 400, "BadRequest"),
        (.GET, "/api/v1/namespaces/default/configmaps?a=%zz", 400, "BadRequest"),
    ])
    func refusedRequests(_ method: HTTPMethod, _ target: String, _ status: Int, _ reason: String) async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(method, target)
        #expect(answer.status == status)
        #expect(answer.reason == reason)
        #expect(answer.json["kind"] == "Status")
    }

    @Test(arguments: [
        ("", "application/json", 400, "BadRequest"),
        ("{", "application/json", 400, "BadRequest"),
        ("[]", "application/json", 400, "BadRequest"),
        ("3", "application/json", 400, "BadRequest"),
        (#"{"kind":"Pod","apiVersion":"v1"}"#, "application/json", 400, "BadRequest"),
        (#"{"kind":"ConfigMap","apiVersion":"apps/v1"}"#, "application/json", 400, "BadRequest"),
        (#"{"kind":"ConfigMap","apiVersion":"v1","data":[]}"#, "application/json", 400, "BadRequest"),
        (
            #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","namespace":"other"}}"#, "application/json",
            400, "BadRequest"
        ),
        (#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}"#, "application/json", 422, "Invalid"),
        (#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"Big_Name"}}"#, "application/json", 422, "Invalid"),
        (
            #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","labels":{"a b":"c"}}}"#, "application/json",
            422, "Invalid"
        ),
        (
            #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":{"a/b":"c"}}"#, "application/json",
            422, "Invalid"
        ),
        ("kind: ConfigMap", "text/html", 415, "UnsupportedMediaType"),
        ("kind: [", "application/yaml", 400, "BadRequest"),
        (String(repeating: "[", count: 5000), "application/json", 400, "BadRequest"),
    ])
    func refusedBodies(_ body: String, _ type: String, _ status: Int, _ reason: String) async throws {
        let plane = try await ControlPlane()
        let before = plane.store.revision
        let answer = await plane.call(.POST, Self.maps, bytes: Array(body.utf8), type: type)
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.reason == reason)
        #expect(plane.store.revision == before)
    }

    /// Requests put together at random from pieces that mean something: whatever comes, an answer comes back.
    @Test func randomRequestsAreAnswered() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        await plane.call(.POST, Self.maps, configMap("one"))
        await plane.call(.POST, "/api/v1/namespaces/default/pods", pod("one"))
        let methods: [HTTPMethod] = [.GET, .POST, .PUT, .PATCH, .DELETE, .HEAD, .OPTIONS, .RAW(value: "ODD")]
        let pieces = [
            "api", "apis", "v1", "apps", "namespaces", "default", "pods", "configmaps", "one", "status", "scale",
            "binding",
            "log", "..", "%2F", "%00", "watch", "deployments", "", "eviction", "token", "serviceaccounts", "finalize",
            "openapi", "v3", "readyz",
        ]
        let queries = [
            "", "?limit=-1", "?limit=9223372036854775807", "?resourceVersion=0", "?labelSelector=)(", "?dryRun=All",
            "?fieldSelector=%5C", "?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "?gracePeriodSeconds=9223372036854775807",
            "?timeoutSeconds=1&watch=1&labelSelector=zzz", "?propagationPolicy=Orphan", "?fieldValidation=Strict",
        ]
        let bodies = [
            "", "{}", "[]", "null", "{\"metadata\":null}", "{\"metadata\":{\"name\":\"one\"},\"spec\":[]}",
            "{\"spec\":{\"containers\":{}}}", "[{\"op\":\"remove\",\"path\":\"/metadata\"}]",
            "{\"metadata\":{\"name\":\"\\ud800\"}}", "\u{0}", "{\"kind\":3}",
            "{\"metadata\":{\"generateName\":\"x\",\"finalizers\":[\"a/b\"]}}",
        ]
        let types = [
            nil, "application/json", "application/yaml", "application/merge-patch+json", "application/json-patch+json",
            "application/strategic-merge-patch+json", "text/plain",
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1500 {
            let path = (0..<Int.random(in: 1...7, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
            }
            let prefix = Bool.random(using: &random) ? "/api/v1/namespaces/default/" : "/"
            let target = prefix + path.joined(separator: "/") + (queries.randomElement(using: &random) ?? "")
            let method = methods.randomElement(using: &random) ?? .GET
            let body = bodies.randomElement(using: &random) ?? ""
            let writer = plane.begin(
                method, target, bytes: Array(body.utf8), type: types.randomElement(using: &random) ?? nil)
            let answer = await writer.wait { recorded, over in over || recorded.status == 200 }
            #expect(
                answer.status >= 200 && answer.status < 600 && answer.status != 500,
                "\(method) \(target) \(body): \(answer.text)")
            writer.close()
        }
        #expect(await plane.call(.GET, "/readyz").status == 200)
    }

    @Test func bodiesAreBounded() async throws {
        let plane = try await ControlPlane()
        let large = [UInt8](repeating: 0x20, count: (3 << 20) + 1)
        let answer = await plane.call(.POST, Self.maps, bytes: large, type: "application/json")
        #expect(answer.status == 413)
        #expect(answer.reason == "RequestEntityTooLarge")
    }

    @Test func unknownFields() async throws {
        let plane = try await ControlPlane()
        var body = configMap("one")
        body["extra"] = 1
        let strict = await plane.call(.POST, "\(Self.maps)?fieldValidation=Strict", body)
        #expect(strict.status == 400)
        #expect(strict.message.contains("strict decoding error: unknown field \"extra\""))
        let warned = await plane.call(.POST, Self.maps, body)
        #expect(warned.status == 201)
        #expect(warned.headers["warning"] == ["299 - \"unknown field \\\"extra\\\"\""])
        #expect(warned.json["extra"] == nil)
        body["metadata"] = ["name": "two"]
        let ignored = await plane.call(.POST, "\(Self.maps)?fieldValidation=Ignore", body)
        #expect(ignored.headers["warning"].isEmpty)
    }

    @Test func namespacesMustBeThere() async throws {
        let plane = try await ControlPlane()
        let missing = await plane.call(.POST, "/api/v1/namespaces/none/configmaps", configMap("one"))
        #expect(missing.status == 404)
        #expect(missing.message == "namespaces \"none\" not found")
        await plane.call(
            .POST, "/api/v1/namespaces", ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"]])
        let marked = await plane.call(.DELETE, "/api/v1/namespaces/n")
        #expect(marked.json[path: "status", "phase"] == "Terminating")
        let late = await plane.call(.POST, "/api/v1/namespaces/n/configmaps", configMap("one"))
        #expect(late.status == 403)
        #expect(late.message.contains("because it is being terminated"))
        #expect(late.json[path: "details", "causes"]?[0]?["reason"] == "NamespaceTerminating")
        var done = marked.json
        done["spec"] = ["finalizers": []]
        #expect(await plane.call(.PUT, "/api/v1/namespaces/n/finalize", done).status == 200)
        #expect(await plane.call(.GET, "/api/v1/namespaces/n").status == 404)
        #expect(await plane.call(.DELETE, "/api/v1/namespaces/default").status == 403)
    }

    @Test func yamlInAndOut() async throws {
        let plane = try await ControlPlane()
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: \"1\"\n"
        let created = await plane.call(
            .POST, Self.maps, bytes: Array(text.utf8), type: "application/yaml", accept: "application/yaml")
        #expect(created.status == 201)
        #expect(created.headers.first(name: "content-type") == "application/yaml")
        #expect(created.text.contains("kind: ConfigMap"))
        let cbor = await plane.call(
            .GET, "\(Self.maps)/one", accept: "application/cbor")
        #expect(cbor.status == 406)
        let fallback = await plane.call(
            .GET, "\(Self.maps)/one", accept: "application/vnd.kubernetes.protobuf,application/json")
        #expect(fallback.status == 200)
    }

    @Test func tablesAndMetadata() async throws {
        let plane = try await ControlPlane()
        await plane.call(.POST, Self.maps, configMap("one"))
        let table = await plane.call(
            .GET, Self.maps, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        #expect(table.json["kind"] == "Table")
        #expect(table.json["rows"]?.arrayValue?.count == 1)
        #expect(table.json["rows"]?[0]?["cells"]?[0] == "one")
        let partial = await plane.call(
            .GET, Self.maps, accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
        #expect(partial.json["kind"] == "PartialObjectMetadataList")
        #expect(partial.json["items"]?[0]?["data"] == nil)
        let one = await plane.call(
            .GET, "\(Self.maps)/one", accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
        #expect(one.json["kind"] == "PartialObjectMetadata")
    }
}
