import CPlatform
import Foundation

/// `martlet up --detach`: a process of its own that outlives the terminal.
public enum DetachedCluster {
    private static let patience = 120.0

    /// Starts this program again with the same arguments, without `--detach`, in a session of its own, and returns when
    /// the API answers and the node, if there is to be one, is Ready.
    /// - Returns: what to tell the user.
    /// - Throws: `ClusterError` with what the new process said, if it ended.
    public static func start(_ options: ClusterOptions, arguments: [String]) async throws -> String {
        if FileLock.isHeld(path: options.directory.lock), let state = RunState(path: options.directory.runState) {
            throw ClusterError(
                "a cluster runs in \(options.directory.path) already (process \(state.pid), port \(state.port))",
                mend: "use it, or stop it with 'martlet down'")
        }
        try options.directory.prepare()
        try? FileManager.default.removeItem(atPath: options.directory.runState)
        let started = Date()
        let logOffset = size(of: options.directory.log)
        let pid = try spawn(arguments.filter { $0 != "--detach" }, log: options.directory.log)
        while Date().timeIntervalSince(started) < patience {
            if let state = RunState(path: options.directory.runState), state.pid == pid,
                let api = state.apiReadyAfter, !options.runsNode || state.nodeReadyAfter != nil
            {
                return report(options, api: api, node: state.nodeReadyAfter)
            }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                throw ClusterError(lastError(options.directory.log, from: logOffset))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ClusterError(
            "the cluster did not become ready within \(Int(patience)) s", mend: "see \(options.directory.log)")
    }

    private static func report(_ options: ClusterOptions, api: Int, node: Int?) -> String {
        var lines = [
            "The API answered after \(seconds(api))"
                + (node.map { ", the node was Ready after \(seconds($0))." } ?? ".")
        ]
        lines.append("  export KUBECONFIG=\(options.directory.adminKubeconfig)")
        return lines.joined(separator: "\n")
    }

    private static func seconds(_ milliseconds: Int) -> String {
        "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst()) s"
    }

    private static func size(of path: String) -> UInt64 {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? UInt64) ?? 0
    }

    /// What the process wrote last before it ended, without the program's name.
    private static func lastError(_ log: String, from offset: UInt64) -> String {
        guard let file = FileHandle(forReadingAtPath: log) else { return "the cluster ended at once" }
        defer { try? file.close() }
        try? file.seek(toOffset: offset)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard let line = lines.last(where: { $0.hasPrefix("martlet: ") }) else {
            return lines.last.map { "the cluster ended: \($0)" } ?? "the cluster ended at once"
        }
        return String(line.dropFirst("martlet: ".count))
    }

    private static func spawn(_ arguments: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv: [UnsafeMutablePointer<CChar>?] = (["martlet"] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var pid: pid_t = 0
        // By its path, so that `ps` shows its name.
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let result = martlet_spawn_session(&pid, program ?? "/proc/self/exe", &actions, &argv, environ)
        guard result == 0 else { throw ClusterError("cannot start: \(String(cString: strerror(result)))") }
        return pid
    }
}
