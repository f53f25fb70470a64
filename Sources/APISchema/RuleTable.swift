import JSON

/// What the rule table says about a field: its default, and what values it may have. Constant once it has been read,
/// before anyone else sees it: that is what the unchecked promises.
final class FieldRule: @unchecked Sendable {
    var defaultValue: JSONValue?
    /// `0` and `false` are filled with the default as well: Go's decoder cannot tell them from a missing field.
    var zeroIsMissing = false
    /// The values that are supported; nil if any is.
    var values: [String]?
    var isRequired = false
    var minimum: Int64?
    var maximum: Int64?
    var format: FieldFormat?

    /// Whether some value can break it.
    var hasChecks: Bool {
        values != nil || isRequired || minimum != nil || maximum != nil || format != nil
    }
}

/// A form that strings must have.
enum FieldFormat: String, Sendable {
    case dns1123Label = "label"
    case dns1123Subdomain = "subdomain"
    case dns1035Label = "dns1035"
    case portName = "portname"
    case environmentName = "envname"
    case configKey = "configkey"
    case absolutePath = "abspath"
    case qualifiedName = "qualified"
    /// A map of labels.
    case labels
    case labelSelector = "selector"
    /// A port by number or name.
    case port
    /// A positive count or a percentage.
    case countOrPercent = "percent"
    case ipAddress = "ip"
}

/// Reads rules.table and hangs its rules on the fields of messages.
enum RuleTable {
    static func apply(_ text: TableText, to messages: TypeTable.Messages) {
        var message: MessageType?
        for line in TableLines(text) {
            guard line.isIndented else {
                if line[0] == "inherit" {
                    connect(line[1].string, to: line[2].string, messages)
                    message = nil
                    continue
                }
                precondition(line[0] == "message", "\(text.name):\(line.number): not understood")
                message = messages.byName[line[1].string]
                precondition(message != nil, "\(text.name):\(line.number): there is no \(line[1].string)")
                continue
            }
            guard let message else { continue }
            let name = line[0].string
            guard let index = message.fields.firstIndex(where: { $0.name == name }) else {
                preconditionFailure("\(text.name):\(line.number): \(message.name) has no \(name)")
            }
            message.fields[index].rule = rule(line, text.name)
        }
        for message in messages.all { inherit(message, messages.byName) }
        mark(messages.all)
    }

    private static func connect(_ package: String, to model: String, _ messages: TypeTable.Messages) {
        for message in messages.all where message.package == package && message.origin == nil {
            let origin = "\(model).\(message.shortName)"
            if messages.byName[origin] != nil { message.origin = origin }
        }
    }

    private static func rule(_ line: TableLine, _ name: String) -> FieldRule {
        let rule = FieldRule()
        var rest = line.words[1...]
        func next() -> Word {
            guard let word = rest.popFirst() else {
                preconditionFailure("\(name):\(line.number): something is missing at the end")
            }
            return word
        }
        while let word = rest.popFirst() {
            if word == "=" || word == "=~" {
                let text = next()
                guard let value = try? JSONParser.parse(text.bytes) else {
                    preconditionFailure("\(name):\(line.number): \(text.string) is no JSON")
                }
                rule.defaultValue = value
                rule.zeroIsMissing = word == "=~"
            } else if word == "in" {
                rule.values = next().list
            } else if word == "required" {
                rule.isRequired = true
            } else if word == ">=" {
                rule.minimum = next().integer.map(Int64.init)
            } else if word == "<=" {
                rule.maximum = next().integer.map(Int64.init)
            } else if word == "is" {
                let format = next().string
                rule.format = FieldFormat(rawValue: format)
                precondition(rule.format != nil, "\(name):\(line.number): \(format) is no format")
            } else {
                precondition(word == "none", "\(name):\(line.number): \(word.string) is not understood")
            }
        }
        return rule
    }

    /// Messages made after another one have its rules, where they have none of their own.
    private static func inherit(_ message: MessageType, _ byName: [String: MessageType]) {
        guard let origin = message.origin.flatMap({ byName[$0] }) else { return }
        for index in message.fields.indices where message.fields[index].rule == nil {
            message.fields[index].rule = origin.field(message.fields[index].name)?.rule
        }
    }

    /// Marks the messages that defaulting and validation have to look into: those with rules or functions of their own
    /// and those that reach one.
    private static func mark(_ messages: [MessageType]) {
        var holders: [MessageType: [MessageType]] = [:]
        holders.reserveCapacity(messages.count)
        var defaulting: [MessageType] = []
        var checking: [MessageType] = []
        for message in messages {
            message.defaultFunction = DefaultFunctions.byMessage[message.name]
            message.validationFunction = ValidationFunctions.byMessage[message.name]
            var givesDefaults = message.defaultFunction != nil
            var checks = message.validationFunction != nil
            for field in message.fields {
                if let rule = field.rule {
                    givesDefaults = givesDefaults || rule.defaultValue != nil
                    checks = checks || rule.hasChecks
                }
                if let inner = field.type.message, inner.scalar == nil { holders[inner, default: []].append(message) }
            }
            if givesDefaults { defaulting.append(message) }
            if checks { checking.append(message) }
        }
        spread(defaulting, through: holders, \.hasDefaults)
        spread(checking, through: holders, \.hasChecks)
        for message in messages where message.hasDefaults || message.hasChecks {
            message.defaultedFields = message.fields.filter { $0.rule?.defaultValue != nil }
            message.checkedFields = message.fields.filter { $0.rule?.hasChecks ?? false }
            message.fieldsWithDefaults = message.fields.filter { $0.type.message?.hasDefaults ?? false }
            message.fieldsWithChecks = message.fields.filter { $0.type.message?.hasChecks ?? false }
        }
    }

    /// Sets the mark on messages, on those that hold one of them, and so on.
    private static func spread(
        _ messages: [MessageType], through holders: [MessageType: [MessageType]],
        _ mark: ReferenceWritableKeyPath<MessageType, Bool>
    ) {
        var waiting = messages
        while let message = waiting.popLast() {
            if message[keyPath: mark] { continue }
            message[keyPath: mark] = true
            waiting += holders[message] ?? []
        }
    }
}
