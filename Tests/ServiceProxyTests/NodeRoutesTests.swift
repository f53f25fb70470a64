import KubeTypes
import Testing

@testable import ServiceProxy

/// The ways to other nodes' pods as plans.
@Suite struct NodeRoutesTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func node(_ name: String, _ text: String, _ range: String) throws -> NodePeer {
        NodePeer(name: name, address: try address(text), podRange: try #require(IPRange(range)))
    }

    private func texts(_ hops: [NodeRoutePlan.Hop]) -> [String] { hops.map { "\($0.range) by \($0.node.name)" } }

    @Test(arguments: [
        ("10.244.255.2 dev martlet0 src 10.244.0.1 uid 0 \\    cache", LinkPath.onLink("martlet0")),
        ("192.0.2.7 via 198.51.100.1 dev eth0 src 198.51.100.5 uid 0", .routed("eth0")),
        ("local 10.244.0.1 dev lo src 10.244.0.1 uid 0", nil),
        ("RTNETLINK answers: Network is unreachable", nil), ("", nil),
    ])
    func whatTheKernelSays(text: String, want: LinkPath?) { #expect(LinkPath(routeGet: text) == want) }

    /// Two nodes of one machine, and one of another.
    @Test func otherMachinesGoByTheFirstNode() throws {
        let first = try node("a", "192.0.2.1", "10.244.0.0/24")
        let second = try node("b", "10.244.255.2", "10.244.1.0/24")
        let third = try node("c", "10.244.255.3", "10.244.2.0/24")
        let far = try node("d", "192.0.2.9", "10.244.3.0/24")
        let all = [first, second, third, far]
        let machine = MachineLink(range: "10.244.255.0/24", firstPodRange: "10.244.0.0/24")
        func hops(_ own: NodePeer) -> [String] { texts(NodeRoutePlan.hops(own: own, peers: all, machine: machine)) }
        #expect(hops(first) == ["10.244.1.0/24 by b", "10.244.2.0/24 by c", "10.244.3.0/24 by d"])
        #expect(hops(second) == ["10.244.0.0/24 by a", "10.244.2.0/24 by c", "10.244.3.0/24 by a"])
        #expect(
            hops(far) == [
                "10.244.0.0/24 by a", "10.244.1.0/24 by a", "10.244.2.0/24 by a", "10.244.255.0/24 by a",
            ])
        #expect(
            texts(NodeRoutePlan.hops(own: first, peers: all, machine: nil)) == [
                "10.244.1.0/24 by b", "10.244.2.0/24 by c", "10.244.3.0/24 by d",
            ])
    }

    @Test func neighboursHaveRoutesAndOthersATunnel() throws {
        let own = try node("a", "192.0.2.1", "10.244.0.0/24")
        let near = try node("b", "192.0.2.2", "10.244.1.0/24")
        let far = try node("c", "198.51.100.3", "10.244.2.0/24")
        let gone = try node("d", "203.0.113.4", "10.244.3.0/24")
        let commands = NodeRoutePlan.commands(
            own: own, hops: NodeRoutePlan.hops(own: own, peers: [near, far, gone], machine: nil),
            paths: [near.address: .onLink("eth0"), far.address: .routed("eth0")],
            present: "10.244.1.0/24 via 192.0.2.2 dev eth0 onlink \n10.244.7.0/24 via 192.0.2.7 dev eth0 \n",
            tunnelExists: false, mtu: 1500)
        #expect(
            commands.ip == [
                "link add martlet-vx type vxlan id 109 local 192.0.2.1 dstport 8472 nolearning",
                "link set martlet-vx address 0a:6d:c0:00:02:01 mtu 1450 up",
                "address replace 10.244.0.0/32 dev martlet-vx",
                "neigh replace 10.244.2.0 lladdr 0a:6d:c6:33:64:03 dev martlet-vx nud permanent",
                "route replace 10.244.1.0/24 via 192.0.2.2 dev eth0 onlink proto 109",
                "route replace 10.244.2.0/24 via 10.244.2.0 dev martlet-vx onlink proto 109",
                "route delete 10.244.7.0/24 proto 109",
            ])
        #expect(
            commands.bridge == ["fdb replace 0a:6d:c6:33:64:03 dev martlet-vx dst 198.51.100.3 self permanent"])
    }

    @Test func aTunnelThatNobodyNeedsGoes() throws {
        let own = try node("a", "192.0.2.1", "10.244.0.0/24")
        let commands = NodeRoutePlan.commands(
            own: own, hops: [], paths: [:], present: "", tunnelExists: true, mtu: nil)
        #expect(commands == NodeRoutePlan.Commands(ip: ["link delete martlet-vx"], bridge: []))
    }

    @Test func tearingDownRemovesWhatIsOurs() {
        let routes = """
            default via 192.0.2.254 dev eth0
            10.244.1.0/24 via 192.0.2.2 dev eth0 proto 109 onlink
            10.244.2.0/24 via 10.244.2.0 dev martlet-vx proto 109 onlink
            """
        #expect(
            NodeRoutePlan.tearDown(routes) == [
                "route delete 10.244.1.0/24 proto 109", "route delete 10.244.2.0/24 proto 109",
                "link delete martlet-vx",
            ])
        #expect(NodeRoutePlan.tearDown("default via 192.0.2.254 dev eth0").isEmpty)
    }

    @Test func aFurtherNodeIsPluggedIn() throws {
        let namespace = try #require(
            NodeNamespace(node: "b", number: 2, range: "10.244.255.0/24", firstAddresses: ["10.244.0.1", "192.0.2.1"]))
        #expect(namespace.address == "10.244.255.2")
        #expect(namespace.path == "/run/netns/martlet-b")
        let (machine, node) = namespace.setUp(mtu: 1400)
        #expect(
            machine == [
                "link add martlet-n2 mtu 1400 type veth peer name eth0 netns martlet-b",
                "link set martlet-n2 master martlet0 up",
                "link set martlet-n2 type bridge_slave hairpin on",
                "route replace 10.244.255.0/24 dev martlet0 src 10.244.0.1",
            ])
        #expect(
            node == [
                "link set lo up", "link set eth0 mtu 1400 up", "address replace 10.244.255.2/32 dev eth0",
                "route replace 10.244.0.1 dev eth0 src 10.244.255.2",
                "route replace 192.0.2.1 dev eth0 src 10.244.255.2",
                "route replace 10.244.255.0/24 dev eth0 src 10.244.255.2",
                "route replace default via 10.244.0.1 dev eth0 src 10.244.255.2",
            ])
        #expect(NodeNamespace(node: "b", number: 1, range: "10.244.255.0/24", firstAddresses: ["10.244.0.1"]) == nil)
        #expect(NodeNamespace(node: "b", number: 255, range: "10.244.255.0/24", firstAddresses: ["10.244.0.1"]) == nil)
    }

    /// All pods' range is closed, not only this node's, and what other nodes have is no conflict of ours.
    @Test func theClusterIsWiderThanTheNode() {
        var options = NodeNetworkOptions(
            podCIDRs: ["10.244.1.0/24"], serviceCIDRs: ["10.96.0.0/16"], dataDirectory: "/d/cni")
        options.clusterCIDRs = ["10.244.0.0/16"]
        let steps = NodeNetworkPlan.setUp(options, NodeNetworkFacts())
        let lines = steps.flatMap { step -> [String] in
            if case .ip(let lines, _, _) = step { lines } else { [] }
        }
        #expect(lines.contains("route replace unreachable 10.244.0.0/16 metric 4096"))
        #expect(lines.contains("address replace 10.244.1.1/32 dev martlet0"))
        let routes = "Iface\tDestination\neth0\t00FFF40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        #expect(NodeNetworkPlan.conflicts(options, owner: nil, routes: routes).count == 1)
        options.sharesMachine = false
        #expect(NodeNetworkPlan.conflicts(options, owner: "/other", routes: routes).isEmpty)
    }
}
