import JSON
import KubeClient
import KubeTypes
import Logging
import Testing

@testable import Kubelet

@Suite struct StatusWriterTests {
    private let api = FakeAPI()
    private let path = "/api/v1/namespaces/shop/pods/web"

    private func writer(_ pod: Pod) -> StatusWriter {
        StatusWriter(client: KubeClient(api), pod: pod, logger: Logger(label: "test"), written: {})
    }

    private func stored() -> Pod { Pod(api.object(path) ?? [:]) }

    private func status(_ phase: String) -> PodStatus {
        var status = PodStatus()
        status.phase = phase
        return status
    }

    @Test func conflictsAreTriedAgainWithWhatIsThere() async {
        let pod = makePod([:])
        api.put(path, pod.json)
        let writer = writer(pod)
        writer.submit(status("Running"))
        #expect(await writer.flush())
        #expect(stored().status.phase == "Running")
    }

    /// What became of a pod is not said of another one that has its name now.
    @Test func anotherPodOfTheNameIsLeftAlone() async {
        var old = makePod([:])
        api.put(path, old.json)
        old = stored()
        let writer = writer(old)
        var new = makePod([:])
        new.metadata.uid = "another"
        api.put(path, new.json)
        writer.submit(status("Failed"))
        #expect(await writer.flush())
        #expect(stored().uid == "another")
        #expect(stored().status.phase != "Failed")
    }
}
