import JSON
import KubeTypes
import Testing

@testable import ServiceProxy

/// From policies, pods and namespaces to the table.
@Suite struct PolicyTests {
    private static let namespaces = ["x": ["ns": "x"], "y": ["ns": "y"]]

    static func pod(
        _ name: String, _ namespace: String, _ address: String, labels: [String: String] = [:],
        port: (String, Int)? = nil,
        node: String = "n1", phase: String = "Running", hostNetwork: Bool = false
    ) -> Pod {
        var container: JSONValue = ["name": "c"]
        if let port { container["ports"] = [["name": .string(port.0), "containerPort": .integer(Int64(port.1))]] }
        var metadata: JSONValue = ["name": .string(name), "namespace": .string(namespace)]
        metadata["labels"] = .object(
            JSONObject(labels.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONValue.string($0.value)) }))
        var spec: JSONValue = ["nodeName": .string(node), "containers": [container]]
        if hostNetwork { spec["hostNetwork"] = true }
        return Pod([
            "metadata": metadata, "spec": spec,
            "status": ["phase": .string(phase), "podIP": .string(address), "podIPs": [["ip": .string(address)]]],
        ])
    }

    static func policy(_ name: String, _ namespace: String, _ spec: JSONValue) -> NetworkPolicy {
        NetworkPolicy(["metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec])
    }

    private static let pods: [Pod] = [
        pod("a", "x", "10.0.0.1", labels: ["pod": "a"], port: ("http", 80)),
        pod("b", "x", "10.0.0.2", labels: ["pod": "b"], port: ("http", 8080)),
        pod("a", "y", "10.0.0.3", labels: ["pod": "a"]),
        pod("far", "y", "10.0.1.9", labels: ["pod": "b"], port: ("http", 81), node: "n2"),
        pod("done", "x", "10.0.0.1", labels: ["pod": "a"], phase: "Succeeded"),
        pod("host", "x", "192.168.0.1", labels: ["pod": "a"], hostNetwork: true),
    ]

    private func table(_ policies: [NetworkPolicy], pods: [Pod] = PolicyTests.pods) -> Ruleset {
        let known = pods.compactMap { PolicyPod($0, nodeName: "n1") }
        let isolated = PolicyResolver.isolated(policies: policies, pods: known, namespaces: Self.namespaces)
        return PolicyRuleset.ruleset(family: .ipv4, table: "t", isolated: isolated, pods: known)
    }

    /// The rules of the chain that a pod's packets go through; nil if it is not isolated.
    private func chain(_ ruleset: Ruleset, _ direction: PolicyDirection, _ address: String) -> [String]? {
        guard let verdict = ruleset.collections[direction.rawValue]?.elements[address] else { return nil }
        return ruleset.chains[String(verdict.dropFirst("jump ".count))]?.rules
    }

    private func elements(_ ruleset: Ruleset, _ prefix: String) -> [[String]] {
        ruleset.collections.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map {
            $0.value.elements.keys.sorted()
        }
    }

    @Test func nobodyIsIsolatedWithoutPolicies() {
        let ruleset = table([])
        #expect(ruleset.collections["ingress"]?.elements.isEmpty == true)
        #expect(ruleset.collections["egress"]?.elements.isEmpty == true)
    }

    @Test func anEmptyPolicyClosesOneDirection() {
        let ruleset = table([Self.policy("deny", "x", ["podSelector": [:], "policyTypes": ["Ingress"]])])
        #expect(chain(ruleset, .ingress, "10.0.0.1") == ["drop"])
        #expect(chain(ruleset, .ingress, "10.0.0.2") == ["drop"])
        #expect(chain(ruleset, .egress, "10.0.0.1") == nil)
        #expect(chain(ruleset, .ingress, "10.0.0.3") == nil)
        // Finished pods and those of the host's network are nobody's.
        #expect(chain(ruleset, .ingress, "192.168.0.1") == nil)
        #expect(ruleset.collections["self"]?.elements["10.0.0.1 . 10.0.0.1"] == "")
    }

    @Test func typesFollowFromRules() {
        #expect(PolicyResolver.directions(of: Self.policy("p", "x", [:])) == [.ingress])
        #expect(PolicyResolver.directions(of: Self.policy("p", "x", ["egress": [[:]]])) == [.ingress, .egress])
        #expect(PolicyResolver.directions(of: Self.policy("p", "x", ["policyTypes": ["Egress"]])) == [.egress])
    }

    @Test(
        arguments: [
            // Own namespace only; both selectors together; a namespace alone; two peers are either.
            ([["podSelector": ["matchLabels": ["pod": "b"]]]], ["10.0.0.2"]),
            (
                [["podSelector": ["matchLabels": ["pod": "a"]], "namespaceSelector": ["matchLabels": ["ns": "y"]]]],
                ["10.0.0.3"]
            ),
            ([["namespaceSelector": ["matchLabels": ["ns": "y"]]]], ["10.0.0.3", "10.0.1.9"]),
            (
                [
                    ["podSelector": ["matchLabels": ["pod": "b"]]],
                    ["namespaceSelector": ["matchExpressions": [["key": "ns", "operator": "NotIn", "values": ["x"]]]]],
                ], ["10.0.0.2", "10.0.0.3", "10.0.1.9"]
            ),
            ([["podSelector": [:]]], ["10.0.0.1", "10.0.0.2"]),
        ] as [(JSONValue, [String])])
    func peersArePods(peers: JSONValue, expected: [String]) {
        let ruleset = table([
            Self.policy("p", "x", ["podSelector": ["matchLabels": ["pod": "a"]], "ingress": [["from": peers]]])
        ])
        #expect(elements(ruleset, "peers-") == [expected])
        let lines = chain(ruleset, .ingress, "10.0.0.1")
        #expect(lines?.count == 2)
        #expect(lines?.first?.hasPrefix("ip saddr @peers-") == true)
        #expect(lines?.first?.hasSuffix(" return") == true)
        #expect(lines?.last == "drop")
    }

    @Test func aPeerThatMatchesNobodyLetsNobodyIn() {
        let ruleset = table([
            Self.policy(
                "p", "x",
                ["podSelector": [:], "ingress": [["from": [["podSelector": ["matchLabels": ["pod": "none"]]]]]]])
        ])
        #expect(chain(ruleset, .ingress, "10.0.0.1") == ["drop"])
    }

    @Test func blocksAndPorts() {
        let ruleset = table([
            Self.policy(
                "p", "x",
                [
                    "podSelector": [:], "policyTypes": ["Egress"],
                    "egress": [
                        [
                            "to": [
                                ["ipBlock": ["cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]]],
                                ["ipBlock": ["cidr": "2001:db8::/32"]],
                            ],
                            "ports": [
                                ["port": 53, "protocol": "UDP"], ["port": 80], ["port": 443, "endPort": 450],
                                ["port": 448, "endPort": 460], ["protocol": "SCTP"],
                            ],
                        ]
                    ],
                ])
        ])
        let block = "ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16, 10.2.0.0/16 }"
        #expect(
            chain(ruleset, .egress, "10.0.0.1") == [
                "\(block) tcp dport { 80, 443-460 } return", "\(block) udp dport { 53 } return",
                "\(block) meta l4proto sctp return", "drop",
            ])
    }

    @Test func namesOfPortsAreTheReceivers() {
        let ports: JSONValue = [["port": "http"]]
        let ingress = table([Self.policy("p", "x", ["podSelector": [:], "ingress": [["ports": ports]]])])
        #expect(elements(ingress, "named-") == [["10.0.0.1 . 80", "10.0.0.2 . 8080"]])
        let egress = table([
            Self.policy(
                "p", "x",
                [
                    "podSelector": [:], "policyTypes": ["Egress"],
                    "egress": [["ports": ports, "to": [["namespaceSelector": ["matchLabels": ["ns": "y"]]]]]],
                ])
        ])
        #expect(elements(egress, "named-") == [["10.0.1.9 . 81"]])
        #expect(chain(egress, .egress, "10.0.0.1")?.count == 2)
    }

    @Test func policiesAddUp() {
        let policies = [
            Self.policy("allow", "x", ["podSelector": ["matchLabels": ["pod": "a"]], "ingress": [[:]]]),
            Self.policy("deny", "x", ["podSelector": [:]]),
        ]
        let ruleset = table(policies)
        #expect(chain(ruleset, .ingress, "10.0.0.1") == ["return", "drop"])
        #expect(chain(ruleset, .ingress, "10.0.0.2") == ["drop"])
    }

    /// A pod that comes changes elements, not chains.
    @Test func aNewPeerIsASmallChange() throws {
        let policy = Self.policy(
            "p", "x", ["podSelector": ["matchLabels": ["pod": "a"]], "ingress": [["from": [["podSelector": [:]]]]]])
        let before = table([policy])
        let after = table([policy], pods: Self.pods + [Self.pod("c", "x", "10.0.0.7")])
        guard case .incremental(let script, let retired) = before.change(to: after, owner: "o") else {
            Issue.record("the whole table is written")
            return
        }
        #expect(retired == [])
        #expect(script.split(separator: "\n").count == 2)
        #expect(script.contains("{ 10.0.0.7 }"))
    }

    /// A pod that may not leave does not get out by asking the node's proxy to carry its requests on.
    @Test func proxiesAreOutOfBounds() throws {
        let known = Self.pods.compactMap { PolicyPod($0, nodeName: "n1") }
        let socket = ProxySocket(address: try #require(IPAddress("10.0.0.254")), port: 4711)
        let ruleset = PolicyRuleset.ruleset(
            family: .ipv4, table: "t", isolated: [], pods: known, proxies: [socket])
        #expect(ruleset.collections["proxies"]?.elements == ["10.0.0.254 . 4711": ""])
        #expect(ruleset.chains["input"]?.rules.last == "ip daddr . tcp dport @proxies ip saddr vmap @egress")
        let other = PolicyRuleset.ruleset(
            family: .ipv6, table: "t", isolated: [], pods: known, proxies: [socket])
        #expect(other.collections["proxies"]?.elements == [:])
    }
}
