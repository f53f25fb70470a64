import Foundation

/// Where a cluster keeps what it must not forget: its keys, its database, its containers.
public struct DataDirectory: Sendable {
    /// The layout that this version writes and reads. A directory of another layout is refused.
    public static let layoutVersion = "1"
    public static let defaultPath = "/var/lib/martlet"

    public let path: String

    public init(path: String) {
        self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    public var pki: String { path + "/pki" }
    public var database: String { path + "/state.db" }
    public var adminKubeconfig: String { path + "/admin.kubeconfig" }
    public var log: String { path + "/martlet.log" }
    public var containerd: String { path + "/containerd" }
    public var kubelet: String { path + "/kubelet" }
    public var network: String { path + "/network" }
    /// The data directories of further nodes on this machine, by name.
    public var nodes: String { path + "/nodes" }
    /// What the running process says of itself, for `status` and `down`.
    public var runState: String { path + "/run.json" }
    /// Held by the running process: two of them never share a directory.
    public var lock: String { path + "/lock" }
    private var version: String { path + "/version" }

    public var exists: Bool { FileManager.default.fileExists(atPath: version) }

    /// Makes the directory, or checks that it is one of ours.
    /// - Throws: `ClusterError` where it cannot be written, holds something else, or is of another version.
    public func prepare() throws(ClusterError) {
        let files = FileManager.default
        if let found = files.contents(atPath: version) {
            let text = String(decoding: found, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard text == Self.layoutVersion else {
                throw ClusterError(
                    "\(path) was written by another version of martlet (layout \(text), this one has \(Self.layoutVersion))",
                    mend: "use that version, another --data-dir, or remove it with 'martlet down --purge'")
            }
            return
        }
        if let content = try? files.contentsOfDirectory(atPath: path), content.contains(where: { $0 != "lost+found" }) {
            throw ClusterError(
                "\(path) holds something that is no cluster's data", mend: "name an empty or new --data-dir")
        }
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try files.createDirectory(atPath: pki, withIntermediateDirectories: true)
            try Data((Self.layoutVersion + "\n").utf8).write(to: URL(fileURLWithPath: version), options: .atomic)
        } catch {
            throw ClusterError(
                "\(path) cannot be written", mend: "run as root or name a --data-dir that you may write")
        }
    }

    /// Removes everything, once nothing in it is mounted any more.
    public func remove() throws(ClusterError) {
        guard exists else {
            if FileManager.default.fileExists(atPath: path) {
                throw ClusterError("\(path) is no data directory of martlet's", mend: "nothing was removed")
            }
            return
        }
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count > 4, fields[4].hasPrefix(path + "/") {
                throw ClusterError("\(fields[4]) is still mounted", mend: "unmount it, then purge again")
            }
        }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw ClusterError("\(path) cannot be removed (\(error.localizedDescription))")
        }
    }
}
