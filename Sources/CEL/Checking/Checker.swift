/// Checks the types of an expression and notes in each node its type and the overloads that may be meant.
///
/// Specified in the CEL language definition under *Gradual type checking*; messages are cel-go's.
struct Checker {
    private let environment: CELEnvironment
    private let issues: IssueList
    private var inference = TypeInference()
    private var scopes: [[String: CELType]] = []

    /// - Returns: The type of the whole.
    static func check(_ expression: Expression, in environment: CELEnvironment, issues: IssueList) -> CELType {
        var checker = Checker(environment: environment, issues: issues)
        checker.check(expression)
        checker.settle(expression)
        return expression.type ?? .dyn
    }

    private init(environment: CELEnvironment, issues: IssueList) {
        self.environment = environment
        self.issues = issues
    }

    private func report(_ expression: Expression, _ message: String) {
        issues.report(at: expression.offset, message)
    }

    private func mismatch(_ expression: Expression, _ expected: CELType, _ found: CELType) {
        report(expression, "expected type '\(expected)' but found '\(found)'")
    }

    private func undeclared(_ expression: Expression, _ name: String) {
        report(expression, "undeclared reference to '\(name)' (in container '')")
    }

    private func type(of expression: Expression) -> CELType { expression.type ?? .error }

    /// The type of a name: of a variable of a comprehension, of a declared one, or of a type.
    private func lookUp(_ name: String) -> CELType? {
        if name.hasPrefix(".") {
            return environment.type(ofName: String(name.dropFirst()))
        }
        for scope in scopes.reversed() { if let type = scope[name] { return type } }
        return environment.type(ofName: name)
    }

    private func functions(_ name: String) -> [Overload]? { environment.overloads(of: name) }

    private mutating func check(_ expression: Expression) {
        switch expression.kind {
        case .literal(let value): expression.type = value.type
        case .identifier(let name):
            if let type = lookUp(name) {
                expression.type = type
            } else {
                expression.type = .error
                undeclared(expression, name)
            }
        case .select(let operand, let field, let testOnly):
            checkSelect(expression, operand, field, testOnly: testOnly)
        case .call(let target, let function, let arguments): checkCall(expression, target, function, arguments)
        case .list(let elements, let optional): checkList(expression, elements, optional)
        case .map(let entries): checkMap(expression, entries)
        case .structure(let name, let fields): checkStructure(expression, name, fields)
        case .comprehension(let fold): checkFold(expression, fold)
        }
    }

    // MARK: Selection

    private mutating func checkSelect(
        _ expression: Expression, _ operand: Expression, _ field: String, testOnly: Bool
    ) {
        if let name = expression.qualifiedName, let type = lookUp(name) {
            expression.type = type
            expression.kind = .identifier(name)
            return
        }
        let type = selected(expression, operand, field, isOptional: false)
        expression.type = testOnly ? .bool : inference.resolve(type)
    }

    private mutating func selected(
        _ expression: Expression, _ operand: Expression, _ field: String, isOptional: Bool
    ) -> CELType {
        check(operand)
        let operandType = inference.resolve(type(of: operand))
        let target = operandType.unwrapped ?? operandType
        var result = CELType.error
        switch target {
        case .map(_, let value): result = value
        case .object(let name): result = fieldType(name, field, at: expression.offset) ?? .error
        case .parameter:
            _ = inference.assign(.dyn, to: target)
            result = .dyn
        case .dyn, .error: result = .dyn
        default:
            report(expression, "type '\(target)' does not support field selection")
            result = .dyn
        }
        return operandType.unwrapped != nil || isOptional ? .optional(result) : result
    }

    private func fieldType(_ typeName: String, _ field: String, at offset: Int) -> CELType? {
        guard let type = environment.objectType(named: typeName) else {
            issues.report(at: offset, "unexpected failed resolution of '\(typeName)'")
            return nil
        }
        guard let found = type.type(ofField: field) else {
            issues.report(at: offset, "undefined field '\(field)'")
            return nil
        }
        return found
    }

    // MARK: Calls

    private mutating func checkCall(
        _ expression: Expression, _ target: Expression?, _ function: String, _ arguments: [Expression]
    ) {
        if function == Operator.optionalSelect, let field = arguments.last?.literalString {
            let type = selected(expression, arguments[0], field, isOptional: true)
            expression.type = inference.resolve(type)
            expression.overloads = ["select_optional_field"]
            return
        }
        for argument in arguments { check(argument) }
        guard let target else {
            guard let overloads = functions(function) else {
                expression.type = .error
                undeclared(expression, function)
                return
            }
            resolve(expression, function, overloads, target: nil, arguments)
            return
        }
        // What is before the dot is a value, or the beginning of the function's name.
        if let prefix = target.qualifiedName, let overloads = functions("\(prefix).\(function)") {
            let name = "\(prefix).\(function)"
            expression.kind = .call(target: nil, function: name, arguments: arguments)
            resolve(expression, name, overloads, target: nil, arguments)
            return
        }
        check(target)
        guard let overloads = functions(function) else {
            expression.type = .error
            undeclared(expression, function)
            return
        }
        resolve(expression, function, overloads, target: target, arguments)
    }

    private mutating func resolve(
        _ expression: Expression, _ function: String, _ overloads: [Overload], target: Expression?,
        _ arguments: [Expression]
    ) {
        let types = (target.map { [$0] } ?? []).map { type(of: $0) } + arguments.map { type(of: $0) }
        if function == Operator.and || function == Operator.or {
            checkLogical(expression, function, arguments, types)
            return
        }
        var result: CELType?
        var found: [String] = []
        for overload in overloads where overload.isMember == (target != nil) {
            let signature = inference.instantiate(overload)
            guard inference.assign(types, to: signature.arguments) else { continue }
            found.append(overload.id)
            let type = inference.resolve(signature.result)
            if let first = result {
                if !first.isDyn, type != first { result = .dyn }
            } else {
                result = type
            }
        }
        expression.overloads = found
        if let result {
            expression.type = result
            return
        }
        expression.type = .error
        let shown = types.map { inference.resolve($0, isFinal: true).description }
        let receiver = target == nil ? "" : "\(shown[0])."
        let rest = shown.dropFirst(target == nil ? 0 : 1).joined(separator: ", ")
        report(expression, "found no matching overload for '\(function)' applied to '\(receiver)(\(rest))'")
    }

    private mutating func checkLogical(
        _ expression: Expression, _ function: String, _ arguments: [Expression], _ types: [CELType]
    ) {
        expression.type = .bool
        expression.overloads = [function == Operator.and ? "logical_and" : "logical_or"]
        for (argument, type) in zip(arguments, types) where !inference.assign(type, to: .bool) {
            mismatch(argument, .bool, type)
            expression.type = .error
        }
    }

    // MARK: Construction

    private mutating func join(_ expression: Expression, _ previous: CELType?, _ current: CELType) -> CELType {
        guard let previous else { return current }
        if inference.assign(previous, to: current) {
            return previous.isAtMostAsSpecific(as: current) ? previous : current
        }
        // That literals are of one type is checked later, where it matters.
        return .dyn
    }

    /// What the value of an optional entry holds.
    private func unwrapped(_ expression: Expression) -> CELType {
        let type = type(of: expression)
        if let inner = type.unwrapped { return inner }
        if !type.isDyn { mismatch(expression, .optional(type), type) }
        return type
    }

    private mutating func checkList(_ expression: Expression, _ elements: [Expression], _ optional: Set<Int>) {
        var joined: CELType?
        for (position, element) in elements.enumerated() {
            check(element)
            let type = optional.contains(position) ? unwrapped(element) : type(of: element)
            joined = join(element, joined, type)
        }
        expression.type = .list(joined ?? inference.fresh())
    }

    private mutating func checkMap(_ expression: Expression, _ entries: [Expression.MapEntry]) {
        var key: CELType?
        var value: CELType?
        for entry in entries {
            check(entry.key)
            key = join(entry.key, key, type(of: entry.key))
            check(entry.value)
            let type = entry.isOptional ? unwrapped(entry.value) : type(of: entry.value)
            value = join(entry.value, value, type)
        }
        expression.type = .map(key ?? inference.fresh(), value ?? inference.fresh())
    }

    private mutating func checkStructure(
        _ expression: Expression, _ name: String, _ fields: [Expression.FieldInitializer]
    ) {
        guard let named = lookUp(name) else {
            undeclared(expression, name)
            expression.type = .error
            return
        }
        let typeName = name.hasPrefix(".") ? String(name.dropFirst()) : name
        if case .type(let constructed?) = named {
            if case .object = constructed {
                expression.type = constructed
            } else {
                report(expression, "'\(constructed.name)' is not a message type")
                expression.type = .error
            }
        } else {
            report(expression, "'\(named.name)' is not a type")
            expression.type = .error
        }
        expression.kind = .structure(typeName, fields)
        for field in fields {
            check(field.value)
            let declared = fieldType(typeName, field.name, at: field.offset) ?? .error
            let found = field.isOptional ? unwrapped(field.value) : type(of: field.value)
            if !inference.assign(declared, to: found) {
                issues.report(
                    at: field.offset,
                    "expected type of field '\(field.name)' is '\(declared)' but provided type is '\(found)'")
            }
        }
    }

    private mutating func checkFold(_ expression: Expression, _ fold: Expression.Comprehension) {
        check(fold.range)
        check(fold.initial)
        let range = inference.resolve(type(of: fold.range))
        let accumulator = type(of: fold.initial)
        var variable = CELType.dyn
        var second = CELType.dyn
        switch range {
        case .list(let element):
            variable = fold.secondVariable == nil ? element : .int
            second = element
        case .map(let key, let value): (variable, second) = (key, value)
        case .dyn, .error, .parameter: _ = inference.assign(.dyn, to: range)
        default:
            report(
                fold.range,
                "expression of type '\(range)' cannot be range of a comprehension (must be list, map, or dynamic)")
            (variable, second) = (.error, .error)
        }
        scopes.append([fold.accumulator: accumulator])
        scopes.append([fold.variable: variable])
        if let name = fold.secondVariable { scopes[scopes.count - 1][name] = second }
        check(fold.condition)
        expect(fold.condition, .bool)
        check(fold.step)
        expect(fold.step, accumulator)
        scopes.removeLast()
        check(fold.result)
        scopes.removeLast()
        expression.type = inference.resolve(type(of: fold.result))
    }

    private mutating func expect(_ expression: Expression, _ wanted: CELType) {
        let found = type(of: expression)
        if !inference.assign(wanted, to: found) { mismatch(expression, wanted, found) }
    }

    // MARK: Settling

    /// Replaces what is still open in the types of a tree.
    private func settle(_ expression: Expression) {
        expression.type = expression.type.map { inference.resolve($0, isFinal: true) }
        for part in expression.parts { settle(part) }
    }
}

extension Expression {
    /// The expressions directly within this one.
    var parts: [Expression] {
        switch kind {
        case .literal, .identifier: []
        case .select(let operand, _, _): [operand]
        case .call(let target, _, let arguments): (target.map { [$0] } ?? []) + arguments
        case .list(let elements, _): elements
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .structure(_, let fields): fields.map(\.value)
        case .comprehension(let fold):
            [fold.range, fold.initial, fold.condition, fold.step, fold.result]
        }
    }
}
