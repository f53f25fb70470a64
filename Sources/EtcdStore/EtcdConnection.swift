// The connections to etcd's members, and calls that fail in the store's words.

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCPings
import GRPCProtobuf
import Logging
import Storage
import Synchronization

/// A client of each member, one of which is used until it fails; then the next is.
final class EtcdConnection: Sendable {
    typealias Transport = HTTP2ClientTransport.Posix

    struct Member: Sendable {
        let url: String
        let client: GRPCClient<Transport>
        let connections: Task<Void, Never>

        var values: Etcdserverpb_KV.Client<Transport> { .init(wrapping: client) }
        var watches: Etcdserverpb_Watch.Client<Transport> { .init(wrapping: client) }
        var maintenance: Etcdserverpb_Maintenance.Client<Transport> { .init(wrapping: client) }
    }

    private let members: [Member]
    private let current = Atomic<Int>(0)
    private let timeout: Duration
    private let logger: Logger

    /// - Throws: `StoreError.failed` where an address or a file is no good. Whether anybody answers is not asked.
    init(_ configuration: EtcdConfiguration, logger: Logger) throws(StoreError) {
        guard !configuration.servers.isEmpty else { throw .failed("no etcd server is named") }
        timeout = configuration.callTimeout
        self.logger = logger
        var members: [Member] = []
        for url in configuration.servers {
            let endpoint = try EtcdEndpoint(url)
            let client: GRPCClient<Transport>
            do {
                client = GRPCClient(transport: try Self.transport(endpoint, configuration))
            } catch {
                for member in members { member.connections.cancel() }
                throw .failed("\(url): \(error)")
            }
            let connections = Task {
                do { try await client.runConnections() } catch { logger.debug("connection to \(url) ended: \(error)") }
            }
            members.append(Member(url: url, client: client, connections: connections))
        }
        self.members = members
    }

    private static func transport(_ endpoint: EtcdEndpoint, _ configuration: EtcdConfiguration) throws -> Transport {
        let target: any ResolvableTarget =
            switch endpoint.kind {
            case .ipv4: .ipv4(address: endpoint.host, port: endpoint.port)
            case .ipv6: .ipv6(address: endpoint.host, port: endpoint.port)
            case .name: .dns(host: endpoint.host, port: endpoint.port)
            }
        return try Transport(
            target: target,
            transportSecurity: endpoint.isSecure ? .tls(tls(configuration)) : .plaintext,
            config: .defaults { config in
                // A member that was restarted is noticed soon.
                config.backoff.initial = .milliseconds(50)
                config.backoff.max = .seconds(1)
                config.connection.maxIdleTime = nil
                // A member whose machine is gone says nothing: ask. More often, and etcd takes it for an attack.
                config.connection.keepalive = .init(
                    time: .seconds(30), timeout: .seconds(10), allowWithoutCalls: false)
                config.channelDebuggingCallbacks.onCreateTCPConnection = PingAnswerHandler.install
            })
    }

    private static func tls(_ configuration: EtcdConfiguration) -> Transport.TransportSecurity.TLS {
        .defaults { tls in
            if let authority = configuration.authorityFile {
                tls.trustRoots = .certificates([.file(path: authority, format: .pem)])
            }
            if let certificate = configuration.certificateFile, let key = configuration.keyFile {
                tls.certificateChain = [.file(path: certificate, format: .pem)]
                tls.privateKey = .file(path: key, format: .pem)
            }
        }
    }

    /// The member that is used now, and its number.
    var member: (number: Int, Member) {
        let number = current.load(ordering: .relaxed)
        return (number, members[number])
    }

    /// Turns to the next member, unless somebody has already.
    func leave(_ number: Int) {
        guard members.count > 1 else { return }
        let next = (number + 1) % members.count
        if current.compareExchange(expected: number, desired: next, ordering: .relaxed).exchanged {
            logger.info("etcd \(members[number].url) does not answer; turning to \(members[next].url)")
        }
    }

    static var options: CallOptions {
        var options = CallOptions.defaults
        // Whoever asks while nobody is there shall hear it, and not wait.
        options.waitForReady = false
        // Pages of large objects, and what was missed while a connection was broken.
        options.maxResponseMessageBytes = 1 << 30
        options.maxRequestMessageBytes = 1 << 30
        return options
    }

    /// Asks the member of the moment.
    /// - Parameter repeats: whether the other members are asked where it does not answer: for what changes nothing.
    func call<Result: Sendable>(
        repeats: Bool = false, _ body: @Sendable (Member, CallOptions) async throws -> Result
    ) async throws(StoreError) -> Result {
        var left = repeats ? members.count : 1
        while true {
            left -= 1
            let (number, member) = member
            var options = Self.options
            options.timeout = timeout
            do {
                return try await body(member, options)
            } catch {
                if Self.isAway(error) {
                    leave(number)
                    if left > 0 { continue }
                }
                throw Self.translated(error)
            }
        }
    }

    /// Whether a member, rather than what it was asked, is the reason for an error.
    static func isAway(_ error: any Error) -> Bool {
        guard let error = error as? RPCError else { return false }
        return error.code == .unavailable || error.code == .deadlineExceeded
    }

    static func translated(_ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let error = error as? RPCError else { return .failed("etcd: \(error)") }
        switch error.code {
        case .unavailable:
            // Not everybody wants to hear how a client waits.
            let why = error.message.replacing(
                "Channel is in a transient failure state and 'wait for ready' isn't enabled. ", with: "")
            return .failed("etcd is not available: \(error.cause.map { "\(why) (\($0))" } ?? why)")
        case .deadlineExceeded: return .failed("etcd does not answer in time")
        default: return .failed("etcd: \(error.message.isEmpty ? "\(error.code)" : error.message)")
        }
    }

    /// What etcd says of a revision that it does not hold.
    enum RevisionProblem { case compacted, future }

    static func revisionProblem(_ error: StoreError) -> RevisionProblem? {
        guard case .failed(let why) = error else { return nil }
        if why.hasSuffix("required revision has been compacted") { return .compacted }
        return why.hasSuffix("required revision is a future revision") ? .future : nil
    }

    func close() async {
        for member in members { member.client.beginGracefulShutdown() }
        for member in members {
            member.connections.cancel()
            await member.connections.value
        }
    }
}
