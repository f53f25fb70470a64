/// The fields of a JSON object in the order in which they were written, each name once.
///
/// Small objects are searched one field after the other, which is fastest for the handful of fields that an
/// API object has; larger ones (a ConfigMap's data) carry an index.
public struct JSONObject: Sendable {
    public struct Field: Sendable, Hashable {
        public let key: String
        public var value: JSONValue

        @inlinable
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    @usableFromInline internal private(set) var fields: [Field] = []
    private var index: [String: Int]?

    /// More fields than this carry an index.
    static let indexedFrom = 24

    public init() {}

    /// Takes fields of which no two have the same name, and their index if they are many.
    init(unique fields: [Field], index: [String: Int]?) {
        self.fields = fields
        self.index = index
    }

    static func index(of fields: some Collection<Field>) -> [String: Int] {
        var index = [String: Int](minimumCapacity: fields.count * 2)
        for (position, field) in fields.enumerated() { index[field.key] = position }
        return index
    }

    /// Whether two names are the same. Their lengths differ most of the time, and comparing those comes first.
    @usableFromInline @inline(__always)
    static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left == right
    }

    /// Whether both are the same fields in memory, as parts of a value are that a change has left alone. Equal objects
    /// need not be identical.
    public func isIdentical(to other: JSONObject) -> Bool {
        fields.count == other.fields.count
            && fields.withUnsafeBufferPointer { own in
                other.fields.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress }
            }
    }

    /// Whether the field `key` of both is one object in memory.
    public func shares(_ key: String, with other: JSONObject) -> Bool {
        guard case .object(let own)? = self[key], case .object(let another)? = other[key] else { return false }
        return own.isIdentical(to: another)
    }

    /// Makes room for `count` fields.
    public mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

    @usableFromInline
    func position(of key: String) -> Int? {
        if let index { return index[key] }
        for position in fields.indices where Self.isSame(fields[position].key, key) { return position }
        return nil
    }

    /// The value of the field `key`. Setting replaces it where it stands or appends it; nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { fields[$0].value } }
        set {
            guard let newValue else {
                removeValue(forKey: key)
                return
            }
            if let position = position(of: key) {
                fields[position].value = newValue
            } else {
                append(key: key, value: newValue)
            }
        }
    }

    /// Changes the field `key` in place. A field that `body` leaves nil is removed.
    public mutating func update<Result>(_ key: String, _ body: (inout JSONValue?) throws -> Result) rethrows -> Result {
        guard let position = position(of: key) else {
            var value: JSONValue?
            let result = try body(&value)
            if let value { append(key: key, value: value) }
            return result
        }
        var value: JSONValue? = fields[position].value
        fields[position].value = .null
        defer {
            if let value { fields[position].value = value } else { removeValue(forKey: key) }
        }
        return try body(&value)
    }

    private mutating func append(key: String, value: JSONValue) {
        if index != nil {
            index?[key] = fields.count
        } else if fields.count == Self.indexedFrom {
            var index = Self.index(of: fields)
            index[key] = fields.count
            self.index = index
        }
        fields.append(Field(key: key, value: value))
    }

    /// Removes the field `key` and returns what it held.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        guard let position = position(of: key) else { return nil }
        let removed = fields.remove(at: position)
        if index != nil {
            index?[key] = nil
            for later in position..<fields.count { index?[fields[later].key] = later }
        }
        return removed.value
    }

    public var keys: some Sequence<String> { fields.lazy.map(\.key) }
    public var values: some Sequence<JSONValue> { fields.lazy.map(\.value) }

    /// The fields ordered by name, as Go's encoder writes maps.
    public func sortedByKey() -> JSONObject {
        var sorted = JSONObject()
        sorted.fields = fields.sorted { $0.key < $1.key }
        if sorted.fields.count > Self.indexedFrom {
            sorted.index = Self.index(of: sorted.fields)
        }
        return sorted
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { fields.startIndex }
    public var endIndex: Int { fields.endIndex }
    public subscript(position: Int) -> (key: String, value: JSONValue) {
        (fields[position].key, fields[position].value)
    }
}

extension JSONObject: Hashable {
    /// Two objects are equal if they hold the same fields, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.fields.count == right.fields.count else { return false }
        if left.isIdentical(to: right) { return true }
        for (position, field) in left.fields.enumerated() {
            if isSame(right.fields[position].key, field.key) {
                if right.fields[position].value != field.value { return false }
            } else if right[field.key] != field.value {
                return false
            }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for field in fields { combined ^= field.hashValue }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    public init(_ pairs: some Sequence<(key: String, value: JSONValue)>) {
        for (key, value) in pairs { self[key] = value }
    }
}
