// The addresses that load balancers of this cluster can have, and who gets which: a pure function.

import KubeTypes

/// A range of IPv4 addresses, given out to Services of type LoadBalancer.
struct AddressPool: Sendable, Hashable {
    private let base: UInt32
    private let count: UInt32

    /// Reads `10.97.0.0/24`; nil for anything else, IPv6 among it.
    init?(_ range: String) {
        let parts = range.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Self.number(parts[0]), let length = UInt32(parts[1]),
            (8...32).contains(length)
        else { return nil }
        count = UInt32(1) << (32 - length)
        base = address & ~(count - 1)
    }

    private static func number(_ text: some StringProtocol) -> UInt32? {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard bytes.count == 4, !bytes.contains(nil) else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1 ?? 0) }
    }

    private static func text(_ number: UInt32) -> String {
        stride(from: UInt32(24), through: 0, by: -8).map { String(number >> $0 & 255) }.joined(separator: ".")
    }

    func contains(_ address: String) -> Bool { Self.number(address).map { $0 >= base && $0 - base < count } ?? false }

    /// The first free address; nil if all are taken. The first and the last of a range are left out, where it has more
    /// than two: some programs take them for a network and its broadcast.
    func next(except taken: Set<String>) -> String? {
        let (first, end) = count > 2 ? (UInt32(1), count - 1) : (0, count)
        // No more than there are taken ones, and one more.
        for offset in first..<end where !taken.contains(Self.text(base + offset)) { return Self.text(base + offset) }
        return nil
    }
}

/// What a Service's status should say about its load balancer.
enum LoadBalancerPlan: Sendable, Hashable {
    /// As it is, or another controller's business.
    case leave
    /// The Service is no load balancer any more.
    case clear
    case assign(String)
    /// The address that the Service asks for is not to be had.
    case refuse(String)

    /// Keeps a Service until its load balancer is gone; clients look for it.
    static let finalizer = "service.kubernetes.io/load-balancer-cleanup"

    /// Whether a Service must have the finalizer; nil: that is another controller's business.
    static func keeps(_ service: Service) -> Bool? {
        guard service.spec.type == "LoadBalancer" else { return false }
        guard service.spec.loadBalancerClass == nil else { return nil }
        return !service.isBeingDeleted
    }

    /// - Parameter taken: the addresses of other Services.
    init(_ service: Service, pool: AddressPool, taken: Set<String>) {
        let current = service.status.loadBalancer?.ingress ?? []
        guard service.spec.type == "LoadBalancer", !service.isBeingDeleted else {
            // Upstream leaves the addresses of what is being deleted, for whoever tidies up.
            self = current.isEmpty || service.isBeingDeleted ? .leave : .clear
            return
        }
        // A class of its own names a controller of its own.
        guard service.spec.loadBalancerClass == nil else {
            self = .leave
            return
        }
        if let families = Optional(service.spec.ipFamilies), !families.isEmpty, !families.contains("IPv4") {
            self = .refuse("the pool of addresses has no IPv6")
            return
        }
        let known = current.first?.ip
        if let wanted = service.spec.loadBalancerIP, !wanted.isEmpty {
            if known == wanted {
                self = .leave
            } else if !pool.contains(wanted) {
                self = .refuse("the address \(wanted) is not in the pool")
            } else if taken.contains(wanted) {
                self = .refuse("the address \(wanted) belongs to another service")
            } else {
                self = .assign(wanted)
            }
            return
        }
        if let known, pool.contains(known), !taken.contains(known) {
            self = .leave
        } else if let free = pool.next(except: taken) {
            self = .assign(free)
        } else {
            self = .refuse("all addresses of the pool are taken")
        }
    }
}
