// Typed views of the kinds of authorization/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct FieldSelectorAttributes: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rawSelector: String? {
        get { self["rawSelector"] }
        set { self["rawSelector"] = newValue }
    }
    public var requirements: [FieldSelectorRequirement] {
        get { self["requirements"] ?? [] }
        set { self["requirements"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LabelSelectorAttributes: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var rawSelector: String? {
        get { self["rawSelector"] }
        set { self["rawSelector"] = newValue }
    }
    public var requirements: [LabelSelectorRequirement] {
        get { self["requirements"] ?? [] }
        set { self["requirements"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct LocalSubjectAccessReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authorization.k8s.io/v1", kind: "LocalSubjectAccessReview", resource: "localsubjectaccessreviews",
        namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: SubjectAccessReviewSpec {
        get { self["spec"] ?? SubjectAccessReviewSpec() }
        set { self["spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { self["status"] ?? SubjectAccessReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct NonResourceAttributes: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var path: String? {
        get { self["path"] }
        set { self["path"] = newValue }
    }
    public var verb: String? {
        get { self["verb"] }
        set { self["verb"] = newValue }
    }
}

public struct NonResourceRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var nonResourceURLs: [String] {
        get { self["nonResourceURLs"] ?? [] }
        set { self["nonResourceURLs"] = newValue.isEmpty ? nil : newValue }
    }
    public var verbs: [String] {
        get { self["verbs"] ?? [] }
        set { self["verbs"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ResourceAttributes: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var fieldSelector: FieldSelectorAttributes? {
        get { self["fieldSelector"] }
        set { self["fieldSelector"] = newValue }
    }
    public var group: String? {
        get { self["group"] }
        set { self["group"] = newValue }
    }
    public var labelSelector: LabelSelectorAttributes? {
        get { self["labelSelector"] }
        set { self["labelSelector"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
    public var resource: String? {
        get { self["resource"] }
        set { self["resource"] = newValue }
    }
    public var subresource: String? {
        get { self["subresource"] }
        set { self["subresource"] = newValue }
    }
    public var verb: String? {
        get { self["verb"] }
        set { self["verb"] = newValue }
    }
    public var version: String? {
        get { self["version"] }
        set { self["version"] = newValue }
    }
}

public struct ResourceRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiGroups: [String] {
        get { self["apiGroups"] ?? [] }
        set { self["apiGroups"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceNames: [String] {
        get { self["resourceNames"] ?? [] }
        set { self["resourceNames"] = newValue.isEmpty ? nil : newValue }
    }
    public var resources: [String] {
        get { self["resources"] ?? [] }
        set { self["resources"] = newValue.isEmpty ? nil : newValue }
    }
    public var verbs: [String] {
        get { self["verbs"] ?? [] }
        set { self["verbs"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct SelfSubjectAccessReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", resource: "selfsubjectaccessreviews",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: SelfSubjectAccessReviewSpec {
        get { self["spec"] ?? SelfSubjectAccessReviewSpec() }
        set { self["spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { self["status"] ?? SubjectAccessReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct SelfSubjectAccessReviewSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var nonResourceAttributes: NonResourceAttributes? {
        get { self["nonResourceAttributes"] }
        set { self["nonResourceAttributes"] = newValue }
    }
    public var resourceAttributes: ResourceAttributes? {
        get { self["resourceAttributes"] }
        set { self["resourceAttributes"] = newValue }
    }
}

public struct SelfSubjectRulesReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", resource: "selfsubjectrulesreviews",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: SelfSubjectRulesReviewSpec {
        get { self["spec"] ?? SelfSubjectRulesReviewSpec() }
        set { self["spec"] = newValue }
    }
    public var status: SubjectRulesReviewStatus {
        get { self["status"] ?? SubjectRulesReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct SelfSubjectRulesReviewSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var namespace: String? {
        get { self["namespace"] }
        set { self["namespace"] = newValue }
    }
}

public struct SubjectAccessReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", resource: "subjectaccessreviews",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: SubjectAccessReviewSpec {
        get { self["spec"] ?? SubjectAccessReviewSpec() }
        set { self["spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { self["status"] ?? SubjectAccessReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct SubjectAccessReviewSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var extra: [String: [String]] {
        get { self["extra"] ?? [:] }
        set { self["extra"] = newValue.isEmpty ? nil : newValue }
    }
    public var groups: [String] {
        get { self["groups"] ?? [] }
        set { self["groups"] = newValue.isEmpty ? nil : newValue }
    }
    public var nonResourceAttributes: NonResourceAttributes? {
        get { self["nonResourceAttributes"] }
        set { self["nonResourceAttributes"] = newValue }
    }
    public var resourceAttributes: ResourceAttributes? {
        get { self["resourceAttributes"] }
        set { self["resourceAttributes"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
    public var user: String? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct SubjectAccessReviewStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var allowed: Bool {
        get { self["allowed"] ?? false }
        set { self["allowed"] = newValue }
    }
    public var denied: Bool? {
        get { self["denied"] }
        set { self["denied"] = newValue }
    }
    public var evaluationError: String? {
        get { self["evaluationError"] }
        set { self["evaluationError"] = newValue }
    }
    public var reason: String? {
        get { self["reason"] }
        set { self["reason"] = newValue }
    }
}

public struct SubjectRulesReviewStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var evaluationError: String? {
        get { self["evaluationError"] }
        set { self["evaluationError"] = newValue }
    }
    public var incomplete: Bool {
        get { self["incomplete"] ?? false }
        set { self["incomplete"] = newValue }
    }
    public var nonResourceRules: [NonResourceRule] {
        get { self["nonResourceRules"] ?? [] }
        set { self["nonResourceRules"] = newValue.isEmpty ? nil : newValue }
    }
    public var resourceRules: [ResourceRule] {
        get { self["resourceRules"] ?? [] }
        set { self["resourceRules"] = newValue.isEmpty ? nil : newValue }
    }
}
