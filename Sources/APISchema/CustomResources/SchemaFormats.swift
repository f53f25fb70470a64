import KubeTypes

/// The formats of strings that schemas of custom resources can ask for (upstream's `strfmt`). Others mean nothing.
enum SchemaFormats {
    private static let known: Set<String> = [
        "bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5",
        "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration",
        "datetime", "k8sshortname", "k8slongname",
    ]

    /// Hyphens do not count: `date-time` is `datetime`.
    private static func normalized(_ format: String) -> String { format.filter { $0 != "-" } }

    static func isKnown(_ format: String) -> Bool { !format.isEmpty && known.contains(normalized(format)) }

    /// Whether the format of a schema means nothing for its type, which is worth a warning.
    static func isUnrecognized(_ schema: JSONSchema) -> Bool {
        guard !schema.format.isEmpty else { return false }
        switch schema.type {
        case "", "string": return !isKnown(schema.format)
        case "integer": return schema.format != "int32" && schema.format != "int64"
        case "number": return schema.format != "float" && schema.format != "double"
        default: return false
        }
    }

    static func matches(_ text: String, _ format: String) -> Bool {
        switch normalized(format) {
        case "bsonobjectid": text.utf8.count == 24 && text.utf8.allSatisfy(isHex)
        case "uri": isURI(text)
        case "email": isEmail(text)
        case "hostname": isHostname(text)
        case "ipv4": AddressText.isPlain(text) && !text.contains(":")
        case "ipv6": AddressText.isPlain(text) && text.contains(":")
        case "cidr": isCIDR(text)
        case "mac": isMAC(text)
        case "uuid": isUUID(text, version: nil)
        case "uuid3": isUUID(text, version: "3")
        case "uuid4": isUUID(text, version: "4")
        case "uuid5": isUUID(text, version: "5")
        case "isbn": isISBN10(text) || isISBN13(text)
        case "isbn10": isISBN10(text)
        case "isbn13": isISBN13(text)
        case "creditcard": isCreditCard(text)
        case "ssn": isSocialSecurityNumber(text)
        case "hexcolor": isHexColor(text)
        case "rgbcolor": isRGBColor(text)
        case "byte": !text.isEmpty && Base64.check(text) == .canonical
        case "date": isDate(text)
        case "datetime": isDateTime(text)
        case "duration": isDuration(text)
        case "k8sshortname": Names.isDNS1123Label(text.lowercased()).isEmpty
        case "k8slongname": isLongName(text)
        default: true
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    /// Segments like labels, of any length up to the whole's limit.
    private static func isLongName(_ text: String) -> Bool {
        guard text.utf8.count <= 253, !text.isEmpty else { return false }
        return text.lowercased().split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.first != "-" && part.last != "-"
                && part.utf8.allSatisfy { isDigit($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// An absolute URI, or an absolute path.
    private static func isURI(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return false }
        if text.hasPrefix("/") || text == "*" { return true }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let scheme = text.utf8[..<colon]
        guard let first = scheme.first, (0x41...0x5a).contains(first) || (0x61...0x7a).contains(first) else {
            return false
        }
        let isScheme = scheme.allSatisfy {
            isDigit($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "+")
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        return isScheme && text.utf8.index(after: colon) < text.utf8.endIndex
    }

    private static func isEmail(_ text: String) -> Bool {
        guard let at = text.lastIndex(of: "@"), at > text.startIndex else { return false }
        let local = text[..<at]
        let domain = text[text.index(after: at)...]
        return !domain.isEmpty && !local.hasPrefix(".") && !local.hasSuffix(".") && !local.contains("..")
            && !local.contains(where: \.isWhitespace) && !domain.contains(where: \.isWhitespace)
            && !domain.hasPrefix(".") && !domain.hasSuffix(".") && !domain.contains("..")
    }

    private static func isHostname(_ text: String) -> Bool {
        guard !text.isEmpty, text.unicodeScalars.count <= 255 else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.unicodeScalars.first, let last = part.unicodeScalars.last else { return false }
            func isWord(_ scalar: Unicode.Scalar) -> Bool {
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            }
            return part.unicodeScalars.count <= 63 && isWord(first) && isWord(last)
                && part.unicodeScalars.allSatisfy { isWord($0) || $0 == "-" }
        }
    }

    private static func isCIDR(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, AddressText.isPlain(String(parts[0])), !parts[1].isEmpty,
            parts[1].utf8.allSatisfy(isDigit), parts[1].utf8.count <= 3, let bits = Int(parts[1])
        else { return false }
        return bits <= (parts[0].contains(":") ? 128 : 32)
    }

    private static func isMAC(_ text: String) -> Bool {
        for (mark, width) in [(Character(":"), 2), ("-", 2), (".", 4)] where text.contains(mark) {
            let parts = text.split(separator: mark, omittingEmptySubsequences: false)
            return parts.allSatisfy { $0.utf8.count == width && $0.utf8.allSatisfy(isHex) }
                && [12, 16, 40].contains(parts.count * width)
        }
        return false
    }

    /// 32 digits, with hyphens or without.
    private static func isUUID(_ text: String, version: Character?) -> Bool {
        var digits: [UInt8] = []
        var afterHyphen = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "-") {
                guard !afterHyphen, [8, 12, 16, 20].contains(digits.count) else { return false }
                afterHyphen = true
            } else {
                guard isHex(byte) else { return false }
                digits.append(byte)
                afterHyphen = false
            }
        }
        guard digits.count == 32 else { return false }
        guard let version else { return true }
        return digits[12] == version.asciiValue && (version == "3" || "89abAB".utf8.contains(digits[16]))
    }

    private static func isISBN10(_ text: String) -> Bool {
        let characters = text.filter { $0 != "-" && $0 != " " }.uppercased()
        guard characters.count == 10 else { return false }
        var sum = 0
        for (index, character) in characters.enumerated() {
            if let digit = character.wholeNumberValue, character.isASCII {
                sum += (10 - index) * digit
            } else if character == "X", index == 9 {
                sum += 10
            } else {
                return false
            }
        }
        return sum % 11 == 0
    }

    private static func isISBN13(_ text: String) -> Bool {
        let characters = text.filter { $0 != "-" && $0 != " " }
        guard characters.count == 13, characters.utf8.allSatisfy(isDigit) else { return false }
        var sum = 0
        for (index, digit) in characters.utf8.enumerated() { sum += Int(digit - 0x30) * (index % 2 == 0 ? 1 : 3) }
        return sum % 10 == 0
    }

    private static func isCreditCard(_ text: String) -> Bool {
        let digits = text.utf8.filter(isDigit).map { Int($0 - 0x30) }
        guard (13...19).contains(digits.count) else { return false }
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = index % 2 == 1 ? digit * 2 : digit
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    private static func isSocialSecurityNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        for (index, count) in [3, 2, 4].enumerated() {
            if index > 0, let mark = rest.first, mark == UInt8(ascii: "-") || mark == UInt8(ascii: " ") {
                rest = rest.dropFirst()
            }
            guard rest.prefix(count).count == count, rest.prefix(count).allSatisfy(isDigit) else { return false }
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty
    }

    private static func isHexColor(_ text: String) -> Bool {
        let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
        return (digits.utf8.count == 3 || digits.utf8.count == 6) && digits.utf8.allSatisfy(isHex)
    }

    private static func isRGBColor(_ text: String) -> Bool {
        guard text.hasPrefix("rgb("), text.hasSuffix(")") else { return false }
        let parts = text.dropFirst(4).dropLast().split(separator: ",", omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { part in
                let digits = part.filter { $0 != " " }
                return !digits.isEmpty && digits.utf8.allSatisfy(isDigit) && (Int(digits).map { $0 <= 255 } ?? false)
            }
    }

    private static func isDate(_ text: String) -> Bool {
        // A day that the month does not have comes back as another.
        text.utf8.count == 10 && Time("\(text)T00:00:00Z")?.description.hasPrefix(text) == true
    }

    /// RFC 3339; a zone is needed, its colon is not.
    private static func isDateTime(_ text: String) -> Bool {
        let upper = text.uppercased()
        if Time(upper) != nil { return true }
        guard let sign = upper.lastIndex(where: { $0 == "+" || $0 == "-" }), upper[sign...].count == 5 else {
            return false
        }
        let colon = upper.index(sign, offsetBy: 3)
        return Time("\(upper[..<colon]):\(upper[colon...])") != nil
    }

    private static let units: Set<String> = [
        "ns", "us", "µs", "μs", "ms", "s", "m", "h", "nano", "nanos", "nanosecond", "nanoseconds", "micro", "micros",
        "microsecond", "microseconds", "milli", "millis", "millisecond", "milliseconds", "sec", "secs", "second",
        "seconds", "min", "mins", "minute", "minutes", "hr", "hour", "hours", "d", "day", "days", "w", "wk", "week",
        "weeks",
    ]

    /// As Go parses durations (`1h30m`), or a number and the word for a unit (`22 ns`, `3 days`).
    private static func isDuration(_ text: String) -> Bool {
        var rest = text[...]
        if let sign = rest.first, sign == "-" || sign == "+" { rest = rest.dropFirst() }
        if rest == "0" { return true }
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            guard !number.isEmpty, number != ".", number.filter({ $0 == "." }).count <= 1 else { return false }
            rest = rest.dropFirst(number.count).drop { $0 == " " }
            let unit = rest.prefix { $0.isLetter }
            guard units.contains(unit.lowercased()) else { return false }
            rest = rest.dropFirst(unit.count).drop { $0 == " " }
        }
        return true
    }
}
