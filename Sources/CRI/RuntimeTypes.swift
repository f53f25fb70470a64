// What the node agent says to a container runtime and hears from it: sandboxes, containers and images, as plain values.

/// What a runtime answered instead of doing what it was asked.
public struct RuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        case notFound, alreadyExists, invalidArgument, deadlineExceeded, unavailable, unimplemented, cancelled, other
    }

    public let code: Code
    /// In the runtime's words, without a prefix: it is shown in events and statuses.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
    public var isNotFound: Bool { code == .notFound }
}

public struct RuntimeVersion: Sendable, Hashable {
    /// `containerd`
    public var name: String
    public var version: String

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// `RuntimeReady` and `NetworkReady`, each with what is missing where it is false.
/// What a runtime says about itself.
public struct RuntimeStatus: Sendable, Hashable {
    public var conditions: [RuntimeCondition]
    public var features: RuntimeFeatures

    public init(conditions: [RuntimeCondition], features: RuntimeFeatures = RuntimeFeatures()) {
        self.conditions = conditions
        self.features = features
    }
}

/// What a runtime can do; older ones say nothing.
public struct RuntimeFeatures: Sendable, Hashable {
    /// Of one of its handlers; the default one has no name.
    public struct Handler: Sendable, Hashable {
        public var name: String
        public var recursiveReadOnlyMounts: Bool
        public var userNamespaces: Bool

        public init(name: String, recursiveReadOnlyMounts: Bool = false, userNamespaces: Bool = false) {
            self.name = name
            self.recursiveReadOnlyMounts = recursiveReadOnlyMounts
            self.userNamespaces = userNamespaces
        }
    }

    public var handlers: [Handler] = []
    public var supplementalGroupsPolicy = false
    /// Whether it makes devices of the Container Device Interface available to containers itself.
    public var deviceInterface = false

    public init() {}

    /// Whether mounts within read-only mounts can be read-only too, for pods that name no handler.
    public var recursiveReadOnlyMounts: Bool { handlers.first { $0.name.isEmpty }?.recursiveReadOnlyMounts ?? false }
}

public struct RuntimeCondition: Sendable, Hashable {
    public var type: String
    public var status: Bool
    public var reason: String
    public var message: String

    public init(type: String, status: Bool, reason: String = "", message: String = "") {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
    }
}

/// Whose namespace a container uses.
public enum NamespaceMode: Sendable, Hashable { case pod, container, node, target }

public struct NamespaceOptions: Sendable, Hashable {
    public var network: NamespaceMode
    public var pid: NamespaceMode
    public var ipc: NamespaceMode
    /// The container whose process namespace is joined, where `pid` is `.target`.
    public var target = ""

    public init(network: NamespaceMode = .pod, pid: NamespaceMode = .container, ipc: NamespaceMode = .pod) {
        self.network = network
        self.pid = pid
        self.ipc = ipc
    }
}

public enum SeccompProfileSetting: Sendable, Hashable {
    case unconfined, runtimeDefault
    /// A profile's file.
    case localhost(String)
}

public struct RuntimeDNS: Sendable, Hashable {
    public var servers: [String]
    public var searches: [String]
    public var options: [String]

    public init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }
}

public struct RuntimePortMapping: Sendable, Hashable {
    public enum `Protocol`: Sendable, Hashable { case tcp, udp, sctp }
    public var `protocol`: `Protocol`
    public var containerPort: Int
    public var hostPort: Int
    public var hostIP: String

    public init(protocol: `Protocol`, containerPort: Int, hostPort: Int, hostIP: String) {
        self.protocol = `protocol`
        self.containerPort = containerPort
        self.hostPort = hostPort
        self.hostIP = hostIP
    }
}

/// Who a sandbox is for. `attempt` counts the sandboxes of one pod.
public struct SandboxMetadata: Sendable, Hashable {
    public var name: String
    public var namespace: String
    public var uid: String
    public var attempt: Int

    public init(name: String, namespace: String, uid: String, attempt: Int = 0) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.attempt = attempt
    }
}

public struct SandboxConfig: Sendable, Hashable {
    public var metadata: SandboxMetadata
    public var hostname = ""
    public var logDirectory = ""
    /// Nil leaves the runtime to copy the node's resolv.conf.
    public var dns: RuntimeDNS?
    public var portMappings: [RuntimePortMapping] = []
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    public var cgroupParent = ""
    public var sysctls: [String: String] = [:]
    public var namespaces = NamespaceOptions()
    public var privileged = false
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var supplementalGroups: [Int64] = []
    /// Only these, and not those that the image's `/etc/group` gives the user (KEP-3619).
    public var strictGroups = false
    public var seccomp: SeccompProfileSetting = .runtimeDefault

    public init(metadata: SandboxMetadata) { self.metadata = metadata }
}

public struct RuntimeSandbox: Sendable, Hashable {
    public var id: String
    public var metadata: SandboxMetadata
    public var ready: Bool
    /// Nanoseconds since 1970.
    public var createdAt: Int64
    public var labels: [String: String]
    public var annotations: [String: String]

    public init(
        id: String, metadata: SandboxMetadata, ready: Bool, createdAt: Int64, labels: [String: String] = [:],
        annotations: [String: String] = [:]
    ) {
        self.id = id
        self.metadata = metadata
        self.ready = ready
        self.createdAt = createdAt
        self.labels = labels
        self.annotations = annotations
    }
}

public struct RuntimeSandboxStatus: Sendable, Hashable {
    public var sandbox: RuntimeSandbox
    /// The pod's addresses, the primary one first; empty in the host's network and once the sandbox is stopped.
    public var ips: [String]
    public var networkMode: NamespaceMode

    public init(sandbox: RuntimeSandbox, ips: [String], networkMode: NamespaceMode = .pod) {
        self.sandbox = sandbox
        self.ips = ips
        self.networkMode = networkMode
    }
}

public struct RuntimeMount: Sendable, Hashable {
    public enum Propagation: Sendable, Hashable { case `private`, hostToContainer, bidirectional }
    public var containerPath: String
    public var hostPath: String
    public var readOnly: Bool
    /// So are the mounts within it.
    public var recursiveReadOnly: Bool
    public var propagation: Propagation

    public init(
        containerPath: String, hostPath: String, readOnly: Bool = false, recursiveReadOnly: Bool = false,
        propagation: Propagation = .private
    ) {
        self.containerPath = containerPath
        self.hostPath = hostPath
        self.readOnly = readOnly
        self.recursiveReadOnly = recursiveReadOnly
        self.propagation = propagation
    }
}

/// A device of the node that a container has.
public struct RuntimeDevice: Sendable, Hashable {
    public var containerPath: String
    public var hostPath: String
    /// Some of `r`, `w` and `m` (make).
    public var permissions: String

    public init(containerPath: String, hostPath: String, permissions: String) {
        self.containerPath = containerPath
        self.hostPath = hostPath
        self.permissions = permissions
    }
}

public struct RuntimeResources: Sendable, Hashable {
    /// Microseconds.
    public var cpuPeriod: Int64 = 0
    /// Microseconds in each period; 0 is no limit.
    public var cpuQuota: Int64 = 0
    public var cpuShares: Int64 = 0
    /// Bytes; 0 is no limit.
    public var memoryLimit: Int64 = 0
    /// -1000 … 1000
    public var oomScoreAdj: Int64 = 0
    /// Bytes in huge pages, by their size: `2MB`, `1GB`.
    public var hugePageLimits: [String: Int64] = [:]

    public init() {}
}

public struct RuntimeSecurity: Sendable, Hashable {
    public var addCapabilities: [String] = []
    public var dropCapabilities: [String] = []
    public var privileged = false
    public var namespaces = NamespaceOptions()
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var runAsUsername = ""
    public var readOnlyRootFilesystem = false
    public var supplementalGroups: [Int64] = []
    /// Only these, and not those that the image's `/etc/group` gives the user (KEP-3619).
    public var strictGroups = false
    public var noNewPrivileges = false
    public var maskedPaths: [String] = []
    public var readOnlyPaths: [String] = []
    public var seccomp: SeccompProfileSetting = .unconfined

    public init() {}
}

public struct ContainerConfig: Sendable, Hashable {
    public var name: String
    public var attempt: Int
    /// An image's name, or the id that its status gave.
    public var image: String
    public var userSpecifiedImage = ""
    public var command: [String] = []
    public var args: [String] = []
    public var workingDir = ""
    public var environment: [(name: String, value: String)] = []
    public var mounts: [RuntimeMount] = []
    public var devices: [RuntimeDevice] = []
    /// Names of the Container Device Interface, for runtimes that know it.
    public var cdiDevices: [String] = []
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    /// Relative to the sandbox's log directory.
    public var logPath = ""
    public var stdin = false
    public var stdinOnce = false
    public var tty = false
    public var resources = RuntimeResources()
    public var security = RuntimeSecurity()

    public init(name: String, attempt: Int, image: String) {
        self.name = name
        self.attempt = attempt
        self.image = image
    }

    public static func == (left: ContainerConfig, right: ContainerConfig) -> Bool {
        left.name == right.name && left.attempt == right.attempt && left.image == right.image
            && left.command == right.command && left.args == right.args && left.workingDir == right.workingDir
            && left.environment.elementsEqual(right.environment, by: ==) && left.mounts == right.mounts
            && left.devices == right.devices && left.cdiDevices == right.cdiDevices && left.labels == right.labels
            && left.annotations == right.annotations
            && left.logPath == right.logPath
            && left.stdin == right.stdin && left.stdinOnce == right.stdinOnce && left.tty == right.tty
            && left.resources == right.resources && left.security == right.security
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(attempt)
        hasher.combine(image)
    }
}

public enum RuntimeContainerState: Sendable, Hashable { case created, running, exited, unknown }

public struct RuntimeContainer: Sendable, Hashable {
    public var id: String
    public var sandboxID: String
    public var name: String
    public var attempt: Int
    public var state: RuntimeContainerState
    /// Nanoseconds since 1970.
    public var createdAt: Int64
    public var imageRef: String
    public var labels: [String: String]
    public var annotations: [String: String]

    public init(
        id: String, sandboxID: String, name: String, attempt: Int, state: RuntimeContainerState, createdAt: Int64,
        imageRef: String = "", labels: [String: String] = [:], annotations: [String: String] = [:]
    ) {
        self.id = id
        self.sandboxID = sandboxID
        self.name = name
        self.attempt = attempt
        self.state = state
        self.createdAt = createdAt
        self.imageRef = imageRef
        self.labels = labels
        self.annotations = annotations
    }
}

public struct RuntimeContainerStatus: Sendable, Hashable {
    public var id: String
    public var name: String
    public var attempt: Int
    public var state: RuntimeContainerState
    /// Nanoseconds since 1970; 0 where it has not happened.
    public var createdAt: Int64
    public var startedAt: Int64
    public var finishedAt: Int64
    public var exitCode: Int
    public var image: String
    public var imageRef: String
    public var imageID: String
    /// `Completed`, `Error`, `OOMKilled`, `StartError` …
    public var reason: String
    public var message: String
    public var logPath: String
    public var labels: [String: String]
    public var annotations: [String: String]
    public var mounts: [RuntimeMount]

    public init(
        id: String, name: String, attempt: Int = 0, state: RuntimeContainerState, createdAt: Int64 = 0,
        startedAt: Int64 = 0, finishedAt: Int64 = 0, exitCode: Int = 0, image: String = "", imageRef: String = "",
        imageID: String = "", reason: String = "", message: String = "", logPath: String = "",
        labels: [String: String] = [:], annotations: [String: String] = [:], mounts: [RuntimeMount] = []
    ) {
        self.id = id
        self.name = name
        self.attempt = attempt
        self.state = state
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.image = image
        self.imageRef = imageRef
        self.imageID = imageID
        self.reason = reason
        self.message = message
        self.logPath = logPath
        self.labels = labels
        self.annotations = annotations
        self.mounts = mounts
    }
}

/// Which of a process's streams a client wants.
public struct StreamOptions: Sendable, Hashable {
    public var stdin = false
    public var stdout = false
    public var stderr = false
    public var tty = false

    public init(stdin: Bool = false, stdout: Bool = false, stderr: Bool = false, tty: Bool = false) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
    }
}

public struct ExecResult: Sendable, Hashable {
    public var stdout: [UInt8]
    public var stderr: [UInt8]
    public var exitCode: Int

    public init(stdout: [UInt8], stderr: [UInt8], exitCode: Int) {
        self.stdout = stdout
        self.stderr = stderr
        self.exitCode = exitCode
    }
}

public struct RuntimeContainerStats: Sendable, Hashable {
    public var id: String
    public var name: String
    public var labels: [String: String]
    /// Nanoseconds since 1970.
    public var timestamp: Int64
    /// Nanoseconds of one core since the container started.
    public var cpuUsage: UInt64
    /// Bytes.
    public var memoryWorkingSet: UInt64
    public var memoryUsage: UInt64
    public var memoryRSS: UInt64
    public var writableLayerBytes: UInt64
}

public struct RuntimeImage: Sendable, Hashable {
    /// The digest of the image's configuration.
    public var id: String
    public var tags: [String]
    public var digests: [String]
    /// Bytes, as stored.
    public var size: UInt64
    /// The user the image runs as, by number or by name; neither means root.
    public var uid: Int64?
    public var username: String

    public init(
        id: String, tags: [String] = [], digests: [String] = [], size: UInt64 = 0, uid: Int64? = nil,
        username: String = ""
    ) {
        self.id = id
        self.tags = tags
        self.digests = digests
        self.size = size
        self.uid = uid
        self.username = username
    }
}

/// Credentials for a registry.
public struct RegistryCredentials: Sendable, Hashable {
    public var username: String
    public var password: String
    public var identityToken: String
    public var registryToken: String

    public init(
        username: String = "", password: String = "", identityToken: String = "", registryToken: String = ""
    ) {
        self.username = username
        self.password = password
        self.identityToken = identityToken
        self.registryToken = registryToken
    }
}

public struct FilesystemUse: Sendable, Hashable {
    public var mountpoint: String
    public var usedBytes: UInt64
    public var inodesUsed: UInt64
}
