import JSON
import KubeTypes

/// Deployments, ReplicaSets, DaemonSets, StatefulSets and ReplicationControllers: selectors that fit their templates,
/// strategies, and counts that can be.
enum WorkloadRules {
    /// A selector that is neither missing nor empty, a template that it selects, and pods that run for good.
    static func workload(_ spec: JSONObject, _ v: inout Validator, named name: String, owner: String) {
        if let selector = spec["selector"]?.objectValue, selector[object: "matchLabels"].isEmpty,
            selector[array: "matchExpressions"].isEmpty
        {
            v.invalid("selector", .object(selector), "empty selector is invalid for \(name)")
        }
        template(spec, &v, owner: owner, plainSelector: false)
    }

    static func template(_ spec: JSONObject, _ v: inout Validator, owner: String, plainSelector: Bool) {
        let template = spec["template"]
        let labels = template?[path: "metadata", "labels"]?.objectValue ?? [:]
        if let selector = spec["selector"], case .object(let fields) = selector, !fields.isEmpty,
            !matches(selector, labels, isPlain: plainSelector)
        {
            v.invalid("template.metadata.labels", .object(labels), "`selector` does not match template `labels`")
        }
        guard let pod = template?["spec"] else { return }
        if let policy = pod["restartPolicy"], policy != "Always" {
            v.unsupported("template.spec.restartPolicy", policy, ["Always"])
        }
        if pod["activeDeadlineSeconds"] != nil {
            v.forbidden("template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in \(owner) is not Supported")
        }
    }

    static func matches(_ selector: JSONValue, _ labels: JSONObject, isPlain: Bool) -> Bool {
        let matcher =
            isPlain
            ? LabelMatcher(matchLabels: [String: String](field: selector) ?? [:])
            : LabelMatcher(LabelSelector(selector))
        return matcher.matches([String: String](field: .object(labels)) ?? [:])
    }

    static func deployment(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "deployment", owner: "ReplicaSet")
        if let deadline = spec["progressDeadlineSeconds"]?.integerValue, deadline <= spec[integer: "minReadySeconds"] {
            v.invalid("progressDeadlineSeconds", .integer(deadline), "must be greater than minReadySeconds")
        }
        guard let strategy = spec["strategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "Recreate":
            if strategy["rollingUpdate"] != nil {
                v.forbidden("strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            let update = strategy["rollingUpdate"]
            if amount(update?["maxUnavailable"]) == 0, amount(update?["maxSurge"]) == 0 {
                v.invalid(
                    "strategy.rollingUpdate.maxUnavailable", update?["maxUnavailable"] ?? 0,
                    "may not be 0 when `maxSurge` is 0")
            }
            notOver100Percent(update?["maxUnavailable"], "strategy.rollingUpdate.maxUnavailable", &v)
        default: v.unsupported("strategy", strategy, ["Recreate", "RollingUpdate"])
        }
    }

    static func daemonSet(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "daemonset", owner: "DaemonSet")
        guard let strategy = spec["updateStrategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "OnDelete": break
        case "RollingUpdate":
            guard let update = strategy["rollingUpdate"] else { return v.required("updateStrategy.rollingUpdate") }
            let path = "updateStrategy.rollingUpdate"
            for field in ["maxUnavailable", "maxSurge"] { notOver100Percent(update[field], "\(path).\(field)", &v) }
            switch (amount(update["maxUnavailable"]) != 0, amount(update["maxSurge"]) != 0) {
            case (true, true):
                v.invalid("\(path).maxSurge", update["maxSurge"] ?? 0, "may not be set when maxUnavailable is non-zero")
            case (false, false): v.required("\(path).maxUnavailable", "cannot be 0 when maxSurge is 0")
            default: break
            }
        default: v.unsupported("updateStrategy", strategy, ["RollingUpdate", "OnDelete"])
        }
    }

    static func statefulSet(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "statefulset", owner: "StatefulSet")
        if let policy = spec["podManagementPolicy"], policy != "OrderedReady", policy != "Parallel" {
            v.invalid("podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        }
        if let start = spec["ordinals"]?["start"]?.integerValue, start < 0 {
            v.invalid("ordinals.start", .integer(start), "must be greater than or equal to 0")
        }
        guard let strategy = spec["updateStrategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "OnDelete":
            if let update = strategy["rollingUpdate"] {
                v.invalid("updateStrategy.rollingUpdate", update, "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            if let maximum = strategy["rollingUpdate"]?["maxUnavailable"] {
                let path = "updateStrategy.rollingUpdate.maxUnavailable"
                if amount(maximum) == 0 { v.invalid(path, maximum, "cannot be 0") }
                notOver100Percent(maximum, path, &v)
            }
        default: v.invalid("updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
    }

    /// The number, or the number of percent.
    static func amount(_ value: JSONValue?) -> Int64 {
        if let text = value?.stringValue { return Int64(text.prefix { $0.isNumber }) ?? 0 }
        return value?.integerValue ?? 0
    }

    static func notOver100Percent(_ value: JSONValue?, _ path: String, _ v: inout Validator) {
        guard let value, let text = value.stringValue, text.hasSuffix("%"), amount(value) > 100 else { return }
        v.invalid(path, value, "must not be greater than 100%")
    }

    // MARK: Changes

    private static let mutableInStatefulSets = [
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    ]

    static func statefulSetUpdate(_ set: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        var new = set[object: "spec"]
        let before = old[object: "spec"]
        for field in mutableInStatefulSets { new[field] = before[field] }
        if Validator.areSame(.object(new), .object(before)) { return }
        let list = mutableInStatefulSets.dropLast().map { "'\($0)'" }.joined(separator: ", ")
        v.forbidden(
            "spec", "updates to statefulset spec for fields other than \(list) and 'minReadySeconds' are forbidden")
    }

    static func revision(_ revision: JSONObject, _ v: inout Validator) {
        v.nonNegative(["revision"], revision)
        guard case .object? = revision["data"] else {
            let isMissing = revision["data"]?.isNull ?? true
            return v.required("data", isMissing ? "data is mandatory" : "data must be a valid JSON object")
        }
    }

    // MARK: Status

    /// Counts in a status: none below zero, none above the replicas, and no more available than ready.
    static func status(counted: [String], bounded: [String], available: String) -> UpdateRules.Function {
        { object, old, v in
            let status = object[object: "status"]
            let before = old[object: "status"]
            v.at("status") { v in
                v.nonNegative(counted + ["collisionCount", "observedGeneration"], status)
                let replicas = status[integer: "replicas"]
                for field in bounded where status[integer: field] > replicas {
                    v.invalid(field, .integer(status[integer: field]), "cannot be greater than status.replicas")
                }
                if !bounded.isEmpty, status[integer: "availableReplicas"] > status[integer: "readyReplicas"] {
                    v.invalid(
                        "availableReplicas", .integer(status[integer: "availableReplicas"]),
                        "cannot be greater than \(available)")
                }
                if status[integer: "collisionCount"] < before[integer: "collisionCount"] {
                    v.invalid(
                        "collisionCount", .integer(status[integer: "collisionCount"]), "cannot be decremented")
                }
            }
        }
    }
}
