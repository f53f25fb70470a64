// Pods: admission, status, binding, graceful deletion, eviction, and what may be changed.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct PodTests {
    static let pods = "/api/v1/namespaces/default/pods"

    private func plane() async throws -> ControlPlane {
        let plane = try await ControlPlane()
        await plane.makeDefaultAccount()
        return plane
    }

    private func bind(_ plane: ControlPlane, _ name: String, node: String = "n1") async -> Recorded {
        await plane.call(
            .POST, "\(Self.pods)/\(name)/binding",
            [
                "apiVersion": "v1", "kind": "Binding", "metadata": ["name": .string(name)],
                "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
            ])
    }

    @Test func admissionFillsIn() async throws {
        let plane = try await plane()
        let created = await plane.call(.POST, Self.pods, pod("web"))
        #expect(created.status == 201, "\(created.text)")
        let spec = created.json["spec"] ?? .null
        #expect(spec["serviceAccountName"] == "default")
        #expect(spec["priority"] == 0)
        #expect(spec["preemptionPolicy"] == "PreemptLowerPriority")
        #expect(spec["restartPolicy"] == "Always")
        #expect(spec["tolerations"]?.arrayValue?.count == 2)
        let volume = spec["volumes"]?[0] ?? .null
        #expect(volume["name"]?.stringValue?.hasPrefix("kube-api-access-") == true)
        #expect(volume[path: "projected", "defaultMode"] == 420)
        #expect(volume[path: "projected", "sources"]?[0]?[path: "serviceAccountToken", "expirationSeconds"] == 3607)
        let mount = spec["containers"]?[0]?["volumeMounts"]?[0] ?? .null
        #expect(mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount")
        #expect(mount["name"] == volume["name"])
        #expect(created.json[path: "status", "phase"] == "Pending")
        #expect(created.json[path: "status", "qosClass"] == "BestEffort")
        #expect(created.json.generation == 1)
    }

    @Test func aPodWaitsAMomentForItsAccount() async throws {
        let plane = try await ControlPlane()
        let waiting = plane.begin(.POST, Self.pods, pod("web"))
        await plane.makeDefaultAccount()
        #expect(await waiting.finished().status == 201)
    }

    @Test func accountsAndClassesMustBeThere() async throws {
        let plane = try await plane()
        var body = pod("web")
        body["spec"]?["serviceAccountName"] = "other"
        let noAccount = await plane.call(.POST, Self.pods, body)
        #expect(noAccount.status == 403)
        #expect(
            noAccount.message
                == "pods \"web\" is forbidden: error looking up service account default/other: serviceaccount \"other\" "
                + "not found")
        body = pod("web")
        body["spec"]?["priorityClassName"] = "none"
        let noClass = await plane.call(.POST, Self.pods, body)
        #expect(noClass.status == 403)
        body["spec"]?["priorityClassName"] = "system-node-critical"
        let critical = await plane.call(.POST, Self.pods, body)
        #expect(critical.json[path: "spec", "priority"] == 2_000_001_000)
    }

    @Test func bindingPutsAPodOntoANode() async throws {
        let plane = try await plane()
        await plane.call(.POST, Self.pods, pod("web"))
        let bound = await bind(plane, "web")
        #expect(bound.status == 201)
        #expect(bound.json["status"] == "Success")
        let read = await plane.call(.GET, "\(Self.pods)/web")
        #expect(read.json[path: "spec", "nodeName"] == "n1")
        #expect(read.json[path: "status", "conditions"]?[0]?["type"] == "PodScheduled")
        let again = await bind(plane, "web", node: "n2")
        #expect(again.status == 409)
        #expect(again.message.contains("pod web is already assigned to node \"n1\""))
        #expect(await bind(plane, "none").status == 404)
        let selected = await plane.call(.GET, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")
        #expect(selected.json["items"]?.arrayValue?.map(\.name) == ["web"])
    }

    @Test func deletionIsGracefulOnceAPodRunsSomewhere() async throws {
        let plane = try await plane()
        await plane.call(.POST, Self.pods, pod("loose"))
        #expect(await plane.call(.DELETE, "\(Self.pods)/loose").status == 200)
        #expect(await plane.call(.GET, "\(Self.pods)/loose").status == 404)

        await plane.call(.POST, Self.pods, pod("web"))
        _ = await bind(plane, "web")
        let marked = await plane.call(.DELETE, "\(Self.pods)/web")
        #expect(marked.json["metadata"]?["deletionGracePeriodSeconds"] == 30)
        #expect(marked.json.isBeingDeleted)
        #expect(marked.json.generation == 2)
        let longer = await plane.call(.DELETE, "\(Self.pods)/web?gracePeriodSeconds=60")
        #expect(longer.json["metadata"]?["deletionGracePeriodSeconds"] == 30)
        let shorter = await plane.call(.DELETE, "\(Self.pods)/web", ["gracePeriodSeconds": 5])
        #expect(shorter.json["metadata"]?["deletionGracePeriodSeconds"] == 5)
        let endless = await plane.call(.DELETE, "\(Self.pods)/web", ["gracePeriodSeconds": .integer(.max)])
        #expect(endless.status == 200)
        // The kubelet's last word.
        let last = await plane.call(.DELETE, "\(Self.pods)/web?gracePeriodSeconds=0")
        #expect(last.status == 200)
        #expect(await plane.call(.GET, "\(Self.pods)/web").status == 404)
    }

    @Test func onlySomeOfASpecMayChange() async throws {
        let plane = try await plane()
        await plane.call(.POST, Self.pods, pod("web"))
        let image = await plane.call(
            .PATCH, "\(Self.pods)/web", ["spec": ["containers": [["name": "c", "image": "nginx:1.28"]]]],
            type: "application/strategic-merge-patch+json")
        #expect(image.status == 200, "\(image.text)")
        #expect(image.json.generation == 2)
        let command = await plane.call(
            .PATCH, "\(Self.pods)/web", ["spec": ["containers": [["name": "c", "command": ["x"]]]]],
            type: "application/strategic-merge-patch+json")
        #expect(command.status == 422)
        #expect(command.causes == ["spec"])
        let status = await plane.call(
            .PATCH, "\(Self.pods)/web/status", ["spec": ["nodeName": "x"], "status": ["phase": "Running"]],
            type: "application/merge-patch+json")
        #expect(status.status == 200)
        #expect(status.json[path: "status", "phase"] == "Running")
        #expect(status.json[path: "spec", "nodeName"] == nil)
        // And the other way round: a status is not written with the object.
        var whole = status.json
        whole["status"] = ["phase": "Failed"]
        let put = await plane.call(.PUT, "\(Self.pods)/web", whole)
        #expect(put.json[path: "status", "phase"] == "Running")
    }

    @Test func evictionsAskTheBudget() async throws {
        let plane = try await plane()
        await plane.call(.POST, Self.pods, pod("web"))
        _ = await bind(plane, "web")
        await plane.call(
            .PATCH, "\(Self.pods)/web/status",
            ["status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]],
            type: "application/merge-patch+json")
        let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        let budget = await plane.call(
            .POST, budgets,
            [
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "b"],
                "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]],
            ])
        #expect(budget.status == 201, "\(budget.text)")
        let eviction: JSONValue = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "web"]]
        func evict() async -> Recorded { await plane.call(.POST, "\(Self.pods)/web/eviction", eviction) }
        let tooEarly = await evict()
        #expect(tooEarly.status == 429)
        func allow(_ count: Int64) async {
            let status: JSONValue = [
                "status": [
                    "observedGeneration": 1, "disruptionsAllowed": .integer(count), "currentHealthy": 1,
                    "desiredHealthy": 1, "expectedPods": 1,
                ]
            ]
            let written = await plane.call(
                .PATCH, "\(budgets)/b/status", status, type: "application/merge-patch+json")
            #expect(written.status == 200, "\(written.text)")
        }
        await allow(0)
        let refused = await evict()
        #expect(refused.status == 429)
        #expect(refused.json[path: "details", "causes"]?[0]?["reason"] == "DisruptionBudget")
        await allow(1)
        let evicted = await evict()
        #expect(evicted.status == 201, "\(evicted.text)")
        #expect(await plane.call(.GET, "\(Self.pods)/web").json.isBeingDeleted)
        let after = await plane.call(.GET, "\(budgets)/b")
        #expect(after.json[path: "status", "disruptionsAllowed"] == 0)
        #expect(after.json[path: "status", "disruptedPods", "web"] != nil)
    }

    @Test(
        arguments: [
            ([:], [:], "BestEffort"), (["cpu": "1"], [:], "Burstable"),
            (["cpu": "1", "memory": "1Gi"], ["cpu": "1", "memory": "1Gi"], "Guaranteed"),
            (["cpu": "1", "memory": "1Gi"], ["cpu": "1000m", "memory": "1024Mi"], "Guaranteed"),
            (["cpu": "1", "memory": "1Gi"], ["cpu": "2", "memory": "1Gi"], "Burstable"),
            ([:], ["memory": "1Gi"], "Burstable"),
        ] as [([String: String], [String: String], String)])
    func qualityOfService(_ requests: [String: String], _ limits: [String: String], _ expected: String) {
        let spec: JSONObject = ["containers": [["resources": ["requests": requests.field, "limits": limits.field]]]]
        #expect(PodQOS.qosClass(of: spec) == expected)
    }
}
