import JSON
import KubeTypes
import Testing

@testable import ControllerManager

private func job(_ spec: JSONValue = [:], status: JSONValue = [:]) -> Job {
    var job = Job(name: "work", namespace: "default")
    job.metadata.uid = "uid-job"
    job.metadata.generation = 1
    job.metadata.creationTimestamp = start
    var all: JSONValue = [
        "parallelism": 2, "completions": 3, "backoffLimit": 6, "completionMode": "NonIndexed",
        "selector": ["matchLabels": ["job": "work"]],
        "template": [
            "metadata": ["labels": ["job": "work"]],
            "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i"]]],
        ],
    ]
    for (field, value) in spec.objectValue ?? [:] { all[field] = value.isNull ? nil : value }
    job.spec = JobSpec(all)
    job.status = JobStatus(status)
    return job
}

private func worker(
    _ name: String, _ phase: String = "Running", index: Int? = nil, tracked: Bool = true, deleted: Bool = false,
    code: Int? = nil, at: Time = start, failures: Int? = nil, conditions: [JSONValue] = []
) -> Pod {
    var worker = pod(name, labels: ["job": "work"], phase: phase, ready: phase == "Running", deleted: deleted)
    if tracked { worker.metadata.finalizers = [JobPodMark.finalizer] }
    if let index { worker.metadata.annotations[JobPodMark.index] = String(index) }
    if let failures { worker.metadata.annotations[JobPodMark.failureCount] = String(failures) }
    if let code {
        worker.json["status"]?["containerStatuses"] = [
            [
                "name": "c",
                "state": ["terminated": ["exitCode": .integer(Int64(code)), "finishedAt": .string(at.description)]],
            ]
        ]
    }
    worker.status.conditions += conditions.map { PodCondition($0) }
    return worker
}

private func sync(
    _ job: Job, _ pods: [Pod], current: Bool = true, backoff: JobBackoff = JobBackoff(), after seconds: Int = 0
) -> JobSync {
    JobSync(
        JobObservation(
            job: job, pods: pods, isCurrent: current, backoff: backoff, now: start.adding(seconds: seconds)))
}

@Suite struct JobIndexTests {
    @Test(arguments: [
        ("", ""), ("0", "0"), ("0,1", "0,1"), ("0,1,2", "0-2"), ("0-2,4", "0-2,4"), ("3-5,4-9", "3-9"),
        ("5,3,1", "1,3,5"), ("x,2,3-y,7-4", "2"), ("7-30", "7-9"), ("10", ""),
    ])
    func textIsReadAndWritten(_ text: String, _ written: String) {
        #expect(JobIndexes(text, below: 10).description == written)
    }

    @Test func setOperationsAgreeWithSets() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            func some() -> Set<Int> {
                Set(
                    (0..<Int.random(in: 0...12, using: &random)).map { _ in
                        Int.random(in: 0..<20, using: &random)
                    })
            }
            let (left, right) = (some(), some())
            let (a, b) = (JobIndexes(left), JobIndexes(right))
            #expect(a.count == left.count)
            #expect(a.union(b) == JobIndexes(left.union(right)))
            #expect(a.overlap(with: b) == left.intersection(right).count)
            #expect((0..<20).allSatisfy { a.contains($0) == left.contains($0) })
            #expect(JobIndexes(a.description, below: 20) == a)
            #expect(a.firstMissing(5, below: 20) == Array((0..<20).filter { !left.contains($0) }.prefix(5)))
        }
    }
}

@Suite struct JobSyncTests {
    @Test func podsAreCreatedUpToTheParallelism() {
        #expect(sync(job(), []).work == .create([nil, nil]))
        #expect(sync(job(), [worker("a")]).work == .create([nil]))
        #expect(sync(job(), [worker("a"), worker("b")]).work == .none)
        // Not before the cache shows what was created.
        #expect(sync(job(), [], current: false).work == .none)
        // No more than there are completions left.
        #expect(sync(job(status: ["succeeded": 2]), []).work == .create([nil]))
        #expect(
            sync(job(["parallelism": 900, "completions": 800]), []).work == .create(Array(repeating: nil, count: 500)))
    }

    @Test func surplusPodsGoLeastAdvancedFirst() {
        let pods = [worker("a"), worker("b", "Pending"), worker("c")]
        #expect(sync(job(["parallelism": 2]), pods).work == .remove([pods[1]]))
    }

    @Test func endedPodsAreNamedBeforeTheyAreCounted() {
        var round = sync(job(), [worker("a", "Succeeded"), worker("b", "Failed", at: start)], after: 1)
        round.settle()
        #expect(round.status.uncountedTerminatedPods?.succeeded == ["uid-a"])
        #expect(round.status.uncountedTerminatedPods?.failed == ["uid-b"])
        #expect(round.status.succeeded == nil && round.status.failed == nil)
        #expect(round.release.map(\.name) == ["a", "b"])
        round.finish(written: round.status, freed: ["uid-a"], isComplete: false)
        #expect(round.status.succeeded == 1 && round.status.failed == nil)
        #expect(round.status.uncountedTerminatedPods?.failed == ["uid-b"])
    }

    @Test func aJobCompletesWhenAllPodsAreCounted() {
        var round = sync(
            job(status: ["succeeded": 2, "startTime": "2027-01-15T08:00:00Z"]), [worker("c", "Succeeded")])
        #expect(round.work == .none)
        round.settle()
        #expect(round.status.conditions.map(\.type) == ["SuccessCriteriaMet"])
        #expect(round.status.conditions.first?.reason == "CompletionsReached")
        let written = round.status
        round.finish(written: written, freed: ["uid-c"], isComplete: true)
        #expect(round.status.conditions.map(\.type) == ["SuccessCriteriaMet", "Complete"])
        #expect(round.status.succeeded == 3 && round.status.completionTime == start)
        #expect(round.notices == [.init(reason: "Completed", message: "Job completed")])
    }

    @Test func theFirstSuccessEndsAJobWithoutCompletions() {
        let unlimited = job(["completions": .null])
        var running = sync(unlimited, [worker("a", "Succeeded"), worker("b")])
        #expect(running.work == .none)
        running.settle()
        #expect(running.status.conditions.isEmpty)
        var done = sync(unlimited, [worker("a", "Succeeded")])
        done.settle()
        #expect(done.status.conditions.first?.type == "SuccessCriteriaMet")
    }

    @Test func failureIsDeclaredAfterThePodsAreGone() {
        let failing = job(["backoffLimit": 0])
        let pods = [worker("a", "Failed"), worker("b")]
        var round = sync(failing, pods)
        #expect(round.work == .end([pods[1]]))
        round.settle(deleted: [pods[1]])
        #expect(round.status.conditions.map(\.type) == ["FailureTarget"])
        #expect(round.status.uncountedTerminatedPods?.failed == ["uid-a", "uid-b"])
        #expect(round.status.active == nil && round.status.terminating == 1)
        let written = round.status
        round.finish(written: written, freed: ["uid-a", "uid-b"], isComplete: true)
        #expect(round.status.failed == 2)
        // The pod is still terminating.
        #expect(round.status.conditions.map(\.type) == ["FailureTarget"])

        var next = failing
        next.status = round.status
        var last = sync(next, [])
        last.settle()
        last.finish(written: last.status, freed: [], isComplete: true)
        #expect(last.status.conditions.map(\.type) == ["FailureTarget", "Failed"])
        #expect(last.status.conditions.last?.reason == "BackoffLimitExceeded")
        #expect(last.notices.first?.isWarning == true)
    }

    @Test func retriesWaitLongerAfterEachFailure() {
        let limit = job(["completions": 1, "parallelism": 1])
        let failed = worker("a", "Failed", code: 1, at: start)
        let first = sync(limit, [failed], after: 4)
        #expect(first.work == .none && first.recheckSeconds == 6)
        #expect(first.backoff == JobBackoff(failures: 1, lastFailure: start))
        #expect(sync(limit, [failed], after: 10).work == .create([nil]))
        #expect(JobBackoff(failures: 3, lastFailure: start).remaining(at: start) == 40)
        #expect(JobBackoff(failures: 60, lastFailure: start).remaining(at: start) == 600)
        let success = worker("s", "Succeeded", code: 0, at: start.adding(seconds: 5))
        #expect(
            JobBackoff(failures: 4, lastFailure: start).adding(succeeded: [success], failed: [failed]).failures == 0)
    }

    @Test func suspensionRemovesPodsUncounted() {
        let suspended = job(["suspend": true])
        let pods = [worker("a")]
        var round = sync(suspended, pods)
        #expect(round.work == .remove(pods))
        round.settle(deleted: pods)
        #expect(round.status.conditions.first?.type == "Suspended" && round.status.startTime == nil)
        #expect(round.notices.first?.reason == "Suspended")
        var resumed = job()
        resumed.status = round.status
        var next = sync(resumed, [], after: 50)
        next.settle(created: 2)
        #expect(next.status.conditions.first?.status == "False")
        #expect(next.status.startTime == start.adding(seconds: 50))
    }

    @Test func theDeadlineEndsAJob() {
        let limited = job(
            ["activeDeadlineSeconds": 30], status: ["startTime": .string(start.description)])
        #expect(sync(limited, [worker("a"), worker("b")], after: 10).recheckSeconds == 20)
        let pods = [worker("a"), worker("b")]
        var late = sync(limited, pods, after: 30)
        #expect(late.work == .end(pods))
        late.settle(deleted: pods)
        #expect(late.status.conditions.first?.reason == "DeadlineExceeded")
    }

    @Test func restartsInPlaceCountWherePodsRestart() {
        let onFailure = job(["backoffLimit": 2, "template": ["spec": ["restartPolicy": "OnFailure"]]])
        var restarted = worker("a")
        restarted.json["status"]?["containerStatuses"] = [["name": "c", "restartCount": 2]]
        #expect(sync(onFailure, [restarted]).work == .end([restarted]))
        restarted.json["status"]?["containerStatuses"] = [["name": "c", "restartCount": 1]]
        #expect(sync(onFailure, [restarted]).work == .create([nil]))
    }

    @Test func replacementWaitsForTheEndWhereItIsAskedTo() {
        let going = worker("a", deleted: true)
        #expect(sync(job(["podReplacementPolicy": "Failed"]), [going, worker("b")]).work == .none)
        var other = sync(job(["podReplacementPolicy": "TerminatingOrFailed"]), [going, worker("b")], after: 20)
        #expect(other.work == .create([nil]))
        other.settle(created: 1)
        #expect(other.status.uncountedTerminatedPods?.failed == ["uid-a"] && other.status.terminating == 1)
    }

    @Test func aJobManagedElsewhereIsRecognized() {
        #expect(job(["managedBy": "example.com/x"]).isManagedElsewhere)
        #expect(!job(["managedBy": "kubernetes.io/job-controller"]).isManagedElsewhere)
        #expect(!job().isManagedElsewhere)
    }
}

@Suite struct IndexedJobTests {
    private func indexed(_ spec: JSONValue = [:], status: JSONValue = [:]) -> Job {
        var all = spec
        all["completionMode"] = "Indexed"
        return job(all, status: status)
    }

    @Test func everyIndexGetsOnePod() {
        #expect(sync(indexed(), []).work == .create([0, 1]))
        #expect(sync(indexed(status: ["completedIndexes": "0"]), [worker("b", index: 1)]).work == .create([2]))
        let twice = [worker("a", index: 0), worker("b", "Pending", index: 0)]
        #expect(sync(indexed(), twice).work == .remove([twice[1]]))
        let stray = [worker("a", index: 7), worker("b")]
        guard case .remove(let gone) = sync(indexed(), stray).work else {
            Issue.record("strays stay")
            return
        }
        #expect(Set(gone.map(\.name)) == ["a", "b"])
    }

    @Test func successIsKeptByIndex() {
        var round = sync(
            indexed(status: ["completedIndexes": "0", "succeeded": 1]),
            [
                worker("c", "Succeeded", index: 2), worker("z", "Succeeded", index: 0), worker("b", index: 1),
            ])
        round.settle()
        #expect(round.status.completedIndexes == "0,2" && round.status.succeeded == 2)
        #expect(round.status.uncountedTerminatedPods?.succeeded == [])
        #expect(Set(round.release.map(\.name)) == ["c", "z"])
    }

    @Test func podsKnowTheirIndex() {
        let pod = JobPodTemplate.pod(of: indexed(), index: 2, replacing: nil)
        #expect(pod.metadata.generateName == "work-2-" && pod.spec.hostname == "work-2")
        #expect(pod.labels[JobPodMark.index] == "2" && pod.annotations[JobPodMark.index] == "2" && pod.isTracked)
        let variable = pod.json["spec"]?["containers"]?[0]?["env"]?[0]
        #expect(variable?["name"] == "JOB_COMPLETION_INDEX")
        #expect(
            variable?["valueFrom"]?["fieldRef"]?["fieldPath"]
                == "metadata.labels['batch.kubernetes.io/job-completion-index']")
    }

    @Test func failuresCountByIndex() {
        let perIndex = indexed(["backoffLimitPerIndex": 1, "backoffLimit": 2_147_483_647, "parallelism": 3])
        let first = worker("a", "Failed", index: 0, code: 1, at: start, failures: 0)
        // The failed pod stays until its replacement has taken over its count.
        var waiting = sync(perIndex, [first, worker("b", index: 1), worker("c", index: 2)], after: 4)
        #expect(waiting.work == .none && waiting.recheckSeconds == 6)
        waiting.settle()
        #expect(waiting.release.isEmpty)
        let due = sync(perIndex, [first, worker("b", index: 1), worker("c", index: 2)], after: 10)
        #expect(due.work == .create([0]))
        let replacement = JobPodTemplate.pod(of: perIndex, index: 0, replacing: due.replaced[0])
        #expect(replacement.annotations[JobPodMark.failureCount] == "1")

        let second = worker("d", "Failed", index: 0, code: 1, at: start, failures: 1)
        var given = sync(perIndex, [second, worker("b", index: 1), worker("c", index: 2)], after: 10)
        #expect(given.work == .none)
        given.settle()
        #expect(given.status.failedIndexes == "0" && given.release.map(\.name) == ["d"])
    }

    @Test func givenUpIndexesFailTheJobAtTheEnd() {
        var round = sync(
            indexed(["backoffLimitPerIndex": 0], status: ["completedIndexes": "1,2", "succeeded": 2]),
            [worker("a", "Failed", index: 0, failures: 0)])
        round.settle()
        #expect(round.status.conditions.first?.reason == "FailedIndexes")
        var many = sync(
            indexed(["backoffLimitPerIndex": 0, "maxFailedIndexes": 0]), [worker("a", "Failed", index: 0, failures: 0)])
        many.settle()
        #expect(many.status.conditions.first?.reason == "MaxFailedIndexesExceeded")
    }

    @Test(arguments: [
        (["rules": [["succeededIndexes": "0-1"]]] as JSONValue, "0,1", "Matched rules at index 0" as String?),
        (["rules": [["succeededIndexes": "0-1"]]] as JSONValue, "0", nil),
        (["rules": [["succeededIndexes": "0-1", "succeededCount": 1]]] as JSONValue, "1", "Matched rules at index 0"),
        (
            ["rules": [["succeededIndexes": "2"], ["succeededCount": 2]]] as JSONValue, "0-1",
            "Matched rules at index 1"
        ),
        (["rules": [["succeededCount": 1]]] as JSONValue, "", nil),
    ])
    func successPolicies(_ policy: JSONValue, _ done: String, _ message: String?) {
        #expect(
            JobSuccess.message(SuccessPolicy(policy), completions: 3, succeeded: JobIndexes(done, below: 3)) == message)
    }

    @Test func aMetPolicyEndsTheRest() {
        let early = indexed(["successPolicy": ["rules": [["succeededIndexes": "0"]]]])
        let pods = [worker("a", "Succeeded", index: 0), worker("b", index: 1)]
        var round = sync(early, pods)
        #expect(round.work == .end([pods[1]]))
        round.settle(deleted: [pods[1]])
        #expect(round.status.conditions.map(\.type) == ["SuccessCriteriaMet"])
        #expect(round.status.conditions.first?.reason == "SuccessPolicy")
        // A pod that is ended by success has not failed.
        #expect(round.status.uncountedTerminatedPods?.failed == [])
        #expect(Set(round.release.map(\.name)) == ["a", "b"])
    }
}

@Suite struct PodFailurePolicyTests {
    private static let policy = PodFailurePolicy([
        "rules": [
            ["action": "Ignore", "onPodConditions": [["type": "DisruptionTarget", "status": "True"]]],
            ["action": "FailJob", "onExitCodes": ["containerName": "c", "operator": "In", "values": [42, 43]]],
            ["action": "FailIndex", "onExitCodes": ["operator": "In", "values": [7]]],
            ["action": "Count", "onExitCodes": ["operator": "NotIn", "values": [1]]],
        ]
    ])

    @Test func theFirstRuleDecides() {
        let disrupted = worker(
            "d", "Failed", code: 42, conditions: [["type": "DisruptionTarget", "status": "True"]])
        #expect(!PodFailureVerdict(Self.policy, disrupted).counts)
        let failing = PodFailureVerdict(Self.policy, worker("a", "Failed", code: 42))
        #expect(
            failing.jobFailure
                == "Container c for pod default/a failed with exit code 42 matching FailJob rule at index 1")
        #expect(PodFailureVerdict(Self.policy, worker("a", "Failed", code: 7)).failsIndex)
        for code in [1, 9] {
            let verdict = PodFailureVerdict(Self.policy, worker("a", "Failed", code: code))
            #expect(verdict.counts && !verdict.failsIndex && verdict.jobFailure == nil)
        }
        #expect(PodFailureVerdict(nil, worker("a", "Failed", code: 42)).counts)
    }

    @Test func failJobEndsTheJobAtOnce() {
        var failing = job()
        failing.spec.podFailurePolicy = Self.policy
        var round = sync(failing, [worker("a", "Failed", code: 43)])
        #expect(round.work == .none)
        round.settle()
        #expect(round.status.conditions.first?.reason == "PodFailurePolicy")
    }

    @Test func ignoredFailuresDoNotCount() {
        var ignoring = job(["backoffLimit": 0])
        ignoring.spec.podFailurePolicy = Self.policy
        let disrupted = worker("d", "Failed", conditions: [["type": "DisruptionTarget", "status": "True"]])
        var round = sync(ignoring, [disrupted], after: 60)
        #expect(round.work == .create([nil, nil]))
        round.settle(created: 2)
        #expect(round.status.uncountedTerminatedPods?.failed == [] && round.release.count == 1)
    }
}

/// Whole lives of Jobs under random ends of pods, crashes between the steps of a round, and finalizers that do not go.
@Suite struct JobLifeTests {
    @Test(arguments: 0..<60) func countsAreExact(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let isIndexed = Bool.random(using: &random)
        let completions = Int.random(in: 1...12, using: &random)
        var work = job([
            "completions": .integer(Int64(completions)),
            "parallelism": .integer(Int64.random(in: 1...6, using: &random)),
            "completionMode": isIndexed ? "Indexed" : "NonIndexed", "backoffLimit": 1000,
        ])
        var pods: [String: Pod] = [:]
        var (made, failed) = (0, 0)
        var succeeded: [Int?] = []
        var now = start
        for _ in 0..<3000 where work.end == nil {
            now = now.adding(seconds: 700)
            // The node's part.
            for (name, pod) in pods where pod.isActive && Int.random(in: 0..<3, using: &random) == 0 {
                let isSuccess = Int.random(in: 0..<4, using: &random) > 0
                pods[name]?.status.phase = isSuccess ? "Succeeded" : "Failed"
                if isSuccess { succeeded.append(pod.completionIndex) } else { failed += 1 }
            }
            // The controller's, which may die after each step.
            var round = JobSync(JobObservation(job: work, pods: Array(pods.values), now: now))
            func dies() -> Bool { Int.random(in: 0..<8, using: &random) == 0 }
            if case .create(let indexes) = round.work {
                for index in indexes {
                    made += 1
                    var pod = worker("p\(made)", "Pending", index: index)
                    pod.metadata.creationTimestamp = now
                    pods[pod.name] = pod
                }
                if dies() { continue }
                round.settle(created: indexes.count)
            } else {
                #expect(round.work == .none)
                round.settle()
            }
            #expect(pods.values.count(where: \.isActive) <= work.parallelism)
            work.status = round.status
            if dies() { continue }
            var freed: Set<String> = []
            for pod in round.release where !dies() {
                pods[pod.name]?.metadata.finalizers = []
                freed.insert(pod.uid)
            }
            if dies() { continue }
            round.finish(written: work.status, freed: freed, isComplete: freed.count == round.release.count)
            work.status = round.status
        }
        #expect(work.end?.type == "Complete")
        #expect(work.status.failed ?? 0 == failed)
        #expect(work.status.succeeded == completions)
        #expect(succeeded.count == completions)
        if isIndexed { #expect(Set(succeeded.compactMap(\.self)) == Set(0..<completions)) }
        #expect(pods.values.allSatisfy { !$0.isTracked })
    }
}
