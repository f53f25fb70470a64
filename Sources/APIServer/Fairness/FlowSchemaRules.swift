// Which flow schema a request belongs to: its rules, taken apart once.

import JSON
import KubeTypes

/// What flow schemas look at.
struct FlowRequest: Sendable {
    var user: UserInfo
    var verb: String
    var isResource: Bool
    var group = ""
    /// With its subresource: `pods/status`.
    var resource = ""
    var namespace = ""
    var path = ""
}

struct FlowSchemaRules: Sendable {
    enum Subject: Sendable, Equatable {
        case user(String)
        case group(String)
        case account(namespace: String, name: String)
    }

    enum Distinguisher: Sendable { case none, user, namespace }

    struct Rule: Sendable {
        var subjects: [Subject]
        var resources: [ResourceRule]
        var paths: [PathRule]
    }

    /// Names, or all there are.
    struct Names: Sendable {
        private let coversAll: Bool
        private let names: Set<String>

        init(_ json: JSONValue?) {
            names = Set(json?.strings ?? [])
            coversAll = names.contains("*")
        }

        func contains(_ name: String) -> Bool { coversAll || names.contains(name) }
    }

    struct ResourceRule: Sendable {
        var verbs: Names
        var groups: Names
        var resources: Names
        var namespaces: Names
        var clusterScope: Bool
    }

    struct PathRule: Sendable {
        var verbs: Names
        var paths: [String]
    }

    let name: String
    let uid: String
    let level: String
    let precedence: Int64
    let distinguisher: Distinguisher
    let rules: [Rule]

    init(_ object: JSONValue) {
        name = object.name
        uid = object.uid
        let spec = object["spec"]?.objectValue ?? JSONObject()
        level = spec["priorityLevelConfiguration"]?["name"]?.stringValue ?? ""
        precedence = spec["matchingPrecedence"]?.integerValue ?? 1000
        switch spec["distinguisherMethod"]?["type"]?.stringValue {
        case "ByUser": distinguisher = .user
        case "ByNamespace": distinguisher = .namespace
        default: distinguisher = .none
        }
        rules = spec[array: "rules"].map { rule in
            Rule(
                subjects: (rule["subjects"]?.arrayValue ?? []).compactMap(Self.subject),
                resources: (rule["resourceRules"]?.arrayValue ?? []).map { rule in
                    ResourceRule(
                        verbs: Names(rule["verbs"]), groups: Names(rule["apiGroups"]),
                        resources: Names(rule["resources"]), namespaces: Names(rule["namespaces"]),
                        clusterScope: rule["clusterScope"]?.boolValue ?? false)
                },
                paths: (rule["nonResourceRules"]?.arrayValue ?? []).map { rule in
                    PathRule(verbs: Names(rule["verbs"]), paths: rule["nonResourceURLs"]?.strings ?? [])
                })
        }
    }

    private static func subject(_ json: JSONValue) -> Subject? {
        switch json["kind"]?.stringValue {
        case "User": .user(json["user"]?["name"]?.stringValue ?? "")
        case "Group": .group(json["group"]?["name"]?.stringValue ?? "")
        case "ServiceAccount":
            .account(
                namespace: json["serviceAccount"]?["namespace"]?.stringValue ?? "",
                name: json["serviceAccount"]?["name"]?.stringValue ?? "")
        default: nil
        }
    }

    func matches(_ request: FlowRequest) -> Bool {
        rules.contains { rule in
            rule.subjects.contains { Self.matches($0, request.user) }
                && (request.isResource
                    ? rule.resources.contains { $0.matches(request) } : rule.paths.contains { $0.matches(request) })
        }
    }

    private static func matches(_ subject: Subject, _ user: UserInfo) -> Bool {
        switch subject {
        case .user(let name): return name == "*" || user.name == name
        case .group(let name): return name == "*" || user.groups.contains(name)
        case .account(let namespace, let name):
            let prefix = "system:serviceaccount:\(namespace):"
            guard user.name.hasPrefix(prefix) else { return false }
            return name == "*"
                || user.name.utf8.count == prefix.utf8.count + name.utf8.count && user.name.hasSuffix(name)
        }
    }

    /// What tells the flows of this schema apart.
    func flow(of request: FlowRequest) -> String {
        switch distinguisher {
        case .none: ""
        case .user: request.user.name
        case .namespace: request.namespace
        }
    }
}

extension FlowSchemaRules.ResourceRule {
    fileprivate func matches(_ request: FlowRequest) -> Bool {
        guard verbs.contains(request.verb), groups.contains(request.group), resources.contains(request.resource)
        else { return false }
        return request.namespace.isEmpty ? clusterScope : namespaces.contains(request.namespace)
    }
}

extension FlowSchemaRules.PathRule {
    fileprivate func matches(_ request: FlowRequest) -> Bool {
        guard verbs.contains(request.verb) else { return false }
        return paths.contains { pattern in
            if pattern == "*" || pattern == request.path { return true }
            return pattern.hasSuffix("*") && request.path.hasPrefix(pattern.dropLast())
        }
    }
}
