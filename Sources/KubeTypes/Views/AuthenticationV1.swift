// Typed views of the kinds of authentication/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct BoundObjectReference: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var apiVersion: String? {
        get { self["apiVersion"] }
        set { self["apiVersion"] = newValue }
    }
    public var kind: String? {
        get { self["kind"] }
        set { self["kind"] = newValue }
    }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
}

public struct SelfSubjectReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", resource: "selfsubjectreviews",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var status: SelfSubjectReviewStatus {
        get { self["status"] ?? SelfSubjectReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct SelfSubjectReviewStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var userInfo: UserInfo? {
        get { self["userInfo"] }
        set { self["userInfo"] = newValue }
    }
}

public struct TokenRequest: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", resource: "", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: TokenRequestSpec {
        get { self["spec"] ?? TokenRequestSpec() }
        set { self["spec"] = newValue }
    }
    public var status: TokenRequestStatus {
        get { self["status"] ?? TokenRequestStatus() }
        set { self["status"] = newValue }
    }
}

public struct TokenRequestSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var audiences: [String] {
        get { self["audiences"] ?? [] }
        set { self["audiences"] = newValue.isEmpty ? nil : newValue }
    }
    public var boundObjectRef: BoundObjectReference? {
        get { self["boundObjectRef"] }
        set { self["boundObjectRef"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { self["expirationSeconds"] }
        set { self["expirationSeconds"] = newValue }
    }
}

public struct TokenRequestStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var expirationTimestamp: Time? {
        get { self["expirationTimestamp"] }
        set { self["expirationTimestamp"] = newValue }
    }
    public var token: String? {
        get { self["token"] }
        set { self["token"] = newValue }
    }
}

public struct TokenReview: KubeObject {
    public static let type = ObjectType(
        apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", resource: "tokenreviews", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: TokenReviewSpec {
        get { self["spec"] ?? TokenReviewSpec() }
        set { self["spec"] = newValue }
    }
    public var status: TokenReviewStatus {
        get { self["status"] ?? TokenReviewStatus() }
        set { self["status"] = newValue }
    }
}

public struct TokenReviewSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var audiences: [String] {
        get { self["audiences"] ?? [] }
        set { self["audiences"] = newValue.isEmpty ? nil : newValue }
    }
    public var token: String {
        get { self["token"] ?? "" }
        set { self["token"] = newValue }
    }
}

public struct TokenReviewStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var audiences: [String] {
        get { self["audiences"] ?? [] }
        set { self["audiences"] = newValue.isEmpty ? nil : newValue }
    }
    public var authenticated: Bool? {
        get { self["authenticated"] }
        set { self["authenticated"] = newValue }
    }
    public var error: String? {
        get { self["error"] }
        set { self["error"] = newValue }
    }
    public var user: UserInfo? {
        get { self["user"] }
        set { self["user"] = newValue }
    }
}

public struct UserInfo: JSONView {
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
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
    public var username: String? {
        get { self["username"] }
        set { self["username"] = newValue }
    }
}
