import JSON
import KubeTypes

/// Dynamic resource allocation: claims, device classes, slices and taint rules. Selectors are compiled elsewhere.
enum ResourceClaimRules {
    // MARK: Claims

    static func claim(_ claim: JSONObject, _ v: inout Validator) {
        let names = requestNames(claim)
        sized("requests", claim, 32, &v)
        var seen: Set<String> = []
        v.elements("requests", of: claim) { _, request, v in
            let name = request[string: "name"]
            v.invalid("name", name, Names.isDNS1123Label(name))
            if !seen.insert(name).inserted { v.duplicate("", name) }
            let alternatives = request[array: "firstAvailable"]
            switch (alternatives.isEmpty, request["exactly"]?.objectValue) {
            case (true, nil): v.required("", "exactly one of `exactly` or `firstAvailable` is required")
            case (false, .some):
                v.invalid(
                    "", .null,
                    "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set")
            case (true, let exactly?): v.at("exactly") { device(exactly, &$0) }
            case (false, nil):
                sized("firstAvailable", request, 8, &v)
                var inner: Set<String> = []
                v.elements("firstAvailable", of: request) { _, alternative, v in
                    let name = alternative[string: "name"]
                    v.invalid("name", name, Names.isDNS1123Label(name))
                    if !inner.insert(name).inserted { v.duplicate("", name) }
                    device(alternative, &v)
                }
            }
        }
        sized("constraints", claim, 32, &v)
        v.elements("constraints", of: claim) { _, constraint, v in
            references("requests", constraint, names, &v)
            let fields = ["matchAttribute", "distinctAttribute"].filter { constraint.holds($0) }
            guard let field = fields.first else {
                return v.required(
                    "",
                    "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set"
                )
            }
            attribute(field, constraint[string: field], isFull: true, &v)
        }
        sized("config", claim, 32, &v)
        v.elements("config", of: claim) { _, config, v in
            references("requests", config, names, &v)
            opaque(config, &v)
        }
    }

    private static func sized(_ field: String, _ object: JSONObject, _ limit: Int, _ v: inout Validator) {
        let count = object[array: field].count
        if count > limit { v.tooMany(field, count: count, limit: limit) }
    }

    /// Requests, and alternatives behind their request's name.
    private static func requestNames(_ claim: JSONObject) -> Set<String> {
        var names: Set<String> = []
        for request in claim[array: "requests"] {
            let name = request["name"]?.stringValue ?? ""
            names.insert(name)
            for alternative in request["firstAvailable"]?.arrayValue ?? [] {
                names.insert("\(name)/\(alternative["name"]?.stringValue ?? "")")
            }
        }
        return names
    }

    private static func references(
        _ field: String, _ object: JSONObject, _ names: Set<String>, _ v: inout Validator
    ) {
        sized(field, object, 32, &v)
        var seen: Set<String> = []
        v.strings(field, of: object) { name, v in
            if !names.contains(name) { reference("", name, &v) }
            if !seen.insert(name).inserted { v.duplicate("", name) }
        }
    }

    private static func reference(_ child: String, _ name: String, _ v: inout Validator) {
        v.invalid(
            child, name,
            "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'")
    }

    private static func device(_ request: JSONObject, _ v: inout Validator) {
        v.requiredName("deviceClassName", request, Names.isDNS1123Subdomain)
        selectors(request, &v)
        let count = request[integer: "count"]
        switch request[string: "allocationMode"] {
        case "All":
            if count != 0 {
                v.invalid("count", .integer(count), "must not be specified when allocationMode is 'All'")
            }
        case "ExactCount":
            if count <= 0 { v.invalid("count", .integer(count), "must be greater than zero") }
        case let other: v.unsupported("allocationMode", .string(other), ["All", "ExactCount"])
        }
        v.elements("tolerations", of: request) { _, toleration, v in
            v.optionalName("key", toleration, Names.isQualifiedName)
            let value = toleration[string: "value"]
            switch toleration[string: "operator"] {
            case "Exists": if !value.isEmpty { v.invalid("value", value, "must be empty for operator `Exists`") }
            case "Equal": v.invalid("value", value, Names.isLabelValue(value))
            case "": v.required("operator")
            case let other: v.unsupported("operator", .string(other), ["Equal", "Exists"])
            }
            if !toleration[string: "effect"].isEmpty { v.oneOf("effect", toleration, effects) }
        }
    }

    private static let effects = ["NoExecute", "NoSchedule", "None"]

    private static func selectors(_ object: JSONObject, _ v: inout Validator) {
        sized("selectors", object, 32, &v)
        v.elements("selectors", of: object) { _, selector, v in
            guard case .object(let expression)? = selector["cel"] else { return v.required("cel") }
            if expression[string: "expression"].isEmpty {
                v.required("cel.expression")
            } else if expression[string: "expression"].utf8.count > 10 << 10 {
                v.tooLong("cel.expression", limit: 10 << 10)
            }
        }
    }

    private static func opaque(_ config: JSONObject, _ v: inout Validator) {
        guard case .object(let opaque)? = config["opaque"] else { return v.required("opaque") }
        v.at("opaque") { v in
            VolumeRules.driver("driver", opaque, &v)
            switch opaque["parameters"] {
            case nil, .null?: v.required("parameters")
            case .object(let parameters)?:
                if JSONWriter.bytes(of: .object(parameters)).count > 10 << 10 {
                    v.tooLong("parameters", limit: 10 << 10)
                }
            default: v.invalid("parameters", "<value omitted>", "must be a valid JSON object")
            }
        }
    }

    private static func attribute(_ child: String, _ name: String, isFull: Bool, _ v: inout Validator) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let last = parts[parts.count - 1]
        if parts.count == 2 {
            if parts[0].isEmpty {
                v.invalid(child, "", "the domain must not be empty")
            } else {
                if parts[0].utf8.count > 63 { v.tooLong(child, limit: 63) }
                v.invalid(child, parts[0], Names.isCSIDriver(parts[0]))
            }
        }
        if last.isEmpty, parts.count == 2 {
            v.invalid(child, "", "the name must not be empty")
        } else {
            if last.utf8.count > 32 { v.tooLong(child, limit: 32) }
            v.invalid(child, last, Names.isCIdentifier(last))
        }
        if isFull, parts.count < 2 {
            v.invalid(child, name, "a fully qualified name must be a domain and a name separated by a slash")
        }
    }

    static func deviceClass(_ spec: JSONObject, _ v: inout Validator) {
        selectors(spec, &v)
        sized("config", spec, 32, &v)
        v.elements("config", of: spec) { _, config, v in opaque(config, &v) }
        if let name = spec["extendedResourceName"]?.stringValue, !ResourceRules.isExtended(name) {
            v.invalid("extendedResourceName", name, "must be a valid extended resource name")
        }
    }

    // MARK: Status of claims

    static func claimStatus(_ claim: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let status = claim[object: "status"]
        let before = old[object: "status"]
        let names = requestNames(claim["spec"]?["devices"]?.objectValue ?? JSONObject())
        v.at("status") { v in
            sized("reservedFor", status, 256, &v)
            var users: Set<String> = []
            v.elements("reservedFor", of: status) { _, user, v in
                for field in ["resource", "name", "uid"] where user[string: field].isEmpty { v.required(field) }
                if !users.insert(user[string: "uid"]).inserted { v.duplicate("", user[string: "uid"]) }
            }
            let isAllocated = status.holds("allocation")
            if !users.isEmpty {
                if !isAllocated {
                    v.forbidden("reservedFor", "may not be specified when `allocated` is not set")
                } else if claim["metadata"]?["deletionTimestamp"] != nil,
                    !Set(status[array: "reservedFor"]).isSubset(of: before[array: "reservedFor"])
                {
                    v.forbidden(
                        "reservedFor",
                        "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set")
                }
            }
            guard isAllocated else { return }
            if before.holds("allocation") {
                return v.immutable("allocation", status["allocation"], before["allocation"])
            }
            guard case .object(let devices)? = status["allocation"]?["devices"] else { return }
            v.at("allocation") { v in
                v.at("devices") { v in allocation(devices, names, &v) }
            }
        }
    }

    private static func allocation(_ devices: JSONObject, _ names: Set<String>, _ v: inout Validator) {
        sized("results", devices, 32, &v)
        v.elements("results", of: devices) { _, result, v in
            let request = result[string: "request"]
            if !names.contains(request) { reference("request", request, &v) }
            VolumeRules.driver("driver", result, &v)
            pool("pool", result[string: "pool"], &v)
            let device = result[string: "device"]
            v.invalid("device", device, Names.isDNS1123Label(device))
        }
        sized("config", devices, 64, &v)
        v.elements("config", of: devices) { _, config, v in
            v.requiredOneOf("source", config, ["FromClaim", "FromClass"])
            references("requests", config, names, &v)
            opaque(config, &v)
        }
    }

    private static func pool(_ child: String, _ name: String, _ v: inout Validator) {
        if name.isEmpty { return v.required(child) }
        if name.utf8.count > 253 { v.tooLong(child, limit: 253) }
        for part in name.split(separator: "/", omittingEmptySubsequences: false).map(String.init) {
            v.invalid(child, part, Names.isDNS1123Subdomain(part))
        }
    }

    // MARK: Slices

    static func slice(_ spec: JSONObject, _ v: inout Validator) {
        VolumeRules.driver("driver", spec, &v)
        v.at("pool") { v in
            let pool = spec[object: "pool"]
            self.pool("name", pool[string: "name"], &v)
            let count = pool[integer: "resourceSliceCount"]
            if count <= 0 { v.invalid("resourceSliceCount", .integer(count), "must be greater than zero") }
            let generation = pool[integer: "generation"]
            if generation < 0 {
                v.invalid("generation", .integer(generation), "must be greater than or equal to zero")
            }
        }
        let choices = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"]
        let set = placements(choices, spec, &v)
        let list = choices.map { "`\($0)`" }.joined(separator: ", ")
        if set.isEmpty {
            v.required("", "exactly one of \(list) is required")
        } else if set.count > 1 {
            v.invalid(
                "", "{\(set.map { "`\($0)`" }.joined(separator: ", "))}",
                "exactly one of \(list) is required, but multiple fields are set")
        }
        if spec.holds("sharedCounters"), spec.holds("devices") {
            v.invalid("", "", "only one of `sharedCounters` or `devices` is allowed")
        }
        let devices = spec[array: "devices"]
        let isAdvanced = devices.contains { $0["taints"] != nil || $0["consumesCounters"] != nil }
        sized("devices", spec, isAdvanced ? 64 : 128, &v)
        var names: Set<String> = []
        v.elements("devices", of: spec) { _, device, v in
            let name = device[string: "name"]
            v.invalid("name", name, Names.isDNS1123Label(name))
            if !names.insert(name).inserted { v.duplicate("", name) }
            self.device(ofSlice: device, perDevice: spec[flag: "perDeviceNodeSelection"], &v)
        }
        sized("sharedCounters", spec, 8, &v)
        var sets: Set<String> = []
        v.elements("sharedCounters", of: spec) { _, counters, v in
            v.requiredName("name", counters, Names.isDNS1123Label)
            if !sets.insert(counters[string: "name"]).inserted { v.duplicate("", counters[string: "name"]) }
            if counters[object: "counters"].isEmpty { v.required("counters") }
            v.entries("counters", of: counters) { name, _, v in v.invalid("", name, Names.isDNS1123Label(name)) }
        }
    }

    private static func placements(_ choices: [String], _ object: JSONObject, _ v: inout Validator) -> [String] {
        var set: [String] = []
        for field in choices where object.holds(field) {
            switch object[field] {
            case .bool(false)?: v.invalid(field, .bool(false), "must be either unset or set to true")
            case .string("")?: v.invalid(field, "", "must be either unset or set to a non-empty string")
            case .string(let name)?:
                v.invalid(field, name, Names.isDNS1123Subdomain(name))
                set.append(field)
            default: set.append(field)
            }
        }
        return set
    }

    private static func device(ofSlice device: JSONObject, perDevice: Bool, _ v: inout Validator) {
        let count = device[object: "attributes"].count + device[object: "capacity"].count
        if count > 32 {
            v.invalid(
                "", .integer(Int64(count)), "the total number of attributes and capacities must not exceed 32")
        }
        v.entries("attributes", of: device) { name, value, v in
            attribute("", name, isFull: false, &v)
            guard case .object(let value) = value else { return }
            let fields = value.filter { !$0.value.isNull }
            if fields.count != 1 {
                v.invalid("", fields.isEmpty ? "" : .object(value), "exactly one value must be specified")
            }
            for field in ["string", "version"] where value[string: field].utf8.count > 64 {
                v.tooLong(field, limit: 64)
            }
        }
        v.entries("capacity", of: device) { name, _, v in attribute("", name, isFull: false, &v) }
        v.elements("taints", of: device) { _, taint, v in self.taint(taint, &v) }
        let choices = ["nodeName", "nodeSelector", "allNodes"]
        let set = placements(choices, device, &v)
        let why =
            "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to "
            + "true in the ResourceSlice spec"
        if perDevice {
            if set.isEmpty {
                v.required("", why)
            } else if set.count > 1 {
                v.invalid("", "{\(set.map { "`\($0)`" }.joined(separator: ", "))}", why)
            }
        } else if !set.isEmpty {
            v.invalid(
                "", .null,
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in "
                    + "the ResourceSlice spec")
        }
    }

    static func taint(_ taint: JSONObject, _ v: inout Validator) {
        let key = taint[string: "key"]
        v.invalid("key", key, Names.isQualifiedName(key))
        v.optionalName("value", taint, Names.isLabelValue)
        v.requiredOneOf("effect", taint, effects)
    }

    static func taintRule(_ spec: JSONObject, _ v: inout Validator) {
        v.inside("deviceSelector", of: spec) { selector, v in
            if selector.holds("driver") { VolumeRules.driver("driver", selector, &v) }
            if let name = selector["pool"]?.stringValue { pool("pool", name, &v) }
            if let name = selector["device"]?.stringValue { v.invalid("device", name, Names.isDNS1123Label(name)) }
        }
        v.inside("taint", of: spec, taint)
    }

    static func sliceUpdate(_ new: JSONObject, _ old: JSONObject, _ v: inout Validator) {
        let (spec, before) = (new[object: "spec"], old[object: "spec"])
        v.immutable("spec.pool.name", spec["pool"]?["name"], before["pool"]?["name"])
        for field in ["driver", "nodeName"] { v.immutable("spec.\(field)", spec[field], before[field]) }
    }
}
