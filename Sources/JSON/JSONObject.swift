/// The fields of a JSON object in the order in which they were written, each name once.
///
/// Small objects are searched one field after the other, which is fastest for the handful of fields that an
/// API object has; larger ones (a ConfigMap's data) carry an index. An object may also be a part of a `JSONDocument`,
/// and then has no fields of its own before it is changed.
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

    private enum Extra: Sendable {
        case none
        /// Where each of many fields stands.
        case index([String: Int])
        /// What this is a part of; `fields` is empty.
        case document(JSONDocument)
    }

    private var fields: [Field]
    private var extra: Extra
    /// Where in its document a part of one stands.
    private var node: UInt32 = 0

    /// More fields than this carry an index.
    static let indexedFrom = 24

    public init() {
        fields = []
        extra = .none
    }

    /// Takes fields of which no two have the same name, and their index if it is known.
    init(unique fields: [Field], index: [String: Int]? = nil) {
        self.fields = fields
        extra = fields.count > Self.indexedFrom ? .index(index ?? Self.index(of: fields)) : .none
    }

    /// The object that stands at `node` of a document.
    init(in document: JSONDocument, node: Int) {
        fields = []
        extra = .document(document)
        self.node = UInt32(truncatingIfNeeded: node)
    }

    /// The document and where in it, if this is a part of one.
    var part: (document: JSONDocument, node: Int)? {
        if case .document(let document) = extra { (document, Int(node)) } else { nil }
    }

    static func index(of fields: some Collection<Field>) -> [String: Int] {
        var index = [String: Int](minimumCapacity: fields.count * 2)
        for (position, field) in fields.enumerated() { index[field.key] = position }
        return index
    }

    /// Whether two names are the same. Their lengths differ most of the time, and comparing those comes first.
    @inline(__always)
    static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left == right
    }

    /// Whether both are the same fields in memory, as parts of a value are that a change has left alone. Equal objects
    /// need not be identical.
    public func isIdentical(to other: JSONObject) -> Bool {
        switch (extra, other.extra) {
        case (.document(let own), .document(let others)): own === others && node == other.node
        case (.document, _), (_, .document): false
        default:
            fields.count == other.fields.count
                && fields.withUnsafeBufferPointer { own in
                    other.fields.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress }
                }
        }
    }

    /// Whether the field `key` of both is one object in memory.
    public func shares(_ key: String, with other: JSONObject) -> Bool {
        guard case .object(let own)? = self[key], case .object(let another)? = other[key] else { return false }
        return own.isIdentical(to: another)
    }

    /// Makes room for `count` fields.
    public mutating func reserveCapacity(_ count: Int) {
        own()
        fields.reserveCapacity(count)
    }

    /// The position of a field among those that this has of its own.
    private func position(of key: String) -> Int? {
        if case .index(let index) = extra { return index[key] }
        for position in fields.indices where Self.isSame(fields[position].key, key) { return position }
        return nil
    }

    /// The value of the field `key`. Setting replaces it where it stands or appends it; nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            if case .document(let document) = extra { return document.field(key, of: Int(node)) }
            return position(of: key).map { fields[$0].value }
        }
        set {
            guard let newValue else {
                removeValue(forKey: key)
                return
            }
            own()
            if let position = position(of: key) {
                fields[position].value = newValue
            } else {
                append(key: key, value: newValue)
            }
        }
    }

    /// Changes the field `key` in place. A field that `body` leaves nil is removed.
    public mutating func update<Result>(_ key: String, _ body: (inout JSONValue?) throws -> Result) rethrows -> Result {
        own()
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

    /// Takes the fields out of the document.
    private mutating func own() {
        if let part { self = JSONObject(unique: part.document.fields(part.node)) }
    }

    private mutating func append(key: String, value: JSONValue) {
        if case .index(var index) = extra {
            // Let go of our own reference first, so that the index is changed in place.
            extra = .none
            index[key] = fields.count
            extra = .index(index)
        } else if fields.count == Self.indexedFrom {
            var index = Self.index(of: fields)
            index[key] = fields.count
            extra = .index(index)
        }
        fields.append(Field(key: key, value: value))
    }

    /// Removes the field `key` and returns what it held.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        own()
        guard let position = position(of: key) else { return nil }
        let removed = fields.remove(at: position)
        if case .index(var index) = extra {
            extra = .none
            index[key] = nil
            for later in position..<fields.count { index[fields[later].key] = later }
            extra = .index(index)
        }
        return removed.value
    }

    public var keys: some Sequence<String> { lazy.map(\.key) }
    public var values: some Sequence<JSONValue> { lazy.map(\.value) }

    /// The fields ordered by name, as Go's encoder writes maps.
    public func sortedByKey() -> JSONObject {
        let all = part.map { $0.document.fields($0.node) } ?? fields
        return JSONObject(unique: all.sorted { $0.key < $1.key })
    }
}

extension JSONObject: RandomAccessCollection {
    /// Goes through a part of a document without making its fields first.
    public struct Iterator: IteratorProtocol {
        private let fields: [Field]
        private let part: (document: JSONDocument, node: Int)?
        private var position: Int

        fileprivate init(_ object: JSONObject) {
            part = object.part
            fields = object.fields
            position = part.map { $0.document.firstField(of: $0.node) } ?? 0
        }

        public mutating func next() -> (key: String, value: JSONValue)? {
            if let part {
                return part.document.nextField(&position, of: part.node).map { ($0.key, $0.value) }
            }
            guard position < fields.count else { return nil }
            defer { position += 1 }
            return (fields[position].key, fields[position].value)
        }
    }

    public func makeIterator() -> Iterator { Iterator(self) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { part.map { $0.document.count($0.node) } ?? fields.count }
    public subscript(position: Int) -> (key: String, value: JSONValue) {
        if let part, let field = part.document.field(at: position, of: part.node) { return (field.key, field.value) }
        return (fields[position].key, fields[position].value)
    }
}

extension JSONObject: Hashable {
    /// Two objects are equal if they hold the same fields, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        if left.isIdentical(to: right) { return true }
        if let left = left.part, let right = right.part, JSONDocument.isSameText(left, right) { return true }
        var others = right.makeIterator()
        for (key, value) in left {
            // Their order is mostly the same.
            if let other = others.next(), isSame(other.key, key) {
                if other.value != value { return false }
            } else if right[key] != value {
                return false
            }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for (key, value) in self { combined ^= Field(key: key, value: value).hashValue }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }

    public init(_ pairs: some Sequence<(key: String, value: JSONValue)>) {
        self.init()
        for (key, value) in pairs { self[key] = value }
    }
}
