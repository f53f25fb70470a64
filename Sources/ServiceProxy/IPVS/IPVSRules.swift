// What the kernel's load balancer would be told: virtual servers, their real servers, and the addresses that a node must
// have for the packets to get there. Rules and their changes are data; whether the kernel takes them is asked first.

import Glibc
import KubeTypes

/// One virtual server of IPVS.
struct IPVSVirtualServer: Sendable, Hashable {
    struct RealServer: Sendable, Hashable, Comparable {
        let address: IPAddress
        let port: Int
        let weight: Int

        static func < (left: Self, right: Self) -> Bool { (left.address, left.port) < (right.address, right.port) }

        /// As a command line of ipvsadm names it.
        var text: String { IPVSRules.text(address, port) }
    }

    struct Frontend: Sendable, Hashable, Comparable {
        let address: IPAddress
        let port: Int
        let transport: String

        static func < (left: Self, right: Self) -> Bool {
            (left.address, left.port, left.transport) < (right.address, right.port, right.transport)
        }

        /// `-t 10.96.0.1:443`.
        var text: String {
            let flag = transport == "tcp" ? "-t" : transport == "udp" ? "-u" : "--sctp-service"
            return "\(flag) \(IPVSRules.text(address, port))"
        }
    }

    let frontend: Frontend
    var scheduling: ServiceScheduling
    var affinitySeconds: Int?
    var realServers: [RealServer]
}

struct IPVSRules: Sendable, Hashable {
    /// Ordered by frontend.
    var servers: [IPVSVirtualServer] = []

    /// What the addresses of a link of the node have to be, so that the kernel takes packets for Services for its own.
    var localAddresses: [IPAddress] {
        Array(Set(servers.map(\.frontend.address))).sorted()
    }

    /// Whether this kernel has IPVS (module `ip_vs`, loaded).
    static var kernelHasIPVS: Bool { access("/proc/net/ip_vs", F_OK) == 0 }

    /// What to tell whoever asked for the mode where there is no IPVS.
    static let missing =
        "this kernel has no IPVS (there is no /proc/net/ip_vs): load the module ip_vs, or choose --proxy-mode nftables or "
        + "userspace"

    static func text(_ address: IPAddress, _ port: Int) -> String {
        address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    init() {}

    /// Frontends with no endpoint get no virtual server: the packet filter refuses their packets.
    init(_ routes: [ServicePortRoute], node: NodeFacts, scheduling: ServiceScheduling) {
        var found: [IPVSVirtualServer.Frontend: IPVSVirtualServer] = [:]
        for route in routes {
            let choice = EndpointChoice(route, node: node)
            func add(_ address: IPAddress, _ port: Int, _ targets: [EndpointTarget]) {
                let frontend = IPVSVirtualServer.Frontend(address: address, port: port, transport: route.transport)
                guard !targets.isEmpty, found[frontend] == nil else { return }
                found[frontend] = IPVSVirtualServer(
                    frontend: frontend, scheduling: scheduling, affinitySeconds: route.affinitySeconds,
                    realServers: targets.map {
                        IPVSVirtualServer.RealServer(address: $0.address, port: $0.port, weight: 1)
                    }.sorted())
            }
            let external = route.externalPolicyLocal ? choice.local : choice.cluster
            add(route.clusterIP, route.port, route.internalPolicyLocal ? choice.local : choice.cluster)
            for address in route.externalIPs + route.loadBalancerIPs { add(address, route.port, external) }
            if let nodePort = route.nodePort {
                for address in node.nodeIPs where address.family == route.family { add(address, nodePort, external) }
            }
        }
        servers = found.values.sorted { $0.frontend < $1.frontend }
    }

    /// The kernel's name of an algorithm; it has no random one.
    private static func name(_ scheduling: ServiceScheduling) -> String {
        scheduling == .random ? "rr" : scheduling.rawValue
    }

    /// The lines for `ipvsadm --restore` that make these rules out of `old`, without touching connections of what stays.
    func change(from old: IPVSRules) -> [String] {
        let before = Dictionary(old.servers.map { ($0.frontend, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Set(servers.map(\.frontend))
        var lines = old.servers.filter { !after.contains($0.frontend) }.map { "-D \($0.frontend.text)" }
        for server in servers {
            let known = before[server.frontend]
            let options =
                "\(server.frontend.text) -s \(Self.name(server.scheduling))"
                + (server.affinitySeconds.map { " -p \($0)" } ?? "")
            if known == nil {
                lines.append("-A \(options)")
            } else if known?.scheduling != server.scheduling || known?.affinitySeconds != server.affinitySeconds {
                lines.append("-E \(options)")
            }
            let had = Set(known?.realServers ?? []), has = Set(server.realServers)
            lines += had.subtracting(has).sorted().map { "-d \(server.frontend.text) -r \($0.text)" }
            lines += has.subtracting(had).sorted().map { "-a \(server.frontend.text) -r \($0.text) -m -w \($0.weight)" }
        }
        return lines
    }
}
