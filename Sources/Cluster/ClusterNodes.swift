import CRI
import Foundation
import KubeClient
import KubeTypes
import Logging
import ServiceProxy

/// The further nodes of the server's machine, each a process in a network namespace of its own with a containerd of its
/// own: `martlet node add`, `stop`, `start`, `remove`.
public struct ClusterNodes: Sendable {
    private static let patience = 120.0

    private let directory: DataDirectory

    public init(_ directory: DataDirectory) { self.directory = directory }

    /// One node with its directory.
    private struct Entry: Sendable {
        var record: NodeRecord
        var directory: DataDirectory

        var isRunning: Bool { FileLock.isHeld(path: directory.lock) }
        /// Nil for a record that somebody has changed.
        var namespace: NodeNamespace? {
            record.number.flatMap {
                NodeNamespace(
                    node: record.name, number: $0, range: Addresses.machineLink, firstAddresses: [Addresses.node])
            }
        }
    }

    private var entries: [Entry] {
        Files.list(directory.nodes).compactMap { name in
            let own = DataDirectory(path: "\(directory.nodes)/\(name)")
            return NodeRecord(in: own).map { Entry(record: $0, directory: own) }
        }
    }

    private func entry(_ name: String) throws(ClusterError) -> Entry {
        guard let entry = entries.first(where: { $0.record.name == name }) else {
            throw ClusterError("there is no node \(name) in \(directory.path)", mend: "see 'martlet node ls'")
        }
        return entry
    }

    private func requireRoot() throws(ClusterError) {
        guard geteuid() == 0 else { throw ClusterError("nodes need root", mend: "run as root") }
    }

    /// The running server.
    private func server() throws(ClusterError) -> RunState {
        guard FileLock.isHeld(path: directory.lock), let state = RunState(path: directory.runState),
            NodeRecord(in: directory) == nil
        else {
            throw ClusterError(
                "no cluster runs in \(directory.path)", mend: "start one with 'martlet up', or name its --data-dir")
        }
        guard !state.nodeName.isEmpty else {
            throw ClusterError(
                "the cluster in \(directory.path) has no node of its own to join others to",
                mend: "start it without --no-node")
        }
        return state
    }

    // MARK: Adding and removing

    /// Makes a node and waits until it is Ready.
    /// - Parameter name: nil: the server's node's, and a number.
    /// - Returns: what to tell the user.
    public func add(_ name: String?) async throws -> String {
        try requireRoot()
        let server = try server()
        let existing = entries
        let used = Set(existing.compactMap(\.record.number))
        guard let number = (2..<255).first(where: { !used.contains($0) }) else {
            throw ClusterError("there are 253 further nodes on this machine already")
        }
        let name = name ?? "\(server.nodeName)-\(number)"
        let allowed = name.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || $0 == UInt8(ascii: "-")
        }
        guard allowed, !name.hasPrefix("-"), !name.hasSuffix("-"), (1...63).contains(name.utf8.count) else {
            throw ClusterError("\(name) is no name for a node", mend: "take lower case letters, digits and dashes")
        }
        guard name != server.nodeName, !existing.contains(where: { $0.record.name == name }) else {
            throw ClusterError("there is a node \(name) already", mend: "choose another name")
        }
        let own = DataDirectory(path: "\(directory.nodes)/\(name)")
        try own.prepare()
        guard
            let namespace = NodeNamespace(
                node: name, number: number, range: Addresses.machineLink, firstAddresses: [Addresses.node])
        else { throw ClusterError("there is no address for a node \(number)") }
        let record = NodeRecord(
            name: name, address: namespace.address, server: "https://\(Addresses.node):\(server.port)",
            number: number)
        try record.write(in: own)
        let entry = Entry(record: record, directory: own)
        let state: RunState
        do {
            state = try await start(entry)
        } catch {
            await stop(entry)
            await namespace.remove(logger: Self.quiet)
            try? own.remove()
            throw error
        }
        await copyImages(to: entry)
        return "node \(name) (\(record.address)) was Ready after "
            + DetachedCluster.seconds(state.nodeReadyAfter ?? 0)
    }

    /// Stops a node, and removes it and its pods from the cluster and all that it has from the machine.
    public func remove(_ name: String) async throws -> String {
        try requireRoot()
        let entry = try entry(name)
        if FileLock.isHeld(path: directory.lock) {
            try await Administrator.call(directory) { client in
                do throws(APIError) {
                    // Nothing new goes there, and what was there is replaced elsewhere.
                    try await client.modify(Node.self, name) { node in
                        node.spec.unschedulable = true
                        return true
                    }
                } catch { if !error.isNotFound { throw error } }
            }
        }
        await stop(entry)
        if FileLock.isHeld(path: directory.lock) {
            try await Administrator.call(directory) { client in
                let pods = try await client.list(Pod.self, fieldSelector: "spec.nodeName=\(name)").items
                var options = DeleteOptions()
                options.gracePeriodSeconds = 0
                for pod in pods {
                    do throws(APIError) {
                        try await client.delete(Pod.self, pod.name, namespace: pod.namespace, options: options)
                    } catch { if !error.isNotFound { throw error } }
                }
                do throws(APIError) { try await client.delete(Node.self, name) } catch {
                    if !error.isNotFound { throw error }
                }
            }
        }
        await entry.namespace?.remove(logger: Self.quiet)
        Files.unmountAll(below: entry.directory.path)
        try entry.directory.remove()
        return "node \(name) is removed"
    }

    // MARK: Stopping and starting

    /// Starts a node that was stopped.
    public func start(_ name: String) async throws -> String {
        try requireRoot()
        _ = try server()
        let entry = try entry(name)
        guard !entry.isRunning else { return "node \(name) runs already" }
        let state = try await start(entry)
        return "node \(name) was Ready after " + DetachedCluster.seconds(state.nodeReadyAfter ?? 0)
    }

    /// Stops a node: its pods are ended in good order, or, with `suddenly`, all of it at once, as when a machine loses its
    /// power. The cluster is not told.
    public func stop(_ name: String, suddenly: Bool) async throws -> String {
        try requireRoot()
        let entry = try entry(name)
        try NodeRecord.note(isStopped: true, in: entry.directory)
        if suddenly {
            await entry.namespace?.unplug(logger: Self.quiet)
            await NodeProcesses(entry.directory).kill()
            unlink(entry.directory.runState)
            return "node \(name) is dead"
        }
        await stop(entry)
        return "node \(name) is stopped"
    }

    /// A line for each node.
    public func lines() -> [String] {
        entries.map { entry in
            let how =
                if entry.isRunning {
                    "runs, process \(RunState(path: entry.directory.runState)?.pid ?? 0)"
                } else {
                    NodeRecord.isStopped(in: entry.directory) ? "stopped" : "does not run"
                }
            return "\(entry.record.name)  \(entry.record.address)  \(how)"
        }
    }

    /// The names of nodes that were stopped on purpose.
    var stopped: Set<String> {
        Set(entries.filter { NodeRecord.isStopped(in: $0.directory) && !$0.isRunning }.map(\.record.name))
    }

    /// The directories of nodes that run.
    var running: [DataDirectory] { entries.filter(\.isRunning).map(\.directory) }

    /// Whether there is any.
    var isEmpty: Bool { entries.isEmpty }

    /// Brings up again what ran when the cluster ended.
    func startRecorded(logger: Logger) async {
        await withTaskGroup(of: Void.self) { group in
            for entry in entries where !NodeRecord.isStopped(in: entry.directory) {
                group.addTask {
                    do {
                        if entry.isRunning {
                            // It outlived the server. What it is plugged into may not have.
                            try await entry.namespace?.create()
                        } else {
                            _ = try await start(entry)
                        }
                    } catch { logger.error("node \(entry.record.name): \(error)") }
                }
            }
        }
    }

    /// Stops all nodes in good order, without noting that they were stopped.
    func stopAll() async {
        await withTaskGroup(of: Void.self) { group in
            for entry in entries { group.addTask { await stop(entry) } }
        }
        for entry in entries { await entry.namespace?.remove(logger: Self.quiet) }
    }

    private func start(_ entry: Entry) async throws -> RunState {
        guard let namespace = entry.namespace else { throw ClusterError("\(entry.directory.path) is damaged") }
        do { try await namespace.create() } catch {
            throw ClusterError("the network of node \(entry.record.name): \(error)")
        }
        let kept = try? KeptCertificate.read("kubelet-client", in: entry.directory.pki)
        if kept == nil {
            let token = try await JoinTokens(directory).create(goodFor: 600, description: "node \(entry.record.name)")
            try JoinSecret(token: token, authorityHash: nil).write(in: entry.directory)
        }
        try NodeRecord.note(isStopped: false, in: entry.directory)
        let command = namespace.enteringAsHost(DetachedProcess.program, ["agent", "--data-dir", entry.directory.path])
        guard let enter = Subprocess.find(command.program) else {
            throw ClusterError("\(command.program) is missing", mend: "apt-get install util-linux")
        }
        return try await DetachedProcess.start(
            enter, command.arguments, in: entry.directory, what: "node \(entry.record.name)", patience: Self.patience
        ) { $0.nodeReadyAfter != nil }
    }

    /// In its own network namespace the node's directory is taken down like any other.
    private func stop(_ entry: Entry) async {
        guard let namespace = entry.namespace, Files.exists(namespace.path) else { return }
        let command = namespace.entering(DetachedProcess.program, ["down", "--data-dir", entry.directory.path])
        _ = try? await Subprocess.run(command.program, command.arguments)
    }

    private static let quiet: Logger = {
        var logger = Logger(label: "martlet")
        logger.logLevel = .error
        return logger
    }()

    // MARK: Images

    /// What was loaded from files into the server's node: a new node has it as well.
    private func copyImages(to entry: Entry) async {
        let source = Machine.containerdOptions(directory)
        let target = Machine.containerdOptions(entry.directory)
        let store = ImageStore(socket: source.socket, dataDir: source.dataDir)
        let archive = entry.directory.path + "/images.tar"
        defer { unlink(archive) }
        let own = ImageStore(socket: target.socket, dataDir: target.dataDir)
        for name in store.loaded() where !own.isLoaded(name) {
            do {
                try await store.save(name, to: archive)
                try await own.load(tar: archive)
            } catch { Self.quiet.error("image \(name): \(error)") }
        }
    }
}
