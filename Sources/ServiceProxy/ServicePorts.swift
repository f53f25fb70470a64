// What a node needs to know of every port of every Service: its frontends, its policies, and the endpoints it has.

import KubeTypes

/// One address and port behind a Service.
struct EndpointTarget: Sendable, Hashable, Comparable {
    let address: IPAddress
    let port: Int
    /// Runs on this node.
    var isLocal = false
    var ready = true
    var serving = true
    var terminating = false
    var zoneHints: Set<String> = []
    var nodeHints: Set<String> = []

    static func < (left: EndpointTarget, right: EndpointTarget) -> Bool {
        (left.address, left.port) < (right.address, right.port)
    }
}

/// One port of a Service in one address family.
struct ServicePortRoute: Sendable, Hashable {
    let service: ObjectKey
    let portName: String
    /// `tcp`, `udp` or `sctp`.
    let transport: String
    let family: IPFamily
    let clusterIP: IPAddress
    let port: Int
    var nodePort: Int?
    var externalIPs: [IPAddress] = []
    var loadBalancerIPs: [IPAddress] = []
    var sourceRanges: [IPRange] = []
    var internalPolicyLocal = false
    var externalPolicyLocal = false
    /// How long a client stays with its endpoint, in seconds.
    var affinitySeconds: Int?
    /// All endpoints that the slices name, whatever their state, ordered.
    var endpoints: [EndpointTarget] = []

    /// Reachable by a node port, an external IP or a load balancer.
    var isExternal: Bool { nodePort != nil || !externalIPs.isEmpty || !loadBalancerIPs.isEmpty }
    /// Whether any traffic may go to endpoints on all nodes. Even under `externalTrafficPolicy: Local`, pods and the node
    /// itself reach all endpoints through external addresses.
    var usesCluster: Bool { !internalPolicyLocal || isExternal }
    var usesLocal: Bool { internalPolicyLocal || (externalPolicyLocal && isExternal) }

    /// What tells this port from all others, in logs and in the names of chains.
    var name: String { "\(service)/\(transport)/\(portName)" }
}

/// What the proxy must know of its node.
struct NodeFacts: Sendable, Hashable {
    var nodeName: String
    var zone = ""
    var nodeIPs: [IPAddress] = []
    /// The ranges of all pods: traffic from elsewhere to a cluster IP is masqueraded.
    var podRanges: [IPRange] = []
    var serviceRanges: [IPRange] = []
    var families: [IPFamily] = [.ipv4]
}

enum ServicePorts {
    /// The label of Services that another proxy serves.
    static let proxyNameLabel = "service.kubernetes.io/service-proxy-name"
    /// The label of slices that are not for proxies.
    static let headlessLabel = "service.kubernetes.io/headless"
    static let serviceNameLabel = "kubernetes.io/service-name"

    /// The routes of all Services, ordered by Service, port and family.
    static func routes(services: [Service], slices: [EndpointSlice], node: NodeFacts) -> [ServicePortRoute] {
        var slicesByService: [ObjectKey: [EndpointSlice]] = [:]
        for slice in slices {
            guard let name = slice.labels[serviceNameLabel], !name.isEmpty, slice.labels[headlessLabel] == nil else {
                continue
            }
            slicesByService[ObjectKey(namespace: slice.namespace, name: name), default: []].append(slice)
        }
        return services.sorted { $0.key < $1.key }.flatMap { service in
            routes(of: service, slices: slicesByService[service.key] ?? [], node: node)
        }
    }

    static func routes(of service: Service, slices: [EndpointSlice], node: NodeFacts) -> [ServicePortRoute] {
        let spec = service.spec
        guard spec.type != "ExternalName", service.labels[proxyNameLabel] == nil else { return [] }
        let listed = spec.clusterIPs.isEmpty ? [spec.clusterIP ?? ""] : spec.clusterIPs
        let clusterIPs = listed.compactMap { IPAddress($0) }
        let ports = spec.ports
        var routes: [ServicePortRoute] = []
        for family in node.families {
            guard let clusterIP = clusterIPs.first(where: { $0.family == family }) else { continue }
            let endpoints = targets(slices, family: family, node: node)
            for port in ports {
                let transport = (port.protocol ?? "TCP").lowercased()
                guard ["tcp", "udp", "sctp"].contains(transport) else { continue }
                var route = ServicePortRoute(
                    service: service.key, portName: port.name ?? "", transport: transport, family: family,
                    clusterIP: clusterIP, port: port.port)
                addFrontends(of: service, port, to: &route)
                route.endpoints = endpoints[PortKey(name: route.portName, transport: transport)] ?? []
                routes.append(route)
            }
        }
        return routes
    }

    private static func addFrontends(of service: Service, _ port: ServicePort, to route: inout ServicePortRoute) {
        let spec = service.spec
        func ofFamily(_ texts: [String]) -> [IPAddress] {
            texts.compactMap { IPAddress($0) }.filter { $0.family == route.family }
        }
        if let nodePort = port.nodePort, nodePort > 0 { route.nodePort = nodePort }
        route.externalIPs = ofFamily(spec.externalIPs)
        // A load balancer in proxy mode wants the traffic to go out to it even from inside.
        let ingress = service.status.loadBalancer?.ingress ?? []
        route.loadBalancerIPs = ofFamily(ingress.filter { $0.ipMode != "Proxy" }.compactMap(\.ip))
        if spec.type == "LoadBalancer" {
            route.sourceRanges = spec.loadBalancerSourceRanges
                .compactMap { IPRange($0.filter { !$0.isWhitespace }) }.filter { $0.family == route.family }
        }
        route.internalPolicyLocal = spec.internalTrafficPolicy == "Local"
        route.externalPolicyLocal = spec.externalTrafficPolicy == "Local"
        if spec.sessionAffinity == "ClientIP" {
            route.affinitySeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800
        }
    }

    private struct PortKey: Hashable {
        let name: String
        let transport: String
    }

    /// The endpoints of each named port. One address in two slices counts once, and the pod that is not terminating
    /// wins: an address may have been given to a new pod while the old one is still being deleted.
    private static func targets(
        _ slices: [EndpointSlice], family: IPFamily, node: NodeFacts
    ) -> [PortKey: [EndpointTarget]] {
        var found: [PortKey: [EndpointTarget]] = [:]
        for slice in slices where slice.addressType.lowercased() == family.rawValue {
            let endpoints = slice.endpoints.compactMap { target(of: $0, family: family, node: node) }
            for port in slice.ports {
                guard let number = port.port, number > 0 else { continue }
                let key = PortKey(name: port.name ?? "", transport: (port.protocol ?? "TCP").lowercased())
                found[key, default: []] += endpoints.map { endpoint in
                    EndpointTarget(
                        address: endpoint.address, port: number, isLocal: endpoint.isLocal, ready: endpoint.ready,
                        serving: endpoint.serving, terminating: endpoint.terminating, zoneHints: endpoint.zoneHints,
                        nodeHints: endpoint.nodeHints)
                }
            }
        }
        return found.mapValues { targets in
            var unique: [EndpointTarget] = []
            for target in targets.sorted(by: Self.better) {
                if let last = unique.last, last.address == target.address, last.port == target.port { continue }
                unique.append(target)
            }
            return unique
        }
    }

    private static func better(_ left: EndpointTarget, _ right: EndpointTarget) -> Bool {
        (left.address, left.port, left.terminating ? 1 : 0) < (right.address, right.port, right.terminating ? 1 : 0)
    }

    private static func target(of endpoint: Endpoint, family: IPFamily, node: NodeFacts) -> EndpointTarget? {
        guard let text = endpoint.addresses.first, let address = IPAddress(text), address.family == family else {
            return nil
        }
        let conditions = endpoint.conditions
        return EndpointTarget(
            address: address, port: 0, isLocal: !node.nodeName.isEmpty && endpoint.nodeName == node.nodeName,
            ready: conditions?.ready ?? true, serving: conditions?.serving ?? true,
            terminating: conditions?.terminating ?? false,
            zoneHints: Set(endpoint.hints?.forZones.map(\.name) ?? []),
            nodeHints: Set(endpoint.hints?.forNodes.map(\.name) ?? []))
    }
}
