import JSON
import KubeTypes

/// Values from JSON, by the schema where there is one, and JSON from values.
extension CELValue {
    /// The value that JSON without a schema stands for.
    public static func dynamic(_ json: JSONValue) -> CELValue {
        switch json {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .int(value)
        case .number(let number): .double(number.doubleValue)
        case .string(let text): .string(text)
        case .array(let elements): .list(.json(JSONList(elements, schema: nil)))
        case .object(let object): .map(.json(JSONMap(object, schema: nil)))
        }
    }

    /// What is kept in an object without the schema knowing it: it can be compared and no more.
    static func unreadable(_ json: JSONValue) -> CELValue { .dynamic(json) }

    /// The value that JSON stands for by a schema. Throws where the JSON is not what the schema says.
    public static func reading(_ json: JSONValue, as schema: DeclaredType?) throws(CELError) -> CELValue {
        guard let schema else { return dynamic(json) }
        if case .null = json {
            if schema.isNullable { return .null }
            throw CELError("invalid data, got null for schema with nullable=false")
        }
        switch schema.shape {
        case .any: return dynamic(json)
        case .intOrString:
            switch json {
            case .string(let text): return .string(text)
            case .integer(let value): return .int(value)
            default:
                throw CELError("invalid data, expected XIntOrString value to be either a string or integer")
            }
        case .list:
            guard case .array(let elements) = json else {
                throw CELError("invalid data, expected an array for the provided schema with type=array")
            }
            return .list(.json(JSONList(elements, schema: schema)))
        case .map, .object:
            guard case .object(let object) = json else {
                throw CELError("invalid data, expected a map for the provided schema with type=object")
            }
            return .map(.json(JSONMap(object, schema: schema)))
        case .scalar(let type, let format): return try scalar(json, type, format)
        }
    }

    private static func scalar(
        _ json: JSONValue, _ type: CELType, _ format: DeclaredType.Format
    ) throws(CELError) -> CELValue {
        switch (type, json) {
        case (.bool, .bool(let value)): return .bool(value)
        case (.int, .integer(let value)): return .int(value)
        case (.double, .integer(let value)): return .double(Double(value))
        case (.double, .number(let value)): return .double(value.doubleValue)
        case (.int, .number(let value)):
            guard let whole = Int64(exactly: value.doubleValue) else { break }
            return .int(whole)
        case (_, .string(let text)):
            switch format {
            case .plain where type == .string: return .string(text)
            case .byte:
                guard let bytes = Base64.decode(text) else {
                    throw CELError("Invalid byte formatted string \(text): illegal base64 data")
                }
                return .bytes(bytes)
            case .date:
                guard let date = CELTimestamp("\(text)T00:00:00Z") else {
                    throw CELError("Invalid date formatted string \(text): cannot parse")
                }
                return .timestamp(date)
            case .dateTime:
                guard let time = CELTimestamp(text) else {
                    throw CELError("Invalid date-time formatted string \(text): cannot parse")
                }
                return .timestamp(time)
            case .duration:
                guard let duration = CELDuration(goText: text) else {
                    throw CELError("Invalid duration \(text): unable to parse \(text) as duration")
                }
                return .duration(duration)
            case .plain: break
            }
        default: break
        }
        throw CELError("invalid data, expected \(type.name)")
    }

    /// The value as JSON. Throws where there is none, as of a type.
    public func json() throws(CELError) -> JSONValue {
        switch self {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .integer(value)
        case .uint(let value):
            return Int64(exactly: value).map { .integer($0) } ?? .number(JSONNumber(text: "\(value)"))
        case .double(let value):
            guard value.isFinite else { throw CELError("cannot convert \(value.goText) to JSON") }
            if let whole = Int64(exactly: value) { return .integer(whole) }
            return .number(JSONNumber(text: value.jsonText))
        case .string(let value): return .string(value)
        case .bytes(let value): return .string(Base64.encode(value))
        case .timestamp(let value): return .string(value.description)
        case .duration(let value): return .string(value.description)
        case .list(.json(let list)): return .array(list.elements)
        case .list(.values(let values)):
            var elements: [JSONValue] = []
            elements.reserveCapacity(values.count)
            for value in values { elements.append(try value.json()) }
            return .array(elements)
        case .map(.json(let map)): return .object(map.object)
        case .map(.values(let dictionary)):
            var object = JSONObject()
            for (key, value) in dictionary.entries { object[key.shown] = try value.json() }
            return .object(object)
        case .object(let value):
            if let json = value.json { return json }
            throw CELError("unsupported conversion of \(value.type.name) to JSON")
        case .type(let type): throw CELError("unsupported conversion of type \(type.name) to JSON")
        case .optional(let optional):
            if let value = optional.value { return try value.json() }
            return .null
        }
    }
}
