import JSON
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct PodAdmissionTests {
    private func pod(_ more: JSONValue = [:], metadata: JSONValue = [:]) -> Pod {
        var spec: JSONValue = ["containers": [container("a")]]
        for (key, value) in more.objectValue ?? [:] { spec[key] = value }
        return makePod(spec, metadata: metadata)
    }

    private func sysctls(_ name: String, _ more: JSONValue = [:]) -> Pod {
        var pod = pod(more)
        pod.json["spec"]?["securityContext"] = ["sysctls": [["name": .string(name), "value": "1"]]]
        return pod
    }

    @Test(arguments: [
        ("kernel.shm_rmid_forced", nil as String?), ("net/ipv4/tcp_syncookies", nil),
        ("kernel.msgmax", "forbidden sysctl: \"kernel.msgmax\" not allowlisted"), ("net.core.somaxconn", nil),
        ("kernel.sem", nil),
    ])
    func sysctls(_ name: String, _ message: String?) {
        let problem = PodAdmission.sysctlProblem(
            sysctls(name), allowedUnsafe: ["net.core.*", "kernel.sem"])
        #expect(problem?.message == message)
        if message != nil { #expect(problem?.reason == "SysctlForbidden") }
    }

    @Test func sysctlsOfTheNodesOwnNamespaces() {
        let network = PodAdmission.sysctlProblem(sysctls("net.ipv4.tcp_syncookies", ["hostNetwork": true]))
        #expect(network?.message == "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host net enabled")
        let ipc = PodAdmission.sysctlProblem(sysctls("kernel.shm_rmid_forced", ["hostIPC": true]))
        #expect(ipc?.message == "forbidden sysctl: \"kernel.shm_rmid_forced\" not allowed with host ipc enabled")
    }

    private static let systemCases: [(JSONValue, JSONValue, String?)] = [
        (["os": ["name": "windows"]], [:], "PodOSNotSupported"), (["os": ["name": "linux"]], [:], nil),
        ([:], ["labels": ["kubernetes.io/os": "windows"]], "PodOSSelectorNodeLabelDoesNotMatch"),
        (["securityContext": ["supplementalGroupsPolicy": "Strict"]], [:], "SupplementalGroupsPolicyNotSupported"),
    ]

    @Test(arguments: systemCases)
    func systems(_ spec: JSONValue, _ metadata: JSONValue, _ reason: String?) {
        #expect(PodAdmission.systemProblem(pod(spec, metadata: metadata))?.reason == reason)
    }

    @Test func places() {
        var node = Node(name: "node1")
        node.metadata.labels = ["disk": "ssd"]
        #expect(PodAdmission.placeProblem(pod(["nodeSelector": ["disk": "ssd"]]), on: node) == nil)
        let wrong = PodAdmission.placeProblem(pod(["nodeSelector": ["disk": "tape"]]), on: node)
        #expect(wrong?.reason == "NodeAffinity")
        #expect(
            wrong?.message == "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
        node.json["spec"] = ["taints": [["key": "k", "effect": "NoExecute"], ["key": "l", "effect": "NoSchedule"]]]
        #expect(PodAdmission.placeProblem(pod(), on: node)?.reason == "TaintToleration")
        let tolerating = pod(["tolerations": [["key": "k", "operator": "Exists"]]])
        #expect(PodAdmission.placeProblem(tolerating, on: node) == nil)
        #expect(
            PodAdmission.placeProblem(pod(metadata: ["annotations": [StaticPodKeys.source: "file"]]), on: node) == nil)
    }

    @Test func pressure() {
        let bestEffort = pod()
        let burstable = makePod(["containers": [container("a", ["resources": ["requests": ["cpu": "1m"]]])]])
        #expect(PodAdmission.pressureProblem(bestEffort, []) == nil)
        #expect(
            PodAdmission.pressureProblem(bestEffort, ["MemoryPressure"])?.message
                == "The node had condition: [MemoryPressure]. ")
        #expect(PodAdmission.pressureProblem(burstable, ["MemoryPressure"]) == nil)
        #expect(PodAdmission.pressureProblem(burstable, ["DiskPressure"])?.reason == "Evicted")
        #expect(PodAdmission.pressureProblem(pod(["priority": 2_000_000_000]), ["DiskPressure"]) == nil)
    }

    @Test func portsAreTakenOnce() {
        func pod(_ name: String, _ port: JSONValue) -> Pod {
            makePod(["containers": [container(name, ["ports": [port]])]])
        }
        let first = pod("a", ["containerPort": 80, "hostPort": 8080])
        #expect(NodeRoom.shortage(first, others: [first], allocatable: [:])?.reason == "NodePorts")
        let other = pod("b", ["containerPort": 80, "hostPort": 8080, "protocol": "UDP"])
        #expect(NodeRoom.shortage(other, others: [first], allocatable: [:]) == nil)
    }
}
