/// What an evaluation needs while it runs: the variables, the values of comprehensions, and the costs so far.
final class Evaluation {
    private let variables: [String: CELValue]
    /// What the variables of comprehensions hold, or why the accumulator came to nothing.
    var locals: [Result<CELValue, CELError>]
    private(set) var cost: UInt64 = 0
    private let limit: UInt64

    init(_ variables: [String: CELValue], localCount: Int, limit: UInt64) {
        self.variables = variables
        self.limit = limit
        locals = [Result<CELValue, CELError>](repeating: .success(.null), count: localCount)
    }

    func variable(_ name: String) throws(CELError) -> CELValue {
        guard let value = variables[name] else { throw CELError("no such attribute(s): \(name)") }
        return value
    }

    /// Adds to the costs. Throws when they are beyond the limit.
    @inline(__always)
    func charge(_ more: UInt64) throws(CELError) {
        let (sum, overflow) = cost.addingReportingOverflow(more)
        cost = overflow ? .max : sum
        if cost > limit { throw .overCostLimit }
    }
}

/// A step of a program: the planner makes the nodes once, evaluations run over them.
protocol Step: Sendable {
    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue
}

extension Step {
    func evaluateBool(_ run: Evaluation) throws(CELError) -> Bool {
        guard case .bool(let value) = try evaluate(run) else { throw .noSuchOverload }
        return value
    }
}

struct ConstantStep: Step {
    let value: CELValue
    func evaluate(_ run: Evaluation) -> CELValue { value }
}

struct VariableStep: Step {
    let name: String
    let cost: UInt64
    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        try run.charge(cost)
        return try run.variable(name)
    }
}

struct LocalStep: Step {
    let slot: Int
    let cost: UInt64
    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        try run.charge(cost)
        return try run.locals[slot].get()
    }
}

/// Evaluates both operands, the second also where the first fails, and charges for the operation.
private func operands(
    _ left: any Step, _ right: any Step, _ run: Evaluation, _ cost: (CELValue, CELValue) -> UInt64
) throws(CELError) -> (CELValue, CELValue) {
    let first: CELValue
    do throws(CELError) {
        first = try left.evaluate(run)
    } catch {
        if error.isCancelled { throw error }
        do throws(CELError) { _ = try right.evaluate(run) } catch let other { if other.isCancelled { throw other } }
        try run.charge(1)
        throw error
    }
    let second: CELValue
    do throws(CELError) {
        second = try right.evaluate(run)
    } catch {
        if !error.isCancelled { try run.charge(1) }
        throw error
    }
    try run.charge(cost(first, second))
    return (first, second)
}

// MARK: Logic

/// `&&` and `||`: the value that decides is enough, whatever the other side comes to.
struct LogicalStep: Step {
    let left: any Step
    let right: any Step
    /// True for `||`.
    let deciding: Bool

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var problem: CELError?
        do throws(CELError) {
            if try left.evaluateBool(run) == deciding { return .bool(deciding) }
        } catch {
            if error.isCancelled { throw error }
            problem = error
        }
        do throws(CELError) {
            if try right.evaluateBool(run) == deciding { return .bool(deciding) }
        } catch {
            if error.isCancelled { throw error }
            problem = problem ?? error
        }
        if let problem { throw problem }
        return .bool(!deciding)
    }
}

struct ConditionalStep: Step {
    let condition: any Step
    let whenTrue: any Step
    let whenFalse: any Step

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        try condition.evaluateBool(run) ? try whenTrue.evaluate(run) : try whenFalse.evaluate(run)
    }
}

/// Goes on with a comprehension unless the condition is plainly false.
struct NotStrictlyFalseStep: Step {
    let operand: any Step

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var result = true
        do throws(CELError) {
            if case .bool(false) = try operand.evaluate(run) { result = false }
        } catch {
            if error.isCancelled { throw error }
        }
        try run.charge(1)
        return .bool(result)
    }
}

struct EqualityStep: Step {
    let left: any Step
    let right: any Step
    let isNegated: Bool

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let (left, right) = try operands(self.left, self.right, run) {
            RuntimeCost.equality($0, $1, isNegated: isNegated)
        }
        return .bool(try left.isEqual(to: right) != isNegated)
    }
}

/// `<`, `<=`, `>`, `>=`.
struct OrderStep: Step {
    let left: any Step
    let right: any Step
    let accepted: ClosedRange<Int>
    let function: String
    /// Whether both are known to be texts, which costs by their length.
    let isOfText: Bool

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let (left, right) = try operands(self.left, self.right, run) {
            isOfText ? RuntimeCost.traversal(min($0.costSize, $1.costSize)) : 1
        }
        switch left {
        case .null, .list, .map, .object, .type, .optional: throw CELError("no such overload: \(function)")
        default: return .bool(accepted.contains(try left.order(to: right)))
        }
    }
}

/// `x in [a, b]` with a list that is written out.
struct MembershipStep: Step {
    let operand: any Step
    let set: Set<CELKey>

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        .bool(CELKey(try operand.evaluate(run)).map(set.contains) ?? false)
    }
}

// MARK: Calls

/// A function that needs the values of all its arguments.
struct CallStep: Step {
    let function: String
    /// The one that is meant; empty where only the values tell.
    let overload: String
    let arguments: [any Step]
    let implementation: FunctionImplementation

    /// Functions whose errors do not tell the types.
    private static let plain: Set<String> = ["!_", "-_", "contains", "startsWith", "endsWith"]

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(try argument.evaluate(run)) }
        // What costs by the size of its arguments is paid before it is done.
        let before = RuntimeCost.beforeCall(function, overload, values)
        if let before { try run.charge(before) }
        let result: CELValue
        do throws(CELError) {
            result = try implementation(values)
        } catch {
            if before == nil { try run.charge(RuntimeCost.afterCall(function, values, .null)) }
            guard error == .noSuchOverload, !Self.plain.contains(function), overload != "cidr_contains_ip_string" else {
                throw error
            }
            if function == "size" { throw CELError("no such overload: size") }
            let types = values.map { $0.type.name }.joined(separator: ", ")
            throw CELError("no such overload: \(function)(\(types))")
        }
        if before == nil { try run.charge(RuntimeCost.afterCall(function, values, result)) }
        return result
    }
}

/// An operator on two values.
struct BinaryStep: Step {
    let function: String
    let overload: String
    let left: any Step
    let right: any Step
    let operation: @Sendable (CELValue, CELValue) throws(CELError) -> CELValue

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let (left, right) = try operands(self.left, self.right, run) { left, right in
            switch overload {
            case "add_string", "add_bytes": RuntimeCost.traversal(left.costSize &+ right.costSize)
            case "in_list": right.costSize
            default: 1
            }
        }
        do throws(CELError) {
            return try operation(left, right)
        } catch {
            guard error == .noSuchOverload, function != Operator.in else { throw error }
            switch left {
            case .null, .bool, .map, .object, .type, .optional: throw CELError("no such overload: \(function)")
            default: throw error
            }
        }
    }
}

/// `optional.or(other)` and `optional.orValue(value)`: the other side is evaluated only where it is needed.
struct OptionalOrStep: Step {
    let left: any Step
    let right: any Step
    let isUnwrapping: Bool

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let left = try self.left.evaluate(run)
        guard case .optional(let optional) = left else { throw .noSuchOverload }
        guard let value = optional.value else { return try right.evaluate(run) }
        return isUnwrapping ? value : left
    }
}
