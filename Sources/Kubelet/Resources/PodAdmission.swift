// Whether a pod that was sent here may run here: what a node agent checks for itself before it begins.

import CRI
import KubeClient
import KubeTypes

/// What is looked at of the node, and the checks as pure functions. Reasons and messages are those of upstream's kubelet.
struct PodAdmission: Sendable {
    let client: KubeClient
    let nodeName: String
    /// The node as a watch shows it.
    let node: Informer<Node>
    let room: NodeRoom
    let pressure: NodePressure
    let features: KnownFeatures
    /// Sysctls beyond the safe ones that pods may set; a `*` at the end stands for any ending.
    let allowedUnsafeSysctls: [String]

    /// Takes a pod in, or says why it is turned away, in the words of its status.
    func admit(_ pod: Pod) async -> WaitingReason? {
        if let problem = Self.pressureProblem(pod, pressure.conditions)
            ?? Self.sysctlProblem(pod, allowedUnsafe: allowedUnsafeSysctls) ?? Self.systemProblem(pod, features.current)
        {
            return Self.rejected(problem)
        }
        if let problem = room.admit(pod) { return problem }
        guard let known = node.get(nodeName), let problem = Self.placeProblem(pod, on: known) else { return nil }
        // The watch may be behind: what sent the pod here may have seen a newer node.
        guard let fresh = try? await client.get(Node.self, nodeName) else { return Self.rejected(problem) }
        guard let still = Self.placeProblem(pod, on: fresh) else { return nil }
        room.forget(pod.uid)
        return Self.rejected(still)
    }

    private static func rejected(_ problem: WaitingReason) -> WaitingReason {
        WaitingReason(reason: problem.reason, message: "Pod was rejected: \(problem.message)")
    }

    // MARK: Checks

    /// A node that runs out of something takes in nothing; one that is low on memory still takes what has asked for some.
    static func pressureProblem(_ pod: Pod, _ conditions: Set<String>) -> WaitingReason? {
        guard !conditions.isEmpty, !EvictionRules.isCritical(pod) else { return nil }
        if conditions == ["MemoryPressure"] {
            if PodQoS(of: pod) != .bestEffort { return nil }
            var taint = Taint()
            taint.key = "node.kubernetes.io/memory-pressure"
            taint.effect = "NoSchedule"
            if pod.spec.tolerations.contains(where: { $0.tolerates(taint) }) { return nil }
        }
        return WaitingReason(
            reason: "Evicted",
            message: "The node had condition: [\(conditions.sorted().joined(separator: " "))]. ")
    }

    /// Sysctls of the pod's own namespaces that harm nobody else.
    private static let safeSysctls: Set = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ]

    static func sysctlProblem(_ pod: Pod, allowedUnsafe: [String] = []) -> WaitingReason? {
        for sysctl in pod.spec.securityContext?.sysctls ?? [] {
            if let problem = sysctlProblem(pod, dotted(sysctl.name), allowedUnsafe) {
                return WaitingReason(reason: "SysctlForbidden", message: "forbidden sysctl: \(problem)")
            }
        }
        return nil
    }

    private static func sysctlProblem(_ pod: Pod, _ name: String, _ allowedUnsafe: [String]) -> String? {
        let isAllowed =
            safeSysctls.contains(name)
            || allowedUnsafe.contains { pattern in
                pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == dotted(pattern)
            }
        guard isAllowed else { return "\"\(name)\" not allowlisted" }
        let isNetwork = name.hasPrefix("net.")
        guard isNetwork ? pod.isHostNetwork : pod.spec.hostIPC == true else { return nil }
        return "\"\(name)\" not allowed with host \(isNetwork ? "net" : "ipc") enabled"
    }

    /// A name may be written with slashes, `net/ipv4/conf/eth0.1/arp_accept`: then its dots are slashes.
    private static func dotted(_ name: String) -> String {
        guard let first = name.first(where: { $0 == "." || $0 == "/" }), first == "/" else { return name }
        return String(name.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }

    static func systemProblem(_ pod: Pod, _ features: RuntimeFeatures = RuntimeFeatures()) -> WaitingReason? {
        if let wanted = pod.labels["kubernetes.io/os"], wanted != "linux" {
            return WaitingReason(
                reason: "PodOSSelectorNodeLabelDoesNotMatch",
                message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label")
        }
        if let system = pod.spec.os?.name, system != "linux" {
            return WaitingReason(
                reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS")
        }
        if SandboxPlan.hasStrictGroups(pod), !features.supplementalGroupsPolicy {
            return WaitingReason(
                reason: "SupplementalGroupsPolicyNotSupported",
                message: "SupplementalGroupsPolicy=Strict is not supported in this node")
        }
        return nil
    }

    /// Whether the pod belongs on a node with these labels and taints.
    static func placeProblem(_ pod: Pod, on node: Node) -> WaitingReason? {
        func failed(_ predicate: String, _ why: String) -> WaitingReason {
            WaitingReason(reason: predicate, message: "Predicate \(predicate) failed: \(why)")
        }
        let required = NodeRequirement(
            nodeSelector: pod.spec.nodeSelector,
            required: pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
        if !required.matches(name: node.name, labels: node.labels) {
            return failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
        }
        if !pod.isStatic,
            node.spec.taints.contains(where: { taint in
                taint.effect == "NoExecute" && !pod.spec.tolerations.contains { $0.tolerates(taint) }
            })
        {
            return failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")
        }
        return nil
    }
}
