import JSON

/// A condition on labels, as `matchLabels` and `matchExpressions` or a selector's text give it.
public struct LabelMatcher: Sendable, Hashable {
    public enum Requirement: Sendable, Hashable {
        case `in`(key: String, values: Set<String>)
        /// Also met by labels that lack the key.
        case notIn(key: String, values: Set<String>)
        case exists(key: String)
        case doesNotExist(key: String)
        case greaterThan(key: String, value: Int64)
        case lessThan(key: String, value: Int64)
        /// Met by nothing.
        case nothing

        public func matches(_ labels: [String: String]) -> Bool {
            switch self {
            case .in(let key, let values): labels[key].map(values.contains) ?? false
            case .notIn(let key, let values): labels[key].map { !values.contains($0) } ?? true
            case .exists(let key): labels[key] != nil
            case .doesNotExist(let key): labels[key] == nil
            case .greaterThan(let key, let value): labels[key].flatMap(Int64.init).map { $0 > value } ?? false
            case .lessThan(let key, let value): labels[key].flatMap(Int64.init).map { $0 < value } ?? false
            case .nothing: false
            }
        }
    }

    /// All must be met; none means that everything matches.
    public var requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }

    /// Every label given, with just that value.
    public init(matchLabels: [String: String]) {
        requirements = matchLabels.sorted { $0.key < $1.key }.map { .in(key: $0.key, values: [$0.value]) }
    }

    /// An object's selector. A missing selector matches nothing, an empty one everything; an operator that the API does
    /// not know makes it match nothing (validation has refused it before).
    public init(_ selector: LabelSelector?) {
        guard let selector else {
            self.init([.nothing])
            return
        }
        self.init(matchLabels: selector.matchLabels)
        for expression in selector.matchExpressions {
            switch expression.operator {
            case "In": requirements.append(.in(key: expression.key, values: Set(expression.values)))
            case "NotIn": requirements.append(.notIn(key: expression.key, values: Set(expression.values)))
            case "Exists": requirements.append(.exists(key: expression.key))
            case "DoesNotExist": requirements.append(.doesNotExist(key: expression.key))
            default: requirements.append(.nothing)
            }
        }
    }

    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }
}

extension LabelSelector {
    /// The selector as it is written in a query.
    public var text: String {
        var parts = matchLabels.map { "\($0.key)=\($0.value)" }
        for expression in matchExpressions {
            let values = expression.values.sorted().joined(separator: ",")
            switch expression.operator {
            case "In": parts.append("\(expression.key) in (\(values))")
            case "NotIn": parts.append("\(expression.key) notin (\(values))")
            case "Exists": parts.append(expression.key)
            case "DoesNotExist": parts.append("!\(expression.key)")
            default: continue
            }
        }
        return parts.sorted().joined(separator: ",")
    }
}
