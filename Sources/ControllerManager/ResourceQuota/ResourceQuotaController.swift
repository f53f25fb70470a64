import JSON
import KubeClient
import KubeTypes
import Synchronization

/// Keeps `status.used` of ResourceQuotas: admission adds to it as objects come, and this controller counts anew when
/// objects go, change in what they use, or the quota itself changes.
///
/// What counts is listed at that moment, and the status is written under the resourceVersion that was read before: what
/// admission charges meanwhile makes the write fail, and it is counted again. What it charged just before may not be there
/// to be counted yet: less than is charged is believed at the second look only.
final class ResourceQuotaController: Controller {
    /// How long changes that rarely matter (new objects, which admission has charged) are gathered.
    private static let gatherPeriod = Duration.milliseconds(500)
    private static let resyncPeriod = Duration.seconds(300)
    /// How long an object that has been charged may take until it can be listed.
    private static let writePeriod = Duration.milliseconds(200)

    private let context: ControllerContext
    private let quotas: Informer<ResourceQuota>
    private let queue: WorkQueue<ObjectKey>
    /// What some quota counts, by resource, and where it is.
    private let tracked: TrackedObjects
    private let wanted: AsyncStream<ServedResource>
    private let want: AsyncStream<ServedResource>.Continuation

    init(_ context: ControllerContext) {
        self.context = context
        let quotas = context.informers.informer(ResourceQuota.self)
        let queue: WorkQueue<ObjectKey> = context.queue()
        (self.quotas, self.queue) = (quotas, queue)
        tracked = TrackedObjects()
        (wanted, want) = AsyncStream.makeStream()
        quotas.addHandler { change in
            switch change {
            case .added(let quota): queue.add(quota.key)
            case .updated(let old, let new):
                // Admission's own charges need no recount.
                if old.json["spec"] != new.json["spec"] || Self.isBehind(new) { queue.add(new.key) }
            case .deleted: break
            }
        }
        context.informers.pods.addHandler { change in
            switch change {
            case .added(let pod): Self.enqueue("pods", "", pod.namespace, quotas, queue, after: Self.gatherPeriod)
            case .deleted(let pod): Self.enqueue("pods", "", pod.namespace, quotas, queue)
            case .updated(let old, let new):
                let hasEnded = { (pod: Pod) in !QuotaEvaluator.isCharged(pod.json, now: context.now) }
                let delay = hasEnded(old) == hasEnded(new) ? Self.gatherPeriod : .zero
                Self.enqueue("pods", "", new.namespace, quotas, queue, after: delay)
            }
        }
    }

    /// Whether the status is not about the limits of the spec.
    private static func isBehind(_ quota: ResourceQuota) -> Bool {
        ResourceAmounts(resources: quota.json["spec"]?["hard"])
            != ResourceAmounts(resources: quota.json["status"]?["hard"])
    }

    /// Puts the quotas of a namespace that count a resource into the queue.
    private static func enqueue(
        _ resource: String, _ group: String, _ namespace: String, _ quotas: Informer<ResourceQuota>,
        _ queue: WorkQueue<ObjectKey>, after delay: Duration = .zero
    ) {
        let candidates = quotas.objects(namespace: namespace)
        guard !candidates.isEmpty, let evaluator = QuotaEvaluator(group: group, resource: resource) else { return }
        for quota in candidates {
            let names = quota.json["spec"]?["hard"]?.objectValue?.keys.map { $0 } ?? []
            guard !evaluator.matching(names).isEmpty else { continue }
            if delay == .zero { queue.add(quota.key) } else { queue.add(quota.key, after: delay) }
        }
    }

    func run() async {
        await quotas.waitForSync()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await context.work(queue, of: "resourcequota-controller", workers: 2) { [self] in
                    try await reconcile($0)
                }
                want.finish()
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.resyncPeriod)
                    for quota in quotas.objects { queue.add(quota.key) }
                }
            }
            group.addTask { [self] in await watchWanted() }
        }
    }

    /// Follows every resource that a quota counts, from when one first does.
    private func watchWanted() async {
        await withTaskGroup(of: Void.self) { group in
            for await resource in wanted {
                let watcher = MetadataWatcher(resource, client: context.client, logger: context.logger) {
                    [self] in heard($0, of: resource)
                }
                group.addTask { await watcher.run(onSync: {}) }
            }
            group.cancelAll()
        }
    }

    private func heard(_ event: MetadataWatcher.Event, of resource: ServedResource) {
        switch event {
        case .present(let object):
            let metadata = object["metadata"]
            let namespace = metadata?["namespace"]?.stringValue ?? ""
            let isNew = tracked.insert(metadata?["uid"]?.stringValue ?? "", namespace: namespace)
            // Services and claims may come to use less; of others only the number counts.
            let mayUseLess = resource.resource == "services" || resource.resource == "persistentvolumeclaims"
            if !isNew, !mayUseLess { return }
            Self.enqueue(
                resource.resource, resource.group, namespace, quotas, queue,
                after: isNew ? Self.gatherPeriod : .zero)
        case .gone(let uid):
            guard let namespace = tracked.remove(uid) else { return }
            Self.enqueue(resource.resource, resource.group, namespace, quotas, queue)
        }
    }

    // MARK: Counting

    private func reconcile(_ key: ObjectKey) async throws {
        guard let quota = quotas[key]?.json else { return }
        let hard = ResourceAmounts(resources: quota["spec"]?["hard"])
        let charged = ResourceAmounts(resources: quota["status"]?["used"])
        var used = try await count(quota, hard, in: key.namespace)
        if charged.contains(where: { $0.value > used[$0.key] ?? Quantity(0) }) {
            try await Task.sleep(for: Self.writePeriod)
            used = try await count(quota, hard, in: key.namespace)
        }
        let status: JSONValue = ["hard": hard.resourcesJSON, "used": used.resourcesJSON]
        if quota["status"] == status { return }
        var updated = quota
        updated["status"] = status
        do {
            _ = try await context.client.transport.call(
                KubeRequest(
                    .update, apiVersion: "v1", resource: "resourcequotas", namespace: key.namespace, name: key.name,
                    subresource: "status", body: updated))
        } catch { if !error.isNotFound { throw error } }
    }

    /// What the objects of a quota's namespace use of what it limits.
    private func count(
        _ quota: JSONValue, _ hard: ResourceAmounts, in namespace: String
    ) async throws -> ResourceAmounts {
        let scopes = QuotaScope.all(of: quota["spec"])
        var used: ResourceAmounts = [:]
        for evaluator in Set(hard.keys.compactMap { QuotaEvaluator.counting($0) }) {
            let names = evaluator.matching(hard.keys)
            guard let items = try await objects(evaluator, namespace: namespace) else { continue }
            for name in names { used[name] = used[name] ?? Quantity(0) }
            for item in items where evaluator.matches(scopes, item) {
                used = used + evaluator.usage(of: item, now: context.now).masked(by: names)
            }
        }
        return used
    }

    /// The objects of a namespace that an evaluator counts; nil for a resource that is not served.
    private func objects(_ evaluator: QuotaEvaluator, namespace: String) async throws -> [JSONValue]? {
        guard let served = try await served(evaluator) else { return nil }
        // Pods are followed by the informer that all controllers share.
        let isPods = evaluator.group.isEmpty && evaluator.resource == "pods"
        if !isPods, tracked.startsFollowing(evaluator) { want.yield(served) }
        do {
            let list = try await context.client.transport.call(
                KubeRequest(.list, apiVersion: served.apiVersion, resource: served.resource, namespace: namespace))
            return list["items"]?.arrayValue ?? []
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// The resource in a version that is served: built in, or of a CustomResourceDefinition.
    private func served(_ evaluator: QuotaEvaluator) async throws(APIError) -> ServedResource? {
        let known = context.options.resources.first {
            $0.group == evaluator.group && $0.resource == evaluator.resource && $0.namespaced
        }
        if let known { return known }
        guard !evaluator.group.isEmpty else { return nil }
        let list: JSONValue
        do {
            list = try await context.client.transport.call(
                KubeRequest(
                    .list, apiVersion: "apiextensions.k8s.io/v1", resource: "customresourcedefinitions",
                    query: [(name: "fieldSelector", value: "metadata.name=\(evaluator.resource).\(evaluator.group)")]))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        guard let definition = list["items"]?[0] else { return nil }
        let version = (definition["spec"]?["versions"]?.arrayValue ?? []).first { $0["served"]?.boolValue == true }
        guard let name = version?["name"]?.stringValue, definition["spec"]?["scope"]?.stringValue == "Namespaced" else {
            return nil
        }
        return ServedResource(
            apiVersion: "\(evaluator.group)/\(name)", resource: evaluator.resource,
            kind: definition["spec"]?["names"]?["kind"]?.stringValue ?? "", namespaced: true, verbs: ["list", "watch"])
    }
}

/// Where the objects are that quotas count, so that one that is gone can be told to its namespace's quotas.
private final class TrackedObjects: Sendable {
    private let namespaces = Mutex<[String: String]>([:])
    private let followed = Mutex<Set<QuotaEvaluator>>([])

    /// - Returns: whether the object was not known.
    func insert(_ uid: String, namespace: String) -> Bool {
        namespaces.withLock { $0.updateValue(namespace, forKey: uid) == nil }
    }

    func remove(_ uid: String) -> String? { namespaces.withLock { $0.removeValue(forKey: uid) } }

    /// - Returns: whether the resource has not been followed so far.
    func startsFollowing(_ evaluator: QuotaEvaluator) -> Bool {
        followed.withLock { $0.insert(evaluator).inserted }
    }
}
