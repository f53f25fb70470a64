import LinearRegex

/// What the functions do. A function that is called on a value has it as its first argument.

/// Computes a function. Throws `noSuchOverload` where the arguments are not what any overload takes.
typealias FunctionImplementation = @Sendable ([CELValue]) throws(CELError) -> CELValue

enum Functions {
    /// The operators on two values.
    static let binary: [String: @Sendable (CELValue, CELValue) throws(CELError) -> CELValue] = [
        "_+_": Arithmetic.add, "_-_": Arithmetic.subtract, "_*_": Arithmetic.multiply, "_/_": Arithmetic.divide,
        "_%_": Arithmetic.remainder,
    ]

    /// All others by name.
    static let all: [String: FunctionImplementation] = {
        var all: [String: FunctionImplementation] = [:]
        for library in [standard, times, optionals, strings, lists, networks, kubernetes, authorizer] {
            all.merge(library) { first, _ in first }
        }
        return all
    }()

    private static func converting(to type: CELType) -> FunctionImplementation {
        { values throws(CELError) in try Conversion.convert(values[0], to: type) }
    }

    private static let standard: [String: FunctionImplementation] = [
        "!_": { values throws(CELError) in
            guard case .bool(let value) = values[0] else { throw .noSuchOverload }
            return .bool(!value)
        },
        "-_": { values throws(CELError) in try Arithmetic.negate(values[0]) },
        "size": { values throws(CELError) in
            guard let size = values[0].size else { throw .noSuchOverload }
            return .int(Int64(size))
        },
        "type": { values throws(CELError) in .type(values[0].type) },
        "dyn": { values throws(CELError) in values[0] },
        "bool": converting(to: .bool), "bytes": converting(to: .bytes), "double": converting(to: .double),
        "duration": converting(to: .duration), "int": converting(to: .int), "string": converting(to: .string),
        "timestamp": converting(to: .timestamp), "uint": converting(to: .uint),
    ]

    private static func optional(_ value: CELValue) throws(CELError) -> CELOptional {
        guard case .optional(let optional) = value else { throw .noSuchOverload }
        return optional
    }

    private static let optionals: [String: FunctionImplementation] = [
        "optional.of": { values throws(CELError) in .optional(CELOptional(values[0])) },
        "optional.ofNonZeroValue": { values throws(CELError) in
            .optional(CELOptional(values[0].isZero ? CELValue?.none : values[0]))
        },
        "optional.none": { _ throws(CELError) in .optional(.none) },
        "value": { values throws(CELError) in
            guard let value = try optional(values[0]).value else { throw CELError("optional.none() dereference") }
            return value
        },
        "hasValue": { values throws(CELError) in .bool(try optional(values[0]).value != nil) },
        "optional.unwrap": unwrapping, "unwrapOpt": unwrapping,
    ]

    private static let unwrapping: FunctionImplementation = { values throws(CELError) in
        guard case .list(let list) = values[0] else { throw .noSuchOverload }
        var unwrapped: [CELValue] = []
        for value in try list.all() {
            let optional = try optional(value)
            if let value = optional.value { unwrapped.append(value) }
        }
        return .list(.values(unwrapped))
    }

    /// A function of a pattern that is known already.
    static func matching(_ function: String, _ pattern: RegularExpression) -> FunctionImplementation {
        switch function {
        case "matches":
            { values throws(CELError) in
                guard let text = values[0].stringValue else { throw .noSuchOverload }
                do throws(RegularExpression.Exhausted) {
                    return .bool(try pattern.isFound(in: text))
                } catch {
                    throw .overCostLimit
                }
            }
        case "find":
            { values throws(CELError) in
                guard let text = values[0].stringValue else { throw .noSuchOverload }
                return .string(try found(pattern, text, limit: 1).first ?? "")
            }
        default:
            { values throws(CELError) in
                guard let text = values[0].stringValue else { throw .noSuchOverload }
                var limit = Int.max
                if values.count > 2 {
                    guard case .int(let given) = values[2] else { throw .noSuchOverload }
                    if given >= 0 { limit = Int(clamping: given) }
                }
                return .list(.values(try found(pattern, text, limit: limit).map { .string($0) }))
            }
        }
    }

    private static func found(_ pattern: RegularExpression, _ text: String, limit: Int) throws(CELError) -> [String] {
        do throws(RegularExpression.Exhausted) {
            return try pattern.matches(in: text, limit: limit)
        } catch {
            throw .overCostLimit
        }
    }
}
