import JSON
import KubeTypes

/// The wish that a volume be attached to a node (storage.k8s.io/v1 VolumeAttachment), which a CSI driver's attacher
/// fulfils.
struct VolumeAttachment: KubeObject {
    static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "VolumeAttachment", resource: "volumeattachments", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    var attacher: String { json[path: "spec", "attacher"]?.stringValue ?? "" }
    var node: String { json[path: "spec", "nodeName"]?.stringValue ?? "" }
    var volume: String? { json[path: "spec", "source", "persistentVolumeName"]?.stringValue }
    var isAttached: Bool { json[path: "status", "attached"]?.boolValue ?? false }
    var attachError: String? { json[path: "status", "attachError", "message"]?.stringValue }

    init(name: String, attacher: String, volume: String, node: String) {
        self.init(name: name)
        json["spec"] = [
            "attacher": .string(attacher), "nodeName": .string(node),
            "source": ["persistentVolumeName": .string(volume)],
        ]
    }
}

/// What a CSI driver says of itself (storage.k8s.io/v1 CSIDriver).
struct CSIDriver: KubeObject {
    static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", resource: "csidrivers", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    var attachRequired: Bool { json[path: "spec", "attachRequired"]?.boolValue ?? true }
}
