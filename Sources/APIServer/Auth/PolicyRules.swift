import JSON
import KubeTypes

/// A rule of a Role or ClusterRole, taken apart for matching.
///
/// Specified by the API reference of `PolicyRule`; wildcards as upstream's RBAC authorizer reads them.
struct CompiledRule: Sendable, Hashable {
    var verbs: [String]
    var groups: [String]
    var resources: [String]
    var resourceNames: [String]
    var urls: [String]

    init(
        verbs: [String], groups: [String] = [], resources: [String] = [], resourceNames: [String] = [],
        urls: [String] = []
    ) {
        self.verbs = verbs
        self.groups = groups
        self.resources = resources
        self.resourceNames = resourceNames
        self.urls = urls
    }

    init(_ rule: PolicyRule) {
        self.init(
            verbs: rule.verbs, groups: rule.apiGroups, resources: rule.resources, resourceNames: rule.resourceNames,
            urls: rule.nonResourceURLs)
    }

    /// What those may do who may do anything.
    static let everything = [
        CompiledRule(verbs: ["*"], groups: ["*"], resources: ["*"]), CompiledRule(verbs: ["*"], urls: ["*"]),
    ]

    var policyRule: PolicyRule {
        var rule = PolicyRule()
        rule.verbs = verbs
        // The core group is the empty string: the list must be there even if that is all it holds.
        rule.apiGroups = groups
        rule.resources = resources
        rule.resourceNames = resourceNames
        rule.nonResourceURLs = urls
        return rule
    }

    func allows(_ request: AuthorizationAttributes) -> Bool {
        guard verbs.contains(where: { $0 == "*" || $0 == request.verb }) else { return false }
        if !request.path.isEmpty, request.resource.isEmpty {
            return urls.contains { Self.url($0, covers: request.path) }
        }
        guard groups.contains(where: { $0 == "*" || $0 == request.group }) else { return false }
        guard resources.contains(where: { matches(resource: $0, request) }) else { return false }
        return resourceNames.isEmpty || resourceNames.contains(request.name)
    }

    private func matches(resource rule: String, _ request: AuthorizationAttributes) -> Bool {
        if rule == "*" { return true }
        if request.subresource.isEmpty { return rule == request.resource }
        // `pods/log`, or `*/log`, without putting the request's two parts together.
        guard let slash = rule.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
        let resource = rule[..<slash]
        return (resource == "*" || resource == request.resource)
            && rule[rule.index(after: slash)...] == request.subresource
    }

    static func url(_ rule: String, covers path: String) -> Bool {
        guard rule != path else { return true }
        guard rule.hasSuffix("*") else { return false }
        var prefix = rule[...]
        while prefix.hasSuffix("*") { prefix = prefix.dropLast() }
        return path.hasPrefix(prefix)
    }

    /// The smallest rules that together allow what this one does: one verb, one resource, at most one name each.
    var parts: [CompiledRule] {
        var parts: [CompiledRule] = []
        for verb in verbs {
            for group in groups {
                for resource in resources {
                    for name in resourceNames.isEmpty ? [nil] : resourceNames.map(Optional.some) {
                        parts.append(
                            CompiledRule(
                                verbs: [verb], groups: [group], resources: [resource],
                                resourceNames: name.map { [$0] } ?? []))
                    }
                }
            }
            for url in urls { parts.append(CompiledRule(verbs: [verb], urls: [url])) }
        }
        return parts
    }

    /// Whether this rule allows all that `part`, one of another rule's `parts`, does.
    func covers(_ part: CompiledRule) -> Bool {
        guard part.verbs.allSatisfy({ verbs.contains("*") || verbs.contains($0) }) else { return false }
        if let url = part.urls.first { return urls.contains { Self.url($0, covers: url) } }
        guard part.groups.allSatisfy({ groups.contains("*") || groups.contains($0) }) else { return false }
        let resourcesCovered = part.resources.allSatisfy { resource in
            if resources.contains("*") || resources.contains(resource) { return true }
            guard let slash = resource.firstIndex(of: "/") else { return false }
            return resources.contains("*" + resource[slash...])
        }
        guard resourcesCovered else { return false }
        if part.resourceNames.isEmpty { return resourceNames.isEmpty }
        return resourceNames.isEmpty || part.resourceNames.allSatisfy(resourceNames.contains)
    }
}

extension Sequence<CompiledRule> {
    /// What of `wanted` these rules do not allow, in its smallest parts.
    func uncovered(_ wanted: some Sequence<CompiledRule>) -> [CompiledRule] {
        wanted.flatMap(\.parts).filter { part in !contains { $0.covers(part) } }
    }
}
