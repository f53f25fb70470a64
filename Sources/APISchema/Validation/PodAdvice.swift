import JSON
import KubeTypes

/// Warnings about pods and templates of pods.
enum PodAdvice {
    static let oldLabels = [
        "beta.kubernetes.io/arch": "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os": "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region":
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone": "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type":
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by": "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master": "use \"node-role.kubernetes.io/control-plane\" instead",
    ]

    private static let oldAnnotations = [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead"
        ),
        ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead"
        ),
    ]

    private static let lists = ["initContainers", "containers", "ephemeralContainers"]

    static func pod(_ pod: JSONObject, isTemplate: Bool, _ advice: inout Advice.Collector) {
        let spec = pod[object: "spec"]
        if case .object(let annotations)? = pod["metadata"]?["annotations"], !annotations.isEmpty {
            self.annotations(annotations, spec, isTemplate, &advice)
        }
        advice.at("spec") { advice in
            placement(spec, &advice)
            for (index, volume) in spec[array: "volumes"].enumerated() {
                guard case .object(let volume) = volume else { continue }
                advice.at("volumes[\(index)]") { retiredSources(volume, &$0) }
            }
            duplicates("hostAliases", "ip", spec, &advice)
            duplicates("imagePullSecrets", "name", spec, &advice)
            for (index, secret) in spec[array: "imagePullSecrets"].enumerated()
            where (secret["name"]?.stringValue ?? "").isEmpty {
                advice.add("imagePullSecrets[\(index)].name", "invalid empty name \"\"")
            }
            for name in ["memory", "ephemeral-storage"] {
                advice.whole("overhead[\(name)]", spec["overhead"]?[name])
            }
            for list in lists {
                for (index, container) in spec[array: list].enumerated() {
                    guard case .object(let container) = container else { continue }
                    advice.at("\(list)[\(index)]") { self.container(container, &$0) }
                }
            }
            ports(spec, &advice)
            if spec[integer: "terminationGracePeriodSeconds"] < 0 {
                advice.add(
                    "terminationGracePeriodSeconds",
                    "must be >= 0; negative values are invalid and will be treated as 1")
            }
            for (index, server) in (spec["dnsConfig"]?["nameservers"]?.strings ?? []).enumerated() {
                advice.address("dnsConfig.nameservers[\(index)]", server)
            }
            for (index, alias) in spec[array: "hostAliases"].enumerated() {
                advice.address("hostAliases[\(index)].ip", alias["ip"]?.stringValue ?? "")
            }
        }
    }

    private static func annotations(
        _ annotations: JSONObject, _ spec: JSONObject, _ isTemplate: Bool, _ advice: inout Advice.Collector
    ) {
        for (key, text) in oldAnnotations where annotations[key] != nil {
            advice.add("metadata.annotations[\(key)]", text)
        }
        let seccomp = "non-functional in v1.27+; use the \"seccompProfile\" field instead"
        let podContext = spec[object: "securityContext"]
        let podKey = "seccomp.security.alpha.kubernetes.io/pod"
        if annotations[podKey] != nil, !podContext.holds("seccompProfile") {
            advice.add("metadata.annotations[\(podKey)]", seccomp)
        }
        for list in lists {
            for container in spec[array: list] {
                let name = container["name"]?.stringValue ?? ""
                let context = container["securityContext"]?.objectValue ?? JSONObject()
                let key = "container.seccomp.security.alpha.kubernetes.io/\(name)"
                if annotations[key] != nil, !context.holds("seccompProfile") {
                    advice.add("metadata.annotations[\(key)]", seccomp)
                }
                let armor = "container.apparmor.security.beta.kubernetes.io/\(name)"
                if isTemplate, annotations[armor] != nil, !context.holds("appArmorProfile"),
                    !podContext.holds("appArmorProfile")
                {
                    advice.add(
                        "metadata.annotations[\(armor)]",
                        "deprecated since v1.30; use the \"appArmorProfile\" field instead")
                }
            }
        }
    }

    // MARK: Placement

    private static func placement(_ spec: JSONObject, _ advice: inout Advice.Collector) {
        for (key, _) in spec[object: "nodeSelector"] {
            if let text = oldLabels[key] { advice.add("nodeSelector[\(key)]", text) }
        }
        for (index, constraint) in spec[array: "topologySpreadConstraints"].enumerated() {
            let key = constraint["topologyKey"]?.stringValue ?? ""
            if let text = oldLabels[key] {
                advice.add("topologySpreadConstraints[\(index)].topologyKey", "\(key) is \(text)")
            }
            if constraint["labelSelector"] == nil {
                advice.add(
                    "topologySpreadConstraints[\(index)].labelSelector",
                    "a null labelSelector results in matching no pod")
            }
        }
        guard case .object(let affinity)? = spec["affinity"] else { return }
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        selectorTerms(
            affinity["nodeAffinity"]?[required]?["nodeSelectorTerms"],
            "affinity.nodeAffinity.\(required).nodeSelectorTerms", &advice)
        for kind in ["podAffinity", "podAntiAffinity"] {
            for (index, term) in (affinity[kind]?[required]?.arrayValue ?? []).enumerated()
            where term["labelSelector"] == nil {
                advice.add(
                    "affinity.\(kind).\(required)[\(index)].labelSelector",
                    "a null labelSelector results in matching no pod")
            }
            for (index, term) in (affinity[kind]?[preferred]?.arrayValue ?? []).enumerated()
            where term["podAffinityTerm"]?["labelSelector"] == nil {
                advice.add(
                    "affinity.\(kind).\(preferred)[\(index)].podAffinityTerm.labelSelector",
                    "a null labelSelector results in matching no pod")
            }
        }
    }

    static func selectorTerms(_ terms: JSONValue?, _ path: String, _ advice: inout Advice.Collector) {
        for (index, term) in (terms?.arrayValue ?? []).enumerated() {
            for (position, expression) in (term["matchExpressions"]?.arrayValue ?? []).enumerated() {
                let key = expression["key"]?.stringValue ?? ""
                guard let text = oldLabels[key] else { continue }
                advice.add("\(path)[\(index)].matchExpressions[\(position)].key", "\(key) is \(text)")
            }
        }
    }

    // MARK: Volumes and containers

    private static let retired = [
        ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ]

    /// Sources that no release since long has a driver for.
    static func retiredSources(_ source: JSONObject, _ advice: inout Advice.Collector) {
        for (field, shown, text) in retired where source.holds(field) { advice.add(shown, text) }
        if case .object(let spec)? = source["ephemeral"]?["volumeClaimTemplate"]?["spec"] {
            advice.at("ephemeral.volumeClaimTemplate.spec") { Advice.claim(spec, &$0) }
        }
    }

    private static func duplicates(
        _ list: String, _ field: String, _ spec: JSONObject, _ advice: inout Advice.Collector
    ) {
        let elements = spec[array: list]
        guard elements.count > 1 else { return }
        var seen: Set<String> = []
        for (index, element) in elements.enumerated() {
            let value = element[field]?.stringValue ?? ""
            if !seen.insert(value).inserted {
                advice.add("\(list)[\(index)].\(field)", "duplicate \(field) \"\(value)\"")
            }
        }
    }

    private static func container(_ container: JSONObject, _ advice: inout Advice.Collector) {
        if case .object(let resources)? = container["resources"], !resources.isEmpty {
            for name in ["memory", "ephemeral-storage"] {
                for list in ["limits", "requests"] {
                    advice.whole("resources.\(list)[\(name)]", resources[list]?[name])
                }
            }
        }
        let variables = container[array: "env"]
        guard variables.count > 1 else { return }
        var seen: Set<String> = []
        for (index, variable) in variables.enumerated() {
            let name = variable["name"]?.stringValue ?? ""
            if seen.insert(name).inserted { continue }
            let value = variable["value"]?.stringValue ?? ""
            let reference = "$(\(name))"
            if variable["valueFrom"] != nil || value == reference || !value.contains(reference) {
                advice.add(
                    "env[\(index)]",
                    "hides previous definition of \"\(name)\", which may be dropped when using apply")
            }
        }
    }

    private static func ports(_ spec: JSONObject, _ advice: inout Advice.Collector) {
        struct Taken {
            let path: String
            let address: String
            let hostPort: Int64
        }
        var taken: [String: [Taken]] = [:]
        var names: [String: String] = [:]
        var named: [String] = []
        for list in lists {
            for (index, container) in spec[array: list].enumerated() {
                for (position, port) in (container["ports"]?.arrayValue ?? []).enumerated() {
                    let local = "\(list)[\(index)].ports[\(position)]"
                    let path = advice.text(local)
                    let address = port["hostIP"]?.stringValue ?? ""
                    let hostPort = port["hostPort"]?.integerValue ?? 0
                    if !address.isEmpty, hostPort == 0 { advice.add(local, "hostIP set without hostPort") }
                    let number = port["containerPort"]?.integerValue ?? 0
                    let key = "\(number)/\(port["protocol"]?.stringValue ?? "TCP")"
                    for other in taken[key] ?? [] {
                        if address == other.address, hostPort == other.hostPort {
                            advice.add(local, "duplicate port definition with \(other.path)")
                        } else if hostPort == 0 || other.hostPort == 0 {
                            advice.add(local, "overlapping port definition with \(other.path)")
                        } else if hostPort == other.hostPort, address.isEmpty != other.address.isEmpty {
                            advice.add(local, "dangerously ambiguous port definition with \(other.path)")
                        }
                    }
                    taken[key, default: []].append(Taken(path: path, address: address, hostPort: hostPort))
                    let name = port["name"]?.stringValue ?? ""
                    if name.isEmpty { continue }
                    if let other = names[name] {
                        named.append(
                            "\(path): duplicate port name \"\(name)\" with \(other), services and probes that select "
                                + "ports by name will use \(other)")
                    } else {
                        names[name] = path
                    }
                }
            }
        }
        advice.texts += named
    }
}

extension JSONValue {
    /// The strings of an array.
    fileprivate var strings: [String] { arrayValue?.compactMap(\.stringValue) ?? [] }
}
