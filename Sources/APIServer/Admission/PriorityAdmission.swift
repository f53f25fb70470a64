// A pod's priority is that of its class (upstream's Priority).

import JSON
import KubeTypes

struct PriorityAdmission: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        switch attributes.operation {
        case .create: attributes.concerns("", "pods") || attributes.concerns("scheduling.k8s.io", "priorityclasses")
        case .update: attributes.concerns("scheduling.k8s.io", "priorityclasses")
        default: false
        }
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard attributes.concerns("", "pods") else { return }
        let object = attributes.object ?? [:]
        let spec = object["spec"]?.objectValue ?? JSONObject()
        var name = spec[string: "priorityClassName"]
        var value: Int64 = 0
        var policy = "PreemptLowerPriority"
        let classes = registry.cache.cache(group: "scheduling.k8s.io", resource: "priorityclasses")
        var found: JSONValue?
        if name.isEmpty {
            classes?.snapshot.objects.forEach { candidate in
                let candidate = candidate.value
                // Of several defaults the lowest counts.
                if candidate["globalDefault"]?.boolValue == true,
                    found == nil || candidate["value"]?.integerValue ?? 0 < found?["value"]?.integerValue ?? 0
                {
                    found = candidate
                }
                return true
            }
            name = found?.name ?? ""
        } else {
            found = classes?[ObjectKey(name: name)]?.value
            guard found != nil else {
                throw attributes.forbidden("no PriorityClass with name \(name) was found")
            }
        }
        if let found {
            value = found["value"]?.integerValue ?? 0
            policy = found["preemptionPolicy"]?.stringValue ?? policy
        }
        if let given = spec["priority"]?.integerValue, given != value {
            throw attributes.forbidden(
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission "
                    + "controller computed \(value) from the given PriorityClass name")
        }
        if let given = spec["preemptionPolicy"]?.stringValue, given != policy {
            throw attributes.forbidden(
                "the string value of PreemptionPolicy (\(given)) must not be provided in pod spec; priority admission "
                    + "controller computed \(policy) from the given PriorityClass name")
        }
        attributes.object?.update("spec") { spec in
            if !name.isEmpty { spec["priorityClassName"] = .string(name) }
            spec["priority"] = .integer(value)
            spec["preemptionPolicy"] = .string(policy)
        }
    }

    /// There is one class at most that pods without a class are of.
    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard attributes.concerns("scheduling.k8s.io", "priorityclasses"),
            attributes.object?["globalDefault"]?.boolValue == true
        else { return }
        let name = attributes.object?.name
        var other: String?
        registry.cache.cache(group: "scheduling.k8s.io", resource: "priorityclasses")?.snapshot.objects.forEach {
            if $0.key.name != name, $0.value["globalDefault"]?.boolValue == true { other = $0.key.name }
            return other == nil
        }
        if let other {
            throw attributes.forbidden(
                "PriorityClass \(other) is already marked as default. Only one default can exist")
        }
    }
}
