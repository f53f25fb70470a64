// A way to etcd that can be cut and mended, while etcd runs on.

import Foundation
import NIOCore
import NIOPosix

/// Listens on loopback and passes bytes on.
final class Pause: @unchecked Sendable {
    let url: String
    private let port: Int
    private let target: Int
    private let group = MultiThreadedEventLoopGroup.singleton
    private let lock = NSLock()
    private var listener: (any Channel)?
    private var connections: [any Channel] = []

    init(to url: String) async throws {
        target = URLComponents(string: url)?.port ?? 0
        let listener = try await Self.listen(on: 0, target, group) { _ in }
        port = listener.localAddress?.port ?? 0
        self.url = "http://127.0.0.1:\(port)"
        try await listener.close()
        try await mend()
    }

    private static func listen(
        on port: Int, _ target: Int, _ group: any EventLoopGroup, _ made: @escaping @Sendable (any Channel) -> Void
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                made(inbound)
                return ClientBootstrap(group: inbound.eventLoop)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outbound in
                        made(outbound)
                        try outbound.pipeline.syncOperations.addHandler(Relay(inbound))
                        try inbound.pipeline.syncOperations.addHandler(Relay(outbound))
                        _ = inbound.setOption(.autoRead, value: true)
                    }
            }
            .bind(host: "127.0.0.1", port: port).get()
    }

    func mend() async throws {
        let listener = try await Self.listen(on: port, target, group) { channel in
            self.lock.withLock { self.connections.append(channel) }
        }
        lock.withLock { self.listener = listener }
    }

    func cut() async {
        let channels = lock.withLock {
            defer { (listener, connections) = (nil, []) }
            return [listener].compactMap { $0 } + connections
        }
        for channel in channels { try? await channel.close() }
    }

    func stop() {
        let channels = lock.withLock { [listener].compactMap { $0 } + connections }
        for channel in channels { channel.close(promise: nil) }
    }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel

        init(_ other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
