import JSON
import KubeTypes

/// IP addresses and prefixes as validation needs them (RFC 4291, RFC 4632, RFC 5952). Older fields take any address but
/// one with leading zeros or an IPv4 address dressed as IPv6; newer ones take only the canonical form.
struct AddressText: Hashable {
    /// 4 or 16.
    let bytes: [UInt8]
    /// Written in a way that other software reads differently.
    let hasLeadingZeros: Bool
    let isMapped: Bool

    var isV6: Bool { bytes.count == 16 }

    init?(_ text: String) {
        guard text.contains(":") else {
            guard let (bytes, zeros) = Self.dotted(text[...]) else { return nil }
            (self.bytes, hasLeadingZeros, isMapped) = (bytes, zeros, false)
            return
        }
        guard let (groups, zeros) = Self.groups(text) else { return nil }
        let mapped = groups.prefix(10).allSatisfy { $0 == 0 } && groups[10] == 0xff && groups[11] == 0xff
        bytes = mapped ? Array(groups[12...]) : groups
        hasLeadingZeros = zeros
        isMapped = mapped
    }

    /// Whether `text` is an address, IPv4 without leading zeros or IPv6 without a zone.
    static func isPlain(_ text: String) -> Bool { AddressText(text).map { !$0.hasLeadingZeros } ?? false }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        hasLeadingZeros = false
        isMapped = false
    }

    private static func dotted(_ text: Substring) -> ([UInt8], Bool)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        var zeros = false
        for part in parts {
            guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(part),
                number < 256
            else { return nil }
            if part.count > 1, part.hasPrefix("0") { zeros = true }
            bytes.append(UInt8(number))
        }
        return (bytes, zeros)
    }

    private static func groups(_ text: String) -> ([UInt8], Bool)? {
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2, !text.contains(":::") else { return nil }
        var zeros = false
        func read(_ half: Substring, isLast: Bool) -> [UInt8]? {
            if half.isEmpty { return [] }
            var bytes: [UInt8] = []
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if part.contains("."), isLast, index == parts.count - 1 {
                    guard let (four, leading) = dotted(part) else { return nil }
                    zeros = zeros || leading
                    bytes += four
                    continue
                }
                guard (1...4).contains(part.utf8.count),
                    part.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                    let number = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(number >> 8), UInt8(number & 0xff)]
            }
            return bytes
        }
        guard let head = read(halves[0], isLast: halves.count == 1) else { return nil }
        if halves.count == 1 { return head.count == 16 ? (head, zeros) : nil }
        guard let tail = read(halves[1], isLast: true), head.count + tail.count <= 14 else { return nil }
        return (head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail, zeros)
    }

    /// The form of RFC 5952; dotted for IPv4, mapped addresses included.
    var canonical: String {
        guard isV6 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > best.count, end - index > 1 { best = index..<end }
            index = max(end, index + 1)
        }
        func text(_ part: some Sequence<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(groups) }
        return "\(text(groups[..<best.lowerBound]))::\(text(groups[best.upperBound...]))"
    }

    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isV6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1 : bytes[0] == 127 }
    var isLinkLocal: Bool {
        isV6 ? bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 : bytes[0] == 169 && bytes[1] == 254
    }
    var isLinkLocalMulticast: Bool {
        isV6 ? bytes[0] == 0xff && bytes[1] & 0x0f == 2 : bytes.prefix(3) == [224, 0, 0]
    }

    /// The address with all but the first `length` bits cleared.
    func masked(_ length: Int) -> AddressText {
        AddressText(
            bytes: bytes.enumerated().map { index, byte in
                let kept = min(max(length - index * 8, 0), 8)
                return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
            })
    }
}

/// An address and the length of a prefix.
struct PrefixText {
    let address: AddressText
    let length: Int
    let hasLeadingZeros: Bool

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = AddressText(String(parts[0])), !parts[1].isEmpty,
            parts[1].utf8.count <= 4, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            var length = Int(parts[1])
        else { return nil }
        if address.isMapped { length -= 96 }
        guard length >= 0, length <= address.bytes.count * 8 else { return nil }
        self.address = address
        self.length = length
        hasLeadingZeros = address.hasLeadingZeros || (parts[1].utf8.count > 1 && parts[1].hasPrefix("0"))
    }

    var canonical: String { "\(address.masked(length).canonical)/\(length)" }

    func contains(_ other: AddressText) -> Bool {
        other.isV6 == address.isV6 && other.masked(length).bytes == address.masked(length).bytes
    }
}

/// What upstream says about addresses that are wrong.
enum Addresses {
    /// An address in a field from before the strict form was asked for.
    static func problems(ofLegacy text: String) -> [String] {
        guard let address = AddressText(text) else {
            return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
        }
        var problems: [String] = []
        if address.hasLeadingZeros { problems.append("must not have leading 0s") }
        if address.isMapped { problems.append("must not be an IPv4-mapped IPv6 address") }
        return problems
    }

    /// An address in a newer field: in its canonical form only.
    static func problems(of text: String) -> [String] {
        let problems = problems(ofLegacy: text)
        guard problems.isEmpty, let canonical = AddressText(text)?.canonical, canonical != text else { return problems }
        return ["must be in canonical form (\"\(canonical)\")"]
    }

    static func problems(ofLegacyPrefix text: String) -> [String] {
        guard let prefix = PrefixText(text) else {
            return ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
        }
        if prefix.hasLeadingZeros { return ["must not have leading 0s in IP or prefix length"] }
        if prefix.address.isMapped { return ["must not have an IPv4-mapped IPv6 address"] }
        if prefix.address.masked(prefix.length).bytes != prefix.address.bytes {
            return ["must not have bits set beyond the prefix length"]
        }
        return []
    }

    static func problems(ofPrefix text: String) -> [String] {
        let problems = problems(ofLegacyPrefix: text)
        guard problems.isEmpty, let canonical = PrefixText(text)?.canonical, canonical != text else { return problems }
        return ["must be in canonical form (\"\(canonical)\")"]
    }

    /// Addresses that no endpoint can have.
    static func problems(ofEndpoint text: String) -> [String] {
        guard let address = AddressText(text) else { return ["must be a valid IP address"] }
        var problems: [String] = []
        if address.isUnspecified { problems.append("may not be unspecified (\(text))") }
        if address.isLoopback { problems.append("may not be in the loopback range (127.0.0.0/8, ::1/128)") }
        if address.isLinkLocal { problems.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)") }
        if address.isLinkLocalMulticast {
            problems.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
        return problems
    }

    /// Whether the addresses are of both families.
    static func areDualStack(_ texts: [String]) -> Bool {
        let families = Set(texts.compactMap { AddressText($0)?.isV6 })
        return families.count == 2
    }
}
