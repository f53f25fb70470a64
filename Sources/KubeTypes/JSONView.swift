import JSON

/// A typed way of looking at a JSON object: reads and writes go to the JSON below, and fields that a view does not
/// know stay what they are.
public protocol JSONView: JSONField {
    var json: JSONValue { get set }
    init(_ json: JSONValue)
}

/// What the field of a view can hold.
public protocol JSONField: Sendable, Hashable {
    /// Nil where `field` is not of this type.
    init?(field: JSONValue)
    var field: JSONValue { get }
}

extension JSONView {
    public init?(field: JSONValue) {
        guard case .object = field else { return nil }
        self.init(field)
    }

    public var field: JSONValue { json }

    /// The field `key`; nil where it is missing, null, or of another type. Setting nil removes it.
    public subscript<Value: JSONField>(key: String) -> Value? {
        get { json[key].flatMap(Value.init(field:)) }
        set {
            guard let newValue else {
                json[key] = nil
                return
            }
            json[key] = newValue.field
        }
    }
}

/// Where a kind lives in the API.
public struct ObjectType: Sendable, Hashable {
    /// `group/version`, or just the version in the core group.
    public let apiVersion: String
    public let kind: String
    /// The plural in URLs; empty for what is only ever a subresource.
    public let resource: String
    public let namespaced: Bool

    public init(apiVersion: String, kind: String, resource: String, namespaced: Bool) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.resource = resource
        self.namespaced = namespaced
    }

    /// The group, empty for core.
    public var group: String { apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? "" }
    public var version: String {
        apiVersion.lastIndex(of: "/").map { String(apiVersion[apiVersion.index(after: $0)...]) } ?? apiVersion
    }
}

/// A view of an object that has a kind and metadata of its own.
public protocol KubeObject: JSONView {
    static var type: ObjectType { get }
    var metadata: ObjectMeta { get set }
}

extension KubeObject {
    /// An object with its kind and name filled in.
    public init(name: String, namespace: String? = nil) {
        var json = JSONObject()
        json["apiVersion"] = .string(Self.type.apiVersion)
        json["kind"] = .string(Self.type.kind)
        self.init(.object(json))
        metadata.name = name
        metadata.namespace = namespace
    }

    public var name: String { metadata.name ?? "" }
    /// Empty for cluster-scoped objects.
    public var namespace: String { metadata.namespace ?? "" }
    public var uid: String { metadata.uid ?? "" }
    public var labels: [String: String] { metadata.labels }
    public var annotations: [String: String] { metadata.annotations }
    public var resourceVersion: String { metadata.resourceVersion ?? "" }
    public var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }
    /// `namespace/name`, or the name alone: the key of queues and caches.
    public var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }

    /// The owner that manages this object, if one does.
    public var controller: OwnerReference? { metadata.ownerReferences.first { $0.controller == true } }
}

/// What tells objects of one resource apart.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Empty for cluster-scoped objects.
    public let namespace: String
    public let name: String

    public init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

extension String: JSONField {
    public init?(field: JSONValue) {
        guard let string = field.stringValue else { return nil }
        self = string
    }
    public var field: JSONValue { .string(self) }
}

extension Int: JSONField {
    public init?(field: JSONValue) {
        guard let int = field.intValue else { return nil }
        self = int
    }
    public var field: JSONValue { .integer(Int64(self)) }
}

extension Bool: JSONField {
    public init?(field: JSONValue) {
        guard let bool = field.boolValue else { return nil }
        self = bool
    }
    public var field: JSONValue { .bool(self) }
}

extension Double: JSONField {
    public init?(field: JSONValue) {
        guard let double = field.doubleValue else { return nil }
        self = double
    }
    public var field: JSONValue {
        self == rounded() && abs(self) < 1e15 ? .integer(Int64(self)) : .number(JSONNumber(text: "\(self)"))
    }
}

extension JSONValue: JSONField {
    public init?(field: JSONValue) { self = field }
    public var field: JSONValue { self }
}

extension Array: JSONField where Element: JSONField {
    public init?(field: JSONValue) {
        guard let array = field.arrayValue else { return nil }
        self = array.compactMap(Element.init(field:))
    }
    public var field: JSONValue { .array(map(\.field)) }
}

extension Dictionary: JSONField where Key == String, Value: JSONField {
    public init?(field: JSONValue) {
        guard let object = field.objectValue else { return nil }
        self.init(minimumCapacity: object.count)
        for (key, value) in object { self[key] = Value(field: value) }
    }
    /// Ordered by name, so that equal dictionaries are written alike.
    public var field: JSONValue {
        .object(JSONObject(sorted { $0.key < $1.key }.lazy.map { (key: $0.key, value: $0.value.field) }))
    }
}
