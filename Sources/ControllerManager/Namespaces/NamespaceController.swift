import JSON
import KubeClient
import KubeTypes

/// Empties namespaces that are being deleted, and lets them go once they are empty: pods first, for as long as they need
/// to end, then everything else.
final class NamespaceController: Controller {
    private static let finalizer = "kubernetes"
    private static let finalizerEstimate = 15

    private let context: ControllerContext
    private let namespaces: Informer<Namespace>
    private let pods: Informer<Pod>
    private let queue: WorkQueue<String>
    private let resources: [ServedResource]

    init(_ context: ControllerContext) {
        self.context = context
        namespaces = context.informers.informer(Namespace.self)
        pods = context.informers.pods
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        // One version of each resource is enough: the versions share their objects.
        var seen: Set<String> = []
        resources = context.options.resources.filter { resource in
            resource.namespaced && resource.verbs.isSuperset(of: ["list", "delete"])
                && seen.insert("\(resource.group)/\(resource.resource)").inserted
        }
        namespaces.addHandler { change in
            if case .deleted = change { return }
            if change.object.isBeingDeleted { queue.add(change.object.name) }
        }
        // The last pod's end is what a namespace mostly waits for: no need to wait for the estimate.
        pods.addHandler { [namespaces] change in
            guard case .deleted(let pod) = change, namespaces.get(pod.namespace)?.isBeingDeleted == true else { return }
            queue.add(pod.namespace, after: .milliseconds(20))
        }
    }

    func run() async {
        await namespaces.waitForSync()
        await pods.waitForSync()
        await context.work(queue, of: "namespace-controller", workers: 4) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let namespace = try await live(name), namespace.isBeingDeleted,
            namespace.spec.finalizers.contains(Self.finalizer)
        else { return }

        var content = NamespaceContent()
        let podResources = resources.filter { $0.resource == "pods" && $0.group.isEmpty }
        for resource in podResources { await clear(resource, of: namespace, into: &content) }
        if content.isEmpty {
            for resource in try await resources + customResources() where !podResources.contains(resource) {
                try Task.checkCancellation()
                await clear(resource, of: namespace, into: &content)
            }
        }
        try await report(content, namespace)
        if content.isEmpty {
            try await finalize(name)
        } else if content.failures.isEmpty {
            queue.add(name, after: .milliseconds(content.estimateSeconds * 500 + 1000))
        } else {
            throw RetryLater(description: "content of namespace \(name) cannot be deleted: \(content.failures)")
        }
    }

    /// What is defined at this moment lies in namespaces too.
    private func customResources() async throws -> [ServedResource] {
        do {
            let list = try await context.client.transport.call(
                KubeRequest(.list, apiVersion: CustomResources.apiVersion, resource: CustomResources.resource))
            return (list["items"]?.arrayValue ?? []).compactMap { definition in
                CustomResources.served(by: definition).first { $0.namespaced }
            }
        } catch {
            // An API without definitions has none of their objects either.
            if error.code == 404 { return [] }
            throw error
        }
    }

    private func live(_ name: String) async throws -> Namespace? {
        do { return try await context.client.get(Namespace.self, name) } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Deletes the objects of one resource, and counts what remains.
    private func clear(
        _ resource: ServedResource, of namespace: Namespace, into content: inout NamespaceContent
    ) async {
        do {
            guard try await !list(resource, namespace.name).isEmpty else { return }
            try await deleteAll(resource, namespace.name)
            let remaining = try await list(resource, namespace.name)
            guard !remaining.isEmpty else { return }
            content.remaining["\(resource.resource).\(resource.group)"] = remaining.count
            var held = false
            for item in remaining {
                for finalizer in item[path: "metadata", "finalizers"]?.arrayValue ?? [] {
                    content.finalizers[finalizer.stringValue ?? "", default: 0] += 1
                    held = true
                }
            }
            var estimate = held ? Self.finalizerEstimate : 1
            if resource.resource == "pods", resource.group.isEmpty {
                let grace = remaining.map { item in
                    item[path: "metadata", "deletionGracePeriodSeconds"]?.intValue
                        ?? item[path: "spec", "terminationGracePeriodSeconds"]?.intValue ?? 0
                }
                let passed = namespace.metadata.deletionTimestamp.map { context.now.since($0) } ?? 0
                estimate = max(1, (grace.max() ?? 0) - Int(passed))
            }
            content.estimateSeconds = max(content.estimateSeconds, estimate)
        } catch {
            // The resource is not served any more, or never could be listed.
            if error.code == 404 || error.code == 405 { return }
            content.failures.append("\(resource.resource): \(error)")
        }
    }

    private func list(_ resource: ServedResource, _ namespace: String) async throws(APIError) -> [JSONValue] {
        let list = try await context.client.transport.call(
            KubeRequest(
                .list, apiVersion: resource.apiVersion, resource: resource.resource, namespace: namespace))
        return list["items"]?.arrayValue ?? []
    }

    private func deleteAll(_ resource: ServedResource, _ namespace: String) async throws(APIError) {
        let options: JSONValue = ["kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"]
        if resource.verbs.contains("deletecollection") {
            _ = try await context.client.transport.call(
                KubeRequest(
                    .deletecollection, apiVersion: resource.apiVersion, resource: resource.resource,
                    namespace: namespace, body: options))
            return
        }
        for item in try await list(resource, namespace) {
            guard let name = item[path: "metadata", "name"]?.stringValue else { continue }
            do {
                _ = try await context.client.transport.call(
                    KubeRequest(
                        .delete, apiVersion: resource.apiVersion, resource: resource.resource, namespace: namespace,
                        name: name, body: options))
            } catch { if !error.isNotFound { throw error } }
        }
    }

    private func report(_ content: NamespaceContent, _ namespace: Namespace) async throws {
        let now = context.now
        do {
            try await context.client.modify(Namespace.self, namespace.name, status: true) { namespace in
                let before = namespace
                if namespace.status.phase != "Terminating" { namespace.status.phase = "Terminating" }
                let conditions = content.conditions(after: namespace.status.conditions, now: now)
                if conditions != namespace.status.conditions { namespace.status.conditions = conditions }
                return namespace != before
            }
        } catch { if !error.isNotFound { throw error } }
    }

    /// Removes the finalizer, by the subresource that is there for it; with the last one the namespace is gone.
    private func finalize(_ name: String) async throws {
        guard var namespace = try await live(name) else { return }
        guard namespace.spec.finalizers.contains(Self.finalizer) else { return }
        namespace.json["spec"] = [
            "finalizers": .array(
                namespace.spec.finalizers.filter { $0 != Self.finalizer }.map(JSONValue.string))
        ]
        do {
            _ = try await context.client.transport.call(
                KubeRequest(
                    .update, apiVersion: "v1", resource: "namespaces", name: name, subresource: "finalize",
                    body: namespace.json))
        } catch { if !error.isNotFound { throw error } }
    }
}
