// A TCP connection to a Service, passed on to one of its endpoints.

import Glibc
import HTTPServer
import KubeTypes
import Logging
import NIOCore
import NIOPosix

struct StreamRelay: Sendable {
    private let port: UserspaceProxy.Port
    private let logger: Logger
    private static let timeout = TimeAmount.seconds(5)
    /// Endpoints that are tried for one connection, as kube-proxy's user-space mode did.
    private static let attempts = 4

    init(_ port: UserspaceProxy.Port, _ logger: Logger) {
        self.port = port
        self.logger = logger
    }

    /// Called on the event loop of the accepted connection, which reads nothing before it has a partner.
    func accept(_ channel: any Channel) {
        guard let source = channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }) else {
            channel.close(promise: nil)
            return
        }
        Self.originalDestination(of: channel).whenComplete { result in
            connect(channel, source, (try? result.get()) ?? nil, failed: [])
        }
    }

    private func connect(
        _ client: any Channel, _ source: IPAddress, _ destination: IPAddress?, failed: Set<EndpointTarget>
    ) {
        guard failed.count < Self.attempts,
            let target = port.begin(source: source, destination: destination, excluded: failed)
        else {
            client.close(promise: nil)
            return
        }
        let port = port
        ClientBootstrap(group: client.eventLoop)
            .connectTimeout(Self.timeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "\(target.address)", port: target.port)
            .whenComplete { result in
                switch result {
                case .success(let server):
                    server.closeFuture.whenComplete { _ in port.end(target) }
                    guard client.isActive else {
                        server.close(promise: nil)
                        return
                    }
                    BytePipe.join(client, server)
                    for channel in [client, server] {
                        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
                    }
                case .failure(let error):
                    port.end(target)
                    logger.debug("\(target.address):\(target.port): \(error)")
                    connect(client, source, destination, failed: failed.union([target]))
                }
            }
    }

    /// Where the client meant to go, before the packet filter led it here; nil where the kernel does not know.
    private static func originalDestination(of channel: any Channel) -> EventLoopFuture<IPAddress?> {
        guard let provider = channel as? any SocketOptionProvider, channel.localAddress?.protocol == .inet else {
            return channel.eventLoop.makeSucceededFuture(nil)
        }
        // SO_ORIGINAL_DST of linux/netfilter_ipv4.h
        let read: EventLoopFuture<sockaddr_in> = provider.unsafeGetSocketOption(
            level: .ip, name: NIOBSDSocket.Option(rawValue: 80))
        return read.map { address in
            var address = address.sin_addr
            return IPAddress(family: .ipv4, bytes: withUnsafeBytes(of: &address) { Array($0) })
        }.recover { _ in nil }
    }
}
