// Reads the text of a template: first into text and actions, then each action into words.
import JSON

struct GoTemplateParser {
    private enum Piece { case text(String), action(String) }
    private typealias Failure = GoTemplate.Failure
    private typealias Node = GoTemplate.Node

    private var pieces: [Piece] = []
    private var position = 0
    private let source: String

    init(_ text: String) { source = text }

    mutating func parse() throws(GoTemplate.Failure) -> [GoTemplate.Node] {
        pieces = try Self.split(source)
        let (nodes, end) = try body(depth: 0)
        guard end == nil else { throw Failure("\"\(end ?? "")\" ends nothing") }
        return nodes
    }

    private static func split(_ text: String) throws(GoTemplate.Failure) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(text)
        var trims = false
        while !rest.isEmpty {
            var literal: Substring
            var action: Substring?
            if let open = rest.firstRange(of: "{{") {
                literal = rest[..<open.lowerBound]
                guard let close = rest[open.upperBound...].firstRange(of: "}}") else { throw Failure("{{ without }}") }
                action = rest[open.upperBound..<close.lowerBound]
                rest = rest[close.upperBound...]
            } else {
                literal = rest
                rest = ""
            }
            if trims { literal = literal.drop(while: \.isWhitespace) }
            trims = false
            if var inner = action {
                if inner.hasPrefix("- ") {
                    inner = inner.dropFirst(2)
                    while literal.last?.isWhitespace == true { literal = literal.dropLast() }
                }
                if inner.hasSuffix(" -") {
                    inner = inner.dropLast(2)
                    trims = true
                }
                action = inner
            }
            if !literal.isEmpty { pieces.append(.text(String(literal))) }
            if let action, !action.hasPrefix("/*") { pieces.append(.action(String(action))) }
        }
        return pieces
    }

    /// Nodes up to an action that ends or divides, which is returned as well.
    private mutating func body(depth: Int) throws(GoTemplate.Failure) -> ([GoTemplate.Node], end: String?) {
        guard depth < GoTemplate.depthLimit else { throw Failure("nested too deeply") }
        var nodes: [GoTemplate.Node] = []
        while position < pieces.count {
            let piece = pieces[position]
            position += 1
            switch piece {
            case .text(let text): nodes.append(.text(text))
            case .action(let action):
                var words = GoTemplateWords(action)
                let keyword = words.keyword()
                switch keyword {
                case "end", "else": return (nodes, action.split(whereSeparator: \.isWhitespace).joined(separator: " "))
                case "if", "with", "range": nodes.append(try block(keyword ?? "", &words, depth: depth))
                default:
                    if let name = words.assignment() {
                        nodes.append(.set(name, try words.pipeline()))
                    } else if !words.isAtEnd {
                        nodes.append(.output(try words.pipeline()))
                    }
                    try words.finish()
                }
            }
        }
        return (nodes, nil)
    }

    private mutating func block(
        _ keyword: String, _ words: inout GoTemplateWords, depth: Int
    ) throws(GoTemplate.Failure) -> GoTemplate.Node {
        let names = keyword == "range" ? words.rangeVariables() : (nil, nil)
        let pipeline = try words.pipeline()
        try words.finish()
        var branches: [(GoTemplate.Pipeline, [GoTemplate.Node])] = []
        var otherwise: [GoTemplate.Node] = []
        var (nodes, end) = try body(depth: depth + 1)
        branches.append((pipeline, nodes))
        while let divider = end {
            var next = GoTemplateWords(divider)
            guard next.keyword() == "else" else { break }
            let condition = next.keyword()
            if condition == "if", keyword == "if" {
                let pipeline = try next.pipeline()
                (nodes, end) = try body(depth: depth + 1)
                branches.append((pipeline, nodes))
            } else {
                (otherwise, end) = try body(depth: depth + 1)
            }
        }
        guard end != nil else { throw Failure("{{ \(keyword) }} without {{ end }}") }
        switch keyword {
        case "if": return .condition(branches, otherwise: otherwise)
        case "with": return .with(pipeline, branches[0].1, otherwise: otherwise)
        default: return .range(index: names.0, element: names.1, pipeline, branches[0].1, otherwise: otherwise)
        }
    }
}

/// The words of one action.
struct GoTemplateWords {
    private enum Word: Equatable { case name(String), string(String), number(JSONValue), symbol(Character) }
    private typealias Failure = GoTemplate.Failure

    private var rest: Substring

    init(_ text: String) { rest = Substring(text) }

    private mutating func skip() { rest = rest.drop(while: \.isWhitespace) }

    var isAtEnd: Bool { rest.allSatisfy(\.isWhitespace) }

    func finish() throws(GoTemplate.Failure) {
        if !isAtEnd { throw Failure("\"\(rest)\" is not understood") }
    }

    /// `if`, `range`, `with`, `else` or `end`, taken off.
    mutating func keyword() -> String? {
        skip()
        let word = rest.prefix { $0.isLetter }
        guard ["if", "range", "with", "else", "end"].contains(String(word)) else { return nil }
        rest = rest[word.endIndex...]
        return String(word)
    }

    private mutating func variable() -> String? {
        skip()
        guard rest.first == "$" else { return nil }
        let name = rest.prefix { $0 == "$" || $0.isLetter || $0.isNumber || $0 == "_" }
        rest = rest[name.endIndex...]
        return String(name)
    }

    /// The variable of `$x := ` or `$x = `; nothing is taken off where there is none.
    mutating func assignment() -> String? {
        let saved = rest
        if let name = variable() {
            skip()
            for sign in [":=", "="] where rest.hasPrefix(sign) {
                rest = rest.dropFirst(sign.count)
                return name
            }
        }
        rest = saved
        return nil
    }

    /// The variables of `range $i, $x := ` or `range $x := `.
    mutating func rangeVariables() -> (String?, String?) {
        let saved = rest
        if let first = variable() {
            skip()
            if rest.hasPrefix(",") {
                rest = rest.dropFirst()
                if let second = variable() {
                    skip()
                    if rest.hasPrefix(":=") {
                        rest = rest.dropFirst(2)
                        return (first, second)
                    }
                }
            } else if rest.hasPrefix(":=") {
                rest = rest.dropFirst(2)
                return (nil, first)
            }
        }
        rest = saved
        return (nil, nil)
    }

    mutating func pipeline(depth: Int = 0) throws(GoTemplate.Failure) -> GoTemplate.Pipeline {
        guard depth < GoTemplate.depthLimit else { throw Failure("nested too deeply") }
        var commands: [[GoTemplate.Operand]] = [[]]
        while true {
            skip()
            guard let first = rest.first, first != ")" else { break }
            if first == "|" {
                rest = rest.dropFirst()
                commands.append([])
                continue
            }
            commands[commands.count - 1].append(try operand(depth: depth))
        }
        guard commands.allSatisfy({ !$0.isEmpty }) else { throw Failure("a value is missing") }
        return GoTemplate.Pipeline(commands: commands)
    }

    private mutating func path() -> [String] {
        var path: [String] = []
        while rest.first == "." {
            let name = rest.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            rest = rest.dropFirst()
            if name.isEmpty { break }
            rest = rest[name.endIndex...]
            path.append(String(name))
        }
        return path
    }

    private mutating func operand(depth: Int) throws(GoTemplate.Failure) -> GoTemplate.Operand {
        guard let first = rest.first else { throw Failure("a value is missing") }
        switch first {
        case ".": return .field(variable: nil, path: path())
        case "$":
            let name = variable() ?? "$"
            return .field(variable: name, path: path())
        case "(":
            rest = rest.dropFirst()
            let inner = try pipeline(depth: depth + 1)
            skip()
            guard rest.first == ")" else { throw Failure("( without )") }
            rest = rest.dropFirst()
            return .nested(inner, path: path())
        case "\"", "`":
            var text = ""
            rest = rest.dropFirst()
            while let next = rest.first, next != first {
                rest = rest.dropFirst()
                guard next == "\\", first == "\"", let escaped = rest.first else {
                    text.append(next)
                    continue
                }
                rest = rest.dropFirst()
                text.append(escaped == "n" ? "\n" : escaped == "t" ? "\t" : escaped)
            }
            guard rest.first == first else { throw Failure("a string has no end") }
            rest = rest.dropFirst()
            return .literal(.string(text))
        default:
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
            guard !word.isEmpty else { throw Failure("\"\(rest)\" is not understood") }
            rest = rest[word.endIndex...]
            switch String(word) {
            case "true": return .literal(true)
            case "false": return .literal(false)
            case "nil": return .literal(.null)
            case let text:
                if let number = Int64(text) { return .literal(.integer(number)) }
                guard text.first?.isLetter == true else { throw Failure("\"\(text)\" is not understood") }
                return .function(text)
            }
        }
    }
}
