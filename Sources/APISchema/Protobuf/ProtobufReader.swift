import KubeTypes

/// The wire format: numbered fields, one after the other, in a part of some bytes.
struct ProtobufReader {
    /// A message's or text's bytes by where they are.
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(Range<Int>)
    }

    static let malformed = APIError.badRequest("the body is malformed protobuf")

    let bytes: [UInt8]
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    /// The next field; nil at the end.
    mutating func next() throws(APIError) -> (number: Int, value: Value)? {
        guard position < end else { return nil }
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw Self.malformed }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try little(8)))
        case 2:
            let count = try varint()
            guard count <= UInt64(end - position) else { throw Self.malformed }
            let start = position
            position += Int(count)
            return (number, .bytes(start..<position))
        case 5: return (number, .fixed32(UInt32(try little(4))))
        default: throw Self.malformed
        }
    }

    mutating func varint() throws(APIError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 70 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Self.malformed
    }

    private mutating func little(_ count: Int) throws(APIError) -> UInt64 {
        guard end - position >= count else { throw Self.malformed }
        var value: UInt64 = 0
        for offset in 0..<count { value |= UInt64(bytes[position + offset]) << UInt64(8 * offset) }
        position += count
        return value
    }

    func text(_ value: Value) throws(APIError) -> String {
        guard case .bytes(let range) = value, let text = String(validating: bytes[range], as: UTF8.self) else {
            throw Self.malformed
        }
        return text
    }

    /// The message that a value is.
    func message(_ value: Value) throws(APIError) -> ProtobufReader {
        guard case .bytes(let range) = value else { throw Self.malformed }
        return ProtobufReader(bytes, range)
    }
}
