import CRI
import Foundation
import Glibc
import JSON
import KubeClient
import KubeTypes
import Testing

@testable import Kubelet

/// The whole agent between an API and a runtime that are made up.
@Suite(.timeLimit(.minutes(5))) struct KubeletTests {
    private let api = FakeAPI()
    private let runtime = FakeRuntime()
    private let path = "/api/v1/namespaces/shop/pods/web"

    private func options(_ directory: String) -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "node1", client: KubeClient(api), runtimeSocket: "", nodeIPs: ["192.0.2.1"])
        options.dataDir = directory + "/data"
        options.podLogsDir = directory + "/logs"
        options.cgroupMount = directory + "/cgroup"
        return options
    }

    private func withKubelet(_ body: () async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "martlet-kubelet-\(UUID().uuidString)"
        try Files.makeDirectory(directory)
        defer {
            // A start that was under way when the agent was ended may write for a moment longer.
            for _ in 0..<50 where Files.exists(directory) {
                do { try Files.removeTree(directory) } catch { usleep(10_000) }
            }
        }
        let kubelet = Kubelet(options(directory), runtime: runtime)
        let task = Task { await kubelet.run() }
        do { try await body() } catch {
            task.cancel()
            _ = await task.value
            throw error
        }
        task.cancel()
        _ = await task.value
    }

    private func eventually(
        _ what: String, within seconds: Double = 10, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) async {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if condition() { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
        Issue.record(
            "did not come about: \(what); runtime: \(runtime.log); pod: \(pod.status.json)",
            sourceLocation: sourceLocation)
    }

    private var pod: Pod { Pod(api.object(path) ?? [:]) }

    private func waitingReason(_ name: String) -> String? {
        pod.status.containerStatuses.first { $0.name == name }?.state?.waiting?.reason
    }

    private func hasEvent(_ reason: String, _ message: String? = nil) -> Bool {
        api.events.contains {
            $0["reason"]?.stringValue == reason && (message == nil || $0["message"]?.stringValue == message)
        }
    }

    private func markDeleted() {
        var deleted = pod
        deleted.metadata.deletionTimestamp = kubeletNow()
        deleted.metadata.deletionGracePeriodSeconds = 5
        api.put(path, deleted.json)
    }

    private func spec(_ a: JSONValue = [:], _ more: JSONValue = [:]) -> JSONValue {
        var settings = a
        settings["imagePullPolicy"] = "IfNotPresent"
        var spec: JSONValue = ["nodeName": "node1", "containers": [container("a", settings)]]
        for (key, value) in more.objectValue ?? [:] { spec[key] = value }
        return spec
    }

    @Test func lifeOfAPod() async throws {
        try await withKubelet {
            await eventually("node registered") { api.object("/api/v1/nodes/node1") != nil }
            await eventually("lease") {
                api.object("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1") != nil
            }
            let node = Node(api.object("/api/v1/nodes/node1") ?? [:])
            #expect(node.status.conditions.first { $0.type == "Ready" }?.status == "True")
            #expect(node.labels["kubernetes.io/hostname"] == "node1")

            api.put(path, makePod(spec()).json)
            await eventually("running and ready") {
                pod.status.phase == "Running"
                    && pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
            }
            #expect(runtime.log == ["sandbox", "start a"])
            #expect(pod.status.podIP?.hasPrefix("10.244.0.") == true && pod.status.hostIP == "192.0.2.1")

            // It crashes: restarted at once, then after ever longer waits.
            runtime.end("a", code: 1)
            await eventually("restarted") {
                pod.status.containerStatuses[0].restartCount == 1 && pod.status.containerStatuses[0].ready
            }
            #expect(pod.status.containerStatuses[0].lastState?.terminated?.exitCode == 1)
            runtime.end("a", code: 1)
            await eventually("back-off") { waitingReason("a") == "CrashLoopBackOff" }
            #expect(
                pod.status.containerStatuses[0].state?.waiting?.message
                    == "back-off 10s restarting failed container=a pod=web_shop(u1)")
            await eventually("event") {
                hasEvent("BackOff", "Back-off restarting failed container a in pod web_shop(u1)")
            }

            markDeleted()
            await eventually("gone from the API") { api.object(path) == nil }
            let left = runtime.state.withLock { ($0.sandboxes.count, $0.containers.count) }
            #expect(left == (0, 0))
        }
        #expect(hasEvent("Started") && hasEvent("Created"))
        #expect(api.events.contains { $0[path: "involvedObject", "fieldPath"]?.stringValue == "spec.containers{a}" })
    }

    @Test func deletionStopsWithGraceAndHook() async throws {
        try await withKubelet {
            api.put(path, makePod(spec(["lifecycle": ["preStop": ["exec": ["command": ["bye"]]]]])).json)
            await eventually("running") { pod.status.phase == "Running" }
            markDeleted()
            await eventually("gone") { api.object(path) == nil }
        }
        #expect(Array(runtime.log.dropFirst(2)) == ["exec bye", "stop a 5", "stop sandbox"])
        #expect(hasEvent("Killing", "Stopping container a"))
    }

    @Test func missingImage() async throws {
        try await withKubelet {
            api.put(path, makePod(spec(["image": "no/such:1"])).json)
            await eventually("ErrImagePull") { waitingReason("a") == "ErrImagePull" }
            await eventually("ImagePullBackOff") { waitingReason("a") == "ImagePullBackOff" }
            await eventually("event") {
                hasEvent("Failed", "Error: ErrImagePull") && hasEvent("BackOff", "Back-off pulling image \"no/such:1\"")
            }
            #expect(pod.status.phase == "Pending")
        }
    }

    /// Why an image could not be pulled, where runtimes tell it apart.
    @Test(arguments: ["RegistryUnavailable", "SignatureValidationFailed"])
    func pullsFailForReasons(_ reason: String) async throws {
        runtime.state.withLock { $0.pullProblem = "\(reason): " }
        try await withKubelet {
            api.put(path, makePod(spec(["image": "no/such:1"])).json)
            await eventually(reason) { waitingReason("a") == reason }
            await eventually("event") { hasEvent("Failed", "Error: \(reason)") }
            await eventually("ImagePullBackOff") { waitingReason("a") == "ImagePullBackOff" }
        }
    }

    /// What the runtime refuses while a pod starts has upstream's name, as the reason to wait and in events, and passes
    /// when the runtime works again.
    @Test(arguments: [
        ("runPodSandbox", "ContainerCreating", "FailedCreatePodSandBox", "Failed to create pod sandbox: "),
        ("imageStatus", "ImageInspectError", "InspectFailed", "Failed to inspect image \"busybox\": "),
        ("createContainer", "CreateContainerError", "Failed", "Error: "),
        ("startContainer", "RunContainerError", "Failed", "Error: "),
    ])
    func startThatTheRuntimeRefuses(_ call: String, _ reason: String, _ event: String, _ message: String) async throws {
        runtime.state.withLock { $0.failing = [call] }
        try await withKubelet {
            api.put(path, makePod(spec()).json)
            await eventually(reason) { waitingReason("a") == reason }
            await eventually("event") {
                api.events.contains {
                    $0["reason"]?.stringValue == event
                        && $0["message"]?.stringValue?.hasPrefix(message) == true
                        && $0["message"]?.stringValue?.contains("\(call) does not work") == true
                }
            }
            runtime.state.withLock { $0.failing = [] }
            await eventually("running", within: 30) { pod.status.phase == "Running" }
        }
    }

    /// What is wrong with a pod's end has its name too. The end of the sandbox is the end of its containers.
    @Test(arguments: [("stopContainer", "KillContainerError"), ("stopPodSandbox", "KillPodSandboxError")])
    func endThatTheRuntimeRefuses(_ call: String, _ name: String) async throws {
        try await withKubelet {
            api.put(path, makePod(spec()).json)
            await eventually("running") { pod.status.phase == "Running" }
            runtime.state.withLock { $0.failing = [call] }
            markDeleted()
            await eventually("event") {
                api.events.contains {
                    $0["reason"]?.stringValue == "FailedKillPod"
                        && $0["message"]?.stringValue?.contains("with \(name): ") == true
                }
            }
            if call == "stopPodSandbox" { #expect(api.object(path) != nil) }
            runtime.state.withLock { $0.failing = [] }
            await eventually("gone", within: 30) { api.object(path) == nil }
        }
    }

    @Test func configErrorHealsWhenTheObjectAppears() async throws {
        try await withKubelet {
            let env: JSONValue = ["env": [["name": "K", "valueFrom": ["configMapKeyRef": ["name": "m", "key": "k"]]]]]
            api.put(path, makePod(spec(env)).json)
            await eventually("CreateContainerConfigError") { waitingReason("a") == "CreateContainerConfigError" }
            #expect(pod.status.containerStatuses[0].state?.waiting?.message == "configmap \"m\" not found")
            api.put(
                "/api/v1/namespaces/shop/configmaps/m",
                ["metadata": ["name": "m", "namespace": "shop"], "data": ["k": "v"]])
            await eventually("running", within: 5) { pod.status.phase == "Running" }
        }
        let environment = runtime.state.withLock { $0.configs.values.first?.environment ?? [] }
        #expect(environment.contains { $0.name == "K" && $0.value == "v" })
    }

    @Test func missingVolumeIsWaitedFor() async throws {
        try await withKubelet {
            let volumes: JSONValue = ["volumes": [["name": "v", "configMap": ["name": "m"]]]]
            api.put(path, makePod(spec(["volumeMounts": [["name": "v", "mountPath": "/v"]]], volumes)).json)
            await eventually("FailedMount") {
                hasEvent("FailedMount", "MountVolume.SetUp failed for volume \"v\" : configmap \"m\" not found")
            }
            #expect(waitingReason("a") == "ContainerCreating" && runtime.log.isEmpty)
            api.put(
                "/api/v1/namespaces/shop/configmaps/m",
                ["metadata": ["name": "m", "namespace": "shop"], "data": ["k": "v"]])
            await eventually("running", within: 5) { pod.status.phase == "Running" }
            let mount = runtime.state.withLock { $0.configs.values.first?.mounts.first { $0.containerPath == "/v" } }
            #expect(Files.text((mount?.hostPath ?? "") + "/k") == "v")
            api.put(
                "/api/v1/namespaces/shop/configmaps/m",
                ["metadata": ["name": "m", "namespace": "shop"], "data": ["k": "new"]])
            await eventually("refreshed", within: 5) { Files.text((mount?.hostPath ?? "") + "/k") == "new" }
        }
    }

    @Test func jobsEnd() async throws {
        try await withKubelet {
            api.put(path, makePod(spec([:], ["restartPolicy": "Never"])).json)
            await eventually("running") { pod.status.phase == "Running" }
            runtime.end("a", code: 0)
            await eventually("succeeded") { pod.status.phase == "Succeeded" }
            #expect(pod.status.containerStatuses[0].state?.terminated?.reason == "Completed")
            await eventually("sandbox stopped") { runtime.log.contains("stop sandbox") }
        }
    }

    @Test func probesDecide() async throws {
        try await withKubelet {
            let probes: JSONValue = [
                "livenessProbe": ["exec": ["command": ["fail"]], "periodSeconds": 1, "failureThreshold": 1]
            ]
            api.put(path, makePod(spec(probes, ["terminationGracePeriodSeconds": 3])).json)
            await eventually("killed") { runtime.log.contains("stop a 3") }
            await eventually("event") { hasEvent("Killing", "Container a failed liveness probe, will be restarted") }
            await eventually("restarted") { runtime.log.filter { $0 == "start a" }.count == 2 }
        }
        #expect(hasEvent("Unhealthy"))
    }

    /// A pod that is ending is asked whether it is ready until it has ended, and no more whether it lives.
    @Test func readinessIsAskedToTheEnd() async throws {
        try await withKubelet {
            let probe: JSONValue = ["exec": ["command": ["ask"]], "periodSeconds": 1, "failureThreshold": 1]
            api.put(path, makePod(spec(["readinessProbe": probe, "livenessProbe": probe])).json)
            func isReady() -> Bool { pod.status.containerStatuses.first?.ready == true }
            await eventually("ready") { isReady() }
            runtime.state.withLock { $0.failing = ["stopContainer", "stopPodSandbox", "execSync"] }
            markDeleted()
            await eventually("not ready any more") { api.object(path) != nil && !isReady() }
            #expect(pod.status.containerStatuses.first?.state?.running != nil)
            runtime.state.withLock { $0.failing = [] }
            await eventually("gone") { api.object(path) == nil }
        }
        #expect(!hasEvent("Killing", "Container a failed liveness probe, will be restarted"))
        // Not as fast as it goes.
        #expect(api.events.filter { $0["reason"]?.stringValue == "FailedKillPod" }.count < 20)
    }

    @Test func anotherAgentAdoptsWhatRuns() async throws {
        try await withKubelet {
            api.put(path, makePod(spec()).json)
            await eventually("running") { pod.status.phase == "Running" }
        }
        let before = runtime.container("a")?.id
        #expect(runtime.container("a")?.state == .running, "pods outlive the agent")
        // Meanwhile a pod is deleted whose containers still run.
        let config = try SandboxPlan.config(
            makePod(["containers": [container("x")]], metadata: ["uid": "orphan", "name": "gone"]), attempt: 0,
            node: testFacts())
        _ = try await runtime.runPodSandbox(config)
        try await withKubelet {
            await eventually("orphan removed") {
                runtime.state.withLock { state in
                    !state.sandboxes.values.contains { $0.sandbox.metadata.uid == "orphan" }
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(runtime.container("a")?.id == before && runtime.container("a")?.state == .running)
            #expect(pod.status.containerStatuses[0].restartCount == 0)
        }
    }

    @Test func podRemovedByForceEndsSoon() async throws {
        try await withKubelet {
            api.put(path, makePod(spec()).json)
            await eventually("running") { pod.status.phase == "Running" }
            api.remove(path)
            await eventually("stopped") { runtime.log.contains("stop a 2") }
            await eventually("nothing left") { runtime.state.withLock { $0.sandboxes.isEmpty } }
        }
    }

    @Test func deadline() async throws {
        try await withKubelet {
            api.put(path, makePod(spec([:], ["activeDeadlineSeconds": 1])).json)
            await eventually("failed") { pod.status.phase == "Failed" }
            #expect(pod.status.reason == "DeadlineExceeded")
        }
    }
}
