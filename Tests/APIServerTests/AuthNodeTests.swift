// What nodes may do: by the graph from pods to what they mention, by name, and by selector.

import JSON
import KubeTypes
import Testing

@testable import APIServer

private typealias UserInfo = InProcessAPI.User

@Suite struct AuthNodeTests {
    private let graph = NodeGraph()
    private let node = UserInfo(name: "system:node:n1", groups: ["system:nodes", "system:authenticated"])

    private func put(_ kind: NodeGraph.Kind, _ object: JSONValue, isGone: Bool = false) {
        let key = ObjectKey(namespace: object.namespace, name: object.name)
        graph.changed(
            kind, CachedObject(key: key, bytes: JSONWriter.bytes(of: object), revision: 1), isGone: isGone)
    }

    private static func nodePod(_ name: String, node: String, _ spec: JSONObject = [:], mirror: Bool = false)
        -> JSONValue
    {
        var spec = spec
        spec["nodeName"] = .string(node)
        var metadata: JSONObject = ["name": .string(name), "namespace": "a"]
        if mirror { metadata["annotations"] = ["kubernetes.io/config.mirror": "x"] }
        return ["metadata": .object(metadata), "spec": .object(spec)]
    }

    private static let rich: JSONObject = [
        "serviceAccountName": "sa", "imagePullSecrets": [["name": "pull"]],
        "containers": [
            [
                "name": "c", "envFrom": [["secretRef": ["name": "from"]], ["configMapRef": ["name": "map"]]],
                "env": [
                    ["name": "X", "valueFrom": ["secretKeyRef": ["name": "key", "key": "k"]]],
                    ["name": "Y", "valueFrom": ["configMapKeyRef": ["name": "mapkey", "key": "k"]]],
                ],
            ]
        ],
        "initContainers": [["name": "i", "envFrom": [["secretRef": ["name": "init"]]]]],
        "volumes": [
            ["name": "s", "secret": ["secretName": "volume"]], ["name": "c", "configMap": ["name": "mapvolume"]],
            ["name": "p", "persistentVolumeClaim": ["claimName": "claim"]], ["name": "e", "ephemeral": [:]],
            [
                "name": "j",
                "projected": ["sources": [["secret": ["name": "projected"]], ["configMap": ["name": "mapprojected"]]]],
            ],
            ["name": "d", "csi": ["driver": "x", "nodePublishSecretRef": ["name": "csi"]]],
            ["name": "r", "rbd": ["secretRef": ["name": "rbd"]]],
        ],
        "resourceClaims": [["name": "g", "resourceClaimName": "gpu"]],
    ]

    private func decide(_ line: String) -> (allowed: Bool, reason: String) {
        let words = line.split(separator: " ").map(String.init)
        var request = AuthorizationAttributes(user: node, verb: words[0])
        let parts = words[1].split(separator: ".", maxSplits: 1).map(String.init)
        let resource = parts[0].split(separator: "/").map(String.init)
        request.resource = resource[0]
        if resource.count > 1 { request.subresource = resource[1] }
        if parts.count > 1 { request.group = parts[1] }
        let place = words[2].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        request.namespace = place[0] == "-" ? "" : place[0]
        if place.count > 1 { request.name = place[1] }
        if words.count > 3 { request.selectors = AuthorizationSelectors(Query([("fieldSelector", words[3])])) }
        switch NodeAuthorizer(graph: graph).authorize(request) {
        case .allow: return (true, "")
        case .noOpinion(let reason), .deny(let reason): return (false, reason)
        }
    }

    @Test(arguments: [
        "get secrets a/pull", "get secrets a/from", "get secrets a/key", "get secrets a/init", "get secrets a/volume",
        "get secrets a/projected", "get secrets a/csi", "get secrets a/rbd", "list secrets a/volume",
        "watch configmaps a/map", "get configmaps a/mapkey", "get configmaps a/mapvolume",
        "get configmaps a/mapprojected", "get persistentvolumeclaims a/claim", "get persistentvolumeclaims a/p-e",
        "patch persistentvolumeclaims/status a/claim", "get resourceclaims.resource.k8s.io a/gpu",
        "get serviceaccounts a/sa", "create serviceaccounts/token a/sa", "get pods a/p", "list pods a/p",
    ])
    func podsLeadToWhatTheyMention(_ request: String) {
        #expect(!decide(request).allowed)
        put(.pod, Self.nodePod("p", node: "n2", Self.rich))
        #expect(decide(request).reason == "no relationship found between node 'n1' and this object")
        put(.pod, Self.nodePod("p", node: "n1", Self.rich))
        #expect(decide(request).allowed)
        // Another pod with the same needs, and then none.
        put(.pod, Self.nodePod("q", node: "n1", Self.rich))
        put(.pod, Self.nodePod("p", node: "n1", Self.rich), isGone: true)
        let own = request.hasSuffix("a/p") || request.hasSuffix("a/p-e")
        #expect(decide(request).allowed == !own)
        put(.pod, Self.nodePod("q", node: "n1", Self.rich), isGone: true)
        #expect(!decide(request).allowed)
    }

    @Test func mirrorPodsLeadToNothing() {
        put(.pod, Self.nodePod("p", node: "n1", Self.rich, mirror: true))
        #expect(decide("get pods a/p").allowed)
        #expect(!decide("get secrets a/volume").allowed)
    }

    /// Whoever keeps a volume's directory gives it up when nobody uses it any more: no pod leads there then.
    @Test func aVolumeOfTheNodesOwnIsItsToGiveUp() {
        func volume(on node: JSONValue) -> JSONValue {
            [
                "metadata": [
                    "name": "own", "annotations": ["pv.kubernetes.io/provisioned-by": "martlet.io/local"],
                    "finalizers": ["martlet.io/local-volume"],
                ],
                "spec": [
                    "local": ["path": "/x"], "claimRef": ["namespace": "a", "name": "c"],
                    "nodeAffinity": [
                        "required": [
                            "nodeSelectorTerms": [
                                [
                                    "matchExpressions": [
                                        ["key": "kubernetes.io/hostname", "operator": "In", "values": [node]]
                                    ]
                                ]
                            ]
                        ]
                    ],
                ],
            ]
        }
        put(.volume, volume(on: "n1"))
        for verb in ["get", "update", "list", "watch"] { #expect(decide("\(verb) persistentvolumes -/own").allowed) }
        #expect(!decide("delete persistentvolumes -/own").allowed)
        put(.volume, volume(on: "n2"))
        for verb in ["get", "update", "list", "watch"] { #expect(!decide("\(verb) persistentvolumes -/own").allowed) }
    }

    @Test func volumesLeadThroughTheirClaims() {
        let volume: JSONValue = [
            "metadata": ["name": "pv"],
            "spec": [
                "claimRef": ["namespace": "a", "name": "claim"],
                "csi": [
                    "driver": "x", "nodeStageSecretRef": ["namespace": "b", "name": "stage"],
                    "controllerPublishSecretRef": ["namespace": "b", "name": "controller"],
                ],
            ],
        ]
        put(.volume, volume)
        #expect(!decide("get persistentvolumes -/pv").allowed)
        put(.pod, Self.nodePod("p", node: "n1", Self.rich))
        #expect(decide("get persistentvolumes -/pv").allowed)
        #expect(decide("get secrets b/stage").allowed)
        #expect(!decide("get secrets b/controller").allowed)
        put(.volume, volume, isGone: true)
        #expect(!decide("get persistentvolumes -/pv").allowed)
        #expect(!decide("get secrets b/stage").allowed)
    }

    @Test func attachmentsAndSlicesNameTheirNode() {
        for (kind, request) in [
            (NodeGraph.Kind.volumeAttachment, "get volumeattachments.storage.k8s.io -/x"),
            (.resourceSlice, "update resourceslices.resource.k8s.io -/x"),
        ] {
            put(kind, ["metadata": ["name": "x"], "spec": ["nodeName": "n1"]])
            #expect(decide(request).allowed)
            put(kind, ["metadata": ["name": "x"], "spec": ["nodeName": "n2"]])
            #expect(!decide(request).allowed)
        }
    }

    @Test(arguments: [
        ("list pods -", "can only list/watch pods with spec.nodeName field selector"),
        ("list pods - spec.nodeName=n1", nil), ("watch pods a spec.nodeName=n1", nil),
        ("list pods - spec.nodeName!=n2", "can only list/watch pods with spec.nodeName field selector"),
        ("list pods - spec.nodeName=n2", "can only list/watch pods with spec.nodeName field selector"),
        ("delete pods a/x", nil), ("create pods a", nil), ("update pods a/x", ""), ("patch pods/status a/x", nil),
        ("create pods/eviction a/x", nil), ("get pods/log a/x", ""),
        ("get nodes -/n1", nil), ("get nodes -/n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("list nodes -", "node 'n1' cannot read all nodes, only its own Node object"),
        ("create nodes -", nil), ("delete nodes -/n1", ""), ("patch nodes/status -/n1", nil),
        ("delete secrets a/x", "can only read resources of this type"),
        ("get secrets/x a/x", "cannot read subresource"), ("list secrets a", "No Object name found"),
        ("list secrets -", "can only read namespaced object of this type"),
        ("list persistentvolumes -", "can only get individual resources of this type"),
        ("get persistentvolumeclaims/status a/x", "can only get/update/patch this type"),
        (
            "list leases.coordination.k8s.io kube-node-lease",
            "can only get, create, update, patch, or delete a node lease"
        ),
        ("get leases.coordination.k8s.io a/n1", "can only access leases in the \"kube-node-lease\" system namespace"),
        (
            "get leases.coordination.k8s.io kube-node-lease/n2",
            "can only access node lease with the same name as the requesting node"
        ),
        ("create leases.coordination.k8s.io kube-node-lease", nil),
        ("get csinodes.storage.k8s.io -/n1", nil),
        ("get csinodes.storage.k8s.io -/n2", "can only access CSINode with the same name as the requesting node"),
        ("create serviceaccounts a/x", "can only create token subresource of serviceaccount"),
        ("list serviceaccounts a", "can only create tokens for individual service accounts"),
        ("create resourceslices.resource.k8s.io -", nil),
        ("deletecollection resourceslices.resource.k8s.io - spec.nodeName=n1", nil),
        (
            "list resourceslices.resource.k8s.io -",
            "can only list/watch/deletecollection resourceslices with nodeName field selector"
        ),
        ("create podcertificaterequests.certificates.k8s.io a", nil),
        ("update podcertificaterequests.certificates.k8s.io a/x", "nodes may not update podcertificaterequests"),
        ("list services -", nil), ("list endpoints -", ""), ("create subjectaccessreviews.authorization.k8s.io -", nil),
    ])
    func table(_ request: String, _ refusal: String?) {
        let (allowed, reason) = decide(request)
        #expect(allowed == (refusal == nil))
        if let refusal { #expect(reason == refusal) }
    }

    @Test func theServerKeepsTheGraph() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        await plane.call(
            .POST, "/api/v1/namespaces/default/secrets",
            ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"]])
        let api = plane.server.inProcess(as: node)
        func read() async -> Int {
            do {
                _ = try await api.call(
                    APICall(verb: "get", apiVersion: "v1", resource: "secrets", namespace: "default", name: "s"))
                return 200
            } catch {
                return error.code
            }
        }
        #expect(await read() == 403)
        var web = pod("web")
        web["spec"]?["volumes"] = [["name": "v", "secret": ["secretName": "s"]]]
        web["spec"]?["nodeName"] = "n1"
        let made = await plane.call(.POST, "/api/v1/namespaces/default/pods", web)
        #expect(made.status == 201, "\(made.text)")
        #expect(await read() == 200)
        await plane.call(.DELETE, "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0")
        #expect(await read() == 403)
    }
}
