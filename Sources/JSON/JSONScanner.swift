/// One pass over the bytes of a JSON document.
///
/// What it does not do is where its speed comes from: it looks at eight bytes of a string at a time, makes every
/// string, array and object with one allocation of the right size, and never grows one.
struct JSONScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let depthLimit: Int
    private var offset = 0
    private var depth = 0
    /// Whether an object had two fields of one name.
    private(set) var sawDuplicate = false
    private var lastStringHadEscape = false
    /// The fields and elements of the objects and arrays that are open.
    private let openFields = Stack<JSONObject.Field>()
    private let openElements = Stack<JSONValue>()

    init(bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let result = try value()
        skipSpace()
        guard offset == bytes.count else { throw JSONError(.trailingBytes, offset: offset) }
        return result
    }

    @inline(__always)
    private mutating func skipSpace() {
        while offset < bytes.count, bytes[offset] <= 0x20 {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    @inline(never)
    private func failure(expected: String) -> JSONError {
        offset < bytes.count
            ? JSONError(.unexpectedByte(bytes[offset], expected: expected), offset: offset)
            : JSONError(.unexpectedEnd, offset: offset)
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
        switch bytes[offset] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw failure(expected: "a value")
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for position in 0..<text.utf8CodeUnitCount {
            guard offset < bytes.count, bytes[offset] == text.utf8Start[position] else {
                throw failure(expected: "\(text)")
            }
            offset += 1
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= depthLimit else { throw JSONError(.tooDeep(limit: depthLimit), offset: offset) }
        offset += 1
        skipSpace()
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        if take(UInt8(ascii: "]")) {
            depth -= 1
            return []
        }
        let start = openElements.count
        while true {
            openElements.push(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { break }
            guard take(UInt8(ascii: ",")) else { throw failure(expected: "',' or ']'") }
            skipSpace()
        }
        depth -= 1
        return openElements.popAll(from: start)
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        if take(UInt8(ascii: "}")) {
            depth -= 1
            return JSONObject()
        }
        let start = openFields.count
        var index: [String: Int]?
        var fingerprints: UInt64 = 0
        while true {
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                throw failure(expected: "a field name")
            }
            let keyStart = offset + 1
            let key = try string()
            let bit = fingerprint(of: key, from: keyStart)
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure(expected: "':'") }
            skipSpace()
            let value = try value()
            if fingerprints & bit != 0 || index != nil {
                add(value, key: key, from: start, &index)
            } else {
                openFields.push(JSONObject.Field(key: key, value: value))
            }
            fingerprints |= bit
            skipSpace()
            if take(UInt8(ascii: "}")) { break }
            guard take(UInt8(ascii: ",")) else { throw failure(expected: "',' or '}'") }
            skipSpace()
        }
        depth -= 1
        return JSONObject(unique: openFields.popAll(from: start), index: index)
    }

    /// One of 64 bits that says enough about the field name just read to tell most names apart.
    @inline(__always)
    private func fingerprint(of key: String, from start: Int) -> UInt64 {
        let count: Int
        let first: UInt8
        let last: UInt8
        if lastStringHadEscape {
            count = key.utf8.count
            first = key.utf8.first ?? 0
            last = key.utf8.last ?? 0
        } else {
            count = offset - 1 - start
            first = count > 0 ? bytes[start] : 0
            last = count > 0 ? bytes[offset - 2] : 0
        }
        return 1 << UInt64(truncatingIfNeeded: (count &* 7 &+ Int(first) &* 3 &+ Int(last)) & 63)
    }

    /// Adds a field to the innermost open object, in the place of an earlier one of the same name.
    @inline(never)
    private mutating func add(_ value: JSONValue, key: String, from start: Int, _ index: inout [String: Int]?) {
        let position: Int?
        if index != nil {
            position = index?[key]
        } else {
            position = openFields.first(from: start) { JSONObject.isSame($0.key, key) }.map { $0 - start }
        }
        if let position {
            sawDuplicate = true
            openFields[start + position].value = value
            return
        }
        openFields.push(JSONObject.Field(key: key, value: value))
        let count = openFields.count - start
        if index != nil {
            index?[key] = count - 1
        } else if count > JSONObject.indexedFrom {
            index = JSONObject.index(of: openFields.slice(from: start))
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        let negative = take(UInt8(ascii: "-"))
        let firstDigit = offset
        var magnitude: UInt64 = 0
        while offset < bytes.count {
            let digit = bytes[offset] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            magnitude = magnitude &* 10 &+ UInt64(digit)
            offset += 1
        }
        let digitCount = offset - firstDigit
        guard digitCount > 0, digitCount == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            throw JSONError(.invalidNumber, offset: start)
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            isInteger = false
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
        // 18 digits always fit; `-0` would lose its sign as an integer.
        if isInteger, digitCount <= 18, !(negative && magnitude == 0) {
            return .integer(negative ? -Int64(magnitude) : Int64(magnitude))
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
        if isInteger, text != "-0", let integer = Int64(text) { return .integer(integer) }
        return .number(JSONNumber(text: text))
    }

    private mutating func digits() throws(JSONError) {
        let start = offset
        while offset < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[offset] { offset += 1 }
        guard offset > start else { throw JSONError(.invalidNumber, offset: offset) }
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        var isASCII = true
        try skipOrdinary(&isASCII)
        if bytes[offset] == UInt8(ascii: "\"") {
            // Most strings have no escape: they are taken as they stand.
            let text = try text(start, offset, isASCII: isASCII)
            offset += 1
            lastStringHadEscape = false
            return text
        }
        lastStringHadEscape = true
        return try escapedString(from: start, isASCII: isASCII)
    }

    /// Goes to the next `"` or `\`.
    @inline(__always)
    private mutating func skipOrdinary(_ isASCII: inout Bool) throws(JSONError) {
        guard let base = bytes.baseAddress else { throw JSONError(.unexpectedEnd, offset: offset) }
        var high: UInt64 = 0
        while offset + 8 <= bytes.count {
            let word = UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self)
            let special = JSONBytes.special(word)
            if special != 0 { break }
            high |= word
            offset += 8
        }
        while true {
            guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
            let byte = base[offset]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            if byte < 0x20 { throw JSONError(.controlCharacterInString, offset: offset) }
            high |= UInt64(byte)
            offset += 1
        }
        if high & 0x8080_8080_8080_8080 != 0 { isASCII = false }
    }

    @inline(__always)
    private func text(_ start: Int, _ end: Int, isASCII: Bool) throws(JSONError) -> String {
        let run = UnsafeBufferPointer(rebasing: bytes[start..<end])
        if isASCII { return String(decoding: run, as: UTF8.self) }
        guard let text = String(validating: run, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, offset: start)
        }
        return text
    }

    private mutating func escapedString(from start: Int, isASCII: Bool) throws(JSONError) -> String {
        var text = try text(start, offset, isASCII: isASCII)
        while true {
            if take(UInt8(ascii: "\"")) { return text }
            offset += 1  // the backslash
            text.unicodeScalars.append(try escape())
            let run = offset
            var isASCII = true
            try skipOrdinary(&isASCII)
            text += try self.text(run, offset, isASCII: isASCII)
        }
    }

    /// The character that the escape at `offset`, behind its backslash, stands for.
    private mutating func escape() throws(JSONError) -> UnicodeScalar {
        guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw JSONError(.invalidEscape, offset: offset - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> UnicodeScalar {
        let first = try hexadecimal()
        if let scalar = UnicodeScalar(UInt32(first)) { return scalar }
        // A surrogate: half of a pair, or, alone, nothing that UTF-8 can hold. Go writes U+FFFD for it.
        guard first < 0xdc00, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
            bytes[offset + 1] == UInt8(ascii: "u")
        else { return "\u{fffd}" }
        let beforeSecond = offset
        offset += 2
        let second = try hexadecimal()
        guard (0xdc00...0xdfff).contains(second) else {
            offset = beforeSecond
            return "\u{fffd}"
        }
        let code = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
        return UnicodeScalar(code) ?? "\u{fffd}"
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw JSONError(.unexpectedEnd, offset: offset) }
            let digit: UInt8
            switch bytes[offset] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[offset] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[offset] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[offset] - UInt8(ascii: "A") + 10
            default: throw JSONError(.invalidEscape, offset: offset)
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}

/// Questions about eight bytes at a time.
enum JSONBytes {
    /// Not zero if one of the eight bytes is a quote, a backslash or a control character.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5c)
        let found =
            ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | ((word &- ones &* 0x20) & ~word)
        return found & (ones &* 0x80)
    }
}

/// The elements of everything that is open, so that what is closed can be made in its final size.
private final class Stack<Element> {
    // Nobody else holds a stack: checking for overlapping access at run time would only cost.
    @exclusivity(unchecked) private var base: UnsafeMutablePointer<Element>
    @exclusivity(unchecked) private var capacity = 64
    @exclusivity(unchecked) private(set) var count = 0

    init() { base = .allocate(capacity: capacity) }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    @inline(__always)
    func push(_ element: consuming Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count += 1
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }

    /// Removes what lies on and above `start` and returns it.
    @inline(__always)
    func popAll(from start: Int) -> [Element] {
        let number = count - start
        var array: [Element] = []
        array.reserveCapacity(number)
        for position in start..<count { array.append((base + position).move()) }
        count = start
        return array
    }

    func slice(from start: Int) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(start: base + start, count: count - start)
    }

    @inline(__always)
    func first(from start: Int, where matches: (borrowing Element) -> Bool) -> Int? {
        var position = start
        while position < count {
            if matches(base[position]) { return position }
            position += 1
        }
        return nil
    }

    @inline(__always)
    subscript(position: Int) -> Element {
        get { base[position] }
        _modify { yield &base[position] }
    }
}
