// Short ways to the metadata and the nested fields of objects that are plain JSON values.

import JSON
import KubeTypes

extension JSONValue {
    var metadata: JSONObject? { self["metadata"]?.objectValue }
    var name: String { self["metadata"]?["name"]?.stringValue ?? "" }
    var namespace: String { self["metadata"]?["namespace"]?.stringValue ?? "" }
    var uid: String { self["metadata"]?["uid"]?.stringValue ?? "" }
    var resourceVersion: String { self["metadata"]?["resourceVersion"]?.stringValue ?? "" }
    var generation: Int64 { self["metadata"]?["generation"]?.integerValue ?? 0 }
    var labels: JSONObject? { self["metadata"]?["labels"]?.objectValue }
    var annotations: JSONObject? { self["metadata"]?["annotations"]?.objectValue }
    var finalizers: [String] { self["metadata"]?["finalizers"]?.strings ?? [] }
    var deletionTimestamp: String? { self["metadata"]?["deletionTimestamp"]?.stringValue }
    var isBeingDeleted: Bool { deletionTimestamp != nil }

    /// The strings of an array; what is no string is left out.
    var strings: [String] { arrayValue?.compactMap(\.stringValue) ?? [] }

    /// The string map that an object is.
    var stringMap: [String: String] {
        guard let objectValue else { return [:] }
        var map: [String: String] = [:]
        for (key, value) in objectValue { map[key] = value.stringValue ?? "" }
        return map
    }

    /// Changes the metadata in place; makes it if there is none.
    mutating func updateMetadata(_ change: (inout JSONObject) -> Void) { update("metadata", change) }

    /// Changes the object in a field in place; makes it if there is none.
    mutating func update(_ key: String, _ change: (inout JSONObject) -> Void) {
        var root = objectValue ?? JSONObject()
        self = .null
        root.update(key) { field in
            var object = field?.objectValue ?? JSONObject()
            field = .null
            change(&object)
            field = .object(object)
        }
        self = .object(root)
    }

    /// Whether this is null, or an object or array with nothing in it.
    var isEmptyValue: Bool {
        switch self {
        case .null: true
        case .object(let object): object.isEmpty
        case .array(let array): array.isEmpty
        case .string(let string): string.isEmpty
        default: false
        }
    }
}

extension JSONObject {
    /// Changes the object in a field in place; makes it if there is none.
    mutating func updateObject(_ key: String, _ change: (inout JSONObject) -> Void) {
        update(key) { field in
            var object = field?.objectValue ?? JSONObject()
            field = .null
            change(&object)
            field = .object(object)
        }
    }

    /// Changes every object of the array in a field; does nothing where there is none.
    mutating func updateEach(_ key: String, _ change: (inout JSONObject) -> Void) {
        guard case .array(var elements)? = self[key] else { return }
        self[key] = .null
        for index in elements.indices {
            guard case .object(var object) = elements[index] else { continue }
            elements[index] = .null
            change(&object)
            elements[index] = .object(object)
        }
        self[key] = .array(elements)
    }

    /// Sets a field, or, if `isEmpty`, removes it. (`nil` in a conditional expression would be JSON's null.)
    mutating func set(_ key: String, _ value: JSONValue, isEmpty: Bool) {
        if isEmpty { removeValue(forKey: key) } else { self[key] = value }
    }

    /// Sets a field to strings, or, if there are none, removes it.
    mutating func set(_ key: String, _ strings: [String]) {
        set(key, .array(strings.map(JSONValue.string)), isEmpty: strings.isEmpty)
    }
}
