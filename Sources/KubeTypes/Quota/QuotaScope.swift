import JSON

/// One condition that a ResourceQuota puts on the objects it counts: a scope, or an expression of its scope selector.
public struct QuotaScope: Sendable, Hashable {
    /// `Terminating`, `BestEffort`, `PriorityClass` …
    public var name: String
    /// `Exists`, `DoesNotExist`, `In` or `NotIn`.
    public var `operator`: String
    public var values: Set<String>

    public init(_ name: String, operator: String = "Exists", values: Set<String> = []) {
        self.name = name
        self.operator = `operator`
        self.values = values
    }

    /// All conditions of a ResourceQuota's spec; every one must hold.
    public static func all(of spec: JSONValue?) -> [QuotaScope] {
        let plain = (spec?["scopes"]?.arrayValue ?? []).compactMap(\.stringValue).map { QuotaScope($0) }
        let expressions = (spec?["scopeSelector"]?["matchExpressions"]?.arrayValue ?? []).map { expression in
            QuotaScope(
                expression["scopeName"]?.stringValue ?? "",
                operator: expression["operator"]?.stringValue ?? "",
                values: Set((expression["values"]?.arrayValue ?? []).compactMap(\.stringValue)))
        }
        return plain + expressions
    }

    /// Whether names of classes meet the operator: none is no class.
    private func meets(_ names: Set<String>) -> Bool {
        switch `operator` {
        case "Exists": !names.isEmpty
        case "DoesNotExist": names.isEmpty
        case "In": !names.isDisjoint(with: values)
        case "NotIn": names.isEmpty || !names.isSubset(of: values)
        default: false
        }
    }

    func matches(pod: JSONValue) -> Bool {
        let spec = pod["spec"]
        switch name {
        case "Terminating": return Self.isTerminating(pod)
        case "NotTerminating": return !Self.isTerminating(pod)
        case "BestEffort": return Self.isBestEffort(spec)
        case "NotBestEffort": return !Self.isBestEffort(spec)
        case "PriorityClass":
            let name = spec?["priorityClassName"]?.stringValue ?? ""
            return meets(name.isEmpty ? [] : [name])
        case "CrossNamespacePodAffinity": return Self.reachesOtherNamespaces(spec?["affinity"])
        default: return false
        }
    }

    func matches(claim: JSONValue) -> Bool {
        guard name == "VolumeAttributesClass" else { return false }
        let names = [
            claim["spec"]?["volumeAttributesClassName"], claim["status"]?["currentVolumeAttributesClassName"],
            claim["status"]?["modifyVolumeStatus"]?["targetVolumeAttributesClassName"],
        ].compactMap { $0?.stringValue }.filter { !$0.isEmpty }
        return meets(Set(names))
    }

    /// Whether a pod has a deadline.
    static func isTerminating(_ pod: JSONValue) -> Bool {
        pod["spec"]?["activeDeadlineSeconds"]?.integerValue.map { $0 >= 0 } ?? false
    }

    /// Whether neither cpu nor memory is asked for anywhere.
    private static func isBestEffort(_ spec: JSONValue?) -> Bool {
        let own = spec?["resources"]
        var holders = [own]
        if own?["requests"] == nil, own?["limits"] == nil {
            holders = ((spec?["containers"]?.arrayValue ?? []) + (spec?["initContainers"]?.arrayValue ?? []))
                .map { $0["resources"] }
        }
        return holders.allSatisfy { resources in
            ["requests", "limits"].allSatisfy { list in
                let amounts = ResourceAmounts(resources: resources?[list])
                return ["cpu", "memory"].allSatisfy { (amounts[$0]?.nanos ?? 0) <= 0 }
            }
        }
    }

    private static func reachesOtherNamespaces(_ affinity: JSONValue?) -> Bool {
        func reaches(_ term: JSONValue?) -> Bool {
            !(term?["namespaces"]?.arrayValue ?? []).isEmpty || term?["namespaceSelector"].map { !$0.isNull } ?? false
        }
        return ["podAffinity", "podAntiAffinity"].contains { kind in
            let part = affinity?[kind]
            return (part?["requiredDuringSchedulingIgnoredDuringExecution"]?.arrayValue ?? []).contains(where: reaches)
                || (part?["preferredDuringSchedulingIgnoredDuringExecution"]?.arrayValue ?? []).contains {
                    reaches($0["podAffinityTerm"])
                }
        }
    }
}
