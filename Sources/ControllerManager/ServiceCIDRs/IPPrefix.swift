#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A range of IP addresses: `10.96.0.0/16`, `fd00::/108`. A single address is a range of its full length.
struct IPPrefix: Hashable {
    /// 4 or 16.
    let bytes: [UInt8]
    let length: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let isIPv6 = parts[0].contains(":")
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, parts[0], &bytes) == 1 else { return nil }
        let full = bytes.count * 8
        guard let length = parts.count == 2 ? Int(parts[1]) : full, (0...full).contains(length) else { return nil }
        self.bytes = bytes
        self.length = length
    }

    func contains(_ other: IPPrefix) -> Bool {
        guard bytes.count == other.bytes.count, length <= other.length else { return false }
        let whole = length / 8
        guard bytes[..<whole] == other.bytes[..<whole] else { return false }
        guard length % 8 != 0 else { return true }
        return (bytes[whole] ^ other.bytes[whole]) >> (8 - UInt8(length % 8)) == 0
    }

    func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }
}
