// A containerd of our own: started, found again, watched over, ended.

import Dispatch
import Glibc
import Logging
import Synchronization

/// Starts a containerd beside whatever else runs on the machine and keeps it running.
///
/// It runs in a session of its own and is found again by its pid file and socket, so that it and the containers below
/// it outlive a martlet that is killed. Containers outlive containerd as well: each has a shim that a new one adopts.
public actor ContainerdProcess {
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    public nonisolated let options: ContainerdOptions
    private let logger: Logger
    private var stopping = false

    public init(_ options: ContainerdOptions, logger: Logger = Logger(label: "containerd")) {
        self.options = options
        self.logger = logger
    }

    public nonisolated var images: ImageStore {
        ImageStore(socket: options.socket, dataDir: options.dataDir, ctr: options.ctr)
    }

    /// Sees to it that containerd answers and has the sandbox image.
    /// - Returns: whether it was running already.
    /// - Throws: `Failure` with one line that says what is wrong.
    @discardableResult
    public func ensureRunning() async throws -> Bool {
        stopping = false
        guard let program = Subprocess.find(options.containerd) else {
            throw Failure(description: "\(options.containerd) is missing: install it (apt install containerd)")
        }
        guard Subprocess.find("runc") != nil else {
            throw Failure(description: "runc is missing: install it (apt install runc)")
        }
        // The size of sockaddr_un's path.
        guard options.socket.utf8.count < 108 else {
            throw Failure(description: "\(options.socket) is too long for a socket: choose a shorter data directory")
        }
        try Files.makeDirectory(options.dataDir, mode: 0o711)
        try Files.makeDirectory(options.cniConfigDirectory)
        try Files.makeDirectory(options.registryConfigDirectory)
        let config = ContainerdConfig.detected(options).text

        let running = livePID()
        if let running {
            if Files.text(options.configFile) == config, await answers(within: .seconds(10)) {
                try await ensureSandboxImage()
                return true
            }
            logger.info("containerd \(running) does not answer or has another configuration: starting it anew")
            await end(running)
        }
        unlink(options.socket)
        try Files.replace(options.configFile, with: Array(config.utf8), mode: 0o600)
        let process = try Subprocess.startDetached(
            program, ["--config", options.configFile, "--log-level", "info"], log: options.logFile)
        try Files.replace(options.pidFile, with: Array("\(process)\n".utf8), mode: 0o600)
        // A child that ended stays a zombie until it is waited for.
        let reaper = Reaper(process)
        let deadline = ContinuousClock.now + .seconds(30)
        while await !answers(within: .milliseconds(250)) {
            if let status = reaper.status {
                throw Failure(
                    description:
                        "containerd ended with status \(status) at start: see \(options.logFile)\(lastLogLine())")
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(description: "containerd does not answer: see \(options.logFile)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        try await ensureSandboxImage()
        return false
    }

    /// Starts containerd again whenever it has ended, until the task is cancelled or `stop` is called.
    public func supervise() async {
        while !Task.isCancelled, !stopping {
            try? await Task.sleep(for: .seconds(2))
            guard !Task.isCancelled, !stopping, livePID() == nil else { continue }
            logger.warning("containerd has ended: starting it again")
            do { try await ensureRunning() } catch { logger.error("\(error)") }
        }
    }

    /// Ends containerd. What runs under it goes on running: take pods down first.
    public func stop() async {
        stopping = true
        if let process = livePID() { await end(process) }
        unlink(options.pidFile)
        unlink(options.socket)
    }

    /// Stops and removes every container and sandbox.
    public func removeAllPods(_ runtime: some RuntimeService) async {
        let sandboxes = (try? await runtime.listPodSandboxes(labels: [:])) ?? []
        await withTaskGroup(of: Void.self) { group in
            for sandbox in sandboxes {
                group.addTask {
                    try? await runtime.stopPodSandbox(sandbox.id)
                    try? await runtime.removePodSandbox(sandbox.id)
                }
            }
        }
    }

    private func ensureSandboxImage() async throws {
        guard options.sandboxImage == PauseImage.name else { return }
        let runtime = try ContainerRuntime(socket: options.socket, logger: logger)
        defer { runtime.close() }
        if try await runtime.imageStatus(PauseImage.name) != nil { return }
        let archive = options.dataDir + "/pause.tar"
        defer { unlink(archive) }
        try PauseImage.writer().write(to: archive)
        try await images.load(tar: archive)
        // The runtime hears of the import a moment later.
        for _ in 0..<500 {
            if try await runtime.imageStatus(PauseImage.name) != nil { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(description: "containerd has not taken the sandbox image \(PauseImage.name)")
    }

    /// The process of the pid file, if it is alive and runs with our configuration.
    private func livePID() -> pid_t? {
        guard let text = Files.text(options.pidFile), let process = pid_t(text.filter(\.isNumber)), process > 1,
            let command = Files.read("/proc/\(process)/cmdline"), !command.isEmpty,
            String(decoding: command, as: UTF8.self).contains(options.configFile)
        else { return nil }
        return process
    }

    /// Whether something accepts connections on the socket and answers as a runtime.
    private func answers(within timeout: Duration) async -> Bool {
        guard Self.accepts(options.socket), let runtime = try? ContainerRuntime(socket: options.socket, logger: logger)
        else { return false }
        defer { runtime.close() }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await runtime.version()) != nil }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private static func accepts(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            for (index, byte) in path.utf8.prefix(space.count - 1).enumerated() { space[index] = byte }
        }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// SIGTERM, and after ten seconds SIGKILL.
    private func end(_ process: pid_t) async {
        kill(process, SIGTERM)
        for round in 0..<1100 {
            if livePID() != process { return }
            if round == 1000 { kill(process, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    private func lastLogLine() -> String {
        guard let line = Files.text(options.logFile)?.split(separator: "\n").last else { return "" }
        return " (\(line.suffix(300)))"
    }
}

/// Waits for a child on a thread, so that it does not stay a zombie, and keeps how it ended.
private final class Reaper: Sendable {
    private let result = Mutex<Int32?>(nil)

    init(_ process: pid_t) {
        DispatchQueue.global(qos: .background).async {
            let status = Subprocess.wait(for: process)
            self.result.withLock { $0 = status }
        }
    }

    var status: Int32? { result.withLock { $0 } }
}
