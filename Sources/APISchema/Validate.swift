import JSON
import KubeTypes

/// Structural validation: required fields, supported values, bounds and forms from the rule table, and small functions
/// for what concerns several fields. Paths and messages are upstream's.
extension Schema {
    /// What is wrong with `object`, which has been decoded and defaulted as `resource`: the causes of a 422. Empty if it
    /// is right. The name itself is not looked at: `Names.problems(ofName:of:prefix:)`.
    public func validateStructure(_ object: JSONValue, of resource: ResourceType) -> [FieldError] {
        validate(object, as: resource.message)
    }

    /// What is wrong with a value that has been decoded and defaulted as `message`.
    public func validate(_ value: JSONValue, as message: MessageType) -> [FieldError] {
        guard message.hasChecks, case .object(let object) = value else { return [] }
        var validator = Validator(root: object, message)
        validator.check(object, message)
        return validator.errors
    }
}

/// One validation: where it stands, and what it has found.
struct Validator {
    private(set) var errors: [FieldError] = []
    var steps: [Step] = []
    /// The whole object, and the message it is of.
    var root = JSONObject()
    var rootMessage = ""
    /// The group and version in which the object is written: some rules came with a later one.
    var apiVersion = ""
    var version: Substring { apiVersion.split(separator: "/").last ?? "" }

    init() {}

    /// - Parameter root: the whole object, of `message`.
    init(root: JSONObject, _ message: MessageType, _ apiVersion: String = "") {
        self.root = root
        rootMessage = message.name
        self.apiVersion = apiVersion
    }

    enum Step {
        case field(String)
        case key(String)
        case index(Int)
    }

    /// The path to `child` of the object being looked at, or to itself.
    func path(to child: String = "") -> String {
        var text = ""
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : ".\(name)"
            case .key(let key): text += "[\(key)]"
            case .index(let index): text += "[\(index)]"
            }
        }
        if child.isEmpty { return text }
        return text.isEmpty || child.hasPrefix("[") ? text + child : "\(text).\(child)"
    }

    mutating func report(_ error: FieldError) { errors.append(error) }

    mutating func required(_ child: String, _ detail: String = "") { report(.required(path(to: child), detail)) }

    mutating func invalid(_ child: String, _ value: JSONValue, _ detail: String) {
        report(.invalid(path(to: child), value, detail))
    }

    mutating func invalid(_ child: String, _ value: JSONValue, _ details: [String]) {
        for detail in details { invalid(child, value, detail) }
    }

    mutating func forbidden(_ child: String, _ detail: String) { report(.forbidden(path(to: child), detail)) }

    mutating func duplicate(_ child: String, _ value: JSONValue) { report(.duplicate(path(to: child), value)) }

    mutating func unsupported(_ child: String, _ value: JSONValue, _ supported: [String]) {
        report(.notSupported(path(to: child), value, supported))
    }

    /// Looks at the object in the field `name` with `body`, which reports relative to it.
    mutating func inside(_ name: String, of object: JSONObject, _ body: (JSONObject, inout Validator) -> Void) {
        guard case .object(let inner)? = object[name] else { return }
        steps.append(.field(name))
        body(inner, &self)
        steps.removeLast()
    }

    /// Looks at each object of the list in the field `name`.
    mutating func each(_ name: String, of object: JSONObject, _ body: (JSONObject, inout Validator) -> Void) {
        guard case .array(let elements)? = object[name] else { return }
        steps.append(.field(name))
        for (index, element) in elements.enumerated() {
            guard case .object(let inner) = element else { continue }
            steps.append(.index(index))
            body(inner, &self)
            steps.removeLast()
        }
        steps.removeLast()
    }

    mutating func check(_ object: JSONObject, _ message: MessageType) {
        for field in message.checkedFields {
            if let rule = field.rule { check(object[field.name], field.name, rule) }
        }
        if let function = message.validationFunction { function(object, &self) }
        for field in message.fieldsWithChecks {
            guard let value = object[field.name], let inner = field.type.message else { continue }
            steps.append(.field(field.name))
            check(value, field.type, inner)
            steps.removeLast()
        }
    }

    mutating func check(_ value: JSONValue, _ type: FieldType, _ message: MessageType) {
        switch (type, value) {
        case (.message, .object(let object)): check(object, message)
        case (.list(let element), .array(let elements)):
            for (index, one) in elements.enumerated() {
                steps.append(.index(index))
                check(one, element, message)
                steps.removeLast()
            }
        case (.map(let element), .object(let entries)):
            for (key, one) in entries {
                steps.append(.key(key))
                check(one, element, message)
                steps.removeLast()
            }
        default: break
        }
    }

    private mutating func check(_ value: JSONValue?, _ name: String, _ rule: FieldRule) {
        guard let value, !isEmpty(value, rule) else {
            guard rule.isRequired else { return }
            // A port that is not given is port 0, which is none.
            if rule.format == .port {
                invalid(name, 0, "must be between 1 and 65535, inclusive")
            } else {
                required(name)
            }
            return
        }
        if let supported = rule.values, let text = value.stringValue, !supported.contains(text) {
            unsupported(name, value, supported)
            return
        }
        if let integer = value.integerValue { checkBounds(integer, name, rule) }
        if let format = rule.format { check(value, name, format) }
    }

    /// Zero counts as missing where zero is out of bounds, as it does for Go's numbers.
    private func isEmpty(_ value: JSONValue, _ rule: FieldRule) -> Bool {
        switch value {
        case .null: true
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty && rule.isRequired && rule.format != .labelSelector
        case .integer(0): rule.isRequired && (rule.minimum ?? 0) > 0
        default: false
        }
    }

    private mutating func checkBounds(_ value: Int64, _ name: String, _ rule: FieldRule) {
        let minimum = rule.minimum ?? .min
        let maximum = rule.maximum ?? .max
        guard value < minimum || value > maximum else { return }
        if maximum == 511 {
            invalid(name, .integer(value), "must be a number between 0 and 0777 (octal), both inclusive")
        } else if rule.maximum != nil, rule.minimum != nil {
            invalid(name, .integer(value), "must be between \(minimum) and \(maximum), inclusive")
        } else if minimum == 1 {
            invalid(name, .integer(value), "must be greater than 0")
        } else {
            invalid(name, .integer(value), "must be greater than or equal to \(minimum)")
        }
    }

    private mutating func check(_ value: JSONValue, _ name: String, _ format: FieldFormat) {
        switch format {
        case .labels: checkLabels(value, name)
        case .labelSelector:
            if case .object = value { checkSelector(value, name) }
        case .port:
            if let number = value.integerValue, !(1...65535).contains(number) {
                invalid(name, value, "must be between 1 and 65535, inclusive")
            } else if let text = value.stringValue {
                invalid(name, value, Names.isPortName(text))
            }
        case .countOrPercent:
            if let number = value.integerValue, number < 0 {
                invalid(name, value, "must be greater than or equal to 0")
            } else if let text = value.stringValue,
                !text.hasSuffix("%") || text.utf8.count < 2
                    || !text.utf8.dropLast().allSatisfy({ (0x30...0x39).contains($0) })
            {
                invalid(
                    name, value,
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
                        + "regex used for validation is '[0-9]+%')")
            }
        default:
            if let text = value.stringValue { invalid(name, value, problems(of: text, format)) }
        }
    }

    private func problems(of text: String, _ format: FieldFormat) -> [String] {
        switch format {
        case .dns1123Label: Names.isDNS1123Label(text)
        case .dns1123Subdomain: Names.isDNS1123Subdomain(text)
        case .dns1035Label: Names.isDNS1035Label(text)
        case .portName: Names.isPortName(text)
        case .environmentName: Names.isEnvironmentName(text)
        case .configKey: Names.isConfigMapKey(text)
        case .qualifiedName: Names.isQualifiedName(text)
        case .absolutePath: text.hasPrefix("/") ? [] : ["must be an absolute path"]
        case .ipAddress:
            AddressText.isPlain(text) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
        case .labels, .labelSelector, .port, .countOrPercent: []
        }
    }

    /// Keys and values of labels.
    mutating func checkLabels(_ value: JSONValue?, _ name: String) {
        for (key, value) in value?.objectValue ?? [:] {
            invalid(name, .string(key), Names.isQualifiedName(key))
            invalid(name, value, Names.isLabelValue(value.stringValue ?? ""))
        }
    }

    /// Labels and expressions of a selector.
    mutating func checkSelector(_ value: JSONValue, _ name: String) {
        checkLabels(value["matchLabels"], "\(name).matchLabels")
        for (index, expression) in (value["matchExpressions"]?.arrayValue ?? []).enumerated() {
            let base = "\(name).matchExpressions[\(index)]"
            let values = expression["values"]?.arrayValue ?? []
            switch expression["operator"]?.stringValue {
            case "In", "NotIn":
                if values.isEmpty { required("\(base).values", "must be specified when `operator` is 'In' or 'NotIn'") }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    forbidden("\(base).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            default: invalid("\(base).operator", expression["operator"] ?? "", "not a valid selector operator")
            }
            let key = expression["key"]?.stringValue ?? ""
            invalid("\(base).key", .string(key), Names.isQualifiedName(key))
            for (position, value) in values.enumerated() {
                invalid("\(base).values[\(position)]", value, Names.isLabelValue(value.stringValue ?? ""))
            }
        }
    }
}
