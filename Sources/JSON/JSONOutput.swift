/// Bytes that grow without the checks that appending to an array makes for each of them.
struct JSONOutput: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(reserving capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// Makes room for `more` bytes.
    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func write(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func write(literal text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        (base + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: write(literal: "null")
        case .bool(true): write(literal: "true")
        case .bool(false): write(literal: "false")
        case .integer(let integer): write(integer)
        case .number(let number): write(raw: number.text)
        case .string(let string): write(string)
        case .array(let elements):
            write(UInt8(ascii: "["))
            for position in elements.indices {
                if position > 0 { write(UInt8(ascii: ",")) }
                write(elements[position])
            }
            write(UInt8(ascii: "]"))
        case .object(let object):
            if let part = object.part {
                write(part.document.bytes[part.document.text(part.node)])
                return
            }
            write(UInt8(ascii: "{"))
            var isFirst = true
            for (key, value) in object {
                if !isFirst { write(UInt8(ascii: ",")) }
                isFirst = false
                write(key)
                write(UInt8(ascii: ":"))
                write(value)
            }
            write(UInt8(ascii: "}"))
        }
    }

    private mutating func write(raw text: String) {
        var text = text
        text.withUTF8 { run in
            reserve(run.count)
            if let start = run.baseAddress { (base + count).update(from: start, count: run.count) }
            count += run.count
        }
    }

    /// Appends bytes as they are.
    mutating func write(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { run in
            reserve(run.count)
            if let start = run.baseAddress { (base + count).update(from: start, count: run.count) }
            count += run.count
        }
    }

    mutating func write(_ integer: Int64) {
        reserve(20)
        if integer < 0 { write(UInt8(ascii: "-")) }
        var rest = integer.magnitude
        let start = count
        repeat {
            base[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            count += 1
            rest /= 10
        } while rest > 0
        var digits = UnsafeMutableBufferPointer(start: base + start, count: count - start)
        digits.reverse()
    }

    @inline(__always)
    mutating func write(_ string: String) {
        var string = string
        string.withUTF8 { writeString($0) }
    }

    private mutating func writeString(_ text: UnsafeBufferPointer<UInt8>) {
        reserve(text.count + 2)
        base[count] = UInt8(ascii: "\"")
        count += 1
        if let start = text.baseAddress {
            let clean = Self.cleanPrefix(start, text.count)
            (base + count).update(from: start, count: clean)
            count += clean
            if clean < text.count { writeEscaping(start + clean, text.count - clean) }
        }
        write(UInt8(ascii: "\""))
    }

    /// How many bytes from `start` on need no escape.
    @inline(__always)
    private static func cleanPrefix(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var position = 0
        while position + 8 <= count {
            let word = UnsafeRawPointer(start + position).loadUnaligned(as: UInt64.self)
            if JSONBytes.special(word) != 0 { break }
            position += 8
        }
        while position < count {
            let byte = start[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            position += 1
        }
        return position
    }

    @inline(never)
    private mutating func writeEscaping(_ start: UnsafePointer<UInt8>, _ count: Int) {
        var start = start
        var left = count
        while left > 0 {
            writeEscape(of: start[0])
            start += 1
            left -= 1
            let clean = Self.cleanPrefix(start, left)
            reserve(left + 7)
            (base + self.count).update(from: start, count: clean)
            self.count += clean
            start += clean
            left -= clean
        }
    }

    private mutating func writeEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"): write(literal: "\\n")
        case UInt8(ascii: "\r"): write(literal: "\\r")
        case UInt8(ascii: "\t"): write(literal: "\\t")
        case UInt8(ascii: "\""): write(literal: "\\\"")
        case UInt8(ascii: "\\"): write(literal: "\\\\")
        default:
            write(literal: "\\u00")
            write(Self.hexadecimal(byte >> 4))
            write(Self.hexadecimal(byte & 15))
        }
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
