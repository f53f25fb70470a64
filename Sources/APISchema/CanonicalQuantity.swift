/// Quantities in the one form in which the API answers them: `0.5` → `500m`, `1024Mi` → `1Gi`, `1000m` → `1`.
///
/// Specified in the API reference under *Quantity*: no fractional digits, the largest suffix that leaves an integer,
/// binary suffixes stay binary. Amounts are kept in billionths; finer ones round up, away from zero.
struct CanonicalQuantity: Equatable {
    enum Format: Equatable {
        /// `k`, `M`, …
        case decimal
        /// `Ki`, `Mi`, …
        case binary
        /// `e3`, `e6`, …
        case exponent
    }

    enum Problem: Error {
        case form, suffix, number

        /// Upstream's message.
        var text: String {
            switch self {
            case .form:
                "quantities must match the regular expression "
                    + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            case .suffix: "unable to parse quantity's suffix"
            case .number: "unable to parse numeric part of quantity"
            }
        }
    }

    /// Billionths.
    var nanos: Int128
    var format: Format

    private static let nano: Int128 = 1_000_000_000
    /// The largest amount that there is: 2^63 - 1.
    private static let limit = Int128(Int64.max) * nano

    static func parse(_ text: String) -> Result<CanonicalQuantity, Problem> {
        var rest = text.utf8[...]
        var negative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        var digits: Int128 = 0
        var decimals = 0
        var count = 0
        var seenPoint = false
        var inexact = false
        while let byte = rest.first {
            if byte == UInt8(ascii: ".") {
                if seenPoint { return .failure(.form) }
                seenPoint = true
            } else if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
                count += 1
                // What is finer than any suffix can make whole again only decides whether to round up.
                if seenPoint, decimals >= 28 {
                    inexact = inexact || byte != UInt8(ascii: "0")
                } else {
                    let (more, overflow) = digits.multipliedReportingOverflow(by: 10)
                    if overflow {
                        return .success(CanonicalQuantity(nanos: negative ? -limit : limit, format: .decimal))
                    }
                    digits = more + Int128(byte - UInt8(ascii: "0"))
                    if seenPoint { decimals += 1 }
                }
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        guard count > 0 else { return .failure(.form) }
        guard let suffix = Suffix(String(Substring(rest))) else { return .failure(.suffix) }
        // digits × base^exponent ÷ 10^decimals, in billionths, multiplied out before it is divided.
        var value = digits
        var denominator: Int128 = 1
        var exponent10 = suffix.power10 + 9 - decimals
        var overflow = false
        while exponent10 > 0, value != 0, !overflow {
            (value, overflow) = value.multipliedReportingOverflow(by: 10)
            exponent10 -= 1
        }
        while exponent10 < 0, denominator < .max / 100 {
            denominator *= 10
            exponent10 += 1
        }
        if !overflow, suffix.power2 > 0 {
            (value, overflow) = value.multipliedReportingOverflow(by: 1 << Int128(suffix.power2))
        }
        if overflow {
            value = limit
        } else {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: denominator)
            value = min(limit, quotient + (remainder != 0 || inexact ? 1 : 0))
        }
        return .success(CanonicalQuantity(nanos: negative ? -value : value, format: suffix.format))
    }

    /// What the letters behind a number stand for.
    private struct Suffix {
        var power10 = 0
        var power2 = 0
        var format = Format.decimal

        init?(_ text: String) {
            switch text {
            case "": break
            case "n": power10 = -9
            case "u": power10 = -6
            case "m": power10 = -3
            case "k": power10 = 3
            case "M": power10 = 6
            case "G": power10 = 9
            case "T": power10 = 12
            case "P": power10 = 15
            case "E": power10 = 18
            case "Ki", "Mi", "Gi", "Ti", "Pi", "Ei":
                format = .binary
                let letters: [Character] = ["K", "M", "G", "T", "P", "E"]
                power2 = ((letters.firstIndex(of: text[text.startIndex]) ?? 0) + 1) * 10
            default:
                guard let mark = text.first, mark == "e" || mark == "E", let exponent = Int(text.dropFirst()),
                    abs(exponent) <= 1000
                else { return nil }
                format = .exponent
                power10 = exponent
            }
        }
    }

    /// The amount rounded up, away from zero, to thousandths.
    func roundedToMillis() -> CanonicalQuantity {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: 1_000_000)
        if remainder == 0 { return self }
        return CanonicalQuantity(nanos: (quotient + (nanos < 0 ? -1 : 1)) * 1_000_000, format: format)
    }

    /// The canonical text.
    var text: String {
        if nanos == 0 { return "0" }
        let kilo = 1024 * Self.nano
        // Between -1024 and 1024 the binary form has no suffix to show, and the decimal one can show fractions.
        return format == .binary && (nanos <= -kilo || nanos >= kilo) ? binaryText : decimalText
    }

    private var binaryText: String {
        var (whole, remainder) = nanos.quotientAndRemainder(dividingBy: Self.nano)
        if remainder != 0 { whole += nanos < 0 ? -1 : 1 }
        var power = 0
        while power < 6, whole % 1024 == 0 {
            whole /= 1024
            power += 1
        }
        return "\(whole)\(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power])"
    }

    private var decimalText: String {
        var mantissa = nanos
        var power = -9
        while power < 18, mantissa % 1000 == 0 {
            mantissa /= 1000
            power += 3
        }
        if format == .exponent { return power == 0 ? "\(mantissa)" : "\(mantissa)e\(power)" }
        return "\(mantissa)\(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][power / 3 + 3])"
    }
}
