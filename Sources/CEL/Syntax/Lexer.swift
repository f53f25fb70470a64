/// Cuts an expression into tokens, by the lexical part of CEL's grammar.

struct Token {
    enum Kind {
        case end
        /// Operators, brackets, and the words `in`, `true`, `false`, `null`.
        case symbol
        case identifier
        /// A name in backquotes.
        case escapedIdentifier
        case int
        case uint
        case float
        case string
        case bytes
    }

    let kind: Kind
    /// As written.
    let text: String
    /// Code points from the beginning.
    let offset: Int

    /// As error messages show it.
    var shown: String { kind == .end ? "<EOF>" : text }

    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
}

struct Lexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private let issues: IssueList

    init(_ scalars: [Unicode.Scalar], issues: IssueList) {
        self.scalars = scalars
        self.issues = issues
    }

    mutating func tokens() -> [Token] {
        var tokens: [Token] = []
        while true {
            let token = next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func scalar(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private mutating func next() -> Token {
        while true {
            skipBlanks()
            let start = position
            guard let first = scalar() else { return Token(kind: .end, text: "", offset: start) }
            if let kind = scan(first) { return Token(kind: kind, text: text(from: start), offset: start) }
            // Nothing matches: what was tried is dropped together with the code point at which it failed.
            position = min(position + 1, scalars.count)
            issues.report(
                at: start,
                "Syntax error: token recognition error at: '\(Self.escaped(text(from: start)))'")
        }
    }

    private func text(from start: Int) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[start..<position])
        return text
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private mutating func skipBlanks() {
        while let current = scalar() {
            if current == " " || current == "\t" || current == "\n" || current == "\r" || current == "\u{c}" {
                position += 1
            } else if current == "/", scalar(1) == "/" {
                while let current = scalar(), current != "\n" { position += 1 }
            } else {
                return
            }
        }
    }

    /// Goes over one token. Nil, with the position at the offending code point, where there is none.
    private mutating func scan(_ first: Unicode.Scalar) -> Token.Kind? {
        switch first {
        case "=": return pair("=")
        case "&": return pair("&")
        case "|": return pair("|")
        case "!", "<", ">":
            position += scalar(1) == "=" ? 2 : 1
            return .symbol
        case "[", "]", "{", "}", "(", ")", ",", "-", "?", ":", "+", "*", "/", "%":
            position += 1
            return .symbol
        case ".":
            if let after = scalar(1), Self.isDigit(after) { return number() }
            position += 1
            return .symbol
        case "`": return escapedIdentifier()
        case "\"", "'": return string(isRaw: false) ? .string : nil
        case _ where Self.isDigit(first): return number()
        case _ where Self.isLetter(first): return word()
        default: return nil
        }
    }

    private mutating func pair(_ second: Unicode.Scalar) -> Token.Kind? {
        position += 1
        guard scalar() == second else { return nil }
        position += 1
        return .symbol
    }

    private mutating func escapedIdentifier() -> Token.Kind? {
        position += 1
        let start = position
        while let current = scalar(),
            Self.isLetter(current) || Self.isDigit(current) || current == "." || current == "-" || current == "/"
                || current == " "
        {
            position += 1
        }
        guard scalar() == "`", position > start else { return nil }
        position += 1
        return .escapedIdentifier
    }

    private mutating func word() -> Token.Kind? {
        // A prefix of a string: r, b, br, rb in either case.
        for length in 1...2 {
            guard let quote = scalar(length), quote == "\"" || quote == "'" else { continue }
            let prefix = scalars[position..<position + length].map { $0.properties.lowercaseMapping }
            let isBytes = prefix.contains("b")
            guard prefix == ["r"] || prefix == ["b"] || prefix == ["b", "r"] else { break }
            position += length
            guard string(isRaw: prefix.contains("r")) else { return nil }
            return isBytes ? .bytes : .string
        }
        let start = position
        while let current = scalar(), Self.isLetter(current) || Self.isDigit(current) { position += 1 }
        return ["in", "true", "false", "null"].contains(text(from: start)) ? .symbol : .identifier
    }

    private mutating func digits() {
        while let current = scalar(), Self.isDigit(current) { position += 1 }
    }

    private mutating func number() -> Token.Kind? {
        if scalar() == "0", scalar(1) == "x", let digit = scalar(2), Self.isHexDigit(digit) {
            position += 2
            while let current = scalar(), Self.isHexDigit(current) { position += 1 }
            return unsignedSuffix()
        }
        let start = position
        digits()
        var isFloat = false
        if scalar() == ".", let after = scalar(1), Self.isDigit(after) {
            position += 1
            digits()
            isFloat = true
        }
        if let mark = scalar(), mark == "e" || mark == "E" {
            let signed = scalar(1) == "+" || scalar(1) == "-"
            if let digit = scalar(signed ? 2 : 1), Self.isDigit(digit) {
                position += signed ? 2 : 1
                digits()
                isFloat = true
            }
        }
        precondition(position > start, "a number begins with a digit")
        return isFloat ? .float : unsignedSuffix()
    }

    private mutating func unsignedSuffix() -> Token.Kind {
        guard let suffix = scalar(), suffix == "u" || suffix == "U" else { return .int }
        position += 1
        return .uint
    }

    /// Goes over a quoted string of which the position is the first quote.
    private mutating func string(isRaw: Bool) -> Bool {
        let quote = scalars[position]
        if scalar(1) == quote, scalar(2) == quote {
            position += 3
            while let current = scalar() {
                if current == quote, scalar(1) == quote, scalar(2) == quote {
                    position += 3
                    return true
                }
                if current == "\\", !isRaw {
                    guard escape() else { return false }
                } else {
                    position += 1
                }
            }
            return false
        }
        position += 1
        while let current = scalar(), current != "\n", current != "\r" {
            if current == quote {
                position += 1
                return true
            }
            if current == "\\", !isRaw {
                guard escape() else { return false }
            } else {
                position += 1
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        position += 1
        guard let mark = scalar() else { return false }
        let count: Int
        switch mark {
        case "a", "b", "f", "n", "r", "t", "v", "\"", "'", "\\", "?", "`":
            position += 1
            return true
        case "x", "X": count = 2
        case "u": count = 4
        case "U": count = 8
        case "0", "1", "2", "3":
            for _ in 0..<2 {
                position += 1
                guard let digit = scalar(), ("0"..."7").contains(digit) else { return false }
            }
            position += 1
            return true
        default: return false
        }
        position += 1
        for _ in 0..<count {
            guard let digit = scalar(), Self.isHexDigit(digit) else { return false }
            position += 1
        }
        return true
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }

    static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
    }
}
