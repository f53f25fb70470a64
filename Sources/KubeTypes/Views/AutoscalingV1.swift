// Typed views of the kinds of autoscaling/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct Scale: KubeObject {
    public static let type = ObjectType(apiVersion: "autoscaling/v1", kind: "Scale", resource: "", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: ScaleSpec {
        get { self["spec"] ?? ScaleSpec() }
        set { self["spec"] = newValue }
    }
    public var status: ScaleStatus {
        get { self["status"] ?? ScaleStatus() }
        set { self["status"] = newValue }
    }
}

public struct ScaleSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var replicas: Int? {
        get { self["replicas"] }
        set { self["replicas"] = newValue }
    }
}

public struct ScaleStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var replicas: Int {
        get { self["replicas"] ?? 0 }
        set { self["replicas"] = newValue }
    }
    public var selector: String? {
        get { self["selector"] }
        set { self["selector"] = newValue }
    }
}
