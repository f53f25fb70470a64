/// The text of a JSON value together with a table of where everything in it stands, so that what is asked for is found
/// without parsing the rest, and nothing of it is held twice.
///
/// A stored object is read far more often than it is taken apart, and then for a few fields. As a tree of
/// `JSONValue`s a pod of 2.6 KB costs 16 KB in some hundred allocations; as a document, its bytes, which are held
/// anyway, and eight bytes for each name and value. Parts of it are `JSONObject`s like others (`root`): changing one
/// copies the fields of that object, and leaves those below where they are.
public final class JSONDocument: Sendable {
    /// A name or value in the order of the text. An object's names and values follow it, an array's elements too.
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
    private let nodes: [Node]

    /// Takes a text that `JSONWriter` has written: compact, each name once, UTF-8. It is not checked again; nil where
    /// it obviously is not JSON, or larger than 256 MiB.
    public init?(written bytes: [UInt8]) {
        guard bytes.count < Self.sizeLimit else { return nil }
        var builder = Builder(capacity: bytes.count / 8 + 8)
        guard bytes.withUnsafeBufferPointer({ builder.build($0) }) else { return nil }
        self.bytes = bytes
        // A copy, which is no larger than it needs to be.
        nodes = Array(unsafeUninitializedCapacity: builder.nodes.count) { nodes, count in
            count = nodes.initialize(fromContentsOf: builder.nodes)
        }
    }

    /// The whole value.
    public var root: JSONValue { value(0) }

    // MARK: Objects

    /// How many fields the object at `node` has.
    func count(_ node: Int) -> Int { nodes[node].kind == .object ? Int(nodes[node + 1].extent) : 0 }

    /// The value of the field `key` of the object at `node`.
    func field(_ key: String, of node: Int) -> JSONValue? {
        guard nodes[node].kind == .object else { return nil }
        var key = key
        let found: Int? = key.withUTF8 { key in
            bytes.withUnsafeBufferPointer { bytes in
                nodes.withUnsafeBufferPointer { nodes in
                    var position = node + 2
                    let end = Int(nodes[node].extent)
                    while position < end {
                        let name = nodes[position]
                        if name.kind == .string {
                            if Int(name.extent) == key.count, Self.isSame(bytes, name.offset, key) {
                                return position + 1
                            }
                        } else if unescaped(name).utf8.elementsEqual(key) {
                            return position + 1
                        }
                        position = Self.next(nodes, position + 1)
                    }
                    return nil
                }
            }
        }
        return found.map(value)
    }

    @inline(__always)
    private static func isSame(
        _ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int, _ key: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        for position in 0..<key.count where bytes[offset + position] != key[position] { return false }
        return true
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
        let field = JSONObject.Field(key: string(nodes[position]), value: value(position + 1))
        position = nodes.withUnsafeBufferPointer { Self.next($0, position + 1) }
        return field
    }

    /// The field at `index` of the object at `node`.
    func field(at index: Int, of node: Int) -> JSONObject.Field? {
        var position = firstField(of: node)
        nodes.withUnsafeBufferPointer { nodes in
            for _ in 0..<index { position = Self.next(nodes, position + 1) }
        }
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
    private static func next(_ nodes: UnsafeBufferPointer<Node>, _ position: Int) -> Int {
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
                        element = nodes.withUnsafeBufferPointer { Self.next($0, element) }
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
        if node.kind == .escapedString { return unescaped(node) }
        return bytes.withUnsafeBufferPointer {
            String(
                decoding: UnsafeBufferPointer(rebasing: $0[node.offset..<node.offset + Int(node.extent)]), as: UTF8.self
            )
        }
    }

    @inline(never)
    private func unescaped(_ node: Node) -> String {
        parsed(node.offset - 1..<node.offset + Int(node.extent) + 1).stringValue ?? ""
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
    private struct Builder {
        private(set) var nodes: [Node] = []
        /// The objects and arrays that are open, and how many values each has so far.
        private var open: [(node: Int, count: Int)] = []

        init(capacity: Int) { nodes.reserveCapacity(capacity) }

        /// False where the text is obviously not JSON.
        mutating func build(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            guard let base = bytes.baseAddress else { return false }
            var offset = 0
            // Every value of an object has a name before it, and no other value has one.
            var isNamed = false
            while offset < bytes.count {
                switch bytes[offset] {
                case UInt8(ascii: "\""):
                    guard let end = string(base, offset + 1, bytes.count) else { return false }
                    offset = end + 1
                    if offset < bytes.count, bytes[offset] == UInt8(ascii: ":"), !isNamed {
                        isNamed = true
                        offset += 1
                        continue
                    }
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    let isObject = bytes[offset] == UInt8(ascii: "{")
                    if offset + 1 < bytes.count, bytes[offset + 1] == bytes[offset] + 2 {
                        nodes.append(Node(isObject ? .emptyObject : .emptyArray, at: offset, extent: 2))
                        offset += 2
                    } else {
                        guard accepts(isNamed) else { return false }
                        isNamed = false
                        open.append((nodes.count, 0))
                        nodes.append(Node(isObject ? .object : .array, at: offset, extent: 0))
                        nodes.append(Node(end: 0, count: 0))
                        offset += 1
                        continue
                    }
                case UInt8(ascii: "t"):
                    nodes.append(Node(.yes, at: offset, extent: 4))
                    offset += 4
                case UInt8(ascii: "f"):
                    nodes.append(Node(.no, at: offset, extent: 5))
                    offset += 5
                case UInt8(ascii: "n"):
                    nodes.append(Node(.null, at: offset, extent: 4))
                    offset += 4
                case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    let start = offset
                    while offset < bytes.count, Self.isNumber(bytes[offset]) { offset += 1 }
                    nodes.append(Node(.number, at: start, extent: offset - start))
                default: return false
                }
                guard accepts(isNamed) else { return false }
                isNamed = false
                // Behind a value: what it ends, or what comes next.
                while true {
                    guard let last = open.indices.last else { return offset == bytes.count }
                    open[last].count += 1
                    guard offset < bytes.count else { return false }
                    if bytes[offset] == UInt8(ascii: ",") {
                        offset += 1
                        break
                    }
                    let node = open[last].node
                    let isObject = nodes[node].kind == .object
                    guard bytes[offset] == UInt8(ascii: isObject ? "}" : "]") else { return false }
                    offset += 1
                    nodes[node].extent = UInt32(truncatingIfNeeded: nodes.count)
                    nodes[node + 1] = Node(end: offset, count: open[last].count)
                    open.removeLast()
                }
            }
            return false
        }

        /// Whether a value with or without a name can stand here.
        private func accepts(_ isNamed: Bool) -> Bool {
            open.last.map { nodes[$0.node].kind == .object } ?? false == isNamed
        }

        private static func isNumber(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }

        /// Notes the string that begins at `start`, and says where its closing quote stands.
        @inline(__always)
        private mutating func string(_ base: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
            var offset = start
            var kind = Kind.string
            while true {
                while offset + 8 <= count,
                    JSONBytes.special(UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self)) == 0
                {
                    offset += 8
                }
                guard offset < count else { return nil }
                switch base[offset] {
                case UInt8(ascii: "\""):
                    nodes.append(Node(kind, at: start, extent: offset - start))
                    return offset
                case UInt8(ascii: "\\"):
                    kind = .escapedString
                    offset += 2
                default: offset += 1
                }
            }
        }
    }
}
