// Label selectors as clients write them in queries: `app=web,tier in (a, b),!canary`.
//
// Specified in the API documentation under "Labels and Selectors".

import JSON
import KubeTypes

/// A selector's text did not parse.
public struct SelectorError: Error {
    public let message: String
}

public enum LabelSelectorText {
    /// Reads a selector; an empty one matches everything.
    public static func parse(_ text: String) throws(SelectorError) -> LabelMatcher {
        var lexer = Lexer(text)
        var requirements: [LabelMatcher.Requirement] = []
        if lexer.peek == .end { return LabelMatcher([]) }
        while true {
            requirements.append(try requirement(&lexer))
            switch lexer.next() {
            case .end: return LabelMatcher(requirements)
            case .comma:
                if lexer.peek == .end { throw SelectorError(message: "found '', expected: identifier after ','") }
            case let token: throw SelectorError(message: "found '\(token.text)', expected: ',' or 'end of string'")
            }
        }
    }

    private static func requirement(_ lexer: inout Lexer) throws(SelectorError) -> LabelMatcher.Requirement {
        if lexer.peek == .not {
            _ = lexer.next()
            return .doesNotExist(key: try key(&lexer))
        }
        let key = try key(&lexer)
        switch lexer.peek {
        case .end, .comma: return .exists(key: key)
        case .equals:
            _ = lexer.next()
            return .in(key: key, values: [try value(&lexer, of: key)])
        case .notEquals:
            _ = lexer.next()
            return .notIn(key: key, values: [try value(&lexer, of: key)])
        case .greater, .less:
            let greater = lexer.next() == .greater
            let text = try value(&lexer, of: key)
            guard let number = Int64(text) else {
                throw SelectorError(
                    message:
                        "values[0][\(key)]: Invalid value: \"\(text)\": for 'Gt', 'Lt' operators, the value must be an integer"
                )
            }
            return greater ? .greaterThan(key: key, value: number) : .lessThan(key: key, value: number)
        case .word("in"), .word("notin"):
            let isIn = lexer.next() == .word("in")
            let values = try values(&lexer, of: key)
            return isIn ? .in(key: key, values: values) : .notIn(key: key, values: values)
        case let token:
            throw SelectorError(
                message: "found '\(token.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    private static func key(_ lexer: inout Lexer) throws(SelectorError) -> String {
        guard case .word(let key) = lexer.next() else {
            throw SelectorError(message: "found '', expected: !, identifier, or 'end of string'")
        }
        if let problem = Names.isQualifiedName(key).first {
            throw SelectorError(message: "key: Invalid value: \"\(key)\": \(problem)")
        }
        return key
    }

    private static func check(_ value: String, of key: String) throws(SelectorError) -> String {
        if let problem = Names.isLabelValue(value).first {
            throw SelectorError(message: "values[0][\(key)]: Invalid value: \"\(value)\": \(problem)")
        }
        return value
    }

    private static func value(_ lexer: inout Lexer, of key: String) throws(SelectorError) -> String {
        switch lexer.peek {
        case .end, .comma: return ""
        case .word(let word):
            _ = lexer.next()
            return try check(word, of: key)
        case let token: throw SelectorError(message: "found '\(token.text)', expected: identifier")
        }
    }

    private static func values(_ lexer: inout Lexer, of key: String) throws(SelectorError) -> Set<String> {
        guard lexer.next() == .open else { throw SelectorError(message: "found '\(lexer.lastText)', expected: '('") }
        var values: Set<String> = []
        var expectsValue = true
        while true {
            switch lexer.next() {
            case .word(let word) where expectsValue:
                values.insert(try check(word, of: key))
                expectsValue = false
            case .comma:
                if expectsValue { values.insert("") }
                expectsValue = true
            case .close:
                if expectsValue { values.insert("") }
                return values
            case let token:
                throw SelectorError(message: "found '\(token.text)', expected: ',', ')' or identifier")
            }
        }
    }

    private enum Token: Equatable {
        case word(String), comma, open, close, equals, notEquals, not, greater, less, end

        var text: String {
            switch self {
            case .word(let word): word
            case .comma: ","
            case .open: "("
            case .close: ")"
            case .equals: "="
            case .notEquals: "!="
            case .not: "!"
            case .greater: ">"
            case .less: "<"
            case .end: ""
            }
        }
    }

    private struct Lexer {
        private let bytes: [UInt8]
        private var offset = 0
        private(set) var peek: Token = .end
        private(set) var lastText = ""

        init(_ text: String) {
            bytes = Array(text.utf8)
            peek = scan()
        }

        mutating func next() -> Token {
            let token = peek
            lastText = token.text
            peek = scan()
            return token
        }

        private mutating func scan() -> Token {
            while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
            guard offset < bytes.count else { return .end }
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: ","): return .comma
            case UInt8(ascii: "("): return .open
            case UInt8(ascii: ")"): return .close
            case UInt8(ascii: ">"): return .greater
            case UInt8(ascii: "<"): return .less
            case UInt8(ascii: "="):
                if offset < bytes.count, bytes[offset] == UInt8(ascii: "=") { offset += 1 }
                return .equals
            case UInt8(ascii: "!"):
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "=") else { return .not }
                offset += 1
                return .notEquals
            default:
                let start = offset - 1
                while offset < bytes.count, !" \t\r\n,()=!<>".utf8.contains(bytes[offset]) { offset += 1 }
                return .word(String(decoding: bytes[start..<offset], as: UTF8.self))
            }
        }
    }
}

extension LabelMatcher {
    /// Whether the labels that an object carries, as JSON, meet all requirements.
    public func matches(_ labels: JSONObject?) -> Bool {
        for requirement in requirements {
            let met =
                switch requirement {
                case .in(let key, let values): labels?[key]?.stringValue.map(values.contains) ?? false
                case .notIn(let key, let values): labels?[key]?.stringValue.map { !values.contains($0) } ?? true
                case .exists(let key): labels?[key] != nil
                case .doesNotExist(let key): labels?[key] == nil
                case .greaterThan(let key, let value):
                    labels?[key]?.stringValue.flatMap(Int64.init).map { $0 > value } ?? false
                case .lessThan(let key, let value):
                    labels?[key]?.stringValue.flatMap(Int64.init).map { $0 < value } ?? false
                case .nothing: false
                }
            if !met { return false }
        }
        return true
    }
}
