/// A path into a JSON document (RFC 6901): `/spec/containers/0/name`, with `~1` for `/` and `~0` for `~`.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    /// The field names and array indices to go through, unescaped; empty for the whole document.
    public let tokens: [String]

    public init(tokens: [String]) { self.tokens = tokens }

    /// Reads a pointer; nil if `text` is neither empty nor begins with `/`.
    public init?(_ text: String) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        tokens = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Self.unescape(Substring($0)) }
    }

    public var description: String {
        var text = ""
        for token in tokens {
            text.append("/")
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text.append("~0")
                case "/": text.append("~1")
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }

    private static func unescape(_ token: Substring) -> String {
        guard token.utf8.contains(UInt8(ascii: "~")) else { return String(token) }
        var result = String.UnicodeScalarView()
        var rest = token.unicodeScalars
        while let scalar = rest.popFirst() {
            if scalar == "~", let next = rest.first, next == "0" || next == "1" {
                result.append(next == "0" ? "~" : "/")
                rest.removeFirst()
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

extension JSONValue {
    /// The value that `pointer` leads to, or nil where there is none.
    public subscript(pointer pointer: JSONPointer) -> JSONValue? {
        var value = self
        for token in pointer.tokens {
            switch value {
            case .object(let object):
                guard let next = object[token] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(token), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}
