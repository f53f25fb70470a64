import JSON

/// The two versions of OpenAPI, as far as their schemas differ.
enum OpenAPIDialect {
    case v2, v3

    var schemaPrefix: String {
        switch self {
        case .v2: "#/definitions/"
        case .v3: "#/components/schemas/"
        }
    }

    func reference(_ message: MessageType) -> JSONValue { ["$ref": .string(schemaPrefix + message.openAPIName)] }
}

/// Types as JSON schemas, with the extensions that kubectl and other clients read.
struct OpenAPISchemas {
    let dialect: OpenAPIDialect

    /// The schema of a message, as it stands among the definitions.
    func definition(of message: MessageType) -> JSONValue {
        var schema = JSONObject()
        if let description = OpenAPIDescriptions.of(message) { schema["description"] = .string(description) }
        if let scalar = message.scalar {
            for (key, value) in self.schema(of: scalar, named: message.shortName) { schema[key] = value }
            return .object(schema)
        }
        let required = message.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["type"] = "object"
        if !message.fields.isEmpty {
            var properties = JSONObject()
            properties.reserveCapacity(message.fields.count)
            for field in message.fields { properties[field.name] = property(field, of: message) }
            schema["properties"] = .object(properties)
        }
        if !message.kinds.isEmpty {
            schema["x-kubernetes-group-version-kind"] = .array(message.kinds.map(Self.extension(of:)))
        }
        if !message.unions.isEmpty { schema["x-kubernetes-unions"] = .array(message.unions.map(Self.union)) }
        if message.isAtomic { schema["x-kubernetes-map-type"] = "atomic" }
        return .object(schema)
    }

    static func `extension`(of kind: GroupVersionKind) -> JSONValue {
        ["group": .string(kind.group), "kind": .string(kind.kind), "version": .string(kind.version)]
    }

    private static func union(_ union: Union) -> JSONValue {
        var object = JSONObject()
        if let discriminator = union.discriminator { object["discriminator"] = .string(discriminator) }
        var members = JSONObject()
        for member in union.members { members[member.field] = .string(member.go) }
        object["fields-to-discriminateBy"] = .object(members)
        return .object(object)
    }

    private func property(_ field: Field, of message: MessageType) -> JSONValue {
        let description = OpenAPIDescriptions.of(field, in: message)
        var property = JSONObject()
        if let description { property["description"] = .string(description) }
        if case .message(let type) = field.type {
            // Beside a reference, OpenAPI v3 ignores everything else: what there is to say wraps it.
            if dialect == .v3 {
                property["allOf"] = [dialect.reference(type)]
                property["default"] = field.documentedDefault
            } else {
                property["$ref"] = dialect.reference(type)["$ref"]
            }
        } else {
            for (key, value) in schema(of: field.type).objectValue ?? [:] { property[key] = value }
            property["default"] = field.documentedDefault
            if let values = field.supportedValues, case .scalar = field.type {
                property["enum"] = .array(values.map { .string($0) })
            }
        }
        addSemantics(of: field, to: &property)
        return .object(property)
    }

    private func addSemantics(of field: Field, to property: inout JSONObject) {
        switch field.semantics {
        case .unspecified: break
        case .atomic: property[field.type.isList ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = "atomic"
        case .set: property["x-kubernetes-list-type"] = "set"
        case .granular: property["x-kubernetes-map-type"] = "granular"
        case .map(let keys):
            property["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0) })
            property["x-kubernetes-list-type"] = "map"
        }
        if let key = field.patchMergeKey { property["x-kubernetes-patch-merge-key"] = .string(key) }
        if !field.patchStrategy.isEmpty { property["x-kubernetes-patch-strategy"] = .string(field.patchStrategy) }
    }

    /// The schema of a type where it is used.
    private func schema(of type: FieldType) -> JSONValue {
        switch type {
        case .scalar(let scalar): .object(schema(of: scalar, named: ""))
        case .message(let message): dialect.reference(message)
        case .list(let element): ["type": "array", "items": schema(of: element)]
        case .map(let value): ["type": "object", "additionalProperties": schema(of: value)]
        }
    }

    private func schema(of scalar: Scalar, named name: String) -> JSONObject {
        switch scalar {
        case .string: ["type": "string"]
        case .int32: ["type": "integer", "format": "int32"]
        case .int64: ["type": "integer", "format": "int64"]
        case .bool: ["type": "boolean"]
        case .double: ["type": "number", "format": "double"]
        case .bytes: ["type": "string", "format": "byte"]
        case .time, .microtime: ["type": "string", "format": "date-time"]
        case .quantity: dialect == .v2 ? ["type": "string"] : ["oneOf": [["type": "string"], ["type": "number"]]]
        case .intorstring:
            dialect == .v2
                ? ["type": "string", "format": "int-or-string"]
                : ["format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]]]
        case .any: Self.objectsOfAnyShape.contains(name) ? ["type": "object"] : [:]
        }
    }

    /// Types of any content that are always objects.
    private static let objectsOfAnyShape: Set<String> = ["RawExtension", "FieldsV1", "Patch"]
}
