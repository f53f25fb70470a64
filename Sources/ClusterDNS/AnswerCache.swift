// Answers of other resolvers, kept for as long as they allow, but not long: names outside change, and the cache is small.

/// The key and the value of the cache, without clock or lock.
struct AnswerCache: Sendable {
    struct Key: Sendable, Hashable {
        let question: DNSQuestion
        let dnssecOK: Bool
        /// TCP answers may be larger than what a UDP client takes.
        let overTCP: Bool
        /// Answers differ in whether they carry an OPT record, and in how large they may be.
        let payloadSize: UInt16?

        init?(_ query: DNSMessage, overTCP: Bool) {
            guard query.questions.count == 1, let question = query.questions.first else { return nil }
            self.question = DNSQuestion(name: question.name.lowercased, type: question.type, class: question.class)
            dnssecOK = query.edns?.dnssecOK ?? false
            payloadSize = query.edns?.payloadSize
            self.overTCP = overTCP
        }
    }

    private struct Entry {
        let bytes: [UInt8]
        let ttlOffsets: [Int]
        let stored: ContinuousClock.Instant
        let expires: ContinuousClock.Instant
    }

    static let maximumAge: UInt32 = 30
    static let negativeAge: UInt32 = 5
    private let capacity: Int
    private var entries: [Key: Entry] = [:]

    init(capacity: Int = 2048) { self.capacity = capacity }

    var count: Int { entries.count }

    /// The answer as it is now: with the id and the spelling of this query, and what is left of each TTL.
    mutating func answer(
        to query: DNSMessage, key: Key, now: ContinuousClock.Instant
    ) -> [UInt8]? {
        guard let entry = entries[key] else { return nil }
        guard entry.expires > now else {
            entries[key] = nil
            return nil
        }
        var bytes = entry.bytes
        bytes[0] = UInt8(query.id >> 8)
        bytes[1] = UInt8(query.id & 0xff)
        let age = UInt32(clamping: (now - entry.stored).components.seconds)
        for offset in entry.ttlOffsets where offset + 4 <= bytes.count {
            let ttl = bytes[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let left = ttl - min(age, ttl)
            for index in 0..<4 { bytes[offset + index] = UInt8(left >> UInt32(24 - 8 * index) & 0xff) }
        }
        return AnswerCache.spelled(bytes, like: query)
    }

    /// Puts the name of the query's question, which has the same length, in the place of the answer's: some clients
    /// check that the capitals they chose come back.
    static func spelled(_ bytes: [UInt8], like query: DNSMessage) -> [UInt8] {
        guard let name = query.questions.first?.name else { return bytes }
        var bytes = bytes
        var position = 12
        for label in name.labels {
            guard position < bytes.count, Int(bytes[position]) == label.count, position + label.count < bytes.count
            else {
                return bytes
            }
            bytes.replaceSubrange(position + 1..<position + 1 + label.count, with: label)
            position += label.count + 1
        }
        return bytes
    }

    mutating func store(_ bytes: [UInt8], key: Key, now: ContinuousClock.Instant) {
        var parser = DNSParser(bytes)
        guard let message = try? parser.message(), !message.truncated else { return }
        let age: UInt32
        if message.responseCode == DNSResponseCode.noError, !message.answers.isEmpty {
            age = min(message.answers.map(\.ttl).min() ?? 0, Self.maximumAge)
        } else if message.responseCode == DNSResponseCode.noError || message.responseCode == DNSResponseCode.nameError {
            age = min(message.authorities.map(\.ttl).min() ?? 0, Self.negativeAge)
        } else {
            return
        }
        guard age > 0 else { return }
        if entries.count >= capacity, entries[key] == nil { makeRoom(now) }
        entries[key] = Entry(
            bytes: bytes, ttlOffsets: parser.ttlOffsets, stored: now, expires: now + .seconds(Int64(age)))
    }

    /// Drops what is over; if that is little, half of the rest.
    private mutating func makeRoom(_ now: ContinuousClock.Instant) {
        entries = entries.filter { $0.value.expires > now }
        guard entries.count > capacity * 3 / 4 else { return }
        for key in Array(entries.keys.prefix(entries.count / 2)) { entries[key] = nil }
    }
}
