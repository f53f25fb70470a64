// Checks custom resources by the rules of their schema.

import APISchema
import CEL
import JSON
import KubeTypes

/// The rules of a schema and of everything within it.
final class RuleNode: Sendable {
    let schema: JSONSchema
    let declared: DeclaredType?
    let rules: [CompiledSchemaRule]
    private let properties: [String: RuleNode]
    private let values: RuleNode?
    private let items: RuleNode?
    /// Rules that stand inside `allOf` apply to the same values.
    private let alternatives: [RuleNode]

    /// Nil where there are no rules at all.
    /// - Parameters:
    ///   - schema: where rules stand.
    ///   - shape: the schema that says what the values look like; another one only inside `allOf`.
    init?(_ schema: JSONSchema, shape: JSONSchema, declared: DeclaredType?) {
        self.schema = shape
        self.declared = declared
        rules = declared.map { declared in schema.validations.map { CompiledSchemaRule($0, shape, declared) } } ?? []
        var properties: [String: RuleNode] = [:]
        for (name, inner) in schema.properties {
            guard let innerShape = shape.properties[name] else { continue }
            let field = CELEscaping.escape(name).flatMap { declared?.fields?[$0]?.type }
            let type = field ?? RuleTypes.type(of: innerShape, isResource: innerShape.isEmbeddedResource)
            if let node = RuleNode(inner, shape: innerShape, declared: type) { properties[name] = node }
        }
        self.properties = properties
        func element(_ inner: JSONSchema?, _ innerShape: JSONSchema?) -> RuleNode? {
            guard let inner, let innerShape else { return nil }
            let type =
                declared?.element ?? RuleTypes.type(of: innerShape, isResource: innerShape.isEmbeddedResource)
            return RuleNode(inner, shape: innerShape, declared: type)
        }
        values = element(schema.additionalProperties?.schema, shape.additionalProperties?.schema)
        items = element(schema.items, shape.items)
        alternatives = schema.allOf.compactMap { RuleNode($0, shape: shape, declared: declared) }
        if rules.isEmpty, properties.isEmpty, values == nil, items == nil, alternatives.isEmpty { return nil }
    }

    /// The place of a value in its object, and what it replaces.
    struct Place {
        /// Empty for the root.
        var path: String
        var old: JSONValue?
        /// Whether the nearest part of the object that can be compared with the old is as it was.
        var isUnchanged: Bool

        func field(_ name: String, _ old: JSONValue?, _ value: JSONValue) -> Place {
            Place(path: path.isEmpty ? name : "\(path).\(name)", old: old, isUnchanged: old == value)
        }
    }

    func check(_ value: JSONValue, _ place: Place, _ run: RuleRun) {
        if value.isNull || run.isOver { return }
        evaluate(value, place, run)
        for node in alternatives where !run.isOver {
            // What is inside `allOf` is judged anew, whether the value has changed or not.
            node.check(value, Place(path: place.path, old: place.old, isUnchanged: false), run)
        }
        switch value {
        case .object(let object):
            let old = place.old?.objectValue
            for (key, inner) in object where !run.isOver {
                if let values {
                    let was = old?[key]
                    values.check(
                        inner, Place(path: "\(place.path)[\(key)]", old: was, isUnchanged: was == inner), run)
                }
                properties[key]?.check(inner, place.field(key, old?[key], inner), run)
            }
        case .array(let elements):
            guard let items else { return }
            let old = oldElements(place.old?.arrayValue ?? [])
            for (index, element) in elements.enumerated() where !run.isOver {
                let was = schema.listType == "map" ? old[key(of: element)] : nil
                let isUnchanged = schema.listType == "map" ? was == element : place.isUnchanged
                items.check(
                    element, Place(path: "\(place.path)[\(index)]", old: was, isUnchanged: isUnchanged), run)
            }
        default: break
        }
    }

    /// The elements of a list that its schema lets one find again.
    private func oldElements(_ elements: [JSONValue]) -> [[JSONValue]: JSONValue] {
        guard schema.listType == "map" else { return [:] }
        var found: [[JSONValue]: JSONValue] = [:]
        for element in elements { found[key(of: element)] = element }
        return found
    }

    private func key(of element: JSONValue) -> [JSONValue] {
        schema.listMapKeys.map { element[$0] ?? schema.items?.properties[$0]?.defaultValue ?? .null }
    }

    // MARK: Evaluation

    private func evaluate(_ value: JSONValue, _ place: Place, _ run: RuleRun) {
        guard !rules.isEmpty, let declared else { return }
        let path = place.path.isEmpty ? "<nil>" : place.path
        let kind = JSONValue.string(schema.type)
        let outOfBudget =
            "validation failed due to running out of cost budget, no further validation rules will be run"
        func read(_ value: JSONValue) -> CELValue? { try? CELValue.reading(value, as: declared) }
        guard let own = read(value) else { return }
        let old = place.old.flatMap { $0.isNull ? nil : read($0) }
        for rule in rules {
            guard let compiled = rule.program else { continue }
            guard case .success(let program) = compiled else {
                if case .failure(let problem) = compiled {
                    run.errors.append(.invalid(path, kind, "rule compile error: \(problem.detail)"))
                }
                continue
            }
            if rule.usesOldSelf, old == nil, !rule.hasOptionalOldSelf { continue }
            var variables = ["self": own]
            if rule.hasOptionalOldSelf {
                variables["oldSelf"] = .optional(CELOptional(old))
            } else if let old {
                variables["oldSelf"] = old
            }
            let result: Result<CELValue, CELError>
            do throws(ExpressionBudget.OutOfBudget) {
                result = try run.budget.run(program, variables)
            } catch {
                run.end(.invalid(path, kind, outOfBudget))
                return
            }
            switch result {
            case .success(.bool(true)): continue
            case .failure(let error):
                if error.isCancelled {
                    run.end(
                        .invalid(
                            path, kind,
                            "'\(error.message)': no further validation rules will be run due to call cost exceeds "
                                + "limit for rule: \(rule.name)"))
                    return
                }
                let detail =
                    error.message.hasPrefix("no such overload")
                    ? "'\(error.message)': call arguments did not match a supported operator, function or macro "
                        + "signature for rule: \(rule.name)"
                    : "\(error.message) evaluating rule: \(rule.name)"
                run.errors.append(.invalid(path, kind, detail))
            case .success:
                guard let detail = message(of: rule, variables, path, run) else { return }
                // What was wrong before and has not changed may stay.
                if !rule.usesOldSelf, place.isUnchanged { continue }
                run.errors.append(error(rule, value, place.path, detail))
            }
        }
    }

    /// The message of a rule that is not met; nil where the budget has run out over it.
    private func message(
        of rule: CompiledSchemaRule, _ variables: [String: CELValue], _ path: String, _ run: RuleRun
    ) -> String? {
        let plain =
            rule.message.isEmpty ? "failed rule: \(rule.rule.trimmingWhitespace)" : rule.message.trimmingWhitespace
        guard case .success(let program)? = rule.messageProgram else { return plain }
        let result: Result<CELValue, CELError>
        do throws(ExpressionBudget.OutOfBudget) {
            result = try run.budget.run(program, variables)
        } catch {
            run.end(
                .invalid(
                    path, .string(schema.type),
                    "messageExpression evaluation failed due to running out of cost budget, no further validation "
                        + "rules will be run"))
            return nil
        }
        guard case .success(.string(let text)) = result else { return plain }
        let trimmed = text.trimmingWhitespace
        return trimmed.isEmpty || trimmed.utf8.contains(10) || trimmed.utf8.count > 5 * 1024 ? plain : trimmed
    }

    private func error(_ rule: CompiledSchemaRule, _ value: JSONValue, _ path: String, _ detail: String) -> FieldError {
        var place = path
        if !rule.fieldPath.isEmpty {
            place += place.isEmpty || rule.fieldPath.hasPrefix("[") ? rule.fieldPath : ".\(rule.fieldPath)"
        }
        if place.isEmpty { place = "<nil>" }
        let isWhole = schema.type == "object" || schema.type == "array"
        switch rule.reason {
        case "FieldValueForbidden": return .forbidden(place, detail)
        case "FieldValueRequired": return .required(place, detail)
        case "FieldValueDuplicate":
            return isWhole ? FieldError(.duplicate, place, message: "Duplicate value") : .duplicate(place, value)
        default:
            return isWhole
                ? FieldError(.invalid, place, message: "Invalid value: \(detail)") : .invalid(place, value, detail)
        }
    }
}

/// One object on its way through the rules.
final class RuleRun {
    var errors: [FieldError] = []
    private(set) var isOver = false
    let budget = ExpressionBudget(AdmissionExpressions.budget)

    /// Notes the last error there is.
    func end(_ error: FieldError) {
        errors.append(error)
        isOver = true
    }
}

struct SchemaRuleChecker: ValidationRuleChecker {
    let root: RuleNode

    func validate(_ object: JSONValue, replacing old: JSONValue?) -> [FieldError] {
        let run = RuleRun()
        root.check(object, RuleNode.Place(path: "", old: old, isUnchanged: old == object), run)
        return run.errors
    }
}
