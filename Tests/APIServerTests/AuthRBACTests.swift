import JSON
import KubeTypes
import Testing

@testable import APIServer

private typealias UserInfo = APIServer.UserInfo

/// A request in a line: `verb resource[/subresource][.group] [namespace[/name]]`, or `verb /path`.
private func attributes(_ user: UserInfo, _ line: String) -> AuthorizationAttributes {
    let words = line.split(separator: " ").map(String.init)
    var attributes = AuthorizationAttributes(user: user, verb: words[0])
    if words[1].hasPrefix("/") {
        attributes.path = words[1]
        return attributes
    }
    let parts = words[1].split(separator: ".", maxSplits: 1).map(String.init)
    let resource = parts[0].split(separator: "/", maxSplits: 1).map(String.init)
    attributes.resource = resource[0]
    if resource.count > 1 { attributes.subresource = resource[1] }
    if parts.count > 1 { attributes.group = parts[1] }
    if words.count > 2 {
        let place = words[2].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        attributes.namespace = place[0] == "-" ? "" : place[0]
        if place.count > 1 { attributes.name = place[1] }
    }
    return attributes
}

extension Authorizer {
    fileprivate func allows(_ user: UserInfo, _ line: String) -> Bool {
        if case .allow = authorize(attributes(user, line)) { true } else { false }
    }
}

private let rbac = "rbac.authorization.k8s.io"

private func role(_ kind: String, _ name: String, _ namespace: String? = nil, _ rules: [JSONValue]) -> JSONValue {
    var metadata: JSONValue = ["name": .string(name)]
    if let namespace { metadata["namespace"] = .string(namespace) }
    return ["kind": .string(kind), "metadata": metadata, "rules": .array(rules)]
}

private func binding(
    _ kind: String, _ name: String, _ namespace: String? = nil, role: (String, String), _ subjects: [JSONValue]
) -> JSONValue {
    var metadata: JSONValue = ["name": .string(name)]
    if let namespace { metadata["namespace"] = .string(namespace) }
    return [
        "kind": .string(kind), "metadata": metadata,
        "roleRef": ["apiGroup": .string(rbac), "kind": .string(role.0), "name": .string(role.1)],
        "subjects": .array(subjects),
    ]
}

@Suite struct AuthRBACTests {
    @Test(
        arguments: [
            // verbs, groups, resources, names, request, allowed
            (["get"], [""], ["pods"], [], "get pods a/x", true),
            (["get"], [""], ["pods"], [], "list pods a", false),
            (["get"], [""], ["pods"], [], "get pods/log a/x", false),
            (["get"], [""], ["pods/log"], [], "get pods/log a/x", true),
            (["get"], [""], ["pods/log"], [], "get pods a/x", false),
            (["get"], [""], ["pods/logs"], [], "get pods/log a/x", false),
            (["get"], [""], ["*/log"], [], "get pods/log a/x", true),
            (["get"], [""], ["*/log"], [], "get pods a/x", false),
            (["get"], [""], ["pods/*"], [], "get pods/log a/x", false),
            (["get"], [""], ["*"], [], "get pods/log a/x", true),
            (["get"], [""], ["*"], [], "get deployments.apps a/x", false),
            (["get"], ["*"], ["deployments"], [], "get deployments.apps a/x", true),
            (["get"], ["apps", "batch"], ["jobs"], [], "get jobs.batch a/x", true),
            (["*"], [""], ["pods"], [], "impersonate pods a/x", true),
            (["get"], [""], ["configmaps"], ["one", "two"], "get configmaps a/two", true),
            (["get"], [""], ["configmaps"], ["one", "two"], "get configmaps a/three", false),
            (["list"], [""], ["configmaps"], ["one"], "list configmaps a", false),
            (["get"], ["*"], ["*"], [], "get /metrics", false),
        ] as [([String], [String], [String], [String], String, Bool)])
    func resourceRules(
        _ verbs: [String], _ groups: [String], _ resources: [String], _ names: [String], _ request: String,
        _ allowed: Bool
    ) {
        let rule = CompiledRule(verbs: verbs, groups: groups, resources: resources, resourceNames: names)
        #expect(rule.allows(attributes(.anonymous, request)) == allowed)
    }

    @Test(arguments: [
        (["/healthz"], "get /healthz", true), (["/healthz"], "get /healthz/x", false),
        (["/healthz/*"], "get /healthz/x", true), (["/healthz/*"], "get /healthz", false),
        (["/heal*"], "get /healthz", true), (["*"], "get /anything", true), (["/healthz"], "post /healthz", false),
        (["*"], "get pods a", false),
    ])
    func pathRules(_ urls: [String], _ request: String, _ allowed: Bool) {
        #expect(CompiledRule(verbs: ["get"], urls: urls).allows(attributes(.anonymous, request)) == allowed)
    }

    private func policy() -> (AuthLookup, RBACAuthorizer) {
        let lookup = AuthLookup()
        let read: JSONValue = ["verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]]
        lookup.putPolicy(role("ClusterRole", "reader", nil, [read]))
        lookup.putPolicy(
            role("Role", "reader", "a", [["verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]]]))
        return (lookup, RBACAuthorizer(lookup: lookup))
    }

    @Test func bindings() {
        let (lookup, authorizer) = policy()
        lookup.putPolicy(
            binding(
                "ClusterRoleBinding", "all", role: ("ClusterRole", "reader"),
                [["kind": "User", "name": "ann"], ["kind": "ServiceAccount", "name": "sa", "namespace": "b"]]))
        lookup.putPolicy(
            binding(
                "RoleBinding", "some", "a", role: ("ClusterRole", "reader"), [["kind": "Group", "name": "team"]]))
        lookup.putPolicy(
            binding(
                "RoleBinding", "secrets", "a", role: ("Role", "reader"),
                [["kind": "User", "name": "bob"], ["kind": "ServiceAccount", "name": "own"]]))
        lookup.putPolicy(
            binding("RoleBinding", "elsewhere", "b", role: ("Role", "reader"), [["kind": "User", "name": "bob"]]))
        let ann = UserInfo(name: "ann")
        let account = UserInfo(name: "system:serviceaccount:b:sa")
        let member = UserInfo(name: "m", groups: ["x", "team"])
        let bob = UserInfo(name: "bob")
        for user in [ann, account] {
            #expect(authorizer.allows(user, "get pods a/x"))
            #expect(authorizer.allows(user, "list pods"))
            #expect(!authorizer.allows(user, "delete pods a/x"))
        }
        #expect(authorizer.allows(member, "get pods a/x"))
        #expect(!authorizer.allows(member, "get pods b/x"))
        #expect(!authorizer.allows(member, "list pods"))
        #expect(authorizer.allows(bob, "get secrets a/x"))
        #expect(!authorizer.allows(bob, "get secrets b/x"))  // no such Role there
        #expect(authorizer.allows(UserInfo(name: "system:serviceaccount:a:own"), "get secrets a/x"))
        #expect(!authorizer.allows(UserInfo(name: "own"), "get secrets a/x"))
        #expect(
            authorizer.authorize(attributes(ann, "get pods a/x"))
                == .allow(
                    reason: "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"reader\" to User \"ann\""))
    }

    @Test func changesCountAtOnce() {
        let (lookup, authorizer) = policy()
        let ann = UserInfo(name: "ann")
        #expect(!authorizer.allows(ann, "get pods a/x"))
        lookup.putPolicy(
            binding("ClusterRoleBinding", "all", role: ("ClusterRole", "reader"), [["kind": "User", "name": "ann"]]))
        #expect(authorizer.allows(ann, "get pods a/x"))
        lookup.putPolicy(
            role("ClusterRole", "reader", nil, [["verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]]]))
        #expect(!authorizer.allows(ann, "get pods a/x"))
        #expect(authorizer.allows(ann, "get nodes -/n"))
        lookup.remove("all", resource: "clusterrolebindings", group: rbac)
        #expect(!authorizer.allows(ann, "get nodes -/n"))
    }

    @Test func mastersMayDoAnything() {
        let authorizer = RBACAuthorizer(lookup: AuthLookup())
        let master = UserInfo(name: "x", groups: ["system:masters"])
        #expect(authorizer.allows(master, "delete nodes -/n"))
        #expect(authorizer.allows(master, "get /metrics"))
        #expect(authorizer.rules(for: master, namespace: "a").resourceRules.first?.verbs == ["*"])
    }

    @Test func rulesReview() {
        let (lookup, authorizer) = policy()
        lookup.putPolicy(
            binding("RoleBinding", "r", "a", role: ("Role", "reader"), [["kind": "User", "name": "bob"]]))
        let bob = UserInfo(name: "bob")
        let rules = authorizer.rules(for: bob, namespace: "a")
        #expect(rules.resourceRules.map(\.resources) == [["secrets"]])
        #expect(rules.incomplete == false)
        let none = authorizer.rules(for: bob, namespace: "b")
        #expect(none.json["resourceRules"] == [])
        #expect(none.json["nonResourceRules"] == [])
    }

    @Test(
        arguments: [
            (["verbs": ["get"], "apiGroups": [""], "resources": ["pods"]], true),
            (["verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]], true),
            (["verbs": ["delete"], "apiGroups": [""], "resources": ["pods"]], false),
            (["verbs": ["*"], "apiGroups": [""], "resources": ["pods"]], false),
            (["verbs": ["get"], "apiGroups": ["*"], "resources": ["pods"]], false),
            (["verbs": ["get"], "apiGroups": [""], "resources": ["pods", "secrets"]], false),
            (["verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]], true),
            (["verbs": ["get"], "nonResourceURLs": ["/x"]], false),
        ] as [(JSONValue, Bool)])
    func nobodyHandsOutMoreThanHeHas(_ rule: JSONValue, _ allowed: Bool) {
        let (lookup, authorizer) = policy()
        lookup.putPolicy(
            binding("ClusterRoleBinding", "all", role: ("ClusterRole", "reader"), [["kind": "User", "name": "ann"]]))
        let missing = authorizer.missing(of: [PolicyRule(rule)], for: UserInfo(name: "ann"), namespace: "a")
        #expect(missing.isEmpty == allowed)
    }

    @Test func forbiddenMessages() {
        let user = UserInfo(name: "bob")
        #expect(
            attributes(user, "list pods shop").forbiddenMessage()
                == #"User "bob" cannot list resource "pods" in API group "" in the namespace "shop""#)
        #expect(
            attributes(user, "get deployments/scale.apps").forbiddenMessage(reason: "because")
                == #"User "bob" cannot get resource "deployments/scale" in API group "apps" at the cluster scope: because"#
        )
        #expect(attributes(user, "get /metrics").forbiddenMessage() == #"User "bob" cannot get path "/metrics""#)
    }
}

@Suite struct AuthPolicyTests {
    private static let roles = BootstrapPolicy.objects.filter { $0["kind"] == "ClusterRole" }.map(ClusterRole.init)

    private func role(_ name: String) throws -> ClusterRole { try #require(Self.roles.first { $0.name == name }) }

    /// A pod of namespace `a` that runs on n1, as `default`, and needs the secret `x`.
    private func nodeGraph() -> NodeGraph {
        let graph = NodeGraph()
        let pod: JSONValue = [
            "metadata": ["name": "x", "namespace": "a"],
            "spec": [
                "nodeName": "n1", "serviceAccountName": "default",
                "volumes": [["name": "v", "secret": ["secretName": "x"]]],
            ],
        ]
        let object = CachedObject(
            key: ObjectKey(namespace: "a", name: "x"), bytes: JSONWriter.bytes(of: pod), revision: 1)
        graph.changed(.pod, object, isGone: false)
        return graph
    }

    private func authorizer() -> any Authorizer {
        let lookup = AuthLookup()
        for object in BootstrapPolicy.objects { lookup.putPolicy(object) }
        return AuthorizerChain([NodeAuthorizer(graph: nodeGraph()), RBACAuthorizer(lookup: lookup)])
    }

    @Test func objectsAreWellFormed() {
        var seen: Set<String> = []
        for object in BootstrapPolicy.objects {
            let kind = object["kind"]?.stringValue ?? ""
            let metadata = ObjectMeta(object["metadata"] ?? [:])
            #expect(["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].contains(kind))
            #expect(seen.insert("\(kind)/\(metadata.namespace ?? "")/\(metadata.name ?? "")").inserted)
            #expect(metadata.labels["kubernetes.io/bootstrapping"] == "rbac-defaults")
            #expect(metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] == "true")
            #expect((metadata.namespace != nil) == !kind.hasPrefix("Cluster"))
            #expect((object["roleRef"] != nil) == kind.hasSuffix("Binding"))
            for rule in ClusterRole(object).rules {
                #expect(!rule.verbs.isEmpty)
                #expect(rule.resources.isEmpty != rule.nonResourceURLs.isEmpty)
                #expect(rule.resources.isEmpty == rule.apiGroups.isEmpty)
            }
            if kind == "RoleBinding" {
                let role = RoleBinding(object).roleRef?.name
                #expect(
                    BootstrapPolicy.objects.contains {
                        $0["kind"] == "Role" && $0[path: "metadata", "name"]?.stringValue == role
                            && $0[path: "metadata", "namespace"]?.stringValue == metadata.namespace
                    })
            }
        }
        #expect(seen.count > 130)
        #expect(seen.contains("ClusterRole//system:controller:deployment-controller"))
        #expect(seen.contains("ClusterRoleBinding//system:controller:deployment-controller"))
    }

    @Test func aggregatesHoldTheirParts() throws {
        let view = try role("view"), edit = try role("edit"), admin = try role("admin")
        #expect(edit.rules.count == (try role("system:aggregate-to-edit")).rules.count + view.rules.count)
        #expect(admin.rules.count == (try role("system:aggregate-to-admin")).rules.count + edit.rules.count)
        #expect(view.labels["rbac.authorization.k8s.io/aggregate-to-edit"] == "true")
        #expect(
            admin.aggregationRule?.clusterRoleSelectors.first?.matchLabels
                == ["rbac.authorization.k8s.io/aggregate-to-admin": "true"])
        #expect(!view.rules.contains { $0.resources.contains("secrets") })
    }

    @Test func continuedLinesAreOneRule() throws {
        let rule = try #require(
            try role("system:aggregate-to-view").rules.first { $0.resources.contains("configmaps") })
        #expect(rule.resources == rule.resources.sorted())
        #expect(rule.resources.contains("pods"))
        #expect(rule.apiGroups == [""])
        #expect(rule.verbs == ["get", "list", "watch"])
    }

    @Test(arguments: [
        ("anonymous", "get /version", true), ("anonymous", "get /healthz", true), ("anonymous", "get /api", false),
        ("anonymous", "list pods a", false), ("user", "get /api/v1", true), ("user", "get /openapi/v2", true),
        ("user", "get /metrics", false), ("user", "create selfsubjectaccessreviews.authorization.k8s.io", true),
        ("user", "list pods a", false), ("master", "delete nodes -/x", true),
        ("system:kube-scheduler", "create pods/binding a/p", true),
        ("system:kube-scheduler", "delete nodes -/n", false),
        ("system:kube-controller-manager", "watch deployments.apps", true),
        ("system:kube-proxy", "watch endpointslices.discovery.k8s.io", true),
        ("system:serviceaccount:kube-system:deployment-controller", "update deployments/status.apps a/x", true),
        ("system:serviceaccount:kube-system:generic-garbage-collector", "delete widgets.example.com a/x", true),
        ("system:serviceaccount:default:deployment-controller", "update deployments/status.apps a/x", false),
        ("system:serviceaccount:kube-system:kube-dns", "watch services", true),
        ("node", "get secrets a/x", true), ("node", "get secrets a/y", false), ("node", "list secrets a", false),
        ("node", "list secrets", false),
        ("node", "get nodes -/n1", true), ("node", "get nodes -/n2", false), ("node", "update nodes/status -/n1", true),
        ("node", "patch nodes/status -/n2", true), ("node", "watch pods", false), ("node", "delete pods a/x", true),
        ("node", "update pods/status a/x", true),
        ("node", "update leases.coordination.k8s.io kube-node-lease/n1", true),
        ("node", "update leases.coordination.k8s.io kube-node-lease/n2", false),
        ("node", "get leases.coordination.k8s.io kube-system/n1", false),
        ("node", "create serviceaccounts/token a/default", true), ("node", "create deployments.apps a", false),
        ("node", "get /version", true), ("not-in-nodes", "get nodes -/n1", false),
    ])
    func defaultPolicy(_ who: String, _ request: String, _ allowed: Bool) {
        let user =
            switch who {
            case "anonymous": UserInfo.anonymous
            case "master": UserInfo(name: "admin", groups: ["system:masters", "system:authenticated"])
            case "node": UserInfo(name: "system:node:n1", groups: ["system:nodes", "system:authenticated"])
            case "not-in-nodes": UserInfo(name: "system:node:n1", groups: ["system:authenticated"])
            default: UserInfo(name: who, groups: ["system:authenticated"])
            }
        #expect(authorizer().allows(user, request) == allowed)
    }

    @Test func reconcilingAddsAndKeeps() throws {
        let expected = try #require(
            BootstrapPolicy.objects.first {
                $0[path: "metadata", "name"] == "system:node-proxier" && $0["rules"] != nil
            })
        #expect(BootstrapPolicy.reconciled(expected, with: expected) == nil)
        var stored = expected
        let own: JSONValue = ["verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]]
        stored["rules"] = .array(Array((expected["rules"]?.arrayValue ?? []).dropFirst()) + [own])
        let result = try #require(BootstrapPolicy.reconciled(stored, with: expected))
        let rules = result["rules"]?.arrayValue ?? []
        #expect(rules.contains(own))
        #expect(rules.count == (expected["rules"]?.arrayValue?.count ?? 0) + 1)
        #expect(BootstrapPolicy.reconciled(result, with: expected) == nil)
        stored["metadata"] = [
            "name": "system:node-proxier",
            "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "false"],
        ]
        #expect(BootstrapPolicy.reconciled(stored, with: expected) == nil)
    }

    @Test func reconcilingBindings() throws {
        let expected = try #require(
            BootstrapPolicy.objects.first {
                $0["kind"] == "ClusterRoleBinding" && $0[path: "metadata", "name"] == "system:discovery"
            })
        var stored = expected
        let own: JSONValue = ["kind": "User", "apiGroup": .string(rbac), "name": "x"]
        stored["subjects"] = [own]
        let result = try #require(BootstrapPolicy.reconciled(stored, with: expected))
        #expect(result["subjects"]?.arrayValue?.count == 2)
        #expect(result["subjects"]?.arrayValue?.first == own)
        stored["roleRef"] = ["apiGroup": .string(rbac), "kind": "ClusterRole", "name": "other"]
        #expect(BootstrapPolicy.reconciled(stored, with: expected) == nil)
    }
}
