/// Finds out what type parameters stand for, so that the types of arguments go with those of functions.
///
/// `dyn` goes with everything, `null` with everything that has no plain value, and an occurrence of a parameter within
/// what it would stand for is refused.
struct TypeInference {
    private var substitutions: [String: CELType] = [:]
    private var freshCount = 0

    /// A type that is still to be found out.
    mutating func fresh() -> CELType {
        freshCount += 1
        return .parameter("_var\(freshCount - 1)")
    }

    /// The types with their parameters replaced by fresh ones.
    mutating func instantiate(_ overload: Overload) -> (arguments: [CELType], result: CELType) {
        guard !overload.parameters.isEmpty else { return (overload.arguments, overload.result) }
        var names: [String: CELType] = [:]
        for parameter in overload.parameters { names[parameter] = fresh() }
        func replace(_ type: CELType) -> CELType {
            if case .parameter(let name) = type { return names[name] ?? type }
            return type.mapParameters(replace)
        }
        return (overload.arguments.map(replace), replace(overload.result))
    }

    /// The type with what is known of its parameters; the rest become `dyn` where `isFinal`.
    func resolve(_ type: CELType, isFinal: Bool = false) -> CELType {
        if case .parameter(let name) = type {
            if let known = substitutions[name] { return resolve(known, isFinal: isFinal) }
            return isFinal ? .dyn : type
        }
        return type.mapParameters { resolve($0, isFinal: isFinal) }
    }

    /// Whether the types go together, which may settle parameters; where not, nothing changes.
    mutating func assign(_ from: [CELType], to: [CELType]) -> Bool {
        guard from.count == to.count else { return false }
        let before = substitutions
        for (from, to) in zip(from, to) where !unify(from, to) {
            substitutions = before
            return false
        }
        return true
    }

    mutating func assign(_ from: CELType, to: CELType) -> Bool { assign([from], to: [to]) }

    private mutating func unify(_ left: CELType, _ right: CELType) -> Bool {
        if case .parameter(let name) = right {
            let (fits, isKnown) = substitute(left, for: name)
            if fits || isKnown { return fits }
        }
        if case .parameter(let name) = left { return substitute(right, for: name).fits }
        if left.isDyn || left.isError || right.isDyn || right.isError { return true }
        if left == .null { return right.isNullable }
        if right == .null { return left.isNullable }
        switch (left, right) {
        case (.type, .type): return true
        case (.list(let left), .list(let right)): return unify(left, right)
        case (.map(let leftKey, let leftValue), .map(let rightKey, let rightValue)):
            return unify(leftKey, rightKey) && unify(leftValue, rightValue)
        case (.opaque(let leftName, let left), .opaque(let rightName, let right)):
            guard leftName == rightName, left.count == right.count else { return false }
            for (left, right) in zip(left, right) where !unify(left, right) { return false }
            return true
        default: return left == right
        }
    }

    /// Whether the parameter `name` may stand for `type`, and whether it stood for something already.
    private mutating func substitute(_ type: CELType, for name: String) -> (fits: Bool, isKnown: Bool) {
        let parameter = CELType.parameter(name)
        if type == parameter { return (true, true) }
        if let known = substitutions[name] {
            if type == known { return (true, true) }
            guard unify(type, known) else { return (false, true) }
            let general = type.isAtMostAsSpecific(as: known) ? type : known
            if !occurs(name, in: general) { substitutions[name] = general }
            return (true, true)
        }
        guard !occurs(name, in: type) else { return (false, false) }
        substitutions[name] = type
        return (true, false)
    }

    private func occurs(_ name: String, in type: CELType) -> Bool {
        if case .parameter(let other) = type {
            if other == name { return true }
            return substitutions[other].map { occurs(name, in: $0) } ?? false
        }
        return type.parameters.contains { occurs(name, in: $0) }
    }
}

extension CELType {
    /// The same type with other parameters.
    func mapParameters(_ transform: (CELType) -> CELType) -> CELType {
        switch self {
        case .list(let element): .list(transform(element))
        case .map(let key, let value): .map(transform(key), transform(value))
        case .opaque(let name, let parameters): .opaque(name, parameters.map(transform))
        case .type(let parameter?): .type(transform(parameter))
        default: self
        }
    }

    /// Whether `null` may stand where the type is wanted.
    var isNullable: Bool {
        switch self {
        case .opaque, .object, .duration, .timestamp, .null: true
        default: false
        }
    }

    /// Whether the type says no more than `other`, with which it is known to go.
    func isAtMostAsSpecific(as other: CELType) -> Bool {
        if isDyn || isParameter { return true }
        if other.isDyn || other.isParameter { return false }
        switch (self, other) {
        case (.list, .list), (.map, .map):
            return zip(parameters, other.parameters).allSatisfy { $0.isAtMostAsSpecific(as: $1) }
        case (.opaque(let name, let own), .opaque(let otherName, let others)):
            return name == otherName && own.count == others.count
                && zip(own, others).allSatisfy { $0.isAtMostAsSpecific(as: $1) }
        case (.type, .type): return true
        default: return self == other
        }
    }
}
