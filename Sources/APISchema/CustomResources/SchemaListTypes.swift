import JSON
import KubeTypes

/// What lists that are sets or maps promise: that no element, or no key, is there twice.
enum SchemaListTypes {
    static func validate(_ object: JSONObject, _ schema: JSONSchema) -> [FieldError] {
        var errors: [FieldError] = []
        check(.object(object), schema, "", &errors)
        return errors
    }

    private static func check(_ value: JSONValue, _ schema: JSONSchema, _ path: String, _ errors: inout [FieldError]) {
        guard schema.hasListTypes else { return }
        switch value {
        case .object(let object):
            for (key, field) in object {
                if let property = schema.properties[key] {
                    check(field, property, path.isEmpty ? key : "\(path).\(key)", &errors)
                } else if let others = schema.additionalProperties?.schema {
                    check(field, others, "\(path)[\(key)]", &errors)
                }
            }
        case .array(let elements):
            switch schema.listType {
            case "set":
                for index in repeated(elements) { errors.append(.duplicate("\(path)[\(index)]", elements[index])) }
            case "map": checkMap(elements, schema, path, &errors)
            default: break
            }
            if let items = schema.items, items.hasListTypes {
                for (index, element) in elements.enumerated() { check(element, items, "\(path)[\(index)]", &errors) }
            }
        default: break
        }
    }

    private static func checkMap(
        _ elements: [JSONValue], _ schema: JSONSchema, _ path: String, _ errors: inout [FieldError]
    ) {
        for (index, element) in elements.enumerated() where !element.isNull && element.objectValue == nil {
            errors.append(
                .invalid("\(path)[\(index)]", element, "must be an object for an array of list-type map"))
            return
        }
        let keys = elements.map { element -> JSONValue in
            var key = JSONObject()
            for name in schema.listMapKeys { if let value = element[name] { key[name] = value } }
            return .object(key)
        }
        for index in repeated(keys) { errors.append(.duplicate("\(path)[\(index)]", keys[index])) }
    }

    /// Where a value is for the second time.
    private static func repeated(_ values: [JSONValue]) -> [Int] {
        var counts: [JSONValue: Int] = [:]
        var indices: [Int] = []
        for (index, value) in values.enumerated() {
            let count = counts[value, default: 0]
            if count == 1 { indices.append(index) }
            counts[value] = count + 1
        }
        return indices
    }
}
