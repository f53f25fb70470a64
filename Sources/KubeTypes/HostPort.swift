// Ports of the node that pods take.

/// A port of the node that a pod takes.
public struct HostPort: Sendable, Hashable {
    public let ip: String
    public let proto: String
    public let port: Int

    public init(ip: String, proto: String, port: Int) {
        self.ip = ip.isEmpty ? "0.0.0.0" : ip
        self.proto = proto.isEmpty ? "TCP" : proto
        self.port = port
    }

    /// Those of the containers that run beside each other.
    public static func used(by containers: [Container], initContainers: [Container]) -> [HostPort] {
        (containers + initContainers.filter(\.isSidecar)).flatMap(\.ports).compactMap { port in
            guard let number = port.hostPort, number > 0 else { return nil }
            return HostPort(ip: port.hostIP ?? "", proto: port.protocol ?? "", port: number)
        }
    }

    /// Two cannot be had at once: the same port and protocol on the same address, or on all of them.
    public func conflicts(with other: HostPort) -> Bool {
        port == other.port && proto == other.proto && (ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0")
    }
}

extension Container {
    /// Of an init container: it goes on running beside the others.
    public var isSidecar: Bool { restartPolicy == "Always" }
}
