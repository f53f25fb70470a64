import JSON
import KubeTypes
import PKI
import Synchronization
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct WebhookTests {
    private static let configMaps = "/api/v1/namespaces/default/configmaps"

    private func configuration(
        _ kind: String, _ name: String, _ server: WebhookServer, path: String = "/",
        rules: JSONValue = [
            [
                "operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
            ]
        ], _ fields: JSONValue = [:]
    ) -> JSONValue {
        var webhook: JSONValue = [
            "name": .string("\(name).example.com"),
            "clientConfig": ["url": .string(server.url + path), "caBundle": server.caBundle], "rules": rules,
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 5,
        ]
        for (key, value) in fields.objectValue ?? [:] { webhook[key] = value }
        return [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": .string("\(kind)WebhookConfiguration"),
            "metadata": ["name": .string(name)], "webhooks": [webhook],
        ]
    }

    private func register(_ plane: ControlPlane, _ configuration: JSONValue) async {
        let plural = (configuration["kind"]?.stringValue ?? "").lowercased() + "s"
        let answer = await plane.call(.POST, "/apis/admissionregistration.k8s.io/v1/\(plural)", configuration)
        #expect(answer.status == 201, "\(answer.text)")
    }

    private func with(
        _ answer: @escaping WebhookServer.Answer, _ body: (ControlPlane, WebhookServer) async throws -> Void
    ) async throws {
        let server = try await WebhookServer(answer)
        let plane = try await ControlPlane()
        try await body(plane, server)
        await plane.server.registry.webhooks.shutdown()
        await server.stop()
    }

    @Test func mutatingWebhooksPatchInOrderAndDefaultsApplyAfter() async throws {
        try await with({ path, review in
            switch path {
            case "/a": WebhookServer.patch(review, [["op": "add", "path": "/data/a", "value": "1"]])
            case "/b": WebhookServer.patch(review, [["op": "copy", "from": "/data/a", "path": "/data/b"]])
            default:
                WebhookServer.patch(
                    review,
                    [
                        ["op": "add", "path": "/spec/containers/-", "value": ["name": "extra", "image": "busybox"]],
                        ["op": "add", "path": "/spec/nonsense", "value": 1],
                    ])
            }
        }) { plane, server in
            await plane.makeDefaultAccount()
            await register(plane, configuration("Mutating", "b", server, path: "/b"))
            await register(plane, configuration("Mutating", "a", server, path: "/a"))
            await register(
                plane,
                configuration(
                    "Mutating", "c", server, path: "/c",
                    rules: [
                        ["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["pods"]]
                    ]))
            let made = await plane.call(.POST, Self.configMaps, configMap("x", ["z": "0"]))
            #expect(made.status == 201, "\(made.text)")
            #expect(made.json["data"] == ["z": "0", "a": "1", "b": "1"])
            let request = server.requests[0]
            #expect(request["operation"] == "CREATE" && request["name"] == "x" && request["namespace"] == "default")
            #expect(request["kind"] == ["group": "", "version": "v1", "kind": "ConfigMap"])
            #expect(request["resource"] == ["group": "", "version": "v1", "resource": "configmaps"])
            #expect(request[path: "userInfo", "username"] == "admin" && request["oldObject"] == .null)
            #expect(request[path: "options", "kind"] == "CreateOptions" && request["dryRun"] == false)
            #expect(request[path: "object", "apiVersion"] == "v1")
            #expect(server.targets[0] == "/a?timeout=5s")
            let pod = await plane.call(.POST, "/api/v1/namespaces/default/pods", pod("p"))
            #expect(pod.status == 201, "\(pod.text)")
            let extra = pod.json[path: "spec", "containers"]?[1]
            #expect(extra?["terminationMessagePath"] == "/dev/termination-log" && extra?["imagePullPolicy"] == "Always")
            #expect(pod.json[path: "spec", "nonsense"] == nil)
            // Admission ran again over what the webhook had added.
            #expect(extra?["volumeMounts"]?[0]?["mountPath"] != nil)
        }
    }

    @Test func updatesAndDeletionsShowTheOldObjectAndAreRefused() async throws {
        try await with({ _, review in
            let request = review["request"]
            guard request?["operation"] != "CREATE", request?[path: "oldObject", "data", "locked"] == "yes" else {
                return WebhookServer.allow(review)
            }
            return WebhookServer.review(
                review,
                [
                    "allowed": false, "status": ["message": "it is locked", "code": 409, "reason": "Conflict"],
                    "warnings": ["look out"],
                ])
        }) { plane, server in
            await register(plane, configuration("Validating", "v", server))
            await plane.call(.POST, Self.configMaps, configMap("x", ["locked": "yes"]))
            let put = await plane.call(.PUT, "\(Self.configMaps)/x", configMap("x", ["locked": "no"]))
            #expect(put.status == 409 && put.reason == "Conflict")
            #expect(put.message == "admission webhook \"v.example.com\" denied the request: it is locked")
            #expect(put.headers["warning"] == ["299 - \"look out\""])
            let patch = await plane.call(
                .PATCH, "\(Self.configMaps)/x", ["data": ["locked": "no"]], type: "application/merge-patch+json")
            #expect(patch.status == 409)
            #expect(await plane.call(.DELETE, "\(Self.configMaps)/x").status == 409)
            #expect(await plane.call(.DELETE, Self.configMaps).status == 409)
            #expect(await plane.call(.GET, "\(Self.configMaps)/x").json[path: "data", "locked"] == "yes")
            let last = server.requests.last
            #expect(last?["operation"] == "DELETE" && last?["object"] == .null)
            #expect(last?[path: "options", "kind"] == "DeleteOptions")
        }
    }

    @Test func failurePolicyDecidesWhenNobodyAnswers() async throws {
        try await with({ path, review in
            switch path {
            case "/slow": nil
            case "/broken": ["httpStatus": 500]
            case "/foreign": ["apiVersion": "v1", "kind": "Nothing"]
            default: WebhookServer.allow(review)
            }
        }) { plane, server in
            func attempt(_ path: String, _ fields: JSONValue) async -> Recorded {
                await register(plane, configuration("Validating", "v", server, path: path, fields))
                let answer = await plane.call(.POST, Self.configMaps, configMap("x"))
                await plane.call(.DELETE, "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v")
                await plane.call(.DELETE, "\(Self.configMaps)/x")
                return answer
            }
            let failed = "Internal error occurred: failed calling webhook \"v.example.com\": "
            let slow = await attempt("/slow", ["timeoutSeconds": 1])
            #expect(slow.status == 500)
            #expect(
                slow.message == failed
                    + "failed to call webhook: Post \"\(server.url)/slow?timeout=1s\": context deadline exceeded")
            #expect(await attempt("/slow", ["timeoutSeconds": 1, "failurePolicy": "Ignore"]).status == 201)
            let broken = await attempt("/broken", [:])
            #expect(
                broken.status == 500
                    && broken.message.hasPrefix(failed + "failed to call webhook: an error on the server"))
            let foreign = await attempt("/foreign", [:])
            #expect(foreign.message == failed + "received invalid webhook response: webhook response was absent")
            let untrusted = await attempt(
                "/", ["clientConfig": ["url": .string(server.url), "caBundle": .string(try Self.otherAuthority())]])
            #expect(
                untrusted.message.contains("x509: certificate signed by unknown authority"), "\(untrusted.message)")
            let refused = await attempt("/", ["clientConfig": ["url": "https://127.0.0.1:1/x"]])
            #expect(refused.message.contains("connection refused"), "\(refused.message)")
            #expect(await attempt("/", [:]).status == 201)
        }
    }

    private static func otherAuthority() throws -> String {
        TestBase64.encode(try CertificateAuthority.create(commonName: "other").certificatePEM)
    }

    @Test func servicesAreReachedUnderTheirOwnName() async throws {
        try await with({ _, review in WebhookServer.allow(review) }) { plane, server in
            await plane.call(
                .POST, "/api/v1/namespaces/default/services",
                [
                    "apiVersion": "v1", "kind": "Service", "metadata": ["name": "hook"],
                    "spec": ["type": "ExternalName", "externalName": "localhost"],
                ])
            let reference: JSONValue = [
                "namespace": "default", "name": "hook", "path": "/deep/path", "port": .integer(Int64(server.port)),
            ]
            await register(
                plane,
                configuration(
                    "Validating", "v", server,
                    ["clientConfig": ["service": reference, "caBundle": server.caBundle]]))
            let made = await plane.call(.POST, Self.configMaps, configMap("x"))
            #expect(made.status == 201, "\(made.text)")
            #expect(server.targets == ["/deep/path?timeout=5s"])
            await plane.call(.DELETE, "/api/v1/namespaces/default/services/hook")
            let lost = await plane.call(.POST, Self.configMaps, configMap("y"))
            #expect(
                lost.message.contains(
                    "Post \"https://hook.default.svc:\(server.port)/deep/path?timeout=5s\": service \"hook\" not found")
            )
        }
    }

    @Test func selectorsRulesAndMatchPolicyDecideWhoIsAsked() async throws {
        try await with({ _, review in WebhookServer.allow(review) }) { plane, server in
            await plane.call(
                .POST, "/api/v1/namespaces",
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "other", "labels": ["skip": "yes"]]])
            await register(
                plane,
                configuration(
                    "Validating", "v", server,
                    [
                        "namespaceSelector": [
                            "matchExpressions": [["key": "skip", "operator": "DoesNotExist"]]
                        ], "objectSelector": ["matchLabels": ["on": "1"]],
                    ]))
            await plane.call(.POST, Self.configMaps, configMap("plain"))
            await plane.call(.POST, "/api/v1/namespaces/other/configmaps", configMap("skipped", labels: ["on": "1"]))
            #expect(server.requests.isEmpty)
            await plane.call(.POST, Self.configMaps, configMap("asked", labels: ["on": "1"]))
            #expect(server.requests.map { $0["name"] } == ["asked"])

            func rule(_ version: String, _ resources: JSONValue) -> JSONValue {
                [
                    [
                        "operations": ["UPDATE", "CREATE"], "apiGroups": ["apps"], "apiVersions": [.string(version)],
                        "resources": resources, "scope": "Namespaced",
                    ]
                ]
            }
            await register(
                plane,
                configuration("Validating", "exact", server, rules: rule("v1beta1", ["*"]), ["matchPolicy": "Exact"]))
            await register(
                plane, configuration("Validating", "scales", server, rules: rule("v1", ["*/scale"])))
            await plane.call(.POST, "/apis/apps/v1/namespaces/default/deployments", deployment("d"))
            #expect(server.requests.count == 1)
            await register(
                plane, configuration("Validating", "any", server, rules: rule("v1beta1", ["deployments"])))
            let made = await plane.call(.POST, "/apis/apps/v1/namespaces/default/deployments", deployment("e"))
            #expect(made.status == 201, "\(made.text)")
            let equivalent = server.requests.last
            #expect(equivalent?[path: "kind", "version"] == "v1beta1")
            #expect(equivalent?[path: "requestKind", "version"] == "v1")
            #expect(equivalent?[path: "object", "apiVersion"] == "apps/v1beta1")
            await plane.call(
                .PATCH, "/apis/apps/v1/namespaces/default/deployments/d/scale", ["spec": ["replicas": 5]],
                type: "application/merge-patch+json")
            let scale = server.requests.last
            #expect(scale?["subResource"] == "scale" && scale?[path: "object", "kind"] == "Scale")
            #expect(scale?[path: "kind", "group"] == "autoscaling")
            #expect(scale?[path: "oldObject", "spec", "replicas"] == 2)
        }
    }

    @Test func dryRunSparesWebhooksWithSideEffects() async throws {
        try await with({ _, review in WebhookServer.allow(review) }) { plane, server in
            await register(plane, configuration("Validating", "v", server, ["sideEffects": "None"]))
            #expect(await plane.call(.POST, "\(Self.configMaps)?dryRun=All", configMap("x")).status == 201)
            #expect(server.requests.map { $0["dryRun"] } == [true])
            #expect(await plane.call(.GET, "\(Self.configMaps)/x").status == 404)
        }
    }

    @Test func laterChangesReinvokeWhoWantsIt() async throws {
        let calls = Mutex<[String]>([])
        try await with({ path, review in
            calls.withLock { $0.append(path) }
            let data = review[path: "request", "object", "data"]
            switch path {
            case "/count":
                let count = Int(data?["count"]?.stringValue ?? "0") ?? 0
                return WebhookServer.patch(
                    review, [["op": "add", "path": "/data/count", "value": .string(String(count + 1))]])
            default:
                if data?["late"] != nil { return WebhookServer.allow(review) }
                return WebhookServer.patch(review, [["op": "add", "path": "/data/late", "value": "1"]])
            }
        }) { plane, server in
            await register(
                plane,
                configuration("Mutating", "a", server, path: "/count", ["reinvocationPolicy": "IfNeeded"]))
            await register(plane, configuration("Mutating", "b", server, path: "/late"))
            let made = await plane.call(.POST, Self.configMaps, configMap("x"))
            #expect(made.json["data"] == ["a": "1", "count": "2", "late": "1"], "\(made.text)")
            #expect(calls.withLock { $0 } == ["/count", "/late", "/count"])
        }
    }

    @Test func subresourcesAndCollectionsAndConnectionsAreAskedAbout() async throws {
        try await with({ _, review in
            let request = review["request"]
            let isExec = request?["operation"] == "CONNECT" && request?[path: "object", "stdin"] == true
            return isExec
                ? WebhookServer.review(review, ["allowed": false, "status": ["message": "no shells"]])
                : WebhookServer.allow(review)
        }) { plane, server in
            await plane.makeDefaultAccount()
            await plane.call(.POST, "/api/v1/namespaces/default/pods", pod("p"))
            await plane.call(.POST, "/apis/apps/v1/namespaces/default/deployments", deployment("d"))
            await plane.call(.POST, Self.configMaps, configMap("x", labels: ["app": "y"]))
            await register(
                plane,
                configuration(
                    "Validating", "v", server,
                    rules: [
                        [
                            "operations": ["*"], "apiGroups": ["", "apps"], "apiVersions": ["*"],
                            "resources": ["pods/*", "*/status", "configmaps"],
                        ]
                    ], ["admissionReviewVersions": ["v2", "v1beta1"]]))
            var status = await plane.call(.GET, "/apis/apps/v1/namespaces/default/deployments/d").json
            status["status"] = ["replicas": 1]
            await plane.call(.PUT, "/apis/apps/v1/namespaces/default/deployments/d/status", status)
            #expect(server.requests.map { $0["subResource"] } == ["status"])
            #expect(server.requests.last?[path: "object", "status", "replicas"] == 1)
            let evicted = await plane.call(
                .POST, "/api/v1/namespaces/default/pods/p/eviction",
                ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]])
            #expect(evicted.status == 201, "\(evicted.text)")
            let eviction = server.requests.last
            #expect(eviction?["subResource"] == "eviction" && eviction?[path: "kind", "kind"] == "Eviction")
            #expect(await plane.call(.DELETE, "\(Self.configMaps)?labelSelector=app%3Dy").status == 200)
            let deletion = server.requests.last
            #expect(deletion?["operation"] == "DELETE" && deletion?["name"] == nil)
            #expect(deletion?[path: "oldObject", "metadata", "name"] == "x")

            let api = plane.server
            var request = try api.resolve(
                user: .init(name: "admin"), verb: .create, group: "", version: "v1", resource: "pods",
                subresource: "exec", namespace: "default", name: "p")
            request.verb = .create
            let exec = request
            let outcome: Result<Void, APIError> = await withCheckedContinuation { continuation in
                api.registry.admitConnect(
                    exec, options: ["kind": "PodExecOptions", "apiVersion": "v1", "stdin": true, "command": ["sh"]]
                ) { continuation.resume(returning: $0) }
            }
            guard case .failure(let error) = outcome else {
                Issue.record("the connection was admitted")
                return
            }
            #expect(error.message == "admission webhook \"v.example.com\" denied the request: no shells")
            #expect(server.requests.last?[path: "kind", "kind"] == "PodExecOptions")
        }
    }

    @Test func configurationsThemselvesAreExempt() async throws {
        try await with({ _, review in WebhookServer.review(review, ["allowed": false]) }) { plane, server in
            let everything: JSONValue = [
                ["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]]
            ]
            await register(plane, configuration("Validating", "v", server, rules: everything))
            await register(plane, configuration("Validating", "w", server, rules: everything))
            let refused = await plane.call(.POST, Self.configMaps, configMap("x"))
            #expect(
                refused.status == 400
                    && refused.message == "admission webhook \"v.example.com\" denied the request without explanation")
            let gone = await plane.call(
                .DELETE, "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v")
            #expect(gone.status == 200)
        }
    }

    @Test func resolutionPrefersReadyEndpoints() throws {
        struct Lookup: ObjectLookup {
            let slices: [JSONValue]
            func object(group: String, resource: String, namespace: String, name: String) -> CachedObject? {
                guard resource == "services", name == "s" else { return nil }
                return Self.cached([
                    "metadata": ["name": "s"],
                    "spec": ["clusterIP": "10.96.0.9", "ports": [["port": 443, "name": "https"]]],
                ])
            }
            func objects(group: String, resource: String, namespace: String?) -> [CachedObject] {
                resource == "endpointslices" ? slices.map(Self.cached) : []
            }
            func generation(group: String, resource: String) -> Int64 { 0 }
            static func cached(_ value: JSONValue) -> CachedObject {
                CachedObject(
                    key: ObjectKey(name: value.name), bytes: JSONWriter.bytes(of: value), revision: 1)
            }
        }
        let slice: JSONValue = [
            "metadata": ["name": "s-1", "labels": ["kubernetes.io/service-name": "s"]],
            "ports": [["name": "https", "port": 8443]],
            "endpoints": [
                ["addresses": ["10.0.0.1"], "conditions": ["ready": false]],
                ["addresses": ["10.0.0.2"], "conditions": ["ready": true]],
            ],
        ]
        let found = try ServiceResolver(Lookup(slices: [slice])).resolve(namespace: "n", name: "s", port: 443)
        #expect(found == ResolvedService(host: "10.0.0.2", port: 8443, serverName: "s.n.svc"))
        let none = try ServiceResolver(Lookup(slices: [])).resolve(namespace: "n", name: "s", port: 443)
        #expect(none == ResolvedService(host: "10.96.0.9", port: 443, serverName: "s.n.svc"))
        #expect(throws: ServiceResolutionError.self) {
            _ = try ServiceResolver(Lookup(slices: [])).resolve(namespace: "n", name: "s", port: 80)
        }
    }
}
