import Testing

@testable import ClusterDNS

/// DNS messages to bytes and back, and what is no message.
@Suite struct CodecTests {
    private let query: [UInt8] = [
        0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0,
        3, 0x57, 0x77, 0x77, 7, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 3, 0x63, 0x6f, 0x6d, 0, 0, 1, 0, 1,
    ]

    @Test func readsAQuery() throws {
        let message = try DNSParser.message(query)
        #expect(message.id == 0x1234)
        #expect(message.recursionDesired && !message.isResponse)
        #expect(message.questions.first?.name.description == "Www.example.com.")
        #expect(message.questions.first?.name.texts == ["www", "example", "com"])
        #expect(message.questions.first?.type == .a)
        #expect(DNSWriter.bytes(of: message) == query)
    }

    @Test func everyPrefixOfAMessageIsRefused() {
        for length in 0..<query.count {
            #expect(throws: DNSParseError.self) { try DNSParser.message(Array(query.prefix(length))) }
        }
    }

    private func sample() throws -> DNSMessage {
        let name = try #require(DNSName("web.default.svc.cluster.local"))
        let other = try #require(DNSName("a.web.default.svc.cluster.local"))
        var message = DNSMessage()
        message.id = 7
        message.isResponse = true
        message.authoritative = true
        message.questions = [DNSQuestion(name: name, type: .any)]
        message.answers = [
            DNSRecord(name: name, ttl: 30, payload: .address([10, 96, 0, 1])),
            DNSRecord(name: name, ttl: 30, payload: .address(Array(repeating: 0xfd, count: 16))),
            DNSRecord(name: name, ttl: 5, payload: .service(priority: 0, weight: 50, port: 80, target: other)),
            DNSRecord(name: other, ttl: 5, payload: .name(.cname, name)),
            DNSRecord(name: other, ttl: 5, payload: .text(["1.1.0", ""])),
        ]
        message.authorities = [
            DNSRecord(
                name: try #require(DNSName("cluster.local.")), ttl: 5,
                payload: .authority(
                    server: other, mailbox: name, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5))
        ]
        message.additionals = [DNSRecord(name: .root, ttl: 0, payload: .other(DNSType(rawValue: 99), [1, 2, 3]))]
        message.edns = DNSExtension(payloadSize: 1232, dnssecOK: true)
        return message
    }

    @Test func allKindsOfRecordsComeBack() throws {
        let message = try sample()
        let bytes = DNSWriter.bytes(of: message)
        #expect(try DNSParser.message(bytes) == message)
        // Compression leaves the long name standing once, except in the SRV target.
        let text = Array("default".utf8)
        let places = bytes.indices.filter {
            $0 + text.count <= bytes.count && Array(bytes[$0..<$0 + text.count]) == text
        }
        #expect(places.count == 2)
    }

    @Test func extendedResponseCodesUseTheExtension() throws {
        var message = DNSMessage()
        message.isResponse = true
        message.responseCode = DNSResponseCode.badVersion
        message.edns = DNSExtension(payloadSize: 512)
        #expect(try DNSParser.message(DNSWriter.bytes(of: message)).responseCode == 16)
    }

    @Test func tooLargeMessagesAreCutAtARecord() throws {
        let name = try #require(DNSName("web.default.svc.cluster.local"))
        var message = DNSMessage()
        message.questions = [DNSQuestion(name: name, type: .a)]
        message.edns = DNSExtension(payloadSize: 1232)
        for index in 0..<100 {
            message.answers.append(DNSRecord(name: name, ttl: 5, payload: .address([10, 0, 0, UInt8(index)])))
        }
        let bytes = DNSWriter.bytes(of: message, limit: 512)
        #expect(bytes.count <= 512 && bytes.count > 490)
        let cut = try DNSParser.message(bytes)
        #expect(cut.truncated)
        #expect(cut.answers == Array(message.answers.prefix(cut.answers.count)))
        #expect(cut.edns != nil)
        #expect(try DNSParser.message(DNSWriter.bytes(of: message)).truncated == false)
    }

    @Test func leavingOutAdditionalsIsNoTruncation() throws {
        let name = try #require(DNSName("x.cluster.local"))
        var message = DNSMessage()
        message.answers = [DNSRecord(name: name, ttl: 5, payload: .address([1, 2, 3, 4]))]
        message.additionals = (0..<100).map { DNSRecord(name: name, ttl: 5, payload: .address([1, 1, 1, UInt8($0)])) }
        let cut = try DNSParser.message(DNSWriter.bytes(of: message, limit: 512))
        #expect(!cut.truncated && cut.additionals.isEmpty && cut.answers.count == 1)
    }

    @Test(
        arguments: [
            // A pointer to itself, one forward, a loop of two, a reserved kind of label.
            [0xc0, 0x0c], [0xc0, 0x20], [0xc0, 0x0e, 0xc0, 0x0c], [0x80, 0x01], [0x40, 0x01],
        ] as [[UInt8]])
    func badNamesAreRefused(_ name: [UInt8]) {
        let bytes: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 1, 0, 1]
        #expect(throws: DNSParseError.self) { try DNSParser.message(bytes) }
    }

    @Test func namesHaveLimits() {
        #expect(DNSName(String(repeating: "a", count: 64) + ".com") == nil)
        #expect(DNSName("a..b") == nil)
        #expect(DNSName(Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: ".")) == nil)
        #expect(DNSName("")?.labels.isEmpty == true)
        #expect(DNSName("a.b.") == DNSName("a.b"))
    }

    /// Bytes changed at random: whatever is read as a message can be written and read again.
    @Test func fuzz() throws {
        var random = SplitMix(seed: 42)
        let seeds = [query, DNSWriter.bytes(of: try sample())]
        var accepted = 0
        for round in 0..<20000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int(random.next() % 6) + 1 {
                switch random.next() % 4 {
                case 0: bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                case 1 where bytes.count > 1: bytes.removeLast(Int(random.next() % UInt64(min(bytes.count - 1, 16))))
                case 2:
                    bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: Int(random.next() % UInt64(bytes.count)))
                default: bytes[Int(random.next() % UInt64(min(bytes.count, 12)))] ^= 1 << UInt8(random.next() % 8)
                }
            }
            guard let message = try? DNSParser.message(bytes) else { continue }
            accepted += 1
            // A root owner of a known type may be written longer than it came, but never past the limit.
            let written = DNSWriter.bytes(of: message)
            #expect(written.count <= 65535)
            if !message.truncated { #expect((try? DNSParser.message(written)) != nil) }
        }
        #expect(accepted > 100)
    }
}

/// A small generator with a seed, so that a failure comes back.
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
