/// Builds the tree of an expression, by CEL's grammar, and expands macros on the way.
///
/// After a syntax error that dropping one token does not repair, parsing ends: one clear message is enough.
struct Parser {
    /// How deep expressions, and chains of one operator, may go.
    static let deepest = 250
    /// Code points that an expression may have.
    static let longest = 100_000

    /// Ends the parsing; the issue is reported already.
    struct Stop: Error {}

    let issues: IssueList
    private let tokens: [Token]
    private var position = 0
    private var nextID = 0
    private var depths = [Int](repeating: 0, count: 4)
    /// Brackets that are open.
    private var openBrackets = 0
    /// What may come where the next primary is expected, beside a primary.
    private var alsoExpected = ""

    /// The tree of `text`; nil, with issues, where it is no expression.
    static func parse(_ text: String, withBind: Bool = false) -> (Expression?, IssueList) {
        let scalars = Array(text.unicodeScalars)
        let issues = IssueList(scalars)
        guard scalars.count <= longest else {
            issues.reportEverywhere(
                "expression code point size exceeds limit: size: \(scalars.count), limit \(longest)")
            return (nil, issues)
        }
        var lexer = Lexer(scalars, issues: issues)
        var parser = Parser(tokens: lexer.tokens(), issues: issues, hasBind: withBind)
        let expression = try? parser.start()
        return (issues.isEmpty ? expression : nil, issues)
    }

    /// Whether `cel.bind` is a macro.
    let hasBind: Bool

    private init(tokens: [Token], issues: IssueList, hasBind: Bool) {
        self.hasBind = hasBind
        self.tokens = tokens
        self.issues = issues
    }

    // MARK: Tokens

    private var current: Token { tokens[position] }

    private func isNext(_ symbol: String) -> Bool { current.isSymbol(symbol) }

    private func token(_ ahead: Int) -> Token { tokens[min(position + ahead, tokens.count - 1)] }

    @discardableResult
    private mutating func advance() -> Token {
        let token = current
        if token.kind != .end { position += 1 }
        return token
    }

    private mutating func accept(_ symbol: String) -> Bool {
        guard isNext(symbol) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ symbol: String, or others: [String] = []) throws(Stop) {
        if accept(symbol) { return }
        let wanted =
            others.isEmpty ? "'\(symbol)'" : "{\(([symbol] + others).map { "'\($0)'" }.joined(separator: ", "))}"
        // One token too many is dropped.
        if token(1).isSymbol(symbol), current.kind != .end {
            issues.report(at: current.offset, "Syntax error: extraneous input '\(current.shown)' expecting \(wanted)")
            advance()
            advance()
            return
        }
        // One token that is missing is made up, where what follows goes with it.
        let fits = symbol == ":" ? Self.beginsPrimary(current) : current.kind == .end && openBrackets == 1
        guard fits, others.isEmpty else { throw mismatch(wanted) }
        issues.report(at: current.offset, "Syntax error: missing '\(symbol)' at '\(current.shown)'")
    }

    private func mismatch(_ wanted: String) -> Stop {
        issues.report(at: current.offset, "Syntax error: mismatched input '\(current.shown)' expecting \(wanted)")
        return Stop()
    }

    // MARK: Nodes

    mutating func node(at offset: Int, _ kind: Expression.Kind) -> Expression {
        nextID += 1
        return Expression(id: nextID, offset: offset, kind)
    }

    /// Notes an issue; what stands in for the expression is never evaluated.
    mutating func problem(at offset: Int, _ message: String) -> Expression {
        issues.report(at: offset, message)
        return node(at: offset, .literal(.null))
    }

    private mutating func call(
        at offset: Int, _ function: String, on target: Expression? = nil, _ arguments: [Expression]
    ) -> Expression {
        expandMacro(at: offset, function, target: target, arguments)
            ?? node(at: offset, .call(target: target, function: function, arguments: arguments))
    }

    /// Nodes that macros may make of an expression.
    private static let mostNodes = 50_000
    private var hasTooManyNodes = false

    /// Whether there may be more nodes; where not, that is an issue.
    mutating func countsMoreNodes() -> Bool {
        if nextID < Self.mostNodes { return true }
        if !hasTooManyNodes {
            hasTooManyNodes = true
            issues.reportEverywhere("expression node count exceeds limit: \(Self.mostNodes)")
        }
        return false
    }

    // MARK: Depth

    /// Rules that are limited in depth, each for itself.
    private enum Rule: Int { case expression, relation, sum, member }

    private mutating func enter(_ rule: Rule) throws(Stop) {
        depths[rule.rawValue] += 1
        if depths[rule.rawValue] > Self.deepest {
            issues.reportEverywhere("expression recursion limit exceeded: \(Self.deepest)")
            throw Stop()
        }
    }

    // MARK: Rules

    private mutating func start() throws(Stop) -> Expression {
        let expression = try expression()
        guard current.kind != .end else { return expression }
        if token(1).kind == .end {
            issues.report(at: current.offset, "Syntax error: extraneous input '\(current.shown)' expecting <EOF>")
            throw Stop()
        }
        throw mismatch("<EOF>")
    }

    private mutating func expression() throws(Stop) -> Expression {
        let before = depths
        try enter(.expression)
        defer { depths = before }
        let condition = try logical("||", Operator.or) { parser throws(Stop) in
            try parser.logical("&&", Operator.and) { parser throws(Stop) in try parser.relation() }
        }
        guard isNext("?") else { return condition }
        let offset = advance().offset
        let whenTrue = try logical("||", Operator.or) { parser throws(Stop) in
            try parser.logical("&&", Operator.and) { parser throws(Stop) in try parser.relation() }
        }
        try expect(":")
        let whenFalse = try expression()
        return call(at: offset, Operator.conditional, [condition, whenTrue, whenFalse])
    }

    /// Terms joined by `&&` or `||`, as a balanced tree.
    private mutating func logical(
        _ symbol: String, _ function: String, _ term: (inout Parser) throws(Stop) -> Expression
    ) throws(Stop) -> Expression {
        var terms = [try term(&self)]
        var offsets: [Int] = []
        while isNext(symbol) {
            offsets.append(advance().offset)
            terms.append(try term(&self))
        }
        return offsets.isEmpty ? terms[0] : balanced(function, terms, offsets, 0, offsets.count - 1)
    }

    private mutating func balanced(
        _ function: String, _ terms: [Expression], _ offsets: [Int], _ low: Int, _ high: Int
    ) -> Expression {
        let middle = (low + high + 1) / 2
        let left = middle == low ? terms[middle] : balanced(function, terms, offsets, low, middle - 1)
        let right = middle == high ? terms[middle + 1] : balanced(function, terms, offsets, middle + 1, high)
        return node(at: offsets[middle], .call(target: nil, function: function, arguments: [left, right]))
    }

    private mutating func relation() throws(Stop) -> Expression {
        let before = depths
        defer { depths = before }
        try enter(.relation)
        var left = try sum()
        while current.kind == .symbol, let function = Operator.relations[current.text] {
            try enter(.relation)
            let offset = advance().offset
            left = call(at: offset, function, [left, try sum()])
        }
        return left
    }

    private mutating func sum() throws(Stop) -> Expression {
        let before = depths
        defer { depths = before }
        try enter(.sum)
        var left = try product()
        while current.kind == .symbol, let function = Operator.sums[current.text] {
            try enter(.sum)
            let offset = advance().offset
            left = call(at: offset, function, [left, try product()])
        }
        return left
    }

    private mutating func product() throws(Stop) -> Expression {
        let before = depths
        defer { depths = before }
        var left = try unary()
        while current.kind == .symbol, let function = Operator.products[current.text] {
            try enter(.sum)
            let offset = advance().offset
            left = call(at: offset, function, [left, try unary()])
        }
        return left
    }

    private mutating func unary() throws(Stop) -> Expression {
        for (symbol, function) in [("!", Operator.not), ("-", Operator.negate)] where isNext(symbol) {
            // A sign before a number belongs to the number.
            if symbol == "-", [.int, .float].contains(token(1).kind) { break }
            let offset = current.offset
            var count = 0
            while isNext(symbol) {
                advance()
                count += 1
            }
            let operand = try member()
            return count % 2 == 0 ? operand : call(at: offset, function, [operand])
        }
        return try member()
    }

    private mutating func member() throws(Stop) -> Expression {
        let before = depths
        defer { depths = before }
        try enter(.member)
        var operand = try primary()
        while true {
            if isNext(".") {
                try enter(.member)
                operand = try selection(from: operand)
            } else if isNext("[") {
                try enter(.member)
                let offset = advance().offset
                openBrackets += 1
                let isOptional = accept("?")
                if !isOptional { alsoExpected = "[?" }
                let index = try expression()
                try expect("]")
                openBrackets -= 1
                operand = call(at: offset, isOptional ? Operator.optionalIndex : Operator.index, [operand, index])
            } else {
                return operand
            }
        }
    }

    private mutating func selection(from operand: Expression) throws(Stop) -> Expression {
        let dot = advance()
        let isOptional = accept("?")
        let name = current
        switch name.kind {
        case .identifier: advance()
        case .escapedIdentifier:
            advance()
            return problem(at: name.offset, "unsupported syntax: '`'")
        default:
            guard name.kind == .symbol, ["true", "false", "null"].contains(name.text) else {
                let tried =
                    isOptional ? ".?\(name.kind == .end ? "" : name.text)" : ".\(name.kind == .end ? "" : name.text)"
                issues.report(at: name.offset, "Syntax error: no viable alternative at input '\(tried)'")
                throw Stop()
            }
            throw mismatch("IDENTIFIER")
        }
        if isOptional {
            let field = node(at: name.offset, .literal(.string(name.text)))
            return node(
                at: dot.offset, .call(target: nil, function: Operator.optionalSelect, arguments: [operand, field]))
        }
        guard isNext("(") else {
            return node(at: dot.offset, .select(operand, field: name.text, testOnly: false))
        }
        let open = advance().offset
        return call(at: open, name.text, on: operand, try arguments())
    }

    private mutating func arguments() throws(Stop) -> [Expression] {
        var arguments: [Expression] = []
        if accept(")") { return arguments }
        openBrackets += 1
        alsoExpected = "("
        repeat { arguments.append(try expression()) } while accept(",")
        try expect(")")
        openBrackets -= 1
        return arguments
    }

    // MARK: Primaries

    /// What may come, in the order of the grammar's tokens.
    private static func expected(_ place: String) -> String {
        let brackets = [
            "[": "'[', ']', '{', '(', '.', ',', '-', '!', '?'", "{": "'[', '{', '}', '(', '.', ',', '-', '!', '?'",
            "(": "'[', '{', '(', ')', '.', '-', '!'", "[?": "'[', '{', '(', '.', '-', '!', '?'",
        ]
        return "{\(brackets[place] ?? "'[', '{', '(', '.', '-', '!'"), 'true', 'false', 'null', "
            + "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
    }

    private static func beginsPrimary(_ token: Token) -> Bool {
        switch token.kind {
        case .end, .escapedIdentifier: false
        case .symbol: ["[", "{", "(", ".", "-", "!", "true", "false", "null"].contains(token.text)
        default: true
        }
    }

    private mutating func primary() throws(Stop) -> Expression {
        let place = alsoExpected
        alsoExpected = ""
        if !Self.beginsPrimary(current) || isNext("!") {
            let wanted = Self.expected(place)
            let follows = Self.beginsPrimary(token(1)) || token(1).isSymbol(")") && place == "("
            guard current.kind != .end, follows, !isNext("!") else { throw mismatch(wanted) }
            issues.report(
                at: current.offset, "Syntax error: extraneous input '\(current.shown)' expecting \(wanted)")
            advance()
            if !Self.beginsPrimary(current) { throw Stop() }
        }
        let token = current
        switch token.kind {
        case .identifier: return try name(leadingDot: nil)
        case .symbol: break
        default: return literal(sign: nil)
        }
        switch token.text {
        case "(":
            advance()
            openBrackets += 1
            let inner = try expression()
            try expect(")")
            openBrackets -= 1
            return inner
        case "[": return try list()
        case "{": return try map()
        case ".":
            advance()
            guard current.kind == .identifier else { throw mismatch("IDENTIFIER") }
            return try name(leadingDot: token)
        case "-":
            advance()
            guard [.int, .float].contains(current.kind) else { throw mismatch("{NUM_FLOAT, NUM_INT}") }
            return literal(sign: token)
        case "true", "false":
            advance()
            return node(at: token.offset, .literal(.bool(token.text == "true")))
        default:
            advance()
            return node(at: token.offset, .literal(.null))
        }
    }

    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "package", "namespace", "null", "return", "true", "var", "void", "while",
    ]

    /// A variable, a call of a function, or the construction of a message.
    private mutating func name(leadingDot: Token?) throws(Stop) -> Expression {
        var length = 1
        while token(length).isSymbol("."), token(length + 1).kind == .identifier { length += 2 }
        if token(length).isSymbol("{") { return try structure(leadingDot: leadingDot) }
        let token = advance()
        let isReserved = Self.reserved.contains(token.text)
        let start = leadingDot?.offset ?? token.offset
        let name = leadingDot == nil ? token.text : ".\(token.text)"
        guard isNext("(") else {
            return isReserved
                ? problem(at: start, "reserved identifier: \(token.text)")
                : node(at: token.offset, .identifier(name))
        }
        let open = advance().offset
        let arguments = try arguments()
        if isReserved { return problem(at: start, "reserved identifier: \(token.text)") }
        return call(at: open, name, arguments)
    }

    private mutating func list() throws(Stop) -> Expression {
        let offset = advance().offset
        var elements: [Expression] = []
        var optional: Set<Int> = []
        openBrackets += 1
        var isClosing = accept(",")
        while !isNext("]"), !isClosing {
            if accept("?") {
                optional.insert(elements.count)
            } else if elements.isEmpty {
                alsoExpected = "["
            }
            elements.append(try expression())
            guard accept(",") else { break }
            isClosing = current.kind == .end
        }
        try expect("]", or: isClosing ? [] : [","])
        openBrackets -= 1
        return node(at: offset, .list(elements, optional: optional))
    }

    private mutating func map() throws(Stop) -> Expression {
        let offset = advance().offset
        var entries: [Expression.MapEntry] = []
        openBrackets += 1
        var isClosing = accept(",")
        while !isNext("}"), !isClosing {
            let isOptional = accept("?")
            if entries.isEmpty, !isOptional { alsoExpected = "{" }
            let key = try expression()
            try expect(":")
            entries.append(Expression.MapEntry(key: key, value: try expression(), isOptional: isOptional))
            guard accept(",") else { break }
            isClosing = current.kind == .end
        }
        try expect("}", or: isClosing ? [] : [","])
        openBrackets -= 1
        return node(at: offset, .map(entries))
    }

    private mutating func structure(leadingDot: Token?) throws(Stop) -> Expression {
        var name = leadingDot == nil ? "" : "."
        name += advance().text
        while accept(".") { name += ".\(advance().text)" }
        let offset = advance().offset
        var fields: [Expression.FieldInitializer] = []
        while !isNext("}") {
            let isOptional = accept("?")
            let field = current
            guard field.kind == .identifier || field.kind == .escapedIdentifier else {
                throw mismatch(
                    fields.isEmpty ? "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}" : "{IDENTIFIER, ESC_IDENTIFIER}")
            }
            advance()
            if field.kind == .escapedIdentifier { _ = problem(at: field.offset, "unsupported syntax: '`'") }
            let colon = current.offset
            try expect(":")
            fields.append(
                Expression.FieldInitializer(
                    name: field.text, value: try expression(), isOptional: isOptional, offset: colon))
            if !accept(",") { break }
        }
        try expect("}", or: [","])
        return node(at: offset, .structure(name, fields))
    }

    private mutating func literal(sign: Token?) -> Expression {
        let token = advance()
        let offset = sign?.offset ?? token.offset
        let isHexadecimal = token.text.hasPrefix("0x")
        let digits = String(isHexadecimal ? token.text.dropFirst(2) : token.text[...])
        let signed = (sign == nil ? "" : "-") + digits
        switch token.kind {
        case .int:
            guard let value = Int64(signed, radix: isHexadecimal ? 16 : 10) else {
                return problem(at: offset, "invalid int literal")
            }
            return node(at: offset, .literal(.int(value)))
        case .uint:
            guard let value = UInt64(digits.dropLast(), radix: isHexadecimal ? 16 : 10) else {
                return problem(at: offset, "invalid uint literal")
            }
            return node(at: offset, .literal(.uint(value)))
        case .float:
            guard let value = Double(signed), value.isFinite else {
                return problem(at: offset, "invalid double literal")
            }
            return node(at: offset, .literal(.double(value)))
        case .bytes: return quoted(String(token.text.dropFirst()), at: offset, isBytes: true)
        default: return quoted(token.text, at: offset, isBytes: false)
        }
    }

    private mutating func quoted(_ text: String, at offset: Int, isBytes: Bool) -> Expression {
        do throws(StringLiteral.Problem) {
            let bytes = try StringLiteral.bytes(of: text, isBytes: isBytes)
            return node(at: offset, .literal(isBytes ? .bytes(bytes) : .string(String(decoding: bytes, as: UTF8.self))))
        } catch {
            return problem(at: offset, error.message)
        }
    }
}
