// From isolated pods to an nftables table: a chain for each group of pods with the same policies, sets for their peers.
//
// Every pod has a link of its own, so whatever it sends to another pod or to the world is forwarded by the node and
// passes here, after the service proxy has put the endpoint in the place of the Service, and before anything is
// masqueraded. What the node itself sends or receives does not: probes and the node's own agents always reach a pod
// (https://kubernetes.io/docs/concepts/services-networking/network-policies/). Only the sockets of proxies that would
// carry a pod's requests on to other pods are out of bounds for a pod that may not leave.

import KubeTypes

/// Where a proxy listens on this node.
struct ProxySocket: Sendable, Hashable {
    let address: IPAddress
    let port: Int
}

struct PolicyRuleset {
    private let family: IPFamily
    private let allPods: [PolicyPod]
    private var ruleset: Ruleset

    /// - Parameters:
    ///   - pods: all pods of the cluster, for ports that have names.
    ///   - proxies: the TCP sockets of this node's layer-7 proxies.
    static func ruleset(
        family: IPFamily, table: String, isolated: [IsolatedPods], pods: [PolicyPod], proxies: Set<ProxySocket> = []
    ) -> Ruleset {
        var builder = PolicyRuleset(family: family, table: table, pods: pods)
        builder.addFixedPart(proxies)
        for group in isolated { builder.add(group) }
        return builder.ruleset
    }

    private init(family: IPFamily, table: String, pods: [PolicyPod]) {
        self.family = family
        allPods = pods
        ruleset = Ruleset(family: family, table: table)
    }

    private var ip: String { family.keyword }

    private mutating func addFixedPart(_ proxies: Set<ProxySocket>) {
        var sockets = Ruleset.Collection(isMap: false, declaration: "type \(family.addressType) . inet_service;")
        for proxy in proxies where proxy.address.family == family {
            sockets.elements["\(proxy.address) . \(proxy.port)"] = ""
        }
        ruleset.collections["proxies"] = sockets
        ruleset.chains["input"] = Ruleset.Chain(
            hook: "type filter hook input priority 10;",
            [
                "ct state established,related accept",
                "\(ip) daddr . tcp dport @proxies \(ip) saddr vmap @egress",
            ])
        for direction in PolicyDirection.allCases {
            ruleset.collections[direction.rawValue] = Ruleset.Collection(
                isMap: true, declaration: "type \(family.addressType) : verdict;")
        }
        ruleset.collections["self"] = Ruleset.Collection(
            isMap: false, declaration: "type \(family.addressType) . \(family.addressType);")
        ruleset.chains["forward"] = Ruleset.Chain(
            hook: "type filter hook forward priority 10;",
            [
                // Answers, and connections that were let through when they began.
                "ct state established,related accept",
                // A pod that reaches itself through a Service is not kept from that.
                "\(ip) saddr . \(ip) daddr @self accept",
                "\(ip) saddr vmap @egress", "\(ip) daddr vmap @ingress",
            ])
    }

    private func addresses(_ pods: [PolicyPod]) -> [IPAddress] {
        pods.flatMap(\.addresses).filter { $0.family == family }
    }

    private mutating func add(_ group: IsolatedPods) {
        let names = group.policies.map { "\($0.key)" }.joined(separator: " ")
        let chain = "\(group.direction)-\(ChainNames.hash(names))-\(group.policies.first?.key.name.prefix(60) ?? "")"
        for address in addresses(group.pods) {
            ruleset.collections[group.direction.rawValue]?.elements["\(address)"] = "jump \(chain)"
            ruleset.collections["self"]?.elements["\(address) . \(address)"] = ""
        }
        var lines: [String] = []
        for policy in group.policies {
            for (index, rule) in policy.rules.enumerated() {
                let name = "\(ChainNames.hash("\(policy.direction) \(policy.key)"))-\(index)"
                lines += self.lines(rule, name, policy.direction, group.pods)
            }
        }
        // What no policy lets through is lost without a word, as upstream's plugins have it.
        ruleset.chains[chain] = Ruleset.Chain(lines + ["drop"])
    }

    /// The matches of one rule; each ends the chain and lets the packet go on to the other direction's check.
    private mutating func lines(
        _ rule: PolicyRule, _ name: String, _ direction: PolicyDirection, _ selected: [PolicyPod]
    ) -> [String] {
        let far = "\(ip) \(direction == .ingress ? "saddr" : "daddr")"
        var peers: [String] = []
        switch rule.peers {
        case .all: peers = [""]
        case .some(let pods, let blocks):
            let known = addresses(pods)
            if !known.isEmpty {
                addElements(known.map(\.description), to: "peers-\(name)", "type \(family.addressType);")
                peers.append("\(far) @peers-\(name) ")
            }
            for block in blocks where block.range.family == family {
                let except = block.except.filter { $0.family == family }.map(\.description)
                peers.append(
                    "\(far) \(block.range) "
                        + (except.isEmpty ? "" : "\(far) != { \(except.joined(separator: ", ")) } "))
            }
        }
        guard let ports = rule.ports else { return peers.map { "\($0)return" } }
        var lines: [String] = []
        for transport in ["tcp", "udp", "sctp"] {
            let matches = Self.ports(ports, transport).map { "\($0) " }
            for peer in peers { lines += matches.map { "\(peer)\($0)return" } }
        }
        for (index, port) in ports.enumerated() {
            guard case .name(let transport, let portName) = port else { continue }
            let set = "named-\(name)-\(index)"
            let receivers: [PolicyPod]
            switch (direction, rule.peers) {
            case (.ingress, _): receivers = selected
            case (.egress, .all): receivers = allPods
            case (.egress, .some(let pods, _)): receivers = pods
            }
            let elements = receivers.flatMap { pod in
                let numbers = pod.ports.filter { $0.name == portName && $0.transport == transport }.map(\.number)
                return addresses([pod]).flatMap { address in numbers.map { "\(address) . \($0)" } }
            }
            guard !elements.isEmpty else { continue }
            addElements(elements, to: set, "type \(family.addressType) . inet_service;")
            let match = "\(ip) daddr . \(transport) dport @\(set) return"
            lines += direction == .ingress ? peers.map { $0 + match } : [match]
        }
        return lines
    }

    /// Two groups may have a policy in common, and each adds what concerns its own pods.
    private mutating func addElements(_ elements: [String], to name: String, _ declaration: String) {
        var set = ruleset.collections[name] ?? Ruleset.Collection(isMap: false, declaration: declaration)
        for element in elements { set.elements[element] = "" }
        ruleset.collections[name] = set
    }

    /// The ports of one transport, as one match or none.
    private static func ports(_ ports: [PolicyRule.Port], _ transport: String) -> [String] {
        var ranges: [ClosedRange<Int>] = []
        for port in ports {
            switch port {
            case .transport(transport): return ["meta l4proto \(transport)"]
            case .numbers(transport, let range): ranges.append(range)
            case .transport, .numbers, .name: break
            }
        }
        // The kernel takes no ranges that overlap in one set.
        var merged: [ClosedRange<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        guard !merged.isEmpty else { return [] }
        let texts = merged.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return ["\(transport) dport { \(texts.joined(separator: ", ")) }"]
    }
}
