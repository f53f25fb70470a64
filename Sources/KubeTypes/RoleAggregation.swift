// The rules of ClusterRoles that are made of others.

extension ClusterRole {
    /// The rules that an aggregate has: those of the roles that its selectors match, in the order of the selectors and
    /// of the roles' names, no rule twice.
    public func aggregatedRules(among roles: [ClusterRole]) -> [PolicyRule] {
        let roles = roles.filter { $0.name != name }.sorted { $0.name < $1.name }
        var rules: [PolicyRule] = []
        for selector in (aggregationRule?.clusterRoleSelectors ?? []).map({ LabelMatcher($0) }) {
            for role in roles where selector.matches(role.labels) {
                for rule in role.rules where !rules.contains(rule) { rules.append(rule) }
            }
        }
        return rules
    }
}
