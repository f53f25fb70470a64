import JSON
import KubeTypes
import Testing

@testable import ControllerManager

private func range(_ name: String, _ cidrs: [String], deleted: Bool = false) -> ServiceCIDR {
    var range = ServiceCIDR(name: name)
    range.json["spec"] = ["cidrs": .array(cidrs.map(JSONValue.string))]
    if deleted {
        range.metadata.deletionTimestamp = start
        range.metadata.finalizers = [ServiceCIDRController.finalizer]
    }
    return range
}

@Suite struct ServiceCIDRTests {
    @Test(arguments: [
        ("10.96.0.0/16", "10.96.3.4", true), ("10.96.0.0/16", "10.97.0.0/24", false),
        ("10.96.0.0/12", "10.111.0.0/16", true),
        ("10.96.0.0/12", "10.112.0.0/16", false), ("fd00::/108", "fd00::5", true), ("0.0.0.0/0", "fd00::5", false),
        ("10.96.0.0/24", "10.96.0.0/16", false), ("fd00::/9", "fd7f::1", true), ("fd00::/9", "fd80::1", false),
    ])
    func containment(_ outer: String, _ inner: String, _ contains: Bool) throws {
        let (whole, part) = (try #require(IPPrefix(outer)), try #require(IPPrefix(inner)))
        #expect(whole.contains(part) == contains)
    }

    @Test func nonsenseIsNoRange() {
        for text in ["", "10.96.0.0/33", "10.96.0/16", "fd00::/129", "x/8", "10.0.0.0/-1"] {
            #expect(IPPrefix(text) == nil)
        }
    }

    @Test func aRangeGoesWhenNobodyNeedsIt() {
        let old = range("old", ["10.96.0.0/24"], deleted: true)
        let address = [IPPrefix("10.96.0.7")].compactMap(\.self)
        #expect(ServiceCIDRController.canGo(old, others: [old], addresses: []))
        #expect(!ServiceCIDRController.canGo(old, others: [old], addresses: address))
        #expect(ServiceCIDRController.canGo(old, others: [old, range("all", ["10.96.0.0/16"])], addresses: address))
        // One that goes as well is no help.
        #expect(
            !ServiceCIDRController.canGo(
                old, others: [old, range("x", ["10.96.0.0/16"], deleted: true)], addresses: address))
        #expect(ServiceCIDRController.canGo(old, others: [old, range("half", ["10.96.0.0/28"])], addresses: address))
    }

    @Test func rangesBecomeReadyAndGo() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        try await withControllers(["service-cidr-controller"], api, clock: clock) {
            try await api.client.create(range("extra", ["10.20.0.0/24"]))
            #expect(await eventually { api.object(ServiceCIDR.self, "extra")?.conditions.first?.status == "True" })
            #expect(api.object(ServiceCIDR.self, "extra")?.metadata.finalizers == [ServiceCIDRController.finalizer])
            try await api.client.create(service("user", clusterIP: "10.20.0.9"))
            try await Task.sleep(for: .milliseconds(30))
            try await api.client.delete(ServiceCIDR.self, "extra")
            #expect(
                await eventually {
                    api.object(ServiceCIDR.self, "extra")?.conditions.first?.reason == "Terminating"
                })
            clock.advance(seconds: 3600)
            api.remove(Service.self, "user", namespace: "default")
            #expect(await eventually { api.count(ServiceCIDR.self) == 0 })
        }
    }
}

@Suite struct NodeTTLTests {
    @Test func stepsOverlap() {
        for (count, current, seconds) in [
            (1, nil, 0), (100, 0, 0), (101, 0, 15), (95, 15, 15), (89, 15, 0), (460, 15, 15), (460, 30, 30),
            (5000, 60, 300), (3, 7, 0),
        ] as [(Int, Int?, Int)] {
            #expect(NodeTTLController.seconds(nodes: count, current: current) == seconds, "\(count) nodes")
        }
    }

    @Test func nodesAreTold() async {
        let api = FakeAPI()
        api.put(node("n1"))
        await withControllers(["ttl-controller"], api) {
            #expect(await eventually { api.object(Node.self, "n1")?.annotations[NodeTTLController.annotation] == "0" })
            await api.quiet()
            #expect(api.writes().count == 1)
        }
    }
}
