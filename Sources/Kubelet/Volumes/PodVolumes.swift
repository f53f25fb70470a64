// Volumes of a pod on the node: made before its containers, refreshed while it runs, taken down after it.

import CRI
import Glibc
import JSON
import KubeTypes

/// A volume that is ready to be mounted into containers.
struct PreparedVolume: Sendable, Hashable {
    /// On the node.
    var path: String
    /// Shows objects of the API: containers must not write to it.
    var readOnly: Bool
    /// A device: containers have it as such, or not at all.
    var isBlock: Bool
    /// The digest of the image that it shows.
    var imageReference: String?
    /// Why it is not there: what a container that mounts it waits for.
    var failure: StartFailure?

    init(
        path: String, readOnly: Bool, isBlock: Bool = false, imageReference: String? = nil, failure: StartFailure? = nil
    ) {
        self.path = path
        self.readOnly = readOnly
        self.isBlock = isBlock
        self.imageReference = imageReference
        self.failure = failure
    }

    /// A path within the volume; a directory is made of what is missing.
    func subPath(_ relative: String) throws(ConfigError) -> String {
        let parts = relative.split(separator: "/")
        guard !relative.hasPrefix("/"), !parts.contains("..") else {
            throw ConfigError("unable to provision SubPath `\(relative)`: must not contain '..'")
        }
        let target = "\(path)/\(relative)"
        if !Files.exists(target), !readOnly {
            do { try Files.makeDirectory(target, mode: 0o750) } catch {
                throw ConfigError("failed to create subPath directory for volumeMount: \(error)")
            }
        }
        return try existing(relative)
    }

    /// Where a path within the volume, which has to be there, really is.
    func existing(_ relative: String) throws(ConfigError) -> String {
        let target = "\(path)/\(relative)"
        // A link that a container has left there must not lead out of the volume.
        let real: String
        let base: String
        do {
            real = try Files.realPath(target)
            base = try Files.realPath(path)
        } catch {
            throw ConfigError("failed to prepare subPath for volumeMount: \(error)")
        }
        guard real == base || real.hasPrefix(base + "/") else {
            throw ConfigError("failed to prepare subPath for volumeMount: \(relative) leads out of the volume")
        }
        return real
    }
}

/// A volume that could not be made; the message follows upstream's, `MountVolume.SetUp failed for volume "…" : …`.
struct VolumeError: Error, CustomStringConvertible {
    let volume: String
    let why: String
    var description: String { "MountVolume.SetUp failed for volume \"\(volume)\" : \(why)" }
}

/// Makes volumes below `<data directory>/pods/<uid>/volumes`.
struct PodVolumes: Sendable {
    let root: String
    let tokens: ServiceAccountTokens
    let sources: ObjectSources
    let claims: ClaimVolumes
    let imageVolumes: ImageVolumes
    let now: @Sendable () -> Time

    func podDirectory(_ uid: String) -> String { "\(root)/pods/\(uid)" }

    private func directory(_ uid: String, _ kind: String, _ name: String) -> String {
        "\(podDirectory(uid))/volumes/kubernetes.io~\(kind)/\(name)"
    }

    /// Makes what is missing and brings up to date what shows objects of the API.
    func prepare(_ pod: Pod, allocatable: [String: Quantity]) async throws -> [String: PreparedVolume] {
        guard !pod.spec.volumes.isEmpty else { return [:] }
        let objects = try await sources.objects(of: pod)
        var result: [String: PreparedVolume] = [:]
        for volume in pod.spec.volumes {
            do {
                result[volume.name] = try await prepare(volume, pod, objects, allocatable)
            } catch let error as CancellationError {
                throw error
            } catch let error as ImageVolumeFailure {
                // The containers that show it say what is wrong with it.
                result[volume.name] = PreparedVolume(path: "", readOnly: true, failure: error.failure)
            } catch {
                throw VolumeError(volume: volume.name, why: "\(error)")
            }
        }
        return result
    }

    private func prepare(
        _ volume: Volume, _ pod: Pod, _ objects: ReferencedObjects, _ allocatable: [String: Quantity]
    ) async throws -> PreparedVolume {
        if let source = volume.hostPath {
            return PreparedVolume(
                path: try HostPath.prepare(source, at: NodePaths(root: root).own(source.path)), readOnly: false)
        }
        if let source = volume.emptyDir { return try emptyDir(source, volume.name, pod) }
        if let source = volume.configMap {
            let files = try configMap(
                source.name ?? "", items: source.items, mode: source.defaultMode ?? 0o644,
                optional: source.optional == true, pod, objects)
            return try show(files, "configmap", volume.name, pod, inMemory: false)
        }
        if let source = volume.secret {
            let files = try secret(
                source.secretName ?? "", items: source.items, mode: source.defaultMode ?? 0o644,
                optional: source.optional == true, pod, objects)
            return try show(files, "secret", volume.name, pod, inMemory: true)
        }
        if let source = volume.downwardAPI {
            let files = try VolumePayload.files(
                downward: source.items, pod: pod, mode: source.defaultMode ?? 0o644, allocatable: allocatable)
            return try show(files, "downward-api", volume.name, pod, inMemory: false)
        }
        if let source = volume.projected {
            let files = try await projected(source, pod, objects, allocatable)
            return try show(files, "projected", volume.name, pod, inMemory: true)
        }
        if let source = volume.persistentVolumeClaim {
            return try await claims.prepare(source.claimName, readOnly: source.readOnly == true, volume.name, pod)
        }
        if volume.ephemeral != nil {
            return try await claims.prepareEphemeral(volume.name, pod)
        }
        if let source = volume.image {
            return try await imageVolumes.prepare(
                source, volume.name, pod, secrets: Array(objects.secrets.values),
                at: directory(pod.uid, "image", volume.name))
        }
        throw ConfigError("this kubelet has no volumes of its kind")
    }

    // MARK: Kinds

    private func configMap(
        _ name: String, items: [KeyToPath], mode: Int, optional: Bool, _ pod: Pod, _ objects: ReferencedObjects
    ) throws(ConfigError) -> [String: VolumeFile] {
        guard let map = objects.configMaps[name] else {
            if optional { return [:] }
            throw ConfigError("configmap \"\(name)\" not found")
        }
        return try VolumePayload.files(
            VolumePayload.content(of: map), items: items, mode: mode, optional: optional, what: "configmap")
    }

    private func secret(
        _ name: String, items: [KeyToPath], mode: Int, optional: Bool, _ pod: Pod, _ objects: ReferencedObjects
    ) throws(ConfigError) -> [String: VolumeFile] {
        guard let secret = objects.secrets[name] else {
            if optional { return [:] }
            throw ConfigError("secret \"\(name)\" not found")
        }
        return try VolumePayload.files(
            VolumePayload.content(of: secret), items: items, mode: mode, optional: optional, what: "secret")
    }

    private func projected(
        _ volume: ProjectedVolumeSource, _ pod: Pod, _ objects: ReferencedObjects, _ allocatable: [String: Quantity]
    ) async throws -> [String: VolumeFile] {
        let mode = volume.defaultMode ?? 0o644
        var files: [String: VolumeFile] = [:]
        for source in volume.sources {
            if let projection = source.configMap {
                files.merge(
                    try configMap(
                        projection.name ?? "", items: projection.items, mode: mode,
                        optional: projection.optional == true, pod, objects)
                ) { $1 }
            } else if let projection = source.secret {
                files.merge(
                    try secret(
                        projection.name ?? "", items: projection.items, mode: mode,
                        optional: projection.optional == true, pod, objects)
                ) { $1 }
            } else if let projection = source.downwardAPI {
                files.merge(
                    try VolumePayload.files(
                        downward: projection.items, pod: pod, mode: mode, allocatable: allocatable)
                ) { $1 }
            } else if let projection = source.serviceAccountToken {
                let token = try await tokens.token(
                    for: pod, audience: projection.audience, seconds: projection.expirationSeconds ?? 3600)
                files[projection.path] = VolumeFile(
                    content: Array(token.utf8), mode: pod.spec.securityContext?.fsGroup == nil ? mode : 0o600)
            } else {
                throw ConfigError("this kubelet does not know one of the volume's sources")
            }
        }
        return files
    }

    private func show(
        _ files: [String: VolumeFile], _ kind: String, _ name: String, _ pod: Pod, inMemory: Bool
    ) throws -> PreparedVolume {
        let path = directory(pod.uid, kind, name)
        try Files.makeDirectory(path)
        if inMemory { try mountMemory(at: path, bytes: nil) }
        try AtomicWriter.write(files, to: path, group: pod.spec.securityContext?.fsGroup, now: now())
        return PreparedVolume(path: path, readOnly: true)
    }

    private func emptyDir(_ source: EmptyDirVolumeSource, _ name: String, _ pod: Pod) throws -> PreparedVolume {
        let path = directory(pod.uid, "empty-dir", name)
        let isNew = !Files.exists(path)
        try Files.makeDirectory(path, mode: 0o777)
        switch source.medium ?? "" {
        case "": break
        case "Memory":
            try mountMemory(at: path, bytes: source.sizeLimit?.value)
            if isNew { chmod(path, 0o777) }
        case let medium where medium.hasPrefix("HugePages"):
            let size = try HugePages.size(ofMedium: medium, in: pod)
            try mountFilesystem("hugetlbfs", at: path, options: "pagesize=\(size)")
            if isNew { chmod(path, 0o777) }
        default: throw ConfigError("emptyDir medium \(source.medium ?? "") is not supported by this kubelet")
        }
        if isNew, let group = pod.spec.securityContext?.fsGroup {
            chown(path, uid_t.max, gid_t(truncatingIfNeeded: group))
            chmod(path, 0o2777)
        }
        return PreparedVolume(path: path, readOnly: false)
    }

    private func mountMemory(at path: String, bytes: Int64?) throws {
        try mountFilesystem("tmpfs", at: path, options: bytes.map { "size=\($0)" } ?? "")
    }

    /// Mounts a file system that has no device, unless there is a mount already.
    private func mountFilesystem(_ type: String, at path: String, options: String) throws {
        var here = stat()
        var above = stat()
        if stat(path, &here) == 0, stat(path + "/..", &above) == 0, here.st_dev != above.st_dev { return }
        guard mount(type, path, type, 0, options) == 0 else { throw SystemError("mount \(type) at \(path)") }
    }

    // MARK: The end

    /// Takes down and removes everything that a pod has on the node.
    func remove(_ uid: String) throws(SystemError) {
        let path = podDirectory(uid)
        imageVolumes.forget(uid)
        guard Files.exists(path) else { return }
        Files.unmountAll(below: path)
        try Files.removeTree(path)
    }

    /// A volume whose use can be measured: a directory of the pod's own, or one that a claim stands for.
    struct Measurable {
        var name: String
        var path: String
        var inMemory = false
        /// The name of the claim; its use is that of the file system it is on.
        var claim: String?
    }

    func measurable(_ pod: Pod) async -> [Measurable] {
        let claims = await claims.claims(of: pod.uid)
        return pod.spec.volumes.compactMap { volume in
            if let source = volume.emptyDir {
                let path = directory(pod.uid, "empty-dir", volume.name)
                return Measurable(name: volume.name, path: path, inMemory: source.medium == "Memory")
            }
            guard let (claim, path) = claims[volume.name] else { return nil }
            return Measurable(name: volume.name, path: path, claim: claim)
        }
    }

    /// The digests of the images that a pod's volumes show, by the volumes' names.
    func imageReferences(of pod: Pod) -> [String: String] { imageVolumes.references(of: pod.uid) }

    /// The uids of pods that have something on the node.
    var podsOnDisk: [String] { Files.list("\(root)/pods") }
}
