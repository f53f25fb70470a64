// Built-in admission: what is checked and filled in between decoding and the strategy, in upstream's order.

import JSON
import KubeTypes

enum Admission {
    /// Whether a create should be tried again in a moment, because what it needs is about to be made.
    static func mustWait(_ object: JSONValue, _ context: StrategyContext) throws(APIError) -> Bool {
        guard context.request.cache.resource.plural == "pods", context.request.storage.group.isEmpty else {
            return false
        }
        return ServiceAccountAdmission.waitsForDefault(object, context)
    }

    static func admitCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        try NamespaceLifecycle.admitCreate(object, context)
        guard context.request.storage.group.isEmpty, context.request.storage.plural == "pods" else { return }
        try ServiceAccountAdmission.admit(&object, context)
        DefaultTolerations.admit(&object)
        try PriorityAdmission.admit(&object, context)
    }

    static func admitUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext)
        throws(APIError)
    {
        guard context.request.storage.group.isEmpty, context.request.storage.plural == "pods" else { return }
        // What was filled in when the pod was made stays for clients that do not repeat it.
        let before = old["spec"]?.objectValue ?? JSONObject()
        object.update("spec") { spec in
            for field in ["priority", "preemptionPolicy", "serviceAccountName", "serviceAccount"]
            where spec[field]?.isEmptyValue ?? true {
                spec[field] = before[field]
            }
        }
    }

    static func admitDelete(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {}
}

/// Nothing new comes into a namespace that is not there or is about to go.
enum NamespaceLifecycle {
    static func admitCreate(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {
        let request = context.request
        guard request.resource.namespaced, !request.namespace.isEmpty else { return }
        guard
            let namespace = context.cache.cache(group: "", resource: "namespaces")?[
                ObjectKey(name: request.namespace)]
        else { throw .notFound("namespaces", group: "", name: request.namespace) }
        // Looking into the namespace is needed only if its bytes say that it goes.
        guard namespace.value.isBeingDeleted else { return }
        // Asking whether one may is harmless wherever it is done.
        if request.resource.group == "authorization.k8s.io" { return }
        var error = request.forbidden(
            "unable to create new content in namespace \(request.namespace) because it is being terminated",
            name: object.name)
        var cause = StatusCause()
        cause.reason = "NamespaceTerminating"
        cause.message = "namespace \(request.namespace) is being terminated"
        cause.field = "metadata.namespace"
        error.details?.causes = [cause]
        throw error
    }
}

/// Taints that nodes get when they fail are tolerated for five minutes by pods that do not say otherwise.
enum DefaultTolerations {
    private static let keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    static func admit(_ object: inout JSONValue) {
        object.update("spec") { spec in
            var tolerations = spec[array: "tolerations"]
            let missing = keys.filter { key in
                !tolerations.contains { toleration in
                    let own = toleration["key"]?.stringValue ?? ""
                    let effect = toleration["effect"]?.stringValue ?? ""
                    return (own == key || own.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
                }
            }
            guard !missing.isEmpty else { return }
            for key in missing {
                tolerations.append([
                    "key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
                ])
            }
            spec["tolerations"] = .array(tolerations)
        }
    }
}

/// A pod's priority is that of its class.
enum PriorityAdmission {
    static func admit(_ object: inout JSONValue, _ context: StrategyContext) throws(APIError) {
        let spec = object["spec"]?.objectValue ?? JSONObject()
        var name = spec[string: "priorityClassName"]
        var value: Int64 = 0
        var policy = "PreemptLowerPriority"
        let classes = context.cache.cache(group: "scheduling.k8s.io", resource: "priorityclasses")
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
                throw context.request.forbidden("no PriorityClass with name \(name) was found", name: object.name)
            }
        }
        if let found {
            value = found["value"]?.integerValue ?? 0
            policy = found["preemptionPolicy"]?.stringValue ?? policy
        }
        if let given = spec["priority"]?.integerValue, given != value {
            throw context.request.forbidden(
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission "
                    + "controller computed \(value) from the given PriorityClass name", name: object.name)
        }
        if let given = spec["preemptionPolicy"]?.stringValue, given != policy {
            throw context.request.forbidden(
                "the string value of PreemptionPolicy (\(given)) must not be provided in pod spec; priority admission "
                    + "controller computed \(policy) from the given PriorityClass name", name: object.name)
        }
        object.update("spec") { spec in
            if !name.isEmpty { spec["priorityClassName"] = .string(name) }
            spec["priority"] = .integer(value)
            spec["preemptionPolicy"] = .string(policy)
        }
    }
}
