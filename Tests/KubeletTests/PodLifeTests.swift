import CRI
import JSON
import KubeTypes
import Testing

@testable import Kubelet

private func resources(_ cpu: String?, _ memory: String?, limits: Bool = true) -> JSONValue {
    var amounts: JSONValue = [:]
    if let cpu { amounts["cpu"] = .string(cpu) }
    if let memory { amounts["memory"] = .string(memory) }
    return limits ? ["requests": amounts, "limits": amounts] : ["requests": amounts]
}

@Suite struct RestartRuleTests {
    private let rules: JSONValue = [
        ["action": "Restart", "exitCodes": ["operator": "In", "values": [42, 43]]],
        ["action": "Restart", "exitCodes": ["operator": "NotIn", "values": [0, 1, 2, 42, 43]]],
    ]

    @Test(arguments: [(42, true), (1, false), (0, false), (77, true)])
    func decideBeforeThePolicy(_ code: Int, _ restarts: Bool) {
        let pod = makePod([
            "restartPolicy": "Never",
            "containers": [container("app", ["restartPolicy": "Never", "restartPolicyRules": rules])],
        ])
        #expect(pod.restarts(pod.spec.containers[0], exitCode: code) == restarts)
    }
}

@Suite struct EphemeralContainerTests {
    private func pod(initDone: Bool) -> Pod {
        makePod([
            "initContainers": initDone ? [] : [container("prepare")], "containers": [container("app")],
            "ephemeralContainers": [container("debugger", ["targetContainerName": "app"])],
        ])
    }

    private func step(_ pod: Pod, _ containers: [RuntimeContainerStatus]) -> PodStep {
        nextStep(
            PodSituation(
                pod: pod, observed: ObservedPod(sandboxes: [sandbox()], containers: containers), now: testTime))
    }

    @Test func isStartedBesideTheOthers() {
        #expect(step(pod(initDone: true), [status("app", .running)]).actions == [.start(["debugger"])])
    }

    @Test func doesNotWaitForInitialization() {
        #expect(step(pod(initDone: false), [status("prepare", .running)]).actions == [.start(["debugger"])])
    }

    @Test func isNeverStartedAgain() {
        let actions = step(pod(initDone: true), [status("app", .running), status("debugger", .exited, code: 1)]).actions
        #expect(actions == [])
    }

    @Test func isInTheStatus() {
        let result = podStatus(
            PodStatusInput(
                pod: pod(initDone: true),
                observed: ObservedPod(
                    sandboxes: [sandbox()], containers: [status("app", .running), status("debugger", .running)]),
                previous: PodStatus(), hostIPs: ["192.0.2.1"], now: testTime))
        #expect(result.ephemeralContainerStatuses.map(\.name) == ["debugger"])
        #expect(result.ephemeralContainerStatuses.first?.state?.running != nil)
        #expect(result.phase == "Running")
    }

    @Test func seesTheTargetsProcesses() throws {
        let pod = pod(initDone: true)
        let plan = ContainerPlan(
            pod: pod, container: pod.ephemeralContainers[0], attempt: 0, image: RuntimeImage(id: "i"),
            imageReference: "i", environment: [], volumes: [:], node: testFacts(), targetContainer: "abc")
        let config = try plan.config()
        #expect(config.security.namespaces.pid == .target)
        #expect(config.security.namespaces.target == "abc")
    }
}

@Suite struct PodResizeTests {
    private func pod(_ cpu: String, _ memory: String, policy: JSONValue = []) -> Pod {
        makePod([
            "containers": [container("app", ["resources": resources(cpu, memory), "resizePolicy": policy])]
        ])
    }

    @Test func appliesWhatIsAllocated() {
        let old = PodResize.wanted(by: pod("100m", "64Mi"))
        let wanted = pod("200m", "64Mi")
        #expect(PodResize.differs(old, PodResize.wanted(by: wanted)))
        let effective = PodResize.apply(old, to: wanted)
        #expect(effective.spec.containers[0].resources?.requests["cpu"] == Quantity("100m"))
        #expect(!PodResize.differs(old, PodResize.wanted(by: effective)))
        // The same amount in other words is no change.
        #expect(!PodResize.differs(old, PodResize.wanted(by: pod("0.1", "65536Ki"))))
    }

    @Test func remembersWhatAnEarlierAgentAllocated() {
        var pod = pod("200m", "64Mi")
        pod.json["status"] = [
            "containerStatuses": [
                [
                    "name": "app", "allocatedResources": ["cpu": "100m", "memory": "64Mi"],
                    "resources": resources("100m", "64Mi"),
                ]
            ]
        ]
        #expect(PodResize.allocated(of: pod)["app"]?.requests["cpu"] == Quantity("100m"))
    }

    @Test(arguments: [
        ("100m", "64Mi", false), ("200m", "64Mi", false), ("100m", "128Mi", true), ("200m", "128Mi", true),
    ])
    func restartsOnlyWhereThePolicySaysSo(_ cpu: String, _ memory: String, _ restarts: Bool) {
        let policy: JSONValue = [
            ["resourceName": "cpu", "restartPolicy": "NotRequired"],
            ["resourceName": "memory", "restartPolicy": "RestartContainer"],
        ]
        let old = pod("100m", "64Mi").spec.containers[0].resources
        #expect(
            PodResize.needsRestart(pod(cpu, memory, policy: policy).spec.containers[0], from: old) == restarts)
    }

    @Test func tellsWhatDoesNotFit() throws {
        let allocatable = ["cpu": try #require(Quantity("2")), "memory": try #require(Quantity("1Gi"))]
        let other = pod("1500m", "128Mi")
        #expect(PodResize.problem(pod("500m", "64Mi"), others: [other], allocatable: allocatable) == nil)
        let deferred = PodResize.problem(pod("600m", "64Mi"), others: [other], allocatable: allocatable)
        #expect(deferred?.reason == "Deferred")
        #expect(
            deferred?.message
                == "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000")
        let infeasible = PodResize.problem(pod("3", "64Mi"), others: [], allocatable: allocatable)
        #expect(infeasible?.reason == "Infeasible")
    }

    @Test func turnsAwayWhatThereIsNoRoomFor() throws {
        let allocatable = [
            "cpu": try #require(Quantity("1")), "memory": try #require(Quantity("1Gi")),
            "pods": try #require(Quantity("2")),
        ]
        let small = pod("500m", "64Mi")
        #expect(NodeRoom.shortage(small, others: [small], allocatable: allocatable) == nil)
        #expect(NodeRoom.shortage(small, others: [small, small], allocatable: allocatable)?.reason == "OutOfpods")
        #expect(NodeRoom.shortage(pod("600m", "1Mi"), others: [small], allocatable: allocatable)?.reason == "OutOfcpu")
        // Devices are not the agent's to count.
        let device = makePod([
            "containers": [container("app", ["resources": ["requests": ["example.com/fpga": "1"]]])]
        ])
        #expect(NodeRoom.shortage(device, others: [], allocatable: allocatable) == nil)
    }
}

@Suite struct StopSignalTests {
    @Test(arguments: [
        ("SIGUSR1", 10 as Int32?), ("SIGTERM", 15), ("SIGRTMIN", 34), ("SIGRTMIN+3", 37), ("SIGRTMAX-2", 62),
        ("SIGRTMAX+1", nil), ("SIGRTMIN+x", nil), ("SIGNONE", nil),
    ])
    func numbers(_ name: String, _ number: Int32?) { #expect(StopSignal.number(name) == number) }
}

@Suite struct PullFailureTests {
    @Test(arguments: [
        (
            "RegistryUnavailable: down", "RegistryUnavailable",
            "image pull failed for x because the registry is unavailable: down"
        ),
        ("not found", "ErrImagePull", "not found"),
    ])
    func haveTheirReasons(_ error: String, _ reason: String, _ message: String) {
        let failure = ImagePuller.pullFailure(error, image: "x")
        #expect(failure.reason == reason)
        #expect(failure.message == message)
    }
}
