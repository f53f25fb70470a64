// Typed views of the kinds of networking/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct HTTPIngressPath: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var backend: IngressBackend? {
        get { self["backend"] }
        set { self["backend"] = newValue }
    }
    public var path: String? {
        get { self["path"] }
        set { self["path"] = newValue }
    }
    public var pathType: String {
        get { self["pathType"] ?? "" }
        set { self["pathType"] = newValue }
    }
}

public struct HTTPIngressRuleValue: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var paths: [HTTPIngressPath] {
        get { self["paths"] ?? [] }
        set { self["paths"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct IPBlock: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var cidr: String {
        get { self["cidr"] ?? "" }
        set { self["cidr"] = newValue }
    }
    public var except: [String] {
        get { self["except"] ?? [] }
        set { self["except"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct Ingress: KubeObject {
    public static let type = ObjectType(
        apiVersion: "networking.k8s.io/v1", kind: "Ingress", resource: "ingresses", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: IngressSpec {
        get { self["spec"] ?? IngressSpec() }
        set { self["spec"] = newValue }
    }
    public var status: IngressStatus {
        get { self["status"] ?? IngressStatus() }
        set { self["status"] = newValue }
    }
}

public struct IngressBackend: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var resource: TypedLocalObjectReference? {
        get { self["resource"] }
        set { self["resource"] = newValue }
    }
    public var service: IngressServiceBackend? {
        get { self["service"] }
        set { self["service"] = newValue }
    }
}

public struct IngressClass: KubeObject {
    public static let type = ObjectType(
        apiVersion: "networking.k8s.io/v1", kind: "IngressClass", resource: "ingressclasses", namespaced: false)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: IngressClassSpec {
        get { self["spec"] ?? IngressClassSpec() }
        set { self["spec"] = newValue }
    }
}

public struct IngressClassParametersReference: JSONView {
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
    public var scope: String? {
        get { self["scope"] }
        set { self["scope"] = newValue }
    }
}

public struct IngressClassSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var controller: String? {
        get { self["controller"] }
        set { self["controller"] = newValue }
    }
    public var parameters: IngressClassParametersReference? {
        get { self["parameters"] }
        set { self["parameters"] = newValue }
    }
}

public struct IngressLoadBalancerIngress: JSONView {
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
    public var ports: [IngressPortStatus] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct IngressLoadBalancerStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ingress: [IngressLoadBalancerIngress] {
        get { self["ingress"] ?? [] }
        set { self["ingress"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct IngressPortStatus: JSONView {
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

public struct IngressRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var host: String? {
        get { self["host"] }
        set { self["host"] = newValue }
    }
    public var http: HTTPIngressRuleValue? {
        get { self["http"] }
        set { self["http"] = newValue }
    }
}

public struct IngressServiceBackend: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
    public var port: ServiceBackendPort? {
        get { self["port"] }
        set { self["port"] = newValue }
    }
}

public struct IngressSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var defaultBackend: IngressBackend? {
        get { self["defaultBackend"] }
        set { self["defaultBackend"] = newValue }
    }
    public var ingressClassName: String? {
        get { self["ingressClassName"] }
        set { self["ingressClassName"] = newValue }
    }
    public var rules: [IngressRule] {
        get { self["rules"] ?? [] }
        set { self["rules"] = newValue.isEmpty ? nil : newValue }
    }
    public var tls: [IngressTLS] {
        get { self["tls"] ?? [] }
        set { self["tls"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct IngressStatus: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var loadBalancer: IngressLoadBalancerStatus? {
        get { self["loadBalancer"] }
        set { self["loadBalancer"] = newValue }
    }
}

public struct IngressTLS: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var hosts: [String] {
        get { self["hosts"] ?? [] }
        set { self["hosts"] = newValue.isEmpty ? nil : newValue }
    }
    public var secretName: String? {
        get { self["secretName"] }
        set { self["secretName"] = newValue }
    }
}

public struct NetworkPolicy: KubeObject {
    public static let type = ObjectType(
        apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", resource: "networkpolicies", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: NetworkPolicySpec {
        get { self["spec"] ?? NetworkPolicySpec() }
        set { self["spec"] = newValue }
    }
}

public struct NetworkPolicyEgressRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ports: [NetworkPolicyPort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
    public var to: [NetworkPolicyPeer] {
        get { self["to"] ?? [] }
        set { self["to"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NetworkPolicyIngressRule: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var from: [NetworkPolicyPeer] {
        get { self["from"] ?? [] }
        set { self["from"] = newValue.isEmpty ? nil : newValue }
    }
    public var ports: [NetworkPolicyPort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct NetworkPolicyPeer: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ipBlock: IPBlock? {
        get { self["ipBlock"] }
        set { self["ipBlock"] = newValue }
    }
    public var namespaceSelector: LabelSelector? {
        get { self["namespaceSelector"] }
        set { self["namespaceSelector"] = newValue }
    }
    public var podSelector: LabelSelector? {
        get { self["podSelector"] }
        set { self["podSelector"] = newValue }
    }
}

public struct NetworkPolicyPort: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var endPort: Int? {
        get { self["endPort"] }
        set { self["endPort"] = newValue }
    }
    public var port: IntOrString? {
        get { self["port"] }
        set { self["port"] = newValue }
    }
    public var `protocol`: String? {
        get { self["protocol"] }
        set { self["protocol"] = newValue }
    }
}

public struct NetworkPolicySpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var egress: [NetworkPolicyEgressRule] {
        get { self["egress"] ?? [] }
        set { self["egress"] = newValue.isEmpty ? nil : newValue }
    }
    public var ingress: [NetworkPolicyIngressRule] {
        get { self["ingress"] ?? [] }
        set { self["ingress"] = newValue.isEmpty ? nil : newValue }
    }
    public var podSelector: LabelSelector? {
        get { self["podSelector"] }
        set { self["podSelector"] = newValue }
    }
    public var policyTypes: [String] {
        get { self["policyTypes"] ?? [] }
        set { self["policyTypes"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ServiceBackendPort: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String? {
        get { self["name"] }
        set { self["name"] = newValue }
    }
    public var number: Int? {
        get { self["number"] }
        set { self["number"] = newValue }
    }
}
