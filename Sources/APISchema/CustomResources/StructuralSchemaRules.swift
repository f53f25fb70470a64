import JSON
import KubeTypes

/// What makes a schema structural: every field has a type outside of `allOf`, `anyOf`, `oneOf` and `not`, and what is
/// inside these restricts values and gives no shape.
enum StructuralSchemaRules {
    private enum Level {
        case root, item, field
    }

    /// Which keyword of a schema no structural one can have, as an error; nil if there is none.
    static func unsupported(_ schema: JSONValue) -> String? {
        guard let object = schema.objectValue else { return nil }
        let named = [
            ("id", "id"), ("$schema", "schema"), ("$ref", "$ref"), ("patternProperties", "patternProperties"),
            ("dependencies", "dependencies"), ("additionalItems", "additionalItems"), ("definitions", "definitions"),
        ]
        for (key, name) in named {
            guard let value = object[key], !isEmpty(value) else { continue }
            return "OpenAPIV3Schema '\(name)' is not supported"
        }
        if object["items"]?.arrayValue != nil { return "OpenAPIV3Schema 'items' must be a schema, but is an array" }
        if object["x-kubernetes-preserve-unknown-fields"]?.boolValue == false {
            return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
        }
        var inner: [JSONValue] = ["allOf", "anyOf", "oneOf"].flatMap { object[$0]?.arrayValue ?? [] }
        inner += (object["properties"]?.objectValue ?? [:]).values
        inner += [object["not"], object["items"], object["additionalProperties"]].compactMap { $0 }
        return inner.lazy.compactMap(unsupported).first
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .string(let text): text.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// What is wrong with a schema, in alphabetical order.
    static func validate(_ schema: JSONSchema, _ path: String) -> [FieldError] {
        var rules = Rules()
        rules.checkInvariants(schema, .root, path)
        rules.checkCompleteness(schema, path)
        return rules.errors.sorted { ($0.path, $0.message) < ($1.path, $1.message) }
    }

    private static let intOrString: [JSONValue] = [["type": "integer"], ["type": "string"]]

    private struct Rules {
        var errors: [FieldError] = []

        private static func isIntOrString(_ schemas: [JSONSchema]) -> Bool {
            schemas.map { .object($0.json) } == StructuralSchemaRules.intOrString
        }

        mutating func checkInvariants(_ schema: JSONSchema, _ level: Level, _ path: String) {
            if schema.type == "array", schema.items == nil {
                errors.append(.required("\(path).items", "must be specified"))
            }
            if let items = schema.items { checkInvariants(items, .item, "\(path).items") }
            for name in schema.propertyNames {
                guard let property = schema.properties[name] else { continue }
                checkInvariants(property, .field, "\(path).properties[\(name)]")
            }
            if let others = schema.additionalProperties {
                if level == .root {
                    errors.append(.forbidden("\(path).additionalProperties", "must not be used at the root"))
                }
                if let inner = others.schema { checkInvariants(inner, .field, "\(path).additionalProperties") }
            }
            checkExtensions(schema, path)
            checkValues(
                schema, skipsAnyOf: Self.isIntOrString(schema.anyOf),
                skipsFirstAllOf: schema.allOf.first.map { Self.isIntOrString($0.anyOf) } ?? false, path)
            checkType(schema, level, path)
            let isResource = level == .root || schema.isEmbeddedResource
            if isResource {
                for name in ["kind", "apiVersion"] {
                    guard let property = schema.properties[name], property.type != "string" else { continue }
                    errors.append(
                        .invalid("\(path).properties[\(name)].type", .string(property.type), "must be string"))
                }
            }
            if let metadata = schema.properties["metadata"] {
                checkMetadata(metadata, isResource, level, "\(path).properties[metadata]")
            }
            if schema.isEmbeddedResource, !schema.preservesUnknownFields, schema.properties.isEmpty {
                errors.append(
                    .required(
                        "\(path).properties",
                        "must not be empty if x-kubernetes-embedded-resource is true without "
                            + "x-kubernetes-preserve-unknown-fields"))
            }
        }

        private mutating func checkExtensions(_ schema: JSONSchema, _ path: String) {
            guard schema.isIntOrString else { return }
            let detail = "must be false if x-kubernetes-int-or-string is true"
            if schema.preservesUnknownFields {
                errors.append(.invalid("\(path).x-kubernetes-preserve-unknown-fields", true, detail))
            }
            if schema.isEmbeddedResource {
                errors.append(.invalid("\(path).x-kubernetes-embedded-resource", true, detail))
            }
        }

        private mutating func checkType(_ schema: JSONSchema, _ level: Level, _ path: String) {
            if schema.isEmbeddedResource, schema.type != "object" {
                let detail = "must be object if x-kubernetes-embedded-resource is true"
                errors.append(
                    schema.type.isEmpty
                        ? .required("\(path).type", detail) : .invalid("\(path).type", .string(schema.type), detail))
            } else if schema.type.isEmpty, !schema.isIntOrString, !schema.preservesUnknownFields {
                let place =
                    switch level {
                    case .root: "at the root"
                    case .item: "for specified array items"
                    case .field: "for specified object fields"
                    }
                errors.append(.required("\(path).type", "must not be empty \(place)"))
            }
            if schema.isEmbeddedResource, schema.additionalProperties != nil {
                errors.append(
                    .forbidden(
                        "\(path).additionalProperties", "must not be used if x-kubernetes-embedded-resource is set"))
            }
            if level == .root, !schema.type.isEmpty, schema.type != "object" {
                errors.append(.invalid("\(path).type", .string(schema.type), "must be object at the root"))
            }
        }

        private mutating func checkMetadata(
            _ metadata: JSONSchema, _ isResource: Bool, _ level: Level, _ path: String
        ) {
            if isResource, metadata.type != "object" {
                errors.append(.invalid("\(path).type", .string(metadata.type), "must be object"))
            }
            guard level == .root else { return }
            var rest = metadata.json
            rest["type"] = nil
            rest["default"] = nil
            if metadata.properties.keys.allSatisfy({ $0 == "name" || $0 == "generateName" }) {
                rest["properties"] = nil
            }
            if !rest.isEmpty {
                errors.append(
                    .forbidden(
                        path,
                        "must not specify anything other than name and generateName, but metadata is implicitly "
                            + "specified"))
            }
        }

        private mutating func checkValues(
            _ schema: JSONSchema, skipsAnyOf: Bool, skipsFirstAllOf: Bool, _ path: String
        ) {
            if !skipsAnyOf {
                for (index, inner) in schema.anyOf.enumerated() { checkNested(inner, "\(path).anyOf[\(index)]") }
            }
            for (index, inner) in schema.allOf.enumerated() {
                checkNested(inner, skipsAnyOf: skipsFirstAllOf && index == 0, "\(path).allOf[\(index)]")
            }
            for (index, inner) in schema.oneOf.enumerated() { checkNested(inner, "\(path).oneOf[\(index)]") }
            if let not = schema.not { checkNested(not, "\(path).not") }
            if let pattern = schema.pattern, let problem = pattern.problem {
                errors.append(
                    .invalid(
                        "\(path).pattern", .string(pattern.text),
                        "must be a valid regular expression, but isn't: \(problem)"))
            }
        }

        private mutating func checkNested(_ schema: JSONSchema, skipsAnyOf: Bool = false, _ path: String) {
            checkValues(schema, skipsAnyOf: skipsAnyOf, skipsFirstAllOf: false, path)
            if let items = schema.items { checkNested(items, "\(path).items") }
            for name in schema.propertyNames {
                guard let property = schema.properties[name] else { continue }
                checkNested(property, "\(path).properties[\(name)]")
            }
            func forbid(_ key: String, _ detail: String, _ isThere: Bool) {
                if isThere { errors.append(.forbidden("\(path).\(key)", "must be \(detail) to be structural")) }
            }
            let json = schema.json
            forbid("type", "empty", !schema.type.isEmpty)
            if let others = schema.additionalProperties {
                if case .allowed(false) = others {} else { forbid("additionalProperties", "undefined", true) }
            }
            forbid("default", "undefined", schema.defaultValue != nil)
            forbid("title", "empty", json["title"]?.stringValue?.isEmpty == false)
            forbid("description", "empty", json["description"]?.stringValue?.isEmpty == false)
            forbid("nullable", "false", schema.isNullable)
            forbid("x-kubernetes-preserve-unknown-fields", "false", schema.preservesUnknownFields)
            forbid("x-kubernetes-embedded-resource", "false", schema.isEmbeddedResource)
            forbid("x-kubernetes-int-or-string", "false", schema.isIntOrString)
            forbid("x-kubernetes-list-map-keys", "empty", !schema.listMapKeys.isEmpty)
            forbid("x-kubernetes-list-type", "undefined", schema.listType != nil)
            forbid("x-kubernetes-map-type", "undefined", schema.mapType != nil)
            forbid("x-kubernetes-validations", "empty", !schema.validations.isEmpty)
            if schema.properties["metadata"] != nil {
                errors.append(
                    .forbidden("\(path).properties[metadata]", "must not be specified in a nested context"))
            }
        }

        // MARK: Completeness

        /// Every field that restrictions mention is also one of the shape.
        mutating func checkCompleteness(_ schema: JSONSchema, _ path: String) {
            checkCovered(schema, by: schema, isOutermost: true, path, path)
            for name in schema.propertyNames {
                guard let property = schema.properties[name] else { continue }
                checkCompleteness(property, "\(path).properties[\(name)]")
            }
            if let items = schema.items { checkCompleteness(items, "\(path).items") }
            if let others = schema.additionalProperties?.schema {
                checkCompleteness(others, "\(path).additionalProperties")
            }
        }

        private mutating func checkCovered(
            _ values: JSONSchema, by shape: JSONSchema?, isOutermost: Bool, _ path: String, _ shapePath: String
        ) {
            if !isOutermost {
                if let items = values.items {
                    if let inner = shape?.items {
                        checkCovered(items, by: inner, isOutermost: false, "\(path).items", "\(shapePath).items")
                    } else {
                        errors.append(
                            .required("\(shapePath).items", "because it is defined in \(path).items"))
                    }
                }
                for name in values.propertyNames {
                    guard let property = values.properties[name] else { continue }
                    let place = "\(shapePath).properties[\(name)]"
                    let source = "\(path).properties[\(name)]"
                    if let inner = shape?.properties[name] {
                        checkCovered(property, by: inner, isOutermost: false, source, place)
                    } else {
                        errors.append(.required(place, "because it is defined in \(source)"))
                    }
                }
            }
            for (key, list) in [("allOf", values.allOf), ("anyOf", values.anyOf), ("oneOf", values.oneOf)] {
                for (index, inner) in list.enumerated() {
                    checkCovered(inner, by: shape, isOutermost: false, "\(path).\(key)[\(index)]", shapePath)
                }
            }
            if let not = values.not { checkCovered(not, by: shape, isOutermost: false, "\(path).not", shapePath) }
        }
    }
}
