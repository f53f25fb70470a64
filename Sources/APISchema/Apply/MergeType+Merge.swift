// Merging an applied configuration into what is there.

import JSON
import KubeTypes

extension MergeType {
    /// `live` with `applied` merged into it: what the type owns as a whole is the applied one's, where it has it.
    /// - Throws: what makes elements of a list impossible to tell apart.
    public func merge(_ applied: JSONValue, into live: JSONValue) throws(MergeProblem) -> JSONValue {
        try merge(live, applied) ?? .null
    }

    /// Nil for an object or list that nothing is left of.
    private func merge(_ live: JSONValue?, _ applied: JSONValue?) throws(MergeProblem) -> JSONValue? {
        guard let sample = applied ?? live else { return JSONValue?.none }
        switch shape(of: sample) {
        case .leaf: return applied ?? live
        case .fields:
            let (before, after) = (live?.objectValue, applied?.objectValue)
            if before?.isEmpty ?? true, after?.isEmpty ?? true { return applied ?? live }
            return try mergeFields(before, after)
        case .elements:
            let (before, after) = (live?.arrayValue ?? [], applied?.arrayValue ?? [])
            if before.isEmpty, after.isEmpty { return applied ?? live }
            return try mergeElements(before, after)
        }
    }

    private func mergeFields(_ live: JSONObject?, _ applied: JSONObject?) throws(MergeProblem) -> JSONValue? {
        guard let applied else { return live.map(JSONValue.object) }
        var merged = live ?? JSONObject()
        for (name, value) in applied {
            do throws(MergeProblem) {
                let type = field(name) ?? .deduced
                if let result = try type.merge(live?[name], value) { merged[name] = result } else { merged[name] = nil }
            } catch {
                throw error.below(.field(name))
            }
        }
        return merged.isEmpty ? JSONValue?.none : .object(merged)
    }

    /// Elements in the order applied; those that are live only stay where they were between their neighbours.
    private func mergeElements(_ live: [JSONValue], _ applied: [JSONValue]) throws(MergeProblem) -> JSONValue? {
        let right = try index(applied, allowsDuplicates: false)
        let left = try index(live, allowsDuplicates: true)
        var shared = right.steps.filter { left.elements[$0] != nil }[...]
        var nextShared = shared.popFirst()
        var merged: Set<PathElement> = []
        var result: [JSONValue] = []
        result.reserveCapacity(max(live.count, applied.count))
        func add(_ step: PathElement, _ live: JSONValue?, _ applied: JSONValue?) throws(MergeProblem) {
            do throws(MergeProblem) {
                if let value = try self[step].merge(live, applied) { result.append(value) }
            } catch {
                throw error.below(step)
            }
        }
        var l = 0
        var r = 0
        while l < left.steps.count || r < right.steps.count {
            if l < left.steps.count, r < right.steps.count {
                let step = left.steps[l]
                if step == right.steps[r] {
                    merged.insert(step)
                    try add(step, left.elements[step], right.elements[step])
                    l += 1
                    r += 1
                    nextShared = shared.popFirst()
                    continue
                }
                if right.elements[step] != nil, let next = nextShared, next != step {
                    // Its place is where it was applied.
                    l += 1
                    continue
                }
            }
            if l < left.steps.count {
                let step = left.steps[l]
                if right.elements[step] == nil {
                    try add(step, live[l], nil)
                    l += 1
                    continue
                }
                if merged.contains(step) { l += 1 }
            }
            if r < right.steps.count {
                let step = right.steps[r]
                merged.insert(step)
                try add(step, left.elements[step], right.elements[step])
                r += 1
                if nextShared == step { nextShared = shared.popFirst() }
            }
        }
        return result.isEmpty ? JSONValue?.none : .array(result)
    }

    /// The steps to the elements of a list, and the elements by them; of those that are there twice, null.
    private func index(
        _ elements: [JSONValue], allowsDuplicates: Bool
    ) throws(MergeProblem) -> (steps: [PathElement], elements: [PathElement: JSONValue]) {
        var steps: [PathElement] = []
        var byStep: [PathElement: JSONValue] = [:]
        for (position, element) in elements.enumerated() {
            let step: PathElement
            do throws(MergeProblem) {
                step = try self.step(to: element)
            } catch {
                throw MergeProblem("element \(position): \(error.text)")
            }
            if byStep[step] != nil {
                guard allowsDuplicates else { throw MergeProblem("duplicate entries for key \(step)") }
                byStep[step] = .some(.null)
            } else {
                byStep[step] = element
            }
            steps.append(step)
        }
        return (steps, byStep)
    }
}

extension MergeProblem {
    /// The same problem, seen from one step further out.
    func below(_ step: PathElement) -> MergeProblem {
        var problem = self
        problem.path = step.description + path
        return problem
    }
}

// MARK: Checking

extension MergeType {
    /// What makes `value`, which somebody applies, no value of this type: unknown fields, wrong kinds of values, elements
    /// that nothing tells apart.
    public func problems(of value: JSONValue) -> [MergeProblem] {
        switch self {
        case .deduced: return []
        case .leaf(let type): return type.map { Self.problems(of: value, as: $0) } ?? []
        case .object, .structure, .map:
            if value.isNull { return [] }
            guard case .object(let object) = value else {
                return [MergeProblem("expected map, got &{\(GoText.of(value))}")]
            }
            var problems: [MergeProblem] = []
            for (name, field) in object {
                let found = self.field(name)?.problems(of: field) ?? [MergeProblem("field not declared in schema")]
                problems += found.map { $0.below(.field(name)) }
            }
            return problems
        case .set, .list:
            if value.isNull { return [] }
            guard case .array(let elements) = value else {
                return [MergeProblem("expected list, got &{\(GoText.of(value))}")]
            }
            var problems: [MergeProblem] = []
            var seen: Set<PathElement> = []
            for (position, element) in elements.enumerated() {
                do throws(MergeProblem) {
                    let step = try self.step(to: element)
                    if !seen.insert(step).inserted {
                        problems.append(MergeProblem("duplicate entries for key \(step)"))
                    }
                    problems += self[step].problems(of: element).map { $0.below(step) }
                } catch {
                    return problems + [MergeProblem("element \(position): \(error.text)")]
                }
            }
            return problems
        }
    }

    /// The same for what is owned as a whole but has a type.
    private static func problems(of value: JSONValue, as type: FieldType) -> [MergeProblem] {
        if value.isNull { return [] }
        if let scalar = type.scalar { return problems(of: value, as: scalar) }
        switch (type, value) {
        case (.list(let element), .array(let elements)):
            return elements.enumerated().flatMap { index, value in
                MergeType(element, .unspecified).problems(of: value).map { $0.below(.index(index)) }
            }
        case (.list, _): return [MergeProblem("expected list, got &{\(GoText.of(value))}")]
        case (.map(let element), .object(let object)):
            return object.flatMap { name, value in
                MergeType(element, .unspecified).problems(of: value).map { $0.below(.field(name)) }
            }
        case (.message(let message), .object): return MergeType.object(message).problems(of: value)
        default: return [MergeProblem("expected map, got &{\(GoText.of(value))}")]
        }
    }

    private static func problems(of value: JSONValue, as scalar: Scalar) -> [MergeProblem] {
        switch (scalar, value) {
        case (.any, _), (.string, .string), (.bytes, .string), (.bool, .bool), (.time, .string), (.microtime, .string),
            (.int32, .integer), (.int64, .integer), (.double, .integer), (.int32, .number), (.int64, .number),
            (.double, .number):
            return []
        case (.quantity, .string), (.quantity, .integer), (.quantity, .number), (.intorstring, .string),
            (.intorstring, .integer), (.intorstring, .number):
            return []
        case (.int32, _), (.int64, _), (.double, _):
            return [MergeProblem("expected numeric (int or float), got \(GoText.type(of: value))")]
        case (.bool, _): return [MergeProblem("expected boolean, got &{\(GoText.of(value))}")]
        case (.quantity, _), (.intorstring, _): return [MergeProblem("expected any scalar, got &{\(GoText.of(value))}")]
        default: return [MergeProblem("expected string, got &value.valueUnstructured{Value:\(GoText.of(value))}")]
        }
    }
}
