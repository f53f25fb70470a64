import JSON
import KubeTypes

/// In which version each API server stores a resource (internal.apiserver.k8s.io/v1alpha1 StorageVersion), as its
/// controller reads it.
struct StorageVersion: KubeObject {
    static let type = ObjectType(
        apiVersion: "internal.apiserver.k8s.io/v1alpha1", kind: "StorageVersion", resource: "storageversions",
        namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    private var records: [JSONValue] { json[path: "status", "storageVersions"]?.arrayValue ?? [] }

    private static func server(_ record: JSONValue) -> String { record["apiServerID"]?.stringValue ?? "" }

    /// Whether a server that is not among those that live has left a record.
    func isStale(living: Set<String>) -> Bool { !records.allSatisfy { living.contains(Self.server($0)) } }

    /// The status without the records of servers that are gone; nil where nobody's is left.
    func status(living: Set<String>, now: Time) -> JSONValue? {
        let rest = records.filter { living.contains(Self.server($0)) }
        guard let first = rest.first else { return nil }
        var status = json["status"] ?? [:]
        status["storageVersions"] = .array(rest)
        let encoding = first["encodingVersion"]
        let isCommon = rest.allSatisfy { $0["encodingVersion"] == encoding }
        let changed = isCommon && status["commonEncodingVersion"] != encoding
        status["commonEncodingVersion"] = isCommon ? encoding : Optional.none

        let type = "AllEncodingVersionsEqual"
        let former = (status["conditions"]?.arrayValue ?? []).first { $0["type"]?.stringValue == type }
        let value = isCommon ? "True" : "False"
        var condition: JSONValue = [
            "type": .string(type), "status": .string(value),
            "reason": isCommon ? "CommonEncodingVersionSet" : "CommonEncodingVersionUnset",
            "message": isCommon ? "Common encoding version set" : "Common encoding version unset",
        ]
        condition["observedGeneration"] = json[path: "metadata", "generation"]
        let stays = former?["status"]?.stringValue == value && !changed
        condition["lastTransitionTime"] = (stays ? former?["lastTransitionTime"] : nil) ?? now.field
        status.putCondition(condition)
        return status
    }
}

extension JSONValue {
    /// Puts a condition behind the others of a status, in the place of the one of its type.
    mutating func putCondition(_ condition: JSONValue) {
        let others = (self["conditions"]?.arrayValue ?? []).filter { $0["type"] != condition["type"] }
        self["conditions"] = .array(others + [condition])
    }
}
