// Discovery and OpenAPI with the group versions of others merged in.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore

/// What a remote server said of its resources.
struct RemoteDiscovery: Sendable {
    /// The entries of its `APIResourceList`.
    var resources: [JSONValue]
    /// Whether it could not be asked again.
    var isStale: Bool
    /// The part of its OpenAPI v2 document that is about its group; nil where it has none to show.
    var openAPI: RemoteOpenAPI?
}

/// Paths and definitions of a remote's OpenAPI v2 document.
struct RemoteOpenAPI: Sendable {
    var paths: JSONObject = [:]
    var definitions: JSONObject

    /// Of a whole document, what is under the group's path.
    init?(_ document: JSONValue, group: String) {
        guard let all = document["paths"]?.objectValue, let definitions = document["definitions"]?.objectValue else {
            return nil
        }
        for (path, value) in all where path.hasPrefix("/apis/\(group)/") { paths[path] = value }
        self.definitions = definitions
    }
}

extension Aggregator {
    /// Keeps what a server said; nil marks what is known as stale.
    func discovered(_ name: RemoteAPI.Name, _ resources: [JSONValue]?) {
        state.withLock { state in
            guard state.remotes[name] != nil else { return }
            let old = state.discoveries[name]
            let new = RemoteDiscovery(
                resources: resources ?? old?.resources ?? [], isStale: resources == nil, openAPI: old?.openAPI)
            if let old, old.isStale == new.isStale, old.resources == new.resources { return }
            state.discoveries[name] = new
            state.generation += 1
            state.documents = [:]
        }
    }

    /// Whether a remote's OpenAPI document is still to be fetched.
    func wantsOpenAPI(_ name: RemoteAPI.Name) -> Bool {
        state.withLock { state in state.discoveries[name].map { $0.openAPI == nil } ?? false }
    }

    func discovered(_ name: RemoteAPI.Name, openAPI: RemoteOpenAPI) {
        state.withLock { state in
            guard state.discoveries[name] != nil else { return }
            state.discoveries[name]?.openAPI = openAPI
            state.documents = [:]
        }
    }

    /// A document of this server's own with the remotes in it; itself where they do not show.
    /// - Parameter base: nil where this server has no such document, as for a group that is wholly another's.
    func merged(path: String, _ base: PublishedDocuments.Document?) -> PublishedDocuments.Document? {
        if isEmpty { return base }
        let parts = path.split(separator: "/").map(String.init)
        guard parts.first == "apis" && parts.count <= 2 || parts == ["openapi", "v3"] || parts == ["openapi", "v2"],
            parts.last != "v2" || base?.contentType == "application/json"
        else { return base }
        let key = "\(path) \(base?.contentType ?? "") \(base?.tag ?? "")"
        let (known, remotes, discoveries) = state.withLock { state in
            (state.documents[key], Array(state.remotes.values), state.discoveries)
        }
        if let known { return known }
        let value = base.flatMap { try? JSONParser.parse($0.body.readableBytesView) }
        let merged: JSONValue?
        if parts.last == "v2" {
            merged = value.map { Self.openAPIV2($0, discoveries.values.compactMap(\.openAPI)) }
        } else if parts.first == "openapi" {
            merged = value.map { Self.openAPIIndex($0, remotes) }
        } else if parts.count == 2 {
            merged = Self.group(parts[1], value, remotes)
        } else if value?["kind"]?.stringValue == "APIGroupDiscoveryList" {
            merged = value.map { Self.aggregated($0, remotes, discoveries) }
        } else {
            merged = value.map { Self.groupList($0, remotes) }
        }
        guard let merged else { return base }
        let document = PublishedDocuments.Document(
            bytes: JSONWriter.bytes(of: merged), contentType: base?.contentType ?? "application/json")
        state.withLock { $0.documents[key] = document }
        return document
    }

    /// The remotes by group, most important group first, in each the most important version first.
    private static func groups(_ remotes: [RemoteAPI]) -> [(name: String, remotes: [RemoteAPI])] {
        Dictionary(grouping: remotes, by: \.name.group).map { name, remotes in
            (
                name: name,
                remotes: remotes.sorted {
                    ($1.versionPriority, $0.name.version) < ($0.versionPriority, $1.name.version)
                }
            )
        }.sorted { left, right in
            let (first, second) = (
                left.remotes.map(\.groupPriority).max() ?? 0, right.remotes.map(\.groupPriority).max() ?? 0
            )
            return (second, left.name) < (first, right.name)
        }
    }

    private static func version(_ remote: RemoteAPI) -> JSONValue {
        [
            "groupVersion": .string("\(remote.name.group)/\(remote.name.version)"),
            "version": .string(remote.name.version),
        ]
    }

    private static func groupFields(_ name: String, _ local: JSONValue?, _ remotes: [RemoteAPI]) -> JSONObject {
        var versions = local?["versions"]?.arrayValue ?? []
        for remote in remotes
        where !versions.contains(where: { $0["version"]?.stringValue == remote.name.version }) {
            versions.append(version(remote))
        }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? [:]]
    }

    static func groupList(_ base: JSONValue, _ remotes: [RemoteAPI]) -> JSONValue {
        var list = base["groups"]?.arrayValue ?? []
        for group in groups(remotes) {
            let index = list.firstIndex { $0["name"]?.stringValue == group.name }
            let fields = JSONValue.object(groupFields(group.name, index.map { list[$0] }, group.remotes))
            if let index { list[index] = fields } else { list.append(fields) }
        }
        var result = base
        result["groups"] = .array(list)
        return result
    }

    static func group(_ name: String, _ base: JSONValue?, _ remotes: [RemoteAPI]) -> JSONValue? {
        guard let group = groups(remotes).first(where: { $0.name == name }) else { return base }
        var object: JSONObject = ["kind": "APIGroup", "apiVersion": "v1"]
        for (key, value) in groupFields(name, base, group.remotes) { object[key] = value }
        return .object(object)
    }

    static func aggregated(
        _ base: JSONValue, _ remotes: [RemoteAPI], _ discoveries: [RemoteAPI.Name: RemoteDiscovery]
    ) -> JSONValue {
        var items = base["items"]?.arrayValue ?? []
        for group in groups(remotes) {
            let index = items.firstIndex { $0["metadata"]?["name"]?.stringValue == group.name }
            var versions = index.flatMap { items[$0]["versions"]?.arrayValue } ?? []
            for remote in group.remotes {
                let discovery = discoveries[remote.name]
                versions.removeAll { $0["version"]?.stringValue == remote.name.version }
                versions.append([
                    "version": .string(remote.name.version),
                    "resources": .array(resources(discovery?.resources ?? [], of: remote)),
                    "freshness": discovery?.isStale == false ? "Current" : "Stale",
                ])
            }
            let item: JSONValue = ["metadata": ["name": .string(group.name)], "versions": .array(versions)]
            if let index { items[index] = item } else { items.append(item) }
        }
        var result = base
        result["items"] = .array(items)
        return result
    }

    /// The entries of an `APIResourceList` in the form of aggregated discovery, subresources under their resource.
    private static func resources(_ entries: [JSONValue], of remote: RemoteAPI) -> [JSONValue] {
        func responseKind(_ entry: JSONValue) -> JSONValue {
            [
                "group": .string(entry["group"]?.stringValue ?? remote.name.group),
                "version": .string(entry["version"]?.stringValue ?? remote.name.version),
                "kind": entry["kind"] ?? "",
            ]
        }
        var result: [JSONObject] = []
        var places: [String: Int] = [:]
        for entry in entries {
            let name = entry["name"]?.stringValue ?? ""
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count == 2 {
                guard let place = places[parts[0]] else { continue }
                let subresource: JSONValue = [
                    "subresource": .string(parts[1]), "responseKind": responseKind(entry),
                    "verbs": entry["verbs"] ?? [],
                ]
                result[place]["subresources"] = .array(result[place][array: "subresources"] + [subresource])
                continue
            }
            var object: JSONObject = [
                "resource": .string(name), "responseKind": responseKind(entry),
                "scope": entry["namespaced"]?.boolValue == true ? "Namespaced" : "Cluster",
                "singularResource": entry["singularName"] ?? "", "verbs": entry["verbs"] ?? [],
            ]
            for field in ["shortNames", "categories"] {
                if let value = entry[field] { object[field] = value }
            }
            places[name] = result.count
            result.append(object)
        }
        return result.map(JSONValue.object)
    }

    /// Definitions of a name that is here already stay as they are: both come from the same libraries.
    private static func openAPIV2(_ base: JSONValue, _ remotes: [RemoteOpenAPI]) -> JSONValue {
        var result = base
        for remote in remotes {
            result.update("paths") { paths in
                for (path, value) in remote.paths where paths[path] == nil { paths[path] = value }
            }
            result.update("definitions") { definitions in
                for (name, value) in remote.definitions where definitions[name] == nil { definitions[name] = value }
            }
        }
        return result
    }

    /// The documents of remotes are fetched from them when asked for.
    private static func openAPIIndex(_ base: JSONValue, _ remotes: [RemoteAPI]) -> JSONValue {
        var result = base
        result.update("paths") { paths in
            for remote in remotes where remote.isAvailable {
                let path = "apis/\(remote.name.group)/\(remote.name.version)"
                if paths[path] == nil { paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)")] }
            }
        }
        return result
    }
}
