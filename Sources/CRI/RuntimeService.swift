// The calls of the Container Runtime Interface, so that the agent can be tried against a runtime that is none.

/// A container runtime. Every call throws `RuntimeError`, or `CancellationError` when its task was cancelled.
///
/// Specified in k8s.io/cri-api, `runtime.v1`: stopping and removing what is gone already succeeds.
public protocol RuntimeService: Sendable {
    func version() async throws -> RuntimeVersion
    func status() async throws -> RuntimeStatus

    func runPodSandbox(_ config: SandboxConfig) async throws -> String
    /// Ends what runs in the sandbox, at once, and takes its network down.
    func stopPodSandbox(_ id: String) async throws
    func removePodSandbox(_ id: String) async throws
    func podSandboxStatus(_ id: String) async throws -> RuntimeSandboxStatus
    func listPodSandboxes(labels: [String: String]) async throws -> [RuntimeSandbox]

    func createContainer(_ config: ContainerConfig, in sandbox: String, _ sandboxConfig: SandboxConfig) async throws
        -> String
    func startContainer(_ id: String) async throws
    /// Sends SIGTERM, or the image's stop signal, and after `timeout` seconds SIGKILL.
    func stopContainer(_ id: String, timeout: Int) async throws
    func removeContainer(_ id: String) async throws
    func listContainers(labels: [String: String]) async throws -> [RuntimeContainer]
    func containerStatus(_ id: String) async throws -> RuntimeContainerStatus
    /// Runs a command in a container and waits for it, at most `timeout` seconds (0: as long as it takes).
    /// - Throws: `RuntimeError` with `.deadlineExceeded` when the time is up.
    func execSync(_ command: [String], in container: String, timeout: Int) async throws -> ExecResult
    /// Prepares a command to be run, or a container's own process to be spoken to, or ports of a sandbox to be reached.
    /// - Returns: the URL of the runtime's streaming server to connect to, once, within a minute.
    func exec(_ command: [String], in container: String, _ streams: StreamOptions) async throws -> String
    func attach(to container: String, _ streams: StreamOptions) async throws -> String
    func portForward(_ ports: [Int], in sandbox: String) async throws -> String
    func containerStats() async throws -> [RuntimeContainerStats]
    func updateContainerResources(_ id: String, _ resources: RuntimeResources) async throws
    func reopenContainerLog(_ id: String) async throws

    func pullImage(_ image: String, credentials: RegistryCredentials?, for sandbox: SandboxConfig?) async throws
        -> String
    func listImages() async throws -> [RuntimeImage]
    /// Nil where there is no such image.
    func imageStatus(_ image: String) async throws -> RuntimeImage?
    func removeImage(_ image: String) async throws
    func imageFilesystems() async throws -> [FilesystemUse]

    /// Calls `changed` whenever something happened to some container; returns or throws when the runtime stops telling.
    func followEvents(_ changed: @escaping @Sendable () -> Void) async throws
}
