// Running another program: to its end, with what it printed, or detached, to live on without us.

import Dispatch
import Glibc

package struct ProcessOutput: Sendable {
    package var status: Int32
    package var stdout: [UInt8]
    package var stderr: [UInt8]

    package var text: String { String(decoding: stdout, as: UTF8.self) }
    package var errorText: String {
        var text = Substring(String(decoding: stderr, as: UTF8.self))
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

package enum Subprocess {
    /// The path of a program: itself if it has a slash, else found along PATH and the system's own directories, which
    /// an unprivileged user's PATH may lack.
    package static func find(_ program: String) -> String? {
        if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        for directory in path.split(separator: ":").map(String.init) + [
            "/usr/local/bin", "/usr/bin", "/usr/sbin", "/sbin",
        ] {
            let candidate = "\(directory)/\(program)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        return nil
    }

    /// Runs a program to its end. What it prints is kept, so it is for programs that print little.
    package static func run(_ program: String, _ arguments: [String]) async throws -> ProcessOutput {
        guard let path = find(program) else { throw SystemError("run \(program)", errno: ENOENT) }
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(path, arguments) })
            }
        }
    }

    private static func runBlocking(_ path: String, _ arguments: [String]) throws -> ProcessOutput {
        var output = [Int32](repeating: -1, count: 2)
        var errors = [Int32](repeating: -1, count: 2)
        guard pipe(&output) == 0 else { throw SystemError("pipe") }
        guard pipe(&errors) == 0 else {
            close(output[0])
            close(output[1])
            throw SystemError("pipe")
        }
        for descriptor in output + errors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var process: pid_t = -1
        do {
            process = try spawn(path, arguments, stdout: output[1], stderr: errors[1], detached: false)
        } catch {
            for descriptor in output + errors { close(descriptor) }
            throw error
        }
        close(output[1])
        close(errors[1])
        var result = ProcessOutput(status: -1, stdout: [], stderr: [])
        var open = [
            pollfd(fd: output[0], events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors[0], events: Int16(POLLIN), revents: 0),
        ]
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while open.contains(where: { $0.fd >= 0 }) {
            guard poll(&open, 2, -1) >= 0 || errno == EINTR else { break }
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                let count = read(open[index].fd, &chunk, chunk.count)
                if count > 0 {
                    if index == 0 { result.stdout += chunk[..<count] } else { result.stderr += chunk[..<count] }
                } else if count == 0 || errno != EINTR {
                    open[index].fd = -1
                }
            }
        }
        close(output[0])
        close(errors[0])
        result.status = wait(for: process)
        return result
    }

    /// Starts a program in a session of its own, with its output appended to a file; it outlives us.
    /// - Returns: its process id. It is our child as long as we live: `wait(for:)` must be called with it.
    package static func startDetached(_ program: String, _ arguments: [String], log: String) throws -> pid_t {
        guard let path = find(program) else { throw SystemError("run \(program)", errno: ENOENT) }
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(log)") }
        defer { close(descriptor) }
        return try spawn(path, arguments, stdout: descriptor, stderr: descriptor, detached: true)
    }

    private static func spawn(
        _ path: String, _ arguments: [String], stdout: Int32, stderr: Int32, detached: Bool
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr, 2)
        // Listening sockets and the like must not live on in another program.
        if let closeFrom { _ = closeFrom(&actions, 3) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let setSession: Int16 = 0x80  // POSIX_SPAWN_SETSID, a GNU extension
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | (detached ? setSession : 0))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, &attributes, words, environ)
        guard code == 0 else { throw SystemError("run \(path)", errno: code) }
        return process
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

    /// `posix_spawn_file_actions_addclosefrom_np` of glibc 2.34, which its headers show to GNU sources only.
    private static let closeFrom: CloseFrom? = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np")
        .map { unsafeBitCast($0, to: CloseFrom.self) }

    /// Blocks until a child has ended.
    /// - Returns: its exit code, or 128 plus the signal that ended it.
    @discardableResult
    package static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return -1 } }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
}
