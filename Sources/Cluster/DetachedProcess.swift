import CPlatform
import Foundation

/// This program, started again in a session of its own so that it outlives the terminal.
enum DetachedProcess {
    /// Where this program is, so that `ps` shows its name.
    static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
    }

    /// Starts `program` with its output in the directory's log, and waits until it says that it is up.
    /// - Parameters:
    ///   - program: the path.
    ///   - isUp: judges what the process says of itself.
    ///   - what: for the message, if it does not come up: `the cluster`.
    /// - Throws: `ClusterError` with what the new process said, if it ended.
    static func start(
        _ program: String, _ arguments: [String], in directory: DataDirectory, what: String, patience: Double,
        isUp: (RunState) -> Bool
    ) async throws -> RunState {
        try? FileManager.default.removeItem(atPath: directory.runState)
        let started = Date()
        let logOffset = size(of: directory.log)
        let pid = try spawn(program, arguments, log: directory.log)
        while Date().timeIntervalSince(started) < patience {
            if let state = RunState(path: directory.runState), state.pid == pid, isUp(state) {
                reap(pid)
                return state
            }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                throw ClusterError(lastError(directory.log, from: logOffset, what: what))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ClusterError("\(what) did not become ready within \(Int(patience)) s", mend: "see \(directory.log)")
    }

    /// It is our child as long as we live, and a zombie once it has ended if nobody waits for it.
    private static func reap(_ pid: pid_t) {
        let thread = Thread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        }
        thread.stackSize = 64 << 10
        thread.start()
    }

    private static func size(of path: String) -> UInt64 {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? UInt64) ?? 0
    }

    /// What the process wrote last before it ended, without the program's name.
    private static func lastError(_ log: String, from offset: UInt64, what: String) -> String {
        guard let file = FileHandle(forReadingAtPath: log) else { return "\(what) ended at once" }
        defer { try? file.close() }
        try? file.seek(toOffset: offset)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard let line = lines.last(where: { $0.hasPrefix("martlet: ") }) else {
            return lines.last.map { "\(what) ended: \($0)" } ?? "\(what) ended at once"
        }
        return String(line.dropFirst("martlet: ".count))
    }

    private static func spawn(_ program: String, _ arguments: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let name = program.split(separator: "/").last.map(String.init) ?? program
        var argv: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var pid: pid_t = 0
        let result = martlet_spawn_session(&pid, program, &actions, &argv, environ)
        guard result == 0 else { throw ClusterError("cannot start: \(String(cString: strerror(result)))") }
        return pid
    }
}
