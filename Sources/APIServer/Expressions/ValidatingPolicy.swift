// A ValidatingAdmissionPolicy, compiled, and what it decides.

import APISchema
import CEL
import JSON
import KubeTypes

struct ValidatingPolicy: CompiledPolicy {
    private struct Validation: Sendable {
        let expression: String
        let program: Result<CELProgram, ExpressionProblem>
        let message: String
        let messageProgram: Result<CELProgram, ExpressionProblem>?
        let reason: String
    }

    private struct Annotation: Sendable {
        let key: String
        let expression: String
        let program: Result<CELProgram, ExpressionProblem>
    }

    /// One thing that a policy found wrong.
    struct Denial: Sendable {
        var message: String
        var reason = "Invalid"
        /// Of the validation.
        var index = 0
    }

    struct Outcome: Sendable {
        var denials: [Denial] = []
        var annotations: [(key: String, value: String)] = []
        /// Denies whatever the binding says is done about denials.
        var annotationProblems: [Denial] = []
    }

    /// Bytes that a message from an expression may have.
    private static let longestMessage = 5 * 1024

    let frame: PolicyFrame
    private let validations: [Validation]
    private let annotations: [Annotation]

    init(_ policy: JSONValue) {
        frame = PolicyFrame(policy)
        let spec = policy["spec"] ?? [:]
        var names = frame.names
        let environment = AdmissionExpressions.environment(names)
        names.authorizer = false
        let messageEnvironment = AdmissionExpressions.environment(names)
        func compile(_ text: String, _ types: [CELType], _ environment: CELEnvironment)
            -> Result<CELProgram, ExpressionProblem>
        {
            do throws(ExpressionProblem) {
                return .success(try AdmissionExpressions.compile(text, returning: types, in: environment))
            } catch {
                return .failure(error)
            }
        }
        validations = (spec["validations"]?.arrayValue ?? []).map { validation in
            let expression = validation["expression"]?.stringValue ?? ""
            let message = validation["messageExpression"]?.stringValue ?? ""
            return Validation(
                expression: expression, program: compile(expression, [.bool], environment),
                message: validation["message"]?.stringValue ?? "",
                messageProgram: message.isEmpty ? nil : compile(message, [.string], messageEnvironment),
                reason: validation["reason"]?.stringValue ?? "Invalid")
        }
        annotations = (spec["auditAnnotations"]?.arrayValue ?? []).map { annotation in
            let expression = annotation["valueExpression"]?.stringValue ?? ""
            return Annotation(
                key: annotation["key"]?.stringValue ?? "", expression: expression,
                program: compile(expression, [.string, .null], environment))
        }
    }

    /// Evaluates the policy with one set of parameters.
    func evaluate(
        _ input: AdmissionInput, params: JSONValue?
    ) -> Outcome {
        let values = frame.values(input, params)
        var outcome = Outcome()
        if let matchConditions = frame.matchConditions {
            switch matchConditions.matches(values) {
            case .success(true): break
            case .success(false): return outcome
            case .failure(let problem):
                if !failsOpen { outcome.denials.append(Denial(message: problem.detail)) }
                return outcome
            }
        }
        let variables = PolicyVariables(frame.variables, values)
        let budget = ExpressionBudget(AdmissionExpressions.budget)
        do throws(ExpressionBudget.OutOfBudget) {
            for (index, validation) in validations.enumerated() {
                guard var denial = try check(validation, variables, budget) else { continue }
                denial.index = index
                outcome.denials.append(denial)
            }
        } catch {
            outcome.denials = failsOpen ? [] : [Denial(message: error.message)]
            return outcome
        }
        annotate(variables, &outcome)
        return outcome
    }

    private func failure(_ message: String) -> Denial? { failsOpen ? nil : Denial(message: message) }

    private func check(
        _ validation: Validation, _ variables: PolicyVariables, _ budget: ExpressionBudget
    ) throws(ExpressionBudget.OutOfBudget) -> Denial? {
        let program: CELProgram
        switch validation.program {
        case .success(let compiled): program = compiled
        case .failure(let problem): return failure("compilation error: \(problem.detail)")
        }
        switch try variables.run(program, budget) {
        case .failure(let error):
            return failure("expression '\(validation.expression)' resulted in error: \(error.message)")
        case .success(.bool(true)): return nil
        case .success:
            var message = ""
            if case .success(let program)? = validation.messageProgram {
                let result: Result<CELValue, CELError>
                do throws(ExpressionBudget.OutOfBudget) {
                    result = try variables.run(program, budget)
                } catch {
                    return failure("failed messageExpression: \(error.message)")
                }
                if case .success(.string(let text)) = result {
                    let trimmed = text.trimmingWhitespace
                    if trimmed.utf8.count <= Self.longestMessage, !trimmed.utf8.contains(10) { message = trimmed }
                }
            }
            if message.isEmpty { message = validation.message.trimmingWhitespace }
            if message.isEmpty { message = "failed expression: \(validation.expression.trimmingWhitespace)" }
            return Denial(message: message, reason: validation.reason)
        }
    }

    /// Audit annotations have a budget of their own.
    private func annotate(_ variables: PolicyVariables, _ outcome: inout Outcome) {
        let budget = ExpressionBudget(AdmissionExpressions.budget)
        for annotation in annotations {
            let problem: String
            do throws(ExpressionBudget.OutOfBudget) {
                switch annotation.program {
                case .failure(let failure): problem = "compilation error: \(failure.detail)"
                case .success(let program):
                    switch try variables.run(program, budget) {
                    case .success(.string(let text)):
                        let value = text.trimmingWhitespace
                        if !value.isEmpty { outcome.annotations.append((annotation.key, value)) }
                        continue
                    case .success(.null): continue
                    case .success(let value):
                        problem =
                            "valueExpression '\(annotation.expression)' resulted in unsupported return type: "
                            + "\(value.type.name). Return type must be either string or null."
                    case .failure(let error):
                        problem = "expression '\(annotation.expression)' resulted in error: \(error.message)"
                    }
                }
            } catch {
                problem = error.message
            }
            if let denial = failure(problem) { outcome.annotationProblems.append(denial) }
        }
    }
}
