// The ways to other nodes' pods, as data: by a plain route where two nodes share a link, through a VXLAN elsewhere.
//
// Everybody computes the same from the Node objects: the hardware address of a node's end of the VXLAN follows from the
// node's address, so that nothing has to be exchanged besides what a Node says anyway.

import JSON
import KubeTypes

/// What a node must know of another to reach its pods.
struct NodePeer: Sendable, Hashable {
    var name: String
    /// The other node's own address (`InternalIP`).
    var address: IPAddress
    /// The range of its pods, of the same family.
    var podRange: IPRange
}

/// Where the nodes of one machine are: in a range of their own on a link that other machines do not have. Outside, they
/// are reached by way of the machine's first node.
struct MachineLink: Sendable, Hashable {
    /// The addresses of nodes in network namespaces.
    var range: IPRange
    /// The pods of the machine's first node; says which node that is.
    var firstPodRange: IPRange

    init?(range: String, firstPodRange: String) {
        guard let range = IPRange(range), let first = IPRange(firstPodRange) else { return nil }
        self.range = range
        self.firstPodRange = first
    }
}

/// How an address is reached, as `ip route get` says.
enum LinkPath: Sendable, Hashable {
    /// A neighbour on this link.
    case onLink(String)
    /// By way of a router, out of this link.
    case routed(String)

    /// Nil for addresses that cannot be reached, and for this node's own.
    init?(routeGet text: String) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard let first = words.first, first != "local", let dev = words.firstIndex(of: "dev"), dev + 1 < words.count
        else { return nil }
        let link = String(words[dev + 1])
        self = words[..<dev].contains("via") ? .routed(link) : .onLink(link)
    }
}

enum NodeRoutePlan {
    static let tunnel = "martlet-vx"
    /// Marks our routes (`proto`), so that those of an earlier life are found and removed.
    static let routeProtocol = "109"
    private static let networkIdentifier = 109
    private static let port = 8472
    /// What VXLAN adds to a packet over IPv4.
    static let overhead = 50

    /// One range of addresses and the node to which packets for it go.
    struct Hop: Sendable, Hashable {
        var range: IPRange
        var node: NodePeer
    }

    /// Which node packets for which range go to.
    /// - Parameter own: this node.
    static func hops(own: NodePeer, peers: [NodePeer], machine: MachineLink?) -> [Hop] {
        let others = peers.filter { $0.name != own.name && $0.address.family == own.address.family }
        guard let machine else { return others.map { Hop(range: $0.podRange, node: $0) } }
        func isInside(_ node: NodePeer) -> Bool { machine.range.contains(node.address) }
        func isFirst(_ node: NodePeer) -> Bool { node.podRange == machine.firstPodRange }
        let first = others.first(where: isFirst)
        var hops: [Hop] = []
        for peer in others {
            let throughFirst = !isFirst(own) && !isFirst(peer) && isInside(own) != isInside(peer)
            hops.append(Hop(range: peer.podRange, node: throughFirst ? first ?? peer : peer))
        }
        if let first, !isFirst(own), !isInside(own) { hops.append(Hop(range: machine.range, node: first)) }
        return hops.sorted { $0.range.description < $1.range.description }
    }

    /// What `ip -batch` and `bridge -batch` must be given.
    struct Commands: Sendable, Hashable {
        var ip: [String] = []
        var bridge: [String] = []
    }

    /// - Parameters:
    ///   - paths: how the nodes in `hops` are reached; those that are missing cannot be reached now.
    ///   - present: `ip -o route show proto 109`.
    ///   - tunnelExists: whether the VXLAN's link is there.
    ///   - mtu: of the link that tunnelled packets leave by.
    static func commands(
        own: NodePeer, hops: [Hop], paths: [IPAddress: LinkPath], present: String, tunnelExists: Bool, mtu: Int?
    ) -> Commands {
        var commands = Commands()
        var wanted: Set<String> = []
        var tunnelled: [NodePeer] = []
        for hop in hops {
            switch paths[hop.node.address] {
            case .onLink(let link):
                commands.ip.append(
                    "route replace \(hop.range) via \(hop.node.address) dev \(link) onlink proto \(routeProtocol)")
            case .routed:
                if !tunnelled.contains(hop.node) { tunnelled.append(hop.node) }
                commands.ip.append(
                    "route replace \(hop.range) via \(hop.node.podRange.base) dev \(tunnel) onlink proto "
                        + routeProtocol)
            case nil: continue
            }
            wanted.insert("\(hop.range)")
        }
        if !tunnelled.isEmpty {
            var lines: [String] = []
            if !tunnelExists {
                lines.append(
                    "link add \(tunnel) type vxlan id \(networkIdentifier) local \(own.address) dstport \(port) "
                        + "nolearning")
            }
            lines.append(
                "link set \(tunnel) address \(hardwareAddress(own.address))"
                    + (mtu.map { " mtu \($0 - overhead)" } ?? "") + " up")
            lines.append("address replace \(own.podRange.base)/32 dev \(tunnel)")
            for node in tunnelled {
                let hardware = hardwareAddress(node.address)
                lines.append("neigh replace \(node.podRange.base) lladdr \(hardware) dev \(tunnel) nud permanent")
                commands.bridge.append("fdb replace \(hardware) dev \(tunnel) dst \(node.address) self permanent")
            }
            commands.ip = lines + commands.ip
        } else if tunnelExists {
            commands.ip.append("link delete \(tunnel)")
        }
        for range in ranges(present) where !wanted.contains(range) {
            // With a link that goes, its routes go.
            commands.ip.append("route delete \(range) proto \(routeProtocol)")
        }
        return commands
    }

    /// The destinations of routes as `ip -o route show` prints them; a single address stands without its length.
    static func ranges(_ routes: String) -> [String] {
        routes.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first.map { $0.contains("/") ? String($0) : "\($0)/32" }
        }
    }

    /// Removes what is there of ours, from `ip -o route show`.
    static func tearDown(_ routes: String) -> [String] {
        let ours = routes.split(separator: "\n").filter { $0.contains(" proto \(routeProtocol) ") }
        return ranges(ours.joined(separator: "\n")).map { "route delete \($0) proto \(routeProtocol)" }
            + (ours.contains { $0.contains(" dev \(tunnel) ") } ? ["link delete \(tunnel)"] : [])
    }

    /// Locally administered, and different for every address.
    static func hardwareAddress(_ address: IPAddress) -> String {
        ([0x0a, 0x6d] + address.bytes.suffix(4)).hexadecimal(separator: ":")
    }
}
