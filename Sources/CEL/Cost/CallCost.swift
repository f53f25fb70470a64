/// What calls of functions are estimated to cost, without their arguments.
enum CallCost {
    typealias Range = CELCostRange
    typealias Estimate = (cost: Range, size: Range?)

    private static let perCodePoint = RuntimeCost.perCodePoint

    /// Nil for functions of which more than the sizes of arguments counts.
    static func estimate(_ overload: String, _ facts: CallFacts) -> Estimate? {
        list(overload, facts) ?? kubernetes(overload, facts) ?? standard(overload, facts)
    }

    // MARK: Lists and sets

    private static func integer(_ facts: CallFacts, _ index: Int, _ unknown: UInt64) -> UInt64 {
        guard case .literal(.int(let number)) = facts.arguments[index].kind else { return unknown }
        return UInt64(max(0, number))
    }

    /// A call that makes a list.
    private static func allocation(_ factor: Double, _ size: Range) -> Estimate {
        (size * factor + Range(1) + Range(RuntimeCost.listCreation), size)
    }

    private static func list(_ overload: String, _ facts: CallFacts) -> Estimate? {
        let target = facts.targetSize ?? .unknown
        switch overload {
        case "list_slice":
            let (start, end) = (integer(facts, 0, 0), integer(facts, 1, target.maximum))
            return allocation(1, Range(end &- start))
        case "list_flatten": return allocation(1, target)
        case "list_flatten_int": return allocation(Double(integer(facts, 0, .max)), target)
        case "lists_range": return allocation(1, Range(integer(facts, 0, .max)))
        case "list_reverse": return allocation(1, target)
        case "list_distinct": return allocation(2, target * target)
        case "list_sets_contains_list", "list_sets_intersects_list":
            return (facts.size(0) * facts.size(1) + Range(1), nil)
        case "list_sets_equivalent_list": return (facts.size(0) * facts.size(1) * 2.0 + Range(1), nil)
        case _ where overload.hasPrefix("list_") && overload.hasSuffix("_sort"):
            let isText = overload == "list_string_sort" || overload == "list_bytes_sort"
            return allocation(isText ? 2 + perCodePoint : 2, target * target)
        case _ where overload.hasPrefix("list_") && overload.hasSuffix("_sortByAssociatedKeys"):
            let isText = overload.hasPrefix("list_string_") || overload.hasPrefix("list_bytes_")
            return allocation(isText ? 2 + perCodePoint : 2, facts.size(0) * facts.size(0))
        default: return nil
        }
    }

    // MARK: Kubernetes' libraries

    private static let nominal: Set<String> = [
        "serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed", "reason",
        "error", "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback", "isLinkLocalMulticast",
        "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign", "asInteger", "isInteger",
        "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo", "add", "sub", "major", "minor", "patch",
        "getScheme", "getHostname", "getHost", "getPort", "getEscapedPath", "getQuery",
    ]

    private static func kubernetes(_ overload: String, _ facts: CallFacts) -> Estimate? {
        let target = facts.target == nil ? nil : facts.targetSize ?? .unknown
        let first = facts.arguments.isEmpty ? nil : facts.size(0)
        switch facts.function {
        case "check": return (Range(350_000), nil)
        case _ where nominal.contains(facts.function): return (Range(1), nil)
        case "fieldSelector", "labelSelector":
            return first.map { (Range(RuntimeCost.listCreation) + $0 * perCodePoint + $0 * 0.5 * 50.0, nil) }
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf":
            guard let target else { return nil }
            guard let element = facts.elementSize else { return (target * perCodePoint, nil) }
            return (target * (element.isText ? Range(1) + element.size * perCodePoint : Range(1)), nil)
        case "url", "jsonpatch.escapeKey": return first.map { ($0 * perCodePoint, $0) }
        case "lowerAscii", "upperAscii", "substring", "trim": return target.map { ($0 * perCodePoint, $0) }
        case "replace":
            guard let target, facts.arguments.count >= 2 else { return nil }
            return (target * (2 * perCodePoint), replaced(target, facts.size(0), facts.size(1)))
        case "split":
            guard let target else { return nil }
            var most = target.maximum
            if facts.arguments.count > 1, case .literal(.int(let limit)) = facts.arguments[1].kind {
                most = UInt64(bitPattern: limit)
            }
            return (target * (2 * perCodePoint), Range(0, most))
        case "join":
            guard let target else { return nil }
            var size = facts.elementSize.map { target * $0.size } ?? Range(0)
            if let separator = first {
                let between = Range(
                    target.minimum > 0 ? target.minimum - 1 : 0, target.maximum > 0 ? target.maximum - 1 : 0)
                size = size + separator * between
            }
            return (size * perCodePoint, size)
        case "find", "findAll":
            guard let target, let first else { return nil }
            let cost = (target + Range(1)) * perCodePoint * (first * RuntimeCost.perPatternCodePoint)
            return (cost, Range(0, target.maximum))
        case "cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver":
            return first.map { ($0 * perCodePoint, nil) }
        case "ip":
            if overload == "cidr_ip" { return (Range(1), nil) }
            return first.map { ($0 * perCodePoint, nil) }
        case "ip.isCanonical": return first.map { ($0 * (2 * perCodePoint), nil) }
        case "containsIP", "containsCIDR":
            guard let first else { return nil }
            let bytes = Range(4, 16)
            var cost = (bytes + bytes) * perCodePoint
            if facts.function == "containsCIDR" { cost = cost + bytes * perCodePoint + Range(1) }
            if overload.hasSuffix("_string") { cost = cost + first * perCodePoint }
            return (cost, nil)
        case "validate": return first.map { ($0 * perCodePoint * (128 * RuntimeCost.perPatternCodePoint), nil) }
        case Operator.equals: return equality(facts)
        default: return nil
        }
    }

    /// Kubernetes' own types.
    private static func equality(_ facts: CallFacts) -> Estimate? {
        guard let left = facts.arguments[0].type, left == facts.arguments[1].type else { return nil }
        switch left {
        case .ip, .cidr, .quantity, .semver, .authorizer, .pathCheck, .groupCheck, .resourceCheck, .decision:
            return (Range(1), nil)
        case .namedFormat: return (Range(1, 64) * perCodePoint, nil)
        case .url: return (Range(1, facts.argumentSizes[1]?.maximum ?? 1) * perCodePoint, nil)
        default: return nil
        }
    }

    /// The size of a text in which each occurrence of another is replaced.
    private static func replaced(_ text: Range, _ part: Range, _ replacement: Range) -> Range {
        func count(_ size: UInt64, _ part: UInt64) -> UInt64 {
            let count = (Double(size) / Double(part)).rounded(.up)
            return count >= 0x1p64 ? .max : UInt64(count)
        }
        func more(_ size: UInt64) -> UInt64 { size == .max ? size : size + 1 }
        var counts = Range(0, 0)
        var kept = Range(0, 0)
        if part.minimum == 0 {
            counts.maximum = more(text.maximum)
            kept.maximum = text.maximum
        } else if replacement.maximum <= part.minimum {
            kept.maximum = text.maximum
        } else {
            counts.maximum = count(text.maximum, part.minimum)
        }
        if part.maximum == 0 {
            counts.minimum = more(text.minimum)
            kept.minimum = text.minimum
        } else if part.maximum <= replacement.minimum {
            kept.minimum = text.minimum
        } else {
            counts.minimum = count(text.minimum, part.maximum)
        }
        return counts * replacement + kept
    }

    // MARK: The standard library

    private static let textOrders: Set<String> = [
        "less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes", "greater_bytes",
        "less_equals_bytes", "greater_equals_bytes", "equals", "not_equals",
    ]

    private static func standard(_ overload: String, _ facts: CallFacts) -> Estimate? {
        let target = facts.target == nil ? nil : facts.targetSize ?? .unknown
        switch overload {
        case "string_format": return target.map { ($0 * perCodePoint, nil) }
        case "string_to_bytes":
            let size = facts.size(0)
            return (size * perCodePoint, Range(size.minimum, size.maximum &* 4))
        case "bytes_to_string":
            let size = facts.size(0)
            return (size * perCodePoint, Range(size.minimum / 4, size.maximum))
        case "strings_quote":
            let size = facts.size(0)
            return (size * perCodePoint, Range(size.minimum &+ 2, size.maximum &* 2 &+ 2))
        case "starts_with_string", "ends_with_string": return (facts.size(0) * perCodePoint, nil)
        case "in_list": return (facts.size(1) * 1.0, nil)
        case "matches_string":
            guard let target else { return nil }
            let text = (target + Range(1)) * perCodePoint
            return (text * (facts.size(0) * RuntimeCost.perPatternCodePoint), nil)
        case "contains_string":
            return target.map { ($0 * perCodePoint * (facts.size(0) * perCodePoint), nil) }
        case _ where textOrders.contains(overload):
            let most = min(facts.size(0).maximum, facts.size(1).maximum)
            return (Range(most > 0 ? 1 : 0, most) * perCodePoint, nil)
        default: return nil
        }
    }
}
