// Queries for names that are not the cluster's, sent on to the resolvers that the machine itself uses.

import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The resolvers that a `resolv.conf` names.
enum ResolverConfiguration {
    /// The addresses of `nameserver` lines, except for those that are our own, which would be a loop.
    static func nameservers(_ text: String, except own: Set<String>) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            let address = String(words[1])
            let bare = String(address.prefix { $0 != "%" })
            return addressBytes(bare) == nil || own.contains(bare) ? nil : address
        }
    }
}

final class Forwarder: Sendable {
    /// More queries than this at a time are answered with SERVFAIL, as is one that no resolver answers in time.
    static let inFlightLimit = 512
    static let timeout = TimeAmount.seconds(2)

    private struct State {
        var cache = AnswerCache()
        var inFlight = 0
        var resolvers: [String] = []
        var read: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let group: any EventLoopGroup
    private let path: String
    private let own: Set<String>
    private let port: Int
    private let stubs: [StubDomain]

    /// - Parameters:
    ///   - path: of the `resolv.conf`; it is read again every few seconds.
    ///   - own: addresses that this server listens on.
    init(group: any EventLoopGroup, path: String, own: Set<String>, port: Int = 53, stubs: [StubDomain] = []) {
        self.group = group
        self.path = path
        self.own = own
        self.port = port
        self.stubs = stubs
    }

    /// The answer as it came, with the query's id; nil if there is none.
    func answer(_ bytes: [UInt8], _ query: DNSMessage, overTCP: Bool) async -> [UInt8]? {
        let key = AnswerCache.Key(query, overTCP: overTCP)
        let now = ContinuousClock.now
        if let key, let cached = state.withLock({ $0.cache.answer(to: query, key: key, now: now) }) { return cached }
        let admitted = state.withLock { state in
            guard state.inFlight < Self.inFlightLimit else { return false }
            state.inFlight += 1
            return true
        }
        guard admitted else { return nil }
        defer { state.withLock { $0.inFlight -= 1 } }
        let candidates = resolvers(for: query, now)
        for resolver in candidates {
            // An id of our own, so that somebody who sees the client's cannot forge the answer.
            var sent = bytes
            let id = UInt16.random(in: 0...UInt16.max)
            sent[0] = UInt8(id >> 8)
            sent[1] = UInt8(id & 0xff)
            let size = Int(query.edns?.payloadSize ?? 512)
            guard var answer = try? await ask(resolver, sent, size, overTCP: overTCP), answer.count >= 12 else {
                continue
            }
            answer[0] = bytes[0]
            answer[1] = bytes[1]
            // A resolver that fails or refuses may have a better neighbour.
            let code = UInt16(answer[3] & 15)
            if code == DNSResponseCode.serverFailure || code == DNSResponseCode.refused, resolver != candidates.last {
                continue
            }
            if let key { state.withLock { [answer] in $0.cache.store(answer, key: key, now: now) } }
            return answer
        }
        return nil
    }

    func hasResolvers(for query: DNSMessage) -> Bool { !resolvers(for: query, ContinuousClock.now).isEmpty }

    private func resolvers(for query: DNSMessage, _ now: ContinuousClock.Instant) -> [StubDomain.Resolver] {
        if let name = query.questions.first?.name, let stub = StubDomain.matching(name, in: stubs) {
            return stub.resolvers
        }
        return resolvers(now).map { StubDomain.Resolver(address: $0, port: nil) }
    }

    private func resolvers(_ now: ContinuousClock.Instant) -> [String] {
        state.withLock { state in
            if let read = state.read, now - read < .seconds(5) { return state.resolvers }
            state.read = now
            state.resolvers = ResolverConfiguration.nameservers(readFile(), except: own)
            return state.resolvers
        }
    }

    private func readFile() -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }

    /// One query over a socket of its own, whose port nobody can guess.
    private func ask(_ resolver: StubDomain.Resolver, _ query: [UInt8], _ size: Int, overTCP: Bool) async throws
        -> [UInt8]
    {
        let loop = group.next()
        let promise = loop.makePromise(of: [UInt8].self)
        let address = try SocketAddress(ipAddress: resolver.address, port: resolver.port ?? port)
        let timer = loop.scheduleTask(in: Self.timeout) { promise.fail(ChannelError.connectTimeout(Self.timeout)) }
        let connected: EventLoopFuture<any Channel>
        if overTCP {
            connected = ClientBootstrap(group: loop).connectTimeout(Self.timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers(
                            ByteToMessageHandler(DNSFrameDecoder()), AnswerHandler(query, promise))
                    }
                }.connect(to: address)
        } else {
            connected = DatagramBootstrap(group: loop)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: max(size, 4096)))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers(
                            DatagramUnwrapper(), AnswerHandler(query, promise))
                    }
                }.connect(to: address)
        }
        connected.whenComplete { result in
            switch result {
            case .failure(let error): promise.fail(error)
            case .success(let channel):
                promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
                var buffer = channel.allocator.buffer(capacity: query.count + 2)
                if overTCP { buffer.writeInteger(UInt16(query.count)) }
                buffer.writeBytes(query)
                if overTCP {
                    channel.writeAndFlush(buffer, promise: nil)
                } else {
                    channel.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: buffer), promise: nil)
                }
            }
        }
        defer { timer.cancel() }
        return try await promise.futureResult.get()
    }
}

/// Takes the payload out of a datagram; a connected socket gets them from one sender only.
final class DatagramUnwrapper: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(unwrapInboundIn(data).data))
    }
}

/// Waits for the answer that belongs to a query, and overlooks all others.
final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let query: [UInt8]
    private let question: DNSQuestion?
    private let promise: EventLoopPromise<[UInt8]>

    init(_ query: [UInt8], _ promise: EventLoopPromise<[UInt8]>) {
        self.query = query
        question = (try? DNSParser.message(query))?.questions.first
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        guard bytes.count >= 12, bytes[0] == query[0], bytes[1] == query[1], bytes[2] & 0x80 != 0,
            let answer = try? DNSParser.message(bytes)
        else { return }
        // A server that could not read the question leaves it out.
        if let asked = question, let got = answer.questions.first,
            got.name.lowercased != asked.name.lowercased || got.type != asked.type
        {
            return
        }
        promise.succeed(bytes)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
