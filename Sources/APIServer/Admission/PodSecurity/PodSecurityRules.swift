// What each check of the baseline looks at; the stricter ones are in PodSecurityRestrictedRules.

import JSON

enum PodSecurityRules {
    // MARK: Words

    static func quoted(_ items: some Sequence<String>) -> String { items.map { "\"\($0)\"" }.joined(separator: ", ") }

    static func plural(_ count: Int, _ one: String, _ many: String) -> String { count == 1 ? one : many }

    /// `containers "a", "b"`
    static func containers(_ names: [String]) -> String {
        "\(plural(names.count, "container", "containers")) \(quoted(names))"
    }

    /// `pod and container "a"`; nil if it is neither.
    static func setters(pod: Bool, _ names: [String]) -> String? {
        var setters = pod ? ["pod"] : []
        if !names.isEmpty { setters.append(containers(names)) }
        return setters.isEmpty ? nil : setters.joined(separator: " and ")
    }

    private static func context(_ container: JSONValue) -> JSONValue? { container["securityContext"] }

    // MARK: Baseline

    static func appArmor(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var values: Set<String> = []
        func isBad(_ context: JSONValue?) -> Bool {
            guard let profile = context?["appArmorProfile"], !profile.isNull else { return false }
            let type = profile["type"]?.stringValue ?? ""
            if type == "RuntimeDefault" || type == "Localhost" { return false }
            values.insert(type)
            return true
        }
        let podIsBad = isBad(pod.securityContext)
        let bad = pod.containers { isBad(context($0)) }
        let annotations = pod.annotations.filter { key, value in
            key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") && !value.isEmpty
                && value != "runtime/default" && !value.hasPrefix("localhost/")
        }.map { "\($0.key)=\"\($0.value)\"" }.sorted()
        var parts: [String] = []
        if let setters = setters(pod: podIsBad, bad) { parts.append(setters) }
        if !annotations.isEmpty { parts.append(plural(annotations.count, "annotation", "annotations")) }
        if parts.isEmpty { return nil }
        let all = values.sorted() + annotations
        return PodSecurityViolation(
            reason: plural(all.count, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
            detail: "\(parts.joined(separator: " and ")) must not set AppArmor profile type to \(quoted(all))")
    }

    private static let defaultCapabilities: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    static func addedCapabilities(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var added: Set<String> = []
        let bad = pod.containers { container in
            let more = (context(container)?[path: "capabilities", "add"]?.strings ?? [])
                .filter { !defaultCapabilities.contains($0) }
            added.formUnion(more)
            return !more.isEmpty
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "non-default capabilities",
            detail: "\(containers(bad)) must not include \(quoted(added.sorted())) in securityContext.capabilities.add")
    }

    static func hostNamespaces(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let used = ["hostNetwork", "hostPID", "hostIPC"].filter { pod.spec[$0]?.boolValue == true }
        if used.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "host namespaces", detail: used.map { "\($0)=true" }.joined(separator: ", "))
    }

    static func hostPaths(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let bad = pod.volumes.filter { isSet($0["hostPath"]) }.map { $0["name"]?.stringValue ?? "" }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "hostPath volumes", detail: "\(plural(bad.count, "volume", "volumes")) \(quoted(bad))")
    }

    static func isSet(_ value: JSONValue?) -> Bool { value.map { !$0.isNull } ?? false }

    static func hostPorts(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var ports: Set<String> = []
        let bad = pod.containers { container in
            let own = (container["ports"]?.arrayValue ?? []).compactMap { $0["hostPort"]?.integerValue }
                .filter { $0 != 0 }.map(String.init)
            ports.formUnion(own)
            return !own.isEmpty
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "hostPort",
            detail: "\(containers(bad)) \(plural(bad.count, "uses", "use")) "
                + "\(plural(ports.count, "hostPort", "hostPorts")) \(ports.sorted().joined(separator: ", "))")
    }

    static func probeHosts(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var hosts: Set<String> = []
        let bad = pod.containers { container in
            let handlers = [
                container["livenessProbe"], container["readinessProbe"], container["startupProbe"],
                container[path: "lifecycle", "postStart"], container[path: "lifecycle", "preStop"],
            ]
            let own = handlers.flatMap { handler in
                ["httpGet", "tcpSocket"].compactMap { handler?[$0]?["host"]?.stringValue }.filter { !$0.isEmpty }
            }
            hosts.formUnion(own)
            return !own.isEmpty
        }
        if bad.isEmpty { return nil }
        let names = Set(bad).sorted()
        return PodSecurityViolation(
            reason: "probe or lifecycle host",
            detail: "\(containers(names)) \(plural(names.count, "uses", "use")) "
                + "\(plural(hosts.count, "probe or lifecycle host", "probe or lifecycle hosts")) "
                + quoted(hosts.sorted()))
    }

    static func privileged(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let bad = pod.containers { context($0)?["privileged"]?.boolValue == true }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "privileged", detail: "\(containers(bad)) must not set securityContext.privileged=true")
    }

    static func procMount(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var types: Set<String> = []
        let bad = pod.containers { container in
            guard let type = context(container)?["procMount"]?.stringValue, type != "Default" else { return false }
            types.insert(type)
            return true
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "procMount",
            detail: "\(containers(bad)) must not set securityContext.procMount to \(quoted(types.sorted()))")
    }

    static let seLinuxTypes: Set<String> = ["", "container_t", "container_init_t", "container_kvm_t"]

    static func seLinux(_ pod: PodSecurityPod, _ allowed: Set<String>) -> PodSecurityViolation? {
        var types: Set<String> = []
        var setsUser = false
        var setsRole = false
        func isBad(_ context: JSONValue?) -> Bool {
            guard let options = context?["seLinuxOptions"], !options.isNull else { return false }
            var bad = false
            let type = options["type"]?.stringValue ?? ""
            if !allowed.contains(type) {
                types.insert(type)
                bad = true
            }
            if !(options["user"]?.stringValue ?? "").isEmpty {
                setsUser = true
                bad = true
            }
            if !(options["role"]?.stringValue ?? "").isEmpty {
                setsRole = true
                bad = true
            }
            return bad
        }
        let podIsBad = isBad(pod.securityContext)
        guard let setters = setters(pod: podIsBad, pod.containers { isBad(context($0)) }) else { return nil }
        var data: [String] = []
        if !types.isEmpty { data.append("\(plural(types.count, "type", "types")) \(quoted(types.sorted()))") }
        if setsUser { data.append("user may not be set") }
        if setsRole { data.append("role may not be set") }
        return PodSecurityViolation(
            reason: "seLinuxOptions",
            detail: "\(setters) set forbidden securityContext.seLinuxOptions: \(data.joined(separator: "; "))")
    }

    /// Before 1.19 seccomp profiles were annotations.
    static func seccompAnnotations(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        let keys =
            ["seccomp.security.alpha.kubernetes.io/pod"]
            + pod.containers.map { "container.seccomp.security.alpha.kubernetes.io/\($0.name)" }
        let bad = Set(
            keys.compactMap { key -> String? in
                guard let value = pod.annotations[key], value != "runtime/default", value != "docker/default",
                    !value.hasPrefix("localhost/")
                else { return nil }
                return "\(key)=\"\(value)\""
            }
        ).sorted()
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "forbidden \(plural(bad.count, "annotation", "annotations")) \(bad.joined(separator: ", "))")
    }

    /// The type of a profile that is set; nil if none is.
    static func seccompType(_ context: JSONValue?) -> String? {
        guard let profile = context?["seccompProfile"], !profile.isNull else { return nil }
        return profile["type"]?.stringValue ?? ""
    }

    static func isGoodSeccomp(_ type: String) -> Bool { type == "RuntimeDefault" || type == "Localhost" }

    static func badSeccomp(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        var types: Set<String> = []
        func isBad(_ context: JSONValue?) -> Bool {
            guard let type = seccompType(context), !isGoodSeccomp(type) else { return false }
            types.insert(type)
            return true
        }
        let podIsBad = isBad(pod.securityContext)
        guard let setters = setters(pod: podIsBad, pod.containers { isBad(context($0)) }) else { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "\(setters) must not set securityContext.seccompProfile.type to \(quoted(types.sorted()))")
    }

    /// Sysctls that concern nobody but the pod, with the version since which they are known as such.
    static let sysctls: [(since: Int, names: Set<String>)] = [
        (
            0,
            [
                "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
                "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
            ]
        ),
        (27, ["net.ipv4.ip_local_reserved_ports"]),
        (
            29,
            [
                "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
            ]
        ),
        (32, ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]),
    ]

    static func sysctls(_ pod: PodSecurityPod, through index: Int) -> PodSecurityViolation? {
        let bad = (pod.securityContext?["sysctls"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            .filter { name in !sysctls[...index].contains { $0.names.contains(name) } }
        return bad.isEmpty
            ? nil : PodSecurityViolation(reason: "forbidden sysctls", detail: bad.joined(separator: ", "))
    }

    static func hostProcess(_ pod: PodSecurityPod) -> PodSecurityViolation? {
        func isBad(_ context: JSONValue?) -> Bool {
            context?[path: "windowsOptions", "hostProcess"]?.boolValue == true
        }
        guard let setters = setters(pod: isBad(pod.securityContext), pod.containers { isBad(context($0)) }) else {
            return nil
        }
        return PodSecurityViolation(
            reason: "hostProcess", detail: "\(setters) must not set securityContext.windowsOptions.hostProcess=true")
    }
}
