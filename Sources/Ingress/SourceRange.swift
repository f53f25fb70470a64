// A range of client addresses, for who may come.

import Glibc

struct SourceRange: Sendable, Hashable {
    private let base: [UInt8]
    private let length: Int

    /// Reads `10.0.0.0/8` or a single address.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let bytes = Self.bytes(String(parts[0])) else { return nil }
        let length = parts.count == 2 ? Int(parts[1]) : bytes.count * 8
        guard let length, (0...bytes.count * 8).contains(length) else { return nil }
        base = bytes
        self.length = length
    }

    static func bytes(_ text: String) -> [UInt8]? {
        var four = in_addr(), six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let all = withUnsafeBytes(of: &six) { Array($0) }
        let isMapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xff && all[11] == 0xff
        return isMapped ? Array(all[12...]) : all
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == base.count else { return false }
        for index in base.indices {
            let bits = min(max(length - index * 8, 0), 8)
            let mask: UInt8 = bits == 0 ? 0 : 0xff << UInt8(8 - bits)
            if (address[index] ^ base[index]) & mask != 0 { return false }
        }
        return true
    }
}
