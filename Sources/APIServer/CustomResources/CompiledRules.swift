// The rules of one node of a schema (`x-kubernetes-validations`), compiled.

import APISchema
import CEL
import JSON
import KubeTypes

/// One rule.
struct CompiledSchemaRule: Sendable {
    let rule: String
    let message: String
    let messageExpression: String
    let reason: String?
    let hasOptionalOldSelf: Bool
    /// As upstream prints the rule in messages.
    let shown: String
    /// Nil for a rule that is empty.
    let program: Result<CELProgram, ExpressionProblem>?
    let messageProgram: Result<CELProgram, ExpressionProblem>?
    let usesOldSelf: Bool
    /// The field below the node that errors are about; empty for the node.
    let fieldPath: String
    /// The most that one evaluation may cost.
    let cost: UInt64
    let messageCost: UInt64

    /// What messages call the rule.
    var name: String { (message.isEmpty ? rule : message).trimmingWhitespace }

    init(_ json: JSONValue, _ schema: JSONSchema, _ declared: DeclaredType) {
        rule = json["rule"]?.stringValue ?? ""
        message = json["message"]?.stringValue ?? ""
        messageExpression = json["messageExpression"]?.stringValue ?? ""
        reason = json["reason"]?.stringValue
        hasOptionalOldSelf = json["optionalOldSelf"]?.boolValue ?? false
        fieldPath = json["fieldPath"]?.stringValue.flatMap { RuleFieldPath.normalized($0, schema) } ?? ""
        let reasonShown = reason == nil ? "nil" : "0x1"
        let optionalShown = json["optionalOldSelf"]?.boolValue == nil ? "nil" : "0x1"
        let quote = { (text: String) in JSONWriter.text(of: .string(text)) }
        shown =
            "apiextensions.ValidationRule{Rule:\(quote(rule)), Message:\(quote(message)), "
            + "MessageExpression:\(quote(messageExpression)), "
            + "Reason:(*apiextensions.FieldValueErrorReason)(\(reasonShown)), "
            + "FieldPath:\(quote(json["fieldPath"]?.stringValue ?? "")), OptionalOldSelf:(*bool)(\(optionalShown))}"
        let environment = CELEnvironment(
            variables: [
                "self": declared.type, "oldSelf": hasOptionalOldSelf ? .optional(declared.type) : declared.type,
            ],
            declared: [declared], formats: ExpressionFormats.all)
        let sizes = DeclaredSizes(declared)
        guard !rule.trimmingWhitespace.isEmpty else {
            (program, messageProgram, usesOldSelf, cost, messageCost) = (nil, nil, false, 0, 0)
            return
        }
        let compiled = Self.compile(
            rule, .bool, environment, sizes, prefix: "", wrongType: "cel expression must evaluate to a bool")
        program = compiled.program
        usesOldSelf = compiled.variables.contains("oldSelf")
        cost = compiled.cost
        if messageExpression.isEmpty || compiled.program.isFailure {
            (messageProgram, messageCost) = (nil, 0)
        } else {
            let compiled = Self.compile(
                messageExpression, .string, environment, sizes, prefix: "messageExpression ",
                wrongType: "messageExpression must evaluate to a string")
            (messageProgram, messageCost) = (compiled.program, compiled.cost)
        }
    }

    private typealias Compiled = (
        program: Result<CELProgram, ExpressionProblem>, cost: UInt64, variables: Set<String>
    )

    private static func compile(
        _ text: String, _ type: CELType, _ environment: CELEnvironment, _ sizes: DeclaredSizes, prefix: String,
        wrongType: String
    ) -> Compiled {
        let compilation = environment.compile(text)
        if let problem = compilation.problem {
            return (.failure(ExpressionProblem(detail: "\(prefix)compilation failed: \(problem)")), 0, [])
        }
        guard compilation.type == type else { return (.failure(ExpressionProblem(detail: wrongType)), 0, []) }
        do throws(CELError) {
            return (
                .success(try compilation.program()), compilation.cost(sizes).maximum, compilation.usedVariables
            )
        } catch {
            let what = prefix.isEmpty ? "program" : "messageExpression"
            return (.failure(ExpressionProblem(detail: "\(what) instantiation failed: \(error.message)")), 0, [])
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}

/// `fieldPath` of a rule: `.spec.ports`, `.labels['a/b']`.
enum RuleFieldPath {
    /// The path as errors show it; nil where it leads nowhere.
    static func normalized(_ path: String, _ schema: JSONSchema) -> String? {
        var schema = schema
        var result = ""
        var rest = path[...]
        guard !rest.isEmpty else { return nil }
        while let mark = rest.first {
            let name: String
            switch mark {
            case ".":
                let token = rest.dropFirst().prefix { !".[]".contains($0) }
                rest = rest[token.endIndex...]
                name = String(token)
            case "[":
                guard rest.hasPrefix("['"), let (text, after) = quoted(rest.dropFirst(2)), after.first == "]" else {
                    return nil
                }
                rest = after.dropFirst()
                name = text
            default: return nil
            }
            if name.isEmpty { return nil }
            if !schema.properties.isEmpty {
                guard let next = schema.properties[name] else { return nil }
                result += result.isEmpty ? name : ".\(name)"
                schema = next
            } else if let next = schema.additionalProperties?.schema {
                result += "[\(name)]"
                schema = next
            } else {
                return nil
            }
        }
        return result
    }

    /// What is in single quotes, and what follows.
    private static func quoted(_ text: Substring) -> (String, Substring)? {
        let escapes: [Character: Character] = [
            "a": "\u{7}", "b": "\u{8}", "f": "\u{c}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{b}", "'": "'",
            "\\": "\\",
        ]
        var result = ""
        var rest = text
        while let character = rest.popFirst() {
            if character == "'" { return (result, rest) }
            if character == "\\" {
                guard let mark = rest.popFirst(), let escaped = escapes[mark] else { return nil }
                result.append(escaped)
            } else {
                result.append(character)
            }
        }
        return nil
    }
}
