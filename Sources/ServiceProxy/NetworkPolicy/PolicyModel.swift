// NetworkPolicies resolved to addresses: which pods of this node are isolated in which direction, and whom they may
// talk to. A pure function of policies, pods and namespaces.

import KubeTypes

/// The two directions in which a pod can be isolated.
enum PolicyDirection: String, Sendable, Hashable, CaseIterable {
    case ingress, egress
}

/// What a policy needs to know of a pod.
struct PolicyPod: Sendable, Hashable {
    struct Port: Sendable, Hashable {
        let name: String
        /// `tcp`, `udp` or `sctp`.
        let transport: String
        let number: Int
    }

    let key: ObjectKey
    let labels: [String: String]
    let addresses: [IPAddress]
    let ports: [Port]
    /// Its packets pass this node's packet filter first or last.
    let isLocal: Bool

    /// Nil for pods that have no network of their own, or none any more: another pod may have the address by now.
    init?(_ pod: Pod, nodeName: String) {
        guard pod.spec.hostNetwork != true, pod.status.phase != "Succeeded", pod.status.phase != "Failed" else {
            return nil
        }
        let listed = pod.status.podIPs.compactMap(\.ip)
        addresses = (listed.isEmpty ? [pod.status.podIP].compactMap(\.self) : listed).compactMap { IPAddress($0) }
        guard !addresses.isEmpty else { return nil }
        key = pod.key
        labels = pod.labels
        isLocal = pod.spec.nodeName == nodeName
        // Sidecars may serve.
        ports = (pod.spec.containers + pod.spec.initContainers.filter(\.isSidecar)).flatMap(\.ports).compactMap {
            port in
            guard let name = port.name, !name.isEmpty else { return nil }
            return Port(name: name, transport: (port.protocol ?? "TCP").lowercased(), number: port.containerPort)
        }
    }
}

/// What one rule of a policy lets through.
struct PolicyRule: Sendable, Hashable {
    enum Peers: Sendable, Hashable {
        case all
        /// Pods by their addresses, and ranges of addresses.
        case some(pods: [PolicyPod], blocks: [Block])
    }

    struct Block: Sendable, Hashable {
        let range: IPRange
        let except: [IPRange]
    }

    enum Port: Sendable, Hashable {
        /// All ports of a transport.
        case transport(String)
        case numbers(String, ClosedRange<Int>)
        /// Stands for whatever the receiving pod calls so.
        case name(String, String)
    }

    let peers: Peers
    /// Nil: any protocol, any port.
    let ports: [Port]?
}

/// A policy as it concerns one direction.
struct ResolvedPolicy: Sendable, Hashable {
    let key: ObjectKey
    let direction: PolicyDirection
    let rules: [PolicyRule]
}

/// The pods that are isolated in one direction by the same policies.
struct IsolatedPods: Sendable, Hashable {
    let direction: PolicyDirection
    /// Ordered by name.
    let policies: [ResolvedPolicy]
    /// Ordered by name.
    let pods: [PolicyPod]
}

enum PolicyResolver {
    /// - Parameters:
    ///   - namespaces: the labels of each.
    ///   - pods: of the whole cluster, each once.
    static func isolated(
        policies: [NetworkPolicy], pods: [PolicyPod], namespaces: [String: [String: String]]
    ) -> [IsolatedPods] {
        guard !policies.isEmpty else { return [] }
        let cluster = PolicyCluster(pods: pods, namespaces: namespaces)
        let sorted = policies.sorted { $0.key < $1.key }
        var found: [IsolatedPods] = []
        for direction in PolicyDirection.allCases {
            var policiesOfPod: [ObjectKey: [Int]] = [:]
            for (index, policy) in sorted.enumerated() where directions(of: policy).contains(direction) {
                // A policy without a selector selects every pod of its namespace.
                let selector = LabelMatcher(policy.spec.podSelector ?? LabelSelector())
                for pod in cluster.pods(in: policy.namespace) where pod.isLocal && selector.matches(pod.labels) {
                    policiesOfPod[pod.key, default: []].append(index)
                }
            }
            var resolved: [Int: ResolvedPolicy] = [:]
            for index in Set(policiesOfPod.values.joined()) {
                resolved[index] = resolve(sorted[index], direction, cluster)
            }
            let groups = Dictionary(grouping: pods.filter { policiesOfPod[$0.key] != nil }) {
                policiesOfPod[$0.key] ?? []
            }
            found += groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { indices, members in
                IsolatedPods(
                    direction: direction, policies: indices.compactMap { resolved[$0] },
                    pods: members.sorted { $0.key < $1.key })
            }
        }
        return found
    }

    /// What a policy says, or, where it does not, what follows from its having rules: the API server fills this in, but
    /// objects of older versions may come without.
    static func directions(of policy: NetworkPolicy) -> [PolicyDirection] {
        let types = policy.spec.policyTypes
        guard types.isEmpty else { return types.compactMap { PolicyDirection(rawValue: $0.lowercased()) } }
        return policy.spec.egress.isEmpty ? [.ingress] : [.ingress, .egress]
    }

    private static func resolve(
        _ policy: NetworkPolicy, _ direction: PolicyDirection, _ cluster: PolicyCluster
    ) -> ResolvedPolicy {
        let listed =
            direction == .ingress
            ? policy.spec.ingress.map { ($0.from, $0.ports) } : policy.spec.egress.map { ($0.to, $0.ports) }
        let rules = listed.map { peers, ports in
            PolicyRule(
                peers: cluster.peers(peers, in: policy.namespace),
                ports: ports.isEmpty ? nil : ports.compactMap(Self.port))
        }
        return ResolvedPolicy(key: policy.key, direction: direction, rules: rules)
    }

    private static func port(_ port: NetworkPolicyPort) -> PolicyRule.Port? {
        let transport = (port.protocol ?? "TCP").lowercased()
        guard ["tcp", "udp", "sctp"].contains(transport) else { return nil }
        switch port.port {
        case nil: return .transport(transport)
        case .string(let name): return .name(transport, name)
        case .int(let number):
            let first = Int(number)
            guard (1...65535).contains(first) else { return nil }
            return .numbers(transport, first...max(first, min(port.endPort ?? first, 65535)))
        }
    }
}

/// Pods by namespace, and namespaces by label.
private struct PolicyCluster {
    private let byNamespace: [String: [PolicyPod]]
    private let namespaces: [String: [String: String]]

    init(pods: [PolicyPod], namespaces: [String: [String: String]]) {
        byNamespace = Dictionary(grouping: pods) { $0.key.namespace }
        self.namespaces = namespaces
    }

    func pods(in namespace: String) -> [PolicyPod] { byNamespace[namespace] ?? [] }

    func peers(_ peers: [NetworkPolicyPeer], in namespace: String) -> PolicyRule.Peers {
        guard !peers.isEmpty else { return .all }
        var pods: Set<PolicyPod> = [], blocks: [PolicyRule.Block] = []
        for peer in peers {
            if let block = peer.ipBlock {
                guard let range = IPRange(block.cidr) else { continue }
                blocks.append(PolicyRule.Block(range: range, except: block.except.compactMap { IPRange($0) }))
                continue
            }
            guard peer.podSelector != nil || peer.namespaceSelector != nil else { continue }
            let selector = LabelMatcher(peer.podSelector ?? LabelSelector())
            let places: [String]
            if let wanted = peer.namespaceSelector {
                let matcher = LabelMatcher(wanted)
                places = namespaces.filter { matcher.matches($0.value) }.map(\.key)
            } else {
                places = [namespace]
            }
            for place in places { pods.formUnion(self.pods(in: place).filter { selector.matches($0.labels) }) }
        }
        return .some(pods: pods.sorted { $0.key < $1.key }, blocks: blocks)
    }
}
