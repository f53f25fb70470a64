/// Conversions between types: `int('5')`, `string(timestamp)`, `duration('1h')`.
///
/// Specified in the CEL language definition under *Type Conversions*; messages are cel-go's.
enum Conversion {
    private static func problem(_ value: CELValue, _ type: CELType) -> CELError {
        CELError("type conversion error from '\(value.type.name)' to '\(type.name)'")
    }

    static func convert(_ value: CELValue, to type: CELType) throws(CELError) -> CELValue {
        switch (type, value) {
        case (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double), (.string, .string), (.bytes, .bytes),
            (.timestamp, .timestamp), (.duration, .duration):
            return value
        case (.bool, .string(let text)):
            if ["1", "t", "T", "true", "TRUE", "True"].contains(text) { return .bool(true) }
            if ["0", "f", "F", "false", "FALSE", "False"].contains(text) { return .bool(false) }
        case (.int, _): if let result = try int(value) { return .int(result) }
        case (.uint, _): if let result = try uint(value) { return .uint(result) }
        case (.double, .int(let number)): return .double(Double(number))
        case (.double, .uint(let number)): return .double(Double(number))
        case (.double, .string(let text)): if let number = goDouble(text) { return .double(number) }
        case (.string, _): if let text = try string(value) { return .string(text) }
        case (.bytes, .string(let text)): return .bytes(Array(text.utf8))
        case (.duration, .string(let text)):
            if let duration = CELDuration(goText: text) { return .duration(duration) }
        case (.timestamp, .int(let seconds)):
            guard CELTimestamp.range.contains(seconds) else { throw CELError("timestamp overflow") }
            return .timestamp(CELTimestamp(seconds: seconds, nanoseconds: 0))
        case (.timestamp, .string(let text)): if let time = CELTimestamp(text) { return .timestamp(time) }
        default: break
        }
        throw problem(value, type)
    }

    private static func int(_ value: CELValue) throws(CELError) -> Int64? {
        let overflow = CELError("integer overflow")
        switch value {
        case .uint(let number):
            guard let number = Int64(exactly: number) else { throw overflow }
            return number
        case .double(let number):
            guard number > -0x1p63, number < 0x1p63 else { throw overflow }
            return Int64(number)
        case .string(let text): return digits(text, signed: true) ? Int64(text) : nil
        case .timestamp(let time): return time.seconds
        case .duration(let duration): return duration.nanoseconds
        default: return nil
        }
    }

    private static func uint(_ value: CELValue) throws(CELError) -> UInt64? {
        let overflow = CELError("unsigned integer overflow")
        switch value {
        case .int(let number):
            guard let number = UInt64(exactly: number) else { throw overflow }
            return number
        case .double(let number):
            guard number >= 0, number < 0x1p64 else { throw overflow }
            return UInt64(number)
        case .string(let text): return digits(text, signed: false) ? UInt64(text) : nil
        default: return nil
        }
    }

    private static func digits(_ text: String, signed: Bool) -> Bool {
        let digits = signed && (text.hasPrefix("-") || text.hasPrefix("+")) ? text.dropFirst() : text[...]
        return !digits.isEmpty && digits.unicodeScalars.allSatisfy(Lexer.isDigit)
    }

    /// A number as Go reads it: decimal, hexadecimal with an exponent, infinite or none.
    static func goDouble(_ text: String) -> Double? {
        guard let plain = withoutUnderscores(text) else { return nil }
        let lowercase = plain.lowercased()
        let sign = lowercase.hasPrefix("-") ? -1.0 : 1.0
        let unsigned = lowercase.hasPrefix("-") || lowercase.hasPrefix("+") ? lowercase.dropFirst() : lowercase[...]
        switch unsigned {
        case "inf", "infinity": return sign * .infinity
        case "nan": return .nan
        default: break
        }
        guard let first = unsigned.first, first.isASCII && (first.isNumber || first == ".") else { return nil }
        let digits = unsigned.hasPrefix("0x") ? unsigned.contains("p") : !unsigned.contains("p")
        guard digits, var number = Double(unsigned.hasSuffix(".") ? unsigned + "0" : "0\(unsigned)".dropZero) else {
            return nil
        }
        number *= sign
        return number.isFinite ? number : nil
    }

    /// The text without underscores between digits; nil where one is elsewhere.
    private static func withoutUnderscores(_ text: String) -> String? {
        guard text.contains("_") else { return text }
        let scalars = Array(text.unicodeScalars)
        for (position, scalar) in scalars.enumerated() where scalar == "_" {
            guard position > 0, position + 1 < scalars.count, Lexer.isHexDigit(scalars[position - 1]),
                Lexer.isHexDigit(scalars[position + 1])
            else { return nil }
        }
        return scalars.filter { $0 != "_" }.joinedText
    }

    private static func string(_ value: CELValue) throws(CELError) -> String? {
        switch value {
        case .bool(let value): return value ? "true" : "false"
        case .int(let number): return "\(number)"
        case .uint(let number): return "\(number)"
        case .double(let number): return number.goText
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CELError("invalid UTF-8 in bytes, cannot convert to string")
            }
            return text
        case .timestamp(let time): return time.description
        case .duration(let duration): return duration.description
        case .type(let type): return type.name
        case .object(let object): return (object as? IPAddress)?.description ?? (object as? CIDR)?.description
        default: return nil
        }
    }
}

extension String {
    /// Without a zero that was put before hexadecimal digits.
    fileprivate var dropZero: String { hasPrefix("00x") ? String(dropFirst()) : self }
}
