import JSON
import KubeTypes

/// Nodes, runtime classes, leases and namespaces.
enum NodeRules {
    static func node(_ node: JSONObject, _ v: inout Validator) {
        let spec = node[object: "spec"]
        // Upstream looks for taints among the metadata.
        v.at("metadata") { SchedulingRules.taints(spec, &$0) }
        let prefixes = spec[strings: "podCIDRs"]
        for (index, text) in prefixes.enumerated() {
            v.invalid("spec.podCIDRs[\(index)]", text, Addresses.problems(ofLegacyPrefix: text))
        }
        if prefixes.count > 1 {
            let families = Set(prefixes.compactMap { PrefixText($0)?.address.isV6 })
            if families.count != 2 || prefixes.count > 2 {
                v.invalid(
                    "spec.podCIDRs", spec["podCIDRs"] ?? .null,
                    "may specify no more than one CIDR for each IP family")
            }
        }
        let status = node[object: "status"]
        for list in ["capacity", "allocatable"] {
            for (name, value) in status[object: list] {
                guard let amount = ResourceRules.quantity(value) else { continue }
                let path = "status.\(list).\(name)"
                if amount.nanos < 0 { v.invalid(path, value, "must be greater than or equal to 0") }
                if ResourceRules.isInteger(name), amount.nanos % 1_000_000_000 != 0 {
                    v.invalid(path, value, "must be an integer")
                }
            }
        }
        let features = status[strings: "declaredFeatures"]
        for (index, name) in features.enumerated() {
            if let problem = featureProblem(name) { v.invalid("status.declaredFeatures[\(index)]", name, problem) }
            guard index > 0 else { continue }
            if features[index - 1] == name {
                v.duplicate("status.declaredFeatures[\(index)]", name)
            } else if features[index - 1] > name {
                v.invalid("status.declaredFeatures[\(index)]", name, "list must be sorted alphabetically")
            }
        }
    }

    private static func featureProblem(_ name: String) -> String? {
        if name.utf8.count > 253 { return "invalid feature name \"\(name)\": must be no more than 253 characters" }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isRight = parts.enumerated().allSatisfy { index, part in
            guard let first = part.first, first.isASCII, index == 0 ? first.isUppercase : first.isLetter else {
                return false
            }
            return part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        }
        if isRight { return nil }
        return "invalid feature name \"\(name)\": must start with an UpperCamelCase segment, with subsequent segments "
            + "separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters "
            + "and slashes"
    }

    static func update(_ node: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let spec = node[object: "spec"]
        let before = old[object: "spec"]
        var addresses: Set<String> = []
        for (index, address) in (node["status"]?["addresses"]?.arrayValue ?? []).enumerated() {
            let key = "\(address["type"]?.stringValue ?? "") \(address["address"]?.stringValue ?? "")"
            if !addresses.insert(key).inserted { v.duplicate("status.addresses[\(index)]", address) }
        }
        if !before[array: "podCIDRs"].isEmpty, spec[array: "podCIDRs"] != before[array: "podCIDRs"] {
            v.forbidden(
                "spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid")
        }
        let provider = before[string: "providerID"]
        if !provider.isEmpty, spec[string: "providerID"] != provider {
            v.forbidden(
                "spec.providerID", "node updates may not change providerID except from \"\" to valid")
        }
        if spec[string: "externalID"] != before[string: "externalID"] {
            v.forbidden("spec.externalID", "may not be updated")
        }
    }

    // MARK: Namespaces

    static func namespaceSpec(_ spec: JSONObject, _ v: inout Validator) {
        for finalizer in spec[strings: "finalizers"] {
            v.invalid("finalizers", finalizer, Names.isFinalizer(finalizer))
        }
    }

    static func namespaceStatus(_ namespace: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let phase = namespace["status"]?["phase"] ?? ""
        let isBeingDeleted = !(namespace["metadata"]?["deletionTimestamp"]?.isNull ?? true)
        if isBeingDeleted, phase != "Terminating" {
            v.invalid("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")
        } else if !isBeingDeleted, phase != "Active" {
            v.invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")
        }
    }

    // MARK: Others

    static func runtimeClass(_ object: JSONObject, _ v: inout Validator) {
        v.requiredName("handler", object, Names.isDNS1123Label)
        v.inside("overhead", of: object) { overhead, v in
            // Upstream takes them for limits.
            v.entries("limits", of: ["limits": overhead["podFixed"] ?? .null]) { name, value, v in
                ResourceRules.containerName(name, &v)
                ResourceRules.amount(name, value, &v)
            }
        }
        v.inside("scheduling", of: object) { scheduling, v in
            v.checkLabels(scheduling["nodeSelector"], "nodeSelector")
            var seen: Set<JSONValue> = []
            v.elements("tolerations", of: scheduling) { _, toleration, v in
                var key = JSONValue.object(toleration)
                key["tolerationSeconds"] = nil
                if !seen.insert(key).inserted { v.duplicate("", .object(toleration)) }
            }
        }
    }

    static func lease(_ spec: JSONObject, _ v: inout Validator) {
        if let seconds = spec["leaseDurationSeconds"]?.integerValue, seconds <= 0 {
            v.invalid("leaseDurationSeconds", .integer(seconds), "must be greater than 0")
        }
        v.nonNegative(["leaseTransitions"], spec)
        let strategy = spec[string: "strategy"]
        if !strategy.isEmpty { leaseStrategy(strategy, &v) }
        if !spec[string: "preferredHolder"].isEmpty, strategy.isEmpty {
            v.forbidden("preferredHolder", "may only be specified if `strategy` is defined")
        }
    }

    private static func leaseStrategy(_ strategy: String, _ v: inout Validator) {
        if strategy.contains("/") {
            v.invalid("strategy.strategy", strategy, Names.isQualifiedName(strategy))
        } else if strategy != "OldestEmulationVersion" {
            v.unsupported("strategy.strategy", .string(strategy), ["OldestEmulationVersion"])
        }
    }

    static func leaseCandidate(_ spec: JSONObject, _ v: inout Validator) {
        if spec[string: "leaseName"].isEmpty { v.required("leaseName") }
        let binary = version("binaryVersion", spec, &v)
        let emulation = version("emulationVersion", spec, &v)
        if spec[string: "binaryVersion"].isEmpty { v.required("binaryVersion") }
        if let binary, let emulation, binary.lexicographicallyPrecedes(emulation) {
            v.invalid(
                "binaryVersion", spec[string: "binaryVersion"], "must be greater than or equal to `emulationVersion`")
        }
        let strategy = spec[string: "strategy"]
        if strategy.isEmpty { return v.required("strategy") }
        if strategy == "OldestEmulationVersion", emulation == nil {
            v.required("emulationVersion", "must be specified when `strategy` is 'OldestEmulationVersion'")
        }
        leaseStrategy(strategy, &v)
    }

    /// The three numbers of a semantic version.
    private static func version(_ field: String, _ spec: JSONObject, _ v: inout Validator) -> [Int]? {
        let text = spec[string: field]
        if text.isEmpty { return nil }
        let core = text.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false).compactMap { Int($0) }
        if numbers.count == 3 { return numbers }
        v.invalid(field, text, "must be a valid semantic version")
        return nil
    }
}
