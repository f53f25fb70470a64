/// What the steps of an evaluation cost, so that it can be ended when it costs too much.
///
/// The units and the numbers are those of cel-go and of Kubernetes' function libraries.
enum RuntimeCost {
    static let listCreation: UInt64 = 10
    static let mapCreation: UInt64 = 30
    static let structureCreation: UInt64 = 40
    /// What reading one code point costs.
    static let perCodePoint = 0.1
    /// What one code point of a regular expression costs.
    static let perPatternCodePoint = 0.25

    /// The cost of going over `size` code points or elements.
    static func traversal(_ size: UInt64, times: Double = 1) -> UInt64 {
        UInt64((Double(size) * times * perCodePoint).rounded(.up))
    }

    private static func match(_ text: UInt64, _ pattern: UInt64) -> UInt64 {
        let textCost = UInt64(((1 + Double(text)) * perCodePoint).rounded(.up))
        return textCost &* UInt64((Double(pattern) * perPatternCodePoint).rounded(.up))
    }

    static func equality(_ left: CELValue, _ right: CELValue, isNegated: Bool) -> UInt64 {
        if !isNegated, case .object = left { return 1 }
        return traversal(min(left.costSize, right.costSize))
    }

    private static let selectorBase = 10.0

    /// What a function costs that is paid by the sizes of its arguments; nil where the result decides.
    static func beforeCall(_ function: String, _ overload: String, _ values: [CELValue]) -> UInt64? {
        let first = values.first?.costSize ?? 0
        let second = values.count > 1 ? values[1].costSize : 0
        switch function {
        case "check": return 350_000
        case "fieldSelector", "labelSelector":
            let parsing = (Double(second) * perCodePoint).rounded(.up)
            return UInt64(selectorBase + parsing + ((Double(second) * 0.5).rounded(.up) * 50).rounded(.up))
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf":
            return values.first.map(traversal) ?? 0
        case "url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey", "cidr", "isIP", "isCIDR",
            "quantity", "isQuantity", "semver", "isSemver":
            return traversal(first)
        case "ip": return overload == "cidr_ip" ? 1 : traversal(first)
        case "replace", "split", "ip.isCanonical": return traversal(first, times: 2)
        case "find", "findAll", "matches": return match(first, second)
        case "containsIP":
            return traversal(first, times: 2) + (overload == "cidr_contains_ip_string" ? traversal(second) : 0)
        case "containsCIDR":
            return traversal(first, times: 2) + traversal(first) + 1
                + (overload == "cidr_contains_cidr_string" ? traversal(second) : 0)
        case "validate":
            guard case .object(let object)? = values.first, let format = object as? NamedFormatValue else { return 1 }
            return match(second, UInt64(format.format.patternSize))
        case "startsWith", "endsWith": return traversal(first)
        case "contains": return traversal(first) &* traversal(second)
        case "format": return traversal(first)
        case "join", "slice", "lists.range", "reverse": return nil
        case "flatten":
            var depth = 1.0
            if values.count > 1, case .int(let given) = values[1] { depth = Double(given) }
            return allocation(Double(first) * depth)
        case "sort" where overload.isEmpty, "@sortByAssociatedKeys" where overload.isEmpty: return 1
        case "distinct", "sort": return selfComparison(values.first)
        case "@sortByAssociatedKeys": return selfComparison(values.count > 1 ? values[1] : nil)
        case "sets.contains", "sets.intersects": return 1 &+ first &* second
        case "sets.equivalent": return 1 &+ 2 &* first &* second
        default:
            switch overload {
            case "string_to_bytes", "bytes_to_string", "strings_quote": return traversal(first)
            default: return 1
            }
        }
    }

    /// What a function costs that is paid by its result.
    static func afterCall(_ function: String, _ values: [CELValue], _ result: CELValue) -> UInt64 {
        function == "join" ? traversal(result.costSize, times: 2) : allocation(Double(result.costSize))
    }

    /// A size below zero, which only a call that fails can have, wraps around as upstream's does.
    private static func allocation(_ size: Double) -> UInt64 {
        UInt64(bitPattern: Int64(max(-0x1p62, min(size, 0x1p62)))) &+ 1 &+ listCreation
    }

    private static func selfComparison(_ value: CELValue?) -> UInt64 {
        guard case .list(let list)? = value, list.count > 0 else { return allocation(0) }
        var factor = 2.0
        switch try? list.value(at: 0) {
        case .string, .bytes: factor += perCodePoint
        default: break
        }
        return allocation(Double(list.count) * Double(list.count) * factor)
    }

    /// The cost of going over everything that a value holds.
    private static func traversal(_ value: CELValue) -> UInt64 {
        switch value {
        case .string(let text): return UInt64(Double(text.utf8.count) * perCodePoint)
        case .bytes(let bytes): return UInt64(Double(bytes.count) * perCodePoint)
        case .list(let list):
            var cost: UInt64 = 0
            for index in 0..<list.count { cost &+= (try? list.value(at: index)).map(traversal) ?? 0 }
            return cost
        case .map(let map): return map.entries.reduce(0) { $0 &+ traversal($1.key) &+ traversal($1.value) }
        default: return 1
        }
    }
}
