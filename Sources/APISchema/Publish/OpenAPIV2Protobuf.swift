import JSON

/// Writes an OpenAPI 2.0 document as `openapi.v2.Document` of gnostic, whose `OpenAPIv2.proto` has the numbers.
///
/// Older kubectl asks for this form only. It covers what `OpenAPIV2.document` holds; a key that is not known here is
/// left out.
enum OpenAPIV2Protobuf {
    static func bytes(of document: JSONValue) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, document["swagger"])
        writer.message(2, document["info"]) { info, value in
            info.string(1, value["title"])
            info.string(2, value["version"])
        }
        writer.message(8, document["paths"]) { paths, value in
            for (path, item) in value.objectValue ?? [:] { paths.named(2, path, item, pathItem) }
        }
        writer.message(9, document["definitions"]) { definitions, value in
            for (name, schema) in value.objectValue ?? [:] { definitions.named(1, name, schema, self.schema) }
        }
        return writer.bytes
    }

    private static func pathItem(_ writer: inout ProtobufWriter, _ item: JSONValue) {
        for (method, number) in [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)] {
            writer.message(number, item[method], operation)
        }
        for parameter in item["parameters"]?.arrayValue ?? [] { writer.message(9, parameter, self.parameter) }
    }

    private static func operation(_ writer: inout ProtobufWriter, _ operation: JSONValue) {
        writer.strings(1, operation["tags"])
        writer.string(3, operation["description"])
        writer.string(5, operation["operationId"])
        writer.strings(6, operation["produces"])
        writer.strings(7, operation["consumes"])
        for parameter in operation["parameters"]?.arrayValue ?? [] { writer.message(8, parameter, self.parameter) }
        writer.message(9, operation["responses"]) { responses, value in
            for (code, response) in value.objectValue ?? [:] {
                responses.named(1, code, response) { wrapper, response in
                    wrapper.message(1, response) { writer, response in
                        writer.string(1, response["description"])
                        writer.message(2, response["schema"]) { $0.message(1, $1, schema) }
                    }
                }
            }
        }
        writer.extensions(13, operation)
    }

    /// A `ParametersItem` around a `Parameter`.
    private static func parameter(_ writer: inout ProtobufWriter, _ parameter: JSONValue) {
        writer.message(1, parameter) { writer, parameter in
            switch parameter["in"]?.stringValue {
            case "body":
                writer.message(1, parameter) { body, parameter in
                    body.string(1, parameter["description"])
                    body.string(2, parameter["name"])
                    body.string(3, parameter["in"])
                    body.bool(4, parameter["required"])
                    body.message(5, parameter["schema"], schema)
                }
            case "query": writer.message(2, parameter) { $0.message(3, $1) { simple(&$0, $1, type: 6, unique: 20) } }
            default: writer.message(2, parameter) { $0.message(4, $1) { simple(&$0, $1, type: 5, unique: 19) } }
            }
        }
    }

    private static func simple(_ writer: inout ProtobufWriter, _ parameter: JSONValue, type: Int, unique: Int) {
        writer.bool(1, parameter["required"])
        writer.string(2, parameter["in"])
        writer.string(3, parameter["description"])
        writer.string(4, parameter["name"])
        writer.string(type, parameter["type"])
        writer.bool(unique, parameter["uniqueItems"])
    }

    private static func schema(_ writer: inout ProtobufWriter, _ schema: JSONValue) {
        writer.string(1, schema["$ref"])
        writer.string(2, schema["format"])
        writer.string(4, schema["description"])
        writer.any(5, schema["default"])
        writer.strings(19, schema["required"])
        for value in schema["enum"]?.arrayValue ?? [] { writer.any(20, value) }
        writer.message(21, schema["additionalProperties"]) { $0.message(1, $1, self.schema) }
        writer.message(22, schema["type"]) { $0.string(1, $1) }
        writer.message(23, schema["items"]) { $0.message(1, $1, self.schema) }
        writer.message(25, schema["properties"]) { properties, value in
            for (name, property) in value.objectValue ?? [:] { properties.named(1, name, property, self.schema) }
        }
        writer.extensions(31, schema)
    }
}

/// Appends fields in protobuf's wire format. Nil, empty strings and false are left out, as proto3 does.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func string(_ number: Int, _ value: JSONValue?) {
        guard let text = value?.stringValue, !text.isEmpty else { return }
        delimited(number, text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func strings(_ number: Int, _ value: JSONValue?) {
        for element in value?.arrayValue ?? [] { string(number, element) }
    }

    mutating func bool(_ number: Int, _ value: JSONValue?) {
        guard value?.boolValue == true else { return }
        varint(number << 3)
        varint(1)
    }

    mutating func message(_ number: Int, _ value: JSONValue?, _ write: (inout ProtobufWriter, JSONValue) -> Void) {
        guard let value else { return }
        var inner = ProtobufWriter()
        write(&inner, value)
        delimited(number, inner.bytes.count)
        bytes.append(contentsOf: inner.bytes)
    }

    /// A pair of a name and a message, as gnostic has them for maps.
    mutating func named(
        _ number: Int, _ name: String, _ value: JSONValue, _ write: (inout ProtobufWriter, JSONValue) -> Void
    ) {
        message(number, value) { pair, value in
            pair.string(1, .string(name))
            pair.message(2, value, write)
        }
    }

    /// Any value, as YAML text: JSON is YAML.
    mutating func any(_ number: Int, _ value: JSONValue?) {
        message(number, value) { $0.string(2, .string(JSONWriter.text(of: $1) + "\n")) }
    }

    /// The fields of `object` that begin with `x-`.
    mutating func extensions(_ number: Int, _ object: JSONValue) {
        for (key, value) in object.objectValue ?? [:] where key.hasPrefix("x-") {
            message(number, value) { pair, value in
                pair.string(1, .string(key))
                pair.any(2, value)
            }
        }
    }

    private mutating func delimited(_ number: Int, _ count: Int) {
        varint(number << 3 | 2)
        varint(count)
    }

    private mutating func varint(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
