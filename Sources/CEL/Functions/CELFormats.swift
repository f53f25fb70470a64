import KubeTypes

/// Checks of texts that functions and named formats share.
public enum CELFormats {
    /// An absolute URL or path.
    public static func isURI(_ text: String) -> Bool { URLValue.isValid(text) }

    /// 32 hexadecimal digits, with or without dashes between the five groups.
    public static func isUUID(_ text: String) -> Bool {
        let groups = [8, 4, 4, 4, 12]
        var rest = text.unicodeScalars[...]
        for (position, count) in groups.enumerated() {
            if position > 0, rest.first == "-" { rest.removeFirst() }
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy(Lexer.isHexDigit) else { return false }
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty
    }

    public static func isBase64(_ text: String) -> Bool { !text.isEmpty && Base64.decode(text) != nil }

    /// `2020-02-29`
    public static func isDate(_ text: String) -> Bool {
        text.utf8.count == 10 && CELTimestamp("\(text)T00:00:00Z") != nil
    }

    /// RFC 3339.
    public static func isDateTime(_ text: String) -> Bool { CELTimestamp(text) != nil }
}
