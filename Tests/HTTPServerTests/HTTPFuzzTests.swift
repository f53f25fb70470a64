import HTTPServer
import NIOCore
import Testing

/// xorshift64*: the same bytes for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed | 1 }
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}

/// Bytes that nobody should send: the server stays alive, keeps nothing, and answers the next client.
@Suite struct HTTPFuzzTests {
    private static let duration = Duration.seconds(2)

    private func run(_ name: String, _ make: (inout SeededGenerator) -> [UInt8]) async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 10_000
        // Short enough to see connections end, long enough for the checks below on a machine that is busy.
        limits.headerTimeout = .seconds(4)
        limits.bodyTimeout = .seconds(4)
        limits.idleTimeout = .seconds(4)
        try await withServer(limits: limits) { server in
            var generator = SeededGenerator(seed: 20_251_121)
            let end = ContinuousClock.now + Self.duration
            var rounds = 0
            // At least that many on a machine that has other things to do; then until the time is over.
            while rounds < 64 || ContinuousClock.now < end && rounds < 4000 {
                let client = try await RawConnection(port: server.port)
                let bytes = make(&generator)
                // In two pieces, cut anywhere.
                let cut = Int.random(in: 0...bytes.count, using: &generator)
                client.send(Array(bytes[..<cut]))
                client.send(Array(bytes[cut...]))
                rounds += 1
                if rounds % 16 == 0 {
                    try await Task.sleep(for: .milliseconds(2))
                    let check = try await RawConnection(port: server.port)
                    check.send("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n")
                    try await check.waitFor("GET /alive")
                    check.close()
                }
                client.close()
            }
            try await eventually("connections to end", seconds: 30) { server.connectionCount == 0 ? () : nil }
        }
    }

    @Test func mutatedRequests() async throws {
        let seeds = [
            "GET /x HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world",
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "PUT /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            "GET /open HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        ].map { Array($0.utf8) }
        try await run("HTTP/1.1") { generator in
            var bytes = (0..<Int.random(in: 1...3, using: &generator)).flatMap { _ in
                seeds.randomElement(using: &generator) ?? []
            }
            for _ in 0..<Int.random(in: 0...6, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                default: bytes.removeLast(bytes.count - position)
                }
            }
            return bytes
        }
    }

    @Test func randomFrames() async throws {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        // :method GET, :scheme http, :path /, from the static table.
        let headers: [UInt8] = [0x82, 0x86, 0x84]
        try await run("HTTP/2") { generator in
            var bytes = preface + [0, 0, 0, 4, 0, 0, 0, 0, 0]
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let type = UInt8.random(in: 0...10, using: &generator)
                let stream = UInt8(
                    Int.random(in: 0...4, using: &generator) * 2 + Int.random(in: 0...1, using: &generator))
                var payload: [UInt8]
                if type == 1, Bool.random(using: &generator) {
                    payload = headers
                } else {
                    payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    }
                }
                let length = Bool.random(using: &generator) ? payload.count : Int.random(in: 0...60, using: &generator)
                let flags =
                    type == 1
                    ? UInt8([4, 5].randomElement(using: &generator) ?? 4) : UInt8.random(in: 0...255, using: &generator)
                bytes += [0, UInt8(length >> 8), UInt8(length & 255), type, flags, 0, 0, 0, stream]
                if Int.random(in: 0..<20, using: &generator) == 0 { payload += payload }
                bytes += payload
            }
            return bytes
        }
    }

    @Test func noise() async throws {
        try await run("noise") { generator in
            (0..<Int.random(in: 0...300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
    }
}
