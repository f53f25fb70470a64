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
    private let events: YAMLEvents
    private var anchors: [String: Node] = [:]

    private init(_ events: YAMLEvents) { self.events = events }

    /// The documents of `text`, the last of several entries with one key in each mapping.
    static func read(_ text: String) throws(YAMLError) -> (documents: [Node], lines: [String]) {
        try YAMLEvents.read(text) { events throws(YAMLError) in
            let reader = YAMLDuplicates(events)
            return (try reader.documents(), reader.lines)
        }
    }

    private func documents() throws(YAMLError) -> [Node] {
        var documents: [Node] = []
        while true {
            let event = try events.next()
            switch event.type {
            case YAML_STREAM_END_EVENT: return documents
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
            case YAML_DOCUMENT_START_EVENT: documents.append(try node(of: try events.next(), depth: 0))
            default: throw YAMLError("cannot be read", line: event.line)
            }
        }
    }

    private func node(of event: YAMLEvents.Event, depth: Int) throws(YAMLError) -> Node {
        guard depth < Self.depthLimit else {
            throw YAMLError("nesting exceeds \(Self.depthLimit) levels", line: event.line)
        }
        switch event.type {
        case YAML_ALIAS_EVENT:
            guard let name = event.anchor, let node = anchors[name] else {
                throw YAMLError("found undefined alias", line: event.line)
            }
            return node
        case YAML_SCALAR_EVENT:
            let scalar = event.raw.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let tag = scalar.quoted_implicit == 1 ? Tag.Name.str.rawValue : YAMLEvents.Event.text(scalar.tag)
            return keep(
                .scalar(.init(text, Self.tag(tag), .init(rawValue: scalar.style.rawValue) ?? .any)),
                event.anchor)
        case YAML_SEQUENCE_START_EVENT:
            var elements: [Node] = []
            var inner = try events.next()
            while inner.type != YAML_SEQUENCE_END_EVENT {
                elements.append(try node(of: inner, depth: depth + 1))
                inner = try events.next()
            }
            return keep(.sequence(.init(elements, Tag.implicit, .any)), event.anchor)
        case YAML_MAPPING_START_EVENT:
            let entries = try entries(depth: depth)
            return keep(.mapping(.init(entries, Tag.implicit, .any)), event.anchor)
        default: throw YAMLError("cannot be read", line: event.line)
        }
    }

    private func entries(depth: Int) throws(YAMLError) -> [(Node, Node)] {
        var entries: [(Node, Node)] = []
        var positions: [String: Int] = [:]
        var event = try events.next()
        while event.type != YAML_MAPPING_END_EVENT {
            let key = try node(of: event, depth: depth + 1)
            guard case .scalar(let scalar) = key else {
                throw YAMLError("a key is not a scalar", line: event.line)
            }
            let line = event.line
            let value = try node(of: try events.next(), depth: depth + 1)
            if let position = positions[scalar.string], scalar.string != "<<" {
                if lines.count < Self.limit {
                    lines.append("line \(line): key \"\(scalar.string)\" already set in map")
                }
                entries[position] = (key, value)
            } else {
                positions[scalar.string] = entries.count
                entries.append((key, value))
            }
            event = try events.next()
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
