// Images that come from a file instead of a registry.

import Glibc
import JSON
import Logging

/// Loads image archives into containerd and remembers their names: an image that was loaded by hand is there on
/// purpose, and is used where a registry cannot be reached.
///
/// The Container Runtime Interface has no import; containerd's own tool `ctr` does it.
public struct ImageStore: Sendable {
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private let socket: String
    private let records: String
    private let ctr: String

    /// - Parameters:
    ///   - socket: containerd's.
    ///   - dataDir: Where the names of loaded images are kept; the node agent must be given the same.
    public init(socket: String, dataDir: String, ctr: String = "ctr") {
        self.socket = socket.hasPrefix("unix://") ? String(socket.dropFirst("unix://".count)) : socket
        records = dataDir + "/loaded-images"
        self.ctr = ctr
    }

    /// Loads an OCI layout or a docker archive, a tar file that is not compressed.
    /// - Returns: the full names of the images in it.
    /// - Throws: `Failure` with one line that says what is wrong with the file, or what `ctr` answered.
    @discardableResult
    public func load(tar path: String) async throws -> [String] {
        guard Files.kind(of: path) == .file else { throw Failure(description: "\(path): no such file") }
        let images = try Self.images(in: path)
        let output = try await run(["images", "import", path])
        guard output.status == 0 else {
            throw Failure(
                description: "\(path): \(output.errorText.split(separator: "\n").last.map(String.init) ?? "ctr failed")"
            )
        }
        try await rename(images)
        try Files.makeDirectory(records)
        for image in images { try Files.write("", to: record(of: image.name)) }
        return images.map(\.name)
    }

    /// Writes an image to a file that `load` takes.
    /// - Throws: `Failure` with what `ctr` answered.
    public func save(_ name: String, to path: String) async throws {
        let output = try await run(["images", "export", path, name])
        guard output.status == 0 else {
            throw Failure(
                description: output.errorText.split(separator: "\n").last.map(String.init) ?? "\(name): ctr failed")
        }
    }

    /// Mounts what is in an image, read only and with nothing in it to be run.
    /// - Throws: `Failure` with what `ctr` or the kernel answered.
    public func mountView(of image: String, at path: String) async throws {
        var problem = ""
        // The one that images were unpacked with has them at once; the other one answers that there is nothing.
        for snapshotter in ["overlayfs", "native"] {
            let output = try await run(["images", "mount", "--snapshotter", snapshotter, image, path])
            if output.status == 0 {
                let flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV
                guard mount(nil, path, nil, UInt(flags), nil) == 0 else {
                    let failure = SystemError("remount \(path)")
                    umount2(path, 0)
                    throw failure
                }
                return
            }
            problem = output.errorText.split(separator: "\n").last.map(String.init) ?? "ctr failed"
        }
        throw Failure(description: "failed to mount the image \(image): \(problem)")
    }

    /// Lets go of what `mountView` needed at this path, which is mounted no longer.
    public func releaseView(at path: String) async {
        for snapshotter in ["overlayfs", "native"] {
            _ = try? await run(["snapshots", "--snapshotter", snapshotter, "rm", path])
        }
        _ = try? await run(["leases", "delete", path])
    }

    /// Whether an image of this name was loaded from a file.
    public func isLoaded(_ name: String) -> Bool {
        guard let full = try? ImageName(parsing: name).description else { return false }
        return Files.exists(record(of: full))
    }

    /// The full names of all images that were loaded from files.
    public func loaded() -> [String] { Files.list(records).map(Self.unescape) }

    private func run(_ arguments: [String]) async throws -> ProcessOutput {
        guard Subprocess.find(ctr) != nil else {
            throw Failure(description: "\(ctr) is missing: install containerd (apt install containerd)")
        }
        return try await Subprocess.run(ctr, ["--address", socket, "--namespace", "k8s.io"] + arguments)
    }

    /// Gives images the names that they should have where the archive had only short ones, which `ctr` completes in a
    /// way of its own.
    private func rename(_ images: [(name: String, digest: String?)]) async throws {
        let listing = try await run(["images", "list"]).text
        var names: Set<String> = []
        var byDigest: [String: String] = [:]
        for line in listing.split(separator: "\n").dropFirst() {
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count > 2 else { continue }
            names.insert(String(columns[0]))
            byDigest[String(columns[2])] = String(columns[0])
        }
        for image in images where !names.contains(image.name) {
            guard let digest = image.digest, let source = byDigest[digest] else {
                throw Failure(description: "containerd has not taken \(image.name)")
            }
            let output = try await run(["images", "tag", source, image.name])
            guard output.status == 0 else { throw Failure(description: output.errorText) }
        }
    }

    /// The names in an archive, completed, and the digests of their manifests where it tells.
    static func images(in path: String) throws(Failure) -> [(name: String, digest: String?)] {
        let members = TarReader.members(of: path) {
            $0 == "manifest.json" || $0 == "index.json" || $0 == "repositories"
        }
        guard let members else {
            throw Failure(description: "\(path): not a tar archive (a compressed one must be unpacked first)")
        }
        var found: [(name: String, digest: String?)] = []
        func add(_ name: String, _ digest: String?) throws(Failure) {
            do {
                let full = try ImageName(parsing: name).description
                if !found.contains(where: { $0.name == full }) { found.append((full, digest)) }
            } catch { throw Failure(description: "\(path): \(error)") }
        }
        if let index = members["index.json"].flatMap({ try? JSONParser.parse($0) }) {
            for entry in index["manifests"]?.arrayValue ?? [] {
                let annotations = entry["annotations"]
                let full = annotations?["io.containerd.image.name"]?.stringValue
                let short = annotations?["org.opencontainers.image.ref.name"]?.stringValue
                // A bare tag names no image.
                guard let name = full ?? short.flatMap({ $0.contains("/") || $0.contains(":") ? $0 : nil }) else {
                    continue
                }
                try add(name, entry["digest"]?.stringValue)
            }
        }
        if let manifest = members["manifest.json"].flatMap({ try? JSONParser.parse($0) }) {
            for entry in manifest.arrayValue ?? [] {
                for tag in entry["RepoTags"]?.arrayValue ?? [] {
                    if let name = tag.stringValue { try add(name, nil) }
                }
            }
        }
        guard !found.isEmpty else {
            let isImage = members["index.json"] != nil || members["manifest.json"] != nil
            throw Failure(
                description: isImage
                    ? "\(path): the image in it has no name; save it by name and tag"
                    : "\(path): not an image archive (neither index.json nor manifest.json in it)")
        }
        return found
    }

    private func record(of name: String) -> String { "\(records)/\(Self.escape(name))" }

    static func escape(_ name: String) -> String {
        String(name.flatMap { $0 == "/" ? "%2F" : $0 == "%" ? "%25" : String($0) })
    }

    static func unescape(_ name: String) -> String {
        var text = ""
        var rest = Substring(name)
        while let first = rest.first {
            if rest.hasPrefix("%2F") || rest.hasPrefix("%25") {
                text += rest.hasPrefix("%2F") ? "/" : "%"
                rest = rest.dropFirst(3)
            } else {
                text.append(first)
                rest = rest.dropFirst()
            }
        }
        return text
    }
}
