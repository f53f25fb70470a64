import JSON
import KubeTypes

/// Validation of custom resources by the schema of their definition, with the messages of upstream's OpenAPI validator.
///
/// An update may keep what was wrong already (KEP-4008): where a value is what it was before, and it is known which value
/// it was before, its errors are forgotten.
public struct SchemaValidator: Sendable {
    let schema: JSONSchema
    /// What stands before the paths of errors: empty for a whole object.
    let prefix: String

    public init(_ schema: JSONSchema, prefix: String = "") {
        self.schema = schema
        self.prefix = prefix
    }

    /// What is wrong with a new value.
    public func validate(_ value: JSONValue) -> [FieldError] { check(value, schema, "", nil).errors }

    /// What is wrong with a value that replaces `old`, and was not wrong before.
    public func validate(_ value: JSONValue, replacing old: JSONValue?) -> [FieldError] {
        check(value, schema, "", old).errors
    }

    /// What one look at a value finds. How many checks it passed tells which of several alternatives it comes closest to.
    private struct Findings {
        var errors: [FieldError] = []
        var passed = 0

        var isValid: Bool { errors.isEmpty }

        mutating func merge(_ other: Findings) {
            errors += other.errors
            passed += other.passed
        }
    }

    // MARK: Errors

    private func path(_ name: String) -> String {
        let name = name.hasPrefix(".") ? String(name.dropFirst()) : name
        if name.isEmpty { return prefix.isEmpty ? "<nil>" : prefix }
        return prefix.isEmpty ? name : "\(prefix).\(name)"
    }

    private func invalid(_ name: String, _ value: JSONValue, _ text: String) -> FieldError {
        FieldError(
            .invalid, path(name), message: "Invalid value: \(SchemaText.value(value)): \(name) in body \(text)")
    }

    /// A value of another type; `found` is what it is instead.
    private func mistyped(_ name: String, expected: String, found: String) -> FieldError {
        let quoted = JSONWriter.text(of: .string(found))
        return FieldError(
            .typeInvalid, path(name),
            message: "Invalid value: \(quoted): \(name) in body must be of type \(expected): \(quoted)")
    }

    private func tooMany(_ name: String, _ actual: Int, _ limit: Int64) -> FieldError {
        let items = limit == 1 ? "item" : "items"
        return FieldError(
            .tooMany, path(name), message: "Too many: \(actual): must have at most \(limit) \(items)")
    }

    /// An error that upstream reports on the whole, whatever it is about.
    private func composite(_ name: String, _ text: String) -> FieldError {
        FieldError(
            .invalid, path(""), message: "Invalid value: \"\": \(JSONWriter.text(of: .string(name))) \(text)")
    }

    // MARK: Values

    private func check(_ value: JSONValue, _ schema: JSONSchema, _ name: String, _ old: JSONValue?) -> Findings {
        var found = Findings()
        if case .null = value {
            found.merge(checkType(value, schema, name))
            found.merge(checkEnumeration(value, schema, name))
        } else {
            func merge(_ findings: Findings) {
                found.merge(findings)
                found.passed += 1
            }
            if !schema.types.isEmpty || !Self.effectiveFormat(schema).isEmpty { merge(checkType(value, schema, name)) }
            merge(checkJunctors(value, schema, name, old))
            switch value {
            case .string(let text):
                merge(checkText(text, schema, name))
                let format = Self.effectiveFormat(schema)
                if SchemaFormats.isKnown(format) { merge(checkFormat(text, format, name)) }
            case .integer, .number: merge(checkNumber(value, schema, name))
            case .array(let elements): merge(checkElements(elements, schema, name, old))
            default: break
            }
            merge(checkEnumeration(value, schema, name))
            if case .object(let object) = value { merge(checkFields(object, schema, name, old)) }
            found.passed += 1
        }
        if !found.errors.isEmpty, let old, old == value { found.errors = [] }
        return found
    }

    /// The format, where it means something for the type; others are ignored.
    static func effectiveFormat(_ schema: JSONSchema) -> String {
        let format = schema.format
        switch schema.isIntOrString ? "integer,string" : schema.type {
        case "", "string": return SchemaFormats.isKnown(format) ? format : ""
        case "integer": return format == "int32" || format == "int64" ? format : ""
        case "number": return format == "float" || format == "double" ? format : ""
        default: return ""
        }
    }

    private func checkType(_ value: JSONValue, _ schema: JSONSchema, _ name: String) -> Findings {
        let passed = Findings(passed: 1)
        let types = schema.types
        func failed(_ expected: String, _ found: String) -> Findings {
            Findings(errors: [mistyped(name, expected: expected, found: found)])
        }
        let type: String
        var own = ""
        switch value {
        case .null:
            return types.isEmpty || schema.isNullable ? passed : failed(types.joined(separator: ","), "null")
        case .bool: type = "boolean"
        case .string: type = "string"
        case .integer: (type, own) = ("integer", "int64")
        case .number: (type, own) = ("number", "double")
        case .array: type = "array"
        case .object: type = "object"
        }
        let format = Self.effectiveFormat(schema)
        let isWhole = type == "number" && types.contains("integer") && Self.isWhole(value)
        let isRight = types.contains(type) || isWhole || type == "integer" && types.contains("number")
        let isTextual = type == "string" || type == "array"
        if !isTextual, !format.isEmpty, !isRight, own != format { return failed(format, own) }
        if isTextual, !format.isEmpty, !types.contains("number"), !types.contains("integer") { return passed }
        return isRight ? passed : failed(types.joined(separator: ","), type)
    }

    private static func isWhole(_ value: JSONValue) -> Bool {
        guard let double = value.doubleValue, double.isFinite else { return false }
        return double == double.rounded(.towardZero) && abs(double) <= 9_007_199_254_740_991
    }

    private func checkEnumeration(_ value: JSONValue, _ schema: JSONSchema, _ name: String) -> Findings {
        guard let allowed = schema.enumeration else { return Findings() }
        if !value.isNull, allowed.contains(where: { Self.isSame($0, value) }) { return Findings() }
        let texts = allowed.map { $0.stringValue ?? JSONWriter.text(of: $0) }
        return Findings(errors: [.notSupported(path(name), value, texts)])
    }

    /// Numbers are the same if they are equal, however they are written.
    static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if left == right { return true }
        guard let first = left.doubleValue, let second = right.doubleValue else { return false }
        return first == second
    }

    // MARK: Alternatives

    private func checkJunctors(_ value: JSONValue, _ schema: JSONSchema, _ name: String, _ old: JSONValue?) -> Findings
    {
        var found = Findings()
        if !schema.anyOf.isEmpty {
            var best: Findings?
            var success: Findings?
            for alternative in schema.anyOf {
                let result = check(value, alternative, name, old)
                if result.isValid {
                    success = result
                    break
                }
                if best.map({ result.passed > $0.passed }) ?? true { best = result }
            }
            if let success {
                found.merge(success)
            } else {
                found.errors.append(composite(name, "must validate at least one schema (anyOf)"))
                if let best { found.merge(best) }
            }
        }
        if !schema.oneOf.isEmpty {
            var best: Findings?
            var first: Findings?
            var count = 0
            for alternative in schema.oneOf {
                let result = check(value, alternative, name, old)
                if result.isValid {
                    count += 1
                    best = nil
                    first = first ?? result
                } else if count == 0, best.map({ result.passed > $0.passed }) ?? true {
                    best = result
                }
            }
            if count == 1, let first {
                found.merge(first)
            } else {
                let why = count == 0 ? "Found none valid" : "Found \(count) valid alternatives"
                found.errors.append(composite(name, "must validate one and only one schema (oneOf). \(why)"))
                if let best { found.merge(best) }
            }
        }
        if !schema.allOf.isEmpty {
            var count = 0
            for part in schema.allOf {
                let result = check(value, part, name, old)
                if result.isValid { count += 1 }
                found.merge(result)
            }
            if count != schema.allOf.count {
                let why = count == 0 ? ". None validated" : ""
                found.errors.append(composite(name, "must validate all the schemas (allOf)\(why)"))
            }
        }
        if let not = schema.not, check(value, not, name, old).isValid {
            found.errors.append(composite(name, "must not validate the schema (not)"))
        }
        found.passed += 1
        return found
    }

    // MARK: Scalars

    private func checkText(_ text: String, _ schema: JSONSchema, _ name: String) -> Findings {
        let length = schema.maxLength != nil || schema.minLength != nil ? Int64(text.unicodeScalars.count) : 0
        if let limit = schema.maxLength, length > limit {
            return Findings(errors: [.tooLong(path(name), limit: Int(clamping: limit))])
        }
        if let limit = schema.minLength, length < limit {
            return Findings(
                errors: [invalid(name, .string(text), "should be at least \(limit) chars long")])
        }
        if let pattern = schema.pattern, !pattern.matches(text) {
            return Findings(errors: [invalid(name, .string(text), "should match '\(pattern.text)'")])
        }
        return Findings()
    }

    private func checkFormat(_ text: String, _ format: String, _ name: String) -> Findings {
        if SchemaFormats.matches(text, format) { return Findings() }
        let quoted = JSONWriter.text(of: .string(text))
        return Findings(
            errors: [
                FieldError(
                    .typeInvalid, path(name),
                    message: "Invalid value: \(quoted): \(name) in body must be of type \(format): \(quoted)")
            ])
    }

    private func checkNumber(_ value: JSONValue, _ schema: JSONSchema, _ name: String) -> Findings {
        var found = Findings(passed: 1)
        guard let number = value.doubleValue else { return found }
        func bound(_ limit: Double) -> String {
            if case .integer = value, let whole = Int64(exactly: limit.rounded(.towardZero)) { return String(whole) }
            return SchemaText.number(limit)
        }
        if Self.effectiveFormat(schema) == "int32" || Self.effectiveFormat(schema) == "int64", schema.type == "integer"
        {
            let fits = schema.format == "int32" ? Int32(exactly: number) != nil : Int64(exactly: number) != nil
            if !fits {
                let text = "Checked value must be of type integer with format \(schema.format) in \(name)"
                found.errors.append(
                    FieldError(.invalid, path(""), message: "Invalid value: \"\": \(text)"))
            }
        }
        if let factor = schema.multipleOf {
            let isMultiple: Bool
            if case .integer(let integer) = value, let whole = Int64(exactly: factor), whole > 0 {
                isMultiple = integer % whole == 0
            } else {
                let quotient = factor < 1 ? 1 / factor * number : number / factor
                isMultiple = abs(quotient - quotient.rounded()) < 1e-9
            }
            if !isMultiple { found.errors.append(invalid(name, value, "should be a multiple of \(bound(factor))")) }
        }
        if let limit = schema.minimum, schema.exclusiveMinimum ? number <= limit : number < limit {
            let text = schema.exclusiveMinimum ? "should be greater than" : "should be greater than or equal to"
            found.errors.append(invalid(name, value, "\(text) \(bound(limit))"))
        }
        if let limit = schema.maximum, schema.exclusiveMaximum ? number >= limit : number > limit {
            let text = schema.exclusiveMaximum ? "should be less than" : "should be less than or equal to"
            found.errors.append(invalid(name, value, "\(text) \(bound(limit))"))
        }
        return found
    }

    // MARK: Lists and objects

    private func checkElements(
        _ elements: [JSONValue], _ schema: JSONSchema, _ name: String, _ old: JSONValue?
    ) -> Findings {
        var found = Findings(passed: 1)
        if let items = schema.items {
            let former = SchemaCorrelation(schema, old)
            for (index, element) in elements.enumerated() {
                found.merge(check(element, items, "\(name)[\(index)]", former.element(like: element)))
            }
        }
        if let limit = schema.minItems, elements.count < limit {
            found.errors.append(
                invalid(name, .integer(Int64(elements.count)), "should have at least \(limit) items"))
        }
        if let limit = schema.maxItems, elements.count > limit {
            found.errors.append(tooMany(name, elements.count, limit))
        }
        return found
    }

    private func checkFields(_ object: JSONObject, _ schema: JSONSchema, _ name: String, _ old: JSONValue?) -> Findings
    {
        var found = Findings()
        if let limit = schema.minProperties, object.count < limit {
            found.errors.append(
                invalid(name, .integer(Int64(object.count)), "should have at least \(limit) properties"))
        }
        if let limit = schema.maxProperties, object.count > limit {
            found.errors.append(tooMany(name, object.count, limit))
        }
        let former = schema.mapType == "atomic" ? nil : old?.objectValue
        switch schema.additionalProperties {
        case .allowed(false)?:
            for (key, _) in object where schema.properties[key] == nil {
                found.errors.append(
                    FieldError(
                        .invalid, path(name),
                        message: "Invalid value: \"\": \(name).\(key) in body is a forbidden property"))
            }
        case .schema(let others)?:
            for (key, value) in object where schema.properties[key] == nil {
                found.merge(check(value, others, "\(name).\(key)", former?[key]))
            }
        default: break
        }
        for property in schema.propertyNames {
            guard let value = object[property], let inner = schema.properties[property] else { continue }
            found.merge(check(value, inner, name.isEmpty ? property : "\(name).\(property)", former?[property]))
        }
        for key in schema.required where object[key] == nil { found.errors.append(.required(path("\(name).\(key)"))) }
        return found
    }
}

/// Which element of a list was which before: known only for lists that are maps.
struct SchemaCorrelation {
    private var byKey: [[JSONValue]: JSONValue] = [:]
    private let keys: [String]

    init(_ schema: JSONSchema, _ old: JSONValue?) {
        guard schema.listType == "map", !schema.listMapKeys.isEmpty, case .array(let elements)? = old else {
            keys = []
            return
        }
        keys = schema.listMapKeys
        for element in elements { byKey[Self.key(of: element, keys)] = element }
    }

    private static func key(of element: JSONValue, _ keys: [String]) -> [JSONValue] {
        keys.map { element[$0] ?? .null }
    }

    /// What an element was before; nil if it is new or nobody can tell.
    func element(like element: JSONValue) -> JSONValue? {
        keys.isEmpty ? nil : byKey[Self.key(of: element, keys)]
    }
}
