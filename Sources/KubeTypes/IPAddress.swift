// IP addresses and ranges as nftables, routes and the API write them: parsed, normalised, told apart by family.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The two families that a Service or a pod network can have.
public enum IPFamily: String, Sendable, Hashable, CaseIterable {
    case ipv4, ipv6
}

/// An address of either family. One of IPv4 in the form of IPv6 (`::ffff:10.0.0.1`) is one of IPv4.
public struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let family: IPFamily
    /// 4 or 16 bytes in network order.
    public let bytes: [UInt8]

    public init?(_ text: String) {
        var four = in_addr(), six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            family = .ipv4
            bytes = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: &six) { Array($0) }
            let mapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xff && all[11] == 0xff
            family = mapped ? .ipv4 : .ipv6
            bytes = mapped ? Array(all[12...]) : all
        } else {
            return nil
        }
    }

    public init(family: IPFamily, bytes: [UInt8]) {
        self.family = family
        self.bytes = bytes
    }

    public var description: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family == .ipv4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else {
            return ""
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    public var isLoopback: Bool {
        family == .ipv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.family != right.family { return left.family == .ipv4 }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// A range of addresses, `10.244.0.0/24`.
public struct IPRange: Sendable, Hashable, CustomStringConvertible {
    /// The first address: bits behind the prefix are zero.
    public let base: IPAddress
    public let prefixLength: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]),
            (0...address.bytes.count * 8).contains(length)
        else { return nil }
        prefixLength = length
        base = IPAddress(family: address.family, bytes: Self.mask(address.bytes, length))
    }

    /// The range of one address.
    public init(_ address: IPAddress) {
        base = address
        prefixLength = address.bytes.count * 8
    }

    public var family: IPFamily { base.family }
    public var description: String { "\(base)/\(prefixLength)" }

    public func contains(_ address: IPAddress) -> Bool {
        address.family == family && Self.mask(address.bytes, prefixLength) == base.bytes
    }

    /// The first address that a host can have, which is the gateway's: `10.244.0.1`.
    public var firstHost: IPAddress {
        var bytes = base.bytes
        if prefixLength < bytes.count * 8 { bytes[bytes.count - 1] |= 1 }
        return IPAddress(family: family, bytes: bytes)
    }

    /// The bytes with all bits zero that lie behind the first `length`.
    public static func mask(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
        }
    }
}
