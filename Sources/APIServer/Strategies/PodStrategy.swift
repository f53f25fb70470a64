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
        LabelKeys.apply(to: &object)
        Self.mendGracePeriod(&object)
    }

    /// A negative period to end in, which templates of long ago may have, is one second.
    private static func mendGracePeriod(_ object: inout JSONValue) {
        guard let period = object[path: "spec", "terminationGracePeriodSeconds"]?.integerValue, period < 0 else {
            return
        }
        object.update("spec") { $0["terminationGracePeriodSeconds"] = 1 }
    }

    /// Two subresources change one part of a pod each, and nothing else.
    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        switch context.request.subresource?.name {
        case "ephemeralcontainers":
            let containers = object[path: "spec", "ephemeralContainers"]
            object = Self.restored(object, old)
            object.update("spec") { $0["ephemeralContainers"] = containers }
        case "resize": PodResize.keepResources(&object, old: old)
        default: Self.mendGracePeriod(&object)
        }
    }

    /// The old object as it is written by the new one's author.
    static func restored(_ object: JSONValue, _ old: JSONValue) -> JSONValue {
        var restored = old
        restored.updateMetadata { metadata in
            for key in ["resourceVersion", "managedFields"] { metadata[key] = object.metadata?[key] }
        }
        return restored
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        object.updateMetadata { $0["ownerReferences"] = old["metadata"]?["ownerReferences"] }
        object.update("status") { status in
            if status[string: "qosClass"].isEmpty { status["qosClass"] = old[path: "status", "qosClass"] }
            // Who does not know of generations does not forget them for others.
            if status[integer: "observedGeneration"] == 0 {
                status["observedGeneration"] = old[path: "status", "observedGeneration"]
            }
            guard let before = old[path: "status", "conditions"]?.arrayValue else { return }
            status.updateEach("conditions") { condition in
                guard condition[integer: "observedGeneration"] == 0 else { return }
                let same = before.first { $0["type"] == condition["type"] }
                condition["observedGeneration"] = same?["observedGeneration"]
            }
        }
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
