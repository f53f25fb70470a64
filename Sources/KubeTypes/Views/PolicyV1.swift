// Typed views of the kinds of policy/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct Eviction: KubeObject {
    public static let type = ObjectType(apiVersion: "policy/v1", kind: "Eviction", resource: "", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var deleteOptions: DeleteOptions? {
        get { self["deleteOptions"] }
        set { self["deleteOptions"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}

public struct PodDisruptionBudget: KubeObject {
    public static let type = ObjectType(
        apiVersion: "policy/v1", kind: "PodDisruptionBudget", resource: "poddisruptionbudgets", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PodDisruptionBudgetSpec {
        get { self["spec"] ?? PodDisruptionBudgetSpec() }
        set { self["spec"] = newValue }
    }
    public var status: PodDisruptionBudgetStatus {
        get { self["status"] ?? PodDisruptionBudgetStatus() }
        set { self["status"] = newValue }
    }
}

public struct PodDisruptionBudgetSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var maxUnavailable: IntOrString? {
        get { self["maxUnavailable"] }
        set { self["maxUnavailable"] = newValue }
    }
    public var minAvailable: IntOrString? {
        get { self["minAvailable"] }
        set { self["minAvailable"] = newValue }
    }
    public var selector: LabelSelector? {
        get { self["selector"] }
        set { self["selector"] = newValue }
    }
    public var unhealthyPodEvictionPolicy: String? {
        get { self["unhealthyPodEvictionPolicy"] }
        set { self["unhealthyPodEvictionPolicy"] = newValue }
    }
}

public struct PodDisruptionBudgetStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var conditions: [Condition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentHealthy: Int? {
        get { self["currentHealthy"] }
        set { self["currentHealthy"] = newValue }
    }
    public var desiredHealthy: Int? {
        get { self["desiredHealthy"] }
        set { self["desiredHealthy"] = newValue }
    }
    public var disruptedPods: [String: Time] {
        get { self["disruptedPods"] ?? [:] }
        set { self["disruptedPods"] = newValue.isEmpty ? nil : newValue }
    }
    public var disruptionsAllowed: Int? {
        get { self["disruptionsAllowed"] }
        set { self["disruptionsAllowed"] = newValue }
    }
    public var expectedPods: Int? {
        get { self["expectedPods"] }
        set { self["expectedPods"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
}
