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

    /// Parses `bytes` and says which fields an object has twice, for `fieldValidation`.
    /// - Returns: the value, in which the last one won, and the paths (`spec.containers[0].image`), each once.
    public static func parseReportingDuplicates(
        _ bytes: some Sequence<UInt8>, limits: Limits = Limits()
    ) throws(JSONError) -> (value: JSONValue, duplicateFields: [String]) {
        func parse(_ buffer: UnsafeBufferPointer<UInt8>) -> Result<(JSONValue, [String]), JSONError> {
            scan(buffer, limits).map { value, sawDuplicate in
                (value, sawDuplicate ? JSONDuplicates.paths(in: buffer) : [])
            }
        }
        if let result = bytes.withContiguousStorageIfAvailable({ parse($0) }) { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer { parse($0) }.get()
    }

    /// The paths of all fields in `bytes`, which are known to be JSON, in the order of the document.
    public static func fieldPaths(_ bytes: some Sequence<UInt8>) -> [String] {
        bytes.withContiguousStorageIfAvailable { JSONDuplicates.allPaths(in: $0) }
            ?? Array(bytes).withUnsafeBufferPointer { JSONDuplicates.allPaths(in: $0) }
    }

    private static func parseBuffer(
        _ buffer: UnsafeBufferPointer<UInt8>, _ limits: Limits
    ) -> Result<JSONValue, JSONError> {
        scan(buffer, limits).map(\.value)
    }

    private static func scan(
        _ buffer: UnsafeBufferPointer<UInt8>, _ limits: Limits
    ) -> Result<(value: JSONValue, sawDuplicate: Bool), JSONError> {
        guard buffer.count <= limits.bytes else {
            return .failure(JSONError(.tooLarge(limit: limits.bytes), offset: limits.bytes))
        }
        var scanner = JSONScanner(bytes: buffer, depthLimit: limits.depth)
        do throws(JSONError) {
            let value = try scanner.document()
            return .success((value, scanner.sawDuplicate))
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
