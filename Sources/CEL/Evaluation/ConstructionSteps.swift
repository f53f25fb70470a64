/// Steps that make lists, maps and objects.

struct ListStep: Step {
    let elements: [any Step]
    let optional: Set<Int>

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for (position, element) in elements.enumerated() {
            let value = try element.evaluate(run)
            guard optional.contains(position) else {
                values.append(value)
                continue
            }
            guard case .optional(let inner) = value else {
                throw CELError("cannot initialize optional list element from non-optional value \(value.shown)")
            }
            if let inner = inner.value { values.append(inner) }
        }
        try run.charge(RuntimeCost.listCreation)
        return .list(.values(values))
    }
}

struct MapStep: Step {
    let entries: [(key: any Step, value: any Step, isOptional: Bool)]

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var values: [(key: CELValue, value: CELValue)] = []
        values.reserveCapacity(entries.count)
        for entry in entries {
            let key = try entry.key.evaluate(run)
            let value = try entry.value.evaluate(run)
            guard entry.isOptional else {
                values.append((key, value))
                continue
            }
            guard case .optional(let inner) = value else {
                throw CELError(
                    "cannot initialize optional entry '\(key.shown)' from non-optional value \(value.shown)")
            }
            if let inner = inner.value { values.append((key, inner)) }
        }
        try run.charge(RuntimeCost.mapCreation)
        return .map(.values(try CELDictionary(values)))
    }
}

struct StructureStep: Step {
    let type: any CELObjectType
    let name: String
    let fields: [(name: String, value: any Step, isOptional: Bool)]

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var values: [(name: String, value: CELValue)] = []
        for field in fields {
            let value = try field.value.evaluate(run)
            guard field.isOptional else {
                values.append((field.name, value))
                continue
            }
            guard case .optional(let inner) = value else {
                throw CELError(
                    "cannot initialize optional entry '\(field.name)' from non-optional value \(value.shown)")
            }
            if let inner = inner.value { values.append((field.name, inner)) }
        }
        try run.charge(RuntimeCost.structureCreation)
        guard let value = try type.construct(values) else { throw CELError("unknown type: \(name)") }
        return value
    }
}
