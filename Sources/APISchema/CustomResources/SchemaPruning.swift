import JSON
import KubeTypes

/// What decoding does to custom resources, as Go's decoder does it to built-in types: fields that the schema does not
/// know are removed, and so are nulls where null is no value; metadata, also that of embedded resources, is brought into
/// the form of `ObjectMeta`.
struct SchemaPruning {
    /// Fields that were removed because nobody knows them (`spec.ports[0].foo`).
    private(set) var unknown: [String] = []
    private var path: [String] = []
    private let objectMeta: MessageType
    /// Drops what is wrong in metadata instead of refusing it: how objects are read from the store.
    private let isLenient: Bool

    /// The fields of a resource that no schema needs to describe.
    static let metaFields: Set<String> = ["apiVersion", "kind", "metadata"]

    init(objectMeta: MessageType, isLenient: Bool) {
        self.objectMeta = objectMeta
        self.isLenient = isLenient
    }

    /// Prunes a whole object, and checks its metadata and that of the resources embedded in it.
    mutating func prune(_ object: inout JSONObject, _ schema: JSONSchema?) throws(DecodingProblem) {
        var metadataUnknown: [String] = []
        if let metadata = object["metadata"] {
            let (value, extra) = try decodeMetadata(metadata, at: "metadata")
            metadataUnknown = extra
            object["metadata"] = value
        }
        pruneFields(&object, schema, isResource: true)
        let pruned = unknown.sorted()
        unknown = []
        if let schema, schema.hasEmbeddedResources { try coerceFields(&object, schema, isRoot: true) }
        unknown = metadataUnknown + pruned + unknown.sorted()
    }

    /// Prunes a value without metadata of its own: a default.
    mutating func prune(_ value: inout JSONValue, _ schema: JSONSchema) { pruneValue(&value, schema) }

    // MARK: Unknown fields and nulls

    private func text(_ key: String) -> String {
        var text = ""
        for step in path + [key] { text += text.isEmpty || step.hasPrefix("[") ? step : ".\(step)" }
        return text
    }

    private mutating func pruneValue(_ value: inout JSONValue, _ schema: JSONSchema?) {
        switch value {
        case .object(var object):
            value = .null
            pruneFields(&object, schema, isResource: schema?.isEmbeddedResource ?? false)
            value = .object(object)
        case .array(var elements):
            value = .null
            for index in elements.indices {
                path.append("[\(index)]")
                pruneValue(&elements[index], schema?.items)
                path.removeLast()
            }
            value = .array(elements)
        default: break
        }
    }

    private mutating func pruneFields(_ object: inout JSONObject, _ schema: JSONSchema?, isResource: Bool) {
        let keepsUnknown = schema?.preservesUnknownFields ?? false
        for key in Array(object.keys) {
            if isResource, Self.metaFields.contains(key) { continue }
            let known = schema?.schema(ofField: key)
            let isAllowed: Bool
            if case .allowed? = schema?.additionalProperties { isAllowed = true } else { isAllowed = false }
            guard known != nil || keepsUnknown || isAllowed else {
                if !(path.isEmpty && Self.metaFields.contains(key)) { unknown.append(text(key)) }
                object.removeValue(forKey: key)
                continue
            }
            guard let known else {
                // `additionalProperties: true` keeps the fields and nothing below them, as upstream has it.
                if isAllowed, !keepsUnknown {
                    path.append(key)
                    object.update(key) { value in
                        guard var inner = value else { return }
                        value = nil
                        pruneValue(&inner, nil)
                        value = inner
                    }
                    path.removeLast()
                }
                continue
            }
            if object[key]?.isNull == true, !known.isNullable {
                // Null means that nothing was said; a default will take its place.
                if known.defaultValue == nil { object.removeValue(forKey: key) }
                continue
            }
            path.append(key)
            object.update(key) { value in
                guard var inner = value else { return }
                value = nil
                pruneValue(&inner, known)
                value = inner
            }
            path.removeLast()
        }
    }

    // MARK: Metadata

    /// Metadata in the form of `ObjectMeta`, and what was unknown in it.
    private func decodeMetadata(_ metadata: JSONValue, at path: String) throws(DecodingProblem) -> (JSONValue, [String])
    {
        var decoder = Decoder()
        do throws(DecodingProblem) {
            let value = try decoder.decode(metadata, as: .message(objectMeta))
            return (value, decoder.unknown.map { "\(path).\($0)" })
        } catch {
            guard isLenient, case .object(let fields) = metadata else { throw error }
            var kept = JSONObject()
            var unknown: [String] = []
            for (key, value) in fields {
                var decoder = Decoder()
                guard case .object(let one)? = try? decoder.decode([key: value], as: .message(objectMeta)) else {
                    continue
                }
                for (name, field) in one { kept[name] = field }
                unknown += decoder.unknown.map { "\(path).\($0)" }
            }
            return (.object(kept), unknown)
        }
    }

    private mutating func coerceValue(_ value: inout JSONValue, _ schema: JSONSchema) throws(DecodingProblem) {
        guard schema.hasEmbeddedResources else { return }
        switch value {
        case .object(var object):
            value = .null
            try coerceFields(&object, schema, isRoot: false)
            value = .object(object)
        case .array(var elements):
            guard let items = schema.items else { return }
            value = .null
            for index in elements.indices {
                path.append("[\(index)]")
                try coerceValue(&elements[index], items)
                path.removeLast()
            }
            value = .array(elements)
        default: break
        }
    }

    private mutating func coerceFields(_ object: inout JSONObject, _ schema: JSONSchema, isRoot: Bool)
        throws(DecodingProblem)
    {
        if schema.isEmbeddedResource, !isRoot {
            for key in ["apiVersion", "kind"] {
                guard let value = object[key], value.stringValue == nil else { continue }
                guard isLenient else { throw invalid(text(key), value, "must be a string") }
                object.removeValue(forKey: key)
            }
            if let metadata = object["metadata"] {
                do throws(DecodingProblem) {
                    let (value, extra) = try decodeMetadata(metadata, at: text("metadata"))
                    unknown += extra
                    object["metadata"] = value
                } catch {
                    throw invalid(text("metadata"), metadata, error.text)
                }
            }
        }
        for key in Array(object.keys) {
            guard let inner = schema.schema(ofField: key), inner.hasEmbeddedResources, var value = object[key] else {
                continue
            }
            if isRoot, Self.metaFields.contains(key) { continue }
            path.append(key)
            object[key] = .null
            try coerceValue(&value, inner)
            object[key] = value
            path.removeLast()
        }
    }

    private func invalid(_ path: String, _ value: JSONValue, _ detail: String) -> DecodingProblem {
        DecodingProblem(text: "\(path): Invalid value: \(SchemaText.value(value)): \(detail)")
    }
}
