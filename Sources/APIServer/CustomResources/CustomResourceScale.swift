// The scale subresource of custom resources, whose definition says where the numbers are.

import APISchema
import JSON
import KubeTypes

extension Registry {
    /// The Scale that an object shows.
    static func scale(of object: JSONValue, at paths: CustomResourceType.Scale) throws(APIError) -> JSONValue {
        func replicas(_ path: [String]) throws(APIError) -> Int64? {
            guard let value = CustomResourceType.value(at: path, in: object) else { return nil }
            guard let integer = value.integerValue else {
                throw .badRequest(
                    ".\(path.joined(separator: ".")) accessor error: \(JSONWriter.text(of: value)) is of the type "
                        + "\(GoText.type(of: value)), expected int64")
            }
            return integer
        }
        var status: JSONObject = ["replicas": .integer(try replicas(paths.statusReplicas) ?? 0)]
        if let path = paths.labelSelector,
            let selector = CustomResourceType.value(at: path, in: object)?.stringValue, !selector.isEmpty
        {
            status["selector"] = .string(selector)
        }
        var spec = JSONObject()
        if let wanted = try replicas(paths.specReplicas) { spec["replicas"] = .integer(wanted) }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": scaleMetadata(of: object),
            "spec": .object(spec), "status": .object(status),
        ]
    }

    /// Writes a number where the definition keeps it.
    static func setReplicas(
        _ replicas: Int64?, at paths: CustomResourceType.Scale, in object: inout JSONValue
    ) throws(APIError) {
        guard let replicas else {
            throw .badRequest("the spec replicas field \"\(paths.specReplicasPath)\" cannot be empty")
        }
        set(.integer(replicas), at: paths.specReplicas[...], in: &object)
    }

    /// Sets the value at the end of a path of field names; makes the objects on the way.
    private static func set(_ value: JSONValue, at path: ArraySlice<String>, in object: inout JSONValue) {
        guard let key = path.first else { return }
        if path.count == 1 {
            object[key] = value
        } else {
            var inner = object[key] ?? [:]
            set(value, at: path.dropFirst(), in: &inner)
            object[key] = inner
        }
    }
}
