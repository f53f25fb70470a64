import JSON
import KubeTypes

/// Events, which are stored as those of the core group: lax rules for all, stricter ones for what is written through
/// `events.k8s.io/v1`.
enum EventRules {
    /// Who owns an event's namespace, and what newer events must say.
    static func event(_ event: JSONObject, _ v: inout Validator) {
        let namespace = event["metadata"]?["namespace"]?.stringValue ?? ""
        let involved = event["involvedObject"]?["namespace"]?.stringValue ?? ""
        func mismatch() { v.invalid("involvedObject.namespace", involved, "does not match event.namespace") }
        guard event.holds("eventTime") else {
            if involved.isEmpty ? !["", "default"].contains(namespace) : involved != namespace { mismatch() }
            return
        }
        if involved.isEmpty, namespace != "default", namespace != "kube-system" { mismatch() }
        let controllerField = v.apiVersion.hasPrefix("events.k8s.io/") ? "reportingController" : "reportingComponent"
        let controller = event[string: "reportingComponent"]
        if controller.isEmpty { v.required(controllerField) }
        v.invalid(controllerField, controller, Names.isQualifiedName(controller))
        for (field, limit, isRequired) in [
            ("reportingInstance", 128, true), ("action", 128, true), ("reason", 128, true), ("message", 1024, false),
        ] {
            let text = event[string: field]
            if isRequired, text.isEmpty { v.required(field) }
            if text.utf8.count > limit { v.invalid(field, "", "can have at most \(limit) characters") }
        }
    }

    private static func isStrict(_ v: Validator) -> Bool { v.apiVersion == "events.k8s.io/v1" }

    static func create(_ event: JSONObject, _ v: inout Validator) {
        guard isStrict(v) else { return }
        series(event, &v)
        if !event.holds("eventTime") { v.required("eventTime") }
        let type = event[string: "type"]
        if type != "Normal", type != "Warning" { v.invalid("type", "", "has invalid value: \(type)") }
        let source = event[object: "source"]
        let set = [
            ("firstTimestamp", event.holds("firstTimestamp")), ("lastTimestamp", event.holds("lastTimestamp")),
            ("count", event[integer: "count"] != 0),
            ("source", !source[string: "component"].isEmpty || !source[string: "host"].isEmpty),
        ]
        for (field, isSet) in set where isSet { v.invalid(field, "", "needs to be unset") }
    }

    /// Only the series and metadata of an event change.
    static func update(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        guard isStrict(v) else { return }
        if !Validator.areSame(new["series"], old["series"]) { series(new, &v) }
        for field in [
            "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type",
            "eventTime", "action", "related",
        ] {
            v.immutable(field, new[field], old[field])
        }
        v.immutable("reportingController", new["reportingComponent"], old["reportingComponent"])
        v.immutable("reportingInstance", new["reportingInstance"], old["reportingInstance"])
    }

    private static func series(_ event: JSONObject, _ v: inout Validator) {
        guard case .object(let series)? = event["series"] else { return }
        if series[integer: "count"] < 2 { v.invalid("series.count", "", "should be at least 2") }
        if !series.holds("lastObservedTime") { v.required("series.lastObservedTime") }
    }
}
