import CYaml

/// Finds keys that would cost exponential time before the YAML library sees them.
///
/// Comparing the keys of a mapping walks through them, and a key that is an alias of aliases is as large as what it
/// stands for. No manifest has such keys, so a text that has is refused.
enum YAMLGuard {
    private enum Frame {
        case sequence
        case mapping(keyIsNext: Bool)
    }

    /// The first line (from 1) on which a collection, or an alias of one, is a key; nil in a text without aliases, and in
    /// one that cannot be read.
    static func lineOfCollectionAsKey(_ text: String) -> Int? {
        guard text.utf8.contains(UInt8(ascii: "&")), text.utf8.contains(UInt8(ascii: "*")) else { return nil }
        return try? YAMLEvents.read(text) { events throws(YAMLError) in try firstLine(events) }
    }

    private static func firstLine(_ events: YAMLEvents) throws(YAMLError) -> Int? {
        var frames: [Frame] = []
        var scalars: Set<String> = []
        while true {
            let event = try events.next()
            switch event.type {
            case YAML_STREAM_END_EVENT: return nil
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: frames.removeLast()
            case YAML_SCALAR_EVENT, YAML_ALIAS_EVENT, YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
                if event.type != YAML_ALIAS_EVENT, let anchor = event.anchor {
                    if event.type == YAML_SCALAR_EVENT { scalars.insert(anchor) } else { scalars.remove(anchor) }
                }
                if case .mapping(let keyIsNext)? = frames.last {
                    let isScalar =
                        event.type == YAML_SCALAR_EVENT
                        || (event.type == YAML_ALIAS_EVENT && event.anchor.map(scalars.contains) == true)
                    if keyIsNext, !isScalar { return event.line }
                    frames[frames.count - 1] = .mapping(keyIsNext: !keyIsNext)
                }
                if event.type == YAML_SEQUENCE_START_EVENT { frames.append(.sequence) }
                if event.type == YAML_MAPPING_START_EVENT { frames.append(.mapping(keyIsNext: true)) }
            default: break
            }
        }
    }
}
