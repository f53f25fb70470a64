/// Addresses and ranges of addresses, of IPv4 and IPv6.

/// An address: 4 or 16 bytes.
final class IPAddress: CELObject, CustomStringConvertible {
    let bytes: [UInt8]

    var type: CELType { .ip }
    var size: Int? { bytes.count }
    var isIPv4: Bool { bytes.count == 4 }

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(_ text: String) throws(CELError) {
        guard let parsed = Self.parse(text) else {
            throw CELError(
                "IP Address \(GoQuote.quote(text)) parse error during conversion from string: "
                    + "ParseAddr(\(GoQuote.quote(text))): \(Self.complaint(text))")
        }
        if text.contains("%") {
            throw CELError("IP address \(GoQuote.quote(text)) with zone value is not allowed")
        }
        if Self.isMapped(parsed) {
            throw CELError("IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed")
        }
        bytes = parsed
    }

    static func isMapped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
    }

    private static func complaint(_ text: String) -> String {
        if text.contains(":") { return "each colon-separated field must have at least one digit" }
        let fields = text.split(separator: ".", omittingEmptySubsequences: false)
        if fields.count == 1 { return "unable to parse IP" }
        if fields.contains("") { return "IPv4 field must have at least one digit" }
        if text.utf8.contains(where: { $0 != 46 && !(48...57).contains($0) }) { return "unexpected character" }
        if fields.contains(where: { $0.count > 1 && $0.hasPrefix("0") }) {
            return "IPv4 field has octet with leading zero"
        }
        if fields.contains(where: { (Int($0) ?? 256) > 255 }) { return "IPv4 field has value >255" }
        return fields.count < 4 ? "IPv4 address too short" : "IPv4 address too long"
    }

    /// The bytes, without regard to a zone; nil where the text is no address.
    static func parse(_ text: String) -> [UInt8]? {
        guard text.contains(":") else { return parseIPv4(text[...]) }
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count > 1, parts[1].isEmpty { return nil }
        return parseIPv6(parts[0])
    }

    private static func parseIPv4(_ text: Substring) -> [UInt8]? {
        let fields = text.split(separator: ".", omittingEmptySubsequences: false)
        guard fields.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for field in fields {
            guard field.utf8.allSatisfy({ (48...57).contains($0) }), field.count == 1 || !field.hasPrefix("0"),
                let byte = UInt8(field)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func parseIPv6(_ text: Substring) -> [UInt8]? {
        let halves = text.components(separatedBy: "::")
        guard halves.count <= 2 else { return nil }
        var sides: [[UInt8]] = []
        for (position, half) in halves.enumerated() {
            var bytes: [UInt8] = []
            let fields = half.isEmpty ? [] : half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, field) in fields.enumerated() {
                if field.contains(".") {
                    guard index == fields.count - 1, position == halves.count - 1, let tail = parseIPv4(field) else {
                        return nil
                    }
                    bytes += tail
                } else {
                    guard (1...4).contains(field.utf8.count), !field.hasPrefix("+"), !field.hasPrefix("-"),
                        let value = UInt16(field, radix: 16)
                    else { return nil }
                    bytes += [UInt8(value >> 8), UInt8(value & 255)]
                }
            }
            sides.append(bytes)
        }
        let count = sides.reduce(0) { $0 + $1.count }
        if sides.count == 1 { return count == 16 ? sides[0] : nil }
        guard count <= 14 else { return nil }
        return sides[0] + [UInt8](repeating: 0, count: 16 - count) + sides[1]
    }

    /// The canonical form (RFC 5952).
    var description: String { Self.text(of: bytes) }

    static func text(of bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        let fields = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The longest run of zeros, the first of equals, is left out.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, fields[end] == 0 { end += 1 }
            if end - start > best.count, end - start > 1 { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ fields: ArraySlice<UInt16>) -> String {
            fields.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(fields[...]) }
        return "\(text(fields[..<best.lowerBound]))::\(text(fields[best.upperBound...]))"
    }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool { (other as? IPAddress)?.bytes == bytes }

    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isIPv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1 }
    var isMulticast: Bool { isIPv4 ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff }
    var isLinkLocalMulticast: Bool {
        isIPv4 ? bytes.starts(with: [224, 0, 0]) : bytes[0] == 0xff && bytes[1] & 0x0f == 0x02
    }
    var isLinkLocalUnicast: Bool {
        isIPv4 ? bytes.starts(with: [169, 254]) : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }
    var isGlobalUnicast: Bool {
        !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast && bytes != [255, 255, 255, 255]
    }
}

/// A range of addresses: `10.0.0.0/8`. The address may have bits beyond the prefix.
final class CIDR: CELObject, CustomStringConvertible {
    let address: IPAddress
    let prefixLength: Int

    var type: CELType { .cidr }
    var size: Int? { (prefixLength + 7) / 8 }
    var description: String { "\(address)/\(prefixLength)" }

    private init(_ address: IPAddress, _ prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    init(_ text: String) throws(CELError) {
        let context = "network address parse error during conversion from string: "
        func problem(_ what: String) -> CELError {
            CELError("\(context)\(context)netip.ParsePrefix(\(GoQuote.quote(text))): \(what)")
        }
        guard let slash = text.lastIndex(of: "/") else { throw problem("no '/'") }
        let bits = text[text.index(after: slash)...]
        guard let bytes = IPAddress.parse(String(text[..<slash])) else {
            throw problem("ParseAddr(\(GoQuote.quote(String(text[..<slash])))): unable to parse IP")
        }
        if text.contains("%") { throw problem("IPv6 zones cannot be present in a prefix") }
        guard !bits.isEmpty, bits.utf8.allSatisfy({ (48...57).contains($0) }), bits.count == 1 || !bits.hasPrefix("0"),
            let length = Int(bits)
        else { throw problem("bad bits after slash: \(GoQuote.quote(String(bits)))") }
        guard length <= bytes.count * 8 else { throw problem("prefix length out of range") }
        if IPAddress.isMapped(bytes) {
            throw CELError("\(context)IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed")
        }
        address = IPAddress(bytes: bytes)
        prefixLength = length
    }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let bits = max(0, min(8, length - index * 8))
            return bits == 0 ? 0 : byte & (0xff << UInt8(8 - bits))
        }
    }

    var masked: CIDR { CIDR(IPAddress(bytes: Self.masked(address.bytes, prefixLength)), prefixLength) }

    func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count
            && Self.masked(other.bytes, prefixLength) == Self.masked(address.bytes, prefixLength)
    }

    func contains(_ other: CIDR) -> Bool { prefixLength <= other.prefixLength && contains(other.address) }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        guard let other = other as? CIDR else { return false }
        return other.address.bytes == address.bytes && other.prefixLength == prefixLength
    }
}

extension StringProtocol {
    /// The parts between occurrences of a separator, without Foundation.
    fileprivate func components(separatedBy separator: String) -> [String] {
        Substrings.splitting(String(self), at: Array(separator.utf8), limit: .max)
    }
}
