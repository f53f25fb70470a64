// The runtime at the other end of a Unix socket, spoken to over gRPC.

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCPings
import GRPCProtobuf
import Logging

/// A client of the Container Runtime Interface (`runtime.v1`) over a Unix socket.
///
/// The connection is made in the background and made again when it breaks. Calls wait for it, within their time limit,
/// so that a runtime may be started after its client.
public final class ContainerRuntime: RuntimeService {
    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let runtime: Runtime_V1_RuntimeService.Client<HTTP2ClientTransport.Posix>
    private let images: Runtime_V1_ImageService.Client<HTTP2ClientTransport.Posix>
    private let events: Containerd_Services_Events_V1_Events.Client<HTTP2ClientTransport.Posix>
    private let connections: Task<Void, Never>

    /// - Parameter socket: The path of the runtime's socket, with or without `unix://` before it.
    public init(socket: String, logger: Logger = Logger(label: "cri")) throws {
        let path = socket.hasPrefix("unix://") ? String(socket.dropFirst("unix://".count)) : socket
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: path, authority: "localhost"), transportSecurity: .plaintext,
            config: .defaults { config in
                // A runtime that is being started answers in a fraction of a second: look for it often.
                config.backoff.initial = .milliseconds(50)
                config.backoff.max = .seconds(2)
                config.connection.maxIdleTime = nil
                config.channelDebuggingCallbacks.onCreateTCPConnection = PingAnswerHandler.install
            })
        let client = GRPCClient(transport: transport)
        self.client = client
        runtime = Runtime_V1_RuntimeService.Client(wrapping: client)
        images = Runtime_V1_ImageService.Client(wrapping: client)
        events = Containerd_Services_Events_V1_Events.Client(wrapping: client)
        connections = Task {
            do { try await client.runConnections() } catch { logger.debug("connection to \(path) ended: \(error)") }
        }
    }

    /// Lets calls under way finish and closes the connection.
    public func close() { client.beginGracefulShutdown() }

    deinit { connections.cancel() }

    private func options(_ timeout: Duration? = .seconds(120)) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        options.waitForReady = true
        // Lists of many containers are larger than gRPC's customary 4 MiB.
        options.maxResponseMessageBytes = 64 << 20
        return options
    }

    /// How often a call is made whose stream is closed without an answer.
    private static let attempts = 3

    /// Turns gRPC's errors into ours.
    ///
    /// Now and then a stream to containerd is closed before its answer is read, though the connection lives on: calls
    /// that change nothing, or nothing more the second time, are then made again.
    private func call<Result>(repeats: Bool = true, _ body: () async throws -> Result) async throws -> Result {
        var left = repeats ? Self.attempts : 1
        while true {
            left -= 1
            do { return try await body() } catch let error as RPCError {
                let isLost = error.code == .unavailable && error.message.hasPrefix("Stream unexpectedly closed")
                if left == 0 || !isLost { throw Self.translated(error) }
            }
        }
    }

    private static func translated(_ error: RPCError) -> any Error {
        // A call that is cancelled before its stream stands ends with a code that says nothing of it.
        if error.cause is CancellationError || (error.code == .cancelled && Task.isCancelled) {
            return CancellationError()
        }
        let code: RuntimeError.Code =
            switch error.code {
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .invalidArgument: .invalidArgument
            case .deadlineExceeded: .deadlineExceeded
            case .unavailable: .unavailable
            case .unimplemented: .unimplemented
            case .cancelled: .cancelled
            default: .other
            }
        // gRPC's own words for a broken connection say nothing without what broke it.
        return RuntimeError(code, error.cause.map { "\(error.message) (\($0))" } ?? error.message)
    }

    /// The same for calls that succeed when what they are about is gone.
    private func callUnlessGone(_ body: () async throws -> Void) async throws {
        do { try await call(body) } catch let error as RuntimeError where error.isNotFound {}
    }

    // MARK: The runtime itself

    public func version() async throws -> RuntimeVersion {
        try await call {
            let answer = try await runtime.version(.with { $0.version = "v1" }, options: options(.seconds(10)))
            return RuntimeVersion(name: answer.runtimeName, version: answer.runtimeVersion)
        }
    }

    public func status() async throws -> RuntimeStatus {
        try await call { RuntimeStatus(try await runtime.status(.init(), options: options(.seconds(10)))) }
    }

    // MARK: Sandboxes

    public func runPodSandbox(_ config: SandboxConfig) async throws -> String {
        try await call(repeats: false) {
            try await runtime.runPodSandbox(.with { $0.config = config.message }, options: options(.seconds(240)))
                .podSandboxID
        }
    }

    public func stopPodSandbox(_ id: String) async throws {
        try await callUnlessGone {
            _ = try await runtime.stopPodSandbox(.with { $0.podSandboxID = id }, options: options())
        }
    }

    public func removePodSandbox(_ id: String) async throws {
        try await callUnlessGone {
            _ = try await runtime.removePodSandbox(.with { $0.podSandboxID = id }, options: options())
        }
    }

    public func podSandboxStatus(_ id: String) async throws -> RuntimeSandboxStatus {
        try await call {
            let answer = try await runtime.podSandboxStatus(.with { $0.podSandboxID = id }, options: options())
            return RuntimeSandboxStatus(answer.status)
        }
    }

    public func listPodSandboxes(labels: [String: String] = [:]) async throws -> [RuntimeSandbox] {
        try await call {
            var request = Runtime_V1_ListPodSandboxRequest()
            if !labels.isEmpty { request.filter.labelSelector = labels }
            return try await runtime.listPodSandbox(request, options: options()).items.map(RuntimeSandbox.init)
        }
    }

    // MARK: Containers

    public func createContainer(
        _ config: ContainerConfig, in sandbox: String, _ sandboxConfig: SandboxConfig
    ) async throws -> String {
        try await call(repeats: false) {
            var request = Runtime_V1_CreateContainerRequest()
            request.podSandboxID = sandbox
            request.config = config.message
            request.sandboxConfig = sandboxConfig.message
            return try await runtime.createContainer(request, options: options()).containerID
        }
    }

    public func startContainer(_ id: String) async throws {
        try await call(repeats: false) {
            _ = try await runtime.startContainer(.with { $0.containerID = id }, options: options())
        }
    }

    public func stopContainer(_ id: String, timeout: Int) async throws {
        try await callUnlessGone {
            var request = Runtime_V1_StopContainerRequest()
            request.containerID = id
            request.timeout = Int64(timeout)
            _ = try await runtime.stopContainer(request, options: options(.seconds(120 + max(0, timeout))))
        }
    }

    public func removeContainer(_ id: String) async throws {
        try await callUnlessGone {
            _ = try await runtime.removeContainer(.with { $0.containerID = id }, options: options())
        }
    }

    public func listContainers(labels: [String: String] = [:]) async throws -> [RuntimeContainer] {
        try await call {
            var request = Runtime_V1_ListContainersRequest()
            if !labels.isEmpty { request.filter.labelSelector = labels }
            return try await runtime.listContainers(request, options: options()).containers.map(RuntimeContainer.init)
        }
    }

    public func containerStatus(_ id: String) async throws -> RuntimeContainerStatus {
        try await call {
            let answer = try await runtime.containerStatus(.with { $0.containerID = id }, options: options())
            return RuntimeContainerStatus(answer.status)
        }
    }

    public func execSync(_ command: [String], in container: String, timeout: Int) async throws -> ExecResult {
        try await call(repeats: false) {
            var request = Runtime_V1_ExecSyncRequest()
            request.containerID = container
            request.cmd = command
            request.timeout = Int64(timeout)
            // The runtime keeps the time; ours is only a net below it.
            let limit: Duration? = timeout > 0 ? .seconds(timeout + 20) : nil
            let answer = try await runtime.execSync(request, options: options(limit))
            return ExecResult(
                stdout: Array(answer.stdout), stderr: Array(answer.stderr), exitCode: Int(answer.exitCode))
        }
    }

    public func exec(_ command: [String], in container: String, _ streams: StreamOptions) async throws -> String {
        try await call {
            var request = Runtime_V1_ExecRequest()
            request.containerID = container
            request.cmd = command
            request.stdin = streams.stdin
            request.stdout = streams.stdout
            request.stderr = streams.stderr
            request.tty = streams.tty
            return try await runtime.exec(request, options: options()).url
        }
    }

    public func attach(to container: String, _ streams: StreamOptions) async throws -> String {
        try await call {
            var request = Runtime_V1_AttachRequest()
            request.containerID = container
            request.stdin = streams.stdin
            request.stdout = streams.stdout
            request.stderr = streams.stderr
            request.tty = streams.tty
            return try await runtime.attach(request, options: options()).url
        }
    }

    public func portForward(_ ports: [Int], in sandbox: String) async throws -> String {
        try await call {
            var request = Runtime_V1_PortForwardRequest()
            request.podSandboxID = sandbox
            request.port = ports.map { Int32(clamping: $0) }
            return try await runtime.portForward(request, options: options()).url
        }
    }

    public func containerStats() async throws -> [RuntimeContainerStats] {
        try await call {
            try await runtime.listContainerStats(.init(), options: options()).stats.map(RuntimeContainerStats.init)
        }
    }

    public func updateContainerResources(_ id: String, _ resources: RuntimeResources) async throws {
        try await call {
            var request = Runtime_V1_UpdateContainerResourcesRequest()
            request.containerID = id
            request.linux = resources.message
            _ = try await runtime.updateContainerResources(request, options: options())
        }
    }

    public func reopenContainerLog(_ id: String) async throws {
        try await call {
            _ = try await runtime.reopenContainerLog(.with { $0.containerID = id }, options: options())
        }
    }

    // MARK: Images

    public func pullImage(
        _ image: String, credentials: RegistryCredentials? = nil, for sandbox: SandboxConfig? = nil
    ) async throws -> String {
        try await call {
            var request = Runtime_V1_PullImageRequest()
            request.image.image = image
            if let credentials {
                request.auth.username = credentials.username
                request.auth.password = credentials.password
                request.auth.identityToken = credentials.identityToken
                request.auth.registryToken = credentials.registryToken
            }
            if let sandbox { request.sandboxConfig = sandbox.message }
            // A large image over a slow line takes as long as it takes; the runtime gives up where nothing moves.
            return try await images.pullImage(request, options: options(nil)).imageRef
        }
    }

    public func listImages() async throws -> [RuntimeImage] {
        try await call { try await images.listImages(.init(), options: options()).images.map(RuntimeImage.init) }
    }

    public func imageStatus(_ image: String) async throws -> RuntimeImage? {
        try await call {
            let answer = try await images.imageStatus(.with { $0.image.image = image }, options: options())
            return answer.hasImage ? RuntimeImage(answer.image) : nil
        }
    }

    public func removeImage(_ image: String) async throws {
        try await callUnlessGone {
            _ = try await images.removeImage(.with { $0.image.image = image }, options: options())
        }
    }

    public func imageFilesystems() async throws -> [FilesystemUse] {
        try await call {
            try await images.imageFsInfo(.init(), options: options()).imageFilesystems.map {
                FilesystemUse(
                    mountpoint: $0.fsID.mountpoint, usedBytes: $0.usedBytes.value, inodesUsed: $0.inodesUsed.value)
            }
        }
    }

    // MARK: Events

    /// Follows containerd's own events about tasks, which every version of it has; another runtime's through the CRI.
    public func followEvents(_ changed: @escaping @Sendable () -> Void) async throws {
        try await call {
            do {
                let filters = ["exit", "oom", "start", "delete"].map { "topic==\"/tasks/\($0)\"" }
                try await events.subscribe(.with { $0.filters = filters }, options: options(nil)) { response in
                    for try await _ in response.messages { changed() }
                }
            } catch let error as RPCError where error.code == .unimplemented {
                try await runtime.getContainerEvents(.init(), options: options(nil)) { response in
                    for try await _ in response.messages { changed() }
                }
            }
        }
    }
}
