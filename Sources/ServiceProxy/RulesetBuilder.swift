// From Services to an nftables table: the chains that every node has, and what each port of a Service adds to them.
//
// A packet to a Service meets, in this order: the firewall of load balancer sources (before NAT), the dispatch by
// address and port (in NAT's prerouting and output hooks), and, where nothing took it, the refusal of Services
// without endpoints. What leaves is masqueraded where the answer would not find its way back otherwise.
// The layout follows kube-proxy's nftables mode: https://kubernetes.io/docs/reference/networking/virtual-ips/

import KubeTypes

/// Knobs that change the table's fixed part.
struct RulesetOptions: Sendable, Hashable {
    var table = "martlet"
    /// The bit of the packet mark that means "masquerade on the way out".
    var masqueradeMark = 0x4000
    /// Node ports answer on 127.0.0.1 too; needs the sysctl `route_localnet`.
    var localhostNodePorts = true
    /// Pods that talk to the world outside do so from the node's address.
    var masqueradePodEgress = true
    /// One of those that `ServiceScheduling.isStateless` holds for; others are as `random`.
    var scheduling = ServiceScheduling.random
}

struct RulesetBuilder {
    private let node: NodeFacts
    private let options: RulesetOptions
    private let family: IPFamily
    private var ruleset: Ruleset

    static func ruleset(
        family: IPFamily, routes: [ServicePortRoute], node: NodeFacts, options: RulesetOptions = RulesetOptions()
    ) -> Ruleset {
        var builder = RulesetBuilder(family: family, node: node, options: options)
        builder.addFixedPart()
        for route in routes where route.family == family { builder.add(route) }
        return builder.ruleset
    }

    private init(family: IPFamily, node: NodeFacts, options: RulesetOptions) {
        self.family = family
        self.node = node
        self.options = options
        ruleset = Ruleset(family: family, table: options.table)
    }

    private var ip: String { family.keyword }
    private var mark: String { "0x" + String(options.masqueradeMark, radix: 16) }
    private var setMark: String { "meta mark set meta mark or \(mark)" }
    private var podRanges: [IPRange] { node.podRanges.filter { $0.family == family } }
    private var serviceRanges: [IPRange] { node.serviceRanges.filter { $0.family == family } }

    private func braces(_ items: [some CustomStringConvertible]) -> String {
        "{ " + items.map(\.description).joined(separator: ", ") + " }"
    }

    // MARK: - The part that every node has

    private mutating func addFixedPart() {
        let frontend = "type \(family.addressType) . inet_proto . inet_service : verdict;"
        let nodePort = "type inet_proto . inet_service : verdict;"
        addCollection("cluster-ips", "type \(family.addressType);", isMap: false)
        addCollection("service-ips", frontend)
        addCollection("service-nodeports", nodePort)
        addCollection("no-endpoint-services", frontend)
        addCollection("no-endpoint-nodeports", nodePort)
        addCollection("firewall-ips", frontend)
        addCollection(
            "hairpin-connections",
            "type \(family.addressType) . \(family.addressType) . inet_proto . inet_service;", isMap: false)

        let address = "\(ip) daddr . meta l4proto . th dport"
        // 127.0.0.1 is as local as the node's other addresses; where it shall not answer, it is left out.
        let localPort: String
        if family == .ipv6 {
            localPort = "ip6 daddr != ::1 meta l4proto . th dport"
        } else {
            localPort = (options.localhostNodePorts ? "" : "ip daddr != 127.0.0.0/8 ") + "meta l4proto . th dport"
        }

        chain("firewall-check", ["\(address) vmap @firewall-ips"])
        chain("service-endpoints-check", ["\(address) vmap @no-endpoint-services"])
        chain("nodeport-endpoints-check", ["fib daddr type local \(localPort) vmap @no-endpoint-nodeports"])
        // The kernel limits how many ICMP errors it sends to one client, and the next ones time out; resets it does not.
        chain("reject-chain", ["meta l4proto tcp reject with tcp reset", "reject"])
        var unallocated = ["\(ip) daddr @cluster-ips goto reject-chain"]
        if !serviceRanges.isEmpty { unallocated.append("\(ip) daddr \(braces(serviceRanges)) drop") }
        chain("cluster-ips-check", unallocated)

        var services: [String] = []
        if !podRanges.isEmpty {
            services.append("\(ip) daddr @cluster-ips \(ip) saddr != \(braces(podRanges)) \(setMark)")
        }
        services.append("\(address) vmap @service-ips")
        services.append("fib daddr type local \(localPort) vmap @service-nodeports")
        chain("services", services)
        addHooks()
    }

    private mutating func addHooks() {
        func base(_ name: String, _ type: String, _ hook: String, _ priority: Int, _ rules: [String]) {
            ruleset.chains[name] = Ruleset.Chain(hook: "type \(type) hook \(hook) priority \(priority);", rules)
        }
        var preDNAT = ["ct state new jump firewall-check"]
        if family == .ipv4, options.localhostNodePorts {
            // With route_localnet a neighbour on the wire could reach what listens on 127.0.0.1; answers to our own
            // connections (which conntrack knows) must come through.
            preDNAT.insert("iifname != \"lo\" ip daddr 127.0.0.0/8 ct state new,invalid drop", at: 0)
        }
        base("filter-prerouting-pre-dnat", "filter", "prerouting", -110, preDNAT)
        base("filter-output-pre-dnat", "filter", "output", -110, ["ct state new jump firewall-check"])
        base(
            "filter-input", "filter", "input", 0,
            ["ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check"])
        let check = ["ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check"]
        // A late answer that conntrack gives up on would reach the client from an address that it never called, and the
        // client would reset the connection.
        let invalid =
            podRanges.isEmpty
            ? []
            : ["saddr", "daddr"].map { "\(ip) \($0) \(braces(podRanges)) ct state invalid drop" }
        base("filter-forward", "filter", "forward", 0, invalid + check)
        base("filter-output", "filter", "output", 0, check)
        base("nat-prerouting", "nat", "prerouting", -100, ["jump services"])
        base("nat-output", "nat", "output", -100, ["jump services"])

        var masquerading = [
            "meta mark and \(mark) != 0 meta mark set meta mark xor \(mark) masquerade fully-random",
            "ct status dnat \(ip) saddr . \(ip) daddr . meta l4proto . th dport @hairpin-connections "
                + "masquerade fully-random",
        ]
        if options.masqueradePodEgress, !podRanges.isEmpty {
            let inside = podRanges.map(\.description) + [family == .ipv4 ? "224.0.0.0/4" : "ff00::/8"]
            masquerading.append(
                "\(ip) saddr \(braces(podRanges)) \(ip) daddr != \(braces(inside)) masquerade fully-random")
        }
        chain("masquerading", masquerading)
        base("nat-postrouting", "nat", "postrouting", 100, ["jump masquerading"])
    }

    private mutating func addCollection(_ name: String, _ declaration: String, isMap: Bool = true) {
        ruleset.collections[name] = Ruleset.Collection(isMap: isMap, declaration: declaration)
    }

    private mutating func chain(_ name: String, _ rules: [String]) {
        ruleset.chains[name] = Ruleset.Chain(rules)
    }

    /// The first Service that claims a key keeps it: two with the same external IP and port must not take turns.
    private mutating func element(_ collection: String, _ key: String, _ value: String = "") {
        if ruleset.collections[collection]?.elements[key] == nil {
            ruleset.collections[collection]?.elements[key] = value
        }
    }

    // MARK: - What a port of a Service adds

    private mutating func add(_ route: ServicePortRoute) {
        let choice = EndpointChoice(route, node: node)
        let names = ChainNames(route)
        func frontend(_ address: IPAddress) -> String { "\(address) . \(route.transport) . \(route.port)" }

        let usable = (
            internal: route.internalPolicyLocal ? choice.local : choice.cluster,
            external: route.externalPolicyLocal ? choice.local : choice.cluster
        )
        // Nothing behind it anywhere: refused at once. Something, but not on this node: dropped, as a load balancer's
        // health check would have kept the client from coming here.
        let refusal = choice.hasAny ? "drop" : "goto reject-chain"

        element("cluster-ips", "\(route.clusterIP)")
        if usable.internal.isEmpty {
            element("no-endpoint-services", frontend(route.clusterIP), refusal)
        } else {
            let chain = route.internalPolicyLocal ? names.local : names.cluster
            element("service-ips", frontend(route.clusterIP), "goto \(chain)")
        }
        for address in route.externalIPs + route.loadBalancerIPs {
            if choice.hasAny { element("service-ips", frontend(address), "goto \(names.external)") }
            if usable.external.isEmpty { element("no-endpoint-services", frontend(address), refusal) }
        }
        if let nodePort = route.nodePort {
            let key = "\(route.transport) . \(nodePort)"
            if choice.hasAny { element("service-nodeports", key, "goto \(names.external)") }
            if usable.external.isEmpty { element("no-endpoint-nodeports", key, refusal) }
        }
        if choice.hasAny, route.isExternal { addExternalChain(route, choice, names) }
        if !route.sourceRanges.isEmpty, !route.loadBalancerIPs.isEmpty {
            addFirewall(route, names)
            for address in route.loadBalancerIPs {
                element("firewall-ips", frontend(address), "goto \(names.firewall)")
            }
        }
        addEndpoints(route, choice, names)
    }

    private mutating func addExternalChain(_ route: ServicePortRoute, _ choice: EndpointChoice, _ names: ChainNames) {
        var rules: [String] = []
        if !route.externalPolicyLocal {
            // The endpoint may be on another node, whose answer has to come back through this one.
            rules.append(setMark)
            if !choice.cluster.isEmpty { rules.append("goto \(names.cluster)") }
        } else {
            // Pods and the node itself are inside the cluster and may go to endpoints anywhere.
            if !choice.cluster.isEmpty {
                if !podRanges.isEmpty {
                    rules.append("\(ip) saddr \(braces(podRanges)) goto \(names.cluster)")
                }
                rules.append("fib saddr type local \(setMark)")
                rules.append("fib saddr type local goto \(names.cluster)")
            }
            if !choice.local.isEmpty { rules.append("goto \(names.local)") }
        }
        chain(names.external, rules)
    }

    private mutating func addFirewall(_ route: ServicePortRoute, _ names: ChainNames) {
        var sources = route.sourceRanges.map(\.description)
        // A node that is let in talks to a load balancer's address from that address, if it is one of its own.
        if node.nodeIPs.contains(where: { address in route.sourceRanges.contains { $0.contains(address) } }) {
            sources += route.loadBalancerIPs.map(\.description)
        }
        chain(names.firewall, ["\(ip) saddr != \(braces(sources)) drop"])
    }

    /// The expression that says which endpoint a new connection gets.
    private func number(below count: Int) -> String {
        switch options.scheduling {
        case .roundRobin: "numgen inc mod \(count)"
        case .sourceHashing: "jhash \(ip) saddr mod \(count) seed 0x6d617274"
        case .destinationHashing: "jhash \(ip) daddr . th dport mod \(count) seed 0x6d617274"
        case .random, .leastConnection, .shortestExpectedDelay, .neverQueue: "numgen random mod \(count)"
        }
    }

    private mutating func addEndpoints(_ route: ServicePortRoute, _ choice: EndpointChoice, _ names: ChainNames) {
        for target in choice.reachable
        where target.isLocal || podRanges.contains(where: { $0.contains(target.address) }) {
            element(
                "hairpin-connections", "\(target.address) . \(target.address) . \(route.transport) . \(target.port)")
        }
        for (name, targets) in [(names.cluster, choice.cluster), (names.local, choice.local)] where !targets.isEmpty {
            if route.affinitySeconds == nil {
                let map = targets.enumerated().map { "\($0) : \($1.address) . \($1.port)" }
                chain(
                    name,
                    [
                        "meta l4proto \(route.transport) dnat \(ip) addr . port to \(number(below: targets.count)) "
                            + "map \(braces(map))"
                    ])
            } else {
                let sticky = targets.map { "\(ip) saddr @\(names.affinity($0)) goto \(names.endpoint($0))" }
                let map = targets.enumerated().map { "\($0) : goto \(names.endpoint($1))" }
                chain(name, sticky + ["\(number(below: targets.count)) vmap \(braces(map))"])
            }
        }
        guard let seconds = route.affinitySeconds else { return }
        for target in choice.reachable {
            // An update renews the client's time with every connection.
            let destination =
                family == .ipv6 ? "[\(target.address)]:\(target.port)" : "\(target.address):\(target.port)"
            chain(
                names.endpoint(target),
                [
                    "update @\(names.affinity(target)) { \(ip) saddr }",
                    "meta l4proto \(route.transport) dnat to \(destination)",
                ])
            addCollection(
                names.affinity(target),
                "type \(family.addressType); flags dynamic,timeout; timeout \(seconds)s;", isMap: false)
        }
    }
}

/// The names of the chains of one Service port: readable, and made unique by a hash because they may have to be cut.
struct ChainNames: Sendable, Hashable {
    let cluster: String
    let local: String
    let external: String
    let firewall: String
    private let suffix: String
    /// A set's timeout cannot be changed: a Service that changes its own gets new sets.
    private let affinityTime: String

    init(_ route: ServicePortRoute) {
        suffix = "\(Self.hash(route.name))-\(route.name.prefix(80))"
        cluster = "service-\(suffix)"
        local = "local-\(suffix)"
        external = "external-\(suffix)"
        firewall = "firewall-\(suffix)"
        affinityTime = "\(route.affinitySeconds ?? 0)"
    }

    func endpoint(_ target: EndpointTarget) -> String { "endpoint-\(suffix)__\(Self.text(target))" }
    func affinity(_ target: EndpointTarget) -> String { "affinity-\(affinityTime)-\(suffix)__\(Self.text(target))" }

    private static func text(_ target: EndpointTarget) -> String {
        "\(target.address)".map { $0 == ":" ? "." : String($0) }.joined() + "/\(target.port)"
    }

    /// FNV-1a, 32 bits in base 36.
    static func hash(_ text: String) -> String {
        String(FNV1a.hash32(text.utf8), radix: 36, uppercase: true)
    }
}
