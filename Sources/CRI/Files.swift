// The little of the file system that the agent needs, over system calls, with errors that say what was tried.

import Glibc

/// A system call that failed.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    public let errno: Int32
    /// What was tried: `open /etc/hosts`.
    public let what: String

    public init(_ what: String, errno code: Int32 = Glibc.errno) {
        self.errno = code
        self.what = what
    }

    public var description: String { "\(what): \(String(cString: strerror(errno)))" }
}

package enum Files {
    package enum Kind: Sendable { case file, directory, link, socket, characterDevice, blockDevice, other }

    /// What is at a path; nil where there is nothing. Links are followed unless `following` is false.
    package static func kind(of path: String, following: Bool = true) -> Kind? {
        var info = stat()
        guard (following ? stat(path, &info) : lstat(path, &info)) == 0 else { return nil }
        switch info.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFLNK: return .link
        case S_IFSOCK: return .socket
        case S_IFCHR: return .characterDevice
        case S_IFBLK: return .blockDevice
        default: return .other
        }
    }

    package static func exists(_ path: String) -> Bool { kind(of: path, following: false) != nil }

    /// The content of a file; nil where it cannot be read.
    package static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    package static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Writes a file with exactly this mode, in place.
    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
            }
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write \(path)") }
            offset += count
        }
        guard fchmod(descriptor, mode) == 0 else { throw SystemError("chmod \(path)") }
    }

    package static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(SystemError) {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// Writes beside the file and puts the new one in its place, so that readers see the old or the new content.
    package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(SystemError) {
        let temporary = path + ".new"
        try write(bytes, to: temporary, mode: mode)
        guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary)") }
    }

    /// Makes a directory and those above it that are missing.
    package static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        if mkdir(path, mode) == 0 {
            chmod(path, mode)
            return
        }
        if Glibc.errno == EEXIST, kind(of: path) == .directory { return }
        guard Glibc.errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw SystemError("mkdir \(path)")
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, mode) == 0 || Glibc.errno == EEXIST else { throw SystemError("mkdir \(path)") }
        chmod(path, mode)
    }

    /// The names in a directory, sorted; empty where it cannot be read.
    package static func list(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a directory with all that is in it, without following links and without leaving its file
    /// system: what is mounted below stays, and the removal fails.
    package static func removeTree(_ path: String) throws(SystemError) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        try removeTree(path, device: info.st_dev)
    }

    private static func removeTree(_ path: String, device: dev_t) throws(SystemError) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_dev == device else { throw SystemError("remove \(path)", errno: EBUSY) }
        if info.st_mode & S_IFMT == S_IFDIR {
            for name in list(path) { try removeTree("\(path)/\(name)", device: device) }
            guard rmdir(path) == 0 || Glibc.errno == ENOENT else { throw SystemError("rmdir \(path)") }
        } else {
            guard unlink(path) == 0 || Glibc.errno == ENOENT else { throw SystemError("unlink \(path)") }
        }
    }

    /// Where a path leads, all links followed.
    package static func realPath(_ path: String) throws(SystemError) -> String {
        guard let found = realpath(path, nil) else { throw SystemError(path) }
        defer { free(found) }
        return String(cString: found)
    }

    package static func readLink(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The mount points at and below a path, the deepest first.
    package static func mountPoints(below path: String) -> [String] {
        let prefix = path.hasSuffix("/") ? path : path + "/"
        return MountTable.points(in: text("/proc/self/mounts") ?? "")
            .filter { $0 == path || $0.hasPrefix(prefix) }
            .sorted { $0.count > $1.count }
    }

    /// `MNT_DETACH`, which Swift does not see.
    private static let lazily: Int32 = 2

    /// Takes down every mount at and below a path.
    package static func unmountAll(below path: String) {
        for point in mountPoints(below: path) { umount2(point, lazily) }
    }
}

/// The second column of `/proc/mounts`, in which blanks are written as octal escapes.
package enum MountTable {
    package static func points(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let columns = line.split(separator: " ")
            return columns.count > 1 ? unescape(columns[1]) : nil
        }
    }

    static func unescape(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "\\"), index + 3 < source.count,
                let code = UInt8(String(decoding: source[index + 1...index + 3], as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                index += 4
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
