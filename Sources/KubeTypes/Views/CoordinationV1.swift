// Typed views of the kinds of coordination/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct Lease: KubeObject {
    public static let type = ObjectType(
        apiVersion: "coordination.k8s.io/v1", kind: "Lease", resource: "leases", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var spec: LeaseSpec {
        get { self["spec"] ?? LeaseSpec() }
        set { self["spec"] = newValue }
    }
}

public struct LeaseSpec: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var acquireTime: MicroTime? {
        get { self["acquireTime"] }
        set { self["acquireTime"] = newValue }
    }
    public var holderIdentity: String? {
        get { self["holderIdentity"] }
        set { self["holderIdentity"] = newValue }
    }
    public var leaseDurationSeconds: Int? {
        get { self["leaseDurationSeconds"] }
        set { self["leaseDurationSeconds"] = newValue }
    }
    public var leaseTransitions: Int? {
        get { self["leaseTransitions"] }
        set { self["leaseTransitions"] = newValue }
    }
    public var preferredHolder: String? {
        get { self["preferredHolder"] }
        set { self["preferredHolder"] = newValue }
    }
    public var renewTime: MicroTime? {
        get { self["renewTime"] }
        set { self["renewTime"] = newValue }
    }
    public var strategy: String? {
        get { self["strategy"] }
        set { self["strategy"] = newValue }
    }
}
