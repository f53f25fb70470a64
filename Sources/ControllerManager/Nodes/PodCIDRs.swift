import KubeTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The ranges that nodes get for their pods: equal parts of one range, given out lowest first.
struct PodCIDRs: Sendable {
    /// The first address of the whole, 4 or 16 bytes.
    private let base: [UInt8]
    private let prefix: Int
    let nodePrefix: Int
    /// By number.
    private var taken: Set<Int> = []
    /// Everything below is taken: where the search for the next begins.
    private var lowest = 0

    /// - Parameters:
    ///   - range: of the cluster's pods, `10.244.0.0/16`.
    ///   - nodePrefix: the length of the prefix of a node's part (`--node-cidr-mask-size`).
    /// - Returns: nil where the range is none, or has no such parts, or more than 65,536.
    init?(_ range: String, nodePrefix: Int) {
        guard let (bytes, prefix) = Self.parse(range), prefix <= nodePrefix, nodePrefix <= bytes.count * 8,
            nodePrefix - prefix <= 16
        else { return nil }
        self.base = IPRange.mask(bytes, prefix)
        self.prefix = prefix
        self.nodePrefix = nodePrefix
    }

    private var count: Int { 1 << (nodePrefix - prefix) }

    /// Marks a range that somebody has, whatever part of this one it is: a larger one takes several.
    mutating func occupy(_ range: String) { for number in numbers(of: range) { taken.insert(number) } }

    /// Gives a range back.
    mutating func release(_ range: String) {
        for number in numbers(of: range) {
            taken.remove(number)
            lowest = min(lowest, number)
        }
    }

    func isFree(_ range: String) -> Bool { numbers(of: range).allSatisfy { !taken.contains($0) } }

    /// The lowest part that nobody has, which is taken from now on; nil where there is none left.
    mutating func allocate() -> String? {
        while lowest < count, taken.contains(lowest) { lowest += 1 }
        guard lowest < count else { return nil }
        taken.insert(lowest)
        return text(lowest)
    }

    private func text(_ number: Int) -> String {
        var bytes = base
        for bit in 0..<(nodePrefix - prefix) where number >> bit & 1 == 1 {
            let position = nodePrefix - 1 - bit
            bytes[position / 8] |= 0x80 >> UInt8(position % 8)
        }
        return "\(IPAddress(family: bytes.count == 4 ? .ipv4 : .ipv6, bytes: bytes))/\(nodePrefix)"
    }

    private func numbers(of range: String) -> Range<Int> {
        guard let (bytes, length) = Self.parse(range), bytes.count == base.count else { return 0..<0 }
        let shared = min(length, prefix)
        guard IPRange.mask(bytes, shared) == IPRange.mask(base, shared) else { return 0..<0 }
        guard length > prefix else { return 0..<count }
        var first = 0
        for position in prefix..<nodePrefix {
            let bit = position < length ? Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1) : 0
            first = first << 1 | bit
        }
        return first..<(first + (1 << max(0, nodePrefix - length)))
    }

    private static func parse(_ text: String) -> (bytes: [UInt8], prefix: Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let prefix = Int(parts[1]), prefix >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(parts[0]), &bytes) == 1 {
            return prefix <= 32 ? (Array(bytes[..<4]), prefix) : nil
        }
        guard inet_pton(AF_INET6, String(parts[0]), &bytes) == 1, prefix <= 128 else { return nil }
        return (bytes, prefix)
    }
}
