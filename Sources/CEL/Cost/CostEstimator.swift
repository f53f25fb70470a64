/// Estimates from an expression, before it is ever run, the least and the most that a run may cost.
///
/// The numbers are cel-go's and Kubernetes'; which validation rules a CRD may have depends on them, so they are kept to
/// the unit.
struct CostEstimator {
    typealias Range = CELCostRange

    /// The sizes of the keys and the values of a list or map.
    struct EntrySize {
        let isList: Bool
        let key: Range
        let value: Range
    }

    struct Local {
        let path: [String]
        let size: Range?
        let entry: EntrySize?
    }

    private let sizes: any CELSizeEstimator
    private var paths: [Int: [String]] = [:]
    private var locals: [String: [Local]] = [:]
    private var computed: [Int: Range] = [:]
    private var entries: [Int: EntrySize] = [:]

    init(_ sizes: any CELSizeEstimator) { self.sizes = sizes }

    mutating func cost(of expression: Expression) -> Range {
        switch expression.kind {
        case .literal: return Range(0)
        case .identifier(let name):
            paths[expression.id] = locals[name]?.last?.path ?? [name]
            return Range(1)
        case .select(let operand, let field, let testOnly):
            let inner = cost(of: operand)
            if testOnly { return inner }
            paths[expression.id] = path(of: operand) + [field]
            switch operand.type ?? .dyn {
            case .map, .object, .parameter: return inner + Range(1)
            default: return inner
            }
        case .call(let target, let function, let arguments): return call(expression, target, function, arguments)
        case .list(let elements, _):
            var sum = Range(RuntimeCost.listCreation)
            var size = Range(elements.isEmpty ? 0 : .max, 0)
            for element in elements {
                sum = sum + cost(of: element)
                size = size.union(self.size(of: element) ?? .unknown)
            }
            entries[expression.id] = EntrySize(isList: true, key: Range(1), value: size)
            return sum
        case .map(let pairs):
            var sum = Range(RuntimeCost.mapCreation)
            var key = Range(pairs.isEmpty ? 0 : .max, 0)
            var value = key
            for pair in pairs {
                sum = sum + cost(of: pair.key) + cost(of: pair.value)
                key = key.union(size(of: pair.key) ?? .unknown)
                value = value.union(size(of: pair.value) ?? .unknown)
            }
            entries[expression.id] = EntrySize(isList: false, key: key, value: value)
            return sum
        case .structure(_, let fields):
            var sum = Range(RuntimeCost.structureCreation)
            for field in fields { sum = sum + cost(of: field.value) }
            return sum
        case .comprehension(let fold): return comprehension(expression, fold)
        }
    }

    // MARK: Sizes

    func path(of expression: Expression) -> [String] {
        if case .identifier(let name) = expression.kind, let local = locals[name]?.last { return local.path }
        return paths[expression.id] ?? []
    }

    /// The path by which a size is asked for; none of what a comprehension has come to.
    func visiblePath(of expression: Expression) -> [String] {
        let path = path(of: expression)
        return path.first == Parser.accumulator ? [] : path
    }

    func estimated(_ path: [String]) -> Range? { path.isEmpty ? nil : sizes.size(at: path) }

    /// The size of a value; nil where nothing is known.
    mutating func size(of expression: Expression) -> Range? {
        if let known = computed[expression.id] { return known }
        switch expression.kind {
        case .literal(let value):
            switch value {
            case .string, .bytes: return Range(value.costSize)
            default: return Range(1)
            }
        case .list(let elements, _): return Range(UInt64(elements.count))
        case .map(let pairs): return Range(UInt64(pairs.count))
        default: break
        }
        if let size = estimated(path(of: expression)) {
            computed[expression.id] = size
            return size
        }
        if expression.type?.isScalar ?? false { return Range(1) }
        if case .identifier(let name) = expression.kind { return locals[name]?.last?.size }
        return nil
    }

    mutating func sizeOrUnknown(_ expression: Expression) -> Range { size(of: expression) ?? .unknown }

    private func entry(of expression: Expression) -> EntrySize? {
        if let known = entries[expression.id] { return known }
        if case .identifier(let name) = expression.kind { return locals[name]?.last?.entry }
        return nil
    }

    private func union(_ left: EntrySize?, _ right: EntrySize?) -> EntrySize? {
        guard let left, let right else { return nil }
        return EntrySize(
            isList: left.isList, key: left.key.union(right.key), value: left.value.union(right.value))
    }

    // MARK: Comprehensions

    private mutating func push(_ name: String, _ local: Local) { locals[name, default: []].append(local) }

    private mutating func pop(_ name: String) { locals[name]?.removeLast() }

    private mutating func comprehension(_ expression: Expression, _ fold: Expression.Comprehension) -> Range {
        var sum = cost(of: fold.range) + cost(of: fold.initial)
        push(
            fold.accumulator,
            Local(path: path(of: fold.initial), size: size(of: fold.initial), entry: entry(of: fold.initial)))
        if case .list(let elements, _) = fold.range.kind, elements.isEmpty,
            case .literal(.bool(false)) = fold.condition.kind
        {
            sum = sum + cost(of: fold.result)
            pop(fold.accumulator)
            computed[expression.id] = size(of: fold.result) ?? computed[expression.id]
            entries[expression.id] = entry(of: fold.result) ?? entries[expression.id]
            return sum
        }
        let range = entry(of: fold.range)
        let isList = range?.isList ?? { if case .list? = fold.range.type { true } else { false } }()
        let path = path(of: fold.range)
        let key = Local(path: path + [isList ? "@indices" : "@keys"], size: range?.key, entry: nil)
        let value = Local(path: path + [isList ? "@items" : "@values"], size: range?.value, entry: nil)
        if let second = fold.secondVariable {
            push(fold.variable, key)
            push(second, value)
        } else {
            push(fold.variable, isList ? value : key)
        }
        let each = cost(of: fold.condition) + cost(of: fold.step)
        pop(fold.variable)
        if let second = fold.secondVariable { pop(second) }
        sum = sum + cost(of: fold.result)
        pop(fold.accumulator)
        let count = sizeOrUnknown(fold.range)
        switch fold.initial.kind {
        case .literal: computed[expression.id] = size(of: fold.initial) ?? computed[expression.id]
        case .list, .map:
            computed[expression.id] = count
            entries[expression.id] = entry(of: fold.step) ?? entries[expression.id]
        default: break
        }
        return sum + count * each
    }

    // MARK: Calls

    private mutating func call(
        _ expression: Expression, _ target: Expression?, _ function: String, _ arguments: [Expression]
    ) -> Range {
        if function == "dyn", let argument = arguments.first {
            let inner = cost(of: argument)
            if let size = size(of: argument) { computed[expression.id] = size }
            if let entry = entry(of: argument) { entries[expression.id] = entry }
            return Range(1) + inner
        }
        var costs: [Range] = []
        var argumentSizes: [Range?] = []
        for argument in arguments {
            costs.append(cost(of: argument))
            argumentSizes.append(size(of: argument))
        }
        guard !expression.overloads.isEmpty else { return Range(0) }
        var sum = Range(0)
        var targetSize: Range?
        if let target {
            sum = cost(of: target)
            targetSize = size(of: target)
        }
        let facts = CallFacts(
            function: function, target: target, targetSize: targetSize, arguments: arguments,
            argumentSizes: argumentSizes, elementSize: elementSize(of: target))
        var total = Range(.max, 0)
        var result: Range?
        for overload in expression.overloads {
            let estimate = estimate(expression, overload, facts, costs)
            total = total.union(estimate.cost)
            if let size = estimate.size { result = result?.union(size) ?? size }
            if (overload == "index_list" || overload == "index_map"), let operand = arguments.first {
                result = entry(of: operand)?.value
                paths[expression.id] = path(of: operand) + [overload == "index_list" ? "@items" : "@values"]
            }
            if result == nil { result = size(of: expression) }
        }
        if let result { computed[expression.id] = result }
        return sum + total
    }

    /// The size of the elements of a list that is a text or bytes; nil for other elements and no list.
    private func elementSize(of target: Expression?) -> (isText: Bool, size: Range)? {
        guard let target, let element = target.type?.parameters.first else { return nil }
        let path = visiblePath(of: target)
        let size = path.isEmpty ? nil : estimated(path + ["@items"])
        return (element == .string || element == .bytes, size ?? .unknown)
    }

    private mutating func estimate(
        _ expression: Expression, _ overload: String, _ facts: CallFacts, _ costs: [Range]
    ) -> (cost: Range, size: Range?) {
        let argumentCost = costs.reduce(Range(0), +)
        if let estimate = CallCost.estimate(overload, facts) { return (estimate.cost + argumentCost, estimate.size) }
        switch overload {
        case "logical_and", "logical_or":
            return (Range(costs[0].minimum, (costs[0] + costs[1]).maximum), nil)
        case "conditional":
            let size = facts.size(1).union(facts.size(2))
            if let entry = union(entry(of: facts.arguments[1]), entry(of: facts.arguments[2])) {
                entries[expression.id] = entry
            }
            return (costs[0] + costs[1].union(costs[2]), size)
        case "add_list", "add_string", "add_bytes":
            if let entry = union(entry(of: facts.arguments[0]), entry(of: facts.arguments[1])) {
                entries[expression.id] = entry
            }
            let size = facts.size(0) + facts.size(1)
            let cost = overload == "add_list" ? Range(1) : size * RuntimeCost.perCodePoint
            return (cost + argumentCost, size)
        default: return (Range(1) + argumentCost, nil)
        }
    }
}

/// What is known of a call before its cost is estimated.
struct CallFacts {
    let function: String
    let target: Expression?
    let targetSize: CELCostRange?
    let arguments: [Expression]
    let argumentSizes: [CELCostRange?]
    let elementSize: (isText: Bool, size: CELCostRange)?

    func size(_ index: Int) -> CELCostRange { argumentSizes[index] ?? .unknown }
}
