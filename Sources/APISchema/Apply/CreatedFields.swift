// What the creator of an object owns, in one go: most writes are creations, and have nobody else to reckon with.

import JSON

/// Makes the FieldsV1 value of an object that was created. It is what a comparison with an empty object would give.
struct CreatedFields {
    /// Paths that are left out themselves, while those below them are not.
    let stripped: FieldSet
    /// Paths that are left out with all below them.
    let ignored: FieldSet

    /// The fields of `object` that are not in `base`, the object that is there before anybody has written one.
    func fieldsV1(of object: JSONValue, over base: JSONValue, _ type: MergeType) -> JSONObject {
        fields(of: object.objectValue ?? [:], over: base.objectValue ?? [:], type, stripped, ignored)
    }

    private func fields(
        of object: JSONObject, over base: JSONObject, _ type: MergeType, _ stripped: FieldSet, _ ignored: FieldSet
    ) -> JSONObject {
        var found: [(name: String, fields: JSONObject)] = []
        found.reserveCapacity(object.count)
        for (name, value) in object {
            let omitted = stripped.isEmpty ? nil : stripped[.field(name)]
            let skipped = ignored.isEmpty ? nil : ignored[.field(name)]
            if skipped?.isMember == true { continue }
            let inner = type.field(name) ?? .deduced
            guard let under = base[name] else {
                if omitted == nil { found.append((name, Self.added(value, inner))) }
                continue
            }
            var fields = JSONObject()
            switch inner.shape(of: value) {
            case .leaf: if value != under, omitted == nil { found.append((name, fields)) }
            case .fields:
                fields = self.fields(
                    of: value.objectValue ?? [:], over: under.objectValue ?? [:], inner,
                    omitted?.children ?? FieldSet(),
                    skipped?.children ?? FieldSet())
            case .elements:
                // Lists of empty objects are empty.
                fields = Self.elements(value.arrayValue ?? [], inner)
            }
            if !fields.isEmpty { found.append((name, fields)) }
        }
        return Self.object(of: found)
    }

    private static func object(of found: [(name: String, fields: JSONObject)]) -> JSONObject {
        var object = JSONObject()
        object.reserveCapacity(found.count + 1)
        for (name, fields) in found.sorted(by: { $0.name < $1.name }) { object["f:\(name)"] = .object(fields) }
        return object
    }

    /// What is below the path of a value that is new altogether; with the path itself, if there is something.
    private static func added(_ value: JSONValue, _ type: MergeType) -> JSONObject {
        let below: JSONObject
        switch type.shape(of: value) {
        case .leaf: return JSONObject()
        case .fields:
            below = object(
                of: (value.objectValue ?? [:]).map { ($0.key, added($0.value, type.field($0.key) ?? .deduced)) })
        case .elements: below = elements(value.arrayValue ?? [], type)
        }
        if below.isEmpty { return below }
        var fields = JSONObject()
        fields.reserveCapacity(below.count + 1)
        fields["."] = .object([:])
        for (key, value) in below { fields[key] = value }
        return fields
    }

    private static func elements(_ elements: [JSONValue], _ type: MergeType) -> JSONObject {
        var found: [(step: PathElement, fields: JSONObject)] = []
        found.reserveCapacity(elements.count)
        var positions: [PathElement: Int] = [:]
        for element in elements {
            guard let step = try? type.step(to: element) else { continue }
            let known = elements.count > 1 ? positions.updateValue(found.count, forKey: step) : nil
            if let known {
                // Elements that nothing tells apart are owned together.
                positions[step] = known
                found[known].fields = JSONObject()
            } else {
                found.append((step, added(element, type[step])))
            }
        }
        if found.count > 1 { found.sort { $0.step < $1.step } }
        var object = JSONObject()
        object.reserveCapacity(found.count + 1)
        for (step, fields) in found { object[step.fieldsV1Name] = .object(fields) }
        return object
    }
}
