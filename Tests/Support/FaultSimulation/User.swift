// Who uses the simulated cluster: applies, scales, rolls out, evicts and deletes, as the seed will have it.
import JSON
import KubeClient
import KubeTypes

/// Its requests fail like everybody's; it tries again until the API has taken them.
final class User: @unchecked Sendable {
    private let world: World
    private let machine: Machine
    private let client: KubeClient
    private var jobs = 0
    private var made = 0

    init(_ world: World) {
        self.world = world
        machine = world.machine
        client = world.administrator("user")
    }

    /// Repeats a request until it is answered with anything but trouble on the way.
    private func insist(_ what: String, _ body: () async throws(APIError) -> Void) async {
        while true {
            do throws(APIError) {
                return try await body()
            } catch {
                // An answer may have been lost: what is there already is what was asked for.
                if error.reason == "AlreadyExists" || error.isNotFound { return }
                let isTransient = error.code >= 500 || error.code == 429 || error.isConflict
                // A namespace that is new has no service account yet.
                guard isTransient || error.code == 403 else {
                    return world.observer.violated("the user cannot \(what): \(error)")
                }
                await machine.pause(machine.between(0.1, 1))
            }
        }
    }

    private func apply(_ object: some KubeObject) async {
        world.observer.note("the user creates \(object.key)")
        await insist("create \(object.key)") { () async throws(APIError) in _ = try await client.create(object) }
    }

    private func patch<Object: KubeObject>(
        _ type: Object.Type, _ name: String, _ namespace: String, _ patch: JSONValue
    ) async {
        world.observer.note(
            "the user changes \(Object.type.resource) \(namespace)/\(name): \(JSONWriter.text(of: patch))")
        await insist("patch \(name)") { () async throws(APIError) in
            _ = try await client.patch(type, name, namespace: namespace, patch, as: .strategic)
        }
    }

    private func delete<Object: KubeObject>(
        _ type: Object.Type, _ name: String, _ namespace: String?, policy: String = "Background"
    ) async {
        world.observer.note("the user deletes \(Object.type.resource) \(namespace ?? "")/\(name), \(policy)")
        var options = DeleteOptions()
        options.json["propagationPolicy"] = .string(policy)
        let chosen = options
        await insist("delete \(name)") { () async throws(APIError) in
            try await client.delete(type, name, namespace: namespace, options: chosen)
        }
    }

    private func namespace(_ name: String, labels: JSONValue = [:]) async {
        await apply(
            Namespace([
                "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name), "labels": labels],
            ]))
    }

    // MARK: At the start

    func setUp() async {
        for name in ["apps", Place.guarded.namespace, Place.limited.namespace] { await namespace(name) }
        await apply(
            ResourceQuota([
                "apiVersion": "v1", "kind": "ResourceQuota",
                "metadata": Manifests.metadata("few", Place.limited.namespace),
                "spec": ["hard": ["pods": .string("\(Place.limited.pods)")]],
            ]))
        // A quota counts from when its status says what is used.
        while world.observer.list("core/resourcequotas").first?[path: "status", "hard"] == nil {
            await machine.pause(0.5)
        }
        await apply(Manifests.deployment("many", Place.limited.namespace, replicas: 9))
        await apply(Manifests.deployment("front", Place.guarded.namespace, replicas: 4, pool: "stable"))
        await apply(Manifests.statefulSet("store", Place.guarded.namespace, replicas: 3, pool: "stable"))
        await apply(Manifests.budget("front", Place.guarded.namespace, ["minAvailable": 3]))
        await apply(Manifests.budget("store", Place.guarded.namespace, ["maxUnavailable": 1]))
        await apply(Manifests.deployment("web", "apps", replicas: 4))
        await apply(Manifests.service("web", "apps"))
        await apply(Manifests.statefulSet("db", "apps", replicas: 3))
        await apply(Manifests.statefulSet("cache", "apps", replicas: 4, parallel: true))
        await apply(Manifests.daemonSet("agent", "apps"))
        await apply(Manifests.job("doomed", "apps", completions: 2, parallelism: 1, backoffLimit: 2, pool: "failing"))
    }

    /// What the API takes, and what can never be.
    func setUpInVain() async {
        let refused = Place.refused
        await namespace(refused, labels: ["pod-security.kubernetes.io/enforce": "restricted"])
        await apply(Manifests.deployment("web", refused, replicas: 3))
        await apply(Manifests.statefulSet("db", refused, replicas: 3))
        await apply(Manifests.daemonSet("agent", refused))
        await apply(Manifests.job("job", refused, completions: 3, parallelism: 3))
        await apply(
            HorizontalPodAutoscaler([
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": Manifests.metadata("nothing", refused),
                "spec": [
                    "maxReplicas": 3,
                    "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "missing"],
                ],
            ]))
        await apply(
            CronJob([
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": Manifests.metadata("never", refused),
                "spec": [
                    "schedule": "0 0 31 2 *",
                    "jobTemplate": ["spec": ["template": Manifests.template("never", restart: "Never")]],
                ],
            ]))
        await apply(
            PersistentVolumeClaim([
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": Manifests.metadata("claim", refused),
                "spec": [
                    "accessModes": ["ReadWriteOnce"], "storageClassName": "missing",
                    "resources": ["requests": ["storage": "1Gi"]],
                ],
            ]))
        await apply(Manifests.budget("db", refused, ["minAvailable": "50%"]))
    }

    // MARK: Meanwhile

    func act() async {
        switch machine.random(below: 14) {
        case 0: await scale(Deployment.self, "web", "apps", most: 8)
        case 1: await scale(StatefulSet.self, machine.chance(0.5) ? "db" : "cache", "apps", most: 5)
        case 2: await rollOut(Deployment.self, "web")
        case 3: await rollOut(StatefulSet.self, machine.chance(0.5) ? "db" : "cache")
        case 4: await rollOut(DaemonSet.self, "agent")
        case 5: await startJob()
        case 6: await makeAndDelete()
        case 7: await namespaceComesAndGoes()
        case 8: await deleteSomePod("apps")
        case 9: await scale(Deployment.self, "many", Place.limited.namespace, most: 9)
        case 10: await deleteSomePod(Place.limited.namespace)
        default: await evictSome(Place.guarded.namespace)
        }
    }

    private func scale<Object: KubeObject>(
        _ type: Object.Type, _ name: String, _ namespace: String, most: Int
    ) async {
        await patch(
            type, name, namespace, ["spec": ["replicas": .integer(Int64(machine.random(below: most + 1)))]])
    }

    private func rollOut<Object: KubeObject>(_ type: Object.Type, _ name: String) async {
        let template = Manifests.template(name, version: machine.random(below: 5))
        await patch(type, name, "apps", ["spec": ["template": template]])
    }

    private func startJob() async {
        guard jobs < 8 else { return }
        jobs += 1
        let indexed = machine.chance(0.5)
        await apply(
            Manifests.job(
                "job-\(jobs)", "apps", completions: 1 + machine.random(below: 6),
                parallelism: 1 + machine.random(below: 4), indexed: indexed,
                restart: machine.chance(0.3) ? "OnFailure" : "Never"))
    }

    private func makeAndDelete() async {
        made += 1
        let name = "passing-\(made)"
        await apply(Manifests.deployment(name, "apps", replicas: 1 + machine.random(below: 4)))
        await machine.pause(machine.between(0, 20))
        await delete(Deployment.self, name, "apps", policy: machine.chance(0.5) ? "Foreground" : "Background")
    }

    private func namespaceComesAndGoes() async {
        made += 1
        let name = "passing-\(made)"
        await namespace(name)
        await apply(Manifests.deployment("web", name, replicas: 2))
        await apply(Manifests.statefulSet("db", name, replicas: 2))
        await apply(Manifests.job("job", name, completions: 2, parallelism: 2))
        await machine.pause(machine.between(0, 20))
        await delete(Namespace.self, name, nil)
    }

    private func somePod(_ namespace: String) -> JSONValue? {
        let pods = world.observer.list("core/pods", namespace: namespace).filter { !$0.isDeleting }
        guard !pods.isEmpty else { return nil }
        return pods[machine.random(below: pods.count)]
    }

    private func deleteSomePod(_ namespace: String) async {
        guard let pod = somePod(namespace) else { return }
        await delete(Pod.self, pod.text("metadata", "name"), namespace)
    }

    /// Asks for several evictions at once; most will be refused.
    private func evictSome(_ namespace: String) async {
        for _ in 0..<(1 + machine.random(below: 4)) {
            guard let pod = somePod(namespace) else { return }
            let name = pod.text("metadata", "name")
            world.observer.note("the user evicts \(namespace)/\(name)")
            do throws(APIError) {
                _ = try await client.createSubresource(
                    "eviction", of: Pod.self, name, namespace: namespace,
                    [
                        "apiVersion": "policy/v1", "kind": "Eviction",
                        "metadata": Manifests.metadata(name, namespace),
                    ])
            } catch {
                world.observer.note("the eviction is refused: \(error.code) \(error.message)")
            }
        }
    }

    /// A machine is taken away for good, and another of its name comes back later.
    func replaceNode() async {
        let node = World.flakyNodes[machine.random(below: World.flakyNodes.count)]
        world.crash("node-\(node)", downtime: 120)
        await machine.pause(1)
        await delete(Node.self, "\(node)-0", nil)
    }
}
