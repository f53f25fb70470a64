/// What an unquoted YAML scalar means, by the rules that Kubernetes' tools read YAML with.
///
/// Those are go-yaml v2's (used by `sigs.k8s.io/yaml`), YAML 1.1 for the most part: `yes`, `no`, `on`, `off`, `y` and
/// `n` are booleans, `0x1f`, `0b11`, `017` and `1_000` are integers, dates and sexagesimal numbers are strings.
enum YAMLScalar {
    /// The value of the plain scalar `text`; nil for `.inf` and `.nan`, which JSON does not have.
    static func resolve(_ text: String) -> JSONValue? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            if isInfiniteOrNaN(text) { return nil }
            return number(text) ?? .string(text)
        case UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"),
            UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"),
            UInt8(ascii: "~"):
            return word(text) ?? .string(text)
        default: return .string(text)
        }
    }

    private static func word(_ text: String) -> JSONValue? {
        switch text {
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": .bool(false)
        case "~", "null", "Null", "NULL": .null
        default: nil
        }
    }

    private static func isInfiniteOrNaN(_ text: String) -> Bool {
        switch text {
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF": true
        default: false
        }
    }

    /// The number that `text` writes, or nil.
    static func number(_ text: String) -> JSONValue? {
        let plain = text.utf8.first == UInt8(ascii: ".") ? text : text.filter { $0 != "_" }
        var digits = Substring(plain)
        let negative = digits.first == "-"
        if negative || digits.first == "+" { digits.removeFirst() }
        if let magnitude = magnitude(of: digits) {
            if negative {
                if magnitude <= UInt64(Int64.max) { return .integer(-Int64(magnitude)) }
                if magnitude == UInt64(Int64.max) + 1 { return .integer(.min) }
            } else {
                if let integer = Int64(exactly: magnitude) { return .integer(integer) }
                return .number(JSONNumber(text: String(magnitude)))
            }
        }
        guard isDecimal(digits), let value = Double(plain), value.isFinite else { return nil }
        return decimal(value)
    }

    /// The digits of an integer without its sign, with the prefixes that Go reads.
    private static func magnitude(of digits: Substring) -> UInt64? {
        guard let first = digits.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first else { return nil }
        guard first == UInt8(ascii: "0"), digits.utf8.count > 1 else { return UInt64(digits) }
        let rest = digits.dropFirst(2)
        guard rest.utf8.first != UInt8(ascii: "+"), rest.utf8.first != UInt8(ascii: "-") else { return nil }
        switch digits.dropFirst().first {
        case "x", "X": return UInt64(rest, radix: 16)
        case "b", "B": return UInt64(rest, radix: 2)
        case "o", "O": return UInt64(rest, radix: 8)
        default: return UInt64(digits.dropFirst(), radix: 8)
        }
    }

    /// Whether `digits` is `1.5`, `.5`, `1.`, `1e3`, …
    private static func isDecimal(_ digits: Substring) -> Bool {
        var rest = digits.utf8
        func digitRun() -> Int {
            let count = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
            rest = rest.dropFirst(count)
            return count
        }
        let whole = digitRun()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if digitRun() == 0, whole == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            if digitRun() == 0 { return false }
        }
        return rest.isEmpty
    }

    /// A double as Go's JSON encoder writes it: `1.0` is 1, `1e21` keeps its exponent.
    private static func decimal(_ value: Double) -> JSONValue {
        if value == value.rounded(), abs(value) < 9e15, !(value == 0 && value.sign == .minus) {
            return .integer(Int64(value))
        }
        var text = "\(value)"  // the shortest digits that read back as the same double
        if text.hasSuffix(".0") { text.removeLast(2) }
        return .number(JSONNumber(text: text.replacing(".0e", with: "e")))
    }

    /// Whether `text`, written without quotes, would be read as something else than this string.
    static func needsQuotes(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return true }
        if case .string? = resolve(text) {
            // Dates and base-60 numbers are strings here, but not to every reader of YAML.
            return UInt8(ascii: "0")...UInt8(ascii: "9") ~= first && isDateOrSexagesimal(text) || text == "<<"
                || text == "="
        }
        return true
    }

    private static func isDateOrSexagesimal(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte | 0x20 == UInt8(ascii: "t")
                || byte == UInt8(ascii: "Z") || byte == UInt8(ascii: " ")
        }
    }
}
