// Sets of paths into an object: what a manager owns, what a change touches.

import JSON

/// A set of paths, kept as a tree in the canonical order of FieldsV1.
///
/// A path can be in the set while paths below it are too: a list's element, and the fields inside of it.
public struct FieldSet: Sendable, Hashable {
    /// A step, whether the path that ends with it is in the set, and what is below.
    public struct Node: Sendable, Hashable {
        public let element: PathElement
        public var isMember: Bool
        public var children: FieldSet

        public init(_ element: PathElement, isMember: Bool, children: FieldSet = FieldSet()) {
            self.element = element
            self.isMember = isMember
            self.children = children
        }

        fileprivate var isEmpty: Bool { !isMember && children.isEmpty }
    }

    /// In order, none of them empty.
    public private(set) var nodes: [Node]

    public init() { nodes = [] }

    /// Takes nodes in any order, no two with the same element and none of them empty.
    init(unordered nodes: [Node]) {
        var nodes = nodes
        if nodes.count > 1 {
            let isSorted = zip(nodes, nodes.dropFirst()).allSatisfy { $0.element < $1.element }
            if !isSorted { nodes.sort { $0.element < $1.element } }
        }
        self.nodes = nodes
    }

    private init(ordered nodes: [Node]) { self.nodes = nodes }

    /// The set of these paths; those without steps are nothing.
    public init(paths: [[PathElement]]) {
        self.init()
        for path in paths { insert(path) }
    }

    /// A set of field names: `["spec", "replicas"]` each.
    public init(fields: [String]...) { self.init(paths: fields.map { $0.map(PathElement.field) }) }

    public var isEmpty: Bool { nodes.isEmpty }

    /// How many paths there are.
    public var count: Int { nodes.reduce(0) { $0 + ($1.isMember ? 1 : 0) + $1.children.count } }

    public mutating func insert(_ path: some Collection<PathElement>) {
        guard let first = path.first else { return }
        let rest = path.dropFirst()
        let position = position(of: first)
        if position == nodes.count || nodes[position].element != first {
            nodes.insert(Node(first, isMember: false), at: position)
        }
        if rest.isEmpty { nodes[position].isMember = true } else { nodes[position].children.insert(rest) }
    }

    /// Where `element` is or would be.
    private func position(of element: PathElement) -> Int {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].element < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    public subscript(element: PathElement) -> Node? {
        let position = position(of: element)
        return position < nodes.count && nodes[position].element == element ? nodes[position] : nil
    }

    public func contains(_ path: some Collection<PathElement>) -> Bool {
        guard let first = path.first, let node = self[first] else { return false }
        let rest = path.dropFirst()
        return rest.isEmpty ? node.isMember : node.children.contains(rest)
    }

    /// Every path: of each level first its members, then what is below them.
    public var paths: [[PathElement]] {
        var paths: [[PathElement]] = []
        collect(behind: [], into: &paths)
        return paths
    }

    private func collect(behind prefix: [PathElement], into paths: inout [[PathElement]]) {
        for node in nodes where node.isMember { paths.append(prefix + [node.element]) }
        for node in nodes where !node.children.isEmpty {
            node.children.collect(behind: prefix + [node.element], into: &paths)
        }
    }
}

// MARK: Operations

extension FieldSet {
    public func union(_ other: FieldSet) -> FieldSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return merged(other, keepsLeft: true, keepsRight: true) { left, right in
            Node(left.element, isMember: left.isMember || right.isMember, children: left.children.union(right.children))
        }
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return FieldSet() }
        return merged(other, keepsLeft: false, keepsRight: false) { left, right in
            Node(
                left.element, isMember: left.isMember && right.isMember,
                children: left.children.intersection(right.children))
        }
    }

    /// The paths that are not in `other`.
    public func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other, keepsLeft: true, keepsRight: false) { left, right in
            Node(
                left.element, isMember: left.isMember && !right.isMember,
                children: left.children.subtracting(right.children))
        }
    }

    /// The paths that are not in `other` and not below a path in it.
    public func subtractingRecursively(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other, keepsLeft: true, keepsRight: false) { left, right in
            right.isMember
                ? Node(left.element, isMember: false)
                : Node(
                    left.element, isMember: left.isMember,
                    children: left.children.subtractingRecursively(right.children))
        }
    }

    /// The paths below which there is none.
    public var leaves: FieldSet {
        FieldSet(
            ordered: nodes.map { node in
                Node(node.element, isMember: node.isMember && node.children.isEmpty, children: node.children.leaves)
            })
    }

    /// Whether the two have a path in common.
    public func intersects(_ other: FieldSet) -> Bool { !intersection(other).isEmpty }

    /// Goes through both in order, once.
    private func merged(
        _ other: FieldSet, keepsLeft: Bool, keepsRight: Bool, both: (Node, Node) -> Node
    ) -> FieldSet {
        var result: [Node] = []
        result.reserveCapacity(keepsRight ? nodes.count + other.nodes.count : nodes.count)
        var i = 0
        var j = 0
        while i < nodes.count, j < other.nodes.count {
            let order = PathElement.order(nodes[i].element, other.nodes[j].element)
            if order < 0 {
                if keepsLeft { result.append(nodes[i]) }
                i += 1
            } else if order > 0 {
                if keepsRight { result.append(other.nodes[j]) }
                j += 1
            } else {
                let node = both(nodes[i], other.nodes[j])
                if !node.isEmpty { result.append(node) }
                i += 1
                j += 1
            }
        }
        if keepsLeft { result.append(contentsOf: nodes[i...]) }
        if keepsRight { result.append(contentsOf: other.nodes[j...]) }
        return FieldSet(ordered: result)
    }

    /// The set as a type has it that may own as a whole what it once owned in parts: where something is in the set below
    /// a value that is a leaf now, the value itself takes its place. What was a leaf and is none any more stays, as the
    /// value's own.
    func reconciled(with type: MergeType) -> FieldSet {
        FieldSet(
            ordered: nodes.map { node in
                let inner = type[node.element]
                if node.children.isEmpty { return node }
                if case .leaf(let type) = inner, type?.isComposite ?? false {
                    return Node(node.element, isMember: true)
                }
                return Node(node.element, isMember: node.isMember, children: node.children.reconciled(with: inner))
            })
    }

    /// The set with every path to a named field below which something is in it. Removing what a manager owned removes
    /// objects that it filled and that are empty then.
    func withNamedFields(of type: MergeType) -> FieldSet {
        FieldSet(
            ordered: nodes.map { node in
                var isMember = node.isMember
                if !isMember, case .field(let name) = node.element { isMember = type.names(field: name) }
                return Node(
                    node.element, isMember: isMember, children: node.children.withNamedFields(of: type[node.element]))
            })
    }
}

// MARK: FieldsV1

extension FieldSet {
    /// How deep a FieldsV1 value may nest.
    private static let depthLimit = 128

    /// The set as a FieldsV1 value.
    public var fieldsV1: JSONValue { .object(object(isMember: false)) }

    private func object(isMember: Bool) -> JSONObject {
        var object = JSONObject()
        if nodes.isEmpty { return object }
        object.reserveCapacity(nodes.count + (isMember ? 1 : 0))
        if isMember { object["."] = Self.empty }
        for node in nodes {
            object[node.element.fieldsV1Name] =
                node.children.isEmpty ? Self.empty : .object(node.children.object(isMember: node.isMember))
        }
        return object
    }

    private static let empty = JSONValue.object(JSONObject())

    /// Whether the two have a path in common; the other is in the form in which it is written.
    func intersects(fieldsV1 other: JSONObject) -> Bool {
        nodes.contains { node in
            guard let below = other[node.element.fieldsV1Name]?.objectValue else { return false }
            if node.isMember, below.isEmpty || below["."] != nil { return true }
            return !node.children.isEmpty && node.children.intersects(fieldsV1: below)
        }
    }

    /// Whether all paths are in the other, which is in the form in which it is written.
    func isContained(inFieldsV1 other: JSONObject) -> Bool {
        nodes.allSatisfy { node in
            guard let below = other[node.element.fieldsV1Name]?.objectValue else { return false }
            if node.isMember, !below.isEmpty, below["."] == nil { return false }
            return node.children.isEmpty || node.children.isContained(inFieldsV1: below)
        }
    }

    /// Reads a FieldsV1 value. Steps of unknown kinds are passed over.
    public init(fieldsV1 value: JSONValue) throws(FieldSetError) {
        self = try Self.read(value, depth: 0).set
    }

    private static func read(_ value: JSONValue, depth: Int) throws(FieldSetError) -> (set: FieldSet, isMember: Bool) {
        guard case .object(let object) = value else {
            if value.isNull { return (FieldSet(), true) }
            throw FieldSetError("FieldsV1 is made of objects, not of \(JSONWriter.text(of: value).prefix(64))")
        }
        guard depth < depthLimit else { throw FieldSetError("FieldsV1 nests too deeply") }
        var isMember = false
        var nodes: [Node] = []
        nodes.reserveCapacity(object.count)
        var isOrdered = true
        for (name, below) in object {
            if name == "." {
                isMember = true
                continue
            }
            guard let element = try PathElement(fieldsV1Name: name) else { continue }
            let (children, isItself) = try read(below, depth: depth + 1)
            let node = Node(element, isMember: isItself, children: children)
            if node.isEmpty { continue }
            if let last = nodes.last, !(last.element < element) { isOrdered = false }
            nodes.append(node)
        }
        if nodes.isEmpty { return (FieldSet(), true) }
        if isOrdered { return (FieldSet(ordered: nodes), isMember) }
        // Not canonical: names that differ may mean the same element (`k:{"a":1,"b":2}`).
        var set = FieldSet()
        for node in nodes { set = set.union(FieldSet(ordered: [node])) }
        return (set, isMember)
    }
}

extension FieldSet: CustomStringConvertible {
    /// A path a line, for tests and logs.
    public var description: String { paths.map(Self.text).joined(separator: "\n") }

    /// A path for people: `.spec.containers[name="a"].image`.
    public static func text(_ path: [PathElement]) -> String { path.map(\.description).joined() }
}
