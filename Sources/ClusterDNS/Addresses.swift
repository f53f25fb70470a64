// Addresses in DNS: text to bytes, ranges, and the names under in-addr.arpa and ip6.arpa.

import Glibc

/// The 4 or 16 bytes of an address; nil for anything else.
func addressBytes(_ text: String) -> AddressBytes? {
    var four = in_addr(), six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
    if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
    return nil
}

/// A range of addresses, `10.96.0.0/12`.
struct AddressRange: Sendable, Hashable {
    private let base: AddressBytes
    private let prefixLength: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let base = addressBytes(String(parts[0])), let length = Int(parts[1]),
            (0...base.count * 8).contains(length)
        else { return nil }
        self.base = base
        prefixLength = length
    }

    func contains(_ address: AddressBytes) -> Bool {
        guard address.count == base.count else { return false }
        for index in base.indices {
            let bits = min(max(prefixLength - index * 8, 0), 8)
            let mask: UInt8 = bits == 0 ? 0 : 0xff << UInt8(8 - bits)
            if (address[index] ^ base[index]) & mask != 0 { return false }
        }
        return true
    }
}

enum ReverseName {
    /// The address that `4.3.2.1.in-addr.arpa` (as labels in lower case) asks for; nil for other names, and for those of
    /// whole networks.
    static func address(_ labels: [String]) -> AddressBytes? {
        if labels.count == 6, labels.suffix(2) == ["in-addr", "arpa"] {
            let bytes = labels.prefix(4).reversed().compactMap { UInt8($0) }
            return bytes.count == 4 ? bytes : nil
        }
        if labels.count == 34, labels.suffix(2) == ["ip6", "arpa"] {
            let nibbles = labels.prefix(32).reversed().compactMap { $0.count == 1 ? UInt8($0, radix: 16) : nil }
            guard nibbles.count == 32 else { return nil }
            return (0..<16).map { nibbles[$0 * 2] << 4 | nibbles[$0 * 2 + 1] }
        }
        return nil
    }
}

enum PodName {
    /// The address in the first label of `10-1-2-3.default.pod.cluster.local`.
    static func address(_ label: String) -> AddressBytes? {
        let dashes = label.filter { $0 == "-" }.count
        let separator: Character =
            dashes == 3 && !label.contains("--") && addressBytes(dotted(label)) != nil ? "." : ":"
        return addressBytes(String(label.map { $0 == "-" ? separator : $0 }))
    }

    private static func dotted(_ label: String) -> String { String(label.map { $0 == "-" ? "." : $0 }) }
}
