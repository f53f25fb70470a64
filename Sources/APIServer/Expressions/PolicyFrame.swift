// What policies of both kinds have in common: when they apply, and what their expressions may speak of.

import CEL
import JSON
import KubeTypes

/// The part of a policy, compiled, that does not depend on whether it validates or mutates.
struct PolicyFrame: Sendable {
    let name: String
    let failsOpen: Bool
    let matcher: PolicyMatcher
    let paramKind: JSONValue?
    let matchConditions: ExpressionMatchConditions?
    let variables: [PolicyVariable]
    /// What expressions of the policy may name, its own variables included.
    let names: AdmissionVariables

    init(_ policy: JSONValue) {
        let spec = policy["spec"] ?? [:]
        name = policy.name
        failsOpen = spec["failurePolicy"]?.stringValue == "Ignore"
        matcher = PolicyMatcher(spec["matchConstraints"])
        let kind = spec["paramKind"]
        paramKind = kind?.isNull ?? true ? JSONValue?.none : kind
        let conditions = spec["matchConditions"]?.arrayValue ?? []
        matchConditions = conditions.isEmpty ? nil : ExpressionMatchConditions(conditions, params: paramKind != nil)
        var names = AdmissionVariables(params: paramKind != nil, authorizer: true)
        variables = PolicyVariable.compile(spec, &names)
        self.names = names
    }

    /// What expressions see of a request and one set of parameters.
    func values(_ input: AdmissionInput, _ params: JSONValue?) -> [String: CELValue] {
        var values = input.variables
        values["params"] = .dynamic(params ?? .null)
        return values
    }
}

/// A policy of either kind.
protocol CompiledPolicy: Sendable {
    var frame: PolicyFrame { get }
}

extension CompiledPolicy {
    var name: String { frame.name }
    var failsOpen: Bool { frame.failsOpen }
    var matcher: PolicyMatcher { frame.matcher }
    var paramKind: JSONValue? { frame.paramKind }
}
