import JSON
import KubeTypes

/// Limit ranges and resource quotas.
enum QuotaRules {
    // MARK: Limit ranges

    static func limitRange(_ spec: JSONObject, _ v: inout Validator) {
        var types: Set<String> = []
        v.elements("limits", of: spec) { _, item, v in
            let type = item[string: "type"]
            let problems = Names.isQualifiedName(type)
            v.invalid("type", type, problems)
            if problems.isEmpty, !type.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type) {
                v.invalid("type", type, "must be a standard limit type or fully qualified")
            }
            if !types.insert(type).inserted { v.duplicate("type", type) }
            self.item(item, type, &v)
        }
    }

    private static let lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]

    private static func item(_ item: JSONObject, _ type: String, _ v: inout Validator) {
        var keys: Set<String> = []
        for list in lists {
            if type == "Pod", list == "default" || list == "defaultRequest" {
                if !item[object: list].isEmpty {
                    v.forbidden(list, "may not be specified when `type` is 'Pod'")
                }
                continue
            }
            v.entries(list, of: item) { name, _, v in
                keys.insert(name)
                if type == "Pod" || type == "Container" {
                    ResourceRules.containerName(name, &v)
                } else {
                    ResourceRules.name(name, &v)
                }
            }
        }
        if type == "PersistentVolumeClaim", item["min"]?["storage"] == nil, item["max"]?["storage"] == nil {
            v.required("limits", "either minimum or maximum storage value is required, but neither was provided")
        }
        for key in keys.sorted() { compare(item, key, type, &v) }
    }

    private static func compare(_ item: JSONObject, _ key: String, _ type: String, _ v: inout Validator) {
        func amount(_ list: String) -> CanonicalQuantity? {
            if type == "Pod", list.hasPrefix("default") { return nil }
            return ResourceRules.quantity(item[list]?[key])
        }
        let (minimum, maximum) = (amount("min"), amount("max"))
        let (limit, request) = (amount("default"), amount("defaultRequest"))
        func order(
            _ low: CanonicalQuantity?, _ lowName: String, _ high: CanonicalQuantity?, _ highName: String,
            at list: String,
            _ shown: CanonicalQuantity?
        ) {
            guard let low, let high, low.nanos > high.nanos else { return }
            v.invalid(
                "\(list)[\(key)]", shown?.text ?? "",
                "\(lowName) value \(low.text) is greater than \(highName) value \(high.text)")
        }
        order(minimum, "min", maximum, "max", at: "min", minimum)
        order(minimum, "min", request, "default request", at: "defaultRequest", request)
        order(request, "default request", maximum, "max", at: "defaultRequest", request)
        order(request, "default request", limit, "default limit", at: "defaultRequest", request)
        order(minimum, "min", limit, "default", at: "default", minimum)
        order(limit, "default", maximum, "max", at: "default", maximum)
        if let ratio = amount("maxLimitRequestRatio") {
            if ratio.nanos < 1_000_000_000 {
                v.invalid("maxLimitRequestRatio[\(key)]", ratio.text, "ratio \(ratio.text) is less than 1")
            }
            if let minimum, let maximum, minimum.nanos > 0 {
                let bound = Double(maximum.nanos) / Double(minimum.nanos)
                if Double(ratio.nanos) / 1e9 > bound {
                    v.invalid(
                        "maxLimitRequestRatio[\(key)]", ratio.text,
                        "ratio \(ratio.text) is greater than max/min = \(fixed(bound))")
                }
            }
        }
        if !ResourceRules.mayOvercommit(key), let limit, let request, limit.nanos != request.nanos {
            v.invalid(
                "defaultRequest[\(key)]", request.text,
                "default value \(limit.text) must equal to defaultRequest value \(request.text) in \(key)")
        }
    }

    /// With six decimals.
    private static func fixed(_ number: Double) -> String {
        let millionths = Int64((number * 1e6).rounded())
        let rest = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000).\(String(repeating: "0", count: 6 - rest.count))\(rest)"
    }

    // MARK: Quotas

    static func amounts(_ object: JSONObject, _ lists: [String], _ v: inout Validator) {
        for list in lists {
            v.entries(list, of: object) { name, value, v in
                ResourceRules.quotaName(name, &v)
                ResourceRules.amount(name, value, &v)
            }
        }
    }

    private static let podScopes = [
        "BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity",
    ]
    private static let scopes = podScopes + ["PriorityClass", "VolumeAttributesClass"]

    private static func covers(_ scope: String, _ resource: String) -> Bool {
        let compute = [
            "pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
        ]
        switch scope {
        case "BestEffort": return resource == "pods"
        case "VolumeAttributesClass": return ["persistentvolumeclaims", "requests.storage"].contains(resource)
        case "Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity":
            return compute.contains(resource)
        default: return true
        }
    }

    static func quota(_ spec: JSONObject, _ v: inout Validator) {
        amounts(spec, ["hard"], &v)
        let hard = spec[object: "hard"].map(\.key).sorted()
        let value = spec["scopes"] ?? .null
        let named = spec[strings: "scopes"]
        for scope in named {
            if !scopes.contains(scope) { v.invalid("scopes", value, "unsupported scope") }
            for resource in hard where ResourceRules.isStandardQuota(resource) && !covers(scope, resource) {
                v.invalid("scopes", value, "unsupported scope applied to resource")
            }
        }
        conflicts(named, "scopes", value, &v)
        guard case .object(let selector)? = spec["scopeSelector"] else { return }
        let path = "scopeSelector.matchExpressions"
        let expressions = selector[array: "matchExpressions"]
        for expression in expressions {
            requirement(expression, hard, path, .object(selector), &v)
        }
        conflicts(expressions.map { $0["scopeName"]?.stringValue ?? "" }, path, value, &v)
    }

    private static func requirement(
        _ expression: JSONValue, _ hard: [String], _ path: String, _ selector: JSONValue, _ v: inout Validator
    ) {
        let scope = expression["scopeName"]?.stringValue ?? ""
        let operation = expression["operator"]?.stringValue ?? ""
        let values = expression["values"]?.arrayValue ?? []
        if !scopes.contains(scope) { v.invalid("\(path).scopeName", scope, "unsupported scope") }
        for resource in hard where ResourceRules.isStandardQuota(resource) && !covers(scope, resource) {
            v.invalid(path, selector, "unsupported scope applied to resource")
        }
        if podScopes.contains(scope), operation != "Exists" {
            v.invalid(
                "\(path).operator", operation,
                "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                    + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                    + "ResourceQuotaScopeCrossNamespacePodAffinity")
        }
        switch operation {
        case "In", "NotIn":
            if values.isEmpty {
                v.required(
                    "\(path).values",
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                v.invalid(
                    "\(path).values", .array(values),
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
            }
        default: v.invalid("\(path).operator", operation, "not a valid selector operator")
        }
    }

    private static func conflicts(_ scopes: [String], _ path: String, _ value: JSONValue, _ v: inout Validator) {
        for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]
        where pair.allSatisfy(scopes.contains) {
            v.invalid(path, value, "conflicting scopes")
        }
    }

    static func update(_ quota: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let now = quota["spec"]?["scopes"]
        if Set(now?.arrayValue ?? []) != Set(old["spec"]?["scopes"]?.arrayValue ?? []) {
            v.invalid("spec.scopes", now ?? .null, "field is immutable")
        }
    }
}
