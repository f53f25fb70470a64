// Typed views of the kinds of autoscaling/v2. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct ContainerResourceMetricSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var container: String {
        get { self["container"] ?? "" }
        set { self["container"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var target: MetricTarget? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct ContainerResourceMetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var container: String {
        get { self["container"] ?? "" }
        set { self["container"] = newValue }
    }
    public var current: MetricValueStatus? {
        get { self["current"] }
        set { self["current"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct CrossVersionObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var kind: String {
        get { self["kind"] ?? "" }
        set { self["kind"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct ExternalMetricSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
    public var target: MetricTarget? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct ExternalMetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var current: MetricValueStatus? {
        get { self["current"] }
        set { self["current"] = newValue }
    }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
}

public struct HPAScalingPolicy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var periodSeconds: Int {
        get { self["periodSeconds"] ?? 0 }
        set { self["periodSeconds"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
    public var value: Int {
        get { self["value"] ?? 0 }
        set { self["value"] = newValue }
    }
}

public struct HPAScalingRules: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var policies: [HPAScalingPolicy] {
        get { self["policies"] ?? [] }
        set { self["policies"] = newValue.isEmpty ? nil : newValue }
    }
    public var selectPolicy: String? {
        get { self["selectPolicy"] }
        set { self["selectPolicy"] = newValue }
    }
    public var stabilizationWindowSeconds: Int? {
        get { self["stabilizationWindowSeconds"] }
        set { self["stabilizationWindowSeconds"] = newValue }
    }
    public var tolerance: Quantity? {
        get { self["tolerance"] }
        set { self["tolerance"] = newValue }
    }
}

public struct HorizontalPodAutoscaler: KubeObject {
    public static let type = ObjectType(
        apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", resource: "horizontalpodautoscalers",
        namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: HorizontalPodAutoscalerSpec {
        get { self["spec"] ?? HorizontalPodAutoscalerSpec() }
        set { self["spec"] = newValue }
    }
    public var status: HorizontalPodAutoscalerStatus {
        get { self["status"] ?? HorizontalPodAutoscalerStatus() }
        set { self["status"] = newValue }
    }
}

public struct HorizontalPodAutoscalerBehavior: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var scaleDown: HPAScalingRules? {
        get { self["scaleDown"] }
        set { self["scaleDown"] = newValue }
    }
    public var scaleUp: HPAScalingRules? {
        get { self["scaleUp"] }
        set { self["scaleUp"] = newValue }
    }
}

public struct HorizontalPodAutoscalerCondition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastTransitionTime: Time? {
        get { self["lastTransitionTime"] }
        set { self["lastTransitionTime"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
    public var status: String {
        get { self["status"] ?? "" }
        set { self["status"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct HorizontalPodAutoscalerSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var behavior: HorizontalPodAutoscalerBehavior? {
        get { self["behavior"] }
        set { self["behavior"] = newValue }
    }
    public var maxReplicas: Int {
        get { self["maxReplicas"] ?? 0 }
        set { self["maxReplicas"] = newValue }
    }
    public var metrics: [MetricSpec] {
        get { self["metrics"] ?? [] }
        set { self["metrics"] = newValue.isEmpty ? nil : newValue }
    }
    public var minReplicas: Int? {
        get { self["minReplicas"] }
        set { self["minReplicas"] = newValue }
    }
    public var scaleTargetRef: CrossVersionObjectReference? {
        get { self["scaleTargetRef"] }
        set { self["scaleTargetRef"] = newValue }
    }
}

public struct HorizontalPodAutoscalerStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var conditions: [HorizontalPodAutoscalerCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentMetrics: [MetricStatus] {
        get { self["currentMetrics"] ?? [] }
        set { self["currentMetrics"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentReplicas: Int? {
        get { self["currentReplicas"] }
        set { self["currentReplicas"] = newValue }
    }
    public var desiredReplicas: Int {
        get { self["desiredReplicas"] ?? 0 }
        set { self["desiredReplicas"] = newValue }
    }
    public var lastScaleTime: Time? {
        get { self["lastScaleTime"] }
        set { self["lastScaleTime"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
}

public struct MetricIdentifier: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var selector: LabelSelector? {
        get { self["selector"] }
        set { self["selector"] = newValue }
    }
}

public struct MetricSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerResource: ContainerResourceMetricSource? {
        get { self["containerResource"] }
        set { self["containerResource"] = newValue }
    }
    public var external: ExternalMetricSource? {
        get { self["external"] }
        set { self["external"] = newValue }
    }
    public var object: ObjectMetricSource? {
        get { self["object"] }
        set { self["object"] = newValue }
    }
    public var pods: PodsMetricSource? {
        get { self["pods"] }
        set { self["pods"] = newValue }
    }
    public var resource: ResourceMetricSource? {
        get { self["resource"] }
        set { self["resource"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct MetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerResource: ContainerResourceMetricStatus? {
        get { self["containerResource"] }
        set { self["containerResource"] = newValue }
    }
    public var external: ExternalMetricStatus? {
        get { self["external"] }
        set { self["external"] = newValue }
    }
    public var object: ObjectMetricStatus? {
        get { self["object"] }
        set { self["object"] = newValue }
    }
    public var pods: PodsMetricStatus? {
        get { self["pods"] }
        set { self["pods"] = newValue }
    }
    public var resource: ResourceMetricStatus? {
        get { self["resource"] }
        set { self["resource"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct MetricTarget: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var averageUtilization: Int? {
        get { self["averageUtilization"] }
        set { self["averageUtilization"] = newValue }
    }
    public var averageValue: Quantity? {
        get { self["averageValue"] }
        set { self["averageValue"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
    public var value: Quantity? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}

public struct MetricValueStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var averageUtilization: Int? {
        get { self["averageUtilization"] }
        set { self["averageUtilization"] = newValue }
    }
    public var averageValue: Quantity? {
        get { self["averageValue"] }
        set { self["averageValue"] = newValue }
    }
    public var value: Quantity? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}

public struct ObjectMetricSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var describedObject: CrossVersionObjectReference? {
        get { self["describedObject"] }
        set { self["describedObject"] = newValue }
    }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
    public var target: MetricTarget? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct ObjectMetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var current: MetricValueStatus? {
        get { self["current"] }
        set { self["current"] = newValue }
    }
    public var describedObject: CrossVersionObjectReference? {
        get { self["describedObject"] }
        set { self["describedObject"] = newValue }
    }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
}

public struct PodsMetricSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
    public var target: MetricTarget? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct PodsMetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var current: MetricValueStatus? {
        get { self["current"] }
        set { self["current"] = newValue }
    }
    public var metric: MetricIdentifier? {
        get { self["metric"] }
        set { self["metric"] = newValue }
    }
}

public struct ResourceMetricSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var target: MetricTarget? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct ResourceMetricStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var current: MetricValueStatus? {
        get { self["current"] }
        set { self["current"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}
