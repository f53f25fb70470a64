// Typed views of the kinds of core/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct AWSElasticBlockStoreVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var partition: Int? {
        get { self["partition"] }
        set { self["partition"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var volumeID: String {
        get { self["volumeID"] ?? "" }
        set { self["volumeID"] = newValue }
    }
}

public struct Affinity: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var nodeAffinity: NodeAffinity? {
        get { self["nodeAffinity"] }
        set { self["nodeAffinity"] = newValue }
    }
    public var podAffinity: PodAffinity? {
        get { self["podAffinity"] }
        set { self["podAffinity"] = newValue }
    }
    public var podAntiAffinity: PodAntiAffinity? {
        get { self["podAntiAffinity"] }
        set { self["podAntiAffinity"] = newValue }
    }
}

public struct AppArmorProfile: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var localhostProfile: String? {
        get { self["localhostProfile"] }
        set { self["localhostProfile"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct AttachedVolume: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var devicePath: String {
        get { self["devicePath"] ?? "" }
        set { self["devicePath"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct AzureDiskVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var cachingMode: String? {
        get { self["cachingMode"] }
        set { self["cachingMode"] = newValue }
    }
    public var diskName: String {
        get { self["diskName"] ?? "" }
        set { self["diskName"] = newValue }
    }
    public var diskURI: String {
        get { self["diskURI"] ?? "" }
        set { self["diskURI"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
}

public struct AzureFilePersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretName: String {
        get { self["secretName"] ?? "" }
        set { self["secretName"] = newValue }
    }
    public var secretNamespace: String? {
        get { self["secretNamespace"] }
        set { self["secretNamespace"] = newValue }
    }
    public var shareName: String {
        get { self["shareName"] ?? "" }
        set { self["shareName"] = newValue }
    }
}

public struct AzureFileVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretName: String {
        get { self["secretName"] ?? "" }
        set { self["secretName"] = newValue }
    }
    public var shareName: String {
        get { self["shareName"] ?? "" }
        set { self["shareName"] = newValue }
    }
}

public struct Binding: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Binding", resource: "", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var target: ObjectReference? {
        get { self["target"] }
        set { self["target"] = newValue }
    }
}

public struct CSIPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var controllerExpandSecretRef: SecretReference? {
        get { self["controllerExpandSecretRef"] }
        set { self["controllerExpandSecretRef"] = newValue }
    }
    public var controllerPublishSecretRef: SecretReference? {
        get { self["controllerPublishSecretRef"] }
        set { self["controllerPublishSecretRef"] = newValue }
    }
    public var driver: String {
        get { self["driver"] ?? "" }
        set { self["driver"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var nodeExpandSecretRef: SecretReference? {
        get { self["nodeExpandSecretRef"] }
        set { self["nodeExpandSecretRef"] = newValue }
    }
    public var nodePublishSecretRef: SecretReference? {
        get { self["nodePublishSecretRef"] }
        set { self["nodePublishSecretRef"] = newValue }
    }
    public var nodeStageSecretRef: SecretReference? {
        get { self["nodeStageSecretRef"] }
        set { self["nodeStageSecretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var volumeAttributes: [String: String] {
        get { self["volumeAttributes"] ?? [:] }
        set { self["volumeAttributes"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumeHandle: String {
        get { self["volumeHandle"] ?? "" }
        set { self["volumeHandle"] = newValue }
    }
}

public struct CSIVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var driver: String {
        get { self["driver"] ?? "" }
        set { self["driver"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var nodePublishSecretRef: LocalObjectReference? {
        get { self["nodePublishSecretRef"] }
        set { self["nodePublishSecretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var volumeAttributes: [String: String] {
        get { self["volumeAttributes"] ?? [:] }
        set { self["volumeAttributes"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct Capabilities: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var add: [String] {
        get { self["add"] ?? [] }
        set { self["add"] = newValue.isEmpty ? nil : newValue }
    }
    public var drop: [String] {
        get { self["drop"] ?? [] }
        set { self["drop"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct CephFSPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var monitors: [String] {
        get { self["monitors"] ?? [] }
        set { self["monitors"] = newValue.isEmpty ? nil : newValue }
    }
    public var path: String? {
        get { self["path"] }
        set { self["path"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretFile: String? {
        get { self["secretFile"] }
        set { self["secretFile"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct CephFSVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var monitors: [String] {
        get { self["monitors"] ?? [] }
        set { self["monitors"] = newValue.isEmpty ? nil : newValue }
    }
    public var path: String? {
        get { self["path"] }
        set { self["path"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretFile: String? {
        get { self["secretFile"] }
        set { self["secretFile"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct CinderPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var volumeID: String {
        get { self["volumeID"] ?? "" }
        set { self["volumeID"] = newValue }
    }
}

public struct CinderVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var volumeID: String {
        get { self["volumeID"] ?? "" }
        set { self["volumeID"] = newValue }
    }
}

public struct ClientIPConfig: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var timeoutSeconds: Int? {
        get { self["timeoutSeconds"] }
        set { self["timeoutSeconds"] = newValue }
    }
}

public struct ClusterTrustBundleProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var labelSelector: LabelSelector? {
        get { self["labelSelector"] }
        set { self["labelSelector"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var signerName: String? {
        get { self["signerName"] }
        set { self["signerName"] = newValue }
    }
}

public struct ConfigMap: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var binaryData: [String: String] {
        get { self["binaryData"] ?? [:] }
        set { self["binaryData"] = newValue.isEmpty ? nil : newValue }
    }
    public var data: [String: String] {
        get { self["data"] ?? [:] }
        set { self["data"] = newValue.isEmpty ? nil : newValue }
    }
    public var immutable: Bool? {
        get { self["immutable"] }
        set { self["immutable"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
}

public struct ConfigMapEnvSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct ConfigMapKeySelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct ConfigMapNodeConfigSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var kubeletConfigKey: String {
        get { self["kubeletConfigKey"] ?? "" }
        set { self["kubeletConfigKey"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var namespace: String {
        get { self["namespace"] ?? "" }
        set { self["namespace"] = newValue }
    }
    public var resourceVersion: String? {
        get { self["resourceVersion"] }
        set { self["resourceVersion"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}

public struct ConfigMapProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var items: [KeyToPath] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct ConfigMapVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var defaultMode: Int? {
        get { self["defaultMode"] }
        set { self["defaultMode"] = newValue }
    }
    public var items: [KeyToPath] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct Container: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var args: [String] {
        get { self["args"] ?? [] }
        set { self["args"] = newValue.isEmpty ? nil : newValue }
    }
    public var command: [String] {
        get { self["command"] ?? [] }
        set { self["command"] = newValue.isEmpty ? nil : newValue }
    }
    public var env: [EnvVar] {
        get { self["env"] ?? [] }
        set { self["env"] = newValue.isEmpty ? nil : newValue }
    }
    public var envFrom: [EnvFromSource] {
        get { self["envFrom"] ?? [] }
        set { self["envFrom"] = newValue.isEmpty ? nil : newValue }
    }
    public var image: String? {
        get { self["image"] }
        set { self["image"] = newValue }
    }
    public var imagePullPolicy: String? {
        get { self["imagePullPolicy"] }
        set { self["imagePullPolicy"] = newValue }
    }
    public var lifecycle: Lifecycle? {
        get { self["lifecycle"] }
        set { self["lifecycle"] = newValue }
    }
    public var livenessProbe: Probe? {
        get { self["livenessProbe"] }
        set { self["livenessProbe"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var ports: [ContainerPort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
    public var readinessProbe: Probe? {
        get { self["readinessProbe"] }
        set { self["readinessProbe"] = newValue }
    }
    public var resizePolicy: [ContainerResizePolicy] {
        get { self["resizePolicy"] ?? [] }
        set { self["resizePolicy"] = newValue.isEmpty ? nil : newValue }
    }
    public var resources: ResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var restartPolicy: String? {
        get { self["restartPolicy"] }
        set { self["restartPolicy"] = newValue }
    }
    public var restartPolicyRules: [ContainerRestartRule] {
        get { self["restartPolicyRules"] ?? [] }
        set { self["restartPolicyRules"] = newValue.isEmpty ? nil : newValue }
    }
    public var securityContext: SecurityContext? {
        get { self["securityContext"] }
        set { self["securityContext"] = newValue }
    }
    public var startupProbe: Probe? {
        get { self["startupProbe"] }
        set { self["startupProbe"] = newValue }
    }
    public var stdin: Bool? {
        get { self["stdin"] }
        set { self["stdin"] = newValue }
    }
    public var stdinOnce: Bool? {
        get { self["stdinOnce"] }
        set { self["stdinOnce"] = newValue }
    }
    public var terminationMessagePath: String? {
        get { self["terminationMessagePath"] }
        set { self["terminationMessagePath"] = newValue }
    }
    public var terminationMessagePolicy: String? {
        get { self["terminationMessagePolicy"] }
        set { self["terminationMessagePolicy"] = newValue }
    }
    public var tty: Bool? {
        get { self["tty"] }
        set { self["tty"] = newValue }
    }
    public var volumeDevices: [VolumeDevice] {
        get { self["volumeDevices"] ?? [] }
        set { self["volumeDevices"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumeMounts: [VolumeMount] {
        get { self["volumeMounts"] ?? [] }
        set { self["volumeMounts"] = newValue.isEmpty ? nil : newValue }
    }
    public var workingDir: String? {
        get { self["workingDir"] }
        set { self["workingDir"] = newValue }
    }
}

public struct ContainerExtendedResourceRequest: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerName: String {
        get { self["containerName"] ?? "" }
        set { self["containerName"] = newValue }
    }
    public var requestName: String {
        get { self["requestName"] ?? "" }
        set { self["requestName"] = newValue }
    }
    public var resourceName: String {
        get { self["resourceName"] ?? "" }
        set { self["resourceName"] = newValue }
    }
}

public struct ContainerImage: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var names: [String] {
        get { self["names"] ?? [] }
        set { self["names"] = newValue.isEmpty ? nil : newValue }
    }
    public var sizeBytes: Int? {
        get { self["sizeBytes"] }
        set { self["sizeBytes"] = newValue }
    }
}

public struct ContainerPort: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerPort: Int {
        get { self["containerPort"] ?? 0 }
        set { self["containerPort"] = newValue }
    }
    public var hostIP: String? {
        get { self["hostIP"] }
        set { self["hostIP"] = newValue }
    }
    public var hostPort: Int? {
        get { self["hostPort"] }
        set { self["hostPort"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var `protocol`: String? {
        get { self["protocol"] }
        set { self["protocol"] = newValue }
    }
}

public struct ContainerResizePolicy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var resourceName: String {
        get { self["resourceName"] ?? "" }
        set { self["resourceName"] = newValue }
    }
    public var restartPolicy: String {
        get { self["restartPolicy"] ?? "" }
        set { self["restartPolicy"] = newValue }
    }
}

public struct ContainerRestartRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var action: String {
        get { self["action"] ?? "" }
        set { self["action"] = newValue }
    }
    public var exitCodes: ContainerRestartRuleOnExitCodes? {
        get { self["exitCodes"] }
        set { self["exitCodes"] = newValue }
    }
}

public struct ContainerRestartRuleOnExitCodes: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var `operator`: String {
        get { self["operator"] ?? "" }
        set { self["operator"] = newValue }
    }
    public var values: [Int] {
        get { self["values"] ?? [] }
        set { self["values"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ContainerState: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var running: ContainerStateRunning? {
        get { self["running"] }
        set { self["running"] = newValue }
    }
    public var terminated: ContainerStateTerminated? {
        get { self["terminated"] }
        set { self["terminated"] = newValue }
    }
    public var waiting: ContainerStateWaiting? {
        get { self["waiting"] }
        set { self["waiting"] = newValue }
    }
}

public struct ContainerStateRunning: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var startedAt: Time? {
        get { self["startedAt"] }
        set { self["startedAt"] = newValue }
    }
}

public struct ContainerStateTerminated: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerID: String? {
        get { self["containerID"] }
        set { self["containerID"] = newValue }
    }
    public var exitCode: Int {
        get { self["exitCode"] ?? 0 }
        set { self["exitCode"] = newValue }
    }
    public var finishedAt: Time? {
        get { self["finishedAt"] }
        set { self["finishedAt"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
    public var signal: Int? {
        get { self["signal"] }
        set { self["signal"] = newValue }
    }
    public var startedAt: Time? {
        get { self["startedAt"] }
        set { self["startedAt"] = newValue }
    }
}

public struct ContainerStateWaiting: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
}

public struct ContainerStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allocatedResources: [String: Quantity] {
        get { self["allocatedResources"] ?? [:] }
        set { self["allocatedResources"] = newValue.isEmpty ? nil : newValue }
    }
    public var allocatedResourcesStatus: [ResourceStatus] {
        get { self["allocatedResourcesStatus"] ?? [] }
        set { self["allocatedResourcesStatus"] = newValue.isEmpty ? nil : newValue }
    }
    public var containerID: String? {
        get { self["containerID"] }
        set { self["containerID"] = newValue }
    }
    public var image: String {
        get { self["image"] ?? "" }
        set { self["image"] = newValue }
    }
    public var imageID: String {
        get { self["imageID"] ?? "" }
        set { self["imageID"] = newValue }
    }
    public var lastState: ContainerState? {
        get { self["lastState"] }
        set { self["lastState"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var ready: Bool {
        get { self["ready"] ?? false }
        set { self["ready"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var restartCount: Int {
        get { self["restartCount"] ?? 0 }
        set { self["restartCount"] = newValue }
    }
    public var started: Bool? {
        get { self["started"] }
        set { self["started"] = newValue }
    }
    public var state: ContainerState? {
        get { self["state"] }
        set { self["state"] = newValue }
    }
    public var stopSignal: String? {
        get { self["stopSignal"] }
        set { self["stopSignal"] = newValue }
    }
    public var user: ContainerUser? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
    public var volumeMounts: [VolumeMountStatus] {
        get { self["volumeMounts"] ?? [] }
        set { self["volumeMounts"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ContainerUser: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var linux: LinuxContainerUser? {
        get { self["linux"] }
        set { self["linux"] = newValue }
    }
}

public struct DaemonEndpoint: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var Port: Int {
        get { self["Port"] ?? 0 }
        set { self["Port"] = newValue }
    }
}

public struct DownwardAPIProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var items: [DownwardAPIVolumeFile] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct DownwardAPIVolumeFile: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fieldRef: ObjectFieldSelector? {
        get { self["fieldRef"] }
        set { self["fieldRef"] = newValue }
    }
    public var mode: Int? {
        get { self["mode"] }
        set { self["mode"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var resourceFieldRef: ResourceFieldSelector? {
        get { self["resourceFieldRef"] }
        set { self["resourceFieldRef"] = newValue }
    }
}

public struct DownwardAPIVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var defaultMode: Int? {
        get { self["defaultMode"] }
        set { self["defaultMode"] = newValue }
    }
    public var items: [DownwardAPIVolumeFile] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct EmptyDirVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var medium: String? {
        get { self["medium"] }
        set { self["medium"] = newValue }
    }
    public var sizeLimit: Quantity? {
        get { self["sizeLimit"] }
        set { self["sizeLimit"] = newValue }
    }
}

public struct EndpointAddress: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hostname: String? {
        get { self["hostname"] }
        set { self["hostname"] = newValue }
    }
    public var ip: String {
        get { self["ip"] ?? "" }
        set { self["ip"] = newValue }
    }
    public var nodeName: String? {
        get { self["nodeName"] }
        set { self["nodeName"] = newValue }
    }
    public var targetRef: ObjectReference? {
        get { self["targetRef"] }
        set { self["targetRef"] = newValue }
    }
}

public struct EndpointPort: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var appProtocol: String? {
        get { self["appProtocol"] }
        set { self["appProtocol"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var port: Int {
        get { self["port"] ?? 0 }
        set { self["port"] = newValue }
    }
    public var `protocol`: String? {
        get { self["protocol"] }
        set { self["protocol"] = newValue }
    }
}

public struct EndpointSubset: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var addresses: [EndpointAddress] {
        get { self["addresses"] ?? [] }
        set { self["addresses"] = newValue.isEmpty ? nil : newValue }
    }
    public var notReadyAddresses: [EndpointAddress] {
        get { self["notReadyAddresses"] ?? [] }
        set { self["notReadyAddresses"] = newValue.isEmpty ? nil : newValue }
    }
    public var ports: [EndpointPort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct Endpoints: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Endpoints", resource: "endpoints", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var subsets: [EndpointSubset] {
        get { self["subsets"] ?? [] }
        set { self["subsets"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct EnvFromSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var configMapRef: ConfigMapEnvSource? {
        get { self["configMapRef"] }
        set { self["configMapRef"] = newValue }
    }
    public var prefix: String? {
        get { self["prefix"] }
        set { self["prefix"] = newValue }
    }
    public var secretRef: SecretEnvSource? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
}

public struct EnvVar: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var value: String? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
    public var valueFrom: EnvVarSource? {
        get { self["valueFrom"] }
        set { self["valueFrom"] = newValue }
    }
}

public struct EnvVarSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var configMapKeyRef: ConfigMapKeySelector? {
        get { self["configMapKeyRef"] }
        set { self["configMapKeyRef"] = newValue }
    }
    public var fieldRef: ObjectFieldSelector? {
        get { self["fieldRef"] }
        set { self["fieldRef"] = newValue }
    }
    public var fileKeyRef: FileKeySelector? {
        get { self["fileKeyRef"] }
        set { self["fileKeyRef"] = newValue }
    }
    public var resourceFieldRef: ResourceFieldSelector? {
        get { self["resourceFieldRef"] }
        set { self["resourceFieldRef"] = newValue }
    }
    public var secretKeyRef: SecretKeySelector? {
        get { self["secretKeyRef"] }
        set { self["secretKeyRef"] = newValue }
    }
}

public struct EphemeralContainer: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var args: [String] {
        get { self["args"] ?? [] }
        set { self["args"] = newValue.isEmpty ? nil : newValue }
    }
    public var command: [String] {
        get { self["command"] ?? [] }
        set { self["command"] = newValue.isEmpty ? nil : newValue }
    }
    public var env: [EnvVar] {
        get { self["env"] ?? [] }
        set { self["env"] = newValue.isEmpty ? nil : newValue }
    }
    public var envFrom: [EnvFromSource] {
        get { self["envFrom"] ?? [] }
        set { self["envFrom"] = newValue.isEmpty ? nil : newValue }
    }
    public var image: String? {
        get { self["image"] }
        set { self["image"] = newValue }
    }
    public var imagePullPolicy: String? {
        get { self["imagePullPolicy"] }
        set { self["imagePullPolicy"] = newValue }
    }
    public var lifecycle: Lifecycle? {
        get { self["lifecycle"] }
        set { self["lifecycle"] = newValue }
    }
    public var livenessProbe: Probe? {
        get { self["livenessProbe"] }
        set { self["livenessProbe"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var ports: [ContainerPort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
    public var readinessProbe: Probe? {
        get { self["readinessProbe"] }
        set { self["readinessProbe"] = newValue }
    }
    public var resizePolicy: [ContainerResizePolicy] {
        get { self["resizePolicy"] ?? [] }
        set { self["resizePolicy"] = newValue.isEmpty ? nil : newValue }
    }
    public var resources: ResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var restartPolicy: String? {
        get { self["restartPolicy"] }
        set { self["restartPolicy"] = newValue }
    }
    public var restartPolicyRules: [ContainerRestartRule] {
        get { self["restartPolicyRules"] ?? [] }
        set { self["restartPolicyRules"] = newValue.isEmpty ? nil : newValue }
    }
    public var securityContext: SecurityContext? {
        get { self["securityContext"] }
        set { self["securityContext"] = newValue }
    }
    public var startupProbe: Probe? {
        get { self["startupProbe"] }
        set { self["startupProbe"] = newValue }
    }
    public var stdin: Bool? {
        get { self["stdin"] }
        set { self["stdin"] = newValue }
    }
    public var stdinOnce: Bool? {
        get { self["stdinOnce"] }
        set { self["stdinOnce"] = newValue }
    }
    public var targetContainerName: String? {
        get { self["targetContainerName"] }
        set { self["targetContainerName"] = newValue }
    }
    public var terminationMessagePath: String? {
        get { self["terminationMessagePath"] }
        set { self["terminationMessagePath"] = newValue }
    }
    public var terminationMessagePolicy: String? {
        get { self["terminationMessagePolicy"] }
        set { self["terminationMessagePolicy"] = newValue }
    }
    public var tty: Bool? {
        get { self["tty"] }
        set { self["tty"] = newValue }
    }
    public var volumeDevices: [VolumeDevice] {
        get { self["volumeDevices"] ?? [] }
        set { self["volumeDevices"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumeMounts: [VolumeMount] {
        get { self["volumeMounts"] ?? [] }
        set { self["volumeMounts"] = newValue.isEmpty ? nil : newValue }
    }
    public var workingDir: String? {
        get { self["workingDir"] }
        set { self["workingDir"] = newValue }
    }
}

public struct EphemeralVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var volumeClaimTemplate: PersistentVolumeClaimTemplate? {
        get { self["volumeClaimTemplate"] }
        set { self["volumeClaimTemplate"] = newValue }
    }
}

public struct Event: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Event", resource: "events", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var action: String? {
        get { self["action"] }
        set { self["action"] = newValue }
    }
    public var count: Int? {
        get { self["count"] }
        set { self["count"] = newValue }
    }
    public var eventTime: MicroTime? {
        get { self["eventTime"] }
        set { self["eventTime"] = newValue }
    }
    public var firstTimestamp: Time? {
        get { self["firstTimestamp"] }
        set { self["firstTimestamp"] = newValue }
    }
    public var involvedObject: ObjectReference? {
        get { self["involvedObject"] }
        set { self["involvedObject"] = newValue }
    }
    public var lastTimestamp: Time? {
        get { self["lastTimestamp"] }
        set { self["lastTimestamp"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
    public var related: ObjectReference? {
        get { self["related"] }
        set { self["related"] = newValue }
    }
    public var reportingComponent: String? {
        get { self["reportingComponent"] }
        set { self["reportingComponent"] = newValue }
    }
    public var reportingInstance: String? {
        get { self["reportingInstance"] }
        set { self["reportingInstance"] = newValue }
    }
    public var series: EventSeries? {
        get { self["series"] }
        set { self["series"] = newValue }
    }
    public var source: EventSource? {
        get { self["source"] }
        set { self["source"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct EventSeries: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var count: Int? {
        get { self["count"] }
        set { self["count"] = newValue }
    }
    public var lastObservedTime: MicroTime? {
        get { self["lastObservedTime"] }
        set { self["lastObservedTime"] = newValue }
    }
}

public struct EventSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var component: String? {
        get { self["component"] }
        set { self["component"] = newValue }
    }
    public var host: String? {
        get { self["host"] }
        set { self["host"] = newValue }
    }
}

public struct ExecAction: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var command: [String] {
        get { self["command"] ?? [] }
        set { self["command"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct FCVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var lun: Int? {
        get { self["lun"] }
        set { self["lun"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var targetWWNs: [String] {
        get { self["targetWWNs"] ?? [] }
        set { self["targetWWNs"] = newValue.isEmpty ? nil : newValue }
    }
    public var wwids: [String] {
        get { self["wwids"] ?? [] }
        set { self["wwids"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct FileKeySelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var volumeName: String {
        get { self["volumeName"] ?? "" }
        set { self["volumeName"] = newValue }
    }
}

public struct FlexPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var driver: String {
        get { self["driver"] ?? "" }
        set { self["driver"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var options: [String: String] {
        get { self["options"] ?? [:] }
        set { self["options"] = newValue.isEmpty ? nil : newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
}

public struct FlexVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var driver: String {
        get { self["driver"] ?? "" }
        set { self["driver"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var options: [String: String] {
        get { self["options"] ?? [:] }
        set { self["options"] = newValue.isEmpty ? nil : newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
}

public struct FlockerVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var datasetName: String? {
        get { self["datasetName"] }
        set { self["datasetName"] = newValue }
    }
    public var datasetUUID: String? {
        get { self["datasetUUID"] }
        set { self["datasetUUID"] = newValue }
    }
}

public struct GCEPersistentDiskVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var partition: Int? {
        get { self["partition"] }
        set { self["partition"] = newValue }
    }
    public var pdName: String {
        get { self["pdName"] ?? "" }
        set { self["pdName"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
}

public struct GRPCAction: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var port: Int {
        get { self["port"] ?? 0 }
        set { self["port"] = newValue }
    }
    public var service: String? {
        get { self["service"] }
        set { self["service"] = newValue }
    }
}

public struct GitRepoVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var directory: String? {
        get { self["directory"] }
        set { self["directory"] = newValue }
    }
    public var repository: String {
        get { self["repository"] ?? "" }
        set { self["repository"] = newValue }
    }
    public var revision: String? {
        get { self["revision"] }
        set { self["revision"] = newValue }
    }
}

public struct GlusterfsPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var endpoints: String {
        get { self["endpoints"] ?? "" }
        set { self["endpoints"] = newValue }
    }
    public var endpointsNamespace: String? {
        get { self["endpointsNamespace"] }
        set { self["endpointsNamespace"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
}

public struct GlusterfsVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var endpoints: String {
        get { self["endpoints"] ?? "" }
        set { self["endpoints"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
}

public struct HTTPGetAction: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var host: String? {
        get { self["host"] }
        set { self["host"] = newValue }
    }
    public var httpHeaders: [HTTPHeader] {
        get { self["httpHeaders"] ?? [] }
        set { self["httpHeaders"] = newValue.isEmpty ? nil : newValue }
    }
    public var path: String? {
        get { self["path"] }
        set { self["path"] = newValue }
    }
    public var port: IntOrString? {
        get { self["port"] }
        set { self["port"] = newValue }
    }
    public var scheme: String? {
        get { self["scheme"] }
        set { self["scheme"] = newValue }
    }
}

public struct HTTPHeader: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var value: String {
        get { self["value"] ?? "" }
        set { self["value"] = newValue }
    }
}

public struct HostAlias: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hostnames: [String] {
        get { self["hostnames"] ?? [] }
        set { self["hostnames"] = newValue.isEmpty ? nil : newValue }
    }
    public var ip: String {
        get { self["ip"] ?? "" }
        set { self["ip"] = newValue }
    }
}

public struct HostIP: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ip: String {
        get { self["ip"] ?? "" }
        set { self["ip"] = newValue }
    }
}

public struct HostPathVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct ISCSIPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var chapAuthDiscovery: Bool? {
        get { self["chapAuthDiscovery"] }
        set { self["chapAuthDiscovery"] = newValue }
    }
    public var chapAuthSession: Bool? {
        get { self["chapAuthSession"] }
        set { self["chapAuthSession"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var initiatorName: String? {
        get { self["initiatorName"] }
        set { self["initiatorName"] = newValue }
    }
    public var iqn: String {
        get { self["iqn"] ?? "" }
        set { self["iqn"] = newValue }
    }
    public var iscsiInterface: String? {
        get { self["iscsiInterface"] }
        set { self["iscsiInterface"] = newValue }
    }
    public var lun: Int {
        get { self["lun"] ?? 0 }
        set { self["lun"] = newValue }
    }
    public var portals: [String] {
        get { self["portals"] ?? [] }
        set { self["portals"] = newValue.isEmpty ? nil : newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var targetPortal: String {
        get { self["targetPortal"] ?? "" }
        set { self["targetPortal"] = newValue }
    }
}

public struct ISCSIVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var chapAuthDiscovery: Bool? {
        get { self["chapAuthDiscovery"] }
        set { self["chapAuthDiscovery"] = newValue }
    }
    public var chapAuthSession: Bool? {
        get { self["chapAuthSession"] }
        set { self["chapAuthSession"] = newValue }
    }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var initiatorName: String? {
        get { self["initiatorName"] }
        set { self["initiatorName"] = newValue }
    }
    public var iqn: String {
        get { self["iqn"] ?? "" }
        set { self["iqn"] = newValue }
    }
    public var iscsiInterface: String? {
        get { self["iscsiInterface"] }
        set { self["iscsiInterface"] = newValue }
    }
    public var lun: Int {
        get { self["lun"] ?? 0 }
        set { self["lun"] = newValue }
    }
    public var portals: [String] {
        get { self["portals"] ?? [] }
        set { self["portals"] = newValue.isEmpty ? nil : newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var targetPortal: String {
        get { self["targetPortal"] ?? "" }
        set { self["targetPortal"] = newValue }
    }
}

public struct ImageVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var pullPolicy: String? {
        get { self["pullPolicy"] }
        set { self["pullPolicy"] = newValue }
    }
    public var reference: String? {
        get { self["reference"] }
        set { self["reference"] = newValue }
    }
}

public struct ImageVolumeStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var imageRef: String {
        get { self["imageRef"] ?? "" }
        set { self["imageRef"] = newValue }
    }
}

public struct KeyToPath: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var mode: Int? {
        get { self["mode"] }
        set { self["mode"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
}

public struct Lifecycle: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var postStart: LifecycleHandler? {
        get { self["postStart"] }
        set { self["postStart"] = newValue }
    }
    public var preStop: LifecycleHandler? {
        get { self["preStop"] }
        set { self["preStop"] = newValue }
    }
    public var stopSignal: String? {
        get { self["stopSignal"] }
        set { self["stopSignal"] = newValue }
    }
}

public struct LifecycleHandler: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var exec: ExecAction? {
        get { self["exec"] }
        set { self["exec"] = newValue }
    }
    public var httpGet: HTTPGetAction? {
        get { self["httpGet"] }
        set { self["httpGet"] = newValue }
    }
    public var sleep: SleepAction? {
        get { self["sleep"] }
        set { self["sleep"] = newValue }
    }
    public var tcpSocket: TCPSocketAction? {
        get { self["tcpSocket"] }
        set { self["tcpSocket"] = newValue }
    }
}

public struct LimitRange: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "LimitRange", resource: "limitranges", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: LimitRangeSpec {
        get { self["spec"] ?? LimitRangeSpec() }
        set { self["spec"] = newValue }
    }
}

public struct LimitRangeItem: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var `default`: [String: Quantity] {
        get { self["default"] ?? [:] }
        set { self["default"] = newValue.isEmpty ? nil : newValue }
    }
    public var defaultRequest: [String: Quantity] {
        get { self["defaultRequest"] ?? [:] }
        set { self["defaultRequest"] = newValue.isEmpty ? nil : newValue }
    }
    public var max: [String: Quantity] {
        get { self["max"] ?? [:] }
        set { self["max"] = newValue.isEmpty ? nil : newValue }
    }
    public var maxLimitRequestRatio: [String: Quantity] {
        get { self["maxLimitRequestRatio"] ?? [:] }
        set { self["maxLimitRequestRatio"] = newValue.isEmpty ? nil : newValue }
    }
    public var min: [String: Quantity] {
        get { self["min"] ?? [:] }
        set { self["min"] = newValue.isEmpty ? nil : newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct LimitRangeSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var limits: [LimitRangeItem] {
        get { self["limits"] ?? [] }
        set { self["limits"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LinuxContainerUser: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var gid: Int {
        get { self["gid"] ?? 0 }
        set { self["gid"] = newValue }
    }
    public var supplementalGroups: [Int] {
        get { self["supplementalGroups"] ?? [] }
        set { self["supplementalGroups"] = newValue.isEmpty ? nil : newValue }
    }
    public var uid: Int {
        get { self["uid"] ?? 0 }
        set { self["uid"] = newValue }
    }
}

public struct LoadBalancerIngress: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hostname: String? {
        get { self["hostname"] }
        set { self["hostname"] = newValue }
    }
    public var ip: String? {
        get { self["ip"] }
        set { self["ip"] = newValue }
    }
    public var ipMode: String? {
        get { self["ipMode"] }
        set { self["ipMode"] = newValue }
    }
    public var ports: [PortStatus] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LoadBalancerStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ingress: [LoadBalancerIngress] {
        get { self["ingress"] ?? [] }
        set { self["ingress"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LocalObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
}

public struct LocalVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
}

public struct ModifyVolumeStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var status: String {
        get { self["status"] ?? "" }
        set { self["status"] = newValue }
    }
    public var targetVolumeAttributesClassName: String? {
        get { self["targetVolumeAttributesClassName"] }
        set { self["targetVolumeAttributesClassName"] = newValue }
    }
}

public struct NFSVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var server: String {
        get { self["server"] ?? "" }
        set { self["server"] = newValue }
    }
}

public struct Namespace: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Namespace", resource: "namespaces", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: NamespaceSpec {
        get { self["spec"] ?? NamespaceSpec() }
        set { self["spec"] = newValue }
    }
    public var status: NamespaceStatus {
        get { self["status"] ?? NamespaceStatus() }
        set { self["status"] = newValue }
    }
}

public struct NamespaceCondition: JSONView {
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

public struct NamespaceSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var finalizers: [String] {
        get { self["finalizers"] ?? [] }
        set { self["finalizers"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NamespaceStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var conditions: [NamespaceCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var phase: String? {
        get { self["phase"] }
        set { self["phase"] = newValue }
    }
}

public struct Node: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Node", resource: "nodes", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: NodeSpec {
        get { self["spec"] ?? NodeSpec() }
        set { self["spec"] = newValue }
    }
    public var status: NodeStatus {
        get { self["status"] ?? NodeStatus() }
        set { self["status"] = newValue }
    }
}

public struct NodeAddress: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var address: String {
        get { self["address"] ?? "" }
        set { self["address"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct NodeAffinity: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var preferredDuringSchedulingIgnoredDuringExecution: [PreferredSchedulingTerm] {
        get { self["preferredDuringSchedulingIgnoredDuringExecution"] ?? [] }
        set { self["preferredDuringSchedulingIgnoredDuringExecution"] = newValue.isEmpty ? nil : newValue }
    }
    public var requiredDuringSchedulingIgnoredDuringExecution: NodeSelector? {
        get { self["requiredDuringSchedulingIgnoredDuringExecution"] }
        set { self["requiredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
}

public struct NodeAllocatableResourceClaimStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containers: [String] {
        get { self["containers"] ?? [] }
        set { self["containers"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceClaimName: String {
        get { self["resourceClaimName"] ?? "" }
        set { self["resourceClaimName"] = newValue }
    }
    public var resources: [String: Quantity] {
        get { self["resources"] ?? [:] }
        set { self["resources"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NodeCondition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastHeartbeatTime: Time? {
        get { self["lastHeartbeatTime"] }
        set { self["lastHeartbeatTime"] = newValue }
    }
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

public struct NodeConfigSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var configMap: ConfigMapNodeConfigSource? {
        get { self["configMap"] }
        set { self["configMap"] = newValue }
    }
}

public struct NodeConfigStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var active: NodeConfigSource? {
        get { self["active"] }
        set { self["active"] = newValue }
    }
    public var assigned: NodeConfigSource? {
        get { self["assigned"] }
        set { self["assigned"] = newValue }
    }
    public var error: String? {
        get { self["error"] }
        set { self["error"] = newValue }
    }
    public var lastKnownGood: NodeConfigSource? {
        get { self["lastKnownGood"] }
        set { self["lastKnownGood"] = newValue }
    }
}

public struct NodeDaemonEndpoints: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var kubeletEndpoint: DaemonEndpoint? {
        get { self["kubeletEndpoint"] }
        set { self["kubeletEndpoint"] = newValue }
    }
}

public struct NodeFeatures: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var supplementalGroupsPolicy: Bool? {
        get { self["supplementalGroupsPolicy"] }
        set { self["supplementalGroupsPolicy"] = newValue }
    }
}

public struct NodeRuntimeHandler: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var features: NodeRuntimeHandlerFeatures? {
        get { self["features"] }
        set { self["features"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
}

public struct NodeRuntimeHandlerFeatures: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var recursiveReadOnlyMounts: Bool? {
        get { self["recursiveReadOnlyMounts"] }
        set { self["recursiveReadOnlyMounts"] = newValue }
    }
    public var userNamespaces: Bool? {
        get { self["userNamespaces"] }
        set { self["userNamespaces"] = newValue }
    }
}

public struct NodeSelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var nodeSelectorTerms: [NodeSelectorTerm] {
        get { self["nodeSelectorTerms"] ?? [] }
        set { self["nodeSelectorTerms"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NodeSelectorRequirement: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var `operator`: String {
        get { self["operator"] ?? "" }
        set { self["operator"] = newValue }
    }
    public var values: [String] {
        get { self["values"] ?? [] }
        set { self["values"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NodeSelectorTerm: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var matchExpressions: [NodeSelectorRequirement] {
        get { self["matchExpressions"] ?? [] }
        set { self["matchExpressions"] = newValue.isEmpty ? nil : newValue }
    }
    public var matchFields: [NodeSelectorRequirement] {
        get { self["matchFields"] ?? [] }
        set { self["matchFields"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NodeSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var configSource: NodeConfigSource? {
        get { self["configSource"] }
        set { self["configSource"] = newValue }
    }
    public var externalID: String? {
        get { self["externalID"] }
        set { self["externalID"] = newValue }
    }
    public var podCIDR: String? {
        get { self["podCIDR"] }
        set { self["podCIDR"] = newValue }
    }
    public var podCIDRs: [String] {
        get { self["podCIDRs"] ?? [] }
        set { self["podCIDRs"] = newValue.isEmpty ? nil : newValue }
    }
    public var providerID: String? {
        get { self["providerID"] }
        set { self["providerID"] = newValue }
    }
    public var taints: [Taint] {
        get { self["taints"] ?? [] }
        set { self["taints"] = newValue.isEmpty ? nil : newValue }
    }
    public var unschedulable: Bool? {
        get { self["unschedulable"] }
        set { self["unschedulable"] = newValue }
    }
}

public struct NodeStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var addresses: [NodeAddress] {
        get { self["addresses"] ?? [] }
        set { self["addresses"] = newValue.isEmpty ? nil : newValue }
    }
    public var allocatable: [String: Quantity] {
        get { self["allocatable"] ?? [:] }
        set { self["allocatable"] = newValue.isEmpty ? nil : newValue }
    }
    public var capacity: [String: Quantity] {
        get { self["capacity"] ?? [:] }
        set { self["capacity"] = newValue.isEmpty ? nil : newValue }
    }
    public var conditions: [NodeCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var config: NodeConfigStatus? {
        get { self["config"] }
        set { self["config"] = newValue }
    }
    public var daemonEndpoints: NodeDaemonEndpoints? {
        get { self["daemonEndpoints"] }
        set { self["daemonEndpoints"] = newValue }
    }
    public var declaredFeatures: [String] {
        get { self["declaredFeatures"] ?? [] }
        set { self["declaredFeatures"] = newValue.isEmpty ? nil : newValue }
    }
    public var features: NodeFeatures? {
        get { self["features"] }
        set { self["features"] = newValue }
    }
    public var images: [ContainerImage] {
        get { self["images"] ?? [] }
        set { self["images"] = newValue.isEmpty ? nil : newValue }
    }
    public var nodeInfo: NodeSystemInfo? {
        get { self["nodeInfo"] }
        set { self["nodeInfo"] = newValue }
    }
    public var phase: String? {
        get { self["phase"] }
        set { self["phase"] = newValue }
    }
    public var runtimeHandlers: [NodeRuntimeHandler] {
        get { self["runtimeHandlers"] ?? [] }
        set { self["runtimeHandlers"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumesAttached: [AttachedVolume] {
        get { self["volumesAttached"] ?? [] }
        set { self["volumesAttached"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumesInUse: [String] {
        get { self["volumesInUse"] ?? [] }
        set { self["volumesInUse"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NodeSwapStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var capacity: Int? {
        get { self["capacity"] }
        set { self["capacity"] = newValue }
    }
}

public struct NodeSystemInfo: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var architecture: String {
        get { self["architecture"] ?? "" }
        set { self["architecture"] = newValue }
    }
    public var bootID: String {
        get { self["bootID"] ?? "" }
        set { self["bootID"] = newValue }
    }
    public var containerRuntimeVersion: String {
        get { self["containerRuntimeVersion"] ?? "" }
        set { self["containerRuntimeVersion"] = newValue }
    }
    public var kernelVersion: String {
        get { self["kernelVersion"] ?? "" }
        set { self["kernelVersion"] = newValue }
    }
    public var kubeProxyVersion: String {
        get { self["kubeProxyVersion"] ?? "" }
        set { self["kubeProxyVersion"] = newValue }
    }
    public var kubeletVersion: String {
        get { self["kubeletVersion"] ?? "" }
        set { self["kubeletVersion"] = newValue }
    }
    public var machineID: String {
        get { self["machineID"] ?? "" }
        set { self["machineID"] = newValue }
    }
    public var operatingSystem: String {
        get { self["operatingSystem"] ?? "" }
        set { self["operatingSystem"] = newValue }
    }
    public var osImage: String {
        get { self["osImage"] ?? "" }
        set { self["osImage"] = newValue }
    }
    public var swap: NodeSwapStatus? {
        get { self["swap"] }
        set { self["swap"] = newValue }
    }
    public var systemUUID: String {
        get { self["systemUUID"] ?? "" }
        set { self["systemUUID"] = newValue }
    }
}

public struct ObjectFieldSelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var fieldPath: String {
        get { self["fieldPath"] ?? "" }
        set { self["fieldPath"] = newValue }
    }
}

public struct ObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var fieldPath: String? {
        get { self["fieldPath"] }
        set { self["fieldPath"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
    public var resourceVersion: String? {
        get { self["resourceVersion"] }
        set { self["resourceVersion"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}

public struct PersistentVolume: KubeObject {
    public static let type = ObjectType(
        apiVersion: "v1", kind: "PersistentVolume", resource: "persistentvolumes", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PersistentVolumeSpec {
        get { self["spec"] ?? PersistentVolumeSpec() }
        set { self["spec"] = newValue }
    }
    public var status: PersistentVolumeStatus {
        get { self["status"] ?? PersistentVolumeStatus() }
        set { self["status"] = newValue }
    }
}

public struct PersistentVolumeClaim: KubeObject {
    public static let type = ObjectType(
        apiVersion: "v1", kind: "PersistentVolumeClaim", resource: "persistentvolumeclaims", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PersistentVolumeClaimSpec {
        get { self["spec"] ?? PersistentVolumeClaimSpec() }
        set { self["spec"] = newValue }
    }
    public var status: PersistentVolumeClaimStatus {
        get { self["status"] ?? PersistentVolumeClaimStatus() }
        set { self["status"] = newValue }
    }
}

public struct PersistentVolumeClaimCondition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastProbeTime: Time? {
        get { self["lastProbeTime"] }
        set { self["lastProbeTime"] = newValue }
    }
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

public struct PersistentVolumeClaimSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var accessModes: [String] {
        get { self["accessModes"] ?? [] }
        set { self["accessModes"] = newValue.isEmpty ? nil : newValue }
    }
    public var dataSource: TypedLocalObjectReference? {
        get { self["dataSource"] }
        set { self["dataSource"] = newValue }
    }
    public var dataSourceRef: TypedObjectReference? {
        get { self["dataSourceRef"] }
        set { self["dataSourceRef"] = newValue }
    }
    public var resources: VolumeResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var selector: LabelSelector? {
        get { self["selector"] }
        set { self["selector"] = newValue }
    }
    public var storageClassName: String? {
        get { self["storageClassName"] }
        set { self["storageClassName"] = newValue }
    }
    public var volumeAttributesClassName: String? {
        get { self["volumeAttributesClassName"] }
        set { self["volumeAttributesClassName"] = newValue }
    }
    public var volumeMode: String? {
        get { self["volumeMode"] }
        set { self["volumeMode"] = newValue }
    }
    public var volumeName: String? {
        get { self["volumeName"] }
        set { self["volumeName"] = newValue }
    }
}

public struct PersistentVolumeClaimStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var accessModes: [String] {
        get { self["accessModes"] ?? [] }
        set { self["accessModes"] = newValue.isEmpty ? nil : newValue }
    }
    public var allocatedResourceStatuses: [String: String] {
        get { self["allocatedResourceStatuses"] ?? [:] }
        set { self["allocatedResourceStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var allocatedResources: [String: Quantity] {
        get { self["allocatedResources"] ?? [:] }
        set { self["allocatedResources"] = newValue.isEmpty ? nil : newValue }
    }
    public var capacity: [String: Quantity] {
        get { self["capacity"] ?? [:] }
        set { self["capacity"] = newValue.isEmpty ? nil : newValue }
    }
    public var conditions: [PersistentVolumeClaimCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var currentVolumeAttributesClassName: String? {
        get { self["currentVolumeAttributesClassName"] }
        set { self["currentVolumeAttributesClassName"] = newValue }
    }
    public var modifyVolumeStatus: ModifyVolumeStatus? {
        get { self["modifyVolumeStatus"] }
        set { self["modifyVolumeStatus"] = newValue }
    }
    public var phase: String? {
        get { self["phase"] }
        set { self["phase"] = newValue }
    }
}

public struct PersistentVolumeClaimTemplate: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PersistentVolumeClaimSpec {
        get { self["spec"] ?? PersistentVolumeClaimSpec() }
        set { self["spec"] = newValue }
    }
}

public struct PersistentVolumeClaimVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var claimName: String {
        get { self["claimName"] ?? "" }
        set { self["claimName"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
}

public struct PersistentVolumeSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var accessModes: [String] {
        get { self["accessModes"] ?? [] }
        set { self["accessModes"] = newValue.isEmpty ? nil : newValue }
    }
    public var awsElasticBlockStore: AWSElasticBlockStoreVolumeSource? {
        get { self["awsElasticBlockStore"] }
        set { self["awsElasticBlockStore"] = newValue }
    }
    public var azureDisk: AzureDiskVolumeSource? {
        get { self["azureDisk"] }
        set { self["azureDisk"] = newValue }
    }
    public var azureFile: AzureFilePersistentVolumeSource? {
        get { self["azureFile"] }
        set { self["azureFile"] = newValue }
    }
    public var capacity: [String: Quantity] {
        get { self["capacity"] ?? [:] }
        set { self["capacity"] = newValue.isEmpty ? nil : newValue }
    }
    public var cephfs: CephFSPersistentVolumeSource? {
        get { self["cephfs"] }
        set { self["cephfs"] = newValue }
    }
    public var cinder: CinderPersistentVolumeSource? {
        get { self["cinder"] }
        set { self["cinder"] = newValue }
    }
    public var claimRef: ObjectReference? {
        get { self["claimRef"] }
        set { self["claimRef"] = newValue }
    }
    public var csi: CSIPersistentVolumeSource? {
        get { self["csi"] }
        set { self["csi"] = newValue }
    }
    public var fc: FCVolumeSource? {
        get { self["fc"] }
        set { self["fc"] = newValue }
    }
    public var flexVolume: FlexPersistentVolumeSource? {
        get { self["flexVolume"] }
        set { self["flexVolume"] = newValue }
    }
    public var flocker: FlockerVolumeSource? {
        get { self["flocker"] }
        set { self["flocker"] = newValue }
    }
    public var gcePersistentDisk: GCEPersistentDiskVolumeSource? {
        get { self["gcePersistentDisk"] }
        set { self["gcePersistentDisk"] = newValue }
    }
    public var glusterfs: GlusterfsPersistentVolumeSource? {
        get { self["glusterfs"] }
        set { self["glusterfs"] = newValue }
    }
    public var hostPath: HostPathVolumeSource? {
        get { self["hostPath"] }
        set { self["hostPath"] = newValue }
    }
    public var iscsi: ISCSIPersistentVolumeSource? {
        get { self["iscsi"] }
        set { self["iscsi"] = newValue }
    }
    public var local: LocalVolumeSource? {
        get { self["local"] }
        set { self["local"] = newValue }
    }
    public var mountOptions: [String] {
        get { self["mountOptions"] ?? [] }
        set { self["mountOptions"] = newValue.isEmpty ? nil : newValue }
    }
    public var nfs: NFSVolumeSource? {
        get { self["nfs"] }
        set { self["nfs"] = newValue }
    }
    public var nodeAffinity: VolumeNodeAffinity? {
        get { self["nodeAffinity"] }
        set { self["nodeAffinity"] = newValue }
    }
    public var persistentVolumeReclaimPolicy: String? {
        get { self["persistentVolumeReclaimPolicy"] }
        set { self["persistentVolumeReclaimPolicy"] = newValue }
    }
    public var photonPersistentDisk: PhotonPersistentDiskVolumeSource? {
        get { self["photonPersistentDisk"] }
        set { self["photonPersistentDisk"] = newValue }
    }
    public var portworxVolume: PortworxVolumeSource? {
        get { self["portworxVolume"] }
        set { self["portworxVolume"] = newValue }
    }
    public var quobyte: QuobyteVolumeSource? {
        get { self["quobyte"] }
        set { self["quobyte"] = newValue }
    }
    public var rbd: RBDPersistentVolumeSource? {
        get { self["rbd"] }
        set { self["rbd"] = newValue }
    }
    public var scaleIO: ScaleIOPersistentVolumeSource? {
        get { self["scaleIO"] }
        set { self["scaleIO"] = newValue }
    }
    public var storageClassName: String? {
        get { self["storageClassName"] }
        set { self["storageClassName"] = newValue }
    }
    public var storageos: StorageOSPersistentVolumeSource? {
        get { self["storageos"] }
        set { self["storageos"] = newValue }
    }
    public var volumeAttributesClassName: String? {
        get { self["volumeAttributesClassName"] }
        set { self["volumeAttributesClassName"] = newValue }
    }
    public var volumeMode: String? {
        get { self["volumeMode"] }
        set { self["volumeMode"] = newValue }
    }
    public var vsphereVolume: VsphereVirtualDiskVolumeSource? {
        get { self["vsphereVolume"] }
        set { self["vsphereVolume"] = newValue }
    }
}

public struct PersistentVolumeStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastPhaseTransitionTime: Time? {
        get { self["lastPhaseTransitionTime"] }
        set { self["lastPhaseTransitionTime"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var phase: String? {
        get { self["phase"] }
        set { self["phase"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
}

public struct PhotonPersistentDiskVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var pdID: String {
        get { self["pdID"] ?? "" }
        set { self["pdID"] = newValue }
    }
}

public struct Pod: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Pod", resource: "pods", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PodSpec {
        get { self["spec"] ?? PodSpec() }
        set { self["spec"] = newValue }
    }
    public var status: PodStatus {
        get { self["status"] ?? PodStatus() }
        set { self["status"] = newValue }
    }
}

public struct PodAffinity: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] {
        get { self["preferredDuringSchedulingIgnoredDuringExecution"] ?? [] }
        set { self["preferredDuringSchedulingIgnoredDuringExecution"] = newValue.isEmpty ? nil : newValue }
    }
    public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] {
        get { self["requiredDuringSchedulingIgnoredDuringExecution"] ?? [] }
        set { self["requiredDuringSchedulingIgnoredDuringExecution"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodAffinityTerm: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var labelSelector: LabelSelector? {
        get { self["labelSelector"] }
        set { self["labelSelector"] = newValue }
    }
    public var matchLabelKeys: [String] {
        get { self["matchLabelKeys"] ?? [] }
        set { self["matchLabelKeys"] = newValue.isEmpty ? nil : newValue }
    }
    public var mismatchLabelKeys: [String] {
        get { self["mismatchLabelKeys"] ?? [] }
        set { self["mismatchLabelKeys"] = newValue.isEmpty ? nil : newValue }
    }
    public var namespaceSelector: LabelSelector? {
        get { self["namespaceSelector"] }
        set { self["namespaceSelector"] = newValue }
    }
    public var namespaces: [String] {
        get { self["namespaces"] ?? [] }
        set { self["namespaces"] = newValue.isEmpty ? nil : newValue }
    }
    public var topologyKey: String {
        get { self["topologyKey"] ?? "" }
        set { self["topologyKey"] = newValue }
    }
}

public struct PodAntiAffinity: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] {
        get { self["preferredDuringSchedulingIgnoredDuringExecution"] ?? [] }
        set { self["preferredDuringSchedulingIgnoredDuringExecution"] = newValue.isEmpty ? nil : newValue }
    }
    public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] {
        get { self["requiredDuringSchedulingIgnoredDuringExecution"] ?? [] }
        set { self["requiredDuringSchedulingIgnoredDuringExecution"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodCertificateProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var certificateChainPath: String? {
        get { self["certificateChainPath"] }
        set { self["certificateChainPath"] = newValue }
    }
    public var credentialBundlePath: String? {
        get { self["credentialBundlePath"] }
        set { self["credentialBundlePath"] = newValue }
    }
    public var keyPath: String? {
        get { self["keyPath"] }
        set { self["keyPath"] = newValue }
    }
    public var keyType: String {
        get { self["keyType"] ?? "" }
        set { self["keyType"] = newValue }
    }
    public var maxExpirationSeconds: Int? {
        get { self["maxExpirationSeconds"] }
        set { self["maxExpirationSeconds"] = newValue }
    }
    public var signerName: String {
        get { self["signerName"] ?? "" }
        set { self["signerName"] = newValue }
    }
    public var userAnnotations: [String: String] {
        get { self["userAnnotations"] ?? [:] }
        set { self["userAnnotations"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodCondition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastProbeTime: Time? {
        get { self["lastProbeTime"] }
        set { self["lastProbeTime"] = newValue }
    }
    public var lastTransitionTime: Time? {
        get { self["lastTransitionTime"] }
        set { self["lastTransitionTime"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
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

public struct PodDNSConfig: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var nameservers: [String] {
        get { self["nameservers"] ?? [] }
        set { self["nameservers"] = newValue.isEmpty ? nil : newValue }
    }
    public var options: [PodDNSConfigOption] {
        get { self["options"] ?? [] }
        set { self["options"] = newValue.isEmpty ? nil : newValue }
    }
    public var searches: [String] {
        get { self["searches"] ?? [] }
        set { self["searches"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodDNSConfigOption: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var value: String? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}

public struct PodExtendedResourceClaimStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var requestMappings: [ContainerExtendedResourceRequest] {
        get { self["requestMappings"] ?? [] }
        set { self["requestMappings"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceClaimName: String {
        get { self["resourceClaimName"] ?? "" }
        set { self["resourceClaimName"] = newValue }
    }
}

public struct PodIP: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ip: String {
        get { self["ip"] ?? "" }
        set { self["ip"] = newValue }
    }
}

public struct PodOS: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct PodReadinessGate: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var conditionType: String {
        get { self["conditionType"] ?? "" }
        set { self["conditionType"] = newValue }
    }
}

public struct PodResourceClaim: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var resourceClaimName: String? {
        get { self["resourceClaimName"] }
        set { self["resourceClaimName"] = newValue }
    }
    public var resourceClaimTemplateName: String? {
        get { self["resourceClaimTemplateName"] }
        set { self["resourceClaimTemplateName"] = newValue }
    }
}

public struct PodResourceClaimStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var resourceClaimName: String? {
        get { self["resourceClaimName"] }
        set { self["resourceClaimName"] = newValue }
    }
}

public struct PodSchedulingGate: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct PodSchedulingGroup: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var podGroupName: String? {
        get { self["podGroupName"] }
        set { self["podGroupName"] = newValue }
    }
}

public struct PodSecurityContext: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var appArmorProfile: AppArmorProfile? {
        get { self["appArmorProfile"] }
        set { self["appArmorProfile"] = newValue }
    }
    public var fsGroup: Int? {
        get { self["fsGroup"] }
        set { self["fsGroup"] = newValue }
    }
    public var fsGroupChangePolicy: String? {
        get { self["fsGroupChangePolicy"] }
        set { self["fsGroupChangePolicy"] = newValue }
    }
    public var runAsGroup: Int? {
        get { self["runAsGroup"] }
        set { self["runAsGroup"] = newValue }
    }
    public var runAsNonRoot: Bool? {
        get { self["runAsNonRoot"] }
        set { self["runAsNonRoot"] = newValue }
    }
    public var runAsUser: Int? {
        get { self["runAsUser"] }
        set { self["runAsUser"] = newValue }
    }
    public var seLinuxChangePolicy: String? {
        get { self["seLinuxChangePolicy"] }
        set { self["seLinuxChangePolicy"] = newValue }
    }
    public var seLinuxOptions: SELinuxOptions? {
        get { self["seLinuxOptions"] }
        set { self["seLinuxOptions"] = newValue }
    }
    public var seccompProfile: SeccompProfile? {
        get { self["seccompProfile"] }
        set { self["seccompProfile"] = newValue }
    }
    public var supplementalGroups: [Int] {
        get { self["supplementalGroups"] ?? [] }
        set { self["supplementalGroups"] = newValue.isEmpty ? nil : newValue }
    }
    public var supplementalGroupsPolicy: String? {
        get { self["supplementalGroupsPolicy"] }
        set { self["supplementalGroupsPolicy"] = newValue }
    }
    public var sysctls: [Sysctl] {
        get { self["sysctls"] ?? [] }
        set { self["sysctls"] = newValue.isEmpty ? nil : newValue }
    }
    public var windowsOptions: WindowsSecurityContextOptions? {
        get { self["windowsOptions"] }
        set { self["windowsOptions"] = newValue }
    }
}

public struct PodSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var activeDeadlineSeconds: Int? {
        get { self["activeDeadlineSeconds"] }
        set { self["activeDeadlineSeconds"] = newValue }
    }
    public var affinity: Affinity? {
        get { self["affinity"] }
        set { self["affinity"] = newValue }
    }
    public var automountServiceAccountToken: Bool? {
        get { self["automountServiceAccountToken"] }
        set { self["automountServiceAccountToken"] = newValue }
    }
    public var containers: [Container] {
        get { self["containers"] ?? [] }
        set { self["containers"] = newValue.isEmpty ? nil : newValue }
    }
    public var dnsConfig: PodDNSConfig? {
        get { self["dnsConfig"] }
        set { self["dnsConfig"] = newValue }
    }
    public var dnsPolicy: String? {
        get { self["dnsPolicy"] }
        set { self["dnsPolicy"] = newValue }
    }
    public var enableServiceLinks: Bool? {
        get { self["enableServiceLinks"] }
        set { self["enableServiceLinks"] = newValue }
    }
    public var ephemeralContainers: [EphemeralContainer] {
        get { self["ephemeralContainers"] ?? [] }
        set { self["ephemeralContainers"] = newValue.isEmpty ? nil : newValue }
    }
    public var hostAliases: [HostAlias] {
        get { self["hostAliases"] ?? [] }
        set { self["hostAliases"] = newValue.isEmpty ? nil : newValue }
    }
    public var hostIPC: Bool? {
        get { self["hostIPC"] }
        set { self["hostIPC"] = newValue }
    }
    public var hostNetwork: Bool? {
        get { self["hostNetwork"] }
        set { self["hostNetwork"] = newValue }
    }
    public var hostPID: Bool? {
        get { self["hostPID"] }
        set { self["hostPID"] = newValue }
    }
    public var hostUsers: Bool? {
        get { self["hostUsers"] }
        set { self["hostUsers"] = newValue }
    }
    public var hostname: String? {
        get { self["hostname"] }
        set { self["hostname"] = newValue }
    }
    public var hostnameOverride: String? {
        get { self["hostnameOverride"] }
        set { self["hostnameOverride"] = newValue }
    }
    public var imagePullSecrets: [LocalObjectReference] {
        get { self["imagePullSecrets"] ?? [] }
        set { self["imagePullSecrets"] = newValue.isEmpty ? nil : newValue }
    }
    public var initContainers: [Container] {
        get { self["initContainers"] ?? [] }
        set { self["initContainers"] = newValue.isEmpty ? nil : newValue }
    }
    public var nodeName: String? {
        get { self["nodeName"] }
        set { self["nodeName"] = newValue }
    }
    public var nodeSelector: [String: String] {
        get { self["nodeSelector"] ?? [:] }
        set { self["nodeSelector"] = newValue.isEmpty ? nil : newValue }
    }
    public var os: PodOS? {
        get { self["os"] }
        set { self["os"] = newValue }
    }
    public var overhead: [String: Quantity] {
        get { self["overhead"] ?? [:] }
        set { self["overhead"] = newValue.isEmpty ? nil : newValue }
    }
    public var preemptionPolicy: String? {
        get { self["preemptionPolicy"] }
        set { self["preemptionPolicy"] = newValue }
    }
    public var priority: Int? {
        get { self["priority"] }
        set { self["priority"] = newValue }
    }
    public var priorityClassName: String? {
        get { self["priorityClassName"] }
        set { self["priorityClassName"] = newValue }
    }
    public var readinessGates: [PodReadinessGate] {
        get { self["readinessGates"] ?? [] }
        set { self["readinessGates"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceClaims: [PodResourceClaim] {
        get { self["resourceClaims"] ?? [] }
        set { self["resourceClaims"] = newValue.isEmpty ? nil : newValue }
    }
    public var resources: ResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var restartPolicy: String? {
        get { self["restartPolicy"] }
        set { self["restartPolicy"] = newValue }
    }
    public var runtimeClassName: String? {
        get { self["runtimeClassName"] }
        set { self["runtimeClassName"] = newValue }
    }
    public var schedulerName: String? {
        get { self["schedulerName"] }
        set { self["schedulerName"] = newValue }
    }
    public var schedulingGates: [PodSchedulingGate] {
        get { self["schedulingGates"] ?? [] }
        set { self["schedulingGates"] = newValue.isEmpty ? nil : newValue }
    }
    public var schedulingGroup: PodSchedulingGroup? {
        get { self["schedulingGroup"] }
        set { self["schedulingGroup"] = newValue }
    }
    public var securityContext: PodSecurityContext? {
        get { self["securityContext"] }
        set { self["securityContext"] = newValue }
    }
    public var serviceAccount: String? {
        get { self["serviceAccount"] }
        set { self["serviceAccount"] = newValue }
    }
    public var serviceAccountName: String? {
        get { self["serviceAccountName"] }
        set { self["serviceAccountName"] = newValue }
    }
    public var setHostnameAsFQDN: Bool? {
        get { self["setHostnameAsFQDN"] }
        set { self["setHostnameAsFQDN"] = newValue }
    }
    public var shareProcessNamespace: Bool? {
        get { self["shareProcessNamespace"] }
        set { self["shareProcessNamespace"] = newValue }
    }
    public var subdomain: String? {
        get { self["subdomain"] }
        set { self["subdomain"] = newValue }
    }
    public var terminationGracePeriodSeconds: Int? {
        get { self["terminationGracePeriodSeconds"] }
        set { self["terminationGracePeriodSeconds"] = newValue }
    }
    public var tolerations: [Toleration] {
        get { self["tolerations"] ?? [] }
        set { self["tolerations"] = newValue.isEmpty ? nil : newValue }
    }
    public var topologySpreadConstraints: [TopologySpreadConstraint] {
        get { self["topologySpreadConstraints"] ?? [] }
        set { self["topologySpreadConstraints"] = newValue.isEmpty ? nil : newValue }
    }
    public var volumes: [Volume] {
        get { self["volumes"] ?? [] }
        set { self["volumes"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allocatedResources: [String: Quantity] {
        get { self["allocatedResources"] ?? [:] }
        set { self["allocatedResources"] = newValue.isEmpty ? nil : newValue }
    }
    public var conditions: [PodCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var containerStatuses: [ContainerStatus] {
        get { self["containerStatuses"] ?? [] }
        set { self["containerStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var ephemeralContainerStatuses: [ContainerStatus] {
        get { self["ephemeralContainerStatuses"] ?? [] }
        set { self["ephemeralContainerStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var extendedResourceClaimStatus: PodExtendedResourceClaimStatus? {
        get { self["extendedResourceClaimStatus"] }
        set { self["extendedResourceClaimStatus"] = newValue }
    }
    public var hostIP: String? {
        get { self["hostIP"] }
        set { self["hostIP"] = newValue }
    }
    public var hostIPs: [HostIP] {
        get { self["hostIPs"] ?? [] }
        set { self["hostIPs"] = newValue.isEmpty ? nil : newValue }
    }
    public var initContainerStatuses: [ContainerStatus] {
        get { self["initContainerStatuses"] ?? [] }
        set { self["initContainerStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var nodeAllocatableResourceClaimStatuses: [NodeAllocatableResourceClaimStatus] {
        get { self["nodeAllocatableResourceClaimStatuses"] ?? [] }
        set { self["nodeAllocatableResourceClaimStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var nominatedNodeName: String? {
        get { self["nominatedNodeName"] }
        set { self["nominatedNodeName"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var phase: String? {
        get { self["phase"] }
        set { self["phase"] = newValue }
    }
    public var podIP: String? {
        get { self["podIP"] }
        set { self["podIP"] = newValue }
    }
    public var podIPs: [PodIP] {
        get { self["podIPs"] ?? [] }
        set { self["podIPs"] = newValue.isEmpty ? nil : newValue }
    }
    public var qosClass: String? {
        get { self["qosClass"] }
        set { self["qosClass"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
    public var resize: String? {
        get { self["resize"] }
        set { self["resize"] = newValue }
    }
    public var resourceClaimStatuses: [PodResourceClaimStatus] {
        get { self["resourceClaimStatuses"] ?? [] }
        set { self["resourceClaimStatuses"] = newValue.isEmpty ? nil : newValue }
    }
    public var resources: ResourceRequirements? {
        get { self["resources"] }
        set { self["resources"] = newValue }
    }
    public var startTime: Time? {
        get { self["startTime"] }
        set { self["startTime"] = newValue }
    }
}

public struct PodTemplateSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: PodSpec {
        get { self["spec"] ?? PodSpec() }
        set { self["spec"] = newValue }
    }
}

public struct PortStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var error: String? {
        get { self["error"] }
        set { self["error"] = newValue }
    }
    public var port: Int {
        get { self["port"] ?? 0 }
        set { self["port"] = newValue }
    }
    public var `protocol`: String {
        get { self["protocol"] ?? "" }
        set { self["protocol"] = newValue }
    }
}

public struct PortworxVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var volumeID: String {
        get { self["volumeID"] ?? "" }
        set { self["volumeID"] = newValue }
    }
}

public struct PreferredSchedulingTerm: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var preference: NodeSelectorTerm? {
        get { self["preference"] }
        set { self["preference"] = newValue }
    }
    public var weight: Int {
        get { self["weight"] ?? 0 }
        set { self["weight"] = newValue }
    }
}

public struct Probe: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var exec: ExecAction? {
        get { self["exec"] }
        set { self["exec"] = newValue }
    }
    public var failureThreshold: Int? {
        get { self["failureThreshold"] }
        set { self["failureThreshold"] = newValue }
    }
    public var grpc: GRPCAction? {
        get { self["grpc"] }
        set { self["grpc"] = newValue }
    }
    public var httpGet: HTTPGetAction? {
        get { self["httpGet"] }
        set { self["httpGet"] = newValue }
    }
    public var initialDelaySeconds: Int? {
        get { self["initialDelaySeconds"] }
        set { self["initialDelaySeconds"] = newValue }
    }
    public var periodSeconds: Int? {
        get { self["periodSeconds"] }
        set { self["periodSeconds"] = newValue }
    }
    public var successThreshold: Int? {
        get { self["successThreshold"] }
        set { self["successThreshold"] = newValue }
    }
    public var tcpSocket: TCPSocketAction? {
        get { self["tcpSocket"] }
        set { self["tcpSocket"] = newValue }
    }
    public var terminationGracePeriodSeconds: Int? {
        get { self["terminationGracePeriodSeconds"] }
        set { self["terminationGracePeriodSeconds"] = newValue }
    }
    public var timeoutSeconds: Int? {
        get { self["timeoutSeconds"] }
        set { self["timeoutSeconds"] = newValue }
    }
}

public struct ProjectedVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var defaultMode: Int? {
        get { self["defaultMode"] }
        set { self["defaultMode"] = newValue }
    }
    public var sources: [VolumeProjection] {
        get { self["sources"] ?? [] }
        set { self["sources"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct QuobyteVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var group: String? {
        get { self["group"] }
        set { self["group"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var registry: String {
        get { self["registry"] ?? "" }
        set { self["registry"] = newValue }
    }
    public var tenant: String? {
        get { self["tenant"] }
        set { self["tenant"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
    public var volume: String {
        get { self["volume"] ?? "" }
        set { self["volume"] = newValue }
    }
}

public struct RBDPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var image: String {
        get { self["image"] ?? "" }
        set { self["image"] = newValue }
    }
    public var keyring: String? {
        get { self["keyring"] }
        set { self["keyring"] = newValue }
    }
    public var monitors: [String] {
        get { self["monitors"] ?? [] }
        set { self["monitors"] = newValue.isEmpty ? nil : newValue }
    }
    public var pool: String? {
        get { self["pool"] }
        set { self["pool"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct RBDVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var image: String {
        get { self["image"] ?? "" }
        set { self["image"] = newValue }
    }
    public var keyring: String? {
        get { self["keyring"] }
        set { self["keyring"] = newValue }
    }
    public var monitors: [String] {
        get { self["monitors"] ?? [] }
        set { self["monitors"] = newValue.isEmpty ? nil : newValue }
    }
    public var pool: String? {
        get { self["pool"] }
        set { self["pool"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct ReplicationController: KubeObject {
    public static let type = ObjectType(
        apiVersion: "v1", kind: "ReplicationController", resource: "replicationcontrollers", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: ReplicationControllerSpec {
        get { self["spec"] ?? ReplicationControllerSpec() }
        set { self["spec"] = newValue }
    }
    public var status: ReplicationControllerStatus {
        get { self["status"] ?? ReplicationControllerStatus() }
        set { self["status"] = newValue }
    }
}

public struct ReplicationControllerCondition: JSONView {
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

public struct ReplicationControllerSpec: JSONView {
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
    public var selector: [String: String] {
        get { self["selector"] ?? [:] }
        set { self["selector"] = newValue.isEmpty ? nil : newValue }
    }
    public var template: PodTemplateSpec? {
        get { self["template"] }
        set { self["template"] = newValue }
    }
}

public struct ReplicationControllerStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var availableReplicas: Int? {
        get { self["availableReplicas"] }
        set { self["availableReplicas"] = newValue }
    }
    public var conditions: [ReplicationControllerCondition] {
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
}

public struct ResourceClaim: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var request: String? {
        get { self["request"] }
        set { self["request"] = newValue }
    }
}

public struct ResourceFieldSelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerName: String? {
        get { self["containerName"] }
        set { self["containerName"] = newValue }
    }
    public var divisor: Quantity? {
        get { self["divisor"] }
        set { self["divisor"] = newValue }
    }
    public var resource: String {
        get { self["resource"] ?? "" }
        set { self["resource"] = newValue }
    }
}

public struct ResourceHealth: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var health: String? {
        get { self["health"] }
        set { self["health"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var resourceID: String {
        get { self["resourceID"] ?? "" }
        set { self["resourceID"] = newValue }
    }
}

public struct ResourceQuota: KubeObject {
    public static let type = ObjectType(
        apiVersion: "v1", kind: "ResourceQuota", resource: "resourcequotas", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: ResourceQuotaSpec {
        get { self["spec"] ?? ResourceQuotaSpec() }
        set { self["spec"] = newValue }
    }
    public var status: ResourceQuotaStatus {
        get { self["status"] ?? ResourceQuotaStatus() }
        set { self["status"] = newValue }
    }
}

public struct ResourceQuotaSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hard: [String: Quantity] {
        get { self["hard"] ?? [:] }
        set { self["hard"] = newValue.isEmpty ? nil : newValue }
    }
    public var scopeSelector: ScopeSelector? {
        get { self["scopeSelector"] }
        set { self["scopeSelector"] = newValue }
    }
    public var scopes: [String] {
        get { self["scopes"] ?? [] }
        set { self["scopes"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ResourceQuotaStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hard: [String: Quantity] {
        get { self["hard"] ?? [:] }
        set { self["hard"] = newValue.isEmpty ? nil : newValue }
    }
    public var used: [String: Quantity] {
        get { self["used"] ?? [:] }
        set { self["used"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ResourceRequirements: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var claims: [ResourceClaim] {
        get { self["claims"] ?? [] }
        set { self["claims"] = newValue.isEmpty ? nil : newValue }
    }
    public var limits: [String: Quantity] {
        get { self["limits"] ?? [:] }
        set { self["limits"] = newValue.isEmpty ? nil : newValue }
    }
    public var requests: [String: Quantity] {
        get { self["requests"] ?? [:] }
        set { self["requests"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ResourceStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var resources: [ResourceHealth] {
        get { self["resources"] ?? [] }
        set { self["resources"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct SELinuxOptions: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var level: String? {
        get { self["level"] }
        set { self["level"] = newValue }
    }
    public var role: String? {
        get { self["role"] }
        set { self["role"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct ScaleIOPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var gateway: String {
        get { self["gateway"] ?? "" }
        set { self["gateway"] = newValue }
    }
    public var protectionDomain: String? {
        get { self["protectionDomain"] }
        set { self["protectionDomain"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var sslEnabled: Bool? {
        get { self["sslEnabled"] }
        set { self["sslEnabled"] = newValue }
    }
    public var storageMode: String? {
        get { self["storageMode"] }
        set { self["storageMode"] = newValue }
    }
    public var storagePool: String? {
        get { self["storagePool"] }
        set { self["storagePool"] = newValue }
    }
    public var system: String {
        get { self["system"] ?? "" }
        set { self["system"] = newValue }
    }
    public var volumeName: String? {
        get { self["volumeName"] }
        set { self["volumeName"] = newValue }
    }
}

public struct ScaleIOVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var gateway: String {
        get { self["gateway"] ?? "" }
        set { self["gateway"] = newValue }
    }
    public var protectionDomain: String? {
        get { self["protectionDomain"] }
        set { self["protectionDomain"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var sslEnabled: Bool? {
        get { self["sslEnabled"] }
        set { self["sslEnabled"] = newValue }
    }
    public var storageMode: String? {
        get { self["storageMode"] }
        set { self["storageMode"] = newValue }
    }
    public var storagePool: String? {
        get { self["storagePool"] }
        set { self["storagePool"] = newValue }
    }
    public var system: String {
        get { self["system"] ?? "" }
        set { self["system"] = newValue }
    }
    public var volumeName: String? {
        get { self["volumeName"] }
        set { self["volumeName"] = newValue }
    }
}

public struct ScopeSelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var matchExpressions: [ScopedResourceSelectorRequirement] {
        get { self["matchExpressions"] ?? [] }
        set { self["matchExpressions"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ScopedResourceSelectorRequirement: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var `operator`: String {
        get { self["operator"] ?? "" }
        set { self["operator"] = newValue }
    }
    public var scopeName: String {
        get { self["scopeName"] ?? "" }
        set { self["scopeName"] = newValue }
    }
    public var values: [String] {
        get { self["values"] ?? [] }
        set { self["values"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct SeccompProfile: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var localhostProfile: String? {
        get { self["localhostProfile"] }
        set { self["localhostProfile"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct Secret: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var data: [String: String] {
        get { self["data"] ?? [:] }
        set { self["data"] = newValue.isEmpty ? nil : newValue }
    }
    public var immutable: Bool? {
        get { self["immutable"] }
        set { self["immutable"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var stringData: [String: String] {
        get { self["stringData"] ?? [:] }
        set { self["stringData"] = newValue.isEmpty ? nil : newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct SecretEnvSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct SecretKeySelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct SecretProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var items: [KeyToPath] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
}

public struct SecretReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
}

public struct SecretVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var defaultMode: Int? {
        get { self["defaultMode"] }
        set { self["defaultMode"] = newValue }
    }
    public var items: [KeyToPath] {
        get { self["items"] ?? [] }
        set { self["items"] = newValue.isEmpty ? nil : newValue }
    }
    public var optional: Bool? {
        get { self["optional"] }
        set { self["optional"] = newValue }
    }
    public var secretName: String? {
        get { self["secretName"] }
        set { self["secretName"] = newValue }
    }
}

public struct SecurityContext: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allowPrivilegeEscalation: Bool? {
        get { self["allowPrivilegeEscalation"] }
        set { self["allowPrivilegeEscalation"] = newValue }
    }
    public var appArmorProfile: AppArmorProfile? {
        get { self["appArmorProfile"] }
        set { self["appArmorProfile"] = newValue }
    }
    public var capabilities: Capabilities? {
        get { self["capabilities"] }
        set { self["capabilities"] = newValue }
    }
    public var privileged: Bool? {
        get { self["privileged"] }
        set { self["privileged"] = newValue }
    }
    public var procMount: String? {
        get { self["procMount"] }
        set { self["procMount"] = newValue }
    }
    public var readOnlyRootFilesystem: Bool? {
        get { self["readOnlyRootFilesystem"] }
        set { self["readOnlyRootFilesystem"] = newValue }
    }
    public var runAsGroup: Int? {
        get { self["runAsGroup"] }
        set { self["runAsGroup"] = newValue }
    }
    public var runAsNonRoot: Bool? {
        get { self["runAsNonRoot"] }
        set { self["runAsNonRoot"] = newValue }
    }
    public var runAsUser: Int? {
        get { self["runAsUser"] }
        set { self["runAsUser"] = newValue }
    }
    public var seLinuxOptions: SELinuxOptions? {
        get { self["seLinuxOptions"] }
        set { self["seLinuxOptions"] = newValue }
    }
    public var seccompProfile: SeccompProfile? {
        get { self["seccompProfile"] }
        set { self["seccompProfile"] = newValue }
    }
    public var windowsOptions: WindowsSecurityContextOptions? {
        get { self["windowsOptions"] }
        set { self["windowsOptions"] = newValue }
    }
}

public struct Service: KubeObject {
    public static let type = ObjectType(apiVersion: "v1", kind: "Service", resource: "services", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: ServiceSpec {
        get { self["spec"] ?? ServiceSpec() }
        set { self["spec"] = newValue }
    }
    public var status: ServiceStatus {
        get { self["status"] ?? ServiceStatus() }
        set { self["status"] = newValue }
    }
}

public struct ServiceAccount: KubeObject {
    public static let type = ObjectType(
        apiVersion: "v1", kind: "ServiceAccount", resource: "serviceaccounts", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var automountServiceAccountToken: Bool? {
        get { self["automountServiceAccountToken"] }
        set { self["automountServiceAccountToken"] = newValue }
    }
    public var imagePullSecrets: [LocalObjectReference] {
        get { self["imagePullSecrets"] ?? [] }
        set { self["imagePullSecrets"] = newValue.isEmpty ? nil : newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var secrets: [ObjectReference] {
        get { self["secrets"] ?? [] }
        set { self["secrets"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ServiceAccountTokenProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var audience: String? {
        get { self["audience"] }
        set { self["audience"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { self["expirationSeconds"] }
        set { self["expirationSeconds"] = newValue }
    }
    public var path: String {
        get { self["path"] ?? "" }
        set { self["path"] = newValue }
    }
}

public struct ServicePort: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var appProtocol: String? {
        get { self["appProtocol"] }
        set { self["appProtocol"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var nodePort: Int? {
        get { self["nodePort"] }
        set { self["nodePort"] = newValue }
    }
    public var port: Int {
        get { self["port"] ?? 0 }
        set { self["port"] = newValue }
    }
    public var `protocol`: String? {
        get { self["protocol"] }
        set { self["protocol"] = newValue }
    }
    public var targetPort: IntOrString? {
        get { self["targetPort"] }
        set { self["targetPort"] = newValue }
    }
}

public struct ServiceSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allocateLoadBalancerNodePorts: Bool? {
        get { self["allocateLoadBalancerNodePorts"] }
        set { self["allocateLoadBalancerNodePorts"] = newValue }
    }
    public var clusterIP: String? {
        get { self["clusterIP"] }
        set { self["clusterIP"] = newValue }
    }
    public var clusterIPs: [String] {
        get { self["clusterIPs"] ?? [] }
        set { self["clusterIPs"] = newValue.isEmpty ? nil : newValue }
    }
    public var externalIPs: [String] {
        get { self["externalIPs"] ?? [] }
        set { self["externalIPs"] = newValue.isEmpty ? nil : newValue }
    }
    public var externalName: String? {
        get { self["externalName"] }
        set { self["externalName"] = newValue }
    }
    public var externalTrafficPolicy: String? {
        get { self["externalTrafficPolicy"] }
        set { self["externalTrafficPolicy"] = newValue }
    }
    public var healthCheckNodePort: Int? {
        get { self["healthCheckNodePort"] }
        set { self["healthCheckNodePort"] = newValue }
    }
    public var internalTrafficPolicy: String? {
        get { self["internalTrafficPolicy"] }
        set { self["internalTrafficPolicy"] = newValue }
    }
    public var ipFamilies: [String] {
        get { self["ipFamilies"] ?? [] }
        set { self["ipFamilies"] = newValue.isEmpty ? nil : newValue }
    }
    public var ipFamilyPolicy: String? {
        get { self["ipFamilyPolicy"] }
        set { self["ipFamilyPolicy"] = newValue }
    }
    public var loadBalancerClass: String? {
        get { self["loadBalancerClass"] }
        set { self["loadBalancerClass"] = newValue }
    }
    public var loadBalancerIP: String? {
        get { self["loadBalancerIP"] }
        set { self["loadBalancerIP"] = newValue }
    }
    public var loadBalancerSourceRanges: [String] {
        get { self["loadBalancerSourceRanges"] ?? [] }
        set { self["loadBalancerSourceRanges"] = newValue.isEmpty ? nil : newValue }
    }
    public var ports: [ServicePort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
    public var publishNotReadyAddresses: Bool? {
        get { self["publishNotReadyAddresses"] }
        set { self["publishNotReadyAddresses"] = newValue }
    }
    public var selector: [String: String] {
        get { self["selector"] ?? [:] }
        set { self["selector"] = newValue.isEmpty ? nil : newValue }
    }
    public var sessionAffinity: String? {
        get { self["sessionAffinity"] }
        set { self["sessionAffinity"] = newValue }
    }
    public var sessionAffinityConfig: SessionAffinityConfig? {
        get { self["sessionAffinityConfig"] }
        set { self["sessionAffinityConfig"] = newValue }
    }
    public var trafficDistribution: String? {
        get { self["trafficDistribution"] }
        set { self["trafficDistribution"] = newValue }
    }
    public var type: String? {
        get { self["type"] }
        set { self["type"] = newValue }
    }
}

public struct ServiceStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var conditions: [Condition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var loadBalancer: LoadBalancerStatus? {
        get { self["loadBalancer"] }
        set { self["loadBalancer"] = newValue }
    }
}

public struct SessionAffinityConfig: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var clientIP: ClientIPConfig? {
        get { self["clientIP"] }
        set { self["clientIP"] = newValue }
    }
}

public struct SleepAction: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var seconds: Int {
        get { self["seconds"] ?? 0 }
        set { self["seconds"] = newValue }
    }
}

public struct StorageOSPersistentVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: ObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var volumeName: String? {
        get { self["volumeName"] }
        set { self["volumeName"] = newValue }
    }
    public var volumeNamespace: String? {
        get { self["volumeNamespace"] }
        set { self["volumeNamespace"] = newValue }
    }
}

public struct StorageOSVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { self["secretRef"] }
        set { self["secretRef"] = newValue }
    }
    public var volumeName: String? {
        get { self["volumeName"] }
        set { self["volumeName"] = newValue }
    }
    public var volumeNamespace: String? {
        get { self["volumeNamespace"] }
        set { self["volumeNamespace"] = newValue }
    }
}

public struct Sysctl: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var value: String {
        get { self["value"] ?? "" }
        set { self["value"] = newValue }
    }
}

public struct TCPSocketAction: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var host: String? {
        get { self["host"] }
        set { self["host"] = newValue }
    }
    public var port: IntOrString? {
        get { self["port"] }
        set { self["port"] = newValue }
    }
}

public struct Taint: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var effect: String {
        get { self["effect"] ?? "" }
        set { self["effect"] = newValue }
    }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var timeAdded: Time? {
        get { self["timeAdded"] }
        set { self["timeAdded"] = newValue }
    }
    public var value: String? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}

public struct Toleration: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var effect: String? {
        get { self["effect"] }
        set { self["effect"] = newValue }
    }
    public var key: String? {
        get { self["key"] }
        set { self["key"] = newValue }
    }
    public var `operator`: String? {
        get { self["operator"] }
        set { self["operator"] = newValue }
    }
    public var tolerationSeconds: Int? {
        get { self["tolerationSeconds"] }
        set { self["tolerationSeconds"] = newValue }
    }
    public var value: String? {
        get { self["value"] }
        set { self["value"] = newValue }
    }
}

public struct TopologySelectorLabelRequirement: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var key: String {
        get { self["key"] ?? "" }
        set { self["key"] = newValue }
    }
    public var values: [String] {
        get { self["values"] ?? [] }
        set { self["values"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct TopologySelectorTerm: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var matchLabelExpressions: [TopologySelectorLabelRequirement] {
        get { self["matchLabelExpressions"] ?? [] }
        set { self["matchLabelExpressions"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct TopologySpreadConstraint: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var labelSelector: LabelSelector? {
        get { self["labelSelector"] }
        set { self["labelSelector"] = newValue }
    }
    public var matchLabelKeys: [String] {
        get { self["matchLabelKeys"] ?? [] }
        set { self["matchLabelKeys"] = newValue.isEmpty ? nil : newValue }
    }
    public var maxSkew: Int {
        get { self["maxSkew"] ?? 0 }
        set { self["maxSkew"] = newValue }
    }
    public var minDomains: Int? {
        get { self["minDomains"] }
        set { self["minDomains"] = newValue }
    }
    public var nodeAffinityPolicy: String? {
        get { self["nodeAffinityPolicy"] }
        set { self["nodeAffinityPolicy"] = newValue }
    }
    public var nodeTaintsPolicy: String? {
        get { self["nodeTaintsPolicy"] }
        set { self["nodeTaintsPolicy"] = newValue }
    }
    public var topologyKey: String {
        get { self["topologyKey"] ?? "" }
        set { self["topologyKey"] = newValue }
    }
    public var whenUnsatisfiable: String {
        get { self["whenUnsatisfiable"] ?? "" }
        set { self["whenUnsatisfiable"] = newValue }
    }
}

public struct TypedLocalObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiGroup: String? {
        get { self["apiGroup"] }
        set { self["apiGroup"] = newValue }
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

public struct TypedObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiGroup: String? {
        get { self["apiGroup"] }
        set { self["apiGroup"] = newValue }
    }
    public var kind: String {
        get { self["kind"] ?? "" }
        set { self["kind"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
}

public struct Volume: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var awsElasticBlockStore: AWSElasticBlockStoreVolumeSource? {
        get { self["awsElasticBlockStore"] }
        set { self["awsElasticBlockStore"] = newValue }
    }
    public var azureDisk: AzureDiskVolumeSource? {
        get { self["azureDisk"] }
        set { self["azureDisk"] = newValue }
    }
    public var azureFile: AzureFileVolumeSource? {
        get { self["azureFile"] }
        set { self["azureFile"] = newValue }
    }
    public var cephfs: CephFSVolumeSource? {
        get { self["cephfs"] }
        set { self["cephfs"] = newValue }
    }
    public var cinder: CinderVolumeSource? {
        get { self["cinder"] }
        set { self["cinder"] = newValue }
    }
    public var configMap: ConfigMapVolumeSource? {
        get { self["configMap"] }
        set { self["configMap"] = newValue }
    }
    public var csi: CSIVolumeSource? {
        get { self["csi"] }
        set { self["csi"] = newValue }
    }
    public var downwardAPI: DownwardAPIVolumeSource? {
        get { self["downwardAPI"] }
        set { self["downwardAPI"] = newValue }
    }
    public var emptyDir: EmptyDirVolumeSource? {
        get { self["emptyDir"] }
        set { self["emptyDir"] = newValue }
    }
    public var ephemeral: EphemeralVolumeSource? {
        get { self["ephemeral"] }
        set { self["ephemeral"] = newValue }
    }
    public var fc: FCVolumeSource? {
        get { self["fc"] }
        set { self["fc"] = newValue }
    }
    public var flexVolume: FlexVolumeSource? {
        get { self["flexVolume"] }
        set { self["flexVolume"] = newValue }
    }
    public var flocker: FlockerVolumeSource? {
        get { self["flocker"] }
        set { self["flocker"] = newValue }
    }
    public var gcePersistentDisk: GCEPersistentDiskVolumeSource? {
        get { self["gcePersistentDisk"] }
        set { self["gcePersistentDisk"] = newValue }
    }
    public var gitRepo: GitRepoVolumeSource? {
        get { self["gitRepo"] }
        set { self["gitRepo"] = newValue }
    }
    public var glusterfs: GlusterfsVolumeSource? {
        get { self["glusterfs"] }
        set { self["glusterfs"] = newValue }
    }
    public var hostPath: HostPathVolumeSource? {
        get { self["hostPath"] }
        set { self["hostPath"] = newValue }
    }
    public var image: ImageVolumeSource? {
        get { self["image"] }
        set { self["image"] = newValue }
    }
    public var iscsi: ISCSIVolumeSource? {
        get { self["iscsi"] }
        set { self["iscsi"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var nfs: NFSVolumeSource? {
        get { self["nfs"] }
        set { self["nfs"] = newValue }
    }
    public var persistentVolumeClaim: PersistentVolumeClaimVolumeSource? {
        get { self["persistentVolumeClaim"] }
        set { self["persistentVolumeClaim"] = newValue }
    }
    public var photonPersistentDisk: PhotonPersistentDiskVolumeSource? {
        get { self["photonPersistentDisk"] }
        set { self["photonPersistentDisk"] = newValue }
    }
    public var portworxVolume: PortworxVolumeSource? {
        get { self["portworxVolume"] }
        set { self["portworxVolume"] = newValue }
    }
    public var projected: ProjectedVolumeSource? {
        get { self["projected"] }
        set { self["projected"] = newValue }
    }
    public var quobyte: QuobyteVolumeSource? {
        get { self["quobyte"] }
        set { self["quobyte"] = newValue }
    }
    public var rbd: RBDVolumeSource? {
        get { self["rbd"] }
        set { self["rbd"] = newValue }
    }
    public var scaleIO: ScaleIOVolumeSource? {
        get { self["scaleIO"] }
        set { self["scaleIO"] = newValue }
    }
    public var secret: SecretVolumeSource? {
        get { self["secret"] }
        set { self["secret"] = newValue }
    }
    public var storageos: StorageOSVolumeSource? {
        get { self["storageos"] }
        set { self["storageos"] = newValue }
    }
    public var vsphereVolume: VsphereVirtualDiskVolumeSource? {
        get { self["vsphereVolume"] }
        set { self["vsphereVolume"] = newValue }
    }
}

public struct VolumeDevice: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var devicePath: String {
        get { self["devicePath"] ?? "" }
        set { self["devicePath"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct VolumeMount: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var mountPath: String {
        get { self["mountPath"] ?? "" }
        set { self["mountPath"] = newValue }
    }
    public var mountPropagation: String? {
        get { self["mountPropagation"] }
        set { self["mountPropagation"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var recursiveReadOnly: String? {
        get { self["recursiveReadOnly"] }
        set { self["recursiveReadOnly"] = newValue }
    }
    public var subPath: String? {
        get { self["subPath"] }
        set { self["subPath"] = newValue }
    }
    public var subPathExpr: String? {
        get { self["subPathExpr"] }
        set { self["subPathExpr"] = newValue }
    }
}

public struct VolumeMountStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var mountPath: String {
        get { self["mountPath"] ?? "" }
        set { self["mountPath"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var readOnly: Bool? {
        get { self["readOnly"] }
        set { self["readOnly"] = newValue }
    }
    public var recursiveReadOnly: String? {
        get { self["recursiveReadOnly"] }
        set { self["recursiveReadOnly"] = newValue }
    }
    public var volumeStatus: VolumeStatus? {
        get { self["volumeStatus"] }
        set { self["volumeStatus"] = newValue }
    }
}

public struct VolumeNodeAffinity: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var required: NodeSelector? {
        get { self["required"] }
        set { self["required"] = newValue }
    }
}

public struct VolumeProjection: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var clusterTrustBundle: ClusterTrustBundleProjection? {
        get { self["clusterTrustBundle"] }
        set { self["clusterTrustBundle"] = newValue }
    }
    public var configMap: ConfigMapProjection? {
        get { self["configMap"] }
        set { self["configMap"] = newValue }
    }
    public var downwardAPI: DownwardAPIProjection? {
        get { self["downwardAPI"] }
        set { self["downwardAPI"] = newValue }
    }
    public var podCertificate: PodCertificateProjection? {
        get { self["podCertificate"] }
        set { self["podCertificate"] = newValue }
    }
    public var secret: SecretProjection? {
        get { self["secret"] }
        set { self["secret"] = newValue }
    }
    public var serviceAccountToken: ServiceAccountTokenProjection? {
        get { self["serviceAccountToken"] }
        set { self["serviceAccountToken"] = newValue }
    }
}

public struct VolumeResourceRequirements: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var limits: [String: Quantity] {
        get { self["limits"] ?? [:] }
        set { self["limits"] = newValue.isEmpty ? nil : newValue }
    }
    public var requests: [String: Quantity] {
        get { self["requests"] ?? [:] }
        set { self["requests"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct VolumeStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var image: ImageVolumeStatus? {
        get { self["image"] }
        set { self["image"] = newValue }
    }
}

public struct VsphereVirtualDiskVolumeSource: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fsType: String? {
        get { self["fsType"] }
        set { self["fsType"] = newValue }
    }
    public var storagePolicyID: String? {
        get { self["storagePolicyID"] }
        set { self["storagePolicyID"] = newValue }
    }
    public var storagePolicyName: String? {
        get { self["storagePolicyName"] }
        set { self["storagePolicyName"] = newValue }
    }
    public var volumePath: String {
        get { self["volumePath"] ?? "" }
        set { self["volumePath"] = newValue }
    }
}

public struct WeightedPodAffinityTerm: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var podAffinityTerm: PodAffinityTerm? {
        get { self["podAffinityTerm"] }
        set { self["podAffinityTerm"] = newValue }
    }
    public var weight: Int {
        get { self["weight"] ?? 0 }
        set { self["weight"] = newValue }
    }
}

public struct WindowsSecurityContextOptions: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var gmsaCredentialSpec: String? {
        get { self["gmsaCredentialSpec"] }
        set { self["gmsaCredentialSpec"] = newValue }
    }
    public var gmsaCredentialSpecName: String? {
        get { self["gmsaCredentialSpecName"] }
        set { self["gmsaCredentialSpecName"] = newValue }
    }
    public var hostProcess: Bool? {
        get { self["hostProcess"] }
        set { self["hostProcess"] = newValue }
    }
    public var runAsUserName: String? {
        get { self["runAsUserName"] }
        set { self["runAsUserName"] = newValue }
    }
}
