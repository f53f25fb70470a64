/// A length of time.
public struct CELDuration: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (left: CELDuration, right: CELDuration) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Seconds as a decimal: `90.5s`.
    public var description: String { "\((Double(nanoseconds) / 1e9).goFixedText)s" }

    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("\u{b5}s", 1000), ("\u{3bc}s", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Reads `1h15m30.5s`: a sign, and numbers with units from nanoseconds to hours, as Go does.
    public init?(goText text: String) {
        var rest = text[...]
        var isNegative = false
        if let sign = rest.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            rest = rest.dropFirst()
        }
        if rest == "0" {
            self.init(nanoseconds: 0)
            return
        }
        guard !rest.isEmpty else { return nil }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let whole = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest[whole.endIndex...]
            var fraction = ""[...]
            if rest.first == "." {
                fraction = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
                rest = rest[fraction.endIndex...]
            }
            let unit = rest.prefix { $0 != "." && !($0.isASCII && $0.isNumber) }
            guard !whole.isEmpty || !fraction.isEmpty, let scale = Self.units.first(where: { $0.name == unit }),
                let count = whole.isEmpty ? 0 : UInt64(whole)
            else { return nil }
            rest = rest[unit.endIndex...]
            let (product, overflow) = count.multipliedReportingOverflow(by: scale.nanoseconds)
            guard !overflow, product <= 1 << 63 else { return nil }
            var part = product
            if !fraction.isEmpty {
                // Digits beyond what fits say nothing any more.
                let digits = fraction.prefix(18)
                var divisor = 1.0
                for _ in digits { divisor *= 10 }
                part += UInt64(Double(UInt64(digits) ?? 0) * (Double(scale.nanoseconds) / divisor))
            }
            total += part
            guard total <= 1 << 63 else { return nil }
        }
        guard isNegative || total < 1 << 63 else { return nil }
        self.init(nanoseconds: isNegative ? Int64(truncatingIfNeeded: 0 &- total) : Int64(total))
    }
}

extension Double {
    /// As Go writes a number by default: the shortest digits, with an exponent from a million on.
    var goText: String { text(exponentFrom: 6) }

    /// As Go writes a number in JSON.
    var jsonText: String { text(exponentFrom: 21) }

    private func text(exponentFrom limit: Int) -> String {
        if isNaN { return "NaN" }
        if isInfinite { return self < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = shortest
        guard exponent < -4 || exponent >= limit else { return goFixedText }
        let sign = self.sign == .minus ? "-" : ""
        let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
        let magnitude = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
        return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(magnitude)"
    }

    /// The shortest digits without an exponent.
    var goFixedText: String {
        if isNaN { return "NaN" }
        if isInfinite { return self < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = shortest
        let sign = self.sign == .minus ? "-" : ""
        if exponent < 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)" }
        guard digits.count > exponent + 1 else {
            return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count)
        }
        return "\(sign)\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
    }

    /// The fewest digits that tell the number, without zeros at the end, and the power of ten of the first.
    private var shortest: (digits: String, exponent: Int) {
        if self == 0 { return ("0", 0) }
        // Swift writes the shortest digits, with or without an exponent.
        let parts = magnitude.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var exponent = mantissa[0].count - 1 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        var digits = (mantissa[0] + fraction)[...]
        while digits.count > 1, digits.first == "0" {
            digits = digits.dropFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == "0" { digits = digits.dropLast() }
        return (String(digits), exponent)
    }
}
