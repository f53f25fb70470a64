import CRI
import JSON
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct PodStatusTests {
    private func build(
        _ spec: JSONValue, sandboxes: [RuntimeSandboxStatus] = [sandbox()], containers: [RuntimeContainerStatus] = [],
        previous: JSONValue = [:], _ change: (inout PodStatusInput) -> Void = { _ in }
    ) -> PodStatus {
        var input = PodStatusInput(
            pod: makePod(spec), observed: ObservedPod(sandboxes: sandboxes, containers: containers),
            previous: PodStatus(previous), hostIPs: ["192.0.2.1"], now: testTime)
        change(&input)
        return podStatus(input)
    }

    private func condition(_ status: PodStatus, _ type: String) -> PodCondition? {
        status.conditions.first { $0.type == type }
    }

    private let one: JSONValue = ["containers": [container("a")]]

    @Test func beingCreated() {
        let status = build(one, sandboxes: [])
        #expect(status.phase == "Pending" && status.podIP == nil && status.hostIP == "192.0.2.1")
        #expect(status.containerStatuses.first?.state?.waiting?.reason == "ContainerCreating")
        #expect(status.startTime == testTime)
        #expect(condition(status, "PodReadyToStartContainers")?.status == "False")
        #expect(condition(status, "Initialized")?.status == "True")
        #expect(condition(status, "Ready")?.reason == "ContainersNotReady")
        #expect(condition(status, "Ready")?.message == "containers with unready status: [a]")
        #expect(condition(status, "PodScheduled")?.status == "True")
        #expect(status.observedGeneration == 1 && status.qosClass == "BestEffort")
    }

    @Test func running() {
        let status = build(one, containers: [Self.running])
        #expect(status.phase == "Running" && status.podIP == "10.244.0.5" && status.podIPs.map(\.ip) == ["10.244.0.5"])
        let shown = status.containerStatuses[0]
        #expect(shown.ready && shown.started == true && shown.state?.running?.startedAt != nil)
        #expect(shown.containerID == "containerd://a-0" && shown.imageID == "sha256:1" && shown.restartCount == 0)
        #expect(condition(status, "Ready")?.status == "True" && condition(status, "ContainersReady")?.status == "True")
    }

    private static let running = Kubelet_status("a", .running)

    @Test func readinessProbeDecides() {
        let spec: JSONValue = ["containers": [container("a", ["readinessProbe": ["tcpSocket": ["port": 1]]])]]
        #expect(!build(spec, containers: [Self.running]).containerStatuses[0].ready)
        #expect(
            build(spec, containers: [Self.running]) { $0.probes["a-0"] = ProbeVerdict(ready: true) }.containerStatuses[
                0
            ]
            .ready)
    }

    @Test func crashLoop() {
        let waiting = WaitingReason(reason: "CrashLoopBackOff", message: "back-off 10s …")
        let status = build(
            one,
            containers: [
                Kubelet_status("a", .exited, code: 1, attempt: 1, ago: 1), Kubelet_status("a", .exited, code: 2),
            ]
        ) { $0.waiting = ["a": waiting] }
        let shown = status.containerStatuses[0]
        #expect(shown.state?.waiting?.reason == "CrashLoopBackOff" && shown.restartCount == 1)
        #expect(shown.lastState?.terminated?.exitCode == 1 && shown.lastState?.terminated?.reason == "Error")
        #expect(status.phase == "Running")
    }

    @Test func restartedContainerShowsHowTheLastOneEnded() {
        let status = build(
            one,
            containers: [
                Kubelet_status("a", .running, attempt: 1), Kubelet_status("a", .exited, code: 137, reason: "OOMKilled"),
            ])
        let shown = status.containerStatuses[0]
        #expect(shown.state?.running != nil && shown.restartCount == 1)
        #expect(shown.lastState?.terminated?.reason == "OOMKilled" && shown.lastState?.terminated?.exitCode == 137)
    }

    @Test(arguments: [
        ("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded"), ("OnFailure", 1, "Running"),
        ("Always", 0, "Running"),
    ])
    func phaseOfEndedContainer(_ policy: String, _ code: Int, _ phase: String) {
        let spec: JSONValue = ["restartPolicy": .string(policy), "containers": [container("a")]]
        let status = build(spec, containers: [Kubelet_status("a", .exited, code: code)])
        #expect(status.phase == phase)
        if phase == "Succeeded" { #expect(condition(status, "Ready")?.reason == "PodCompleted") }
        if phase == "Failed" { #expect(condition(status, "Ready")?.reason == "PodFailed") }
    }

    @Test func finalPhaseIsFinal() {
        let status = build(one, containers: [Self.running], previous: ["phase": "Failed", "reason": "Evicted"])
        #expect(status.phase == "Failed" && status.reason == "Evicted")
    }

    @Test func deadline() {
        let status = build(one, containers: [Self.running]) {
            $0.failure = WaitingReason(reason: "DeadlineExceeded", message: "late")
        }
        #expect(status.phase == "Failed" && status.reason == "DeadlineExceeded" && status.message == "late")
    }

    @Test func initContainers() {
        let spec: JSONValue = ["initContainers": [container("i")], "containers": [container("a")]]
        let waiting = build(spec)
        #expect(waiting.phase == "Pending")
        #expect(waiting.containerStatuses[0].state?.waiting?.reason == "PodInitializing")
        #expect(condition(waiting, "Initialized")?.reason == "ContainersNotInitialized")
        #expect(condition(waiting, "Initialized")?.message == "containers with incomplete status: [i]")
        let done = build(spec, containers: [Kubelet_status("i", .exited), Self.running])
        #expect(done.phase == "Running" && condition(done, "Initialized")?.status == "True")
        #expect(
            done.initContainerStatuses[0].ready
                && done.initContainerStatuses[0].state?.terminated?.reason == "Completed")
    }

    @Test func transitionTimesStayUntilSomethingChanges() {
        let first = build(one, containers: [Self.running])
        let second = build(one, containers: [Self.running], previous: first.json) {
            $0.now = testTime.adding(seconds: 60)
        }
        #expect(second == first)
    }

    @Test func foreignConditionsAndGates() {
        let spec: JSONValue = [
            "containers": [container("a")], "readinessGates": [["conditionType": "example.com/ready"]],
        ]
        let without = build(spec, containers: [Self.running])
        #expect(condition(without, "Ready")?.reason == "ReadinessGatesNotReady")
        let with = build(spec, containers: [Self.running]) {
            $0.pod.json["status"] = ["conditions": [["type": "example.com/ready", "status": "True"]]]
        }
        #expect(condition(with, "Ready")?.status == "True")
        #expect(condition(with, "example.com/ready") != nil)
    }

    @Test func vanishedContainerWasRunning() {
        let status = build(
            one,
            previous: [
                "containerStatuses": [
                    ["name": "a", "containerID": "containerd://x", "restartCount": 2, "state": ["running": [:]]]
                ]
            ])
        let shown = status.containerStatuses[0]
        #expect(shown.lastState?.terminated?.reason == "ContainerStatusUnknown" && shown.restartCount == 3)
    }

    @Test func terminationMessage() {
        let status = build(
            ["restartPolicy": "Never", "containers": [container("a")]],
            containers: [Kubelet_status("a", .exited, code: 1)]
        ) { $0.terminationMessages = ["a-0": "bye"] }
        #expect(status.containerStatuses[0].state?.terminated?.message == "bye")
    }
}

/// `status`, which the test's own variables hide.
private func Kubelet_status(
    _ name: String, _ state: RuntimeContainerState, code: Int = 0, attempt: Int = 0, ago: Int64 = 0, reason: String = ""
) -> RuntimeContainerStatus {
    status(name, state, code: code, attempt: attempt, ago: ago, reason: reason)
}
