import JSON
import KubeTypes

/// What has to be written so that EndpointSlices say what Endpoints say that somebody wrote by hand for a service without
/// selector (KEP-752, *EndpointSlice mirroring*).
struct MirrorPlan {
    static let manager = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"
    /// Addresses of one subset beyond this number are left out.
    static let maximum = 1000
    private static let leader = "control-plane.alpha.kubernetes.io/leader"
    /// Annotations of the Endpoints that mean nothing on a slice.
    private static let leftOut = [
        "endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration",
    ]

    private(set) var create: [EndpointSlice] = []
    private(set) var update: [EndpointSlice] = []
    private(set) var delete: [EndpointSlice] = []
    private(set) var invalid = 0
    private(set) var skipped = 0

    private struct Group: Hashable {
        var addressType: String
        var ports: [ServiceEndpoints.Port]
    }

    static func isMirrored(_ endpoints: Endpoints) -> Bool {
        endpoints.labels[skipLabel] != "true" && endpoints.annotations[leader] == nil
    }

    /// - Parameter slices: Those that this controller made for the Endpoints.
    init(_ endpoints: Endpoints, slices: [EndpointSlice]) {
        var wanted: [Group: [Endpoint]] = [:]
        for subset in endpoints.subsets {
            let ports = subset.ports.map {
                ServiceEndpoints.Port(
                    name: $0.name ?? "", number: $0.port, proto: $0.protocol ?? "TCP", appProtocol: $0.appProtocol)
            }.sorted()
            var added = 0
            for (address, isReady) in subset.addresses.map({ ($0, true) })
                + subset.notReadyAddresses.map({ ($0, false) })
            {
                guard added < Self.maximum else {
                    skipped += 1
                    continue
                }
                guard let family = Self.family(of: address.ip) else {
                    invalid += 1
                    continue
                }
                added += 1
                wanted[Group(addressType: family, ports: ports), default: []].append(Self.endpoint(address, isReady))
            }
        }
        var existing = Dictionary(grouping: slices.filter { !$0.isBeingDeleted }.sorted { $0.name < $1.name }) {
            Group(addressType: $0.addressType, ports: EndpointSlicePlan.ports(of: $0))
        }
        for (group, list) in wanted {
            let present = existing.removeValue(forKey: group) ?? []
            delete += present.dropFirst()
            let made = Self.slice(endpoints, group, Array(list.prefix(Self.maximum)))
            guard let current = present.first else {
                create.append(made)
                continue
            }
            if let changed = Self.change(current, to: made) { update.append(changed) }
        }
        delete += existing.values.joined()
        recycle()
    }

    /// Turns slices that would go into those that would come: one write in place of two.
    private mutating func recycle() {
        var left: [EndpointSlice] = []
        for made in create {
            guard let position = delete.firstIndex(where: { $0.addressType == made.addressType }) else {
                left.append(made)
                continue
            }
            if let changed = Self.change(delete.remove(at: position), to: made) { update.append(changed) }
        }
        create = left
    }

    private static func change(_ current: EndpointSlice, to made: EndpointSlice) -> EndpointSlice? {
        var changed = current
        changed.metadata.labels = made.labels
        changed.metadata.annotations = made.annotations
        changed.metadata.ownerReferences = made.metadata.ownerReferences
        changed.json["endpoints"] = made.json["endpoints"]
        changed.json["ports"] = made.json["ports"]
        return changed == current ? nil : changed
    }

    private static func family(of address: String) -> String? {
        if address.contains(":") {
            return address.utf8.allSatisfy { $0 == 0x3A || $0 == 0x2E || isHex($0) } ? "IPv6" : nil
        }
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } ? "IPv4" : nil
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    private static func endpoint(_ address: EndpointAddress, _ isReady: Bool) -> Endpoint {
        var endpoint = Endpoint()
        endpoint.addresses = [address.ip]
        var conditions = EndpointConditions()
        conditions.ready = isReady
        endpoint.conditions = conditions
        endpoint.hostname = address.hostname.flatMap { $0.isEmpty ? nil : $0 }
        endpoint.nodeName = address.nodeName
        endpoint.targetRef = address.targetRef
        return endpoint
    }

    private static func slice(_ endpoints: Endpoints, _ group: Group, _ list: [Endpoint]) -> EndpointSlice {
        var slice = EndpointSlice(["apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"])
        var metadata = ObjectMeta()
        metadata.generateName = "\(endpoints.name)-"
        metadata.namespace = endpoints.namespace
        metadata.labels = endpoints.labels
        metadata.labels[EndpointSlicePlan.serviceName] = endpoints.name
        metadata.labels[EndpointSlicePlan.managedBy] = manager
        metadata.annotations = endpoints.annotations.filter { !leftOut.contains($0.key) }
        metadata.ownerReferences = [ControllerRef.make(to: endpoints)]
        slice.metadata = metadata
        slice.addressType = group.addressType
        EndpointSlicePlan.fill(&slice, list, group.ports)
        return slice
    }
}
