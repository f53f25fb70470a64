import JSON
import KubeTypes

/// What the job controller reads from Jobs and their pods, with the API's defaults.
extension Job {
    /// The value of `managedBy` that means this controller.
    static let controllerName = "kubernetes.io/job-controller"

    var isIndexed: Bool { spec.completionMode == "Indexed" }
    var isSuspended: Bool { spec.suspend ?? false }
    var parallelism: Int { spec.parallelism ?? 1 }
    /// Nil where one success is enough, whenever all pods have finished.
    var completions: Int? { spec.completions }
    var backoffLimit: Int { spec.backoffLimit ?? 6 }
    var isManagedElsewhere: Bool { spec.managedBy.map { $0 != Self.controllerName } ?? false }

    /// Whether a pod is replaced only once it has failed, and not as soon as it is terminating.
    var replacesOnlyFailed: Bool { spec.podReplacementPolicy == "Failed" || spec.podFailurePolicy != nil }

    /// The condition with which the Job has ended, if it has.
    var end: JobCondition? {
        status.conditions.first { ($0.type == "Complete" || $0.type == "Failed") && $0.status == "True" }
    }
}

extension JobStatus {
    /// The condition of this type, if it is true.
    func holding(_ type: String) -> JobCondition? { conditions.first { $0.type == type && $0.status == "True" } }

    /// Appends or changes a condition; one that is not there does not become false.
    /// - Returns: Whether anything has changed.
    mutating func ensure(_ condition: JobCondition) -> Bool {
        guard let position = conditions.firstIndex(where: { $0.type == condition.type }) else {
            if condition.status == "False" { return false }
            conditions.append(condition)
            return true
        }
        let current = conditions[position]
        if current.status == condition.status, current.reason == condition.reason, current.message == condition.message
        {
            return false
        }
        conditions[position] = condition
        return true
    }
}

extension JobCondition {
    init(_ type: String, _ status: String = "True", reason: String?, message: String?, now: Time) {
        self.init()
        self.type = type
        self.status = status
        lastProbeTime = now
        lastTransitionTime = now
        self.reason = reason
        self.message = message
    }
}

/// Names that pods of Jobs carry.
enum JobPodMark {
    /// Holds a pod until it has been counted.
    static let finalizer = "batch.kubernetes.io/job-tracking"
    /// Annotation and label.
    static let index = "batch.kubernetes.io/job-completion-index"
    static let failureCount = "batch.kubernetes.io/job-index-failure-count"
    static let ignoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count"
    static let indexVariable = "JOB_COMPLETION_INDEX"
}

extension Pod {
    var isTracked: Bool { metadata.finalizers.contains(JobPodMark.finalizer) }

    /// The pod's place in an Indexed Job; nil without one that can be read.
    var completionIndex: Int? {
        annotations[JobPodMark.index].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private func count(_ annotation: String) -> Int {
        annotations[annotation].flatMap { Int32($0) }.map { max(0, Int($0)) } ?? 0
    }

    /// How many pods of its index failed before it, as far as failures count.
    var indexFailures: Int { count(JobPodMark.failureCount) }
    /// Those that the pod failure policy ignored.
    var ignoredIndexFailures: Int { count(JobPodMark.ignoredFailureCount) }

    var isTerminating: Bool { isBeingDeleted && !isTerminal }

    /// Whether the pod counts as failed in a Job.
    /// - Parameter onlyIfTerminal: A pod on its way out is no failure yet.
    func hasFailed(onlyIfTerminal: Bool) -> Bool {
        if phase == "Failed" { return true }
        return !onlyIfTerminal && isBeingDeleted && phase != "Succeeded"
    }

    /// When the pod ended: when its last container did, else when it ceased to be ready, else when its deletion was
    /// asked for.
    var finishedAt: Time {
        if let last = lastContainerEnd { return last }
        if let ready = condition("Ready"), ready.status == "False", let since = ready.lastTransitionTime {
            return since
        }
        if let deleted = metadata.deletionTimestamp {
            return deleted.adding(seconds: -(metadata.deletionGracePeriodSeconds ?? 0))
        }
        return metadata.creationTimestamp ?? Time(seconds: 0)
    }

    /// Nil while a container runs.
    private var lastContainerEnd: Time? {
        let sidecars = (json[path: "spec", "initContainers"]?.arrayValue ?? [])
            .filter { $0["restartPolicy"]?.stringValue == "Always" }.compactMap { $0["name"]?.stringValue }
        let statuses =
            (json[path: "status", "containerStatuses"]?.arrayValue ?? [])
            + (json[path: "status", "initContainerStatuses"]?.arrayValue ?? [])
            .filter { sidecars.contains($0["name"]?.stringValue ?? "") }
        var last: Time?
        for status in statuses {
            guard let text = status[path: "state", "terminated", "finishedAt"]?.stringValue, let end = Time(text) else {
                return nil
            }
            last = max(last ?? end, end)
        }
        return last
    }

    /// Restarts of all containers.
    var totalRestarts: Int {
        ["initContainerStatuses", "containerStatuses"].reduce(0) { sum, list in
            (json[path: "status", list]?.arrayValue ?? []).reduce(sum) { $0 + ($1["restartCount"]?.intValue ?? 0) }
        }
    }
}
