import CPlatform
import CRI
import Foundation
import KubeClient
import KubeTypes
import Logging
import PKI

/// What a machine that joins is told.
public struct AgentOptions: Sendable {
    public var directory: DataDirectory
    /// `https://HOST:PORT`; nil for a machine that has joined.
    public var server: String?
    /// A bootstrap token, and the hash of the cluster's authority to compare (`sha256:HEX`).
    public var token: String?
    public var authorityHash: String?
    public var nodeName: String?
    /// The node's own address; nil is that from which the server is reached.
    public var nodeAddress: String?
    public var containerRuntimeEndpoint: String?

    public init(directory: DataDirectory) { self.directory = directory }
}

/// `martlet agent`: a node of a cluster whose server is elsewhere, in this process, until it is told to stop.
public enum Agent {
    /// Runs until INT or TERM arrives, and then stops everything it started.
    /// - Throws: `ClusterError` with what keeps it from running.
    public static func run(_ options: AgentOptions, logLevel: LogLevel) async throws {
        let started = ForegroundProcess.start()
        let startTime = wallClockTime()
        let logger = ForegroundProcess.begin(logLevel)
        let stop = StopSignal()
        let directory = options.directory
        try directory.prepare()
        guard let lock = FileLock(path: directory.lock) else {
            throw ClusterError("an agent runs in \(directory.path) already", mend: "stop it with 'martlet down'")
        }
        defer { withExtendedLifetime(lock) {} }
        let record = try record(options)
        let machine = try Machine.claim(record.settings(in: directory, network: ClusterNetwork()))
        defer { withExtendedLifetime(machine) {} }

        var state = RunState(pid: getpid(), port: 10250, nodeName: record.name)
        state.write(path: directory.runState)
        defer { try? FileManager.default.removeItem(atPath: directory.runState) }

        // The runtime needs nothing of the cluster: it comes up while the node joins.
        let settings = record.settings(in: directory, network: ClusterNetwork())
        async let preparation = NodeStack.Ground.prepare(settings, logger: logger)
        let connection = await connect(record, directory, orStopped: stop, logger: logger)
        let ground = try await preparation
        guard let (api, network, transports) = try connection.get() else {
            // Told to stop before it could begin.
            await ground.containerd?.stop()
            return
        }
        let stack = NodeStack(
            record.settings(in: directory, network: network), api: api, ground: ground, logger: logger)
        stack.start()
        if await stack.waitUntilReady(since: startTime, orStopped: stop) {
            state.nodeReadyAfter = ForegroundProcess.milliseconds(since: started)
            state.write(path: directory.runState)
            logger.info("the node is Ready after \(state.nodeReadyAfter ?? 0) ms")
        }
        await stop.wait()
        logger.info("stopping")
        await stack.stop()
        for transport in transports { await transport.shutdown() }
    }

    /// What this machine is: as it was told, or as it was when it joined.
    private static func record(_ options: AgentOptions) throws(ClusterError) -> NodeRecord {
        let known = NodeRecord(in: options.directory)
        if let token = options.token {
            try JoinSecret(token: token, authorityHash: options.authorityHash).write(in: options.directory)
        }
        guard let server = options.server ?? known?.server else {
            throw ClusterError(
                "\(options.directory.path) belongs to no cluster yet",
                mend: "name --server and --token as 'martlet token create --print-join-command' prints them")
        }
        guard server.hasPrefix("https://"), let url = URL(string: server), let host = url.host else {
            throw ClusterError("\(server) is no server", mend: "name one like https://10.0.0.5:6443")
        }
        let name = options.nodeName ?? known?.name ?? ClusterOptions.hostName()
        guard let address = options.nodeAddress ?? known?.address ?? source(to: host, port: url.port ?? 6443) else {
            throw ClusterError("there is no way to \(host)", mend: "name this machine's address with --node-ip")
        }
        let record = NodeRecord(
            name: name, address: address, server: server, number: known?.number,
            containerRuntimeEndpoint: options.containerRuntimeEndpoint ?? known?.containerRuntimeEndpoint)
        if record != known { try record.write(in: options.directory) }
        return record
    }

    private static func source(to host: String, port: Int) -> String? {
        var text = [CChar](repeating: 0, count: 64)
        guard martlet_source_address(host, "\(port)", &text, Int32(text.count)) == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Joins where that has not been done, and waits for the server as long as it is away.
    private static func connect(
        _ record: NodeRecord, _ directory: DataDirectory, orStopped stop: StopSignal, logger: Logger
    ) async -> Result<(NodeAPI, ClusterNetwork, [HTTPSTransport])?, any Error> {
        await withTaskGroup(of: Result<(NodeAPI, ClusterNetwork, [HTTPSTransport])?, any Error>.self) { group in
            group.addTask {
                var delay = Duration.milliseconds(200)
                while true {
                    do {
                        return .success(try await connect(record, directory, logger: logger))
                    } catch let error as APIError where error.code == 503 || error.code == 429 {
                        logger.warning("\(error): trying again")
                    } catch { return .failure(error is ClusterError ? error : ClusterError("\(error)")) }
                    do { try await Task.sleep(for: delay) } catch { return .success(nil) }
                    delay = min(delay * 2, .seconds(5))
                }
            }
            group.addTask {
                await stop.wait()
                return .success(nil)
            }
            let result = await group.next() ?? .success(nil)
            group.cancelAll()
            return result
        }
    }

    private static func connect(
        _ record: NodeRecord, _ directory: DataDirectory, logger: Logger
    ) async throws -> (NodeAPI, ClusterNetwork, [HTTPSTransport]) {
        let join = NodeJoin(record: record, directory: directory, logger: logger)
        let identity = try await join.identity()
        func open(as certificate: IssuedCertificate) throws(ClusterError) -> HTTPSTransport {
            try join.transport(
                identity.authorityPEM,
                .clientCertificate(certificatePEM: certificate.certificatePEM, keyPEM: certificate.privateKeyPEM))
        }
        let transport = try open(as: identity.client)
        do {
            let client = KubeClient(transport)
            let published = try await client.get(
                ConfigMap.self, ClusterNetwork.configMap, namespace: "kube-system")
            guard let network = ClusterNetwork(published.data) else {
                throw ClusterError("the server \(record.server) is of another version of martlet")
            }
            let serving = try await join.servingCertificate(client)
            let networkTransport = try open(as: try await join.networkCertificate(client))
            let networkClient = KubeClient(networkTransport)
            let api = NodeAPI(
                kubelet: client, proxy: networkClient, dns: networkClient,
                serverCertificatePEM: serving.certificatePEM, serverKeyPEM: serving.privateKeyPEM,
                clientCAPEM: identity.authorityPEM)
            return (api, network, [transport, networkTransport])
        } catch {
            await transport.shutdown()
            throw error
        }
    }
}
