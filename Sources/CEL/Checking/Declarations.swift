/// The functions that expressions may call, read from the function table.

/// One signature of a function.
struct Overload: Sendable {
    let id: String
    /// Whether it is called on its first argument.
    let isMember: Bool
    let arguments: [CELType]
    let result: CELType
    /// The type parameters among the arguments and the result.
    let parameters: [String]
}

/// All functions by name.
struct Declarations: Sendable {
    static let standard = Declarations(FunctionTable.text)

    let functions: [String: [Overload]]

    init(_ table: String) {
        var functions: [String: [Overload]] = [:]
        for line in table.split(separator: "\n") where !line.allSatisfy(\.isWhitespace) {
            let words = line.split(separator: " ", maxSplits: 2)
            var reader = TypeReader(words[2])
            let isMember = words[0].hasPrefix(".")
            let (arguments, result) = reader.signature()
            functions[String(isMember ? words[0].dropFirst() : words[0]), default: []].append(
                Overload(
                    id: String(words[1]), isMember: isMember, arguments: arguments, result: result,
                    parameters: reader.parameters))
        }
        self.functions = functions
    }

    /// The names that stand for types.
    static let typeNames: [String: CELType] = [
        "bool": .bool, "bytes": .bytes, "double": .double, "google.protobuf.Duration": .duration, "int": .int,
        "list": .list(.parameter("A")), "map": .map(.parameter("A"), .parameter("B")), "null_type": .null,
        "string": .string, "google.protobuf.Timestamp": .timestamp, "type": .type(nil), "uint": .uint,
        "optional_type": .optional(.parameter("V")), "net.IP": .ip, "net.CIDR": .cidr,
    ]
}

/// Reads the types of a signature.
private struct TypeReader {
    private var rest: Substring
    private(set) var parameters: [String] = []

    init(_ text: Substring) { rest = text }

    mutating func signature() -> ([CELType], CELType) {
        let arguments = list()
        skip(" ")
        return (arguments, type())
    }

    private mutating func skip(_ character: Character) {
        precondition(rest.first == character, "the function table is malformed at \(rest)")
        rest.removeFirst()
    }

    private mutating func list() -> [CELType] {
        skip("(")
        var types: [CELType] = []
        while rest.first != ")" {
            types.append(type())
            if rest.first == "," {
                skip(",")
                skip(" ")
            }
        }
        skip(")")
        return types
    }

    private mutating func type() -> CELType {
        let name = rest.prefix { $0.isLetter || $0 == "." || $0 == "_" }
        rest = rest[name.endIndex...]
        let arguments = rest.first == "(" ? list() : []
        switch name {
        case "dyn": return .dyn
        case "bool": return .bool
        case "int": return .int
        case "uint": return .uint
        case "double": return .double
        case "string": return .string
        case "bytes": return .bytes
        case "timestamp": return .timestamp
        case "duration": return .duration
        case "list": return .list(arguments[0])
        case "map": return .map(arguments[0], arguments[1])
        case "optional": return .optional(arguments[0])
        case "type": return .type(arguments[0])
        case _ where name.hasPrefix("net."): return .opaque(String(name), [])
        case _ where name.count == 1:
            if !parameters.contains(String(name)) { parameters.append(String(name)) }
            return .parameter(String(name))
        default: return .object(String(name))
        }
    }
}
