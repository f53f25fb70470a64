// UDP to a Service, passed on: a socket to an endpoint for each client, until it has been quiet for a while.

import KubeTypes
import NIOCore
import NIOPosix

final class DatagramRelay: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private struct Flow {
        let channel: any Channel
        var used: NIODeadline
    }

    /// Clients at a time; packets of more are dropped.
    private static let limit = 4096
    private static let idle = TimeAmount.seconds(30)
    /// Packets that wait for a flow's socket.
    private static let backlog = 16

    private let port: UserspaceProxy.Port
    private var flows: [SocketAddress: Flow] = [:]
    private var opening: [SocketAddress: [ByteBuffer]] = [:]
    private var timer: RepeatedTask?

    init(_ port: UserspaceProxy.Port) { self.port = port }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) { _ in
            bound.value.closeIdle()
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        for flow in flows.values { flow.channel.close(promise: nil) }
        context.fireChannelInactive()
    }

    /// A datagram that could not be delivered is the client's to repeat: the socket stays.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    private func closeIdle() {
        let now = NIODeadline.now()
        for flow in flows.values where now - flow.used > Self.idle { flow.channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let packet = unwrapInboundIn(data), client = packet.remoteAddress
        if let flow = flows[client] {
            flows[client]?.used = .now()
            Self.send(packet.data, by: flow.channel)
        } else if opening[client] != nil {
            if opening[client]?.count ?? 0 < Self.backlog { opening[client]?.append(packet.data) }
        } else if flows.count + opening.count < Self.limit {
            open(context, client, packet.data)
        }
    }

    private static func send(_ bytes: ByteBuffer, by channel: any Channel) {
        guard let address = channel.remoteAddress else { return }
        channel.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: bytes), promise: nil)
    }

    private func open(_ context: ChannelHandlerContext, _ client: SocketAddress, _ first: ByteBuffer) {
        guard let source = client.ipAddress.flatMap({ IPAddress($0) }),
            let target = port.begin(source: source, destination: nil, excluded: []),
            let address = try? SocketAddress(ipAddress: "\(target.address)", port: target.port)
        else { return }
        opening[client] = [first]
        let (relay, port) = (NIOLoopBound(self, eventLoop: context.eventLoop), port)
        let front = context.channel
        DatagramBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramReturn(front, client))
                }
            }.connect(to: address)
            .whenComplete { result in
                let waiting = relay.value.opening.removeValue(forKey: client) ?? []
                switch result {
                case .failure: port.end(target)
                case .success(let channel):
                    relay.value.flows[client] = Flow(channel: channel, used: .now())
                    channel.closeFuture.whenComplete { _ in
                        relay.value.flows[client] = nil
                        port.end(target)
                    }
                    for packet in waiting { Self.send(packet, by: channel) }
                }
            }
    }
}

/// An endpoint's answers, on their way back to one client.
private final class DatagramReturn: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let front: any Channel
    private let client: SocketAddress

    init(_ front: any Channel, _ client: SocketAddress) {
        self.front = front
        self.client = client
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let answer = AddressedEnvelope(remoteAddress: client, data: unwrapInboundIn(data).data)
        front.writeAndFlush(answer, promise: nil)
    }

    /// Nobody listens at the endpoint any more: the next packet gets another one.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
