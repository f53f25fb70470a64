import JSON
import KubeTypes

/// How many pods of a PodDisruptionBudget may be evicted, computed from its pods and what their controllers want
/// (KEP-85; API reference, *PodDisruptionBudget*).
struct DisruptionBudget {
    /// An eviction that was granted this long ago and has not become a deletion is forgotten.
    static let deletionTimeout = 120.0

    /// Pods that nothing scales, and which a percentage therefore cannot count.
    private(set) var unmanaged: [String] = []
    private(set) var status: PodDisruptionBudgetStatus
    /// Evictions that were granted and did not happen.
    private(set) var notDeleted: [Pod] = []
    /// Seconds until a granted eviction is forgotten.
    private(set) var recheckSeconds: Double?

    enum Problem: Error, CustomStringConvertible {
        case noController(pod: String)
        case noScale(String)
        case badPercentage

        var description: String {
            switch self {
            case .noController(let pod): "found no controllers for pod \"\(pod)\""
            case .noScale(let reason): reason
            case .badPercentage: "the number of pods is neither an integer nor a percentage"
            }
        }
    }

    /// - Parameter scale: The size of a controller, with a UID for it: several ReplicaSets of one deployment count as
    ///   the deployment. Nil if it cannot be found.
    init(
        _ budget: PodDisruptionBudget, pods: [Pod],
        scale: (OwnerReference, _ namespace: String) throws(Problem) -> (uid: String, replicas: Int)?, now: Time
    ) throws(Problem) {
        status = budget.status
        var expected = 0
        var desired = 0
        func scaled(_ value: IntOrString, of total: Int) throws(Problem) -> Int {
            guard let result = value.scaled(of: total, roundingUp: true) else { throw Problem.badPercentage }
            return result
        }
        if let most = budget.spec.maxUnavailable {
            expected = try expectedScale(pods, scale)
            desired = max(0, expected - (try scaled(most, of: expected)))
        } else if let least = budget.spec.minAvailable {
            switch least {
            case .int(let count):
                desired = count
                expected = pods.count
            case .string:
                expected = try expectedScale(pods, scale)
                desired = try scaled(least, of: expected)
            }
        }

        let disrupted = disrupted(budget, pods, now)
        let healthy = pods.count { !$0.isBeingDeleted && disrupted[$0.name] == nil && $0.isReady }
        let allowed = expected <= 0 ? 0 : max(0, healthy - desired)
        status.currentHealthy = healthy
        status.desiredHealthy = desired
        status.expectedPods = expected
        status.disruptionsAllowed = allowed
        status.disruptedPods = disrupted
        status.observedGeneration = budget.metadata.generation
        setCondition(
            allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", "",
            budget.metadata.generation, now)
    }

    private mutating func expectedScale(
        _ pods: [Pod], _ scale: (OwnerReference, String) throws(Problem) -> (uid: String, replicas: Int)?
    ) throws(Problem) -> Int {
        var known: [String: Int] = [:]
        var asked: Set<String> = []
        for pod in pods {
            guard let controller = pod.controller else {
                unmanaged.append(pod.name)
                continue
            }
            guard asked.insert(controller.uid).inserted else { continue }
            guard let found = try scale(controller, pod.namespace) else { throw .noController(pod: pod.name) }
            known[found.uid] = found.replicas
        }
        return known.values.reduce(0, +)
    }

    private mutating func disrupted(_ budget: PodDisruptionBudget, _ pods: [Pod], _ now: Time) -> [String: Time] {
        let granted = budget.status.disruptedPods
        guard !granted.isEmpty else { return [:] }
        var remaining: [String: Time] = [:]
        for pod in pods where !pod.isBeingDeleted {
            guard let time = granted[pod.name] else { continue }
            let rest = Self.deletionTimeout - now.since(time)
            if rest < 0 {
                notDeleted.append(pod)
            } else {
                remaining[pod.name] = time
                recheckSeconds = min(recheckSeconds ?? rest, rest)
            }
        }
        return remaining
    }

    private mutating func setCondition(
        _ value: String, _ reason: String, _ message: String, _ generation: Int?, _ now: Time
    ) {
        let status = Self.withCondition(self.status, value, reason, message, generation, now)
        self.status = status
    }

    private static func withCondition(
        _ status: PodDisruptionBudgetStatus, _ value: String, _ reason: String, _ message: String, _ generation: Int?,
        _ now: Time
    ) -> PodDisruptionBudgetStatus {
        var status = status
        var condition = Condition()
        condition.type = "DisruptionAllowed"
        condition.status = value
        condition.reason = reason
        condition.message = message
        condition.observedGeneration = generation
        let current = status.conditions.first { $0.type == condition.type }
        condition.lastTransitionTime = current?.status == value ? current?.lastTransitionTime : now
        if let position = status.conditions.firstIndex(where: { $0.type == condition.type }) {
            if status.conditions[position] != condition { status.conditions[position] = condition }
        } else {
            status.conditions.append(condition)
        }
        return status
    }

    /// The status of a budget that cannot be computed: nothing may be evicted.
    static func failed(_ budget: PodDisruptionBudget, _ problem: Problem, now: Time) -> PodDisruptionBudgetStatus {
        var status = budget.status
        status.disruptionsAllowed = 0
        return withCondition(
            status, "False", "SyncFailed", "\(problem)", budget.status.observedGeneration, now)
    }
}

/// Pods that were to be disrupted and are still there: after a while nobody is coming for them any more, and their
/// condition *DisruptionTarget* must not say so (KEP-3329).
enum StaleDisruption {
    /// Seconds until the condition is to be withdrawn; nil if there is none to withdraw.
    static func secondsLeft(_ pod: Pod, now: Time) -> Double? {
        guard pod.isActive, let condition = pod.condition("DisruptionTarget"), condition.status == "True",
            // The kubelet may take its time.
            condition.reason != "TerminationByKubelet", let since = condition.lastTransitionTime
        else { return nil }
        return max(0, DisruptionBudget.deletionTimeout - now.since(since))
    }

    /// A strategic merge patch of a pod's status.
    static func withdrawal(now: Time) -> JSONValue {
        [
            "status": [
                "conditions": [
                    [
                        "type": "DisruptionTarget", "status": "False", "reason": .null, "message": .null,
                        "lastTransitionTime": now.field,
                    ]
                ]
            ]
        ]
    }
}
