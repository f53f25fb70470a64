import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Testing

/// An HTTP/2 client without TLS that shows every frame of its streams.
final class H2Client: Sendable {
    struct Stream {
        var status: String?
        var headers: HPACKHeaders = [:]
        var body: [UInt8] = []
        var ended = false
        var reset: HTTP2ErrorCode?
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct State {
        var streams: [Int: Stream] = [:]
        var goAway: [Int] = []
        var closed = false
        var next = 1
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame
        typealias OutboundOut = HTTP2Frame
        let state: NIOLockedValueBox<State>
        let takesData: Bool
        init(_ state: NIOLockedValueBox<State>, takesData: Bool) {
            self.state = state
            self.takesData = takesData
        }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            let id = Int(frame.streamID)
            var taken = 0
            state.withLockedValue { state in
                switch frame.payload {
                case .headers(let headers):
                    if let status = headers.headers.first(name: ":status") {
                        state.streams[id, default: Stream()].status = status
                        state.streams[id, default: Stream()].headers = headers.headers
                    }
                    if headers.endStream { state.streams[id, default: Stream()].ended = true }
                case .data(let data):
                    if case .byteBuffer(let bytes) = data.data {
                        taken = bytes.readableBytes
                        state.streams[id, default: Stream()].body += bytes.readableBytesView
                    }
                    if data.endStream { state.streams[id, default: Stream()].ended = true }
                case .rstStream(let code): state.streams[id, default: Stream()].reset = code
                case .goAway(let last, _, _): state.goAway.append(Int(last))
                default: break
                }
            }
            if takesData, taken > 0 {
                for stream in [frame.streamID, .rootStream] {
                    let update = HTTP2Frame(streamID: stream, payload: .windowUpdate(windowSizeIncrement: taken))
                    context.write(wrapOutboundOut(update), promise: nil)
                }
                context.flush()
            }
        }
        func channelInactive(context: ChannelHandlerContext) { state.withLockedValue { $0.closed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {}
    }

    let state = NIOLockedValueBox(State())
    let channel: any Channel

    /// - Parameter takesData: false leaves the flow control windows as they are, as a client does that reads nothing.
    init(port: Int, takesData: Bool = true) async throws {
        let state = state
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOHTTP2Handler(mode: .client))
                    try channel.pipeline.syncOperations.addHandler(Collector(state, takesData: takesData))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func write(_ stream: Int, _ payload: HTTP2Frame.FramePayload) {
        channel.writeAndFlush(HTTP2Frame(streamID: HTTP2StreamID(stream), payload: payload), promise: nil)
    }

    /// Begins a request and returns its stream.
    func begin(_ method: String, _ path: String, _ fields: HPACKHeaders = [:], end: Bool = true) -> Int {
        let stream = state.withLockedValue { state in
            defer { state.next += 2 }
            return state.next
        }
        var headers: HPACKHeaders = [
            ":method": method, ":path": path, ":scheme": "http", ":authority": "x.example",
        ]
        for (name, value, _) in fields { headers.add(name: name, value: value) }
        write(stream, .headers(.init(headers: headers, endStream: end)))
        return stream
    }

    func data(_ stream: Int, _ bytes: [UInt8], end: Bool) {
        write(stream, .data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)))
    }

    subscript(stream: Int) -> Stream { state.withLockedValue { $0.streams[stream] ?? Stream() } }

    func answer(_ stream: Int) async throws -> Stream {
        try await eventually("the end of stream \(stream)", seen: { "\(self[stream].status ?? "nothing")" }) {
            let answer = self[stream]
            return answer.ended || answer.reset != nil ? answer : nil
        }
    }

    func waitForClose() async throws {
        try await eventually("close") { self.state.withLockedValue { $0.closed } ? () : nil }
    }

    func close() { channel.close(promise: nil) }
}

@Suite struct HTTP2Tests {
    @Test func answers() async throws {
        try await withServer(responder: { request, response in
            response.send(
                .ok, headers: ["Content-Type": "text/plain", "Connection": "keep-alive"],
                body: [
                    ByteBuffer(
                        string: "\(request.method) \(request.target) \(request.headers.first(name: "host") ?? "")")
                ])
        }) { server in
            let client = try await H2Client(port: server.port)
            let answer = try await client.answer(client.begin("GET", "/a?b"))
            #expect(answer.status == "200")
            #expect(answer.text == "GET /a?b x.example")
            #expect(answer.headers.first(name: "content-length") == "18")
            #expect(answer.headers.first(name: "content-type") == "text/plain")
            #expect(answer.headers.first(name: "date")?.hasSuffix("GMT") == true)
            #expect(answer.headers.first(name: "connection") == nil)
            let head = try await client.answer(client.begin("HEAD", "/a?b"))
            #expect(head.status == "200")
            #expect(head.body.isEmpty)
            #expect(head.headers.first(name: "content-length") == "19")
            client.close()
        }
    }

    @Test func manyStreamsAtOnce() async throws {
        try await withServer { server in
            let client = try await H2Client(port: server.port)
            let streams = (0..<200).map { ($0, client.begin("GET", "/later?\($0)")) }
            for (index, stream) in streams {
                #expect(try await client.answer(stream).text == "later /later?\(index)")
            }
            client.close()
        }
    }

    @Test func largeBodiesGoBothWays() async throws {
        try await withServer { server in
            let client = try await H2Client(port: server.port)
            var generator = SystemRandomNumberGenerator()
            let body = (0..<2_500_000 / 8).flatMap { _ in
                withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
            }
            let stream = client.begin("POST", "/echo", ["content-length": "\(body.count)"], end: false)
            client.data(stream, body, end: true)
            let answer = try await client.answer(stream)
            #expect(answer.status == "200")
            #expect(answer.body == body)
            // The windows must be whole again for the next one.
            let second = client.begin("POST", "/size", end: false)
            client.data(second, body, end: true)
            #expect(try await client.answer(second).text == "\(body.count)")
            client.close()
        }
    }

    /// Part sizes around those at which frames are put together.
    @Test(arguments: [
        [0], [1], [0, 5, 0], [8191, 1], [8192, 1, 8192], [5000, 5000, 5000, 5000], [100_000, 1, 20_000],
    ])
    func partsArriveInOrder(_ sizes: [Int]) async throws {
        let parts = sizes.enumerated().map { [UInt8](repeating: UInt8(0x61 + $0), count: $1) }
        try await withServer(responder: { _, response in
            response.send(.ok, headers: [:], body: parts.map { ByteBuffer(bytes: $0) })
        }) { server in
            let client = try await H2Client(port: server.port)
            let answer = try await client.answer(client.begin("GET", "/"))
            #expect(answer.body == parts.flatMap { $0 })
            #expect(answer.headers.first(name: "content-length") == "\(sizes.reduce(0, +))")
            client.close()
        }
    }

    @Test func manySmallPartsArriveInOrder() async throws {
        let parts = (0..<3000).map { Array("item \($0),".utf8) + [UInt8](repeating: 0x2e, count: $0 % 700) }
        try await withServer(responder: { _, response in
            response.send(.ok, headers: [:], body: parts.map { ByteBuffer(bytes: $0) })
        }) { server in
            let client = try await H2Client(port: server.port)
            #expect(try await client.answer(client.begin("GET", "/")).body == parts.flatMap { $0 })
            client.close()
        }
    }

    @Test(arguments: [["content-length": "2000"], [:]] as [HPACKHeaders])
    func bodiesAboveTheLimitAreRefused(_ headers: HPACKHeaders) async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 1000
        try await withServer(
            limits: limits, onTooLarge: { request, response in response.send(text: "too much", .payloadTooLarge) }
        ) { server in
            let client = try await H2Client(port: server.port)
            let stream = client.begin("POST", "/echo", headers, end: false)
            client.data(stream, [UInt8](repeating: 0, count: 1001), end: false)
            let answer = try await client.answer(stream)
            #expect(answer.status == "413")
            #expect(answer.text == "too much")
            // Who goes on sending is told to stop, and the connection goes on.
            try await eventually("a reset") { client[stream].reset == .noError ? () : nil }
            #expect(try await client.answer(client.begin("GET", "/x")).text == "GET /x")
            client.close()
        }
    }

    @Test func tooManyStreamsAreRefused() async throws {
        var limits = HTTPServer.Limits()
        limits.concurrentStreams = 2
        try await withServer(limits: limits) { server in
            let client = try await H2Client(port: server.port)
            // NIO's client keeps to the limit once it knows it: the third waits for a place.
            let streams = (0..<3).map { _ in client.begin("GET", "/slow") }
            for stream in streams {
                let answer = try await client.answer(stream)
                #expect(answer.text == "slow" || answer.reset == .refusedStream)
            }
            client.close()
        }
    }

    @Test func aResetIsHeardOf() async throws {
        let gone = NIOLockedValueBox(false)
        try await withServer(responder: { _, response in
            response.begin(.ok, headers: [:])
            response.write(ByteBuffer(string: "hello"))
            response.onClose { gone.withLockedValue { $0 = true } }
        }) { server in
            let client = try await H2Client(port: server.port)
            let stream = client.begin("GET", "/")
            try await eventually("hello") { client[stream].text == "hello" ? () : nil }
            #expect(!gone.withLockedValue { $0 })
            client.write(stream, .rstStream(.cancel))
            try await eventually("onClose") { gone.withLockedValue { $0 } ? () : nil }
            client.close()
        }
    }

    @Test func streamsComePieceByPiece() async throws {
        try await withServer { server in
            let client = try await H2Client(port: server.port)
            let answer = try await client.answer(client.begin("GET", "/stream"))
            #expect(answer.text == "one two three")
            #expect(answer.headers.first(name: "content-length") == nil)
            client.close()
        }
    }

    @Test func pendingBytesFollowTheWindow() async throws {
        let writer = NIOLockedValueBox<(any HTTPResponseWriter)?>(nil)
        try await withServer(responder: { _, response in
            response.begin(.ok, headers: [:])
            writer.withLockedValue { $0 = response }
        }) { server in
            let client = try await H2Client(port: server.port, takesData: false)
            let stream = client.begin("GET", "/")
            let response = try await eventually("a request") { writer.withLockedValue { $0 } }
            for _ in 0..<20 { response.write(ByteBuffer(repeating: 0x61, count: 10_000)) }
            // 65,535 bytes fit the window that a client begins with.
            try await eventually("the window's worth") { client[stream].body.count == 65_535 ? () : nil }
            #expect((130_000...140_000).contains(response.pendingBytes))
            for id in [0, stream] { client.write(id, .windowUpdate(windowSizeIncrement: 1_000_000)) }
            try await eventually("the rest") { client[stream].body.count == 200_000 ? () : nil }
            try await eventually("nothing pending") { response.pendingBytes == 0 ? () : nil }
            response.end()
            _ = try await client.answer(stream)
            client.close()
        }
    }

    @Test func shutdownLetsRequestsFinishAndEndsStreams() async throws {
        let waiting = NIOLockedValueBox<(any HTTPResponseWriter)?>(nil)
        let responder = ClosureResponder { request, response in
            if request.target == "/wait" {
                waiting.withLockedValue { $0 = response }
            } else {
                standardResponder(request, response)
            }
        }
        let server = try await HTTPServer.start(.init(), responder: responder)
        let client = try await H2Client(port: server.port)
        let slow = client.begin("GET", "/wait")
        let open = client.begin("GET", "/open")
        try await eventually("the stream's beginning") { client[open].text == "first" ? () : nil }
        let response = try await eventually("the request") { waiting.withLockedValue { $0 } }
        async let stopped: Void = server.shutdown(grace: .seconds(30))
        #expect(try await client.answer(open).reset == nil)
        try await eventually("a warning") { client.state.withLockedValue { $0.goAway } == [Int(Int32.max)] ? () : nil }
        response.send(text: "at last")
        #expect(try await client.answer(slow).text == "at last")
        await stopped
        try await client.waitForClose()
        // The last stream's number, unless the client's acknowledgement of the settings came after the last stream had
        // ended: to NIO that is an error, and it says goodbye itself.
        let goodbyes = client.state.withLockedValue { $0.goAway }
        #expect(goodbyes.count == 2 && [3, Int(Int32.max)].contains(goodbyes.last), "\(goodbyes)")
    }

    @Test func idleConnectionsAreClosed() async throws {
        var limits = HTTPServer.Limits()
        limits.idleTimeout = .milliseconds(500)
        limits.headerTimeout = .milliseconds(1500)
        limits.bodyTimeout = .milliseconds(500)
        try await withServer(limits: limits) { server in
            let silent = try await H2Client(port: server.port)
            let idle = try await H2Client(port: server.port)
            #expect(try await idle.answer(idle.begin("GET", "/x")).text == "GET /x")
            let halfBody = try await H2Client(port: server.port)
            let stream = halfBody.begin("POST", "/echo", end: false)
            let open = try await H2Client(port: server.port)
            _ = open.begin("GET", "/open")
            try await idle.waitForClose()
            #expect(idle.state.withLockedValue { $0.goAway } == [1])
            try await silent.waitForClose()
            #expect(try await halfBody.answer(stream).reset == .cancel)
            #expect(!open.state.withLockedValue { $0.closed })
            for client in [halfBody, open] { client.close() }
        }
    }

    @Test func trailersEndARequest() async throws {
        try await withServer { server in
            let client = try await H2Client(port: server.port)
            let stream = client.begin("POST", "/echo", end: false)
            client.data(stream, Array("body".utf8), end: false)
            client.write(stream, .headers(.init(headers: ["checksum": "1"], endStream: true)))
            #expect(try await client.answer(stream).text == "body")
            client.close()
        }
    }

    @Test func expectContinueIsAnswered() async throws {
        try await withServer { server in
            let client = try await H2Client(port: server.port)
            let stream = client.begin("POST", "/echo", ["expect": "100-continue", "content-length": "2"], end: false)
            try await eventually("100") { client[stream].status == "100" ? () : nil }
            client.data(stream, Array("ok".utf8), end: true)
            #expect(try await client.answer(stream).text == "ok")
            client.close()
        }
    }
}
