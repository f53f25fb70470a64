import JSON
import KubeTypes

/// The part of Go's `text/template` that KWOK's stages are written in: text, fields, variables, pipelines, `range`,
/// `if` and `with`, and KWOK's functions.
struct GoTemplate: Sendable {
    struct Failure: Error, Sendable {
        let message: String
        init(_ message: String) { self.message = message }
    }

    /// What functions know beside the object.
    struct Surroundings: Sendable {
        let now: Time
        let hostIP: String
        let podIP: String
    }

    indirect enum Node: Sendable {
        case text(String)
        case output(Pipeline)
        case set(String, Pipeline)
        case condition([(Pipeline, [Node])], otherwise: [Node])
        case with(Pipeline, [Node], otherwise: [Node])
        case range(index: String?, element: String?, Pipeline, [Node], otherwise: [Node])
    }

    struct Pipeline: Sendable {
        var commands: [[Operand]]
    }

    indirect enum Operand: Sendable {
        case literal(JSONValue)
        /// The field of what the dot is, or of a variable.
        case field(variable: String?, path: [String])
        case function(String)
        case nested(Pipeline, path: [String])
    }

    private let nodes: [Node]
    static let depthLimit = 64
    private static let outputLimit = 1 << 20

    init(_ text: String) throws(Failure) {
        var parser = GoTemplateParser(text)
        nodes = try parser.parse()
    }

    /// The text that the template makes of a value.
    func render(_ value: JSONValue, _ surroundings: Surroundings) throws(Failure) -> String {
        var run = Run(surroundings: surroundings, variables: ["$": value])
        try run.write(nodes, value)
        return run.output
    }

    /// How a value is printed.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .null: ""
        default: JSONWriter.text(of: value)
        }
    }

    static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let number): number.doubleValue != 0
        case .string(let text): !text.isEmpty
        case .array(let array): !array.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    private struct Run {
        let surroundings: Surroundings
        var variables: [String: JSONValue]
        var output = ""

        mutating func write(_ nodes: [Node], _ dot: JSONValue) throws(Failure) {
            for node in nodes {
                guard output.utf8.count < GoTemplate.outputLimit else { throw Failure("writes too much") }
                switch node {
                case .text(let text): output += text
                case .output(let pipeline): output += GoTemplate.text(try value(pipeline, dot))
                case .set(let name, let pipeline): variables[name] = try value(pipeline, dot)
                case .condition(let branches, let otherwise):
                    var chosen = otherwise
                    for (pipeline, body) in branches where GoTemplate.isTrue(try value(pipeline, dot)) {
                        chosen = body
                        break
                    }
                    try write(chosen, dot)
                case .with(let pipeline, let body, let otherwise):
                    let inner = try value(pipeline, dot)
                    try GoTemplate.isTrue(inner) ? write(body, inner) : write(otherwise, dot)
                case .range(let index, let element, let pipeline, let body, let otherwise):
                    let items = elements(try value(pipeline, dot))
                    if items.isEmpty { try write(otherwise, dot) }
                    for (key, item) in items {
                        if let index { variables[index] = key }
                        if let element { variables[element] = item }
                        try write(body, item)
                    }
                }
            }
        }

        private func elements(_ value: JSONValue) -> [(JSONValue, JSONValue)] {
            if let array = value.arrayValue { return array.enumerated().map { (.integer(Int64($0)), $1) } }
            if let object = value.objectValue {
                return object.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
            }
            if let count = value.intValue, count > 0, count < 10_000 {
                return (0..<count).map { (.integer(Int64($0)), .integer(Int64($0))) }
            }
            return []
        }

        private func value(_ pipeline: Pipeline, _ dot: JSONValue) throws(Failure) -> JSONValue {
            var result: JSONValue?
            for command in pipeline.commands {
                guard let first = command.first else { throw Failure("an empty command") }
                if case .function(let name) = first {
                    var arguments: [JSONValue] = []
                    for operand in command.dropFirst() { arguments.append(try value(operand, dot)) }
                    if let result { arguments.append(result) }
                    result = try call(name, arguments)
                } else {
                    result = try value(first, dot)
                }
            }
            return result ?? .null
        }

        private func value(_ operand: Operand, _ dot: JSONValue) throws(Failure) -> JSONValue {
            func descend(_ start: JSONValue, _ path: [String]) -> JSONValue {
                path.reduce(start) { value, key in value[key] ?? .null }
            }
            switch operand {
            case .literal(let value): return value
            case .field(let variable, let path):
                guard let variable else { return descend(dot, path) }
                guard let value = variables[variable] else { throw Failure("\(variable) is not set") }
                return descend(value, path)
            case .function(let name): return try call(name, [])
            case .nested(let pipeline, let path): return descend(try value(pipeline, dot), path)
            }
        }

        private func call(_ name: String, _ arguments: [JSONValue]) throws(Failure) -> JSONValue {
            func argument(_ index: Int) -> JSONValue { index < arguments.count ? arguments[index] : .null }
            switch name {
            case "Now": return surroundings.now.field
            case "Quote", "quote": return .string(JSONWriter.text(of: .string(GoTemplate.text(argument(0)))))
            case "NodeIP", "NodeIPWith": return .string(surroundings.hostIP)
            case "PodIP": return .string(surroundings.podIP)
            case "PodIPWith":
                // The second argument: whether the pod has the node's address.
                return .string(GoTemplate.isTrue(argument(1)) ? surroundings.hostIP : surroundings.podIP)
            case "StartTime": return surroundings.now.field
            case "Version": return "martlet"
            case "YAML", "toYaml", "toJson": return .string(JSONWriter.text(of: argument(0)))
            case "or":
                return arguments.first(where: GoTemplate.isTrue) ?? arguments.last ?? .null
            case "and":
                return arguments.first { !GoTemplate.isTrue($0) } ?? arguments.last ?? .null
            case "not": return .bool(!GoTemplate.isTrue(argument(0)))
            case "eq": return .bool(arguments.dropFirst().contains(argument(0)))
            case "ne": return .bool(argument(0) != argument(1))
            case "lt", "le", "gt", "ge":
                guard let left = argument(0).doubleValue, let right = argument(1).doubleValue else {
                    throw Failure("\(name) takes numbers")
                }
                return .bool(
                    name == "lt"
                        ? left < right : name == "le" ? left <= right : name == "gt" ? left > right : left >= right)
            case "len":
                return .integer(
                    Int64(
                        argument(0).arrayValue?.count ?? argument(0).objectValue?.count
                            ?? argument(0).stringValue?.utf8.count ?? 0))
            case "index":
                return arguments.dropFirst().reduce(argument(0)) { value, key in
                    if let index = key.intValue, case .array = value { return value[index] ?? .null }
                    return value[GoTemplate.text(key)] ?? .null
                }
            case "dict":
                var object: JSONObject = [:]
                for pair in stride(from: 0, to: arguments.count - 1, by: 2) {
                    object[GoTemplate.text(arguments[pair])] = arguments[pair + 1]
                }
                return .object(object)
            case "default": return GoTemplate.isTrue(argument(1)) ? argument(1) : argument(0)
            case "print": return .string(arguments.map(GoTemplate.text).joined())
            default: throw Failure("the function \"\(name)\" is not known")
            }
        }
    }
}
