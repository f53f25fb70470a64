/// Reads patterns with RE2's syntax.
struct RegexParser {
    typealias Problem = RegularExpression.Problem

    private static let mostRepetitions = 1000
    private static let deepest = 250

    private struct Flags {
        var foldsCase = false
        var isMultiline = false
        var dotIsAll = false
        var swapsGreed = false
    }

    private let pattern: String
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var flags = Flags()
    private var depth = 0

    init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    mutating func parse() throws(Problem) -> RegexNode {
        let node = try alternatives()
        if position < scalars.count { throw problem("unexpected )", pattern) }
        return node
    }

    private func problem(_ what: String, _ where: String) -> Problem {
        Problem(message: "error parsing regexp: \(what): `\(`where`)`")
    }

    private static func joined(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
    }

    private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private func peek(_ text: String) -> Bool { scalars[position...].starts(with: text.unicodeScalars) }

    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private func text(from start: Int) -> String { Self.joined(scalars[start..<position]) }

    private mutating func alternatives() throws(Problem) -> RegexNode {
        var nodes = [try sequence()]
        while accept("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(Problem) -> RegexNode {
        var nodes: [RegexNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            let start = position
            if scalar == "*" || scalar == "+" || scalar == "?" {
                position += 1
                throw problem("missing argument to repetition operator", text(from: start))
            }
            if peek("\\Q") {
                position += 2
                while current != nil, !peek("\\E") {
                    nodes.append(.scalar(scalars[position], foldsCase: flags.foldsCase))
                    position += 1
                }
                if current != nil { position += 2 }
                continue
            }
            guard let node = try atom() else { continue }
            nodes.append(try repeated(node))
        }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    // MARK: Repetition

    private mutating func repeated(_ node: RegexNode) throws(Problem) -> RegexNode {
        var node = node
        var previous: Int?
        while let scalar = current {
            let start = position
            let bounds: (Int, Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let counted = try count() else { return node }
                bounds = counted
            default: return node
            }
            if scalar != "{" { position += 1 }
            let isLazy = accept("?") != flags.swapsGreed
            if let previous { throw problem("invalid nested repetition operator", text(from: previous)) }
            previous = start
            node = .repetition(node, minimum: bounds.0, maximum: bounds.1, isLazy: isLazy)
            if scalar == "{", Self.repetitions(node) > Self.mostRepetitions {
                throw problem("invalid repeat count", text(from: start))
            }
        }
        return node
    }

    /// How often the innermost part of nested repetitions may come at most.
    private static func repetitions(_ node: RegexNode) -> Int {
        switch node {
        case .repetition(let inner, let minimum, let maximum, _):
            max(1, maximum ?? minimum) * repetitions(inner)
        case .sequence(let nodes), .alternatives(let nodes): nodes.map(repetitions).max() ?? 1
        default: 1
        }
    }

    /// `{2}`, `{2,}`, `{2,5}`; nil where the brace stands for itself.
    private mutating func count() throws(Problem) -> (Int, Int?)? {
        let start = position
        position += 1
        func number() -> Int? {
            var digits = ""
            while let scalar = current, Self.isDigit(scalar), digits.count < 9 {
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            return digits.count > 1 && digits.hasPrefix("0") ? nil : Int(digits)
        }
        guard let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if accept(",") {
            if current == "}" {
                maximum = nil
            } else if let given = number() {
                maximum = given
            } else {
                position = start
                return nil
            }
        }
        guard accept("}") else {
            position = start
            return nil
        }
        if minimum > Self.mostRepetitions || (maximum ?? 0) > Self.mostRepetitions
            || maximum.map({ $0 < minimum }) ?? false
        {
            throw problem("invalid repeat count", text(from: start))
        }
        return (minimum, maximum)
    }

    // MARK: Atoms

    /// Nil for what changes flags only.
    private mutating func atom() throws(Problem) -> RegexNode? {
        guard let scalar = current else { return .empty }
        switch scalar {
        case "(": return try group()
        case "[": return .set(try set())
        case ".":
            position += 1
            return .any(includingNewline: flags.dotIsAll)
        case "^":
            position += 1
            return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$":
            position += 1
            return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "{":
            // A count with nothing before it.
            let start = position
            if try count() != nil { throw problem("missing argument to repetition operator", text(from: start)) }
            position = start + 1
            return .scalar("{", foldsCase: false)
        default:
            position += 1
            return .scalar(scalar, foldsCase: flags.foldsCase)
        }
    }

    private mutating func group() throws(Problem) -> RegexNode? {
        let start = position
        position += 1
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest { throw problem("expression nests too deeply", pattern) }
        let before = flags
        if accept("?") {
            if peek("P<") || peek("<") {
                position += peek("P<") ? 2 : 1
                let nameStart = position
                while let scalar = current, scalar != ">" { position += 1 }
                let name = text(from: nameStart)
                guard accept(">") else { throw problem("invalid named capture", Self.joined(scalars[start...])) }
                guard !name.isEmpty, name.unicodeScalars.allSatisfy(RegexSet.word.contains) else {
                    throw problem("invalid named capture", text(from: start))
                }
            } else {
                guard try setFlags(start) else { return nil }
            }
        }
        let node = try alternatives()
        guard accept(")") else { throw problem("missing closing )", pattern) }
        flags = before
        return node
    }

    /// - Returns: Whether a group follows.
    private mutating func setFlags(_ start: Int) throws(Problem) -> Bool {
        var isOn = true
        var hasFlag = false
        while let scalar = current {
            position += 1
            switch scalar {
            case "i": flags.foldsCase = isOn
            case "m": flags.isMultiline = isOn
            case "s": flags.dotIsAll = isOn
            case "U": flags.swapsGreed = isOn
            case "-" where isOn:
                isOn = false
                hasFlag = false
                continue
            case ":" where isOn || hasFlag: return true
            case ")" where isOn || hasFlag: return false
            default: throw problem("invalid or unsupported Perl syntax", text(from: start))
            }
            hasFlag = true
        }
        throw problem("missing closing )", pattern)
    }

    private mutating func escape() throws(Problem) -> RegexNode {
        let start = position
        guard position + 1 < scalars.count else {
            throw problem("trailing backslash at end of expression", "")
        }
        switch scalars[position + 1] {
        case "A":
            position += 2
            return .assertion(.textStart)
        case "z":
            position += 2
            return .assertion(.textEnd)
        case "b":
            position += 2
            return .assertion(.wordBoundary)
        case "B":
            position += 2
            return .assertion(.noWordBoundary)
        case "C": throw Problem(message: "error parsing regexp: invalid escape sequence: `\\C`")
        default: break
        }
        if var set = try namedSet() {
            set.foldsCase = flags.foldsCase
            return .set(set)
        }
        position = start
        return .scalar(try escapedScalar(), foldsCase: flags.foldsCase)
    }

    /// `\d`, `\pL`, `\p{Greek}`; nil where the position is at no such thing.
    private mutating func namedSet() throws(Problem) -> RegexSet? {
        let start = position
        guard current == "\\", position + 1 < scalars.count else { return nil }
        let mark = scalars[position + 1]
        position += 2
        switch mark {
        case "d": return .digit
        case "s": return .space
        case "w": return .word
        case "D": return RegexSet(RegexSet.complement(RegexSet.digit.ranges))
        case "S": return RegexSet(RegexSet.complement(RegexSet.space.ranges))
        case "W": return RegexSet(RegexSet.complement(RegexSet.word.ranges))
        case "p", "P":
            var name = ""
            if accept("{") {
                while let scalar = current, scalar != "}" {
                    name.unicodeScalars.append(scalar)
                    position += 1
                }
                guard accept("}") else { throw problem("invalid character class range", text(from: start)) }
            } else if let scalar = current {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            var isNegated = mark == "P"
            if name.hasPrefix("^") {
                isNegated.toggle()
                name.removeFirst()
            }
            guard var set = RegexSet.unicode(name) else {
                throw problem("invalid character class range", text(from: start))
            }
            set.isNegated = isNegated
            return set
        default:
            position = start
            return nil
        }
    }

    private mutating func escapedScalar() throws(Problem) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let mark = current else { throw problem("trailing backslash at end of expression", "") }
        position += 1
        var digits = ""
        switch mark {
        case "a": return "\u{7}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{b}"
        case "0"..."7":
            // A single digit would be a reference back, which there is not.
            if mark != "0", !(current.map { ("0"..."7").contains($0) } ?? false) { break }
            digits.unicodeScalars.append(mark)
            while digits.count < 3, let digit = current, ("0"..."7").contains(digit) {
                digits.unicodeScalars.append(digit)
                position += 1
            }
            if let value = UInt32(digits, radix: 8), let scalar = Unicode.Scalar(value) { return scalar }
        case "x":
            let isBraced = accept("{")
            while digits.count < (isBraced ? 8 : 2), let digit = current, Self.isHexDigit(digit) {
                digits.unicodeScalars.append(digit)
                position += 1
            }
            guard isBraced ? accept("}") : digits.count == 2, let value = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { break }
            return scalar
        default:
            if mark.isASCII, !Self.isLetter(mark), !Self.isDigit(mark) { return mark }
        }
        throw problem("invalid escape sequence", text(from: start))
    }

    // MARK: Sets

    private mutating func set() throws(Problem) -> RegexSet {
        let start = position
        position += 1
        var set = RegexSet()
        set.foldsCase = flags.foldsCase
        set.isNegated = accept("^")
        var isFirst = true
        while current != "]" || isFirst {
            guard current != nil else { throw problem("missing closing ]", Self.joined(scalars[start...])) }
            defer { isFirst = false }
            if peek("[:"), let end = posixEnd() {
                var name = Self.joined(scalars[position + 2..<end])
                let isNegated = name.hasPrefix("^")
                if isNegated { name.removeFirst() }
                let partStart = position
                position = end + 2
                guard let named = RegexSet.posix[name] else {
                    throw problem("invalid character class range", text(from: partStart))
                }
                set.ranges += isNegated ? RegexSet.complement(named.ranges) : named.ranges
                continue
            }
            if let named = try namedSet() {
                if named.categories.isEmpty {
                    set.ranges += named.isNegated ? RegexSet.complement(named.ranges) : named.ranges
                } else if named.isNegated {
                    set.ranges += RegexSet.complement(Self.ranges(of: named))
                } else {
                    set.categories += named.categories
                }
                continue
            }
            let rangeStart = position
            let low = try setScalar(start)
            var high = low
            if current == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                high = try setScalar(start)
                if high < low { throw problem("invalid character class range", text(from: rangeStart)) }
            }
            set.ranges.append(low.value...high.value)
        }
        position += 1
        return set
    }

    private func posixEnd() -> Int? {
        var end = position + 2
        while end + 1 < scalars.count {
            if scalars[end] == ":", scalars[end + 1] == "]" { return end }
            end += 1
        }
        return nil
    }

    private mutating func setScalar(_ start: Int) throws(Problem) -> Unicode.Scalar {
        guard let scalar = current else { throw problem("missing closing ]", Self.joined(scalars[start...])) }
        if scalar == "\\" { return try escapedScalar() }
        position += 1
        return scalar
    }

    /// The code points of a set of categories, for the rare case that its complement is part of another set.
    private static func ranges(of set: RegexSet) -> [ClosedRange<UInt32>] {
        var plain = set
        plain.isNegated = false
        var ranges: [ClosedRange<UInt32>] = []
        for value in 0...0x10ffff as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value), plain.contains(scalar) else { continue }
            if let last = ranges.last, last.upperBound + 1 == value {
                ranges[ranges.count - 1] = last.lowerBound...value
            } else {
                ranges.append(value...value)
            }
        }
        return ranges
    }
}
