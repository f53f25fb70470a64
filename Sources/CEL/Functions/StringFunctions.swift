import LinearRegex

/// Functions of texts: `charAt`, `split`, `replace` … Positions count code points.
///
/// Specified in cel-go's extension *Strings*.
extension Functions {
    static let strings: [String: FunctionImplementation] = [
        "contains": { values throws(CELError) in
            .bool(Substrings.first(of: try bytes(values, 1), in: try bytes(values, 0), from: 0) != nil)
        },
        "startsWith": { values throws(CELError) in .bool(try bytes(values, 0).starts(with: try bytes(values, 1))) },
        "endsWith": { values throws(CELError) in
            .bool(try bytes(values, 0).reversed().starts(with: try bytes(values, 1).reversed()))
        },
        "matches": pattern("matches"), "find": pattern("find"), "findAll": pattern("findAll"),
        "charAt": { values throws(CELError) in
            let text = try scalars(values, 0)
            let index = try int(values, 1)
            guard index >= 0, index <= text.count else { throw CELError("index out of range: \(index)") }
            return .string(index == text.count ? "" : String(Character(text[Int(index)])))
        },
        "indexOf": { values throws(CELError) in
            if case .list(let list) = values[0] { return try position(in: list, of: values[1], backwards: false) }
            let text = try scalars(values, 0)
            let part = try scalars(values, 1)
            let start = values.count > 2 ? try int(values, 2) : 0
            if part.isEmpty { return .int(start) }
            guard start >= 0 else { throw CELError("index out of range: \(start)") }
            guard start < text.count else { return .int(-1) }
            return .int(Int64(Substrings.first(of: part, in: text, from: Int(start)) ?? -1))
        },
        "lastIndexOf": { values throws(CELError) in
            if case .list(let list) = values[0] { return try position(in: list, of: values[1], backwards: true) }
            let text = try scalars(values, 0)
            let part = try scalars(values, 1)
            if values.count <= 2 {
                if part.isEmpty { return .int(Int64(text.count)) }
                if text.count < part.count { return .int(-1) }
            }
            let start = values.count > 2 ? try int(values, 2) : Int64(text.count - 1)
            if part.isEmpty { return .int(start) }
            guard start >= 0 else { throw CELError("index out of range: \(start)") }
            guard start < text.count else { return .int(-1) }
            var index = min(Int(start), text.count - part.count)
            while index >= 0 {
                if text[index..<index + part.count].elementsEqual(part) { return .int(Int64(index)) }
                index -= 1
            }
            return .int(-1)
        },
        "lowerAscii": { values throws(CELError) in .string(try mapping(values, "A"..."Z", by: 32)) },
        "upperAscii": { values throws(CELError) in .string(try mapping(values, "a"..."z", by: -32)) },
        "replace": { values throws(CELError) in
            var limit = Int.max
            if values.count > 3 {
                let given = try int(values, 3)
                if given >= 0 { limit = Int(clamping: given) }
            }
            let result = Substrings.replacing(
                try bytes(values, 1), with: try bytes(values, 2), in: try string(values, 0), limit: limit)
            return .string(result)
        },
        "split": { values throws(CELError) in
            var limit = Int.max
            if values.count > 2 {
                let given = try int(values, 2)
                if given == 0 { return .list(.values([])) }
                if given > 0 { limit = Int(clamping: given) }
            }
            let parts = Substrings.splitting(try string(values, 0), at: try bytes(values, 1), limit: limit)
            return .list(.values(parts.map { .string($0) }))
        },
        "substring": { values throws(CELError) in
            let text = try scalars(values, 0)
            let start = try int(values, 1)
            let end = values.count > 2 ? try int(values, 2) : Int64(text.count)
            if values.count > 2, start > end {
                throw CELError("invalid substring range. start: \(start), end: \(end)")
            }
            for index in [start, end] where index < 0 || index > text.count {
                throw CELError("index out of range: \(index)")
            }
            return .string(text[Int(start)..<Int(end)].joinedText)
        },
        "trim": { values throws(CELError) in
            var text = try scalars(values, 0)[...]
            while let first = text.first, first.properties.isWhitespace { text.removeFirst() }
            while let last = text.last, last.properties.isWhitespace { text.removeLast() }
            return .string(text.joinedText)
        },
        "format": { values throws(CELError) in
            guard case .list(let list) = values[1] else { throw .noSuchOverload }
            return .string(try StringFormat.format(try string(values, 0), try list.all()))
        },
        "strings.quote": { values throws(CELError) in .string(quoted(try string(values, 0))) },
        "join": { values throws(CELError) in
            guard case .list(let list) = values[0] else { throw .noSuchOverload }
            var texts: [String] = []
            for value in try list.all() {
                guard let text = value.stringValue else { throw CELError("join: invalid input: \(value.shown)") }
                texts.append(text)
            }
            return .string(texts.joined(separator: values.count > 1 ? try string(values, 1) : ""))
        },
    ]

    static func value<Value: CELObject>(
        _ values: [CELValue], _ index: Int, _ type: Value.Type
    ) throws(CELError) -> Value {
        guard case .object(let object) = values[index], let value = object as? Value else { throw .noSuchOverload }
        return value
    }

    static func string(_ values: [CELValue], _ index: Int) throws(CELError) -> String {
        guard let text = values[index].stringValue else { throw .noSuchOverload }
        return text
    }

    static func int(_ values: [CELValue], _ index: Int) throws(CELError) -> Int64 {
        guard case .int(let number) = values[index] else { throw .noSuchOverload }
        return number
    }

    private static func bytes(_ values: [CELValue], _ index: Int) throws(CELError) -> [UInt8] {
        Array(try string(values, index).utf8)
    }

    private static func scalars(_ values: [CELValue], _ index: Int) throws(CELError) -> [Unicode.Scalar] {
        Array(try string(values, index).unicodeScalars)
    }

    private static func mapping(
        _ values: [CELValue], _ range: ClosedRange<Unicode.Scalar>, by offset: Int
    ) throws(CELError) -> String {
        let letters = UInt8(ascii: range.lowerBound)...UInt8(ascii: range.upperBound)
        return String(
            decoding: try bytes(values, 0).map { letters.contains($0) ? UInt8(Int($0) + offset) : $0 }, as: UTF8.self)
    }

    private static func pattern(_ function: String) -> FunctionImplementation {
        { values throws(CELError) in
            let text = try string(values, 1)
            let expression: RegularExpression
            do throws(RegularExpression.Problem) {
                expression = try RegularExpression(text)
            } catch {
                throw CELError(function == "matches" ? error.message : "Illegal regex: \(error.message)")
            }
            return try matching(function, expression)(values)
        }
    }

    private static func position(
        in list: CELList, of value: CELValue, backwards: Bool
    ) throws(CELError) -> CELValue {
        for step in 0..<list.count {
            let index = backwards ? list.count - 1 - step : step
            // Elements that cannot be compared are not the one.
            let element = try list.value(at: index)
            if (try? element.isEqual(to: value)) == true { return .int(Int64(index)) }
        }
        return .int(-1)
    }

    private static let quotes: [Unicode.Scalar: String] = [
        "\u{7}": "\\a", "\u{8}": "\\b", "\u{c}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{b}": "\\v",
        "\\": "\\\\", "\"": "\\\"",
    ]

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if let escape = quotes[scalar] { result += escape } else { result.unicodeScalars.append(scalar) }
        }
        return result + "\""
    }
}

extension Sequence<Unicode.Scalar> {
    var joinedText: String {
        var text = ""
        text.unicodeScalars.append(contentsOf: self)
        return text
    }
}

/// Searching for parts of texts; in linear time for the texts that occur.
enum Substrings {
    static func first<Element: Equatable>(of part: [Element], in text: [Element], from start: Int) -> Int? {
        if part.isEmpty { return start }
        guard text.count >= part.count else { return nil }
        // How far a mismatch lets one skip (Knuth, Morris, Pratt).
        var borders = [0]
        var length = 0
        for element in part.dropFirst() {
            while length > 0, part[length] != element { length = borders[length - 1] }
            if part[length] == element { length += 1 }
            borders.append(length)
        }
        length = 0
        var index = start
        while index < text.count {
            while length > 0, part[length] != text[index] { length = borders[length - 1] }
            if part[length] == text[index] { length += 1 }
            index += 1
            if length == part.count { return index - length }
        }
        return nil
    }

    /// With `part` empty, the replacement goes before every code point and to the end.
    static func replacing(_ part: [UInt8], with replacement: [UInt8], in text: String, limit: Int) -> String {
        var result: [UInt8] = []
        var count = 0
        if part.isEmpty {
            for scalar in text.unicodeScalars {
                if count < limit { result += replacement }
                count += 1
                result += UTF8.encode(scalar) ?? .init()
            }
            if count < limit { result += replacement }
            return String(decoding: result, as: UTF8.self)
        }
        let bytes = Array(text.utf8)
        var position = 0
        while count < limit, let found = first(of: part, in: bytes, from: position) {
            result += bytes[position..<found]
            result += replacement
            position = found + part.count
            count += 1
        }
        return String(decoding: result + bytes[position...], as: UTF8.self)
    }

    /// With `separator` empty, every code point is a part.
    static func splitting(_ text: String, at separator: [UInt8], limit: Int) -> [String] {
        var parts: [String] = []
        if separator.isEmpty {
            var rest = text.unicodeScalars[...]
            while let first = rest.first {
                if parts.count == limit - 1 {
                    parts.append(String(rest))
                    return parts
                }
                parts.append(String(Character(first)))
                rest.removeFirst()
            }
            return parts
        }
        let bytes = Array(text.utf8)
        var position = 0
        while parts.count < limit - 1, let found = first(of: separator, in: bytes, from: position) {
            parts.append(String(decoding: bytes[position..<found], as: UTF8.self))
            position = found + separator.count
        }
        parts.append(String(decoding: bytes[position...], as: UTF8.self))
        return parts
    }
}
