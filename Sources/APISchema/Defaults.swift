import JSON
import KubeTypes

/// Filling in what a client left out, as upstream's defaulting functions do it: the rule table for fields whose default
/// depends on nothing, small functions for the others. Both are keyed by message, so that a pod template gets its
/// defaults wherever it stands.
extension Schema {
    /// Fills in the defaults of `object`, which has been decoded as `resource`'s message.
    /// - Parameter known: a value that has all its defaults and that this one was made from: what it still shares with it
    ///   stays shared.
    public func applyDefaults(to object: inout JSONValue, of resource: ResourceType, over known: JSONValue? = nil) {
        applyDefaults(to: &object, as: resource.message, over: known)
    }

    /// Fills in the defaults of a value that has been decoded as `message`.
    public func applyDefaults(to value: inout JSONValue, as message: MessageType, over known: JSONValue? = nil) {
        if let custom = message.custom, case .object(var object) = value {
            value = .null
            custom.applyDefaults(to: &object)
            value = .object(object)
            return
        }
        guard message.hasDefaults, case .object(var object) = value else { return }
        value = .null
        Self.fill(&object, message, over: known?.objectValue)
        value = .object(object)
    }

    private static func fill(_ object: inout JSONObject, _ message: MessageType, over known: JSONObject? = nil) {
        for field in message.defaultedFields {
            guard let rule = field.rule, let value = rule.defaultValue else { continue }
            if isMissing(object[field.name], zeroIsMissing: rule.zeroIsMissing) { object[field.name] = value }
        }
        if let function = message.defaultFunction {
            if known == nil {
                function(&object)
            } else {
                // It copies what it only looks at: what it leaves as it was stays shared.
                var filled = object
                function(&filled)
                if filled != object { object = filled }
            }
        }
        for field in message.fieldsWithDefaults {
            guard object[field.name] != nil, let inner = field.type.message else { continue }
            if let known, known.shares(field.name, with: object) { continue }
            object.update(field.name) { value in fill(&value, field.type, inner) }
        }
    }

    private static func fill(_ value: inout JSONValue?, _ type: FieldType, _ message: MessageType) {
        // The value is let go of before it is changed, so that it is changed in place.
        switch (type, value) {
        case (.message, .object(var object)?):
            value = nil
            fill(&object, message)
            value = .object(object)
        case (.list(let element), .array(var elements)?):
            value = nil
            for index in elements.indices {
                var one: JSONValue? = elements[index]
                elements[index] = .null
                fill(&one, element, message)
                elements[index] = one ?? .null
            }
            value = .array(elements)
        case (.map(let element), .object(var entries)?):
            value = nil
            for key in Array(entries.keys) { entries.update(key) { entry in fill(&entry, element, message) } }
            value = .object(entries)
        default: break
        }
    }

    private static func isMissing(_ value: JSONValue?, zeroIsMissing: Bool) -> Bool {
        switch value {
        case nil, .null: true
        case .string(let text): text.isEmpty
        case .integer(0), .bool(false): zeroIsMissing
        default: false
        }
    }
}

extension JSONObject {
    /// Whether the field is there and says something: neither null, nor empty text.
    func has(_ key: String) -> Bool {
        switch self[key] {
        case nil, .null, .string(""): false
        default: true
        }
    }

    /// Sets the field where it is missing.
    mutating func setDefault(_ key: String, _ value: JSONValue) {
        if !has(key) { self[key] = value }
    }

    /// Changes the object in the field `key` in place; does nothing where there is none.
    mutating func change(_ key: String, _ body: (inout JSONObject) -> Void) {
        update(key) { value in
            guard case .object(var object)? = value else { return }
            value = nil
            body(&object)
            value = .object(object)
        }
    }

    /// Changes the object in the field `key`, which is made if it is missing.
    mutating func changeOrMake(_ key: String, _ body: (inout JSONObject) -> Void) {
        if self[key]?.objectValue == nil { self[key] = [:] }
        change(key, body)
    }

    /// Changes every object of the list in the field `key` in place.
    mutating func changeEach(_ key: String, _ body: (inout JSONObject) -> Void) {
        update(key) { value in
            guard case .array(var elements)? = value else { return }
            value = nil
            for index in elements.indices {
                guard case .object(var object) = elements[index] else { continue }
                elements[index] = .null
                body(&object)
                elements[index] = .object(object)
            }
            value = .array(elements)
        }
    }
}
