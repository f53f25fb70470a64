import JSON
import KubeTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Flow schemas and priority levels (API priority and fairness).
enum FlowRules {
    static func schema(_ object: JSONObject, _ v: inout Validator) {
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        v.inside("spec", of: object) { spec, v in
            let precedence = spec[integer: "matchingPrecedence"]
            if precedence <= 0 {
                v.invalid("matchingPrecedence", .integer(precedence), "must be a positive value")
            } else if precedence > 10_000 {
                v.invalid("matchingPrecedence", .integer(precedence), "must not be greater than 10000")
            } else if precedence == 1, name != "exempt" {
                v.invalid(
                    "matchingPrecedence", .integer(precedence),
                    "only the schema named 'exempt' may have matchingPrecedence 1")
            }
            if case .object(let method)? = spec["distinguisherMethod"],
                !["ByNamespace", "ByUser"].contains(method[string: "type"])
            {
                v.unsupported("distinguisherMethod.type", .object(method), ["ByNamespace", "ByUser"])
            }
            let level = spec["priorityLevelConfiguration"]?["name"]?.stringValue ?? ""
            if level.isEmpty {
                v.required("priorityLevelConfiguration.name", "must reference a priority level")
            } else {
                v.invalid("priorityLevelConfiguration.name", level, Names.isDNS1123Subdomain(level))
            }
            v.elements("rules", of: spec) { _, rule, v in self.rule(rule, &v) }
        }
        conditions(object, &v)
    }

    private static func rule(_ rule: JSONObject, _ v: inout Validator) {
        if rule[array: "subjects"].isEmpty { v.required("subjects", "subjects must contain at least one value") }
        v.elements("subjects", of: rule) { _, subject, v in self.subject(subject, &v) }
        if rule[array: "resourceRules"].isEmpty, rule[array: "nonResourceRules"].isEmpty {
            v.required("", "at least one of resourceRules and nonResourceRules has to be non-empty")
        }
        v.elements("resourceRules", of: rule) { _, rule, v in
            verbs(rule, &v)
            list("apiGroups", rule, "resource rules must supply at least one api group", "api groups", &v)
            list("resources", rule, "resource rules must supply at least one resource", "resources", &v)
            let namespaces = rule[strings: "namespaces"]
            if namespaces.isEmpty, !rule[flag: "clusterScope"] {
                v.required(
                    "namespaces",
                    "resource rules that are not cluster scoped must supply at least one namespace")
            } else if namespaces.contains("*") {
                list("namespaces", rule, "", "namespaces", &v)
            } else {
                v.strings("namespaces", of: rule) { name, v in
                    for problem in Names.isDNS1123Label(name) {
                        v.invalid(
                            "", name, "each member of this list must be '*' or a DNS-1123 label; \(problem)")
                    }
                }
            }
        }
        v.elements("nonResourceRules", of: rule) { _, rule, v in
            verbs(rule, &v)
            list(
                "nonResourceURLs", rule, "nonResourceURLs must contain at least one value", "non-resource URLs", &v)
            if rule[strings: "nonResourceURLs"].contains("*") { return }
            v.strings("nonResourceURLs", of: rule) { path, v in
                if let problem = pathProblem(path) { v.invalid("", path, problem) }
            }
        }
    }

    private static func list(
        _ field: String, _ rule: JSONObject, _ empty: String, _ what: String, _ v: inout Validator
    ) {
        let values = rule[strings: field]
        if values.isEmpty {
            v.required(field, empty)
        } else if values.count > 1, values.contains("*") {
            v.invalid(field, rule[field] ?? .null, "if '*' is present, must not specify other \(what)")
        }
    }

    private static let knownVerbs = [
        "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch",
    ]

    private static func verbs(_ rule: JSONObject, _ v: inout Validator) {
        list("verbs", rule, "verbs must contain at least one value", "verbs", &v)
        let verbs = rule[strings: "verbs"]
        if !verbs.contains("*"), !verbs.allSatisfy(knownVerbs.contains) {
            v.unsupported("verbs", rule["verbs"] ?? .null, knownVerbs)
        }
    }

    private static func pathProblem(_ path: String) -> String? {
        if path.isEmpty { return "must not be empty" }
        if path == "/" { return nil }
        if !path.hasPrefix("/") { return "must start with slash" }
        if path.contains(" ") { return "must not contain white-space" }
        if path.contains("//") { return "must not contain double slash" }
        let wildcards = path.count { $0 == "*" }
        return wildcards > 1 || wildcards == 1 && !path.hasSuffix("/*") ? "wildcard can only do suffix matching" : nil
    }

    private static func subject(_ subject: JSONObject, _ v: inout Validator) {
        let fields = ["ServiceAccount": "serviceAccount", "User": "user", "Group": "group"]
        let kind = subject[string: "kind"]
        guard let own = fields[kind] else {
            return v.unsupported("kind", .string(kind), ["Group", "ServiceAccount", "User"])
        }
        for (otherKind, other) in fields.sorted(by: { $0.key < $1.key }) where other != own && subject.holds(other) {
            v.forbidden(other, "\(other) is forbidden when subject kind is not '\(otherKind)'")
        }
        guard case .object(let named)? = subject[own] else {
            return v.required(own, "\(own) is required when subject kind is '\(kind)'")
        }
        v.at(own) { v in
            let name = named[string: "name"]
            if name.isEmpty { v.required("name") }
            guard kind == "ServiceAccount" else { return }
            if !name.isEmpty, name != "*" { v.invalid("name", name, Names.isDNS1123Subdomain(name)) }
            let namespace = named[string: "namespace"]
            if namespace.isEmpty {
                v.required("namespace", "must specify namespace for service account")
            } else {
                v.invalid("namespace", namespace, Names.isDNS1123Label(namespace))
            }
        }
    }

    private static func conditions(_ object: JSONObject, _ v: inout Validator) {
        var types: Set<String> = []
        v.inside("status", of: object) { status, v in
            v.elements("conditions", of: status) { _, condition, v in
                let type = condition[string: "type"]
                if !types.insert(type).inserted { v.duplicate("type", type) }
                if type.isEmpty { v.required("type") }
            }
        }
    }

    // MARK: Priority levels

    static func level(_ object: JSONObject, _ v: inout Validator) {
        let isExempt = object["metadata"]?["name"]?.stringValue == "exempt"
        v.inside("spec", of: object) { spec, v in
            let type = spec[string: "type"]
            if isExempt != (type == "Exempt") {
                v.invalid("type", type, "must be 'Exempt' if and only if `name` is 'exempt'")
            }
            switch type {
            case "Exempt":
                if spec.holds("limited") { v.forbidden("limited", "must be nil if the type is not Limited") }
                v.inside("exempt", of: spec, shares)
            case "Limited":
                if spec.holds("exempt") { v.forbidden("exempt", "must be nil if the type is Limited") }
                guard case .object(let limited)? = spec["limited"] else {
                    return v.required("limited", "must not be empty when type is Limited")
                }
                v.at("limited") { v in
                    shares(limited, &v)
                    if let percent = limited["borrowingLimitPercent"]?.integerValue, percent < 0 {
                        v.invalid(
                            "borrowingLimitPercent", .integer(percent),
                            "if specified, must be a non-negative integer")
                    }
                    v.at("limitResponse") { response(limited[object: "limitResponse"], &$0) }
                }
            default: v.unsupported("type", .string(type), ["Exempt", "Limited"])
            }
        }
        conditions(object, &v)
    }

    private static func shares(_ level: JSONObject, _ v: inout Validator) {
        if let shares = level["nominalConcurrencyShares"]?.integerValue, shares < 0 {
            v.invalid("nominalConcurrencyShares", .integer(shares), "must be a non-negative integer")
        }
        if let percent = level["lendablePercent"]?.integerValue, !(0...100).contains(percent) {
            v.invalid("lendablePercent", .integer(percent), "must be between 0 and 100, inclusive")
        }
    }

    private static func response(_ response: JSONObject, _ v: inout Validator) {
        switch response[string: "type"] {
        case "Reject":
            if response.holds("queuing") {
                v.forbidden("queuing", "must be nil if limited.limitResponse.type is not Limited")
            }
        case "Queue":
            guard case .object(let queuing)? = response["queuing"] else {
                return v.required("queuing", "must not be empty if limited.limitResponse.type is Limited")
            }
            v.at("queuing") { self.queuing(queuing, &$0) }
        case let other: v.unsupported("type", .string(other), ["Queue", "Reject"])
        }
    }

    private static func queuing(_ queuing: JSONObject, _ v: inout Validator) {
        let length = queuing[integer: "queueLengthLimit"]
        let queues = queuing[integer: "queues"]
        let hand = queuing[integer: "handSize"]
        if length <= 0 { v.invalid("queueLengthLimit", .integer(length), "must be positive") }
        if queues <= 0 {
            v.invalid("queues", .integer(queues), "must be positive")
        } else if queues > 10_000_000 {
            v.invalid("queues", .integer(queues), "must not be greater than 10000000")
        }
        if hand <= 0 {
            v.invalid("handSize", .integer(hand), "must be positive")
        } else if hand > queues {
            v.invalid("handSize", .integer(hand), "should not be greater than queues (\(queues))")
        } else {
            // What shuffle sharding needs of its 60 bits of hash.
            let entropy = Int((log2(Double(queues)) * Double(hand)).rounded(.up))
            if entropy > 60 {
                v.invalid(
                    "handSize", .integer(hand),
                    "required entropy bits of deckSize \(queues) and handSize \(hand) should not be greater than 60")
            }
        }
    }
}
