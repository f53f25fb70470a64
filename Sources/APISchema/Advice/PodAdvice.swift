// Advice about pods and their templates.

import JSON
import KubeTypes

struct PodAdvice {
    /// What stands before `spec` in paths: nothing for a pod, `spec.template.` for a Deployment.
    let prefix: String

    func warnings(about pod: JSONObject) -> [String] {
        let spec = pod["spec"]?.objectValue ?? [:]
        let annotations = ObjectAdvice.annotations(pod)
        let containers = Self.containers(of: spec)
        return nodes(spec) + spreading(spec) + deprecated(annotations) + volumes(spec) + lists(spec)
            + ObjectAdvice.fractions(spec["overhead"], ["memory", "ephemeral-storage"], "\(prefix)spec.overhead")
            + seccomp(spec, annotations)
            + containers.flatMap { container(spec, $0.container, "\(prefix)spec.\($0.path)", annotations) }
            + ports(containers) + affinityTerms(spec) + graceAdvice(spec)
    }

    /// All containers with their paths, init containers first.
    private static func containers(of spec: JSONObject) -> [(path: String, container: JSONObject)] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { list in
            (spec[list]?.arrayValue ?? []).enumerated().compactMap { index, value in
                value.objectValue.map { ("\(list)[\(index)]", $0) }
            }
        }
    }

    private func nodes(_ spec: JSONObject) -> [String] {
        var warnings = NodeLabels.warnings(in: spec["nodeSelector"], "\(prefix)spec.nodeSelector")
        guard let affinity = spec["affinity"]?["nodeAffinity"] else { return warnings }
        let path = "\(prefix)spec.affinity.nodeAffinity"
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        warnings += NodeLabels.warnings(
            inTerms: affinity[required]?["nodeSelectorTerms"], "\(path).\(required).nodeSelectorTerms")
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in (affinity[preferred]?.arrayValue ?? []).enumerated() {
            warnings += NodeLabels.warnings(inTerm: term["preference"], "\(path).\(preferred)[\(index)].preference")
        }
        return warnings
    }

    private func spreading(_ spec: JSONObject) -> [String] {
        (spec["topologySpreadConstraints"]?.arrayValue ?? []).enumerated().flatMap { index, constraint in
            let path = "\(prefix)spec.topologySpreadConstraints[\(index)]"
            var warnings: [String] = []
            let key = constraint["topologyKey"]?.stringValue ?? ""
            if let text = NodeLabels.deprecated[key] { warnings.append("\(path).topologyKey: \(key) is \(text)") }
            if constraint["labelSelector"] == nil { warnings.append(Self.nullSelector("\(path).labelSelector")) }
            return warnings
        }
    }

    private static func nullSelector(_ path: String) -> String {
        "\(path): a null labelSelector results in matching no pod"
    }

    private func deprecated(_ annotations: JSONObject) -> [String] {
        let sysctls = "non-functional in v1.11+; use the \"sysctls\" field instead"
        return [
            (
                "scheduler.alpha.kubernetes.io/critical-pod",
                "non-functional in v1.16+; use the \"priorityClassName\" field instead"
            ),
            ("security.alpha.kubernetes.io/sysctls", sysctls), ("security.alpha.kubernetes.io/unsafe-sysctls", sysctls),
        ].compactMap { key, text in annotations[key] == nil ? nil : "\(prefix)metadata.annotations[\(key)]: \(text)" }
    }

    private func volumes(_ spec: JSONObject) -> [String] {
        let volumes = (spec["volumes"]?.arrayValue ?? []).map { $0.objectValue ?? [:] }
        return volumes.enumerated().flatMap { index, volume in
            let path = "\(prefix)spec.volumes[\(index)]"
            return VolumeAdvice.drivers(volume, path, of: .pod)
                + ObjectAdvice.claimSpec(
                    volume["ephemeral"]?["volumeClaimTemplate"]?["spec"]?.objectValue ?? [:],
                    "\(path).ephemeral.volumeClaimTemplate.spec")
        } + volumes.flatMap(VolumeAdvice.overlaps)
    }

    private func lists(_ spec: JSONObject) -> [String] {
        var warnings: [String] = []
        for (list, field) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
            var seen: Set<String> = []
            for (index, element) in (spec[list]?.arrayValue ?? []).enumerated() {
                let text = element[field]?.stringValue ?? ""
                if !seen.insert(text).inserted {
                    warnings.append("\(prefix)spec.\(list)[\(index)].\(field): duplicate \(field) \"\(text)\"")
                }
                if list == "imagePullSecrets", text.isEmpty {
                    warnings.append("\(prefix)spec.\(list)[\(index)].name: invalid empty name \"\"")
                }
            }
        }
        return warnings
    }

    private static let seccompText = "non-functional in v1.27+; use the \"seccompProfile\" field instead"

    private func seccomp(_ spec: JSONObject, _ annotations: JSONObject) -> [String] {
        let key = "seccomp.security.alpha.kubernetes.io/pod"
        guard annotations[key] != nil, spec["securityContext"]?["seccompProfile"] == nil else { return [] }
        return ["\(prefix)metadata.annotations[\(key)]: \(Self.seccompText)"]
    }

    private func container(
        _ spec: JSONObject, _ container: JSONObject, _ path: String, _ annotations: JSONObject
    ) -> [String] {
        var warnings: [String] = []
        let name = container["name"]?.stringValue ?? ""
        let seccomp = "container.seccomp.security.alpha.kubernetes.io/\(name)"
        if annotations[seccomp] != nil, container["securityContext"]?["seccompProfile"] == nil {
            warnings.append("\(prefix)metadata.annotations[\(seccomp)]: \(Self.seccompText)")
        }
        let appArmor = "container.apparmor.security.beta.kubernetes.io/\(name)"
        if annotations[appArmor] != nil, container["securityContext"]?["appArmorProfile"] == nil,
            spec["securityContext"]?["appArmorProfile"] == nil
        {
            warnings.append(
                "\(prefix)metadata.annotations[\(appArmor)]: deprecated since v1.30; use the \"appArmorProfile\" field "
                    + "instead")
        }
        for name in ["memory", "ephemeral-storage"] {
            for kind in ["limits", "requests"] {
                warnings += ObjectAdvice.fractions(container["resources"]?[kind], [name], "\(path).resources.\(kind)")
            }
        }
        return warnings + environment(container, path)
    }

    private func environment(_ container: JSONObject, _ path: String) -> [String] {
        guard let variables = container["env"]?.arrayValue, variables.count > 1 else { return [] }
        var seen: Set<String> = []
        return variables.enumerated().compactMap { index, variable in
            let name = variable["name"]?.stringValue ?? ""
            if seen.insert(name).inserted { return nil }
            // One that adds to what was there before is meant.
            let reference = "$(\(name))"
            let value = variable["value"]?.stringValue ?? ""
            if variable["valueFrom"] == nil, value != reference, value.contains(reference) { return nil }
            return
                "\(path).env[\(index)]: hides previous definition of \"\(name)\", which may be dropped when using apply"
        }
    }

    private struct Port {
        let path: String
        let name: String
        let key: String
        let hostIP: String
        let hostPort: Int64
    }

    private func ports(_ containers: [(path: String, container: JSONObject)]) -> [String] {
        var warnings: [String] = []
        var byNumber: [String: [Port]] = [:]
        var all: [Port] = []
        for (path, container) in containers {
            for (index, value) in (container["ports"]?.arrayValue ?? []).enumerated() {
                let number = value["containerPort"]?.integerValue ?? 0
                let transport = value["protocol"]?.stringValue ?? ""
                let port = Port(
                    path: "\(prefix)spec.\(path).ports[\(index)]", name: value["name"]?.stringValue ?? "",
                    key: "\(number)/\(transport)", hostIP: value["hostIP"]?.stringValue ?? "",
                    hostPort: value["hostPort"]?.integerValue ?? 0)
                if !port.hostIP.isEmpty, port.hostPort == 0 {
                    warnings.append(
                        "\(port.path): hostIP set without hostPort: {Name:\(port.name) HostPort:0 ContainerPort:\(number) "
                            + "Protocol:\(transport) HostIP:\(port.hostIP)}")
                }
                for other in byNumber[port.key] ?? [] {
                    if let text = Self.clash(port, other) {
                        warnings.append("\(port.path): \(text) port definition with \(other.path)")
                    }
                }
                byNumber[port.key, default: []].append(port)
                all.append(port)
            }
        }
        var byName: [String: String] = [:]
        for port in all where !port.name.isEmpty {
            if let other = byName[port.name] {
                warnings.append(
                    "\(port.path): duplicate port name \"\(port.name)\" with \(other), services and probes that select "
                        + "ports by name will use \(other)")
            } else {
                byName[port.name] = port.path
            }
        }
        return warnings
    }

    private static func clash(_ port: Port, _ other: Port) -> String? {
        if port.hostIP == other.hostIP, port.hostPort == other.hostPort { return "duplicate" }
        if port.hostPort == 0 || other.hostPort == 0 { return "overlapping" }
        if port.hostPort == other.hostPort, port.hostIP.isEmpty != other.hostIP.isEmpty {
            return "dangerously ambiguous"
        }
        return nil
    }

    private func affinityTerms(_ spec: JSONObject) -> [String] {
        ["podAffinity", "podAntiAffinity"].flatMap { kind -> [String] in
            guard let affinity = spec["affinity"]?[kind] else { return [] }
            let path = "\(prefix)spec.affinity.\(kind)"
            let required = "requiredDuringSchedulingIgnoredDuringExecution"
            let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
            var warnings: [String] = []
            for (index, term) in (affinity[required]?.arrayValue ?? []).enumerated() where term["labelSelector"] == nil
            {
                warnings.append(Self.nullSelector("\(path).\(required)[\(index)].labelSelector"))
            }
            for (index, term) in (affinity[preferred]?.arrayValue ?? []).enumerated()
            where term["podAffinityTerm"]?["labelSelector"] == nil {
                warnings.append(Self.nullSelector("\(path).\(preferred)[\(index)].podAffinityTerm.labelSelector"))
            }
            return warnings
        }
    }

    private func graceAdvice(_ spec: JSONObject) -> [String] {
        guard spec["terminationGracePeriodSeconds"]?.integerValue ?? 0 < 0 else { return [] }
        return [
            "\(prefix)spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        ]
    }
}
