/// What `kubectl explain` says about types and fields: our own words for those that people ask about most.
enum OpenAPIDescriptions {
    /// The description of a type, or nil.
    static func of(_ message: MessageType) -> String? {
        if let text = table[message.shortName] { return text }
        if message.shortName.hasSuffix("List"), message.field("items") != nil {
            return "A list of \(message.shortName.dropLast(4)) objects."
        }
        if message.shortName.hasSuffix("Spec") { return "What a \(message.shortName.dropLast(4)) is to be." }
        if message.shortName.hasSuffix("Status") { return "What is known about a \(message.shortName.dropLast(6))." }
        return nil
    }

    /// The description of a field: that of the field of this type, or what the name means everywhere; or nil.
    static func of(_ field: Field, in message: MessageType) -> String? {
        if let text = table["\(message.shortName).\(field.name)"] { return text }
        if let text = table["*.\(field.name)"] { return text }
        if field.name == "spec" { return "What the \(message.shortName) is to be." }
        if field.name == "status" { return "What the \(message.shortName) is at present, as observed." }
        return nil
    }

    private static let table: [String: String] = {
        var table: [String: String] = [:]
        for line in OpenAPIDescriptionTable.text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            table[String(line[..<colon])] = String(line[line.index(colon, offsetBy: 2)...])
        }
        return table
    }()
}
