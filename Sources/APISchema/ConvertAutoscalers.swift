import JSON

/// Autoscalers of autoscaling/v1: one CPU target, and everything else that autoscaling/v2 knows in annotations, in the
/// forms that v1 had for it.
enum AutoscalerConversion {
    private static let metrics = "autoscaling.alpha.kubernetes.io/metrics"
    private static let currentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics"
    private static let conditions = "autoscaling.alpha.kubernetes.io/conditions"
    private static let behavior = "autoscaling.alpha.kubernetes.io/behavior"

    // MARK: v1 → v2

    static func toStorage(_ autoscaler: inout JSONObject) {
        var specs = list(autoscaler.annotation(metrics)).map(metricFromV1)
        var statuses = list(autoscaler.annotation(currentMetrics)).map(statusFromV1)
        let itsConditions = list(autoscaler.annotation(conditions))
        let itsBehavior = autoscaler.annotation(behavior).flatMap { try? JSONParser.parse($0) }
        for name in [metrics, currentMetrics, conditions, behavior] { autoscaler.setAnnotation(name, nil) }
        autoscaler.changeOrMake("spec") { spec in
            if let target = spec.removeValue(forKey: "targetCPUUtilizationPercentage") {
                specs.append(cpu(["target": ["type": "Utilization", "averageUtilization": target]]))
            }
            if specs.isEmpty { specs.append(cpu(["target": ["type": "Utilization", "averageUtilization": 80]])) }
            spec["metrics"] = .array(specs)
            if let itsBehavior, case .object = itsBehavior { spec["behavior"] = itsBehavior }
        }
        autoscaler.change("status") { status in
            if let current = status.removeValue(forKey: "currentCPUUtilizationPercentage"), statuses.isEmpty {
                statuses.append(cpu(["current": ["averageUtilization": current]]))
            }
            if !statuses.isEmpty { status["currentMetrics"] = .array(statuses) }
            if !itsConditions.isEmpty { status["conditions"] = .array(itsConditions) }
        }
    }

    private static func cpu(_ fields: JSONObject) -> JSONValue {
        var resource: JSONObject = ["name": "cpu"]
        for (key, value) in fields { resource[key] = value }
        return ["type": "Resource", "resource": .object(resource)]
    }

    private static func list(_ text: String?) -> [JSONValue] {
        text.flatMap { try? JSONParser.parse($0).arrayValue } ?? []
    }

    // MARK: v2 → v1

    static func fromStorage(_ autoscaler: inout JSONObject) {
        for name in [metrics, currentMetrics, conditions, behavior] { autoscaler.setAnnotation(name, nil) }
        let specs = autoscaler["spec"]?["metrics"]?.arrayValue ?? []
        let statuses = autoscaler["status"]?["currentMetrics"]?.arrayValue ?? []
        let others = specs.filter { utilization(of: $0, "target") == nil }.map(metricToV1)
        setAnnotation(&autoscaler, metrics, others)
        setAnnotation(&autoscaler, currentMetrics, statuses.map(statusToV1))
        setAnnotation(&autoscaler, conditions, autoscaler["status"]?["conditions"]?.arrayValue ?? [])
        if let itsBehavior = autoscaler["spec"]?["behavior"] {
            autoscaler.setAnnotation(behavior, JSONWriter.text(of: itsBehavior))
        }
        autoscaler.change("spec") { spec in
            spec["metrics"] = nil
            spec["behavior"] = nil
            spec["targetCPUUtilizationPercentage"] = specs.lazy.compactMap { utilization(of: $0, "target") }.first
        }
        autoscaler.change("status") { status in
            status["currentMetrics"] = nil
            status["conditions"] = nil
            status["currentCPUUtilizationPercentage"] =
                statuses.lazy.compactMap { utilization(of: $0, "current") }.first
        }
    }

    // MARK: v2beta1, whose metrics are those of v1's annotations

    static func betaToStorage(_ autoscaler: inout JSONObject) {
        let itsBehavior = autoscaler.annotation(behavior).flatMap { try? JSONParser.parse($0) }
        autoscaler.setAnnotation(behavior, nil)
        change(&autoscaler, metricFromV1, statusFromV1)
        guard let itsBehavior, case .object = itsBehavior else { return }
        autoscaler.changeOrMake("spec") { $0["behavior"] = itsBehavior }
    }

    static func betaFromStorage(_ autoscaler: inout JSONObject) {
        change(&autoscaler, metricToV1, statusToV1)
        guard let itsBehavior = autoscaler["spec"]?["behavior"] else { return }
        autoscaler.change("spec") { $0["behavior"] = nil }
        autoscaler.setAnnotation(behavior, JSONWriter.text(of: itsBehavior))
    }

    private static func change(
        _ autoscaler: inout JSONObject, _ spec: (JSONValue) -> JSONValue, _ status: (JSONValue) -> JSONValue
    ) {
        changeList(&autoscaler, "spec", "metrics", spec)
        changeList(&autoscaler, "status", "currentMetrics", status)
    }

    private static func changeList(
        _ autoscaler: inout JSONObject, _ part: String, _ list: String, _ convert: (JSONValue) -> JSONValue
    ) {
        autoscaler.change(part) { fields in
            guard let metrics = fields[list]?.arrayValue else { return }
            fields[list] = .array(metrics.map(convert))
        }
    }

    private static func setAnnotation(_ autoscaler: inout JSONObject, _ name: String, _ values: [JSONValue]) {
        if !values.isEmpty { autoscaler.setAnnotation(name, JSONWriter.text(of: .array(values))) }
    }

    /// The average CPU utilization that a metric is about; nil for any other metric.
    private static func utilization(of metric: JSONValue, _ what: String) -> JSONValue? {
        guard metric["type"] == "Resource", metric["resource"]?["name"] == "cpu" else { return nil }
        return metric["resource"]?[path: what, "averageUtilization"]
    }

    // MARK: The metrics in annotations

    private static func body(of metric: JSONValue) -> (field: String, body: JSONObject)? {
        for field in ["resource", "containerResource", "pods", "object", "external"] {
            if let body = metric[field]?.objectValue { return (field, body) }
        }
        return nil
    }

    private static func metricToV1(_ metric: JSONValue) -> JSONValue {
        guard let (field, new) = body(of: metric) else { return metric }
        let target = new["target"]
        var old = JSONObject()
        switch field {
        case "resource", "containerResource":
            old["name"] = new["name"]
            old["targetAverageUtilization"] = target?["averageUtilization"]
            old["targetAverageValue"] = target?["averageValue"]
            old["container"] = new["container"]
        case "pods":
            old["metricName"] = new["metric"]?["name"]
            old["targetAverageValue"] = target?["averageValue"] ?? "0"
            old["selector"] = new["metric"]?["selector"]
        case "object":
            old["target"] = new["describedObject"]
            old["metricName"] = new["metric"]?["name"]
            old["targetValue"] = target?["value"] ?? "0"
            old["selector"] = new["metric"]?["selector"]
            old["averageValue"] = target?["averageValue"]
        default:
            old["metricName"] = new["metric"]?["name"]
            old["metricSelector"] = new["metric"]?["selector"]
            old["targetValue"] = target?["value"]
            old["targetAverageValue"] = target?["averageValue"]
        }
        return replacing(field, of: metric, with: old)
    }

    private static func metricFromV1(_ metric: JSONValue) -> JSONValue {
        guard let (field, old) = body(of: metric) else { return metric }
        var new = JSONObject()
        var target = JSONObject()
        switch field {
        case "resource", "containerResource":
            new["name"] = old["name"]
            new["container"] = old["container"]
            let utilization = old["targetAverageUtilization"]
            target["type"] = utilization == nil ? "AverageValue" : "Utilization"
            target["averageValue"] = old["targetAverageValue"]
            target["averageUtilization"] = utilization
        case "pods":
            new["metric"] = identifier(old["metricName"], old["selector"])
            target["type"] = "AverageValue"
            target["averageValue"] = old["targetAverageValue"]
        case "object":
            new["describedObject"] = old["target"]
            new["metric"] = identifier(old["metricName"], old["selector"])
            target["type"] = old["averageValue"] == nil ? "Value" : "AverageValue"
            if old["averageValue"] == nil || old["targetValue"] != "0" { target["value"] = old["targetValue"] }
            target["averageValue"] = old["averageValue"]
        default:
            new["metric"] = identifier(old["metricName"], old["metricSelector"])
            target["type"] = old["targetValue"] == nil ? "AverageValue" : "Value"
            target["value"] = old["targetValue"]
            target["averageValue"] = old["targetAverageValue"]
        }
        new["target"] = .object(target)
        return replacing(field, of: metric, with: new)
    }

    private static func statusToV1(_ metric: JSONValue) -> JSONValue {
        guard let (field, new) = body(of: metric) else { return metric }
        let current = new["current"]
        var old = JSONObject()
        switch field {
        case "resource", "containerResource":
            old["name"] = new["name"]
            old["currentAverageUtilization"] = current?["averageUtilization"]
            old["currentAverageValue"] = current?["averageValue"] ?? "0"
            old["container"] = new["container"]
        case "pods":
            old["metricName"] = new["metric"]?["name"]
            old["currentAverageValue"] = current?["averageValue"] ?? "0"
            old["selector"] = new["metric"]?["selector"]
        case "object":
            old["target"] = new["describedObject"]
            old["metricName"] = new["metric"]?["name"]
            old["currentValue"] = current?["value"] ?? "0"
            old["selector"] = new["metric"]?["selector"]
            old["averageValue"] = current?["averageValue"]
        default:
            old["metricName"] = new["metric"]?["name"]
            old["metricSelector"] = new["metric"]?["selector"]
            old["currentValue"] = current?["value"] ?? "0"
            old["currentAverageValue"] = current?["averageValue"]
        }
        return replacing(field, of: metric, with: old)
    }

    private static func statusFromV1(_ metric: JSONValue) -> JSONValue {
        guard let (field, old) = body(of: metric) else { return metric }
        var new = JSONObject()
        var current = JSONObject()
        switch field {
        case "resource", "containerResource":
            new["name"] = old["name"]
            new["container"] = old["container"]
            current["averageUtilization"] = old["currentAverageUtilization"]
            current["averageValue"] = old["currentAverageValue"]
        case "pods":
            new["metric"] = identifier(old["metricName"], old["selector"])
            current["averageValue"] = old["currentAverageValue"]
        case "object":
            new["describedObject"] = old["target"]
            new["metric"] = identifier(old["metricName"], old["selector"])
            current["value"] = old["currentValue"]
            current["averageValue"] = old["averageValue"]
        default:
            new["metric"] = identifier(old["metricName"], old["metricSelector"])
            current["value"] = old["currentValue"]
            current["averageValue"] = old["currentAverageValue"]
        }
        new["current"] = .object(current)
        return replacing(field, of: metric, with: new)
    }

    private static func identifier(_ name: JSONValue?, _ selector: JSONValue?) -> JSONValue {
        var identifier = JSONObject()
        identifier["name"] = name
        identifier["selector"] = selector
        return .object(identifier)
    }

    private static func replacing(_ field: String, of metric: JSONValue, with body: JSONObject) -> JSONValue {
        var metric = metric
        metric[field] = .object(body)
        return metric
    }
}
