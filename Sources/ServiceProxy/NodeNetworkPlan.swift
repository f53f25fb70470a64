// What a node's network consists of, as data: files, kernel settings, links, routes and firewall rules, in order.
//
// Pods are joined to the node by the CNI plugin `ptp`: each has a link of its own, and whatever it sends is routed by the
// node. With a common bridge instead, two pods would answer each other past the node's packet filter, and a pod that
// called another through a Service would get its answer from an address it never called, unless the module
// br_netfilter happens to be there.

import JSON
import KubeTypes

/// Where and how the pods of one cluster are connected on this node.
public struct NodeNetworkOptions: Sendable, Hashable {
    /// The name of the CNI network and of its configuration file.
    public var name: String
    /// The link that holds the gateway's address and swallows packets to Services that nobody took. At most 15 bytes.
    public var link: String
    /// One range for each family, `10.244.0.0/16`: those of this node's pods.
    public var podCIDRs: [String]
    public var serviceCIDRs: [String]
    /// The ranges of all nodes' pods; empty if this node is the only one.
    public var clusterCIDRs: [String] = []
    /// False for a node whose network namespace is its own: nothing else can be in the way there.
    public var sharesMachine = true
    /// Holds what the plugins remember (`ipam`) and what `tearDown` needs to know.
    public var dataDirectory: String
    /// Where the container runtime looks for CNI configuration.
    public var confDirectory: String
    /// Where the container runtime keeps the network namespaces of its pods, if that place is this cluster's alone.
    public var netnsDirectory: String?
    /// Searched in this order for the plugins.
    public var pluginDirectories: [String]
    /// Of the pods' links; nil takes that of the interface with the default route.
    public var mtu: Int?
    public var localhostNodePorts: Bool

    public init(
        name: String = "martlet", link: String = "martlet0", podCIDRs: [String], serviceCIDRs: [String],
        dataDirectory: String, confDirectory: String? = nil, netnsDirectory: String? = nil,
        pluginDirectories: [String] = ["/usr/lib/cni", "/opt/cni/bin"], mtu: Int? = nil, localhostNodePorts: Bool = true
    ) {
        self.name = name
        self.link = link
        self.podCIDRs = podCIDRs
        self.serviceCIDRs = serviceCIDRs
        self.dataDirectory = dataDirectory
        self.confDirectory = confDirectory ?? "\(dataDirectory)/net.d"
        self.netnsDirectory = netnsDirectory
        self.pluginDirectories = pluginDirectories
        self.mtu = mtu
        self.localhostNodePorts = localhostNodePorts
    }

    public var confFile: String { "\(confDirectory)/10-\(name).conflist" }
    /// All that packets for pods may be sent to.
    var allPodCIDRs: [String] { clusterCIDRs.isEmpty ? podCIDRs : clusterCIDRs }
    var ipamDirectory: String { "\(dataDirectory)/ipam" }
    var savedSysctls: String { "\(dataDirectory)/sysctls" }

    /// The gateways of the pods, which are the node's own addresses on `link`: the first of each range. The cluster's DNS
    /// server can listen there.
    public var gateways: [String] { podCIDRs.compactMap { IPRange($0)?.firstHost.description } }
}

/// What was found on the machine before planning.
struct NodeNetworkFacts: Sendable, Hashable {
    /// False after a boot: then no pod of ours can be connected, whatever the plugins remember.
    var linkExists = false
    /// Families whose iptables FORWARD chain drops by default, as Docker leaves it.
    var forwardDropped: [IPFamily] = []
    /// The MTU of the interface with the default route.
    var uplinkMTU: Int?
    /// The current values of the sysctls that `setUp` changes, those that the kernel has; for `tearDown` what they were
    /// before.
    var sysctls: [String: String] = [:]
    /// What earlier calls of `setUp` found and wrote down for `tearDown`.
    var savedSysctls: [String: String] = [:]
    /// `ip -o route show` for each family.
    var routes = ""
    /// The mounts below the directory of network namespaces.
    var namespaces: [String] = []
}

/// One step. Steps marked optional may fail where what they undo is not there.
enum NodeNetworkStep: Sendable, Hashable {
    case makeDirectory(String)
    case write(path: String, contents: String)
    case remove(String)
    case sysctl(path: String, value: String)
    /// Lines for one `ip -batch`; with `force`, it goes on after a line that failed.
    case ip([String], family: IPFamily, force: Bool)
    /// `iptables` or `ip6tables`: inserts a rule at the top of FORWARD unless it is there, or deletes it.
    case forward(IPFamily, rule: [String], present: Bool)
    case unmount(String)
}

enum NodeNetworkPlan {
    static let routeLocalnet = "/proc/sys/net/ipv4/conf/all/route_localnet"

    /// As kube-proxy sets them: a connection that one side has closed keeps its translation for an hour, one that is
    /// silent for a day.
    static let conntrackSysctls = [
        ("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait", "3600"),
        ("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "86400"),
    ]

    /// The CNI configuration: `ptp` with addresses from `host-local`, and `portmap` for hostPort.
    ///
    /// The plugin masquerades nothing, because the service proxy's table does, and one rule for all pods costs nothing
    /// when a pod starts.
    static func conflist(_ options: NodeNetworkOptions, _ facts: NodeNetworkFacts) -> JSONValue {
        let ranges = options.podCIDRs.compactMap { IPRange($0) }
        let ipam: JSONValue = [
            "type": "host-local",
            "dataDir": .string(options.ipamDirectory),
            "ranges": .array(
                ranges.map { [["subnet": .string($0.description), "gateway": .string($0.firstHost.description)]] }),
            "routes": .array(ranges.map { ["dst": $0.family == .ipv4 ? "0.0.0.0/0" : "::/0"] }),
        ]
        var ptp: JSONValue = ["type": "ptp", "ipMasq": false, "ipam": ipam]
        if let mtu = options.mtu ?? facts.uplinkMTU { ptp["mtu"] = .integer(Int64(mtu)) }
        return [
            "cniVersion": "0.4.0",
            "name": .string(options.name),
            "plugins": [ptp, ["type": "portmap", "snat": true, "capabilities": ["portMappings": true]]],
        ]
    }

    /// Sets the network up, or what is missing of it: every step may be repeated.
    static func setUp(_ options: NodeNetworkOptions, _ facts: NodeNetworkFacts) -> [NodeNetworkStep] {
        let podRanges = options.podCIDRs.compactMap { IPRange($0) }
        let allPodRanges = options.allPodCIDRs.compactMap { IPRange($0) }
        let serviceRanges = options.serviceCIDRs.compactMap { IPRange($0) }
        let families = IPFamily.allCases.filter { family in podRanges.contains { $0.family == family } }
        var steps: [NodeNetworkStep] = [.makeDirectory(options.dataDirectory), .makeDirectory(options.confDirectory)]
        // Addresses of pods that went with a reboot would be taken for good.
        if !facts.linkExists { steps.append(.remove(options.ipamDirectory)) }
        steps.append(.makeDirectory(options.ipamDirectory))

        for family in families {
            steps.append(
                .sysctl(
                    path: family == .ipv4
                        ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding",
                    value: "1"))
        }
        var sysctls: [(String, String)] = []
        if options.localhostNodePorts, families.contains(.ipv4) {
            sysctls.append((routeLocalnet, "1"))
        }
        sysctls += conntrackSysctls.filter { facts.sysctls[$0.0] != nil }
        let changing = sysctls.filter { path, value in facts.sysctls[path].map { $0 != value } ?? false }
        if !changing.isEmpty {
            // The first value that was found is the one to go back to.
            let before = Dictionary(uniqueKeysWithValues: changing.map { ($0.0, facts.sysctls[$0.0] ?? "") })
            let lines = before.merging(facts.savedSysctls) { $1 }.sorted { $0.key < $1.key }
            steps.append(
                .write(
                    path: options.savedSysctls, contents: lines.map { "\($0.key) \($0.value)\n" }.joined()))
        }
        steps += sysctls.map { .sysctl(path: $0.0, value: $0.1) }

        // Nothing that is meant for a pod or a Service may leave the machine by mistake: the ranges lead nowhere, except
        // for the routes of pods here and of other nodes, which are longer, and for Services, whose packets get to the packet filter only if there is
        // a route for them.
        for family in families {
            var lines = allPodRanges.filter { $0.family == family }.map {
                "route replace unreachable \($0) metric 4096"
            }
            if family == families.first {
                if !facts.linkExists { lines.append("link add \(options.link) type bridge") }
                // The alias says whose it is.
                lines.append("link set \(options.link) alias \(options.dataDirectory)")
                lines.append("link set \(options.link) up")
            }
            for range in podRanges where range.family == family {
                lines.append(
                    "address replace \(range.firstHost)/\(family == .ipv4 ? 32 : 128) dev \(options.link)"
                        + (family == .ipv6 ? " nodad" : ""))
            }
            lines += serviceRanges.filter { $0.family == family }.map { "route replace \($0) dev \(options.link)" }
            steps.append(.ip(lines, family: family, force: false))
        }
        for family in families where facts.forwardDropped.contains(family) {
            for rule in forwardRules(options, family) { steps.append(.forward(family, rule: rule, present: true)) }
        }
        steps.append(.write(path: options.confFile, contents: JSONWriter.text(of: conflist(options, facts)) + "\n"))
        return steps
    }

    /// What on this machine is in the way, each a line; empty if nothing is.
    /// - Parameters:
    ///   - owner: the alias of the link with our name, if there is one.
    ///   - routes: `/proc/net/route`.
    static func conflicts(_ options: NodeNetworkOptions, owner: String?, routes: String) -> [String] {
        guard options.sharesMachine else { return [] }
        if let owner {
            if owner.isEmpty || owner == options.dataDirectory { return [] }
            return ["the link \(options.link) belongs to the cluster in \(owner): stop that one first"]
        }
        let wanted = (options.allPodCIDRs + options.serviceCIDRs).compactMap { IPRange($0) }
        var found: [String] = []
        for line in routes.split(separator: "\n").dropFirst() {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            // Routes without a link are unreachable ones, left from a network of ours.
            guard words.count > 7, words[0] != "*", let base = UInt32(words[1], radix: 16),
                let mask = UInt32(words[7], radix: 16), mask != 0
            else { continue }
            let address = IPAddress(family: .ipv4, bytes: (0..<4).map { UInt8(base >> UInt32($0 * 8) & 0xff) })
            guard let route = IPRange("\(address)/\(mask.nonzeroBitCount)") else { continue }
            for range in wanted where range.contains(route.base) || route.contains(range.base) {
                found.append("the range \(range) is in use: there is a route for \(route) by \(words[0])")
            }
        }
        return found
    }

    private static func forwardRules(_ options: NodeNetworkOptions, _ family: IPFamily) -> [[String]] {
        options.allPodCIDRs.compactMap { IPRange($0) }.filter { $0.family == family }.flatMap { range in
            ["-s", "-d"].map { [$0, "\(range)", "-m", "comment", "--comment", options.name, "-j", "ACCEPT"] }
        }
    }

    /// Removes all that `setUp` and the plugins made. Every step may find its work done.
    static func tearDown(_ options: NodeNetworkOptions, _ facts: NodeNetworkFacts) -> [NodeNetworkStep] {
        let podRanges = options.podCIDRs.compactMap { IPRange($0) }
        let serviceRanges = options.serviceCIDRs.compactMap { IPRange($0) }
        var steps: [NodeNetworkStep] = [.remove(options.confFile)]
        for path in facts.namespaces {
            steps.append(.unmount(path))
            steps.append(.remove(path))
        }
        for family in IPFamily.allCases {
            let pods = podRanges.filter { $0.family == family }
            var lines = podLinks(facts.routes, podRanges: pods).filter { $0 != options.link }.map {
                "link delete \($0)"
            }
            if family == .ipv4 { lines.append("link delete \(options.link)") }
            lines += options.allPodCIDRs.compactMap { IPRange($0) }.filter { $0.family == family }.map {
                "route delete unreachable \($0) metric 4096"
            }
            if family == .ipv4 { lines += NodeRoutePlan.tearDown(facts.routes) }
            lines += serviceRanges.filter { $0.family == family }.map { "route delete \($0)" }
            if pods.isEmpty, family == .ipv6 { continue }
            steps.append(.ip(lines, family: family, force: true))
            if Set(facts.forwardDropped).contains(family) {
                for rule in forwardRules(options, family) { steps.append(.forward(family, rule: rule, present: false)) }
            }
        }
        for (path, value) in facts.sysctls.sorted(by: { $0.key < $1.key }) {
            steps.append(.sysctl(path: path, value: value))
        }
        steps += [.remove(options.savedSysctls), .remove(options.ipamDirectory)]
        return steps
    }

    /// The links that routes to single pods go out by: `10.244.0.5 dev veth1234 scope host`.
    static func podLinks(_ routes: String, podRanges: [IPRange]) -> [String] {
        var links: [String] = []
        for line in routes.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let destination = words.first, let address = IPAddress(destination),
                podRanges.contains(where: { $0.contains(address) }),
                let dev = words.firstIndex(of: "dev"), dev + 1 < words.count, words[dev + 1].hasPrefix("veth")
            else { continue }
            links.append(words[dev + 1])
        }
        return links
    }
}
