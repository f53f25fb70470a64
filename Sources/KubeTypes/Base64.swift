/// Standard base64 with padding (RFC 4648), as Go reads it.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[index + offset]) : 0) }
            for digit in 0..<4 {
                text.append(digit <= count ? alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    package enum Check: Equatable {
        case canonical
        /// Right but for line breaks, which are passed over.
        case withLineBreaks
        /// The first byte that is wrong.
        case illegal(Int)
    }

    package static func check(_ text: String) -> Check {
        var digits = 0
        var padding = 0
        var lineBreaks = false
        for (offset, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                if padding > 0 { return .illegal(offset) }
                digits += 1
            case UInt8(ascii: "="):
                padding += 1
                if digits % 4 < 2 || digits % 4 + padding > 4 { return .illegal(offset) }
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): lineBreaks = true
            default: return .illegal(offset)
            }
        }
        if (digits + padding) % 4 != 0 { return .illegal(text.utf8.count) }
        return lineBreaks ? .withLineBreaks : .canonical
    }

    /// The bytes; nil where the text is no base64. Line breaks are passed over.
    package static func decode(_ text: String) -> [UInt8]? {
        if case .illegal = check(text) { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: continue
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
