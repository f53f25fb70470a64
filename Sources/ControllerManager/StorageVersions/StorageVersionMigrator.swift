import JSON
import KubeClient
import KubeTypes

/// Writes all objects of a resource anew, unchanged, so that the store has them in today's version and under today's
/// encryption key (upstream's storage-version-migrator, KEP-4192).
///
/// What a write changes that changes nothing is the API server's business: it stores the object if it would be stored
/// otherwise today, and does nothing otherwise.
final class StorageVersionMigrator: Controller {
    private static let component = "storage-version-migrator-controller"
    /// A resource that is not served may be one that was defined just now.
    private static let patienceSeconds = 60.0
    private static let pageSize = 500
    private static let verbs: Set<String> = ["list", "patch"]

    private let context: ControllerContext
    private let migrations: Informer<StorageVersionMigration>
    private let queue: WorkQueue<String>

    init(_ context: ControllerContext) {
        self.context = context
        migrations = context.informers.informer(StorageVersionMigration.self)
        let queue: WorkQueue<String> = context.queue()
        self.queue = queue
        migrations.addHandler { change in
            if case .deleted = change { return }
            queue.add(change.object.name)
        }
    }

    func run() async {
        await migrations.waitForSync()
        await context.work(queue, of: Self.component, workers: 2) { [self] in try await reconcile($0) }
    }

    private func reconcile(_ name: String) async throws {
        guard let migration = migrations.get(name), migration.outcome == nil, !migration.isBeingDeleted else { return }
        guard let resource = try await served(migration) else {
            let created = migration.metadata.creationTimestamp ?? context.now
            guard context.now.since(created) > Self.patienceSeconds else {
                throw RetryLater(description: "\(migration.resource).\(migration.group) is not served yet")
            }
            return try await end(migration, .failed, "resource does not exist in discovery")
        }
        guard resource.verbs.isSuperset(of: Self.verbs) else {
            return try await end(
                migration, .failed,
                "resource \"\(resource.apiVersion), Resource=\(resource.resource)\" does not support discovery operations: "
                    + "\(Self.verbs.sorted())")
        }
        if migrations.objects.contains(where: migration.waits) {
            throw RetryLater(description: "another migration of \(resource.resource) is under way")
        }
        guard let checkpoint = migration.checkpoint else { return try await begin(migration, resource) }
        do {
            try await rewrite(resource, upTo: Int64(checkpoint) ?? .max)
        } catch {
            guard !Self.mayPass(error) else { throw error }
            try await changeDefinition(of: migration) {
                CustomResources.migrated($0, succeeded: false, now: self.context.now)
            }
            return try await end(migration, .failed, "migration encountered unhandled error: \(error.message)")
        }
        try await changeDefinition(of: migration) {
            CustomResources.migrated($0, succeeded: true, now: self.context.now)
        }
        try await end(migration, .succeeded, "")
    }

    /// Fixes, before the first write, what is to be written, so that a migration that is interrupted goes on with the same.
    private func begin(_ migration: StorageVersionMigration, _ resource: ServedResource) async throws {
        try await changeDefinition(of: migration) {
            CustomResources.migrating($0, by: migration.name, now: self.context.now)
        }
        let page = try await list(resource, limit: 1, from: nil)
        let checkpoint = page[path: "metadata", "resourceVersion"]?.stringValue ?? ""
        try await write(migration, migration.running(upTo: checkpoint, now: context.now))
    }

    /// Changes the status of the resource's definition, if it is a custom one.
    private func changeDefinition(
        of migration: StorageVersionMigration, _ change: (JSONValue) -> JSONValue
    ) async throws(APIError) {
        guard var definition = try await definition(migration) else { return }
        definition["status"] = change(definition)
        _ = try await context.client.transport.call(
            KubeRequest(
                .update, apiVersion: CustomResources.apiVersion, resource: CustomResources.resource,
                name: "\(migration.resource).\(migration.group)", subresource: "status", body: definition))
    }

    private func definition(_ migration: StorageVersionMigration) async throws(APIError) -> JSONValue? {
        do {
            return try await context.client.transport.call(
                KubeRequest(
                    .get, apiVersion: CustomResources.apiVersion, resource: CustomResources.resource,
                    name: "\(migration.resource).\(migration.group)"))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// The resource as discovery has it, custom ones included; nil where it is not served.
    private func served(_ migration: StorageVersionMigration) async throws(APIError) -> ServedResource? {
        let builtin = context.options.resources.first {
            $0.group == migration.group && $0.resource == migration.resource
        }
        if let builtin { return builtin }
        return try await definition(migration).flatMap { CustomResources.served(by: $0).first }
    }

    private func list(_ resource: ServedResource, limit: Int, from token: String?) async throws(APIError) -> JSONValue {
        var query = [(name: "limit", value: String(limit))]
        if let token { query.append((name: "continue", value: token)) }
        return try await context.client.transport.call(
            KubeRequest(.list, apiVersion: resource.apiVersion, resource: resource.resource, query: query))
    }

    /// Writes what was written last at `checkpoint` or before.
    private func rewrite(_ resource: ServedResource, upTo checkpoint: Int64) async throws(APIError) {
        var token: String?
        repeat {
            let page = try await list(resource, limit: Self.pageSize, from: token)
            for item in page["items"]?.arrayValue ?? [] {
                let metadata = ObjectMeta(item["metadata"] ?? [:])
                guard let revision = metadata.resourceVersion, Int64(revision) ?? .max <= checkpoint else { continue }
                // With both, an object that was changed, or is another by now, is a conflict: nothing is left to do.
                let identity: JSONValue = [
                    "metadata": ["uid": .string(metadata.uid ?? ""), "resourceVersion": .string(revision)]
                ]
                do {
                    _ = try await context.client.transport.call(
                        KubeRequest(
                            .patch, apiVersion: resource.apiVersion, resource: resource.resource,
                            namespace: metadata.namespace, name: metadata.name, body: identity, patchType: .merge))
                } catch { if !error.isConflict, !error.isNotFound { throw error } }
            }
            token = page[path: "metadata", "continue"]?.stringValue
        } while token?.isEmpty == false
    }

    /// Whether trying again may help.
    private static func mayPass(_ error: APIError) -> Bool {
        error.code == 429 || error.code >= 500 || error.code == 410
    }

    private func end(
        _ migration: StorageVersionMigration, _ outcome: StorageVersionMigration.Outcome, _ message: String
    ) async throws {
        try await write(migration, migration.ended(outcome, message, now: context.now))
    }

    private func write(_ migration: StorageVersionMigration, _ status: JSONValue) async throws {
        var migration = migration
        migration.json["status"] = status
        do { try await context.client.updateStatus(migration) } catch { if !error.isNotFound { throw error } }
    }
}
