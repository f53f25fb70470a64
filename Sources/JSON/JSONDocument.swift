/// The text of a JSON value together with a table of where everything in it stands, so that what is asked for is found
/// without parsing the rest, and nothing of it is held twice.
///
/// A stored object is read far more often than it is taken apart, and then for a few fields. As a tree of
/// `JSONValue`s a pod of 2.6 KB costs 16 KB in some hundred allocations; as a document, its bytes, which are held
/// anyway, and eight bytes for each value. Parts of it are `JSONObject`s like others (`root`): changing one
/// copies the fields of that object, and leaves those below where they are.
public final class JSONDocument: @unchecked Sendable {
    /// A value in the order of the text. An object's values follow it, an array's elements too. Names have no nodes:
    /// each stands right before its value, and is read backwards from there.
    ///
    /// An object or array that is not empty takes two: the second says where its text ends and how many it holds.
    private struct Node {
        /// The first byte (of a string, the one behind its quote), below the kind.
        var head: UInt32
        /// How many bytes a number or a string has; for an object or array, the node behind its last.
        var extent: UInt32

        static let offsetBits: UInt32 = 28

        init(_ kind: Kind, at offset: Int, extent: Int) {
            head = UInt32(kind.rawValue) << Self.offsetBits | UInt32(truncatingIfNeeded: offset)
            self.extent = UInt32(truncatingIfNeeded: extent)
        }

        init(end: Int, count: Int) {
            head = UInt32(truncatingIfNeeded: end)
            extent = UInt32(truncatingIfNeeded: count)
        }

        var kind: Kind { Kind(rawValue: UInt8(head >> Self.offsetBits)) ?? .null }
        var offset: Int { Int(head & (1 << Self.offsetBits - 1)) }
    }

    private enum Kind: UInt8 {
        case null, yes, no, number, string, escapedString, emptyArray, emptyObject, array, object
    }

    /// Texts that are larger are not taken.
    private static let sizeLimit = 1 << 28

    let bytes: [UInt8]
    /// Written once, before anybody else sees them. No array: looking at one would cost counting who holds it.
    private let nodes: UnsafeMutablePointer<Node>

    /// Takes a text that `JSONWriter` has written: compact, each name once, UTF-8. It is not checked again; nil where
    /// it obviously is not JSON, or larger than 256 MiB.
    public init?(written bytes: [UInt8]) {
        guard bytes.count < Self.sizeLimit else { return nil }
        var builder = Builder(capacity: bytes.count / 16 + 8)
        guard bytes.withUnsafeBufferPointer({ builder.build($0) }) else { return nil }
        self.bytes = bytes
        nodes = builder.finish()
    }

    deinit { nodes.deallocate() }

    /// The whole value.
    public var root: JSONValue { value(0) }

    // MARK: Objects

    /// How many fields the object at `node` has.
    func count(_ node: Int) -> Int { nodes[node].kind == .object ? Int(nodes[node + 1].extent) : 0 }

    /// The value of the field `key` of the object at `node`.
    func field(_ key: String, of node: Int) -> JSONValue? {
        let found = key.utf8.withContiguousStorageIfAvailable { position(of: $0, in: node) }
        return (found ?? Array(key.utf8).withUnsafeBufferPointer { position(of: $0, in: node) }).map(value)
    }

    /// Where the value of a field stands.
    private func position(of key: UnsafeBufferPointer<UInt8>, in node: Int) -> Int? {
        guard nodes[node].kind == .object else { return nil }
        let isWrittenAsItIs = key.allSatisfy { !Self.isEscaped($0) }
        return bytes.withUnsafeBufferPointer { bytes in
            // The first name's quote stands behind the brace.
            let limit = nodes[node].offset + 1 + key.count
            var position = node + 2
            let end = Int(nodes[node].extent)
            while position < end {
                let name = nameEnd(position)
                if isWrittenAsItIs {
                    if name > limit, Self.isName(bytes, name, key) { return position }
                } else if self.name(position).utf8.elementsEqual(key) {
                    return position
                }
                position = next(position)
            }
            return nil
        }
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Whether the name that ends before `end` is `key`, which is written as it is.
    @inline(__always)
    private static func isName(
        _ bytes: UnsafeBufferPointer<UInt8>, _ end: Int, _ key: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let start = end - key.count
        guard isOpeningQuote(bytes, start - 1) else { return false }
        for position in 0..<key.count where bytes[start + position] != key[position] { return false }
        return true
    }

    /// Whether a name begins behind `offset`: any other quote in it has a backslash before it.
    @inline(__always)
    private static func isOpeningQuote(_ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int) -> Bool {
        bytes[offset] == UInt8(ascii: "\"") && bytes[offset - 1] != UInt8(ascii: "\\")
    }

    /// Where the name of the value at `position` ends: its quote and the colon stand between them.
    @inline(__always)
    private func nameEnd(_ position: Int) -> Int {
        let node = nodes[position]
        return node.kind == .string || node.kind == .escapedString ? node.offset - 3 : node.offset - 2
    }

    /// The name of the value at `position`, which is a field's.
    private func name(_ position: Int) -> String {
        let end = nameEnd(position)
        return bytes.withUnsafeBufferPointer { bytes in
            var start = end
            var isEscaped = false
            while !Self.isOpeningQuote(bytes, start - 1) {
                start -= 1
                if bytes[start] == UInt8(ascii: "\\") { isEscaped = true }
            }
            if isEscaped { return unescaped(start..<end) }
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
        }
    }

    /// The fields of the object at `node`.
    func fields(_ node: Int) -> [JSONObject.Field] {
        guard nodes[node].kind == .object else { return [] }
        let count = Int(nodes[node + 1].extent)
        return Array(unsafeUninitializedCapacity: count) { fields, initialized in
            var position = firstField(of: node)
            while initialized < count, let field = nextField(&position, of: node) {
                (fields.baseAddress.unsafelyUnwrapped + initialized).initialize(to: field)
                initialized += 1
            }
        }
    }

    /// Where going through the fields of the object at `node` begins.
    func firstField(of node: Int) -> Int { node + 2 }

    /// The field at `position`, which is moved on to the one that follows; nil behind the last.
    func nextField(_ position: inout Int, of node: Int) -> JSONObject.Field? {
        guard nodes[node].kind == .object, position < Int(nodes[node].extent) else { return nil }
        let field = JSONObject.Field(key: name(position), value: value(position))
        position = next(position)
        return field
    }

    /// The field at `index` of the object at `node`.
    func field(at index: Int, of node: Int) -> JSONObject.Field? {
        var position = firstField(of: node)
        for _ in 0..<index { position = next(position) }
        return nextField(&position, of: node)
    }

    /// The text of the object at `node`.
    func text(_ node: Int) -> Range<Int> {
        let start = nodes[node].offset
        return nodes[node].kind == .object ? start..<Int(nodes[node + 1].head) : start..<start + 2
    }

    /// Whether two objects are written alike, byte by byte.
    static func isSameText(_ left: (document: JSONDocument, node: Int), _ right: (document: JSONDocument, node: Int))
        -> Bool
    {
        left.document.bytes[left.document.text(left.node)] == right.document.bytes[right.document.text(right.node)]
    }

    // MARK: Values

    @inline(__always)
    private func next(_ position: Int) -> Int {
        switch nodes[position].kind {
        case .object, .array: Int(nodes[position].extent)
        default: position + 1
        }
    }

    private func value(_ position: Int) -> JSONValue {
        let node = nodes[position]
        switch node.kind {
        case .yes: return .bool(true)
        case .no: return .bool(false)
        case .number: return number(node)
        case .string, .escapedString: return .string(string(node))
        case .emptyArray: return .array([])
        case .emptyObject: return .object(JSONObject(in: self, node: position))
        case .array:
            let count = Int(nodes[position + 1].extent)
            return .array(
                Array(unsafeUninitializedCapacity: count) { elements, initialized in
                    var element = position + 2
                    while initialized < count {
                        (elements.baseAddress.unsafelyUnwrapped + initialized).initialize(to: value(element))
                        initialized += 1
                        element = next(element)
                    }
                })
        case .object:
            // Finding a field means going through those before it: not in an object with very many.
            if Int(nodes[position + 1].extent) > JSONObject.indexedFrom {
                return .object(JSONObject(unique: fields(position)))
            }
            return .object(JSONObject(in: self, node: position))
        case .null: return .null
        }
    }

    private func string(_ node: Node) -> String {
        let text = node.offset..<node.offset + Int(node.extent)
        if node.kind == .escapedString { return unescaped(text) }
        return bytes.withUnsafeBufferPointer {
            String(decoding: UnsafeBufferPointer(rebasing: $0[text]), as: UTF8.self)
        }
    }

    @inline(never)
    private func unescaped(_ text: Range<Int>) -> String {
        parsed(text.lowerBound - 1..<text.upperBound + 1).stringValue ?? ""
    }

    private func number(_ node: Node) -> JSONValue {
        // Most are small: replicas, ports, generations.
        var value: Int64 = 0
        let text = node.offset..<node.offset + Int(node.extent)
        guard text.count <= 18 else { return parsed(text) }
        for position in text {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return parsed(text) }
            value = value * 10 + Int64(digit)
        }
        return .integer(value)
    }

    private func parsed(_ text: Range<Int>) -> JSONValue {
        bytes.withUnsafeBufferPointer { (try? JSONParser.parse(UnsafeBufferPointer(rebasing: $0[text]))) ?? .null }
    }

    // MARK: Building

    /// One pass over the text that notes where things stand.
    private struct Builder: ~Copyable {
        private var nodes: UnsafeMutablePointer<Node>
        private var capacity: Int
        private var count = 0
        /// The innermost object or array that is open; -1 if none is. As long as one is open, its first node says in
        /// which other one it is, and its second one how many values it has so far.
        private var open = -1
        private var isObject = false

        init(capacity: Int) {
            self.capacity = capacity
            nodes = .allocate(capacity: capacity)
        }

        deinit { nodes.deallocate() }

        /// The nodes in memory that is no larger than it needs to be.
        func finish() -> UnsafeMutablePointer<Node> {
            let final = UnsafeMutablePointer<Node>.allocate(capacity: count)
            final.initialize(from: nodes, count: count)
            return final
        }

        @inline(__always)
        private mutating func append(_ node: Node) {
            if count == capacity { grow() }
            (nodes + count).initialize(to: node)
            count += 1
        }

        @inline(never)
        private mutating func grow() {
            let larger = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
            larger.moveInitialize(from: nodes, count: count)
            nodes.deallocate()
            nodes = larger
            capacity *= 2
        }

        private mutating func enter(_ kind: Kind, at offset: Int) {
            append(Node(kind, at: offset, extent: open))
            append(Node(end: 0, count: 0))
            open = count - 2
            isObject = kind == .object
        }

        /// Closes what is open; its text ends before `end`.
        private mutating func leave(end: Int) {
            let parent = Int(Int32(bitPattern: nodes[open].extent))
            nodes[open].extent = UInt32(truncatingIfNeeded: count)
            nodes[open + 1].head = UInt32(truncatingIfNeeded: end)
            open = parent
            isObject = parent >= 0 && nodes[parent].kind == .object
        }

        /// False where the text is obviously not JSON.
        mutating func build(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            guard let base = bytes.baseAddress else { return false }
            let size = bytes.count
            var offset = 0
            // Every value of an object has a name before it, and no other value has one.
            var isNamed = false
            while offset < size {
                let first = base[offset]
                if first == UInt8(ascii: "\"") {
                    let start = offset + 1
                    guard let (end, kind) = Self.string(base, start, size) else { return false }
                    offset = end + 1
                    if offset < size, base[offset] == UInt8(ascii: ":"), isObject, !isNamed {
                        isNamed = true
                        offset += 1
                        continue
                    }
                    guard isNamed == isObject else { return false }
                    append(Node(kind, at: start, extent: end - start))
                } else {
                    guard isNamed == isObject else { return false }
                    switch first {
                    case UInt8(ascii: "{"), UInt8(ascii: "["):
                        let isObject = first == UInt8(ascii: "{")
                        if offset + 1 < size, base[offset + 1] == first + 2 {
                            append(Node(isObject ? .emptyObject : .emptyArray, at: offset, extent: 2))
                            offset += 2
                        } else {
                            enter(isObject ? .object : .array, at: offset)
                            isNamed = false
                            offset += 1
                            continue
                        }
                    case UInt8(ascii: "t"):
                        append(Node(.yes, at: offset, extent: 4))
                        offset += 4
                    case UInt8(ascii: "f"):
                        append(Node(.no, at: offset, extent: 5))
                        offset += 5
                    case UInt8(ascii: "n"):
                        append(Node(.null, at: offset, extent: 4))
                        offset += 4
                    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                        let start = offset
                        while offset < size, Self.isNumber(base[offset]) { offset += 1 }
                        append(Node(.number, at: start, extent: offset - start))
                    default: return false
                    }
                }
                isNamed = false
                // Behind a value: what it ends, or what comes next.
                while true {
                    if open < 0 { return offset == size }
                    nodes[open + 1].extent += 1
                    guard offset < size else { return false }
                    let behind = base[offset]
                    offset += 1
                    if behind == UInt8(ascii: ",") { break }
                    guard behind == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
                    leave(end: offset)
                }
            }
            return false
        }

        private static func isNumber(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }

        /// Where the closing quote of the string that begins at `start` stands, and whether it is written as it is.
        @inline(__always)
        private static func string(
            _ base: UnsafePointer<UInt8>, _ start: Int, _ size: Int
        ) -> (end: Int, kind: Kind)? {
            var offset = start
            var kind = Kind.string
            while true {
                while offset + 8 <= size {
                    let special = JSONBytes.special(UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
                    if special != 0 {
                        // The lowest of the marks is right, those above it may not be.
                        offset += special.trailingZeroBitCount >> 3
                        break
                    }
                    offset += 8
                }
                guard offset < size else { return nil }
                switch base[offset] {
                case UInt8(ascii: "\""): return (offset, kind)
                case UInt8(ascii: "\\"):
                    kind = .escapedString
                    offset += 2
                default: offset += 1
                }
            }
        }
    }
}
