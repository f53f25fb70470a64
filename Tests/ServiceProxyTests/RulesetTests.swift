import JSON
import KubeTypes
import Testing

@testable import ServiceProxy

private typealias Objects = ServicePortsTests

/// The table as text, and how one becomes another.
@Suite struct RulesetTests {
    private static func ruleset(
        _ services: [Service], _ slices: [EndpointSlice], node: NodeFacts = Objects.node, family: IPFamily = .ipv4,
        options: RulesetOptions = RulesetOptions(table: "t")
    ) -> Ruleset {
        RulesetBuilder.ruleset(
            family: family, routes: ServicePorts.routes(services: services, slices: slices, node: node), node: node,
            options: options)
    }

    private static let base = ruleset([], [])

    /// What Services add to the fixed part, as a script without its first line, the probe.
    private static func added(_ services: [Service], _ slices: [EndpointSlice]) -> String {
        guard case .incremental(let script, _) = base.change(to: ruleset(services, slices), owner: "o") else {
            return ""
        }
        return script.split(separator: "\n").dropFirst().map { $0 + "\n" }.joined()
    }

    private static let two = Objects.slice([Objects.endpoint("10.244.0.2"), Objects.endpoint("10.244.0.3")])
    private static let chain = "2EKG19-default/web/tcp/http"

    /// The hash in a chain's name, taken from what the builder made.
    private static func tag(_ script: String) -> String {
        let names = script.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "@" })
        for name in names where name.hasSuffix("-default/web/tcp/http") {
            let parts = name.split(separator: "-")
            if parts.count > 2 { return String(parts[1]) }
        }
        return "?"
    }

    private static func golden(_ services: [Service], _ slices: [EndpointSlice]) -> String {
        let script = added(services, slices)
        return script.split(separator: "\(tag(script))-default/web/tcp/http", omittingEmptySubsequences: false)
            .joined(separator: "WEB")
    }

    @Test func theFixedPart() {
        let expected = """
            add table ip t
            delete table ip t
            add table ip t
            add chain ip t owner-o
            add chain ip t cluster-ips-check
            add chain ip t filter-forward { type filter hook forward priority 0; }
            add chain ip t filter-input { type filter hook input priority 0; }
            add chain ip t filter-output { type filter hook output priority 0; }
            add chain ip t filter-output-pre-dnat { type filter hook output priority -110; }
            add chain ip t filter-prerouting-pre-dnat { type filter hook prerouting priority -110; }
            add chain ip t firewall-check
            add chain ip t masquerading
            add chain ip t nat-output { type nat hook output priority -100; }
            add chain ip t nat-postrouting { type nat hook postrouting priority 100; }
            add chain ip t nat-prerouting { type nat hook prerouting priority -100; }
            add chain ip t nodeport-endpoints-check
            add chain ip t reject-chain
            add chain ip t service-endpoints-check
            add chain ip t services
            add set ip t cluster-ips { type ipv4_addr; }
            add map ip t firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
            add set ip t hairpin-connections { type ipv4_addr . ipv4_addr . inet_proto . inet_service; }
            add map ip t no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
            add map ip t no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
            add map ip t service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
            add map ip t service-nodeports { type inet_proto . inet_service : verdict; }
            add rule ip t cluster-ips-check ip daddr @cluster-ips goto reject-chain
            add rule ip t cluster-ips-check ip daddr { 10.96.0.0/16 } drop
            add rule ip t filter-forward ip saddr { 10.244.0.0/16 } ct state invalid drop
            add rule ip t filter-forward ip daddr { 10.244.0.0/16 } ct state invalid drop
            add rule ip t filter-forward ct state new jump service-endpoints-check
            add rule ip t filter-forward ct state new jump cluster-ips-check
            add rule ip t filter-input ct state new jump nodeport-endpoints-check
            add rule ip t filter-input ct state new jump service-endpoints-check
            add rule ip t filter-output ct state new jump service-endpoints-check
            add rule ip t filter-output ct state new jump cluster-ips-check
            add rule ip t filter-output-pre-dnat ct state new jump firewall-check
            add rule ip t filter-prerouting-pre-dnat iifname != "lo" ip daddr 127.0.0.0/8 ct state new,invalid drop
            add rule ip t filter-prerouting-pre-dnat ct state new jump firewall-check
            add rule ip t firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips
            add rule ip t masquerading meta mark and 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random
            add rule ip t masquerading ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
            add rule ip t masquerading ip saddr { 10.244.0.0/16 } ip daddr != { 10.244.0.0/16, 224.0.0.0/4 } masquerade fully-random
            add rule ip t nat-output jump services
            add rule ip t nat-postrouting jump masquerading
            add rule ip t nat-prerouting jump services
            add rule ip t nodeport-endpoints-check fib daddr type local meta l4proto . th dport vmap @no-endpoint-nodeports
            add rule ip t reject-chain meta l4proto tcp reject with tcp reset
            add rule ip t reject-chain reject
            add rule ip t service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services
            add rule ip t services ip daddr @cluster-ips ip saddr != { 10.244.0.0/16 } meta mark set meta mark or 0x4000
            add rule ip t services ip daddr . meta l4proto . th dport vmap @service-ips
            add rule ip t services fib daddr type local meta l4proto . th dport vmap @service-nodeports

            """
        #expect(Self.base.script(owner: "o") == expected)
    }

    @Test func clusterIP() {
        #expect(
            Self.golden([Objects.service(Objects.spec)], [Self.two]) == """
                add chain ip t service-WEB
                add rule ip t service-WEB meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }
                add element ip t cluster-ips { 10.96.0.1 }
                add element ip t hairpin-connections { 10.244.0.2 . 10.244.0.2 . tcp . 8080, 10.244.0.3 . 10.244.0.3 . tcp . 8080 }
                add element ip t service-ips { 10.96.0.1 . tcp . 80 : goto service-WEB }

                """)
    }

    @Test func withoutEndpoints() {
        let spec: JSONValue = [
            "clusterIP": "10.96.0.1", "type": "LoadBalancer", "externalIPs": ["1.2.3.4"],
            "ports": [["name": "http", "port": 80, "nodePort": 30080]],
        ]
        let service = Objects.service(
            spec, status: ["loadBalancer": ["ingress": [["ip": "5.6.7.8"], ["ip": "9.9.9.9", "ipMode": "Proxy"]]]])
        #expect(
            Self.golden([service], []) == """
                add element ip t cluster-ips { 10.96.0.1 }
                add element ip t no-endpoint-nodeports { tcp . 30080 : goto reject-chain }
                add element ip t no-endpoint-services { 1.2.3.4 . tcp . 80 : goto reject-chain, 10.96.0.1 . tcp . 80 : goto reject-chain, 5.6.7.8 . tcp . 80 : goto reject-chain }

                """)
    }

    @Test func nodePortAndLoadBalancer() {
        let spec: JSONValue = [
            "clusterIP": "10.96.0.1", "type": "LoadBalancer", "externalIPs": ["1.2.3.4"],
            "loadBalancerSourceRanges": ["192.168.0.0/16", " 172.16.0.0/12 "],
            "ports": [["name": "http", "port": 80, "nodePort": 30080]],
        ]
        let service = Objects.service(spec, status: ["loadBalancer": ["ingress": [["ip": "5.6.7.8"]]]])
        #expect(
            Self.golden([service], [Self.two]) == """
                add chain ip t external-WEB
                add chain ip t firewall-WEB
                add chain ip t service-WEB
                add rule ip t external-WEB meta mark set meta mark or 0x4000
                add rule ip t external-WEB goto service-WEB
                add rule ip t firewall-WEB ip saddr != { 192.168.0.0/16, 172.16.0.0/12, 5.6.7.8 } drop
                add rule ip t service-WEB meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }
                add element ip t cluster-ips { 10.96.0.1 }
                add element ip t firewall-ips { 5.6.7.8 . tcp . 80 : goto firewall-WEB }
                add element ip t hairpin-connections { 10.244.0.2 . 10.244.0.2 . tcp . 8080, 10.244.0.3 . 10.244.0.3 . tcp . 8080 }
                add element ip t service-ips { 1.2.3.4 . tcp . 80 : goto external-WEB, 10.96.0.1 . tcp . 80 : goto service-WEB, 5.6.7.8 . tcp . 80 : goto external-WEB }
                add element ip t service-nodeports { tcp . 30080 : goto external-WEB }

                """)
    }

    @Test func localPolicies() {
        let spec: JSONValue = [
            "clusterIP": "10.96.0.1", "type": "NodePort", "externalTrafficPolicy": "Local",
            "internalTrafficPolicy": "Local", "ports": [["name": "http", "port": 80, "nodePort": 30080]],
        ]
        let mixed = Objects.slice([Objects.endpoint("10.244.0.2"), Objects.endpoint("10.245.0.3", node: "n2")])
        #expect(
            Self.golden([Objects.service(spec)], [mixed]) == """
                add chain ip t external-WEB
                add chain ip t local-WEB
                add chain ip t service-WEB
                add rule ip t external-WEB ip saddr { 10.244.0.0/16 } goto service-WEB
                add rule ip t external-WEB fib saddr type local meta mark set meta mark or 0x4000
                add rule ip t external-WEB fib saddr type local goto service-WEB
                add rule ip t external-WEB goto local-WEB
                add rule ip t local-WEB meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.244.0.2 . 8080 }
                add rule ip t service-WEB meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.245.0.3 . 8080 }
                add element ip t cluster-ips { 10.96.0.1 }
                add element ip t hairpin-connections { 10.244.0.2 . 10.244.0.2 . tcp . 8080 }
                add element ip t service-ips { 10.96.0.1 . tcp . 80 : goto local-WEB }
                add element ip t service-nodeports { tcp . 30080 : goto external-WEB }

                """)
        // Somewhere else only: dropped for those outside, still reached by pods.
        let remote = Objects.slice([Objects.endpoint("10.245.0.3", node: "n2")])
        let script = Self.golden([Objects.service(spec)], [remote])
        #expect(script.contains("add element ip t no-endpoint-services { 10.96.0.1 . tcp . 80 : drop }"))
        #expect(script.contains("add element ip t no-endpoint-nodeports { tcp . 30080 : drop }"))
        #expect(script.contains("add rule ip t external-WEB ip saddr { 10.244.0.0/16 } goto service-WEB"))
        #expect(!script.contains("local-WEB"))
    }

    @Test func sessionAffinity() {
        var spec = Objects.spec
        spec["sessionAffinity"] = "ClientIP"
        spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": 600]]
        #expect(
            Self.golden([Objects.service(spec)], [Self.two]) == """
                add chain ip t endpoint-WEB__10.244.0.2/8080
                add chain ip t endpoint-WEB__10.244.0.3/8080
                add chain ip t service-WEB
                add set ip t affinity-600-WEB__10.244.0.2/8080 { type ipv4_addr; flags dynamic,timeout; timeout 600s; }
                add set ip t affinity-600-WEB__10.244.0.3/8080 { type ipv4_addr; flags dynamic,timeout; timeout 600s; }
                add rule ip t endpoint-WEB__10.244.0.2/8080 update @affinity-600-WEB__10.244.0.2/8080 { ip saddr }
                add rule ip t endpoint-WEB__10.244.0.2/8080 meta l4proto tcp dnat to 10.244.0.2:8080
                add rule ip t endpoint-WEB__10.244.0.3/8080 update @affinity-600-WEB__10.244.0.3/8080 { ip saddr }
                add rule ip t endpoint-WEB__10.244.0.3/8080 meta l4proto tcp dnat to 10.244.0.3:8080
                add rule ip t service-WEB ip saddr @affinity-600-WEB__10.244.0.2/8080 goto endpoint-WEB__10.244.0.2/8080
                add rule ip t service-WEB ip saddr @affinity-600-WEB__10.244.0.3/8080 goto endpoint-WEB__10.244.0.3/8080
                add rule ip t service-WEB numgen random mod 2 vmap { 0 : goto endpoint-WEB__10.244.0.2/8080, 1 : goto endpoint-WEB__10.244.0.3/8080 }
                add element ip t cluster-ips { 10.96.0.1 }
                add element ip t hairpin-connections { 10.244.0.2 . 10.244.0.2 . tcp . 8080, 10.244.0.3 . 10.244.0.3 . tcp . 8080 }
                add element ip t service-ips { 10.96.0.1 . tcp . 80 : goto service-WEB }

                """)
    }

    @Test func ipv6() {
        var node = Objects.node
        node.families = [.ipv6]
        node.podRanges = [IPRange("fd00:244::/64")].compactMap { $0 }
        node.serviceRanges = []
        let service = Objects.service([
            "clusterIP": "fd00:96::1", "ports": [["name": "http", "port": 80]], "sessionAffinity": "ClientIP",
        ])
        let slice = Objects.slice([Objects.endpoint("fd00:244::2")], type: "IPv6")
        let script = Self.ruleset([service], [slice], node: node, family: .ipv6).script(owner: "o")
        #expect(script.hasPrefix("add table ip6 t\n"))
        #expect(script.contains("__fd00.244..2/8080 meta l4proto tcp dnat to [fd00:244::2]:8080\n"))
        #expect(script.contains("ip6 daddr != ::1 meta l4proto . th dport vmap @service-nodeports"))
        #expect(!script.contains("127.0.0"))
    }

    // MARK: - Differences

    private static func change(_ old: Ruleset, _ new: Ruleset) -> String {
        guard case .incremental(let script, let retired) = old.change(to: new, owner: "o") else {
            return "\(old.change(to: new, owner: "o"))"
        }
        let tag = Self.tag(script + retired.joined(separator: "\n"))
        return (script + "retired: \(retired.joined(separator: " "))\n")
            .split(separator: "\(tag)-default/web/tcp/http", omittingEmptySubsequences: false).joined(separator: "WEB")
    }

    @Test func anEndpointMore() {
        let service = Objects.service(Objects.spec)
        let one = Objects.slice([Objects.endpoint("10.244.0.2")])
        #expect(
            Self.change(Self.ruleset([service], [one]), Self.ruleset([service], [Self.two])) == """
                flush chain ip t owner-o
                flush chain ip t service-WEB
                add rule ip t service-WEB meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }
                add element ip t hairpin-connections { 10.244.0.3 . 10.244.0.3 . tcp . 8080 }
                retired: \n
                """)
    }

    @Test func theLastEndpointLess() {
        let service = Objects.service(Objects.spec)
        let one = Objects.slice([Objects.endpoint("10.244.0.2")])
        #expect(
            Self.change(Self.ruleset([service], [one]), Self.ruleset([service], [])) == """
                flush chain ip t owner-o
                delete element ip t hairpin-connections { 10.244.0.2 . 10.244.0.2 . tcp . 8080 }
                delete element ip t service-ips { 10.96.0.1 . tcp . 80 }
                flush chain ip t service-WEB
                add element ip t no-endpoint-services { 10.96.0.1 . tcp . 80 : goto reject-chain }
                retired: service-WEB

                """)
    }

    @Test func nothingToDoAndTooMuchToDo() {
        #expect(Self.base.change(to: Self.base, owner: "o") == .nothing)
        var other = Self.base
        other.chains["nat-output"]?.hook = "type nat hook output priority -90;"
        #expect(Self.base.change(to: other, owner: "o") == .full)
        other = Self.base
        other.collections["cluster-ips"]?.declaration = "type ipv6_addr;"
        #expect(Self.base.change(to: other, owner: "o") == .full)
        #expect(Self.base.change(to: Self.ruleset([], [], options: RulesetOptions(table: "u")), owner: "o") == .full)
    }

    @Test func anotherAffinityTimeMakesOtherSets() {
        func spec(_ seconds: Int64) -> JSONValue {
            var spec = Objects.spec
            spec["sessionAffinity"] = "ClientIP"
            spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": .integer(seconds)]]
            return spec
        }
        let one = Objects.slice([Objects.endpoint("10.244.0.2")])
        let script = Self.change(
            Self.ruleset([Objects.service(spec(60))], [one]), Self.ruleset([Objects.service(spec(90))], [one]))
        #expect(script.contains("delete set ip t affinity-60-WEB__10.244.0.2/8080"))
        #expect(script.contains("add set ip t affinity-90-WEB__10.244.0.2/8080"))
    }

    @Test func twoServicesWithOneExternalIPDoNotTakeTurns() {
        func service(_ name: String, _ ip: String) -> Service {
            Objects.service(
                ["clusterIP": .string(ip), "externalIPs": ["1.2.3.4"], "ports": [["name": "http", "port": 80]]],
                name: name)
        }
        let slices = [Self.two, Objects.slice("b", of: "b", [Objects.endpoint("10.244.0.9")])]
        let services = [service("web", "10.96.0.1"), service("b", "10.96.0.2")]
        let there = Self.ruleset(services, slices), back = Self.ruleset(services.reversed(), slices)
        #expect(there == back)
        #expect(there.collections["service-ips"]?.elements["1.2.3.4 . tcp . 80"]?.contains("default/b/") == true)
    }
}
