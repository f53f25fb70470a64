/// `nodeSelector` and node affinity, made ready to be asked of many nodes.
public struct NodeRequirement: Sendable, Hashable {
    private let selector: LabelMatcher
    /// One of these must match; nil if affinity demands nothing.
    private let terms: [NodeTerm]?

    public init(nodeSelector: [String: String], required: NodeSelector?) {
        selector = LabelMatcher(matchLabels: nodeSelector)
        terms = required.map { $0.nodeSelectorTerms.compactMap(NodeTerm.init) }
    }

    public var isEmpty: Bool { selector.requirements.isEmpty && terms == nil }

    public func matches(name: String, labels: [String: String]) -> Bool {
        selector.matches(labels) && (terms?.contains { $0.matches(name: name, labels: labels) } ?? true)
    }

    /// The only nodes that can match, where every term names some, as a DaemonSet's do; nil if any may.
    public var names: Set<String>? {
        guard let terms, !terms.isEmpty else { return nil }
        var all: Set<String> = []
        for term in terms {
            guard let names = term.names else { return nil }
            all.formUnion(names)
        }
        return all
    }
}

/// One term of a node selector: all its requirements must be met.
public struct NodeTerm: Sendable, Hashable {
    private let labels: LabelMatcher
    private let fields: LabelMatcher

    /// Nil for a term without requirements, which matches nothing.
    public init?(_ term: NodeSelectorTerm) {
        let expressions = term.matchExpressions
        let fields = term.matchFields
        guard !expressions.isEmpty || !fields.isEmpty else { return nil }
        labels = LabelMatcher(expressions.map(Self.requirement))
        self.fields = LabelMatcher(fields.map(Self.requirement))
    }

    private static func requirement(_ requirement: NodeSelectorRequirement) -> LabelMatcher.Requirement {
        let key = requirement.key
        let values = requirement.values
        switch requirement.operator {
        case "In": return .in(key: key, values: Set(values))
        case "NotIn": return .notIn(key: key, values: Set(values))
        case "Exists": return .exists(key: key)
        case "DoesNotExist": return .doesNotExist(key: key)
        case "Gt": return values.first.flatMap { Int64($0) }.map { .greaterThan(key: key, value: $0) } ?? .nothing
        case "Lt": return values.first.flatMap { Int64($0) }.map { .lessThan(key: key, value: $0) } ?? .nothing
        default: return .nothing
        }
    }

    public func matches(name: String, labels: [String: String]) -> Bool {
        self.labels.matches(labels) && (fields.requirements.isEmpty || fields.matches(["metadata.name": name]))
    }

    /// The names that `matchFields` allows; nil if it does not say.
    public var names: Set<String>? {
        var allowed: Set<String>?
        for requirement in fields.requirements {
            guard case .in(key: "metadata.name", let values) = requirement else { continue }
            allowed = allowed?.intersection(values) ?? values
        }
        return allowed
    }
}
