import CRI
import JSON
import KubeTypes

@testable import Kubelet

let testTime = Time(seconds: 1_700_000_000)

func makePod(_ spec: JSONValue, metadata: JSONValue = [:], status: JSONValue = [:]) -> Pod {
    var pod = Pod([
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "web", "namespace": "shop", "uid": "u1", "generation": 1], "spec": spec, "status": status,
    ])
    for (key, value) in metadata.objectValue ?? [:] { pod.json["metadata"]?[key] = value }
    return pod
}

func container(_ name: String, _ more: JSONValue = [:]) -> JSONValue {
    var json: JSONValue = ["name": .string(name), "image": "busybox"]
    for (key, value) in more.objectValue ?? [:] { json[key] = value }
    return json
}

func sandbox(_ id: String = "s1", ready: Bool = true, attempt: Int = 0, ip: String = "10.244.0.5", created: Int64 = 1)
    -> RuntimeSandboxStatus
{
    RuntimeSandboxStatus(
        sandbox: RuntimeSandbox(
            id: id, metadata: SandboxMetadata(name: "web", namespace: "shop", uid: "u1", attempt: attempt),
            ready: ready,
            createdAt: created),
        ips: ready && !ip.isEmpty ? [ip] : [])
}

/// Seconds before `testTime` at which an exited container ended.
func status(
    _ name: String, _ state: RuntimeContainerState, id: String? = nil, code: Int = 0, attempt: Int = 0, ago: Int64 = 0,
    created: Int64 = 10, reason: String = "", hash: String? = nil
) -> RuntimeContainerStatus {
    var annotations = [RuntimeKeys.restartCount: "\(attempt)"]
    annotations[RuntimeKeys.hash] = hash
    let now = testTime.seconds * 1_000_000_000
    return RuntimeContainerStatus(
        id: id ?? "\(name)-\(attempt)", name: name, attempt: attempt, state: state, createdAt: created + Int64(attempt),
        startedAt: now - (ago + 5) * 1_000_000_000, finishedAt: state == .exited ? now - ago * 1_000_000_000 : 0,
        exitCode: code, image: "docker.io/library/busybox:latest", imageRef: "sha256:1", reason: reason,
        annotations: annotations)
}

func testFacts() -> NodeFacts {
    NodeFacts(
        name: "node1", ips: ["192.0.2.1"], clusterDNS: ["10.96.0.10"], clusterDomain: "cluster.local",
        resolvConf: ResolvConf(servers: ["192.0.2.53"], searches: ["example.com"], options: ["timeout:1"]),
        cgroupRoot: "/kubepods", podLogs: "/var/log/pods", memoryCapacity: 8 << 30, allocatable: [:],
        seccompDirectory: "/seccomp")
}
