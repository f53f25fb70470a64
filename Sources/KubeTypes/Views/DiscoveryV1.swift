// Typed views of the kinds of discovery/v1. Written by Scripts/generate-views.py from the table of types.

import JSON

public struct Endpoint: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var addresses: [String] {
        get { self["addresses"] ?? [] }
        set { self["addresses"] = newValue.isEmpty ? nil : newValue }
    }
    public var conditions: EndpointConditions? {
        get { self["conditions"] }
        set { self["conditions"] = newValue }
    }
    public var deprecatedTopology: [String: String] {
        get { self["deprecatedTopology"] ?? [:] }
        set { self["deprecatedTopology"] = newValue.isEmpty ? nil : newValue }
    }
    public var hints: EndpointHints? {
        get { self["hints"] }
        set { self["hints"] = newValue }
    }
    public var hostname: String? {
        get { self["hostname"] }
        set { self["hostname"] = newValue }
    }
    public var nodeName: String? {
        get { self["nodeName"] }
        set { self["nodeName"] = newValue }
    }
    public var targetRef: ObjectReference? {
        get { self["targetRef"] }
        set { self["targetRef"] = newValue }
    }
    public var zone: String? {
        get { self["zone"] }
        set { self["zone"] = newValue }
    }
}

public struct EndpointConditions: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var ready: Bool? {
        get { self["ready"] }
        set { self["ready"] = newValue }
    }
    public var serving: Bool? {
        get { self["serving"] }
        set { self["serving"] = newValue }
    }
    public var terminating: Bool? {
        get { self["terminating"] }
        set { self["terminating"] = newValue }
    }
}

public struct EndpointHints: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var forNodes: [ForNode] {
        get { self["forNodes"] ?? [] }
        set { self["forNodes"] = newValue.isEmpty ? nil : newValue }
    }
    public var forZones: [ForZone] {
        get { self["forZones"] ?? [] }
        set { self["forZones"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct EndpointSlicePort: JSONView {
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
    public var port: Int? {
        get { self["port"] }
        set { self["port"] = newValue }
    }
    public var `protocol`: String? {
        get { self["protocol"] }
        set { self["protocol"] = newValue }
    }
}

public struct EndpointSlice: KubeObject {
    public static let type = ObjectType(
        apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", resource: "endpointslices", namespaced: true)
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var addressType: String {
        get { self["addressType"] ?? "" }
        set { self["addressType"] = newValue }
    }
    public var endpoints: [Endpoint] {
        get { self["endpoints"] ?? [] }
        set { self["endpoints"] = newValue.isEmpty ? nil : newValue }
    }
    public var metadata: ObjectMeta {
        get { self["metadata"] ?? ObjectMeta() }
        set { self["metadata"] = newValue }
    }
    public var ports: [EndpointSlicePort] {
        get { self["ports"] ?? [] }
        set { self["ports"] = newValue.isEmpty ? nil : newValue }
    }
}

public struct ForNode: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}

public struct ForZone: JSONView {
    public var json: JSONValue
    public init(_ json: JSONValue = [:]) { self.json = json }
    public var name: String {
        get { self["name"] ?? "" }
        set { self["name"] = newValue }
    }
}
