import CRI
import JSON
import KubeTypes
import Testing

@testable import Kubelet

/// A container whose end with a certain code starts all of its pod's anew (KEP-5532).
@Suite struct RestartAllTests {
    private let spec: JSONValue = [
        "restartPolicy": "Never", "initContainers": [container("init")],
        "containers": [
            container(
                "source",
                [
                    "restartPolicy": "Never",
                    "restartPolicyRules": [
                        ["action": "RestartAllContainers", "exitCodes": ["operator": "In", "values": [42]]]
                    ],
                ]), container("other"),
        ],
    ]

    private func observed(code: Int) -> ObservedPod {
        ObservedPod(
            sandboxes: [sandbox()],
            containers: [
                status("init", .exited, created: 2), status("source", .exited, code: code, created: 3),
                status("other", .running, created: 4),
            ])
    }

    private func step(code: Int) -> PodStep {
        nextStep(PodSituation(pod: makePod(spec), observed: observed(code: code), now: testTime))
    }

    @Test func removesEverythingTheSourceLast() {
        #expect(step(code: 42).actions == [.reset(["other-0", "init-0", "source-0"])])
    }

    @Test func otherCodesDoNot() { #expect(step(code: 1).actions == []) }

    @Test func beginsAnewWithTheInitContainers() {
        let empty = ObservedPod(sandboxes: [sandbox()])
        #expect(
            nextStep(PodSituation(pod: makePod(spec), observed: empty, now: testTime)).actions == [.start(["init"])])
    }

    @Test func theStatusTellsOfIt() throws {
        let before = podStatus(
            PodStatusInput(
                pod: makePod(spec), observed: observed(code: 42), previous: PodStatus(), hostIPs: [],
                isRestartingAll: true, now: testTime))
        let restarting = try #require(before.conditions.first { $0.type == "AllContainersRestarting" })
        #expect(restarting.status == "True" && restarting.reason == "RestartAllContainersStarted")
        #expect(before.phase == "Running")

        let removed = podStatus(
            PodStatusInput(
                pod: makePod(spec), observed: ObservedPod(sandboxes: [sandbox()]), previous: before,
                hostIPs: [], isRestartingAll: true, now: testTime))
        #expect(removed.phase == "Running")
        for shown in removed.initContainerStatuses + removed.containerStatuses {
            #expect(shown.restartCount == 1)
            #expect(shown.state?.waiting?.reason == "RestartingAllContainers")
            #expect(shown.lastState?.terminated?.reason == "RestartingAllContainers")
        }

        let again = podStatus(
            PodStatusInput(
                pod: makePod(spec), observed: ObservedPod(sandboxes: [sandbox()]), previous: removed, hostIPs: [],
                now: testTime))
        #expect(again.conditions.first { $0.type == "AllContainersRestarting" }?.status == "False")
        #expect(again.containerStatuses.allSatisfy { $0.restartCount == 1 })
    }

    @Test func initContainersAreReadyWhenTheyAreDone() {
        func ready(_ state: RuntimeContainerState) -> Bool {
            podStatus(
                PodStatusInput(
                    pod: makePod(spec),
                    observed: ObservedPod(sandboxes: [sandbox()], containers: [status("init", state)]),
                    previous: PodStatus(), hostIPs: [], now: testTime)
            ).initContainerStatuses[0].ready
        }
        #expect(!ready(.running))
        #expect(ready(.exited))
    }
}
