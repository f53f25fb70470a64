import JSON

/// The API as one OpenAPI 2.0 document, at `/openapi/v2`: kubectl validates with it, explains from it, and finds the
/// keys for strategic merge patches in it.
public enum OpenAPIV2 {
    /// The media type that the protobuf form is answered with.
    public static let protobufContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    /// Whether an Accept header asks for the protobuf form, in today's spelling or in that of older clients, and not
    /// for JSON before it.
    public static func acceptsProtobuf(_ accept: String) -> Bool {
        for clause in accept.split(separator: ",") {
            let type = clause.prefix { $0 != ";" }.filter { $0 != " " }
            if type == protobufContentType || type == "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" {
                return true
            }
            if type == "application/json" || type == "*/*" || type == "application/*" { return false }
        }
        return false
    }

    /// The document as JSON: some megabytes, made anew with each call. Keep its bytes, not the value.
    public static func document(_ schema: Schema) -> JSONValue {
        let schemas = OpenAPISchemas(dialect: .v2)
        var definitions = JSONObject()
        for message in schema.messages.sorted(by: { $0.openAPIName < $1.openAPIName }) {
            definitions[message.openAPIName] = schemas.definition(of: message)
        }
        let paths = OpenAPIPaths(schema: schema, dialect: .v2)
        var items = JSONObject()
        for group in schema.groups {
            for version in group.versions {
                for (path, item) in paths.paths(group: group.name, version: version) { items[path] = item }
            }
        }
        return [
            "swagger": "2.0", "info": OpenAPIV3.info, "paths": .object(items), "definitions": .object(definitions),
        ]
    }

    /// What CustomResourceDefinitions add to the document: their paths and definitions.
    public static func customPart(_ schema: Schema) -> (paths: JSONObject, definitions: JSONObject) {
        let maker = OpenAPIPaths(schema: schema, dialect: .v2)
        var definitions = JSONObject()
        var paths = JSONObject()
        for resource in schema.custom {
            for (name, definition) in CustomResourceOpenAPI(dialect: .v2).definitions(of: resource) {
                definitions[name] = definition
            }
            for (path, item) in maker.paths(of: resource) { paths[path] = item }
        }
        return (paths, definitions)
    }

    /// The same in protobuf: what follows the document in bytes is merged into it.
    public static func customProtobuf(_ schema: Schema) -> [UInt8] {
        let (paths, definitions) = customPart(schema)
        return OpenAPIV2Protobuf.bytes(of: ["paths": .object(paths), "definitions": .object(definitions)])
    }

    /// The document in protobuf, as `openapi.v2.Document` of gnostic.
    public static func protobuf(_ schema: Schema) -> [UInt8] { OpenAPIV2Protobuf.bytes(of: document(schema)) }
}
