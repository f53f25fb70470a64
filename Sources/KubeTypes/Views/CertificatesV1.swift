// Typed views of the kinds of certificates/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct CertificateSigningRequest: KubeObject {
    public static let type = ObjectType(
        apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", resource: "certificatesigningrequests",
        namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: CertificateSigningRequestSpec {
        get { self["spec"] ?? CertificateSigningRequestSpec() }
        set { self["spec"] = newValue }
    }
    public var status: CertificateSigningRequestStatus {
        get { self["status"] ?? CertificateSigningRequestStatus() }
        set { self["status"] = newValue }
    }
}

public struct CertificateSigningRequestCondition: JSONView {
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

public struct CertificateSigningRequestSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var expirationSeconds: Int? {
        get { self["expirationSeconds"] }
        set { self["expirationSeconds"] = newValue }
    }
    public var extra: [String: [String]] {
        get { self["extra"] ?? [:] }
        set { self["extra"] = newValue.isEmpty ? nil : newValue }
    }
    public var groups: [String] {
        get { self["groups"] ?? [] }
        set { self["groups"] = newValue.isEmpty ? nil : newValue }
    }
    public var request: String {
        get { self["request"] ?? "" }
        set { self["request"] = newValue }
    }
    public var signerName: String {
        get { self["signerName"] ?? "" }
        set { self["signerName"] = newValue }
    }
    public var uid: String? {
        get { self["uid"] }
        set { self["uid"] = newValue }
    }
    public var usages: [String] {
        get { self["usages"] ?? [] }
        set { self["usages"] = newValue.isEmpty ? nil : newValue }
    }
    public var username: String? {
        get { self["username"] }
        set { self["username"] = newValue }
    }
}

public struct CertificateSigningRequestStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var certificate: String? {
        get { self["certificate"] }
        set { self["certificate"] = newValue }
    }
    public var conditions: [CertificateSigningRequestCondition] {
        get { self["conditions"] ?? [] }
        set { self["conditions"] = newValue.isEmpty ? nil : newValue }
    }
}
