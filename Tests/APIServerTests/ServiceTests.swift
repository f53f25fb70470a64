// Services, workloads and their subresources.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5)))
struct ServiceTests {
    static let services = "/api/v1/namespaces/default/services"

    private func service(_ name: String, _ spec: JSONValue = [:]) -> JSONValue {
        var whole: JSONValue = ["ports": [["port": 80]], "selector": ["app": "web"]]
        for (key, value) in spec.objectValue ?? [:] { whole[key] = value }
        return ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": whole]
    }

    @Test func theAPIsOwnService() async throws {
        let plane = try await ControlPlane { $0.advertiseAddress = "192.0.2.7" }
        let own = await plane.call(.GET, "\(Self.services)/kubernetes")
        #expect(own.json[path: "spec", "clusterIP"] == "10.96.0.1")
        let slice = await plane.call(.GET, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes")
        #expect(slice.json["endpoints"]?[0]?["addresses"] == ["192.0.2.7"])
        let endpoints = await plane.call(.GET, "/api/v1/namespaces/default/endpoints/kubernetes")
        #expect(endpoints.json["subsets"]?[0]?["addresses"]?[0]?["ip"] == "192.0.2.7")
        // Another start at another address mends what differs.
        plane.server.stop()
        let second = try ControlPlane.server(plane.store) { $0.advertiseAddress = "192.0.2.8" }
        try await second.start()
        let mended = second.cache.object(
            group: "discovery.k8s.io", resource: "endpointslices", namespace: "default", name: "kubernetes")
        #expect(mended?.value["endpoints"]?[0]?["addresses"] == ["192.0.2.8"])
    }

    @Test func clusterAddresses() async throws {
        let plane = try await ControlPlane { $0.serviceCIDR = "10.0.0.0/29" }
        let first = await plane.call(.POST, Self.services, service("a"))
        #expect(first.status == 201, "\(first.text)")
        let address = try #require(first.json[path: "spec", "clusterIP"]?.stringValue)
        #expect(first.json[path: "spec", "clusterIPs"] == [.string(address)])
        #expect(first.json[path: "spec", "ipFamilies"] == ["IPv4"])
        let taken = await plane.call(.POST, Self.services, service("b", ["clusterIP": .string(address)]))
        #expect(taken.status == 422)
        #expect(taken.message.contains("provided IP is already allocated"))
        let outside = await plane.call(.POST, Self.services, service("b", ["clusterIP": "10.1.0.1"]))
        #expect(outside.status == 422)
        let headless = await plane.call(.POST, Self.services, service("h", ["clusterIP": "None"]))
        #expect(headless.json[path: "spec", "clusterIPs"] == ["None"])
        // Six addresses, one of them the API's own.
        for index in 0..<4 { #expect(await plane.call(.POST, Self.services, service("s\(index)")).status == 201) }
        #expect(await plane.call(.POST, Self.services, service("full")).status == 422)
        #expect(await plane.call(.DELETE, "\(Self.services)/a").status == 200)
        let reused = await plane.call(.POST, Self.services, service("again", ["clusterIP": .string(address)]))
        #expect(reused.status == 201, "\(reused.text)")
    }

    @Test func nodePorts() async throws {
        let plane = try await ControlPlane()
        let first = await plane.call(.POST, Self.services, service("a", ["type": "NodePort"]))
        let port = try #require(first.json[path: "spec", "ports"]?[0]?["nodePort"]?.integerValue)
        #expect((30000...32767).contains(port))
        let taken = await plane.call(
            .POST, Self.services,
            service("b", ["type": "NodePort", "ports": [["port": 80, "nodePort": .integer(port)]]]))
        #expect(taken.status == 422)
        #expect(taken.causes == ["spec.ports[0].nodePort"])
        let outside = await plane.call(
            .POST, Self.services, service("b", ["type": "NodePort", "ports": [["port": 80, "nodePort": 80]]]))
        #expect(outside.message.contains("The range of valid ports is 30000-32767"))
        // A failed write gives back what it had taken: the address is not lost.
        let changed = await plane.call(.PUT, "\(Self.services)/a", service("a", ["type": "NodePort"]))
        #expect(changed.status == 200, "\(changed.text)")
        #expect(changed.json[path: "spec", "ports"]?[0]?["nodePort"]?.integerValue == port)
        #expect(changed.json[path: "spec", "clusterIP"] == first.json[path: "spec", "clusterIP"])
        let plain = await plane.call(
            .PATCH, "\(Self.services)/a", ["spec": ["type": "ClusterIP"]], type: "application/merge-patch+json")
        #expect(plain.status == 200, "\(plain.text)")
        #expect(plain.json[path: "spec", "ports"]?[0]?["nodePort"] == nil)
        let free = await plane.call(
            .POST, Self.services,
            service("b", ["type": "NodePort", "ports": [["port": 80, "nodePort": .integer(port)]]]))
        #expect(free.status == 201, "\(free.text)")
        let moved = await plane.call(
            .PATCH, "\(Self.services)/b", ["spec": ["clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]]],
            type: "application/merge-patch+json")
        #expect(moved.status == 422)
        #expect(moved.message.contains("may not change once set"))
    }

    @Test func generationCountsSpecs() async throws {
        let plane = try await ControlPlane()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        let created = await plane.call(.POST, path, deployment("web"))
        #expect(created.status == 201, "\(created.text)")
        #expect(created.json.generation == 1)
        #expect(created.json[path: "spec", "strategy", "type"] == "RollingUpdate")
        let labelled = await plane.call(
            .PATCH, "\(path)/web", ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
        #expect(labelled.json.generation == 1)
        let scaled = await plane.call(
            .PATCH, "\(path)/web", ["spec": ["replicas": 5]], type: "application/merge-patch+json")
        #expect(scaled.json.generation == 2)
        let status = await plane.call(
            .PATCH, "\(path)/web/status", ["status": ["replicas": 5], "spec": ["replicas": 9]],
            type: "application/merge-patch+json")
        #expect(status.json.generation == 2)
        #expect(status.json[path: "spec", "replicas"] == 5)
        #expect(status.json[path: "status", "replicas"] == 5)
        let selector = await plane.call(
            .PATCH, "\(path)/web",
            [
                "spec": [
                    "selector": ["matchLabels": ["app": "other"]],
                    "template": ["metadata": ["labels": ["app": "other"]]],
                ]
            ], type: "application/merge-patch+json")
        #expect(selector.status == 422)
        #expect(selector.causes == ["spec.selector"])
    }

    @Test func scale() async throws {
        let plane = try await ControlPlane()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        await plane.call(.POST, path, deployment("web", replicas: 2))
        let read = await plane.call(.GET, "\(path)/web/scale")
        #expect(read.json["kind"] == "Scale")
        #expect(read.json[path: "spec", "replicas"] == 2)
        #expect(read.json[path: "status", "selector"] == "app=web")
        var wanted = read.json
        wanted["spec"] = ["replicas": 7]
        let put = await plane.call(.PUT, "\(path)/web/scale", wanted)
        #expect(put.status == 200, "\(put.text)")
        #expect(put.json[path: "spec", "replicas"] == 7)
        #expect(await plane.call(.PUT, "\(path)/web/scale", wanted).status == 409)
        let patched = await plane.call(
            .PATCH, "\(path)/web/scale", ["spec": ["replicas": 3]], type: "application/merge-patch+json")
        #expect(patched.json[path: "spec", "replicas"] == 3)
        let negative = await plane.call(
            .PATCH, "\(path)/web/scale", ["spec": ["replicas": -1]], type: "application/merge-patch+json")
        #expect(negative.status == 422)
        let object = await plane.call(.GET, "\(path)/web")
        #expect(object.json[path: "spec", "replicas"] == 3)
        #expect(object.json.generation == 3)
    }

    @Test func olderVersionsAreTheSameObjects() async throws {
        let plane = try await ControlPlane()
        var body = deployment("old")
        body["apiVersion"] = "extensions/v1beta1"
        let created = await plane.call(.POST, "/apis/extensions/v1beta1/namespaces/default/deployments", body)
        #expect(created.status == 201, "\(created.text)")
        #expect(created.json["apiVersion"] == "extensions/v1beta1")
        #expect(!created.headers["warning"].isEmpty)
        let today = await plane.call(.GET, "/apis/apps/v1/namespaces/default/deployments/old")
        #expect(today.json["apiVersion"] == "apps/v1")
        #expect(today.json.uid == created.json.uid)
        let list = await plane.call(.GET, "/apis/extensions/v1beta1/deployments")
        #expect(list.json["items"]?[0]?["apiVersion"] == "extensions/v1beta1")
    }

    @Test func secretsAndImmutability() async throws {
        let plane = try await ControlPlane()
        let path = "/api/v1/namespaces/default/secrets"
        let created = await plane.call(
            .POST, path,
            [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "stringData": ["a": "hello"],
                "immutable": true,
            ])
        #expect(created.json["data"] == ["a": "aGVsbG8="])
        #expect(created.json["stringData"] == nil)
        #expect(created.json["type"] == "Opaque")
        let changed = await plane.call(
            .PATCH, "\(path)/s", ["stringData": ["a": "other"]], type: "application/merge-patch+json")
        #expect(changed.status == 422)
        #expect(changed.causes == ["data"])
    }

    @Test func jobsFindTheirPodsByUID() async throws {
        let plane = try await ControlPlane()
        let path = "/apis/batch/v1/namespaces/default/jobs"
        let job = await plane.call(
            .POST, path,
            [
                "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "j"],
                "spec": [
                    "template": [
                        "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "busybox"]]]
                    ]
                ],
            ])
        #expect(job.status == 201, "\(job.text)")
        let uid = JSONValue.string(job.json.uid)
        let key = "batch.kubernetes.io/controller-uid"
        #expect(job.json[path: "spec", "selector", "matchLabels", key] == uid)
        #expect(job.json[path: "spec", "template", "metadata", "labels", key] == uid)
        #expect(job.json[path: "spec", "template", "metadata", "labels", "job-name"] == "j")
    }
}
