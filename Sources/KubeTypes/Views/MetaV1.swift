// Typed views of the kinds of meta/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct Condition: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var lastTransitionTime: Time? {
        get { self["lastTransitionTime"] }
        set { self["lastTransitionTime"] = newValue }
    }
    public var message: String {
        get { self["message"] ?? "" }
        set { self["message"] = newValue }
    }
    public var observedGeneration: Int? {
        get { self["observedGeneration"] }
        set { self["observedGeneration"] = newValue }
    }
    public var reason: String {
        get { self["reason"] ?? "" }
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

public struct DeleteOptions: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var dryRun: [String] {
        get { self["dryRun"] ?? [] }
        set { self["dryRun"] = newValue.isEmpty ? nil : newValue }
    }
    public var gracePeriodSeconds: Int? {
        get { self["gracePeriodSeconds"] }
        set { self["gracePeriodSeconds"] = newValue }
    }
    public var ignoreStoreReadErrorWithClusterBreakingPotential: Bool? {
        get { self["ignoreStoreReadErrorWithClusterBreakingPotential"] }
        set { self["ignoreStoreReadErrorWithClusterBreakingPotential"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var orphanDependents: Bool? {
        get { self["orphanDependents"] }
        set { self["orphanDependents"] = newValue }
    }
    public var preconditions: Preconditions? {
        get { self["preconditions"] }
        set { self["preconditions"] = newValue }
    }
    public var propagationPolicy: String? {
        get { self["propagationPolicy"] }
        set { self["propagationPolicy"] = newValue }
    }
}

public struct FieldSelectorRequirement: JSONView {
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

public struct LabelSelector: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var matchExpressions: [LabelSelectorRequirement] {
        get { self["matchExpressions"] ?? [] }
        set { self["matchExpressions"] = newValue.isEmpty ? nil : newValue }
    }
    public var matchLabels: [String: String] {
        get { self["matchLabels"] ?? [:] }
        set { self["matchLabels"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LabelSelectorRequirement: JSONView {
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

public struct ListMeta: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var `continue`: String? {
        get { self["continue"] }
        set { self["continue"] = newValue }
    }
    public var remainingItemCount: Int? {
        get { self["remainingItemCount"] }
        set { self["remainingItemCount"] = newValue }
    }
    public var resourceVersion: String? {
        get { self["resourceVersion"] }
        set { self["resourceVersion"] = newValue }
    }
    public var selfLink: String? {
        get { self["selfLink"] }
        set { self["selfLink"] = newValue }
    }
    public var shardInfo: ShardInfo? {
        get { self["shardInfo"] }
        set { self["shardInfo"] = newValue }
    }
}

public struct ManagedFieldsEntry: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var fieldsType: String? {
        get { self["fieldsType"] }
        set { self["fieldsType"] = newValue }
    }
    public var fieldsV1: JSONValue? {
        get { self["fieldsV1"] }
        set { self["fieldsV1"] = newValue }
    }
    public var manager: String? {
        get { self["manager"] }
        set { self["manager"] = newValue }
    }
    public var operation: String? {
        get { self["operation"] }
        set { self["operation"] = newValue }
    }
    public var subresource: String? {
        get { self["subresource"] }
        set { self["subresource"] = newValue }
    }
    public var time: Time? {
        get { self["time"] }
        set { self["time"] = newValue }
    }
}

public struct ObjectMeta: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var annotations: [String: String] {
        get { self["annotations"] ?? [:] }
        set { self["annotations"] = newValue.isEmpty ? nil : newValue }
    }
    public var creationTimestamp: Time? {
        get { self["creationTimestamp"] }
        set { self["creationTimestamp"] = newValue }
    }
    public var deletionGracePeriodSeconds: Int? {
        get { self["deletionGracePeriodSeconds"] }
        set { self["deletionGracePeriodSeconds"] = newValue }
    }
    public var deletionTimestamp: Time? {
        get { self["deletionTimestamp"] }
        set { self["deletionTimestamp"] = newValue }
    }
    public var finalizers: [String] {
        get { self["finalizers"] ?? [] }
        set { self["finalizers"] = newValue.isEmpty ? nil : newValue }
    }
    public var generateName: String? {
        get { self["generateName"] }
        set { self["generateName"] = newValue }
    }
    public var generation: Int? {
        get { self["generation"] }
        set { self["generation"] = newValue }
    }
    public var labels: [String: String] {
        get { self["labels"] ?? [:] }
        set { self["labels"] = newValue.isEmpty ? nil : newValue }
    }
    public var managedFields: [ManagedFieldsEntry] {
        get { self["managedFields"] ?? [] }
        set { self["managedFields"] = newValue.isEmpty ? nil : newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
    public var ownerReferences: [OwnerReference] {
        get { self["ownerReferences"] ?? [] }
        set { self["ownerReferences"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceVersion: String? {
        get { self["resourceVersion"] }
        set { self["resourceVersion"] = newValue }
    }
    public var selfLink: String? {
        get { self["selfLink"] }
        set { self["selfLink"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}

public struct OwnerReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String {
        get { self["apiVersion"] ?? "" }
        set { self["apiVersion"] = newValue }
    }
    public var blockOwnerDeletion: Bool? {
        get { self["blockOwnerDeletion"] }
        set { self["blockOwnerDeletion"] = newValue }
    }
    public var controller: Bool? {
        get { self["controller"] }
        set { self["controller"] = newValue }
    }
    public var kind: String {
        get { self["kind"] ?? "" }
        set { self["kind"] = newValue }
    }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var uid: String {
        get { self["uid"] ?? "" }
        set { self["uid"] = newValue }
    }
}

public struct Preconditions: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var resourceVersion: String? {
        get { self["resourceVersion"] }
        set { self["resourceVersion"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}

public struct ShardInfo: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var selector: String {
        get { self["selector"] ?? "" }
        set { self["selector"] = newValue }
    }
}

public struct Status: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var code: Int? {
        get { self["code"] }
        set { self["code"] = newValue }
    }
    public var details: StatusDetails? {
        get { self["details"] }
        set { self["details"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var metadata: ListMeta {
        get { self["metadata"] ?? ListMeta() }
        set { self["metadata"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
    public var status: String? {
        get { self["status"] }
        set { self["status"] = newValue }
    }
}

public struct StatusCause: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var field: String? {
        get { self["field"] }
        set { self["field"] = newValue }
    }
    public var message: String? {
        get { self["message"] }
        set { self["message"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
}

public struct StatusDetails: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var causes: [StatusCause] {
        get { self["causes"] ?? [] }
        set { self["causes"] = newValue.isEmpty ? nil : newValue }
    }
    public var group: String? {
        get { self["group"] }
        set { self["group"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var retryAfterSeconds: Int? {
        get { self["retryAfterSeconds"] }
        set { self["retryAfterSeconds"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}
