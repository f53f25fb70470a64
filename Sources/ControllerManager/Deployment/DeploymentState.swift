import KubeTypes

/// What the deployment controller reads from Deployments and ReplicaSets, with the API's defaults.
extension Deployment {
    var desired: Int { spec.replicas ?? 1 }
    var isPaused: Bool { spec.paused ?? false }
    var isRollingUpdate: Bool { (spec.strategy?.type ?? "RollingUpdate") == "RollingUpdate" }
    var minReady: Int { spec.minReadySeconds ?? 0 }

    private static var unlimited: Int { Int(Int32.max) }

    /// Nil if progress is not watched.
    var progressDeadline: Int? { spec.progressDeadlineSeconds.flatMap { $0 == Self.unlimited ? nil : $0 } }
    /// Nil if all old ReplicaSets are kept.
    var historyLimit: Int? { spec.revisionHistoryLimit.flatMap { $0 == Self.unlimited ? nil : $0 } }

    private var fenceposts: (surge: Int, unavailable: Int) {
        RollingUpdate.fenceposts(
            surge: spec.strategy?.rollingUpdate?.maxSurge, unavailable: spec.strategy?.rollingUpdate?.maxUnavailable,
            desired: desired)
    }
    var maxSurge: Int { isRollingUpdate ? fenceposts.surge : 0 }
    var maxUnavailable: Int {
        isRollingUpdate && desired > 0 ? min(fenceposts.unavailable, desired) : 0
    }
}

extension ReplicaSet {
    var size: Int { spec.replicas ?? 1 }
    var available: Int { status.availableReplicas ?? 0 }
    /// Zero where it is missing or no number.
    var revision: Int { annotations[DeploymentAnnotation.revision].flatMap { Int($0) } ?? 0 }

    /// Oldest first, by name where two are of one second.
    static func isOlder(_ left: ReplicaSet, _ right: ReplicaSet) -> Bool {
        let (first, second) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
        if let first, let second, first != second { return first < second }
        // One that is about to be created is the youngest.
        if (first == nil) != (second == nil) { return second == nil }
        return left.name < right.name
    }

    func count(in annotation: String) -> Int? {
        annotations[annotation].flatMap { Int32($0) }.flatMap { $0 >= 0 ? Int($0) : nil }
    }
}

/// Annotations of a deployment's ReplicaSets, and of the deployment.
enum DeploymentAnnotation {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    /// Not copied from a deployment to its ReplicaSets.
    static let own: Set<String> = [
        revision, revisionHistory, desiredReplicas, maxReplicas, "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
    ]

    private static let historyLength = 2000

    /// The annotations of the ReplicaSet that is the deployment's newest: those of the deployment, and a revision of at
    /// least `revision`, with the earlier ones kept when an old set becomes the newest again.
    static func update(_ annotations: inout [String: String], from deployment: [String: String], revision number: Int) {
        for (key, value) in deployment where !own.contains(key) { annotations[key] = value }
        let before = annotations[revision]
        if let before, !before.isEmpty, Int(before) == nil { return }
        let old = before.flatMap { Int($0) } ?? 0
        guard old < number else { return }
        annotations[revision] = String(number)
        guard let before, !before.isEmpty else { return }
        var history = (annotations[revisionHistory] ?? "").split(separator: ",").map(String.init)
        history.append(before)
        while history.count > 1, history.reduce(-1, { $0 + $1.utf8.count + 1 }) > historyLength {
            history.removeFirst()
        }
        annotations[revisionHistory] = history.joined(separator: ",")
    }
}
