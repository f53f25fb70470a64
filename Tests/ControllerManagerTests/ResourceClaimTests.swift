import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite(.serialized) struct ResourceClaimTests {
    private static let names: Set<String> = ["resourceclaim-controller"]

    private var template: ResourceClaimTemplate {
        var template = ResourceClaimTemplate(name: "gpu", namespace: "default")
        template.json["spec"] = [
            "metadata": ["labels": ["a": "b"]],
            "spec": ["devices": ["requests": [["name": "one", "exactly": ["deviceClassName": "gpu"]]]]],
        ]
        return template
    }

    private func user(_ name: String = "p", node: String = "") -> Pod {
        var user = pod(name, node: node, phase: "Pending", ready: false)
        var spec = user.json["spec"] ?? [:]
        spec["resourceClaims"] = [["name": "dev", "resourceClaimTemplateName": "gpu"]]
        user.json["spec"] = spec
        return user
    }

    private func made(_ api: FakeAPI) -> DeviceClaim? { api.objects(DeviceClaim.self).first }

    @Test func namesAreShortenedInProportion() {
        #expect(ResourceClaimTemplate.prefix("web", "gpu") == "web-gpu-")
        let long = ResourceClaimTemplate.prefix(String(repeating: "p", count: 60), String(repeating: "c", count: 30))
        #expect(long.utf8.count <= 57 && long.contains("p-c"))
    }

    @Test func aPodGetsItsClaimOnce() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(user())
            // The template may come later than the pod.
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("FailedResourceClaimCreation") } })
            api.hold("resourceclaims")
            try await api.client.create(template)
            #expect(await eventually { api.count(DeviceClaim.self) == 1 })
            for label in ["x", "y"] {
                try await api.client.patch(
                    Pod.self, "p", namespace: "default", ["metadata": ["labels": ["l": .string(label)]]])
                try await Task.sleep(for: .milliseconds(20))
            }
            api.release("resourceclaims")
            await api.quiet()
            #expect(api.count(DeviceClaim.self) == 1)
            let claim = try #require(made(api))
            #expect(claim.name.hasPrefix("p-dev-") && claim.labels == ["a": "b"] && claim.controller?.name == "p")
            #expect(claim.annotations[DeviceClaim.podClaimName] == "dev")
            #expect(api.object(Pod.self, "p", namespace: "default")?.madeClaims == ["dev": claim.name])
        }
    }

    @Test func claimsAreReservedAndSetFree() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(template)
            try await api.client.create(user(node: "n1"))
            #expect(await eventually { api.count(DeviceClaim.self) == 1 })
            var claim = try #require(made(api))
            claim.metadata.finalizers = [DeviceClaim.finalizer]
            claim.json["status"] = ["allocation": ["devices": [:]]]
            api.put(claim)
            #expect(await eventually { made(api)?.consumers.count == 1 })
            var ended = try #require(api.object(Pod.self, "p", namespace: "default"))
            ended.status.phase = "Succeeded"
            api.put(ended)
            #expect(await eventually { api.count(DeviceClaim.self) == 0 })
        }
    }

    @Test func strangersReservationsStay() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            var claim = DeviceClaim(name: "shared", namespace: "default")
            claim.metadata.finalizers = [DeviceClaim.finalizer]
            claim.json["status"] = [
                "allocation": ["devices": [:]],
                "reservedFor": [
                    ["resource": "pods", "name": "gone", "uid": "u"],
                    ["apiGroup": "example.com", "resource": "things", "name": "t", "uid": "v"],
                ],
            ]
            api.put(claim)
            #expect(await eventually { made(api)?.consumers.count == 1 })
            #expect(made(api)?.isAllocated == true && made(api)?.consumers.first?["uid"] == "v")
        }
    }
}
