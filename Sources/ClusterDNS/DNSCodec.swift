// DNS messages to bytes and back (RFC 1035, RFC 6891). The parser takes any bytes; it never reads past their end, and a
// compressed name only ever points backwards, so that it comes to an end.

struct DNSParseError: Error, Hashable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

struct DNSParser {
    private let bytes: [UInt8]
    private var position = 0
    /// Where the TTLs of records stand, except for that of OPT, which is none.
    private(set) var ttlOffsets: [Int] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func message(_ bytes: [UInt8]) throws(DNSParseError) -> DNSMessage {
        var parser = DNSParser(bytes)
        return try parser.message()
    }

    mutating func message() throws(DNSParseError) -> DNSMessage {
        guard bytes.count <= 65535 else { throw DNSParseError("too long") }
        var message = DNSMessage()
        message.id = try uint16()
        let flags = try uint16()
        message.isResponse = flags & 0x8000 != 0
        message.opcode = UInt8(flags >> 11 & 15)
        message.authoritative = flags & 0x0400 != 0
        message.truncated = flags & 0x0200 != 0
        message.recursionDesired = flags & 0x0100 != 0
        message.recursionAvailable = flags & 0x0080 != 0
        message.responseCode = flags & 15
        let counts = (try uint16(), try uint16(), try uint16(), try uint16())
        for _ in 0..<counts.0 {
            let name = try name()
            message.questions.append(
                DNSQuestion(name: name, type: DNSType(rawValue: try uint16()), class: try uint16()))
        }
        message.answers = try records(counts.1, &message)
        message.authorities = try records(counts.2, &message)
        message.additionals = try records(counts.3, &message)
        return message
    }

    private mutating func records(_ count: UInt16, _ message: inout DNSMessage) throws(DNSParseError) -> [DNSRecord] {
        var records: [DNSRecord] = []
        for _ in 0..<count {
            let name = try name()
            let type = DNSType(rawValue: try uint16())
            let recordClass = try uint16()
            let ttlOffset = position
            let ttl = try uint32()
            let length = Int(try uint16())
            guard position + length <= bytes.count else { throw DNSParseError("record data ends early") }
            let end = position + length
            if type == .opt {
                guard message.edns == nil, name.labels.isEmpty else { throw DNSParseError("more than one OPT record") }
                message.edns = DNSExtension(
                    payloadSize: recordClass, version: UInt8(ttl >> 16 & 0xff), dnssecOK: ttl & 0x8000 != 0)
                message.responseCode |= UInt16(ttl >> 24) << 4
            } else {
                ttlOffsets.append(ttlOffset)
                let payload = try payload(type, length, end)
                records.append(DNSRecord(name: name, ttl: ttl, payload: payload, class: recordClass))
            }
            position = end
        }
        return records
    }

    private mutating func payload(
        _ type: DNSType, _ length: Int, _ end: Int
    ) throws(DNSParseError) -> DNSRecord.Payload {
        let start = position
        let payload: DNSRecord.Payload
        switch type {
        case .a where length == 4, .aaaa where length == 16: return .address(Array(bytes[start..<end]))
        case .cname, .ns, .ptr: payload = .name(type, try name())
        case .srv:
            payload = .service(
                priority: try uint16(), weight: try uint16(), port: try uint16(), target: try name())
        case .soa:
            payload = .authority(
                server: try name(), mailbox: try name(), serial: try uint32(), refresh: try uint32(),
                retry: try uint32(), expire: try uint32(), minimum: try uint32())
        case .txt:
            var texts: [String] = []
            while position < end {
                let count = Int(bytes[position])
                guard position + 1 + count <= end else { throw DNSParseError("text ends early") }
                texts.append(String(decoding: bytes[position + 1..<position + 1 + count], as: UTF8.self))
                position += 1 + count
            }
            return .text(texts)
        default: return .other(type, Array(bytes[start..<end]))
        }
        guard position == end else { throw DNSParseError("record data of wrong length") }
        return payload
    }

    private mutating func uint16() throws(DNSParseError) -> UInt16 {
        guard position + 2 <= bytes.count else { throw DNSParseError("message ends early") }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    private mutating func uint32() throws(DNSParseError) -> UInt32 {
        UInt32(try uint16()) << 16 | UInt32(try uint16())
    }

    private mutating func name() throws(DNSParseError) -> DNSName {
        var labels: [[UInt8]] = []
        var length = 1
        var cursor = position
        // Where the part lies that was entered last: the next pointer has to lead before it.
        var floor = position
        var jumped = false
        while true {
            guard cursor < bytes.count else { throw DNSParseError("name ends early") }
            let count = Int(bytes[cursor])
            switch count & 0xc0 {
            case 0:
                cursor += 1
                if count == 0 {
                    if !jumped { position = cursor }
                    return DNSName(labels: labels)
                }
                guard cursor + count <= bytes.count else { throw DNSParseError("name ends early") }
                length += count + 1
                guard length <= 255 else { throw DNSParseError("name too long") }
                labels.append(Array(bytes[cursor..<cursor + count]))
                cursor += count
            case 0xc0:
                guard cursor + 1 < bytes.count else { throw DNSParseError("name ends early") }
                let target = (count & 0x3f) << 8 | Int(bytes[cursor + 1])
                guard target < floor else { throw DNSParseError("name points forward") }
                if !jumped { position = cursor + 2 }
                jumped = true
                floor = target
                cursor = target
            default: throw DNSParseError("unknown kind of label")
            }
        }
    }
}

struct DNSWriter {
    private(set) var bytes: [UInt8] = []
    /// Where a name, or the end of one, was written first.
    private var offsets: [DNSName: Int] = [:]

    /// The bytes of `message`; if they are more than `limit`, with as many whole records as fit and the TC bit set.
    static func bytes(of message: DNSMessage, limit: Int = 65535) -> [UInt8] {
        var writer = DNSWriter()
        if writer.write(message, limit: limit) { return writer.bytes }
        // Additional records are a courtesy; leaving them out is no truncation (RFC 2181, 9).
        var shorter = message
        shorter.additionals = []
        writer = DNSWriter()
        if writer.write(shorter, limit: limit) { return writer.bytes }
        shorter.truncated = true
        shorter.authorities = []
        var low = 0, high = message.answers.count
        var best = DNSWriter()
        while low <= high {
            let middle = (low + high) / 2
            shorter.answers = Array(message.answers.prefix(middle))
            writer = DNSWriter()
            if writer.write(shorter, limit: limit) {
                best = writer
                low = middle + 1
            } else {
                high = middle - 1
            }
        }
        return best.bytes
    }

    /// False if the message got longer than `limit`.
    private mutating func write(_ message: DNSMessage, limit: Int) -> Bool {
        write(message.id)
        var flags = UInt16(message.opcode & 15) << 11 | message.responseCode & 15
        if message.isResponse { flags |= 0x8000 }
        if message.authoritative { flags |= 0x0400 }
        if message.truncated { flags |= 0x0200 }
        if message.recursionDesired { flags |= 0x0100 }
        if message.recursionAvailable { flags |= 0x0080 }
        write(flags)
        write(UInt16(message.questions.count))
        write(UInt16(message.answers.count))
        write(UInt16(message.authorities.count))
        write(UInt16(message.additionals.count + (message.edns == nil ? 0 : 1)))
        for question in message.questions {
            write(question.name)
            write(question.type.rawValue)
            write(question.class)
        }
        for record in message.answers + message.authorities + message.additionals {
            write(record)
            if bytes.count > limit { return false }
        }
        if let edns = message.edns {
            bytes.append(0)
            write(DNSType.opt.rawValue)
            write(edns.payloadSize)
            let upper = UInt32(message.responseCode >> 4) << 24
            write(upper | UInt32(edns.version) << 16 | (edns.dnssecOK ? 0x8000 : 0))
            write(UInt16(0))
        }
        return bytes.count <= limit
    }

    private mutating func write(_ record: DNSRecord) {
        write(record.name)
        write(record.payload.type.rawValue)
        write(record.class)
        write(record.ttl)
        let lengthAt = bytes.count
        write(UInt16(0))
        switch record.payload {
        case .address(let address): bytes += address
        case .name(_, let name): write(name)
        case .service(let priority, let weight, let port, let target):
            write(priority)
            write(weight)
            write(port)
            // Not compressed, as RFC 2782 has it.
            write(target, compressed: false)
        case .text(let texts):
            for text in texts {
                let utf8 = Array(text.utf8.prefix(255))
                bytes.append(UInt8(utf8.count))
                bytes += utf8
            }
        case .authority(let server, let mailbox, let serial, let refresh, let retry, let expire, let minimum):
            write(server)
            write(mailbox)
            for number in [serial, refresh, retry, expire, minimum] { write(number) }
        case .other(_, let data): bytes += data
        }
        let length = UInt16(truncatingIfNeeded: bytes.count - lengthAt - 2)
        bytes[lengthAt] = UInt8(length >> 8)
        bytes[lengthAt + 1] = UInt8(length & 0xff)
    }

    private mutating func write(_ name: DNSName, compressed: Bool = true) {
        var rest = name.lowercased
        for label in name.labels {
            if compressed, let offset = offsets[rest] {
                write(UInt16(0xc000) | UInt16(offset))
                return
            }
            if bytes.count < 0x4000, offsets[rest] == nil { offsets[rest] = bytes.count }
            bytes.append(UInt8(label.count))
            bytes += label
            rest.labels.removeFirst()
        }
        bytes.append(0)
    }

    private mutating func write(_ number: UInt16) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(number & 0xff))
    }

    private mutating func write(_ number: UInt32) {
        write(UInt16(number >> 16))
        write(UInt16(number & 0xffff))
    }
}
