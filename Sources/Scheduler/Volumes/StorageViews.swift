// Views of what CSI drivers say of themselves, of nodes and of their storage; only the scheduler looks at these kinds.
import JSON
import KubeTypes

struct CSINode: KubeObject {
    static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "CSINode", resource: "csinodes", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    /// By driver; those that do not say have no limit.
    var limits: [String: Int] {
        var limits: [String: Int] = [:]
        for driver in json[path: "spec", "drivers"]?.arrayValue ?? [] {
            guard let name = driver["name"]?.stringValue, let count = driver[path: "allocatable", "count"]?.intValue
            else { continue }
            limits[name] = Int(count)
        }
        return limits
    }
}

struct CSIDriver: KubeObject {
    static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", resource: "csidrivers", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    var tracksCapacity: Bool { json[path: "spec", "storageCapacity"]?.boolValue ?? false }
}

struct CSIStorageCapacity: KubeObject {
    static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "CSIStorageCapacity", resource: "csistoragecapacities",
        namespaced: true)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}
