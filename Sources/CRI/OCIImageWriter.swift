// Making a container image from files: one layer, as an OCI image layout and a docker archive in one tar.

import Crypto
import JSON

/// Writes images without a builder: the sandbox's pause image, and the application that the demonstration runs.
///
/// The archive is an OCI image layout (image-spec 1.0) and carries docker's `manifest.json` as well, so that `ctr`,
/// `docker load` and `podman load` read it alike. Equal content gives equal bytes and equal digests.
public struct OCIImageWriter: Sendable {
    public enum Entry: Sendable {
        /// - Parameter mode: permission bits, as in `0o755`.
        case file(path: String, mode: Int, content: [UInt8])
        case directory(path: String, mode: Int)
        case link(path: String, target: String)
    }

    /// What a container of the image runs unless it is told otherwise.
    public struct Config: Sendable {
        public var entrypoint: [String] = []
        public var command: [String] = []
        /// `NAME=value`
        public var environment: [String] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        public var workingDir = ""
        /// A name or number, and after a colon a group; empty is root.
        public var user = ""
        /// `3000/tcp`
        public var exposedPorts: [String] = []
        public var labels: [String: String] = [:]

        public init() {}
    }

    /// Full names: `docker.io/library/web:1`. Short ones are completed as docker completes them.
    public var names: [String]
    /// The members of the layer, in order; directories on the way are made without being listed.
    public var entries: [Entry]
    public var config: Config
    /// Go's name of the processor: `amd64`, `arm64`.
    public var architecture: String

    public init(
        names: [String], entries: [Entry], config: Config, architecture: String = OCIImageWriter.nativeArchitecture
    ) {
        self.names = names
        self.entries = entries
        self.config = config
        self.architecture = architecture
    }

    /// Go's name of the processor that this runs on.
    public static var nativeArchitecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    /// The archive's bytes.
    public func archive() -> [UInt8] {
        let layer = layerArchive()
        let layerDigest = Self.digest(layer)
        let config = JSONWriter.bytes(of: imageConfig(layer: layerDigest))
        let configDigest = Self.digest(config)
        let manifest = JSONWriter.bytes(of: [
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": Self.descriptor("application/vnd.oci.image.config.v1+json", configDigest, config.count),
            "layers": [Self.descriptor("application/vnd.oci.image.layer.v1.tar", layerDigest, layer.count)],
        ])
        let manifestDigest = Self.digest(manifest)
        let fullNames = names.map { (try? ImageName(parsing: $0).description) ?? $0 }
        let index = JSONWriter.bytes(of: [
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": .array(
                fullNames.map { name in
                    var entry = Self.descriptor(
                        "application/vnd.oci.image.manifest.v1+json", manifestDigest, manifest.count)
                    entry["annotations"] = [
                        "io.containerd.image.name": .string(name),
                        "org.opencontainers.image.ref.name": .string(Self.tag(of: name)),
                    ]
                    entry["platform"] = ["architecture": .string(architecture), "os": "linux"]
                    return entry
                }),
        ])
        let docker = JSONWriter.bytes(of: [
            [
                "Config": .string("blobs/sha256/\(configDigest)"),
                "RepoTags": .array(fullNames.map { .string($0) }),
                "Layers": [.string("blobs/sha256/\(layerDigest)")],
            ]
        ])
        var tar = TarWriter()
        tar.add(directory: "blobs")
        tar.add(directory: "blobs/sha256")
        for (digest, content) in [(configDigest, config), (layerDigest, layer), (manifestDigest, manifest)] {
            tar.add(file: "blobs/sha256/\(digest)", content)
        }
        tar.add(file: "index.json", index)
        tar.add(file: "manifest.json", docker)
        tar.add(file: "oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        return tar.finished()
    }

    /// Writes the archive to a file.
    public func write(to path: String) throws { try Files.write(archive(), to: path) }

    private func layerArchive() -> [UInt8] {
        var tar = TarWriter()
        var made: Set<String> = []
        func makeParents(of path: String) {
            var parent = ""
            for component in path.split(separator: "/").dropLast() {
                parent += (parent.isEmpty ? "" : "/") + component
                if made.insert(parent).inserted { tar.add(directory: parent) }
            }
        }
        for entry in entries {
            switch entry {
            case .file(let path, let mode, let content):
                makeParents(of: path)
                tar.add(file: Self.relative(path), mode: mode, content)
            case .directory(let path, let mode):
                makeParents(of: path)
                if made.insert(Self.relative(path)).inserted { tar.add(directory: Self.relative(path), mode: mode) }
            case .link(let path, let target):
                makeParents(of: path)
                tar.add(link: Self.relative(path), to: target)
            }
        }
        return tar.finished()
    }

    private func imageConfig(layer: String) -> JSONValue {
        func list(_ strings: [String]) -> JSONValue { .array(strings.map { .string($0) }) }
        var runtime: JSONValue = ["Env": list(config.environment)]
        if !config.entrypoint.isEmpty { runtime["Entrypoint"] = list(config.entrypoint) }
        if !config.command.isEmpty { runtime["Cmd"] = list(config.command) }
        if !config.workingDir.isEmpty { runtime["WorkingDir"] = .string(config.workingDir) }
        if !config.user.isEmpty { runtime["User"] = .string(config.user) }
        if !config.exposedPorts.isEmpty {
            runtime["ExposedPorts"] = .object(JSONObject(config.exposedPorts.map { (key: $0, value: [:]) }))
        }
        if !config.labels.isEmpty {
            runtime["Labels"] = .object(
                JSONObject(config.labels.sorted { $0.key < $1.key }.map { (key: $0.key, value: .string($0.value)) }))
        }
        return [
            "created": "1970-01-01T00:00:00Z", "architecture": .string(architecture), "os": "linux",
            "config": runtime,
            "rootfs": ["type": "layers", "diff_ids": [.string("sha256:\(layer)")]],
            "history": [["created": "1970-01-01T00:00:00Z", "created_by": "martlet"]],
        ]
    }

    private static func relative(_ path: String) -> String {
        String(path.drop { $0 == "/" })
    }

    private static func tag(of name: String) -> String {
        name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? "latest"
    }

    private static func descriptor(_ type: String, _ digest: String, _ size: Int) -> JSONValue {
        ["mediaType": .string(type), "digest": .string("sha256:\(digest)"), "size": .integer(Int64(size))]
    }

    /// SHA-256 in hexadecimal.
    static func digest(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).hexadecimal() }
}
