// Roles and bindings: nobody hands out more than he has (upstream's escalation checks).

import JSON
import KubeTypes

/// Roles and ClusterRoles.
struct RoleStrategy: Strategy {
    var allowsCreateOnUpdate: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        try Escalation.checkRole(object, old: nil, context)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        try Escalation.checkRole(object, old: old, context)
    }
}

/// RoleBindings and ClusterRoleBindings.
struct RoleBindingStrategy: Strategy {
    var allowsCreateOnUpdate: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        try Escalation.checkBinding(object, old: nil, context)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        try Escalation.checkBinding(object, old: old, context)
    }
}

/// Refuses rules that the user does not have himself and may not hand out anyway.
enum Escalation {
    static func checkRole(_ role: JSONValue, old: JSONValue?, _ context: StrategyContext) throws(APIError) {
        let request = context.request
        if isMaster(request.user) || onlyMetadataForCollectionDiffers(role, old) { return }
        var attributes = attributes(request, verb: "escalate")
        attributes.resource = request.storage.plural
        // A name that is only in the body of a create is not known to the question either.
        attributes.name = request.name
        if case .allow = context.registry.authorizer.authorize(attributes) { return }
        let rules = (role["rules"]?.arrayValue ?? []).map { PolicyRule($0) }
        try confirm(rules, of: role, context)
        // What aggregates may take in anything.
        guard aggregates(role) || old.map(aggregates) ?? false else { return }
        let missing = context.registry.rbac.missing(
            of: CompiledRule.everything.map(\.policyRule), for: request.user, namespace: request.namespace)
        guard missing.isEmpty else {
            throw request.forbidden("must have cluster-admin privileges to use the aggregationRule", name: role.name)
        }
    }

    static func checkBinding(_ binding: JSONValue, old: JSONValue?, _ context: StrategyContext) throws(APIError) {
        let request = context.request
        if isMaster(request.user) || onlyMetadataForCollectionDiffers(binding, old) { return }
        let reference = RoleRef(binding["roleRef"] ?? [:])
        // Anything else is refused by validation.
        guard ["ClusterRole", "Role"].contains(reference.kind) else { return }
        var attributes = attributes(request, verb: "bind")
        attributes.group = reference.apiGroup ?? ""
        attributes.resource = reference.kind == "ClusterRole" ? "clusterroles" : "roles"
        attributes.name = reference.name
        if case .allow = context.registry.authorizer.authorize(attributes) { return }
        guard let rules = context.registry.rbac.rules(of: reference, namespace: request.namespace) else {
            throw .notFound(attributes.resource, group: request.storage.group, name: reference.name)
        }
        try confirm(rules, of: binding, context)
    }

    private static func isMaster(_ user: UserInfo) -> Bool { user.groups.contains("system:masters") }

    private static func attributes(_ request: RegistryRequest, verb: String) -> AuthorizationAttributes {
        var attributes = AuthorizationAttributes(user: request.user, verb: verb)
        attributes.group = request.storage.group
        attributes.version = "*"
        attributes.namespace = request.namespace
        return attributes
    }

    private static func aggregates(_ role: JSONValue) -> Bool {
        !(role[path: "aggregationRule", "clusterRoleSelectors"]?.isEmptyValue ?? true)
    }

    /// Whether a change touches nothing but what the garbage collector has to: it holds no rules.
    private static func onlyMetadataForCollectionDiffers(_ new: JSONValue, _ old: JSONValue?) -> Bool {
        guard var old else { return false }
        var new = new
        for key in ["ownerReferences", "finalizers", "managedFields", "selfLink", "resourceVersion"] {
            new.updateMetadata { $0[key] = nil }
            old.updateMetadata { $0[key] = nil }
        }
        return new == old
    }

    private static func confirm(_ rules: [PolicyRule], of object: JSONValue, _ context: StrategyContext)
        throws(APIError)
    {
        let request = context.request
        let missing = context.registry.rbac.missing(of: rules, for: request.user, namespace: request.namespace)
        guard !missing.isEmpty else { return }
        let groups = request.user.groups.map { "\"\($0)\"" }.joined(separator: " ")
        throw request.forbidden(
            "user \"\(request.user.name)\" (groups=[\(groups)]) is attempting to grant RBAC permissions not currently "
                + "held:\n" + Set(compact(missing).map(text)).sorted().joined(separator: "\n"), name: object.name)
    }

    /// Puts the verbs together of rules that differ in nothing else.
    private static func compact(_ rules: [PolicyRule]) -> [PolicyRule] {
        var compacted: [PolicyRule] = []
        var places: [[[String]]: Int] = [:]
        for rule in rules {
            let key = [rule.apiGroups, rule.resources, rule.resourceNames]
            if rule.nonResourceURLs.isEmpty, let place = places[key] {
                compacted[place].verbs += rule.verbs
                continue
            }
            if rule.nonResourceURLs.isEmpty { places[key] = compacted.count }
            compacted.append(rule)
        }
        return compacted
    }

    private static func text(_ rule: PolicyRule) -> String {
        func list(_ name: String, _ values: [String]) -> String? {
            values.isEmpty ? nil : "\(name):[\(values.map { "\"\($0)\"" }.joined(separator: " "))]"
        }
        let parts = [
            list("APIGroups", rule.apiGroups), list("Resources", rule.resources),
            list("NonResourceURLs", rule.nonResourceURLs), list("ResourceNames", rule.resourceNames),
            list("Verbs", rule.verbs),
        ]
        return "{\(parts.compactMap { $0 }.joined(separator: ", "))}"
    }
}
