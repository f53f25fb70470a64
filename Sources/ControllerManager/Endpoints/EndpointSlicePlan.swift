import JSON
import KubeTypes

/// What has to be written so that the EndpointSlices of a service say what its pods are (KEP-752).
///
/// Endpoints stay in the slice that has them: a change of one pod is one slice written, however many there are.
struct EndpointSlicePlan {
    static let manager = "endpointslice-controller.k8s.io"
    static let serviceName = "kubernetes.io/service-name"
    static let managedBy = "endpointslice.kubernetes.io/managed-by"
    static let maximum = 100

    private(set) var create: [EndpointSlice] = []
    private(set) var update: [EndpointSlice] = []
    private(set) var delete: [EndpointSlice] = []
    /// Why endpoints have no topology hints although the service asks for some: a message for each address family.
    private(set) var unhinted: [String] = []

    /// Slices hold endpoints of one address family with the same ports.
    private struct Group: Hashable {
        var addressType: String
        var ports: [ServiceEndpoints.Port]
    }

    /// - Parameters:
    ///   - pods: Those that the service selects.
    ///   - slices: Those that this controller made for the service.
    ///   - zone: The zone of a node, if it has one.
    ///   - shares: The part of the cluster's processors that each zone has (`TopologyHints.shares`).
    init(
        _ service: Service, pods: [Pod], slices: [EndpointSlice], zone: (String) -> String?,
        shares: [String: Double]? = nil
    ) {
        let families = Self.addressTypes(of: service)
        var wanted: [Group: [String: Endpoint]] = [:]
        for pod in pods where ServiceEndpoints.includes(pod, terminating: true) {
            let ports = ServiceEndpoints.ports(of: service, on: pod).sorted()
            for family in families {
                let addresses = pod.addresses.filter { ServiceEndpoints.isIPv6($0) == (family == "IPv6") }
                guard !addresses.isEmpty else { continue }
                let endpoint = Self.endpoint(of: pod, addresses, service, zone)
                wanted[Group(addressType: family, ports: ports), default: [:]][pod.uid] = endpoint
            }
        }
        addHints(service, families, shares, &wanted)

        var existing: [Group: [EndpointSlice]] = [:]
        for slice in slices {
            guard families.contains(slice.addressType), !slice.isBeingDeleted else {
                if !slice.isBeingDeleted { delete.append(slice) }
                continue
            }
            existing[Group(addressType: slice.addressType, ports: Self.ports(of: slice)), default: []].append(slice)
        }

        for (group, endpoints) in wanted {
            fill(endpoints, group, into: existing.removeValue(forKey: group) ?? [], service)
        }
        // One slice without endpoints says, for each family that has none, that the service is known.
        for family in families where !wanted.keys.contains(where: { $0.addressType == family }) {
            let placeholder = Group(addressType: family, ports: [])
            fill([:], placeholder, into: existing.removeValue(forKey: placeholder) ?? [], service, keepingOne: true)
        }
        delete += existing.values.joined()
    }

    /// The endpoints of a family get their hints together, whatever their ports.
    private mutating func addHints(
        _ service: Service, _ families: [String], _ shares: [String: Double]?,
        _ wanted: inout [Group: [String: Endpoint]]
    ) {
        let topology = TopologyHints(service)
        guard topology != .none else { return }
        for family in families {
            let groups = wanted.keys.filter { $0.addressType == family }
            var all: [String: Endpoint] = [:]
            for group in groups { all.merge(wanted[group] ?? [:]) { $1 } }
            guard !all.isEmpty else { continue }
            if let problem = topology.apply(to: &all, shares: shares) {
                unhinted.append("\(problem), addressType: \(family)")
            }
            for group in groups {
                for uid in (wanted[group] ?? [:]).keys { wanted[group]?[uid] = all[uid] }
            }
        }
    }

    private mutating func fill(
        _ wanted: [String: Endpoint], _ group: Group, into slices: [EndpointSlice], _ service: Service,
        keepingOne: Bool = false
    ) {
        var missing = wanted
        var changed: [EndpointSlice] = []
        var unchanged: [EndpointSlice] = []
        for slice in slices.sorted(by: { $0.name < $1.name }) {
            var updated = slice
            let labels = Self.labels(for: service)
            if updated.labels != labels { updated.metadata.labels = labels }
            var endpoints: [Endpoint] = []
            for endpoint in slice.endpoints {
                guard let now = missing.removeValue(forKey: endpoint.targetRef?.uid ?? "") else { continue }
                endpoints.append(now)
            }
            if endpoints != slice.endpoints { updated.endpoints = endpoints }
            if updated == slice { unchanged.append(slice) } else { changed.append(updated) }
        }

        // What is new goes first where something is written anyway, then where it just fits, then to new slices.
        var rest = missing.values.sorted { ($0.addresses.first ?? "") < ($1.addresses.first ?? "") }[...]
        for position in changed.indices {
            let room = max(0, Self.maximum - changed[position].endpoints.count)
            changed[position].endpoints += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
        if !rest.isEmpty, rest.count < Self.maximum {
            let room = unchanged.indices
                .filter { unchanged[$0].endpoints.count + rest.count <= Self.maximum }
                .max { unchanged[$0].endpoints.count < unchanged[$1].endpoints.count }
            if let room {
                var slice = unchanged.remove(at: room)
                slice.endpoints += rest
                changed.append(slice)
                rest = []
            }
        }
        while !rest.isEmpty {
            create.append(Self.slice(group, Array(rest.prefix(Self.maximum)), service))
            rest = rest.dropFirst(Self.maximum)
        }

        if keepingOne {
            // Of several empty ones the first is kept.
            let all = unchanged + changed
            if all.isEmpty { create.append(Self.slice(group, [], service)) }
            delete += all.dropFirst()
            if unchanged.isEmpty, let first = changed.first { update.append(first) }
            return
        }
        delete += (changed + unchanged).filter(\.endpoints.isEmpty)
        update += changed.filter { !$0.endpoints.isEmpty }
    }

    // MARK: Parts

    static func addressTypes(of service: Service) -> [String] {
        let families = service.spec.ipFamilies.filter { $0 == "IPv4" || $0 == "IPv6" }
        if !families.isEmpty { return families }
        return [ServiceEndpoints.isIPv6(service.spec.clusterIP ?? "") ? "IPv6" : "IPv4"]
    }

    private static func endpoint(
        of pod: Pod, _ addresses: [String], _ service: Service, _ zone: (String) -> String?
    ) -> Endpoint {
        let serving = pod.isReady
        let terminating = pod.isBeingDeleted
        var conditions = EndpointConditions()
        conditions.ready = service.spec.publishNotReadyAddresses == true || (serving && !terminating)
        conditions.serving = serving
        conditions.terminating = terminating
        var endpoint = Endpoint()
        endpoint.addresses = addresses
        endpoint.conditions = conditions
        endpoint.hostname = ServiceEndpoints.hostname(of: pod, in: service)
        endpoint.targetRef = ServiceEndpoints.reference(to: pod)
        if !pod.nodeName.isEmpty {
            endpoint.nodeName = pod.nodeName
            endpoint.zone = zone(pod.nodeName)
        }
        return endpoint
    }

    static func labels(for service: Service) -> [String: String] {
        var labels = service.labels
        labels[ServiceEndpoints.headlessLabel] = ServiceEndpoints.isHeadless(service) ? "" : nil
        labels[serviceName] = service.name
        labels[managedBy] = manager
        return labels
    }

    static func ports(of slice: EndpointSlice) -> [ServiceEndpoints.Port] {
        slice.ports.map {
            ServiceEndpoints.Port(
                name: $0.name ?? "", number: $0.port ?? 0, proto: $0.protocol ?? "TCP", appProtocol: $0.appProtocol)
        }.sorted()
    }

    private static func slice(_ group: Group, _ endpoints: [Endpoint], _ service: Service) -> EndpointSlice {
        var slice = EndpointSlice(["apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"])
        var metadata = ObjectMeta()
        metadata.generateName = "\(service.name)-"
        metadata.namespace = service.namespace
        metadata.labels = labels(for: service)
        metadata.ownerReferences = [ControllerRef.make(to: service)]
        slice.metadata = metadata
        slice.addressType = group.addressType
        fill(&slice, endpoints, group.ports)
        return slice
    }

    /// Sets the lists of a slice, which are required, if empty.
    static func fill(_ slice: inout EndpointSlice, _ endpoints: [Endpoint], _ ports: [ServiceEndpoints.Port]) {
        slice.json["endpoints"] = .array(endpoints.map(\.json))
        slice.json["ports"] = .array(
            ports.map { port in
                var json = EndpointSlicePort()
                json.name = port.name
                json.port = port.number
                json.protocol = port.proto
                json.appProtocol = port.appProtocol
                return json.json
            })
    }
}
