import JSON
import KubeClient
import KubeTypes
import Synchronization
import Testing

@testable import ControllerManager

/// Controllers whose caches are late, lose their watches and are started anew, beside an API that refuses some requests:
/// whatever happens, nothing is created twice and no more is deleted than is wanted.
@Suite(.serialized) struct ChaosTests {
    /// What is wrong with the pods right after a request about them; nil if nothing is.
    typealias Rule = @Sendable (KubeRequest, [Pod]) -> String?

    /// The first broken rule.
    private final class Watchman: Sendable {
        private let found = Mutex<String?>(nil)
        var problem: String? { found.withLock { $0 } }

        func guardPods(of api: FakeAPI, _ rule: @escaping Rule) {
            guardObjects(of: api) { request, objects in
                guard request.resource == "pods", request.verb == .create || request.verb == .delete else { return nil }
                return rule(request, objects.map { Pod($0) })
            }
        }

        /// The same for every request, with the objects of its resource after it.
        func guardObjects(of api: FakeAPI, _ rule: @escaping @Sendable (KubeRequest, [JSONValue]) -> String?) {
            api.observe { [self] request, objects in
                if let problem = rule(request, objects) {
                    found.withLock { if $0 == nil { $0 = "\(request.verb) \(request.name ?? ""): \(problem)" } }
                }
            }
        }
    }

    /// Disturbs controllers for a while, leaves them in peace then, and waits until `done` holds.
    private func trouble(
        _ api: FakeAPI, _ controllers: Set<String>, _ resources: [String], _ random: inout SeededGenerator,
        steps: Int = 30, kubelet: @escaping @Sendable (FakeAPI, Bool) -> Void, done: @escaping @Sendable () -> Bool
    ) async throws {
        let failing = Mutex(false)
        api.fail { request in
            guard failing.withLock({ $0 }), [.create, .update, .patch, .delete].contains(request.verb),
                request.resource != "events"
            else { return nil }
            return request.verb == .update
                ? .conflict(request.resource, group: "", name: request.name ?? "", "chaos") : .internalError("chaos")
        }
        let choices = (0..<steps).map { _ in Int.random(in: 0..<12, using: &random) }
        let picks = (0..<steps).map { _ in resources.randomElement(using: &random) ?? "pods" }
        // Half of the disturbances hit one process, the rest its successor, whose caches are empty at first.
        for half in [choices.indices.prefix(steps / 2), choices.indices.suffix(from: steps / 2)] {
            try await withControllers(controllers, api) {
                for step in half {
                    switch choices[step] {
                    case 0, 1: api.hold(picks[step])
                    case 2, 3: api.release(picks[step])
                    case 4: api.loseWatches(picks[step])
                    case 5: api.dropWatches()
                    case 6: failing.withLock { $0.toggle() }
                    case 7, 8: kubelet(api, true)
                    default: try await Task.sleep(for: .milliseconds(3))
                    }
                }
                guard half.endIndex == steps else { return }
                failing.withLock { $0 = false }
                for resource in resources { api.release(resource) }
                let settled = await eventually {
                    kubelet(api, false)
                    return done()
                }
                #expect(settled, "the controllers do not get there")
            }
        }
    }

    @Test(arguments: 1...3) func replicaSetsNeverOvershoot(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let api = FakeAPI()
        var set = ReplicaSet(name: "rs", namespace: "default")
        set.spec.replicas = 0
        set.spec.selector = LabelSelector(["matchLabels": ["app": "web"]])
        set.spec.template = template("v1")
        try await api.client.create(set)
        var size = 0
        for _ in 0..<3 {
            let (old, new) = (size, Int.random(in: 0...12, using: &random))
            size = new
            let watchman = Watchman()
            watchman.guardPods(of: api) { _, pods in
                let active = pods.count(where: \.isActive)
                if active > max(old, new) { return "\(active) pods where \(old) became \(new)" }
                if new < old, active < new { return "only \(active) pods where \(old) became \(new)" }
                return nil
            }
            try await api.client.patch(
                ReplicaSet.self, "rs", namespace: "default", ["spec": ["replicas": .integer(Int64(new))]])
            try await trouble(api, ["replicaset-controller"], ["pods", "replicasets"], &random) { api, rough in
                api.runPods()
                api.endPods()
                // Pods fail only where the set grows: there they are replaced, and may not make it shrink.
                guard rough, new > old, var victim = api.activePods.first else { return }
                victim.status.phase = "Failed"
                api.put(victim)
            } done: {
                api.activePods.count == new
                    && api.object(ReplicaSet.self, "rs", namespace: "default")?.status.readyReplicas ?? 0 == new
            }
            #expect(watchman.problem == nil, "seed \(seed)")
        }
    }

    @Test(arguments: 1...3) func statefulSetsKeepTheirOrder(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed + 100))
        let api = FakeAPI()
        var set = statefulSet(replicas: 0)
        set.metadata = ObjectMeta(["name": "web", "namespace": "default"])
        try await api.client.create(set)
        var image = "v1"
        for (round, size) in [4, 4, 1, 3].enumerated() {
            let watchman = Watchman()
            watchman.guardPods(of: api) { request, pods in
                let mine = pods.filter { $0.controller?.name == "web" }
                if request.verb == .create {
                    let name = request.body?[path: "metadata", "name"]?.stringValue ?? ""
                    let ordinal = StatefulSetIdentity.split(name)?.ordinal ?? -1
                    let ready = mine.count {
                        ($0.isReady) && (StatefulSetIdentity.split($0.name)?.ordinal ?? 0) < ordinal
                    }
                    return ready < ordinal ? "\(name) was created after \(ready) ready pods" : nil
                }
                let away = mine.count { !$0.isReady || $0.isBeingDeleted }
                return away > 1 ? "\(away) pods are away at once" : nil
            }
            if round == 1 { image = "v2" }
            let wanted = image
            try await api.client.modify(StatefulSet.self, "web", namespace: "default") {
                $0.spec.replicas = size
                $0.spec.template = template(wanted)
                return true
            }
            try await trouble(
                api, ["statefulset-controller"], ["pods", "statefulsets", "controllerrevisions"], &random
            ) { api, _ in
                api.runPods()
                api.endPods()
            } done: {
                let status = api.object(StatefulSet.self, "web", namespace: "default")?.status
                return api.activePods.count == size && status?.readyReplicas ?? 0 == size && status?.replicas == size
                    && api.activePods.allSatisfy { $0.spec.containers.first?.image == wanted }
            }
            #expect(watchman.problem == nil, "seed \(seed) round \(round)")
        }
        #expect(Set(api.objects(ControllerRevision.self).map(\.revision)).count == 2)
    }

    @Test(arguments: 1...2) func daemonSetsHaveOnePodANode(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed + 200))
        let api = FakeAPI()
        for number in 0..<5 { try await api.client.create(node("n\(number)")) }
        var set = daemonSet(unavailable: .int(2))
        set.metadata = ObjectMeta(["name": "agent", "namespace": "default"])
        try await api.client.create(set)
        for (round, image) in ["v1", "v2", "v1"].enumerated() {
            let watchman = Watchman()
            watchman.guardPods(of: api) { request, pods in
                let active = pods.filter(\.isActive)
                let crowded = Dictionary(grouping: active) { DaemonPlacement.node(of: $0) ?? "" }
                    .first { $0.value.count > 1 }
                if let crowded { return "\(crowded.value.count) pods on \(crowded.key)" }
                let serving = active.count(where: \.isReady)
                return request.verb == .delete && serving < 3 ? "only \(serving) pods serve" : nil
            }
            try await api.client.modify(DaemonSet.self, "agent", namespace: "default") {
                $0.spec.template = template(image)
                return true
            }
            try await trouble(
                api, ["daemonset-controller"], ["pods", "daemonsets", "controllerrevisions", "nodes"], &random
            ) { api, _ in
                SetShellTests.runDaemons(api)
                api.endPods()
            } done: {
                let status = api.object(DaemonSet.self, "agent", namespace: "default")?.status
                return status?.numberAvailable == 5 && status?.updatedNumberScheduled == 5
                    && api.activePods.allSatisfy { $0.spec.containers.first?.image == image }
            }
            #expect(watchman.problem == nil, "seed \(seed) round \(round)")
        }
    }

    @Test(arguments: 1...2) func deploymentsStayWithinTheirBounds(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed + 300))
        let api = FakeAPI()
        var wanted = deployment(replicas: 6, surge: .int(2), unavailable: .int(1))
        wanted.metadata = ObjectMeta(["name": "web", "namespace": "default"])
        try await api.client.create(wanted)
        for (round, image) in ["v1", "v2", "v3", "v1"].enumerated() {
            let watchman = Watchman()
            watchman.guardObjects(of: api) { request, objects in
                switch request.resource {
                case "replicasets":
                    // The bound is on what is asked for: pods of a set that was made smaller go a moment later.
                    let asked = objects.map { ReplicaSet($0) }.reduce(0) { $0 + ($1.spec.replicas ?? 1) }
                    return asked > 8 ? "\(asked) pods are asked for" : nil
                case "pods" where request.verb == .delete && round > 0:
                    let serving = objects.map { Pod($0) }.count { $0.isActive && $0.isReady }
                    return serving < 5 ? "only \(serving) pods serve" : nil
                default: return nil
                }
            }
            try await api.client.modify(Deployment.self, "web", namespace: "default") {
                $0.spec.template = template(image)
                return true
            }
            try await trouble(api, workloads, ["pods", "replicasets", "deployments"], &random) { api, _ in
                api.runPods()
                api.endPods()
            } done: {
                let status = api.object(Deployment.self, "web", namespace: "default")?.status
                return status?.availableReplicas == 6 && status?.updatedReplicas == 6 && status?.replicas == 6
                    && api.activePods.allSatisfy { $0.spec.containers.first?.image == image }
            }
            #expect(watchman.problem == nil, "seed \(seed) round \(round)")
        }
        #expect(api.objects(ReplicaSet.self).count == 3)
    }
}
