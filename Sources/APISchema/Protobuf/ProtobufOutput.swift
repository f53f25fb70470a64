/// Bytes that grow towards the front: a message is written from its end, so that its length is known when it is to be
/// written before it, and nothing is measured first or moved afterwards.
struct ProtobufOutput: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(reserving capacity: Int = 1024) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// What was written, in the order in which it goes out.
    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base + (capacity - count), count: count)) }

    /// Makes room for `more` bytes before what is there and returns where they begin.
    @inline(__always)
    private mutating func extend(_ more: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - count < more { grow(more) }
        count += more
        return base + (capacity - count)
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        (moved + (larger - count)).update(from: base + (capacity - count), count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func write(varint value: UInt64) {
        var length = 1
        var rest = value >> 7
        while rest != 0 {
            length += 1
            rest >>= 7
        }
        let start = extend(length)
        rest = value
        for offset in 0..<length {
            start[offset] = UInt8(truncatingIfNeeded: rest & 0x7f) | (offset == length - 1 ? 0 : 0x80)
            rest >>= 7
        }
    }

    mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        extend(bytes.count).update(from: source, count: bytes.count)
    }

    mutating func write(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { write($0) } }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write($0) }
    }

    mutating func write(fixed64 value: UInt64) {
        let start = extend(8)
        for offset in 0..<8 { start[offset] = UInt8(truncatingIfNeeded: value >> UInt64(8 * offset)) }
    }

    /// Four bytes, the highest first.
    mutating func write(bigEndian value: UInt32) {
        let start = extend(4)
        for offset in 0..<4 { start[offset] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * offset)) }
    }

    /// The length of what was written since the count was `mark`.
    mutating func write(lengthSince mark: Int) { write(varint: UInt64(count - mark)) }

    /// A text with its length, as field `number`.
    mutating func write(_ text: String, field number: UInt64) {
        let mark = count
        write(text)
        write(lengthSince: mark)
        write(varint: number << 3 | 2)
    }

    /// An integer as field `number`.
    mutating func write(_ value: Int64, field number: UInt64) {
        write(varint: UInt64(bitPattern: value))
        write(varint: number << 3)
    }
}
