// The audit log's file: one JSON object a line, written behind the requests, and rotated.

import Dispatch
import JSON
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where audit events go.
public protocol AuditSink: Sendable {
    /// Takes one event, a line of JSON without its end. Must not block.
    func write(_ line: [UInt8])
    /// Waits until what was taken is out.
    func flush()
}

/// Writes lines to a file on a queue of its own.
public final class AuditLogFile: AuditSink {
    public struct Options: Sendable {
        /// `-` is standard output.
        public var path: String
        /// Megabytes of a file before another is begun; 0 never.
        public var maxSize = 100
        /// How many old files are kept; 0 keeps all.
        public var maxBackups = 0
        /// Days that old files are kept; 0 keeps them.
        public var maxAge = 0

        public init(path: String) { self.path = path }
    }

    /// Bytes that may wait to be written; beyond, events are dropped and counted.
    private static let bufferLimit = 64 << 20

    private struct State {
        var buffer: [UInt8] = []
        var isScheduled = false
        var dropped = 0
    }

    private let options: Options
    private let logger: Logger
    private let queue = DispatchQueue(label: "audit-log")
    private let state = Mutex(State())
    /// Touched on the queue only.
    private nonisolated(unsafe) var file: Int32 = -1
    private nonisolated(unsafe) var size = 0

    /// - Throws: `AuditPolicyError` where the file cannot be opened.
    public init(_ options: Options, logger: Logger) throws(AuditPolicyError) {
        self.options = options
        self.logger = logger
        guard open() else {
            throw AuditPolicyError(
                description: "the audit log \(options.path) cannot be opened: \(String(cString: strerror(errno)))")
        }
    }

    deinit { if file > 2 { close(file) } }

    private func open() -> Bool {
        if options.path == "-" {
            file = 1
            return true
        }
        // Who did what is nobody's to read but the administrator's.
        file = Glibc.open(options.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var status = stat()
        size = file >= 0 && fstat(file, &status) == 0 ? Int(status.st_size) : 0
        return file >= 0
    }

    public func write(_ line: [UInt8]) {
        let schedule = state.withLock { state in
            guard state.buffer.count + line.count < Self.bufferLimit else {
                state.dropped += 1
                return false
            }
            state.buffer.append(contentsOf: line)
            state.buffer.append(UInt8(ascii: "\n"))
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if schedule { queue.async { self.drain() } }
    }

    public func flush() { queue.sync { drain() } }

    private func drain() {
        let (bytes, dropped) = state.withLock { state in
            defer {
                state.buffer = []
                state.isScheduled = false
                state.dropped = 0
            }
            return (state.buffer, state.dropped)
        }
        if dropped > 0 { logger.error("\(dropped) audit events were dropped: the disk is too slow") }
        guard !bytes.isEmpty else { return }
        if options.maxSize > 0, size > 0, size + bytes.count > options.maxSize << 20 { rotate() }
        var written = 0
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            while written < buffer.count {
                let count = Glibc.write(file, base + written, buffer.count - written)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    logger.error("the audit log cannot be written: \(String(cString: strerror(errno)))")
                    return
                }
                written += count
            }
        }
        size += written
    }

    /// Renames the file after the time and begins another.
    private func rotate() {
        guard options.path != "-" else { return }
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H-%M-%S", &parts)
        let stamp = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (stem, ending) = Self.split(options.path)
        var backup = "\(stem)-\(stamp)\(ending)"
        var number = 1
        while access(backup, F_OK) == 0 {
            backup = "\(stem)-\(stamp).\(number)\(ending)"
            number += 1
        }
        close(file)
        rename(options.path, backup)
        if !open() { logger.error("the audit log \(options.path) cannot be opened again") }
        removeOld(stem, ending)
    }

    /// `/var/log/audit` and `.log`
    static func split(_ path: String) -> (stem: String, ending: String) {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return (path, "") }
        return (String(path[..<dot]), String(path[dot...]))
    }

    private func removeOld(_ stem: String, _ ending: String) {
        guard options.maxBackups > 0 || options.maxAge > 0 else { return }
        let slash = stem.lastIndex(of: "/")
        let folder = slash.map { String(stem[...$0]) } ?? "./"
        let prefix = slash.map { String(stem[stem.index(after: $0)...]) } ?? stem
        var names: [String] = []
        guard let directory = opendir(folder) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(prefix + "-"), name.hasSuffix(ending) { names.append(name) }
        }
        closedir(directory)
        names.sort(by: >)
        for (index, name) in names.enumerated() {
            var status = stat()
            let isOld =
                options.maxAge > 0 && stat(folder + name, &status) == 0
                && status.st_mtim.tv_sec < time(nil) - options.maxAge * 86400
            if isOld || options.maxBackups > 0 && index >= options.maxBackups { unlink(folder + name) }
        }
    }
}
