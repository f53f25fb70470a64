// IPv4 addresses and ranges as numbers.

struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    var bits: UInt32

    init(bits: UInt32) { self.bits = bits }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        self.bits = bits
    }

    var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
    static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }
}

/// `10.96.0.0/16`
struct IPv4Range: Sendable {
    let network: IPv4Address
    let prefix: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let address = IPv4Address(parts[0]), let prefix = Int(parts[1]),
            (0...32).contains(prefix)
        else { return nil }
        self.prefix = prefix
        network = IPv4Address(bits: prefix == 0 ? 0 : address.bits & (UInt32.max << UInt32(32 - prefix)))
    }

    /// How many addresses there are, the first and the last left out.
    var usable: Int { max(0, (1 << (32 - prefix)) - 2) }

    func contains(_ address: IPv4Address) -> Bool {
        prefix == 0 || (address.bits ^ network.bits) >> UInt32(32 - prefix) == 0
    }

    /// The address `offset` behind the network's own; 1 is the first usable.
    func address(_ offset: Int) -> IPv4Address { IPv4Address(bits: network.bits + UInt32(offset)) }

    func isUsable(_ address: IPv4Address) -> Bool {
        contains(address) && address > network && Int(address.bits - network.bits) <= usable
    }
}
