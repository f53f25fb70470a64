import JSON

/// How Go prints the values that messages about schemas mention.
enum SchemaText {
    /// A number as `%v` has it: `1e+06`, `0.5`, `3`.
    static func number(_ value: Double) -> String {
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        let (digits, point) = shortest(abs(value))
        let sign = value < 0 ? "-" : ""
        let exponent = point - 1
        if exponent < -4 || exponent >= 6 { return sign + scientific(digits, exponent) }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) }
        let split = digits.index(digits.startIndex, offsetBy: point)
        return sign + digits[..<split] + "." + digits[split...]
    }

    private static func scientific(_ digits: String, _ exponent: Int) -> String {
        var text = String(digits.prefix(1))
        if digits.count > 1 { text += "." + digits.dropFirst() }
        let size = String(abs(exponent))
        return text + "e" + (exponent < 0 ? "-" : "+") + (size.count < 2 ? "0" + size : size)
    }

    /// The fewest digits that mean `value`, without zeros at either end, and where its point is: 12.5 is ("125", 2).
    private static func shortest(_ value: Double) -> (digits: String, point: Int) {
        var mantissa = Substring("\(value)")
        var exponent = 0
        if let mark = mantissa.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
            mantissa = mantissa[..<mark]
        }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts[0].drop { $0 == "0" }
        let fraction = parts.count > 1 ? parts[1] : ""
        var digits = String(whole) + fraction
        var point = whole.count + exponent
        if whole.isEmpty {
            let zeros = digits.prefix { $0 == "0" }.count
            digits.removeFirst(zeros)
            point -= zeros
        }
        while digits.last == "0" { digits.removeLast() }
        return (digits, point)
    }

    /// A value in an error: strings quoted, numbers plain, everything else as JSON.
    static func value(_ value: JSONValue) -> String {
        if case .number(let number) = value { return self.number(number.doubleValue) }
        return JSONWriter.text(of: value)
    }
}
