import JSON
import KubeClient
import KubeTypes
import Synchronization
import Testing

@testable import ControllerManager

/// StatefulSets and DaemonSets under their controllers, against an API in memory.
@Suite(.serialized) struct SetShellTests {
    private func wanted(_ set: StatefulSet) -> StatefulSet {
        var set = set
        set.metadata = ObjectMeta(["name": .string(set.name), "namespace": "default"])
        return set
    }

    private func status(_ api: FakeAPI) -> StatefulSetStatus? {
        api.object(StatefulSet.self, "web", namespace: "default")?.status
    }

    @Test func aStatefulSetGrowsInOrderAndRollsBack() async throws {
        let api = FakeAPI()
        let order = Mutex<[String]>([])
        try await withControllers(["statefulset-controller"], api) {
            try await api.client.create(wanted(statefulSet(claims: ["data"])))
            #expect(
                await eventually {
                    // Pods start one by one: none is there before its predecessor is ready.
                    let names = api.activePods.map(\.name).sorted()
                    order.withLock {
                        if $0.last != names.joined(separator: " ") { $0.append(names.joined(separator: " ")) }
                    }
                    api.runPods()
                    return status(api)?.availableReplicas == 3
                })
            #expect(
                order.withLock { $0 }.filter { !$0.isEmpty } == ["web-0", "web-0 web-1", "web-0 web-1 web-2"])
            #expect(
                api.objects(PersistentVolumeClaim.self).map(\.name) == ["data-web-0", "data-web-1", "data-web-2"])
            #expect(api.objects(ControllerRevision.self).count == 1)
            let first = status(api)?.currentRevision
            for image in ["v2", "v1"] {
                try await api.client.modify(StatefulSet.self, "web", namespace: "default") {
                    $0.spec.template = template(image)
                    return true
                }
                #expect(
                    await eventually {
                        api.endPods()
                        api.runPods()
                        let now = status(api)
                        return now?.currentRevision == now?.updateRevision && now?.updatedReplicas == 3
                            && now?.readyReplicas == 3 && (now?.currentRevision == first) == (image == "v1")
                    })
                #expect(api.activePods.allSatisfy { $0.spec.containers.first?.image == image })
            }
            let revisions = RevisionHistory(api.objects(ControllerRevision.self)).revisions
            #expect(revisions.map(\.revision) == [2, 3])
            #expect(revisions.last?.name == first)
            #expect(api.eventMessages.contains("SuccessfulCreate: Create Pod web-0 in StatefulSet web successful"))
            #expect(
                api.eventMessages.contains(
                    "SuccessfulCreate: Create Claim data-web-0 Pod web-0 in StatefulSet web success"))
            await api.quiet()
            let before = api.writes().count
            try await Task.sleep(for: .milliseconds(100))
            #expect(api.writes().count == before)
        }
    }

    @Test func aSlowCacheAsksForNoPodTwice() async throws {
        let api = FakeAPI()
        try await withControllers(["statefulset-controller"], api) {
            api.hold("pods")
            try await api.client.create(wanted(statefulSet(replicas: 5, parallel: true)))
            #expect(await eventually { api.activePods.count == 5 })
            for label in ["a", "b", "c"] {
                try await api.client.patch(
                    StatefulSet.self, "web", namespace: "default", ["metadata": ["labels": ["x": .string(label)]]])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(api.writes("pods").count == 5)
            api.release("pods")
            #expect(
                await eventually {
                    api.runPods()
                    return status(api)?.readyReplicas == 5
                })
            #expect(api.writes("pods").count == 5)
        }
    }

    @Test func historyIsCutToItsLimit() async throws {
        let api = FakeAPI()
        try await withControllers(["statefulset-controller"], api) {
            var set = wanted(statefulSet(replicas: 1))
            set.spec.revisionHistoryLimit = 1
            try await api.client.create(set)
            for number in 1...4 {
                try await api.client.modify(StatefulSet.self, "web", namespace: "default") {
                    $0.spec.template = template("v\(number)")
                    return true
                }
                #expect(
                    await eventually {
                        api.endPods()
                        api.runPods()
                        return api.activePods.first?.spec.containers.first?.image == "v\(number)"
                            && status(api)?.currentRevision == status(api)?.updateRevision
                    })
            }
            #expect(await eventually { api.objects(ControllerRevision.self).count == 2 })
        }
    }

    // MARK: DaemonSets

    private func daemons(_ api: FakeAPI) -> DaemonSetStatus? {
        api.object(DaemonSet.self, "agent", namespace: "default")?.status
    }

    /// What scheduler and kubelet do with pods that are made for a node.
    static func runDaemons(_ api: FakeAPI) {
        for pod in api.objects(Pod.self) where !pod.isBeingDeleted && !pod.isReady && pod.phase != "Failed" {
            guard let node = DaemonPlacement.node(of: pod) else { continue }
            var running = pod
            running.spec.nodeName = node
            running.status.phase = "Running"
            running.status.conditions = [
                PodCondition(["type": "Ready", "status": "True", "lastTransitionTime": .string("\(api.now())")])
            ]
            api.put(running)
        }
    }

    @Test func aDaemonSetFollowsNodesAndTemplate() async throws {
        let api = FakeAPI()
        for number in 0..<4 { try await api.client.create(node("n\(number)")) }
        try await withControllers(["daemonset-controller"], api) {
            var set = daemonSet()
            set.metadata = ObjectMeta(["name": "agent", "namespace": "default"])
            try await api.client.create(set)
            #expect(
                await eventually {
                    Self.runDaemons(api)
                    return daemons(api)?.numberAvailable == 4
                })
            #expect(Set(api.activePods.map(\.nodeName)) == ["n0", "n1", "n2", "n3"])
            try await api.client.create(node("n4"))
            #expect(
                await eventually {
                    Self.runDaemons(api)
                    return daemons(api)?.numberReady == 5
                })
            try await api.client.modify(DaemonSet.self, "agent", namespace: "default") {
                $0.spec.template = template("v2")
                return true
            }
            #expect(
                await eventually {
                    api.endPods()
                    Self.runDaemons(api)
                    return daemons(api)?.updatedNumberScheduled == 5 && daemons(api)?.numberAvailable == 5
                        && api.activePods.allSatisfy { $0.spec.containers.first?.image == "v2" }
                })
            #expect(api.objects(ControllerRevision.self).map(\.revision).sorted() == [1, 2])
            // A pod that fails is replaced.
            var broken = api.activePods[0]
            broken.status.phase = "Failed"
            broken.status.conditions = []
            api.put(broken)
            let gone = broken.name
            #expect(
                await eventually {
                    api.endPods()
                    Self.runDaemons(api)
                    return api.object(Pod.self, gone, namespace: "default") == nil && api.activePods.count == 5
                        && daemons(api)?.numberReady == 5
                })
            #expect(api.eventMessages.contains { $0.hasPrefix("FailedDaemonPod: Found failed daemon pod default/") })
            await api.quiet()
            let before = api.writes().count
            try await Task.sleep(for: .milliseconds(100))
            #expect(api.writes().count == before)
        }
    }

    @Test func strayRevisionsAndPodsAreAdopted() async throws {
        let api = FakeAPI()
        try await api.client.create(node("n0"))
        try await withControllers(["daemonset-controller"], api) {
            var set = daemonSet()
            set.metadata = ObjectMeta(["name": "agent", "namespace": "default"])
            try await api.client.create(pod("stray", labels: ["app": "web"], node: "n0"))
            try await api.client.create(set)
            #expect(
                await eventually {
                    api.object(Pod.self, "stray", namespace: "default")?.controller?.name == "agent"
                })
            #expect(await eventually { api.count(ControllerRevision.self) == 1 })
            var revision = try #require(api.objects(ControllerRevision.self).first)
            revision.metadata = ObjectMeta(["name": "mine", "namespace": "default", "labels": ["app": "web"]])
            revision.revision = 3
            try await api.client.create(revision)
            // It holds the same template with a later number: the two become one.
            #expect(await eventually { api.objects(ControllerRevision.self).map(\.name) == ["mine"] })
            #expect(
                await eventually {
                    api.object(ControllerRevision.self, "mine", namespace: "default")?.labels[
                        "controller-revision-hash"]
                        == "mine"
                })
        }
    }
}
