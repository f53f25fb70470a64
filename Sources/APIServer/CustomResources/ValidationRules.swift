// Where rules in the expression language (`x-kubernetes-validations`) come in: a room above the schema evaluates them.

import APISchema
import JSON
import KubeTypes

/// Compiles the rules of schemas.
protocol ValidationRules: Sendable {
    /// What is wrong with the rules of a definition's schema: that they cannot be compiled, have the wrong type, or cost
    /// too much.
    /// - Parameters:
    ///   - path: of the schema: `spec.validation.openAPIV3Schema`.
    ///   - old: the schema that this one replaces; what was accepted once is not looked at as closely.
    func problems(of schema: JSONSchema, at path: String, old: JSONSchema?) -> [FieldError]

    /// What checks objects by the rules of a schema; nil if it has none. Called for every write: what is compiled is kept
    /// by the schema's identity.
    func checker(of schema: JSONSchema) -> (any ValidationRuleChecker)?
}

protocol ValidationRuleChecker: Sendable {
    /// What the rules say about a whole object.
    /// - Parameter old: what it replaces, for rules that compare (`oldSelf`) and for errors that are not new.
    func validate(_ object: JSONValue, replacing old: JSONValue?) -> [FieldError]
}

/// Rules that nobody evaluates are refused, lest objects pass that the author of a definition means to be refused.
struct NoValidationRules: ValidationRules {
    func problems(of schema: JSONSchema, at path: String, old: JSONSchema?) -> [FieldError] {
        schema.hasValidations
            ? [.forbidden("\(path).x-kubernetes-validations", "validation rules are not implemented")] : []
    }

    func checker(of schema: JSONSchema) -> (any ValidationRuleChecker)? { nil }
}
