/// A strict JSON parser over bytes (RFC 8259): UTF-8 only, one value, nothing behind it, depth and size bounded.
public struct JSONParser {
    public struct Limits: Sendable {
        /// How deep arrays and objects may nest.
        public var depth: Int
        /// How many bytes a document may have.
        public var bytes: Int

        public init(depth: Int = 512, bytes: Int = 64 << 20) {
            self.depth = depth
            self.bytes = bytes
        }
    }

    /// Parses `bytes` as one JSON value. The last of several fields with one name wins, as in Go.
    /// - Throws: `JSONError` with the offset at which the text stops being JSON.
    public static func parse(_ bytes: some Sequence<UInt8>, limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { buffer in
            Self.parseBuffer(buffer, limits)
        }
        if let result { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer { Self.parseBuffer($0, limits) }.get()
    }

    /// Parses `text` as one JSON value.
    public static func parse(_ text: String, limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        try parse(text.utf8, limits: limits)
    }

    private static func parseBuffer(_ buffer: UnsafeBufferPointer<UInt8>, _ limits: Limits) -> Result<
        JSONValue, JSONError
    > {
        guard buffer.count <= limits.bytes else {
            return .failure(JSONError(.tooLarge(limit: limits.bytes), offset: limits.bytes))
        }
        var scanner = Scanner(bytes: buffer, depthLimit: limits.depth)
        do throws(JSONError) {
            return .success(try scanner.document())
        } catch {
            return .failure(error)
        }
    }
}

/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    public enum Problem: Sendable, Hashable {
        case unexpectedEnd
        case unexpectedByte(UInt8, expected: String)
        case invalidUTF8
        case invalidEscape
        case controlCharacterInString
        case invalidNumber
        case trailingBytes
        case tooDeep(limit: Int)
        case tooLarge(limit: Int)
    }

    public let problem: Problem
    /// Bytes from the start of the text.
    public let offset: Int

    public init(_ problem: Problem, offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String {
        switch problem {
        case .unexpectedEnd: "unexpected end of JSON input"
        case .unexpectedByte(let byte, let expected):
            if byte >= 0x20, byte < 0x7f {
                "invalid character '\(Character(UnicodeScalar(byte)))' at offset \(offset), expected \(expected)"
            } else {
                "invalid byte 0x\(String(byte, radix: 16)) at offset \(offset), expected \(expected)"
            }
        case .invalidUTF8: "invalid UTF-8 at offset \(offset)"
        case .invalidEscape: "invalid escape in string at offset \(offset)"
        case .controlCharacterInString: "control character in string at offset \(offset)"
        case .invalidNumber: "invalid number at offset \(offset)"
        case .trailingBytes: "invalid character after top-level value at offset \(offset)"
        case .tooDeep(let limit): "nesting exceeds \(limit) levels at offset \(offset)"
        case .tooLarge(let limit): "document exceeds \(limit) bytes"
        }
    }
}

/// One pass over the bytes of a document.
private struct Scanner {
    let bytes: UnsafeBufferPointer<UInt8>
    let depthLimit: Int
    var offset = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let result = try value()
        skipSpace()
        guard offset == bytes.count else { throw JSONError(.trailingBytes, offset: offset) }
        return result
    }

    @inline(__always)
    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    private func failure(expected: String) -> JSONError {
        offset < bytes.count
            ? JSONError(.unexpectedByte(bytes[offset], expected: expected), offset: offset)
            : JSONError(.unexpectedEnd, offset: offset)
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
        switch bytes[offset] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw failure(expected: "a value")
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for position in 0..<text.utf8CodeUnitCount {
            guard offset < bytes.count, bytes[offset] == text.utf8Start[position] else {
                throw failure(expected: "\(text)")
            }
            offset += 1
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= depthLimit else { throw JSONError(.tooDeep(limit: depthLimit), offset: offset) }
        offset += 1
        skipSpace()
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw failure(expected: "',' or ']'") }
            skipSpace()
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var fields = JSONObject()
        if take(UInt8(ascii: "}")) { return fields }
        while true {
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                throw failure(expected: "a field name")
            }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure(expected: "':'") }
            skipSpace()
            fields[key] = try value()
            skipSpace()
            if take(UInt8(ascii: "}")) { return fields }
            guard take(UInt8(ascii: ",")) else { throw failure(expected: "',' or '}'") }
            skipSpace()
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
        if offset < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[offset] {
            throw JSONError(.invalidNumber, offset: start)  // a leading zero
        }
        let text = UnsafeBufferPointer(rebasing: bytes[start..<offset])
        if isInteger, let integer = Self.integer(text) { return .integer(integer) }
        return .number(JSONNumber(text: String(decoding: text, as: UTF8.self)))
    }

    private mutating func digits() throws(JSONError) {
        let start = offset
        while offset < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[offset] { offset += 1 }
        guard offset > start else { throw JSONError(.invalidNumber, offset: offset) }
    }

    /// The value of an integer's digits; nil if it does not fit, or is `-0`, which an integer would lose.
    private static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let negative = text[0] == UInt8(ascii: "-")
        var value: Int64 = 0
        for byte in text[(negative ? 1 : 0)...] {
            let digit = Int64(byte &- UInt8(ascii: "0"))
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) = tenfold.subtractingReportingOverflow(digit)  // negative, to reach Int64.min
            if overflow || carry { return nil }
            value = next
        }
        if negative { return value == 0 ? nil : value }
        return value == .min ? nil : -value
    }

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        // Most strings have no escape: they are taken as they stand.
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                let text = try utf8(start, offset)
                offset += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { break }
            if byte < 0x20 { throw JSONError(.controlCharacterInString, offset: offset) }
            offset += 1
        }
        guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
        return try escapedString(from: start)
    }

    private func utf8(_ start: Int, _ end: Int) throws(JSONError) -> String {
        guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
            throw JSONError(.invalidUTF8, offset: start)
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = try utf8(start, offset)
        var run = offset
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte < 0x20 { throw JSONError(.controlCharacterInString, offset: offset) }
            guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                offset += 1
                continue
            }
            text += try utf8(run, offset)
            offset += 1
            if byte == UInt8(ascii: "\"") { return text }
            text.unicodeScalars.append(try escape())
            run = offset
        }
        throw JSONError(.unexpectedEnd, offset: offset)
    }

    /// The character that the escape at `offset`, behind its backslash, stands for.
    private mutating func escape() throws(JSONError) -> UnicodeScalar {
        guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hexadecimal()
            if let scalar = UnicodeScalar(UInt32(first)) { return scalar }
            // A surrogate: half of a pair, or, alone, nothing that UTF-8 can hold. Go writes U+FFFD for it.
            guard first < 0xdc00, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
                bytes[offset + 1] == UInt8(ascii: "u")
            else { return "\u{fffd}" }
            let beforeSecond = offset
            offset += 2
            let second = try hexadecimal()
            guard (0xdc00...0xdfff).contains(second) else {
                offset = beforeSecond
                return "\u{fffd}"
            }
            let code = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
            return UnicodeScalar(code) ?? "\u{fffd}"
        default: throw JSONError(.invalidEscape, offset: offset - 2)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
            let digit: UInt8
            switch bytes[offset] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[offset] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[offset] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[offset] - UInt8(ascii: "A") + 10
            default: throw JSONError(.invalidEscape, offset: offset)
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}
