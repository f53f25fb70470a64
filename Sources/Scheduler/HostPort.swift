// Ports of the node that pods take.
import KubeTypes

/// A port of the node that a pod takes.
struct HostPort: Sendable, Hashable {
    let ip: String
    let proto: String
    let port: Int

    init(ip: String, proto: String, port: Int) {
        self.ip = ip.isEmpty ? "0.0.0.0" : ip
        self.proto = proto.isEmpty ? "TCP" : proto
        self.port = port
    }

    static func used(by containers: [Container], initContainers: [Container]) -> [HostPort] {
        let sidecars = initContainers.filter { $0.restartPolicy == "Always" }
        return (containers + sidecars).flatMap(\.ports).compactMap { port in
            guard let number = port.hostPort, number > 0 else { return nil }
            return HostPort(ip: port.hostIP ?? "", proto: port.protocol ?? "", port: number)
        }
    }

    /// Two cannot be had at once: the same port and protocol on the same address, or on all of them.
    func conflicts(with other: HostPort) -> Bool {
        port == other.port && proto == other.proto && (ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0")
    }
}
