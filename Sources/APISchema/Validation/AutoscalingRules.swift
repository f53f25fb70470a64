import JSON
import KubeTypes

/// Horizontal pod autoscalers and disruption budgets.
enum AutoscalingRules {
    static func autoscaler(_ spec: JSONObject, _ v: inout Validator) {
        let minimum = spec["minReplicas"]?.integerValue
        let maximum = spec[integer: "maxReplicas"]
        if let minimum, minimum < 1 {
            v.invalid("minReplicas", .integer(minimum), "must be greater than or equal to 1")
        }
        if maximum == 0 {
            v.required("maxReplicas", "must be set and greater than 0")
        } else if maximum < 0 {
            v.invalid("maxReplicas", .integer(maximum), "must be greater than or equal to 1")
        }
        if let minimum, maximum < minimum {
            v.invalid("maxReplicas", .integer(maximum), "must be greater than or equal to `minReplicas`")
        }
        v.inside("behavior", of: spec) { behavior, v in
            for direction in ["scaleUp", "scaleDown"] { v.inside(direction, of: behavior, scaling) }
        }
    }

    static func reference(_ reference: JSONObject, _ v: inout Validator) {
        for field in ["kind", "name"] { v.optionalName(field, reference) { Names.isPathSegmentName($0) } }
        let version = reference[string: "apiVersion"]
        if version.count(where: { $0 == "/" }) > 1 {
            v.invalid("apiVersion", version, "unexpected GroupVersion string: \(version)")
        }
    }

    private static func scaling(_ rules: JSONObject, _ v: inout Validator) {
        if let window = rules["stabilizationWindowSeconds"]?.integerValue {
            if window < 0 {
                v.invalid(
                    "stabilizationWindowSeconds", .integer(window), "must be greater than or equal to zero")
            } else if window > 3600 {
                v.invalid("stabilizationWindowSeconds", .integer(window), "must be less than or equal to 3600")
            }
        }
        v.oneOf("selectPolicy", rules, ["Disabled", "Max", "Min"])
        if rules[array: "policies"].isEmpty { v.required("policies", "must specify at least one Policy") }
        v.elements("policies", of: rules) { _, policy, v in
            let types = ["Percent", "Pods"]
            if !types.contains(policy[string: "type"]) {
                v.unsupported("type", .string(policy[string: "type"]), types)
            }
            for field in ["value", "periodSeconds"] where policy[integer: field] <= 0 {
                v.invalid(field, .integer(policy[integer: field]), "must be greater than zero")
            }
            if policy[integer: "periodSeconds"] > 1800 {
                v.invalid(
                    "periodSeconds", .integer(policy[integer: "periodSeconds"]), "must be less than or equal to 1800")
            }
        }
        if let value = rules["tolerance"], ResourceRules.quantity(value)?.nanos ?? 0 < 0 {
            v.invalid("tolerance", value, "must be greater than or equal to 0")
        }
    }

    // MARK: Metrics

    private static let fields = [
        "Object": "object", "External": "external", "Pods": "pods", "Resource": "resource",
        "ContainerResource": "containerResource",
    ]

    static func metric(_ metric: JSONObject, _ v: inout Validator) {
        let type = metric[string: "type"]
        let expected = fields[type]
        if expected == nil {
            if type.isEmpty { v.required("type", "must specify a metric source type") }
            v.unsupported("type", .string(type), fields.keys.sorted())
        }
        let found = ["object", "external", "pods", "resource", "containerResource"].filter { metric.holds($0) }
        if let first = found.first { v.inside(first, of: metric) { source($0, first, &$1) } }
        if let expected, !found.contains(expected) {
            v.required(expected, "must populate information for the given metric source")
        }
        if found.count > 1 || (found.count == 1 && found[0] != expected) {
            for extra in found where extra != expected {
                v.forbidden(extra, "must populate the given metric source only")
            }
        }
    }

    private static func source(_ source: JSONObject, _ kind: String, _ v: inout Validator) {
        if ["object", "external", "pods"].contains(kind) {
            let name = source["metric"]?["name"]?.stringValue ?? ""
            if name.isEmpty {
                v.required("metric.name", "must specify a metric name")
            } else {
                v.invalid("metric.name", name, Names.isPathSegmentName(name))
            }
        } else {
            let name = source[string: "name"]
            if name.isEmpty { v.required("name", "must specify a resource name") }
            if kind == "containerResource" {
                if !name.isEmpty { v.at("name") { ResourceRules.containerName(name, &$0) } }
                let container = source[string: "container"]
                if container.isEmpty {
                    v.required("container", "must specify a container")
                } else {
                    v.invalid("container", container, Names.isDNS1123Label(container))
                }
            }
        }
        let target = source[object: "target"]
        self.target(target, &v)
        let (value, average) = (target.holds("value"), target.holds("averageValue"))
        let utilization = target.holds("averageUtilization")
        switch kind {
        case "object":
            if !value, !average {
                v.required("target.averageValue", "must set either a target value or averageValue")
            }
        case "external":
            if !value, !average {
                v.required(
                    "target.averageValue", "must set either a target value for metric or a per-pod target")
            } else if value, average {
                v.forbidden("target.value", "may not set both a target value for metric and a per-pod target")
            }
        case "pods":
            if !average { v.required("target.averageValue", "must specify a positive target averageValue") }
        default:
            if !utilization, !average {
                v.required(
                    "target.averageUtilization", "must set either a target raw value or a target utilization")
            } else if utilization, average {
                v.forbidden(
                    "target.averageValue", "may not set both a target raw value and a target utilization")
            }
        }
    }

    private static func target(_ target: JSONObject, _ v: inout Validator) {
        let type = target[string: "type"]
        if type.isEmpty { v.required("target.type", "must specify a metric target type") }
        if !["Utilization", "Value", "AverageValue"].contains(type) {
            v.invalid("target.type", type, "must be either Utilization, Value, or AverageValue")
        }
        for field in ["value", "averageValue"] {
            if let value = target[field], let amount = ResourceRules.quantity(value), amount.nanos <= 0 {
                v.invalid("target.\(field)", value, "must be positive")
            }
        }
        if let percent = target["averageUtilization"]?.integerValue, percent < 1 {
            v.invalid("target.averageUtilization", .integer(percent), "must be greater than 0")
        }
    }

    // MARK: Disruption budgets

    static func disruptionBudget(_ spec: JSONObject, _ v: inout Validator) {
        if spec.holds("minAvailable"), spec.holds("maxUnavailable") {
            v.invalid("", .object(spec), "minAvailable and maxUnavailable cannot be both set")
        }
        for field in ["minAvailable", "maxUnavailable"] { WorkloadRules.notOver100Percent(spec[field], field, &v) }
    }
}
