import JSON
import KubeTypes

/// Ranges of service addresses (networking.k8s.io/v1 ServiceCIDR), as far as their controller reads them.
struct ServiceCIDR: KubeObject {
    static let type = ObjectType(
        apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", resource: "servicecidrs", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    var ranges: [IPPrefix] {
        (json[path: "spec", "cidrs"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { IPPrefix($0) } }
    }
    var conditions: [Condition] { json["status"]?["conditions"]?.arrayValue?.map { Condition($0) } ?? [] }
}

/// An address that a service has (networking.k8s.io/v1 IPAddress).
struct ServiceIPAddress: KubeObject {
    static let type = ObjectType(
        apiVersion: "networking.k8s.io/v1", kind: "IPAddress", resource: "ipaddresses", namespaced: false)
    var json: JSONValue
    init(_ json: JSONValue = [:]) { self.json = json }
    var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }

    /// Whether the API server took it for a service; others are nobody's reason to keep a range.
    var isOfService: Bool { labels["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io" }
}
