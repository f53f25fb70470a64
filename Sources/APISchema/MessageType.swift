import JSON
import KubeTypes
import Synchronization

/// Rows of the type table: messages, their fields, and how these are typed and merged.

/// A named type: an object with fields, or a scalar with a form of its own (`Quantity`, `Time`).
///
/// Messages refer to each other in circles, so their fields are set after all have been made, by the parser of the
/// table (or by `CustomResourceMessages`) and before any other thread sees them; from then on they are constant. That is what the unchecked promises.
public final class MessageType: @unchecked Sendable, Hashable {
    /// `core/v1.PodSpec`
    public let name: String
    /// `core/v1`
    public let package: String
    /// `PodSpec`
    public let shortName: String
    /// `io.k8s.api.core.v1.PodSpec`
    public var openAPIName: String { "\(openAPIPackage).\(shortName)" }
    /// `k8s.io.api.core.v1.PodSpec`
    public var protobufName: String { "\(protobufPackage).\(shortName)" }
    private let openAPIPackage: String
    private let protobufPackage: String
    /// The scalar that this type is; nil for objects.
    public let scalar: Scalar?
    /// Server-side apply owns the whole object or none of it.
    public let isAtomic: Bool
    /// The message that this one was copied from or made after, in an older version of the API.
    public internal(set) var origin: String?

    /// In alphabetical order.
    public internal(set) var fields: [Field] = []
    /// The version of a CustomResourceDefinition that this is the message of; nil for built-in types.
    public internal(set) var custom: CustomResourceType?
    /// Fields that are not known here are kept: `x-kubernetes-preserve-unknown-fields` of a custom resource.
    public internal(set) var preservesUnknownFields = false
    public internal(set) var kinds: [GroupVersionKind] = []
    public internal(set) var unions: [Union] = []
    /// Some rule or function gives defaults to this message or to one inside it.
    var hasDefaults = false
    /// Some rule of this message or of one inside it can be broken.
    var hasChecks = false
    /// The functions for this message, looked up once.
    var defaultFunction: DefaultFunctions.Function?
    var validationFunction: ValidationFunctions.Function?
    /// The fields that have a default, and those whose values are checked.
    var defaultedFields: [Field] = []
    var checkedFields: [Field] = []
    /// The fields to look into for defaults and for checks: those whose messages have some.
    var fieldsWithDefaults: [Field] = []
    var fieldsWithChecks: [Field] = []
    /// How it lies on the wire, once somebody asked.
    let layout = AtomicLazyReference<ProtobufLayout>()

    init(
        name: String, package: String, shortName: String, openAPIPackage: String, protobufPackage: String,
        scalar: Scalar?, isAtomic: Bool, origin: String?
    ) {
        self.name = name
        self.package = package
        self.shortName = shortName
        self.openAPIPackage = openAPIPackage
        self.protobufPackage = protobufPackage
        self.scalar = scalar
        self.isAtomic = isAtomic
        self.origin = origin
    }

    /// The field called `name`, in just that case.
    public func field(_ name: String) -> Field? {
        var low = 0
        var high = fields.count
        while low < high {
            let middle = (low + high) / 2
            let candidate = fields[middle].name
            if candidate == name { return fields[middle] }
            if candidate < name { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The message of the field called `name`, seen through lists and maps.
    public func message(of name: String) -> MessageType? { field(name)?.type.message }

    public static func == (left: MessageType, right: MessageType) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

public struct GroupVersionKind: Sendable, Hashable {
    /// Empty for the core group.
    public let group: String
    public let version: String
    public let kind: String

    public init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }
}

/// Fields of which one excludes the others.
public struct Union: Sendable, Hashable {
    /// The field that says which; nil where there is none.
    public let discriminator: String?
    /// JSON name and Go name of each member.
    public let members: [(field: String, go: String)]

    public static func == (left: Union, right: Union) -> Bool {
        left.discriminator == right.discriminator && left.members.elementsEqual(right.members, by: ==)
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(discriminator)
        for member in members { hasher.combine(member.field) }
    }
}

/// A JSON value that is no object with known fields.
public enum Scalar: String, Sendable, Hashable {
    case string, int32, int64, bool, double
    /// Base64.
    case bytes
    case quantity
    /// RFC 3339 to the second.
    case time
    /// RFC 3339 to the microsecond.
    case microtime
    case intorstring
    /// Any JSON value, left as it is.
    case any
}

/// The type of a field.
public indirect enum FieldType: Sendable, Hashable {
    case scalar(Scalar)
    /// An object, or a named scalar.
    case message(MessageType)
    case list(FieldType)
    /// A map from strings.
    case map(FieldType)

    /// Whether values have parts.
    var isComposite: Bool {
        switch self {
        case .scalar: false
        case .message(let message): message.scalar == nil
        case .list, .map: true
        }
    }

    /// The message at its core, seen through lists and maps.
    public var message: MessageType? {
        switch self {
        case .scalar: nil
        case .message(let message): message
        case .list(let element), .map(let element): element.message
        }
    }

    /// The scalar that this is, named or not; nil for objects, lists and maps.
    public var scalar: Scalar? {
        switch self {
        case .scalar(let scalar): scalar
        case .message(let message): message.scalar
        case .list, .map: nil
        }
    }

    public var isList: Bool { if case .list = self { true } else { false } }
    public var isMap: Bool { if case .map = self { true } else { false } }
}

/// How server-side apply merges a list or a map.
public enum MergeSemantics: Sendable, Hashable {
    /// As its type has it: lists and `atomic` messages as a whole, maps and other messages field by field.
    case unspecified
    case atomic
    /// A list of distinct scalars.
    case set
    /// A list of objects that these fields tell apart.
    case map(keys: [String])
    case granular
}

/// A field of a message. Its rule is set while the tables are read, and constant from then on.
public final class Field: @unchecked Sendable, Hashable {
    public let name: String
    /// Protobuf's; nil for fields that protobuf lacks or has in an embedded message.
    public var number: Int? { path.count == 1 ? path[0] : nil }
    /// Protobuf's numbers from the outside in: more than one for a field of a message that Go embeds, which in JSON
    /// stands among the others; empty for fields that protobuf lacks.
    public let path: [Int]
    /// Absent is not zero: a pointer in Go.
    public let isPointer: Bool
    /// JSON shows it when it is zero, too.
    public let showsZero: Bool
    public let type: FieldType
    /// As OpenAPI says; the decoder does not ask for it.
    public let isRequired: Bool
    public let semantics: MergeSemantics
    /// Strategic merge patch merges this list instead of replacing it.
    public let patchMerges: Bool
    /// Strategic merge patch heeds `$retainKeys` here.
    public let patchRetainsKeys: Bool
    public let patchReplaces: Bool
    /// The field that tells elements of a merged list of objects apart.
    public let patchMergeKey: String?
    /// The default that OpenAPI documents show.
    public let documentedDefault: JSONValue?
    /// The protobuf type where it does not follow from `type`.
    public let protobufType: String?
    /// How server-side apply merges and owns its values.
    let mergeType: MergeType
    /// What the rule table says about it.
    var rule: FieldRule?

    init(
        name: String, path: [Int], type: FieldType, isRequired: Bool, isPointer: Bool = false, showsZero: Bool = false,
        semantics: MergeSemantics, patchMerges: Bool, patchRetainsKeys: Bool, patchReplaces: Bool,
        patchMergeKey: String?, documentedDefault: JSONValue?, protobufType: String?
    ) {
        self.name = name
        self.path = path
        self.isPointer = isPointer
        self.showsZero = showsZero || isRequired
        self.type = type
        self.isRequired = isRequired
        self.semantics = semantics
        self.patchMerges = patchMerges
        self.patchRetainsKeys = patchRetainsKeys
        self.patchReplaces = patchReplaces
        self.patchMergeKey = patchMergeKey
        self.documentedDefault = documentedDefault
        self.protobufType = protobufType
        mergeType = MergeType(type, semantics)
    }

    public static func == (left: Field, right: Field) -> Bool {
        left.name == right.name && left.path == right.path && left.type == right.type
            && left.isRequired == right.isRequired && left.semantics == right.semantics
            && left.patchMerges == right.patchMerges && left.patchMergeKey == right.patchMergeKey
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(path)
    }

    /// The strategies as OpenAPI's `x-kubernetes-patch-strategy` lists them; empty if there is none.
    public var patchStrategy: String {
        [patchMerges ? "merge" : nil, patchReplaces ? "replace" : nil, patchRetainsKeys ? "retainKeys" : nil]
            .compactMap { $0 }.joined(separator: ",")
    }
}

extension Field {
    /// Values that the rules allow for this field, where they are a closed set.
    public var supportedValues: [String]? { rule?.values }
    /// What a missing field is filled with, where that does not depend on others.
    public var defaultValue: JSONValue? { rule?.defaultValue }
}
