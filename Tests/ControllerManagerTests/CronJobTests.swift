import JSON
import KubeTypes
import Testing

@testable import ControllerManager

private func cron(
    _ schedule: String, created: String = "2027-01-15T08:00:30Z", last: String? = nil, spec: JSONValue = [:],
    active: [JSONValue] = []
) throws -> CronJob {
    var cron = CronJob(name: "tick", namespace: "default")
    cron.metadata.uid = "uid-cron"
    cron.metadata.creationTimestamp = Time(created)
    var all = spec
    all["schedule"] = .string(schedule)
    all["jobTemplate"] = [
        "metadata": ["labels": ["a": "b"]], "spec": ["template": ["spec": ["restartPolicy": "OnFailure"]]],
    ]
    cron.spec = CronJobSpec(all)
    if let last { cron.status.lastScheduleTime = Time(last) }
    cron.status.active = active.map { ObjectReference($0) }
    return cron
}

private func child(_ name: String, end: String? = nil, started: Int = 0) -> Job {
    var job = Job(name: name, namespace: "default")
    job.metadata.uid = "uid-\(name)"
    job.status.startTime = start.adding(seconds: started)
    if let end {
        job.status.conditions = [JobCondition(end, reason: nil, message: nil, now: start)]
        if end == "Complete" { job.status.completionTime = start.adding(seconds: started + 5) }
    }
    return job
}

private func plan(_ cron: CronJob, at time: String, jobs: [Job] = [], missing: Set<String> = []) throws -> CronJobPlan {
    CronJobPlan(cron, jobs: jobs, missing: missing, zone: { TimeZoneFile($0) }, now: try #require(Time(time)))
}

@Suite struct CronScheduleTests {
    @Test(arguments: [
        ("* * * * *", "2027-01-15T08:00:30Z", "2027-01-15T08:01:00Z"),
        ("*/15 * * * *", "2027-01-15T08:45:00Z", "2027-01-15T09:00:00Z"),
        ("0 0 1 1 *", "2027-01-15T08:00:30Z", "2028-01-01T00:00:00Z"),
        ("0 12 * * 1-5", "2027-01-15T12:00:00Z", "2027-01-18T12:00:00Z"),
        ("0 12 13 * 5", "2027-01-11T12:00:00Z", "2027-01-13T12:00:00Z"),
        ("0 0 29 2 *", "2027-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("@hourly", "2027-12-31T23:30:00Z", "2028-01-01T00:00:00Z"),
        ("@every 90s", "2027-01-15T08:00:30Z", "2027-01-15T08:02:00Z"),
    ])
    func nextTimes(_ schedule: String, _ from: String, _ next: String) throws {
        #expect(try CronSchedule(schedule).next(after: #require(Time(from)))?.description == next)
    }

    @Test func impossibleDaysNeverCome() throws {
        #expect(try CronSchedule("59 23 31 2 *").next(after: start) == nil)
    }

    @Test(arguments: [
        // Summer time begins on 28 March 2027 at 02:00 and ends on 31 October at 03:00.
        ("0 8 * * *", "2027-03-27T07:00:00Z", "2027-03-28T06:00:00Z"),
        ("30 2 * * *", "2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z"),
        ("30 2 * * *", "2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"),
        ("0 0 * * *", "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"),
    ])
    func clocksOfBerlin(_ schedule: String, _ from: String, _ next: String) throws {
        let berlin = try #require(TimeZoneFile("Europe/Berlin"))
        #expect(try CronSchedule(schedule).next(after: #require(Time(from)), in: berlin)?.description == next)
    }

    @Test func unknownZonesAreNone() {
        for name in ["Mars/Olympus", "../passwd", "/etc/passwd", "America"] { #expect(TimeZoneFile(name) == nil) }
    }

    @Test func everyTimeMatchesAndNoneIsLeftOut() throws {
        var random = SeededGenerator(seed: 3)
        let zone = try #require(TimeZoneFile("America/New_York"))
        for text in ["7 * * * *", "*/20 3-5 * * *", "0 0 1,15 * 2", "30 1 * 3,11 *"] {
            let schedule = try CronSchedule(text)
            for _ in 0..<10 {
                let from = Time(seconds: start.seconds + Int64.random(in: 0..<30_000_000, using: &random))
                let next = try #require(schedule.next(after: from, in: zone))
                func matches(_ seconds: Int64) -> Bool {
                    let date = CivilDate(seconds: seconds + zone.offset(at: seconds))
                    let day = schedule.days & 1 << UInt64(date.day) != 0
                    let weekday = schedule.weekdays & 1 << UInt64(date.weekday) != 0
                    return date.second == 0 && schedule.minutes & 1 << UInt64(date.minute) != 0
                        && schedule.hours & 1 << UInt64(date.hour) != 0
                        && schedule.months & 1 << UInt64(date.month) != 0
                        && (schedule.anyDay || schedule.anyWeekday ? day && weekday : day || weekday)
                }
                #expect(matches(next.seconds))
                var minute = (from.seconds / 60 + 1) * 60
                // All minutes of the last two days before are none of the schedule's.
                minute = max(minute, next.seconds - 2 * 86400)
                while minute < next.seconds {
                    #expect(!matches(minute))
                    minute += 60
                }
            }
        }
    }
}

@Suite struct CronJobPlanTests {
    @Test func nothingIsDueBeforeTheTime() throws {
        let plan = try plan(cron("*/5 * * * *"), at: "2027-01-15T08:03:00Z")
        #expect(plan.create == nil && abs((plan.recheckSeconds ?? 0) - 120.1) < 0.001)
    }

    @Test func aJobIsNamedAfterItsMinute() throws {
        let plan = try plan(cron("*/5 * * * *", spec: ["timeZone": "Asia/Tokyo"]), at: "2027-01-15T08:05:01Z")
        let job = try #require(plan.create)
        #expect(job.name == "tick-30000005" && job.labels == ["a": "b"])
        #expect(job.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2027-01-15T17:05:00+09:00")
        #expect(job.controller?.uid == "uid-cron")
        #expect(plan.scheduled?.description == "2027-01-15T08:05:00Z")
    }

    @Test func aTimeIsServedOnce() throws {
        let done = try plan(cron("*/5 * * * *", last: "2027-01-15T08:05:00Z"), at: "2027-01-15T08:05:03Z")
        #expect(done.create == nil)
        let active = try plan(
            cron(
                "*/5 * * * *",
                active: [["name": "tick-30000005", "namespace": "default", "uid": "u"]]), at: "2027-01-15T08:05:03Z")
        #expect(active.create == nil)
    }

    @Test func onlyTheLastMissedTimeIsServed() throws {
        let late = try plan(cron("0 * * * *", last: "2027-01-10T08:00:00Z"), at: "2027-01-15T08:30:00Z")
        #expect(late.scheduled?.description == "2027-01-15T08:00:00Z")
        #expect(late.notices.map(\.reason) == ["TooManyMissedTimes"])
        let irregular = try plan(cron("30 6-16/4 * * 1-5", last: "2027-01-08T14:30:00Z"), at: "2027-01-12T11:00:00Z")
        #expect(irregular.scheduled?.description == "2027-01-12T10:30:00Z")
    }

    @Test func theDeadlineIsKept() throws {
        let within = try plan(
            cron("0 * * * *", spec: ["startingDeadlineSeconds": 60]), at: "2027-01-15T09:00:30Z")
        #expect(within.create != nil)
        let over = try plan(
            cron("0 * * * *", spec: ["startingDeadlineSeconds": 20]), at: "2027-01-15T09:00:30Z")
        #expect(over.create == nil && over.recheckSeconds != nil)
    }

    @Test func concurrencyPolicies() throws {
        let running: JSONValue = ["name": "tick-1", "namespace": "default", "uid": "uid-tick-1"]
        let jobs = [child("tick-1")]
        func policy(_ name: JSONValue) throws -> CronJobPlan {
            try plan(
                cron("* * * * *", spec: ["concurrencyPolicy": name], active: [running]), at: "2027-01-15T08:01:05Z",
                jobs: jobs)
        }
        #expect(try policy("Allow").create != nil)
        let forbidden = try policy("Forbid")
        #expect(forbidden.create == nil && forbidden.notices.map(\.reason) == ["JobAlreadyActive"])
        let replacing = try policy("Replace")
        #expect(replacing.create != nil && replacing.replaced.map(\.name) == ["tick-1"])
        #expect(replacing.status.active.isEmpty)
    }

    @Test func endedAndMissingJobsAreNoted() throws {
        let active: [JSONValue] = ["a", "b", "c"].map { ["name": .string($0), "uid": .string("uid-\($0)")] }
        let plan = try plan(
            cron("0 0 1 1 *", active: active), at: "2027-01-15T08:01:00Z",
            jobs: [child("a", end: "Complete", started: 10), child("c"), child("stray")], missing: ["uid-b"])
        #expect(plan.status.active.map(\.name) == ["c"])
        #expect(plan.status.lastSuccessfulTime == start.adding(seconds: 15))
        #expect(plan.notices.map(\.reason) == ["SawCompletedJob", "UnexpectedJob", "MissingJob"])
    }

    @Test func historyIsLimited() throws {
        let jobs =
            (0..<5).map { child("ok\($0)", end: "Complete", started: 100 - $0) }
            + (0..<3).map { child("bad\($0)", end: "Failed", started: $0) } + [child("runs")]
        let plan = try plan(
            cron("0 0 1 1 *", spec: ["successfulJobsHistoryLimit": 2, "failedJobsHistoryLimit": 1]),
            at: "2027-01-15T08:01:00Z", jobs: jobs)
        #expect(plan.outdated.map(\.name) == ["ok4", "ok3", "ok2", "bad0", "bad1"])
    }

    @Test func whatCannotBeScheduledIsReportedAndLeftAlone() throws {
        for (cron, reason) in [
            (try cron("nonsense"), "UnparseableSchedule"),
            (try cron("* * * * *", spec: ["timeZone": "Mars/Olympus"]), "UnknownTimeZone"),
            (try cron("59 23 31 2 *"), "InvalidSchedule"),
        ] {
            let plan = try plan(cron, at: "2027-01-15T09:00:00Z")
            #expect(plan.create == nil && plan.recheckSeconds == nil && plan.notices.map(\.reason) == [reason])
        }
        let suspended = try plan(cron("* * * * *", spec: ["suspend": true]), at: "2027-01-15T09:00:00Z")
        #expect(suspended.create == nil && suspended.recheckSeconds == nil && suspended.notices.isEmpty)
        let zoned = try plan(cron("TZ=Asia/Tokyo 0 18 * * *"), at: "2027-01-15T09:00:10Z")
        #expect(zoned.create != nil && zoned.notices.map(\.reason) == ["UnsupportedSchedule"])
    }
}
