import JSON
import KubeTypes
import Synchronization

/// Decides by Roles, ClusterRoles and their bindings (the API group `rbac.authorization.k8s.io`).
///
/// What the objects say is compiled into an index by subject, which is made anew when one of them has changed: a
/// decision looks at the rules of the user and of his groups and at nothing else.
public final class RBACAuthorizer: Authorizer {
    private static let group = "rbac.authorization.k8s.io"
    private static let resources = ["clusterrolebindings", "clusterroles", "rolebindings", "roles"]
    /// May do anything, whatever the objects say, so that a broken policy can be mended.
    private static let privilegedGroup = "system:masters"

    /// The rules of a role as one subject has them through one binding.
    private struct Grant: Sendable {
        let rules: [CompiledRule]
        let reason: String
        /// What keeps the binding from granting anything: there is no such role.
        var problem: String?
    }

    private struct Subjects: Sendable {
        var users: [String: [Grant]] = [:]
        var groups: [String: [Grant]] = [:]
    }

    private final class Index: Sendable {
        let generations: [Int64]
        let cluster: Subjects
        let namespaces: [String: Subjects]

        init(generations: [Int64], cluster: Subjects, namespaces: [String: Subjects]) {
            self.generations = generations
            self.cluster = cluster
            self.namespaces = namespaces
        }
    }

    private let lookup: any ObjectLookup
    private let index = Mutex<Index?>(nil)
    private let compiled = Mutex<[CompiledKey: CompiledRole]>([:])

    private struct CompiledKey: Hashable {
        let cluster: Bool
        let key: ObjectKey
    }

    private struct CompiledRole {
        let revision: Int64
        let rules: [CompiledRule]
    }

    public init(lookup: any ObjectLookup) { self.lookup = lookup }

    public func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        if attributes.user.groups.contains(Self.privilegedGroup) { return .allow(reason: "") }
        var allowedBy: String?
        var problems: [String] = []
        visit(attributes.user, attributes.namespace) { grant in
            guard grant.rules.contains(where: { $0.allows(attributes) }) else {
                if let problem = grant.problem, !problems.contains(problem) { problems.append(problem) }
                return true
            }
            allowedBy = grant.reason
            return false
        }
        if let allowedBy { return .allow(reason: allowedBy) }
        return .noOpinion(reason: problems.isEmpty ? "" : "RBAC: " + Self.aggregate(problems))
    }

    /// Several errors as upstream shows them in one.
    private static func aggregate(_ problems: [String]) -> String {
        problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]"
    }

    /// Calls `body` with what the user has been granted, cluster-wide first, until it returns false.
    private func visit(_ user: UserInfo, _ namespace: String, _ body: (Grant) -> Bool) {
        let index = currentIndex()
        func visit(_ subjects: Subjects) -> Bool {
            for grant in subjects.users[user.name] ?? [] where !body(grant) { return false }
            for group in user.groups {
                for grant in subjects.groups[group] ?? [] where !body(grant) { return false }
            }
            return true
        }
        guard visit(index.cluster), !namespace.isEmpty, let subjects = index.namespaces[namespace] else { return }
        _ = visit(subjects)
    }

    private func rules(of user: UserInfo, _ namespace: String) -> (rules: [CompiledRule], problems: [String]) {
        var rules: [CompiledRule] = []
        var problems: [String] = []
        if user.groups.contains(Self.privilegedGroup) { rules = CompiledRule.everything }
        visit(user, namespace) { grant in
            rules += grant.rules
            if let problem = grant.problem, !problems.contains(problem) { problems.append(problem) }
            return true
        }
        return (rules, problems)
    }

    /// All that the user may do in a namespace, as a `SelfSubjectRulesReview` answers it.
    public func rules(for user: UserInfo, namespace: String) -> SubjectRulesReviewStatus {
        var status = SubjectRulesReviewStatus([
            "resourceRules": [], "nonResourceRules": [], "incomplete": false,
        ])
        var resourceRules: [ResourceRule] = []
        var nonResourceRules: [NonResourceRule] = []
        let (rules, ruleProblems) = rules(of: user, namespace)
        var problems = ruleProblems
        if NodeAuthorizer.isNode(user) {
            // What a node may do depends on the pods that are bound to it: no list of rules says it.
            status.incomplete = true
            problems.insert("node authorizer does not support user rule resolution", at: 0)
        }
        if !problems.isEmpty { status.evaluationError = Self.aggregate(problems) }
        for rule in rules {
            if !rule.resources.isEmpty {
                var resourceRule = ResourceRule()
                resourceRule.verbs = rule.verbs
                resourceRule.apiGroups = rule.groups
                resourceRule.resources = rule.resources
                resourceRule.resourceNames = rule.resourceNames
                resourceRules.append(resourceRule)
            }
            if !rule.urls.isEmpty {
                var nonResourceRule = NonResourceRule()
                nonResourceRule.verbs = rule.verbs
                nonResourceRule.nonResourceURLs = rule.urls
                nonResourceRules.append(nonResourceRule)
            }
        }
        // An empty list is required to be there.
        if !resourceRules.isEmpty { status.resourceRules = resourceRules }
        if !nonResourceRules.isEmpty { status.nonResourceRules = nonResourceRules }
        return status
    }

    /// What of `wanted` the user is not allowed himself: whoever writes a role must not hand out more than he has
    /// (unless he may `escalate` it), and whoever binds one must have its rules (or may `bind` it).
    public func missing(of wanted: [PolicyRule], for user: UserInfo, namespace: String) -> [PolicyRule] {
        rules(of: user, namespace).rules.uncovered(wanted.map(CompiledRule.init)).map(\.policyRule)
    }

    /// The rules that a binding's role reference stands for; nil if there is no such role.
    public func rules(of reference: RoleRef, namespace: String) -> [PolicyRule]? {
        role(reference, namespace)?.map(\.policyRule)
    }

    private static func problem(_ reference: RoleRef) -> String {
        ["Role", "ClusterRole"].contains(reference.kind)
            ? "\(reference.kind.lowercased()).\(group) \"\(reference.name)\" not found"
            : "unsupported role reference kind: \"\(reference.kind)\""
    }

    // MARK: The index

    private func currentIndex() -> Index {
        let generations = Self.resources.map { lookup.generation(group: Self.group, resource: $0) }
        return index.withLock { index in
            if let index, index.generations == generations { return index }
            // Generations were read first: a change while the index is made leads to its being made again.
            let fresh = makeIndex(generations)
            index = fresh
            return fresh
        }
    }

    private func makeIndex(_ generations: [Int64]) -> Index {
        var cluster = Subjects()
        var namespaces: [String: Subjects] = [:]
        for object in lookup.objects(group: Self.group, resource: "clusterrolebindings", namespace: nil) {
            let binding = ClusterRoleBinding(object.value)
            guard let reference = binding.roleRef else { continue }
            let rules = role(reference, "")
            let source = "ClusterRoleBinding \"\(binding.name)\" of \(reference.kind) \"\(reference.name)\""
            Self.add(rules, reference, source, binding.subjects, "", to: &cluster)
        }
        for object in lookup.objects(group: Self.group, resource: "rolebindings", namespace: nil) {
            let binding = RoleBinding(object.value)
            guard let reference = binding.roleRef else { continue }
            let rules = role(reference, binding.namespace)
            let source =
                "RoleBinding \"\(binding.name)/\(binding.namespace)\" of \(reference.kind) \"\(reference.name)\""
            Self.add(
                rules, reference, source, binding.subjects, binding.namespace,
                to: &namespaces[binding.namespace, default: Subjects()])
        }
        return Index(generations: generations, cluster: cluster, namespaces: namespaces)
    }

    private static func add(
        _ rules: [CompiledRule]?, _ reference: RoleRef, _ source: String, _ subjects: [Subject], _ namespace: String,
        to index: inout Subjects
    ) {
        if let rules, rules.isEmpty { return }
        func grant(_ subject: String) -> Grant {
            Grant(
                rules: rules ?? [], reason: "RBAC: allowed by \(source) to \(subject)",
                problem: rules == nil ? problem(reference) : nil)
        }
        for subject in subjects {
            switch subject.kind {
            case "User":
                index.users[subject.name, default: []].append(grant("User \"\(subject.name)\""))
            case "Group":
                index.groups[subject.name, default: []].append(grant("Group \"\(subject.name)\""))
            case "ServiceAccount":
                let home = subject.namespace ?? namespace
                guard !home.isEmpty else { continue }
                index.users["system:serviceaccount:\(home):\(subject.name)", default: []].append(
                    grant("ServiceAccount \"\(subject.name)/\(home)\""))
            default: break
            }
        }
    }

    /// The rules of a role, compiled once for each of its revisions; nil if there is no such role.
    private func role(_ reference: RoleRef, _ namespace: String) -> [CompiledRule]? {
        let cluster = reference.kind == "ClusterRole"
        guard cluster || reference.kind == "Role" && !namespace.isEmpty else { return nil }
        let key = ObjectKey(namespace: cluster ? "" : namespace, name: reference.name)
        guard
            let object = lookup.object(
                group: Self.group, resource: cluster ? "clusterroles" : "roles", namespace: key.namespace,
                name: key.name)
        else { return nil }
        return compiled.withLock { compiled in
            let compiledKey = CompiledKey(cluster: cluster, key: key)
            if let known = compiled[compiledKey], known.revision == object.revision { return known.rules }
            let rules = ClusterRole(object.value).rules.map(CompiledRule.init)
            // Roles come and go; the cache must not keep those that went.
            if compiled.count > 4096 { compiled.removeAll() }
            compiled[compiledKey] = CompiledRole(revision: object.revision, rules: rules)
            return rules
        }
    }
}

/// Asks authorizers in turn: the first that has an opinion decides; if none has, the answer is no.
public struct AuthorizerChain: Authorizer {
    private let authorizers: [any Authorizer]

    public init(_ authorizers: [any Authorizer]) { self.authorizers = authorizers }

    public func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        var reasons: [String] = []
        for authorizer in authorizers {
            switch authorizer.authorize(attributes) {
            case .noOpinion(let reason): if !reason.isEmpty { reasons.append(reason) }
            case let decision: return decision
            }
        }
        return .noOpinion(reason: reasons.joined(separator: "\n"))
    }
}

extension AuthorizationAttributes {
    /// The answer to a request that no authorizer allows (403).
    func forbidden(reason: String) -> APIError {
        let message = forbiddenMessage(reason: reason)
        guard !resource.isEmpty else {
            return APIError(code: 403, reason: "Forbidden", message: "forbidden: \(message)", details: StatusDetails())
        }
        return .forbidden(resource, group: group, name: name, message)
    }

    /// Why the request is forbidden, as upstream words it behind `… is forbidden: `.
    public func forbiddenMessage(reason: String = "") -> String {
        var text = "User \"\(user.name)\" cannot \(verb) "
        if resource.isEmpty {
            text += "path \"\(path)\""
        } else {
            text += "resource \"\(resource)\(subresource.isEmpty ? "" : "/" + subresource)\" in API group \"\(group)\""
            text += namespace.isEmpty ? " at the cluster scope" : " in the namespace \"\(namespace)\""
        }
        // Names come from whoever sent the request: an answer must not look like HTML because of them.
        if text.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "&") })
        {
            text = text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
            text = text.split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
            text = text.split(separator: ">", omittingEmptySubsequences: false).joined(separator: "&gt;")
        }
        return reason.isEmpty ? text : text + ": " + reason
    }
}
