/// Functions of lists and sets: `sum`, `sort`, `flatten`, `sets.contains` …
///
/// Specified in cel-go's extensions *Lists* and *Sets* and in the Kubernetes documentation.
extension Functions {
    /// The most elements that `lists.range` makes.
    private static let longestRange: Int64 = 1_000_000

    static let lists: [String: FunctionImplementation] = [
        "isSorted": { values throws(CELError) in
            let elements = try list(values, 0).all()
            for (previous, next) in zip(elements, elements.dropFirst()) where try previous.order(to: next) > 0 {
                return .bool(false)
            }
            return .bool(true)
        },
        "sum": { values throws(CELError) in
            let elements = try list(values, 0).all()
            guard var sum = elements.first else { return .int(0) }
            for element in elements.dropFirst() { sum = try Arithmetic.add(sum, element) }
            return sum
        },
        "max": { values throws(CELError) in try extreme("max", values, 1) },
        "min": { values throws(CELError) in try extreme("min", values, -1) },
        "first": { values throws(CELError) in
            let elements = try list(values, 0)
            return .optional(CELOptional(elements.count == 0 ? CELValue?.none : try elements.value(at: 0)))
        },
        "last": { values throws(CELError) in
            let elements = try list(values, 0)
            return .optional(
                CELOptional(elements.count == 0 ? CELValue?.none : try elements.value(at: elements.count - 1)))
        },
        "slice": { values throws(CELError) in
            let elements = try list(values, 0)
            let (start, end) = (try int(values, 1), try int(values, 2))
            if start < 0 || end < 0 {
                throw CELError("cannot slice(\(start), \(end)), negative indexes not supported")
            }
            if start > end {
                throw CELError(
                    "cannot slice(\(start), \(end)), start index must be less than or equal to end index")
            }
            if end > elements.count {
                throw CELError("cannot slice(\(start), \(end)), list is length \(elements.count)")
            }
            return .list(.values(Array(try elements.all()[Int(start)..<Int(end)])))
        },
        "flatten": { values throws(CELError) in
            let depth = values.count > 1 ? try int(values, 1) : 1
            if depth < 0 { throw CELError("level must be non-negative") }
            var flat: [CELValue] = []
            try flatten(try list(values, 0), depth, into: &flat)
            return .list(.values(flat))
        },
        "lists.range": { values throws(CELError) in
            let count = max(0, try int(values, 0))
            if count > longestRange {
                throw .overCostLimit
            }
            return .list(.values((0..<count).map { .int($0) }))
        },
        "reverse": { values throws(CELError) in .list(.values(try list(values, 0).all().reversed())) },
        "distinct": { values throws(CELError) in
            var distinct: [CELValue] = []
            for value in try list(values, 0).all() where !distinct.contains(where: { equal($0, value) }) {
                distinct.append(value)
            }
            return .list(.values(distinct))
        },
        "sort": { values throws(CELError) in
            let elements = try list(values, 0)
            return .list(.values(try sorted(elements, by: elements)))
        },
        "@sortByAssociatedKeys": { values throws(CELError) in
            .list(.values(try sorted(try list(values, 0), by: try list(values, 1))))
        },
        "sets.contains": { values throws(CELError) in .bool(try contains(try list(values, 0), try list(values, 1))) },
        "sets.equivalent": { values throws(CELError) in
            let (left, right) = (try list(values, 0), try list(values, 1))
            return .bool(try contains(left, right) ? try contains(right, left) : false)
        },
        "sets.intersects": { values throws(CELError) in
            let (left, right) = (try list(values, 0), try list(values, 1))
            for value in try left.all() where (try? right.contains(value)) == true { return .bool(true) }
            return .bool(false)
        },
    ]

    /// The sum of nothing by the type of the elements; nil where only the elements tell.
    static func zero(of overload: String) -> CELValue? {
        switch overload {
        case "list_uint_sum_uint": .uint(0)
        case "list_double_sum_double": .double(0)
        case "list_duration_sum_duration": .duration(CELDuration(nanoseconds: 0))
        default: nil
        }
    }

    private static func list(_ values: [CELValue], _ index: Int) throws(CELError) -> CELList {
        guard case .list(let list) = values[index] else { throw .noSuchOverload }
        return list
    }

    private static func equal(_ left: CELValue, _ right: CELValue) -> Bool { (try? left.isEqual(to: right)) == true }

    private static func extreme(_ name: String, _ values: [CELValue], _ sign: Int) throws(CELError) -> CELValue {
        let elements = try list(values, 0).all()
        guard var found = elements.first else { throw CELError("\(name) called on empty list") }
        for element in elements.dropFirst() where try element.order(to: found) == sign { found = element }
        return found
    }

    private static func flatten(_ list: CELList, _ depth: Int64, into flat: inout [CELValue]) throws(CELError) {
        for value in try list.all() {
            if depth > 0, case .list(let nested) = value {
                try flatten(nested, depth - 1, into: &flat)
            } else {
                flat.append(value)
            }
        }
    }

    private static func contains(_ list: CELList, _ part: CELList) throws(CELError) -> Bool {
        for value in try part.all() where try !list.contains(value) { return false }
        return true
    }

    private static func sorted(_ list: CELList, by keys: CELList) throws(CELError) -> [CELValue] {
        guard list.count == keys.count else {
            throw CELError(
                "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got "
                    + "\(list.count) and \(keys.count) elements respectively")
        }
        let keyed = Array(zip(try list.all(), try keys.all()))
        guard let first = keyed.first else { return [] }
        for (_, key) in keyed where key.type != first.1.type {
            throw CELError("list elements must have the same type")
        }
        guard (try? first.1.order(to: first.1)) != nil else { throw CELError("list elements must be comparable") }
        return keyed.sorted { ((try? $0.1.order(to: $1.1)) ?? 0) < 0 }.map(\.0)
    }
}
