import Testing

@testable import ClusterDNS

/// Answers of other resolvers: how long they are kept, and how they are handed out again.
@Suite struct CacheTests {
    private func query(_ name: String, id: UInt16 = 1) -> DNSMessage {
        var query = DNSMessage()
        query.id = id
        query.questions = [DNSQuestion(name: DNSName(name) ?? .root, type: .a)]
        return query
    }

    private func answer(_ query: DNSMessage, ttl: UInt32, code: UInt16 = 0, negative: Bool = false) -> [UInt8] {
        var message = Answerer.response(to: query)
        message.responseCode = code
        let record = DNSRecord(name: query.questions[0].name, ttl: ttl, payload: .address([1, 2, 3, 4]))
        if negative { message.authorities = [record] } else { message.answers = [record] }
        return DNSWriter.bytes(of: message)
    }

    @Test func hitsHaveTheQuerysIdAndSpellingAndWhatIsLeftOfTheTTL() throws {
        var cache = AnswerCache()
        let now = ContinuousClock.now
        let first = query("example.com", id: 1), second = query("eXample.COM", id: 0x203)
        let key = try #require(AnswerCache.Key(first, overTCP: false))
        #expect(key == AnswerCache.Key(second, overTCP: false))
        #expect(key != AnswerCache.Key(second, overTCP: true))
        cache.store(answer(first, ttl: 20), key: key, now: now)
        let hit = cache.answer(to: second, key: key, now: now + .seconds(7))
        let bytes = try #require(hit)
        let message = try DNSParser.message(bytes)
        #expect(message.id == 0x203)
        #expect(message.questions[0].name.description == "eXample.COM.")
        #expect(message.answers.map(\.ttl) == [13])
        let late = cache.answer(to: second, key: key, now: now + .seconds(20))
        #expect(late == nil)
        #expect(cache.count == 0)
    }

    @Test(arguments: [
        (ttl: UInt32(3600), code: UInt16(0), negative: false, age: 30), (ttl: 0, code: 0, negative: false, age: 0),
        (ttl: 3600, code: 3, negative: true, age: 5), (ttl: 3600, code: 0, negative: true, age: 5),
        (ttl: 3600, code: 2, negative: false, age: 0),
    ])
    func answersAreKeptThisLong(_ ttl: UInt32, _ code: UInt16, _ negative: Bool, _ age: Int) throws {
        var cache = AnswerCache()
        let now = ContinuousClock.now
        let asked = query("example.com")
        let key = try #require(AnswerCache.Key(asked, overTCP: false))
        cache.store(answer(asked, ttl: ttl, code: code, negative: negative), key: key, now: now)
        let before = cache.answer(to: asked, key: key, now: now + .seconds(age) - .milliseconds(1))
        let after = cache.answer(to: asked, key: key, now: now + .seconds(age))
        #expect((before != nil) == (age > 0))
        #expect(after == nil)
    }

    @Test func itStaysSmall() throws {
        var cache = AnswerCache(capacity: 10)
        let now = ContinuousClock.now
        for index in 0..<1000 {
            let asked = query("n\(index).example.com")
            cache.store(answer(asked, ttl: 20), key: try #require(AnswerCache.Key(asked, overTCP: false)), now: now)
            #expect(cache.count <= 10)
        }
        #expect(cache.count > 0)
    }

    @Test func resolversAreThoseThatAreNotOurselves() {
        let text =
            "# c\nnameserver 10.0.0.1\nsearch x\nnameserver\t10.244.0.1 \nnameserver fe80::1%eth0\nnameserver x\n"
        #expect(ResolverConfiguration.nameservers(text, except: ["10.244.0.1"]) == ["10.0.0.1", "fe80::1%eth0"])
    }
}
