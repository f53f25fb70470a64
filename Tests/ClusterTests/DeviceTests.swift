// Devices from end to end without a node: a driver's slice, claims made from a template, pods that share two devices
// between them, and devices that are free again when pods are gone.
import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import Testing

@testable import Cluster

@Suite struct DynamicResourceTests {
    private func make(
        _ transport: any KubeTransport, _ kind: String, _ resource: String, _ name: String, namespace: String? = nil,
        _ spec: JSONValue
    ) async throws {
        var metadata: JSONValue = ["name": .string(name)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        _ = try await transport.call(
            KubeRequest(
                .create, apiVersion: "resource.k8s.io/v1", resource: resource, namespace: namespace,
                body: [
                    "apiVersion": "resource.k8s.io/v1", "kind": .string(kind), "metadata": metadata, "spec": spec,
                ]))
    }

    @Test func podsGetDevicesAndGiveThemBack() async throws {
        var options = ClusterOptions(
            directory: DataDirectory(path: "/tmp/martlet-cluster-test-\(UUID().uuidString)"))
        defer { try? FileManager.default.removeItem(atPath: options.directory.path) }
        options.runsNode = false
        options.mergesUserKubeconfig = false
        try options.directory.prepare()
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let plane = try await ControlPlane(options, logger: logger)
        let components = Task { await plane.runComponents() }
        let client = plane.client(as: "admin", groups: ["system:masters"])
        let result: Result<Void, any Error>
        do { result = .success(try await devices(client)) } catch { result = .failure(error) }
        components.cancel()
        await components.value
        await plane.stop()
        try result.get()
    }

    private func eventually<T>(_ what: String, _ look: () async throws -> T?) async throws -> T {
        for _ in 0..<1200 {
            if let found = try await look() { return found }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Missing(what: what)
    }

    private struct Missing: Error { let what: String }

    private func devices(_ client: KubeClient) async throws {
        var node = Node(name: "n1")
        node.metadata.labels = ["kubernetes.io/hostname": "n1"]
        try await client.create(node)
        node.json["status"] = [
            "allocatable": ["cpu": "4", "memory": "8Gi", "pods": "110"], "capacity": ["cpu": "4", "memory": "8Gi"],
            "conditions": [["type": "Ready", "status": "True"]],
        ]
        let made = try await client.get(Node.self, "n1")
        node.metadata = made.metadata
        try await client.updateStatus(node)
        let driver = "gpu.example.com"
        func attributes(_ memory: Int64) -> JSONValue { ["memory": ["int": .integer(memory)]] }
        try await make(
            client.transport, "DeviceClass", "deviceclasses", "gpu",
            ["selectors": [["cel": ["expression": .string("device.driver == \"\(driver)\"")]]]])
        try await make(
            client.transport, "ResourceSlice", "resourceslices", "slice",
            [
                "driver": .string(driver), "nodeName": "n1",
                "pool": ["name": "n1", "generation": 1, "resourceSliceCount": 1],
                "devices": [
                    ["name": "small", "attributes": attributes(8)], ["name": "large", "attributes": attributes(80)],
                ],
            ])
        try await make(
            client.transport, "ResourceClaimTemplate", "resourceclaimtemplates", "large", namespace: "default",
            [
                "spec": [
                    "devices": [
                        "requests": [
                            [
                                "name": "gpu",
                                "exactly": [
                                    "deviceClassName": "gpu",
                                    "selectors": [
                                        [
                                            "cel": [
                                                "expression": .string(
                                                    "device.attributes[\"\(driver)\"].memory > 40")
                                            ]
                                        ]
                                    ],
                                ],
                            ]
                        ]
                    ]
                ]
            ])
        for name in ["first", "second"] {
            var pod = Pod(name: name, namespace: "default")
            pod.json["spec"] = [
                "resourceClaims": [["name": "gpu", "resourceClaimTemplateName": "large"]],
                "containers": [
                    ["name": "c", "image": "nowhere.invalid/x:1", "resources": ["claims": [["name": "gpu"]]]]
                ],
            ]
            // The account that pods need is made by a controller.
            let wanted = pod
            _ = try await eventually("account") { try? await client.create(wanted) }
        }
        func placed(_ name: String) async throws -> Pod? {
            let pod = try await client.get(Pod.self, name, namespace: "default")
            return (pod.spec.nodeName ?? "").isEmpty ? nil : pod
        }
        let winner = try await eventually("one is placed") {
            let pods = try await client.list(Pod.self, namespace: "default").items
            return pods.first { !($0.spec.nodeName ?? "").isEmpty }
        }
        let other = winner.name == "first" ? "second" : "first"
        let name = try #require(winner.status.resourceClaimStatuses.first?.resourceClaimName)
        let claim = try await client.get(DeviceClaim.self, name, namespace: "default")
        #expect(claim.isReserved(for: winner))
        #expect(claim.metadata.finalizers.contains(DeviceClaim.finalizer))
        let devices = claim.allocation?["devices"]?["results"]?.arrayValue ?? []
        #expect(devices.map { $0["device"] } == ["large"])
        #expect(
            claim.allocation?["nodeSelector"]?["nodeSelectorTerms"]?[0]?["matchFields"]?[0]?["values"] == ["n1"])
        let message = try await eventually("the other says why it waits") {
            try await client.get(Pod.self, other, namespace: "default").status.conditions.first {
                $0.type == "PodScheduled" && $0.status == "False"
            }?.message
        }
        #expect(message.contains("cannot allocate all claims"))
        // The first goes: its claim is set free and deleted, and the other gets the device.
        var options = DeleteOptions()
        options.gracePeriodSeconds = 0
        try await client.delete(Pod.self, winner.name, namespace: "default", options: options)
        _ = try await eventually("the other is placed") { try await placed(other) }
        _ = try await eventually("the claim is gone") {
            do throws(APIError) {
                _ = try await client.get(DeviceClaim.self, name, namespace: "default")
                return Bool?.none
            } catch {
                return error.isNotFound
            }
        }
    }
}
