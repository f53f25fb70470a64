// Which paths a value has, and what of it is left without some of them.

import JSON

extension FieldSet {
    /// The paths that whoever applies `value` means to own.
    public init(of value: JSONValue, _ type: MergeType) {
        self = Self.collect(value, type).children
    }

    private static func collect(_ value: JSONValue, _ type: MergeType) -> (isMember: Bool, children: FieldSet) {
        switch type.shape(of: value) {
        case .leaf: return (true, FieldSet())
        case .fields:
            guard case .object(let object) = value else { return (false, FieldSet()) }
            var nodes: [Node] = []
            nodes.reserveCapacity(object.count)
            for (name, field) in object {
                var (isMember, children) = collect(field, type.field(name) ?? .deduced)
                isMember = isMember || field.isNull || field.objectValue?.isEmpty == true || !type.names(field: name)
                if isMember || !children.isEmpty {
                    nodes.append(Node(.field(name), isMember: isMember, children: children))
                }
            }
            return (false, FieldSet(unordered: nodes))
        case .elements:
            guard case .array(let elements) = value else { return (false, FieldSet()) }
            return (false, collect(elements, type))
        }
    }

    private static func collect(_ elements: [JSONValue], _ type: MergeType) -> FieldSet {
        var nodes: [Node] = []
        nodes.reserveCapacity(elements.count)
        var seen: [PathElement: Int] = [:]
        for element in elements {
            guard let step = try? type.step(to: element) else { continue }
            if let index = seen[step] {
                // Elements that nothing tells apart are owned together.
                nodes[index].children = FieldSet()
                continue
            }
            seen[step] = nodes.count
            nodes.append(Node(step, isMember: true, children: collect(element, type[step]).children))
        }
        return FieldSet(unordered: nodes)
    }
}

extension MergeType {
    /// What is left of `value` without the paths of `set`. Objects and lists that had something in them stay, empty.
    public func removing(_ set: FieldSet, from value: JSONValue) -> JSONValue {
        guard !set.isEmpty else { return value }
        switch shape(of: value) {
        case .leaf: return value
        case .fields:
            guard case .object(let object) = value else { return value }
            var kept = JSONObject()
            kept.reserveCapacity(object.count)
            for (name, field) in object {
                guard let node = set[.field(name)] else {
                    kept[name] = field
                    continue
                }
                if node.isMember { continue }
                kept[name] = (self.field(name) ?? .deduced).removing(node.children, from: field)
            }
            return .object(kept)
        case .elements:
            guard case .array(let elements) = value else { return value }
            var kept: [JSONValue] = []
            kept.reserveCapacity(elements.count)
            for element in elements {
                guard let step = try? step(to: element), let node = set[step] else {
                    kept.append(element)
                    continue
                }
                if node.isMember { continue }
                kept.append(self[step].removing(node.children, from: element))
            }
            return .array(kept)
        }
    }
}
