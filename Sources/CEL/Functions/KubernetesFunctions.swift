import KubeTypes

/// Functions of quantities, versions and formats.
///
/// Specified in the Kubernetes documentation under *CEL options, language features, and libraries*.
extension Functions {
    /// Compares two quantities or two versions.
    private static func comparing(_ result: @escaping @Sendable (Int) -> CELValue) -> FunctionImplementation {
        { values throws(CELError) in
            if case .object(let object) = values[0], let version = object as? SemverValue {
                return result(version.order(to: try value(values, 1, SemverValue.self)))
            }
            let left = try value(values, 0, QuantityValue.self).quantity.nanos
            let right = try value(values, 1, QuantityValue.self).quantity.nanos
            return result(left < right ? -1 : left == right ? 0 : 1)
        }
    }

    /// Adds or subtracts a quantity or a whole number.
    private static func combining(
        _ operation: @escaping @Sendable (Quantity, Quantity) -> Quantity
    ) -> FunctionImplementation {
        { values throws(CELError) in
            let left = try value(values, 0, QuantityValue.self).quantity
            let right: Quantity
            if case .int(let number) = values[1] {
                right = Quantity(number, format: .exponent)
            } else {
                right = try value(values, 1, QuantityValue.self).quantity
            }
            return .object(QuantityValue(operation(left, right)))
        }
    }

    private static func semver(_ values: [CELValue]) throws(CELError) -> SemverValue {
        var text = try string(values, 0)
        if values.count > 1 {
            guard case .bool(let normalizes) = values[1] else { throw .noSuchOverload }
            if normalizes { text = try SemverValue.normalized(text) }
        }
        return try SemverValue(text)
    }

    private static func ofVersion(_ part: @escaping @Sendable (SemverValue) -> UInt64) -> FunctionImplementation {
        { values throws(CELError) in
            .int(Int64(truncatingIfNeeded: part(try value(values, 0, SemverValue.self))))
        }
    }

    static let kubernetes: [String: FunctionImplementation] = [
        "quantity": { values throws(CELError) in .object(try QuantityValue(try string(values, 0))) },
        "isQuantity": { values throws(CELError) in .bool(Quantity(try string(values, 0)) != nil) },
        "sign": { values throws(CELError) in
            .int(Int64(try value(values, 0, QuantityValue.self).quantity.nanos.signum()))
        },
        "asApproximateFloat": { values throws(CELError) in
            .double(Double(try value(values, 0, QuantityValue.self).quantity.nanos) / 1e9)
        },
        "asInteger": { values throws(CELError) in
            guard let integer = try value(values, 0, QuantityValue.self).integer else {
                throw CELError("cannot convert value to integer")
            }
            return .int(integer)
        },
        "isInteger": { values throws(CELError) in .bool(try value(values, 0, QuantityValue.self).integer != nil) },
        "isGreaterThan": comparing { .bool($0 > 0) }, "isLessThan": comparing { .bool($0 < 0) },
        "compareTo": comparing { .int(Int64($0)) },
        "add": combining { $0 + $1 }, "sub": combining { $0 - $1 },
        "semver": { values throws(CELError) in .object(try semver(values)) },
        "isSemver": { values throws(CELError) in
            _ = try string(values, 0)
            return .bool((try? semver(values)) != nil)
        },
        "major": ofVersion { $0.major }, "minor": ofVersion { $0.minor }, "patch": ofVersion { $0.patch },
        "validate": { values throws(CELError) in
            let problems = try value(values, 0, NamedFormatValue.self).format.problems(try string(values, 1))
            if problems.isEmpty { return .optional(.none) }
            return .optional(CELOptional(.list(.values(problems.map { .string($0) }))))
        },
        "jsonpatch.escapeKey": { values throws(CELError) in
            let tilde = Array("~".utf8)
            let text = Substrings.replacing(tilde, with: Array("~0".utf8), in: try string(values, 0), limit: .max)
            return .string(Substrings.replacing(Array("/".utf8), with: Array("~1".utf8), in: text, limit: .max))
        },
    ]
}
