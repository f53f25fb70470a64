import CRI
import JSON
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct NextStepTests {
    private func step(
        _ spec: JSONValue, sandboxes: [RuntimeSandboxStatus] = [], containers: [RuntimeContainerStatus] = [],
        _ change: (inout PodSituation) -> Void = { _ in }
    ) -> PodStep {
        var situation = PodSituation(
            pod: makePod(spec), observed: ObservedPod(sandboxes: sandboxes, containers: containers), now: testTime)
        change(&situation)
        return nextStep(situation)
    }

    private let two: JSONValue = ["containers": [container("a"), container("b")]]
    private let never: JSONValue = ["restartPolicy": "Never", "containers": [container("a")]]
    private let onFailure: JSONValue = ["restartPolicy": "OnFailure", "containers": [container("a")]]

    @Test func newPodGetsASandbox() {
        #expect(step(two).actions == [.createSandbox(attempt: 0, replacing: [])])
    }

    @Test func nothingIsBegunWhileSomethingIsBeingStarted() {
        #expect(step(two) { $0.starting = true }.actions.isEmpty)
    }

    @Test func containersStartInOrder() {
        #expect(step(two, sandboxes: [sandbox()]).actions == [.start(["a", "b"])])
        #expect(step(two, sandboxes: [sandbox()], containers: [status("a", .running)]).actions == [.start(["b"])])
        #expect(
            step(two, sandboxes: [sandbox()], containers: [status("a", .running), status("b", .running)]).actions
                .isEmpty)
    }

    @Test func deadSandboxIsReplaced() {
        #expect(
            step(two, sandboxes: [sandbox(ready: false)], containers: [status("a", .exited, code: 137)]).actions
                == [.createSandbox(attempt: 1, replacing: ["s1"])])
    }

    @Test func sandboxWithoutAddressIsReplaced() {
        #expect(step(two, sandboxes: [sandbox(ip: "")]).actions == [.createSandbox(attempt: 1, replacing: ["s1"])])
    }

    @Test func deadSandboxOfAFinishedPodStaysDead() {
        #expect(
            step(never, sandboxes: [sandbox(ready: false)], containers: [status("a", .exited)]).actions == [.stopAll])
        #expect(
            step(onFailure, sandboxes: [sandbox(ready: false)], containers: [status("a", .exited)]).actions == [
                .stopAll
            ])
        #expect(
            step(onFailure, sandboxes: [sandbox(ready: false)], containers: [status("a", .exited, code: 1)]).actions
                == [.createSandbox(attempt: 1, replacing: ["s1"])])
    }

    @Test func sandboxThatNeverHadContainersIsTriedAgainWhateverThePolicy() {
        #expect(
            step(never, sandboxes: [sandbox(ready: false)]).actions == [.createSandbox(attempt: 1, replacing: ["s1"])])
    }

    @Test(arguments: [
        ("Always", 0, true), ("Always", 1, true), ("OnFailure", 0, false), ("OnFailure", 1, true), ("Never", 1, false),
    ])
    func restartPolicy(_ policy: String, _ code: Int, _ restarts: Bool) {
        let spec: JSONValue = ["restartPolicy": .string(policy), "containers": [container("a")]]
        let result = step(spec, sandboxes: [sandbox()], containers: [status("a", .exited, code: code)])
        #expect(result.actions == (restarts ? [.start(["a"])] : [.stopAll]))
    }

    @Test func onePartOfAPodMayEndBeforeTheOther() {
        let spec: JSONValue = ["restartPolicy": "Never", "containers": [container("a"), container("b")]]
        let result = step(spec, sandboxes: [sandbox()], containers: [status("a", .exited), status("b", .running)])
        #expect(result.actions.isEmpty)
    }

    @Test func crashLoopWaits() {
        var crashes = Backoff()
        crashes.next("a", now: testTime.adding(seconds: -20))
        crashes.next("a", now: testTime.adding(seconds: -4))
        let result = step(
            ["containers": [container("a")]], sandboxes: [sandbox()],
            containers: [status("a", .exited, code: 1, attempt: 2, ago: 4)]
        ) { $0.crashes = crashes }
        #expect(result.actions.isEmpty)
        #expect(
            result.waiting["a"]
                == WaitingReason(
                    reason: "CrashLoopBackOff",
                    message: "back-off 20s restarting failed container=a pod=web_shop(u1)"))
        #expect(result.lookAgain == testTime.adding(seconds: 16))
        let later = step(
            ["containers": [container("a")]], sandboxes: [sandbox()],
            containers: [status("a", .exited, code: 1, attempt: 2, ago: 21)]
        ) { $0.crashes = crashes }
        #expect(later.actions == [.start(["a"])])
    }

    @Test func failedStartWaits() {
        let waiting = WaitingReason(reason: "ImagePullBackOff", message: "Back-off pulling image \"x\"")
        let early = step(two, sandboxes: [sandbox()], containers: [status("b", .running)]) {
            $0.failures["a"] = (waiting, testTime.adding(seconds: 5))
        }
        #expect(
            early.actions.isEmpty && early.waiting["a"] == waiting && early.lookAgain == testTime.adding(seconds: 5))
        let due = step(two, sandboxes: [sandbox()], containers: [status("b", .running)]) {
            $0.failures["a"] = (waiting, testTime)
        }
        #expect(due.actions == [.start(["a"])])
    }

    @Test(arguments: [
        (true, false, "Container a failed liveness probe, will be restarted", StopReason.liveness),
        (false, true, "Container a failed startup probe, will be restarted", .startup),
    ])
    func failedProbesStopAContainer(_ unhealthy: Bool, _ failedToStart: Bool, _ message: String, _ reason: StopReason) {
        let result = step(["containers": [container("a")]], sandboxes: [sandbox()], containers: [status("a", .running)])
        {
            $0.probes["a-0"] = ProbeVerdict(unhealthy: unhealthy, failedToStart: failedToStart)
        }
        #expect(result.actions == [.stop(id: "a-0", name: "a", message: message, reason: reason)])
        let again = step(["containers": [container("a")]], sandboxes: [sandbox()], containers: [status("a", .running)])
        {
            $0.probes["a-0"] = ProbeVerdict(unhealthy: unhealthy, failedToStart: failedToStart)
            $0.stopping = ["a-0"]
        }
        #expect(again.actions.isEmpty)
    }

    @Test func changedImageReplacesAContainer() {
        let result = step(
            ["containers": [container("a")]], sandboxes: [sandbox()], containers: [status("a", .running, hash: "old")]
        ) { $0.hashes = ["a": "new"] }
        #expect(
            result.actions == [
                .stop(
                    id: "a-0", name: "a", message: "Container a definition changed, will be restarted", reason: .changed
                )
            ])
    }

    // MARK: Init containers

    private let withInit: JSONValue = [
        "initContainers": [container("i1"), container("i2")], "containers": [container("a")],
    ]

    @Test func initContainersRunOneAfterTheOther() {
        #expect(step(withInit, sandboxes: [sandbox()]).actions == [.start(["i1"])])
        #expect(step(withInit, sandboxes: [sandbox()], containers: [status("i1", .running)]).actions.isEmpty)
        #expect(step(withInit, sandboxes: [sandbox()], containers: [status("i1", .exited)]).actions == [.start(["i2"])])
        #expect(
            step(withInit, sandboxes: [sandbox()], containers: [status("i1", .exited), status("i2", .exited)]).actions
                == [.start(["a"])])
    }

    @Test func failedInitContainer() {
        #expect(
            step(withInit, sandboxes: [sandbox()], containers: [status("i1", .exited, code: 1)]).actions == [
                .start(["i1"])
            ])
        var spec = withInit
        spec["restartPolicy"] = "Never"
        #expect(step(spec, sandboxes: [sandbox()], containers: [status("i1", .exited, code: 1)]).actions == [.stopAll])
    }

    @Test func initContainersRunAgainInANewSandbox() {
        let result = step(
            withInit, sandboxes: [sandbox("s2", attempt: 1, created: 100), sandbox(ready: false)],
            containers: [status("i1", .exited), status("i2", .exited), status("a", .exited, code: 137)])
        #expect(result.actions == [.start(["i1"])])
    }

    private let withSidecar: JSONValue = [
        "initContainers": [container("s", ["restartPolicy": "Always", "startupProbe": ["tcpSocket": ["port": 1]]])],
        "containers": [container("a")],
    ]

    @Test func sidecarMustHaveStarted() {
        #expect(step(withSidecar, sandboxes: [sandbox()]).actions == [.start(["s"])])
        #expect(step(withSidecar, sandboxes: [sandbox()], containers: [status("s", .running)]).actions.isEmpty)
        let started = step(withSidecar, sandboxes: [sandbox()], containers: [status("s", .running)]) {
            $0.probes["s-0"] = ProbeVerdict(started: true)
        }
        #expect(started.actions == [.start(["a"])])
    }

    @Test func sidecarIsRestartedBesideARunningContainer() {
        let result = step(
            withSidecar, sandboxes: [sandbox()], containers: [status("s", .exited), status("a", .running)])
        #expect(result.actions == [.start(["s"])])
    }
}

@Suite struct BackoffTests {
    @Test func doublesUpToTheLimitAndStartsAnew() {
        var backoff = Backoff()
        var time = testTime
        #expect(backoff.waiting("k", now: time) == nil)
        for expected in [10.0, 20, 40, 80, 160, 300, 300] {
            backoff.next("k", now: time)
            #expect(backoff["k"]?.delay == expected)
            time = time.adding(seconds: Int(expected))
        }
        time = time.adding(seconds: 601)
        backoff.next("k", now: time)
        #expect(backoff["k"]?.delay == 10)
        #expect(backoff.waiting("k", now: time.adding(seconds: 9))?.until == time.adding(seconds: 10))
        #expect(backoff.waiting("k", now: time.adding(seconds: 10)) == nil)
    }

    @Test func anEarlierAgentsCountGoesOn() {
        var backoff = Backoff()
        backoff.resume("k", failures: 3, last: testTime)
        #expect(backoff.waiting("k", now: testTime)?.delay == 40)
        backoff.resume("never", failures: 0, last: testTime)
        #expect(backoff["never"] == nil)
    }

    @Test func longLifeIsForgiven() {
        var backoff = Backoff()
        backoff.next("k", now: testTime)
        let later = testTime.adding(seconds: 601)
        #expect(backoff.waiting("k", since: later, now: later) == nil)
    }

    @Test(arguments: [(10.0, "10s"), (80, "1m20s"), (300, "5m0s"), (3661, "1h1m1s")])
    func durations(_ seconds: Double, _ text: String) { #expect(goDuration(seconds: seconds) == text) }
}

@Suite struct ProbeCounterTests {
    @Test func thresholds() {
        var counter = ProbeCounter(successThreshold: 2, failureThreshold: 3)
        let answers = [true, true, false, false, true, false, false, false, false]
        let verdicts: [Bool?] = answers.map { counter.take($0) }
        #expect(verdicts == [nil, true, nil, nil, nil, nil, nil, false, false])
    }
}
