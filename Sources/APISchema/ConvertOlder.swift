// Kinds that had another form in a beta version of their group, each small.

import JSON

/// PodDisruptionBudgets of policy/v1beta1, where an empty selector meant no pods; today it means all of them. A label
/// that no pod has stands in for what one version can say and the other cannot.
enum DisruptionBudgetConversion {
    private static let label = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"

    private static func selector(_ operation: JSONValue) -> JSONValue {
        ["matchExpressions": [["key": .string(label), "operator": operation]]]
    }

    static func toStorage(_ budget: inout JSONObject) {
        budget.change("spec") { spec in
            guard let given = spec["selector"] else { return }
            if given == [:] {
                spec["selector"] = selector("Exists")
            } else if given == selector("DoesNotExist") {
                spec["selector"] = [:]
            } else if let expressions = given["matchExpressions"]?.arrayValue {
                spec.change("selector") {
                    $0["matchExpressions"] = .array(expressions.filter { $0["key"]?.stringValue != label })
                }
            }
        }
    }

    static func fromStorage(_ budget: inout JSONObject) {
        budget.change("spec") { spec in
            if spec["selector"] == [:] {
                spec["selector"] = selector("DoesNotExist")
            } else if spec["selector"] == selector("Exists") {
                spec["selector"] = [:]
            }
        }
    }
}

/// EndpointSlices of discovery.k8s.io/v1beta1: `topology`, whose zone and node have fields of their own today.
enum EndpointSliceConversion {
    private static let zone = "topology.kubernetes.io/zone"
    private static let node = "kubernetes.io/hostname"

    static func toStorage(_ slice: inout JSONObject) {
        slice.changeEach("endpoints") { endpoint in
            guard case .object(var topology)? = endpoint.removeValue(forKey: "topology") else { return }
            if let zone = topology.removeValue(forKey: zone) { endpoint["zone"] = zone }
            if let node = topology.removeValue(forKey: node), !endpoint.has("nodeName") { endpoint["nodeName"] = node }
            if !topology.isEmpty { endpoint["deprecatedTopology"] = .object(topology) }
        }
    }

    static func fromStorage(_ slice: inout JSONObject) {
        slice.changeEach("endpoints") { endpoint in
            var topology = endpoint.removeValue(forKey: "deprecatedTopology")?.objectValue ?? JSONObject()
            if let zone = endpoint.removeValue(forKey: "zone") { topology[Self.zone] = zone }
            if let node = endpoint["nodeName"] { topology[Self.node] = node }
            if !topology.isEmpty { endpoint["topology"] = .object(topology) }
        }
    }
}

/// PriorityLevelConfigurations of flowcontrol v1beta1 and v1beta2: shares were assured, not nominal.
enum PriorityLevelConversion {
    static func toStorage(_ level: inout JSONObject) {
        level.change("spec") { spec in
            spec.change("limited") { $0.rename("assuredConcurrencyShares", to: "nominalConcurrencyShares") }
        }
    }

    static func fromStorage(_ level: inout JSONObject) {
        level.change("spec") { spec in
            spec.change("limited") { $0.rename("nominalConcurrencyShares", to: "assuredConcurrencyShares") }
        }
    }
}
