import JSON
import KubeTypes

/// Makes the objects of the default policy from its table, and brings stored ones up to it.
public enum BootstrapPolicy {
    private static let groupSuffix = ".k8s.io"
    private static let bareGroups: Set<String> = ["*", "apps", "autoscaling", "batch", "extensions", "policy"]
    private static let rbacGroup = "rbac.authorization.k8s.io"
    private static let apiVersion = "rbac.authorization.k8s.io/v1"

    /// ClusterRoles, ClusterRoleBindings, Roles and RoleBindings as they are to be stored, namespaces in place.
    ///
    /// The aggregates `admin`, `edit` and `view` hold their rules already.
    public static let objects: [JSONValue] = parse(bootstrapPolicyTable + "\n" + ownPolicyTable)

    /// What nodes may do, for the node authorizer.
    static let nodeRules: [CompiledRule] =
        objects.lazy.map(ClusterRole.init)
        .first { $0.name == "system:node" && $0.json["kind"] == "ClusterRole" }?.rules.map(CompiledRule.init) ?? []

    // MARK: Reconciling

    /// What a stored object must become to grant what the default one does; nil if it does, or if its annotation
    /// `rbac.authorization.kubernetes.io/autoupdate` forbids it. What somebody added stays.
    ///
    /// A binding whose role is another is left alone: roleRef cannot be changed.
    public static func reconciled(_ stored: JSONValue, with expected: JSONValue) -> JSONValue? {
        var result = stored
        let annotations: [String: String] = ObjectMeta(stored["metadata"] ?? [:]).annotations
        if annotations["rbac.authorization.kubernetes.io/autoupdate"] == "false" { return nil }
        var metadata = ObjectMeta(stored["metadata"] ?? [:])
        let wanted = ObjectMeta(expected["metadata"] ?? [:])
        for (key, value) in wanted.labels where metadata.labels[key] == nil { metadata.labels[key] = value }
        for (key, value) in wanted.annotations where metadata.annotations[key] == nil {
            metadata.annotations[key] = value
        }
        result["metadata"] = metadata.json
        if expected["roleRef"] != nil {
            guard stored["roleRef"] == expected["roleRef"] else { return nil }
            var subjects = stored["subjects"]?.arrayValue ?? []
            for subject in expected["subjects"]?.arrayValue ?? [] where !subjects.contains(subject) {
                subjects.append(subject)
            }
            if !subjects.isEmpty { result["subjects"] = .array(subjects) }
        } else {
            let have = ClusterRole(stored).rules.map(CompiledRule.init)
            var rules = stored["rules"]?.arrayValue ?? []
            for rule in ClusterRole(expected).rules where !have.uncovered([CompiledRule(rule)]).isEmpty {
                rules.append(rule.json)
            }
            if !rules.isEmpty { result["rules"] = .array(rules) }
            if let aggregation = expected["aggregationRule"], stored["aggregationRule"] == nil {
                result["aggregationRule"] = aggregation
            }
        }
        // Not `? nil : result`: that nil would be JSON's null.
        guard result != stored else { return nil }
        return result
    }

    // MARK: The table

    private static func parse(_ table: String) -> [JSONValue] {
        var objects: [JSONValue] = []
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if line.hasPrefix(" ") {
                guard !objects.isEmpty, let rule = rule(words) else { continue }
                // Rules of a controller go to its role, which stands before its binding.
                let last = objects.count - 1
                let index = objects[last]["kind"] == "ClusterRoleBinding" ? last - 1 : last
                objects[index]["rules"] = .array((objects[index]["rules"]?.arrayValue ?? []) + [rule])
            } else {
                objects += header(words)
            }
        }
        // The narrower aggregates are parts of the wider ones: they come first.
        for name in ["view", "edit", "admin"] {
            let roles = objects.filter { $0["kind"] == "ClusterRole" }.map(ClusterRole.init)
            guard
                let index = objects.firstIndex(where: {
                    $0["kind"] == "ClusterRole" && $0[path: "metadata", "name"]?.stringValue == name
                })
            else { continue }
            objects[index]["rules"] = .array(ClusterRole(objects[index]).aggregatedRules(among: roles).map(\.json))
        }
        return objects
    }

    /// The object, or objects, that a line without indentation begins.
    private static func header(_ words: [String]) -> [JSONValue] {
        switch words[0] {
        case "ClusterRole":
            var role = object("ClusterRole", words[1])
            var rest = words.dropFirst(2)
            while let arrow = rest.popFirst(), let target = rest.popFirst() {
                let label = "rbac.authorization.k8s.io/aggregate-to-\(target)"
                if arrow == "->" {
                    var metadata = ObjectMeta(role["metadata"] ?? [:])
                    metadata.labels[label] = "true"
                    role["metadata"] = metadata.json
                } else {
                    role["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": .object([label: "true"])]]]
                }
            }
            return [role]
        case "Role": return [object("Role", words[1])]
        case "Controller":
            let name = "system:controller:" + words[1]
            return [
                object("ClusterRole", name),
                binding("ClusterRoleBinding", name, "ClusterRole", name, ["sa", "kube-system/" + words[1]]),
            ]
        case "ClusterRoleBinding":
            // `NAME: SUBJECTS`, or `NAME of ROLE: SUBJECTS` where the role is called otherwise.
            if words.count > 3, words[2] == "of" {
                let role = String(words[3].dropLast())
                return [binding("ClusterRoleBinding", words[1], "ClusterRole", role, Array(words.dropFirst(4)))]
            }
            let name = String(words[1].dropLast())  // the colon
            return [binding("ClusterRoleBinding", name, "ClusterRole", name, Array(words.dropFirst(2)))]
        case "RoleBinding":
            return [binding("RoleBinding", words[1], "Role", String(words[3].dropLast()), Array(words.dropFirst(4)))]
        default: return []
        }
    }

    /// - Parameter name: with the namespace before a slash where there is one.
    private static func object(_ kind: String, _ name: String) -> JSONValue {
        var metadata: JSONObject = [:]
        let parts = name.split(separator: "/", maxSplits: 1)
        if parts.count == 2 {
            metadata["name"] = .string(String(parts[1]))
            metadata["namespace"] = .string(String(parts[0]))
        } else {
            metadata["name"] = .string(name)
        }
        metadata["labels"] = ["kubernetes.io/bootstrapping": "rbac-defaults"]
        metadata["annotations"] = ["rbac.authorization.kubernetes.io/autoupdate": "true"]
        return ["apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": .object(metadata)]
    }

    private static func binding(
        _ kind: String, _ name: String, _ roleKind: String, _ role: String, _ words: [String]
    ) -> JSONValue {
        var binding = object(kind, name)
        binding["roleRef"] = ["apiGroup": .string(rbacGroup), "kind": .string(roleKind), "name": .string(role)]
        var subjects: [JSONValue] = []
        for position in stride(from: 0, to: words.count - 1, by: 2) {
            let name = words[position + 1]
            switch words[position] {
            case "user": subjects.append(["kind": "User", "apiGroup": .string(rbacGroup), "name": .string(name)])
            case "group": subjects.append(["kind": "Group", "apiGroup": .string(rbacGroup), "name": .string(name)])
            default:
                let parts = name.split(separator: "/")
                subjects.append([
                    "kind": "ServiceAccount", "name": .string(String(parts[1])), "namespace": .string(String(parts[0])),
                ])
            }
        }
        if !subjects.isEmpty { binding["subjects"] = .array(subjects) }
        return binding
    }

    /// `VERBS GROUPS: RESOURCES [= NAMES]` or `VERBS URLS`, lists in order as upstream's builder has them.
    private static func rule(_ words: [String]) -> JSONValue? {
        let words = words == ["events"] ? ["create,update,patch", "core,events:", "events"] : words
        guard words.count >= 2 else { return nil }
        let verbs = words[0].split(separator: ",").flatMap { verb -> [String] in
            switch verb {
            case "R": ["get", "list", "watch"]
            case "W": ["create", "update", "patch", "delete", "deletecollection"]
            default: [String(verb)]
            }
        }
        func list(_ items: some Sequence<String>) -> JSONValue { .array(Set(items).sorted().map { .string($0) }) }
        guard words[1].hasSuffix(":") else {
            return ["verbs": list(verbs), "nonResourceURLs": list(words[1...])]
        }
        let groups = words[1].dropLast().split(separator: ",").map { group -> String in
            switch group {
            case "core": ""
            case "rbac": rbacGroup
            default: bareGroups.contains(String(group)) ? String(group) : group + groupSuffix
            }
        }
        var rule: JSONObject = ["verbs": list(verbs), "apiGroups": list(groups)]
        let rest = words[2...]
        if let equals = rest.firstIndex(of: "=") {
            rule["resources"] = list(rest[..<equals])
            rule["resourceNames"] = list(rest[(equals + 1)...])
        } else {
            rule["resources"] = list(rest)
        }
        return .object(rule)
    }
}
