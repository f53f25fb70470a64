import JSON
import KubeTypes

/// What Kubernetes allows in the schemas of CustomResourceDefinitions, keyword by keyword.
enum SchemaDefinitionRules {
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    static func validate(_ schema: JSONSchema, _ path: String, old: JSONSchema?) -> [FieldError] {
        var rules = Rules()
        if let old {
            // What was accepted once stays accepted.
            rules.requiresKnownTypes = !old.contains { !$0.type.isEmpty && !types.contains($0.type) }
            rules.requiresAtomicSets = !old.contains { !Rules.setProblems(of: $0, "").isEmpty }
            rules.requiresMapKeys = !old.contains { !Rules.keyProblems(of: $0, "").isEmpty }
        }
        rules.check(schema, path, Place(isRoot: true))
        return rules.errors
    }

    /// Where a schema stands.
    private struct Place {
        var isRoot = false
        var isInsideMetadata = false
        /// Why there must be no defaults; nil where there may be.
        var defaultsForbidden: String?

        var inside: Place {
            var place = self
            place.isRoot = false
            return place
        }
    }

    private struct Rules {
        var errors: [FieldError] = []
        var requiresKnownTypes = true
        var requiresAtomicSets = true
        var requiresMapKeys = true

        mutating func check(_ schema: JSONSchema, _ path: String, _ place: Place) {
            checkKeywords(schema, path, place)
            if schema.json["uniqueItems"]?.boolValue == true {
                errors.append(
                    .forbidden(
                        "\(path).uniqueItems",
                        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
            }
            if let others = schema.additionalProperties {
                var isRestricting = true
                if case .allowed(true) = others { isRestricting = false }
                if !schema.properties.isEmpty, isRestricting {
                    errors.append(
                        .forbidden(
                            "\(path).additionalProperties",
                            "additionalProperties and properties are mutual exclusive"))
                }
                if let inner = others.schema {
                    var inside = place.inside
                    if place.isInsideMetadata {
                        inside.defaultsForbidden = "inside additionalProperties applying to object metadata"
                    }
                    check(inner, "\(path).additionalProperties", inside)
                }
            }
            for name in schema.propertyNames {
                guard let property = schema.properties[name] else { continue }
                var inside = place.inside
                if place.isRoot || schema.isEmbeddedResource, SchemaPruning.metaFields.contains(name) {
                    inside.isInsideMetadata = true
                    if place.isRoot { inside.defaultsForbidden = "in top-level \(name)" }
                }
                check(property, "\(path).properties[\(name)]", inside)
            }
            if let not = schema.not { check(not, "\(path).not", place.inside) }
            for (key, list) in [("allOf", schema.allOf), ("oneOf", schema.oneOf), ("anyOf", schema.anyOf)] {
                for (index, inner) in list.enumerated() { check(inner, "\(path).\(key)[\(index)]", place.inside) }
            }
            if let items = schema.items { check(items, "\(path).items", place.inside) }
            checkExtensions(schema, path)
            checkValidations(schema, path)
        }

        private mutating func checkKeywords(_ schema: JSONSchema, _ path: String, _ place: Place) {
            if requiresKnownTypes, !schema.type.isEmpty, !SchemaDefinitionRules.types.contains(schema.type) {
                errors.append(
                    .notSupported("\(path).type", .string(schema.type), SchemaDefinitionRules.types))
            }
            if schema.defaultValue != nil, let reason = place.defaultsForbidden {
                errors.append(.forbidden("\(path).default", "must not be set \(reason)"))
            }
            func forbid(_ key: String, _ isThere: Bool) {
                if isThere { errors.append(.forbidden("\(path).\(key)", "\(key) is not supported")) }
            }
            let json = schema.json
            forbid("id", json["id"]?.stringValue?.isEmpty == false)
            forbid("additionalItems", json["additionalItems"] != nil)
            for key in ["patternProperties", "definitions"] { forbid(key, json[key]?.objectValue?.isEmpty == false) }
            forbid("dependencies", json["dependencies"] != nil)
            forbid("$ref", json["$ref"] != nil)
            if schema.type == "null" {
                errors.append(
                    .forbidden("\(path).type", "type cannot be set to null, use nullable as an alternative"))
            }
            if json["items"]?.arrayValue?.isEmpty == false {
                errors.append(.forbidden("\(path).items", "items must be a schema object and not an array"))
            }
            if place.isInsideMetadata, schema.isEmbeddedResource {
                errors.append(
                    .forbidden("\(path).x-kubernetes-embedded-resource", "must not be used inside of resource meta"))
            }
        }

        private mutating func checkExtensions(_ schema: JSONSchema, _ path: String) {
            if schema.json["x-kubernetes-preserve-unknown-fields"]?.boolValue == false {
                errors.append(
                    .invalid("\(path).x-kubernetes-preserve-unknown-fields", false, "must be true or undefined"))
            }
            func mustBe(_ type: String, _ key: String) {
                guard schema.type != type else { return }
                let detail = "must be \(type) if \(key) is specified"
                errors.append(
                    schema.type.isEmpty
                        ? .required("\(path).type", detail) : .invalid("\(path).type", .string(schema.type), detail))
            }
            if let mapType = schema.mapType {
                mustBe("object", "x-kubernetes-map-type")
                if mapType != "atomic", mapType != "granular" {
                    errors.append(
                        .notSupported("\(path).x-kubernetes-map-type", .string(mapType), ["atomic", "granular"]))
                }
            }
            if let listType = schema.listType {
                mustBe("array", "x-kubernetes-list-type")
                if schema.type == "array", requiresAtomicSets { errors += Self.setProblems(of: schema, path) }
                if !["atomic", "set", "map"].contains(listType) {
                    errors.append(
                        .notSupported("\(path).x-kubernetes-list-type", .string(listType), ["atomic", "set", "map"]))
                }
            }
            checkMap(schema, path)
            if requiresMapKeys { errors += Self.keyProblems(of: schema, path) }
        }

        /// The elements of a set are compared as a whole.
        static func setProblems(of schema: JSONSchema, _ path: String) -> [FieldError] {
            guard schema.listType == "set", let items = schema.items else { return [] }
            let detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
            if items.type == "array", let type = items.listType, type != "atomic" {
                return [.invalid("\(path).items.x-kubernetes-list-type", .string(type), detail)]
            }
            if items.type == "object", items.mapType != "atomic" {
                return [
                    .invalid(
                        "\(path).items.x-kubernetes-map-type", items.listType.map(JSONValue.string) ?? .null, detail)
                ]
            }
            return []
        }

        /// The keys of a map are always there.
        static func keyProblems(of schema: JSONSchema, _ path: String) -> [FieldError] {
            guard let listType = schema.listType, listType == "set" || listType == "map", let items = schema.items
            else {
                return []
            }
            var problems: [FieldError] = []
            if items.isNullable {
                problems.append(
                    .forbidden(
                        "\(path).items.nullable", "cannot be nullable when x-kubernetes-list-type is \(listType)"))
            }
            guard listType == "map" else { return problems }
            for key in schema.listMapKeys {
                guard let property = items.properties[key] else { continue }
                let place = "\(path).items.properties[\(key)]"
                if !items.required.contains(key), property.defaultValue == nil {
                    problems.append(
                        .required(
                            "\(place).default",
                            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
                                + "property"))
                }
                if property.isNullable {
                    problems.append(
                        .forbidden(
                            "\(place).nullable",
                            "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"))
                }
            }
            return problems
        }

        private mutating func checkMap(_ schema: JSONSchema, _ path: String) {
            let keysPath = "\(path).x-kubernetes-list-map-keys"
            if !schema.listMapKeys.isEmpty, schema.listType != "map" {
                let place = "\(path).x-kubernetes-list-type"
                let detail = "must be map if x-kubernetes-list-map-keys is non-empty"
                errors.append(
                    schema.listType.map { .invalid(place, .string($0), detail) } ?? .required(place, detail))
            }
            guard schema.listType == "map" else { return }
            if schema.listMapKeys.isEmpty {
                errors.append(.required(keysPath, "must not be empty if x-kubernetes-list-type is map"))
            }
            guard let items = schema.items else {
                errors.append(.required("\(path).items", "must have a schema if x-kubernetes-list-type is map"))
                return
            }
            guard items.type == "object" else {
                errors.append(
                    .invalid(
                        "\(path).items.type", .string(items.type),
                        "must be object if parent array's x-kubernetes-list-type is map"))
                return
            }
            let written = JSONValue.array(schema.listMapKeys.map(JSONValue.string))
            var seen: Set<String> = []
            for key in schema.listMapKeys {
                if let property = items.properties[key] {
                    if property.type == "array" || property.type == "object" {
                        errors.append(
                            .invalid(
                                "\(path).items.properties[\(key)].type", .string(items.type),
                                "must be a scalar type if parent array's x-kubernetes-list-type is map"))
                    }
                } else {
                    errors.append(.invalid(keysPath, written, "entries must all be names of item properties"))
                }
                if !seen.insert(key).inserted {
                    errors.append(.invalid(keysPath, written, "must not contain duplicate entries"))
                }
            }
        }

        private static let reasons = [
            "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
        ]

        /// The parts of rules that can be checked without understanding the expressions.
        private mutating func checkValidations(_ schema: JSONSchema, _ path: String) {
            for (index, rule) in schema.validations.enumerated() {
                let place = "\(path).x-kubernetes-validations[\(index)]"
                func text(_ key: String) -> String { rule[key]?.stringValue ?? "" }
                func trimmed(_ key: String) -> Substring {
                    let whole = text(key)
                    let start = whole.firstIndex { !$0.isWhitespace } ?? whole.endIndex
                    let end = whole.lastIndex { !$0.isWhitespace }.map { whole.index(after: $0) } ?? start
                    return whole[start..<end]
                }
                func breaks(_ text: some StringProtocol) -> Bool { text.contains(where: \.isNewline) }
                let message = trimmed("message")
                if trimmed("rule").isEmpty {
                    errors.append(.required("\(place).rule", "rule is not specified"))
                } else if !text("message").isEmpty, message.isEmpty {
                    errors.append(
                        .invalid("\(place).message", .string(text("message")), "must be non-empty if specified"))
                } else if breaks(message) {
                    errors.append(
                        .invalid("\(place).message", .string(text("message")), "must not contain line breaks"))
                } else if breaks(trimmed("rule")), message.isEmpty {
                    errors.append(
                        .required("\(place).message", "message must be specified if rule contains line breaks"))
                }
                if !text("messageExpression").isEmpty, trimmed("messageExpression").isEmpty {
                    errors.append(
                        .required("\(place).messageExpression", "messageExpression must be non-empty if specified"))
                }
                if let reason = rule["reason"]?.stringValue, !Self.reasons.contains(reason) {
                    errors.append(.notSupported("\(place).reason", .string(reason), Self.reasons))
                }
                let fieldPath = text("fieldPath")
                guard !fieldPath.isEmpty else { continue }
                let value = JSONValue.string(fieldPath)
                if trimmed("fieldPath").isEmpty {
                    errors.append(.invalid("\(place).fieldPath", value, "must be non-empty if specified"))
                }
                if breaks(fieldPath) {
                    errors.append(.invalid("\(place).fieldPath", value, "must not contain line breaks"))
                }
                if !fieldPath.contains("["), case .failure = SchemaFieldPath.resolve(fieldPath, in: schema) {
                    errors.append(.invalid("\(place).fieldPath", value, "must be a valid path"))
                }
            }
        }
    }
}

/// Defaults in schemas: each must be a value that the schema accepts, with nothing in it that would be pruned.
enum SchemaDefaultRules {
    static func validate(_ schema: JSONSchema, _ path: String, requiresPruned: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        check(schema, path, requiresPruned, &errors)
        return errors
    }

    private static func check(
        _ schema: JSONSchema, _ path: String, _ requiresPruned: Bool, _ errors: inout [FieldError]
    ) {
        guard schema.hasDefaults else { return }
        if let value = schema.defaultValue {
            if requiresPruned, SchemaPruning.removesFields(of: value, schema) {
                errors.append(.invalid("\(path).default", value, "must not have unknown fields"))
            }
            errors += SchemaValidator(schema, prefix: "\(path).default").validate(value)
        }
        if let items = schema.items { check(items, "\(path).items", requiresPruned, &errors) }
        for name in schema.propertyNames {
            guard let property = schema.properties[name] else { continue }
            check(property, "\(path).properties[\(name)]", requiresPruned, &errors)
        }
    }
}

extension SchemaPruning {
    /// Whether a value without metadata of its own has fields that the schema does not know.
    static func removesFields(of value: JSONValue, _ schema: JSONSchema) -> Bool {
        switch value {
        case .object(let object):
            if schema.preservesUnknownFields, schema.properties.isEmpty { return false }
            return object.contains { key, field in
                if schema.isEmbeddedResource, metaFields.contains(key) { return false }
                if let inner = schema.schema(ofField: key) { return removesFields(of: field, inner) }
                if case .allowed? = schema.additionalProperties { return false }
                return !schema.preservesUnknownFields
            }
        case .array(let elements):
            guard let items = schema.items else { return false }
            return elements.contains { removesFields(of: $0, items) }
        default: return false
        }
    }
}
