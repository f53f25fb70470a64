// Typed views of the kinds of batch/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct CronJob: KubeObject {
    public static let type = ObjectType(apiVersion: "batch/v1", kind: "CronJob", resource: "cronjobs", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: CronJobSpec {
        get { self["spec"] ?? CronJobSpec() }
        set { self["spec"] = newValue }
    }
    public var status: CronJobStatus {
        get { self["status"] ?? CronJobStatus() }
        set { self["status"] = newValue }
    }
}

public struct CronJobSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var concurrencyPolicy: String? {
        get { self["concurrencyPolicy"] }
        set { self["concurrencyPolicy"] = newValue }
    }
    public var failedJobsHistoryLimit: Int? {
        get { self["failedJobsHistoryLimit"] }
        set { self["failedJobsHistoryLimit"] = newValue }
    }
    public var jobTemplate: JobTemplateSpec? {
        get { self["jobTemplate"] }
        set { self["jobTemplate"] = newValue }
    }
    public var schedule: String {
        get { self["schedule"] ?? "" }
        set { self["schedule"] = newValue }
    }
    public var startingDeadlineSeconds: Int? {
        get { self["startingDeadlineSeconds"] }
        set { self["startingDeadlineSeconds"] = newValue }
    }
    public var successfulJobsHistoryLimit: Int? {
        get { self["successfulJobsHistoryLimit"] }
        set { self["successfulJobsHistoryLimit"] = newValue }
    }
    public var suspend: Bool? {
        get { self["suspend"] }
        set { self["suspend"] = newValue }
    }
    public var timeZone: String? {
        get { self["timeZone"] }
        set { self["timeZone"] = newValue }
    }
}

public struct CronJobStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var active: [ObjectReference] {
        get { self["active"] ?? [] }
        set { self["active"] = newValue.isEmpty ? nil : newValue }
    }
    public var lastScheduleTime: Time? {
        get { self["lastScheduleTime"] }
        set { self["lastScheduleTime"] = newValue }
    }
    public var lastSuccessfulTime: Time? {
        get { self["lastSuccessfulTime"] }
        set { self["lastSuccessfulTime"] = newValue }
    }
}

public struct Job: KubeObject {
    public static let type = ObjectType(apiVersion: "batch/v1", kind: "Job", resource: "jobs", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: JobSpec {
        get { self["spec"] ?? JobSpec() }
        set { self["spec"] = newValue }
    }
    public var status: JobStatus {
        get { self["status"] ?? JobStatus() }
        set { self["status"] = newValue }
    }
}

public struct JobCondition: JSONView {
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

public struct JobSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var activeDeadlineSeconds: Int? {
        get { self["activeDeadlineSeconds"] }
        set { self["activeDeadlineSeconds"] = newValue }
    }
    public var backoffLimit: Int? {
        get { self["backoffLimit"] }
        set { self["backoffLimit"] = newValue }
    }
    public var backoffLimitPerIndex: Int? {
        get { self["backoffLimitPerIndex"] }
        set { self["backoffLimitPerIndex"] = newValue }
    }
    public var completionMode: String? {
        get { self["completionMode"] }
        set { self["completionMode"] = newValue }
    }
    public var completions: Int? {
        get { self["completions"] }
        set { self["completions"] = newValue }
    }
    public var managedBy: String? {
        get { self["managedBy"] }
        set { self["managedBy"] = newValue }
    }
    public var manualSelector: Bool? {
        get { self["manualSelector"] }
        set { self["manualSelector"] = newValue }
    }
    public var maxFailedIndexes: Int? {
        get { self["maxFailedIndexes"] }
        set { self["maxFailedIndexes"] = newValue }
    }
    public var parallelism: Int? {
        get { self["parallelism"] }
        set { self["parallelism"] = newValue }
    }
    public var podFailurePolicy: PodFailurePolicy? {
        get { self["podFailurePolicy"] }
        set { self["podFailurePolicy"] = newValue }
    }
    public var podReplacementPolicy: String? {
        get { self["podReplacementPolicy"] }
        set { self["podReplacementPolicy"] = newValue }
    }
    public var selector: LabelSelector? {
        get { self["selector"] }
        set { self["selector"] = newValue }
    }
    public var successPolicy: SuccessPolicy? {
        get { self["successPolicy"] }
        set { self["successPolicy"] = newValue }
    }
    public var suspend: Bool? {
        get { self["suspend"] }
        set { self["suspend"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { self["template"] ?? PodTemplateSpec() }
        set { self["template"] = newValue }
    }
    public var ttlSecondsAfterFinished: Int? {
        get { self["ttlSecondsAfterFinished"] }
        set { self["ttlSecondsAfterFinished"] = newValue }
    }
}

public struct JobStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var active: Int? {
        get { self["active"] }
        set { self["active"] = newValue }
    }
    public var completedIndexes: String? {
        get { self["completedIndexes"] }
        set { self["completedIndexes"] = newValue }
    }
    public var completionTime: Time? {
        get { self["completionTime"] }
        set { self["completionTime"] = newValue }
    }
    public var conditions: [JobCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
    public var failed: Int? {
        get { self["failed"] }
        set { self["failed"] = newValue }
    }
    public var failedIndexes: String? {
        get { self["failedIndexes"] }
        set { self["failedIndexes"] = newValue }
    }
    public var ready: Int? {
        get { self["ready"] }
        set { self["ready"] = newValue }
    }
    public var startTime: Time? {
        get { self["startTime"] }
        set { self["startTime"] = newValue }
    }
    public var succeeded: Int? {
        get { self["succeeded"] }
        set { self["succeeded"] = newValue }
    }
    public var terminating: Int? {
        get { self["terminating"] }
        set { self["terminating"] = newValue }
    }
    public var uncountedTerminatedPods: UncountedTerminatedPods? {
        get { self["uncountedTerminatedPods"] }
        set { self["uncountedTerminatedPods"] = newValue }
    }
}

public struct JobTemplateSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: JobSpec {
        get { self["spec"] ?? JobSpec() }
        set { self["spec"] = newValue }
    }
}

public struct PodFailurePolicy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rules: [PodFailurePolicyRule] {
        get { self["rules"] ?? [] }
        set { self["rules"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodFailurePolicyOnExitCodesRequirement: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var containerName: String? {
        get { self["containerName"] }
        set { self["containerName"] = newValue }
    }
    public var `operator`: String {
        get { self["operator"] ?? "" }
        set { self["operator"] = newValue }
    }
    public var values: [Int] {
        get { self["values"] ?? [] }
        set { self["values"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PodFailurePolicyOnPodConditionsPattern: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var status: String? {
        get { self["status"] }
        set { self["status"] = newValue }
    }
    public var type: String {
        get { self["type"] ?? "" }
        set { self["type"] = newValue }
    }
}

public struct PodFailurePolicyRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var action: String {
        get { self["action"] ?? "" }
        set { self["action"] = newValue }
    }
    public var onExitCodes: PodFailurePolicyOnExitCodesRequirement? {
        get { self["onExitCodes"] }
        set { self["onExitCodes"] = newValue }
    }
    public var onPodConditions: [PodFailurePolicyOnPodConditionsPattern] {
        get { self["onPodConditions"] ?? [] }
        set { self["onPodConditions"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct SuccessPolicy: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rules: [SuccessPolicyRule] {
        get { self["rules"] ?? [] }
        set { self["rules"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct SuccessPolicyRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var succeededCount: Int? {
        get { self["succeededCount"] }
        set { self["succeededCount"] = newValue }
    }
    public var succeededIndexes: String? {
        get { self["succeededIndexes"] }
        set { self["succeededIndexes"] = newValue }
    }
}

public struct UncountedTerminatedPods: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var failed: [String] {
        get { self["failed"] ?? [] }
        set { self["failed"] = newValue.isEmpty ? nil : newValue }
    }
    public var succeeded: [String] {
        get { self["succeeded"] ?? [] }
        set { self["succeeded"] = newValue.isEmpty ? nil : newValue }
    }
}
