import JSON
import KubeTypes

/// Decoding JSON as a message, the way that upstream's decoder fills Go structs: types are checked, unknown fields and
/// nulls go, quantities and times take their canonical form. Names of fields are compared in their case.
extension Schema {
    /// Checks `value` against `message`, brings it into the form in which the API answers it, and returns the paths of
    /// the fields that the message does not know (`spec.containers[0].foo`), which are gone then.
    ///
    /// - Parameters:
    ///   - kind: the kind that the object says it is.
    ///   - version: the version that the object says it is of, without group.
    ///   - known: a decoded value that this one was made from: what it still shares with it is not looked at again.
    /// - Throws: 400 BadRequest with upstream's message where a value has the wrong type.
    public func decode(
        _ value: inout JSONValue, as message: MessageType, kind: String, version: String, over known: JSONValue? = nil
    ) throws(APIError) -> [String] {
        var decoder = Decoder(over: known?.objectValue)
        do throws(DecodingProblem) {
            if let custom = message.custom, case .object(var object) = value {
                let unknown = try custom.decode(&object)
                value = .object(object)
                return unknown
            }
            value = try decoder.decode(value, as: .message(message))
        } catch {
            throw APIError.badRequest(
                "\(kind) in version \"\(version)\" cannot be handled as a \(message.shortName): \(error.text)")
        }
        return decoder.unknown
    }
}

/// What is wrong with a value, as the rest of upstream's message says it.
struct DecodingProblem: Error {
    let text: String
}

/// One decoding: where it stands, and the unknown fields that it has met.
struct Decoder {
    private(set) var unknown: [String] = []
    private var path: [Step] = []
    /// The message whose field is being decoded, as errors name it.
    private var owner: MessageType?
    private let known: JSONObject?

    init(over known: JSONObject? = nil) { self.known = known }

    private enum Step {
        case field(String)
        case key(String)
        case index(Int)
    }

    mutating func decode(_ value: JSONValue, as type: FieldType) throws(DecodingProblem) -> JSONValue {
        try change(value, type) ?? value
    }

    /// What `value` becomes; nil if it stays what it is, so that what is right already is not built anew.
    private mutating func change(_ value: JSONValue, _ type: FieldType) throws(DecodingProblem) -> JSONValue? {
        switch type {
        case .scalar(let scalar): return try change(value, scalar)
        case .message(let message):
            if let scalar = message.scalar { return try change(value, scalar) }
            guard case .object(let object) = value else {
                if value.isNull { return .object(JSONObject()) }
                throw mismatch(value, type)
            }
            return try change(object, message).map(JSONValue.object)
        case .list(let element):
            guard case .array(let elements) = value else { throw mismatch(value, type) }
            return try change(elements, of: element).map(JSONValue.array)
        case .map(let element):
            guard case .object(let entries) = value else { throw mismatch(value, type) }
            return try change(entries, of: element).map(JSONValue.object)
        }
    }

    private mutating func change(_ object: JSONObject, _ message: MessageType) throws(DecodingProblem) -> JSONObject? {
        var changed: JSONObject?
        let outer = owner
        let known = path.isEmpty ? known : nil
        for (key, value) in object {
            if let known, known.shares(key, with: object) { continue }
            guard let field = message.field(key) else {
                unknown.append(pathText(appending: key))
                changed = changed ?? object
                changed?.removeValue(forKey: key)
                continue
            }
            if value.isNull, field.type.scalar != .any {
                changed = changed ?? object
                changed?.removeValue(forKey: key)
                continue
            }
            owner = message
            path.append(.field(key))
            if let new = try change(value, field.type) {
                changed = changed ?? object
                changed?[key] = new
            }
            path.removeLast()
        }
        owner = outer
        return changed
    }

    private mutating func change(
        _ elements: [JSONValue], of type: FieldType
    ) throws(DecodingProblem) -> [JSONValue]? {
        var changed: [JSONValue]?
        for (index, element) in elements.enumerated() {
            path.append(.index(index))
            if let new = try change(element, type) {
                changed = changed ?? elements
                changed?[index] = new
            }
            path.removeLast()
        }
        return changed
    }

    private mutating func change(_ entries: JSONObject, of type: FieldType) throws(DecodingProblem) -> JSONObject? {
        var changed: JSONObject?
        for (key, value) in entries {
            path.append(.key(key))
            if let new = try change(value, type) {
                changed = changed ?? entries
                changed?[key] = new
            }
            path.removeLast()
        }
        return changed
    }

    /// Null, where it stands in a list or a map, becomes the zero value, as it does in Go.
    private func change(_ value: JSONValue, _ scalar: Scalar) throws(DecodingProblem) -> JSONValue? {
        switch (scalar, value) {
        case (.any, _): return nil
        case (.string, .string), (.bool, .bool), (.int64, .integer), (.double, .integer), (.double, .number): return nil
        case (.int32, .integer(let integer)):
            guard Int32(exactly: integer) != nil else { throw mismatch(value, .scalar(scalar)) }
            return nil
        case (.string, .null), (.bytes, .null): return ""
        case (.bool, .null): return false
        case (.int32, .null), (.int64, .null), (.double, .null), (.intorstring, .null): return 0
        case (.quantity, .null): return "0"
        case (.time, .null), (.microtime, .null): return nil
        case (.bytes, .string(let text)): return try bytes(text)
        case (.quantity, .string), (.quantity, .integer), (.quantity, .number): return try quantity(value)
        // Upstream takes a quantity's text as it stands, whatever JSON value it is.
        case (.quantity, _): throw DecodingProblem(text: CanonicalQuantity.Problem.form.text)
        case (.time, .string(let text)): return try time(text, fraction: false)
        case (.microtime, .string(let text)): return try time(text, fraction: true)
        case (.time, _), (.microtime, _): throw mismatch(value, .scalar(.string))
        case (.intorstring, .string): return nil
        case (.intorstring, _):
            guard let integer = value.integerValue, Int32(exactly: integer) != nil else {
                throw mismatch(value, .scalar(.int32))
            }
            return nil
        default: throw mismatch(value, .scalar(scalar))
        }
    }

    private func quantity(_ value: JSONValue) throws(DecodingProblem) -> JSONValue? {
        let text: String
        switch value {
        case .string(let string): text = string
        case .integer(let integer): text = String(integer)
        case .number(let number): text = number.text
        default: return nil
        }
        if text.isEmpty { return "0" }
        switch CanonicalQuantity.parse(text) {
        case .failure(let problem): throw DecodingProblem(text: problem.text)
        case .success(let quantity):
            let canonical = quantity.text
            if case .string = value, canonical == text { return nil }
            return .string(canonical)
        }
    }

    /// RFC 3339 in UTC, to the second or microsecond.
    private func time(_ text: String, fraction: Bool) throws(DecodingProblem) -> JSONValue? {
        let canonicalLength = fraction ? 27 : 20
        guard let time = Time(text) else {
            let layout = fraction ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"
            throw DecodingProblem(
                text: "parsing time \"\(text)\" as \"\(layout)\": cannot parse \"\(text)\" as \"2006\"")
        }
        if text.utf8.count == canonicalLength, text.utf8.last == UInt8(ascii: "Z") { return nil }
        return fraction ? MicroTime(time).field : time.field
    }

    private func bytes(_ text: String) throws(DecodingProblem) -> JSONValue? {
        switch Base64.check(text) {
        case .canonical: return nil
        case .withLineBreaks: return .string(text.filter { !$0.isNewline })
        case .illegal(let offset): throw DecodingProblem(text: "illegal base64 data at input byte \(offset)")
        }
    }

    private func mismatch(_ value: JSONValue, _ type: FieldType) -> DecodingProblem {
        let found =
            switch value {
            case .null: "null"
            case .bool: "bool"
            case .integer(let integer):
                switch type.scalar {
                case .int32, .int64, .double: "number \(integer)"
                default: "number"
                }
            case .number(let number):
                switch type.scalar {
                case .int32, .int64, .double: "number \(number.text)"
                default: "number"
                }
            case .string: "string"
            case .array: "array"
            case .object: "object"
            }
        let goType = GoTypes.name(of: type)
        let fields = path.compactMap { if case .field(let name) = $0 { name } else { nil } }
        guard let owner, !fields.isEmpty else {
            return DecodingProblem(text: "json: cannot unmarshal \(found) into Go value of type \(goType)")
        }
        return DecodingProblem(
            text: "json: cannot unmarshal \(found) into Go struct field "
                + "\(owner.shortName).\(fields.joined(separator: ".")) of type \(goType)")
    }

    private func pathText(appending key: String) -> String {
        var text = ""
        for step in path {
            switch step {
            case .field(let name), .key(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text.isEmpty ? key : "\(text).\(key)"
    }
}

/// How Go prints the types of fields, which decoding errors name.
enum GoTypes {
    static func name(of type: FieldType) -> String {
        switch type {
        case .scalar(let scalar): name(of: scalar)
        case .message(let message): "\(package(of: message)).\(message.shortName)"
        case .list(let element): "[]\(name(of: element))"
        case .map(let element):
            element.scalar == .quantity ? "v1.ResourceList" : "map[string]\(name(of: element))"
        }
    }

    private static func name(of scalar: Scalar) -> String {
        switch scalar {
        case .string: "string"
        case .int32: "int32"
        case .int64: "int64"
        case .bool: "bool"
        case .double: "float64"
        case .bytes: "[]uint8"
        case .quantity: "resource.Quantity"
        case .time, .microtime: "string"
        case .intorstring: "int32"
        case .any: "interface {}"
        }
    }

    /// The last part of the package's path: `v1` of `core/v1`.
    private static func package(of message: MessageType) -> Substring {
        message.package.split(separator: "/").last ?? ""
    }
}
