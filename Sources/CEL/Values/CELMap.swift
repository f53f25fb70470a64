import JSON

/// A map, or a JSON object that is read as its fields are asked for.
public enum CELMap: Sendable {
    case values(CELDictionary)
    case json(JSONMap)

    var count: Int {
        switch self {
        case .values(let dictionary): dictionary.entries.count
        case .json(let map): map.object.count
        }
    }

    /// The value for a key; nil where there is none. Numbers of different types that are equal are the same key.
    func value(for key: CELValue) throws(CELError) -> CELValue? {
        switch self {
        case .values(let dictionary):
            guard let key = CELKey(key) else { return nil }
            return dictionary.value(for: key) ?? dictionary.otherwise
        case .json(let map):
            guard case .string(let name) = key else { return nil }
            return try map.value(for: name)
        }
    }

    /// The value for a key that is a string.
    func value(forField name: String) throws(CELError) -> CELValue? {
        switch self {
        case .values(let dictionary): dictionary.value(for: .string(name)) ?? dictionary.otherwise
        case .json(let map): try map.value(for: name)
        }
    }

    /// Whether there is an entry of its own for a key.
    func contains(_ key: CELValue) throws(CELError) -> Bool {
        if case .values(let dictionary) = self { return CELKey(key).flatMap { dictionary.value(for: $0) } != nil }
        return try value(for: key) != nil
    }

    var keys: [CELValue] {
        switch self {
        case .values(let dictionary): dictionary.entries.map(\.key)
        case .json(let map): map.object.keys.map { .string(map.celName(of: $0)) }
        }
    }

    /// Keys and values; entries that cannot be read are left out.
    public var entries: [(key: CELValue, value: CELValue)] {
        switch self {
        case .values(let dictionary): dictionary.entries
        case .json: keys.compactMap { key in (try? value(for: key)).flatMap { $0 }.map { (key, $0) } }
        }
    }
}

/// What can be a key of a map. Whole numbers of all types are the same key as far as they are equal.
enum CELKey: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    /// Beyond what an `int` can be.
    case uint(UInt64)
    case double(Double)
    case string(String)

    init?(_ value: CELValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = Int64(exactly: value).map { .int($0) } ?? .uint(value)
        case .double(let value):
            if let int = Int64(exactly: value) {
                self = .int(int)
            } else if let uint = UInt64(exactly: value) {
                self = .uint(uint)
            } else {
                self = .double(value)
            }
        case .string(let value): self = .string(value)
        default: return nil
        }
    }
}

/// The entries of a map in the order in which they were put in.
public struct CELDictionary: Sendable {
    private(set) var entries: [(key: CELValue, value: CELValue)]
    private var index: [CELKey: Int]
    private let holdsEmptyMaps: Bool
    /// What is found under every other key.
    var otherwise: CELValue? {
        holdsEmptyMaps ? .map(.values(CELDictionary(fields: [:]))) : Optional<CELValue>.none
    }

    /// Throws where a key cannot be one.
    init(_ entries: [(key: CELValue, value: CELValue)]) throws(CELError) {
        var index: [CELKey: Int] = [:]
        index.reserveCapacity(entries.count)
        for (position, entry) in entries.enumerated() {
            guard let key = CELKey(entry.key) else { throw CELError("unsupported key type") }
            index[key] = position
        }
        holdsEmptyMaps = false
        // Of a key that comes twice, the last value stays.
        self.entries =
            index.count == entries.count
            ? entries
            : entries.enumerated().filter { position, entry in CELKey(entry.key).map { index[$0] == position } ?? false
            }
            .map(\.element)
        if self.entries.count < entries.count {
            index = [:]
            for (position, entry) in self.entries.enumerated() {
                if let key = CELKey(entry.key) { index[key] = position }
            }
        }
        self.index = index
    }

    /// Entries with names, each once.
    public init(fields: [String: CELValue]) { self.init(fields: fields, holdsEmptyMaps: false) }

    /// - Parameter holdsEmptyMaps: Empty maps are found under names that have no entry; `in` does not see them.
    init(fields: [String: CELValue], holdsEmptyMaps: Bool) {
        self.holdsEmptyMaps = holdsEmptyMaps
        entries = fields.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
        var index: [CELKey: Int] = [:]
        for (position, field) in fields.keys.sorted().enumerated() { index[.string(field)] = position }
        self.index = index
    }

    /// Adds entries. Throws where a key is there already.
    mutating func insert(_ added: [(key: CELValue, value: CELValue)]) throws(CELError) {
        for (key, value) in added {
            guard let hashed = CELKey(key) else { throw CELError("unsupported key type") }
            guard index[hashed] == nil else { throw CELError("insert failed: key \(key.shown) already exists") }
            index[hashed] = entries.count
            entries.append((key, value))
        }
    }

    func value(for key: CELKey) -> CELValue? { index[key].map { entries[$0].value } }
}

/// A JSON object and what the schema says of it.
public final class JSONMap: Sendable {
    let object: JSONObject
    let schema: DeclaredType?

    init(_ object: JSONObject, schema: DeclaredType?) {
        self.object = object
        self.schema = schema
    }

    /// The value of a field, or of a property whose name is escaped where the schema lists properties.
    func value(for name: String) throws(CELError) -> CELValue? {
        guard let schema, let fields = schema.fields else {
            guard let value = object[name] else { return nil }
            return try CELValue.reading(value, as: schema?.element)
        }
        guard let field = fields[name] ?? fields["__\(name)__"] else {
            guard let unescaped = CELEscaping.unescape(name), let value = object[unescaped] else { return nil }
            return .unreadable(value)
        }
        guard let value = object[field.jsonName] else { return nil }
        return try CELValue.reading(value, as: field.type)
    }

    /// The name of a property as expressions write it.
    func celName(of property: String) -> String {
        schema?.fields == nil ? property : CELEscaping.escape(property) ?? property
    }
}
