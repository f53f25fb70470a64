/// Comprehensions.

/// Goes over the elements of a list or the keys of a map.
struct FoldStep: Step {
    let range: any Step
    let variableSlot: Int
    /// Where a second variable holds the value.
    let secondSlot: Int?
    let accumulatorSlot: Int
    let initial: any Step
    let condition: any Step
    let step: any Step
    let result: any Step
    /// Whether an error of one element may still be outweighed by another.
    let toleratesErrors: Bool

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let range = try self.range.evaluate(run)
        let before = run.locals[accumulatorSlot]
        defer { run.locals[accumulatorSlot] = before }
        run.locals[accumulatorSlot] = .success(try initial.evaluate(run))
        switch range {
        case .list(let list):
            for index in 0..<list.count {
                let position = CELValue.int(Int64(index))
                let goesOn: Bool
                if secondSlot != nil {
                    goesOn = try visit(.success(position), read(list, index), run)
                } else {
                    goesOn = try visit(read(list, index), nil, run)
                }
                if !goesOn { break }
            }
        case .map(let map):
            for key in map.keys {
                let value = secondSlot == nil ? nil : read(map, key)
                if try !visit(.success(key), value, run) { break }
            }
        default:
            let name =
                range.type == .null ? "Null" : range.type.name.prefix(1).uppercased() + range.type.name.dropFirst()
            throw CELError("got 'types.\(name)', expected iterable type")
        }
        return try result.evaluate(run)
    }

    private func read(_ list: CELList, _ index: Int) -> Result<CELValue, CELError> {
        do throws(CELError) { return .success(try list.value(at: index)) } catch { return .failure(error) }
    }

    private func read(_ map: CELMap, _ key: CELValue) -> Result<CELValue, CELError> {
        do throws(CELError) { return .success(try map.value(for: key) ?? .null) } catch { return .failure(error) }
    }

    /// - Returns: Whether to go on.
    private func visit(
        _ variable: Result<CELValue, CELError>, _ second: Result<CELValue, CELError>?, _ run: Evaluation
    ) throws(CELError) -> Bool {
        run.locals[variableSlot] = variable
        if let secondSlot, let second { run.locals[secondSlot] = second }
        if case .bool(false) = try condition.evaluate(run) { return false }
        do throws(CELError) {
            let value = try step.evaluate(run)
            run.locals[accumulatorSlot] = .success(value)
        } catch {
            if error.isCancelled || !toleratesErrors { throw error }
            run.locals[accumulatorSlot] = .failure(error)
        }
        return true
    }
}

/// Gives a value a name: `optMap`, `sortBy`.
struct BindStep: Step {
    let slot: Int
    let value: any Step
    let body: any Step

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        let before = run.locals[slot]
        defer { run.locals[slot] = before }
        run.locals[slot] = .success(try value.evaluate(run))
        return try body.evaluate(run)
    }
}

/// `accumulator + [element]`, in place.
struct AppendStep: Step {
    let slot: Int
    let element: any Step

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        // The costs of the name, the list of one, and the addition.
        try run.charge(2 + RuntimeCost.listCreation)
        let value = try element.evaluate(run)
        guard case .success(.list(.values(var values))) = run.locals[slot] else {
            let list = try run.locals[slot].get()
            return try Arithmetic.add(list, .list(.values([value])))
        }
        // Let go of the other reference, so that the array is changed in place.
        run.locals[slot] = .success(.null)
        values.append(value)
        return .list(.values(values))
    }
}

/// `accumulator` with one more entry, or with those of a map.
struct InsertStep: Step {
    let slot: Int
    let arguments: [any Step]

    func evaluate(_ run: Evaluation) throws(CELError) -> CELValue {
        try run.charge(2)
        var added: [(key: CELValue, value: CELValue)] = []
        if arguments.count == 2 {
            added.append((try arguments[0].evaluate(run), try arguments[1].evaluate(run)))
        } else if case .map(let map) = try arguments[0].evaluate(run) {
            added = map.entries
        } else {
            throw .noSuchOverload
        }
        guard case .success(.map(.values(var dictionary))) = run.locals[slot] else {
            _ = try run.locals[slot].get()
            throw .noSuchOverload
        }
        // Let go of the other reference, so that the entries are changed in place.
        run.locals[slot] = .success(.null)
        try dictionary.insert(added)
        return .map(.values(dictionary))
    }
}
