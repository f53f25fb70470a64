// A child process run to its end: input, output, exit status and a time limit, off the callers' threads.

import Glibc
import NIOPosix

/// What a child process left behind.
struct SubprocessResult: Sendable {
    /// The exit code; 128 and the signal's number where a signal ended it.
    let status: Int32
    let output: String
    let error: String

    var succeeded: Bool { status == 0 }

    /// What went wrong, in one line.
    var complaint: String {
        let text = error.isEmpty ? output : error
        let line = text.split(separator: "\n").prefix(3).joined(separator: "; ")
        return line.isEmpty ? "exit status \(status)" : line
    }
}

enum SubprocessError: Error, CustomStringConvertible {
    case missing(String)
    case cannotStart(String, errno: Int32)
    case timedOut(String)

    var description: String {
        switch self {
        case .missing(let tool): "\(tool) is not installed"
        case .cannotStart(let tool, let code): "cannot start \(tool): \(String(cString: strerror(code)))"
        case .timedOut(let tool): "\(tool) did not end in time"
        }
    }
}

enum Subprocess {
    /// System tools live in directories that a user's PATH often lacks.
    private static let directories = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"]

    /// The path of `tool`, or nil where it is not installed.
    static func find(_ tool: String) -> String? {
        if tool.contains("/") { return access(tool, X_OK) == 0 ? tool : nil }
        return directories.lazy.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs `tool` with `arguments`, hands it `input`, and waits for its end on a thread of NIO's pool for blocking work.
    static func run(
        _ tool: String, _ arguments: [String], input: String = "", timeout: Duration = .seconds(20)
    ) async throws -> SubprocessResult {
        try await NIOThreadPool.singleton.runIfActive {
            try runBlocking(tool, arguments, input: input, timeout: timeout)
        }
    }

    static func runBlocking(
        _ tool: String, _ arguments: [String], input: String = "", timeout: Duration = .seconds(20)
    ) throws -> SubprocessResult {
        guard let path = find(tool) else { throw SubprocessError.missing(tool) }
        var stdin = try Pipe(), stdout = try Pipe(), stderr = try Pipe()
        defer {
            stdin.close()
            stdout.close()
            stderr.close()
        }
        let pid = try spawn(path, arguments, stdin.read, stdout.write, stderr.write)
        stdin.closeRead()
        stdout.closeWrite()
        stderr.closeWrite()
        let (output, error, finished) = exchange(Array(input.utf8), &stdin, &stdout, &stderr, timeout: timeout)
        if !finished { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard finished else { throw SubprocessError.timedOut(tool) }
        let signal = status & 0x7f
        return SubprocessResult(
            status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
            output: String(decoding: output, as: UTF8.self), error: String(decoding: error, as: UTF8.self))
    }

    /// Both ends of a pipe, closed in other children.
    private struct Pipe {
        private(set) var read: Int32
        private(set) var write: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw SubprocessError.cannotStart("pipe", errno: errno) }
            (read, write) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }

        mutating func closeRead() {
            if read >= 0 { Glibc.close(read) }
            read = -1
        }

        mutating func closeWrite() {
            if write >= 0 { Glibc.close(write) }
            write = -1
        }

        mutating func close() {
            closeRead()
            closeWrite()
        }
    }

    /// glibc's function that keeps a child from inheriting what nobody marked close-on-exec; the Swift overlay does not
    /// declare it.
    private static let addCloseFrom: (@convention(c) (UnsafeMutableRawPointer, Int32) -> Int32)? = {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return nil }
        return unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer, Int32) -> Int32).self)
    }()

    private static func spawn(
        _ path: String, _ arguments: [String], _ stdin: Int32, _ stdout: Int32, _ stderr: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, stdin, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr, 2)
        if let addCloseFrom { _ = withUnsafeMutablePointer(to: &actions) { addCloseFrom($0, 3) } }

        // The server ignores SIGPIPE and may block signals; its children start as a shell would start them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        let environment = ["PATH=\(directories.joined(separator: ":"))", "LC_ALL=C"]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for string in argv + envp { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw SubprocessError.cannotStart(path, errno: code) }
        return pid
    }

    /// Writes the input and reads both outputs until the child has closed them or time is up.
    private static func exchange(
        _ input: [UInt8], _ stdin: inout Pipe, _ stdout: inout Pipe, _ stderr: inout Pipe, timeout: Duration
    ) -> (output: [UInt8], error: [UInt8], finished: Bool) {
        var output: [UInt8] = [], error: [UInt8] = []
        var written = 0
        // A child that ends before it has read everything must not end us too.
        var pipe = sigset_t(), before = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer {
            var now = timespec()
            if sigismember(&before, SIGPIPE) == 0 { while sigtimedwait(&pipe, nil, &now) > 0 {} }
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        _ = fcntl(stdin.write, F_SETFL, O_NONBLOCK)
        if input.isEmpty { stdin.closeWrite() }
        let deadline = ContinuousClock.now + timeout
        while stdout.read >= 0 || stderr.read >= 0 {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return (output, error, false) }
            // Negative descriptors are passed over by poll.
            var polls = [
                pollfd(fd: stdin.write, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: stdout.read, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stderr.read, events: Int16(POLLIN), revents: 0),
            ]
            let milliseconds = Int32(clamping: left.components.seconds * 1000 + 1000)
            guard poll(&polls, 3, min(milliseconds, 1000)) >= 0 || errno == EINTR else { break }
            if polls[0].revents != 0 {
                let count = input[written...].withUnsafeBytes { Glibc.write(stdin.write, $0.baseAddress, $0.count) }
                if count > 0 { written += count }
                if written == input.count || (count < 0 && errno != EAGAIN && errno != EINTR) { stdin.closeWrite() }
            }
            if polls[1].revents != 0, !read(stdout.read, into: &output) { stdout.closeRead() }
            if polls[2].revents != 0, !read(stderr.read, into: &error) { stderr.closeRead() }
        }
        return (output, error, true)
    }

    /// False at the end of what there is to read.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16384)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 { bytes.append(contentsOf: chunk[..<count]) }
        return count > 0 || (count < 0 && errno == EINTR)
    }
}
