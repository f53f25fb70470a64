/// Lengths of time as Go writes them: `1.5s`, `200ms`, `-2m30s`, `0` (package time, `ParseDuration`).
public enum GoDuration {
    private static let units: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]

    /// Nil for what is no duration, or longer than Go's, 292 years.
    public static func nanoseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return 0 }
        if rest.isEmpty { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !($0.isASCII && $0.isNumber || $0 == ".") }
            rest = rest[unit.endIndex...]
            guard let amount = Double(number), let factor = units[String(unit)] else { return nil }
            total += amount * factor
        }
        guard total < 9.2e18 else { return nil }
        return Int64(isNegative ? -total : total)
    }
}
