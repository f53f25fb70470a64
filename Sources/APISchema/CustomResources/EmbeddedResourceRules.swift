import JSON
import KubeTypes

/// What resources that are embedded in custom resources (`x-kubernetes-embedded-resource`) must be like: they have a
/// kind, an apiVersion, and metadata that would be valid on its own.
enum EmbeddedResourceRules {
    static func validate(_ object: JSONObject, _ schema: JSONSchema, objectMeta: MessageType) -> [FieldError] {
        guard schema.hasEmbeddedResources else { return [] }
        var errors: [FieldError] = []
        for (key, value) in object where !SchemaPruning.metaFields.contains(key) {
            if let inner = schema.properties[key] {
                check(value, inner, key, objectMeta, &errors)
            } else if let others = schema.additionalProperties?.schema {
                check(value, others, "[\(key)]", objectMeta, &errors)
            }
        }
        return errors
    }

    private static func check(
        _ value: JSONValue, _ schema: JSONSchema, _ path: String, _ objectMeta: MessageType,
        _ errors: inout [FieldError]
    ) {
        guard schema.hasEmbeddedResources else { return }
        switch value {
        case .object(let object):
            if schema.isEmbeddedResource { check(resource: object, path, objectMeta, &errors) }
            for (key, field) in object {
                if let inner = schema.properties[key] {
                    check(field, inner, "\(path).\(key)", objectMeta, &errors)
                } else if let others = schema.additionalProperties?.schema {
                    check(field, others, "\(path)[\(key)]", objectMeta, &errors)
                }
            }
        case .array(let elements):
            guard let items = schema.items else { return }
            for (index, element) in elements.enumerated() {
                check(element, items, "\(path)[\(index)]", objectMeta, &errors)
            }
        default: break
        }
    }

    private static func check(
        resource: JSONObject, _ path: String, _ objectMeta: MessageType, _ errors: inout [FieldError]
    ) {
        if resource["apiVersion"] == nil { errors.append(.required("\(path).apiVersion")) }
        if resource["kind"] == nil { errors.append(.required("\(path).kind")) }
        if let value = resource["apiVersion"] {
            if let text = value.stringValue {
                if text.isEmpty {
                    errors.append(.invalid("\(path).apiVersion", value, "must not be empty"))
                } else if text.filter({ $0 == "/" }).count > 1 {
                    errors.append(.invalid("\(path).apiVersion", value, "unexpected GroupVersion string: \(text)"))
                }
            } else {
                errors.append(.invalid("\(path).apiVersion", value, "must be a string"))
            }
        }
        if let value = resource["kind"] {
            if let text = value.stringValue {
                if text.isEmpty {
                    errors.append(.invalid("\(path).kind", value, "must not be empty"))
                } else {
                    let problems = Names.isDNS1035Label(text.lowercased())
                    if !problems.isEmpty {
                        errors.append(
                            .invalid(
                                "\(path).kind", value,
                                "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))"))
                    }
                }
            } else {
                errors.append(.invalid("\(path).kind", value, "must be a string"))
            }
        }
        if let metadata = resource["metadata"]?.objectValue {
            var validator = Validator()
            validator.check(metadata, objectMeta)
            for var error in validator.errors {
                error.path = "\(path).metadata.\(error.path)"
                errors.append(error)
            }
            for key in ["name", "generateName"] {
                guard let name = metadata[key]?.stringValue, !name.isEmpty else { continue }
                for problem in Names.isPathSegmentName(name, prefix: key == "generateName") {
                    errors.append(.invalid("\(path).metadata.\(key)", .string(name), problem))
                }
            }
        }
    }
}
