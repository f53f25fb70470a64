import JSON

/// How the pods of jobs ended, counted apart from the job controller.
struct JobLedger {
    private struct Pods {
        var succeeded: Set<String> = []
        /// With those that were told to go before they had ended: they count as failures from then on.
        var failed: Set<String> = []
        /// Of those that succeeded, the ones that had been told to go before: they count as one or the other.
        var late: Set<String> = []
        var indexes: Set<Int> = []
    }

    private var pods: [String: Pods] = [:]
    private var over: Set<String> = []

    mutating func podChanged(_ pod: JSONValue) {
        guard pod.hasEnded || pod.isDeleting,
            let job = pod.owners.first(where: { $0["kind"]?.stringValue == "Job" })?["uid"]?.stringValue
        else { return }
        if pod.phase == "Succeeded" {
            if pods[job, default: Pods()].succeeded.insert(pod.uid).inserted, pod.isDeleting {
                pods[job]?.late.insert(pod.uid)
            }
            let index = pod[path: "metadata", "annotations", "batch.kubernetes.io/job-completion-index"]?.stringValue
            if let index = index.flatMap({ Int($0) }) { pods[job]?.indexes.insert(index) }
        } else {
            pods[job, default: Pods()].failed.insert(pod.uid)
        }
    }

    /// Returns what is wrong with a job that is over.
    mutating func jobChanged(_ job: JSONValue) -> [String] {
        let isComplete = job.condition("Complete") == "True"
        guard isComplete || job.condition("Failed") == "True", over.insert(job.uid).inserted else { return [] }
        let own = pods[job.uid] ?? Pods()
        let name = job.qualifiedName
        let completions = job.count("spec", "completions")
        let succeeded = job.count("status", "succeeded")
        var problems: [String] = []
        if job.text("spec", "completionMode") == "Indexed" {
            if isComplete, own.indexes != Set(0..<completions) {
                problems.append("job \(name) is complete with the indexes \(own.indexes.sorted()) of \(completions)")
            }
            if isComplete, succeeded != completions {
                problems.append("job \(name) is complete and counts \(succeeded) of \(completions) indexes")
            }
        } else {
            let most = own.succeeded.count
            if !(most - own.late.count...most).contains(succeeded) {
                problems.append("job \(name) counts \(succeeded) successes, and there were \(most)")
            }
            if isComplete, succeeded < completions || succeeded - own.late.count > completions {
                problems.append("job \(name) is complete with \(succeeded) of \(completions)")
            }
        }
        let limit = job.count("spec", "backoffLimit")
        if !isComplete, own.failed.count <= limit, job["spec"]?["backoffLimitPerIndex"] == nil {
            problems.append("job \(name) failed after \(own.failed.count) failures with a limit of \(limit)")
        }
        return problems
    }
}
