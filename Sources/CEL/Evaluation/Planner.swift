import LinearRegex

/// Makes the steps of a program from a checked expression.
struct Planner {
    /// Why there can be no program.
    struct Problem: Error { let message: String }

    private let environment: CELEnvironment
    private var slots: [String: [Int]] = [:]
    private var depth = 0
    private(set) var localCount = 0

    init(_ environment: CELEnvironment) { self.environment = environment }

    /// - Parameter isFree: Whether the variable that a path begins with costs nothing, as in a branch of a condition
    ///   and in an index.
    mutating func plan(_ expression: Expression, isFree: Bool = false) throws(Problem) -> any Step {
        switch expression.kind {
        case .literal(let value): return ConstantStep(value: value)
        case .identifier(let name): return variable(name, expression, cost: isFree ? 0 : 1)
        case .select(let operand, let field, let testOnly):
            let cost = Self.isPath(operand) || isFree ? 1 as UInt64 : 2
            let operand = try plan(operand, isFree: (isFree || testOnly) && Self.isPath(operand))
            return testOnly
                ? PresenceStep(operand: operand, field: field)
                : SelectStep(operand: operand, field: field, cost: cost)
        case .call(let target, let function, let arguments):
            return try call(expression, function, (target.map { [$0] } ?? []) + arguments, isFree: isFree)
        case .list(let elements, let optional): return try list(elements, optional)
        case .map(let entries): return try map(entries)
        case .structure(let name, let fields): return try structure(name, fields)
        case .comprehension(let fold): return try comprehension(fold)
        }
    }

    /// Whether going into the expression continues a path that began with a variable.
    private static func isPath(_ expression: Expression) -> Bool {
        switch expression.kind {
        case .identifier, .select(_, _, testOnly: false): true
        case .call(_, let function, _):
            [Operator.index, Operator.optionalIndex, Operator.optionalSelect, Operator.conditional].contains(function)
        default: false
        }
    }

    private func variable(_ name: String, _ expression: Expression, cost: UInt64) -> any Step {
        if let slot = slots[name]?.last { return LocalStep(slot: slot, cost: cost) }
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        if environment.variables[plain] == nil, let type = Declarations.typeNames[plain] {
            return ConstantStep(value: .type(type))
        }
        if environment.variables[plain] == nil, case .type(let type?)? = expression.type {
            return ConstantStep(value: .type(type))
        }
        return VariableStep(name: plain, cost: cost)
    }

    /// Whether the path in an argument begins with a variable that costs nothing.
    private static func isFree(
        _ argument: Expression, _ function: String, _ position: Int, within isFree: Bool
    ) -> Bool {
        switch function {
        case Operator.conditional: position > 0 && isPath(argument)
        case Operator.index, Operator.optionalIndex: position == 0 ? isFree && isPath(argument) : isPath(argument)
        case Operator.optionalSelect: position == 0 && isFree && isPath(argument)
        default: false
        }
    }

    private mutating func plan(_ expressions: [Expression]) throws(Problem) -> [any Step] {
        var steps: [any Step] = []
        for expression in expressions { steps.append(try plan(expression)) }
        return steps
    }

    // MARK: Calls

    private mutating func call(
        _ expression: Expression, _ function: String, _ arguments: [Expression], isFree: Bool
    ) throws(Problem) -> any Step {
        let isPath = arguments.first.map(Self.isPath) ?? false
        var steps: [any Step] = []
        for (position, argument) in arguments.enumerated() {
            steps.append(
                try plan(argument, isFree: Self.isFree(argument, function, position, within: isFree)))
        }
        let overload = expression.overloads.count == 1 ? expression.overloads[0] : ""
        switch function {
        case Operator.and, Operator.or:
            return LogicalStep(left: steps[0], right: steps[1], deciding: function == Operator.or)
        case Operator.conditional:
            return ConditionalStep(condition: steps[0], whenTrue: steps[1], whenFalse: steps[2])
        case Operator.notStrictlyFalse: return NotStrictlyFalseStep(operand: steps[0])
        case Operator.equals, Operator.notEquals:
            return EqualityStep(left: steps[0], right: steps[1], isNegated: function == Operator.notEquals)
        case Operator.index: return IndexStep(operand: steps[0], index: steps[1], cost: isPath || isFree ? 1 : 2)
        case Operator.optionalIndex, Operator.optionalSelect:
            return OptionalSelectStep(
                operand: steps[0], index: steps[1], isField: function == Operator.optionalSelect,
                cost: isPath || isFree ? 1 : 2)
        case Operator.in: return membership(steps, overload)
        case "or" where steps.count == 2:
            return OptionalOrStep(left: steps[0], right: steps[1], isUnwrapping: false)
        case "orValue" where steps.count == 2:
            return OptionalOrStep(left: steps[0], right: steps[1], isUnwrapping: true)
        case "_<_", "_<=_", "_>_", "_>=_":
            let accepted = ["_<_": -1...(-1), "_<=_": -1...0, "_>_": 1...1, "_>=_": 0...1][function] ?? 0...0
            return OrderStep(
                left: steps[0], right: steps[1], accepted: accepted, function: function,
                isOfText: overload.hasSuffix("_string") || overload.hasSuffix("_bytes"))
        default: break
        }
        if let operation = Functions.binary[function] {
            if function == Operator.add, case .identifier(let name) = arguments[0].kind,
                name == Parser.accumulator, let slot = slots[name]?.last,
                case .list(let elements, let optional) = arguments[1].kind, elements.count == 1, optional.isEmpty,
                let list = steps[1] as? ListStep
            {
                return AppendStep(slot: slot, element: list.elements[0])
            }
            return BinaryStep(
                function: function, overload: overload, left: steps[0], right: steps[1], operation: operation)
        }
        if function == Operator.mapInsert, let slot = slots[Parser.accumulator]?.last {
            return InsertStep(slot: slot, arguments: Array(steps.dropFirst()))
        }
        return try named(function, overload, steps)
    }

    private static let conversions: Set<String> = [
        "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint",
    ]

    private func named(_ function: String, _ overload: String, _ steps: [any Step]) throws(Problem) -> any Step {
        let name = function.hasPrefix(".") ? String(function.dropFirst()) : function
        if name.hasPrefix("format."), let format = environment.formats[String(name.dropFirst(7))] {
            return CallStep(function: name, overload: overload, arguments: []) { _ throws(CELError) in
                .object(NamedFormatValue(format))
            }
        }
        if name == "format.named" {
            let formats = environment.formats
            return CallStep(function: name, overload: overload, arguments: steps) { values throws(CELError) in
                guard let name = values[0].stringValue else { throw .noSuchOverload }
                return .optional(CELOptional(formats[name].map { .object(NamedFormatValue($0)) }))
            }
        }
        guard var implementation = Functions.all[name] else {
            throw Problem(message: "no such overload: \(name)(...)")
        }
        // A pattern that is written out is compiled once.
        if ["matches", "find", "findAll"].contains(name), steps.count > 1,
            let pattern = (steps[1] as? ConstantStep)?.value.stringValue
        {
            do throws(RegularExpression.Problem) {
                implementation = Functions.matching(name, try RegularExpression(pattern))
            } catch {
                throw Problem(message: error.message)
            }
        }
        if name == "sum", let zero = Functions.zero(of: overload) {
            let sum = implementation
            implementation = { values throws(CELError) in
                if case .list(let list) = values[0], list.count == 0 { return zero }
                return try sum(values)
            }
        }
        let call = CallStep(function: name, overload: overload, arguments: steps, implementation: implementation)
        // A conversion of what is written out is done once.
        if Self.conversions.contains(name), steps.count == 1, let constant = steps[0] as? ConstantStep {
            do throws(CELError) {
                return ConstantStep(value: try implementation([constant.value]))
            } catch {
                throw Problem(message: error.message)
            }
        }
        return call
    }

    private func membership(_ steps: [any Step], _ overload: String) -> any Step {
        if overload == "in_list", let constant = steps[1] as? ConstantStep,
            case .list(.values(let values)) = constant.value
        {
            let keys = values.compactMap { CELKey($0) }
            if keys.count == values.count { return MembershipStep(operand: steps[0], set: Set(keys)) }
        }
        return BinaryStep(function: Operator.in, overload: overload, left: steps[0], right: steps[1]) {
            value, container throws(CELError) in
            switch container {
            case .list(let list): .bool(try list.contains(value))
            case .map(let map): .bool(try map.contains(value))
            default: throw .noSuchOverload
            }
        }
    }

    // MARK: Construction

    private mutating func list(_ elements: [Expression], _ optional: Set<Int>) throws(Problem) -> any Step {
        let steps = try plan(elements)
        let constants = steps.compactMap { ($0 as? ConstantStep)?.value }
        if constants.count == steps.count, optional.isEmpty { return ConstantStep(value: .list(.values(constants))) }
        return ListStep(elements: steps, optional: optional)
    }

    private mutating func map(_ entries: [Expression.MapEntry]) throws(Problem) -> any Step {
        var steps: [(key: any Step, value: any Step, isOptional: Bool)] = []
        for entry in entries { steps.append((try plan(entry.key), try plan(entry.value), entry.isOptional)) }
        let constants = steps.compactMap { step -> (key: CELValue, value: CELValue)? in
            guard !step.isOptional, let key = step.key as? ConstantStep, let value = step.value as? ConstantStep else {
                return nil
            }
            return (key.value, value.value)
        }
        if constants.count == steps.count, let dictionary = try? CELDictionary(constants) {
            return ConstantStep(value: .map(.values(dictionary)))
        }
        return MapStep(entries: steps)
    }

    private mutating func structure(
        _ name: String, _ fields: [Expression.FieldInitializer]
    ) throws(Problem) -> any Step {
        guard let type = environment.objectType(named: name) else { throw Problem(message: "unknown type: \(name)") }
        var steps: [(name: String, value: any Step, isOptional: Bool)] = []
        for field in fields { steps.append((field.name, try plan(field.value), field.isOptional)) }
        return StructureStep(type: type, name: name, fields: steps)
    }

    // MARK: Comprehensions

    private mutating func enter(_ name: String) -> Int {
        let slot = depth
        depth += 1
        localCount = max(localCount, depth)
        slots[name, default: []].append(slot)
        return slot
    }

    private mutating func leave(_ name: String) {
        depth -= 1
        slots[name]?.removeLast()
    }

    private mutating func comprehension(_ fold: Expression.Comprehension) throws(Problem) -> any Step {
        if case .list(let elements, _) = fold.range.kind, elements.isEmpty,
            case .literal(.bool(false)) = fold.condition.kind
        {
            let value = try plan(fold.initial)
            let slot = enter(fold.accumulator)
            let body = try plan(fold.result)
            leave(fold.accumulator)
            return BindStep(slot: slot, value: value, body: body)
        }
        let range = try plan(fold.range)
        let initial = try plan(fold.initial)
        let accumulator = enter(fold.accumulator)
        let variable = enter(fold.variable)
        let second = fold.secondVariable.map { enter($0) }
        let condition = try plan(fold.condition)
        let step = try plan(fold.step)
        if let name = fold.secondVariable { leave(name) }
        leave(fold.variable)
        let result = try plan(fold.result)
        leave(fold.accumulator)
        return FoldStep(
            range: range, variableSlot: variable, secondSlot: second, accumulatorSlot: accumulator, initial: initial,
            condition: condition, step: step, result: result, toleratesErrors: step is LogicalStep)
    }
}
