import JSON

/// Fields of a JSON object as Go sees them: what is missing or of another type counts as empty.
extension JSONObject {
    public subscript(string key: String) -> String { self[key]?.stringValue ?? "" }
    public subscript(array key: String) -> [JSONValue] { self[key]?.arrayValue ?? [] }
    public subscript(object key: String) -> JSONObject { self[key]?.objectValue ?? JSONObject() }
    public subscript(integer key: String) -> Int64 { self[key]?.integerValue ?? 0 }
    public subscript(flag key: String) -> Bool { self[key]?.boolValue ?? false }
    /// The strings of the array in a field.
    public subscript(strings key: String) -> [String] { self[array: key].compactMap(\.stringValue) }
    /// Whether the field is there and not null, however empty.
    public func holds(_ key: String) -> Bool {
        guard let value = self[key] else { return false }
        return !value.isNull
    }
}
