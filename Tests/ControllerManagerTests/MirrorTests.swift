import JSON
import KubeTypes
import Testing

@testable import ControllerManager

private func endpoints(_ subsets: [JSONValue], labels: [String: String] = [:], annotations: [String: String] = [:])
    -> Endpoints
{
    var endpoints = Endpoints(name: "manual", namespace: "default")
    endpoints.metadata.uid = "uid-manual"
    endpoints.metadata.labels = labels
    endpoints.metadata.annotations = annotations
    endpoints.subsets = subsets.map { EndpointSubset($0) }
    return endpoints
}

@Suite struct MirrorPlanTests {
    private let ports: JSONValue = [["name": "http", "port": 80, "protocol": "TCP"]]

    @Test func eachSubsetAndFamilyIsASlice() {
        let plan = MirrorPlan(
            endpoints(
                [
                    [
                        "addresses": [["ip": "10.0.0.1"], ["ip": "fd00::1"]], "notReadyAddresses": [["ip": "10.0.0.2"]],
                        "ports": ports,
                    ],
                    ["addresses": [["ip": "10.0.0.3"]], "ports": [["port": 81, "protocol": "UDP"]]],
                ], labels: ["a": "b"],
                annotations: ["c": "d", "endpoints.kubernetes.io/last-change-trigger-time": "x"]), slices: [])
        #expect(plan.create.count == 3 && plan.update.isEmpty && plan.delete.isEmpty)
        let http = plan.create.first { $0.addressType == "IPv4" && $0.ports.first?.port == 80 }
        #expect(http?.endpoints.map(\.addresses) == [["10.0.0.1"], ["10.0.0.2"]])
        #expect(http?.endpoints.map { $0.conditions?.ready } == [true, false])
        #expect(
            http?.labels == [
                "a": "b", "kubernetes.io/service-name": "manual",
                "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
            ])
        #expect(http?.annotations == ["c": "d"] && http?.controller?.kind == "Endpoints")
    }

    @Test func whatIsRightIsLeftAlone() {
        let source = endpoints([["addresses": [["ip": "10.0.0.1"]], "ports": ports]])
        var present = MirrorPlan(source, slices: []).create
        present[0].metadata.name = "manual-abc"
        let again = MirrorPlan(source, slices: present)
        #expect(again.create.isEmpty && again.update.isEmpty && again.delete.isEmpty)

        let moved = endpoints([["addresses": [["ip": "10.0.0.9"]], "ports": ports]])
        let plan = MirrorPlan(moved, slices: present)
        #expect(
            plan.update.first?.name == "manual-abc" && plan.update.first?.endpoints.first?.addresses == ["10.0.0.9"])
        // Other ports: the slice is used again.
        let other = endpoints([["addresses": [["ip": "10.0.0.1"]], "ports": [["port": 81, "protocol": "TCP"]]]])
        let reused = MirrorPlan(other, slices: present)
        #expect(reused.create.isEmpty && reused.delete.isEmpty && reused.update.first?.ports.first?.port == 81)
        #expect(MirrorPlan(endpoints([]), slices: present).delete.map(\.name) == ["manual-abc"])
    }

    @Test func limitsAndNonsenseAreReported() {
        let many = (0..<1200).map { JSONValue.object(["ip": .string("10.0.\($0 / 250).\($0 % 250)")]) }
        let plan = MirrorPlan(
            endpoints([["addresses": .array([["ip": "nonsense"]] + many), "ports": ports]]), slices: [])
        #expect(plan.invalid == 1 && plan.skipped == 200 && plan.create.first?.endpoints.count == 1000)
    }

    @Test func whoDoesNotWantItIsNotMirrored() {
        #expect(MirrorPlan.isMirrored(endpoints([])))
        #expect(!MirrorPlan.isMirrored(endpoints([], labels: ["endpointslice.kubernetes.io/skip-mirror": "true"])))
        #expect(!MirrorPlan.isMirrored(endpoints([], annotations: ["control-plane.alpha.kubernetes.io/leader": "{}"])))
    }

    @Test func aServiceWithoutSelectorIsMirrored() async throws {
        let api = FakeAPI()
        try await withControllers(["endpointslice-mirroring-controller"], api) {
            var plain = service("manual")
            plain.spec.json["selector"] = nil
            try await api.client.create(plain)
            try await api.client.create(endpoints([["addresses": [["ip": "10.0.0.1"]], "ports": ports]]))
            #expect(await eventually { api.count(EndpointSlice.self) == 1 })
            try await api.client.patch(Service.self, "manual", namespace: "default", ["spec": ["selector": ["a": "b"]]])
            #expect(await eventually { api.count(EndpointSlice.self) == 0 })
        }
    }
}
