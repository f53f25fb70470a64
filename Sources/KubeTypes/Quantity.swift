import JSON

/// An amount of a resource: `100m`, `1.5`, `128Mi`, `2e3`. Kept as written, compared and added as a number.
///
/// Specified in the API reference under *Quantity*: a signed number and a binary (`Ki` … `Ei`) or decimal
/// (`n u m k M G T P E`, or an exponent) suffix. Nothing below a billionth is kept: it rounds up.
public struct Quantity: JSONField, Comparable, CustomStringConvertible {
    /// As written.
    public let text: String
    /// Billionths.
    public let nanos: Int128

    public init?(_ text: String) {
        guard let nanos = Self.parse(text) else { return nil }
        self.text = text
        self.nanos = nanos
    }

    /// Reads a string, or, as the API does, a bare number.
    public init?(field: JSONValue) {
        switch field {
        case .string(let text): self.init(text)
        case .integer(let integer): self.init(String(integer))
        case .number(let number): self.init(number.text)
        default: return nil
        }
    }

    public var field: JSONValue { .string(text) }
    public var description: String { text }

    /// Whole units, rounded up (away from zero).
    public var value: Int64 { Int64(clamping: Self.divide(nanos, by: 1_000_000_000)) }
    /// Thousandths, rounded up (away from zero).
    public var milliValue: Int64 { Int64(clamping: Self.divide(nanos, by: 1_000_000)) }

    /// How a quantity is written.
    public enum Format: Sendable, Hashable {
        /// `k`, `M`, `m` …
        case decimal
        /// `Ki`, `Mi` …
        case binary
        /// `e3`, `e6` …
        case exponent
    }

    /// The form of the suffix it is written with; decimal without one.
    public var format: Format {
        guard let last = text.last else { return .decimal }
        if last == "i" { return .binary }
        return last.isNumber && text.contains { $0 == "e" || $0 == "E" } ? .exponent : .decimal
    }

    /// An amount in its canonical form.
    /// - Parameter nanos: Billionths; limited to ±(2⁶³ − 1) whole units, as everywhere.
    public init(nanos: Int128, format: Format = .decimal) {
        let limit = Int128(Int64.max) * 1_000_000_000
        self.nanos = max(-limit, min(limit, nanos))
        text = Self.write(self.nanos, format)
    }

    /// Whole units: bytes, cores, pods.
    public init(_ value: Int64, format: Format = .decimal) {
        self.init(nanos: Int128(value) * 1_000_000_000, format: format)
    }

    /// Thousandths.
    public init(milli: Int64) { self.init(nanos: Int128(milli) * 1_000_000) }

    /// The text that the API answers with: no fraction, the largest suffix that loses nothing. `0.5` becomes `500m`,
    /// `1024Mi` becomes `1Gi`.
    public var canonical: String { Self.write(nanos, format) }

    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos + right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }

    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos - right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }

    public static func += (left: inout Quantity, right: Quantity) { left = left + right }
    public static func -= (left: inout Quantity, right: Quantity) { left = left - right }

    private static func write(_ nanos: Int128, _ format: Format) -> String {
        let unit: Int128 = 1_000_000_000
        if format == .binary, abs(nanos) >= 1024 * unit {
            var number = divide(nanos, by: unit)
            var suffix = 0
            while suffix < 6, number % 1024 == 0 {
                number /= 1024
                suffix += 1
            }
            return "\(number)\(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][suffix])"
        }
        if nanos == 0 { return "0" }
        var number = nanos
        var thousands = -3
        while thousands < 6, number % 1000 == 0 {
            number /= 1000
            thousands += 1
        }
        if format == .exponent { return thousands == 0 ? "\(number)" : "\(number)e\(thousands * 3)" }
        return "\(number)\(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][thousands + 3])"
    }

    private static func divide(_ nanos: Int128, by unit: Int128) -> Int128 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
        return remainder == 0 ? quotient : quotient + (nanos < 0 ? -1 : 1)
    }

    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }

    private static func parse(_ text: String) -> Int128? {
        var text = text
        return text.withUTF8 { parse($0[...]) }
    }

    private static func parse(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int128? {
        var rest = bytes
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        var digits: Int128 = 0
        var count = 0
        var point: Int?
        while let byte = rest.first {
            if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
                count += 1
                guard count <= 30 else { return nil }
                digits = digits * 10 + Int128(byte - UInt8(ascii: "0"))
            } else if byte == UInt8(ascii: "."), point == nil {
                point = count
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        // The point counts as well.
        guard count > 0, count + (point == nil ? 0 : 1) <= 30, var (multiplier, denominator) = scale(of: rest) else {
            return nil
        }
        for _ in (point ?? count)..<count { denominator = denominator.multipliedReportingOverflow(by: 10).0 }
        // Nano is the base: multiply first, then divide, rounding what is left away from zero.
        let (scaled, overflow) = digits.multipliedReportingOverflow(by: multiplier)
        let limit = Int128(Int64.max) * 1_000_000_000
        let value = overflow ? limit : min(limit, divide(scaled, by: denominator))
        return isNegative ? -value : value
    }

    /// The factor, in billionths, that a suffix stands for.
    private static func scale(of bytes: Slice<UnsafeBufferPointer<UInt8>>) -> (multiplier: Int128, divisor: Int128)? {
        let nano: Int128 = 1_000_000_000
        let suffix = String(decoding: bytes, as: UTF8.self)
        switch suffix {
        case "": return (nano, 1)
        case "n": return (1, 1)
        case "u": return (1000, 1)
        case "m": return (1_000_000, 1)
        case "k": return (nano * 1000, 1)
        case "M": return (nano * 1_000_000, 1)
        case "G": return (nano * 1_000_000_000, 1)
        case "T": return (nano * 1_000_000_000_000, 1)
        case "P": return (nano * 1_000_000_000_000_000, 1)
        case "E": return (nano * 1_000_000_000_000_000_000, 1)
        case "Ki": return (nano << 10, 1)
        case "Mi": return (nano << 20, 1)
        case "Gi": return (nano << 30, 1)
        case "Ti": return (nano << 40, 1)
        case "Pi": return (nano << 50, 1)
        case "Ei": return (nano << 60, 1)
        default:
            guard let mark = suffix.first, mark == "e" || mark == "E", let exponent = Int(suffix.dropFirst()),
                abs(exponent) <= 18
            else { return nil }
            var power: Int128 = 1
            for _ in 0..<abs(exponent) { power *= 10 }
            return exponent >= 0 ? (nano * power, 1) : (nano, power)
        }
    }
}
