import CYaml

/// The events of a YAML text, as libyaml tells them.
final class YAMLEvents {
    /// An event of libyaml's, freed with its owner.
    final class Event {
        fileprivate(set) var raw = yaml_event_t()
        deinit { yaml_event_delete(&raw) }

        var type: yaml_event_type_t { raw.type }
        /// Counted from 1.
        var line: Int { raw.start_mark.line + 1 }
        /// The name under which what begins here can be repeated.
        var anchor: String? {
            switch raw.type {
            case YAML_ALIAS_EVENT: Self.text(raw.data.alias.anchor)
            case YAML_SCALAR_EVENT: Self.text(raw.data.scalar.anchor)
            case YAML_SEQUENCE_START_EVENT: Self.text(raw.data.sequence_start.anchor)
            case YAML_MAPPING_START_EVENT: Self.text(raw.data.mapping_start.anchor)
            default: nil
            }
        }

        static func text(_ pointer: UnsafePointer<UInt8>?) -> String? { pointer.map { String(cString: $0) } }
    }

    private var parser = yaml_parser_t()

    private init() { yaml_parser_initialize(&parser) }

    deinit { yaml_parser_delete(&parser) }

    /// Calls `body` with the events of `text`, which are gone when it returns.
    static func read<Result>(
        _ text: String, _ body: (YAMLEvents) throws(YAMLError) -> Result
    ) throws(YAMLError) -> Result {
        let events = YAMLEvents()
        let bytes = Array(text.utf8)
        let result: Swift.Result<Result, YAMLError> = bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_encoding(&events.parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&events.parser, buffer.baseAddress, buffer.count)
            do throws(YAMLError) {
                return .success(try body(events))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func next() throws(YAMLError) -> Event {
        let event = Event()
        guard yaml_parser_parse(&parser, &event.raw) == 1 else {
            let problem = parser.problem.map { String(cString: $0) } ?? "cannot be read"
            throw YAMLError(problem, line: parser.problem_mark.line + 1)
        }
        return event
    }
}
