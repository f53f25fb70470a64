import JSON
import KubeClient
import KubeTypes
import Testing

@testable import ControllerManager

extension FakeAPI {
    /// Ends running pods as their index says, and lets go of those that are being deleted, as a kubelet does.
    fileprivate func finishPods(_ phase: @Sendable (Pod) -> String?) {
        for pod in objects(Pod.self) {
            if pod.isBeingDeleted {
                if pod.metadata.finalizers.isEmpty { remove(Pod.self, pod.name, namespace: pod.namespace) }
                continue
            }
            guard !pod.isTerminal, let phase = phase(pod) else { continue }
            var ended = pod
            ended.spec.nodeName = "n1"
            ended.status.phase = phase
            put(ended)
        }
    }

    fileprivate func job(_ name: String = "work") -> Job? { object(Job.self, name, namespace: "default") }
}

private func job(_ spec: JSONValue = [:]) -> Job {
    var job = Job(name: "work", namespace: "default")
    var all: JSONValue = [
        "parallelism": 3, "completions": 10, "backoffLimit": 6, "completionMode": "Indexed",
        "selector": ["matchLabels": ["job": "work"]],
        "template": [
            "metadata": ["labels": ["job": "work"]],
            "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i"]]],
        ],
    ]
    for (field, value) in spec.objectValue ?? [:] { all[field] = value }
    job.spec = JobSpec(all)
    return job
}

@Suite(.serialized) struct JobShellTests {
    private static let names: Set<String> = ["job-controller"]

    @Test func anIndexedJobRunsToItsEnd() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(job())
            #expect(
                await eventually {
                    api.finishPods { _ in "Succeeded" }
                    return api.job()?.end?.type == "Complete"
                })
            #expect(api.job()?.status.succeeded == 10 && api.job()?.status.completedIndexes == "0-9")
            #expect(api.job()?.status.active == nil && api.job()?.status.ready == 0)
            let pods = api.objects(Pod.self)
            #expect(pods.count == 10 && Set(pods.compactMap(\.completionIndex)) == Set(0..<10))
            #expect(await eventually { api.objects(Pod.self).allSatisfy { !$0.isTracked } })
            #expect(await eventually { api.eventMessages.contains("Completed: Job completed") })
            await api.quiet()
            let before = api.writes().count
            try await Task.sleep(for: .milliseconds(100))
            #expect(api.writes().count == before)
        }
    }

    @Test func aSlowCacheMakesNoPodTwice() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            api.hold("pods")
            try await api.client.create(job(["completionMode": "NonIndexed"]))
            #expect(await eventually { api.count(Pod.self) == 3 })
            for label in ["a", "b", "c"] {
                try await api.client.patch(
                    Job.self, "work", namespace: "default", ["metadata": ["labels": ["x": .string(label)]]])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(api.count(Pod.self) == 3)
            api.release("pods")
            // A status that comes late must not lead to more pods than there are completions.
            for _ in 0..<20 {
                api.hold("jobs")
                api.finishPods { _ in "Succeeded" }
                try await Task.sleep(for: .milliseconds(10))
                api.release("jobs")
            }
            #expect(
                await eventually {
                    api.finishPods { _ in "Succeeded" }
                    return api.job()?.end?.type == "Complete"
                })
            #expect(api.count(Pod.self) == 10 && api.job()?.status.succeeded == 10)
        }
    }

    @Test func aFailedJobLeavesNoFinalizerBehind() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(job(["backoffLimit": 0, "completionMode": "NonIndexed"]))
            #expect(await eventually { api.count(Pod.self) == 3 })
            let first = api.objects(Pod.self).first?.name
            api.finishPods { $0.name == first ? "Failed" : "Running" }
            #expect(
                await eventually {
                    api.finishPods { _ in nil }
                    return api.job()?.end?.type == "Failed"
                })
            #expect(api.job()?.status.conditions.map(\.type) == ["FailureTarget", "Failed"])
            #expect(api.job()?.status.failed == 3)
            #expect(await eventually { api.objects(Pod.self).allSatisfy { !$0.isTracked } })
        }
    }

    @Test func podsOfADeletedJobAreSetFree() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(job())
            #expect(await eventually { api.objects(Pod.self).filter(\.isTracked).count == 3 })
            try await api.client.delete(Job.self, "work", namespace: "default")
            #expect(await eventually { api.objects(Pod.self).allSatisfy { !$0.isTracked } })
        }
    }

    @Test func suspensionTakesPodsAwayAndResumptionBringsThemBack() async throws {
        let api = FakeAPI()
        try await withControllers(Self.names, api) {
            try await api.client.create(job())
            #expect(await eventually { api.activePods.count == 3 })
            try await api.client.patch(Job.self, "work", namespace: "default", ["spec": ["suspend": true]])
            #expect(
                await eventually {
                    api.finishPods { _ in nil }
                    return api.count(Pod.self) == 0
                })
            #expect(await eventually { api.job()?.status.holding("Suspended") != nil })
            #expect(api.job()?.status.failed == nil)
            try await api.client.patch(Job.self, "work", namespace: "default", ["spec": ["suspend": false]])
            #expect(await eventually { api.activePods.count == 3 })
        }
    }

    @Test func anEndedJobIsDeletedAfterItsTime() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        try await withControllers(["ttl-after-finished-controller"], api, clock: clock) {
            var ended = job(["ttlSecondsAfterFinished": 60])
            ended.status.conditions = [JobCondition("Complete", reason: nil, message: nil, now: clock.now)]
            api.put(ended)
            try await Task.sleep(for: .milliseconds(50))
            #expect(api.job() != nil && api.writes().isEmpty)
            clock.advance(seconds: 61)
            try await api.client.patch(Job.self, "work", namespace: "default", ["metadata": ["labels": ["x": "y"]]])
            #expect(await eventually { api.job().map(\.isBeingDeleted) ?? true })
        }
    }

    @Test func aCronJobStartsJobsOnce() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        try await withControllers(["cronjob-controller"], api, clock: clock) {
            var cron = CronJob(name: "tick", namespace: "default")
            cron.metadata.creationTimestamp = clock.now
            cron.spec = CronJobSpec([
                "schedule": "*/5 * * * *", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 1,
                "jobTemplate": ["spec": job().spec.json],
            ])
            try await api.client.create(cron)
            await api.quiet()
            #expect(api.count(Job.self) == 0)
            for round in 1...3 {
                clock.advance(seconds: 300)
                for label in ["a", "b"] {
                    try await api.client.patch(
                        CronJob.self, "tick", namespace: "default",
                        ["metadata": ["labels": ["x": .string("\(label)\(round)")]]])
                }
                #expect(
                    await eventually {
                        api.object(CronJob.self, "tick", namespace: "default")?.status.active.count == 1
                    })
                for var started in api.objects(Job.self) where started.end == nil {
                    started.status.conditions = [JobCondition("Complete", reason: nil, message: nil, now: clock.now)]
                    started.status.startTime = clock.now
                    started.status.completionTime = clock.now
                    api.put(started)
                }
                #expect(
                    await eventually {
                        api.object(CronJob.self, "tick", namespace: "default")?.status.active.isEmpty == true
                            && api.count(Job.self) == 1
                    })
            }
            #expect(
                await eventually {
                    api.eventMessages.filter { $0.hasPrefix("SuccessfulCreate: Created job tick-") }.count == 3
                })
        }
    }
}
