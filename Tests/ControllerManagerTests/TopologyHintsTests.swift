import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct TopologyHintsTests {
    private func endpoint(_ zone: String?, node: String? = nil, ready: Bool = true) -> Endpoint {
        var endpoint = Endpoint()
        endpoint.zone = zone
        endpoint.nodeName = node
        var conditions = EndpointConditions()
        conditions.ready = ready
        endpoint.conditions = conditions
        return endpoint
    }

    private func service(_ distribution: String?, _ annotations: [String: String] = [:]) -> Service {
        var service = Service(name: "web", namespace: "default")
        service.spec.trafficDistribution = distribution
        service.metadata.annotations = annotations
        return service
    }

    @Test(
        arguments: [
            (nil, [:], .none), ("PreferClose", [:], .sameZone), ("PreferSameZone", [:], .sameZone),
            ("PreferSameNode", [:], .sameNode),
            ("PreferSameNode", ["service.kubernetes.io/topology-mode": "Auto"], .auto),
            (nil, ["service.kubernetes.io/topology-aware-hints": "auto"], .auto),
            (
                nil,
                [
                    "service.kubernetes.io/topology-aware-hints": "Disabled",
                    "service.kubernetes.io/topology-mode": "Auto",
                ], .none
            ),
        ] as [(String?, [String: String], TopologyHints)])
    func whatServicesAskFor(distribution: String?, annotations: [String: String], want: TopologyHints) {
        #expect(TopologyHints(service(distribution, annotations)) == want)
    }

    @Test func closeEndpointsHaveTheirOwnZoneAndNode() {
        let all = [
            "a": endpoint("z1", node: "n1"), "b": endpoint(nil, node: "n2"),
            "c": endpoint("z1", node: "n1", ready: false),
        ]
        var zones = all, nodes = all
        #expect(TopologyHints.sameZone.apply(to: &zones, shares: nil) == nil)
        #expect(zones["a"]?.hints?.json == ["forZones": [["name": "z1"]]])
        #expect(zones["b"]?.hints == nil)
        #expect(zones["c"]?.hints == nil)
        #expect(TopologyHints.sameNode.apply(to: &nodes, shares: nil) == nil)
        #expect(nodes["a"]?.hints?.json == ["forZones": [["name": "z1"]], "forNodes": [["name": "n1"]]])
        #expect(nodes["b"]?.hints?.json == ["forNodes": [["name": "n2"]]])
        #expect(nodes["c"]?.hints == nil)
    }

    @Test func endpointsWithoutZoneTakeTheHintsOfAll() {
        var endpoints = ["a": endpoint("z1"), "b": endpoint(nil)]
        #expect(
            TopologyHints.auto.apply(to: &endpoints, shares: ["z1": 0.5, "z2": 0.5])
                == "One or more endpoints do not have a zone specified")
        #expect(endpoints["a"]?.hints == nil)
    }

    @Test(
        arguments: [
            // As many in each zone as it has processors: all stay.
            (["a": "z1", "b": "z1", "c": "z2", "d": "z2"], ["z1": 0.5, "z2": 0.5], ["z1": 2, "z2": 2], nil),
            // One zone has none of its own.
            (["a": "z1", "b": "z1", "c": "z1", "d": "z1"], ["z1": 0.5, "z2": 0.5], ["z1": 2, "z2": 2], nil),
            // The zone with half of the processors takes one each of the others.
            (
                ["a": "z1", "b": "z1", "c": "z1", "d": "z2", "e": "z2", "f": "z2", "g": "z3", "h": "z3"],
                ["z1": 0.25, "z2": 0.25, "z3": 0.5], ["z1": 2, "z2": 2, "z3": 4], nil
            ),
            // A zone without nodes gives what it has.
            (["a": "z9", "b": "z1", "c": "z2"], ["z1": 0.7, "z2": 0.3], ["z1": 2, "z2": 1], nil),
            (["a": "z1"], ["z1": 0.5, "z2": 0.5], [:], "Insufficient number of endpoints (1 endpoints, 2 zones)"),
            (["a": "z1"], ["z1": 1], [:], "Nodes only ready in one zone"),
            (
                ["a": "z1", "b": "z1", "c": "z2"], ["z1": 0.5, "z2": 0.5], [:],
                "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
                    + "(3 endpoints, 2 zones)"
            ),
            (
                ["a": "z1"], nil, [:],
                "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
            ),
        ] as [([String: String], [String: Double]?, [String: Int], String?)])
    func zonesGetTheirShare(own: [String: String], shares: [String: Double]?, want: [String: Int], problem: String?) {
        switch TopologyHints.allocate(own, shares: shares) {
        case .zones(let zones):
            let counts = zones.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            #expect(counts == want)
            #expect(problem == nil)
        case .problem(let text): #expect(text == problem)
        }
    }

    @Test func sharesNeedEveryReadyNode() {
        func node(_ name: String, _ zone: String?, _ cpu: String, ready: Bool = true) -> Node {
            var node = Node(name: name)
            if let zone { node.metadata.labels = ["topology.kubernetes.io/zone": zone] }
            node.status.json["allocatable"] = ["cpu": .string(cpu)]
            node.status.json["conditions"] = [["type": "Ready", "status": ready ? "True" : "False"]]
            return node
        }
        #expect(
            TopologyHints.shares([node("a", "z1", "1"), node("b", "z1", "500m"), node("c", "z2", "500m")])
                == ["z1": 0.75, "z2": 0.25])
        #expect(TopologyHints.shares([node("a", "z1", "1"), node("b", nil, "1")]) == nil)
        #expect(
            TopologyHints.shares([node("a", "z1", "1"), node("b", nil, "1", ready: false)]) == ["z1": 1])
        #expect(TopologyHints.shares([]) == nil)
    }

    @Test func slicesHaveHints() throws {
        var web = ControllerManagerTests.service()
        web.spec.trafficDistribution = "PreferSameZone"
        let plan = EndpointSlicePlan(
            web, pods: [pod("a", ip: "10.1.0.1")], slices: [], zone: { $0 == "n1" ? "z1" : nil })
        let slice = try #require(plan.create.first)
        #expect(slice.endpoints.first?.hints?.forZones.map(\.name) == ["z1"])
        // Who takes the wish back gets slices without them.
        web.spec.trafficDistribution = nil
        var known = slice
        known.metadata.name = "web-1"
        let later = EndpointSlicePlan(
            web, pods: [pod("a", ip: "10.1.0.1")], slices: [known], zone: { $0 == "n1" ? "z1" : nil })
        #expect(later.update.first?.endpoints.first?.hints == nil)
        #expect(later.update.count == 1)
    }
}
