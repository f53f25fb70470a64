// DNS messages as values: names, questions, records.

/// A domain name as its labels, from the left, in the case in which they were written.
struct DNSName: Sendable, Hashable, CustomStringConvertible {
    /// Each 1 ..< 64 bytes.
    var labels: [[UInt8]]

    init(labels: [[UInt8]]) { self.labels = labels }

    /// Reads `a.b.c` with or without a final dot; nil for empty or overlong labels and names.
    init?(_ text: String) {
        let trimmed = text.hasSuffix(".") ? text.dropLast() : text[...]
        labels =
            trimmed.isEmpty
            ? [] : trimmed.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        guard labels.allSatisfy({ (1..<64).contains($0.count) }), wireLength <= 255 else { return nil }
    }

    static let root = DNSName(labels: [])

    var wireLength: Int { labels.reduce(1) { $0 + $1.count + 1 } }

    /// In lower case, as names are compared (RFC 4343).
    var lowercased: DNSName { DNSName(labels: labels.map { $0.map(Self.lower) }) }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    /// The labels in lower case as text; bytes that are no UTF-8 come out as replacement characters, which no name of
    /// the cluster has.
    var texts: [String] { lowercased.labels.map { String(decoding: $0, as: UTF8.self) } }

    /// With a final dot.
    var description: String {
        labels.isEmpty ? "." : labels.map { String(decoding: $0, as: UTF8.self) + "." }.joined()
    }

    static func + (left: DNSName, right: DNSName) -> DNSName { DNSName(labels: left.labels + right.labels) }
}

/// The record types that this server knows; others are carried by number.
struct DNSType: Sendable, Hashable, RawRepresentable {
    let rawValue: UInt16
    init(rawValue: UInt16) { self.rawValue = rawValue }

    static let a = DNSType(rawValue: 1)
    static let ns = DNSType(rawValue: 2)
    static let cname = DNSType(rawValue: 5)
    static let soa = DNSType(rawValue: 6)
    static let ptr = DNSType(rawValue: 12)
    static let txt = DNSType(rawValue: 16)
    static let aaaa = DNSType(rawValue: 28)
    static let srv = DNSType(rawValue: 33)
    static let opt = DNSType(rawValue: 41)
    static let ixfr = DNSType(rawValue: 251)
    static let axfr = DNSType(rawValue: 252)
    static let any = DNSType(rawValue: 255)
}

enum DNSResponseCode {
    static let noError: UInt16 = 0
    static let formatError: UInt16 = 1
    static let serverFailure: UInt16 = 2
    static let nameError: UInt16 = 3
    static let notImplemented: UInt16 = 4
    static let refused: UInt16 = 5
    /// Needs an OPT record for its upper bits.
    static let badVersion: UInt16 = 16
}

struct DNSQuestion: Sendable, Hashable {
    var name: DNSName
    var type: DNSType
    /// 1 is the Internet.
    var `class`: UInt16 = 1
}

struct DNSRecord: Sendable, Hashable {
    enum Payload: Sendable, Hashable {
        /// A (4 bytes) or AAAA (16 bytes).
        case address([UInt8])
        case name(DNSType, DNSName)
        case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
        case text([String])
        case authority(
            server: DNSName, mailbox: DNSName, serial: UInt32, refresh: UInt32, retry: UInt32,
            expire: UInt32, minimum: UInt32)
        case other(DNSType, [UInt8])

        var type: DNSType {
            switch self {
            case .address(let bytes): bytes.count == 4 ? .a : .aaaa
            case .name(let type, _): type
            case .service: .srv
            case .text: .txt
            case .authority: .soa
            case .other(let type, _): type
            }
        }
    }

    var name: DNSName
    /// Seconds.
    var ttl: UInt32
    var payload: Payload
    var `class`: UInt16 = 1
}

/// What the OPT pseudo-record says (RFC 6891).
struct DNSExtension: Sendable, Hashable {
    /// The largest UDP message that its sender takes.
    var payloadSize: UInt16
    var version: UInt8 = 0
    /// The sender understands DNSSEC records.
    var dnssecOK = false
}

struct DNSMessage: Sendable, Hashable {
    var id: UInt16 = 0
    var isResponse = false
    var opcode: UInt8 = 0
    var authoritative = false
    var truncated = false
    var recursionDesired = false
    var recursionAvailable = false
    /// 4 bits, and 8 more above them where there is an extension.
    var responseCode: UInt16 = 0
    var questions: [DNSQuestion] = []
    var answers: [DNSRecord] = []
    var authorities: [DNSRecord] = []
    /// Without the OPT record, which is `edns`.
    var additionals: [DNSRecord] = []
    var edns: DNSExtension?
}
