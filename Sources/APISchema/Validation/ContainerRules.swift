import JSON
import KubeTypes

/// What the containers of a pod must be like, of every sort: the rules that need to know the pod around them.
struct ContainerRules {
    /// The pod's volumes by name.
    let volumes: [String: JSONObject]
    let claims: Set<String>
    let gracePeriod: Int64
    let podRestartPolicy: String
    let usesHostUsers: Bool
    /// Empty where the pod does not say.
    let os: String

    func containers(_ spec: JSONObject, _ v: inout Validator) {
        var names: Set<String> = []
        var ports: Set<String> = []
        v.elements("containers", of: spec) { _, container, v in
            common(container, &v)
            unique(container, &names, &v)
            lifecycle(container, &v)
            probes(container, &v)
            restartPolicy(container, &v)
            hostPorts(container, &ports, &v)
        }
        v.elements("initContainers", of: spec) { _, container, v in
            common(container, &v)
            unique(container, &names, &v)
            restartPolicy(container, &v)
            var own: Set<String> = []
            hostPorts(container, &own, &v)
            if container["restartPolicy"]?.stringValue == "Always" {
                lifecycle(container, &v)
                probes(container, &v)
                return
            }
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where container.holds(field) {
                v.forbidden(field, "may not be set for init containers without restartPolicy=Always")
            }
            v.elements("resizePolicy", of: container) { _, policy, v in
                guard policy[string: "restartPolicy"] == "RestartContainer" else { return }
                v.invalid(
                    "restartPolicy", "RestartContainer",
                    "must not be set to 'RestartContainer' for non-sidecar initContainers")
            }
        }
        let others = names
        v.elements("ephemeralContainers", of: spec) { _, container, v in
            common(container, &v)
            if v.isPod { image(container, &v) }
            unique(container, &names, &v)
            let target = container[string: "targetContainerName"]
            if !target.isEmpty, !others.contains(target) { v.notFound("targetContainerName", target) }
            for field in [
                "lifecycle", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "resources", "restartPolicy",
                "restartPolicyRules", "startupProbe",
            ] where !(container[field]?.isEmptyOrZero ?? true) {
                v.forbidden(field, "cannot be set for an Ephemeral Container")
            }
            v.elements("volumeMounts", of: container) { _, mount, v in
                for field in ["subPath", "subPathExpr"] where !mount[string: field].isEmpty {
                    v.forbidden(field, "cannot be set for an Ephemeral Container")
                }
            }
        }
        guard v.isPod else { return }
        for list in ["containers", "initContainers"] {
            v.elements(list, of: spec) { _, container, v in image(container, &v) }
        }
    }

    private func unique(_ container: JSONObject, _ names: inout Set<String>, _ v: inout Validator) {
        let name = container[string: "name"]
        if !name.isEmpty, !names.insert(name).inserted { v.duplicate("name", name) }
    }

    private func image(_ container: JSONObject, _ v: inout Validator) {
        let image = container[string: "image"]
        guard let first = image.unicodeScalars.first, let last = image.unicodeScalars.last,
            first.properties.isWhitespace || last.properties.isWhitespace
        else { return }
        v.invalid("image", image, "must not have leading or trailing whitespace")
    }

    // MARK: What all have

    private func common(_ container: JSONObject, _ v: inout Validator) {
        ports(container, &v)
        environment(container, &v)
        mounts(container, &v)
        devices(container, &v)
        resizePolicy(container, &v)
        if case .object(let resources)? = container["resources"], !resources.isEmpty {
            v.at("resources") { v in ResourceRules.claims(resources, claims, &v) }
        }
        guard case .object(let context)? = container["securityContext"] else { return }
        if usesHostUsers, context["procMount"]?.stringValue == "Unmasked" {
            v.invalid("securityContext.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`")
        }
    }

    private func ports(_ container: JSONObject, _ v: inout Validator) {
        var names: Set<String> = []
        v.elements("ports", of: container) { _, port, v in
            let name = port[string: "name"]
            if !name.isEmpty, Names.isPortName(name).isEmpty, !names.insert(name).inserted { v.duplicate("name", name) }
            // Missing is an error of its own.
            if let number = port["hostPort"]?.integerValue, number != 0, !(1...65535).contains(number) {
                v.invalid("hostPort", .integer(number), "must be between 1 and 65535, inclusive")
            }
        }
    }

    /// Ports of the node are taken once among containers that run side by side.
    private func hostPorts(_ container: JSONObject, _ taken: inout Set<String>, _ v: inout Validator) {
        v.elements("ports", of: container) { _, port, v in
            let number = port[integer: "hostPort"]
            guard number != 0 else { return }
            let key = "\(port["protocol"]?.stringValue ?? "TCP")/\(port[string: "hostIP"])/\(number)"
            if !taken.insert(key).inserted { v.duplicate("hostPort", key) }
        }
    }

    private func environment(_ container: JSONObject, _ v: inout Validator) {
        v.elements("env", of: container) { _, variable, v in
            guard case .object(let source)? = variable["valueFrom"],
                case .object(let file)? = source["fileKeyRef"], !file[string: "volumeName"].isEmpty
            else { return }
            let name = file[string: "volumeName"]
            if let volume = volumes[name] {
                if !volume.holds("emptyDir") {
                    v.invalid("valueFrom.fileKeyRef.volumeName", name, "referenced volume must be of type emptyDir")
                }
            } else {
                v.notFound("valueFrom.fileKeyRef.volumeName", name)
            }
        }
    }

    private func mounts(_ container: JSONObject, _ v: inout Validator) {
        guard case .array(let mounts)? = container["volumeMounts"], !mounts.isEmpty else { return }
        let devices = container[array: "volumeDevices"]
        let isPrivileged = container["securityContext"]?["privileged"]?.boolValue == true
        var paths: Set<String> = []
        v.elements("volumeMounts", of: container) { _, mount, v in
            let name = mount[string: "name"]
            let path = mount[string: "mountPath"]
            if volumes[name] == nil { v.notFound("name", name) }
            if !path.isEmpty, !paths.insert(path).inserted { v.invalid("mountPath", path, "must be unique") }
            if devices.contains(where: { $0["name"]?.stringValue == name }) {
                v.invalid("name", name, "must not already exist in volumeDevices")
            }
            if devices.contains(where: { $0["devicePath"]?.stringValue == path }) {
                v.invalid("mountPath", path, "must not already exist as a path in volumeDevices")
            }
            let subPath = mount[string: "subPath"]
            let expression = mount[string: "subPathExpr"]
            if !subPath.isEmpty, !expression.isEmpty {
                v.invalid("subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
            }
            // Upstream's paths to the following lack the position.
            v.leavingOne { v in
                if !subPath.isEmpty { v.descendingPath("subPath", subPath) }
                if !expression.isEmpty { v.descendingPath("subPathExpr", expression) }
                let propagation = mount["mountPropagation"]?.stringValue
                if propagation == "Bidirectional", !isPrivileged {
                    v.forbidden(
                        "mountPropagation",
                        "Bidirectional mount propagation is available only to privileged containers")
                }
                let recursive = mount["recursiveReadOnly"]?.stringValue
                guard recursive == "Enabled" || recursive == "IfPossible" else { return }
                if mount["readOnly"]?.boolValue != true {
                    v.forbidden("recursiveReadOnly", "may only be specified when readOnly is true")
                }
                if let propagation, propagation != "None" {
                    v.forbidden(
                        "recursiveReadOnly", "may only be specified when mountPropagation is None or not specified")
                }
            }
        }
    }

    private func devices(_ container: JSONObject, _ v: inout Validator) {
        guard case .array(let devices)? = container["volumeDevices"], !devices.isEmpty else { return }
        let mounts = container[array: "volumeMounts"]
        var names: Set<String> = []
        var paths: Set<String> = []
        v.elements("volumeDevices", of: container) { _, device, v in
            let name = device[string: "name"]
            let path = device[string: "devicePath"]
            if names.contains(name) { v.invalid("name", name, "must be unique") }
            if let volume = volumes[name] {
                if !volume.holds("persistentVolumeClaim"), !volume.holds("ephemeral") {
                    v.invalid(
                        "name", name,
                        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
                }
            } else {
                v.notFound("name", name)
            }
            if !path.isEmpty, paths.contains(path) { v.invalid("devicePath", path, "must be unique") }
            if path.split(separator: "/").contains("..") {
                v.invalid("devicePath", path, "can not contain backsteps ('..')")
            } else {
                paths.insert(path)
            }
            if mounts.contains(where: { $0["name"]?.stringValue == name }) {
                v.invalid("name", name, "must not already exist in volumeMounts")
            }
            if mounts.contains(where: { $0["mountPath"]?.stringValue == path }) {
                v.invalid("devicePath", path, "must not already exist as a path in volumeMounts")
            }
            if !name.isEmpty { names.insert(name) }
        }
    }

    private func resizePolicy(_ container: JSONObject, _ v: inout Validator) {
        guard case .array(let policies)? = container["resizePolicy"] else { return }
        var seen: Set<String> = []
        for (index, policy) in policies.enumerated() {
            let name = policy["resourceName"]?.stringValue ?? ""
            if !seen.insert(name).inserted { v.duplicate("resizePolicy[\(index)]", name) }
            let restart = policy["restartPolicy"]?.stringValue ?? ""
            for (value, supported) in [
                (name, ["cpu", "memory"]), (restart, ["NotRequired", "RestartContainer"]),
            ] {
                if value.isEmpty {
                    v.required("resizePolicy")
                } else if !supported.contains(value) {
                    v.unsupported("resizePolicy", .string(value), supported)
                }
            }
            if podRestartPolicy == "Never", restart != "NotRequired" {
                v.invalid(
                    "resizePolicy", restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")
            }
        }
    }

    // MARK: Starting and ending

    private func restartPolicy(_ container: JSONObject, _ v: inout Validator) {
        let rules = container[array: "restartPolicyRules"]
        guard container.holds("restartPolicy") || !rules.isEmpty else { return }
        if !container.holds("restartPolicy") {
            v.required("restartPolicy", "must specify restartPolicy when restart rules are used")
        } else {
            v.oneOf("restartPolicy", container, ["Always", "Never", "OnFailure"])
        }
        if rules.count > 20 { v.tooMany("restartPolicyRules", count: rules.count, limit: 20) }
        v.elements("restartPolicyRules", of: container) { _, rule, v in
            let actions = ["Restart", "RestartAllContainers"]
            if !actions.contains(rule[string: "action"]) {
                v.unsupported("action", .string(rule[string: "action"]), actions)
            }
            guard case .object(let codes)? = rule["exitCodes"] else {
                v.required("exitCodes", "must be specified")
                return
            }
            if !["In", "NotIn"].contains(codes[string: "operator"]) {
                v.unsupported("exitCodes.operator", .string(codes[string: "operator"]), ["In", "NotIn"])
            }
            let count = codes[array: "values"].count
            if count > 255 { v.tooMany("exitCodes.values", count: count, limit: 255) }
        }
    }

    private func probes(_ container: JSONObject, _ v: inout Validator) {
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            v.inside(name, of: container) { probe, v in
                handler(probe, of: ["exec", "httpGet", "tcpSocket", "grpc"], &v)
                if name != "readinessProbe", let threshold = probe["successThreshold"]?.integerValue, threshold != 1 {
                    v.invalid("successThreshold", .integer(threshold), "must be 1")
                }
                guard let grace = probe["terminationGracePeriodSeconds"]?.integerValue else { return }
                if grace <= 0 {
                    v.invalid("terminationGracePeriodSeconds", .integer(grace), "must be greater than 0")
                }
                if name == "readinessProbe" {
                    v.invalid("terminationGracePeriodSeconds", .integer(grace), "must not be set for readinessProbes")
                }
            }
        }
    }

    private func lifecycle(_ container: JSONObject, _ v: inout Validator) {
        v.inside("lifecycle", of: container) { lifecycle, v in
            for name in ["postStart", "preStop"] {
                v.inside(name, of: lifecycle) { handler($0, of: ["exec", "httpGet", "tcpSocket", "sleep"], &$1) }
            }
            guard let signal = lifecycle["stopSignal"], !signal.isNull else { return }
            switch os {
            case "": v.forbidden("stopSignal", "may not be set for containers with empty `spec.os.name`")
            case "windows": v.oneOf("stopSignal", lifecycle, ["SIGKILL", "SIGTERM"])
            default: v.oneOf("stopSignal", lifecycle, Self.signals)
            }
        }
    }

    private static let signals =
        [
            "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT",
            "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGRTMAX",
        ] + (1...14).map { "SIGRTMAX-\($0)" } + ["SIGRTMIN"] + (1...15).map { "SIGRTMIN+\($0)" } + [
            "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
            "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ",
        ]

    private func handler(_ handler: JSONObject, of kinds: [String], _ v: inout Validator) {
        let found = kinds.filter { handler.holds($0) }
        if found.isEmpty { v.required("", "must specify a handler type") }
        for extra in found.dropFirst() { v.forbidden(extra, "may not specify more than 1 handler type") }
        switch found.first {
        case "httpGet":
            guard case .object(let request)? = handler["httpGet"] else { return }
            for header in request[array: "httpHeaders"] {
                let name = header["name"]?.stringValue ?? ""
                v.invalid("httpGet.httpHeaders", name, Names.isHTTPHeaderName(name))
            }
        case "sleep":
            let seconds = handler["sleep"]?["seconds"]?.integerValue ?? 0
            if seconds < 0 || seconds > gracePeriod {
                v.invalid(
                    "sleep", .integer(seconds),
                    "must be non-negative and less than terminationGracePeriodSeconds (\(gracePeriod))")
            }
        default: break
        }
    }
}

extension Validator {
    /// Whether a pod is being looked at, and not a template of pods.
    var isPod: Bool { rootMessage == "core/v1.Pod" }

    /// Reports of `body` are about what holds the present object.
    mutating func leavingOne(_ body: (inout Validator) -> Void) {
        guard let last = steps.popLast() else { return body(&self) }
        body(&self)
        steps.append(last)
    }
}
