// What pods are given when they say nothing: tolerations of failing nodes, and what an update need not repeat.

import JSON
import KubeTypes

/// Taints that nodes get when they fail are tolerated for a while, five minutes usually, by pods that do not say otherwise
/// (upstream's DefaultTolerationSeconds).
struct DefaultTolerations: AdmissionPlugin {
    private let seconds: [(key: String, seconds: Int64)]

    init(notReadySeconds: Int = 300, unreachableSeconds: Int = 300) {
        seconds = [
            ("node.kubernetes.io/not-ready", Int64(notReadySeconds)),
            ("node.kubernetes.io/unreachable", Int64(unreachableSeconds)),
        ]
    }

    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.concerns("", "pods") && (attributes.operation == .create || attributes.operation == .update)
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard attributes.object?.objectValue != nil else { return }
        attributes.object?.update("spec") { spec in
            let tolerations = spec[array: "tolerations"]
            let missing = seconds.filter { key, _ in
                !tolerations.contains { toleration in
                    let own = toleration["key"]?.stringValue ?? ""
                    let effect = toleration["effect"]?.stringValue ?? ""
                    return (own == key || own.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
                }
            }
            guard !missing.isEmpty else { return }
            spec["tolerations"] = .array(
                tolerations
                    + missing.map { key, seconds in
                        [
                            "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                            "tolerationSeconds": .integer(seconds),
                        ]
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
