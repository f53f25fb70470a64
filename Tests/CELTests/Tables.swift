import JSON

@testable import CEL

/// Tables of expressions and what they come to, and how one is checked against them.
enum Tables {
    /// The variables that the expressions of the tables use.
    static let environment = CELEnvironment(
        variables: [
            "obj": .dyn, "str": .string, "strs": .list(.string), "num": .int, "ints": .list(.int),
            "counts": .map(.string, .int),
        ],
        formats: [
            "dns1123Label": NamedFormat(name: "DNS1123Label", patternSize: 30) { text in
                text.utf8.allSatisfy { (97...122).contains($0) } ? [] : ["not a label"]
            },
            "uuid": NamedFormat(name: "uuid", patternSize: 98) { _ in [] },
        ])

    static let variables: [String: CELValue] = [
        "obj": .dynamic([
            "a": ["b": [1, 2, ["c": "d"]]], "s": "text", "n": .number(JSONNumber(text: "1.5")), "t": true, "z": .null,
            "list": ["a", "b"], "namespace": "ns", "x-y": 3,
        ]),
        "str": "hello", "strs": .dynamic(["b", "a", "c"]), "num": 5, "ints": .dynamic([3, 1, 2]),
        "counts": .dynamic(["one": 1, "two": 2]),
    ]

    private static let primary =
        "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "
        + "IDENTIFIER}"

    /// What an expression comes to, as the tables write it.
    static func outcome(of text: String) -> String {
        let compilation = environment.compile(text)
        guard compilation.issues.isEmpty else {
            let issues = compilation.issues.enumerated().sorted {
                ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
            }
            let shown = issues.map { "\($0.element.line):\($0.element.column + 1): \($0.element.message)" }
            return "✗ " + shown.joined(separator: " | ").replacing(primary, with: "PRIMARY")
        }
        let program: CELProgram
        do throws(CELError) {
            program = try compilation.program()
        } catch {
            return "✗ \(error.message)"
        }
        let estimate = compilation.cost(UnknownSizes())
        let (result, cost) = program.run(variables)
        let costs = " ¢ \(cost) of \(estimate.minimum)…\(estimate.maximum)"
        switch result {
        case .success(let value): return show(value) + costs
        case .failure(let error): return "! \(error.message)" + costs
        }
    }

    static func show(_ value: CELValue) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .int(let value): return "\(value)"
        case .uint(let value): return "\(value)u"
        case .double(let value): return "\(value.goText)d"
        case .string(let value): return GoQuote.quote(value)
        case .bytes(let bytes):
            return "b" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case .timestamp(let time): return "timestamp(\(time))"
        case .duration(let duration): return "duration(\(duration))"
        case .type(let type): return "type(\(type.name))"
        case .optional(let optional): return optional.value.map { "optional(\(show($0)))" } ?? "none"
        case .list(let list): return "[\(list.map(show).joined(separator: ", "))]"
        case .map(let map):
            let entries = map.entries.map { "\(show($0.key)): \(show($0.value))" }.sorted()
            return "{\(entries.joined(separator: ", "))}"
        case .object(let object): return "<\(object.type.name)>"
        }
    }

    /// Expressions and what they are to come to.
    static func rows(_ table: String) -> [(expression: String, outcome: String)] {
        table.split(separator: "\n").map { line in
            let parts = line.split(separator: " ⇒ ", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
    }
}

extension CELValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
}

extension String {
    /// The text with every occurrence of a part replaced.
    func replacing(_ part: String, with replacement: String) -> String {
        Substrings.replacing(Array(part.utf8), with: Array(replacement.utf8), in: self, limit: .max)
    }
}
