// Changing all files of a volume at once.

import CRI
import Glibc
import KubeTypes

/// A file of a volume.
struct VolumeFile: Sendable, Hashable {
    var content: [UInt8]
    /// Permission bits.
    var mode: Int
}

/// Writes a volume's files so that a reader sees all of the old ones or all of the new ones.
///
/// The files live in a directory named after the time of writing; `..data` is a link to it, and what containers open
/// are links through `..data`. An update writes a new directory and puts a new `..data` in the old one's place. The
/// layout is that of upstream's kubelet, which programs that watch `..data` for changes rely on.
enum AtomicWriter {
    /// - Parameter group: Who may read the files besides their owner, where the pod has an `fsGroup`.
    /// - Returns: whether anything had to be written.
    @discardableResult
    static func write(_ files: [String: VolumeFile], to directory: String, group: Int? = nil, now: Time) throws -> Bool
    {
        for path in files.keys { try check(path) }
        let data = "\(directory)/..data"
        let old = Files.readLink(data)
        if let old, matches(files, in: "\(directory)/\(old)") {
            try link(files, in: directory)
            return false
        }
        let stamp = now.description.map { $0 == "-" || $0 == "T" || $0 == ":" ? "_" : $0 }.filter { $0 != "Z" }
        let fresh = "..\(String(stamp)).\(String(UInt32.random(in: .min ... .max), radix: 36))"
        try Files.makeDirectory("\(directory)/\(fresh)")
        for (path, file) in files {
            let target = "\(directory)/\(fresh)/\(path)"
            if let slash = target.lastIndex(of: "/") { try Files.makeDirectory(String(target[..<slash])) }
            var mode = mode_t(file.mode & 0o777)
            if group != nil { mode |= (mode & 0o400) >> 3 }
            try Files.write(file.content, to: target, mode: mode)
            if let group { chown(target, uid_t.max, gid_t(truncatingIfNeeded: group)) }
        }
        let temporary = "\(directory)/..data_tmp"
        unlink(temporary)
        guard symlink(fresh, temporary) == 0 else { throw SystemError("symlink \(temporary)") }
        guard rename(temporary, data) == 0 else { throw SystemError("rename \(temporary)") }
        try link(files, in: directory)
        if let old, old.hasPrefix(".."), !old.contains("/") { try? Files.removeTree("\(directory)/\(old)") }
        return true
    }

    /// Makes the links that containers open, and removes those whose file is gone.
    private static func link(_ files: [String: VolumeFile], in directory: String) throws {
        let wanted = Set(files.keys.compactMap { $0.split(separator: "/").first.map(String.init) })
        for name in wanted where !Files.exists("\(directory)/\(name)") {
            guard symlink("..data/\(name)", "\(directory)/\(name)") == 0 else {
                throw SystemError("symlink \(directory)/\(name)")
            }
        }
        for name in Files.list(directory) where !name.hasPrefix("..") && !wanted.contains(name) {
            if Files.readLink("\(directory)/\(name)") == "..data/\(name)" { unlink("\(directory)/\(name)") }
        }
    }

    private static func matches(_ files: [String: VolumeFile], in directory: String) -> Bool {
        var there: [String] = []
        func collect(_ below: String) {
            for name in Files.list(below.isEmpty ? directory : "\(directory)/\(below)") {
                let path = below.isEmpty ? name : "\(below)/\(name)"
                if Files.kind(of: "\(directory)/\(path)", following: false) == .directory {
                    collect(path)
                } else {
                    there.append(path)
                }
            }
        }
        collect("")
        guard there.count == files.count else { return false }
        return there.allSatisfy { path in files[path].map { Files.read("\(directory)/\(path)") == $0.content } ?? false
        }
    }

    /// A path must stay within the volume.
    private static func check(_ path: String) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, !path.hasPrefix("/"), !path.hasPrefix(".."), !parts.contains("..") else {
            throw ConfigError("invalid path \"\(path)\": must be relative and stay within the volume")
        }
    }
}
