// Admission policies: their expressions are compiled before they are stored, and checked against the types of the
// resources that they match.

import CEL
import JSON
import KubeTypes

struct ValidatingPolicyStrategy: Strategy {
    var tracksGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = PolicyTypeChecker(context.registry).status(of: object, generation: 1)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        guard object["spec"] != old["spec"] else { return }
        let conditions = object["status"]?["conditions"]
        object["status"] = PolicyTypeChecker(context.registry).status(of: object, generation: old.generation + 1)
        if let conditions { object["status"]?["conditions"] = conditions }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let spec = object["spec"] ?? [:]
        var errors = PolicyExpressions.problems(ofShared: spec)
        var names = PolicyExpressions.names(spec)
        errors += PolicyExpressions.problems(ofVariables: spec, &names)
        let environment = AdmissionExpressions.environment(names)
        names.authorizer = false
        let messageEnvironment = AdmissionExpressions.environment(names)
        for (index, validation) in (spec["validations"]?.arrayValue ?? []).enumerated() {
            let path = "spec.validations[\(index)]"
            errors += PolicyExpressions.problems(
                validation["expression"], [.bool], environment, "\(path).expression")
            errors += PolicyExpressions.problems(
                validation["messageExpression"], [.string], messageEnvironment, "\(path).messageExpression")
        }
        for (index, annotation) in (spec["auditAnnotations"]?.arrayValue ?? []).enumerated() {
            errors += PolicyExpressions.problems(
                annotation["valueExpression"], [.string, .null], environment,
                "spec.auditAnnotations[\(index)].valueExpression")
        }
        return errors
    }
}

struct MutatingPolicyStrategy: Strategy {
    var tracksGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let spec = object["spec"] ?? [:]
        var errors = PolicyExpressions.problems(ofShared: spec)
        var names = PolicyExpressions.names(spec)
        errors += PolicyExpressions.problems(ofVariables: spec, &names)
        names.patches = true
        let environment = AdmissionExpressions.environment(names)
        for (index, mutation) in (spec["mutations"]?.arrayValue ?? []).enumerated() {
            let path = "spec.mutations[\(index)]"
            errors += PolicyExpressions.problems(
                mutation["applyConfiguration"]?["expression"], [.object("Object")], environment,
                "\(path).applyConfiguration.expression")
            errors += PolicyExpressions.problems(
                mutation["jsonPatch"]?["expression"], [.list(.object("JSONPatch"))], environment,
                "\(path).jsonPatch.expression")
        }
        return errors
    }
}

/// What is wrong with the expressions of policies. Their structure is checked where that of all kinds is.
private enum PolicyExpressions {
    static func names(_ spec: JSONValue) -> AdmissionVariables {
        AdmissionVariables(params: spec["paramKind"]?.objectValue != nil, authorizer: true)
    }

    static func problems(
        _ expression: JSONValue?, _ types: [CELType], _ environment: CELEnvironment, _ path: String
    ) -> [FieldError] {
        guard let text = expression?.stringValue, !text.allSatisfy(\.isWhitespace) else { return [] }
        return ExpressionRules.problem(text, returning: types, in: environment, at: path).map { [$0] } ?? []
    }

    /// Of the match conditions.
    static func problems(ofShared spec: JSONValue) -> [FieldError] {
        ExpressionMatchConditionCompiler.problems(
            spec["matchConditions"]?.arrayValue ?? [], path: "spec.matchConditions",
            params: spec["paramKind"]?.objectValue != nil)
    }

    static func problems(ofVariables spec: JSONValue, _ names: inout AdmissionVariables) -> [FieldError] {
        let compiled = PolicyVariable.compile(spec, &names)
        return zip(compiled, spec["variables"]?.arrayValue ?? []).enumerated().compactMap { index, pair in
            guard case .failure(let problem) = pair.0.program else { return nil }
            let expression = pair.1["expression"] ?? ""
            return .invalid("spec.variables[\(index)].expression", expression, problem.detail)
        }
    }
}
