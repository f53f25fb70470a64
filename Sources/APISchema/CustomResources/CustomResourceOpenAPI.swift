import JSON

/// Custom resources as OpenAPI definitions: the schema of the version, with what every object has put in.
struct CustomResourceOpenAPI {
    let dialect: OpenAPIDialect

    private static let kubernetesFields: [(name: String, description: String)] = [
        ("apiVersion", "APIVersion defines the group and version of the API that this object is written in."),
        ("kind", "Kind is the kind of this object, in CamelCase and singular."),
    ]
    private static let metadataDescription =
        "Standard object's metadata: name, namespace, labels and what else every object has."

    /// The definitions of a resource and of its list, by name.
    func definitions(of resource: ResourceType) -> [(name: String, schema: JSONValue)] {
        guard let custom = resource.custom else { return [] }
        return [
            (resource.message.openAPIName, definition(of: custom)),
            (Self.listName(of: resource), listDefinition(of: custom, resource)),
        ]
    }

    static func listName(of resource: ResourceType) -> String {
        let name = resource.message.openAPIName
        return name.dropLast(resource.message.shortName.count) + resource.listKind
    }

    private func kinds(_ custom: CustomResourceType, _ kind: String) -> JSONValue {
        [["group": .string(custom.group), "kind": .string(kind), "version": .string(custom.version)]]
    }

    private func definition(of custom: CustomResourceType) -> JSONValue {
        var schema: JSONObject
        if let own = custom.schema {
            if dialect == .v2, own.preservesUnknownFields || custom.preservesUnknownFields {
                // kubectl would take anything said here for all that is allowed.
                schema = ["type": "object"]
            } else {
                schema = published(own)
                addResourceFields(to: &schema, isRequired: false)
            }
        } else {
            schema = ["type": "object"]
        }
        schema["x-kubernetes-group-version-kind"] = kinds(custom, custom.kind)
        if dialect == .v3, !custom.selectableFields.isEmpty {
            schema["x-kubernetes-selectable-fields"] = Self.selectableFields(custom)
        }
        return .object(schema)
    }

    private static func selectableFields(_ custom: CustomResourceType) -> JSONValue {
        .array(custom.selectableFields.map { ["fieldPath": .string($0)] })
    }

    private func listDefinition(of custom: CustomResourceType, _ resource: ResourceType) -> JSONValue {
        let item = JSONValue.object(["$ref": .string(dialect.schemaPrefix + resource.message.openAPIName)])
        var properties: JSONObject = [
            "items": [
                "description": .string("The \(custom.plural) in the list."), "type": "array", "items": item,
            ],
            "metadata": reference(
                "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", "Standard list metadata."),
        ]
        for (name, description) in Self.kubernetesFields {
            properties[name] = ["description": .string(description), "type": "string"]
        }
        var schema: JSONObject = [
            "description": .string("\(custom.listKind) is a list of \(custom.kind)"), "type": "object",
            "required": ["items"], "properties": .object(properties),
            "x-kubernetes-group-version-kind": kinds(custom, custom.listKind),
        ]
        if dialect == .v3, !custom.selectableFields.isEmpty {
            schema["x-kubernetes-selectable-fields"] = Self.selectableFields(custom)
        }
        return .object(schema)
    }

    private func reference(_ name: String, _ description: String) -> JSONValue {
        let reference = JSONValue.object(["$ref": .string(dialect.schemaPrefix + name)])
        return dialect == .v2
            ? ["description": .string(description), "$ref": reference["$ref"] ?? ""]
            : ["description": .string(description), "allOf": [reference]]
    }

    private func addResourceFields(to schema: inout JSONObject, isRequired: Bool) {
        var properties = schema["properties"]?.objectValue ?? JSONObject()
        for (name, description) in Self.kubernetesFields {
            properties[name] = ["description": .string(description), "type": "string"]
        }
        properties["metadata"] = reference(
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", Self.metadataDescription)
        schema["properties"] = .object(properties)
        guard isRequired else { return }
        var required = (schema["required"]?.arrayValue ?? []).compactMap(\.stringValue)
        for name in ["kind", "apiVersion"] where !required.contains(name) { required.append(name) }
        schema["required"] = .array(required.map(JSONValue.string))
    }

    /// A schema as clients may see it, with all that is in it.
    private func published(_ schema: JSONSchema) -> JSONObject {
        var result = schema.json
        if !schema.properties.isEmpty {
            result["properties"] = .object(
                JSONObject(
                    schema.propertyNames.compactMap { name in
                        schema.properties[name].map { (key: name, value: .object(published($0))) }
                    }))
        }
        if let items = schema.items { result["items"] = .object(published(items)) }
        if let others = schema.additionalProperties?.schema {
            result["additionalProperties"] = .object(published(others))
        }
        if dialect == .v2 { simplify(&result, schema) } else { unfold(&result, schema) }
        let isOpaque = dialect == .v2 && schema.preservesUnknownFields
        if schema.isEmbeddedResource, !isOpaque { addResourceFields(to: &result, isRequired: true) }
        return result
    }

    private static let intOrString: JSONValue = [["type": "integer"], ["type": "string"]]

    /// Spells out what `x-kubernetes-int-or-string` means.
    private func unfold(_ result: inout JSONObject, _ schema: JSONSchema) {
        guard schema.isIntOrString, result["anyOf"] != Self.intOrString else { return }
        if schema.anyOf.isEmpty {
            result["anyOf"] = Self.intOrString
        } else if result["allOf"]?[0]?["anyOf"] != Self.intOrString {
            let all: JSONValue = ["anyOf": Self.intOrString]
            result["allOf"] = .array([all] + (result["allOf"]?.arrayValue ?? []))
        }
    }

    /// Leaves out what OpenAPI v2 has no notion of, and what kubectl reads wrongly in it.
    private func simplify(_ result: inout JSONObject, _ schema: JSONSchema) {
        for key in ["allOf", "oneOf", "anyOf", "not"] { result[key] = nil }
        if schema.isNullable {
            for key in ["type", "nullable", "items", "properties"] { result[key] = nil }
        }
        if schema.preservesUnknownFields {
            for key in ["items", "properties"] { result[key] = nil }
            if result["type"] == "object" { result["type"] = nil }
        }
        if result["items"] == nil, result["type"] == "array" { result["type"] = nil }
        if let required = result["required"]?.arrayValue {
            let kept = required.filter { name in
                guard let name = name.stringValue, result["properties"] != nil else { return true }
                return schema.properties[name]?.isNullable != true
            }
            let isForNullable = schema.additionalProperties?.schema?.isNullable == true
            result["required"] = kept.isEmpty || isForNullable ? JSONValue?.none : .array(kept)
        }
    }
}
