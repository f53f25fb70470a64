// What differs between two values: paths added, removed, modified.

import JSON

/// The differences between two values of one type, as a tree of the paths at which they are.
public struct Comparison: Sendable {
    struct Marks: OptionSet {
        let rawValue: UInt8
        static let added = Marks(rawValue: 1)
        static let removed = Marks(rawValue: 2)
        static let modified = Marks(rawValue: 4)
    }

    private var root: [Node] = []

    private struct Node: Sendable {
        let element: PathElement
        var difference: Difference
    }

    /// What differs at a path and below it.
    private struct Difference: Sendable {
        var here: Marks = []
        var below: [Node] = []
        var isNone: Bool { here.isEmpty && below.isEmpty }
    }

    /// Compares an old value with a new one, but for what is at and below the paths of `ignored`, which are of fields.
    public init(_ old: JSONValue, _ new: JSONValue, _ type: MergeType, ignoring ignored: FieldSet = FieldSet()) {
        root = Self.compare(old, new, type, ignored).below
    }

    public var isSame: Bool { root.isEmpty }

    public var added: FieldSet { Self.set(root, .added) }
    public var removed: FieldSet { Self.set(root, .removed) }
    /// Paths at which there is another value, or one where there was none.
    public var changed: FieldSet { Self.set(root, [.added, .modified]) }
    public var modified: FieldSet { Self.set(root, .modified) }
    /// Every path at which something differs.
    var all: FieldSet { Self.set(root, [.added, .removed, .modified]) }

    private static func set(_ nodes: [Node], _ marks: Marks) -> FieldSet {
        FieldSet(
            unordered: nodes.compactMap { node in
                let children = set(node.difference.below, marks)
                let isMember = !node.difference.here.isDisjoint(with: marks)
                return isMember || !children.isEmpty
                    ? FieldSet.Node(node.element, isMember: isMember, children: children) : nil
            })
    }

    // MARK: Comparing

    private static func compare(
        _ old: JSONValue?, _ new: JSONValue?, _ type: MergeType, _ ignored: FieldSet = FieldSet()
    ) -> Difference {
        let oldShape = old.map(type.shape(of:))
        let newShape = new.map(type.shape(of:))
        if let oldShape, let newShape, oldShape != newShape {
            // Without a schema a value may become one of another shape: what was in it is gone or new, and it is changed.
            var difference = Difference(here: .modified)
            if case .object(let object)? = old { difference.below = fields(object, nil, type) }
            if case .object(let object)? = new { difference.below = fields(nil, object, type) }
            return difference
        }
        switch newShape ?? oldShape ?? .leaf {
        case .leaf: return leaf(old, new)
        case .fields:
            let (before, after) = (old?.objectValue, new?.objectValue)
            if before?.isEmpty ?? true, after?.isEmpty ?? true { return leaf(old, new) }
            if let before, let after, before.isIdentical(to: after) { return Difference() }
            return Difference(here: presence(old, new), below: fields(before, after, type, ignored))
        case .elements:
            let (before, after) = (old?.arrayValue ?? [], new?.arrayValue ?? [])
            if before.isEmpty, after.isEmpty { return leaf(old, new) }
            return Difference(here: presence(old, new), below: elements(before, after, type))
        }
    }

    private static func presence(_ old: JSONValue?, _ new: JSONValue?) -> Marks {
        old == nil ? .added : new == nil ? .removed : []
    }

    private static func leaf(_ old: JSONValue?, _ new: JSONValue?) -> Difference {
        guard let old, let new else { return Difference(here: presence(old, new)) }
        return isSame(old, new) ? Difference() : Difference(here: .modified)
    }

    /// Equal, numbers by what they are and not by how they are written.
    private static func isSame(_ old: JSONValue, _ new: JSONValue) -> Bool {
        if old == new { return true }
        switch (old, new) {
        case (.number, .integer), (.integer, .number), (.number, .number): return old.doubleValue == new.doubleValue
        case (.array(let old), .array(let new)): return old.elementsEqual(new, by: isSame)
        case (.object(let old), .object(let new)):
            return old.count == new.count
                && old.allSatisfy { entry in new[entry.key].map { isSame(entry.value, $0) } ?? false }
        default: return false
        }
    }

    private static func fields(
        _ old: JSONObject?, _ new: JSONObject?, _ type: MergeType, _ ignored: FieldSet = FieldSet()
    ) -> [Node] {
        var nodes: [Node] = []
        func add(_ name: String, _ old: JSONValue?, _ new: JSONValue?) {
            var inner = FieldSet()
            if !ignored.isEmpty, let node = ignored[.field(name)] {
                if node.isMember { return }
                inner = node.children
            }
            let difference = compare(old, new, type.field(name) ?? .deduced, inner)
            if !difference.isNone { nodes.append(Node(element: .field(name), difference: difference)) }
        }
        if let old { for (name, value) in old { add(name, value, new?[name]) } }
        if let new { for (name, value) in new where old?[name] == nil { add(name, nil, value) } }
        return nodes
    }

    private static func elements(_ old: [JSONValue], _ new: [JSONValue], _ type: MergeType) -> [Node] {
        var order: [PathElement] = []
        var before: [PathElement: [JSONValue]] = [:]
        var after: [PathElement: [JSONValue]] = [:]
        for element in old {
            guard let step = try? type.step(to: element) else { continue }
            if before[step] == nil { order.append(step) }
            before[step, default: []].append(element)
        }
        for element in new {
            guard let step = try? type.step(to: element) else { continue }
            if before[step] == nil, after[step] == nil { order.append(step) }
            after[step, default: []].append(element)
        }
        return order.compactMap { step in
            let difference = compare(all: before[step] ?? [], with: after[step] ?? [], type[step])
            return difference.isNone ? nil : Node(element: step, difference: difference)
        }
    }

    /// Compares elements that the same keys name: one each, or, where a list repeats itself, those together.
    private static func compare(all old: [JSONValue], with new: [JSONValue], _ type: MergeType) -> Difference {
        switch (old.count, new.count) {
        case (0...1, 0...1): return compare(old.first, new.first, type)
        case (2..., 2...): return old == new ? Difference() : Difference(here: .modified)
        case (2..., _):
            var difference = new.isEmpty ? Difference() : compare(nil, new.first, type)
            difference.here.insert(.removed)
            return difference
        default:
            var difference = old.isEmpty ? Difference() : compare(old.first, nil, type)
            difference.here.insert(.added)
            return difference
        }
    }
}
