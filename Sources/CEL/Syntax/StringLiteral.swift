/// What a quoted string of an expression stands for.
///
/// Specified in the CEL language definition under *String and Bytes Values*.
enum StringLiteral {
    struct Problem: Error { let message: String }

    /// The bytes of a literal, quotes and the prefix `r` included, without the prefix `b`.
    ///
    /// - Parameter isBytes: Whether hexadecimal and octal escapes are bytes instead of code points.
    static func bytes(of literal: String, isBytes: Bool) throws(Problem) -> [UInt8] {
        var scalars = normalizingNewlines(literal)[...]
        var isRaw = false
        if let first = scalars.first, first == "r" || first == "R" {
            isRaw = true
            scalars = scalars.dropFirst()
        }
        guard let quote = scalars.first, scalars.count >= 2 else { throw Problem(message: "unable to unescape string") }
        let length = scalars.count >= 6 && scalars.prefix(3).allSatisfy { $0 == quote } ? 3 : 1
        var rest = scalars.dropFirst(length).dropLast(length)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count)
        while let scalar = rest.popFirst() {
            if isRaw || scalar != "\\" {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
            } else {
                try unescape(&rest, isBytes: isBytes, into: &bytes)
            }
        }
        return bytes
    }

    /// Every line break as a line feed.
    private static func normalizingNewlines(_ literal: String) -> [Unicode.Scalar] {
        var normalized: [Unicode.Scalar] = []
        var afterReturn = false
        for scalar in literal.unicodeScalars {
            if scalar == "\r" {
                normalized.append("\n")
            } else if scalar != "\n" || !afterReturn {
                normalized.append(scalar)
            }
            afterReturn = scalar == "\r"
        }
        return normalized
    }

    private static let simple: [Unicode.Scalar: UInt8] = [
        "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, "\"": 34, "`": 96, "?": 63,
    ]

    private static func unescape(
        _ rest: inout ArraySlice<Unicode.Scalar>, isBytes: Bool, into bytes: inout [UInt8]
    ) throws(Problem) {
        guard let mark = rest.popFirst() else {
            throw Problem(message: "unable to unescape string, found '\\' as last character")
        }
        if let byte = simple[mark] {
            bytes.append(byte)
            return
        }
        let digits: Int
        let radix: Int
        var text = ""
        switch mark {
        case "x", "X": (digits, radix) = (2, 16)
        case "u" where !isBytes: (digits, radix) = (4, 16)
        case "U" where !isBytes: (digits, radix) = (8, 16)
        case "0", "1", "2", "3":
            (digits, radix) = (2, 8)
            text.unicodeScalars.append(mark)
        default: throw Problem(message: "unable to unescape string")
        }
        text.unicodeScalars.append(contentsOf: rest.prefix(digits))
        guard rest.count >= digits, let value = UInt32(text, radix: radix) else {
            let what = radix == 8 ? "octal sequence in string" : "string"
            throw Problem(message: "unable to unescape \(what)")
        }
        rest = rest.dropFirst(digits)
        if isBytes {
            bytes.append(UInt8(truncatingIfNeeded: value))
        } else {
            guard let scalar = Unicode.Scalar(value) else { throw Problem(message: "invalid unicode code point") }
            bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }
}
