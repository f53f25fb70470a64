import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite struct HTTP1Tests {
    @Test func answersAndKeepsTheConnection() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("GET /a?b=c")
            let text = client.text
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.lowercased().contains("content-length: 10\r\n"))
            #expect(text.contains("GMT\r\n"))
            client.send("DELETE /again HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("DELETE /again")
            #expect(!client.isClosed)
            client.close()
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            let count = 40
            client.send((0..<count).map { "GET /later?\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
            try await client.waitFor("HTTP/1.1 200", count: count)
            try await client.waitFor("later /later?\(count - 1)")
            var rest = Substring(client.text)
            for index in 0..<count {
                let range = try #require(rest.firstRange(of: "later /later?\(index)"))
                rest = rest[range.upperBound...]
            }
            client.close()
        }
    }

    @Test(arguments: [
        ("Content-Length: 11\r\n\r\nhello world", "hello world"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("Content-Length: 0\r\n\r\n", ""),
    ])
    func bodiesArrive(_ request: String, _ body: String) async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + request)
            try await client.waitFor("content-length: \(body.utf8.count)\r\n")
            try await client.waitFor("\r\n\r\n\(body)")
            client.close()
        }
    }

    @Test func aLargeBodyComesBack() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            let body = String(repeating: "0123456789abcdef", count: 150_000)
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
            try await eventually("2.4 MB") { client.text.utf8.count > body.utf8.count ? () : nil }
            #expect(client.text.hasSuffix(body))
            client.close()
        }
    }

    @Test func headHasNoBody() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("GET /next")
            #expect(client.text.contains("content-length: 9\r\n"))
            #expect(!client.text.contains("HEAD /abc"))
            client.close()
        }
    }

    @Test func noContentHasNoLength() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("GET /next")
            #expect(client.text.hasPrefix("HTTP/1.1 204 No Content"))
            #expect(client.text.components(of: "content-length") == 1)
            client.close()
        }
    }

    @Test func expectContinueIsAnswered() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            try await client.waitFor("HTTP/1.1 100 Continue\r\n\r\n")
            client.send("ok")
            try await client.waitFor("\r\n\r\nok")
            client.close()
        }
    }

    @Test(arguments: [
        "Content-Length: 2000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3e8\r\n\(String(repeating: "x", count: 1000))\r\n",
    ])
    func bodiesAboveTheLimitAreRefused(_ request: String) async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 999
        let hook: @Sendable (HTTPRequest, any HTTPResponseWriter) -> Void = { request, response in
            response.send(text: "too much for \(request.target)", .payloadTooLarge)
        }
        for onTooLarge in [nil, hook] {
            try await withServer(limits: limits, onTooLarge: onTooLarge) { server in
                let client = try await RawConnection(port: server.port)
                client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + request)
                try await client.waitFor("HTTP/1.1 413")
                try await client.waitFor(onTooLarge == nil ? "413 Payload Too Large\n" : "too much for /echo")
                #expect(client.text.lowercased().contains("connection: close"))
                try await client.waitForClose()
            }
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: x\r\nBig: \(String(repeating: "y", count: 100_000))\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\n\(String(repeating: "a: b\r\n", count: 400))\r\n", "431"),
        ("NOT HTTP AT ALL\r\n\r\n", "400"),
        ("GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: wonders\r\n\r\n", "417"),
    ])
    func whatIsNoRequestIsRefused(_ request: String, _ status: String) async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send(request)
            try await client.waitFor("HTTP/1.1 \(status)")
            try await client.waitForClose()
        }
    }

    @Test(arguments: [
        "GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n",
    ])
    func theConnectionIsClosedWhenAsked(_ request: String) async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send(request)
            try await client.waitFor("GET /x")
            try await client.waitForClose()
        }
    }

    @Test func absoluteTargetsAreUnderstood() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET http://x.example/p?q HTTP/1.1\r\nHost: x.example\r\n\r\n")
            try await client.waitFor("GET /p?q")
            client.close()
        }
    }

    @Test func streamsComeInChunks() async throws {
        try await withServer { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("GET /next")
            #expect(client.text.contains("4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"))
            client.close()
        }
    }

    @Test func whoStreamsHearsThatTheClientHasGone() async throws {
        let gone = NIOLockedValueBox(false)
        try await withServer(responder: { _, response in
            response.begin(.ok, headers: [:])
            response.write(ByteBuffer(string: "hello"))
            response.onClose { gone.withLockedValue { $0 = true } }
        }) { server in
            let client = try await RawConnection(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.waitFor("hello")
            #expect(!gone.withLockedValue { $0 })
            client.close()
            try await eventually("onClose") { gone.withLockedValue { $0 } ? () : nil }
        }
    }

    @Test func pendingBytesTellOfASlowClient() async throws {
        let writer = NIOLockedValueBox<(any HTTPResponseWriter)?>(nil)
        try await withServer(responder: { _, response in
            response.begin(.ok, headers: [:])
            writer.withLockedValue { $0 = response }
        }) { server in
            let client = try await RawConnection(port: server.port, autoRead: false)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await eventually("a request") { writer.withLockedValue { $0 } }
            let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
            for _ in 0..<32 { response.write(piece) }
            try await Task.sleep(for: .milliseconds(50))
            #expect(response.pendingBytes > 8 << 20)
            client.close()
            try await eventually("pending bytes to be dropped") { response.pendingBytes == 0 ? () : nil }
        }
    }

    @Test func timeoutsEndWhatDoesNotGoOn() async throws {
        var limits = HTTPServer.Limits()
        // Long enough for a machine that has other things to do.
        limits.headerTimeout = .milliseconds(1500)
        limits.idleTimeout = .milliseconds(500)
        limits.bodyTimeout = .milliseconds(500)
        try await withServer(limits: limits) { server in
            let silent = try await RawConnection(port: server.port)
            let halfHeader = try await RawConnection(port: server.port)
            halfHeader.send("GET / HTTP/1.1\r\nHo")
            let halfBody = try await RawConnection(port: server.port)
            halfBody.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            let idle = try await RawConnection(port: server.port)
            idle.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            let waiting = try await RawConnection(port: server.port)
            waiting.send("GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
            try await silent.waitForClose()
            try await halfHeader.waitForClose()
            try await halfBody.waitFor("HTTP/1.1 408")
            try await halfBody.waitForClose()
            try await idle.waitForClose()
            #expect(idle.text.contains("GET /x"))
            #expect(!waiting.isClosed)
            waiting.close()
        }
    }

    @Test func aClientThatTakesNothingIsCutOff() async throws {
        var limits = HTTPServer.Limits()
        limits.writeTimeout = .milliseconds(200)
        let closed = NIOLockedValueBox(false)
        try await withServer(
            limits: limits,
            responder: { _, response in
                response.begin(.ok, headers: [:])
                response.onClose { closed.withLockedValue { $0 = true } }
                for _ in 0..<32 { response.write(ByteBuffer(repeating: 0x61, count: 1 << 20)) }
            }
        ) { server in
            let client = try await RawConnection(port: server.port, autoRead: false)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the connection to be cut off") { closed.withLockedValue { $0 } ? () : nil }
            client.close()
        }
    }

    @Test func connectionsAreLimited() async throws {
        var limits = HTTPServer.Limits()
        limits.connections = 2
        try await withServer(limits: limits) { server in
            let first = try await RawConnection(port: server.port)
            let second = try await RawConnection(port: server.port)
            for client in [first, second] {
                client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
                try await client.waitFor("GET /x")
            }
            let third = try await RawConnection(port: server.port)
            try await third.waitForClose()
            first.close()
            try await eventually("room") { server.connectionCount == 1 ? () : nil }
            let fourth = try await RawConnection(port: server.port)
            fourth.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            try await fourth.waitFor("GET /x")
            second.close()
            fourth.close()
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
        let idle = try await RawConnection(port: server.port)
        idle.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        let slow = try await RawConnection(port: server.port)
        slow.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        let open = try await RawConnection(port: server.port)
        open.send("GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
        try await idle.waitFor("GET /x")
        try await open.waitFor("first")
        let response = try await eventually("the request") { waiting.withLockedValue { $0 } }
        async let stopped: Void = server.shutdown(grace: .seconds(30))
        try await idle.waitForClose()
        try await open.waitFor("\r\n0\r\n\r\n")
        try await open.waitForClose()
        #expect(!slow.isClosed)
        response.send(text: "at last")
        try await slow.waitFor("\r\n\r\nat last")
        #expect(slow.text.lowercased().contains("connection: close"))
        try await slow.waitForClose()
        await stopped
        await #expect(throws: (any Error).self) { try await RawConnection(port: server.port) }
    }

    @Test func shutdownDoesNotWaitForever() async throws {
        let server = try await HTTPServer.start(.init(), responder: ClosureResponder { _, _ in })
        let client = try await RawConnection(port: server.port)
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        try await Task.sleep(for: .milliseconds(20))
        await server.shutdown(grace: .milliseconds(100))
        try await client.waitForClose()
    }

    @Test func aPortThatIsTakenIsToldOf() async throws {
        try await withServer { server in
            do {
                let other = try await HTTPServer.start(
                    .init(port: server.port), responder: ClosureResponder(body: standardResponder))
                await other.shutdown(grace: .zero)
                Issue.record("two servers on one port")
            } catch let error as HTTPServerError {
                #expect("\(error)" == "127.0.0.1:\(server.port) is in use by another program")
            }
        }
    }
}

extension NIOCore.TimeAmount { fileprivate static var zero: TimeAmount { .nanoseconds(0) } }
