// Reviews of access, rules and tokens, TokenRequests, and what is wrong with them.

import JSON
import KubeTypes
import NIOHTTP1
import PKI
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct AuthReviewTests {
    private func review(
        _ plane: ControlPlane, _ kind: String, _ spec: JSONValue, metadata: JSONValue = [:], namespace: String = "",
        token: String = "admin"
    ) async -> Recorded {
        let plural = kind.lowercased() + "s"
        let group = kind.hasPrefix("Token") || kind == "SelfSubjectReview" ? "authentication" : "authorization"
        let place = namespace.isEmpty ? plural : "namespaces/\(namespace)/\(plural)"
        return await plane.call(
            .POST, "/apis/\(group).k8s.io/v1/\(place)",
            [
                "apiVersion": .string("\(group).k8s.io/v1"), "kind": .string(kind), "metadata": metadata, "spec": spec,
            ], token: token)
    }

    @Test func whatIsWrongWithAReview() async throws {
        let plane = try await ControlPlane()
        let resource: JSONValue = ["verb": "list", "resource": "pods", "namespace": "default"]
        let cases: [(String, JSONValue, JSONValue, [String])] = [
            ("SelfSubjectAccessReview", [:], [:], ["spec.resourceAttributes"]),
            (
                "SelfSubjectAccessReview",
                ["resourceAttributes": resource, "nonResourceAttributes": ["verb": "get", "path": "/"]], [:],
                ["spec.nonResourceAttributes"]
            ),
            ("SubjectAccessReview", ["resourceAttributes": resource], [:], ["spec.user"]),
            ("SelfSubjectAccessReview", ["resourceAttributes": resource], ["name": "x"], ["metadata"]),
            ("LocalSubjectAccessReview", ["resourceAttributes": resource, "user": "x"], [:], []),
            (
                "LocalSubjectAccessReview",
                ["resourceAttributes": ["verb": "get", "namespace": "other"], "user": "x"],
                [:], ["spec.resourceAttributes.namespace"]
            ),
            (
                "LocalSubjectAccessReview", ["nonResourceAttributes": ["verb": "get", "path": "/"], "user": "x"], [:],
                ["spec.nonResourceAttributes"]
            ),
            (
                "SelfSubjectAccessReview", ["resourceAttributes": ["verb": "list", "fieldSelector": [:]]], [:],
                ["spec.resourceAttributes.fieldSelector.requirements"]
            ),
            (
                "SelfSubjectAccessReview",
                [
                    "resourceAttributes": [
                        "verb": "list",
                        "labelSelector": [
                            "rawSelector": "a=b", "requirements": [["key": "a", "operator": "In"]],
                        ],
                    ]
                ], [:],
                [
                    "spec.resourceAttributes.labelSelector.rawSelector",
                    "spec.resourceAttributes.labelSelector.requirements[0].values",
                ]
            ),
        ]
        for (kind, spec, metadata, fields) in cases {
            let answer = await review(
                plane, kind, spec, metadata: metadata, namespace: kind.hasPrefix("Local") ? "default" : "")
            #expect(answer.status == (fields.isEmpty ? 201 : 422), "\(kind): \(answer.text)")
            #expect(answer.causes == fields)
        }
    }

    @Test func selectorsCount() async throws {
        let plane = try await ControlPlane()
        func ask(_ selector: JSONValue) async -> JSONValue {
            await review(
                plane, "SubjectAccessReview",
                [
                    "user": "system:node:n1", "groups": ["system:nodes"],
                    "resourceAttributes": ["verb": "list", "resource": "pods", "fieldSelector": selector],
                ]
            ).json["status"] ?? [:]
        }
        #expect(await ask(["rawSelector": "spec.nodeName=n1"])["allowed"] == true)
        #expect(
            await ask(["requirements": [["key": "spec.nodeName", "operator": "In", "values": ["n1"]]]])["allowed"]
                == true)
        let other = await ask(["rawSelector": "spec.nodeName=n2"])
        #expect(other["allowed"] == false)
        #expect(other["reason"] == "can only list/watch pods with spec.nodeName field selector")
        let broken = await ask(["rawSelector": "x"])
        #expect(broken["evaluationError"] == "spec.resourceAttributes.fieldSelector ignored due to parse error")
        let partly = await ask([
            "requirements": [
                ["key": "spec.nodeName", "operator": "In", "values": ["n1"]], ["key": "x", "operator": "Exists"],
            ]
        ])
        #expect(partly["allowed"] == true)
        #expect(
            partly["evaluationError"] == "spec.resourceAttributes.fieldSelector partially ignored due to parse error")
    }

    @Test func listsOfNodesAreTheirOwn() async throws {
        let plane = try await ControlPlane()
        let headers = [("Impersonate-User", "system:node:n1"), ("Impersonate-Group", "system:nodes")]
        for (path, status) in [
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", 200), ("/api/v1/pods", 403),
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", 403),
            ("/api/v1/nodes?fieldSelector=metadata.name%3Dn1", 200), ("/api/v1/nodes", 403),
            ("/api/v1/secrets", 403), ("/api/v1/persistentvolumeclaims", 403),
        ] {
            #expect(await plane.call(.GET, path, headers: headers).status == status, "\(path)")
        }
    }

    /// What a node does for the network needs more than the node itself may see, but no secrets.
    @Test func networksOfNodesSeeAllPods() async throws {
        let plane = try await ControlPlane()
        let headers = [
            ("Impersonate-User", "system:martlet:network:n1"), ("Impersonate-Group", "system:martlet:networks"),
        ]
        for (path, status) in [
            ("/api/v1/pods", 200), ("/api/v1/nodes", 200), ("/api/v1/services", 200), ("/api/v1/namespaces", 200),
            ("/apis/discovery.k8s.io/v1/endpointslices", 200), ("/apis/networking.k8s.io/v1/networkpolicies", 200),
            ("/api/v1/secrets", 403), ("/api/v1/configmaps", 403),
        ] {
            #expect(await plane.call(.GET, path, headers: headers).status == status, "\(path)")
        }
    }

    @Test func rules() async throws {
        let plane = try await ControlPlane()
        let own = await review(plane, "SelfSubjectRulesReview", ["namespace": "default"], token: "nobody")
        #expect(own.status == 201)
        #expect(own.json[path: "status", "incomplete"] == false)
        let resources = own.json[path: "status", "resourceRules"]?.arrayValue ?? []
        #expect(resources.contains { $0["resources"] == ["selfsubjectreviews"] })
        #expect(await review(plane, "SelfSubjectRulesReview", [:]).message == "no namespace on request")
        let node = await plane.call(
            .POST, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            [
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                "spec": ["namespace": "default"],
            ], headers: [("Impersonate-User", "system:node:n1"), ("Impersonate-Group", "system:nodes")])
        #expect(node.json[path: "status", "incomplete"] == true)
        #expect(
            node.json[path: "status", "evaluationError"] == "node authorizer does not support user rule resolution")
    }

    @Test func bindingsToNothingSayWhy() async throws {
        let plane = try await ControlPlane()
        await plane.call(
            .POST, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "b"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gone"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"]],
            ])
        let answer = await plane.call(.GET, "/api/v1/namespaces/default/pods", token: "nobody")
        #expect(answer.message.hasSuffix(": RBAC: role.rbac.authorization.k8s.io \"gone\" not found"))
    }

    @Test func tokensAreForTheirAudience() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        func request(_ spec: JSONValue, metadata: JSONValue = [:]) async -> Recorded {
            await plane.call(
                .POST, path,
                [
                    "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": metadata,
                    "spec": spec,
                ])
        }
        let issued = await request(["audiences": ["vault", "other"]])
        let token = issued.json[path: "status", "token"] ?? ""
        let reviewed = await review(plane, "TokenReview", ["token": token, "audiences": ["x", "vault"]])
        #expect(reviewed.json[path: "status", "audiences"] == ["vault"])
        let wrong = await review(plane, "TokenReview", ["token": token])
        #expect(wrong.json[path: "status", "authenticated"] == nil)
        #expect(
            wrong.json[path: "status", "error"]?.stringValue?.hasPrefix(
                "token audiences [\"vault\" \"other\"] is invalid")
                == true)
        #expect(
            await review(plane, "TokenReview", ["token": "x"]).json[path: "status", "error"] == "invalid bearer token")
        #expect(await review(plane, "TokenReview", [:]).status == 400)
        // A static token is for the API server alone.
        let other = await review(plane, "TokenReview", ["token": "nobody", "audiences": ["vault"]])
        #expect(other.json[path: "status", "authenticated"] == nil)
        let own = await review(plane, "TokenReview", ["token": "nobody"])
        #expect(own.json[path: "status", "audiences"] == [.string(APIServerConfiguration().serviceAccountIssuer)])
        for (spec, metadata, status, text) in [
            (["expirationSeconds": 599], [:], 422, "may not specify a duration less than 10 minutes"),
            (["expirationSeconds": 4_294_967_297], [:], 422, "may not specify a duration larger than 2^32 seconds"),
            ([:], ["name": "x"], 422, "must match the service account name if specified"),
            ([:], ["uid": "x"], 409, "the UID in the token request (x) does not match"),
            (["boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "x"]], [:], 404, "pods \"x\" not found"),
            (
                ["boundObjectRef": ["kind": "ConfigMap", "apiVersion": "v1", "name": "x"]], [:], 400,
                "cannot bind token to object of type /v1, Kind=ConfigMap"
            ),
        ] as [(JSONValue, JSONValue, Int, String)] {
            let answer = await request(spec, metadata: metadata)
            #expect(answer.status == status)
            #expect(answer.message.contains(text), "\(answer.message)")
        }
    }

    @Test func boundTokens() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        var web = pod("web")
        web["spec"]?["nodeName"] = "n1"
        let made = await plane.call(.POST, "/api/v1/namespaces/default/pods", web)
        func request(_ spec: JSONValue) async -> Recorded {
            await plane.call(
                .POST, "/api/v1/namespaces/default/serviceaccounts/default/token",
                ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec])
        }
        let uid = made.json.uid
        let wrong = await request([
            "boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "other"]
        ])
        #expect(wrong.status == 409)
        // A projected token lives longer than it says.
        let issued = await request([
            "expirationSeconds": 3607,
            "boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "web", "uid": .string(uid)],
        ])
        #expect(issued.json[path: "spec", "expirationSeconds"] == 3607)
        let token = try #require(issued.json[path: "status", "token"]?.stringValue)
        let claims = try #require(JSONWebToken(token)).claims
        let lifetime = (claims["exp"]?.integerValue ?? 0) - (claims["iat"]?.integerValue ?? 0)
        #expect(lifetime == 365 * 24 * 3600)
        #expect(claims[path: "kubernetes.io", "node", "name"] == "n1")
        let who = await plane.call(
            .POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"], token: token)
        let extra = who.json[path: "status", "userInfo", "extra"]
        #expect(extra?["authentication.kubernetes.io/pod-uid"] == [.string(uid)])
        #expect(extra?["authentication.kubernetes.io/node-name"] == ["n1"])
        #expect(
            extra?["authentication.kubernetes.io/credential-id"] == [.string("JTI=\(claims["jti"]?.stringValue ?? "")")]
        )
        await plane.call(.DELETE, "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0")
        #expect(await plane.call(.GET, "/api", token: token).status == 401)
        let gone = await review(plane, "TokenReview", ["token": .string(token)])
        #expect(gone.json[path: "status", "error"] == "service account token has been invalidated")
    }

    @Test func grantsNameWhatIsMissing() async throws {
        let plane = try await ControlPlane()
        let path = "/apis/rbac.authorization.k8s.io/v1"
        func object(_ kind: String, _ name: String, _ rest: JSONObject) -> JSONValue {
            var object = rest
            object["apiVersion"] = "rbac.authorization.k8s.io/v1"
            object["kind"] = .string(kind)
            object["metadata"] = ["name": .string(name)]
            return .object(object)
        }
        await plane.call(
            .POST, "\(path)/clusterroles",
            object(
                "ClusterRole", "writer",
                [
                    "rules": [
                        [
                            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"],
                            "verbs": ["create", "update"],
                        ],
                        [
                            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"],
                            "verbs": ["bind"], "resourceNames": ["view"],
                        ],
                    ]
                ]))
        func binding(_ name: String, _ role: String, _ user: String) -> JSONValue {
            object(
                "ClusterRoleBinding", name,
                [
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
                    "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(user)]],
                ])
        }
        await plane.call(.POST, "\(path)/clusterrolebindings", binding("w", "writer", "nobody"))
        let more = await plane.call(
            .POST, "\(path)/clusterroles",
            object(
                "ClusterRole", "more",
                [
                    "rules": [
                        ["apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]],
                        ["nonResourceURLs": ["/x"], "verbs": ["get"]],
                    ]
                ]), token: "nobody")
        #expect(
            more.message == """
                clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "nobody" (groups=["system:authenticated"]) \
                is attempting to grant RBAC permissions not currently held:
                {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
                {APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}
                {NonResourceURLs:["/x"], Verbs:["get"]}
                """)
        let aggregate = await plane.call(
            .POST, "\(path)/clusterroles",
            object("ClusterRole", "a", ["aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["a": "b"]]]]]),
            token: "nobody")
        #expect(aggregate.message.hasSuffix("must have cluster-admin privileges to use the aggregationRule"))
        // Bound by name, without having its rules.
        let bound = await plane.call(
            .POST, "\(path)/clusterrolebindings", binding("v", "view", "x"), token: "nobody")
        #expect(bound.status == 201, "\(bound.text)")
        let edit = await plane.call(.POST, "\(path)/clusterrolebindings", binding("e", "edit", "x"), token: "nobody")
        #expect(edit.status == 403)
        let gone = await plane.call(.POST, "\(path)/clusterrolebindings", binding("g", "gone", "x"), token: "nobody")
        #expect(gone.status == 404)
        #expect(gone.message == "clusterroles.rbac.authorization.k8s.io \"gone\" not found")
    }
}
