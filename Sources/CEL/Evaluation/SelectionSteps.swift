/// Steps that go into values: fields, indexes, and whether they are there.

/// `operand.field`.
struct SelectStep: Step {
    let operand: any Step
    let field: String
    let cost: UInt64

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let operand = try self.operand.evaluate(run)
        if case .optional(let optional) = operand {
            guard let value = optional.value, let found = try Selection.fieldIfPresent(field, of: value) else {
                try run.charge(cost - 1)
                return .optional(.none)
            }
            try run.charge(cost)
            return .optional(CELOptional(found))
        }
        try run.charge(cost)
        return try Selection.field(field, of: operand)
    }
}

/// `has(operand.field)`.
struct PresenceStep: Step {
    let operand: any Step
    let field: String

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let operand = try self.operand.evaluate(run)
        if case .optional(let optional) = operand {
            guard let value = optional.value, try Selection.fieldIfPresent(field, of: value) != nil else {
                return .bool(false)
            }
            try run.charge(1)
            return .bool(true)
        }
        try run.charge(1)
        return .bool(try Selection.fieldIfPresent(field, of: operand) != nil)
    }
}

/// `operand[index]`.
struct IndexStep: Step {
    let operand: any Step
    let index: any Step
    let cost: UInt64

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let operand = try self.operand.evaluate(run)
        let index = try self.index.evaluate(run)
        if case .optional(let optional) = operand {
            guard let value = optional.value, let found = try Selection.elementIfPresent(index, of: value) else {
                try run.charge(cost - 1)
                return .optional(.none)
            }
            try run.charge(cost)
            return .optional(CELOptional(found))
        }
        try run.charge(cost)
        return try Selection.element(index, of: operand)
    }
}

/// `operand.?field` and `operand[?index]`.
struct OptionalSelectStep: Step {
    let operand: any Step
    let index: any Step
    let isField: Bool
    let cost: UInt64

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        var operand = try self.operand.evaluate(run)
        let index = try self.index.evaluate(run)
        try run.charge(cost - 1)
        if case .optional(let optional) = operand {
            guard let value = optional.value else { return .optional(.none) }
            operand = value
        }
        let found: CELValue?
        if isField, let name = index.stringValue {
            found = try Selection.fieldIfPresent(name, of: operand)
        } else {
            found = try Selection.elementIfPresent(index, of: operand)
        }
        if found != nil { try run.charge(1) }
        return .optional(CELOptional(found))
    }
}

enum Selection {
    static func field(_ name: String, of value: CELValue) throws(CELError) -> CELValue {
        guard let field = try fieldIfPresent(name, of: value) else { throw .noSuchKey(name) }
        return field
    }

    static func fieldIfPresent(_ name: String, of value: CELValue) throws(CELError) -> CELValue? {
        switch value {
        case .map(let map): return try map.value(forField: name)
        case .object(let object): return try object.field(name)
        case .list: throw CELError("unsupported index type 'string' in list")
        default: return nil
        }
    }

    static func element(_ index: CELValue, of value: CELValue) throws(CELError) -> CELValue {
        if let element = try elementIfPresent(index, of: value) { return element }
        if case .list = value { throw CELError("index out of bounds: \(index.shown)") }
        throw .noSuchKey(index.shown)
    }

    static func elementIfPresent(_ index: CELValue, of value: CELValue) throws(CELError) -> CELValue? {
        switch value {
        case .list(let list):
            let position: Int?
            switch index {
            case .int(let number): position = Int(exactly: number)
            case .uint(let number): position = Int(exactly: number)
            case .double(let number):
                position = Int(exactly: number)
                if position == nil { throw CELError("unsupported index value \(number.goText) in list") }
            default: throw CELError("unsupported index type '\(index.type.name)' in list")
            }
            guard let position, position >= 0, position < list.count else { return nil }
            return try list.value(at: position)
        case .map(let map): return try map.value(for: index)
        case .object(let object):
            guard let name = index.stringValue else { throw .noSuchOverload }
            return try object.field(name)
        default: return nil
        }
    }
}
