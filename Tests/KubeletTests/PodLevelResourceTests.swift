import CRI
import JSON
import KubeTypes
import Testing

@testable import Kubelet

/// Resources of the pod itself, beside those of its containers (KEP-2837, KEP-5419).
@Suite struct PodLevelResourceTests {
    private func pod(_ memory: String, limit: String? = nil, status: JSONValue = [:]) -> Pod {
        makePod(
            [
                "resources": [
                    "requests": ["memory": .string(memory)], "limits": ["memory": .string(limit ?? memory)],
                ],
                "containers": [
                    container("a", ["resources": ["requests": ["memory": "100Mi"]]]), container("b"),
                ],
            ], status: status)
    }

    @Test func areAllocatedLikeThoseOfContainers() {
        let small = PodResize.wanted(by: pod("1Gi"))
        let large = PodResize.wanted(by: pod("2Gi"))
        #expect(PodResize.differs(small, large))
        let applied = PodResize.apply(small, to: pod("2Gi"))
        #expect(applied.spec.resources?.limits["memory"]?.value == 1 << 30)
    }

    @Test func areTakenUpFromTheStatus() {
        let known = pod(
            "2Gi",
            status: [
                "allocatedResources": ["memory": "1Gi", "cpu": "1"],
                "resources": ["requests": ["memory": "1Gi", "cpu": "1"], "limits": ["memory": "1Gi"]],
            ])
        let applied = PodResize.apply(PodResize.allocated(of: known), to: known)
        #expect(applied.spec.resources?.requests["memory"]?.value == 1 << 30)
        #expect(applied.spec.resources?.requests["cpu"] == nil)
    }

    @Test func limitContainersThatHaveNone() {
        let pod = pod("1Gi")
        let resources = PodQoS.burstable.resources(of: pod.spec.containers[1], pod: pod, memoryCapacity: 8 << 30)
        #expect(resources.memoryLimit == 1 << 30)
    }

    @Test func areSharedAmongContainersWhenMemoryRunsOut() {
        // 1 GiB less 100 MiB, halved: 462 MiB each, of 8 GiB.
        let pod = pod("1Gi")
        let scores = pod.spec.containers.map {
            PodQoS.burstable.oomScore(of: $0, pod: pod, memoryCapacity: 8 << 30)
        }
        #expect(scores == [932, 944])
    }

    @Test func sidecarsEndNoEarlierThanWhatTheyAreFor() {
        let pod = makePod([
            "initContainers": [container("side", ["restartPolicy": "Always"])],
            "containers": [container("a", ["resources": ["requests": ["memory": "4Gi"]]])],
        ])
        let scores = (pod.spec.initContainers + pod.spec.containers).map {
            PodQoS.burstable.oomScore(of: $0, pod: pod, memoryCapacity: 8 << 30)
        }
        #expect(scores == [500, 500])
    }

    @Test func theStatusTellsOfThem() {
        let status = podStatus(
            PodStatusInput(
                pod: pod("1Gi"), observed: ObservedPod(sandboxes: [sandbox()]), previous: PodStatus(), hostIPs: [],
                now: testTime))
        #expect(status.allocatedResources["memory"]?.value == 1 << 30)
        #expect(status.resources?.limits["memory"]?.value == 1 << 30)
    }

    @Test(arguments: [
        (100 as Int64?, 200 as Int64?, 50 as UInt64, nil as String?), (100, nil, 50, nil), (200, 100, 500, nil),
        (nil, 100, 500, nil),
        (
            100, 200, 150,
            "cannot decrease memory limits: attempting to set pod memory limit (100) below current usage (150)"
        ),
        (
            100, nil, 100,
            "cannot decrease memory limits: attempting to set pod memory limit (100) below current usage (100)"
        ),
    ])
    func memoryInUseIsNotTakenAway(_ wanted: Int64?, _ actual: Int64?, _ used: UInt64, _ problem: String?) {
        #expect(PodResize.memoryProblem([("", wanted, actual, used)]) == problem)
    }
}
