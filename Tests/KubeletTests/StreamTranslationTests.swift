import CRI
import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

@testable import Kubelet

/// A runtime's side of SPDY, written by hand.
private func spdyData(_ stream: UInt32, _ text: String, last: Bool = false) -> ByteBuffer {
    SPDYWriter.data(stream, ByteBuffer(string: text), last: last)
}

private func clientFrame(_ payload: [UInt8], opcode: UInt8 = 2, final: Bool = true, mask: [UInt8] = [1, 2, 3, 4])
    -> [UInt8]
{
    var bytes: [UInt8] = [(final ? 0x80 : 0) | opcode]
    switch payload.count {
    case ..<126: bytes.append(0x80 | UInt8(payload.count))
    case ..<65536: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    default: bytes += [0x80 | 127] + withUnsafeBytes(of: UInt64(payload.count).bigEndian, Array.init)
    }
    return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
}

@Suite struct WebSocketParserTests {
    /// However the bytes are cut, the messages are the same.
    @Test(arguments: [1, 3, 7, 200, 100_000]) func readsFrames(_ chunk: Int) throws {
        let large = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
        let bytes =
            clientFrame([0, 65, 66]) + clientFrame([9], opcode: 9) + clientFrame(Array(large[..<300]), final: false)
            + clientFrame(Array(large[300...]), opcode: 0) + clientFrame([3, 0xe8], opcode: 8)
        var parser = WebSocketParser()
        var messages: [[UInt8]] = []
        var others: [WebSocketParser.Event] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            for event in try parser.receive(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + chunk)])) {
                guard case .data(let piece, let begins, _) = event else {
                    others.append(event)
                    continue
                }
                if begins { messages.append([]) }
                messages[messages.count - 1] += Array(piece.readableBytesView)
            }
        }
        #expect(messages == [[0, 65, 66], large])
        #expect(others == [.ping(ByteBuffer(bytes: [9])), .close(1000)])
    }

    @Test(arguments: [
        [0x82, 0x01, 0x00], [0xc2, 0x81, 0, 0, 0, 0, 0], [0x80, 0x81, 0, 0, 0, 0, 0], [0x08, 0x80, 0, 0, 0, 0],
        [0x8b, 0x80, 0, 0, 0, 0],
    ])
    func refusesWhatIsNoFrame(_ bytes: [UInt8]) {
        var parser = WebSocketParser()
        #expect(throws: WebSocketViolation.self) { try parser.receive(ByteBuffer(bytes: bytes)) }
    }
}

@Suite struct SPDYTests {
    @Test(arguments: [1, 4, 9, 1000]) func readsFrames(_ chunk: Int) throws {
        var bytes: [UInt8] = [0x80, 3, 0, 2, 0, 0, 0, 4, 0, 0, 0, 5]
        bytes += Array(spdyData(5, "hello").readableBytesView) + Array(SPDYWriter.ping(2).readableBytesView)
        bytes += Array(spdyData(5, "", last: true).readableBytesView)
        bytes += [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 1]
        bytes += [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0]
        var parser = SPDYParser()
        var text = ""
        var others: [SPDYParser.Event] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            for event in try parser.receive(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + chunk)])) {
                if case .data(5, let piece, false) = event {
                    text += String(buffer: piece)
                } else {
                    others.append(event)
                }
            }
        }
        #expect(text == "hello")
        #expect(others == [.reply(5, last: false), .ping(2), .data(5, ByteBuffer(), last: true), .reset(7), .goAway])
    }

    /// Headers are a zlib stream of stored blocks, each followed by an empty one.
    @Test func writesStreams() {
        var writer = SPDYWriter()
        let first = Array(writer.synStream(1, headers: [("a", "bc")]).readableBytesView)
        let block: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 2, 98, 99]
        let stored: [UInt8] = [0, 15, 0, 0xf0, 0xff] + block + [0, 0, 0, 0xff, 0xff]
        #expect(
            first == [0x80, 3, 0, 1, 0, 0, 0, 41, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
                + [0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2] + stored)
        let second = Array(writer.synStream(3, headers: [("a", "bc")], closed: true).readableBytesView)
        #expect(second == [0x80, 3, 0, 1, 1, 0, 0, 35, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0] + stored)
    }
}

@Suite struct RemoteCommandTranslationTests {
    private let all = StreamOptions(stdin: true, stdout: true, stderr: true)

    private func message(_ channel: UInt8, _ text: String) -> StreamAction {
        .toClient(WebSocketFrames.message(ByteBuffer(bytes: [channel] + Array(text.utf8))))
    }

    private func data(_ bytes: [UInt8]) -> WebSocketParser.Event {
        .data(ByteBuffer(bytes: bytes), begins: true, ends: true)
    }

    @Test func speaksVersion5() throws {
        var session = RemoteCommandTranslation(all, .v5)
        let begun = session.begin()
        #expect(begun.count == 2)
        #expect(begun[1] == message(1, ""))
        // Streams 1, 3, 5 and 7 are the error's, stdin, stdout and stderr.
        #expect(try session.fromClient(data([0] + Array("hi".utf8))) == [.toRuntime(spdyData(3, "hi"))])
        #expect(try session.fromRuntime(spdyData(5, "out")) == [message(1, "out")])
        #expect(try session.fromRuntime(spdyData(7, "err")) == [message(2, "err")])
        #expect(try session.fromClient(data([255, 0])) == [.toRuntime(spdyData(3, "", last: true))])
        #expect(try session.fromClient(data([0, 65])) == [])
        #expect(try session.fromClient(data([255, 0])) == [])
        let status = "{\"status\":\"Success\"}"
        #expect(try session.fromRuntime(spdyData(1, status)) == [])
        #expect(session.runtimeClosed() == [message(3, status), .toClient(WebSocketFrames.goodbye), .closeClient])
    }

    @Test func answersPings() throws {
        var session = RemoteCommandTranslation(all, .v5)
        #expect(
            try session.fromClient(.ping(ByteBuffer(string: "x")))
                == [.toClient(WebSocketFrames.pong(ByteBuffer(string: "x")))])
        #expect(try session.fromRuntime(SPDYWriter.ping(2)) == [.toRuntime(SPDYWriter.ping(2))])
    }

    /// Older protocols know no end of a stream, and a first byte of 255 is a channel that is not there.
    @Test func version4KnowsNoEnds() throws {
        var session = RemoteCommandTranslation(all, .v4)
        _ = session.begin()
        #expect(try session.fromClient(data([255, 0])) == [])
        #expect(try session.fromClient(data([0, 65])) == [.toRuntime(spdyData(3, "A"))])
    }

    /// The first protocol tells of failures only, in words.
    @Test(arguments: [
        ("{\"status\":\"Success\"}", nil), ("{\"status\":\"Failure\",\"message\":\"exit 3\"}", "exit 3" as String?),
    ])
    func version1TellsOfFailures(_ status: String, _ words: String?) throws {
        var session = RemoteCommandTranslation(all, .v1)
        _ = session.begin()
        let actions = try session.fromRuntime(spdyData(1, status, last: true))
        #expect(actions == (words.map { [message(3, $0)] } ?? []))
    }

    @Test func speaksBase64() throws {
        var session = RemoteCommandTranslation(all, .v4Base64)
        let begun = session.begin()
        #expect(begun[1] == .toClient(WebSocketFrames.message(ByteBuffer(string: "1"), text: true)))
        #expect(try session.fromClient(data(Array("0aGk=".utf8))) == [.toRuntime(spdyData(3, "hi"))])
        #expect(throws: WebSocketViolation.self) { try session.fromClient(data(Array("0!!".utf8))) }
        let out = try session.fromRuntime(spdyData(5, "out"))
        #expect(out == [.toClient(WebSocketFrames.message(ByteBuffer(string: "1b3V0"), text: true))])
    }

    /// A runtime that goes without a word is no success.
    @Test func tellsOfALostRuntime() {
        var session = RemoteCommandTranslation(all, .v5)
        _ = session.begin()
        guard case .toClient(let frame)? = session.runtimeClosed().first else {
            Issue.record("the client is told nothing")
            return
        }
        #expect(String(buffer: frame).contains("\"Failure\""))
    }

    @Test func resizesTerminals() throws {
        var session = RemoteCommandTranslation(StreamOptions(stdin: true, stdout: true, tty: true), .v5)
        _ = session.begin()
        let size = "{\"Width\":80,\"Height\":24}"
        #expect(try session.fromClient(data([4] + Array(size.utf8))) == [.toRuntime(spdyData(7, size))])
    }
}

@Suite struct PortForwardTranslationTests {
    @Test func hasTwoChannelsForEachPort() throws {
        var session = PortForwardTranslation([80, 8443], .v4)
        let begun = session.begin()
        let numbers: [[UInt8]] = [[0, 80, 0], [1, 80, 0], [2, 0xfb, 0x20], [3, 0xfb, 0x20]]
        #expect(Array(begun.dropFirst()) == numbers.map { .toClient(WebSocketFrames.message(ByteBuffer(bytes: $0))) })
        let sent = try session.fromClient(.data(ByteBuffer(bytes: [2, 65]), begins: true, ends: true))
        #expect(sent == [.toRuntime(spdyData(7, "A"))])
        #expect(
            try session.fromRuntime(spdyData(3, "B"))
                == [.toClient(WebSocketFrames.message(ByteBuffer(bytes: [0, 66])))])
        #expect(
            try session.fromRuntime(spdyData(5, "no"))
                == [.toClient(WebSocketFrames.message(ByteBuffer(bytes: [3, 110, 111])))])
        #expect(try session.fromRuntime(spdyData(3, "", last: true)) == [])
        #expect(
            try session.fromRuntime(spdyData(7, "", last: true))
                == [.toClient(WebSocketFrames.goodbye), .closeClient, .closeRuntime])
    }

    @Test func tunnelsSPDY() throws {
        var session = TunnelTranslation()
        #expect(session.begin() == [])
        let bytes = ByteBuffer(string: "anything")
        #expect(try session.fromClient(.data(bytes, begins: true, ends: true)) == [.toRuntime(bytes)])
        #expect(try session.fromRuntime(bytes) == [.toClient(WebSocketFrames.message(bytes))])
    }
}

@Suite struct WebSocketSessionTests {
    private func request(_ protocols: String?) -> HTTPRequest {
        var headers: HTTPHeaders = [
            "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if let protocols { headers.add(name: "sec-websocket-protocol", value: protocols) }
        return HTTPRequest(method: .GET, target: "/exec/a/b/c", headers: headers)
    }

    @Test(arguments: [
        ("v5.channel.k8s.io, v4.channel.k8s.io", "v5.channel.k8s.io" as String?),
        ("x, base64.channel.k8s.io", "base64.channel.k8s.io"), (nil, "" as String?), ("x", nil),
    ])
    func agreesOnAProtocol(_ offered: String?, _ chosen: String?) {
        let session = WebSocketSession(request(offered), StreamOptions(stdout: true), ports: nil)
        #expect((session != nil) == (chosen != nil))
        #expect(session?.answer.first(name: "sec-websocket-protocol") ?? "" == chosen ?? "")
        if session != nil {
            #expect(session?.answer.first(name: "sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        }
    }

    @Test func forwardsPorts() {
        let tunnel = WebSocketSession(request("SPDY/3.1+portforward.k8s.io"), StreamOptions(), ports: [])
        #expect(tunnel?.translation is TunnelTranslation)
        #expect(tunnel?.runtimeHeaders.first(name: "x-stream-protocol-version") == "portforward.k8s.io")
        #expect(WebSocketSession(request("v4.channel.k8s.io"), StreamOptions(), ports: []) == nil)
        #expect(
            WebSocketSession(request("v4.channel.k8s.io"), StreamOptions(), ports: [80])?.translation
                is PortForwardTranslation)
    }
}
