// The variables of a policy: expressions with names, evaluated when another expression first asks for them.

import CEL
import JSON
import Synchronization

/// One variable, compiled.
struct PolicyVariable: Sendable {
    let name: String
    let program: Result<CELProgram, ExpressionProblem>
}

/// The value of `variables`.
final class PolicyVariables: CELObject {
    static let typeName = "kubernetes.variables"

    private let declared: [PolicyVariable]
    private let input: [String: CELValue]
    private let state = Mutex<(values: [String: Result<CELValue, CELError>], cost: UInt64)>(([:], 0))

    var type: CELType { .object(Self.typeName) }

    /// - Parameter input: The values of all other variables.
    init(_ declared: [PolicyVariable], _ input: [String: CELValue]) {
        self.declared = declared
        self.input = input
    }

    /// Everything that expressions may name.
    var all: [String: CELValue] {
        var all = input
        all["variables"] = .object(self)
        return all
    }

    func field(_ name: String) throws(CELError) -> CELValue? {
        guard let variable = declared.first(where: { $0.name == name }) else { return nil }
        if let known = state.withLock({ $0.values[name] }) { return try known.get() }
        let result: Result<CELValue, CELError>
        switch variable.program {
        case .failure(let problem):
            result = .failure(CELError("composited variable \"\(name)\" fails to compile: \(problem.detail)"))
        case .success(let program):
            let (value, cost) = program.run(all)
            state.withLock { $0.cost &+= cost }
            result = value.mapError { CELError("composited variable \"\(name)\" fails to evaluate: \($0.message)") }
        }
        state.withLock { $0.values[name] = result }
        return try result.get()
    }

    /// What evaluating has cost since this was last asked.
    func takeCost() -> UInt64 {
        state.withLock { state in
            defer { state.cost = 0 }
            return state.cost
        }
    }

    /// Runs a program that may use the variables, at the expense of a budget.
    func run(
        _ program: CELProgram, _ budget: ExpressionBudget
    ) throws(ExpressionBudget.OutOfBudget) -> Result<CELValue, CELError> {
        let result = try budget.run(program, all)
        try budget.spend(takeCost())
        return result
    }
}

extension PolicyVariable {
    /// The variables of a policy's spec, each knowing those before it.
    static func compile(_ spec: JSONValue, _ names: inout AdmissionVariables) -> [PolicyVariable] {
        let variables = spec["variables"]?.arrayValue ?? []
        guard !variables.isEmpty else { return [] }
        var composed: [String: CELType] = [:]
        var compiled: [PolicyVariable] = []
        for variable in variables {
            let name = variable["name"]?.stringValue ?? ""
            names.composed = composed
            do throws(ExpressionProblem) {
                let program = try AdmissionExpressions.compile(
                    variable["expression"]?.stringValue ?? "", returning: [],
                    in: AdmissionExpressions.environment(names))
                composed[name] = program.type
                compiled.append(PolicyVariable(name: name, program: .success(program)))
            } catch {
                composed[name] = .dyn
                compiled.append(PolicyVariable(name: name, program: .failure(error)))
            }
        }
        names.composed = composed
        return compiled
    }
}
