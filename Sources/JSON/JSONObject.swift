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

    private enum Form: Sendable {
        case fields([Field])
        case indexed(IndexedFields)
        case part(of: JSONDocument)
    }

    private var form: Form
    /// Where in its document a part of one stands.
    private var node: UInt32 = 0

    /// More fields than this carry an index.
    static let indexedFrom = 24

    public init() { form = .fields([]) }

    /// Takes fields of which no two have the same name, and their index if it is known.
    init(unique fields: [Field], index: [String: Int]? = nil) {
        if fields.count > Self.indexedFrom {
            form = .indexed(IndexedFields(fields, index ?? Self.index(of: fields)))
        } else {
            form = .fields(fields)
        }
    }

    /// The object that stands at `node` of a document.
    init(in document: JSONDocument, node: Int) {
        form = .part(of: document)
        self.node = UInt32(truncatingIfNeeded: node)
    }

    /// The fields, made where this is a part of a document.
    private var fields: [Field] {
        switch form {
        case .fields(let fields): fields
        case .indexed(let indexed): indexed.fields
        case .part(let document): document.fields(Int(node))
        }
    }

    /// The document and where in it, if this is a part of one.
    var part: (document: JSONDocument, node: Int)? {
        if case .part(let document) = form { (document, Int(node)) } else { nil }
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
        switch (form, other.form) {
        case (.fields(let own), .fields(let others)):
            own.count == others.count
                && own.withUnsafeBufferPointer { own in
                    others.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress }
                }
        case (.indexed(let own), .indexed(let others)): own === others
        case (.part(let own), .part(let others)): own === others && node == other.node
        default: false
        }
    }

    /// Whether the field `key` of both is one object in memory.
    public func shares(_ key: String, with other: JSONObject) -> Bool {
        guard case .object(let own)? = self[key], case .object(let another)? = other[key] else { return false }
        return own.isIdentical(to: another)
    }

    /// Makes room for `count` fields.
    public mutating func reserveCapacity(_ count: Int) { change { $0.reserveCapacity(count) } }

    private func position(of key: String) -> Int? {
        switch form {
        case .fields(let fields): Self.position(of: key, in: fields)
        case .indexed(let indexed): indexed.index[key]
        case .part: Self.position(of: key, in: fields)
        }
    }

    private static func position(of key: String, in fields: [Field]) -> Int? {
        for position in fields.indices where isSame(fields[position].key, key) { return position }
        return nil
    }

    /// The value of the field `key`. Setting replaces it where it stands or appends it; nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            switch form {
            case .fields(let fields):
                for position in fields.indices where Self.isSame(fields[position].key, key) {
                    return fields[position].value
                }
                return nil
            case .indexed(let indexed): return indexed.index[key].map { indexed.fields[$0].value }
            case .part(let document): return document.field(key, of: Int(node))
            }
        }
        set {
            guard let newValue else {
                removeValue(forKey: key)
                return
            }
            own()
            if let position = position(of: key) {
                change { $0[position].value = newValue }
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
        var value: JSONValue? = change { fields in
            let value = fields[position].value
            fields[position].value = .null
            return value
        }
        defer {
            if let value { change { $0[position].value = value } } else { removeValue(forKey: key) }
        }
        return try body(&value)
    }

    /// Takes the fields out of the document.
    private mutating func own() {
        guard case .part(let document) = form else { return }
        self = JSONObject(unique: document.fields(Int(node)))
    }

    /// Changes the fields in place: their values, or how much room they have. Their names stay.
    private mutating func change<Result>(_ body: (inout [Field]) -> Result) -> Result {
        own()
        switch form {
        case .fields(var fields):
            // Let go of our own reference first, so that the fields are changed in place.
            form = .fields([])
            defer { form = .fields(fields) }
            return body(&fields)
        case .indexed(var indexed):
            form = .fields([])
            if !isKnownUniquelyReferenced(&indexed) { indexed = IndexedFields(indexed.fields, indexed.index) }
            defer { form = .indexed(indexed) }
            return body(&indexed.fields)
        case .part(let document):
            // Not reached: the fields are our own now.
            var fields = document.fields(Int(node))
            return body(&fields)
        }
    }

    private mutating func append(key: String, value: JSONValue) {
        let position = change { fields in
            fields.append(Field(key: key, value: value))
            return fields.count - 1
        }
        switch form {
        case .fields(let fields): if fields.count > Self.indexedFrom { self = JSONObject(unique: fields) }
        case .indexed(let indexed): indexed.index[key] = position
        case .part: break
        }
    }

    /// Removes the field `key` and returns what it held.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        own()
        guard let position = position(of: key) else { return nil }
        let removed = change { $0.remove(at: position) }
        if case .indexed(let indexed) = form {
            indexed.index[key] = nil
            for later in position..<indexed.fields.count { indexed.index[indexed.fields[later].key] = later }
        }
        return removed.value
    }

    public var keys: some Sequence<String> { lazy.map(\.key) }
    public var values: some Sequence<JSONValue> { lazy.map(\.value) }

    /// The fields ordered by name, as Go's encoder writes maps.
    public func sortedByKey() -> JSONObject { JSONObject(unique: fields.sorted { $0.key < $1.key }) }
}

/// Many fields, and where each stands. Changed only by an object that is the only one to hold it.
private final class IndexedFields: @unchecked Sendable {
    var fields: [JSONObject.Field]
    var index: [String: Int]

    init(_ fields: [JSONObject.Field], _ index: [String: Int]) {
        self.fields = fields
        self.index = index
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
            fields = part == nil ? object.fields : []
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
    public var endIndex: Int { if case .part(let document) = form { document.count(Int(node)) } else { fields.count } }
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
