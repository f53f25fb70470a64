import JSON
import KubeTypes

/// Amounts of resources: their names, and how limits and requests go together.
enum ResourceRules {
    /// The names without a prefix that containers may have amounts of.
    private static let ofContainers: Set<String> = ["cpu", "memory", "ephemeral-storage"]

    private static let computeQuota: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
        "limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.storage",
    ]

    private static let counted: Set<String> = [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    ]

    static func isHugePages(_ name: String) -> Bool { name.hasPrefix("hugepages-") }

    static func isStandardQuota(_ name: String) -> Bool {
        computeQuota.contains(name) || counted.contains(name) || isHugePages(name)
            || name.hasPrefix("requests.hugepages-")
    }

    static func isNative(_ name: String) -> Bool { !name.contains("/") || name.contains("kubernetes.io/") }

    static func isExtended(_ name: String) -> Bool {
        !isNative(name) && !name.hasPrefix("requests.") && Names.isQualifiedName("requests.\(name)").isEmpty
    }

    static func mayOvercommit(_ name: String) -> Bool { isNative(name) && !isHugePages(name) }

    static func isInteger(_ name: String) -> Bool { counted.contains(name) || isExtended(name) }

    static func quantity(_ value: JSONValue?) -> CanonicalQuantity? {
        guard let text = value?.stringValue, case .success(let quantity) = CanonicalQuantity.parse(text) else {
            return nil
        }
        return quantity
    }

    // MARK: Names

    /// Any resource; reports are about the map's entry.
    static func name(_ name: String, _ v: inout Validator) {
        let problems = Names.isQualifiedName(name)
        v.invalid("", name, problems)
        if problems.isEmpty, !name.contains("/"), name != "storage", !isStandardQuota(name) {
            v.invalid("", name, "must be a standard resource type or fully qualified")
        }
    }

    static func containerName(_ name: String, _ v: inout Validator) {
        if ofContainers.contains(name) { return }
        self.name(name, &v)
        if !name.contains("/") {
            if !isHugePages(name) { v.invalid("", name, "must be a standard resource for containers") }
        } else if !isNative(name), !isExtended(name) {
            v.invalid("", name, "doesn't follow extended resource name standard")
        }
    }

    static func quotaName(_ name: String, _ v: inout Validator) {
        self.name(name, &v)
        if !name.contains("/"), !isStandardQuota(name) { v.invalid("", name, "must be a standard resource for quota") }
    }

    private static func podName(_ name: String, _ v: inout Validator) {
        let before = v.errors.count
        self.name(name, &v)
        if v.errors.count == before, name != "cpu", name != "memory", !isHugePages(name) {
            v.unsupported("", .string(name), ["cpu", "hugepages-", "memory"])
        }
    }

    // MARK: Amounts

    static func amount(_ name: String, _ value: JSONValue, _ v: inout Validator) {
        guard let amount = quantity(value) else { return }
        if amount.nanos < 0 { v.invalid("", value, "must be greater than or equal to 0") }
        if amount.nanos % 1_000_000_000 != 0, isInteger(name) { v.invalid("", value, "must be an integer") }
    }

    /// Limits and requests of a container, or of a whole pod.
    static func requirements(_ resources: JSONObject, _ v: inout Validator) {
        guard !resources.isEmpty else { return }
        let isPods = v.isAt("resources", below: "spec")
        let limits = resources[object: "limits"]
        var hasCompute = false
        var hasHugePages = false
        func check(_ name: String, _ value: JSONValue, _ v: inout Validator) {
            if isPods { podName(name, &v) } else { containerName(name, &v) }
            amount(name, value, &v)
            if name == "cpu" || name == "memory" { hasCompute = true }
            if isHugePages(name) {
                hasHugePages = true
                if let amount = quantity(value), let page = quantity(.string(String(name.dropFirst(10)))),
                    page.nanos > 0, page.nanos % 1_000_000_000 == 0, amount.nanos % page.nanos == 0
                {
                    return
                }
                v.invalid("", value, "\(value.stringValue ?? "") is not positive integer multiple of \(name)")
            }
        }
        v.entries("limits", of: resources, check)
        v.entries("requests", of: resources, check)
        for (name, value) in resources[object: "requests"] {
            guard let amount = quantity(value) else { continue }
            guard let limit = quantity(limits[name]) else {
                if !mayOvercommit(name) { v.required("limits", "Limit must be set for non overcommitable resources") }
                continue
            }
            if amount.nanos != limit.nanos, !mayOvercommit(name) {
                v.invalid("requests", value, "must be equal to \(name) limit of \(limit.text)")
            } else if amount.nanos > limit.nanos {
                v.invalid("requests", value, "must be less than or equal to \(name) limit of \(limit.text)")
            }
        }
        if hasHugePages, !hasCompute { v.forbidden("", "HugePages require cpu or memory") }
    }

    /// The claims that a container uses, which the pod must have.
    static func claims(_ resources: JSONObject, _ known: Set<String>, _ v: inout Validator) {
        var seen: Set<String> = []
        v.elements("claims", of: resources) { _, claim, v in
            let name = claim[string: "name"]
            if name.isEmpty {
                v.required("")
                return
            }
            let request = claim[string: "request"]
            if !request.isEmpty { v.invalid("request", request, Names.isDNS1123Label(request)) }
            let key = request.isEmpty ? name : "\(name)/\(request)"
            if seen.contains(name) {
                v.duplicate("", name)
            } else if seen.contains(key) {
                v.duplicate("", key)
            } else if request.isEmpty, seen.contains(where: { $0.hasPrefix("\(name)/") }) {
                v.duplicate("", name)
            }
            seen.insert(key)
            guard !known.contains(name) else { return }
            v.notFound(
                "", name,
                "must be one of the names in pod.spec.resourceClaims"
                    + (known.isEmpty ? " which is empty" : ": \(known.sorted().joined(separator: ", "))"))
        }
    }

    /// The resources of a pod as a whole against those of its containers (KEP-2837).
    static func podConsistency(_ spec: JSONObject, _ v: inout Validator) {
        guard case .object(let resources)? = spec["resources"], !resources.isEmpty else { return }
        if spec["os"]?["name"]?.stringValue == "windows" {
            v.forbidden("resources", "may not be set for a windows pod")
            return
        }
        v.at("resources") { v in
            if !resources[array: "claims"].isEmpty {
                v.forbidden("claims", "claims may not be set for Resources at pod-level")
            }
            let requests = resources[object: "requests"]
            let limits = resources[object: "limits"]
            for (name, needed) in PodLevelResources.effective("requests", of: spec) {
                guard let own = quantity(requests[name]), needed.nanos > own.nanos else { continue }
                v.invalid(
                    "requests[\(name)]", own.text,
                    "must be greater than or equal to aggregate container requests of \(needed.text)")
            }
            for (name, needed) in PodLevelResources.effective("limits", of: spec) where isHugePages(name) {
                guard let own = quantity(limits[name]), needed.nanos > own.nanos else { continue }
                v.invalid(
                    "limits[\(name)]", own.text,
                    "must be greater than or equal to aggregate container limits of \(needed.text)")
            }
            for (index, container) in spec[array: "containers"].enumerated() {
                for (name, limit) in container[path: "resources", "limits"]?.objectValue ?? [:] {
                    guard let own = quantity(limits[name]), let limit = quantity(limit), limit.nanos > own.nanos else {
                        continue
                    }
                    v.invalid(
                        "containers[\(index)][\(name)].limits", limit.text,
                        "must be less than or equal to pod limits of \(own.text)")
                }
            }
        }
    }
}

extension Validator {
    /// Whether the last steps are these two fields.
    func isAt(_ last: String, below: String) -> Bool {
        guard steps.count >= 2, case .field(last) = steps[steps.count - 1], case .field(below) = steps[steps.count - 2]
        else { return false }
        return true
    }
}
