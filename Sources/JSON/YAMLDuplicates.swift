import CYaml
import Yams

/// Reads YAML in which a mapping has a key twice. Yams refuses that, while Kubernetes takes the last one and warns.
///
/// A second pass over the parser's events, made only after Yams has met such a key.
final class YAMLDuplicates {
    /// How many duplicates are reported at most.
    private static let limit = 100
    private static let depthLimit = 1_000

    /// `line 5: key "name" already set in map`, in the order of the document.
    private(set) var lines: [String] = []
    private var parser = yaml_parser_t()
    private var anchors: [String: Node] = [:]

    private init() { yaml_parser_initialize(&parser) }

    deinit { yaml_parser_delete(&parser) }

    /// The documents of `text`, the last of several entries with one key in each mapping.
    static func read(_ text: String) throws(YAMLError) -> (documents: [Node], lines: [String]) {
        let reader = YAMLDuplicates()
        let bytes = Array(text.utf8)
        let result: Result<[Node], YAMLError> = bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&reader.parser, buffer.baseAddress, buffer.count)
            do throws(YAMLError) {
                return .success(try reader.documents())
            } catch {
                return .failure(error)
            }
        }
        return (try result.get(), reader.lines)
    }

    /// An event of libyaml's, freed with its owner.
    private final class Event {
        var raw = yaml_event_t()
        deinit { yaml_event_delete(&raw) }

        var line: Int { raw.start_mark.line + 1 }

        static func text(_ pointer: UnsafePointer<UInt8>?) -> String? { pointer.map { String(cString: $0) } }
    }

    private func next() throws(YAMLError) -> Event {
        let event = Event()
        guard yaml_parser_parse(&parser, &event.raw) == 1 else {
            let problem = parser.problem.map { String(cString: $0) } ?? "cannot be read"
            throw YAMLError(problem, line: parser.problem_mark.line + 1)
        }
        return event
    }

    private func documents() throws(YAMLError) -> [Node] {
        var documents: [Node] = []
        while true {
            let event = try next()
            switch event.raw.type {
            case YAML_STREAM_END_EVENT: return documents
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
            case YAML_DOCUMENT_START_EVENT: documents.append(try node(of: try next(), depth: 0))
            default: throw YAMLError("cannot be read", line: event.line)
            }
        }
    }

    private func node(of event: Event, depth: Int) throws(YAMLError) -> Node {
        guard depth < Self.depthLimit else {
            throw YAMLError("nesting exceeds \(Self.depthLimit) levels", line: event.line)
        }
        switch event.raw.type {
        case YAML_ALIAS_EVENT:
            guard let name = Event.text(event.raw.data.alias.anchor), let node = anchors[name] else {
                throw YAMLError("found undefined alias", line: event.line)
            }
            return node
        case YAML_SCALAR_EVENT:
            let scalar = event.raw.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let tag = scalar.quoted_implicit == 1 ? Tag.Name.str.rawValue : Event.text(scalar.tag)
            return keep(
                .scalar(.init(text, Self.tag(tag), .init(rawValue: scalar.style.rawValue) ?? .any)),
                Event.text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.raw.data.sequence_start
            var elements: [Node] = []
            var inner = try next()
            while inner.raw.type != YAML_SEQUENCE_END_EVENT {
                elements.append(try node(of: inner, depth: depth + 1))
                inner = try next()
            }
            return keep(.sequence(.init(elements, Tag.implicit, .any)), Event.text(start.anchor))
        case YAML_MAPPING_START_EVENT:
            let start = event.raw.data.mapping_start
            let entries = try entries(depth: depth)
            return keep(.mapping(.init(entries, Tag.implicit, .any)), Event.text(start.anchor))
        default: throw YAMLError("cannot be read", line: event.line)
        }
    }

    private func entries(depth: Int) throws(YAMLError) -> [(Node, Node)] {
        var entries: [(Node, Node)] = []
        var positions: [String: Int] = [:]
        var event = try next()
        while event.raw.type != YAML_MAPPING_END_EVENT {
            let key = try node(of: event, depth: depth + 1)
            guard case .scalar(let scalar) = key else {
                throw YAMLError("a key is not a scalar", line: event.line)
            }
            let line = event.line
            let value = try node(of: try next(), depth: depth + 1)
            if let position = positions[scalar.string], scalar.string != "<<" {
                if lines.count < Self.limit {
                    lines.append("line \(line): key \"\(scalar.string)\" already set in map")
                }
                entries[position] = (key, value)
            } else {
                positions[scalar.string] = entries.count
                entries.append((key, value))
            }
            event = try next()
        }
        return entries
    }

    private func keep(_ node: Node, _ anchor: String?) -> Node {
        if let anchor { anchors[anchor] = node }
        return node
    }

    private static func tag(_ name: String?) -> Tag {
        Tag(name.map(Tag.Name.init(rawValue:)) ?? .implicit, .basic)
    }
}
