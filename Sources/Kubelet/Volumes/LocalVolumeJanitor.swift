// Removing the directories of volumes that Martlet's own provisioner made, when the volumes are given back.

import CRI
import KubeClient
import KubeTypes
import Logging

/// Looks at the volumes whose directories are on this node. One that is being deleted and held by the finalizer loses
/// its directory, then the finalizer.
struct LocalVolumeJanitor: Sendable {
    static let finalizer = "martlet.io/local-volume"

    let client: KubeClient
    /// `<data directory>/local-volumes`
    let directory: String
    /// Paths that pods of this node have mounted.
    let inUse: @Sendable () async -> Set<String>
    let logger: Logger

    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(3)) } catch { return }
            for name in Files.list(directory) {
                do { try await look(name) } catch { logger.debug("volume \(name): \(error)") }
            }
        }
    }

    private func look(_ name: String) async throws {
        let path = "\(directory)/\(name)"
        let volume: PersistentVolume
        do {
            volume = try await client.get(PersistentVolume.self, name)
        } catch {
            guard error.isNotFound else { throw error }
            // Somebody took the finalizer off by force: nobody will ask for the directory again.
            if await !inUse().contains(path) { try Files.removeTree(path) }
            return
        }
        guard volume.metadata.deletionTimestamp != nil, volume.metadata.finalizers.contains(Self.finalizer),
            volume.spec.local?.path == path, await !inUse().contains(path)
        else { return }
        try Files.removeTree(path)
        _ = try await client.modify(PersistentVolume.self, name) { volume in
            guard volume.metadata.finalizers.contains(Self.finalizer) else { return false }
            volume.metadata.finalizers.removeAll { $0 == Self.finalizer }
            return true
        }
        logger.info("the directory of volume \(name) is removed")
    }
}
