import JSON
import KubeTypes

/// The rows that a CustomResourceDefinition adds to the tables: a resource for each version, and a message made from its
/// schema.
public struct CustomResourceRows: Sendable {
    /// The name of the definition.
    public let definition: String
    public let group, plural: String
    /// The served versions, as the definition lists them.
    public let served: [ResourceType]
    /// The version in which objects are stored, which need not be served.
    public let storage: ResourceType

    /// Reads a definition whose names have been accepted; nil if something is missing that validation asks for.
    public init?(_ definition: JSONValue, base: Schema) {
        guard let objectMeta = base.message("meta/v1.ObjectMeta"),
            let group = definition["spec"]?["group"]?.stringValue,
            let plural = definition[path: "status", "acceptedNames", "plural"]?.stringValue, !plural.isEmpty,
            let versions = definition["spec"]?["versions"]?.arrayValue,
            definition[path: "status", "acceptedNames", "kind"]?.stringValue?.isEmpty == false
        else { return nil }
        let scale = base.message("autoscaling/v1.Scale")
        var served: [ResourceType] = []
        var storage: ResourceType?
        let identity = StorageIdentity(
            group: group,
            version: versions.first { $0["storage"]?.boolValue == true }?["name"]?.stringValue ?? "", plural: plural)
        for version in versions {
            let isServed = version["served"]?.boolValue ?? false
            let isStorage = version["storage"]?.boolValue ?? false
            guard isServed || isStorage else { continue }
            let custom = CustomResourceType(definition, version: version, objectMeta: objectMeta)
            let resource = Self.resource(custom, definition, version, storage: identity, scale: scale)
            if isServed { served.append(resource) }
            if isStorage { storage = resource }
        }
        guard let storage else { return nil }
        self.definition = definition["metadata"]?["name"]?.stringValue ?? ""
        self.group = group
        self.plural = plural
        self.served = served
        self.storage = storage
    }

    private static func resource(
        _ custom: CustomResourceType, _ definition: JSONValue, _ version: JSONValue, storage: StorageIdentity,
        scale: MessageType?
    ) -> ResourceType {
        let names = definition[path: "status", "acceptedNames"] ?? [:]
        let message = CustomResourceMessages.message(of: custom)
        var subresources: [SubresourceType] = []
        let verbs = ["get", "patch", "update"]
        if custom.scale != nil {
            subresources.append(
                SubresourceType(
                    name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: verbs, message: scale))
        }
        if custom.hasStatus {
            subresources.append(
                SubresourceType(
                    name: "status", group: custom.group, version: custom.version, kind: custom.kind, verbs: verbs,
                    message: message))
        }
        func strings(_ key: String) -> [String] { (names[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        return ResourceType(
            group: custom.group, version: custom.version, plural: custom.plural,
            singular: names["singular"]?.stringValue ?? "", kind: custom.kind,
            namespaced: definition["spec"]?["scope"]?.stringValue == "Namespaced",
            verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            shortNames: strings("shortNames"), categories: strings("categories"), subresources: subresources,
            message: message, storage: storage, deprecation: deprecation(of: custom, definition, version),
            listKind: custom.listKind)
    }

    private static func deprecation(
        of custom: CustomResourceType, _ definition: JSONValue, _ version: JSONValue
    ) -> String? {
        guard version["deprecated"]?.boolValue == true else { return nil }
        if let warning = version["deprecationWarning"]?.stringValue { return warning }
        let others = (definition["spec"]?["versions"]?.arrayValue ?? []).compactMap { other -> String? in
            guard other["served"]?.boolValue == true, other["deprecated"]?.boolValue != true,
                let name = other["name"]?.stringValue, APIVersionOrder.precedes(name, custom.version)
            else { return nil }
            return name
        }
        let text = "\(custom.group)/\(custom.version) \(custom.kind) is deprecated"
        guard let best = others.min(by: APIVersionOrder.precedes) else { return text }
        return "\(text); use \(custom.group)/\(best) \(custom.kind)"
    }
}

/// The order in which clients prefer versions: `v2` before `v1` before `v2beta1` before `v1alpha3` before anything else.
public enum APIVersionOrder {
    public static func precedes(_ left: String, _ right: String) -> Bool {
        switch (parse(left), parse(right)) {
        case (let first?, let second?):
            (first.stability, first.major, first.minor) > (second.stability, second.major, second.minor)
        case (.some, nil): true
        case (nil, .some): false
        case (nil, nil): left < right
        }
    }

    private static func parse(_ version: String) -> (stability: Int, major: Int, minor: Int)? {
        guard version.first == "v" else { return nil }
        var rest = version.dropFirst()
        func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return digits.isEmpty || digits.hasPrefix("0") ? nil : Int(digits)
        }
        guard let major = number() else { return nil }
        if rest.isEmpty { return (2, major, 0) }
        for (word, stability) in [("beta", 1), ("alpha", 0)] where rest.hasPrefix(word) {
            rest = rest.dropFirst(word.count)
            guard let minor = number(), rest.isEmpty else { return nil }
            return (stability, major, minor)
        }
        return nil
    }
}
