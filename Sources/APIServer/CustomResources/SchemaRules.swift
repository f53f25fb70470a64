// Rules in the expression language: whether a definition may have them, and what checks objects by them.

import APISchema
import CEL
import JSON
import KubeTypes
import Synchronization

final class SchemaRules: ValidationRules {
    /// Schemas whose rules are kept compiled.
    private static let mostSchemas = 1000
    private let compiled = Mutex<[ObjectIdentifier: (schema: JSONSchema, node: RuleNode?)]>([:])

    func checker(of schema: JSONSchema) -> (any ValidationRuleChecker)? {
        let identity = ObjectIdentifier(schema)
        if let known = compiled.withLock({ $0[identity] }) { return known.node.map(SchemaRuleChecker.init) }
        let node = RuleNode(schema, shape: schema, declared: RuleTypes.type(of: schema, isResource: true))
        compiled.withLock { compiled in
            if compiled.count >= Self.mostSchemas { compiled.removeAll() }
            compiled[identity] = (schema, node)
        }
        return node.map(SchemaRuleChecker.init)
    }

    func problems(of schema: JSONSchema, at path: String, old: JSONSchema?) -> [FieldError] {
        var check = RuleDefinitionCheck(ignoresCosts: old.map { $0.json == schema.json } ?? false)
        check.visit(schema, path, isResource: true, cardinality: 1, uncorrelatable: nil)
        return check.result(path)
    }
}

/// Goes through the schema of a definition and judges its rules.
private struct RuleDefinitionCheck {
    /// What one rule may be estimated to cost for a whole object, and all rules together.
    private static let mostPerRule: UInt64 = 10_000_000
    private static let mostInAll: UInt64 = 100_000_000

    let ignoresCosts: Bool
    private var errors: [FieldError] = []
    private var total: UInt64 = 0
    private var expensive: [(path: String, cost: UInt64)] = []

    init(ignoresCosts: Bool) { self.ignoresCosts = ignoresCosts }

    func result(_ path: String) -> [FieldError] {
        var errors = errors
        if total > Self.mostInAll, !ignoresCosts {
            let largest = expensive.sorted { $0.cost > $1.cost }.prefix(4)
            errors += largest.map {
                .forbidden(
                    $0.path, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
                )
            }
            errors.append(
                .forbidden(
                    path,
                    Self.message(
                        "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", total,
                        Self.mostInAll)))
        }
        return errors
    }

    /// - Parameters:
    ///   - cardinality: how often the value may come in an object; nil where nothing bounds it.
    ///   - uncorrelatable: the path of the list whose elements cannot be found again in an older object.
    mutating func visit(
        _ schema: JSONSchema, _ path: String, isResource: Bool, cardinality: UInt64?, uncorrelatable: String?
    ) {
        if !schema.validations.isEmpty { judge(schema, path, isResource, cardinality, uncorrelatable) }
        func bounded(_ most: Int64?) -> UInt64? {
            guard let cardinality, let most else { return nil }
            let (product, overflow) = cardinality.multipliedReportingOverflow(by: UInt64(max(0, most)))
            return overflow ? .max : product
        }
        for name in schema.propertyNames {
            guard let inner = schema.properties[name] else { continue }
            visit(
                inner, "\(path).properties[\(name)]", isResource: inner.isEmbeddedResource,
                cardinality: schema.additionalProperties == nil ? cardinality : bounded(schema.maxProperties),
                uncorrelatable: uncorrelatable)
        }
        if let inner = schema.additionalProperties?.schema {
            visit(
                inner, "\(path).additionalProperties", isResource: inner.isEmbeddedResource,
                cardinality: bounded(schema.maxProperties), uncorrelatable: uncorrelatable)
        }
        if let inner = schema.items {
            visit(
                inner, "\(path).items", isResource: inner.isEmbeddedResource, cardinality: bounded(schema.maxItems),
                uncorrelatable: uncorrelatable ?? (schema.listType == "map" ? nil : path))
        }
    }

    private mutating func judge(
        _ schema: JSONSchema, _ path: String, _ isResource: Bool, _ cardinality: UInt64?, _ uncorrelatable: String?
    ) {
        let before = errors.count
        for (index, rule) in schema.validations.enumerated() {
            structure(rule, schema, "\(path).x-kubernetes-validations[\(index)]")
        }
        guard errors.count == before else { return }
        guard let declared = RuleTypes.type(of: schema, isResource: isResource) else {
            errors.append(
                FieldError(
                    .internalError, "\(path).x-kubernetes-validations",
                    message: "Internal error: internal error: failed to construct type information for "
                        + "x-kubernetes-validations rules: unable to convert structural schema to CEL declarations"))
            return
        }
        let most = cardinality ?? UInt64(RuleTypes.largestRequest / (declared.minSerializedSize + 1))
        for (index, json) in schema.validations.enumerated() {
            let place = "\(path).x-kubernetes-validations[\(index)]"
            let rule = CompiledSchemaRule(json, schema, declared)
            let (product, overflow) = rule.cost.multipliedReportingOverflow(by: most)
            observe(overflow ? .max : product, "estimated rule cost", "\(place).rule")
            if case .failure(let problem)? = rule.program {
                errors.append(
                    FieldError(.invalid, "\(place).rule", message: "Invalid value: \(rule.shown): \(problem.detail)"))
            }
            switch rule.messageProgram {
            case .failure(let problem)?:
                errors.append(
                    FieldError(
                        .invalid, "\(place).messageExpression",
                        message: "Invalid value: \(rule.shown): \(problem.detail)"))
            case .success?:
                observe(rule.messageCost, "estimated messageExpression cost", "\(place).messageExpression")
            case nil: break
            }
            if rule.usesOldSelf {
                if let uncorrelatable {
                    errors.append(
                        .invalid(
                            "\(place).rule", .string(rule.rule),
                            "oldSelf cannot be used on the uncorrelatable portion of the schema within "
                                + uncorrelatable))
                }
            } else if let optional = json["optionalOldSelf"], !optional.isNull {
                errors.append(
                    .invalid("\(place).optionalOldSelf", optional, "may not be set if oldSelf is not used in rule"))
            }
        }
    }

    private mutating func observe(_ cost: UInt64, _ what: String, _ path: String) {
        if cost > Self.mostPerRule, !ignoresCosts {
            errors.append(.forbidden(path, Self.message(what, cost, Self.mostPerRule)))
        }
        let (sum, overflow) = total.addingReportingOverflow(cost)
        total = overflow ? .max : sum
        if cost >= Self.mostInAll / 100 { expensive.append((path, cost)) }
    }

    private static func message(_ what: String, _ cost: UInt64, _ limit: UInt64) -> String {
        let factor = Double(cost) / Double(limit)
        let shown: String
        if factor > 100 {
            shown = "more than 100x"
        } else if factor < 1.5 {
            let millionths = "\(Int64((factor * 1e6).rounded()))"
            shown = "\(millionths.dropLast(6)).\(millionths.suffix(6))x"
        } else {
            let tenths = Int64((factor * 10).rounded(.toNearestOrEven))
            shown = "\(tenths / 10).\(tenths % 10)x"
        }
        return "\(what) exceeds budget by factor of \(shown) (try simplifying the rule, or adding maxItems, "
            + "maxProperties, and maxLength where arrays, maps, and strings are declared)"
    }

    // MARK: Structure

    private static let reasons = [
        "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
    ]

    private mutating func structure(_ rule: JSONValue, _ schema: JSONSchema, _ path: String) {
        func text(_ key: String) -> String { rule[key]?.stringValue ?? "" }
        let message = text("message").trimmingWhitespace
        let expression = text("rule").trimmingWhitespace
        func hasLines(_ text: String) -> Bool { text.utf8.contains { $0 == 10 || $0 == 13 } }
        if expression.isEmpty {
            errors.append(.required("\(path).rule", "rule is not specified"))
        } else if !text("message").isEmpty, message.isEmpty {
            errors.append(.invalid("\(path).message", rule["message"] ?? .null, "must be non-empty if specified"))
        } else if hasLines(message) {
            errors.append(.invalid("\(path).message", rule["message"] ?? .null, "must not contain line breaks"))
        } else if hasLines(expression), message.isEmpty {
            errors.append(
                .required("\(path).message", "message must be specified if rule contains line breaks"))
        }
        if !text("messageExpression").isEmpty, text("messageExpression").trimmingWhitespace.isEmpty {
            errors.append(
                .required("\(path).messageExpression", "messageExpression must be non-empty if specified"))
        }
        if let reason = rule["reason"]?.stringValue, !Self.reasons.contains(reason) {
            errors.append(.notSupported("\(path).reason", .string(reason), Self.reasons))
        }
        let fieldPath = text("fieldPath")
        if !fieldPath.isEmpty {
            let value = JSONValue.string(fieldPath)
            if fieldPath.trimmingWhitespace.isEmpty {
                errors.append(.invalid("\(path).fieldPath", value, "must be non-empty if specified"))
            }
            if hasLines(fieldPath) {
                errors.append(.invalid("\(path).fieldPath", value, "must not contain line breaks"))
            }
            if RuleFieldPath.normalized(fieldPath, schema) == nil {
                errors.append(.invalid("\(path).fieldPath", value, "must be a valid path"))
            }
        }
    }
}
