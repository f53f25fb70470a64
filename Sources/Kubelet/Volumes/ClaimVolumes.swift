// Volumes that a claim stands for: a directory of the node, local or by its path.

import CRI
import Glibc
import JSON
import KubeClient
import KubeTypes

/// Finds the volume behind a claim and makes it ready. Volumes of other kinds than `local` and `hostPath` need a driver
/// that this node has not.
actor ClaimVolumes {
    private let client: KubeClient
    /// Where the directories of volumes that Martlet provisions are.
    private let localVolumes: String
    /// Is told of the directories that are made, and when a pod lets go of its volumes.
    private let changed: @Sendable (LocalVolumeJanitor.Event) -> Void
    /// Claims that were looked up already, by pod and volume: what is mounted stays mounted.
    private var prepared: [String: [String: (volume: PreparedVolume, claim: String)]] = [:]

    init(
        client: KubeClient, localVolumes: String,
        changed: @escaping @Sendable (LocalVolumeJanitor.Event) -> Void = { _ in }
    ) {
        self.client = client
        self.localVolumes = localVolumes
        self.changed = changed
    }

    func forget(_ uid: String) { if prepared.removeValue(forKey: uid) != nil { changed(.released) } }

    /// Where the volumes of all pods are.
    var pathsInUse: Set<String> { Set(prepared.values.flatMap { $0.values.map(\.volume.path) }) }

    /// The claims of a pod and where their volumes are, by the names that the pod has for them.
    func claims(of uid: String) -> [String: (claim: String, path: String)] {
        (prepared[uid] ?? [:]).mapValues { ($0.claim, $0.volume.path) }
    }

    /// The claim that a generic ephemeral volume made must be this pod's and no other's of the same name.
    func prepareEphemeral(_ name: String, _ pod: Pod) async throws -> PreparedVolume {
        let claim = "\(pod.name)-\(name)"
        return try await prepare(claim, readOnly: false, name, pod) { found in
            guard found.metadata.ownerReferences.contains(where: { $0.uid == pod.uid && $0.controller == true }) else {
                throw ConfigError(
                    "PVC \(pod.namespace)/\(claim) was not created for pod \(pod.namespace)/\(pod.name) (pod is not "
                        + "owner)")
            }
        }
    }

    func prepare(
        _ claimName: String, readOnly: Bool, _ name: String, _ pod: Pod,
        check: (PersistentVolumeClaim) throws -> Void = { _ in }
    ) async throws -> PreparedVolume {
        if let known = prepared[pod.uid]?[name] { return known.volume }
        let claim: PersistentVolumeClaim
        do {
            claim = try await client.get(PersistentVolumeClaim.self, claimName, namespace: pod.namespace)
        } catch {
            guard error.isNotFound else { throw error }
            throw ConfigError("persistentvolumeclaim \"\(claimName)\" not found")
        }
        try check(claim)
        if claim.metadata.deletionTimestamp != nil { throw ConfigError("PVC is being deleted") }
        guard claim.status.phase == "Bound", let volumeName = claim.spec.volumeName, !volumeName.isEmpty else {
            throw ConfigError("PVC is not bound")
        }
        let volume = try await client.get(PersistentVolume.self, volumeName)
        guard volume.spec.claimRef?.uid == claim.uid else {
            throw ConfigError("PV \(volumeName) is not bound to PVC \(pod.namespace)/\(claimName)")
        }
        let path = try self.path(of: volume)
        let isBlock = volume.spec.volumeMode == "Block"
        // An access mode that only reads makes every mount read only.
        let onlyReads = claim.spec.accessModes == ["ReadOnlyMany"]
        if volume.spec.local != nil, !readOnly, !onlyReads, !isBlock { try VolumeOwnership.apply(pod, to: path) }
        let result = PreparedVolume(path: path, readOnly: readOnly, isBlock: isBlock)
        prepared[pod.uid, default: [:]][name] = (result, claimName)
        return result
    }

    private func path(of volume: PersistentVolume) throws -> String {
        if volume.spec.volumeMode == "Block" {
            guard let source = volume.spec.local else {
                throw ConfigError("no volume plugin matched for the block volume \(volume.name)")
            }
            // A link, as udev makes them, leads to the device.
            let path = try Files.realPath(source.path)
            guard Files.kind(of: path) == .blockDevice else {
                throw ConfigError("path \"\(source.path)\" is no block device")
            }
            return path
        }
        if let source = volume.spec.hostPath {
            return try HostPath.prepare(source, at: source.path)
        }
        if let source = volume.spec.local {
            let path = source.path
            if volume.annotations[LocalVolumes.provisionedBy] == LocalVolumes.provisioner {
                guard path == "\(localVolumes)/\(volume.name)" else {
                    throw ConfigError("volume \(volume.name) is not in \(localVolumes)")
                }
                if !Files.exists(path) { try Files.makeDirectory(path, mode: 0o777) }
                changed(.made(volume.name))
            }
            guard Files.kind(of: path) == .directory else {
                throw ConfigError("path \"\(path)\" does not exist or is no directory")
            }
            return path
        }
        throw ConfigError("no volume plugin matched for the persistent volume \(volume.name)")
    }
}

/// Paths of the node, checked or made as their type says.
enum HostPath {
    static func prepare(_ source: HostPathVolumeSource, at path: String) throws -> String {
        let kind = Files.kind(of: path)
        func require(_ wanted: Files.Kind, _ what: String) throws(ConfigError) {
            if kind != wanted { throw ConfigError("hostPath type check failed: \(path) is not \(what)") }
        }
        switch source.type ?? "" {
        case "": break
        case "DirectoryOrCreate":
            if kind == nil { try Files.makeDirectory(path) } else { try require(.directory, "a directory") }
        case "Directory": try require(.directory, "a directory")
        case "FileOrCreate":
            if kind == nil { try Files.write("", to: path) } else { try require(.file, "a file") }
        case "File": try require(.file, "a file")
        case "Socket": try require(.socket, "a socket file")
        case "CharDevice": try require(.characterDevice, "a character device")
        case "BlockDevice": try require(.blockDevice, "a block device")
        default: throw ConfigError("\(source.type ?? "") is an invalid volume type")
        }
        return path
    }
}

/// `fsGroup`: what is in a volume belongs to the pod's group, which may read and write it.
enum VolumeOwnership {
    static func apply(_ pod: Pod, to path: String) throws(SystemError) {
        guard let group = pod.spec.securityContext?.fsGroup else { return }
        let gid = gid_t(truncatingIfNeeded: group)
        if pod.spec.securityContext?.fsGroupChangePolicy == "OnRootMismatch" {
            var info = stat()
            if stat(path, &info) == 0, info.st_gid == gid, info.st_mode & 0o2770 == 0o2770 { return }
        }
        try change(path, gid)
    }

    private static func change(_ path: String, _ group: gid_t) throws(SystemError) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard lchown(path, uid_t.max, group) == 0 else { throw SystemError("chown \(path)") }
        let kind = info.st_mode & S_IFMT
        // A link's own permissions mean nothing.
        if kind == S_IFLNK { return }
        let mode = info.st_mode & 0o7777 | (kind == S_IFDIR ? 0o2770 : 0o660)
        guard chmod(path, mode) == 0 else { throw SystemError("chmod \(path)") }
        guard kind == S_IFDIR else { return }
        for name in Files.list(path) { try change("\(path)/\(name)", group) }
    }
}
