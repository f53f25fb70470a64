// Volumes that show an image's files (KEP-4639), mounted by the agent itself: containerd before 2.0 does not.

import CRI
import Glibc
import KubeTypes
import Synchronization

/// Pulls the image of a volume as those of containers are, and mounts a view of its layers, read only and without
/// programs to run.
final class ImageVolumes: Sendable {
    private let images: ImagePuller
    private let store: ImageStore?
    private struct View {
        var digest: String
        var path: String
    }

    /// By pod and volume.
    private let mounted = Mutex<[String: [String: View]]>([:])

    init(images: ImagePuller, store: ImageStore?) {
        self.images = images
        self.store = store
    }

    func references(of uid: String) -> [String: String] { mounted.withLock { ($0[uid] ?? [:]).mapValues(\.digest) } }

    func forget(_ uid: String) {
        let had = mounted.withLock { $0.removeValue(forKey: uid) }
        guard let had, let store else { return }
        Task {
            for view in had.values {
                Files.unmountAll(below: view.path)
                await store.releaseView(at: view.path)
            }
        }
    }

    func prepare(
        _ source: ImageVolumeSource, _ name: String, _ pod: Pod, secrets: [Secret], at path: String
    ) async throws -> PreparedVolume {
        if let known = mounted.withLock({ $0[pod.uid]?[name] }) {
            return PreparedVolume(path: path, readOnly: true, imageReference: known.digest)
        }
        guard let store else { throw ConfigError("this node's runtime gives no access to the layers of images") }
        var asked = Container()
        asked.name = name
        asked.image = source.reference ?? ""
        asked.imagePullPolicy = source.pullPolicy
        let found: (image: RuntimeImage, reference: String)
        do {
            found = try await images.ensure(asked, of: pod, secrets: secrets, sandbox: nil)
        } catch let failure as StartFailure {
            throw ImageVolumeFailure(volume: name, failure: failure)
        }
        try Files.makeDirectory(path)
        if !Files.mountPoints(below: path).contains(path) {
            try await store.mountView(of: found.reference, at: path)
        }
        let reference = found.image.digests.first ?? found.image.id
        mounted.withLock { $0[pod.uid, default: [:]][name] = View(digest: reference, path: path) }
        return PreparedVolume(path: path, readOnly: true, imageReference: reference)
    }
}

/// An image that a volume shows could not be had: the containers that mount it wait with the reason of the pull.
struct ImageVolumeFailure: Error, CustomStringConvertible {
    let volume: String
    let failure: StartFailure
    var description: String { "failed to pull the image of volume \(volume): \(failure.message)" }
}
