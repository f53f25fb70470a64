import JSON
import Testing

@testable import ServiceProxy

/// The node's network as plans.
@Suite struct NodeNetworkTests {
    private let options = NodeNetworkOptions(
        podCIDRs: ["10.244.0.0/16"], serviceCIDRs: ["10.96.0.0/16"], dataDirectory: "/d/cni")

    @Test func theConfigurationForTheContainerRuntime() {
        let json = NodeNetworkPlan.conflist(options, NodeNetworkFacts(uplinkMTU: 1400))
        #expect(
            JSONWriter.text(of: json) == """
                {"cniVersion":"0.4.0","name":"martlet","plugins":[{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local",\
                "dataDir":"/d/cni/ipam","ranges":[[{"subnet":"10.244.0.0/16","gateway":"10.244.0.1"}]],\
                "routes":[{"dst":"0.0.0.0/0"}]},"mtu":1400},\
                {"type":"portmap","snat":true,"capabilities":{"portMappings":true}}]}
                """)
        #expect(options.gateways == ["10.244.0.1"])
        #expect(options.confFile == "/d/cni/net.d/10-martlet.conflist")
    }

    @Test func settingUpAfterABoot() {
        let facts = NodeNetworkFacts(sysctls: [NodeNetworkPlan.routeLocalnet: "0"])
        let steps = NodeNetworkPlan.setUp(options, facts)
        #expect(
            steps == [
                .makeDirectory("/d/cni"), .makeDirectory("/d/cni/net.d"), .remove("/d/cni/ipam"),
                .makeDirectory("/d/cni/ipam"),
                .sysctl(path: "/proc/sys/net/ipv4/ip_forward", value: "1"),
                .write(path: "/d/cni/sysctls", contents: "/proc/sys/net/ipv4/conf/all/route_localnet 0\n"),
                .sysctl(path: "/proc/sys/net/ipv4/conf/all/route_localnet", value: "1"),
                .ip(
                    [
                        "route replace unreachable 10.244.0.0/16 metric 4096", "link add martlet0 type bridge",
                        "link set martlet0 alias /d/cni", "link set martlet0 up",
                        "address replace 10.244.0.1/32 dev martlet0",
                        "route replace 10.96.0.0/16 dev martlet0",
                    ], family: .ipv4, force: false),
                .write(
                    path: "/d/cni/net.d/10-martlet.conflist",
                    contents: JSONWriter.text(of: NodeNetworkPlan.conflist(options, facts)) + "\n"),
            ])
    }

    @Test func settingUpAgainKeepsWhatPodsUse() {
        let facts = NodeNetworkFacts(linkExists: true, sysctls: [NodeNetworkPlan.routeLocalnet: "1"])
        let steps = NodeNetworkPlan.setUp(options, facts)
        #expect(!steps.contains(.remove("/d/cni/ipam")))
        #expect(!steps.contains { if case .write("/d/cni/sysctls", _) = $0 { true } else { false } })
        for case .ip(let lines, _, _) in steps { #expect(!lines.contains { $0.hasPrefix("link add") }) }
    }

    /// What was there before the first call is what is put back in the end.
    @Test func sysctlsAreSavedOnce() {
        let timeout = NodeNetworkPlan.conntrackSysctls[0].0
        let facts = NodeNetworkFacts(
            linkExists: true, sysctls: [NodeNetworkPlan.routeLocalnet: "1", timeout: "60"],
            savedSysctls: [NodeNetworkPlan.routeLocalnet: "0"])
        let steps = NodeNetworkPlan.setUp(options, facts)
        #expect(
            steps.contains(
                .write(path: "/d/cni/sysctls", contents: "\(NodeNetworkPlan.routeLocalnet) 0\n\(timeout) 60\n")))
        #expect(steps.contains(.sysctl(path: timeout, value: "3600")))
        // A kernel that does not have it is left alone.
        #expect(
            !NodeNetworkPlan.setUp(options, NodeNetworkFacts()).contains {
                if case .sysctl(timeout, _) = $0 { true } else { false }
            })
    }

    @Test func aFirewallThatDropsIsOpenedForPods() {
        let steps = NodeNetworkPlan.setUp(options, NodeNetworkFacts(forwardDropped: [.ipv4]))
        let rules = steps.compactMap { step -> String? in
            if case .forward(.ipv4, let rule, true) = step { rule.joined(separator: " ") } else { nil }
        }
        #expect(
            rules == [
                "-s 10.244.0.0/16 -m comment --comment martlet -j ACCEPT",
                "-d 10.244.0.0/16 -m comment --comment martlet -j ACCEPT",
            ])
    }

    @Test func dualStack() {
        var options = options
        options.podCIDRs.append("fd00:244::/64")
        options.serviceCIDRs.append("fd00:96::/112")
        let steps = NodeNetworkPlan.setUp(options, NodeNetworkFacts())
        #expect(
            steps.contains(
                .ip(
                    [
                        "route replace unreachable fd00:244::/64 metric 4096",
                        "address replace fd00:244::1/128 dev martlet0 nodad",
                        "route replace fd00:96::/112 dev martlet0",
                    ], family: .ipv6, force: false)))
        #expect(options.gateways == ["10.244.0.1", "fd00:244::1"])
    }

    @Test func tearingDown() {
        let routes = """
            default via 192.0.2.1 dev eth0
            10.244.0.5 dev veth12345678 scope host
            10.244.0.6 dev veth9 scope host
            10.245.0.6 dev veth7 scope host
            10.96.0.0/16 dev martlet0 scope link
            """
        let facts = NodeNetworkFacts(
            sysctls: [NodeNetworkPlan.routeLocalnet: "0"], routes: routes, namespaces: ["/d/netns/cni-1"])
        #expect(
            NodeNetworkPlan.tearDown(options, facts) == [
                .remove("/d/cni/net.d/10-martlet.conflist"), .unmount("/d/netns/cni-1"), .remove("/d/netns/cni-1"),
                .ip(
                    [
                        "link delete veth12345678", "link delete veth9", "link delete martlet0",
                        "route delete unreachable 10.244.0.0/16 metric 4096", "route delete 10.96.0.0/16",
                    ], family: .ipv4, force: true),
                .sysctl(path: NodeNetworkPlan.routeLocalnet, value: "0"), .remove("/d/cni/sysctls"),
                .remove("/d/cni/ipam"),
            ])
    }

    @Test func whatIsInTheWay() {
        func conflicts(_ owner: String?, _ routes: String) -> [String] {
            NodeNetworkPlan.conflicts(options, owner: owner, routes: "Iface\tDestination\n" + routes)
        }
        func route(_ link: String, _ base: String, _ mask: String) -> String {
            "\(link)\t\(base)\t00000000\t0001\t0\t0\t0\t\(mask)\t0\t0\t0\n"
        }
        let ours = route("eth0", "00000000", "00000000") + route("eth0", "000200C0", "00FFFFFF")
        #expect(conflicts(nil, ours + route("*", "0000F40A", "0000FFFF")) == [])
        #expect(
            conflicts(nil, ours + route("cni0", "0001F40A", "00FFFFFF")) == [
                "the range 10.244.0.0/16 is in use: there is a route for 10.244.1.0/24 by cni0"
            ])
        #expect(conflicts(nil, route("vpn", "0000000A", "000000FF")).count == 2)
        #expect(conflicts("/d/cni", route("cni0", "0001F40A", "00FFFFFF")) == [])
        #expect(
            conflicts("/e/cni", "") == [
                "the link martlet0 belongs to the cluster in /e/cni: stop that one first"
            ])
    }

    @Test func childrenAreRunWithInputAndLimits() throws {
        let echoed = try Subprocess.runBlocking("cat", [], input: String(repeating: "x", count: 300_000))
        #expect(echoed.succeeded && echoed.output.count == 300_000)
        let failed = try Subprocess.runBlocking("sh", ["-c", "echo no >&2; exit 3"])
        #expect(failed.status == 3 && failed.complaint == "no")
        #expect(throws: SubprocessError.self) {
            try Subprocess.runBlocking("sleep", ["5"], timeout: .milliseconds(50))
        }
        #expect(throws: SubprocessError.self) { try Subprocess.runBlocking("no-such-tool", []) }
        #expect(try Subprocess.runBlocking("sh", ["-c", "kill -9 $$"]).status == 137)
        // A child that reads nothing must not stop us.
        #expect(try Subprocess.runBlocking("true", [], input: String(repeating: "x", count: 300_000)).succeeded)
    }
}
