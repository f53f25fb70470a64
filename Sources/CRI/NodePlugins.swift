// Plugins of the node: how they say what they are, and how drivers of dynamic resources are asked for devices.

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCPings
import GRPCProtobuf
import Glibc

/// What a plugin says of itself (pluginregistration v1).
public struct PluginInfo: Sendable, Hashable {
    /// `DRAPlugin`, `CSIPlugin`, `DevicePlugin`.
    public var type: String
    public var name: String
    /// The socket on which it does its work; empty for the one on which it registers.
    public var endpoint: String
    public var versions: [String]

    public init(type: String, name: String, endpoint: String = "", versions: [String]) {
        self.type = type
        self.name = name
        self.endpoint = endpoint
        self.versions = versions
    }
}

/// Asks plugins at the sockets that they put into the registration directory.
public enum PluginRegistration {
    private static let timeout = Duration.seconds(10)

    private static func call<Result: Sendable>(
        _ socket: String,
        _ body:
            @Sendable (Pluginregistration_Registration.Client<HTTP2ClientTransport.Posix>, CallOptions) async throws
            -> Result
    ) async throws -> Result {
        var options = CallOptions.defaults
        options.timeout = timeout
        let path = try SocketPath(socket)
        defer { withExtendedLifetime(path) {} }
        do {
            return try await withGRPCClient(transport: try HTTP2ClientTransport.Posix.plugin(at: path)) {
                [options] client in
                try await body(.init(wrapping: client), options)
            }
        } catch let error as RPCError { throw PluginError(error) }
    }

    public static func info(at socket: String) async throws -> PluginInfo {
        try await call(socket) { client, options in
            let info = try await client.getInfo(.init(), options: options)
            return PluginInfo(
                type: info.type, name: info.name, endpoint: info.endpoint, versions: info.supportedVersions)
        }
    }

    /// Tells a plugin whether it is in use.
    /// - Parameter problem: Why it is not; nil if it is.
    public static func notify(at socket: String, problem: String?) async throws {
        try await call(socket) { client, options in
            _ = try await client.notifyRegistrationStatus(
                .with {
                    $0.pluginRegistered = problem == nil
                    $0.error = problem ?? ""
                }, options: options)
        }
    }
}

/// What went wrong between the node agent and a plugin.
public struct PluginError: Error, Sendable, CustomStringConvertible {
    /// Nobody answered at the socket.
    public let isUnavailable: Bool
    public let description: String

    init(_ error: RPCError) {
        isUnavailable = error.code == .unavailable
        description = "rpc error: code = \(Self.name(error.code)) desc = \(error.message)"
    }

    private static func name(_ code: RPCError.Code) -> String {
        switch code {
        case .unavailable: "Unavailable"
        case .deadlineExceeded: "DeadlineExceeded"
        case .unimplemented: "Unimplemented"
        case .internalError: "Internal"
        case .invalidArgument: "InvalidArgument"
        case .notFound: "NotFound"
        default: "Unknown"
        }
    }
}

/// A way to a socket that is short enough: an address has room for 107 bytes, and a node's directories are deeper than
/// those that drivers know. Holds the socket's directory open where the path itself is too long.
final class SocketPath: Sendable {
    private static let longest = 107

    let path: String
    private let directory: Int32

    init(_ path: String) throws(SystemError) {
        guard path.utf8.count > Self.longest, let slash = path.lastIndex(of: "/") else {
            self.path = path
            directory = -1
            return
        }
        let parent = String(path[..<slash])
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(parent)") }
        directory = descriptor
        self.path = "/proc/self/fd/\(descriptor)\(path[slash...])"
    }

    deinit { if directory >= 0 { Glibc.close(directory) } }
}

extension HTTP2ClientTransport.Posix {
    static func plugin(at socket: SocketPath) throws -> HTTP2ClientTransport.Posix {
        try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: socket.path, authority: "localhost"), transportSecurity: .plaintext,
            config: .defaults { config in
                config.backoff.initial = .milliseconds(50)
                config.backoff.max = .seconds(2)
                config.channelDebuggingCallbacks.onCreateTCPConnection = PingAnswerHandler.install
            })
    }
}

/// A claim as drivers are told of it.
public struct DriverClaim: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var uid: String

    public init(namespace: String, name: String, uid: String) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }
}

/// A device that a driver has made ready.
public struct PreparedDevice: Sendable, Hashable {
    /// The claim's requests that it is for; none: all.
    public var requests: [String]
    public var pool: String
    public var name: String
    /// Names of the Container Device Interface.
    public var cdiDevices: [String]

    public init(requests: [String], pool: String, name: String, cdiDevices: [String]) {
        self.requests = requests
        self.pool = pool
        self.name = name
        self.cdiDevices = cdiDevices
    }
}

/// A driver of dynamic resources on this node.
public protocol ResourceDriver: Sendable {
    /// What came of each claim, by its uid: its devices, or what is wrong.
    func prepare(_ claims: [DriverClaim]) async throws -> [String: Result<[PreparedDevice], PluginProblem>]
    /// What is wrong with each claim, by its uid; nil where nothing is.
    func unprepare(_ claims: [DriverClaim]) async throws -> [String: PluginProblem?]
    func close()
}

/// What a driver says is wrong.
public struct PluginProblem: Error, Sendable, Hashable {
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// A driver at a socket (dra v1, or v1beta1, which says the same under another name).
public final class ResourceDriverClient: ResourceDriver {
    /// The newest first, as drivers name them.
    public static let versions = ["v1.DRAPlugin", "v1beta1.DRAPlugin"]

    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let path: SocketPath
    private let isBeta: Bool
    private let connections: Task<Void, Never>
    private static let timeout = Duration.seconds(45)

    public init(socket: String, version: String) throws {
        let path = try SocketPath(socket)
        self.path = path
        let client = GRPCClient(transport: try HTTP2ClientTransport.Posix.plugin(at: path))
        self.client = client
        isBeta = version == Self.versions[1]
        connections = Task { try? await client.runConnections() }
    }

    public func close() { client.beginGracefulShutdown() }

    deinit { connections.cancel() }

    private var options: CallOptions {
        var options = CallOptions.defaults
        options.timeout = Self.timeout
        return options
    }

    private typealias Stable = K8s_Io_Kubelet_Pkg_Apis_Dra_V1_DRAPlugin
    private typealias Beta = K8s_Io_Kubelet_Pkg_Apis_Dra_V1beta1_DRAPlugin

    private static func message(_ claim: DriverClaim) -> K8s_Io_Kubelet_Pkg_Apis_Dra_V1_Claim {
        .with {
            $0.namespace = claim.namespace
            $0.name = claim.name
            $0.uid = claim.uid
        }
    }

    public func prepare(_ claims: [DriverClaim]) async throws -> [String: Result<[PreparedDevice], PluginProblem>] {
        let request = K8s_Io_Kubelet_Pkg_Apis_Dra_V1_NodePrepareResourcesRequest.with {
            $0.claims = claims.map(Self.message)
        }
        do {
            let answer =
                isBeta
                ? try await Beta.Client(wrapping: client).nodePrepareResources(request, options: options)
                : try await Stable.Client(wrapping: client).nodePrepareResources(request, options: options)
            return answer.claims.mapValues { result in
                result.error.isEmpty
                    ? .success(
                        result.devices.map {
                            PreparedDevice(
                                requests: $0.requestNames, pool: $0.poolName, name: $0.deviceName,
                                cdiDevices: $0.cdiDeviceIds)
                        }) : .failure(PluginProblem(result.error))
            }
        } catch let error as RPCError { throw PluginError(error) }
    }

    public func unprepare(_ claims: [DriverClaim]) async throws -> [String: PluginProblem?] {
        let request = K8s_Io_Kubelet_Pkg_Apis_Dra_V1_NodeUnprepareResourcesRequest.with {
            $0.claims = claims.map(Self.message)
        }
        do {
            let answer =
                isBeta
                ? try await Beta.Client(wrapping: client).nodeUnprepareResources(request, options: options)
                : try await Stable.Client(wrapping: client).nodeUnprepareResources(request, options: options)
            return answer.claims.mapValues { $0.error.isEmpty ? nil : PluginProblem($0.error) }
        } catch let error as RPCError { throw PluginError(error) }
    }
}
