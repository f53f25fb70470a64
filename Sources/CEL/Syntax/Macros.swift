/// The macros: `has`, comprehensions over one and two variables, `optMap`, `optFlatMap`, `sortBy`, `cel.bind`.
///
/// Specified in the CEL language definition under *Macros*, and in cel-go's extensions for what goes beyond it.
extension Parser {
    /// The variable that holds what a comprehension has come to. No expression can name it.
    static let accumulator = "@result"
    private static let oldAccumulator = "__result__"
    private static let unusedVariable = "#unused"

    /// What a call of a macro stands for; nil where the call is no macro's.
    mutating func expandMacro(
        at offset: Int, _ function: String, target: Expression?, _ arguments: [Expression]
    ) -> Expression? {
        var expansion = Expansion(parser: self, offset: offset)
        defer { self = expansion.parser }
        guard let target else {
            return function == "has" && arguments.count == 1 ? expansion.has(arguments[0]) : nil
        }
        switch (function, arguments.count) {
        case ("bind", 3) where hasBind && target.qualifiedName == "cel": return expansion.bind(arguments)
        case ("all", 2), ("all", 3), ("exists", 2), ("exists", 3), ("exists_one", 2), ("exists_one", 3),
            ("existsOne", 3):
            return expansion.quantifier(function, target, arguments)
        case ("map", 2), ("map", 3): return expansion.map(target, arguments)
        case ("filter", 2): return expansion.filter(target, arguments)
        case ("transformList", 3), ("transformList", 4), ("transformMap", 3), ("transformMap", 4),
            ("transformMapEntry", 3), ("transformMapEntry", 4):
            return expansion.transform(function, target, arguments)
        case ("optMap", 2): return expansion.optionalMap(target, arguments, isFlat: false)
        case ("optFlatMap", 2): return expansion.optionalMap(target, arguments, isFlat: true)
        case ("sortBy", 2): return expansion.sortBy(target, arguments)
        default: return nil
        }
    }

    /// Builds the nodes of one expansion; they all stand where the call does.
    private struct Expansion {
        var parser: Parser
        let offset: Int

        mutating func node(_ kind: Expression.Kind) -> Expression { parser.node(at: offset, kind) }

        mutating func literal(_ value: CELValue) -> Expression { node(.literal(value)) }

        mutating func name(_ name: String) -> Expression { node(.identifier(name)) }

        mutating func result() -> Expression { name(Parser.accumulator) }

        mutating func call(_ function: String, _ arguments: Expression...) -> Expression {
            node(.call(target: nil, function: function, arguments: arguments))
        }

        mutating func member(_ function: String, _ target: Expression, _ arguments: Expression...) -> Expression {
            node(.call(target: target, function: function, arguments: arguments))
        }

        mutating func has(_ argument: Expression) -> Expression {
            guard case .select(let operand, let field, _) = argument.kind else {
                return parser.problem(at: argument.offset, "invalid argument to has() macro")
            }
            return node(.select(operand, field: field, testOnly: true))
        }

        /// The names of the variables, or the issue that stands for the expansion.
        private mutating func variables(
            _ arguments: some Collection<Expression>, _ problem: String = "argument must be a simple name"
        ) -> Result<[String], Issue> {
            var names: [String] = []
            for argument in arguments {
                guard case .identifier(let name) = argument.kind else {
                    return .failure(Issue(expression: parser.problem(at: argument.offset, problem)))
                }
                if names.contains(name) {
                    return .failure(
                        Issue(
                            expression: parser.problem(at: argument.offset, "duplicate variable name: \(name)")))
                }
                names.append(name)
            }
            for (name, argument) in zip(names, arguments)
            where name == Parser.accumulator || name == Parser.oldAccumulator {
                return .failure(
                    Issue(
                        expression: parser.problem(
                            at: argument.offset, "iteration variable overwrites accumulator variable")))
            }
            return .success(names)
        }

        private struct Issue: Error { let expression: Expression }

        private mutating func fold(
            _ range: Expression, _ variables: [String], initial: Expression, condition: Expression, step: Expression,
            result: Expression? = nil
        ) -> Expression {
            let result = result ?? self.result()
            return node(
                .comprehension(
                    Expression.Comprehension(
                        range: range, variable: variables[0],
                        secondVariable: variables.count > 1 ? variables[1] : nil, accumulator: Parser.accumulator,
                        initial: initial, condition: condition, step: step, result: result)))
        }

        mutating func quantifier(_ function: String, _ target: Expression, _ arguments: [Expression]) -> Expression {
            let predicate = arguments[arguments.count - 1]
            let variables: [String]
            switch self.variables(arguments.dropLast()) {
            case .success(let names): variables = names
            case .failure(let issue): return issue.expression
            }
            switch function {
            case "all":
                return fold(
                    target, variables, initial: literal(.bool(true)),
                    condition: call(Operator.notStrictlyFalse, result()),
                    step: call(Operator.and, result(), predicate))
            case "exists":
                return fold(
                    target, variables, initial: literal(.bool(false)),
                    condition: call(Operator.notStrictlyFalse, call(Operator.not, result())),
                    step: call(Operator.or, result(), predicate))
            default:
                return fold(
                    target, variables, initial: literal(.int(0)), condition: literal(.bool(true)),
                    step: call(
                        Operator.conditional, predicate, call(Operator.add, result(), literal(.int(1))), result()),
                    result: call(Operator.equals, result(), literal(.int(1))))
            }
        }

        mutating func map(_ target: Expression, _ arguments: [Expression]) -> Expression {
            switch variables(arguments.prefix(1), "argument is not an identifier") {
            case .success(let variables): return listFold(target, variables, Array(arguments.dropFirst()))
            case .failure(let issue): return issue.expression
            }
        }

        /// A list of what the last argument makes of the elements for which the first, if there are two, holds.
        private mutating func listFold(
            _ target: Expression, _ variables: [String], _ arguments: [Expression]
        ) -> Expression {
            let element = node(.list([arguments[arguments.count - 1]], optional: []))
            var step = call(Operator.add, result(), element)
            if arguments.count == 2 { step = call(Operator.conditional, arguments[0], step, result()) }
            return fold(
                target, variables, initial: node(.list([], optional: [])), condition: literal(.bool(true)), step: step)
        }

        mutating func filter(_ target: Expression, _ arguments: [Expression]) -> Expression {
            switch variables(arguments.prefix(1), "argument is not an identifier") {
            case .success(let variables): return listFold(target, variables, [arguments[1], arguments[0]])
            case .failure(let issue): return issue.expression
            }
        }

        mutating func transform(_ function: String, _ target: Expression, _ arguments: [Expression]) -> Expression {
            let variables: [String]
            switch self.variables(arguments.prefix(2)) {
            case .success(let names): variables = names
            case .failure(let issue): return issue.expression
            }
            let rest = Array(arguments.dropFirst(2))
            if function == "transformList" { return listFold(target, variables, rest) }
            let value = rest[rest.count - 1]
            var step =
                function == "transformMap"
                ? call(Operator.mapInsert, result(), name(variables[0]), value)
                : call(Operator.mapInsert, result(), value)
            if rest.count == 2 { step = call(Operator.conditional, rest[0], step, result()) }
            return fold(target, variables, initial: node(.map([])), condition: literal(.bool(true)), step: step)
        }

        /// Gives `value` a name within `body`.
        private mutating func bind(_ name: String, to value: Expression, in body: Expression) -> Expression {
            node(
                .comprehension(
                    Expression.Comprehension(
                        range: node(.list([], optional: [])), variable: Parser.unusedVariable, secondVariable: nil,
                        accumulator: name, initial: value, condition: literal(.bool(false)), step: self.name(name),
                        result: body)))
        }

        /// `cel.bind(name, value, body)`.
        mutating func bind(_ arguments: [Expression]) -> Expression {
            guard case .identifier(let name) = arguments[0].kind else {
                return parser.problem(
                    at: arguments[0].offset, "cel.bind() variable names must be simple identifiers")
            }
            return bind(name, to: arguments[1], in: arguments[2])
        }

        mutating func optionalMap(_ target: Expression, _ arguments: [Expression], isFlat: Bool) -> Expression {
            guard case .identifier(let variable) = arguments[0].kind else {
                return parser.problem(
                    at: arguments[0].offset,
                    "\(isFlat ? "optFlatMap" : "optMap")() variable name must be a simple identifier")
            }
            let copy = parser.copy(target)
            var value = bind(variable, to: member("value", copy), in: arguments[1])
            if !isFlat { value = call("optional.of", value) }
            return call(Operator.conditional, member("hasValue", target), value, call("optional.none"))
        }

        mutating func sortBy(_ target: Expression, _ arguments: [Expression]) -> Expression {
            switch target.kind {
            case .list, .select, .identifier, .comprehension, .call: break
            default:
                return parser.problem(
                    at: target.offset,
                    "sortBy can only be applied to a list, identifier, comprehension, call or select expression")
            }
            let input = "@__sortBy_input__"
            let keys = map(name(input), arguments)
            return bind(input, to: target, in: member("@sortByAssociatedKeys", name(input), keys))
        }
    }

    /// The same expression with nodes of its own.
    ///
    /// A chain of `optMap` doubles with every link, hence the limit.
    fileprivate mutating func copy(_ expression: Expression) -> Expression {
        guard countsMoreNodes() else { return node(at: expression.offset, .literal(.null)) }
        let kind: Expression.Kind
        switch expression.kind {
        case .literal, .identifier: kind = expression.kind
        case .select(let operand, let field, let testOnly):
            kind = .select(copy(operand), field: field, testOnly: testOnly)
        case .call(let target, let function, let arguments):
            var copies: [Expression] = []
            let targetCopy: Expression? = if let target { copy(target) } else { nil }
            for argument in arguments { copies.append(copy(argument)) }
            kind = .call(target: targetCopy, function: function, arguments: copies)
        case .list(let elements, let optional):
            var copies: [Expression] = []
            for element in elements { copies.append(copy(element)) }
            kind = .list(copies, optional: optional)
        case .map(let entries):
            var copies: [Expression.MapEntry] = []
            for entry in entries {
                copies.append(
                    Expression.MapEntry(
                        key: copy(entry.key), value: copy(entry.value), isOptional: entry.isOptional))
            }
            kind = .map(copies)
        case .structure(let name, let fields):
            var copies: [Expression.FieldInitializer] = []
            for field in fields {
                copies.append(
                    Expression.FieldInitializer(
                        name: field.name, value: copy(field.value), isOptional: field.isOptional,
                        offset: field.offset))
            }
            kind = .structure(name, copies)
        case .comprehension(let fold):
            kind = .comprehension(
                Expression.Comprehension(
                    range: copy(fold.range), variable: fold.variable, secondVariable: fold.secondVariable,
                    accumulator: fold.accumulator, initial: copy(fold.initial), condition: copy(fold.condition),
                    step: copy(fold.step), result: copy(fold.result)))
        }
        return node(at: expression.offset, kind)
    }
}
