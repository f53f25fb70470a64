import JSON

/// The part of kubectl's JSONPath that definitions use for columns: fields, quoted fields, indices, slices, wildcards,
/// recursive descent and filters that compare with a constant (`.status.conditions[?(@.type=="Ready")].status`).
public struct JSONPath: Sendable {
    private indirect enum Step: Sendable {
        case field(String)
        case index(Int)
        case slice(Int?, Int?)
        case wildcard
        case descend(String)
        case filter([Step], Comparison, JSONValue?)
    }

    private enum Comparison: String, Sendable, CaseIterable {
        case equal = "==", unequal = "!=", atMost = "<=", atLeast = ">=", less = "<", greater = ">"
        case exists = ""
    }

    private let steps: [Step]

    /// Reads a path such as `.spec.replicas`; nil where it cannot be understood.
    public init?(_ text: String) {
        var parser = Parser(Array(text.unicodeScalars))
        guard let steps = parser.steps(), parser.isAtEnd else { return nil }
        self.steps = steps
    }

    /// The values that the path leads to; none where something on the way is missing.
    public func values(in root: JSONValue) -> [JSONValue] { Self.walk([root], steps) }

    private static func walk(_ values: [JSONValue], _ steps: [Step]) -> [JSONValue] {
        var values = values
        for step in steps { values = values.flatMap { one($0, step) } }
        return values
    }

    private static func one(_ value: JSONValue, _ step: Step) -> [JSONValue] {
        switch step {
        case .field(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            guard let elements = value.arrayValue else { return [] }
            let position = index < 0 ? elements.count + index : index
            return elements.indices.contains(position) ? [elements[position]] : []
        case .slice(let from, let to):
            guard let elements = value.arrayValue else { return [] }
            func position(_ index: Int) -> Int {
                min(max(index < 0 ? elements.count + index : index, 0), elements.count)
            }
            let start = position(from ?? 0)
            let end = position(to ?? elements.count)
            return start < end ? Array(elements[start..<end]) : []
        case .wildcard: return value.arrayValue ?? value.objectValue.map { Array($0.values) } ?? []
        case .descend(let name):
            var found = value[name].map { [$0] } ?? []
            for inner in value.arrayValue ?? value.objectValue.map({ Array($0.values) }) ?? [] {
                found += one(inner, step)
            }
            return found
        case .filter(let path, let comparison, let constant):
            return (value.arrayValue ?? []).filter { element in
                guard let left = walk([element], path).first else { return false }
                guard let constant else { return true }
                return compare(left, comparison, constant)
            }
        }
    }

    private static func compare(_ left: JSONValue, _ comparison: Comparison, _ right: JSONValue) -> Bool {
        let isEqual = SchemaValidator.isSame(left, right)
        let isLess: Bool
        if let first = left.doubleValue, let second = right.doubleValue {
            isLess = first < second
        } else if let first = left.stringValue, let second = right.stringValue {
            isLess = first < second
        } else {
            return comparison == .equal ? isEqual : comparison == .unequal && !isEqual
        }
        switch comparison {
        case .equal: return isEqual
        case .unequal: return !isEqual
        case .less: return isLess
        case .atMost: return isLess || isEqual
        case .greater: return !isLess && !isEqual
        case .atLeast: return !isLess
        case .exists: return true
        }
    }

    private struct Parser {
        private let text: [Unicode.Scalar]
        private var position = 0

        init(_ text: [Unicode.Scalar]) { self.text = text }

        var isAtEnd: Bool { position == text.count }

        private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

        private mutating func take(_ word: String) -> Bool {
            let scalars = Array(word.unicodeScalars)
            guard text[position...].starts(with: scalars) else { return false }
            position += scalars.count
            return true
        }

        private mutating func skipSpaces() { while next == " " { position += 1 } }

        mutating func steps() -> [Step]? {
            var steps: [Step] = []
            if next == "$" || next == "@" { position += 1 }
            while let scalar = next {
                if scalar == "." {
                    position += 1
                    let isDescent = take(".")
                    if next == "[" || next == nil { continue }
                    if take("*") {
                        steps.append(.wildcard)
                        continue
                    }
                    guard let name = name() else { return nil }
                    steps.append(isDescent ? .descend(name) : .field(name))
                } else if scalar == "[" {
                    position += 1
                    guard let step = bracket() else { return nil }
                    steps.append(step)
                } else {
                    return steps
                }
            }
            return steps
        }

        private mutating func name() -> String? {
            var name = String.UnicodeScalarView()
            while let scalar = next, !".[]()=!<> ".unicodeScalars.contains(scalar) {
                position += 1
                // A backslash takes a dot into the name: `.metadata.labels.app\.kubernetes\.io/name`.
                if scalar == "\\", let escaped = next {
                    position += 1
                    name.append(escaped)
                } else {
                    name.append(scalar)
                }
            }
            return name.isEmpty ? nil : String(name)
        }

        private mutating func quoted() -> String? {
            guard let quote = next, quote == "'" || quote == "\"" else { return nil }
            position += 1
            var content = String.UnicodeScalarView()
            while let scalar = next, scalar != quote {
                position += 1
                if scalar == "\\", let escaped = next {
                    position += 1
                    content.append(escaped)
                } else {
                    content.append(scalar)
                }
            }
            guard next == quote else { return nil }
            position += 1
            return String(content)
        }

        private mutating func integer() -> Int? {
            var digits = ""
            if next == "-" {
                digits = "-"
                position += 1
            }
            while let scalar = next, ("0"..."9").contains(scalar) {
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            return Int(digits)
        }

        private mutating func bracket() -> Step? {
            skipSpaces()
            var step: Step?
            if take("*") {
                step = .wildcard
            } else if take("?(") {
                step = filter()
            } else if let name = quoted() {
                step = .field(name)
            } else {
                let from = integer()
                if take(":") {
                    step = .slice(from, integer())
                } else if let from {
                    step = .index(from)
                }
            }
            skipSpaces()
            guard let step, take("]") else { return nil }
            return step
        }

        private mutating func filter() -> Step? {
            skipSpaces()
            guard next == "@" || next == "$" || next == "." else { return nil }
            guard let path = steps() else { return nil }
            skipSpaces()
            if take(")") { return .filter(path, .exists, nil) }
            guard let comparison = Comparison.allCases.first(where: { $0 != .exists && take($0.rawValue) }) else {
                return nil
            }
            skipSpaces()
            let constant: JSONValue
            if let text = quoted() {
                constant = .string(text)
            } else if take("true") {
                constant = true
            } else if take("false") {
                constant = false
            } else {
                var number = ""
                while let scalar = next, "+-.eE0123456789".unicodeScalars.contains(scalar) {
                    number.unicodeScalars.append(scalar)
                    position += 1
                }
                guard let value = try? JSONParser.parse(Array(number.utf8)), value.doubleValue != nil else {
                    return nil
                }
                constant = value
            }
            skipSpaces()
            return take(")") ? .filter(path, comparison, constant) : nil
        }
    }
}
