// What the runtime shows of a pod: its sandboxes and containers, the newest first.

import CRI
import KubeTypes

/// Labels and annotations under which upstream's kubelet, and the tools that look over its shoulder, find things again.
enum RuntimeKeys {
    static let podName = "io.kubernetes.pod.name"
    static let podNamespace = "io.kubernetes.pod.namespace"
    static let podUID = "io.kubernetes.pod.uid"
    static let containerName = "io.kubernetes.container.name"
    static let hash = "io.kubernetes.container.hash"
    static let restartCount = "io.kubernetes.container.restartCount"
    static let terminationMessagePath = "io.kubernetes.container.terminationMessagePath"
    static let terminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy"
    /// What a container was given when it was made.
    static let resources = "martlet.io/container.resources"
    static let gracePeriod = "io.kubernetes.pod.terminationGracePeriod"
}

struct ObservedPod: Sendable, Equatable {
    /// The newest first.
    var sandboxes: [RuntimeSandboxStatus]
    /// The newest first.
    var containers: [RuntimeContainerStatus]

    init(sandboxes: [RuntimeSandboxStatus] = [], containers: [RuntimeContainerStatus] = []) {
        self.sandboxes = sandboxes.sorted { $0.sandbox.createdAt > $1.sandbox.createdAt }
        self.containers = containers.sorted { ($0.createdAt, $0.attempt) > ($1.createdAt, $1.attempt) }
    }

    /// The container of this name that was created last.
    func latest(_ name: String) -> RuntimeContainerStatus? { containers.first { $0.name == name } }

    var running: [RuntimeContainerStatus] { containers.filter { $0.state == .running || $0.state == .unknown } }

    /// The one that runs the pod, if there is exactly one.
    var readySandbox: RuntimeSandboxStatus? {
        guard let newest = sandboxes.first, newest.sandbox.ready else { return nil }
        return sandboxes.dropFirst().contains { $0.sandbox.ready } ? nil : newest
    }

    var isEmpty: Bool { sandboxes.isEmpty && containers.isEmpty }
}

extension RuntimeContainerStatus {
    /// How often the container was restarted before.
    var restartCount: Int { annotations[RuntimeKeys.restartCount].flatMap(Int.init) ?? attempt }
    var finished: Time { Time(nanoseconds: finishedAt) }
}

extension Time {
    init(nanoseconds total: Int64) {
        self.init(seconds: total / 1_000_000_000, nanoseconds: Int32(total % 1_000_000_000))
    }

    func adding(_ more: Double) -> Time {
        let total = Double(nanoseconds) + more * 1e9
        let carry = (total / 1e9).rounded(.down)
        return Time(seconds: seconds + Int64(carry), nanoseconds: Int32(total - carry * 1e9))
    }
}

extension Pod {
    var isHostNetwork: Bool { spec.hostNetwork == true }
    var restartPolicy: String { spec.restartPolicy ?? "Always" }
    /// `name_namespace(uid)`, as upstream's messages name a pod.
    var logName: String { "\(name)_\(namespace)(\(uid))" }
    var isFinished: Bool { status.phase == "Succeeded" || status.phase == "Failed" }
    /// Has one of the two highest priority classes, which only the system's pods have.
    var isSystemCritical: Bool { (spec.priority ?? 0) >= 2_000_000_000 }
    /// Init containers first, ephemeral ones last.
    var allContainers: [Container] { spec.initContainers + spec.containers + ephemeralContainers }

    /// Containers that were added to look for a fault: they are started once and never again.
    var ephemeralContainers: [Container] { spec.ephemeralContainers.map { Container($0.json) } }

    /// Whether a container that ended with this code is to be started again: by the first of its own rules that the
    /// code meets (KEP-5307), its own policy, or the pod's.
    func restarts(_ container: Container, exitCode: Int) -> Bool {
        if let rule = Self.rule(of: container, exitCode: exitCode) { return rule.action.hasPrefix("Restart") }
        return switch container.restartPolicy ?? restartPolicy {
        case "Never": false
        case "OnFailure": exitCode != 0
        default: true
        }
    }

    /// Whether all containers start anew when this one has ended with this code (KEP-5532).
    func restartsAll(_ container: Container, exitCode: Int) -> Bool {
        Self.rule(of: container, exitCode: exitCode)?.action == "RestartAllContainers"
    }

    /// Whether one of the containers may ask for all to be restarted.
    var mayRestartAll: Bool {
        (spec.initContainers + spec.containers).contains { container in
            container.restartPolicyRules.contains { $0.action == "RestartAllContainers" }
        }
    }

    private static func rule(of container: Container, exitCode: Int) -> ContainerRestartRule? {
        container.restartPolicyRules.first { rule in
            guard let codes = rule.exitCodes else { return false }
            return codes.values.contains(exitCode) == (codes.operator == "In")
        }
    }
}
