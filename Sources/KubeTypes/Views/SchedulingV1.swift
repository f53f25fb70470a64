// Typed views of the kinds of scheduling/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct PriorityClass: KubeObject {
    public static let type = ObjectType(
        apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", resource: "priorityclasses", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var description: String? {
        get { self["description"] }
        set { self["description"] = newValue }
    }
    public var globalDefault: Bool? {
        get { self["globalDefault"] }
        set { self["globalDefault"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var preemptionPolicy: String? {
        get { self["preemptionPolicy"] }
        set { self["preemptionPolicy"] = newValue }
    }
    public var value: Int? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}
