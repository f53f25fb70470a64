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

/// CustomResourceDefinitions of apiextensions.k8s.io/v1beta1: one version by name, and one schema, one set of
/// subresources and one of columns for all versions.
enum CustomResourceDefinitionConversion {
    private static let keepUnknown = "x-kubernetes-preserve-unknown-fields"

    static func toStorage(_ definition: inout JSONObject) {
        definition.changeOrMake("spec") { spec in
            let name = spec.removeValue(forKey: "version")
            if spec["versions"]?.arrayValue?.isEmpty ?? true, let name {
                spec["versions"] = [["name": name, "served": true, "storage": true]]
            }
            let schema = spec.removeValue(forKey: "validation")
            let subresources = spec.removeValue(forKey: "subresources")
            let columns = spec.removeValue(forKey: "additionalPrinterColumns")
            let selectable = spec.removeValue(forKey: "selectableFields")
            // Unless told otherwise this version kept what no schema knows; today the schema says so.
            let keepsUnknown = spec.removeValue(forKey: "preserveUnknownFields") != false
            spec.changeEach("versions") { version in
                if version["schema"] == nil { version["schema"] = schema }
                if version["subresources"] == nil { version["subresources"] = subresources }
                if version["additionalPrinterColumns"] == nil { version["additionalPrinterColumns"] = columns }
                if version["selectableFields"] == nil { version["selectableFields"] = selectable }
                version.changeEach("additionalPrinterColumns") { $0.rename("JSONPath", to: "jsonPath") }
                version.changeOrMake("schema") { schema in
                    schema.changeOrMake("openAPIV3Schema") { root in
                        root.setDefault("type", "object")
                        if keepsUnknown { root[keepUnknown] = true }
                    }
                }
            }
            spec.setDefault("scope", "Namespaced")
            spec.change("conversion") { conversion in
                var webhook = JSONObject()
                webhook["clientConfig"] = conversion.removeValue(forKey: "webhookClientConfig")
                webhook["conversionReviewVersions"] = conversion.removeValue(forKey: "conversionReviewVersions")
                guard conversion["strategy"] == "Webhook" else { return }
                webhook.setDefault("conversionReviewVersions", ["v1beta1"])
                conversion["webhook"] = .object(webhook)
            }
        }
    }

    static func fromStorage(_ definition: inout JSONObject) {
        definition.change("spec") { spec in
            spec.changeEach("versions") { version in
                version.changeEach("additionalPrinterColumns") { $0.rename("jsonPath", to: "JSONPath") }
            }
            let versions = spec["versions"]?.arrayValue ?? []
            spec["version"] = versions.first?["name"]
            for (field, old) in [
                ("schema", "validation"), ("subresources", "subresources"),
                ("additionalPrinterColumns", "additionalPrinterColumns"), ("selectableFields", "selectableFields"),
            ] {
                // What all versions have in common is said once.
                guard let first = versions.first?[field], versions.allSatisfy({ $0[field] == first }) else { continue }
                spec[old] = first
                spec.changeEach("versions") { $0[field] = nil }
            }
            spec.setDefault("preserveUnknownFields", false)
            spec.change("conversion") { conversion in
                guard let webhook = conversion.removeValue(forKey: "webhook") else { return }
                conversion["webhookClientConfig"] = webhook["clientConfig"]
                conversion["conversionReviewVersions"] = webhook["conversionReviewVersions"]
            }
        }
    }
}
