import JSON

/// Filling in the defaults of a schema: where a field is missing, or is null where null is no value.
enum SchemaDefaults {
    static func apply(to object: inout JSONObject, _ schema: JSONSchema) {
        guard schema.hasDefaults else { return }
        for name in schema.propertyNames {
            guard let property = schema.properties[name], let value = property.defaultValue else { continue }
            if object[name] == nil || isMissing(object[name], property) { object[name] = value }
        }
        for key in Array(object.keys) {
            guard let inner = schema.schema(ofField: key), inner.hasDefaults else { continue }
            object.update(key) { value in
                guard var field = value else { return }
                value = nil
                if isMissing(field, inner), let given = inner.defaultValue { field = given }
                apply(to: &field, inner)
                value = field
            }
        }
    }

    private static func apply(to value: inout JSONValue, _ schema: JSONSchema) {
        guard schema.hasDefaults else { return }
        switch value {
        case .object(var object):
            value = .null
            apply(to: &object, schema)
            value = .object(object)
        case .array(var elements):
            guard let items = schema.items, items.hasDefaults else { return }
            value = .null
            for index in elements.indices {
                if isMissing(elements[index], items), let given = items.defaultValue { elements[index] = given }
                apply(to: &elements[index], items)
            }
            value = .array(elements)
        default: break
        }
    }

    private static func isMissing(_ value: JSONValue?, _ schema: JSONSchema) -> Bool {
        value?.isNull == true && !schema.isNullable
    }
}
