// What apply knows of a type: whether a value is owned as a whole, and how the members of objects, lists and maps are
// told apart.

import JSON
import KubeTypes

/// How the values of a type are merged and owned.
public indirect enum MergeType: Sendable {
    /// Owned as a whole. The type, where it is known, is what values are checked against.
    case leaf(FieldType?)
    /// An object with the fields of a message.
    case object(MessageType)
    /// An object whose type was made at run time.
    case structure(MergeStructure)
    /// A map from strings, its entries owned one by one.
    case map(MergeType)
    /// A list of distinct scalars, owned one by one.
    case set(MergeType)
    /// A list of objects that `keys` tell apart.
    case list(keys: [String], MergeType)
    /// Without a schema: objects are owned field by field, everything else as a whole.
    case deduced
}

/// An object type that is made at run time, such as a CustomResourceDefinition's structural schema.
public struct MergeStructure: Sendable {
    public var fields: [String: MergeType]
    /// The type of fields that have no name here: nil if there may be none.
    public var others: MergeType?
    /// The defaults of fields, where the elements of a list are told apart by them.
    public var defaults: [String: JSONValue]

    public init(fields: [String: MergeType], others: MergeType? = nil, defaults: [String: JSONValue] = [:]) {
        self.fields = fields
        self.others = others
        self.defaults = defaults
    }
}

extension MergeType {
    /// The type of a field with these semantics.
    init(_ type: FieldType, _ semantics: MergeSemantics) {
        switch (type, semantics) {
        case (_, .atomic): self = .leaf(type)
        case (.list(let element), .map(let keys)): self = .list(keys: keys, MergeType(element, .unspecified))
        case (.list(let element), .set): self = .set(MergeType(element, .unspecified))
        case (.list, _): self = .leaf(type)
        case (.map(let element), _): self = .map(MergeType(element, .unspecified))
        case (.message(let message), let semantics):
            let isLeaf = message.scalar != nil || (message.isAtomic && semantics != .granular)
            self = isLeaf ? .leaf(type) : .object(message)
        case (.scalar, _): self = .leaf(type)
        }
    }

    /// The type behind a step; `.deduced` where nothing is known.
    subscript(element: PathElement) -> MergeType {
        switch (self, element) {
        case (.list(_, let type), .key), (.set(let type), .value): type
        case (_, .field(let name)): field(name) ?? .deduced
        default: .deduced
        }
    }

    /// The type of a field or of a map's entry; nil where there is none by that name.
    public func field(_ name: String) -> MergeType? {
        switch self {
        // What a custom resource's schema keeps without knowing it is owned field by field.
        case .object(let message): message.field(name)?.mergeType ?? (message.preservesUnknownFields ? .deduced : nil)
        case .structure(let structure): structure.fields[name] ?? structure.others
        case .map(let type): type
        case .deduced: .deduced
        case .leaf, .set, .list: nil
        }
    }

    /// Whether the type names this field, as against an entry of a map.
    func names(field name: String) -> Bool {
        switch self {
        case .object(let message): message.field(name) != nil
        case .structure(let structure): structure.fields[name] != nil
        default: false
        }
    }

    /// What a field by which elements are told apart is if it is missing.
    func keyDefault(_ name: String) -> JSONValue? {
        switch self {
        case .object(let message):
            guard let field = message.field(name) else { return JSONValue?.none }
            return field.documentedDefault ?? field.defaultValue
        case .structure(let structure): return structure.defaults[name]
        default: return JSONValue?.none
        }
    }

    /// The step to an element of a list of this type.
    /// - Throws: why it has none.
    func step(to element: JSONValue) throws(MergeProblem) -> PathElement {
        guard case .list(let keys, let type) = self else {
            switch element {
            case .object: throw MergeProblem("associative list without keys has an element that's a map type")
            case .array: throw MergeProblem("not supported: associative list with lists as elements")
            case .null:
                throw MergeProblem("associative list without keys has an element that's an explicit null")
            default: return .value(element)
            }
        }
        guard case .object(let object) = element else {
            throw MergeProblem(
                "associative list with keys may not have \(element.isNull ? "a null element" : "non-map elements")")
        }
        var found: [PathElement.Key] = []
        found.reserveCapacity(keys.count)
        for key in keys {
            if let value = object[key] ?? type.keyDefault(key) {
                found.append(PathElement.Key(name: key, value: value))
            }
        }
        if found.isEmpty {
            let names = keys.map { "\"\($0)\"" }.joined(separator: " ")
            throw MergeProblem(
                "associative list with keys has an element that omits all key fields [\(names)] (and doesn't have "
                    + "default values for any key fields)")
        }
        return .keys(found)
    }
}

/// Why a value cannot be merged, and where.
public struct MergeProblem: Error, Sendable, Hashable {
    public var path = ""
    public let text: String

    init(_ text: String) { self.text = text }

    public var description: String { path.isEmpty ? text : "\(path): \(text)" }

    /// Several as one text, the way upstream prints them.
    static func text(_ problems: [MergeProblem]) -> String {
        if problems.count == 1 { return problems[0].description }
        return (["errors:"] + problems.map { "  \($0.description)" }).joined(separator: "\n")
    }
}

extension MergeType {
    /// How a value of this type is looked into.
    enum Shape {
        case leaf
        case fields
        case elements
    }

    /// The shape that the type gives its values; without a schema, that which the value has.
    func shape(of value: JSONValue) -> Shape {
        switch self {
        case .leaf: .leaf
        case .object, .structure, .map: .fields
        case .set, .list: .elements
        case .deduced: value.objectValue != nil ? .fields : .leaf
        }
    }
}
