// The annotation in which `kubectl apply` keeps what it applied last, where it goes over to applying on the server.

import JSON

enum LastApplied {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    /// All annotations of an object together may have this many bytes.
    private static let annotationsLimit = 256 << 10

    private static func text(in object: JSONValue) -> String {
        object[path: "metadata", "annotations", annotation]?.stringValue ?? ""
    }

    static func isSet(in object: JSONValue) -> Bool { !text(in: object).isEmpty }

    /// Writes what was applied into the annotation, so that `kubectl apply` finds it; removes it if it is too long.
    static func set(in object: inout JSONValue, to applied: JSONValue) {
        var configuration = applied
        if var metadata = configuration["metadata"]?.objectValue {
            if var annotations = metadata["annotations"]?.objectValue {
                annotations.removeValue(forKey: annotation)
                metadata["annotations"] = .object(annotations)
            }
            configuration["metadata"] = .object(metadata)
        }
        let text = JSONWriter.text(of: sorted(configuration)) + "\n"
        var annotations = object[path: "metadata", "annotations"]?.objectValue ?? JSONObject()
        annotations[annotation] = .string(text)
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + ($1.value.stringValue?.utf8.count ?? 0) }
        if size > annotationsLimit { annotations.removeValue(forKey: annotation) }
        var metadata = object["metadata"]?.objectValue ?? JSONObject()
        metadata["annotations"] = .object(annotations)
        object["metadata"] = .object(metadata)
    }

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(JSONObject(object.sortedByKey().map { ($0.key, sorted($0.value)) }))
        case .array(let elements): .array(elements.map(sorted))
        default: value
        }
    }

    /// The fields that the annotation says were applied and that are as they were; nil where it says nothing usable.
    /// - Parameter live: in the version that `manager` is for.
    static func unchangedFields(of live: JSONValue, _ manager: FieldManager) -> FieldSet? {
        guard let applied = try? JSONParser.parse(text(in: live)),
            applied["apiVersion"]?.stringValue == manager.resource.apiVersion
        else { return nil }
        let type = manager.resource.mergeType
        guard type.problems(of: applied).isEmpty else { return nil }
        let comparison = Comparison(applied, live, type)
        return FieldSet(of: applied, type).subtracting(comparison.changed).subtracting(comparison.removed)
    }
}
