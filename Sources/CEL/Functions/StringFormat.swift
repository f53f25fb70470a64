import JSON

/// `'%s is %d'.format([…])`.
///
/// Specified in cel-go's extension *Strings*; numbers with a fraction are grouped as in English.
enum StringFormat {
    struct Clause {
        enum Kind: Hashable { case string, decimal, fixed, scientific, binary, hexadecimal, octal }

        let kind: Kind
        var isUppercase = false
        /// Digits behind the point.
        var precision = 6
    }

    enum Part {
        case text(String)
        case clause(Clause)
    }

    /// The most digits behind the point.
    private static let mostDigits = 1000

    static func parse(_ format: String) throws(CELError) -> [Part] {
        var parts: [Part] = []
        var text = ""
        var rest = format.unicodeScalars[...]
        func parsing(_ problem: String) -> CELError { CELError("could not parse formatting clause: \(problem)") }
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            if rest.first == "%" {
                rest.removeFirst()
                text += "%"
                continue
            }
            guard var mark = rest.popFirst() else { throw CELError("unexpected end of string") }
            var precision = 6
            if mark == "." {
                var digits = ""
                while let digit = rest.first, Lexer.isDigit(digit) {
                    digits.unicodeScalars.append(digit)
                    rest.removeFirst()
                }
                guard let next = rest.popFirst() else {
                    throw parsing("error while parsing precision: could not find end of precision specifier")
                }
                guard let given = Int(digits) else {
                    throw parsing(
                        "error while parsing precision: error while converting precision to integer: "
                            + "strconv.Atoi: parsing \"\(digits)\": "
                            + (digits.isEmpty ? "invalid syntax" : "value out of range"))
                }
                precision = min(given, mostDigits)
                mark = next
            }
            let kinds: [Unicode.Scalar: Clause.Kind] = [
                "s": .string, "d": .decimal, "f": .fixed, "e": .scientific, "b": .binary, "x": .hexadecimal,
                "X": .hexadecimal, "o": .octal,
            ]
            guard let kind = kinds[mark] else { throw parsing("unrecognized formatting clause \"\(mark)\"") }
            parts.append(.text(text))
            text = ""
            parts.append(.clause(Clause(kind: kind, isUppercase: mark == "X", precision: precision)))
        }
        parts.append(.text(text))
        return parts
    }

    static func format(_ format: String, _ values: [CELValue]) throws(CELError) -> String {
        var result = ""
        var used = 0
        for part in try parse(format) {
            switch part {
            case .text(let text): result += text
            case .clause(let clause):
                guard used < values.count else { throw CELError("index \(used) out of range") }
                do throws(CELError) {
                    result += try write(values[used], clause)
                } catch {
                    throw CELError("error during formatting: \(error.message)")
                }
                used += 1
            }
        }
        return result
    }

    /// The error of a clause that cannot take values of a type.
    static func refusal(_ clause: Clause, _ type: String) -> CELError {
        switch clause.kind {
        case .string:
            CELError(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
                    + "durations, and timestamps, was given \(type)")
        case .decimal: CELError("decimal clause can only be used on integers, was given \(type)")
        case .fixed: CELError("fixed-point clause can only be used on doubles, was given \(type)")
        case .scientific: CELError("scientific clause can only be used on doubles, was given \(type)")
        case .binary: CELError("only integers and bools can be formatted as binary, was given \(type)")
        case .hexadecimal:
            CELError("only integers, byte buffers, and strings can be formatted as hex, was given \(type)")
        case .octal: CELError("octal clause can only be used on integers, was given \(type)")
        }
    }

    private static func write(_ value: CELValue, _ clause: Clause) throws(CELError) -> String {
        switch (clause.kind, value) {
        case (.string, _): return try text(value)
        case (.decimal, .int(let number)): return "\(number)"
        case (.decimal, .uint(let number)): return "\(number)"
        case (.binary, .int(let number)): return String(number, radix: 2)
        case (.binary, .uint(let number)): return String(number, radix: 2)
        case (.binary, .bool(let value)): return value ? "1" : "0"
        case (.octal, .int(let number)): return String(number, radix: 8)
        case (.octal, .uint(let number)): return String(number, radix: 8)
        case (.hexadecimal, .int(let number)): return String(number, radix: 16, uppercase: clause.isUppercase)
        case (.hexadecimal, .uint(let number)): return String(number, radix: 16, uppercase: clause.isUppercase)
        case (.hexadecimal, .string(let text)): return text.utf8.hexadecimal(uppercase: clause.isUppercase)
        case (.hexadecimal, .bytes(let bytes)): return bytes.hexadecimal(uppercase: clause.isUppercase)
        case (.fixed, .double(let number)): return Decimals.fixed(number, clause.precision, isGrouped: true)
        case (.scientific, .double(let number)): return Decimals.scientific(number, width: clause.precision)
        case (.fixed, .string(let text)), (.scientific, .string(let text)):
            guard ["NaN", "Infinity", "-Infinity"].contains(text), let number = Conversion.goDouble(text) else {
                throw refusal(clause, "string")
            }
            return clause.kind == .fixed
                ? Decimals.fixed(number, clause.precision, isGrouped: true)
                : Decimals.scientific(number, width: clause.precision)
        default: throw refusal(clause, value.type.name)
        }
    }

    private static func text(_ value: CELValue) throws(CELError) -> String {
        switch value {
        case .null: return "null"
        case .list(let list):
            var texts: [String] = []
            for element in try list.all() { texts.append(try literal(element)) }
            return "[\(texts.joined(separator: ", "))]"
        case .map(let map):
            var texts: [(key: String, value: String)] = []
            for (key, value) in map.entries {
                switch key {
                case .string, .bool, .int, .uint: break
                default: throw CELError("no formatting function for map key of type \(key.type.name)")
                }
                texts.append((try literal(key), try literal(value)))
            }
            texts.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "{\(texts.map { "\($0.key):\($0.value)" }.joined(separator: ", "))}"
        case .object, .optional: throw refusal(Clause(kind: .string), value.type.name)
        default:
            guard let text = try Conversion.convert(value, to: .string).stringValue else { throw .noSuchOverload }
            return text
        }
    }

    /// A value within a list or map, as expressions write it.
    private static func literal(_ value: CELValue) throws(CELError) -> String {
        switch value {
        case .string(let text): return GoQuote.quote(text)
        case .bytes(let bytes): return "b\(GoQuote.quote(String(decoding: bytes, as: UTF8.self)))"
        case .double(let number):
            return number.isFinite ? Decimals.fixed(number, 6, isGrouped: false) : "\"\(number.goText)\""
        case .timestamp: return "timestamp(\"\(try text(value))\")"
        case .duration: return "duration(\"\(try text(value))\")"
        case .object, .optional: throw CELError("no formatting function for \(value.type.name)")
        default: return try text(value)
        }
    }
}

/// Numbers with a fixed count of digits behind the point, correctly rounded.
enum Decimals {
    static func fixed(_ number: Double, _ precision: Int, isGrouped: Bool) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-\u{221e}" : "\u{221e}" }
        let digits = exact(number.magnitude, precision)
        let whole = digits.dropLast(precision)
        var text = number.sign == .minus ? "-" : ""
        for (position, digit) in whole.enumerated() {
            if isGrouped, position > 0, (whole.count - position) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return precision == 0 ? text : "\(text).\(digits.suffix(precision))"
    }

    private static let superscripts = Array(
        "\u{2070}\u{b9}\u{b2}\u{b3}\u{2074}\u{2075}\u{2076}\u{2077}\u{2078}\u{2079}")

    /// Six digits behind the point.
    ///
    /// - Parameter width: Spaces come before what is shorter; it is what upstream takes the precision for.
    static func scientific(_ number: Double, width: Int) -> String {
        let text = scientific(number)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func scientific(_ number: Double) -> String {
        let precision = 6
        guard number.isFinite else { return fixed(number, precision, isGrouped: false) }
        var exponent = 0
        var digits = "0" + String(repeating: "0", count: precision)
        if number != 0 {
            // All digits, then as many as are wanted, rounded to even where it is a tie.
            let (all, first) = decimal(number.magnitude)
            exponent = first
            digits = rounded(all, to: precision + 1)
            if digits.count > precision + 1 {
                exponent += 1
                digits.removeLast()
            }
        }
        let sign = number.sign == .minus ? "-" : ""
        let fraction = precision == 0 ? "" : ".\(digits.dropFirst())"
        let magnitude = "\(abs(exponent))"
        let padded = magnitude.count < 2 ? "0\(magnitude)" : magnitude
        let raised = padded.map { superscripts[$0.wholeNumberValue ?? 0] }
        return "\(sign)\(digits.prefix(1))\(fraction)\u{d7}10\(exponent < 0 ? "\u{207b}" : "")\(String(raised))"
    }

    /// At least one digit before the last `precision`.
    private static func exact(_ number: Double, _ precision: Int) -> String {
        if number == 0 { return "0" + String(repeating: "0", count: precision) }
        let (digits, exponent) = decimal(number)
        let wanted = exponent + 1 + precision
        var text: String
        if wanted < 0 {
            text = ""
        } else {
            text = rounded(digits, to: wanted)
        }
        while text.count <= precision { text = "0" + text }
        return text
    }

    /// The first `count` digits, rounded to even where what follows is exactly half; one more where it carries over.
    private static func rounded(_ digits: [UInt8], to count: Int) -> String {
        var kept = Array(digits.prefix(count))
        if digits.count > count {
            let next = digits[count]
            let isTie = next == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
            if next > 5 || next == 5 && (!isTie || (kept.last ?? 0) % 2 == 1) {
                var position = count - 1
                while position >= 0, kept[position] == 9 {
                    kept[position] = 0
                    position -= 1
                }
                if position >= 0 { kept[position] += 1 } else { kept.insert(1, at: 0) }
            }
        } else {
            kept += [UInt8](repeating: 0, count: count - digits.count)
        }
        return String(decoding: kept.map { $0 + 48 }, as: UTF8.self)
    }

    /// All decimal digits of a number, and the power of ten of the first.
    private static func decimal(_ number: Double) -> ([UInt8], Int) {
        // significand × 2^power, in digits, the last first.
        var power = Int(number.exponent) - 52
        var significand = UInt64(number.significandBitPattern)
        if number.isNormal { significand |= 1 << 52 } else { power = -1074 }
        while significand & 1 == 0, power < 0 {
            significand >>= 1
            power += 1
        }
        var digits: [UInt8] = []
        while significand > 0 {
            digits.append(UInt8(significand % 10))
            significand /= 10
        }
        var decimals = 0
        for _ in 0..<abs(power) {
            if power > 0 {
                multiply(&digits, by: 2)
            } else {
                // Half of it is five times it, one digit further behind the point.
                multiply(&digits, by: 5)
                decimals += 1
            }
        }
        return (digits.reversed(), digits.count - 1 - decimals)
    }

    private static func multiply(_ digits: inout [UInt8], by factor: UInt8) {
        var carry: UInt8 = 0
        for position in digits.indices {
            let product = digits[position] * factor + carry
            digits[position] = product % 10
            carry = product / 10
        }
        if carry > 0 { digits.append(carry) }
    }
}

/// Texts in quotes as Go's `%q` writes them.
enum GoQuote {
    private static let escapes: [Unicode.Scalar: String] = [
        "\u{7}": "\\a", "\u{8}": "\\b", "\u{c}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{b}": "\\v",
        "\\": "\\\\", "\"": "\\\"",
    ]

    static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if let escape = escapes[scalar] {
                result += escape
            } else if isPrintable(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                let (mark, width) = scalar.value < 0x80 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                result += "\\\(mark)\(String(repeating: "0", count: max(0, width - digits.count)))\(digits)"
            }
        }
        return result + "\""
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }
}
