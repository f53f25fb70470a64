/// What a schema says of values: their fields, how long they may be, and how JSON is read.
///
/// Made from the structural schema of a custom resource or from the table of built-in types by those who know these;
/// the sizes are what costs are estimated from.
public final class DeclaredType: Sendable {
    /// A field of an object.
    public struct Field: Sendable {
        /// As JSON has it, without escapes.
        public let jsonName: String
        public let type: DeclaredType

        public init(jsonName: String, type: DeclaredType) {
            self.jsonName = jsonName
            self.type = type
        }
    }

    /// How two lists are compared and added: `x-kubernetes-list-type`.
    public enum ListSemantics: Sendable, Hashable {
        case atomic
        case set
        /// The names of the fields that tell elements apart.
        case map([String])
    }

    /// How the text of a string is read.
    public enum Format: Sendable, Hashable {
        case plain
        case byte
        case date
        case dateTime
        case duration
    }

    enum Shape: Sendable {
        case scalar(CELType, Format)
        /// A string or an integer.
        case intOrString
        /// JSON of any shape.
        case any
        case list(DeclaredType, ListSemantics)
        case map(DeclaredType)
        case object(String, [String: Field])
    }

    let shape: Shape
    public let isNullable: Bool
    /// The most elements, code points or bytes; 0 where that is not limited by the type.
    public let maxElements: UInt64
    /// The fewest bytes that a value takes as JSON.
    public let minSerializedSize: Int64

    init(_ shape: Shape, isNullable: Bool, maxElements: UInt64, minSerializedSize: Int64) {
        self.shape = shape
        self.isNullable = isNullable
        self.maxElements = maxElements
        self.minSerializedSize = minSerializedSize
    }

    public static func scalar(
        _ type: CELType, format: Format = .plain, isNullable: Bool = false, maxElements: UInt64 = 0,
        minSerializedSize: Int64
    ) -> DeclaredType {
        DeclaredType(
            .scalar(type, format), isNullable: isNullable, maxElements: maxElements,
            minSerializedSize: minSerializedSize)
    }

    public static func intOrString(isNullable: Bool = false, maxElements: UInt64) -> DeclaredType {
        DeclaredType(.intOrString, isNullable: isNullable, maxElements: maxElements, minSerializedSize: 1)
    }

    /// A value about which nothing is known.
    public static let any = DeclaredType(.any, isNullable: true, maxElements: 0, minSerializedSize: 1)

    public static func list(
        _ element: DeclaredType, semantics: ListSemantics = .atomic, isNullable: Bool = false, maxElements: UInt64
    ) -> DeclaredType {
        DeclaredType(
            .list(element, semantics), isNullable: isNullable, maxElements: maxElements, minSerializedSize: 2)
    }

    public static func map(_ value: DeclaredType, isNullable: Bool = false, maxElements: UInt64) -> DeclaredType {
        DeclaredType(.map(value), isNullable: isNullable, maxElements: maxElements, minSerializedSize: 2)
    }

    /// - Parameters:
    ///   - name: Under which the type is known; messages show it.
    ///   - fields: By their escaped names.
    public static func object(
        _ name: String, fields: [String: Field], isNullable: Bool = false, minSerializedSize: Int64 = 2
    ) -> DeclaredType {
        DeclaredType(
            .object(name, fields), isNullable: isNullable, maxElements: 0, minSerializedSize: minSerializedSize)
    }

    /// The type that expressions see.
    public var type: CELType {
        switch shape {
        case .scalar(let type, _): type
        case .intOrString, .any: .dyn
        case .list(let element, _): .list(element.type)
        case .map(let value): .map(.string, value.type)
        case .object(let name, _): .object(name)
        }
    }

    /// What a list or map holds.
    public var element: DeclaredType? {
        switch shape {
        case .list(let element, _), .map(let element): element
        default: nil
        }
    }

    /// The fields of an object, by their escaped names.
    public var fields: [String: Field]? { if case .object(_, let fields) = shape { fields } else { nil } }

    var listSemantics: ListSemantics? { if case .list(_, let semantics) = shape { semantics } else { nil } }

    /// All object types within this one, by name.
    func objects(into found: inout [String: DeclaredType]) {
        switch shape {
        case .list(let element, _), .map(let element): element.objects(into: &found)
        case .object(let name, let fields):
            guard found.updateValue(self, forKey: name) == nil else { return }
            for field in fields.values { field.type.objects(into: &found) }
        case .scalar, .intOrString, .any: break
        }
    }
}

/// An object type as the checker sees it.
public protocol CELObjectType: Sendable {
    /// The type of a field; nil where there is none of that name.
    func type(ofField name: String) -> CELType?
    /// Makes a value of the type; nil where expressions cannot.
    func construct(_ fields: [(name: String, value: CELValue)]) throws(CELError) -> CELValue?
}

extension CELObjectType {
    public func construct(_ fields: [(name: String, value: CELValue)]) throws(CELError) -> CELValue? { nil }
}

extension DeclaredType: CELObjectType {
    public func type(ofField name: String) -> CELType? {
        guard let fields else { return nil }
        // A word that is reserved may stand as it is after a dot.
        return (fields[name] ?? fields["__\(name)__"].flatMap { CELEscaping.reserved.contains(name) ? $0 : nil })?
            .type.type
    }
}
