// Typed views of the kinds of storage/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct StorageClass: KubeObject {
    public static let type = ObjectType(
        apiVersion: "storage.k8s.io/v1", kind: "StorageClass", resource: "storageclasses", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allowVolumeExpansion: Bool? {
        get { self["allowVolumeExpansion"] }
        set { self["allowVolumeExpansion"] = newValue }
    }
    public var allowedTopologies: [TopologySelectorTerm] {
        get { self["allowedTopologies"] ?? [] }
        set { self["allowedTopologies"] = newValue.isEmpty ? nil : newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var mountOptions: [String] {
        get { self["mountOptions"] ?? [] }
        set { self["mountOptions"] = newValue.isEmpty ? nil : newValue }
    }
    public var parameters: [String: String] {
        get { self["parameters"] ?? [:] }
        set { self["parameters"] = newValue.isEmpty ? nil : newValue }
    }
    public var provisioner: String {
        get { self["provisioner"] ?? "" }
        set { self["provisioner"] = newValue }
    }
    public var reclaimPolicy: String? {
        get { self["reclaimPolicy"] }
        set { self["reclaimPolicy"] = newValue }
    }
    public var volumeBindingMode: String? {
        get { self["volumeBindingMode"] }
        set { self["volumeBindingMode"] = newValue }
    }
}
