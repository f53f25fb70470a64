// Pods: their first status, what may still be changed, and how long they may take to go.

import JSON
import KubeTypes

struct PodStrategy: Strategy {
    var tracksGeneration: Bool { true }
    var returnsDeletedObject: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        var status: JSONObject = ["phase": "Pending"]
        if !(object[path: "spec", "schedulingGates"]?.isEmptyValue ?? true) {
            status["conditions"] = [
                [
                    "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                    "lastProbeTime": .null, "lastTransitionTime": context.now.field,
                ]
            ]
        }
        status["qosClass"] = .string(PodQOS.qosClass(of: object["spec"]?.objectValue ?? JSONObject()))
        object["status"] = .object(status)
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        object.updateMetadata { $0["ownerReferences"] = old["metadata"]?["ownerReferences"] }
        object.update("status") { status in
            if status[string: "qosClass"].isEmpty { status["qosClass"] = old[path: "status", "qosClass"] }
        }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        guard context.request.verb == .create, let gates = object[path: "spec", "schedulingGates"],
            !gates.isEmptyValue, let node = object[path: "spec", "nodeName"], !node.isEmptyValue
        else { return [] }
        return [.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")]
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        if context.request.subresource != nil { return [] }
        let new = object["spec"]?.objectValue ?? JSONObject()
        let before = old["spec"]?.objectValue ?? JSONObject()
        if new == before { return [] }
        var errors: [FieldError] = []
        var allowed = new
        for list in ["containers", "initContainers"] {
            guard new[array: list].count == before[array: list].count else {
                errors.append(.forbidden("spec.\(list)", "pod updates may not add or remove containers"))
                continue
            }
            allowed[list] = .array(
                zip(new[array: list], before[array: list]).enumerated().map { index, pair in
                    var container = pair.0
                    if (container["image"]?.stringValue ?? "").isEmpty {
                        errors.append(.required("spec.\(list)[\(index)].image"))
                    }
                    container["image"] = pair.1["image"]
                    return container
                })
            if new[list] == nil { allowed[list] = before[list] }
        }
        if !errors.isEmpty { return errors }
        errors += deadline(new, before)
        allowed["activeDeadlineSeconds"] = before["activeDeadlineSeconds"]
        // Tolerations may be added, and a grace period that was negative may become 1.
        let tolerations = new[array: "tolerations"]
        if before[array: "tolerations"].allSatisfy({ old in
            tolerations.contains { Self.withoutSeconds($0) == Self.withoutSeconds(old) }
        }) {
            allowed["tolerations"] = before["tolerations"]
        }
        if before["terminationGracePeriodSeconds"]?.integerValue ?? 0 < 0,
            new["terminationGracePeriodSeconds"]?.integerValue == 1
        {
            allowed["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
        }
        // Gates may be opened, not added; a pod that waits at one may still be narrowed to fewer nodes.
        let gates = before[array: "schedulingGates"].map { $0["name"] }
        if new[array: "schedulingGates"].allSatisfy({ gates.contains($0["name"]) }) {
            allowed["schedulingGates"] = before["schedulingGates"]
        } else {
            errors.append(
                .forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gates"))
        }
        if !gates.isEmpty { for field in ["nodeSelector", "affinity"] { allowed[field] = before[field] } }
        if allowed != before, errors.isEmpty {
            let fields = [
                "spec.containers[*].image", "spec.initContainers[*].image", "spec.activeDeadlineSeconds",
            ].map { "`\($0)`" }.joined(separator: ",")
            let changed = Self.changedFields(allowed, before).map { "spec.\($0)" }.joined(separator: ", ")
            errors.append(
                .forbidden(
                    "spec",
                    "pod updates may not change fields other than \(fields),`spec.tolerations` (only additions to "
                        + "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
                        + "was previously negative)\nchanged: \(changed)"))
        }
        return errors
    }

    private func deadline(_ new: JSONObject, _ old: JSONObject) -> [FieldError] {
        let path = "spec.activeDeadlineSeconds"
        switch (new["activeDeadlineSeconds"]?.integerValue, old["activeDeadlineSeconds"]?.integerValue) {
        case (let new?, let old?) where new > old:
            return [.invalid(path, .integer(new), "must be less than or equal to previous value")]
        case (nil, .some): return [.invalid(path, .null, "must not update from a positive integer to nil value")]
        default: return []
        }
    }

    private static func withoutSeconds(_ toleration: JSONValue) -> JSONValue {
        var toleration = toleration
        toleration["tolerationSeconds"] = nil
        return toleration
    }

    private static func changedFields(_ left: JSONObject, _ right: JSONObject) -> [String] {
        Set(left.keys).union(right.keys).filter { left[$0] != right[$0] }.sorted()
    }

    func gracePeriod(of object: JSONValue, requested: Int64?) -> Int64? {
        let phase = object[path: "status", "phase"]?.stringValue
        // Nobody runs it: there is nothing to wait for.
        if (object[path: "spec", "nodeName"]?.stringValue ?? "").isEmpty || phase == "Failed" || phase == "Succeeded" {
            return 0
        }
        let period = requested ?? object[path: "spec", "terminationGracePeriodSeconds"]?.integerValue ?? 0
        return period < 0 ? 1 : period
    }
}
