import JSON
import KubeTypes

/// Where pods may run: affinities, tolerations, topology spread, gates.
enum SchedulingRules {
    static func toleration(_ toleration: JSONObject, _ v: inout Validator) {
        let operation = toleration[string: "operator"]
        let value = toleration[string: "value"]
        if toleration[string: "key"].isEmpty, operation != "Exists" {
            v.invalid(
                "operator", operation,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if toleration.holds("tolerationSeconds"), toleration[string: "effect"] != "NoExecute" {
            v.invalid(
                "effect", toleration[string: "effect"], "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        switch operation {
        case "", "Equal":
            let problems = Names.isLabelValue(value)
            if !problems.isEmpty { v.invalid("operator", value, problems.joined(separator: ";")) }
        case "Exists":
            if !value.isEmpty { v.invalid("operator", value, "value must be empty when `operator` is 'Exists'") }
        case "Lt", "Gt": v.unsupported("operator", .string(operation), ["Equal", "Exists", "Lt", "Gt"])
        default: v.unsupported("operator", .string(operation), ["Equal", "Exists"])
        }
    }

    // MARK: Node affinity

    static func nodeSelector(_ selector: JSONObject, _ v: inout Validator) {
        if selector[array: "nodeSelectorTerms"].isEmpty {
            v.required("nodeSelectorTerms", "must have at least one node selector term")
        }
    }

    static func nodeSelectorTerm(_ term: JSONObject, _ v: inout Validator) {
        // Values in preferences are taken as they come.
        var isPreference = false
        if case .field("preference")? = v.steps.last { isPreference = true }
        v.elements("matchExpressions", of: term) { _, requirement, v in
            let values = requirement[array: "values"]
            switch requirement[string: "operator"] {
            case "In", "NotIn":
                if values.isEmpty { v.required("values", "must be specified when `operator` is 'In' or 'NotIn'") }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    v.forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            case "Gt", "Lt":
                if values.count != 1 {
                    v.required("values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
                }
            case let other: v.invalid("operator", other, "not a valid selector operator")
            }
            let key = requirement[string: "key"]
            v.invalid("key", key, Names.isQualifiedName(key))
            if isPreference { return }
            v.strings("values", of: requirement) { value, v in v.invalid("", value, Names.isLabelValue(value)) }
        }
        v.elements("matchFields", of: term) { _, requirement, v in
            switch requirement[string: "operator"] {
            case "In", "NotIn":
                if requirement[array: "values"].count != 1 {
                    v.required(
                        "values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
                }
            case let other: v.invalid("operator", other, "not a valid selector operator")
            }
            let key = requirement[string: "key"]
            if key != "metadata.name" {
                v.invalid("key", key, "not a valid field selector key")
            } else {
                v.strings("values", of: requirement) { v, w in w.invalid("", v, Names.isDNS1123Subdomain(v)) }
            }
        }
    }

    static func weighted(_ term: JSONObject, _ v: inout Validator) {
        let weight = term[integer: "weight"]
        if !(1...100).contains(weight) { v.invalid("weight", .integer(weight), "must be in the range 1-100") }
    }

    // MARK: Pod affinity

    static func podAffinityTerm(_ term: JSONObject, _ v: inout Validator) {
        for name in term[strings: "namespaces"] { v.invalid("namespace", name, Names.isDNS1123Label(name)) }
        labelKeys(term, ["matchLabelKeys", "mismatchLabelKeys"], &v)
        let topologyKey = term[string: "topologyKey"]
        if topologyKey.isEmpty { v.required("topologyKey", "can not be empty") }
        v.invalid("topologyKey", topologyKey, Names.isQualifiedName(topologyKey))
    }

    private static func labelKeys(_ term: JSONObject, _ fields: [String], _ v: inout Validator) {
        guard fields.contains(where: { term.holds($0) }) else { return }
        for field in fields where !term[array: field].isEmpty {
            if !term.holds("labelSelector") {
                v.forbidden(field, "must not be specified when labelSelector is not set")
            } else {
                v.strings(field, of: term) { key, v in v.invalid("", key, Names.isQualifiedName(key)) }
            }
        }
        let keys = term[strings: "matchLabelKeys"]
        if case .object(let selector)? = term["labelSelector"] {
            var selected = Set(selector[object: "matchLabels"].keys)
            for expression in selector[array: "matchExpressions"] {
                let key = expression["key"]?.stringValue ?? ""
                if let index = keys.firstIndex(of: key), selected.contains(key) {
                    v.invalid("[\(index)]", key, "exists in both matchLabelKeys and labelSelector")
                }
                selected.insert(key)
            }
        }
        let mismatched = Set(term[strings: "mismatchLabelKeys"])
        for (index, key) in keys.enumerated() where mismatched.contains(key) {
            v.invalid("matchLabelKeys[\(index)]", key, "exists in both matchLabelKeys and mismatchLabelKeys")
        }
    }

    // MARK: Spread

    static func topologySpread(_ spec: JSONObject, _ v: inout Validator) {
        let all = spec[array: "topologySpreadConstraints"]
        v.elements("topologySpreadConstraints", of: spec) { index, constraint, v in
            let skew = constraint[integer: "maxSkew"]
            if skew <= 0 { v.invalid("maxSkew", .integer(skew), "must be greater than zero") }
            let key = constraint[string: "topologyKey"]
            if key.isEmpty { v.required("topologyKey", "can not be empty") }
            let action = constraint[string: "whenUnsatisfiable"]
            let actions = ["DoNotSchedule", "ScheduleAnyway"]
            if !actions.contains(action) { v.unsupported("whenUnsatisfiable", .string(action), actions) }
            if all.dropFirst(index + 1).contains(where: {
                $0["topologyKey"]?.stringValue == key && $0["whenUnsatisfiable"]?.stringValue == action
            }) {
                v.duplicate("{topologyKey, whenUnsatisfiable}", "{\(key), \(action)}")
            }
            if let domains = constraint["minDomains"]?.integerValue {
                if domains <= 0 { v.invalid("minDomains", .integer(domains), "must be greater than zero") }
                if action != "DoNotSchedule" {
                    v.invalid(
                        "minDomains", .integer(domains),
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(action)")
                }
            }
            v.oneOf("nodeAffinityPolicy", constraint, ["Honor", "Ignore"])
            v.oneOf("nodeTaintsPolicy", constraint, ["Honor", "Ignore"])
            labelKeys(constraint, ["matchLabelKeys"], &v)
        }
    }

    static func gates(_ spec: JSONObject, _ v: inout Validator) {
        var seen: Set<String> = []
        v.elements("schedulingGates", of: spec) { _, gate, v in
            let name = gate[string: "name"]
            v.invalid("", name, Names.isQualifiedName(name))
            if !seen.insert(name).inserted { v.duplicate("", name) }
        }
    }

    static func taints(_ spec: JSONObject, _ v: inout Validator) {
        var seen: Set<String> = []
        v.elements("taints", of: spec) { _, taint, v in
            let key = taint[string: "key"]
            v.invalid("key", key, Names.isQualifiedName(key))
            v.requiredOneOf("effect", taint, ["NoSchedule", "PreferNoSchedule", "NoExecute"])
            let value = taint[string: "value"]
            let problems = Names.isLabelValue(value)
            if !problems.isEmpty { v.invalid("value", value, problems.joined(separator: ";")) }
            if !seen.insert("\(taint[string: "effect"]) \(key)").inserted {
                var error = FieldError.duplicate(v.path(), .object(taint))
                error.message += ": taints must be unique by key and effect pair"
                v.report(error)
            }
        }
    }
}
