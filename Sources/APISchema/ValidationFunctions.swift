import JSON
import KubeTypes

/// Checks across fields, keyed by the message that holds them all. Pods and what is in them are in PodValidation.swift.
enum ValidationFunctions {
    typealias Function = @Sendable (JSONObject, inout Validator) -> Void

    static let byMessage: [String: Function] = [
        "meta/v1.ObjectMeta": objectMeta,
        "core/v1.PodSpec": PodValidation.podSpec,
        "core/v1.Container": PodValidation.container,
        "core/v1.EphemeralContainer": PodValidation.container,
        "core/v1.ResourceRequirements": PodValidation.resources,
        "core/v1.Toleration": PodValidation.toleration,
        "core/v1.EnvVar": PodValidation.environmentVariable,
        "core/v1.Lifecycle": PodValidation.lifecycle,
        "core/v1.Service": service,
        "core/v1.ServicePort": servicePort,
        "core/v1.ConfigMap": configMap,
        "core/v1.Secret": secret,
        "core/v1.ReplicationControllerSpec": { template($0, &$1, owner: "ReplicationController", plainSelector: true) },
        "core/v1.PersistentVolumeClaimSpec": claim,
        "apps/v1.DeploymentSpec": deployment,
        "apps/v1.ReplicaSetSpec": { workload($0, &$1, named: "deployment", owner: "ReplicaSet") },
        "apps/v1.DaemonSetSpec": daemonSet,
        "apps/v1.StatefulSetSpec": statefulSet,
        "batch/v1.JobSpec": job,
        "batch/v1.CronJobSpec": cronJob,
        "policy/v1.PodDisruptionBudgetSpec": disruptionBudget,
    ]

    // MARK: Metadata

    /// The most bytes that keys and values of annotations may have together.
    private static let annotationsLimit = 256 << 10

    private static func objectMeta(_ metadata: JSONObject, _ v: inout Validator) {
        v.checkLabels(metadata["labels"], "labels")
        var size = 0
        for (key, value) in metadata["annotations"]?.objectValue ?? [:] {
            v.invalid("annotations", .string(key), Names.isQualifiedName(key.lowercased()))
            size += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
        }
        if size > annotationsLimit { v.report(.tooLong(v.path(to: "annotations"), limit: annotationsLimit)) }
        ownerReferences(metadata, &v)
        let finalizers = metadata["finalizers"]?.arrayValue ?? []
        for finalizer in finalizers {
            v.invalid("finalizers", finalizer, Names.isQualifiedName(finalizer.stringValue ?? ""))
        }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            v.invalid(
                "finalizers", .array(finalizers), "finalizer orphan and foregroundDeletion cannot be both set")
        }
        if let generation = metadata["generation"]?.integerValue, generation < 0 {
            v.invalid("generation", .integer(generation), "must be greater than or equal to 0")
        }
    }

    private static func ownerReferences(_ metadata: JSONObject, _ v: inout Validator) {
        let references = metadata["ownerReferences"]?.arrayValue ?? []
        var controller: String?
        for reference in references {
            let kind = reference["kind"]?.stringValue ?? ""
            if (reference["apiVersion"]?.stringValue ?? "").isEmpty {
                v.invalid("ownerReferences.apiVersion", "", "version must not be empty")
            }
            for field in ["kind", "name", "uid"] where (reference[field]?.stringValue ?? "").isEmpty {
                v.invalid("ownerReferences.\(field)", "", "must not be empty")
            }
            if reference["apiVersion"] == "v1", kind == "Event" {
                v.invalid("ownerReferences", reference, "/v1, Kind=Event is disallowed from being an owner")
            }
            guard reference["controller"]?.boolValue == true else { continue }
            let name = "\(kind)/\(reference["name"]?.stringValue ?? "")"
            if let controller {
                v.invalid(
                    "ownerReferences", .array(references),
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                        + "\(controller) and \(name)")
            } else {
                controller = name
            }
        }
    }

    // MARK: Core

    private static func service(_ service: JSONObject, _ v: inout Validator) {
        v.inside("spec", of: service) { spec, v in
            let type = spec["type"]?.stringValue ?? ""
            let isHeadless = spec["clusterIP"]?.stringValue == "None" || spec["clusterIPs"]?[0]?.stringValue == "None"
            let ports = spec["ports"]?.arrayValue ?? []
            if ports.isEmpty, !isHeadless, type != "ExternalName" { v.required("ports") }
            switch type {
            case "LoadBalancer" where isHeadless, "NodePort" where isHeadless:
                v.invalid("clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
            case "ExternalName":
                let name = spec["externalName"]?.stringValue ?? ""
                if name.isEmpty {
                    v.required("externalName")
                } else {
                    let host = name.hasSuffix(".") ? String(name.dropLast()) : name
                    v.invalid("externalName", .string(host), Names.isDNS1123Subdomain(host))
                }
            default: break
            }
            for (index, address) in (spec["externalIPs"]?.arrayValue ?? []).enumerated()
            where !IPAddressText.isValid(address.stringValue ?? "") {
                v.invalid(
                    "externalIPs[\(index)]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            }
            var names: Set<String> = []
            var numbers: Set<String> = []
            var nodePorts: Set<String> = []
            for (index, port) in ports.enumerated() {
                let name = port["name"]?.stringValue ?? ""
                if name.isEmpty {
                    if ports.count > 1 { v.required("ports[\(index)].name") }
                } else if !names.insert(name).inserted {
                    v.duplicate("ports[\(index)].name", .string(name))
                }
                let protocolName = port["protocol"]?.stringValue ?? "TCP"
                if !numbers.insert("\(protocolName) \(port["port"]?.intValue ?? 0)").inserted {
                    v.duplicate("ports[\(index)]", ["protocol": .string(protocolName), "port": port["port"] ?? 0])
                }
                if let nodePort = port["nodePort"]?.intValue, nodePort != 0,
                    !nodePorts.insert("\(protocolName) \(nodePort)").inserted
                {
                    v.duplicate("ports[\(index)].nodePort", .integer(Int64(nodePort)))
                }
            }
        }
    }

    private static func servicePort(_ port: JSONObject, _ v: inout Validator) {
        if let name = port["name"]?.stringValue, !name.isEmpty {
            v.invalid("name", .string(name), Names.isDNS1123Label(name))
        }
        let number = port["port"]?.integerValue ?? 0
        if !(1...65535).contains(number) {
            v.invalid("port", .integer(number), "must be between 1 and 65535, inclusive")
        }
    }

    /// The most bytes that the values of a ConfigMap or Secret may have together.
    private static let dataLimit = 1 << 20

    private static func configMap(_ map: JSONObject, _ v: inout Validator) {
        var size = 0
        let binary = map["binaryData"]?.objectValue ?? [:]
        for (key, value) in map["data"]?.objectValue ?? [:] {
            v.invalid("data[\(key)]", .string(key), Names.isConfigMapKey(key))
            if binary[key] != nil { v.invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData") }
            size += value.stringValue?.utf8.count ?? 0
        }
        for (key, value) in binary {
            v.invalid("binaryData[\(key)]", .string(key), Names.isConfigMapKey(key))
            size += decodedSize(value)
        }
        if size > dataLimit { v.report(.tooLong("[]", limit: dataLimit)) }
    }

    private static func secret(_ secret: JSONObject, _ v: inout Validator) {
        var size = 0
        var data = secret["data"]?.objectValue ?? [:]
        for (key, value) in data {
            size += decodedSize(value)
            v.invalid("data[\(key)]", .string(key), Names.isConfigMapKey(key))
        }
        // What is given as text ends up among the data, whether or not that has happened already.
        for (key, value) in secret["stringData"]?.objectValue ?? [:] where data[key] == nil {
            size += value.stringValue?.utf8.count ?? 0
            v.invalid("data[\(key)]", .string(key), Names.isConfigMapKey(key))
            data[key] = value
        }
        if size > dataLimit { v.report(.tooLong(v.path(to: "data"), limit: dataLimit)) }
        func needs(_ keys: String...) {
            for key in keys where data[key] == nil { v.required("data[\(key)]") }
        }
        switch secret["type"]?.stringValue {
        case "kubernetes.io/service-account-token":
            let name = "kubernetes.io/service-account.name"
            if (secret["metadata"]?[path: "annotations", name]?.stringValue ?? "").isEmpty {
                v.required("metadata.annotations[\(name)]")
            }
        case "kubernetes.io/dockercfg": needs(".dockercfg")
        case "kubernetes.io/dockerconfigjson": needs(".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil { needs("username", "password") }
        case "kubernetes.io/ssh-auth": needs("ssh-privatekey")
        case "kubernetes.io/tls": needs("tls.crt", "tls.key")
        default: break
        }
    }

    /// Bytes that a base64 text stands for.
    private static func decodedSize(_ value: JSONValue) -> Int { (value.stringValue?.utf8.count ?? 0) / 4 * 3 }

    private static func claim(_ spec: JSONObject, _ v: inout Validator) {
        let modes = spec["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { v.required("accessModes", "at least 1 access mode is required") }
        let supported = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
        for mode in modes where !supported.contains(mode.stringValue ?? "") {
            v.unsupported("accessModes", mode, supported)
        }
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            v.forbidden("accessModes", "may not use ReadWriteOncePod with other access modes")
        }
        guard let storage = spec["resources"]?[path: "requests", "storage"]?.stringValue,
            case .success(let quantity) = CanonicalQuantity.parse(storage)
        else {
            v.required("resources[storage]")
            return
        }
        if quantity.nanos <= 0 { v.invalid("resources[storage]", .string(storage), "must be greater than zero") }
    }

    // MARK: Workloads

    /// A selector that is neither missing nor empty, a template that it selects, and pods that run for good.
    private static func workload(_ spec: JSONObject, _ v: inout Validator, named name: String, owner: String) {
        if let selector = spec["selector"]?.objectValue,
            (selector["matchLabels"]?.objectValue ?? [:]).isEmpty,
            (selector["matchExpressions"]?.arrayValue ?? []).isEmpty
        {
            v.invalid("selector", .object(selector), "empty selector is invalid for \(name)")
        }
        template(spec, &v, owner: owner, plainSelector: false)
    }

    private static func template(_ spec: JSONObject, _ v: inout Validator, owner: String, plainSelector: Bool) {
        let template = spec["template"]
        let labels = template?[path: "metadata", "labels"]?.objectValue ?? [:]
        if let selector = spec["selector"], case .object(let fields) = selector, !fields.isEmpty {
            let matcher =
                plainSelector
                ? LabelMatcher(matchLabels: [String: String](field: selector) ?? [:])
                : LabelMatcher(LabelSelector(selector))
            if !matcher.matches([String: String](field: .object(labels)) ?? [:]) {
                v.invalid(
                    "template.metadata.labels", .object(labels), "`selector` does not match template `labels`")
            }
        }
        guard let pod = template?["spec"] else { return }
        if let policy = pod["restartPolicy"], policy != "Always" {
            v.unsupported("template.spec.restartPolicy", policy, ["Always"])
        }
        if pod["activeDeadlineSeconds"] != nil {
            v.forbidden("template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in \(owner) is not Supported")
        }
    }

    private static func deployment(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "deployment", owner: "ReplicaSet")
        if let deadline = spec["progressDeadlineSeconds"]?.integerValue,
            deadline <= spec["minReadySeconds"]?.integerValue ?? 0
        {
            v.invalid("progressDeadlineSeconds", .integer(deadline), "must be greater than minReadySeconds")
        }
        guard let strategy = spec["strategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "Recreate":
            if strategy["rollingUpdate"] != nil {
                v.forbidden(
                    "strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            let update = strategy["rollingUpdate"]
            if amount(update?["maxUnavailable"]) == 0, amount(update?["maxSurge"]) == 0 {
                v.invalid(
                    "strategy.rollingUpdate.maxUnavailable", update?["maxUnavailable"] ?? 0,
                    "may not be 0 when `maxSurge` is 0")
            }
            notOver100Percent(update?["maxUnavailable"], "strategy.rollingUpdate.maxUnavailable", &v)
        default: v.unsupported("strategy", strategy, ["Recreate", "RollingUpdate"])
        }
    }

    private static func daemonSet(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "daemonset", owner: "DaemonSet")
        guard let strategy = spec["updateStrategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "OnDelete": break
        case "RollingUpdate":
            guard let update = strategy["rollingUpdate"] else {
                v.required("updateStrategy.rollingUpdate")
                return
            }
            let path = "updateStrategy.rollingUpdate"
            for field in ["maxUnavailable", "maxSurge"] { notOver100Percent(update[field], "\(path).\(field)", &v) }
            switch (amount(update["maxUnavailable"]) != 0, amount(update["maxSurge"]) != 0) {
            case (true, true):
                v.invalid("\(path).maxSurge", update["maxSurge"] ?? 0, "may not be set when maxUnavailable is non-zero")
            case (false, false): v.required("\(path).maxUnavailable", "cannot be 0 when maxSurge is 0")
            default: break
            }
        default: v.unsupported("updateStrategy", strategy, ["RollingUpdate", "OnDelete"])
        }
    }

    private static func statefulSet(_ spec: JSONObject, _ v: inout Validator) {
        workload(spec, &v, named: "statefulset", owner: "StatefulSet")
        if let policy = spec["podManagementPolicy"], policy != "OrderedReady", policy != "Parallel" {
            v.invalid("podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        }
        if let start = spec["ordinals"]?["start"]?.integerValue, start < 0 {
            v.invalid("ordinals.start", .integer(start), "must be greater than or equal to 0")
        }
        guard let strategy = spec["updateStrategy"] else { return }
        switch strategy["type"]?.stringValue {
        case "OnDelete":
            if let update = strategy["rollingUpdate"] {
                v.invalid(
                    "updateStrategy.rollingUpdate", update, "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            if let maximum = strategy["rollingUpdate"]?["maxUnavailable"] {
                let path = "updateStrategy.rollingUpdate.maxUnavailable"
                if amount(maximum) == 0 { v.invalid(path, maximum, "cannot be 0") }
                notOver100Percent(maximum, path, &v)
            }
        default: v.invalid("updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
    }

    /// The number, or the number of percent.
    private static func amount(_ value: JSONValue?) -> Int64 {
        if let text = value?.stringValue { return Int64(text.prefix { $0.isNumber }) ?? 0 }
        return value?.integerValue ?? 0
    }

    private static func notOver100Percent(_ value: JSONValue?, _ path: String, _ v: inout Validator) {
        guard let value, let text = value.stringValue, text.hasSuffix("%"), amount(value) > 100 else { return }
        v.invalid(path, value, "must not be greater than 100%")
    }

    // MARK: Jobs and others

    private static func job(_ spec: JSONObject, _ v: inout Validator) {
        if spec["completionMode"] == "Indexed" {
            if spec["completions"] == nil { v.required("completions", "when completion mode is Indexed") }
        } else if spec["backoffLimitPerIndex"] != nil {
            v.invalid(
                "backoffLimitPerIndex", spec["backoffLimitPerIndex"] ?? 0, "requires indexed completion mode")
        }
        guard let policy = spec["template"]?[path: "spec", "restartPolicy"] else { return }
        if policy != "OnFailure", policy != "Never" {
            // Upstream names the value in words where it is one that pods may have elsewhere.
            if policy == "Always" {
                v.report(
                    .required(
                        v.path(to: "template.spec.restartPolicy"), "valid values: \"OnFailure\", \"Never\""))
            } else {
                v.unsupported("template.spec.restartPolicy", policy, ["OnFailure", "Never"])
            }
        } else if spec["podFailurePolicy"] != nil, policy != "Never" {
            v.invalid(
                "template.spec.restartPolicy", policy, "only \"Never\" is supported when podFailurePolicy is specified")
        }
    }

    private static func cronJob(_ spec: JSONObject, _ v: inout Validator) {
        if let schedule = spec["schedule"]?.stringValue, schedule.contains("TZ") {
            v.invalid(
                "schedule", .string(schedule),
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        }
    }

    private static func disruptionBudget(_ spec: JSONObject, _ v: inout Validator) {
        if spec["minAvailable"] != nil, spec["maxUnavailable"] != nil {
            v.invalid("", .object(spec), "minAvailable and maxUnavailable cannot be both set")
        }
        for field in ["minAvailable", "maxUnavailable"] { notOver100Percent(spec[field], field, &v) }
    }
}
