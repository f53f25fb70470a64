// The executor of the node network's plans: looks at the machine, and does one step after the other.

import Glibc
import KubeTypes
import Logging
import NIOPosix

/// What makes pods reachable on this node: a CNI configuration for the container runtime, kernel settings, the pods'
/// gateway, and routes that keep stray packets on the machine.
///
/// Needs root, `ip` (iproute2) and the CNI plugins `ptp`, `host-local`, `portmap` and `loopback`.
public struct NodeNetwork: Sendable {
    public let options: NodeNetworkOptions
    private let logger: Logger

    /// What could not be done, in one line.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public init(_ options: NodeNetworkOptions, logger: Logger = Logger(label: "node-network")) {
        self.options = options
        self.logger = logger
    }

    /// The first directory that has all plugins; it is the container runtime's `bin_dir`.
    public var pluginDirectory: String? {
        options.pluginDirectories.first { directory in
            ["ptp", "host-local", "portmap", "loopback"].allSatisfy { access("\(directory)/\($0)", X_OK) == 0 }
        }
    }

    /// What is missing on this machine, each a line that says what to do about it; empty if all is there.
    public var problems: [String] {
        var problems: [String] = []
        if geteuid() != 0 { problems.append("pod networks need root: run as root, or start with --no-node") }
        if Subprocess.find("ip") == nil { problems.append("ip is missing: apt install iproute2") }
        if Subprocess.find("nft") == nil { problems.append("nft is missing: apt install nftables") }
        if pluginDirectory == nil {
            problems.append(
                "the CNI plugins are not in \(options.pluginDirectories.joined(separator: " or ")): "
                    + "apt install containernetworking-plugins")
        }
        if options.link.utf8.count > 15 { problems.append("\(options.link) is too long for a link: 15 bytes at most") }
        for range in options.podCIDRs + options.clusterCIDRs + options.serviceCIDRs where IPRange(range) == nil {
            problems.append("\(range) is no range of addresses such as 10.244.0.0/16")
        }
        let owner = Self.links.contains(options.link) ? Self.read("/sys/class/net/\(options.link)/ifalias") ?? "" : nil
        return problems
            + NodeNetworkPlan.conflicts(options, owner: owner, routes: Self.read("/proc/net/route") ?? "")
    }

    /// Sets up what is missing. May be called at every start.
    /// - Throws: `Failure`, with the step that failed and what the tool said.
    public func setUp() async throws {
        let facts = await look()
        try await perform(NodeNetworkPlan.setUp(options, facts), optional: false)
    }

    /// Removes links, routes, rules and files. What is gone already is no error. Call it after the pods have been
    /// stopped.
    public func tearDown() async {
        var facts = await look()
        facts.sysctls = facts.savedSysctls
        facts.routes = ""
        for family in IPFamily.allCases {
            let flag = family == .ipv4 ? "-4" : "-6"
            facts.routes += (try? await Subprocess.run("ip", [flag, "-o", "route", "show"]).output) ?? ""
        }
        facts.namespaces = namespaces()
        try? await perform(NodeNetworkPlan.tearDown(options, facts), optional: true)
    }

    // MARK: - Looking

    private func look() async -> NodeNetworkFacts {
        var facts = NodeNetworkFacts()
        facts.linkExists = Self.links.contains(options.link)
        facts.uplinkMTU = await Self.uplinkMTU()
        for path in [NodeNetworkPlan.routeLocalnet] + NodeNetworkPlan.conntrackSysctls.map(\.0) {
            facts.sysctls[path] = Self.read(path)
        }
        for line in (Self.read(options.savedSysctls) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0].hasPrefix("/proc/sys/net/") {
                facts.savedSysctls[String(words[0])] = String(words[1])
            }
        }
        for family in IPFamily.allCases where options.podCIDRs.contains(where: { IPRange($0)?.family == family }) {
            let tool = Self.iptables(family)
            guard Subprocess.find(tool) != nil,
                let result = try? await Subprocess.run(tool, ["-w", "5", "-S", "FORWARD"])
            else { continue }
            if result.output.hasPrefix("-P FORWARD DROP") { facts.forwardDropped.append(family) }
        }
        return facts
    }

    /// The links of this network namespace, which `/sys` need not be about.
    static var links: [String] {
        (Self.read("/proc/self/net/dev") ?? "").split(separator: "\n").dropFirst(2).compactMap { line in
            line.split(separator: ":").first.map { String($0.filter { $0 != " " }) }
        }
    }

    /// Not from `/sys`, which may show the links of another network namespace.
    static func mtu(of link: String) async -> Int? {
        guard let result = try? await Subprocess.run("ip", ["-o", "link", "show", "dev", link]), result.succeeded
        else { return nil }
        let words = result.output.split(separator: " ")
        guard let index = words.firstIndex(of: "mtu"), index + 1 < words.count else { return nil }
        return Int(words[index + 1])
    }

    private static func iptables(_ family: IPFamily) -> String { family == .ipv4 ? "iptables" : "ip6tables" }

    /// That of the interface whose destination and mask are zero in `/proc/net/route`.
    static func uplinkMTU() async -> Int? {
        for line in (read("/proc/net/route") ?? "").split(separator: "\n").dropFirst() {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard words.count > 7, words[1] == "00000000", words[7] == "00000000" else { continue }
            return await mtu(of: String(words[0]))
        }
        return nil
    }

    private func namespaces() -> [String] {
        guard let directory = options.netnsDirectory, let entries = opendir(directory) else { return [] }
        defer { closedir(entries) }
        var found: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("cni-") { found.append("\(directory)/\(name)") }
        }
        return found.sorted()
    }

    // MARK: - Doing

    private func perform(_ steps: [NodeNetworkStep], optional: Bool) async throws {
        for step in steps {
            do {
                try await perform(step)
            } catch {
                if optional {
                    logger.debug("\(step): \(error)")
                } else {
                    throw Failure(description: "cannot set up the node's network: \(error)")
                }
            }
        }
    }

    private func perform(_ step: NodeNetworkStep) async throws {
        switch step {
        case .makeDirectory(let path): try makeDirectory(path)
        case .write(let path, let contents): try write(contents, to: path)
        case .remove(let path): try await removeTree(path)
        case .sysctl(let path, let value):
            // Writing what is there already fails in a container with a read-only /proc/sys for no reason.
            if Self.read(path) != value { try write(value, to: path, atomically: false) }
        case .ip(let lines, let family, let force):
            guard !lines.isEmpty else { return }
            let flags = [family == .ipv4 ? "-4" : "-6"] + (force ? ["-force"] : []) + ["-batch", "-"]
            let input = lines.map { $0 + "\n" }.joined()
            try check(await Subprocess.run("ip", flags, input: input), "ip", optional: force)
        case .forward(let family, let rule, let present):
            let tool = Self.iptables(family)
            let there = try await Subprocess.run(tool, ["-w", "5", "-C", "FORWARD"] + rule).succeeded
            guard there != present else { return }
            let verb = present ? "-I" : "-D"
            try check(await Subprocess.run(tool, ["-w", "5", verb, "FORWARD"] + rule), tool, optional: false)
        case .unmount(let path):
            if umount2(path, Int32(MNT_DETACH)) != 0, errno != EINVAL, errno != ENOENT { throw systemError(path) }
        }
    }

    private func check(_ result: SubprocessResult, _ tool: String, optional: Bool) throws {
        guard !result.succeeded, !optional else { return }
        throw Failure(description: "\(tool): \(result.complaint)")
    }

    private func systemError(_ path: String) -> Failure {
        Failure(description: "\(path): \(String(cString: strerror(errno)))")
    }

    private func makeDirectory(_ path: String) throws {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/\(part)"
            if mkdir(built, 0o755) != 0, errno != EEXIST { throw systemError(built) }
        }
    }

    /// The container runtime watches the directory: a file appears there whole or not at all.
    private func write(_ contents: String, to path: String, atomically: Bool = true) throws {
        let target = atomically ? "\(path).new" : path
        let descriptor = open(target, O_WRONLY | O_CLOEXEC | (atomically ? O_CREAT | O_TRUNC : 0), 0o644)
        guard descriptor >= 0 else { throw systemError(target) }
        defer { close(descriptor) }
        var bytes = Array(contents.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw systemError(target) }
            bytes = bytes.dropFirst(count)
        }
        if atomically, rename(target, path) != 0 { throw systemError(path) }
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return String(text.reversed().drop { $0.isWhitespace }.reversed())
    }

    private func removeTree(_ path: String) async throws {
        if unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR { return }
        let result = try await Subprocess.run("rm", ["-rf", "--one-file-system", "--", path])
        try check(result, "rm", optional: false)
    }
}
