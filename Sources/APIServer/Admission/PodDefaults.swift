// What pods are given when they say nothing: tolerations of failing nodes, and what an update need not repeat.

import JSON
import KubeTypes

/// Taints that nodes get when they fail are tolerated for five minutes by pods that do not say otherwise (upstream's
/// DefaultTolerationSeconds).
struct DefaultTolerations: AdmissionPlugin {
    private static let keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.concerns("", "pods") && (attributes.operation == .create || attributes.operation == .update)
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard attributes.object?.objectValue != nil else { return }
        attributes.object?.update("spec") { spec in
            let tolerations = spec[array: "tolerations"]
            let missing = Self.keys.filter { key in
                !tolerations.contains { toleration in
                    let own = toleration["key"]?.stringValue ?? ""
                    let effect = toleration["effect"]?.stringValue ?? ""
                    return (own == key || own.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
                }
            }
            guard !missing.isEmpty else { return }
            spec["tolerations"] = .array(
                tolerations
                    + missing.map { key in
                        ["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300]
                    })
        }
    }
}

/// What was filled in when a pod was made stays for clients that do not repeat it.
struct PodUpdateCarryOver: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.concerns("", "pods")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let before = attributes.oldObject?["spec"]?.objectValue ?? JSONObject()
        attributes.object?.update("spec") { spec in
            for field in ["priority", "preemptionPolicy", "serviceAccountName", "serviceAccount"]
            where spec[field]?.isEmptyValue ?? true {
                spec[field] = before[field]
            }
        }
    }
}
