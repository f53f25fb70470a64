import JSON
import KubeTypes

/// The API as OpenAPI 3.0 documents: an index at `/openapi/v3`, and one document for each group and version.
public enum OpenAPIV3 {
    static let info: JSONValue = ["title": "Kubernetes", "version": "v1.36.0"]

    /// The index: for each path of the API the URL of its document, with a hash that changes when the document does,
    /// so that clients may keep what they have read. Making it makes every document once.
    public static func index(_ schema: Schema) -> JSONValue {
        index(schema) { group, version in
            document(schema, group: group, version: version).map { hash(JSONWriter.bytes(of: $0)) }
        }
    }

    /// The index with hashes that the caller knows; group versions for which it has none are left out.
    public static func index(_ schema: Schema, hash: (_ group: String, _ version: String) -> String?) -> JSONValue {
        var paths = JSONObject()
        for group in schema.groups {
            for version in group.versions {
                guard let hash = hash(group.name, version) else { continue }
                let path = Self.path(group: group.name, version: version)
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
            }
        }
        return ["paths": .object(paths)]
    }

    /// `api/v1` or `apis/GROUP/VERSION`: what follows `/openapi/v3/`.
    public static func path(group: String, version: String) -> String {
        group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
    }

    /// The document of a group and version with all types that it needs; nil if that is not served.
    public static func document(_ schema: Schema, group: String, version: String) -> JSONValue? {
        guard schema.group(group)?.versions.contains(version) == true else { return nil }
        let schemas = OpenAPISchemas(dialect: .v3)
        var components = JSONObject()
        for message in messages(schema, group: group, version: version) {
            components[message.openAPIName] = schemas.definition(of: message)
        }
        for resource in schema.custom where resource.group == group && resource.version == version {
            for (name, definition) in CustomResourceOpenAPI(dialect: .v3).definitions(of: resource) {
                components[name] = definition
            }
        }
        let paths = OpenAPIPaths(schema: schema, dialect: .v3).paths(group: group, version: version)
        return [
            "openapi": "3.0.0", "info": info,
            "paths": .object(JSONObject(paths.map { (key: $0.path, value: $0.item) })),
            "components": ["schemas": .object(components)],
        ]
    }

    /// The messages of a group and version and all that they are made of, by name.
    private static func messages(_ schema: Schema, group: String, version: String) -> [MessageType] {
        var open: [MessageType] = ["Status", "DeleteOptions", "Patch"].compactMap { schema.message("meta/v1.\($0)") }
        for resource in schema.resources where resource.group == group && resource.version == version {
            if let custom = resource.custom {
                open.append(custom.objectMeta)
                open += [schema.message("meta/v1.ListMeta")].compactMap { $0 }
                open += resource.subresources.compactMap(\.message).filter { $0.custom == nil }
                continue
            }
            open.append(resource.message)
            if let list = schema.message(resource.message.name + "List") { open.append(list) }
            open += resource.subresources.compactMap(\.message)
        }
        var found = Set(open)
        while let message = open.popLast() {
            for field in message.fields {
                if let next = field.type.message, found.insert(next).inserted { open.append(next) }
            }
        }
        return found.sorted { $0.openAPIName < $1.openAPIName }
    }

    /// 16 hexadecimal digits that change with `bytes` (FNV-1a); they tell versions apart and protect nothing.
    public static func hash(_ bytes: some Sequence<UInt8>) -> String {
        let digits = String(FNV1a.hash(bytes), radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
