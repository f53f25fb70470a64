import JSON

/// Messages made from schemas at run time, in the notation that built-in types have: server-side apply and whoever else
/// asks for the shape of an object finds the same rows.
enum CustomResourceMessages {
    static func message(of custom: CustomResourceType) -> MessageType {
        let package = "\(custom.group)/\(custom.version)"
        let openAPI = (custom.group.split(separator: ".").reversed().map(String.init) + [custom.version])
            .joined(separator: ".")
        let maker = Maker(package: package, openAPIPackage: openAPI, objectMeta: custom.objectMeta)
        let message = maker.message(
            named: custom.kind, custom.schema ?? JSONSchema([:]), isResource: true,
            preserves: custom.preservesUnknownFields)
        message.kinds = [GroupVersionKind(group: custom.group, version: custom.version, kind: custom.kind)]
        message.custom = custom
        // Of all fields it is metadata alone whose rules are those of a built-in type.
        message.hasChecks = custom.objectMeta.hasChecks
        message.fieldsWithChecks = message.fields.filter { $0.name == "metadata" }
        return message
    }

    private struct Maker {
        let package, openAPIPackage: String
        let objectMeta: MessageType

        func message(
            named name: String, _ schema: JSONSchema, isResource: Bool, preserves: Bool = false
        ) -> MessageType {
            let message = MessageType(
                name: "\(package).\(name)", package: package, shortName: name, openAPIPackage: openAPIPackage,
                protobufPackage: openAPIPackage, scalar: nil, isAtomic: schema.mapType == "atomic", origin: nil)
            message.preservesUnknownFields = preserves || schema.preservesUnknownFields
            var fields: [Field] = []
            for property in schema.propertyNames {
                if isResource, SchemaPruning.metaFields.contains(property) { continue }
                guard let inner = schema.properties[property] else { continue }
                fields.append(
                    field(property, inner, type(of: inner, "\(name).\(property)"), schema.required.contains(property)))
            }
            if isResource {
                fields.append(plain("apiVersion", .scalar(.string)))
                fields.append(plain("kind", .scalar(.string)))
                fields.append(plain("metadata", .message(objectMeta)))
                fields.sort { $0.name < $1.name }
            }
            message.fields = fields
            return message
        }

        private func type(of schema: JSONSchema, _ name: String) -> FieldType {
            if schema.isIntOrString { return .scalar(.intorstring) }
            switch schema.type {
            case "string": return .scalar(.string)
            case "boolean": return .scalar(.bool)
            case "integer": return .scalar(.int64)
            case "number": return .scalar(.double)
            case "array": return .list(schema.items.map { type(of: $0, name) } ?? .scalar(.any))
            case "object":
                if let others = schema.additionalProperties?.schema, schema.properties.isEmpty {
                    return .map(type(of: others, name))
                }
                if case .allowed(true)? = schema.additionalProperties, schema.properties.isEmpty {
                    return .map(.scalar(.any))
                }
                return .message(message(named: name, schema, isResource: schema.isEmbeddedResource))
            default: return .scalar(.any)
            }
        }

        private func field(_ name: String, _ schema: JSONSchema, _ type: FieldType, _ isRequired: Bool) -> Field {
            let semantics: MergeSemantics =
                switch (schema.listType, schema.mapType) {
                case ("set"?, _): .set
                case ("map"?, _): .map(keys: schema.listMapKeys)
                case ("atomic"?, _), (_, "atomic"?): .atomic
                case (_, "granular"?): .granular
                default: .unspecified
                }
            return Field(
                name: name, path: [], type: type, isRequired: isRequired, semantics: semantics, patchMerges: false,
                patchRetainsKeys: false, patchReplaces: false, patchMergeKey: nil,
                documentedDefault: schema.defaultValue, protobufType: nil)
        }

        private func plain(_ name: String, _ type: FieldType) -> Field {
            Field(
                name: name, path: [], type: type, isRequired: false, semantics: .unspecified, patchMerges: false,
                patchRetainsKeys: false, patchReplaces: false, patchMergeKey: nil, documentedDefault: nil,
                protobufType: nil)
        }
    }
}
