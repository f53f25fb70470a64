import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

/// Ranges that ServiceCIDRs add to the cluster's own (KEP-1880).
@Suite(.timeLimit(.minutes(5)))
struct ServiceRangeTests {
    private static let ranges = "/apis/networking.k8s.io/v1/servicecidrs"

    private func service(_ name: String, _ address: String? = nil) -> JSONValue {
        var spec: JSONValue = ["ports": [["port": 80]]]
        if let address { spec["clusterIP"] = .string(address) }
        return ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": spec]
    }

    @Test func theClustersOwnRangeIsAnObject() async throws {
        let plane = try await ControlPlane { $0.serviceCIDR = "10.0.0.0/24" }
        let own = await plane.call(.GET, "\(Self.ranges)/kubernetes")
        #expect(own.status == 200 && own.json[path: "spec", "cidrs"] == ["10.0.0.0/24"], "\(own.text)")
    }

    @Test func aReadyRangeGivesAddresses() async throws {
        let plane = try await ControlPlane { $0.serviceCIDR = "10.0.0.0/30" }
        let made = await plane.call(
            .POST, Self.ranges,
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "more"],
                "spec": ["cidrs": ["203.0.113.0/24"]],
            ])
        #expect(made.status == 201, "\(made.text)")
        let wanted = service("wanted", "203.0.113.10")
        // Not before a controller has declared it ready.
        #expect(await plane.call(.POST, ServiceTests.services, wanted).status == 422)
        let ready = await plane.call(
            .PATCH, "\(Self.ranges)/more/status",
            [
                "status": [
                    "conditions": [
                        [
                            "type": "Ready", "status": "True", "reason": "", "message": "m",
                            "lastTransitionTime": "2027-01-15T08:00:00Z",
                        ]
                    ]
                ]
            ], type: "application/merge-patch+json")
        #expect(ready.status == 200, "\(ready.text)")
        let given = await plane.call(.POST, ServiceTests.services, wanted)
        #expect(given.status == 201, "\(given.text)")
        #expect(await plane.call(.POST, ServiceTests.services, service("again", "203.0.113.10")).status == 422)
        // The own range has one address beside the API's; the next comes from the other.
        #expect(await plane.call(.POST, ServiceTests.services, service("a")).status == 201)
        let other = await plane.call(.POST, ServiceTests.services, service("b"))
        #expect(other.json[path: "spec", "clusterIP"]?.stringValue?.hasPrefix("203.0.113.") == true, "\(other.text)")
    }
}
