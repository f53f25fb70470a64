import JSON
import KubeTypes

/// What the cells of a row are made from: an object, looked at leniently, and the time.
struct TableCells {
    let object: JSONValue
    let now: Time

    var name: JSONValue { .string(self["metadata", "name"].text) }
    var isBeingDeleted: Bool { self["metadata", "deletionTimestamp"].isPresent }

    /// How long ago the object was created.
    var age: JSONValue { .string(since(self["metadata", "creationTimestamp"])) }

    /// The value at the end of `path`; null where there is none.
    subscript(_ path: String...) -> JSONValue {
        var value = object
        for key in path { value = value[key] ?? .null }
        return value
    }

    /// How long ago `time` was.
    func since(_ time: JSONValue) -> String {
        guard let time = time.stringValue.flatMap(Time.init) else { return "<unknown>" }
        return HumanDuration.text(seconds: now.since(time))
    }
}

/// Fields as cells show them.
extension JSONValue {
    var isPresent: Bool { !isNull }

    /// The string; empty where this is none.
    var text: String { stringValue ?? "" }

    /// The integer; 0 where this is none.
    var count: Int64 { integerValue ?? 0 }

    var list: [JSONValue] { arrayValue ?? [] }

    subscript(or key: String) -> JSONValue { self[key] ?? .null }

    func text(or missing: String) -> String {
        guard let text = stringValue, !text.isEmpty else { return missing }
        return text
    }

    /// A string or an integer, as `IntOrString` and `Quantity` are written.
    var scalarText: String {
        switch self {
        case .string(let text): text
        case .integer(let integer): String(integer)
        case .number(let number): number.text
        case .bool(let bool): bool ? "true" : "false"
        default: ""
        }
    }
}

/// Parts that several kinds have in common.
enum CellText {
    /// Names and images of containers, as two cells.
    static func containers(_ podSpec: JSONValue) -> [JSONValue] {
        let containers = podSpec[or: "containers"].list
        return [
            .string(containers.map { $0[or: "name"].text }.joined(separator: ",")),
            .string(containers.map { $0[or: "image"].text }.joined(separator: ",")),
        ]
    }

    /// A map of labels: `a=b,c=d`, ordered by name.
    static func labels(_ labels: JSONValue) -> String {
        guard let labels = labels.objectValue, !labels.isEmpty else { return "<none>" }
        return labels.map { "\($0.key)=\($0.value.text)" }.sorted().joined(separator: ",")
    }

    /// A label selector in the notation of `kubectl get -l`, ordered by name; empty if it has no requirement.
    static func selector(_ selector: JSONValue) -> String {
        var requirements: [(key: String, text: String)] = []
        for (key, value) in selector[or: "matchLabels"].objectValue ?? [:] {
            requirements.append((key, "\(key)=\(value.text)"))
        }
        for expression in selector[or: "matchExpressions"].list {
            let key = expression[or: "key"].text
            let values = expression[or: "values"].list.map(\.text).sorted().joined(separator: ",")
            switch expression[or: "operator"].text {
            case "In": requirements.append((key, "\(key) in (\(values))"))
            case "NotIn": requirements.append((key, "\(key) notin (\(values))"))
            case "Exists": requirements.append((key, key))
            case "DoesNotExist": requirements.append((key, "!\(key)"))
            default: return "<invalid>"
            }
        }
        return requirements.sorted { $0.key < $1.key }.map(\.text).joined(separator: ",")
    }

    static func selectorOrNone(_ selector: JSONValue) -> String {
        let text = self.selector(selector)
        return text.isEmpty ? "<none>" : text
    }

    /// The first `limit` of `items`, and how many more there are.
    static func list(_ items: [String], limit: Int = 3, empty: String = "<unset>", separator: String = ",") -> String {
        let text = items.prefix(limit).joined(separator: separator)
        if items.count > limit { return "\(text) + \(items.count - limit) more..." }
        return text.isEmpty ? empty : text
    }

    /// The status of the condition `type`, or nil.
    static func condition(_ type: String, of status: JSONValue) -> JSONValue? {
        status[or: "conditions"].list.first { $0[or: "type"].text == type }
    }

    static func isTrue(_ type: String, of status: JSONValue) -> Bool {
        condition(type, of: status)?[or: "status"].text == "True"
    }

    /// `address:port`, with brackets around an IPv6 address.
    static func hostPort(_ address: String, _ port: Int64) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// The addresses of a load balancer, ordered.
    static func loadBalancer(_ status: JSONValue) -> String {
        let addresses = status[or: "ingress"].list.map { ingress in
            ingress[or: "ip"].text(or: ingress[or: "hostname"].text)
        }
        return Set(addresses.filter { !$0.isEmpty }).sorted().joined(separator: ",")
    }

    /// `RWO,ROX` for a list of access modes.
    static func accessModes(_ modes: JSONValue) -> String {
        let modes = Set(modes.list.map(\.text))
        return [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"),
        ].filter { modes.contains($0.0) }.map(\.1).joined(separator: ",")
    }
}
