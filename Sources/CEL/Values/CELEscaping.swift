/// Turns the names of properties into names that expressions can write, and back.
///
/// Specified in the Kubernetes documentation under *Validation rules*: `__dot__`, `__dash__`, `__slash__`,
/// `__underscores__`, and reserved words between two underscores.
public enum CELEscaping {
    static let reserved: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    private static let escapes: [(plain: String, escaped: String)] = [
        ("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"),
    ]

    /// The name as expressions write it; nil where they cannot.
    public static func escape(_ name: String) -> String? {
        guard let first = name.unicodeScalars.first, !Lexer.isDigit(first) else { return nil }
        if reserved.contains(name) { return "__\(name)__" }
        var escaped = ""
        var rest = name[...]
        while let next = rest.unicodeScalars.first {
            if let (plain, replacement) = escapes.first(where: { rest.hasPrefix($0.plain) }) {
                escaped += replacement
                rest = rest.dropFirst(plain.count)
            } else if Lexer.isLetter(next) || Lexer.isDigit(next) {
                escaped.unicodeScalars.append(next)
                rest.unicodeScalars.removeFirst()
            } else {
                return nil
            }
        }
        return escaped
    }

    /// The name of the property; nil where an escape is none.
    public static func unescape(_ name: String) -> String? {
        guard name.utf8.count > 4, name.contains("__") else { return name }
        var plain = ""
        var rest = name[...]
        while !rest.isEmpty {
            if rest.hasPrefix("__") {
                let inner = rest.dropFirst(2).prefix { $0 != "_" }
                if !inner.isEmpty, rest[inner.endIndex...].hasPrefix("__") {
                    let escape = "__\(inner)__"
                    if let found = escapes.first(where: { $0.escaped == escape }) {
                        plain += found.plain
                    } else if reserved.contains(String(inner)), escape == name {
                        plain += inner
                    } else {
                        return nil
                    }
                    rest = rest[inner.endIndex...].dropFirst(2)
                    continue
                }
            }
            plain.append(rest.removeFirst())
        }
        return plain
    }
}
