import JSON
import KubeTypes

/// A column of the table of a custom resource (`additionalPrinterColumns`).
public struct CustomResourceColumn: Sendable {
    let column: TableColumn
    let path: JSONPath?

    /// The columns as a definition lists them, or, if there are none, the age alone.
    static func columns(_ value: JSONValue?) -> [CustomResourceColumn] {
        guard let list = value?.arrayValue, !list.isEmpty else {
            return [
                CustomResourceColumn([
                    "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
                    "description": .string(TableColumn.description(of: "Age")),
                ])
            ]
        }
        return list.map(CustomResourceColumn.init)
    }

    private init(_ value: JSONValue) {
        func text(_ key: String) -> String { value[key]?.stringValue ?? "" }
        let written = text("jsonPath")
        let description = text("description")
        column = TableColumn(
            name: text("name"), type: text("type"), format: text("format"),
            description: description.isEmpty
                ? "Custom resource definition column (in JSONPath format): \(written)" : description,
            priority: value["priority"]?.intValue ?? 0)
        path = JSONPath(written)
    }

    func cell(of object: JSONValue, now: Time) -> JSONValue {
        guard let value = path?.values(in: object).first, !value.isNull || column.type == "string" else { return .null }
        switch column.type {
        case "string": return .string(Self.text(of: value))
        case "integer":
            if let integer = value.integerValue { return .integer(integer) }
            return value.doubleValue.flatMap { Int64(exactly: $0.rounded(.towardZero)) }.map(JSONValue.integer) ?? .null
        case "number": return value.doubleValue == nil ? .null : value
        case "boolean": return value.boolValue == nil ? .null : value
        case "date":
            guard let text = value.stringValue else { return .null }
            guard let time = Time(text) else { return "<invalid>" }
            return .string(HumanDuration.text(seconds: now.since(time)))
        default: return .null
        }
    }

    /// A value as Go's JSONPath prints it: text plain, everything else as JSON.
    private static func text(of value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .null: ""
        case .number(let number): SchemaText.number(number.doubleValue)
        default: JSONWriter.text(of: value)
        }
    }
}

/// A table of custom resources.
enum CustomResourcePrinter {
    static func printing(_ custom: CustomResourceType) -> Printing {
        let name = TableColumn(
            name: "Name", type: "string", format: "name", description: TableColumn.description(of: "Name"))
        let columns = custom.columns
        return Printing(columns: [name] + columns.map(\.column)) { cells in
            [cells.name] + columns.map { $0.cell(of: cells.object, now: cells.now) }
        }
    }
}
