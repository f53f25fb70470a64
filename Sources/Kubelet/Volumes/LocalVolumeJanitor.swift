// Removing the directories of volumes that Martlet's own provisioner made, when the volumes are given back.

import CRI
import KubeClient
import KubeTypes
import Logging

/// Follows each volume whose directory is on this node. One that is being deleted and held by the finalizer loses its
/// directory, then the finalizer; one that is gone, because somebody took the finalizer off, loses its directory too.
///
/// A node may not see all volumes, so each is watched by its name.
struct LocalVolumeJanitor: Sendable {
    enum Event: Sendable {
        /// There is a directory for the volume of this name.
        case made(String)
        /// The volume is being deleted, and waits for its directory to go.
        case deleted(String)
        /// The API has the volume no longer.
        case gone(String)
        /// A pod has let go of its volumes, or it is time to try again.
        case released
    }

    /// Between attempts.
    private static let pause = Duration.seconds(3)

    let client: KubeClient
    /// `<data directory>/local-volumes`
    let directory: String
    /// Paths that pods of this node have mounted.
    let inUse: @Sendable () async -> Set<String>
    let logger: Logger
    let events: AsyncStream<Event>
    let signal: AsyncStream<Event>.Continuation

    /// Runs until the task is cancelled.
    func run() async {
        var followed: [String: Task<Void, Never>] = [:]
        /// Those to be removed; whether the volume itself is gone already.
        var condemned: [String: Bool] = [:]
        var retry: Task<Void, Never>?
        for name in Files.list(directory) { signal.yield(.made(name)) }
        for await event in events {
            switch event {
            case .made(let name):
                if followed[name] == nil { followed[name] = follow(name) }
                continue
            case .deleted(let name): condemned[name] = condemned[name] ?? false
            case .gone(let name): condemned[name] = true
            case .released: break
            }
            guard !condemned.isEmpty else { continue }
            let used = await inUse()
            var mustRetry = false
            for (name, isGone) in condemned where !used.contains("\(directory)/\(name)") {
                do {
                    try await remove(name, isGone: isGone)
                    condemned[name] = nil
                    followed.removeValue(forKey: name)?.cancel()
                } catch {
                    logger.warning("volume \(name) cannot be given up: \(error)")
                    mustRetry = true
                }
            }
            // One wait for all: more would multiply.
            retry?.cancel()
            guard mustRetry else { continue }
            retry = Task { [signal] in
                do { try await Task.sleep(for: Self.pause) } catch { return }
                signal.yield(.released)
            }
        }
        retry?.cancel()
        for task in followed.values { task.cancel() }
    }

    private func follow(_ name: String) -> Task<Void, Never> {
        let informer = Informer<PersistentVolume>(client, fieldSelector: "metadata.name=\(name)", logger: logger)
        let path = "\(directory)/\(name)"
        informer.addHandler { [signal] change in
            if case .deleted = change {
                signal.yield(.gone(name))
                return
            }
            let volume = change.object
            if volume.isBeingDeleted, volume.metadata.finalizers.contains(LocalVolumes.finalizer),
                volume.spec.local?.path == path
            {
                signal.yield(.deleted(name))
            }
        }
        return Task { [signal] in
            async let following: Void = informer.run()
            await informer.waitForSync()
            if !Task.isCancelled, informer.objects.isEmpty { signal.yield(.gone(name)) }
            await following
        }
    }

    /// What is in the directory goes first, then the finalizer, then the directory: as long as it is there, an agent that
    /// begins anew knows that there is something left to do.
    private func remove(_ name: String, isGone: Bool) async throws {
        let path = "\(directory)/\(name)"
        if !isGone {
            for entry in Files.list(path) { try Files.removeTree("\(path)/\(entry)") }
            do {
                try await client.modify(PersistentVolume.self, name) { volume in
                    guard volume.metadata.finalizers.contains(LocalVolumes.finalizer) else { return false }
                    volume.metadata.finalizers.removeAll { $0 == LocalVolumes.finalizer }
                    return true
                }
            } catch { if !error.isNotFound { throw error } }
        }
        guard Files.exists(path) else { return }
        try Files.removeTree(path)
        logger.info("the directory of volume \(name) is removed")
    }
}
