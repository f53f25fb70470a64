import JSON
import KubeTypes

/// What the rules of a pod failure policy make of a failed pod (KEP-3329).
struct PodFailureVerdict: Equatable {
    /// Whether the failure counts against the limits.
    var counts = true
    /// The index is given up.
    var failsIndex = false
    /// Why the whole Job is given up.
    var jobFailure: String?

    /// The first rule that fits decides; without one the failure counts.
    init(_ policy: PodFailurePolicy?, _ pod: Pod) {
        for (number, rule) in (policy?.rules ?? []).enumerated() {
            let failure: String
            if let requirement = rule.onExitCodes {
                guard let (name, code) = Self.container(of: pod, matching: requirement) else { continue }
                failure = "Container \(name) for pod \(pod.key) failed with exit code \(code)"
            } else {
                let conditions = (pod.json[path: "status", "conditions"]?.arrayValue ?? []).map { PodCondition($0) }
                let match = conditions.first { condition in
                    rule.onPodConditions.contains {
                        $0.type == condition.type && ($0.status ?? "True") == condition.status
                    }
                }
                guard let match else { continue }
                failure = "Pod \(pod.key) has condition \(match.type)"
            }
            switch rule.action {
            case "Ignore": counts = false
            case "FailIndex": failsIndex = true
            case "FailJob": jobFailure = "\(failure) matching \(rule.action) rule at index \(number)"
            case "Count": break
            default: continue
            }
            return
        }
    }

    private static func container(
        of pod: Pod, matching requirement: PodFailurePolicyOnExitCodesRequirement
    ) -> (name: String, code: Int)? {
        for list in ["containerStatuses", "initContainerStatuses"] {
            for status in pod.json[path: "status", list]?.arrayValue ?? [] {
                guard let code = status[path: "state", "terminated", "exitCode"]?.intValue, code != 0,
                    let name = status["name"]?.stringValue,
                    requirement.containerName == nil || requirement.containerName == name
                else { continue }
                let isListed = requirement.values.contains(code)
                switch requirement.operator {
                case "In" where isListed, "NotIn" where !isListed: return (name, code)
                default: continue
                }
            }
        }
        return nil
    }
}

/// When an Indexed Job counts as successful before all its indexes are (KEP-3998).
enum JobSuccess {
    /// The message of the first rule that is met; nil if none is.
    static func message(_ policy: SuccessPolicy?, completions: Int, succeeded: JobIndexes) -> String? {
        guard let policy, !succeeded.isEmpty else { return nil }
        for (number, rule) in policy.rules.enumerated() {
            let isMet: Bool
            if let text = rule.succeededIndexes {
                let required = JobIndexes(text, below: completions)
                guard !required.isEmpty else { continue }
                let reached = required.overlap(with: succeeded)
                isMet = reached == required.count || rule.succeededCount.map { reached >= $0 } ?? false
            } else {
                isMet = rule.succeededCount.map { succeeded.count >= $0 } ?? false
            }
            if isMet { return "Matched rules at index \(number)" }
        }
        return nil
    }
}

/// How long a Job waits before it replaces failed pods: 10 s after the first failure in a row, doubling up to 10 minutes.
struct JobBackoff: Equatable {
    static let first = 10.0
    static let longest = 600.0

    /// Failures since the last success.
    var failures = 0
    var lastFailure: Time?

    /// The back-off after these pods have ended as well.
    func adding(succeeded: [Pod], failed: [Pod]) -> JobBackoff {
        guard let lastSuccess = succeeded.map(\.finishedAt).max() else {
            guard let last = failed.map(\.finishedAt).max() else { return self }
            return JobBackoff(failures: failures + failed.count, lastFailure: last)
        }
        let since = failed.map(\.finishedAt).filter { $0 > lastSuccess }
        return JobBackoff(failures: since.count, lastFailure: since.max())
    }

    /// Seconds to wait; zero or less if there is nothing to wait for.
    func remaining(at now: Time) -> Double {
        guard failures > 0, let lastFailure else { return 0 }
        return min(Self.longest, Self.first * Double(1 << min(failures - 1, 16))) - now.since(lastFailure)
    }

    /// Seconds before the pod of an index is replaced whose last one is given.
    static func remaining(after pod: Pod, at now: Time) -> Double {
        JobBackoff(failures: pod.indexFailures + pod.ignoredIndexFailures + 1, lastFailure: pod.finishedAt)
            .remaining(at: now)
    }
}
