// Typed views of the kinds of apps/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct ControllerRevision: KubeObject {
    public static let type = ObjectType(
        apiVersion: "apps/v1", kind: "ControllerRevision", resource: "controllerrevisions", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var data: JSONValue? {
        get { self["data"] }
        set { self["data"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var revision: Int {
        get { self["revision"] ?? 0 }
        set { self["revision"] = newValue }
    }
}

public struct DaemonSet: KubeObject {
    public static let type = ObjectType(
        apiVersion: "apps/v1", kind: "DaemonSet", resource: "daemonsets", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: DaemonSetSpec {
        get { self["spec"] ?? DaemonSetSpec() }
        set { self["spec"] = newValue }
    }
    public var status: DaemonSetStatus {
        get { self["status"] ?? DaemonSetStatus() }
        set { self["status"] = newValue }
    }
}

public struct DaemonSetCondition: JSONView {
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

public struct DaemonSetSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var minReadySeconds: Int? {
        get { self["minReadySeconds"] }
        set { self["minReadySeconds"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { self["revisionHistoryLimit"] }
        set { self["revisionHistoryLimit"] = newValue }
    }
    public var selector: LabelSelector {
        get { self["selector"] ?? LabelSelector() }
        set { self["selector"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { self["template"] ?? PodTemplateSpec() }
        set { self["template"] = newValue }
    }
    public var updateStrategy: DaemonSetUpdateStrategy? {
        get { self["updateStrategy"] }
        set { self["updateStrategy"] = newValue }
    }
}

public struct DaemonSetStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var collisionCount: Int? {
        get { self["collisionCount"] }
        set { self["collisionCount"] = newValue }
    }
    public var conditions: [DaemonSetCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentNumberScheduled: Int {
        get { self["currentNumberScheduled"] ?? 0 }
        set { self["currentNumberScheduled"] = newValue }
    }
    public var desiredNumberScheduled: Int {
        get { self["desiredNumberScheduled"] ?? 0 }
        set { self["desiredNumberScheduled"] = newValue }
    }
    public var numberAvailable: Int? {
        get { self["numberAvailable"] }
        set { self["numberAvailable"] = newValue }
    }
    public var numberMisscheduled: Int {
        get { self["numberMisscheduled"] ?? 0 }
        set { self["numberMisscheduled"] = newValue }
    }
    public var numberReady: Int {
        get { self["numberReady"] ?? 0 }
        set { self["numberReady"] = newValue }
    }
    public var numberUnavailable: Int? {
        get { self["numberUnavailable"] }
        set { self["numberUnavailable"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var updatedNumberScheduled: Int? {
        get { self["updatedNumberScheduled"] }
        set { self["updatedNumberScheduled"] = newValue }
    }
}

public struct DaemonSetUpdateStrategy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rollingUpdate: RollingUpdateDaemonSet? {
        get { self["rollingUpdate"] }
        set { self["rollingUpdate"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct Deployment: KubeObject {
    public static let type = ObjectType(
        apiVersion: "apps/v1", kind: "Deployment", resource: "deployments", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: DeploymentSpec {
        get { self["spec"] ?? DeploymentSpec() }
        set { self["spec"] = newValue }
    }
    public var status: DeploymentStatus {
        get { self["status"] ?? DeploymentStatus() }
        set { self["status"] = newValue }
    }
}

public struct DeploymentCondition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastTransitionTime: Time? {
        get { self["lastTransitionTime"] }
        set { self["lastTransitionTime"] = newValue }
    }
    public var lastUpdateTime: Time? {
        get { self["lastUpdateTime"] }
        set { self["lastUpdateTime"] = newValue }
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

public struct DeploymentSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var minReadySeconds: Int? {
        get { self["minReadySeconds"] }
        set { self["minReadySeconds"] = newValue }
    }
    public var paused: Bool? {
        get { self["paused"] }
        set { self["paused"] = newValue }
    }
    public var progressDeadlineSeconds: Int? {
        get { self["progressDeadlineSeconds"] }
        set { self["progressDeadlineSeconds"] = newValue }
    }
    public var replicas: Int? {
        get { self["replicas"] }
        set { self["replicas"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { self["revisionHistoryLimit"] }
        set { self["revisionHistoryLimit"] = newValue }
    }
    public var selector: LabelSelector {
        get { self["selector"] ?? LabelSelector() }
        set { self["selector"] = newValue }
    }
    public var strategy: DeploymentStrategy? {
        get { self["strategy"] }
        set { self["strategy"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { self["template"] ?? PodTemplateSpec() }
        set { self["template"] = newValue }
    }
}

public struct DeploymentStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var availableReplicas: Int? {
        get { self["availableReplicas"] }
        set { self["availableReplicas"] = newValue }
    }
    public var collisionCount: Int? {
        get { self["collisionCount"] }
        set { self["collisionCount"] = newValue }
    }
    public var conditions: [DeploymentCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var readyReplicas: Int? {
        get { self["readyReplicas"] }
        set { self["readyReplicas"] = newValue }
    }
    public var replicas: Int? {
        get { self["replicas"] }
        set { self["replicas"] = newValue }
    }
    public var terminatingReplicas: Int? {
        get { self["terminatingReplicas"] }
        set { self["terminatingReplicas"] = newValue }
    }
    public var unavailableReplicas: Int? {
        get { self["unavailableReplicas"] }
        set { self["unavailableReplicas"] = newValue }
    }
    public var updatedReplicas: Int? {
        get { self["updatedReplicas"] }
        set { self["updatedReplicas"] = newValue }
    }
}

public struct DeploymentStrategy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rollingUpdate: RollingUpdateDeployment? {
        get { self["rollingUpdate"] }
        set { self["rollingUpdate"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct ReplicaSet: KubeObject {
    public static let type = ObjectType(
        apiVersion: "apps/v1", kind: "ReplicaSet", resource: "replicasets", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: ReplicaSetSpec {
        get { self["spec"] ?? ReplicaSetSpec() }
        set { self["spec"] = newValue }
    }
    public var status: ReplicaSetStatus {
        get { self["status"] ?? ReplicaSetStatus() }
        set { self["status"] = newValue }
    }
}

public struct ReplicaSetCondition: JSONView {
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

public struct ReplicaSetSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var minReadySeconds: Int? {
        get { self["minReadySeconds"] }
        set { self["minReadySeconds"] = newValue }
    }
    public var replicas: Int? {
        get { self["replicas"] }
        set { self["replicas"] = newValue }
    }
    public var selector: LabelSelector {
        get { self["selector"] ?? LabelSelector() }
        set { self["selector"] = newValue }
    }
    public var template: PodTemplateSpec? {
        get { self["template"] }
        set { self["template"] = newValue }
    }
}

public struct ReplicaSetStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var availableReplicas: Int? {
        get { self["availableReplicas"] }
        set { self["availableReplicas"] = newValue }
    }
    public var conditions: [ReplicaSetCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var fullyLabeledReplicas: Int? {
        get { self["fullyLabeledReplicas"] }
        set { self["fullyLabeledReplicas"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var readyReplicas: Int? {
        get { self["readyReplicas"] }
        set { self["readyReplicas"] = newValue }
    }
    public var replicas: Int {
        get { self["replicas"] ?? 0 }
        set { self["replicas"] = newValue }
    }
    public var terminatingReplicas: Int? {
        get { self["terminatingReplicas"] }
        set { self["terminatingReplicas"] = newValue }
    }
}

public struct RollingUpdateDaemonSet: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var maxSurge: IntOrString? {
        get { self["maxSurge"] }
        set { self["maxSurge"] = newValue }
    }
    public var maxUnavailable: IntOrString? {
        get { self["maxUnavailable"] }
        set { self["maxUnavailable"] = newValue }
    }
}

public struct RollingUpdateDeployment: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var maxSurge: IntOrString? {
        get { self["maxSurge"] }
        set { self["maxSurge"] = newValue }
    }
    public var maxUnavailable: IntOrString? {
        get { self["maxUnavailable"] }
        set { self["maxUnavailable"] = newValue }
    }
}

public struct RollingUpdateStatefulSetStrategy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var maxUnavailable: IntOrString? {
        get { self["maxUnavailable"] }
        set { self["maxUnavailable"] = newValue }
    }
    public var partition: Int? {
        get { self["partition"] }
        set { self["partition"] = newValue }
    }
}

public struct StatefulSet: KubeObject {
    public static let type = ObjectType(
        apiVersion: "apps/v1", kind: "StatefulSet", resource: "statefulsets", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: StatefulSetSpec {
        get { self["spec"] ?? StatefulSetSpec() }
        set { self["spec"] = newValue }
    }
    public var status: StatefulSetStatus {
        get { self["status"] ?? StatefulSetStatus() }
        set { self["status"] = newValue }
    }
}

public struct StatefulSetCondition: JSONView {
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

public struct StatefulSetOrdinals: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var start: Int? {
        get { self["start"] }
        set { self["start"] = newValue }
    }
}

public struct StatefulSetPersistentVolumeClaimRetentionPolicy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var whenDeleted: String? {
        get { self["whenDeleted"] }
        set { self["whenDeleted"] = newValue }
    }
    public var whenScaled: String? {
        get { self["whenScaled"] }
        set { self["whenScaled"] = newValue }
    }
}

public struct StatefulSetSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var minReadySeconds: Int? {
        get { self["minReadySeconds"] }
        set { self["minReadySeconds"] = newValue }
    }
    public var ordinals: StatefulSetOrdinals? {
        get { self["ordinals"] }
        set { self["ordinals"] = newValue }
    }
    public var persistentVolumeClaimRetentionPolicy: StatefulSetPersistentVolumeClaimRetentionPolicy? {
        get { self["persistentVolumeClaimRetentionPolicy"] }
        set { self["persistentVolumeClaimRetentionPolicy"] = newValue }
    }
    public var podManagementPolicy: String? {
        get { self["podManagementPolicy"] }
        set { self["podManagementPolicy"] = newValue }
    }
    public var replicas: Int? {
        get { self["replicas"] }
        set { self["replicas"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { self["revisionHistoryLimit"] }
        set { self["revisionHistoryLimit"] = newValue }
    }
    public var selector: LabelSelector {
        get { self["selector"] ?? LabelSelector() }
        set { self["selector"] = newValue }
    }
    public var serviceName: String? {
        get { self["serviceName"] }
        set { self["serviceName"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { self["template"] ?? PodTemplateSpec() }
        set { self["template"] = newValue }
    }
    public var updateStrategy: StatefulSetUpdateStrategy? {
        get { self["updateStrategy"] }
        set { self["updateStrategy"] = newValue }
    }
    public var volumeClaimTemplates: [PersistentVolumeClaim] {
        get { self["volumeClaimTemplates"] ?? [] }
        set { self["volumeClaimTemplates"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct StatefulSetStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var availableReplicas: Int? {
        get { self["availableReplicas"] }
        set { self["availableReplicas"] = newValue }
    }
    public var collisionCount: Int? {
        get { self["collisionCount"] }
        set { self["collisionCount"] = newValue }
    }
    public var conditions: [StatefulSetCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentReplicas: Int? {
        get { self["currentReplicas"] }
        set { self["currentReplicas"] = newValue }
    }
    public var currentRevision: String? {
        get { self["currentRevision"] }
        set { self["currentRevision"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var readyReplicas: Int? {
        get { self["readyReplicas"] }
        set { self["readyReplicas"] = newValue }
    }
    public var replicas: Int {
        get { self["replicas"] ?? 0 }
        set { self["replicas"] = newValue }
    }
    public var updateRevision: String? {
        get { self["updateRevision"] }
        set { self["updateRevision"] = newValue }
    }
    public var updatedReplicas: Int? {
        get { self["updatedReplicas"] }
        set { self["updatedReplicas"] = newValue }
    }
}

public struct StatefulSetUpdateStrategy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rollingUpdate: RollingUpdateStatefulSetStrategy? {
        get { self["rollingUpdate"] }
        set { self["rollingUpdate"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}
