/// The types of CEL expressions, as the checker sees them.
///
/// Specified in the CEL language definition under *Gradual type checking*.
public indirect enum CELType: Sendable, Hashable {
    case dyn
    /// Stands in for the type of an expression that has an error already; goes with everything.
    case error
    case null
    case bool
    case int
    case uint
    case double
    case string
    case bytes
    case timestamp
    case duration
    case list(CELType)
    case map(CELType, CELType)
    /// A structure with named fields, known by its name.
    case object(String)
    /// An abstract type without fields: `optional_type(V)`, `net.IP`.
    case opaque(String, [CELType])
    /// The type of a type; with its parameter where that is known.
    case type(CELType?)
    /// A type parameter of a function, or a type that is still to be found out.
    case parameter(String)

    public static func optional(_ value: CELType) -> CELType { .opaque("optional_type", [value]) }

    var isDyn: Bool { self == .dyn }
    var isError: Bool { self == .error }
    var isParameter: Bool { if case .parameter = self { true } else { false } }

    /// What an optional holds; nil for every other type.
    var unwrapped: CELType? {
        if case .opaque("optional_type", let parameters) = self { parameters.first } else { nil }
    }

    /// The types that this one is made of.
    var parameters: [CELType] {
        switch self {
        case .list(let element): [element]
        case .map(let key, let value): [key, value]
        case .opaque(_, let parameters): parameters
        case .type(let parameter?): [parameter]
        default: []
        }
    }

    /// Whether a value of the type has a fixed size.
    var isScalar: Bool {
        switch self {
        case .bool, .double, .duration, .int, .timestamp, .uint: true
        case .opaque("optional_type", let parameters): parameters.first?.isScalar ?? false
        default: false
        }
    }

    /// The name of the type at run time, as `type()` and `string()` tell it.
    public var name: String {
        switch self {
        case .dyn: "dyn"
        case .error: "error"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .list: "list"
        case .map: "map"
        case .object(let name), .opaque(let name, _), .parameter(let name): name
        case .type: "type"
        }
    }
}

extension CELType: CustomStringConvertible {
    /// As error messages name the type.
    public var description: String {
        switch self {
        case .error: "!error!"
        case .null: "null"
        case .timestamp: "timestamp"
        case .duration: "duration"
        default:
            parameters.isEmpty
                ? name : "\(name)(\(parameters.map(\.description).joined(separator: ", ")))"
        }
    }
}

extension CELType {
    static let quantity = CELType.object("kubernetes.Quantity")
    static let url = CELType.object("kubernetes.URL")
    static let semver = CELType.object("kubernetes.Semver")
    static let namedFormat = CELType.object("kubernetes.NamedFormat")
    static let ip = CELType.opaque("net.IP", [])
    static let cidr = CELType.opaque("net.CIDR", [])
    /// The type of `authorizer` in admission.
    public static let authorizer = CELType.object("kubernetes.authorization.Authorizer")
    /// The type of `authorizer.requestResource` in admission.
    public static let resourceCheck = CELType.object("kubernetes.authorization.ResourceCheck")
    static let pathCheck = CELType.object("kubernetes.authorization.PathCheck")
    static let groupCheck = CELType.object("kubernetes.authorization.GroupCheck")
    static let decision = CELType.object("kubernetes.authorization.Decision")
}
