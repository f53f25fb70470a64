// Which cluster IPs and node ports services hold: kept in memory, rebuilt from the cache at start. Where other servers
// give them out as well, this is what is known of it, and `ServiceClaims` decides.

import JSON
import KubeTypes
import Synchronization

final class ServiceAllocations: Sendable {
    let range: IPv4Range?
    let rangeText: String
    let nodePorts: ClosedRange<Int>
    private let random: @Sendable () -> UInt64
    /// What settles who holds what; nil where this server alone gives things out.
    let claims: ServiceClaims?

    private struct State {
        /// Owner by address.
        var addresses: [IPv4Address: String] = [:]
        /// Owner by port.
        var ports: [Int: String] = [:]
        /// What the store refused of late. Not among what is held: its service may be gone already, and then nothing
        /// would ever say that this is free again.
        var refused: [(holdings: ServiceHoldings, until: ContinuousClock.Instant)] = []

        func isFree(_ address: IPv4Address) -> Bool {
            addresses[address] == nil && !refused.contains { $0.holdings.addresses.contains(address) }
        }

        func isFree(_ port: Int) -> Bool {
            ports[port] == nil && !refused.contains { $0.holdings.ports.contains(port) }
        }
    }

    /// How long something that another server gave away is not tried again. By then its service has been heard of.
    private static let refusalTime = Duration.milliseconds(500)

    private let state = Mutex(State())

    init(_ configuration: APIServerConfiguration, claims: ServiceClaims? = nil) {
        self.claims = claims
        range = IPv4Range(configuration.serviceCIDR)
        rangeText = configuration.serviceCIDR
        nodePorts = configuration.nodePortRange
        random = configuration.random
    }

    /// The first address of the range: the API server's own service.
    var first: IPv4Address? { range?.address(1) }

    /// Takes over what a stored service holds.
    func adopt(_ service: JSONValue) { note(ServiceHoldings(service), owner: service.uid) }

    /// Writes down that the store has something as another's.
    func noteRefused(_ holdings: ServiceHoldings) {
        state.withLock { $0.refused.append((holdings, .now + Self.refusalTime)) }
    }

    /// Changes or asks what is held, with what was refused too long ago forgotten.
    private func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            if !state.refused.isEmpty {
                let now = ContinuousClock.now
                state.refused.removeAll { $0.until <= now }
            }
            return body(&state)
        }
    }

    /// Writes down that something is an owner's, whoever was thought to hold it.
    private func note(_ held: ServiceHoldings, owner: String) {
        state.withLock { state in
            for address in held.addresses { state.addresses[address] = owner }
            for port in held.ports { state.ports[port] = owner }
        }
    }

    /// Follows what other servers write.
    func follow(_ event: CacheEvent) {
        let before = event.previous.map { ServiceHoldings($0.value) } ?? ServiceHoldings()
        let now = event.kind == .deleted ? ServiceHoldings() : ServiceHoldings(event.object.value)
        release(before.subtracting(now), owner: event.previous?.value.uid ?? "")
        note(now, owner: event.object.value.uid)
    }

    /// Forgets what is not to be kept.
    func retain(_ isKept: (ServiceHoldings) -> Bool) {
        state.withLock { state in
            state.addresses = state.addresses.filter { isKept(ServiceHoldings(addresses: [$0.key])) }
            state.ports = state.ports.filter { isKept(ServiceHoldings(ports: [$0.key])) }
        }
    }

    enum Refusal: Error { case taken, outOfRange, full }

    /// Reserves an address, or, with nil, any. The lower part of a range is left to those who ask for an address.
    /// - Parameter further: The ranges that ServiceCIDRs add, asked for only where the cluster's own does not do.
    func takeAddress(
        _ wanted: IPv4Address?, owner: String, further: () -> [IPv4Range] = { [] }
    ) throws(Refusal) -> IPv4Address {
        guard let range else { throw .outOfRange }
        if let wanted {
            guard range.isUsable(wanted) || further().contains(where: { $0.isUsable(wanted) }) else {
                throw .outOfRange
            }
            let isFree = withState { state in
                guard state.addresses[wanted] == owner || state.isFree(wanted) else { return false }
                state.addresses[wanted] = owner
                return true
            }
            if !isFree { throw .taken }
            return wanted
        }
        if let address = takeAny(of: range, owner: owner) { return address }
        for range in further() { if let address = takeAny(of: range, owner: owner) { return address } }
        throw .full
    }

    private func takeAny(of range: IPv4Range, owner: String) -> IPv4Address? {
        let first = first
        let usable = range.usable
        let reserved = usable > 32 ? min(256, max(16, usable / 16)) : 0
        return withState { state in
            for (low, high) in [(reserved + 1, usable), (1, reserved)] where low <= high {
                let span = high - low + 1
                let start = Int(random() % UInt64(span))
                for step in 0..<span {
                    let address = range.address(low + (start + step) % span)
                    if address != first, state.isFree(address) {
                        state.addresses[address] = owner
                        return address
                    }
                }
            }
            return nil
        }
    }

    /// The ranges of ServiceCIDRs that are ready and stay.
    static func furtherRanges(_ cache: WatchCache) -> [IPv4Range] {
        guard let ranges = cache.cache(group: "networking.k8s.io", resource: "servicecidrs") else { return [] }
        var found: [IPv4Range] = []
        ranges.snapshot.objects.forEach { object in
            let value = object.value
            let isReady = (value[path: "status", "conditions"]?.arrayValue ?? []).contains {
                $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
            }
            if isReady, !value.isBeingDeleted {
                found += (value[path: "spec", "cidrs"]?.strings ?? []).compactMap { IPv4Range($0) }
            }
            return true
        }
        return found
    }

    /// Reserves a port, or, with nil, any.
    func takePort(_ wanted: Int?, owner: String) throws(Refusal) -> Int {
        let outcome: Result<Int, Refusal> = withState { state in
            if let wanted {
                guard nodePorts.contains(wanted) else { return .failure(.outOfRange) }
                guard state.ports[wanted] == owner || state.isFree(wanted) else { return .failure(.taken) }
                state.ports[wanted] = owner
                return .success(wanted)
            }
            let span = nodePorts.count
            // The first ports are left to those who ask for one.
            let reserved = span > 32 ? min(128, max(16, span / 32)) : 0
            for (low, count) in [(reserved, span - reserved), (0, reserved)] where count > 0 {
                let start = Int(random() % UInt64(count))
                for step in 0..<count {
                    let port = nodePorts.lowerBound + low + (start + step) % count
                    if state.isFree(port) {
                        state.ports[port] = owner
                        return .success(port)
                    }
                }
            }
            return .failure(.full)
        }
        return try outcome.get()
    }

    /// Gives back what an owner holds of `addresses` and `ports`.
    func release(_ holdings: ServiceHoldings, owner: String) {
        state.withLock { state in
            for address in holdings.addresses where state.addresses[address] == owner { state.addresses[address] = nil }
            for port in holdings.ports where state.ports[port] == owner { state.ports[port] = nil }
        }
    }
}

/// The addresses and ports that a service has.
struct ServiceHoldings: Sendable {
    var addresses: Set<IPv4Address> = []
    var ports: Set<Int> = []

    init(addresses: Set<IPv4Address> = [], ports: Set<Int> = []) {
        self.addresses = addresses
        self.ports = ports
    }

    var isEmpty: Bool { addresses.isEmpty && ports.isEmpty }

    mutating func formUnion(_ other: ServiceHoldings) {
        addresses.formUnion(other.addresses)
        ports.formUnion(other.ports)
    }

    init(_ service: JSONValue) {
        let spec = service["spec"]?.objectValue ?? JSONObject()
        if spec[string: "type"] == "ExternalName" { return }
        for text in (spec["clusterIPs"]?.strings ?? []) + [spec[string: "clusterIP"]] {
            if let address = IPv4Address(text) { addresses.insert(address) }
        }
        for port in spec[array: "ports"] {
            if let number = port["nodePort"]?.intValue, number != 0 { ports.insert(number) }
        }
        if let port = spec["healthCheckNodePort"]?.intValue, port != 0 { ports.insert(port) }
    }

    func subtracting(_ other: ServiceHoldings) -> ServiceHoldings {
        var rest = self
        rest.addresses.subtract(other.addresses)
        rest.ports.subtract(other.ports)
        return rest
    }
}
