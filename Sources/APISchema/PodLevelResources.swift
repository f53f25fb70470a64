import JSON

/// Defaults of a pod's own resources from those of its containers (KEP-2837): only where the pod says something about
/// its resources already, and only for cpu, memory and huge pages.
enum PodLevelResources {
    static func applyDefaults(to spec: inout JSONObject) {
        guard let resources = spec["resources"]?.objectValue else { return }
        let limits = resources["limits"]?.objectValue ?? [:]
        let requests = resources["requests"]?.objectValue ?? [:]
        guard !limits.isEmpty || !requests.isEmpty else { return }
        var newLimits = limits
        for (name, amount) in effective("limits", of: spec)
        where name.hasPrefix("hugepages-") && requests[name] == nil && newLimits[name] == nil {
            newLimits[name] = .string(amount.text)
        }
        var newRequests = requests
        if !newLimits.isEmpty {
            for (name, amount) in effective("requests", of: spec)
            where (name == "cpu" || name == "memory") && newRequests[name] == nil {
                newRequests[name] = .string(amount.text)
            }
            for (name, limit) in newLimits where isSupported(name) && newRequests[name] == nil {
                newRequests[name] = limit
            }
        }
        spec.change("resources") { resources in
            if !newLimits.isEmpty { resources["limits"] = .object(newLimits) }
            if !newRequests.isEmpty { resources["requests"] = .object(newRequests) }
        }
    }

    private static func isSupported(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
    }

    /// What the containers need together at any time: those that run side by side added up, or an init container with
    /// the sidecars started before it, whichever is more. In alphabetical order.
    static func effective(_ list: String, of spec: JSONObject) -> [(String, CanonicalQuantity)] {
        var running: [String: CanonicalQuantity] = [:]
        for container in spec["containers"]?.arrayValue ?? [] { add(amounts(list, container), to: &running) }
        var sidecars: [String: CanonicalQuantity] = [:]
        var starting: [String: CanonicalQuantity] = [:]
        for container in spec["initContainers"]?.arrayValue ?? [] {
            var needed = amounts(list, container)
            if container["restartPolicy"]?.stringValue == "Always" {
                add(needed, to: &sidecars)
                needed = sidecars
            } else {
                add(sidecars, to: &needed)
            }
            starting.merge(needed) { $0.nanos >= $1.nanos ? $0 : $1 }
        }
        add(sidecars, to: &running)
        running.merge(starting) { $0.nanos >= $1.nanos ? $0 : $1 }
        return running.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func amounts(_ list: String, _ container: JSONValue) -> [String: CanonicalQuantity] {
        var amounts: [String: CanonicalQuantity] = [:]
        for (name, value) in container[path: "resources", list]?.objectValue ?? [:] {
            if let text = value.stringValue, case .success(let quantity) = CanonicalQuantity.parse(text) {
                amounts[name] = quantity
            }
        }
        return amounts
    }

    private static func add(_ more: [String: CanonicalQuantity], to sum: inout [String: CanonicalQuantity]) {
        sum.merge(more) { CanonicalQuantity(nanos: $0.nanos + $1.nanos, format: $0.format) }
    }
}
