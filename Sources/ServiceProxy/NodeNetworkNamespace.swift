// A further node on the same machine has a network namespace, and a cable from there to the link of the first node.

import Glibc
import KubeTypes
import Logging

/// The network namespace of a further node, and how it is joined to the machine's first node.
public struct NodeNamespace: Sendable {
    private static let directory = "/run/netns"

    /// The node's name.
    public let node: String
    /// The node's own address.
    public let address: String
    /// Tells the cables of this machine apart.
    private let number: Int
    /// The link of the first node that all are plugged into.
    private let link: String
    /// The first node's addresses, which answer on that link.
    private let firstAddresses: [String]
    /// The range of the nodes' addresses.
    private let range: IPRange

    /// - Parameters:
    ///   - number: 2 and up: the address within `range`.
    ///   - range: the addresses of nodes on this machine, `10.244.255.0/24`.
    ///   - firstAddresses: those of the machine's first node, the one with which the nodes talk to it first.
    /// - Returns: nil for a number that is not in the range.
    public init?(node: String, number: Int, range: String, link: String = "martlet0", firstAddresses: [String]) {
        guard let range = IPRange(range), range.family == .ipv4, number > 1, number < 255, !firstAddresses.isEmpty
        else {
            return nil
        }
        self.node = node
        self.number = number
        self.link = link
        self.firstAddresses = firstAddresses
        self.range = range
        address = IPAddress(family: .ipv4, bytes: range.base.bytes.dropLast() + [UInt8(number)]).description
    }

    private var name: String { "martlet-\(node)" }
    public var path: String { "\(Self.directory)/\(name)" }
    private var cable: String { "martlet-n\(number)" }

    /// On the machine's side and on the node's.
    func setUp(mtu: Int?) -> (machine: [String], node: [String]) {
        let first = firstAddresses[0]
        let size = mtu.map { " mtu \($0)" } ?? ""
        return (
            [
                "link add \(cable)\(size) type veth peer name eth0 netns \(name)",
                "link set \(cable) master \(link) up",
                // Where bridged packets pass the packet filter (br_netfilter), one that a node port of this node sends
                // back to where it came from would be dropped.
                "link set \(cable) type bridge_slave hairpin on",
                "route replace \(range) dev \(link) src \(first)",
            ],
            ["link set lo up", "link set eth0\(size) up", "address replace \(address)/32 dev eth0"]
                + firstAddresses.map { "route replace \($0) dev eth0 src \(address)" }
                + [
                    "route replace \(range) dev eth0 src \(address)",
                    "route replace default via \(first) dev eth0 src \(address)",
                ]
        )
    }

    /// Makes the namespace and the cable, or what is missing of them. The first node's link must be there.
    /// - Throws: `NodeNetwork.Failure` with what could not be done.
    public func create() async throws {
        guard NodeNetwork.links.contains(link) else {
            throw NodeNetwork.Failure(description: "the link \(link) is not there: the cluster's own node must run")
        }
        if access(path, F_OK) != 0 { try await ip(["netns", "add", name]) }
        let (machine, node) = setUp(mtu: await NodeNetwork.uplinkMTU())
        let missing = NodeNetwork.links.contains(cable) ? Array(machine.dropFirst()) : machine
        try await ip(["-4", "-batch", "-"], missing)
        try await ip(["-n", name, "-4", "-batch", "-"], node)
    }

    /// Nothing gets through any more, as when a machine has no power. `create` mends it.
    public func unplug(logger: Logger) async {
        do { try await ip(["link", "set", cable, "down"]) } catch { logger.debug("\(error)") }
    }

    /// Removes both. What is gone already is no error.
    public func remove(logger: Logger) async {
        for arguments in [["link", "delete", cable], ["netns", "delete", name]] {
            do { try await ip(arguments) } catch { logger.debug("\(error)") }
        }
    }

    /// A program and its arguments, to be run in the namespace.
    public func entering(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        ("nsenter", ["--net=\(path)", "--", program] + arguments)
    }

    /// The same, and where the machine allows it under the node's own host name: what shares the node's network has the
    /// node's name.
    public func enteringAsHost(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        let rename = "{ echo \"$0\" > /proc/sys/kernel/hostname; } 2>/dev/null; exec \"$@\""
        return entering("unshare", ["--uts", "--", "sh", "-c", rename, node, program] + arguments)
    }

    private func ip(_ arguments: [String], _ lines: [String] = []) async throws {
        let result = try await Subprocess.run("ip", arguments, input: lines.map { $0 + "\n" }.joined())
        if !result.succeeded { throw NodeNetwork.Failure(description: "ip: \(result.complaint)") }
    }
}
