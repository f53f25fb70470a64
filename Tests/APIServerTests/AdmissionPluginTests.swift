import JSON
import KubeTypes
import PKI
import Testing

@testable import APIServer

@Suite struct AdmissionPluginTests {
    private static let core = "/api/v1/namespaces/default"

    private func podWith(_ name: String, _ resources: JSONValue, _ spec: JSONValue = [:]) -> JSONValue {
        var object = pod(name)
        object["spec"]?["containers"] = [["name": "c", "image": "x", "resources": resources]]
        for (key, value) in spec.objectValue ?? [:] { object["spec"]?[key] = value }
        return object
    }

    private func make(_ plane: ControlPlane, _ path: String, _ object: JSONValue) async {
        let answer = await plane.call(.POST, path, object)
        #expect(answer.status == 201, "\(answer.text)")
    }

    // MARK: Limits

    private static let limits: JSONValue = [
        "spec": [
            "limits": [
                [
                    "type": "Container", "min": ["cpu": "50m"], "max": ["cpu": "500m", "memory": "1Gi"],
                    "default": ["cpu": "500m", "memory": "500Mi"],
                    "defaultRequest": ["cpu": "100m", "memory": "200Mi"],
                    "maxLimitRequestRatio": ["cpu": "5"],
                ],
                ["type": "Pod", "max": ["memory": "1500Mi"]],
                ["type": "PersistentVolumeClaim", "min": ["storage": "2Gi"], "max": ["storage": "5Gi"]],
            ]
        ]
    ]

    @Test(
        arguments: [
            (
                ["requests": ["cpu": "10m", "memory": "1Mi"], "limits": ["cpu": "20m", "memory": "1Mi"]],
                [
                    "minimum cpu usage per Container is 50m, but request is 10m"
                ]
            ),
            (
                ["requests": ["cpu": "100m", "memory": "2Gi"], "limits": ["cpu": "600m", "memory": "2Gi"]],
                [
                    "maximum cpu usage per Container is 500m, but limit is 600m",
                    "maximum memory usage per Container is 1Gi, but limit is 2Gi",
                    "cpu max limit to request ratio per Container is 5, but provided ratio is 6.000000",
                    "maximum memory usage per Pod is 1500Mi, but limit is 2Gi",
                ]
            ),
            (
                ["requests": ["memory": "1Mi"], "limits": ["memory": "1Mi"]],
                [
                    "minimum cpu usage per Container is 50m.  No request is specified",
                    "maximum cpu usage per Container is 500m.  No limit is specified",
                    "cpu max limit to request ratio per Container is 5, but no request is specified or request is 0",
                ]
            ),
            (["requests": ["cpu": "100m", "memory": "1Mi"], "limits": ["cpu": "500m", "memory": "1Mi"]], []),
        ] as [(JSONValue, [String])])
    func limitRanges(_ resources: JSONValue, _ expected: [String]) {
        #expect(LimitRanges.problems(ofPod: podWith("p", resources), Self.limits) == expected)
    }

    @Test func limitRangesOfClaims() {
        func claim(_ size: String) -> JSONValue {
            ["spec": ["resources": ["requests": ["storage": .string(size)]]]]
        }
        #expect(
            LimitRanges.problems(ofClaim: claim("1Gi"), Self.limits)
                == ["minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi"])
        #expect(
            LimitRanges.problems(ofClaim: claim("6Gi"), Self.limits)
                == ["maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi"])
        #expect(LimitRanges.problems(ofClaim: claim("3Gi"), Self.limits).isEmpty)
    }

    @Test func limitRangesFillInAndRefuse() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        var range = Self.limits
        range["apiVersion"] = "v1"
        range["kind"] = "LimitRange"
        range["metadata"] = ["name": "l"]
        await make(plane, "\(Self.core)/limitranges", range)
        let made = await plane.call(.POST, "\(Self.core)/pods", podWith("p", ["requests": ["memory": "150Mi"]]))
        #expect(made.status == 201, "\(made.text)")
        #expect(
            made.json[path: "spec", "containers"]?[0]?["resources"]
                == [
                    "requests": ["memory": "150Mi", "cpu": "100m"], "limits": ["cpu": "500m", "memory": "500Mi"],
                ])
        #expect(
            made.json.annotations?["kubernetes.io/limit-ranger"]
                == "LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c")
        let refused = await plane.call(.POST, "\(Self.core)/pods", podWith("q", ["limits": ["cpu": "2"]]))
        #expect(refused.status == 403)
        #expect(
            refused.message.hasPrefix(
                "pods \"q\" is forbidden: maximum cpu usage per Container is 500m, but limit is 2"),
            "\(refused.message)")
    }

    // MARK: Quota

    private func makeQuota(_ plane: ControlPlane, _ hard: JSONValue, used: JSONValue, scopes: JSONValue? = nil) async {
        var quota: JSONValue = [
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": ["hard": hard],
        ]
        if let scopes { quota["spec"]?["scopes"] = scopes }
        await make(plane, "\(Self.core)/resourcequotas", quota)
        quota["status"] = ["hard": hard, "used": used]
        let answer = await plane.call(.PUT, "\(Self.core)/resourcequotas/q/status", quota)
        #expect(answer.status == 200, "\(answer.text)")
    }

    private func used(_ plane: ControlPlane) async -> JSONValue? {
        await plane.call(.GET, "\(Self.core)/resourcequotas/q").json[path: "status", "used"]
    }

    @Test func quotaIsChargedBeforeAndRefusedBeyond() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        await makeQuota(
            plane, ["pods": "2", "requests.cpu": "1", "count/configmaps": "1", "services.nodeports": "1"],
            used: ["pods": "0", "requests.cpu": "0", "count/configmaps": "0", "services.nodeports": "0"])
        let silent = await plane.call(.POST, "\(Self.core)/pods", podWith("silent", [:]))
        #expect(
            silent.message == "pods \"silent\" is forbidden: failed quota: q: must specify requests.cpu for: c")
        let half: JSONValue = ["requests": ["cpu": "500m"]]
        #expect(await plane.call(.POST, "\(Self.core)/pods", podWith("a", half)).status == 201)
        #expect(
            await used(plane)
                == ["pods": "1", "requests.cpu": "500m", "count/configmaps": "0", "services.nodeports": "0"])
        let large = await plane.call(.POST, "\(Self.core)/pods", podWith("b", ["requests": ["cpu": "600m"]]))
        #expect(
            large.message == "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, "
                + "used: requests.cpu=500m, limited: requests.cpu=1")
        #expect(await plane.call(.POST, "\(Self.core)/pods?dryRun=All", podWith("b", half)).status == 201)
        // A name that is taken is not charged for.
        #expect(await plane.call(.POST, "\(Self.core)/pods", podWith("a", half)).status == 409)
        for _ in 0..<200 where await used(plane)?["pods"] != "1" { try await Task.sleep(for: .milliseconds(10)) }
        #expect(await plane.call(.POST, "\(Self.core)/pods", podWith("b", half)).status == 201)
        #expect(await plane.call(.POST, "\(Self.core)/configmaps", configMap("one")).status == 201)
        #expect(
            await plane.call(.POST, "\(Self.core)/configmaps", configMap("two")).message
                == "configmaps \"two\" is forbidden: exceeded quota: q, requested: count/configmaps=1, "
                + "used: count/configmaps=1, limited: count/configmaps=1")
        var service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "s"],
            "spec": ["ports": [["port": 80]], "type": "ClusterIP"],
        ]
        await make(plane, "\(Self.core)/services", service)
        service["spec"]?["type"] = "NodePort"
        #expect(await plane.call(.PUT, "\(Self.core)/services/s", service).status == 200)
        #expect(await used(plane)?["services.nodeports"] == "1")
    }

    @Test func manyCreatesShareAQuota() async throws {
        let plane = try await ControlPlane()
        await makeQuota(plane, ["count/configmaps": "60"], used: ["count/configmaps": "0"])
        let codes = await withTaskGroup(of: Int.self) { group in
            for index in 0..<80 {
                group.addTask {
                    await plane.call(.POST, "\(Self.core)/configmaps", configMap("m\(index)")).status
                }
            }
            var codes: [Int: Int] = [:]
            for await code in group { codes[code, default: 0] += 1 }
            return codes
        }
        #expect(codes == [201: 60, 403: 20])
        #expect(await used(plane) == ["count/configmaps": "60"])
    }

    @Test func unknownStatusAndScopes() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        await makeQuota(plane, ["pods": "1"], used: [:], scopes: ["BestEffort"])
        let unknown = await plane.call(.POST, "\(Self.core)/pods", podWith("a", [:]))
        #expect(unknown.message == "pods \"a\" is forbidden: status unknown for quota: q, resources: pods")
        #expect(
            await plane.call(.POST, "\(Self.core)/pods", podWith("b", ["requests": ["cpu": "1"]])).status == 201)
    }

    // MARK: Defaults

    @Test func classesAreChosenAndUsersKept() async throws {
        let plane = try await ControlPlane()
        for (name, isDefault) in [("slow", "false"), ("fast", "true")] {
            await make(
                plane, "/apis/storage.k8s.io/v1/storageclasses",
                [
                    "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x/y",
                    "allowVolumeExpansion": true,
                    "metadata": [
                        "name": .string(name),
                        "annotations": ["storageclass.kubernetes.io/is-default-class": .string(isDefault)],
                    ],
                ])
        }
        func claim(_ size: String) -> JSONValue {
            [
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "c"],
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]],
                ],
            ]
        }
        let made = await plane.call(.POST, "\(Self.core)/persistentvolumeclaims", claim("1Gi"))
        #expect(made.json[path: "spec", "storageClassName"] == "fast", "\(made.text)")
        #expect(made.json.finalizers == ["kubernetes.io/pvc-protection"])
        let grown = await plane.call(
            .PATCH, "\(Self.core)/persistentvolumeclaims/c", ["spec": ["resources": ["requests": ["storage": "2Gi"]]]],
            type: "application/merge-patch+json")
        // Validation comes before admission's last word, and refuses it first.
        #expect(grown.status == 422 && grown.causes == ["spec"])
    }

    @Test func runtimeClassesAddWhatTheyCost() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        await make(
            plane, "/apis/node.k8s.io/v1/runtimeclasses",
            [
                "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": ["name": "vm"], "handler": "vm",
                "overhead": ["podFixed": ["memory": "100Mi"]],
                "scheduling": ["nodeSelector": ["vm": "yes"], "tolerations": [["key": "vm", "operator": "Exists"]]],
            ])
        let made = await plane.call(.POST, "\(Self.core)/pods", podWith("p", [:], ["runtimeClassName": "vm"]))
        #expect(made.json[path: "spec", "overhead"] == ["memory": "100Mi"], "\(made.text)")
        #expect(made.json[path: "spec", "nodeSelector"] == ["vm": "yes"])
        #expect(
            (made.json[path: "spec", "tolerations"]?.arrayValue ?? []).contains { $0["key"] == "vm" })
        let missing = await plane.call(.POST, "\(Self.core)/pods", podWith("q", [:], ["runtimeClassName": "no"]))
        #expect(missing.message == "pods \"q\" is forbidden: pod rejected: RuntimeClass \"no\" not found")
        let clash = await plane.call(
            .POST, "\(Self.core)/pods", podWith("r", [:], ["runtimeClassName": "vm", "nodeSelector": ["vm": "no"]]))
        #expect(clash.status == 403 && clash.message.contains("conflict: runtimeClass.scheduling.nodeSelector[vm]"))
    }

    // MARK: Nodes

    @Test func nodesChangeOnlyWhatIsTheirs() async throws {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        let api = plane.server.inProcess(
            as: InProcessAPI.User(name: "system:node:n1", groups: ["system:nodes", "system:authenticated"]))
        func attempt(_ call: APICall) async -> String {
            do throws(APIError) {
                _ = try await api.call(call)
                return ""
            } catch {
                return error.message
            }
        }
        func node(_ name: String, _ labels: JSONValue = [:]) -> APICall {
            APICall(
                verb: "create", apiVersion: "v1", resource: "nodes",
                body: [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": labels],
                ])
        }
        #expect(
            await attempt(node("n2")).contains("node \"n1\" is not allowed to modify node \"n2\""))
        #expect(
            await attempt(node("n1", ["node-role.kubernetes.io/x": ""]))
                .contains("is not allowed to set the following labels: node-role.kubernetes.io/x"))
        #expect(await attempt(node("n1", ["kubernetes.io/hostname": "n1", "mine": "1"])) == "")
        let made = await plane.call(.GET, "/api/v1/nodes/n1")
        #expect(
            made.json[path: "spec", "taints"] == [["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]])
        var patch = APICall(
            verb: "patch", apiVersion: "v1", resource: "nodes", name: "n1", body: ["spec": ["taints": []]])
        patch.patchType = "application/merge-patch+json"
        #expect(await attempt(patch).contains("node \"n1\" is not allowed to modify taints"))
        let plain = APICall(
            verb: "create", apiVersion: "v1", resource: "pods", namespace: "default", body: pod("p"))
        #expect(await attempt(plain).contains("can only create mirror pods"))
        let lease = APICall(
            verb: "create", apiVersion: "coordination.k8s.io/v1", resource: "leases", namespace: "kube-node-lease",
            body: [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "n2"],
            ])
        #expect(await attempt(lease) != "")
    }

    // MARK: Certificates

    @Test func certificatesAreAskedForApprovedAndSignedByWhoMay() async throws {
        let plane = try await ControlPlane()
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        func request(_ name: String, _ organizations: [String]) throws -> JSONValue {
            let made = try CertificateRequest.create(commonName: "someone", organizations: organizations)
            return [
                "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": ["name": .string(name)],
                "spec": [
                    "request": .string(TestBase64.encode(made.requestPEM)), "usages": ["client auth"],
                    "signerName": "kubernetes.io/kube-apiserver-client",
                ],
            ]
        }
        let refused = await plane.call(.POST, path, try request("root", ["system:masters"]))
        #expect(refused.status == 403)
        #expect(refused.message.hasSuffix("signer with system:masters group is not allowed"), "\(refused.message)")
        await make(plane, path, try request("fine", ["team"]))
        await make(
            plane, "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "writer"],
                "rules": [
                    [
                        "apiGroups": ["certificates.k8s.io"], "verbs": ["get", "update"],
                        "resources": ["certificatesigningrequests/approval", "certificatesigningrequests/status"],
                    ]
                ],
            ])
        await make(
            plane, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": ["name": "writer"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "writer"],
                "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"]],
            ])
        var approved = await plane.call(.GET, "\(path)/fine").json
        approved["status"] = ["conditions": [["type": "Approved", "status": "True", "reason": "r", "message": "m"]]]
        let byNobody = await plane.call(.PUT, "\(path)/fine/approval", approved, token: "nobody")
        #expect(byNobody.status == 403)
        #expect(
            byNobody.message.hasSuffix(
                "user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\""),
            "\(byNobody.message)")
        #expect(await plane.call(.PUT, "\(path)/fine/approval", approved).status == 200)
    }
}
