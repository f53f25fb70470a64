import JSON
import KubeClient
import KubeTypes
import Testing

@testable import ControllerManager

@Suite(.timeLimit(.minutes(5))) struct QuotaControllerTests {
    private func quota(_ hard: JSONValue, scopes: JSONValue? = nil) -> ResourceQuota {
        var quota = ResourceQuota(name: "q", namespace: "default")
        quota.json["spec"] = ["hard": hard]
        if let scopes { quota.json["spec"]?["scopes"] = scopes }
        return quota
    }

    private func used(_ api: FakeAPI) -> JSONValue? {
        api.object(ResourceQuota.self, "q", namespace: "default")?.json["status"]?["used"]
    }

    /// Waits until the quota's use is as expected.
    private func expectUsed(_ expected: JSONValue, _ api: FakeAPI, _ line: Int = #line) async {
        for _ in 0..<500 {
            if used(api) == expected { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("line \(line): \(expected) expected, \(used(api) ?? .null) found")
    }

    @Test func objectsAreCountedAndGivenBack() async {
        let api = FakeAPI(now: { start })
        var one = pod("one")
        one.json["spec"]?["containers"] = [
            ["name": "c", "resources": ["requests": ["cpu": "250m", "memory": "1Gi", "example.com/dongle": "3"]]]
        ]
        api.put(one)
        var done = one
        done.json["metadata"] = ["name": "done", "namespace": "default", "uid": "done"]
        done.status.phase = "Succeeded"
        api.put(done)
        api.put(ConfigMap(name: "a", namespace: "default"))
        api.put(
            quota([
                "pods": "5", "requests.cpu": "1", "memory": "2Gi", "count/pods": "9", "configmaps": "3",
                "requests.example.com/dongle": "5", "count/nothings.example.com": "1",
            ]))
        await withControllers(["resourcequota-controller"], api) {
            await expectUsed(
                [
                    "pods": "1", "requests.cpu": "250m", "memory": "1Gi", "count/pods": "2", "configmaps": "1",
                    "requests.example.com/dongle": "3",
                ], api)
            api.remove(Pod.self, "one", namespace: "default")
            api.remove(ConfigMap.self, "a", namespace: "default")
            await expectUsed(
                [
                    "pods": "0", "requests.cpu": "0", "memory": "0", "count/pods": "1", "configmaps": "0",
                    "requests.example.com/dongle": "0",
                ], api)
        }
    }

    @Test func scopesSayWhichPodsCount() async {
        let api = FakeAPI(now: { start })
        var ending = pod("ending")
        ending.json["spec"]?["activeDeadlineSeconds"] = 60
        api.put(ending)
        api.put(pod("lasting"))
        api.put(quota(["pods": "5"], scopes: ["Terminating", "BestEffort"]))
        await withControllers(["resourcequota-controller"], api) { await expectUsed(["pods": "1"], api) }
    }

    @Test func claimsGoWhenNoPodUsesThem() async {
        let api = FakeAPI(now: { start })
        var claim = PersistentVolumeClaim(name: "data", namespace: "default")
        claim.metadata.finalizers = ["kubernetes.io/pvc-protection", "example.com/mine"]
        claim.metadata.deletionTimestamp = start
        api.put(claim)
        var user = pod("user")
        user.json["spec"]?["volumes"] = [["name": "v", "persistentVolumeClaim": ["claimName": "data"]]]
        api.put(user)
        await withControllers(["persistentvolumeclaim-protection-controller"], api) {
            await api.quiet()
            #expect(
                api.object(PersistentVolumeClaim.self, "data", namespace: "default")?.metadata.finalizers.count == 2)
            api.remove(Pod.self, "user", namespace: "default")
            for _ in 0..<500 {
                let left = api.object(PersistentVolumeClaim.self, "data", namespace: "default")?.metadata.finalizers
                if left == ["example.com/mine"] { return }
                try? await Task.sleep(for: .milliseconds(10))
            }
            Issue.record("the finalizer stayed")
        }
    }
}
