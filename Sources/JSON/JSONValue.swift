/// A JSON value that keeps what was written: the order of fields, integers exactly, other numbers as text.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number, as it was written.
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// Whether two values are written alike but for white space and the order of fields; `1` and `1.0` are not.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): JSONObject.isSame(left, right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

/// The text of a number that is no 64-bit integer: a decimal, an exponent, or a larger integer.
public struct JSONNumber: Sendable, Hashable {
    public let text: String

    /// Takes `text` as it stands; the caller has checked that it is a JSON number.
    public init(text: String) { self.text = text }

    public var doubleValue: Double { Double(text) ?? .nan }
}

extension JSONValue {
    public var isNull: Bool { if case .null = self { true } else { false } }

    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer; nil for any other number, a decimal without fraction (`1.0`) included.
    public var integerValue: Int64? { if case .integer(let value) = self { value } else { nil } }

    public var intValue: Int? { integerValue.flatMap { Int(exactly: $0) } }

    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value.doubleValue
        default: nil
        }
    }

    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The field `key` of an object; nil where this is no object or has no such field.
    ///
    /// Setting a field on anything but an object makes an object of it; setting nil removes the field.
    @inlinable
    public subscript(key: String) -> JSONValue? {
        get {
            if case .object(let object) = self { object[key] } else { nil }
        }
        set {
            switch self {
            case .object(var object):
                // Let go of our own reference first, so that the object is changed in place.
                self = .null
                object[key] = newValue
                self = .object(object)
            default:
                if let newValue { self = .object([key: newValue]) }
            }
        }
    }

    /// The element `index` of an array; nil where this is no array or has no such element.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let array) = self, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// The value that is reached by going through the fields named, or nil.
    public subscript(path path: String...) -> JSONValue? {
        var value = self
        for key in path {
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }
}

// No nil literal: `condition ? nil : value` would be JSON's null where an absent value is meant. Null is `.null`.
extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
