import JSON
import KubeClient
import KubeTypes

/// Takes out of the StorageVersions what API servers have left there that are gone, that is, have no Lease any more
/// (upstream's storage-version-gc-controller), and removes such Leases when they have ended.
final class StorageVersionCleaner: Controller {
    private static let component = "storage-version-garbage-collector-controller"
    private static let namespace = "kube-system"
    private static let identity = "apiserver.kubernetes.io/identity=kube-apiserver"
    private static let leaseCleaningPeriod = Duration.seconds(600)

    private let context: ControllerContext
    private let versions: Informer<StorageVersion>
    private let leases: Informer<Lease>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        let versions = context.informers.informer(StorageVersion.self)
        let queue: WorkQueue<String> = context.queue()
        (self.versions, self.queue) = (versions, queue)
        // Of the many Leases of a cluster, only those of API servers.
        leases = Informer(
            context.informers.client, namespace: Self.namespace, labelSelector: Self.identity, logger: context.logger)
        versions.addHandler { change in
            if case .deleted = change { return }
            queue.add(change.object.name)
        }
        leases.addHandler { change in
            guard case .deleted = change else { return }
            for version in versions.objects { queue.add(version.name) }
        }
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [leases] in await leases.run() }
            group.addTask { [self] in
                await versions.waitForSync()
                await leases.waitForSync()
                await context.work(queue, of: Self.component, workers: 1) { [self] in try await reconcile($0) }
            }
            group.addTask { [self] in
                await leases.waitForSync()
                while !Task.isCancelled {
                    await removeEndedLeases()
                    try? await Task.sleep(for: Self.leaseCleaningPeriod)
                }
            }
        }
    }

    private func reconcile(_ name: String) async throws {
        guard let seen = versions.get(name), seen.isStale(living: Set(leases.objects.map(\.name))) else { return }
        do { try await clean(name) } catch { if !error.isNotFound { throw error } }
    }

    private func clean(_ name: String) async throws(APIError) {
        // The copies may lag behind: a server writes its record as soon as it has its Lease.
        let living = try await context.client.list(Lease.self, namespace: Self.namespace, labelSelector: Self.identity)
        let servers = Set(living.items.map(\.name))
        var version = try await context.client.get(StorageVersion.self, name)
        guard version.isStale(living: servers) else { return }
        if let status = version.status(living: servers, now: context.now) {
            version.json["status"] = status
            try await context.client.updateStatus(version)
        } else {
            try await context.client.delete(StorageVersion.self, name)
        }
    }

    private func removeEndedLeases() async {
        for lease in leases.objects where Self.hasEnded(lease, now: context.now) {
            do {
                try await context.client.delete(Lease.self, lease.name, namespace: Self.namespace)
            } catch {
                if !error.isNotFound { context.logger.info("\(Self.component): \(lease.name): \(error)") }
            }
        }
    }

    /// Whether nobody has renewed a Lease for as long as it lasts.
    static func hasEnded(_ lease: Lease, now: Time) -> Bool {
        guard let renewed = lease.spec.renewTime, let seconds = lease.spec.leaseDurationSeconds else { return true }
        return now.since(renewed.time) > Double(seconds)
    }
}
