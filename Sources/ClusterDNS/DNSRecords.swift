// What the cluster's names stand for: Services, their endpoints, and namespaces, kept current one object at a time.

import KubeTypes

/// An address as DNS carries it: 4 or 16 bytes.
typealias AddressBytes = [UInt8]

struct DNSRecords: Sendable {
    struct Port: Sendable, Hashable {
        /// In lower case, as is the protocol.
        let name: String
        let transport: String
        let number: UInt16
    }

    enum Target: Sendable, Hashable {
        case clusterIPs([AddressBytes])
        /// The endpoints themselves.
        case headless
        case external(DNSName)
        /// Exists, but has nothing to answer with.
        case nothing
    }

    struct ServiceEntry: Sendable, Hashable {
        let target: Target
        let ports: [Port]
    }

    struct EndpointEntry: Sendable, Hashable {
        let address: AddressBytes
        /// Its name below the Service's: the hostname given, or the address with dashes.
        let label: String
        /// The hostname was given, and the address leads back to it.
        let named: Bool
    }

    struct SliceEntry: Sendable, Hashable {
        let endpoints: [EndpointEntry]
        let ports: [Port]
    }

    private(set) var services: [ObjectKey: ServiceEntry] = [:]
    /// By Service, then by the slice's name.
    private(set) var slices: [ObjectKey: [String: SliceEntry]] = [:]
    private(set) var namespaces: Set<String> = []
    /// Grows with every change.
    private(set) var serial: UInt32 = 1
    private var reverse: [AddressBytes: [[String]]]?

    static let serviceNameLabel = "kubernetes.io/service-name"

    mutating func set(_ service: Service) {
        changed()
        services[service.key] = Self.entry(of: service)
    }

    mutating func remove(_ service: Service) {
        changed()
        services[service.key] = nil
    }

    mutating func set(_ slice: EndpointSlice) {
        changed()
        guard let owner = Self.owner(of: slice) else { return }
        slices[owner, default: [:]][slice.name] = Self.entry(of: slice)
    }

    /// A slice that changed hands leaves its former Service.
    mutating func remove(_ slice: EndpointSlice) {
        changed()
        guard let owner = Self.owner(of: slice) else { return }
        slices[owner]?[slice.name] = nil
        if slices[owner]?.isEmpty == true { slices[owner] = nil }
    }

    mutating func set(namespace: String) { namespaces.insert(namespace) }
    mutating func remove(namespace: String) { namespaces.remove(namespace) }

    private mutating func changed() {
        serial &+= 1
        reverse = nil
    }

    /// The names, as labels below the cluster's domain, that an address leads back to.
    mutating func names(of address: AddressBytes) -> [[String]] {
        if reverse == nil { reverse = makeReverse() }
        return reverse?[address] ?? []
    }

    private func makeReverse() -> [AddressBytes: [[String]]] {
        var found: [AddressBytes: [[String]]] = [:]
        for (key, service) in services.sorted(by: { $0.key < $1.key }) {
            let base = [key.name, key.namespace, "svc"]
            switch service.target {
            case .clusterIPs(let addresses): for address in addresses { found[address, default: []].append(base) }
            case .headless, .nothing:
                for endpoint in endpoints(of: key) where endpoint.named {
                    found[endpoint.address, default: []].append([endpoint.label] + base)
                }
            case .external: break
            }
        }
        return found
    }

    /// The endpoints of a Service, each once.
    func endpoints(of service: ObjectKey) -> [EndpointEntry] {
        var seen: Set<EndpointEntry> = []
        return (slices[service] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value.endpoints)
            .filter { seen.insert($0).inserted }
    }

    // MARK: - From objects

    static func owner(of slice: EndpointSlice) -> ObjectKey? {
        slice.labels[serviceNameLabel].map { ObjectKey(namespace: slice.namespace, name: $0) }
    }

    static func entry(of service: Service) -> ServiceEntry {
        let spec = service.spec
        let ports = spec.ports.compactMap { port(name: $0.name, transport: $0.protocol, number: $0.port) }
        if spec.type == "ExternalName" {
            // An address is no name; Kubernetes lets it pass, and DNS cannot answer with it.
            let text = spec.externalName ?? ""
            guard addressBytes(text) == nil, let name = DNSName(text), !name.labels.isEmpty else {
                return ServiceEntry(target: .nothing, ports: ports)
            }
            return ServiceEntry(target: .external(name), ports: ports)
        }
        if spec.clusterIP == "None" { return ServiceEntry(target: .headless, ports: ports) }
        let texts = spec.clusterIPs.isEmpty ? [spec.clusterIP ?? ""] : spec.clusterIPs
        let addresses = texts.compactMap(addressBytes)
        return ServiceEntry(target: addresses.isEmpty ? .nothing : .clusterIPs(addresses), ports: ports)
    }

    static func entry(of slice: EndpointSlice) -> SliceEntry {
        var endpoints: [EndpointEntry] = []
        for endpoint in slice.endpoints where endpoint.conditions?.ready ?? true {
            for text in endpoint.addresses {
                guard let address = addressBytes(text) else { continue }
                let hostname = endpoint.hostname?.lowercased() ?? ""
                endpoints.append(
                    EndpointEntry(
                        address: address, label: hostname.isEmpty ? dashed(text) : hostname, named: !hostname.isEmpty))
            }
        }
        return SliceEntry(
            endpoints: endpoints,
            ports: slice.ports.compactMap { port(name: $0.name, transport: $0.protocol, number: $0.port ?? 0) })
    }

    private static func port(name: String?, transport: String?, number: Int) -> Port? {
        guard let number = UInt16(exactly: number) else { return nil }
        return Port(name: (name ?? "").lowercased(), transport: (transport ?? "TCP").lowercased(), number: number)
    }

    /// `10.1.2.3` as `10-1-2-3`; `2001:db8::1` as `2001-db8--1`.
    static func dashed(_ address: String) -> String {
        String(address.lowercased().map { $0 == "." || $0 == ":" ? "-" : $0 })
    }
}
