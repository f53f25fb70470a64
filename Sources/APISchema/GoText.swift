import JSON

/// JSON values and their types as Go prints them, which is how messages of upstream's speak of them.
package enum GoText {
    /// The type that Go decodes a value into (`%T`).
    package static func type(of value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .bool: "bool"
        case .integer: "int64"
        case .number: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    /// A value as Go's `%v` prints it.
    package static func of(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .string(let text): text
        case .array(let elements): "[\(elements.map(of).joined(separator: " "))]"
        case .object(let object):
            "map[\(object.sortedByKey().map { "\($0.key):\(of($0.value))" }.joined(separator: " "))]"
        default: JSONWriter.text(of: value)
        }
    }
}
