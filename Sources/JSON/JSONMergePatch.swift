/// Merging a document with one that has the same shape and holds what is to change (RFC 7386): null removes a field,
/// objects merge, anything else replaces.
public enum JSONMergePatch {
    /// `target` with `patch` merged into it. Nothing that the patch brings along holds a null field, arrays excepted.
    public static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        var result = target
        merge(patch, into: &result)
        return result
    }

    private static func merge(_ patch: JSONValue, into target: inout JSONValue) {
        guard case .object(let changes) = patch else {
            target = patch
            return
        }
        var object: JSONObject
        if case .object(let existing) = target { object = existing } else { object = JSONObject() }
        target = .null  // the only reference is ours now, so the change happens in place
        for (key, change) in changes {
            if change.isNull {
                object.removeValue(forKey: key)
            } else {
                object.update(key) { field in
                    var value = field ?? .null
                    field = nil
                    merge(change, into: &value)
                    field = value
                }
            }
        }
        target = .object(object)
    }

    /// The merge patch that makes `modified` of `original`; nil where they are equal. A null that `modified` holds
    /// cannot be said in a merge patch: it removes the field.
    public static func difference(from original: JSONValue, to modified: JSONValue) -> JSONValue? {
        guard original != modified else { return nil }
        guard case .object(let before) = original, case .object(let after) = modified else { return modified }
        var changes = JSONObject()
        for (key, value) in after {
            guard let old = before[key] else {
                changes[key] = value
                continue
            }
            if let change = difference(from: old, to: value) { changes[key] = change }
        }
        for key in before.keys where after[key] == nil { changes[key] = .null }
        return .object(changes)
    }
}
