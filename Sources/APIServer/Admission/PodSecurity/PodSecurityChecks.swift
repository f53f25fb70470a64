// The Pod Security Standards: which checks belong to which level, since which version, and what a pod violates.

import JSON
import KubeTypes

/// One thing that a pod must not do.
struct PodSecurityViolation: Sendable, Hashable {
    /// `privileged`, `host namespaces` …
    var reason: String
    /// Which containers, which values; may be empty.
    var detail: String
}

/// A pod, or the template of one, as checks look at it.
struct PodSecurityPod: Sendable {
    let annotations: [String: String]
    let spec: JSONValue
    /// Init containers, containers, ephemeral containers.
    let containers: [(name: String, json: JSONValue)]

    init(metadata: JSONValue?, spec: JSONValue) {
        annotations = metadata?["annotations"]?.stringMap ?? [:]
        self.spec = spec
        containers = ["initContainers", "containers", "ephemeralContainers"].flatMap { list in
            (spec[list]?.arrayValue ?? []).map { ($0["name"]?.stringValue ?? "", $0) }
        }
    }

    var isWindows: Bool { spec[path: "os", "name"]?.stringValue == "windows" }
    /// Whether the pod's users are not the node's.
    var hasOwnUsers: Bool { spec["hostUsers"]?.boolValue == false }
    var securityContext: JSONValue? { spec["securityContext"] }
    var volumes: [JSONValue] { spec["volumes"]?.arrayValue ?? [] }

    /// The names of containers for which something holds.
    func containers(where holds: (JSONValue) -> Bool) -> [String] {
        containers.filter { holds($0.json) }.map(\.name)
    }
}

/// A check, with the forms that it has had.
struct PodSecurityCheck: Sendable {
    struct Form: Sendable {
        /// The minor version since which it is like this.
        var since: Int
        /// Checks of the baseline that this one, being stricter, stands in for.
        var overrides: [String] = []
        var check: @Sendable (PodSecurityPod) -> PodSecurityViolation?
    }

    let name: String
    let forms: [Form]

    func form(in minor: Int) -> Form? { forms.last { $0.since <= minor } }
}

enum PodSecurityStandards {
    /// The newest version in which any check changed: later ones, and the latest, are like it.
    static let newest = (baseline + restricted).flatMap(\.forms).map(\.since).max() ?? 0

    /// What a pod violates of a standard, baseline first.
    static func violations(of standard: PodSecurityStandard, _ pod: PodSecurityPod) -> [PodSecurityViolation] {
        if standard.level == .privileged { return [] }
        let minor = min(standard.minor ?? newest, newest)
        var forms = baseline.map { (name: $0.name, form: $0.form(in: minor)) }
        if standard.level == .restricted {
            let strict = restricted.compactMap { $0.form(in: minor) }
            let overridden = Set(strict.flatMap(\.overrides))
            forms.removeAll { overridden.contains($0.name) }
            forms += strict.map { (name: "", form: $0) }
        }
        return forms.compactMap { $0.form?.check(pod) }
    }

    /// `privileged (container "a" must not set …), hostPort (…)`
    static func details(_ violations: [PodSecurityViolation]) -> String {
        violations.map { $0.detail.isEmpty ? $0.reason : "\($0.reason) (\($0.detail))" }.joined(separator: ", ")
    }

    static let baseline: [PodSecurityCheck] = [
        PodSecurityCheck(name: "appArmorProfile", forms: [.init(since: 0, check: PodSecurityRules.appArmor)]),
        PodSecurityCheck(
            name: "capabilities_baseline", forms: [.init(since: 0, check: PodSecurityRules.addedCapabilities)]),
        PodSecurityCheck(name: "hostNamespaces", forms: [.init(since: 0, check: PodSecurityRules.hostNamespaces)]),
        PodSecurityCheck(name: "hostPathVolumes", forms: [.init(since: 0, check: PodSecurityRules.hostPaths)]),
        PodSecurityCheck(name: "hostPorts", forms: [.init(since: 0, check: PodSecurityRules.hostPorts)]),
        PodSecurityCheck(
            name: "hostProbesAndHostLifecycle", forms: [.init(since: 34, check: PodSecurityRules.probeHosts)]),
        PodSecurityCheck(name: "privileged", forms: [.init(since: 0, check: PodSecurityRules.privileged)]),
        PodSecurityCheck(
            name: "procMount",
            forms: [
                .init(since: 0, check: PodSecurityRules.procMount),
                .init(since: 35, check: { $0.hasOwnUsers ? nil : PodSecurityRules.procMount($0) }),
            ]),
        PodSecurityCheck(
            name: "seLinuxOptions",
            forms: [
                .init(since: 0, check: { PodSecurityRules.seLinux($0, PodSecurityRules.seLinuxTypes) }),
                .init(
                    since: 31,
                    check: { PodSecurityRules.seLinux($0, PodSecurityRules.seLinuxTypes.union(["container_engine_t"])) }
                ),
            ]),
        PodSecurityCheck(
            name: "seccompProfile_baseline",
            forms: [
                .init(since: 0, check: PodSecurityRules.seccompAnnotations),
                .init(since: 19, check: PodSecurityRules.badSeccomp),
            ]),
        PodSecurityCheck(
            name: "sysctls",
            forms: PodSecurityRules.sysctls.indices.map { index in
                .init(since: PodSecurityRules.sysctls[index].since) { PodSecurityRules.sysctls($0, through: index) }
            }),
        PodSecurityCheck(name: "windowsHostProcess", forms: [.init(since: 0, check: PodSecurityRules.hostProcess)]),
    ]

    static let restricted: [PodSecurityCheck] = [
        PodSecurityCheck(
            name: "allowPrivilegeEscalation",
            forms: [
                .init(since: 8, check: PodSecurityRules.privilegeEscalation),
                .init(since: 25, check: { $0.isWindows ? nil : PodSecurityRules.privilegeEscalation($0) }),
            ]),
        PodSecurityCheck(
            name: "capabilities_restricted",
            forms: [
                .init(
                    since: 22, overrides: ["capabilities_baseline"], check: PodSecurityRules.undroppedCapabilities),
                .init(
                    since: 25, overrides: ["capabilities_baseline"],
                    check: { $0.isWindows ? nil : PodSecurityRules.undroppedCapabilities($0) }),
            ]),
        PodSecurityCheck(
            name: "procMount_restricted",
            forms: [.init(since: 35, overrides: ["procMount"], check: PodSecurityRules.procMount)]),
        PodSecurityCheck(
            name: "restrictedVolumes",
            forms: [.init(since: 0, overrides: ["hostPathVolumes"], check: PodSecurityRules.volumeTypes)]),
        PodSecurityCheck(
            name: "runAsNonRoot",
            forms: [
                .init(since: 0, check: PodSecurityRules.runAsNonRoot),
                .init(since: 35, check: { $0.hasOwnUsers ? nil : PodSecurityRules.runAsNonRoot($0) }),
            ]),
        PodSecurityCheck(
            name: "runAsUser",
            forms: [
                .init(since: 23, check: PodSecurityRules.runAsUser),
                .init(since: 35, check: { $0.hasOwnUsers ? nil : PodSecurityRules.runAsUser($0) }),
            ]),
        PodSecurityCheck(
            name: "seccompProfile_restricted",
            forms: [
                .init(
                    since: 19, overrides: ["seccompProfile_baseline"], check: PodSecurityRules.missingSeccomp),
                .init(
                    since: 25, overrides: ["seccompProfile_baseline"],
                    check: { $0.isWindows ? nil : PodSecurityRules.missingSeccomp($0) }),
            ]),
    ]
}
