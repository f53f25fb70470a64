import JSON
import KubeTypes

/// What a CronJob has to do next, computed from it, its Jobs and the time alone.
struct CronJobPlan {
    struct Notice: Equatable {
        var isWarning = false
        var reason: String
        var message: String
    }

    /// Work is looked at a little after the time that is due, lest a clock that lags makes it too early.
    private static let margin = 0.1
    private static let manyMissed = 100
    static let scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp"

    /// Finished Jobs beyond what is to be kept.
    private(set) var outdated: [Job] = []
    /// Running Jobs in whose place the new one comes.
    private(set) var replaced: [ObjectReference] = []
    private(set) var create: Job?
    /// The time for which `create` is.
    private(set) var scheduled: Time?
    private(set) var status: CronJobStatus
    private(set) var notices: [Notice] = []
    /// Seconds until there is something to do again; nil if only a change brings that.
    private(set) var recheckSeconds: Double?

    /// - Parameters:
    ///   - jobs: Those that the CronJob controls.
    ///   - missing: UIDs of Jobs in `status.active` that the API server does not have.
    ///   - zone: The zones by name; nil for those that are not known.
    init(
        _ cron: CronJob, jobs: [Job], missing: Set<String>, zone: (String) -> TimeZoneFile?, now: Time
    ) {
        status = cron.status
        tidy(cron, jobs)
        look(at: jobs, missing)
        if !cron.isBeingDeleted { decide(cron, zone, now) }
    }

    private mutating func decide(_ cron: CronJob, _ zone: (String) -> TimeZoneFile?, _ now: Time) {
        let schedule: CronSchedule
        let place: TimeZoneFile
        do {
            guard let found = try Self.read(cron, zone, &notices) else { return }
            (schedule, place) = found
        } catch {
            notices.append(
                Notice(
                    isWarning: true, reason: "UnparseableSchedule",
                    message: "unparseable schedule: \"\(cron.spec.schedule)\" : \(error)"))
            return
        }
        recheckSeconds = Self.secondsToNext(cron, schedule, place, now)
        let missed = Self.lastMissed(cron, schedule, place, now, withDeadline: true)
        if missed.isImpossible {
            recheckSeconds = nil
            notices.append(
                Notice(
                    isWarning: true, reason: "InvalidSchedule",
                    message: "invalid schedule: \(cron.spec.schedule) : "
                        + "time difference between two schedules is less than 1 second"))
            return
        }
        guard let due = missed.time else { return }
        if missed.count > Self.manyMissed {
            notices.append(
                Notice(
                    isWarning: true, reason: "TooManyMissedTimes",
                    message: "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
                        + "clock skew"))
        }
        if let deadline = cron.spec.startingDeadlineSeconds, due.adding(seconds: deadline) < now {
            notices.append(
                Notice(
                    isWarning: true, reason: "MissSchedule",
                    message: "Missed scheduled time to start a job: \(Self.mailDate(due))"))
            return
        }
        let name = "\(cron.name)-\(due.seconds / 60)"
        let isStarted = status.active.contains { $0.name == name && ($0.namespace ?? cron.namespace) == cron.namespace }
        if isStarted || status.lastScheduleTime?.seconds == due.seconds { return }
        switch cron.spec.concurrencyPolicy {
        case "Forbid" where !status.active.isEmpty:
            notices.append(
                Notice(
                    reason: "JobAlreadyActive",
                    message: "Not starting job because prior execution is running and concurrency policy is Forbid"))
            return
        case "Replace":
            replaced = status.active
            status.active = []
        default: break
        }
        create = Self.job(of: cron, named: name, at: due, place)
        scheduled = due
    }

    // MARK: What is there

    private mutating func tidy(_ cron: CronJob, _ jobs: [Job]) {
        for (type, limit) in [
            ("Complete", cron.spec.successfulJobsHistoryLimit), ("Failed", cron.spec.failedJobsHistoryLimit),
        ] {
            guard let limit else { continue }
            let ended = jobs.filter { $0.end?.type == type }.sorted(by: Self.startedEarlier)
            outdated += ended.prefix(max(0, ended.count - limit))
        }
    }

    private static func startedEarlier(_ left: Job, _ right: Job) -> Bool {
        guard let first = left.status.startTime, let second = right.status.startTime, first != second else {
            if (left.status.startTime == nil) != (right.status.startTime == nil) {
                return right.status.startTime == nil
            }
            return left.name < right.name
        }
        return first < second
    }

    private mutating func look(at jobs: [Job], _ missing: Set<String>) {
        for job in jobs.sorted(by: { $0.name < $1.name }) {
            let isActive = status.active.contains { $0.uid == job.uid }
            guard let end = job.end else {
                if !isActive {
                    notices.append(
                        Notice(
                            isWarning: true, reason: "UnexpectedJob",
                            message: "Saw a job that the controller did not create or forgot: \(job.name)"))
                }
                continue
            }
            if isActive {
                status.active.removeAll { $0.uid == job.uid }
                notices.append(
                    Notice(
                        reason: "SawCompletedJob", message: "Saw completed job: \(job.name), condition: \(end.type)"))
            }
            if end.type == "Complete", let time = job.status.completionTime,
                status.lastSuccessfulTime.map({ time > $0 }) ?? true
            {
                status.lastSuccessfulTime = time
            }
        }
        for reference in status.active where missing.contains(reference.uid ?? "") {
            notices.append(Notice(reason: "MissingJob", message: "Active job went missing: \(reference.name ?? "")"))
        }
        status.active.removeAll { missing.contains($0.uid ?? "") }
    }

    // MARK: What is due

    /// The schedule and whose clocks it goes by; nil if nothing is to be started now.
    private static func read(
        _ cron: CronJob, _ zone: (String) -> TimeZoneFile?, _ notices: inout [Notice]
    ) throws(CronSchedule.Problem) -> (CronSchedule, TimeZoneFile)? {
        var place = TimeZoneFile.utc
        if let name = cron.spec.timeZone {
            guard let found = zone(name) else {
                notices.append(
                    Notice(
                        isWarning: true, reason: "UnknownTimeZone",
                        message: "invalid timeZone: \"\(name)\": unknown time zone \(name)"))
                return nil
            }
            place = found
        }
        if cron.spec.suspend == true { return nil }
        let text = cron.spec.schedule
        if text.contains("TZ") {
            notices.append(
                Notice(
                    isWarning: true, reason: "UnsupportedSchedule",
                    message: "CRON_TZ or TZ used in schedule \"\(text)\" is not officially supported, see "
                        + "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"))
        }
        let schedule = try CronSchedule(text)
        if let name = CronSchedule.zone(in: text), let found = zone(name) { place = found }
        return (schedule, place)
    }

    private struct Missed {
        /// Where the search began: the last time that was dealt with.
        var since: Time
        /// The last time that is due; nil if none is.
        var time: Time?
        var count: Int64 = 0
        /// The schedule never comes up.
        var isImpossible = false
    }

    /// The latest of the times that have come up since the last one that was dealt with. How many there are is reckoned
    /// from the distance of the first two: after a long sleep there may be more than can be counted out.
    private static func lastMissed(
        _ cron: CronJob, _ schedule: CronSchedule, _ zone: TimeZoneFile, _ now: Time, withDeadline: Bool
    ) -> Missed {
        var since = cron.status.lastScheduleTime ?? cron.metadata.creationTimestamp ?? now
        if withDeadline, let deadline = cron.spec.startingDeadlineSeconds {
            since = max(since, now.adding(seconds: -deadline))
        }
        var missed = Missed(since: since)
        guard let first = schedule.next(after: since, in: zone) else {
            missed.isImpossible = true
            return missed
        }
        if now < first { return missed }
        missed.time = first
        guard let second = schedule.next(after: first, in: zone), second <= now else { return missed }
        let distance = second.seconds - first.seconds
        missed.count = (now.seconds - first.seconds) / distance + 1
        missed.time = nil
        var next = schedule.next(after: first.adding(seconds: Int((missed.count - 2) * distance)), in: zone)
        while let time = next, time <= now {
            missed.time = time
            next = schedule.next(after: time, in: zone)
        }
        return missed
    }

    private static func secondsToNext(
        _ cron: CronJob, _ schedule: CronSchedule, _ zone: TimeZoneFile, _ now: Time
    ) -> Double? {
        let missed = lastMissed(cron, schedule, zone, now, withDeadline: false)
        let from = missed.time ?? (missed.count == 0 && !missed.isImpossible ? missed.since : now)
        return schedule.next(after: from, in: zone).map { max(0, $0.since(now)) + margin }
    }

    // MARK: What is made

    private static func job(of cron: CronJob, named name: String, at time: Time, _ zone: TimeZoneFile) -> Job {
        let template = cron.spec.jobTemplate ?? JobTemplateSpec()
        var job = Job(name: name, namespace: cron.namespace)
        job.metadata.labels = template.metadata.labels
        job.metadata.annotations = template.metadata.annotations
        job.metadata.annotations[scheduledAnnotation] = time.description(in: zone)
        job.metadata.ownerReferences = [ControllerRef.make(to: cron)]
        job.spec = template.spec
        return job
    }

    /// `Mon, 02 Jan 2006 15:04:05 +0000`.
    private static func mailDate(_ time: Time) -> String {
        let date = CivilDate(seconds: time.seconds)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][date.weekday]
        let month = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ][date.month - 1]
        return "\(weekday), \(two(date.day)) \(month) \(date.year) \(two(date.hour)):\(two(date.minute)):"
            + "\(two(date.second)) +0000"
    }
}

extension CronJobStatus {
    /// A reference to a Job that runs.
    static func reference(to job: Job) -> ObjectReference {
        var reference = ObjectReference()
        reference.apiVersion = Job.type.apiVersion
        reference.kind = Job.type.kind
        reference.name = job.name
        reference.namespace = job.namespace
        reference.uid = job.uid
        reference.resourceVersion = job.resourceVersion
        return reference
    }
}
