// One step of a path into an object, as managed fields name it.

import JSON

/// A step from an object, list or map to one of its members, in the forms that FieldsV1 has: a field, an element of a
/// list of objects by its keys, an element of a set by its value, an element by its position.
public enum PathElement: Sendable, Hashable {
    case field(String)
    /// Names and values in the order of the names.
    case key([Key])
    case value(JSONValue)
    case index(Int)

    /// A field that tells elements of a list apart.
    public struct Key: Sendable, Hashable {
        public let name: String
        public let value: JSONValue

        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// An element's keys, in whatever order they come.
    public static func keys(_ keys: [Key]) -> PathElement {
        keys.count < 2 ? .key(keys) : .key(keys.sorted { $0.name < $1.name })
    }
}

extension PathElement: Comparable {
    public static func < (left: PathElement, right: PathElement) -> Bool { order(left, right) < 0 }

    /// The canonical order of FieldsV1: fields, keys, values, positions; within each by content.
    static func order(_ left: PathElement, _ right: PathElement) -> Int {
        switch (left, right) {
        case (.field(let left), .field(let right)): order(left, right)
        case (.key(let left), .key(let right)): order(left, right)
        case (.value(let left), .value(let right)): order(left, right)
        case (.index(let left), .index(let right)): left < right ? -1 : left == right ? 0 : 1
        default: left.rank - right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .key: 1
        case .value: 2
        case .index: 3
        }
    }

    @inline(__always)
    private static func order(_ left: String, _ right: String) -> Int { left == right ? 0 : left < right ? -1 : 1 }

    private static func order(_ left: [Key], _ right: [Key]) -> Int {
        for (one, other) in zip(left, right) {
            let names = order(one.name, other.name)
            if names != 0 { return names }
            let values = order(one.value, other.value)
            if values != 0 { return values }
        }
        return left.count - right.count
    }

    /// Numbers, texts, booleans, lists, objects, null.
    private static func order(_ left: JSONValue, _ right: JSONValue) -> Int {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): return left < right ? -1 : left == right ? 0 : 1
        case (.string(let left), .string(let right)): return order(left, right)
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        case (.array(let left), .array(let right)):
            for (one, other) in zip(left, right) {
                let elements = order(one, other)
                if elements != 0 { return elements }
            }
            return left.count - right.count
        case (.object(let left), .object(let right)):
            let (left, right) = (left.sortedByKey(), right.sortedByKey())
            for (one, other) in zip(left, right) {
                let names = order(one.key, other.key)
                if names != 0 { return names }
                let values = order(one.value, other.value)
                if values != 0 { return values }
            }
            return left.count - right.count
        default:
            if let left = left.doubleValue, let right = right.doubleValue {
                return left < right ? -1 : left == right ? 0 : 1
            }
            return rank(left) - rank(right)
        }
    }

    private static func rank(_ value: JSONValue) -> Int {
        switch value {
        case .number, .integer: 0
        case .string: 1
        case .bool: 2
        case .array: 3
        case .object: 4
        case .null: 5
        }
    }
}

extension PathElement: CustomStringConvertible {
    /// As it stands in a path for people: `.spec`, `[name="a"]`, `[="x"]`, `[3]`.
    public var description: String {
        switch self {
        case .field(let name): ".\(name)"
        case .key(let keys): "[\(keys.map { "\($0.name)=\(Self.text($0.value))" }.joined(separator: ","))]"
        case .value(let value): "[=\(Self.text(value))]"
        case .index(let index): "[\(index)]"
        }
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .array(let elements): "[\(elements.map(text).joined(separator: ","))]"
        case .object(let object): object.map { "\($0.key)=\(text($0.value))" }.joined()
        default: JSONWriter.text(of: value)
        }
    }
}

extension PathElement {
    /// The name that this step has in FieldsV1.
    var fieldsV1Name: String {
        switch self {
        case .field(let name): return "f:\(name)"
        case .key(let keys):
            var object = JSONObject()
            object.reserveCapacity(keys.count)
            for key in keys { object[key.name] = key.value }
            return "k:\(JSONWriter.text(of: .object(object)))"
        case .value(let value): return "v:\(JSONWriter.text(of: value))"
        case .index(let index): return "i:\(index)"
        }
    }

    /// Reads a name of FieldsV1. Nil for a kind of step that is not known, which is passed over.
    /// - Throws: what is wrong with one that is of a known kind.
    init?(fieldsV1Name name: String) throws(FieldSetError) {
        let utf8 = name.utf8
        guard utf8.count >= 2 else { throw FieldSetError("key must be 2 characters long: \(name)") }
        guard utf8[utf8.index(after: utf8.startIndex)] == UInt8(ascii: ":") else {
            throw FieldSetError("missing colon: \(name)")
        }
        let rest = name[utf8.index(utf8.startIndex, offsetBy: 2)...]
        switch utf8.first {
        case UInt8(ascii: "f"): self = .field(String(rest))
        case UInt8(ascii: "v"):
            guard let value = try? JSONParser.parse(rest.utf8) else {
                throw FieldSetError("parsing value as JSON: \(name)")
            }
            self = .value(value)
        case UInt8(ascii: "k"):
            guard case .object(let object)? = try? JSONParser.parse(rest.utf8) else {
                throw FieldSetError("parsing key as JSON: \(name)")
            }
            self = .keys(object.map { Key(name: $0.key, value: $0.value) })
        case UInt8(ascii: "i"):
            guard let index = Int(rest) else {
                throw FieldSetError("strconv.Atoi: parsing \"\(rest)\": invalid syntax")
            }
            self = .index(index)
        default: return nil
        }
    }
}

/// What is wrong with a FieldsV1 value.
public struct FieldSetError: Error, Sendable, Hashable {
    public let text: String
    init(_ text: String) { self.text = text }
}
