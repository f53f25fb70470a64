import LinearRegex

/// Checks literals that can be judged before anything is evaluated: durations, times, patterns, format strings, and
/// that all elements of a list or map have one type.
struct LiteralValidator {
    private let issues: IssueList

    static func validate(_ expression: Expression, issues: IssueList) {
        LiteralValidator(issues: issues).visit(expression, mayMix: false)
    }

    private func visit(_ expression: Expression, mayMix: Bool) {
        var mayMix = mayMix
        switch expression.kind {
        case .call(let target, let function, let arguments):
            if let first = arguments.first { check(first, of: function) }
            if function == "format" {
                mayMix = true
                if let target, let text = target.literalString, arguments.count == 1,
                    case .list(let values, _) = arguments[0].kind, expression.overloads.contains("string_format")
                {
                    check(text, values, expression)
                }
            }
        case .list(let elements, let optional) where !mayMix:
            var first: CELType?
            for (position, element) in elements.enumerated() {
                let type = element.type ?? .dyn
                let held = optional.contains(position) ? type.unwrapped ?? .dyn : type
                if let first, !first.isEquivalent(to: held) {
                    mismatch(element, first, held)
                    break
                }
                first = first ?? held
            }
        case .map(let entries) where !mayMix:
            var first: (key: CELType, value: CELType)?
            for entry in entries {
                let key = entry.key.type ?? .dyn
                let type = entry.value.type ?? .dyn
                let value = entry.isOptional ? type.unwrapped ?? .dyn : type
                guard let first else {
                    first = (key, value)
                    continue
                }
                if !first.key.isEquivalent(to: key) { mismatch(entry.key, first.key, key) }
                if !first.value.isEquivalent(to: value) { mismatch(entry.value, first.value, value) }
            }
        default: break
        }
        for part in expression.parts { visit(part, mayMix: mayMix) }
    }

    private func mismatch(_ expression: Expression, _ expected: CELType, _ found: CELType) {
        issues.report(at: expression.offset, "expected type '\(expected)' but found '\(found)'")
    }

    private func check(_ argument: Expression, of function: String) {
        guard case .literal(let value) = argument.kind else { return }
        let isValid: Bool
        switch function {
        case "duration": isValid = (try? Conversion.convert(value, to: .duration)) != nil
        case "timestamp": isValid = (try? Conversion.convert(value, to: .timestamp)) != nil
        case "matches": isValid = value.stringValue.map { (try? RegularExpression($0)) != nil } ?? true
        default: return
        }
        if !isValid { issues.report(at: argument.offset, "invalid \(function) argument") }
    }

    private func check(_ format: String, _ values: [Expression], _ call: Expression) {
        var used = 0
        do throws(CELError) {
            for case .clause(let clause) in try StringFormat.parse(format) {
                guard used < values.count else { throw CELError("index \(used) out of range") }
                let value = values[used]
                used += 1
                if let refused = refused(value, by: clause) {
                    issues.report(
                        at: refused.offset,
                        "error during formatting: "
                            + StringFormat.refusal(clause, (refused.type ?? .dyn).name).message)
                    return
                }
            }
        } catch {
            issues.report(at: call.offset, error.message)
            return
        }
        if values.count > used {
            issues.report(
                at: call.offset,
                "too many arguments supplied to string.format (expected \(used), got \(values.count))")
        }
    }

    /// The part of a value that a clause cannot format; nil where all of it can be, or only the run will tell.
    private func refused(_ value: Expression, by clause: StringFormat.Clause) -> Expression? {
        let type = value.type ?? .dyn
        if type.isDyn { return nil }
        let accepted: Bool
        switch (clause.kind, type) {
        case (.string, .list), (.string, .map), (.string, .type), (.string, .null), (.string, .timestamp),
            (.string, .duration), (.string, .bool), (.string, .bytes), (.string, .double):
            accepted = true
        case (_, .string): accepted = ![.decimal, .binary, .octal].contains(clause.kind)
        case (_, .int), (_, .uint): accepted = ![.fixed, .scientific].contains(clause.kind)
        case (.fixed, .double), (.scientific, .double), (.binary, .bool), (.hexadecimal, .bytes): accepted = true
        default: accepted = false
        }
        guard accepted else { return value }
        guard clause.kind == .string else { return nil }
        switch value.kind {
        case .list(let elements, _):
            for element in elements { if let refused = refused(element, by: clause) { return refused } }
        case .map(let entries):
            for entry in entries {
                if let refused = refused(entry.key, by: clause) ?? refused(entry.value, by: clause) { return refused }
            }
        default: break
        }
        return nil
    }
}

extension CELType {
    /// Whether the types are the same but for the names of what is open.
    fileprivate func isEquivalent(to other: CELType) -> Bool {
        if isParameter && other.isParameter { return true }
        guard parameters.count == other.parameters.count else { return false }
        if parameters.isEmpty { return self == other }
        return mapParameters { _ in .dyn } == other.mapParameters { _ in .dyn }
            && zip(parameters, other.parameters).allSatisfy { $0.isEquivalent(to: $1) }
    }
}
