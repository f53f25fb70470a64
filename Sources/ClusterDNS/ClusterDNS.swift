// The shell of the cluster's DNS server: informers fill the records, sockets bring queries, the answerer answers.

import KubeClient
import KubeTypes
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Answers for the names of Services and pods (https://github.com/kubernetes/dns/blob/master/docs/specification.md), and
/// forwards all other queries to the machine's resolvers.
public final class ClusterDNS: Sendable {
    public struct Options: Sendable {
        /// The domain of the cluster, `cluster.local`.
        public var domain: String
        /// Addresses to listen on, UDP and TCP: the pods' gateways (`NodeNetworkOptions.gateways`).
        public var listenAddresses: [String]
        /// Need not be 53, as the Service `kube-dns` translates; 0 takes any that is free.
        public var port: Int
        /// The cluster IPs of the Service `kube-dns`, which the name `ns.dns.DOMAIN` has.
        public var serviceIPs: [String]
        /// The ranges of pods and Services: reverse names in them are never asked of other resolvers.
        public var reverseCIDRs: [String]
        /// Where the resolvers for other names are found.
        public var resolverConfiguration: String
        /// The port of those resolvers.
        public var resolverPort: Int
        /// Domains that are asked of other resolvers.
        public var stubDomains: [StubDomain]

        public init(
            domain: String = "cluster.local", listenAddresses: [String], port: Int = 53, serviceIPs: [String] = [],
            reverseCIDRs: [String] = [], resolverConfiguration: String = "/etc/resolv.conf", resolverPort: Int = 53,
            stubDomains: [StubDomain] = []
        ) {
            self.domain = domain
            self.listenAddresses = listenAddresses
            self.port = port
            self.serviceIPs = serviceIPs
            self.reverseCIDRs = reverseCIDRs
            self.resolverConfiguration = resolverConfiguration
            self.resolverPort = resolverPort
            self.stubDomains = stubDomains
        }
    }

    /// Why the server cannot listen, in one line.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var records = DNSRecords()
        var synced = false
        var ended = false
        var rotation = 0
        var port: Int?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let options: Options
    private let logger: Logger
    private let group: any EventLoopGroup
    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let namespaces: Informer<Namespace>
    private let answerer: Answerer
    private let forwarder: Forwarder
    private let state = Mutex(State())

    public init(
        client: KubeClient, options: Options, logger: Logger = Logger(label: "cluster-dns"),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.options = options
        self.logger = logger
        self.group = group
        services = Informer(client, logger: logger)
        slices = Informer(client, logger: logger)
        namespaces = Informer(client, logger: logger)
        answerer = Answerer(
            domain: DNSName(options.domain) ?? DNSName(labels: [Array("cluster".utf8), Array("local".utf8)]),
            serverAddresses: options.serviceIPs.compactMap(addressBytes),
            reverseRanges: options.reverseCIDRs.compactMap(AddressRange.init))
        forwarder = Forwarder(
            group: group, path: options.resolverConfiguration, own: Set(options.listenAddresses + options.serviceIPs),
            port: options.resolverPort, stubs: options.stubDomains)
    }

    /// The port that the server listens on; nil before it does.
    public var port: Int? { state.withLock { $0.port } }

    /// Returns once queries are answered, or `run` has ended without coming to that.
    public func waitUntilReady() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                let ready = state.ended || state.synced && state.port != nil
                if !ready { state.waiters.append(continuation) }
                return ready
            }
            if ready { continuation.resume() }
        }
    }

    /// Serves until the task is cancelled.
    /// - Throws: `Failure` if an address cannot be listened on.
    public func run() async throws {
        defer { becomeReady { $0.ended = true } }
        let server = DNSServer(group: group) { [self] bytes, overTCP in respond(bytes, overTCP: overTCP) }
        var channels: [any Channel] = []
        defer { for channel in channels { channel.close(promise: nil) } }
        var port = options.port
        for address in options.listenAddresses {
            do {
                channels += try await server.listen(address, port)
            } catch {
                throw Failure(description: "cannot answer DNS queries on \(address) port \(port): \(error)")
            }
            port = channels.last?.localAddress?.port ?? port
        }
        addHandlers()
        becomeReady { $0.port = port }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.services.run() }
            group.addTask { await self.slices.run() }
            group.addTask { await self.namespaces.run() }
            group.addTask {
                // Not `waitForSync`, which does not hear that the task was cancelled.
                while !(self.services.hasSynced && self.slices.hasSynced && self.namespaces.hasSynced) {
                    do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
                }
                self.becomeReady { $0.synced = true }
            }
        }
    }

    private func becomeReady(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            guard state.ended || state.synced && state.port != nil else {
                return [CheckedContinuation<Void, Never>]()
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func addHandlers() {
        services.addHandler { [self] change in
            state.withLock { state in
                if case .deleted(let service) = change {
                    state.records.remove(service)
                } else {
                    state.records.set(change.object)
                }
            }
        }
        slices.addHandler { [self] change in
            state.withLock { state in
                switch change {
                case .added(let slice): state.records.set(slice)
                case .updated(let old, let new):
                    if DNSRecords.owner(of: old) != DNSRecords.owner(of: new) { state.records.remove(old) }
                    state.records.set(new)
                case .deleted(let slice): state.records.remove(slice)
                }
            }
        }
        namespaces.addHandler { [self] change in
            state.withLock { state in
                if case .deleted(let namespace) = change {
                    state.records.remove(namespace: namespace.name)
                } else {
                    state.records.set(namespace: change.object.name)
                }
            }
        }
    }

    // MARK: - Answering

    private func respond(_ bytes: [UInt8], overTCP: Bool) -> DNSReply {
        let query: DNSMessage
        do {
            query = try DNSParser.message(bytes)
        } catch {
            return .now(Self.formatError(bytes))
        }
        let outcome = state.withLock { state in
            state.rotation &+= 1
            return answerer.outcome(query, &state.records, ready: state.synced, rotation: state.rotation)
        }
        let limit = Self.limit(query, overTCP: overTCP)
        switch outcome {
        case .ignore: return .now(nil)
        case .answer(let message): return .now(DNSWriter.bytes(of: message, limit: limit))
        case .forward:
            return .later { [self] in
                if let answer = await forwarder.answer(bytes, query, overTCP: overTCP) { return answer }
                var response = Answerer.response(to: query)
                response.responseCode =
                    forwarder.hasResolvers(for: query) ? DNSResponseCode.serverFailure : DNSResponseCode.refused
                return DNSWriter.bytes(of: response, limit: limit)
            }
        case .chase(let message, let target):
            return .later { [self] in
                DNSWriter.bytes(of: await chase(query, message, target, overTCP: overTCP), limit: limit)
            }
        }
    }

    /// Adds what the target of an alias stands for outside of the cluster, if anybody knows.
    private func chase(_ query: DNSMessage, _ message: DNSMessage, _ target: DNSName, overTCP: Bool) async -> DNSMessage
    {
        var inner = DNSMessage()
        inner.recursionDesired = true
        inner.questions = query.questions.map { DNSQuestion(name: target, type: $0.type, class: $0.class) }
        var message = message
        guard let bytes = await forwarder.answer(DNSWriter.bytes(of: inner), inner, overTCP: overTCP),
            let answer = try? DNSParser.message(bytes)
        else { return message }
        // Records of other types may hold compressed names, which mean nothing in another message.
        message.answers += answer.answers.filter { record in
            if case .other = record.payload { return false }
            return true
        }
        return message
    }

    /// How large an answer over UDP the client takes; no more than a pod's link carries in a few frames.
    private static func limit(_ query: DNSMessage, overTCP: Bool) -> Int {
        overTCP ? 65535 : min(max(Int(query.edns?.payloadSize ?? 512), 512), 4096)
    }

    /// The answer to bytes that are no query; nil if there is not even an id, or if it looks like an answer.
    private static func formatError(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return nil }
        var response = DNSMessage()
        response.id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        response.isResponse = true
        response.opcode = bytes[2] >> 3 & 15
        response.responseCode = DNSResponseCode.formatError
        return DNSWriter.bytes(of: response)
    }
}
