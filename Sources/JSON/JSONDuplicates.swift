/// Finds the fields that objects of a JSON document have twice.
///
/// A second pass, made only when the first one met a duplicate: it keeps the path to where it is, which a document
/// without duplicates should not pay for.
enum JSONDuplicates {
    /// How many paths are reported at most, as upstream does.
    static let limit = 100

    /// The paths of duplicate fields in `bytes`, which are known to be JSON, in the order of the document.
    static func paths(in bytes: UnsafeBufferPointer<UInt8>) -> [String] {
        var walk = Walk(bytes: bytes)
        walk.value()
        return walk.found
    }

    /// The paths of all fields in `bytes`, which are known to be JSON, in the order of the document.
    static func allPaths(in bytes: UnsafeBufferPointer<UInt8>) -> [String] {
        var walk = Walk(bytes: bytes)
        walk.all = []
        walk.value()
        return walk.all ?? []
    }

    private struct Walk {
        let bytes: UnsafeBufferPointer<UInt8>
        /// Every path, where they are asked for.
        var all: [String]?
        var offset = 0
        var path: [String] = []
        var found: [String] = []
        var seen: Set<String> = []

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        /// Goes behind the value that comes next; at the first level, `]` and `}` end the loops of their callers.
        mutating func value() {
            skip()
            guard offset < bytes.count else { return }
            switch bytes[offset] {
            case UInt8(ascii: "{"): object()
            case UInt8(ascii: "["): array()
            case UInt8(ascii: "\""): _ = string()
            default:
                while offset < bytes.count, !isDelimiter(bytes[offset]) { offset += 1 }
            }
        }

        private func isDelimiter(_ byte: UInt8) -> Bool {
            byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
        }

        /// Skips space, and the `,` and `:` between what matters here.
        private mutating func skip() {
            while offset < bytes.count,
                bytes[offset] <= 0x20 || bytes[offset] == UInt8(ascii: ",") || bytes[offset] == UInt8(ascii: ":")
            {
                offset += 1
            }
        }

        private mutating func array() {
            offset += 1
            var index = 0
            while true {
                skip()
                guard offset < bytes.count, bytes[offset] != UInt8(ascii: "]") else { break }
                path.append("[\(index)]")
                value()
                path.removeLast()
                index += 1
            }
            offset += 1
        }

        private mutating func object() {
            offset += 1
            var keys: Set<String> = []
            while true {
                skip()
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { break }
                let key = string()
                path.append(path.isEmpty ? key : ".\(key)")
                if all != nil { all?.append(path.joined()) }
                if !keys.insert(key).inserted, found.count < JSONDuplicates.limit {
                    let joined = path.joined()
                    if seen.insert(joined).inserted { found.append(joined) }
                }
                value()
                path.removeLast()
            }
            offset += 1
        }

        private mutating func string() -> String {
            let start = offset
            offset += 1
            while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
                offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
            }
            offset += 1
            let text = UnsafeBufferPointer(rebasing: bytes[start..<min(offset, bytes.count)])
            return (try? JSONParser.parse(text))?.stringValue ?? ""
        }
    }
}
