import KubeTypes

/// Which clients each endpoint of a service is for: `spec.trafficDistribution` (KEP-4444, KEP-3015) and the annotation
/// `service.kubernetes.io/topology-mode: Auto` (KEP-2433), as a pure function.
enum TopologyHints: Hashable {
    case none
    /// Clients stay in their zone.
    case sameZone
    /// Clients stay on their node, or else in their zone.
    case sameNode
    /// Zones get as many endpoints as they have processors.
    case auto

    private static let annotations = [
        "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode",
    ]

    init(_ service: Service) {
        let annotations = service.annotations
        // The older annotation, where it is there, is the one that counts.
        if let mode = Self.annotations.compactMap({ annotations[$0] }).first, mode == "Auto" || mode == "auto" {
            self = .auto
            return
        }
        switch service.spec.trafficDistribution {
        case "PreferClose", "PreferSameZone": self = .sameZone
        case "PreferSameNode": self = .sameNode
        default: self = .none
        }
    }

    /// Gives the endpoints of one address family their hints.
    /// - Parameters:
    ///   - endpoints: by anything that names them from one time to the next.
    ///   - shares: the part of the processors that each zone has; nil where that is not known of all nodes.
    /// - Returns: why there are no hints where there should be; nil if there are.
    func apply(to endpoints: inout [String: Endpoint], shares: [String: Double]?) -> String? {
        switch self {
        case .none: return nil
        case .sameZone, .sameNode:
            for (name, endpoint) in endpoints where endpoint.conditions?.ready == true {
                var hints = EndpointHints()
                if let zone = endpoint.zone, !zone.isEmpty { hints.forZones = [ForZone(["name": .string(zone)])] }
                if self == .sameNode, let node = endpoint.nodeName {
                    hints.forNodes = [ForNode(["name": .string(node)])]
                }
                if hints != EndpointHints() { endpoints[name]?.hints = hints }
            }
            return nil
        case .auto:
            let ready = endpoints.filter { $0.value.conditions?.ready == true }
            var zones: [String: String] = [:]
            for (name, endpoint) in ready {
                guard let zone = endpoint.zone, !zone.isEmpty else {
                    return "One or more endpoints do not have a zone specified"
                }
                zones[name] = zone
            }
            switch Self.allocate(zones, shares: shares) {
            case .problem(let problem): return problem
            case .zones(let zones):
                for (name, zone) in zones { endpoints[name]?.hints = Self.hints(zone) }
                return nil
            }
        }
    }

    private static func hints(_ zone: String) -> EndpointHints {
        var hints = EndpointHints()
        hints.forZones = [ForZone(["name": .string(zone)])]
        return hints
    }

    enum Allocation: Equatable {
        case zones([String: String])
        case problem(String)
    }

    /// How much more than its share an endpoint may get before there had better be no hints.
    private static let overload = 0.2

    /// Moves endpoints of zones that have too many to zones that have too few.
    /// - Parameter own: the zone that each endpoint is in.
    static func allocate(_ own: [String: String], shares: [String: Double]?) -> Allocation {
        guard let shares else {
            return .problem(
                "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes")
        }
        let sizes = "(\(own.count) endpoints, \(shares.count) zones)"
        guard shares.count >= 2 else { return .problem("Nodes only ready in one zone") }
        guard shares.count <= own.count else { return .problem("Insufficient number of endpoints \(sizes)") }
        var wanted: [String: Double] = [:], least = 0
        for (zone, share) in shares {
            let fair = share * Double(own.count), minimum = (fair / (1 + overload)).rounded(.up)
            wanted[zone] = max(fair, minimum)
            least += Int(minimum)
        }
        guard least <= own.count else {
            return .problem(
                "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
                    + sizes)
        }

        var result = own
        var surplus: [String: Double] = [:]
        for zone in own.values { surplus[zone, default: 0] += 1 }
        for (zone, number) in wanted { surplus[zone, default: 0] -= number }
        // By name, so that the same endpoints move every time.
        var movable = Dictionary(grouping: own.keys.sorted(by: >)) { own[$0] ?? "" }
        while let (giver, most) = surplus.filter({ movable[$0.key]?.isEmpty == false })
            .max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
            let (taker, fewest) = surplus.filter({ wanted[$0.key] != nil })
                .min(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
            giver != taker, most >= 0.5, fewest <= -0.5, most >= 1 || fewest <= -1,
            let name = movable[giver]?.popLast()
        {
            result[name] = taker
            surplus[giver, default: 0] -= 1
            surplus[taker, default: 0] += 1
        }
        return .zones(result)
    }

    /// The part of the processors that each zone has.
    /// - Returns: nil where a node that is ready does not say its zone or what it has.
    static func shares(_ nodes: [Node]) -> [String: Double]? {
        var processors: [String: Int64] = [:]
        for node in nodes where isReady(node) && !isControlPlane(node) {
            let milli = node.status.allocatable["cpu"]?.milliValue ?? 0
            guard let zone = node.labels["topology.kubernetes.io/zone"], !zone.isEmpty, milli > 0 else { return nil }
            processors[zone, default: 0] += milli
        }
        let total = processors.values.reduce(0, +)
        guard total > 0 else { return nil }
        return processors.mapValues { Double($0) / Double(total) }
    }

    private static func isReady(_ node: Node) -> Bool {
        node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }

    private static func isControlPlane(_ node: Node) -> Bool {
        ["control-plane", "master"].contains { node.labels["node-role.kubernetes.io/\($0)"] != nil }
    }
}
