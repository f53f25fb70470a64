import Yams

/// YAML in and out, as Kubernetes' tools read and write it (see `YAMLScalar` for what a scalar means).
public enum YAML {
    public struct Limits: Sendable {
        /// How many bytes a text may have.
        public var bytes: Int
        /// How deep sequences and mappings may nest.
        public var depth: Int
        /// How many values aliases may add by repeating what their anchors hold.
        public var aliasedValues: Int

        public init(bytes: Int = 16 << 20, depth: Int = 256, aliasedValues: Int = 100_000) {
            self.bytes = bytes
            self.depth = depth
            self.aliasedValues = aliasedValues
        }
    }

    /// The documents of `bytes`, empty ones left out.
    public static func parse(
        _ bytes: some Sequence<UInt8>, limits: Limits = Limits()
    ) throws(YAMLError) -> [JSONValue] {
        let bytes = Array(bytes)
        guard bytes.count <= limits.bytes else {
            throw YAMLError("document exceeds \(limits.bytes) bytes", line: nil)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw YAMLError("invalid UTF-8", line: nil) }
        return try parse(text, limits: limits)
    }

    /// The documents of `text`, empty ones left out.
    public static func parse(_ text: String, limits: Limits = Limits()) throws(YAMLError) -> [JSONValue] {
        guard text.utf8.count <= limits.bytes else {
            throw YAMLError("document exceeds \(limits.bytes) bytes", line: nil)
        }
        if let line = YAMLGuard.lineOfCollectionAsKey(text) {
            throw YAMLError("collections as keys are not supported beside anchors", line: line)
        }
        var documents: [JSONValue] = []
        do {
            // Without rules: every scalar keeps its text and tag, and this file says what it means.
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            while let root = try parser.nextRoot() {
                var reader = YAMLReader(limits: limits, budget: text.utf8.count + limits.aliasedValues)
                if YAMLReader.isEmpty(root) { continue }
                documents.append(try reader.value(of: root, depth: 0))
            }
        } catch let error as YAMLError {
            throw error
        } catch let error as YamlError {
            throw YAMLError(error)
        } catch {
            throw YAMLError("\(error)", line: nil)
        }
        return documents
    }

    /// The one document of `text`.
    /// - Throws: `YAMLError` also if there is none or more than one.
    public static func parseOne(
        _ bytes: some Sequence<UInt8>, limits: Limits = Limits()
    ) throws(YAMLError) -> JSONValue {
        let documents = try parse(bytes, limits: limits)
        guard documents.count == 1 else {
            throw YAMLError(documents.isEmpty ? "no document" : "more than one document", line: nil)
        }
        return documents[0]
    }

    /// The one document of `bytes`, and what it has twice: of such entries the last one counts.
    /// - Returns: the value, and for every entry that replaces another `line 5: key "name" already set in map`.
    public static func parseOneReportingDuplicates(
        _ bytes: [UInt8], limits: Limits = Limits()
    ) throws(YAMLError) -> (value: JSONValue, duplicates: [String]) {
        let problem: YAMLError
        do throws(YAMLError) {
            return (try parseOne(bytes, limits: limits), [])
        } catch {
            guard error.problem.hasSuffix("already set in map") else { throw error }
            problem = error
        }
        let (nodes, lines) = try YAMLDuplicates.read(String(decoding: bytes, as: UTF8.self))
        let documents = nodes.filter { !YAMLReader.isEmpty($0) }
        guard documents.count == 1, !lines.isEmpty else { throw problem }
        var reader = YAMLReader(limits: limits, budget: bytes.count + limits.aliasedValues)
        return (try reader.value(of: documents[0], depth: 0), lines)
    }

    /// `value` as a block-style document, fields in the order they have.
    public static func text(of value: JSONValue) -> String { text(of: [value]) }

    /// `values` as documents of one text, separated by `---`.
    public static func text(of values: [JSONValue]) -> String {
        let texts = values.map { value in
            // Emitting fails only for what a value cannot hold: every node below is a scalar, sequence or mapping.
            (try? serialize(node: YAMLNodes.node(of: value), width: -1, allowUnicode: true)) ?? ""
        }
        return texts.joined(separator: "---\n")
    }
}

/// What is wrong with a YAML text, and in which line.
public struct YAMLError: Error, Hashable, CustomStringConvertible {
    public let problem: String
    /// Counted from 1, where it is known.
    public let line: Int?

    public init(_ problem: String, line: Int?) {
        self.problem = problem
        self.line = line
    }

    public var description: String { line.map { "yaml: line \($0): \(problem)" } ?? "yaml: \(problem)" }

    init(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            self.init(problem, line: mark.line)
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { offset in yaml.prefix(offset).utf8.count { $0 == UInt8(ascii: "\n") } + 1 }
            self.init(problem, line: line)
        case .duplicatedKeysInMapping(let keys, let context):
            self.init("key \"\(keys.first ?? "")\" already set in map", line: context.mark.line)
        case .memory: self.init("out of memory", line: nil)
        default: self.init("cannot be read", line: nil)
        }
    }
}

/// Makes JSON values of Yams' nodes.
private struct YAMLReader {
    let limits: YAML.Limits
    /// How many more values may be made.
    var budget: Int

    init(limits: YAML.Limits, budget: Int) {
        self.limits = limits
        self.budget = budget
    }

    /// Whether a document holds nothing, as between two `---`.
    static func isEmpty(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.string.isEmpty && scalar.style == .plain && scalar.tag.rawValue.isEmpty
    }

    mutating func value(of node: Node, depth: Int) throws(YAMLError) -> JSONValue {
        budget -= 1
        guard budget >= 0 else { throw YAMLError("document contains excessive aliasing", line: node.mark?.line) }
        guard depth <= limits.depth else {
            throw YAMLError("nesting exceeds \(limits.depth) levels", line: node.mark?.line)
        }
        switch node {
        case .scalar(let scalar): return try value(of: scalar)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            elements.reserveCapacity(sequence.count)
            for element in sequence { elements.append(try value(of: element, depth: depth + 1)) }
            return .array(elements)
        case .mapping(let mapping): return .object(try object(of: mapping, depth: depth))
        case .alias: throw YAMLError("unresolved alias", line: node.mark?.line)
        }
    }

    private mutating func object(of mapping: Node.Mapping, depth: Int) throws(YAMLError) -> JSONObject {
        var object = JSONObject()
        object.reserveCapacity(mapping.count)
        var merged: [JSONObject] = []
        for (key, node) in mapping {
            guard case .scalar(let scalar) = key else {
                throw YAMLError("a key is not a scalar", line: key.mark?.line)
            }
            if scalar.string == "<<", scalar.style == .plain {
                try merge(node, into: &merged, depth: depth)
                continue
            }
            let name = try self.name(of: scalar)
            guard object[name] == nil else {
                throw YAMLError("key \"\(name)\" already set in map", line: scalar.mark?.line)
            }
            object[name] = try value(of: node, depth: depth + 1)
        }
        // What a mapping says itself goes before what it merges, and earlier merges before later ones.
        for source in merged {
            for (name, value) in source where object[name] == nil { object[name] = value }
        }
        return object
    }

    private mutating func merge(_ node: Node, into merged: inout [JSONObject], depth: Int) throws(YAMLError) {
        let sources: [Node]
        if case .sequence(let sequence) = node { sources = Array(sequence) } else { sources = [node] }
        for source in sources {
            guard case .mapping(let mapping) = source else {
                throw YAMLError("map merge requires map or sequence of maps as the value", line: node.mark?.line)
            }
            merged.append(try object(of: mapping, depth: depth + 1))
        }
    }

    /// A key as text: numbers and booleans become what JSON would write for them.
    private func name(of scalar: Node.Scalar) throws(YAMLError) -> String {
        // Comparing keys has made the tag of a plain one `!!str`.
        guard scalar.style == .plain else { return scalar.string }
        switch YAMLScalar.resolve(scalar.string) {
        case .string(let text): return text
        case nil: return scalar.string
        case .integer(let integer): return String(integer)
        case .number(let number): return number.text
        case .bool(let bool): return bool ? "true" : "false"
        default: throw YAMLError("a key is null", line: scalar.mark?.line)
        }
    }

    private func value(of scalar: Node.Scalar) throws(YAMLError) -> JSONValue {
        let text = scalar.string
        let line = scalar.mark?.line
        func noSuchNumber() -> YAMLError { YAMLError("JSON has no number \(text)", line: line) }
        func mismatch(_ type: String) -> YAMLError { YAMLError("cannot decode `\(text)` as a !!\(type)", line: line) }
        switch scalar.tag.rawValue {
        case "":
            guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
            guard let value = YAMLScalar.resolve(text) else { throw noSuchNumber() }
            return value
        case "tag:yaml.org,2002:int":
            guard case .integer(let integer)? = YAMLScalar.number(text) else { throw mismatch("int") }
            return .integer(integer)
        case "tag:yaml.org,2002:float":
            guard let number = YAMLScalar.number(text) else { throw mismatch("float") }
            return number
        case "tag:yaml.org,2002:bool":
            guard case .bool(let bool)? = YAMLScalar.resolve(text) else { throw mismatch("bool") }
            return .bool(bool)
        case "tag:yaml.org,2002:null":
            guard YAMLScalar.resolve(text) == .null else { throw mismatch("null") }
            return .null
        case "tag:yaml.org,2002:binary":
            throw YAMLError("!!binary is not supported: write the base64 text as a string", line: line)
        default: return .string(text)
        }
    }
}

/// Makes Yams' nodes of JSON values.
private enum YAMLNodes {
    static func node(of value: JSONValue) -> Node {
        switch value {
        case .null: plain("null")
        case .bool(let bool): plain(bool ? "true" : "false")
        case .integer(let integer): plain(String(integer))
        case .number(let number): plain(number.text)
        case .string(let text): node(of: text)
        case .array(let elements):
            Node(elements.map(node(of:)), tag(.seq), elements.isEmpty ? .flow : .block)
        case .object(let object):
            Node(object.map { (node(of: $0.key), node(of: $0.value)) }, tag(.map), object.isEmpty ? .flow : .block)
        }
    }

    private static func tag(_ name: Tag.Name) -> Tag { Tag(name, .basic) }

    private static func plain(_ text: String) -> Node { Node(text, tag(.implicit), .plain) }

    private static func node(of text: String) -> Node {
        let style: Node.Scalar.Style =
            if YAMLScalar.needsQuotes(text) {
                .doubleQuoted
            } else if text.utf8.contains(UInt8(ascii: "\n")) {
                .literal  // the emitter falls back to quotes where a block cannot hold the text
            } else {
                .any
            }
        return Node(text, tag(.str), style)
    }
}
