// The config maps and secrets that this node's pods refer to, each watched as long as a pod does.

import JSON
import KubeClient
import KubeTypes
import Logging

/// Gives objects as they are now, and tells when one of them has changed.
///
/// A node may read only what its pods refer to, so every object is watched by its name.
actor ObjectSources {
    private struct Key: Hashable {
        let kind: String
        let object: ObjectKey
    }

    private struct Watch {
        var users: Set<String> = []
        let task: Task<Void, Never>
        let current: @Sendable () -> JSONValue?
        let synced: @Sendable () -> Bool
    }

    private let client: KubeClient
    private let changed: @Sendable (Set<String>) -> Void
    private var watches: [Key: Watch] = [:]
    private let logger: Logger

    /// - Parameter changed: Is called with the uids of the pods that refer to an object that changed.
    init(client: KubeClient, logger: Logger, changed: @escaping @Sendable (Set<String>) -> Void) {
        self.client = client
        self.logger = logger
        self.changed = changed
    }

    /// The objects that a pod refers to; those that are not there are left out.
    /// - Throws: `APIError` where the API does not answer.
    func objects(of pod: Pod) async throws -> ReferencedObjects {
        let names = VolumePayload.references(of: pod)
        var result = ReferencedObjects()
        for name in names.configMaps {
            if let map = try await get(ConfigMap.self, pod.namespace, name, for: pod.uid) {
                result.configMaps[name] = map
            }
        }
        for name in names.secrets {
            if let secret = try await get(Secret.self, pod.namespace, name, for: pod.uid) {
                result.secrets[name] = secret
            }
        }
        return result
    }

    /// The pod is gone: what only it referred to is watched no longer.
    func forget(_ uid: String) {
        for (key, watch) in watches where watch.users.contains(uid) {
            watches[key]?.users.remove(uid)
            if watch.users.count == 1 {
                watch.task.cancel()
                watches[key] = nil
            }
        }
    }

    private func get<Object: KubeObject>(
        _ type: Object.Type, _ namespace: String, _ name: String, for uid: String
    ) async throws -> Object? {
        let key = Key(kind: Object.type.kind, object: ObjectKey(namespace: namespace, name: name))
        if var watch = watches[key] {
            watch.users.insert(uid)
            watches[key] = watch
            if watch.synced(), let json = watch.current() { return Object(json) }
        } else {
            watches[key] = startWatch(type, key, for: uid)
        }
        // Not there yet as far as the watch knows: ask.
        do {
            return try await client.get(type, name, namespace: namespace)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func startWatch<Object: KubeObject>(_ type: Object.Type, _ key: Key, for uid: String) -> Watch {
        let informer = Informer<Object>(
            client, namespace: key.object.namespace, fieldSelector: "metadata.name=\(key.object.name)", logger: logger)
        informer.addHandler { [weak self] _ in
            guard let self, informer.hasSynced else { return }
            Task { await self.tell(key) }
        }
        let object = key.object
        return Watch(
            users: [uid], task: Task { await informer.run() }, current: { informer[object]?.json },
            synced: { informer.hasSynced })
    }

    private func tell(_ key: Key) {
        if let users = watches[key]?.users, !users.isEmpty { changed(users) }
    }
}
