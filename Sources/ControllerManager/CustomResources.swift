import JSON
import KubeTypes

/// What CustomResourceDefinitions add to the resources that controllers work on.
enum CustomResources {
    static let apiVersion = "apiextensions.k8s.io/v1"
    static let resource = "customresourcedefinitions"

    /// The resource of a definition in each version that is served, those that are stored first; none before the
    /// definition is established.
    static func served(by definition: JSONValue) -> [ServedResource] {
        let spec = definition["spec"] ?? [:]
        let status = definition["status"] ?? [:]
        let isEstablished = (status["conditions"]?.arrayValue ?? []).contains {
            $0["type"]?.stringValue == "Established" && $0["status"]?.stringValue == "True"
        }
        guard isEstablished, let group = spec["group"]?.stringValue,
            let plural = status[path: "acceptedNames", "plural"]?.stringValue,
            let kind = status[path: "acceptedNames", "kind"]?.stringValue
        else { return [] }
        let versions = (spec["versions"]?.arrayValue ?? []).filter { $0["served"]?.boolValue == true }
        let ordered =
            versions.filter { $0["storage"]?.boolValue == true } + versions.filter { $0["storage"]?.boolValue != true }
        return ordered.compactMap { version in
            guard let name = version["name"]?.stringValue else { return nil }
            return ServedResource(
                apiVersion: "\(group)/\(name)", resource: plural, kind: kind,
                namespaced: spec["scope"]?.stringValue == "Namespaced",
                verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
        }
    }
}
