import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import HTTPServer

/// A server that passes everything on to another one.
private func withProxy(
    backend: @escaping @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = standardResponder,
    prepare: @escaping @Sendable (inout ProxyPass) -> Void = { _ in },
    _ body: (HTTPServer, HTTPServer) async throws -> Void
) async throws {
    try await withServer(responder: backend) { behind in
        let port = behind.port
        try await withServer(
            responder: { request, response in
                var forwarded = request
                forwarded.headers = ProxyPass.forwardedHeaders(request)
                var pass = ProxyPass(forwarded, to: ProxyTarget(host: "127.0.0.1", port: port))
                prepare(&pass)
                pass.start(response)
            }
        ) { front in
            try await body(front, behind)
        }
    }
}

/// Upgrades every request to a protocol that answers each piece with itself in capitals, after a greeting.
@Sendable private func shouting(_ request: HTTPRequest, _ response: any HTTPResponseWriter) {
    guard response.canUpgrade else { return response.send(text: "no upgrade", .badRequest) }
    response.upgrade(headers: ["connection": "Upgrade", "upgrade": "shout"]) { channel in
        channel.pipeline.addHandler(Shout()).whenSuccess {
            channel.writeAndFlush(ByteBuffer(string: "hello "), promise: nil)
        }
    }
}

private final class Shout: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data)).uppercased()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        if text.hasSuffix("BYE") { context.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) { context.channel.read() }
}

/// Answers the first bytes it gets with all it has to say, and closes.
private final class OneShot: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: String

    init(_ answer: String) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.close(promise: nil)
    }
}

@Suite struct ProxyTests {
    @Test func passesRequestsAndAnswersOn() async throws {
        try await withProxy { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhallo")
            try await client.waitFor("hallo")
            client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("three")
            client.send("GET /a/b?c=%2F HTTP/1.1\r\nHost: x\r\nKeep-Alive: 5\r\n\r\n")
            try await client.waitFor("GET /a/b?c=%2F")
            #expect(client.text.components(of: "HTTP/1.1 200 OK") == 3)
            client.close()
        }
    }

    @Test func saysWhatIsWrongWithTheOtherServer() async throws {
        try await withProxy(prepare: { $0.target.port = 1 }) { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("dial tcp 127.0.0.1:1: connect: connection refused")
            #expect(client.text.hasPrefix("HTTP/1.1 502"))
            client.close()
        }
    }

    @Test func givesUpOnAServerThatDoesNotAnswer() async throws {
        try await withProxy(backend: { _, _ in }, prepare: { $0.headTimeout = .milliseconds(50) }) { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("timeout awaiting response headers")
            client.close()
        }
    }

    @Test func changesBodiesThatAreCollected() async throws {
        try await withProxy(prepare: { pass in
            pass.adjust = { _, headers in
                headers.replaceOrAdd(name: "x-seen", value: "yes")
                return .collect(limit: 100) { Array(String(decoding: $0, as: UTF8.self).uppercased().utf8) }
            }
        }) { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("ONE TWO THREE")
            #expect(client.text.components(of: "x-seen: yes") == 1)
            #expect(client.text.components(of: "content-length: 13") == 1)
            client.close()
        }
    }

    @Test func breaksOffWhatTheOtherServerBreaksOff() async throws {
        try await withProxy(backend: { _, response in
            response.begin(.ok, headers: ["content-length": "100"])
            response.write(ByteBuffer(string: "half"))
            response.eventLoop.scheduleTask(in: .milliseconds(20)) { response.abort() }
        }) { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitForClose()
            #expect(client.text.hasSuffix("half"))
        }
    }

    @Test func joinsUpgradedConnections() async throws {
        try await withProxy(backend: shouting) { front, behind in
            let client = try await RawConnection(port: front.port)
            // The first bytes of the new protocol come right behind the request.
            client.send(
                "POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\nContent-Length: 0\r\n\r\nearly;"
            )
            try await client.waitFor("EARLY;")
            #expect(client.text.hasPrefix("HTTP/1.1 101 Switching Protocols"))
            #expect(client.text.components(of: "hello ") == 1)
            client.send("more;")
            try await client.waitFor("MORE;")
            // More than any buffer on the way holds.
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 128 << 10)
            for _ in 0..<8 { client.send(piece) }
            try await eventually("1 MiB", seconds: 20) { client.text.utf8.count > 1 << 20 ? () : nil }
            client.send("bye")
            try await client.waitForClose()
            try await eventually("both connections closed") {
                front.connectionCount == 0 && behind.connectionCount == 0 ? () : nil
            }
        }
    }

    /// A session may be over before its beginning has been looked at: everything comes in one read.
    @Test(arguments: ["", "HTTP/1.1 100 Continue\r\n\r\n"])
    func joinsASessionThatIsOverAtOnce(before: String) async throws {
        let backend = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        OneShot(before + "HTTP/1.1 101 Hi\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nall there is"))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(backend.localAddress?.port)
        try await withServer(responder: { request, response in
            ProxyPass(request, to: ProxyTarget(host: "127.0.0.1", port: port)).start(response)
        }) { front in
            let client = try await RawConnection(port: front.port)
            client.send("GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            try await client.waitForClose()
            #expect(client.text.hasPrefix("HTTP/1.1 101"))
            #expect(client.text.hasSuffix("all there is"))
        }
        try await backend.close()
    }

    /// The other server's whole session is there, and its end, before the client's connection has changed its protocol.
    @Test(arguments: [1, 200 << 10]) func losesNothingOfAShortSession(_ size: Int) async throws {
        try await withProxy(backend: { _, response in
            response.upgrade(headers: ["connection": "Upgrade", "upgrade": "shout"]) { channel in
                channel.writeAndFlush(ByteBuffer(string: String(repeating: "x", count: size) + "end")).whenComplete {
                    _ in channel.close(promise: nil)
                }
            }
        }) { front, _ in
            for _ in 0..<20 {
                let client = try await RawConnection(port: front.port)
                client.send("GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
                try await client.waitForClose()
                #expect(client.text.hasSuffix("xend"))
                #expect(client.text.utf8.count > size)
            }
        }
    }

    @Test func passesARefusedUpgradeOn() async throws {
        try await withProxy(backend: { _, response in response.send(text: "not you", .forbidden) }) { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            try await client.waitFor("not you")
            #expect(client.text.hasPrefix("HTTP/1.1 403"))
            client.close()
        }
    }

    @Test func refusesASuccessThatIsNoUpgrade() async throws {
        try await withProxy { front, _ in
            let client = try await RawConnection(port: front.port)
            client.send("GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            try await client.waitFor("invalid upgrade response: status code 200")
            client.close()
        }
    }

    @Test func forwardsNoFieldsOfTheConnection() {
        let request = HTTPRequest(
            method: .POST, target: "/",
            headers: [
                "Connection": "close, X-Private", "X-Private": "1", "Keep-Alive": "5", "TE": "trailers", "Accept": "a",
                "X-Forwarded-For": "192.0.2.1", "Content-Length": "9",
            ], body: ByteBuffer(string: "abc"), remoteAddress: try? .init(ipAddress: "192.0.2.7", port: 1))
        let headers = ProxyPass.forwardedHeaders(request)
        #expect(headers["x-forwarded-for"] == ["192.0.2.1, 192.0.2.7"])
        #expect(headers["content-length"] == ["3"])
        #expect(Set(headers.map { $0.name.lowercased() }) == ["accept", "x-forwarded-for", "content-length"])
    }
}

@Suite struct WebSocketWriterTests {
    @Test func answersKeysAsTheStandardSays() {
        // RFC 6455, 1.3.
        #expect(WebSocketWriter.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test func framesByLength() {
        for (count, header) in [
            (0, [0x82, 0]), (125, [0x82, 125]), (126, [0x82, 126, 0, 126]), (65535, [0x82, 126, 255, 255]),
            (65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] as [(Int, [UInt8])] {
            var frame = ByteBuffer()
            WebSocketWriter.append(
                ByteBuffer(repeating: 7, count: count).readableBytesView, opcode: 2, to: &frame)
            #expect(Array(frame.readableBytesView.prefix(header.count)) == header)
            #expect(frame.readableBytes == header.count + count)
        }
    }

    @Test(arguments: [false, true]) func sendsMessages(_ lines: Bool) async throws {
        try await withServer(responder: { request, response in
            guard let socket = WebSocketWriter(request, response, lines ? .lines : .binary) else {
                return response.send(text: "no socket")
            }
            socket.begin(.ok, headers: [:])
            socket.write(ByteBuffer(string: "one\ntwo\n"))
            socket.eventLoop.scheduleTask(in: .milliseconds(5)) { socket.end() }
        }) { server in
            let client = try await RawConnection(port: server.port)
            client.send(
                "GET /log HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, binary.k8s.io\r\n\r\n"
            )
            try await client.waitForClose()
            #expect(client.text.hasPrefix("HTTP/1.1 101"))
            #expect(client.text.components(of: "sec-websocket-protocol: binary.k8s.io") == 1)
            #expect(client.text.components(of: "one\ntwo\n") == (lines ? 0 : 1))
            #expect(client.text.components(of: "\u{3}two") == (lines ? 1 : 0))
            let plain = try await RawConnection(port: server.port)
            plain.send("GET /log HTTP/1.1\r\nHost: x\r\n\r\n")
            try await plain.waitFor("no socket")
            plain.close()
        }
    }
}
