import JSON

/// A value of an expression.
public enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(CELTimestamp)
    case duration(CELDuration)
    case list(CELList)
    case map(CELMap)
    /// A value of a type that a library or the host brings.
    case object(any CELObject)
    case type(CELType)
    case optional(CELOptional)
}

/// Why an evaluation came to nothing.
public struct CELError: Error, Sendable, Hashable {
    public let message: String
    /// Whether the evaluation was ended, by its cost; `&&` and `||` do not swallow that.
    public let isCancelled: Bool

    public init(_ message: String, isCancelled: Bool = false) {
        self.message = message
        self.isCancelled = isCancelled
    }

    static let noSuchOverload = CELError("no such overload")
    static let overCostLimit = CELError("operation cancelled: actual cost limit exceeded", isCancelled: true)

    static func noSuchKey(_ key: String) -> CELError { CELError("no such key: \(key)") }
}

/// A value, or none.
public final class CELOptional: Sendable {
    public let value: CELValue?

    public init(_ value: CELValue?) { self.value = value }

    static let none = CELOptional(nil)
}

/// A value of a type of its own: a URL, a quantity, an object that is computed on demand.
public protocol CELObject: AnyObject, Sendable {
    var type: CELType { get }
    /// The value of a field; nil where it is not set. Throws what computing it throws.
    func field(_ name: String) throws(CELError) -> CELValue?
    /// The value as JSON; nil where it has none.
    var json: JSONValue? { get }
    /// Throws where values of the type cannot be compared.
    func isEqual(to other: any CELObject) throws(CELError) -> Bool
    /// For costs: how large the value is; nil for values that have no size.
    var size: Int? { get }
}

extension CELObject {
    public func field(_ name: String) throws(CELError) -> CELValue? { throw .noSuchOverload }
    public var json: JSONValue? { nil }
    public func isEqual(to other: any CELObject) throws(CELError) -> Bool { self === other }
    public var size: Int? { nil }
}

extension CELValue {
    /// The type as far as the value tells it.
    public var type: CELType {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .list: .list(.dyn)
        case .map: .map(.dyn, .dyn)
        case .object(let object): object.type
        case .type: .type(nil)
        case .optional: .optional(.dyn)
        }
    }

    var isTrue: Bool { if case .bool(true) = self { true } else { false } }

    /// What `size()` says, for values that have a size.
    var size: Int? {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.count
        case .map(let map): map.count
        case .object(let object): object.size
        default: nil
        }
    }

    /// The size that costs are reckoned by.
    var costSize: UInt64 {
        if let size { return UInt64(size) }
        if case .optional(let optional) = self, let value = optional.value { return value.costSize }
        return 1
    }

    /// Whether the value is what its type has by default: zero, empty, false, null.
    var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .timestamp(let value): value == CELTimestamp.zero
        case .duration(let value): value.nanoseconds == 0
        case .list(let list): list.count == 0
        case .map(let map): map.count == 0
        case .object, .type: false
        case .optional(let optional): optional.value == nil
        }
    }
}

extension CELValue {
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// As error messages show the value.
    var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)"
        case .double(let value): value.goText
        case .string(let value): value
        case .bytes(let value): String(decoding: value, as: UTF8.self)
        case .timestamp(let value): value.description
        case .duration(let value): value.description
        case .type(let type): type.name
        case .list(let list): "[\(list.map(\.shown).joined(separator: ", "))]"
        case .map(let map): "{\(map.entries.map { "\($0.key.shown): \($0.value.shown)" }.joined(separator: ", "))}"
        case .object(let object): object.type.name
        case .optional(let optional): optional.value.map { "optional(\($0.shown))" } ?? "optional.none()"
        }
    }
}
