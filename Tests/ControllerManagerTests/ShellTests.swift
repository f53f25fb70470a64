import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization
import Testing

@testable import ControllerManager

let served: [ServedResource] = {
    let verbs: Set<String> = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
    func row<T: KubeObject>(_: T.Type) -> ServedResource {
        ServedResource(
            apiVersion: T.type.apiVersion, resource: T.type.resource, kind: T.type.kind, namespaced: T.type.namespaced,
            verbs: verbs)
    }
    return [
        row(Pod.self), row(ReplicaSet.self), row(Deployment.self), row(ConfigMap.self), row(Service.self),
        row(ServiceAccount.self), row(EndpointSlice.self), row(Endpoints.self), row(Secret.self), row(Node.self),
        row(Namespace.self), row(Event.self), row(ReplicationController.self),
    ]
}()

/// Runs controllers against a fake API for as long as `body` takes.
func withControllers(
    _ names: Set<String>?, _ api: FakeAPI, clock: FakeClock = FakeClock(),
    options change: (inout ControllerManagerOptions) -> Void = { _ in }, _ body: () async throws -> Void
) async rethrows {
    var options = ControllerManagerOptions(
        rootCA: "PEM", resources: served, controllers: names, nodeMonitorPeriod: .milliseconds(10),
        podGarbageCollectionPeriod: .milliseconds(10), now: { clock.now })
    options.logger.logLevel = .critical
    change(&options)
    let manager = ControllerManager(
        client: api.client, options: options,
        clientOf: { account in
            KubeClient(Restricted(api: api, account: account))
        })
    let task = Task { await manager.run() }
    do {
        try await body()
    } catch {
        task.cancel()
        await task.value
        throw error
    }
    task.cancel()
    await task.value
}

/// Lets a controller do only what upstream's role `system:controller:…` of its service account allows.
struct Restricted: KubeTransport {
    let api: FakeAPI
    let account: String

    private static let rules: [String: [String: String]] = [
        "deployment-controller": [
            "deployments": "get list watch update", "deployments/status": "update",
            "replicasets": "get list watch create update patch delete", "pods": "get list watch update",
        ],
        "replicaset-controller": [
            "replicasets": "get list watch update", "replicasets/status": "update",
            "pods": "list watch patch create delete",
        ],
        "replication-controller": [
            "replicationcontrollers": "get list watch update", "replicationcontrollers/status": "update",
            "pods": "list watch patch create delete",
        ],
        "statefulset-controller": [
            "statefulsets": "get list watch", "statefulsets/status": "update",
            "pods": "list watch get create delete update patch",
            "controllerrevisions": "get list watch create delete update patch",
            "persistentvolumeclaims": "get list watch create update delete",
        ],
        "daemon-set-controller": [
            "daemonsets": "get list watch", "daemonsets/status": "update", "nodes": "list watch",
            "pods": "list watch create delete patch",
            "controllerrevisions": "get list watch create delete update patch",
        ],
        "horizontal-pod-autoscaler": [
            "horizontalpodautoscalers": "get list watch", "horizontalpodautoscalers/status": "update",
            "deployments/scale": "get update", "pods": "list watch",
        ],
        "endpointslice-controller": ["endpointslices": "get list watch create update delete"],
        "job-controller": [
            "jobs": "get list watch update patch", "jobs/status": "update",
            "pods": "list watch create delete patch",
        ],
        "cronjob-controller": [
            "cronjobs": "get list watch update", "cronjobs/status": "update",
            "jobs": "get list watch create update delete patch", "pods": "list watch delete",
        ],
        "ttl-after-finished-controller": ["jobs": "get list watch delete"],
        "endpointslicemirroring-controller": ["endpointslices": "get list watch create update delete"],
        "persistent-volume-binder": [
            "persistentvolumes": "get list watch update create delete", "persistentvolumes/status": "update",
            "persistentvolumeclaims": "get list watch update", "persistentvolumeclaims/status": "update",
            "pods": "get list watch create delete", "storageclasses": "get list watch", "nodes": "list watch",
        ],
        "expand-controller": [
            "persistentvolumes": "get list watch update patch", "persistentvolumeclaims/status": "update patch",
            "persistentvolumeclaims": "get list watch",
        ],
        "service-cidrs-controller": [
            "servicecidrs": "get list watch patch update", "servicecidrs/status": "patch update",
            "ipaddresses": "get list watch",
        ],
        "resource-claim-controller": [
            "pods": "get list watch", "resourceclaims": "get list watch create delete update patch",
            "resourceclaims/status": "update patch", "pods/status": "update patch",
        ],
        "ttl-controller": ["nodes": "update patch list watch"],
        "ephemeral-volume-controller": ["persistentvolumeclaims": "get list watch create"],
        "endpoint-controller": ["endpoints": "get list watch create update delete"],
        "namespace-controller": [
            "namespaces": "get list watch delete", "namespaces/finalize": "update", "namespaces/status": "update",
            "*": "get list watch delete deletecollection",
        ],
        "service-account-controller": ["serviceaccounts": "create"],
        "root-ca-cert-publisher": ["configmaps": "create update"],
        "generic-garbage-collector": ["*": "get list watch patch update delete"],
        "pod-garbage-collector": [
            "pods": "list watch delete", "nodes": "get list watch", "pods/status": "patch",
        ],
        "node-controller": [
            "nodes": "get list watch update delete patch", "nodes/status": "patch update",
            "pods/status": "patch update", "pods": "list watch get delete",
        ],
        "certificate-controller": [
            "certificatesigningrequests": "get list watch delete", "certificatesigningrequests/status": "update",
            "certificatesigningrequests/approval": "update", "subjectaccessreviews": "create",
        ],
        "legacy-service-account-token-cleaner": ["configmaps": "get", "secrets": "patch delete"],
        "bootstrap-signer": ["secrets": "get list watch", "configmaps": "get list watch update"],
        "token-cleaner": ["secrets": "get list watch delete"],
        "clusterrole-aggregation-controller": ["clusterroles": "get list watch update patch"],
        "disruption-controller": ["poddisruptionbudgets/status": "update", "pods/status": "patch update"],
        "resourcequota-controller": ["*": "list watch", "resourcequotas/status": "update"],
        "pvc-protection-controller": [
            "persistentvolumeclaims": "get list watch update", "pods": "get list watch",
        ],
        "pv-protection-controller": ["persistentvolumes": "get list watch update"],
        "volumeattributesclass-protection-controller": [
            "volumeattributesclasses": "get list watch update", "persistentvolumeclaims": "get list watch",
            "persistentvolumes": "get list watch",
        ],
    ]

    private func check(_ request: KubeRequest) throws(APIError) {
        if request.resource == "events" { return }
        let resource = request.subresource.map { "\(request.resource)/\($0)" } ?? request.resource
        let rules = Self.rules[account] ?? [:]
        let allowed = "\(rules[resource] ?? "") \(rules["*"] ?? "")".split(separator: " ")
        if allowed.contains(where: { $0 == request.verb.rawValue }) { return }
        Issue.record("\(account) may not \(request.verb.rawValue) \(resource)")
        throw .forbidden(request.resource, group: "", name: request.name ?? "", "role")
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        try check(request)
        return try await api.call(request)
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        try check(request)
        return try await api.watch(request)
    }
}

extension FakeAPI {
    /// What scheduler and kubelet do: pods get a node and become ready.
    func runPods(except: @Sendable (Pod) -> Bool = { _ in false }) {
        for pod in objects(Pod.self) where !pod.isBeingDeleted && !pod.isReady && !except(pod) {
            var running = pod
            running.spec.nodeName = "n1"
            running.status.phase = "Running"
            var ready = PodCondition()
            ready.type = "Ready"
            ready.status = "True"
            ready.lastTransitionTime = now()
            running.status.conditions = [ready]
            running.status.podIP = "10.0.0.\(abs(pod.name.hashValue) % 250)"
            put(running)
        }
    }

    /// The kubelet ends pods that are being deleted.
    func endPods() {
        for pod in objects(Pod.self) where pod.isBeingDeleted { remove(Pod.self, pod.name, namespace: pod.namespace) }
    }

    var activePods: [Pod] { objects(Pod.self).filter(\.isActive) }

    /// Waits until nothing has been written for a while.
    func quiet(for time: Duration = .milliseconds(120)) async {
        var count = -1
        while count != writes().count {
            count = writes().count
            try? await Task.sleep(for: time)
        }
    }
}

let workloads: Set<String> = ["deployment-controller", "replicaset-controller"]

@Suite(.serialized) struct ShellTests {
    private func replicaSet(_ name: String = "rs", replicas: Int = 3) -> ReplicaSet {
        var set = ReplicaSet(name: name, namespace: "default")
        set.spec.replicas = replicas
        set.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
        set.spec.template = template("v1")
        return set
    }

    @Test func aDeploymentRollsOutAndBack() async throws {
        let api = FakeAPI()
        try await withControllers(workloads, api) {
            var wanted = deployment()
            wanted.metadata = ObjectMeta(["name": "web", "namespace": "default"])
            try await api.client.create(wanted)
            #expect(
                await eventually {
                    api.runPods();
                    return api.object(Deployment.self, "web", namespace: "default")?.status.availableReplicas == 3
                })
            #expect(api.activePods.count == 3)
            #expect(
                api.activePods.allSatisfy { $0.metadata.generateName != nil && $0.labels["pod-template-hash"] != nil })
            await api.quiet()
            let before = api.writes().count
            try await Task.sleep(for: .milliseconds(100))
            #expect(api.writes().count == before)

            for (image, revision) in [("v2", "2"), ("v1", "3")] {
                try await api.client.modify(Deployment.self, "web", namespace: "default") {
                    $0.spec.template = template(image)
                    return true
                }
                #expect(
                    await eventually {
                        api.runPods()
                        api.endPods()
                        let now = api.object(Deployment.self, "web", namespace: "default")
                        return now?.annotations["deployment.kubernetes.io/revision"] == revision
                            && now?.status.updatedReplicas == 3 && now?.status.availableReplicas == 3
                            && now?.status.replicas == 3
                            && now?.condition("Progressing")?.reason == "NewReplicaSetAvailable"
                    })
            }
            #expect(api.objects(ReplicaSet.self).count == 2)
            let messages = api.eventMessages.filter { $0.hasPrefix("ScalingReplicaSet") }
            #expect(messages.contains { $0.hasSuffix("from 0 to 3") && $0.contains("Scaled up replica set web-") })
            #expect(messages.contains { $0.contains("Scaled down replica set web-") })
        }
    }

    @Test func aSlowCacheMakesNoPodTwice() async throws {
        let api = FakeAPI()
        try await withControllers(["replicaset-controller"], api) {
            api.hold("pods")
            try await api.client.create(replicaSet(replicas: 10))
            #expect(await eventually { api.activePods.count == 10 })
            // Other changes bring the set back to the controller, which sees no pod yet.
            for label in ["a", "b", "c"] {
                try await api.client.patch(
                    ReplicaSet.self, "rs", namespace: "default", ["metadata": ["labels": ["x": .string(label)]]])
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(api.activePods.count == 10)
            api.release("pods")
            await api.quiet()
            #expect(api.activePods.count == 10)

            api.hold("pods")
            try await api.client.patch(ReplicaSet.self, "rs", namespace: "default", ["spec": ["replicas": 4]])
            #expect(await eventually { api.activePods.count == 4 })
            try await api.client.patch(
                ReplicaSet.self, "rs", namespace: "default", ["metadata": ["labels": ["x": "d"]]])
            try await Task.sleep(for: .milliseconds(40))
            #expect(api.activePods.count == 4)
            api.release("pods")
            await api.quiet()
            #expect(api.activePods.count == 4)
            #expect(api.object(ReplicaSet.self, "rs", namespace: "default")?.status.replicas == 4)
        }
    }

    @Test func refusedPodsAreReportedAndTriedAgain() async throws {
        let api = FakeAPI()
        api.fail { request in
            request.verb == .create && request.resource == "pods"
                ? .forbidden("pods", group: "", name: "rs-", "exceeded quota: q") : nil
        }
        try await withControllers(["replicaset-controller"], api) {
            try await api.client.create(replicaSet(replicas: 100))
            #expect(
                await eventually {
                    api.object(ReplicaSet.self, "rs", namespace: "default")?.status.conditions.first?.reason
                        == "FailedCreate"
                })
            let condition = api.object(ReplicaSet.self, "rs", namespace: "default")?.status.conditions.first
            #expect(condition?.message == "pods \"rs-\" is forbidden: exceeded quota: q")
            #expect(await eventually { api.eventMessages.contains { $0.hasPrefix("FailedCreate: Error creating: ") } })
            // One at a time, not a hundred.
            #expect(api.writes("pods").count < 15)
            api.fail(nil)
            #expect(await eventually { api.activePods.count == 100 })
            #expect(
                await eventually {
                    api.object(ReplicaSet.self, "rs", namespace: "default")?.status.conditions.isEmpty == true
                })
        }
    }

    @Test func podsAreAdoptedAndReleased() async throws {
        let api = FakeAPI()
        try await withControllers(["replicaset-controller"], api) {
            try await api.client.create(pod("stray", labels: ["app": "web"]))
            try await api.client.create(replicaSet(replicas: 2))
            #expect(await eventually { api.activePods.count == 2 })
            let stray = try #require(api.object(Pod.self, "stray", namespace: "default"))
            #expect(stray.controller?.name == "rs")
            #expect(stray.controller?.blockOwnerDeletion == true)
            try await api.client.patch(
                Pod.self, "stray", namespace: "default", ["metadata": ["labels": ["app": "debug"]]])
            #expect(
                await eventually {
                    api.object(Pod.self, "stray", namespace: "default")?.controller == nil && api.activePods.count == 3
                })
        }
    }

    @Test func replicationControllersWorkAlike() async throws {
        let api = FakeAPI()
        try await withControllers(["replicationcontroller-controller"], api) {
            var wanted = ReplicationController(name: "rc", namespace: "default")
            wanted.spec.replicas = 2
            wanted.spec.selector = ["app": "web"]
            wanted.spec.template = template("v1")
            try await api.client.create(wanted)
            #expect(
                await eventually {
                    api.runPods()
                    return api.object(ReplicationController.self, "rc", namespace: "default")?.status.availableReplicas
                        == 2
                })
            #expect(api.activePods.allSatisfy { $0.controller?.kind == "ReplicationController" })
            try await api.client.delete(Pod.self, api.activePods[0].name, namespace: "default")
            #expect(await eventually { api.activePods.count == 2 })
        }
    }

    @Test func aTakenNameBumpsTheCollisionCount() async throws {
        let api = FakeAPI()
        var wanted = deployment()
        wanted.metadata = ObjectMeta(["name": "web", "namespace": "default"])
        let hash = PodTemplateHash.compute(wanted.spec.template, collisionCount: nil)
        var other = replicaSet("web-\(hash)", replicas: 0)
        other.spec.selector = LabelSelector(["matchLabels": ["app": "other"]])
        other.spec.template = template("other", labels: ["app": "other"])
        try await api.client.create(other)
        try await withControllers(workloads, api) {
            try await api.client.create(wanted)
            #expect(await eventually { api.activePods.count == 3 })
            #expect(api.object(Deployment.self, "web", namespace: "default")?.status.collisionCount == 1)
            #expect(api.objects(ReplicaSet.self).count == 2)
        }
    }

    @Test func endpointsFollowPods() async throws {
        let api = FakeAPI()
        try await withControllers(["endpointslice-controller", "endpoints-controller"], api) {
            var wanted = service()
            wanted.metadata.uid = nil
            try await api.client.create(wanted)
            var manual = service("manual", selector: [:])
            manual.metadata.uid = nil
            try await api.client.create(manual)
            api.put(pod("a", ip: "10.1.0.1"))
            @Sendable func slices() -> [EndpointSlice] { api.objects(EndpointSlice.self) }
            #expect(await eventually { slices().first?.endpoints.first?.addresses == ["10.1.0.1"] })
            #expect(
                await eventually {
                    api.object(Endpoints.self, "web", namespace: "default")?.subsets.first?.addresses.first?.ip
                        == "10.1.0.1"
                })
            #expect(api.object(Endpoints.self, "manual", namespace: "default") == nil)
            api.put(pod("a", ready: false, ip: "10.1.0.1"))
            #expect(await eventually { slices().first?.endpoints.first?.conditions?.ready == false })
            await api.quiet()
            #expect(slices().count == 1)
            let before = api.writes().count
            // A change that is none of the endpoints' business.
            api.put(pod("a", ready: false, ip: "10.1.0.1", restarts: 3))
            try await Task.sleep(for: .milliseconds(50))
            #expect(api.writes().count == before)
            try await api.client.delete(Service.self, "web", namespace: "default")
            #expect(
                await eventually {
                    api.objects(EndpointSlice.self).isEmpty && api.objects(Endpoints.self).isEmpty
                })
        }
    }

    @Test func namespacesGetTheirDefaultsAndGoWithTheirContent() async throws {
        let api = FakeAPI()
        try await withControllers(
            ["namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller"], api
        ) {
            try await api.client.create(Namespace(name: "team"))
            #expect(
                await eventually {
                    api.object(ServiceAccount.self, "default", namespace: "team") != nil
                        && api.object(ConfigMap.self, "kube-root-ca.crt", namespace: "team")?.data == ["ca.crt": "PEM"]
                })
            try await api.client.delete(ServiceAccount.self, "default", namespace: "team")
            try await api.client.patch(
                ConfigMap.self, "kube-root-ca.crt", namespace: "team", ["data": ["ca.crt": "forged"]])
            #expect(
                await eventually {
                    api.object(ServiceAccount.self, "default", namespace: "team") != nil
                        && api.object(ConfigMap.self, "kube-root-ca.crt", namespace: "team")?.data == ["ca.crt": "PEM"]
                })
            try await api.client.create(Secret(name: "s", namespace: "team"))
            try await api.client.create(ConfigMap(name: "other", namespace: "default"))
            api.put(pod("slow", namespace: "team"))
            try await api.client.delete(Namespace.self, "team")
            #expect(
                await eventually {
                    api.object(Pod.self, "slow", namespace: "team")?.isBeingDeleted == true
                        && api.object(Namespace.self, "team")?.status.conditions
                            .contains { $0.type == "NamespaceContentRemaining" && $0.status == "True" } == true
                })
            // The pod may still need its secrets.
            #expect(api.object(Secret.self, "s", namespace: "team") != nil)
            api.endPods()
            #expect(await eventually { api.object(Namespace.self, "team") == nil })
            #expect(api.objects(Secret.self, namespace: "team").isEmpty)
            #expect(api.objects(ServiceAccount.self, namespace: "team").isEmpty)
            #expect(api.object(ConfigMap.self, "other", namespace: "default") != nil)
        }
    }

    @Test func theGarbageCollectorTakesWhatHasNoOwner() async throws {
        let api = FakeAPI()
        func owned(_ name: String, by owner: ConfigMap, namespace: String = "default", blocks: Bool = true) -> ConfigMap
        {
            var object = ConfigMap(name: name, namespace: namespace)
            var reference = ControllerRef.make(to: owner)
            reference.blockOwnerDeletion = blocks
            object.metadata.ownerReferences = [reference]
            return object
        }
        @Sendable func exists(_ name: String, _ namespace: String = "default") -> Bool {
            api.object(ConfigMap.self, name, namespace: namespace) != nil
        }
        func delete(_ name: String, _ policy: String) async throws {
            try await api.client.delete(
                ConfigMap.self, name, namespace: "default",
                options: DeleteOptions(["propagationPolicy": .string(policy)]))
        }
        // There before the collector starts: its owner never was.
        var ghost = ConfigMap(name: "ghost", namespace: "default")
        ghost.metadata.uid = "no-such-uid"
        try await api.client.create(owned("orphan", by: ghost))
        try await withControllers(["garbage-collector-controller"], api) {
            #expect(await eventually { !exists("orphan") })

            let background = try await api.client.create(ConfigMap(name: "background", namespace: "default"))
            try await api.client.create(owned("b1", by: background))
            let child = try await api.client.create(owned("b2", by: background))
            try await api.client.create(owned("b3", by: child))
            try await api.client.create(owned("elsewhere", by: background, namespace: "other"))
            #expect(await eventually { !exists("elsewhere", "other") })
            try await delete("background", "Background")
            #expect(await eventually { !exists("b1") && !exists("b2") && !exists("b3") })

            let foreground = try await api.client.create(ConfigMap(name: "foreground", namespace: "default"))
            var held = owned("f1", by: foreground)
            held.metadata.finalizers = ["test/hold"]
            try await api.client.create(held)
            try await api.client.create(owned("f2", by: foreground, blocks: false))
            try await Task.sleep(for: .milliseconds(30))
            try await delete("foreground", "Foreground")
            #expect(
                await eventually {
                    api.object(ConfigMap.self, "f1", namespace: "default")?.isBeingDeleted == true && !exists("f2")
                })
            #expect(exists("foreground"))
            try await api.client.patch(
                ConfigMap.self, "f1", namespace: "default", ["metadata": ["finalizers": .null]])
            #expect(await eventually { !exists("f1") && !exists("foreground") })

            let leaving = try await api.client.create(ConfigMap(name: "leaving", namespace: "default"))
            try await api.client.create(owned("o1", by: leaving))
            try await Task.sleep(for: .milliseconds(30))
            try await delete("leaving", "Orphan")
            #expect(await eventually { !exists("leaving") })
            try await Task.sleep(for: .milliseconds(50))
            #expect(api.object(ConfigMap.self, "o1", namespace: "default")?.metadata.ownerReferences.isEmpty == true)

            // Two owners, one goes.
            let first = try await api.client.create(ConfigMap(name: "first", namespace: "default"))
            let second = try await api.client.create(ConfigMap(name: "second", namespace: "default"))
            var shared = owned("shared", by: first)
            shared.metadata.ownerReferences.append(ControllerRef.make(to: second))
            try await api.client.create(shared)
            try await Task.sleep(for: .milliseconds(30))
            try await delete("first", "Background")
            #expect(
                await eventually {
                    api.object(ConfigMap.self, "shared", namespace: "default")?.metadata.ownerReferences.map(\.name)
                        == ["second"]
                })
        }
    }

    @Test func aSilentNodeLosesItsPods() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        for name in ["n1", "n2"] { api.put(node(name)) }
        var tolerant = pod("tolerant")
        tolerant.spec.tolerations = [
            Toleration(["operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
        ]
        var forever = pod("forever")
        forever.spec.tolerations = [Toleration(["operator": "Exists"])]
        for pod in [pod("plain"), tolerant, forever, pod("other", node: "n2")] { api.put(pod) }
        func beat(_ name: String) {
            api.put(
                api.object(Node.self, name).map { live in
                    var live = live
                    live.status.conditions = live.status.conditions.map { condition in
                        var condition = condition
                        if condition.type == "Ready" {
                            condition.status = "True"
                            condition.lastHeartbeatTime = clock.now
                        }
                        return condition
                    }
                    return live
                } ?? node(name))
        }
        @Sendable func taints(_ name: String) -> Set<String> {
            Set(api.object(Node.self, name)?.spec.taints.map { "\($0.key):\($0.effect)" } ?? [])
        }
        try await withControllers(["node-lifecycle-controller", "taint-eviction-controller"], api, clock: clock) {
            #expect(
                await eventually {
                    api.eventMessages.contains("RegisteredNode: Node n1 event: Registered Node n1 in Controller")
                })
            clock.advance(seconds: 40)
            beat("n2")
            try await Task.sleep(for: .milliseconds(60))
            #expect(taints("n1").isEmpty)
            clock.advance(seconds: 20)
            #expect(
                await eventually {
                    taints("n1") == [
                        "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute",
                    ]
                })
            #expect(taints("n2").isEmpty)
            #expect(NodeCondition.ready(of: api.object(Node.self, "n1") ?? Node())?.reason == "NodeStatusUnknown")
            #expect(await eventually { api.object(Pod.self, "plain", namespace: "default")?.isBeingDeleted == true })
            #expect(await eventually { api.object(Pod.self, "tolerant", namespace: "default")?.isReady == false })
            #expect(
                api.object(Pod.self, "plain", namespace: "default")?.condition("DisruptionTarget")?.reason
                    == "DeletionByTaintManager")
            #expect(api.object(Pod.self, "tolerant", namespace: "default")?.isBeingDeleted == false)
            #expect(api.object(Pod.self, "other", namespace: "default")?.isReady == true)
            // It comes back.
            beat("n1")
            beat("n2")
            #expect(await eventually { taints("n1").isEmpty })
            #expect(api.object(Pod.self, "tolerant", namespace: "default")?.isBeingDeleted == false)
            #expect(api.object(Pod.self, "forever", namespace: "default")?.isBeingDeleted == false)
        }
    }

    @Test func whenAllNodesAreSilentNothingIsEvicted() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        api.put(node("n1"))
        api.put(pod("plain"))
        try await withControllers(["node-lifecycle-controller", "taint-eviction-controller"], api, clock: clock) {
            try await Task.sleep(for: .milliseconds(50))
            clock.advance(seconds: 60)
            #expect(
                await eventually {
                    api.object(Node.self, "n1")?.spec.taints.map(\.effect) == ["NoSchedule"]
                        && api.object(Pod.self, "plain", namespace: "default")?.isReady == false
                })
            try await Task.sleep(for: .milliseconds(50))
            #expect(api.object(Node.self, "n1")?.spec.taints.map(\.effect) == ["NoSchedule"])
            #expect(api.object(Pod.self, "plain", namespace: "default")?.isBeingDeleted == false)
        }
    }

    @Test func podsOfVanishedNodesAreRemoved() async throws {
        let api = FakeAPI()
        let clock = FakeClock()
        api.put(node("n1"))
        api.put(pod("here"))
        api.put(pod("lost", node: "gone"))
        try await withControllers(["pod-garbage-collector-controller"], api, clock: clock) {
            try await Task.sleep(for: .milliseconds(60))
            #expect(api.object(Pod.self, "lost", namespace: "default") != nil)
            clock.advance(seconds: 41)
            #expect(await eventually { api.object(Pod.self, "lost", namespace: "default") == nil })
            #expect(api.object(Pod.self, "here", namespace: "default") != nil)
        }
    }

    @Test func budgetsFollowPods() async throws {
        let api = FakeAPI()
        try await withControllers(workloads.union(["disruption-controller"]), api) {
            var budget = PodDisruptionBudget(name: "b", namespace: "default")
            budget.spec = PodDisruptionBudgetSpec(["maxUnavailable": 1, "selector": ["matchLabels": ["app": "web"]]])
            try await api.client.create(budget)
            var wanted = deployment()
            wanted.metadata = ObjectMeta(["name": "web", "namespace": "default"])
            try await api.client.create(wanted)
            #expect(
                await eventually {
                    api.runPods()
                    let status = api.object(PodDisruptionBudget.self, "b", namespace: "default")?.status
                    return status?.expectedPods == 3 && status?.desiredHealthy == 2 && status?.disruptionsAllowed == 1
                })
        }
    }

    /// Watches that break and writes that fail now and then delay, but do not change the end.
    @Test(arguments: 0..<3) func faultsAreOvercome(seed: Int) async throws {
        let api = FakeAPI()
        let random = SharedRandom(seed: UInt64(seed))
        try await withControllers(
            workloads.union(["endpointslice-controller", "garbage-collector-controller"]), api
        ) {
            api.fail { request in
                guard request.verb != .watch, request.resource != "events", random.chance(0.2) else { return nil }
                return APIError(code: 503, reason: "ServiceUnavailable", message: "down")
            }
            for attempt in 0..<50 {
                var wanted = deployment(replicas: 5)
                wanted.metadata = ObjectMeta(["name": "web", "namespace": "default"])
                if (try? await api.client.create(wanted)) != nil { break }
                #expect(attempt < 49)
            }
            for round in 0..<20 {
                try await Task.sleep(for: .milliseconds(10))
                api.runPods()
                api.endPods()
                if round % 6 == 0 { api.dropWatches() }
                if round % 5 == 4 {
                    _ = try? await api.client.modify(Deployment.self, "web", namespace: "default") {
                        $0.spec.template = template("v\(round)")
                        return true
                    }
                }
            }
            api.fail(nil)
            #expect(
                await eventually(within: .seconds(10)) {
                    api.runPods()
                    api.endPods()
                    let now = api.object(Deployment.self, "web", namespace: "default")
                    return now?.status.updatedReplicas == 5 && now?.status.availableReplicas == 5
                        && now?.status.replicas == 5 && api.objects(Pod.self).count == 5
                })
            try await api.client.delete(
                Deployment.self, "web", namespace: "default",
                options: DeleteOptions(["propagationPolicy": "Background"]))
            #expect(
                await eventually(within: .seconds(10)) {
                    api.endPods()
                    return api.objects(ReplicaSet.self).isEmpty && api.objects(Pod.self).isEmpty
                })
        }
    }

    @Test func stoppingIsQuickEvenWithoutAServer() async {
        let api = FakeAPI()
        api.fail { _ in APIError(code: 503, reason: "ServiceUnavailable", message: "down") }
        let began = ContinuousClock.now
        await withControllers(nil, api) { try? await Task.sleep(for: .milliseconds(50)) }
        #expect(ContinuousClock.now - began < .seconds(2))
    }

    @Test func thousandsOfPodsAreNoTrouble() async throws {
        let api = FakeAPI()
        try await withControllers(["replicaset-controller", "endpointslice-controller"], api) {
            try await api.client.create(replicaSet(replicas: 1500))
            let began = ContinuousClock.now
            #expect(await eventually(within: .seconds(60)) { api.count(Pod.self) == 1500 })
            let took = ContinuousClock.now - began
            #expect(took < .seconds(30), "\(took)")
        }
    }
}

/// Random numbers for several tasks.
final class SharedRandom: Sendable {
    private let generator: Mutex<SeededGenerator>
    init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }
    func chance(_ probability: Double) -> Bool {
        generator.withLock { Double.random(in: 0..<1, using: &$0) < probability }
    }
}
