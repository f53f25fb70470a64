import JSON
import KubeTypes

/// Strategic merge patch (`application/strategic-merge-patch+json`): a merge patch that knows from the type table which
/// lists merge, and by which key. Its directives: `$patch: replace|delete`, `$retainKeys`, `$setElementOrder/FIELD`,
/// `$deleteFromPrimitiveList/FIELD`.
///
/// Specified by the sig-api-machinery document *Strategic Merge Patch*.
extension Schema {
    /// What `original`, a `message`, becomes by `patch`.
    /// - Throws: what upstream answers: 400 for malformed directives, 500 for lists whose elements lack their key.
    public func strategicMerge(
        patch: JSONValue, into original: JSONValue, as message: MessageType
    ) throws(APIError) -> JSONValue {
        guard case .object(let changes) = patch else {
            throw APIError.badRequest(
                "error decoding patch: json: cannot unmarshal \(StrategicMerge.kind(of: patch)) into Go value of type "
                    + "map[string]interface {}")
        }
        return .object(try StrategicMerge.merge(changes, into: original.objectValue ?? [:], .message(message)))
    }
}

package enum StrategicMerge {
    private static let directive = "$patch"
    private static let retainKeys = "$retainKeys"
    private static let deleteFromList = "$deleteFromPrimitiveList"
    private static let setElementOrder = "$setElementOrder"

    // MARK: Objects

    /// Merges the fields of `patch` into `original`. `type` is what is known of both: nil inside of free-form fields.
    static func merge(
        _ patch: JSONObject, into original: JSONObject, _ type: FieldType?
    ) throws(APIError) -> JSONObject {
        var patch = patch
        if let marker = patch.removeValue(forKey: directive) {
            switch marker.stringValue {
            case "replace": return patch
            case "delete": return [:]
            default:
                patch[directive] = marker
                throw failure("unknown patch type: \(GoText.of(marker)) in map: \(GoText.of(.object(patch)))")
            }
        }
        var result = original
        try applyRetainKeys(&patch, to: &result)
        try applyElementOrders(&patch, to: &result, type)
        for (name, value) in patch {
            var key = name
            var deletes = false
            if name.hasPrefix(deleteFromList) {
                key = try fieldName(
                    of: name, behind: deleteFromList, .badRequest("invalid patch format of primitive list"))
                deletes = true
            }
            if value.isNull {
                result.removeValue(forKey: key)
                continue
            }
            guard let old = result[key], sameKind(old, value) else {
                if !deletes { result[key] = withoutDirectives(withoutNulls(value)) }
                continue
            }
            let field = Self.field(key, of: type)
            switch (old, value) {
            case (.object(let oldObject), .object(let newObject)):
                result[key] =
                    field.field?.patchReplaces == true
                    ? value : .object(try merge(newObject, into: oldObject, field.type))
            case (.array(let oldList), .array(let newList)):
                result[key] = .array(try mergeList(newList, into: oldList, field, deletes: deletes))
            default: result[key] = value
            }
        }
        return result
    }

    /// What the schema says of the field `key`: of a message, its row; of a map, the type of its values.
    private static func field(_ key: String, of type: FieldType?) -> (field: Field?, type: FieldType?) {
        switch type {
        case .message(let message) where message.scalar == nil:
            let field = message.field(key)
            return (field, field?.type)
        case .map(let element): return (nil, element)
        default: return (nil, nil)
        }
    }

    private static func applyRetainKeys(_ patch: inout JSONObject, to original: inout JSONObject) throws(APIError) {
        guard let directive = patch.removeValue(forKey: retainKeys) else { return }
        guard case .array(let list) = directive else { throw .badRequest("invalid patch format of retainKeys") }
        let retained = Set(list.compactMap(\.stringValue))
        for (key, value) in patch
        where !value.isNull && !key.hasPrefix(deleteFromList) && !key.hasPrefix(setElementOrder) {
            guard retained.contains(key) else { throw .badRequest("invalid patch format of retainKeys") }
        }
        for key in Array(original.keys) where !retained.contains(key) { original.removeValue(forKey: key) }
    }

    /// Merges the lists whose order the patch gives, and puts them in that order.
    private static func applyElementOrders(
        _ patch: inout JSONObject, to original: inout JSONObject, _ type: FieldType?
    ) throws(APIError) {
        for name in Array(patch.keys) where name.hasPrefix(setElementOrder) {
            guard let directive = patch.removeValue(forKey: name) else { continue }
            let malformed = APIError.badRequest("invalid patch format of setElementOrder list")
            let key = try fieldName(of: name, behind: setElementOrder, malformed)
            guard case .array(let order) = directive else { throw malformed }
            let field = Self.field(key, of: type)
            let mergeKey = field.field?.patchMergeKey
            let old = try list(original[key])
            let new = try list(patch[key])
            if let new { try check(new, follows: order, mergeKey) }
            let merged: [JSONValue]
            switch (old, new) {
            case (nil, nil): continue
            case (let old?, nil): merged = old
            case (nil, let new?): merged = withoutDirectives(withoutNulls(.array(new)))?.arrayValue ?? []
            case (let old?, let new?): merged = try mergeList(new, into: old, field, deletes: false)
            }
            let (ordered, others) = try partition(merged, by: order, mergeKey)
            original[key] = .array(
                try normalized(patched: ordered, others: others, order: order, original: old ?? [], mergeKey))
            patch.removeValue(forKey: key)
        }
    }

    private static func list(_ value: JSONValue?) throws(APIError) -> [JSONValue]? {
        guard let value else { return nil }
        guard case .array(let elements) = value else {
            throw failure("expected a []interface {}, but received a \(GoText.type(of: value))")
        }
        return elements
    }

    private static func fieldName(
        of directive: String, behind prefix: String, _ malformed: APIError
    ) throws(APIError) -> String {
        let rest = directive.dropFirst(prefix.count)
        guard rest.first == "/", rest.count > 1 else { throw malformed }
        return String(rest.dropFirst())
    }

    // MARK: Lists

    private static func mergeList(
        _ patch: [JSONValue], into original: [JSONValue], _ field: (field: Field?, type: FieldType?), deletes: Bool
    ) throws(APIError) -> [JSONValue] {
        guard deletes || field.field?.patchMerges == true else { return patch }
        if original.isEmpty, patch.isEmpty { return original }
        let holdsObjects = try elementsAreObjects(original + patch)
        if deletes, !holdsObjects { return original.filter { !patch.contains($0) } }
        guard holdsObjects else {
            var merged: [JSONValue] = []
            for element in original + patch where !merged.contains(element) { merged.append(element) }
            let (patched, others) = try partition(merged, by: patch, nil)
            return try normalized(patched: patched, others: others, order: patch, original: original, nil)
        }
        let element: FieldType? = if case .list(let element) = field.type { element } else { nil }
        guard let mergeKey = field.field?.patchMergeKey else {
            throw failure("cannot merge lists without merge key for \(element?.message?.shortName ?? "")")
        }
        let (kept, changes) = try applyElementDirectives(patch, to: original, mergeKey)
        var merged = kept
        for change in changes {
            guard case .object(let object) = change else { continue }
            guard let name = object[mergeKey] else { throw missingKey(change, mergeKey) }
            if let index = merged.firstIndex(where: { $0[mergeKey] == name }) {
                merged[index] = .object(try merge(object, into: merged[index].objectValue ?? [:], element))
            } else {
                merged.append(withoutDirectives(withoutNulls(change)) ?? change)
            }
        }
        let (patched, others) = try partition(merged, by: changes, mergeKey)
        return try normalized(patched: patched, others: others, order: changes, original: kept, mergeKey)
    }

    /// Takes the elements with `$patch` out of a patch: those that delete do so, one that replaces drops the list.
    private static func applyElementDirectives(
        _ patch: [JSONValue], to original: [JSONValue], _ mergeKey: String
    ) throws(APIError) -> (original: [JSONValue], patch: [JSONValue]) {
        var kept = original
        var changes: [JSONValue] = []
        var replaces = false
        for element in patch {
            guard let marker = element[directive] else {
                changes.append(element)
                continue
            }
            switch marker.stringValue {
            case "delete":
                guard let name = element[mergeKey] else { throw missingKey(element, mergeKey) }
                kept.removeAll { $0[mergeKey] == name }
            case "replace": replaces = true
            case "merge": throw failure("merging lists cannot yet be specified in the patch")
            default: throw failure("unknown patch type: \(GoText.of(marker)) in map: \(GoText.of(element))")
            }
        }
        return replaces ? (changes, []) : (kept, changes)
    }

    private static func elementsAreObjects(_ elements: [JSONValue]) throws(APIError) -> Bool {
        let kinds = Set(elements.map(kind(of:)))
        if kinds.contains("array") {
            throw APIError(code: 422, reason: "", message: "lists of lists are not supported")
        }
        guard kinds.count <= 1 else {
            throw failure("list element types are not identical: \(kinds.sorted().joined(separator: ", "))")
        }
        return kinds.first == "object"
    }

    /// Elements of the patch must stand in the order that the patch itself asks for.
    private static func check(
        _ patch: [JSONValue], follows order: [JSONValue], _ mergeKey: String?
    ) throws(APIError) {
        guard !patch.isEmpty, !order.isEmpty else { return }
        var rest = order[...]
        for element in patch where element[directive] == nil {
            let name = try identity(element, mergeKey)
            while let next = rest.first, try identity(next, mergeKey) != name { rest.removeFirst() }
            guard !rest.isEmpty else {
                throw failure(
                    "The order in patch list:\n\(GoText.of(.array(patch)))\n doesn't match \(setElementOrder) list:\n"
                        + "\(GoText.of(.array(order)))\n")
            }
            rest.removeFirst()
        }
    }

    /// What tells an element from others: the value of its key, or itself.
    private static func identity(_ element: JSONValue, _ mergeKey: String?) throws(APIError) -> JSONValue {
        guard let mergeKey else { return element }
        guard case .object(let object) = element else {
            throw failure("expected a map[string]interface {}, but received a \(GoText.type(of: element))")
        }
        guard let name = object[mergeKey] else { throw missingKey(element, mergeKey) }
        return name
    }

    private static func partition(
        _ elements: [JSONValue], by order: [JSONValue], _ mergeKey: String?
    ) throws(APIError) -> (listed: [JSONValue], others: [JSONValue]) {
        var names: Set<JSONValue> = []
        for element in order { names.insert(try identity(element, mergeKey)) }
        var listed: [JSONValue] = []
        var others: [JSONValue] = []
        for element in elements {
            if names.contains(try identity(element, mergeKey)) {
                listed.append(element)
            } else {
                others.append(element)
            }
        }
        return (listed, others)
    }

    /// Weaves elements that the patch names, in its order, between those that it does not, in theirs. Where both were
    /// in the original, its order decides.
    private static func normalized(
        patched: [JSONValue], others: [JSONValue], order: [JSONValue], original: [JSONValue], _ mergeKey: String?
    ) throws(APIError) -> [JSONValue] {
        let inOrder = try positions(order, mergeKey)
        let inOriginal = try positions(original, mergeKey)
        let right = try sorted(patched, by: inOrder, mergeKey)
        let left = try sorted(others, by: inOriginal, mergeKey)
        var woven: [JSONValue] = []
        woven.reserveCapacity(left.count + right.count)
        var i = 0
        var j = 0
        while i < left.count || j < right.count {
            if i >= left.count {
                woven.append(right[j])
                j += 1
            } else if j >= right.count {
                woven.append(left[i])
                i += 1
            } else if let l = inOriginal[try identity(left[i], mergeKey)],
                let r = inOriginal[try identity(right[j], mergeKey)], l < r
            {
                woven.append(left[i])
                i += 1
            } else {
                woven.append(right[j])
                j += 1
            }
        }
        return woven
    }

    private static func positions(
        _ elements: [JSONValue], _ mergeKey: String?
    ) throws(APIError) -> [JSONValue: Int] {
        var positions: [JSONValue: Int] = [:]
        for (index, element) in elements.enumerated() {
            let name = try identity(element, mergeKey)
            if positions[name] == nil { positions[name] = index }
        }
        return positions
    }

    private static func sorted(
        _ elements: [JSONValue], by positions: [JSONValue: Int], _ mergeKey: String?
    ) throws(APIError) -> [JSONValue] {
        var keyed: [(position: Int, index: Int, element: JSONValue)] = []
        for (index, element) in elements.enumerated() {
            keyed.append((positions[try identity(element, mergeKey)] ?? .max, index, element))
        }
        keyed.sort { ($0.position, $0.index) < ($1.position, $1.index) }
        return keyed.map(\.element)
    }

    // MARK: What a patch must not leave behind

    /// The value without objects that are directives; nil if it is one itself.
    private static func withoutDirectives(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .object(let object):
            if object[directive] != nil { return nil }
            var kept = JSONObject()
            for (key, inner) in object { if let inner = withoutDirectives(inner) { kept[key] = inner } }
            return .object(kept)
        case .array(let elements): return .array(elements.compactMap(withoutDirectives))
        default: return value
        }
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            var kept = JSONObject()
            for (key, inner) in object where !inner.isNull { kept[key] = withoutNulls(inner) }
            return .object(kept)
        case .array(let elements): return .array(elements.map(withoutNulls))
        default: return value
        }
    }

    // MARK: Errors

    /// Upstream answers these with 500 and no reason.
    private static func failure(_ message: String) -> APIError { APIError(code: 500, reason: "", message: message) }

    private static func missingKey(_ element: JSONValue, _ key: String) -> APIError {
        failure("map: \(GoText.of(element)) does not contain declared merge key: \(key)")
    }

    private static func sameKind(_ left: JSONValue, _ right: JSONValue) -> Bool { kind(of: left) == kind(of: right) }

    static func kind(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
