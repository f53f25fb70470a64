import JSON

/// Which groups, versions and resources are served, in the classic form (`APIGroupList`, `APIResourceList`, one request
/// for each version) and in the aggregated one (`APIGroupDiscoveryList`, one request for all; KEP-3352).
public enum Discovery {
    // MARK: The classic form

    /// `/api`.
    /// - Parameter serverAddress: host and port under which clients anywhere reach the server.
    public static func versions(_ schema: Schema = .builtin, serverAddress: String = "") -> JSONValue {
        let core = schema.group("")?.versions ?? []
        return [
            "kind": "APIVersions", "versions": .array(core.map { .string($0) }),
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ]
    }

    /// `/apis`.
    public static func groupList(_ schema: Schema) -> JSONValue {
        let groups = schema.groups.filter { !$0.name.isEmpty }.map { JSONValue.object(fields(of: $0)) }
        return ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups)]
    }

    /// `/apis/GROUP`; nil if there is no such group.
    public static func group(_ schema: Schema, _ name: String) -> JSONValue? {
        guard !name.isEmpty, let group = schema.group(name) else { return nil }
        var object: JSONObject = ["kind": "APIGroup", "apiVersion": "v1"]
        for (key, value) in fields(of: group) { object[key] = value }
        return .object(object)
    }

    private static func fields(of group: APIGroup) -> JSONObject {
        let versions = group.versions.map { version -> JSONValue in
            ["groupVersion": .string("\(group.name)/\(version)"), "version": .string(version)]
        }
        return ["name": .string(group.name), "versions": .array(versions), "preferredVersion": versions.first ?? [:]]
    }

    /// `/api/VERSION` (the core group is empty) and `/apis/GROUP/VERSION`; nil if that is not served.
    /// - Parameter hash: names a storage version (`group/version/Kind`) in a short form; without one nothing is said of
    ///   storage.
    public static func resourceList(
        _ schema: Schema, group: String, version: String, hash: ((String) -> String)? = nil
    ) -> JSONValue? {
        guard schema.group(group)?.versions.contains(version) == true else { return nil }
        var entries: [(name: String, entry: JSONValue)] = []
        for resource in schema.resources where resource.group == group && resource.version == version {
            entries.append((resource.plural, entry(of: resource, schema, hash)))
            for subresource in resource.subresources {
                entries.append(
                    ("\(resource.plural)/\(subresource.name)", entry(of: subresource, under: resource)))
            }
        }
        // By path, as upstream installs and lists them.
        entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var list: JSONObject = ["kind": "APIResourceList"]
        if !group.isEmpty { list["apiVersion"] = "v1" }
        list["groupVersion"] = .string(group.isEmpty ? version : "\(group)/\(version)")
        list["resources"] = .array(entries.map(\.entry))
        return .object(list)
    }

    private static func entry(of resource: ResourceType, _ schema: Schema, _ hash: ((String) -> String)?) -> JSONValue {
        var entry: JSONObject = [
            "name": .string(resource.plural), "singularName": .string(resource.singular),
            "namespaced": .bool(resource.namespaced), "kind": .string(resource.kind),
            "verbs": strings(verbs(of: resource, schema)),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = strings(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = strings(resource.categories) }
        if let hash, resource.verbs != ["create"] {
            let storage = resource.storage
            entry["storageVersionHash"] = .string(hash("\(storage.group)/\(storage.version)/\(resource.kind)"))
        }
        return .object(entry)
    }

    private static func entry(of subresource: SubresourceType, under resource: ResourceType) -> JSONValue {
        var entry: JSONObject = [
            "name": .string("\(resource.plural)/\(subresource.name)"), "singularName": "",
            "namespaced": .bool(resource.namespaced),
        ]
        if isForeign(subresource, to: resource) {
            entry["group"] = .string(subresource.group)
            entry["version"] = .string(subresource.version)
        }
        entry["kind"] = .string(subresource.kind)
        entry["verbs"] = strings(subresource.verbs)
        return .object(entry)
    }

    private static func isForeign(_ subresource: SubresourceType, to resource: ResourceType) -> Bool {
        subresource.group != resource.group || subresource.version != resource.version
    }

    /// Resources whose definition is being deleted take no more writes.
    private static func verbs(of resource: ResourceType, _ schema: Schema) -> [String] {
        guard let custom = resource.custom, schema.isTerminating(custom) else { return resource.verbs }
        return resource.verbs.filter { !["create", "patch", "update"].contains($0) }
    }

    private static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    // MARK: The aggregated form

    /// What a version of the aggregated form is called in Accept and Content-Type.
    public static func aggregatedContentType(version: String) -> String {
        "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
    }

    /// `/api` (`core` true) or `/apis`.
    /// - Parameter version: of `apidiscovery.k8s.io`: `v2` or `v2beta1`, which have the same fields.
    public static func aggregated(_ schema: Schema, core: Bool, version: String = "v2") -> JSONValue {
        var byVersion: [String: [ResourceType]] = [:]
        for resource in schema.resources { byVersion[resource.apiVersion, default: []].append(resource) }
        let items = schema.groups.filter { $0.name.isEmpty == core }.map { group -> JSONValue in
            let versions = group.versions.map { version -> JSONValue in
                let resources = byVersion[group.name.isEmpty ? version : "\(group.name)/\(version)"] ?? []
                return [
                    "version": .string(version), "resources": .array(resources.map { discovery(of: $0, schema) }),
                    "freshness": "Current",
                ]
            }
            return [
                "metadata": group.name.isEmpty ? [:] : ["name": .string(group.name)], "versions": .array(versions),
            ]
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"),
            "metadata": [:], "items": .array(items),
        ]
    }

    private static func discovery(of resource: ResourceType, _ schema: Schema) -> JSONValue {
        var entry: JSONObject = [
            "resource": .string(resource.plural),
            // Empty group and version: those of the list that this is in.
            "responseKind": ["group": "", "version": "", "kind": .string(resource.kind)],
            "scope": resource.namespaced ? "Namespaced" : "Cluster", "singularResource": .string(resource.singular),
            "verbs": strings(verbs(of: resource, schema)),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = strings(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = strings(resource.categories) }
        if !resource.subresources.isEmpty {
            entry["subresources"] = .array(
                resource.subresources.map { subresource in
                    let foreign = isForeign(subresource, to: resource)
                    return [
                        "subresource": .string(subresource.name),
                        "responseKind": [
                            "group": .string(foreign ? subresource.group : ""),
                            "version": .string(foreign ? subresource.version : ""), "kind": .string(subresource.kind),
                        ], "verbs": strings(subresource.verbs),
                    ]
                })
        }
        return .object(entry)
    }
}
