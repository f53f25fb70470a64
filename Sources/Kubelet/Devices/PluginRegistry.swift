// The plugins of the node: found by the sockets that they put into a directory, asked what they are, and let go when
// their sockets are gone.

import CRI
import Glibc
import KubeClient
import KubeTypes
import Logging
import Synchronization

/// How plugins are reached, for tests to stand in.
protocol PluginAccess: Sendable {
    func info(at socket: String) async throws -> PluginInfo
    func notify(at socket: String, problem: String?) async throws
    func driver(at socket: String, version: String) throws -> any ResourceDriver
}

struct SocketPlugins: PluginAccess {
    func info(at socket: String) async throws -> PluginInfo { try await PluginRegistration.info(at: socket) }
    func notify(at socket: String, problem: String?) async throws {
        try await PluginRegistration.notify(at: socket, problem: problem)
    }
    func driver(at socket: String, version: String) throws -> any ResourceDriver {
        try ResourceDriverClient(socket: socket, version: version)
    }
}

final class PluginRegistry: Sendable {
    /// A socket; one that is made anew under the same name is another.
    private struct Socket: Hashable {
        let path: String
        let inode: UInt
    }

    private struct Registration {
        let socket: Socket
        let name: String
        let endpoint: String
        let driver: any ResourceDriver
    }

    private struct State {
        var sockets: Set<Socket> = []
        /// Those that could not be asked, and when to try again.
        var failures: [Socket: (count: Int, retry: ContinuousClock.Instant)] = [:]
        /// In the order in which they came.
        var drivers: [Registration] = []
    }

    private let directory: String
    private let paths: NodePaths
    private let access: any PluginAccess
    private let logger: Logger
    private let state = Mutex(State())
    /// Told of a driver that has gone from the node, and of one that has come.
    private let changed: @Sendable (_ name: String, _ isThere: Bool) -> Void

    init(
        directory: String, paths: NodePaths, access: any PluginAccess, logger: Logger,
        changed: @escaping @Sendable (_ name: String, _ isThere: Bool) -> Void
    ) {
        self.directory = directory
        self.paths = paths
        self.access = access
        self.logger = logger
        self.changed = changed
    }

    /// Drivers of that name, the newest first: there are two for a moment where one replaces another.
    func drivers(named name: String) -> [any ResourceDriver] {
        state.withLock { $0.drivers.filter { $0.name == name }.reversed().map(\.driver) }
    }

    /// Follows the directory until the task is cancelled.
    func run() async {
        do { try Files.makeDirectory(directory, mode: 0o750) } catch {
            logger.error("\(directory): \(error)")
        }
        while !Task.isCancelled {
            await look()
            try? await Task.sleep(for: .seconds(1))
        }
        for registration in state.withLock({ $0.drivers }) { registration.driver.close() }
    }

    /// Takes in what has come and lets go of what has gone.
    func look() async {
        let found = sockets()
        let gone = state.withLock { state in
            let gone = state.drivers.filter { !found.contains($0.socket) }
            state.drivers.removeAll { !found.contains($0.socket) }
            state.sockets.formIntersection(found)
            state.failures = state.failures.filter { found.contains($0.key) }
            return gone
        }
        for registration in gone {
            logger.info("plugin \(registration.name) has gone")
            registration.driver.close()
            if drivers(named: registration.name).isEmpty { changed(registration.name, false) }
        }
        let now = ContinuousClock.now
        let new = state.withLock { state in
            found.filter { !state.sockets.contains($0) && (state.failures[$0]?.retry ?? now) <= now }
        }
        for socket in new.sorted(by: { $0.path < $1.path }) { await register(socket) }
    }

    /// Sockets in the directory and one level below.
    private func sockets() -> Set<Socket> {
        var found: Set<Socket> = []
        func add(_ directory: String, deeper: Bool) {
            for name in Files.list(directory) where !name.hasPrefix(".") {
                let path = "\(directory)/\(name)"
                var info = stat()
                guard lstat(path, &info) == 0 else { continue }
                switch info.st_mode & S_IFMT {
                case S_IFSOCK: found.insert(Socket(path: path, inode: UInt(info.st_ino)))
                case S_IFDIR where deeper: add(path, deeper: false)
                default: continue
                }
            }
        }
        add(directory, deeper: true)
        return found
    }

    private func register(_ socket: Socket) async {
        do {
            let info = try await access.info(at: socket.path)
            let problem = admit(info, socket)
            if let problem { logger.warning("plugin at \(socket.path): \(problem)") }
            try await access.notify(at: socket.path, problem: problem)
            state.withLock { state in
                state.sockets.insert(socket)
                state.failures[socket] = nil
            }
            guard problem == nil else { return }
            logger.info("plugin \(info.name) is registered")
            changed(info.name, true)
        } catch {
            logger.debug("plugin at \(socket.path): \(error)")
            state.withLock { state in
                state.drivers.removeAll { $0.socket == socket }
                let count = (state.failures[socket]?.count ?? 0) + 1
                state.failures[socket] = (count, .now + .seconds(min(120, 1 << min(count - 1, 7))))
            }
        }
    }

    /// Takes a plugin in. What is wrong with it, in the words it is told.
    private func admit(_ info: PluginInfo, _ socket: Socket) -> String? {
        guard info.type == "DRAPlugin" else {
            return
                "RegisterPlugin error -- no handler registered for plugin type: \(info.type) at socket \(socket.path)"
        }
        let endpoint = info.endpoint.isEmpty ? socket.path : paths.own(info.endpoint)
        func problem(_ why: String) -> String {
            "RegisterPlugin error -- plugin validation failed with err: \(why)"
        }
        if info.versions.isEmpty {
            return problem(
                "invalid supported gRPC versions of DRA driver plugin \(info.name) at endpoint \(endpoint): "
                    + "empty list of supported gRPC services (aka supported versions)")
        }
        guard let version = ResourceDriverClient.versions.first(where: info.versions.contains) else {
            let known = ResourceDriverClient.versions.joined(separator: ", ")
            return problem(
                "invalid supported gRPC versions of DRA driver plugin \(info.name) at endpoint \(endpoint): "
                    + "none of the supported gRPC services (aka supported versions) \(info.versions) is known: \(known)"
            )
        }
        return state.withLock { state in
            if state.drivers.contains(where: { $0.name == info.name && $0.endpoint == endpoint }) {
                return problem("endpoint \(endpoint) already registered for DRA driver plugin \(info.name)")
            }
            do {
                state.drivers.append(
                    Registration(
                        socket: socket, name: info.name, endpoint: endpoint,
                        driver: try access.driver(at: endpoint, version: version)))
                return nil
            } catch { return problem("\(error)") }
        }
    }
}

/// Where the paths of manifests are on this node.
///
/// Charts and manifests of drivers know one place for what a kubelet keeps, `/var/lib/kubelet`. Nodes of one machine keep
/// theirs beside each other, so that such a path means the node's own directory.
struct NodePaths: Sendable {
    static let customary = "/var/lib/kubelet"
    let root: String

    func own(_ path: String) -> String {
        guard path == Self.customary || path.hasPrefix(Self.customary + "/") else { return path }
        return root + path.dropFirst(Self.customary.count)
    }
}
