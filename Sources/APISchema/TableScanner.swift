import CAPITable

/// Reading the tables: bytes of the binary, line by line and word by word, without copying what is only looked at.

/// The bytes of a table.
struct TableText: Sendable {
    /// Constants of the binary: they are never written and never go away, so sharing them is safe.
    nonisolated(unsafe) let bytes: UnsafeBufferPointer<UInt8>
    /// For messages about mistakes in it.
    let name: String
}

enum Tables {
    static let types = table(martlet_types, "types.table")
    static let olderTypes = table(martlet_older_types, "types-older.table")
    static let resources = table(martlet_resources, "resources.table")
    static let rules = table(martlet_rules, "rules.table")

    private static func table(_ which: CAPITable.martlet_table, _ name: String) -> TableText {
        var size = 0
        let start = martlet_table(which, &size)
        return TableText(bytes: UnsafeBufferPointer(start: start, count: size), name: name)
    }
}

/// A part of a table without spaces.
struct Word {
    let bytes: UnsafeBufferPointer<UInt8>

    var isEmpty: Bool { bytes.isEmpty }
    var first: UInt8 { bytes.first ?? 0 }
    var last: UInt8 { bytes.last ?? 0 }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// The number that the digits say; nil for anything else.
    var integer: Int? {
        var value = 0
        for byte in bytes {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return bytes.isEmpty ? nil : value
    }

    func dropFirst(_ count: Int = 1) -> Word { Word(bytes: UnsafeBufferPointer(rebasing: bytes.dropFirst(count))) }
    func dropLast(_ count: Int = 1) -> Word { Word(bytes: UnsafeBufferPointer(rebasing: bytes.dropLast(count))) }

    func contains(_ byte: UInt8) -> Bool { bytes.contains(byte) }

    static func == (word: Word, text: StaticString) -> Bool {
        guard word.bytes.count == text.utf8CodeUnitCount else { return false }
        for position in word.bytes.indices where word.bytes[position] != text.utf8Start[position] { return false }
        return true
    }

    /// What follows `prefix`; nil if the word does not begin with it.
    func after(_ prefix: StaticString) -> Word? {
        let count = prefix.utf8CodeUnitCount
        guard bytes.count >= count else { return nil }
        for position in 0..<count where bytes[position] != prefix.utf8Start[position] { return nil }
        return dropFirst(count)
    }

    /// The parts between separators; one empty part for an empty word.
    func split(_ separator: UInt8) -> [Word] {
        var parts: [Word] = []
        var start = 0
        for position in 0...bytes.count where position == bytes.count || bytes[position] == separator {
            parts.append(Word(bytes: UnsafeBufferPointer(rebasing: bytes[start..<position])))
            start = position + 1
        }
        return parts
    }

    /// The strings between commas.
    var list: [String] { split(UInt8(ascii: ",")).map(\.string) }
}

/// A line's words, and whether it was indented.
struct TableLine {
    let isIndented: Bool
    let words: [Word]
    let number: Int

    subscript(index: Int) -> Word { words[index] }
}

/// The lines of a table that are neither empty nor comments.
struct TableLines: Sequence, IteratorProtocol {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0
    private var number = 0

    init(_ text: TableText) { bytes = text.bytes }

    mutating func next() -> TableLine? {
        while offset < bytes.count {
            number += 1
            var end = offset
            while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
            let start = offset
            offset = end + 1
            if let line = line(start, end) { return line }
        }
        return nil
    }

    private func line(_ start: Int, _ end: Int) -> TableLine? {
        var position = start
        var words: [Word] = []
        words.reserveCapacity(6)
        while position < end {
            while position < end, bytes[position] == UInt8(ascii: " ") { position += 1 }
            let wordStart = position
            while position < end, bytes[position] != UInt8(ascii: " ") { position += 1 }
            if position > wordStart {
                if words.isEmpty, bytes[wordStart] == UInt8(ascii: "#") { return nil }
                words.append(Word(bytes: UnsafeBufferPointer(rebasing: bytes[wordStart..<position])))
            }
        }
        guard !words.isEmpty else { return nil }
        return TableLine(isIndented: bytes[start] == UInt8(ascii: " "), words: words, number: number)
    }
}
