import JSON
import KubeTypes

/// Ways of going down into an object while validating it, and the checks that many kinds share. Paths are kept as
/// steps; text is made of them only when something is wrong.
extension Validator {
    /// Reports of `body` are about the field `name`.
    mutating func at(_ name: String, _ body: (inout Validator) -> Void) {
        steps.append(.field(name))
        body(&self)
        steps.removeLast()
    }

    /// Reports of `body` are about an element.
    mutating func at(index: Int, _ body: (inout Validator) -> Void) {
        steps.append(.index(index))
        body(&self)
        steps.removeLast()
    }

    /// Looks at each object of the list in the field `name`, with its position.
    mutating func elements(_ name: String, of object: JSONObject, _ body: (Int, JSONObject, inout Validator) -> Void) {
        guard case .array(let elements)? = object[name], !elements.isEmpty else { return }
        steps.append(.field(name))
        for (index, element) in elements.enumerated() {
            guard case .object(let inner) = element else { continue }
            steps.append(.index(index))
            body(index, inner, &self)
            steps.removeLast()
        }
        steps.removeLast()
    }

    /// Looks at each string of the list in the field `name`.
    mutating func strings(_ name: String, of object: JSONObject, _ body: (String, inout Validator) -> Void) {
        guard case .array(let elements)? = object[name], !elements.isEmpty else { return }
        steps.append(.field(name))
        for (index, element) in elements.enumerated() {
            steps.append(.index(index))
            body(element.stringValue ?? "", &self)
            steps.removeLast()
        }
        steps.removeLast()
    }

    /// Looks at each entry of the map in the field `name`; reports are about `name[key]`.
    mutating func entries(_ name: String, of object: JSONObject, _ body: (String, JSONValue, inout Validator) -> Void) {
        guard case .object(let entries)? = object[name], !entries.isEmpty else { return }
        steps.append(.field(name))
        for (key, value) in entries {
            steps.append(.key(key))
            body(key, value, &self)
            steps.removeLast()
        }
        steps.removeLast()
    }

    // MARK: Reports

    mutating func invalid(_ child: String, _ value: String, _ details: [String]) {
        if details.isEmpty { return }
        invalid(child, .string(value), details)
    }

    mutating func invalid(_ child: String, _ value: String, _ detail: String) { invalid(child, .string(value), detail) }

    mutating func notFound(_ child: String, _ value: String, _ detail: String = "") {
        var error = FieldError.notFound(path(to: child), .string(value))
        if !detail.isEmpty { error.message += ": \(detail)" }
        report(error)
    }

    mutating func duplicate(_ child: String, _ value: String) { duplicate(child, .string(value)) }

    mutating func tooLong(_ child: String, limit: Int) { report(.tooLong(path(to: child), limit: limit)) }

    mutating func tooMany(_ child: String, count: Int, limit: Int) {
        report(.tooMany(path(to: child), count: count, limit: limit))
    }

    // MARK: Checks

    /// A string that, where the field is there, must be one of `values`; empty counts as wrong too.
    mutating func oneOf(_ name: String, _ object: JSONObject, _ values: [String]) {
        guard let value = object[name], !value.isNull, !values.contains(value.stringValue ?? "") else { return }
        unsupported(name, value, values)
    }

    /// The same, but the field must be there and not be empty.
    mutating func requiredOneOf(_ name: String, _ object: JSONObject, _ values: [String], detail: String = "") {
        if object[string: name].isEmpty { required(name, detail) } else { oneOf(name, object, values) }
    }

    mutating func nonNegative(_ names: [String], _ object: JSONObject) {
        for name in names {
            if let value = object[name]?.integerValue, value < 0 {
                invalid(name, .integer(value), "must be greater than or equal to 0")
            }
        }
    }

    /// A name that must not be empty, in a form.
    mutating func requiredName(_ name: String, _ object: JSONObject, _ form: (String) -> [String]) {
        let text = object[string: name]
        if text.isEmpty { required(name) } else { invalid(name, text, form(text)) }
    }

    /// A name that, if it is there, has a form.
    mutating func optionalName(_ name: String, _ object: JSONObject, _ form: (String) -> [String]) {
        let text = object[string: name]
        if !text.isEmpty { invalid(name, text, form(text)) }
    }

    /// A relative path that stays below where it begins.
    mutating func descendingPath(_ child: String, _ text: String) {
        if text.hasPrefix("/") { invalid(child, text, "must be a relative path") }
        noBacksteps(child, text)
    }

    /// The same, and it does not begin with dots, which the kubelet keeps for itself.
    mutating func nonReservedPath(_ child: String, _ text: String) {
        descendingPath(child, text)
        if text.hasPrefix(".."), !text.hasPrefix("../") { invalid(child, text, "must not start with '..'") }
    }

    mutating func noBacksteps(_ child: String, _ text: String) {
        guard text.contains(".."), text.split(separator: "/").contains("..") else { return }
        invalid(child, text, "must not contain '..'")
    }

    /// A field that is now something else than it was.
    mutating func immutable(_ child: String, _ new: JSONValue?, _ old: JSONValue?) {
        if !Self.areSame(new, old) { invalid(child, new ?? .null, "field is immutable") }
    }

    /// Whether two values mean the same to Go: null, missing, and empty lists and maps are alike.
    static func areSame(_ new: JSONValue?, _ old: JSONValue?) -> Bool {
        switch (new, old) {
        case (nil, nil), (.null?, nil), (nil, .null?): return true
        case (let value?, nil), (nil, let value?), (.null?, let value?), (let value?, .null?):
            if case .object(let object) = value { return object.isEmpty }
            if case .array(let list) = value { return list.isEmpty }
            return value.isNull
        case (.object(let new)?, .object(let old)?):
            if new == old { return true }
            for (key, value) in new where !areSame(value, old[key]) { return false }
            for (key, value) in old where new[key] == nil && !areSame(nil, value) { return false }
            return true
        case (.array(let new)?, .array(let old)?):
            return new.count == old.count && zip(new, old).allSatisfy { areSame($0, $1) }
        case (let new?, let old?): return new == old
        }
    }

    /// An error with any message is an error: used where upstream checks something on the side.
    func newErrors(since count: Int) -> Bool { errors.count > count }
}

extension JSONValue {
    /// What Go would take for a field that was not given.
    var isEmptyOrZero: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .string(""): true
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }
}
