import JSON

/// Equality and order of values.
///
/// Specified in the CEL language definition under *Equality* and *Ordering*: numbers compare by value whatever their
/// types, values of different types are not equal, NaN equals nothing.
extension CELValue {
    func isEqual(to other: CELValue) throws(CELError) -> Bool {
        switch (self, other) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)): return left.unicodeScalars.elementsEqual(right.unicodeScalars)
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.type(let left), .type(let right)): return left.name == right.name
        case (.list(let left), .list(let right)): return try left.isEqual(to: right)
        case (.map(let left), .map(let right)): return try left.isEqual(to: right)
        case (.object, .null), (.null, .object): return false
        case (.object(let left), .object(let right)):
            guard left.type == right.type else { throw .noSuchOverload }
            return try left.isEqual(to: right)
        case (.object, _): throw .noSuchOverload
        case (.optional(let left), .optional(let right)):
            guard let leftValue = left.value, let rightValue = right.value else {
                return left.value == nil && right.value == nil
            }
            return try leftValue.isEqual(to: rightValue)
        default:
            guard isNumber, other.isNumber else { return false }
            return try order(to: other, isForEquality: true) == 0
        }
    }

    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }

    /// -1, 0 or 1. Throws where the values have no order.
    func order(to other: CELValue) throws(CELError) -> Int {
        guard let order = try order(to: other, isForEquality: false) else { throw .noSuchOverload }
        return order
    }

    /// - Returns: Nil where one is not a number.
    private func order(to other: CELValue, isForEquality: Bool) throws(CELError) -> Int? {
        switch (self, other) {
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        case (.string(let left), .string(let right)): return compareTexts(left, right)
        case (.bytes(let left), .bytes(let right)):
            return left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
        case (.timestamp(let left), .timestamp(let right)): return compare(left, right)
        case (.duration(let left), .duration(let right)): return compare(left, right)
        case (.int(let left), .int(let right)): return compare(left, right)
        case (.uint(let left), .uint(let right)): return compare(left, right)
        // Swift compares integers of different types by value.
        case (.int(let left), .uint(let right)): return left < right ? -1 : left > right ? 1 : 0
        case (.uint(let left), .int(let right)): return left < right ? -1 : left > right ? 1 : 0
        case (.double(let left), .double(let right)):
            if left.isNaN || right.isNaN {
                if isForEquality { return nil }
                throw CELError("NaN values cannot be ordered")
            }
            return compare(left, right)
        case (.double(let left), _):
            guard let order = try Self.order(left, other, isForEquality) else { return nil }
            return order
        case (_, .double(let right)):
            guard let order = try Self.order(right, self, isForEquality) else { return nil }
            return -order
        default: return nil
        }
    }

    private static func order(_ left: Double, _ right: CELValue, _ isForEquality: Bool) throws(CELError) -> Int? {
        guard right.isNumber else { return nil }
        if left.isNaN {
            if isForEquality { return nil }
            throw CELError("NaN values cannot be ordered")
        }
        switch right {
        case .int(let right):
            if left < -0x1p63 { return -1 }
            if left >= 0x1p63 { return 1 }
            return compare(left, Double(right))
        case .uint(let right):
            if left < 0 { return -1 }
            if left >= 0x1p64 { return 1 }
            return compare(left, Double(right))
        default: return nil
        }
    }
}

private func compare<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : left == right ? 0 : 1
}

/// Strings are ordered by their code points.
private func compareTexts(_ left: String, _ right: String) -> Int {
    left.utf8.elementsEqual(right.utf8) ? 0 : left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
}

extension CELList {
    func isEqual(to other: CELList) throws(CELError) -> Bool {
        guard count == other.count else { return false }
        switch semantics {
        case .atomic:
            // A list with an order of its own is compared with a set as a set.
            if other.semantics != .atomic { return try other.isEqual(to: self) }
            for index in 0..<count where try !value(at: index).isEqual(to: other.value(at: index)) { return false }
            return true
        case .set:
            for index in 0..<count where try !contains(other.value(at: index)) { return false }
            return true
        case .map(let keys):
            var found: [[JSONValue]: CELValue] = [:]
            for value in try all() { found[try value.listKey(keys)] = value }
            for index in 0..<other.count {
                let value = try other.value(at: index)
                guard let own = found[try value.listKey(keys)], try own.isEqual(to: value) else { return false }
            }
            return true
        }
    }

    func contains(_ value: CELValue) throws(CELError) -> Bool {
        var problem: CELError?
        for index in 0..<count {
            do throws(CELError) {
                if try self.value(at: index).isEqual(to: value) { return true }
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        return false
    }

    /// The list and another behind it; lists that are sets or maps are merged.
    func adding(_ other: CELList) throws(CELError) -> CELList {
        guard semantics != .atomic, case .json(let list) = self else {
            if count == 0 { return other }
            if other.count == 0 { return self }
            return .values(try all() + other.all())
        }
        var elements = list.elements
        switch semantics {
        case .atomic: break
        case .set:
            for value in try other.all() where try !contains(value) { elements.append(try value.json()) }
        case .map(let keys):
            var positions: [[JSONValue]: Int] = [:]
            for (position, value) in try all().enumerated() { positions[try value.listKey(keys)] = position }
            for value in try other.all() {
                let key = try value.listKey(keys)
                if let position = positions[key] {
                    elements[position] = try value.json()
                } else {
                    positions[key] = elements.count
                    elements.append(try value.json())
                }
            }
        }
        return .json(JSONList(elements, schema: list.schema))
    }
}

extension CELValue {
    /// What tells this element of a list that is a map from the others.
    fileprivate func listKey(_ names: [String]) throws(CELError) -> [JSONValue] {
        let json = try self.json()
        return names.map { json[$0] ?? .null }
    }
}

extension CELMap {
    func isEqual(to other: CELMap) throws(CELError) -> Bool {
        guard count == other.count else { return false }
        for key in keys {
            guard let theirs = try other.value(for: key), let own = try value(for: key) else { return false }
            if try !own.isEqual(to: theirs) { return false }
        }
        return true
    }
}
