// Where a list in pages goes on: the revision of its first page, and the key behind which the next one begins.

import JSON
import KubeTypes
import Storage

struct ContinueToken: Sendable {
    /// Nil for a list that goes on with what is there now.
    var revision: Revision?
    var after: ObjectKey

    init(revision: Revision?, after: ObjectKey) {
        self.revision = revision
        self.after = after
    }

    /// Reads a token of `text`'s making.
    init(parsing text: String) throws(APIError) {
        guard let bytes = Base64URL.decode(text), let value = try? JSONParser.parse(bytes),
            value["v"]?.stringValue == "meta.k8s.io/v1", let revision = value["rv"]?.integerValue,
            let start = value["start"]?.stringValue, start.hasSuffix("\0"), revision >= -1
        else { throw .badRequest("continue key is not valid: it was not made by this server") }
        self.revision = revision < 0 ? nil : revision
        let key = start.dropLast()
        if let slash = key.firstIndex(of: "/") {
            after = ObjectKey(namespace: String(key[..<slash]), name: String(key[key.index(after: slash)...]))
        } else {
            after = ObjectKey(name: String(key))
        }
    }

    var text: String {
        let value: JSONValue = [
            "v": "meta.k8s.io/v1", "rv": .integer(revision ?? -1), "start": .string(after.description + "\0"),
        ]
        return Base64URL.encode(JSONWriter.bytes(of: value))
    }
}

/// Base 64 with the URL alphabet (RFC 4648, section 5), without padding.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[index + offset]) : 0) }
            for digit in 0...count { text.append(alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)]) }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            group = group << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return bytes
    }
}
