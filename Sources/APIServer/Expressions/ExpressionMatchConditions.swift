// The match conditions of webhooks and policies.

import CEL
import JSON
import KubeTypes

/// Match conditions, compiled.
struct ExpressionMatchConditions: MatchConditions {
    private let conditions: [(name: String, expression: String, program: Result<CELProgram, ExpressionProblem>)]

    init(_ conditions: [JSONValue], params: Bool = false) {
        let environment = AdmissionExpressions.environment(AdmissionVariables(params: params, authorizer: true))
        self.conditions = conditions.map { condition in
            let expression = condition["expression"]?.stringValue ?? ""
            let name = condition["name"]?.stringValue ?? ""
            do throws(ExpressionProblem) {
                let program = try AdmissionExpressions.compile(expression, returning: [.bool], in: environment)
                return (name, expression, .success(program))
            } catch {
                return (name, expression, .failure(error))
            }
        }
    }

    func matches(_ attributes: VersionedAdmissionAttributes, _ authorizer: any Authorizer) throws(APIError) -> Bool {
        let input = AdmissionInput(attributes, namespace: nil, authorizer: authorizer)
        switch matches(input.variables) {
        case .success(let result): return result
        case .failure(let problem): throw APIError(code: 403, reason: "Forbidden", message: problem.detail)
        }
    }

    /// One condition that is false is enough, whatever becomes of the others.
    func matches(_ variables: [String: CELValue]) -> Result<Bool, ExpressionProblem> {
        let budget = ExpressionBudget(AdmissionExpressions.matchConditionsBudget)
        var problems: [String] = []
        for condition in conditions {
            switch condition.program {
            case .failure(let problem): problems.append("compilation error: \(problem.detail)")
            case .success(let program):
                let result: Result<CELValue, CELError>
                do throws(ExpressionBudget.OutOfBudget) {
                    result = try budget.run(program, variables)
                } catch {
                    return .failure(ExpressionProblem(detail: error.message))
                }
                switch result {
                case .success(.bool(false)): return .success(false)
                case .success: break
                case .failure(let error):
                    problems.append("expression '\(condition.expression)' resulted in error: \(error.message)")
                }
            }
        }
        if problems.isEmpty { return .success(true) }
        return .failure(
            ExpressionProblem(
                detail: problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]"))
    }
}

/// Compiles the match conditions of webhooks.
struct ExpressionMatchConditionCompiler: MatchConditionCompiler {
    func problems(_ conditions: [JSONValue], path: String) -> [FieldError] {
        Self.problems(conditions, path: path, params: false)
    }

    /// Names and structure are checked where those of all kinds are; here it is the expressions.
    static func problems(_ conditions: [JSONValue], path: String, params: Bool) -> [FieldError] {
        let environment = AdmissionExpressions.environment(AdmissionVariables(params: params, authorizer: true))
        return conditions.enumerated().compactMap { index, condition in
            let expression = (condition["expression"]?.stringValue ?? "").trimmingWhitespace
            if expression.isEmpty { return nil }
            return ExpressionRules.problem(
                expression, returning: [.bool], in: environment, at: "\(path)[\(index)].expression")
        }
    }

    func compile(_ conditions: [JSONValue]) -> any MatchConditions { ExpressionMatchConditions(conditions) }
}

/// What is wrong with an expression, as the error of a field.
enum ExpressionRules {
    static func problem(
        _ expression: String, returning types: [CELType], in environment: CELEnvironment, at path: String
    ) -> FieldError? {
        do throws(ExpressionProblem) {
            _ = try AdmissionExpressions.compile(expression, returning: types, in: environment)
            return nil
        } catch {
            if error.isInternal {
                return FieldError(.internalError, path, message: "Internal error: \(error.detail)")
            }
            return .invalid(path, .string(expression), error.detail)
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingWhitespace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
