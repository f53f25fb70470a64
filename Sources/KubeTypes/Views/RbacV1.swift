// Typed views of the kinds of rbac/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct AggregationRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var clusterRoleSelectors: [LabelSelector] {
        get { self["clusterRoleSelectors"] ?? [] }
        set { self["clusterRoleSelectors"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ClusterRole: KubeObject {
    public static let type = ObjectType(
        apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", resource: "clusterroles", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var aggregationRule: AggregationRule? {
        get { self["aggregationRule"] }
        set { self["aggregationRule"] = newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var rules: [PolicyRule] {
        get { self["rules"] ?? [] }
        set { self["rules"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ClusterRoleBinding: KubeObject {
    public static let type = ObjectType(
        apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", resource: "clusterrolebindings",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var roleRef: RoleRef? {
        get { self["roleRef"] }
        set { self["roleRef"] = newValue }
    }
    public var subjects: [Subject] {
        get { self["subjects"] ?? [] }
        set { self["subjects"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct PolicyRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiGroups: [String] {
        get { self["apiGroups"] ?? [] }
        set { self["apiGroups"] = newValue.isEmpty ? nil : newValue }
    }
    public var nonResourceURLs: [String] {
        get { self["nonResourceURLs"] ?? [] }
        set { self["nonResourceURLs"] = newValue.isEmpty ? nil : newValue }
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

public struct Role: KubeObject {
    public static let type = ObjectType(
        apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", resource: "roles", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var rules: [PolicyRule] {
        get { self["rules"] ?? [] }
        set { self["rules"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct RoleBinding: KubeObject {
    public static let type = ObjectType(
        apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", resource: "rolebindings", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var roleRef: RoleRef? {
        get { self["roleRef"] }
        set { self["roleRef"] = newValue }
    }
    public var subjects: [Subject] {
        get { self["subjects"] ?? [] }
        set { self["subjects"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct RoleRef: JSONView {
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

public struct Subject: JSONView {
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
