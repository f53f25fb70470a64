import JSON
import KubeTypes

/// The conditions in the status of a CustomResourceDefinition.
public enum CustomResourceConditions {
    /// The condition `type`, or nil.
    public static func condition(_ type: String, of definition: JSONValue) -> JSONValue? {
        definition[path: "status", "conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
    }

    public static func isTrue(_ type: String, of definition: JSONValue) -> Bool {
        condition(type, of: definition)?["status"]?.stringValue == "True"
    }

    /// Sets a condition. The time of its last transition changes with its status.
    public static func set(
        _ type: String, _ status: String, reason: String, message: String, in definition: inout JSONValue, now: Time
    ) {
        var conditions = definition[path: "status", "conditions"]?.arrayValue ?? []
        let index = conditions.firstIndex { $0["type"]?.stringValue == type }
        var transition = now.field
        if let index, conditions[index]["status"]?.stringValue == status,
            let time = conditions[index]["lastTransitionTime"], !time.isNull
        {
            transition = time
        }
        let condition: JSONValue = [
            "type": .string(type), "status": .string(status), "lastTransitionTime": transition,
            "reason": .string(reason), "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        var state = definition["status"]?.objectValue ?? JSONObject()
        state["conditions"] = .array(conditions)
        definition["status"] = .object(state)
    }
}
