// The types that expressions of mutating policies construct: `Object{…}` and `JSONPatch{…}`.

import CEL
import JSON

enum PatchTypes {
    /// `Object` and all types within it, by the path of their fields; and `JSONPatch`.
    static let find: @Sendable (String) -> (any CELObjectType)? = { name in
        if name == "JSONPatch" { return PatchOperationType() }
        return name == "Object" || name.hasPrefix("Object.") ? PatchObjectType(name: name) : nil
    }
}

/// An object of which nothing is known but where it stands.
private struct PatchObjectType: CELObjectType {
    let name: String

    func type(ofField name: String) -> CELType? { .dyn }

    func construct(_ fields: [(name: String, value: CELValue)]) throws(CELError) -> CELValue? {
        .object(PatchObject(type: .object(name), fields: fields))
    }
}

/// An object that an expression constructed.
final class PatchObject: CELObject {
    let type: CELType
    let fields: [(name: String, value: CELValue)]

    init(type: CELType, fields: [(name: String, value: CELValue)]) {
        self.type = type
        self.fields = fields
    }

    func field(_ name: String) throws(CELError) -> CELValue? { fields.first { $0.name == name }?.value }

    var json: JSONValue? {
        var object = JSONObject()
        for (name, value) in fields {
            guard let json = try? value.json() else { return nil }
            object[name] = json
        }
        return .object(object)
    }

    func isEqual(to other: any CELObject) throws(CELError) -> Bool {
        guard let other = other as? PatchObject, other.type == type else { return false }
        return json == other.json
    }

    /// What is wrong with the types of objects within: each is named by the path of its field.
    func typeProblems(_ path: String = "Object") -> [String] {
        var problems: [String] = []
        if type.name != path {
            problems.append(
                "unexpected type name \"\(type.name)\", expected \"\(path)\", which matches field name path from root "
                    + "Object type")
        }
        for (name, value) in fields { problems += Self.typeProblems(value, "\(path).\(name)") }
        return problems
    }

    private static func typeProblems(_ value: CELValue, _ path: String) -> [String] {
        switch value {
        case .object(let object): (object as? PatchObject)?.typeProblems(path) ?? []
        case .list(let list): ((try? list.all()) ?? []).flatMap { typeProblems($0, path) }
        case .map(let map): map.entries.flatMap { typeProblems($0.value, path) }
        default: []
        }
    }
}

private struct PatchOperationType: CELObjectType {
    func type(ofField name: String) -> CELType? {
        switch name {
        case "op", "path", "from": .string
        case "value": .dyn
        default: nil
        }
    }

    func construct(_ fields: [(name: String, value: CELValue)]) throws(CELError) -> CELValue? {
        for (name, value) in fields where name != "value" {
            guard value.stringValue != nil else {
                throw CELError("unexpected type \(value.type.name) for JSONPatchType '\(name)' field")
            }
        }
        return .object(PatchObject(type: .object("JSONPatch"), fields: fields))
    }
}
