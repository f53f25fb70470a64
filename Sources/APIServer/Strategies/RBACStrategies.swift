// Roles and bindings: nobody hands out more than he has (upstream's escalation checks).

import JSON
import KubeTypes

/// Roles and ClusterRoles.
struct RoleStrategy: Strategy {
    var allowsCreateOnUpdate: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        try check(object, context)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        if object["rules"] != old["rules"] { try check(object, context) }
    }

    private func check(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {
        let rules = (object["rules"]?.arrayValue ?? []).map { PolicyRule($0) }
        try Escalation.check(rules, of: object, verb: "escalate", context)
    }
}

/// RoleBindings and ClusterRoleBindings.
struct RoleBindingStrategy: Strategy {
    var allowsCreateOnUpdate: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        try check(object, context)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        if object["subjects"] != old["subjects"] { try check(object, context) }
    }

    private func check(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {
        guard let reference = object["roleRef"] else { return }
        let rules = context.registry.rbac.rules(of: RoleRef(reference), namespace: context.request.namespace)
        try Escalation.check(rules, of: object, verb: "bind", role: RoleRef(reference), context)
    }
}

enum Escalation {
    /// Refuses rules that the user does not have himself and may not hand out anyway.
    static func check(
        _ rules: [PolicyRule], of object: JSONValue, verb: String, role: RoleRef? = nil, _ context: StrategyContext
    ) throws(APIError) {
        let request = context.request
        if request.user.groups.contains("system:masters") { return }
        var attributes = AuthorizationAttributes(user: request.user, verb: verb)
        attributes.group = request.storage.group
        attributes.version = request.storage.version
        attributes.namespace = request.namespace
        attributes.resource = role.map { $0.kind == "ClusterRole" ? "clusterroles" : "roles" } ?? request.storage.plural
        attributes.name = role?.name ?? object.name
        if case .allow = context.registry.authorizer.authorize(attributes) { return }
        let missing = context.registry.rbac.missing(of: rules, for: request.user, namespace: request.namespace)
        guard !missing.isEmpty else { return }
        let groups = request.user.groups.map { "\"\($0)\"" }.joined(separator: " ")
        throw request.forbidden(
            "user \"\(request.user.name)\" (groups=[\(groups)]) is attempting to grant RBAC permissions not currently "
                + "held:\n" + missing.map(text).joined(separator: "\n"), name: object.name)
    }

    private static func text(_ rule: PolicyRule) -> String {
        func list(_ name: String, _ values: [String]) -> String? {
            values.isEmpty ? nil : "\(name):[\(values.map { "\"\($0)\"" }.joined(separator: " "))]"
        }
        let parts = [
            list("APIGroups", rule.apiGroups), list("Resources", rule.resources),
            list("ResourceNames", rule.resourceNames), list("NonResourceURLs", rule.nonResourceURLs),
            list("Verbs", rule.verbs),
        ]
        return "{\(parts.compactMap { $0 }.joined(separator: ", "))}"
    }
}
