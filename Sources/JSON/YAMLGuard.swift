/// Finds keys that would cost exponential time before the YAML library sees them.
///
/// Comparing the keys of a mapping walks through them, and a key that is an alias of aliases is as large as what it
/// stands for. No manifest has such keys, so a text that might is refused.
enum YAMLGuard {
    /// The first line (from 1) on which an alias or a collection may be a key; nil in a text without aliases.
    ///
    /// This looks at bytes, not at tokens, and may take text inside a block scalar for a key. It does so only where
    /// the text has something like an anchor and something like an alias.
    static func lineOfAliasInKey(_ text: String) -> Int? {
        guard text.utf8.contains(UInt8(ascii: "&")), text.utf8.contains(UInt8(ascii: "*")) else { return nil }
        var text = text
        return text.withUTF8 { bytes in
            guard hasMark(UInt8(ascii: "&"), in: bytes), hasMark(UInt8(ascii: "*"), in: bytes) else { return nil }
            var line = 1
            for position in bytes.indices {
                switch bytes[position] {
                case UInt8(ascii: "\n"): line += 1
                case UInt8(ascii: "*") where isMark(position, in: bytes):
                    var end = position + 1
                    while end < bytes.count, isNameByte(bytes[end]) { end += 1 }
                    if isKeyEnd(end, in: bytes) { return line }
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    if isKeyEnd(position + 1, in: bytes) { return line }
                case UInt8(ascii: "?"):
                    let followed = position + 1 == bytes.count || isSpace(bytes[position + 1])
                    if followed, isBeforeToken(position, in: bytes) { return line }
                default: break
                }
            }
            return nil
        }
    }

    private static func hasMark(_ byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.indices.contains { bytes[$0] == byte && isMark($0, in: bytes) }
    }

    /// Whether the `&` or `*` at `position` can begin an anchor or an alias.
    private static func isMark(_ position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        position + 1 < bytes.count && isNameByte(bytes[position + 1]) && isBeforeToken(position, in: bytes)
    }

    private static func isBeforeToken(_ position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard position > 0 else { return true }
        switch bytes[position - 1] {
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""),
            UInt8(ascii: "'"), 0x80...:
            return true  // 0x80 and above: part of a line break or a byte order mark
        case let byte: return isSpace(byte)
        }
    }

    /// Whether what ends at `position` is followed by a `:` on the same line.
    private static func isKeyEnd(_ position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var position = position
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        return position < bytes.count && bytes[position] == UInt8(ascii: ":")
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
