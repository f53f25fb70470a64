// The types of custom resources as rules in the expression language see them, and how large values may become.

import APISchema
import CEL
import JSON

enum RuleTypes {
    /// The largest request that is accepted, in bytes: what bounds everything that a schema does not.
    static let largestRequest: Int64 = 3 << 20

    /// The type of values of a schema; nil where rules cannot see them.
    /// - Parameter isResource: whether it is the root of a custom resource or an embedded one: `apiVersion`, `kind`,
    ///   `metadata.name` and `metadata.generateName` are there whatever the schema says.
    static func type(of schema: JSONSchema, isResource: Bool, named name: String = "selfType") -> DeclaredType? {
        if schema.isIntOrString {
            let most = schema.maxLength.map { max(0, $0) * 4 } ?? largestRequest - 2
            return .intOrString(isNullable: schema.isNullable, maxElements: UInt64(most))
        }
        switch isResource ? "object" : schema.type {
        case "array": return list(schema, name)
        case "object": return object(schema, isResource: isResource, name)
        case "string": return string(schema)
        case "boolean": return .scalar(.bool, isNullable: schema.isNullable, minSerializedSize: 4)
        case "number": return .scalar(.double, isNullable: schema.isNullable, minSerializedSize: 1)
        case "integer": return .scalar(.int, isNullable: schema.isNullable, minSerializedSize: 1)
        default: return nil
        }
    }

    private static func list(_ schema: JSONSchema, _ name: String) -> DeclaredType? {
        guard let items = schema.items,
            let element = type(of: items, isResource: items.isEmbeddedResource, named: "\(name).@idx")
        else { return nil }
        let most = schema.maxItems.map { max(0, $0) } ?? (largestRequest - 2) / (element.minSerializedSize + 1)
        let semantics: DeclaredType.ListSemantics =
            switch schema.listType {
            case "set": .set
            case "map": .map(schema.listMapKeys)
            default: .atomic
            }
        return .list(
            element, semantics: semantics, isNullable: schema.isNullable, maxElements: UInt64(most))
    }

    private static func object(_ schema: JSONSchema, isResource: Bool, _ name: String) -> DeclaredType? {
        if let values = schema.additionalProperties?.schema {
            guard let value = type(of: values, isResource: values.isEmbeddedResource, named: "\(name).@elem") else {
                return nil
            }
            let most = schema.maxProperties.map { max(0, $0) } ?? (largestRequest - 2) / (value.minSerializedSize + 6)
            return .map(value, isNullable: schema.isNullable, maxElements: UInt64(most))
        }
        var fields: [String: DeclaredType.Field] = [:]
        // `{}`, and what is required.
        var size: Int64 = 2
        for property in schema.propertyNames {
            guard let inner = schema.properties[property] else { continue }
            let escaped = CELEscaping.escape(property)
            let type = type(
                of: inner, isResource: inner.isEmbeddedResource, named: "\(name).\(escaped ?? property)")
            guard let type else { continue }
            if let escaped { fields[escaped] = .init(jsonName: property, type: type) }
            if schema.required.contains(property), inner.defaultValue == nil {
                size += Int64(property.utf8.count) + type.minSerializedSize + 4
            }
        }
        if isResource, !Self.hasMetadata(schema) {
            let text = DeclaredType.scalar(.string, maxElements: UInt64(largestRequest - 2), minSerializedSize: 2)
            let metadata = DeclaredType.object(
                "\(name).metadata",
                fields: [
                    "name": .init(jsonName: "name", type: text),
                    "generateName": .init(jsonName: "generateName", type: text),
                ])
            for (key, type) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
                fields[key] = .init(jsonName: key, type: type)
            }
        }
        return .object(name, fields: fields, isNullable: schema.isNullable, minSerializedSize: size)
    }

    /// Whether a schema describes itself what every resource has.
    private static func hasMetadata(_ schema: JSONSchema) -> Bool {
        let metadata = schema.properties["metadata"]
        return schema.properties["kind"]?.type == "string" && schema.properties["apiVersion"]?.type == "string"
            && metadata?.type == "object" && metadata?.properties["name"]?.type == "string"
            && metadata?.properties["generateName"]?.type == "string"
    }

    private static func string(_ schema: JSONSchema) -> DeclaredType {
        func scalar(_ type: CELType, _ format: DeclaredType.Format, _ most: Int64, _ least: Int64) -> DeclaredType {
            .scalar(
                type, format: format, isNullable: schema.isNullable, maxElements: UInt64(most), minSerializedSize: least
            )
        }
        switch schema.format {
        case "byte": return scalar(.bytes, .byte, schema.maxLength.map { max(0, $0) } ?? largestRequest - 2, 2)
        case "duration": return scalar(.duration, .duration, 32, 3)
        case "date": return scalar(.timestamp, .date, 12, 12)
        case "date-time": return scalar(.timestamp, .dateTime, 32, 21)
        default: break
        }
        var most = largestRequest - 2
        if let length = schema.maxLength {
            // A code point may take four bytes.
            most = max(0, length) * 4
        } else if let values = schema.enumeration {
            most = Int64(values.compactMap { $0.stringValue?.utf8.count }.max() ?? 0)
        }
        return scalar(.string, .plain, most, 2)
    }
}
