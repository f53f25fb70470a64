// Views of device classes and of what drivers publish; only the scheduler looks at these kinds.
import JSON
import KubeTypes

struct DeviceClass: KubeObject {
    static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", resource: "deviceclasses", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}

struct ResourceSlice: KubeObject {
    static let type = ObjectType(
        apiVersion: "resource.k8s.io/v1", kind: "ResourceSlice", resource: "resourceslices", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}
