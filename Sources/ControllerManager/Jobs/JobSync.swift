import JSON
import KubeTypes

/// What is known of a Job when it is looked at.
struct JobObservation {
    var job: Job
    /// The pods that belong to it.
    var pods: [Pod]
    /// All creations and deletions that were ordered have been seen.
    var isCurrent = true
    /// UIDs of pods whose finalizer has been taken off, whether or not that has been seen.
    var released: Set<String> = []
    var backoff = JobBackoff()
    var now: Time
}

/// One round of work on a Job, in three steps without side effects, between which the shell acts:
///
/// 1. `init` decides what pods to create or delete (`work`).
/// 2. `settle` takes note of what became of that and computes the status in which pods that have ended are named as not
///    counted yet; it is written before their finalizers go (`release`), so that none is counted twice or never.
/// 3. `finish` counts the pods whose finalizers are off, and ends the Job if it is done.
struct JobSync {
    /// The most pods to create or delete in a round, and the most that are named as not counted yet.
    static let burst = 500

    enum Work: Equatable {
        case none
        /// The Job is over: its pods go, and are counted as they go.
        case end([Pod])
        /// Pods that are too many go without being counted.
        case remove([Pod])
        /// Pods to create, each with its index in an Indexed Job.
        case create([Int?])
    }

    struct Notice: Equatable {
        var isWarning = false
        var reason: String
        var message: String
    }

    private let job: Job
    private let pods: [Pod]
    private let active: [Pod]
    private let released: Set<String>
    private let isCurrent: Bool
    private let now: Time
    private let succeeded: Int
    private let failed: Int
    private let previousIndexes: JobIndexes
    private let indexes: JobIndexes
    private let failedIndexes: JobIndexes?
    /// The newest failed pod of each index that waits for its replacement, which takes over its count of failures.
    private(set) var replaced: [Int: Pod] = [:]
    /// Pods that are not terminal and on their way out.
    private var terminating: Int
    private var ready: Int
    /// The condition with which the Job is to end.
    private var verdict: JobCondition?
    private var isManaged = false
    private var tracked: Set<String> = []
    private var hasMore = false

    private(set) var work = Work.none
    private(set) var backoff: JobBackoff
    /// The status to write.
    private(set) var status: JobStatus
    /// Pods whose finalizers may go once the status is written.
    private(set) var release: [Pod] = []
    private(set) var notices: [Notice] = []
    /// Seconds after which the Job is to be looked at even if nothing happens.
    private(set) var recheckSeconds: Double?

    // MARK: 1. What to do

    init(_ seen: JobObservation) {
        let job = seen.job
        (self.job, pods, released, isCurrent, now) = (job, seen.pods, seen.released, seen.isCurrent, seen.now)
        status = job.status
        let uncounted = status.uncountedTerminatedPods ?? UncountedTerminatedPods()
        status.uncountedTerminatedPods = uncounted
        active = pods.filter(\.isActive)
        ready = active.count(where: \.isReady)
        terminating = pods.count(where: \.isTerminating)

        let (succeededBefore, failedBefore) = (Set(uncounted.succeeded), Set(uncounted.failed))
        let fresh = pods.filter { Self.isCountable($0, job, seen.released) }
        let newSucceeded = fresh.filter { $0.phase == "Succeeded" && !succeededBefore.contains($0.uid) }
        let newFailed = fresh.filter {
            $0.hasFailed(onlyIfTerminal: job.replacesOnlyFailed) && !failedBefore.contains($0.uid)
        }
        let verdicts = newFailed.map { PodFailureVerdict(job.spec.podFailurePolicy, $0) }
        failed = (status.failed ?? 0) + verdicts.count(where: \.counts) + failedBefore.count
        backoff = seen.backoff.adding(succeeded: newSucceeded, failed: newFailed)
        if status.startTime == nil, !job.isSuspended { status.startTime = now }

        if job.isIndexed {
            let completions = job.completions ?? 0
            previousIndexes = JobIndexes(status.completedIndexes ?? "", below: completions)
            let news = pods.filter { $0.phase == "Succeeded" && $0.isTracked }.compactMap(\.completionIndex)
            indexes = previousIndexes.union(JobIndexes(news.filter { $0 < completions }))
            succeeded = indexes.count
            failedIndexes = Self.failedIndexes(job, pods)
        } else {
            (previousIndexes, indexes, failedIndexes) = (JobIndexes(), JobIndexes(), nil)
            succeeded = (status.succeeded ?? 0) + newSucceeded.count + succeededBefore.count
        }
        if job.isIndexed, job.spec.backoffLimitPerIndex != nil { replaced = awaitingReplacement(fresh) }

        verdict = judge()
        if verdict != nil {
            work = active.isEmpty ? .none : .end(active)
        } else if isCurrent, !job.isBeingDeleted {
            isManaged = true
            manage()
        }
    }

    /// Whether the end of a pod is still to be counted.
    private static func isCountable(_ pod: Pod, _ job: Job, _ released: Set<String>) -> Bool {
        guard pod.isTracked, !released.contains(pod.uid) else { return false }
        guard job.isIndexed else { return true }
        return pod.completionIndex.map { $0 < job.completions ?? 0 } ?? false
    }

    /// The indexes that are given up; nil unless failures are counted by index.
    private static func failedIndexes(_ job: Job, _ pods: [Pod]) -> JobIndexes? {
        guard let limit = job.spec.backoffLimitPerIndex else { return nil }
        let completions = job.completions ?? 0
        let news = pods.compactMap { pod -> Int? in
            guard let index = pod.completionIndex, index < completions, pod.isTracked,
                pod.hasFailed(onlyIfTerminal: job.replacesOnlyFailed)
            else { return nil }
            let verdict = PodFailureVerdict(job.spec.podFailurePolicy, pod)
            return verdict.failsIndex || verdict.counts && pod.indexFailures >= limit ? index : nil
        }
        return JobIndexes(job.status.failedIndexes ?? "", below: completions).union(JobIndexes(news))
    }

    private func awaitingReplacement(_ fresh: [Pod]) -> [Int: Pod] {
        let busy = Set(active.compactMap(\.completionIndex))
        var waiting: [Int: Pod] = [:]
        for pod in fresh where pod.hasFailed(onlyIfTerminal: job.replacesOnlyFailed) {
            guard let index = pod.completionIndex, !indexes.contains(index),
                failedIndexes?.contains(index) != true, !busy.contains(index)
            else { continue }
            if let other = waiting[index] {
                let (count, otherCount) = (
                    pod.indexFailures + pod.ignoredIndexFailures, other.indexFailures + other.ignoredIndexFailures
                )
                guard count >= otherCount, pod.finishedAt >= other.finishedAt else { continue }
            }
            waiting[index] = pod
        }
        return waiting
    }

    /// Whether the Job is to end, and how. What was decided before stands; failure goes before success.
    private mutating func judge() -> JobCondition? {
        if let met = status.holding("SuccessCriteriaMet") { return met }
        if let target = status.holding("FailureTarget") {
            return JobCondition("Failed", reason: target.reason, message: target.message, now: now)
        }
        func failure(_ reason: String, _ message: String) -> JobCondition {
            JobCondition("FailureTarget", reason: reason, message: message, now: now)
        }
        if job.spec.podFailurePolicy != nil {
            for pod in pods where pod.hasFailed(onlyIfTerminal: job.replacesOnlyFailed) {
                if let message = PodFailureVerdict(job.spec.podFailurePolicy, pod).jobFailure {
                    return failure("PodFailurePolicy", message)
                }
            }
        }
        if failed > job.backoffLimit || hasRestartedTooOften {
            return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
        if let deadline = job.spec.activeDeadlineSeconds, let start = status.startTime, !job.isSuspended {
            let left = Double(deadline) - now.since(start)
            if left <= 0 {
                return failure("DeadlineExceeded", "Job was active longer than specified deadline")
            }
            recheckSeconds = left
        }
        guard job.isIndexed else { return nil }
        let completions = job.completions ?? 0
        if let failedIndexes {
            if let most = job.spec.maxFailedIndexes, failedIndexes.count > most {
                return failure(
                    "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
            }
            if !failedIndexes.isEmpty, failedIndexes.count + indexes.count >= completions {
                return failure("FailedIndexes", "Job has failed indexes")
            }
        }
        return JobSuccess.message(job.spec.successPolicy, completions: completions, succeeded: indexes).map {
            JobCondition("SuccessCriteriaMet", reason: "SuccessPolicy", message: $0, now: now)
        }
    }

    /// Where containers restart in place, their restarts count as failures.
    private var hasRestartedTooOften: Bool {
        guard job.spec.template.spec.restartPolicy == "OnFailure" else { return false }
        let restarts = pods.filter { $0.phase == "Running" || $0.phase == "Pending" }.reduce(0) {
            $0 + $1.totalRestarts
        }
        return job.backoffLimit == 0 ? restarts > 0 : restarts >= job.backoffLimit
    }

    private mutating func manage() {
        if job.isSuspended {
            let surplus = surplus(atLeast: active.count)
            work = surplus.isEmpty ? .none : .remove(surplus)
            return
        }
        let wanted: Int
        if let completions = job.completions {
            wanted = max(0, min(completions - succeeded, job.parallelism))
        } else {
            wanted = succeeded > 0 ? active.count : job.parallelism
        }
        let surplus = surplus(atLeast: max(0, active.count - wanted))
        if !surplus.isEmpty {
            work = .remove(Array(surplus.prefix(Self.burst)))
            return
        }
        let missing = min(wanted - active.count - (job.replacesOnlyFailed ? terminating : 0), Self.burst)
        guard missing > 0 else { return }
        guard job.isIndexed else {
            if isBackingOff { return }
            work = .create(Array(repeating: nil, count: missing))
            return
        }
        if job.spec.backoffLimitPerIndex == nil, isBackingOff { return }
        var pending = pendingIndexes(missing)
        if job.spec.backoffLimitPerIndex != nil {
            let delays = pending.map { index in replaced[index].map { JobBackoff.remaining(after: $0, at: now) } ?? 0 }
            let due = zip(pending, delays).filter { $0.1 <= 0 }.map(\.0)
            if due.isEmpty, let first = delays.min() { recheck(in: first) }
            if due.count < pending.count, let next = delays.filter({ $0 > 0 }).min() { recheck(in: next) }
            pending = due
        }
        work = pending.isEmpty ? .none : .create(pending)
    }

    private mutating func recheck(in seconds: Double) { recheckSeconds = min(recheckSeconds ?? seconds, seconds) }

    private var isBackingOff: Bool {
        mutating get {
            let remaining = backoff.remaining(at: now)
            guard remaining > 0 else { return false }
            recheck(in: remaining)
            return true
        }
    }

    private func pendingIndexes(_ count: Int) -> [Int] {
        var taken = indexes.union(JobIndexes(active.compactMap(\.completionIndex)))
        if job.replacesOnlyFailed {
            taken = taken.union(JobIndexes(pods.filter(\.isTerminating).compactMap(\.completionIndex)))
        }
        if let failedIndexes { taken = taken.union(failedIndexes) }
        return taken.firstMissing(count, below: job.completions ?? 0)
    }

    /// Pods to remove: in an Indexed Job those without a valid index and all but one of each index, and then as many more
    /// as it takes, the least advanced first.
    private func surplus(atLeast count: Int) -> [Pod] {
        var gone: [Pod] = []
        var kept = active
        if job.isIndexed {
            kept = []
            let completions = job.completions ?? 0
            for (index, same) in Dictionary(grouping: active, by: { $0.completionIndex ?? -1 }).sorted(by: {
                $0.key < $1.key
            }) {
                if index < 0 || index >= completions {
                    gone += same
                } else {
                    let doomed = DeletionRanking.choose(same.count - 1, of: same, related: [], now: now)
                    let names = Set(doomed.map(\.uid))
                    gone += doomed
                    kept += same.filter { !names.contains($0.uid) }
                }
            }
        }
        if gone.count < count {
            gone += DeletionRanking.choose(count - gone.count, of: kept, related: [], now: now)
        }
        return gone
    }

    // MARK: 2. What has ended

    /// - Parameters:
    ///   - deleted: The pods that were deleted, of those that `work` named.
    ///   - created: How many pods were created.
    mutating func settle(deleted: [Pod] = [], created: Int = 0) {
        terminating += deleted.count
        ready -= deleted.count(where: \.isReady)
        let left = active.count - deleted.count + created
        if verdict != nil {
            // There may be pods that hold the Job open, or that the cache does not know.
            if left > 0 || !isCurrent { verdict = nil }
        } else {
            let isDone = job.completions.map { succeeded >= $0 } ?? (succeeded > 0)
            if isDone, left == 0 {
                verdict = JobCondition(
                    "SuccessCriteriaMet", reason: "CompletionsReached",
                    message: "Reached expected number of succeeded pods", now: now)
            } else if isManaged {
                noteSuspension()
            }
        }
        status.active = left == 0 ? nil : left
        status.ready = ready
        status.terminating = terminating
        collect()
        switch verdict?.type {
        case "FailureTarget":
            verdict.map { status.conditions.append($0) }
            conclude("Failed")
        case "SuccessCriteriaMet":
            if status.holding("SuccessCriteriaMet") == nil { verdict.map { status.conditions.append($0) } }
            conclude("Complete")
        default: break
        }
    }

    private mutating func conclude(_ type: String) {
        verdict = JobCondition(type, reason: verdict?.reason, message: verdict?.message, now: now)
    }

    private mutating func noteSuspension() {
        if job.isSuspended {
            guard status.ensure(JobCondition("Suspended", reason: "JobSuspended", message: "Job suspended", now: now))
            else { return }
            status.startTime = nil
            notices.append(Notice(reason: "Suspended", message: "Job suspended"))
        } else {
            let resumed = JobCondition("Suspended", "False", reason: "JobResumed", message: "Job resumed", now: now)
            guard status.ensure(resumed) else { return }
            // The deadline counts the time that the Job has been active without a break.
            status.startTime = now
            notices.append(Notice(reason: "Resumed", message: "Job resumed"))
        }
    }

    /// Finds the pods that have ended, names them in the status, and lets their finalizers go after that.
    private mutating func collect() {
        let completions = job.completions ?? 0
        let ordered =
            job.isIndexed ? pods.sorted { ($0.completionIndex ?? -1) < ($1.completionIndex ?? -1) } : pods
        tracked = Set(pods.filter { $0.isTracked && !released.contains($0.uid) }.map(\.uid))
        let before = status.uncountedTerminatedPods ?? UncountedTerminatedPods()
        let (succeededBefore, failedBefore) = (Set(before.succeeded), Set(before.failed))
        count()
        var uncounted = status.uncountedTerminatedPods ?? UncountedTerminatedPods()
        var (succeededNow, failedNow) = (uncounted.succeeded, uncounted.failed)
        var newIndexes = 0
        for pod in ordered where tracked.contains(pod.uid) {
            let hasFailed = pod.hasFailed(onlyIfTerminal: job.replacesOnlyFailed)
            guard mayRelease(pod, hasFailed) else { continue }
            release.append(pod)
            let index = pod.completionIndex.flatMap { $0 < completions ? $0 : nil }
            if pod.phase == "Succeeded", !failedBefore.contains(pod.uid) {
                if !job.isIndexed {
                    if !succeededBefore.contains(pod.uid) { succeededNow.append(pod.uid) }
                } else if let index, !previousIndexes.contains(index) {
                    newIndexes += 1
                }
            } else if hasFailed || verdict.map({ $0.type != "SuccessCriteriaMet" }) ?? false {
                // A Job that ends in failure counts all its unfinished pods as failed.
                if !failedBefore.contains(pod.uid), !job.isIndexed || index != nil,
                    PodFailureVerdict(job.spec.podFailurePolicy, pod).counts
                {
                    failedNow.append(pod.uid)
                }
            }
            if newIndexes + succeededNow.count + failedNow.count >= Self.burst {
                hasMore = true
                break
            }
        }
        uncounted.succeeded = succeededNow
        uncounted.failed = failedNow
        status.uncountedTerminatedPods = uncounted
        if job.isIndexed {
            status.succeeded = indexes.isEmpty ? nil : indexes.count
            status.completedIndexes = indexes.isEmpty ? nil : indexes.description
            if let failedIndexes { status.failedIndexes = failedIndexes.description }
        }
    }

    private func mayRelease(_ pod: Pod, _ hasFailed: Bool) -> Bool {
        if job.isBeingDeleted || verdict != nil || pod.phase == "Succeeded" { return true }
        guard hasFailed else { return false }
        return pod.completionIndex.flatMap { replaced[$0] }?.uid != pod.uid
    }

    /// Moves pods whose finalizers are gone from the list of those not counted into the counters.
    private mutating func count() {
        guard var uncounted = status.uncountedTerminatedPods else { return }
        let succeeded = uncounted.succeeded.filter(tracked.contains)
        let failed = uncounted.failed.filter(tracked.contains)
        let (done, broken) = (uncounted.succeeded.count - succeeded.count, uncounted.failed.count - failed.count)
        if done > 0 { status.succeeded = (status.succeeded ?? 0) + done }
        if broken > 0 { status.failed = (status.failed ?? 0) + broken }
        (uncounted.succeeded, uncounted.failed) = (succeeded, failed)
        status.uncountedTerminatedPods = uncounted
    }

    // MARK: 3. The end

    /// - Parameters:
    ///   - written: The status as it was written after `settle`.
    ///   - freed: UIDs of the pods whose finalizers are off now.
    ///   - isComplete: Whether no finalizer of `release` was left on.
    mutating func finish(written: JobStatus, freed: Set<String>, isComplete: Bool) {
        status = written
        notices = []
        tracked.subtract(freed)
        count()
        guard isComplete, !hasMore, let verdict, terminating == 0,
            let uncounted = status.uncountedTerminatedPods, uncounted.succeeded.isEmpty, uncounted.failed.isEmpty
        else { return }
        _ = status.ensure(verdict)
        if verdict.type == "Complete" {
            status.completionTime = verdict.lastTransitionTime
            if let completions = job.completions, (status.succeeded ?? 0) > completions {
                notices.append(
                    Notice(
                        isWarning: true, reason: "TooManySucceededPods",
                        message: "Too many succeeded pods running after completion count reached"))
            }
            notices.append(Notice(reason: "Completed", message: "Job completed"))
        } else {
            notices.append(Notice(isWarning: true, reason: verdict.reason ?? "", message: verdict.message ?? ""))
        }
    }
}
