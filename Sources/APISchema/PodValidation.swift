import JSON

/// Checks across the fields of pods, wherever a pod's spec stands: names that must differ, volumes that must exist,
/// handlers of which there must be one.
enum PodValidation {
    static func podSpec(_ spec: JSONObject, _ v: inout Validator) {
        if let grace = spec["terminationGracePeriodSeconds"]?.integerValue, grace < 0 {
            v.invalid("terminationGracePeriodSeconds", .integer(grace), "must be greater than or equal to 0")
        }
        let volumes = volumes(spec, &v)
        var names: Set<String> = []
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            v.each(list, of: spec) { container, v in
                if let name = container["name"]?.stringValue, !name.isEmpty, !names.insert(name).inserted {
                    v.duplicate("name", .string(name))
                }
                mounts(container, volumes, &v)
                switch list {
                case "initContainers" where container["restartPolicy"]?.stringValue != "Always":
                    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]
                    where container[field] != nil {
                        v.forbidden(field, "may not be set for init containers without restartPolicy=Always")
                    }
                case "ephemeralContainers":
                    for field in ["lifecycle", "livenessProbe", "ports", "readinessProbe", "resources", "startupProbe"]
                    where !(container[field]?.isEmptyOrZero ?? true) {
                        v.forbidden(field, "cannot be set for an Ephemeral Container")
                    }
                default: break
                }
            }
        }
        hostPorts(spec, &v)
        for (index, alias) in (spec["hostAliases"]?.arrayValue ?? []).enumerated() {
            let address = alias["ip"]?.stringValue ?? ""
            if IPAddressText.isValid(address) { continue }
            v.invalid(
                "hostAliases[\(index)].ip", .string(address),
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
    }

    /// The names of the volumes that are right.
    private static func volumes(_ spec: JSONObject, _ v: inout Validator) -> Set<String> {
        var names: Set<String> = []
        v.each("volumes", of: spec) { volume, v in
            let sources = volume.filter { $0.key != "name" && !$0.value.isNull }.map(\.key)
            for extra in sources.dropFirst() { v.forbidden(extra, "may not specify more than 1 volume type") }
            if sources.isEmpty { v.required("", "must specify a volume type") }
            guard let name = volume["name"]?.stringValue, !name.isEmpty else { return }
            if !names.insert(name).inserted { v.duplicate("name", .string(name)) }
        }
        return names
    }

    private static func mounts(_ container: JSONObject, _ volumes: Set<String>, _ v: inout Validator) {
        var paths: Set<String> = []
        v.each("volumeMounts", of: container) { mount, v in
            let name = mount["name"]?.stringValue ?? ""
            if !volumes.contains(name) { v.report(.notFound(v.path(to: "name"), .string(name))) }
            if let path = mount["mountPath"]?.stringValue, !path.isEmpty, !paths.insert(path).inserted {
                v.invalid("mountPath", .string(path), "must be unique")
            }
            for field in ["subPath", "subPathExpr"] {
                guard let path = mount[field]?.stringValue, !path.isEmpty else { continue }
                if path.hasPrefix("/") { v.invalid(field, .string(path), "must be a relative path") }
                if path.split(separator: "/").contains("..") {
                    v.invalid(field, .string(path), "must not contain '..'")
                }
            }
            if mount["subPath"] != nil, let expression = mount["subPathExpr"] {
                v.invalid("subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
            }
        }
        v.each("volumeDevices", of: container) { device, v in
            let name = device["name"]?.stringValue ?? ""
            if !volumes.contains(name) { v.report(.notFound(v.path(to: "name"), .string(name))) }
        }
    }

    /// Ports of the node are taken once among containers that run side by side.
    private static func hostPorts(_ spec: JSONObject, _ v: inout Validator) {
        var taken: Set<String> = []
        v.each("containers", of: spec) { container, v in
            v.each("ports", of: container) { port, v in
                guard let number = port["hostPort"]?.integerValue, number != 0 else { return }
                let address = port["hostIP"]?.stringValue ?? ""
                let key = "\(port["protocol"]?.stringValue ?? "TCP") \(address) \(number)"
                if !taken.insert(key).inserted { v.duplicate("hostPort", .integer(number)) }
            }
        }
    }

    static func container(_ container: JSONObject, _ v: inout Validator) {
        var names: Set<String> = []
        v.each("ports", of: container) { port, v in
            if let name = port["name"]?.stringValue, !name.isEmpty, !names.insert(name).inserted {
                v.duplicate("name", .string(name))
            }
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            v.inside(name, of: container) { probe, v in
                oneHandler(probe, of: ["exec", "httpGet", "tcpSocket", "grpc"], &v)
                if name != "readinessProbe", let threshold = probe["successThreshold"]?.integerValue, threshold != 1 {
                    v.invalid("successThreshold", .integer(threshold), "must be 1")
                }
                if let grace = probe["terminationGracePeriodSeconds"]?.integerValue {
                    if name == "readinessProbe" {
                        v.invalid(
                            "terminationGracePeriodSeconds", .integer(grace), "must not be set for readinessProbes")
                    } else if grace <= 0 {
                        v.invalid("terminationGracePeriodSeconds", .integer(grace), "must be greater than 0")
                    }
                }
            }
        }
        v.inside("securityContext", of: container) { context, v in
            guard context["allowPrivilegeEscalation"]?.boolValue == false else { return }
            if context["privileged"]?.boolValue == true {
                v.invalid(
                    "", .object(context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
            }
        }
    }

    static func lifecycle(_ lifecycle: JSONObject, _ v: inout Validator) {
        for name in ["postStart", "preStop"] {
            v.inside(name, of: lifecycle) { handler, v in
                oneHandler(handler, of: ["exec", "httpGet", "tcpSocket", "sleep"], &v)
            }
        }
    }

    private static func oneHandler(_ handler: JSONObject, of kinds: [String], _ v: inout Validator) {
        let found = kinds.filter { handler[$0] != nil }
        if found.isEmpty { v.required("", "must specify a handler type") }
        for extra in found.dropFirst() { v.forbidden(extra, "may not specify more than 1 handler type") }
    }

    static func environmentVariable(_ variable: JSONObject, _ v: inout Validator) {
        guard let source = variable["valueFrom"]?.objectValue else { return }
        let hasValue = !(variable["value"]?.stringValue ?? "").isEmpty
        if source.isEmpty {
            v.invalid(
                "valueFrom", "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
        } else if hasValue {
            v.invalid("valueFrom", "", "may not be specified when `value` is not empty")
        } else if source.count > 1 {
            v.invalid("valueFrom", "", "may not have more than one field specified at a time")
        }
        v.inside("valueFrom", of: variable) { source, v in
            v.inside("fieldRef", of: source) { reference, v in fieldPath(reference, &v) }
        }
    }

    /// The fields of a pod that its environment may hold.
    private static let environmentFields = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    private static func fieldPath(_ reference: JSONObject, _ v: inout Validator) {
        guard let path = reference["fieldPath"]?.stringValue, !path.isEmpty, !environmentFields.contains(path) else {
            return
        }
        for map in ["metadata.annotations['", "metadata.labels['"] where path.hasPrefix(map) && path.hasSuffix("']") {
            let key = String(path.dropFirst(map.count).dropLast(2))
            v.invalid("", .string(key), Names.isQualifiedName(map.contains("annotations") ? key.lowercased() : key))
            return
        }
        if ["metadata.annotations", "metadata.labels"].contains(path) {
            v.unsupported("fieldPath", .string(path), environmentFields)
        } else {
            v.invalid(
                "fieldPath", .string(path), "error converting fieldPath: field label not supported: \(path)")
        }
    }

    static func toleration(_ toleration: JSONObject, _ v: inout Validator) {
        let operation = toleration["operator"]?.stringValue ?? ""
        let value = toleration["value"]?.stringValue ?? ""
        if (toleration["key"]?.stringValue ?? "").isEmpty, operation != "Exists" {
            v.invalid(
                "operator", .string(operation),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if toleration["tolerationSeconds"] != nil, toleration["effect"]?.stringValue != "NoExecute" {
            v.invalid(
                "effect", toleration["effect"] ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        switch operation {
        case "", "Equal": v.invalid("operator", .string(value), Names.isLabelValue(value))
        case "Exists":
            if !value.isEmpty {
                v.invalid("operator", .string(value), "value must be empty when `operator` is 'Exists'")
            }
        default: break
        }
    }

    // MARK: Resources

    static func resources(_ resources: JSONObject, _ v: inout Validator) {
        let limits = resources["limits"]?.objectValue ?? [:]
        for (list, amounts) in [("limits", limits), ("requests", resources["requests"]?.objectValue ?? [:])] {
            for (name, value) in amounts {
                resourceName(name, "\(list)[\(name)]", &v)
                guard let amount = quantity(value) else { continue }
                if amount.nanos < 0 {
                    v.invalid("\(list)[\(name)]", value, "must be greater than or equal to 0")
                }
                let mayOvercommit = !name.contains("/") && !name.hasPrefix("hugepages-")
                if !mayOvercommit, amount.nanos % 1_000_000_000 != 0 {
                    v.invalid("\(list)[\(name)]", value, "must be an integer")
                }
                guard list == "requests" else { continue }
                guard let limit = limits[name].flatMap(quantity) else {
                    if !mayOvercommit {
                        v.required("limits", "Limit must be set for non overcommitable resources")
                    }
                    continue
                }
                if !mayOvercommit, amount.nanos != limit.nanos {
                    v.invalid("requests", value, "must be equal to \(name) limit of \(limit.text)")
                } else if amount.nanos > limit.nanos {
                    v.invalid("requests", value, "must be less than or equal to \(name) limit of \(limit.text)")
                }
            }
        }
    }

    private static func quantity(_ value: JSONValue) -> CanonicalQuantity? {
        guard let text = value.stringValue, case .success(let quantity) = CanonicalQuantity.parse(text) else {
            return nil
        }
        return quantity
    }

    private static func resourceName(_ name: String, _ path: String, _ v: inout Validator) {
        let problems = Names.isQualifiedName(name)
        v.invalid(path, .string(name), problems)
        guard problems.isEmpty, !name.contains("/") else { return }
        if !["cpu", "memory", "ephemeral-storage"].contains(name), !name.hasPrefix("hugepages-") {
            v.invalid(path, .string(name), "must be a standard resource for containers")
        }
    }
}

extension JSONValue {
    /// What Go would take for a field that was not given.
    var isEmptyOrZero: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .string(""): true
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }
}
