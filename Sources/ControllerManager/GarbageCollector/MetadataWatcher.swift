import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// Follows the objects of one resource of whatever type without keeping them: only which UIDs there are, to notice after
/// a new list which of them have gone.
final class MetadataWatcher: Sendable {
    enum Event: Sendable {
        case present(JSONValue)
        case gone(uid: String)
    }

    private let client: KubeClient
    private let resource: ServedResource
    private let logger: Logger
    private let synced = Mutex(false)
    private let heard: @Sendable (Event) -> Void

    init(
        _ resource: ServedResource, client: KubeClient, logger: Logger, heard: @escaping @Sendable (Event) -> Void
    ) {
        self.resource = resource
        self.client = client
        self.logger = logger
        self.heard = heard
    }

    var hasSynced: Bool { synced.withLock { $0 } }

    func run(onSync: @escaping @Sendable () -> Void) async {
        var known: Set<String> = []
        var delay = Duration.milliseconds(50)
        while !Task.isCancelled {
            do {
                let list = try await client.transport.call(
                    KubeRequest(.list, apiVersion: resource.apiVersion, resource: resource.resource))
                var fresh: Set<String> = []
                for item in list["items"]?.arrayValue ?? [] {
                    if let uid = item[path: "metadata", "uid"]?.stringValue { fresh.insert(uid) }
                    heard(.present(item))
                }
                for uid in known.subtracting(fresh) { heard(.gone(uid: uid)) }
                known = fresh
                let first = synced.withLock { synced in
                    defer { synced = true }
                    return !synced
                }
                if first { onSync() }
                delay = .milliseconds(50)
                try await follow(from: list[path: "metadata", "resourceVersion"]?.stringValue ?? "", &known)
            } catch is CancellationError {
                return
            } catch {
                logger.debug("list and watch of \(resource.resource) for garbage collection broke: \(error)")
                // A resource that is not served (any more) must not hold up the others.
                if (error as? APIError)?.code == 404 || (error as? APIError)?.code == 405 {
                    let first = synced.withLock { synced in
                        defer { synced = true }
                        return !synced
                    }
                    if first { onSync() }
                    delay = .seconds(30)
                }
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(30))
        }
    }

    private func follow(from start: String, _ known: inout Set<String>) async throws {
        var resourceVersion = start
        var delay = Duration.milliseconds(10)
        while !Task.isCancelled {
            let before = resourceVersion
            let events = try await client.transport.watch(
                KubeRequest(
                    .watch, apiVersion: resource.apiVersion, resource: resource.resource,
                    query: [
                        (name: "resourceVersion", value: resourceVersion), (name: "allowWatchBookmarks", value: "true"),
                    ]))
            for try await event in events {
                if event.kind == .error { throw APIError(Status(event.object)) }
                let metadata = event.object["metadata"] ?? [:]
                if let version = metadata["resourceVersion"]?.stringValue { resourceVersion = version }
                guard let uid = metadata["uid"]?.stringValue else { continue }
                switch event.kind {
                case .added, .modified:
                    known.insert(uid)
                    heard(.present(event.object))
                case .deleted:
                    known.remove(uid)
                    heard(.gone(uid: uid))
                case .bookmark, .error: break
                }
            }
            try Task.checkCancellation()
            delay = resourceVersion == before ? min(delay * 2, .seconds(1)) : .milliseconds(10)
            try await Task.sleep(for: delay)
        }
    }
}
