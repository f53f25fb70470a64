// Who may do what, reviews, tokens, and the paths that are no resources.

import HTTPServer
import JSON
import KubeTypes
import NIOHTTP1
import Synchronization
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
    @Test func credentials() async throws {
        let plane = try await ControlPlane()
        let wrong = await plane.call(.GET, "/api/v1/pods", token: "wrong")
        #expect(wrong.status == 401)
        #expect(wrong.reason == "Unauthorized")
        let nobody = await plane.call(.GET, "/api/v1/namespaces/default/pods", token: "nobody")
        #expect(nobody.status == 403)
        #expect(
            nobody.message
                == "pods is forbidden: User \"nobody\" cannot list resource \"pods\" in API group \"\" in the namespace "
                + "\"default\"")
        // Anonymous requests are for the health paths alone.
        for path in ["/api/v1/nodes/n1", "/version", "/healthz/ping", "/"] {
            #expect(await plane.call(.GET, path, token: nil).status == 401)
        }
        let path = await plane.call(.GET, "/metrics", token: "nobody")
        #expect(path.status == 403)
        #expect(path.message == "forbidden: User \"nobody\" cannot get path \"/metrics\"")
        for path in ["/healthz", "/livez", "/readyz?verbose"] {
            #expect(await plane.call(.GET, path, token: nil).status == 200)
        }
    }

    @Test func rolesCount() async throws {
        let plane = try await ControlPlane()
        await plane.call(
            .POST, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "b"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"]],
            ])
        #expect(await plane.call(.GET, "/api/v1/namespaces/default/pods", token: "nobody").status == 200)
        #expect(await plane.call(.GET, "/api/v1/namespaces/kube-system/pods", token: "nobody").status == 403)
        #expect(
            await plane.call(.POST, "/api/v1/namespaces/default/configmaps", configMap("x"), token: "nobody").status
                == 403)
        // The same without HTTP.
        let api = plane.server.inProcess(as: UserInfo(name: "nobody"))
        await #expect(throws: APIError.self) {
            _ = try await api.call(
                APICall(
                    verb: "create", group: "", version: "v1", resource: "configmaps", namespace: "default",
                    body: configMap("x")))
        }
        let list = try await api.call(
            APICall(verb: "list", apiVersion: "v1", resource: "pods", namespace: "default"))
        #expect(list["kind"] == "PodList")
    }

    @Test func nobodyHandsOutMoreThanHeHas() async throws {
        let plane = try await ControlPlane()
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        func object(_ kind: String, _ name: String, _ fields: JSONObject) -> JSONValue {
            var object: JSONValue = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind),
                "metadata": ["name": .string(name)],
            ]
            for (key, value) in fields { object[key] = value }
            return object
        }
        func role(_ name: String, _ resource: String) -> JSONValue {
            object("Role", name, ["rules": [["apiGroups": [""], "resources": [.string(resource)], "verbs": ["get"]]]])
        }
        func binding(_ name: String, _ role: String) -> JSONValue {
            object(
                "RoleBinding", name,
                [
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": .string(role)],
                    "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"]],
                ])
        }
        await plane.call(
            .POST, "\(rbac)/roles",
            object(
                "Role", "writer",
                [
                    "rules": [
                        ["apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["create"]],
                        ["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]],
                    ]
                ]))
        await plane.call(.POST, "\(rbac)/roles", role("secrets", "secrets"))
        #expect(await plane.call(.POST, "\(rbac)/rolebindings", binding("writer", "writer")).status == 201)
        #expect(await plane.call(.POST, "\(rbac)/roles", role("pods", "pods"), token: "nobody").status == 201)
        let more = await plane.call(.POST, "\(rbac)/roles", role("more", "secrets"), token: "nobody")
        #expect(more.status == 403)
        #expect(more.message.contains("is attempting to grant RBAC permissions not currently held"))
        #expect(await plane.call(.POST, "\(rbac)/rolebindings", binding("b", "pods"), token: "nobody").status == 201)
        let bound = await plane.call(.POST, "\(rbac)/rolebindings", binding("c", "secrets"), token: "nobody")
        #expect(bound.status == 403)
    }

    @Test func accessReviews() async throws {
        let plane = try await ControlPlane()
        func review(_ kind: String, _ spec: JSONValue, _ path: String, token: String = "admin") async -> Recorded {
            await plane.call(
                .POST, "/apis/authorization.k8s.io/v1/\(path)",
                ["apiVersion": "authorization.k8s.io/v1", "kind": .string(kind), "spec": spec], token: token)
        }
        let pods: JSONValue = ["resourceAttributes": ["verb": "list", "resource": "pods", "namespace": "default"]]
        let own = await review("SelfSubjectAccessReview", pods, "selfsubjectaccessreviews")
        #expect(own.status == 201, "\(own.text)")
        #expect(own.json[path: "status", "allowed"] == true)
        let denied = await review("SelfSubjectAccessReview", pods, "selfsubjectaccessreviews", token: "nobody")
        #expect(denied.json[path: "status", "allowed"] == false, "\(denied.text)")
        var other = pods
        other["user"] = "nobody"
        let about = await review("SubjectAccessReview", other, "subjectaccessreviews")
        #expect(about.json[path: "status", "allowed"] == false)
        let rules = await review("SelfSubjectRulesReview", ["namespace": "default"], "selfsubjectrulesreviews")
        #expect(rules.json[path: "status", "resourceRules"]?.arrayValue?.isEmpty == false)
        let who = await plane.call(
            .POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"])
        #expect(who.json[path: "status", "userInfo", "username"] == "admin")
    }

    @Test func serviceAccountTokens() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        let request: JSONValue = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 600],
        ]
        let issued = await plane.call(
            .POST, "/api/v1/namespaces/default/serviceaccounts/default/token", request)
        #expect(issued.status == 201, "\(issued.text)")
        let token = try #require(issued.json[path: "status", "token"]?.stringValue)
        let used = await plane.call(.GET, "/api/v1/namespaces/default/pods", token: token)
        #expect(used.status == 403)
        #expect(used.message.contains("system:serviceaccount:default:default"))
        let review = await plane.call(
            .POST, "/apis/authentication.k8s.io/v1/tokenreviews",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": ["token": .string(token)]])
        #expect(review.json[path: "status", "authenticated"] == true)
        #expect(review.json[path: "status", "user", "username"] == "system:serviceaccount:default:default")
        var short = request
        short["spec"] = ["expirationSeconds": 5]
        let refused = await plane.call(
            .POST, "/api/v1/namespaces/default/serviceaccounts/default/token", short)
        #expect(refused.status == 422)
        await plane.call(.DELETE, "/api/v1/namespaces/default/serviceaccounts/default")
        #expect(await plane.call(.GET, "/api/v1/pods", token: token).status == 401)
    }

    @Test(arguments: [
        ("/healthz", "ok"), ("/livez", "ok"), ("/readyz", "ok"), ("/readyz/ping", "ok"),
        ("/readyz?verbose", "readyz check passed"), ("/version", "v1.36.0+martlet"), ("/api", "APIVersions"),
        ("/apis", "APIGroupList"), ("/api/v1", "APIResourceList"), ("/apis/apps", "APIGroup"),
        ("/apis/apps/v1", "APIResourceList"), ("/openapi/v3", "apis/apps/v1"), ("/openapi/v2", "swagger"),
        ("/openapi/v3/apis/apps/v1", "io.k8s.api.apps.v1.Deployment"), ("/metrics", "apiserver_request_total"),
        ("/.well-known/openid-configuration", "jwks_uri"), ("/openid/v1/jwks", "P-256"), ("/", "/readyz"),
    ])
    func paths(_ path: String, _ expected: String) async throws {
        let plane = try await ControlPlane()
        let answer = await plane.call(.GET, path)
        #expect(answer.status == 200)
        #expect(answer.text.contains(expected))
    }

    @Test func aggregatedDiscoveryAndTags() async throws {
        let plane = try await ControlPlane()
        let accept =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
            + "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        let groups = await plane.call(.GET, "/apis", accept: accept)
        #expect(groups.json["kind"] == "APIGroupDiscoveryList")
        #expect(groups.headers.first(name: "content-type")?.contains("v=v2;") == true)
        let tag = try #require(groups.headers.first(name: "etag"))
        let unchanged = await plane.call(.GET, "/apis", accept: accept, headers: [("if-none-match", tag)])
        #expect(unchanged.status == 304)
        #expect(unchanged.body.isEmpty)
    }

    @Test func unknownPathsAreNotFound() async throws {
        let plane = try await ControlPlane()
        for path in ["/foo", "/apis/none.example.com/v1/foos", "/apis/none.example.com", "/openapi/v9"] {
            let answer = await plane.call(.GET, path)
            #expect(answer.status == 404)
            #expect(answer.text == "404 page not found\n")
        }
    }

    @Test func logsGoToTheKubelet() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        let path = "/api/v1/namespaces/default/pods"
        await plane.call(.POST, path, pod("web"))
        let unbound = await plane.call(.GET, "\(path)/web/log")
        #expect(unbound.status == 400)
        #expect(unbound.message == "pod web does not have a host assigned")
        let wrong = await plane.call(.GET, "\(path)/web/log?container=x")
        #expect(wrong.message == "container x is not valid for pod web")
        #expect(await plane.call(.GET, "\(path)/web/log?tailLines=-1").status == 422)
        #expect(await plane.call(.GET, "\(path)/none/log").status == 404)
    }

    @Test func eventsExpire() async throws {
        let offset = Box(0)
        let plane = try await ControlPlane { configuration in
            configuration.now = { [offset] in SystemClock.now().adding(seconds: offset.value) }
        }
        let path = "/api/v1/namespaces/default/events"
        func create(_ name: String) async {
            let time = SystemClock.now().adding(seconds: offset.value).field
            let created = await plane.call(
                .POST, path,
                [
                    "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name), "namespace": "default"],
                    "involvedObject": ["kind": "Pod", "namespace": "default", "name": "x"], "reason": "Tested",
                    "type": "Normal", "firstTimestamp": time, "lastTimestamp": time,
                ])
            #expect(created.status == 201, "\(created.text)")
        }
        await create("old")
        offset.value = 3500
        await create("new")
        offset.value = 3700
        let watch = plane.begin(.GET, "\(path)?watch=1&resourceVersion=\(plane.store.revision)")
        plane.server.expireEvents()
        #expect(await watch.events(1).eventSummary == ["DELETED old"])
        watch.close()
        let left = await plane.call(.GET, path)
        #expect(left.json["items"]?.arrayValue?.map(\.name) == ["new"])
    }
}

/// A value that tests change while others read it.
final class Box<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>

    init(_ value: Value) { stored = Mutex(value) }

    var value: Value {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}
