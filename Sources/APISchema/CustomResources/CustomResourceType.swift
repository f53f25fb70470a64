import JSON
import KubeTypes

/// What a version of a CustomResourceDefinition says about its objects, beside what a row of the resource table has.
public final class CustomResourceType: Sendable {
    /// Where the scale subresource finds its numbers, as lists of field names.
    public struct Scale: Sendable {
        public let specReplicas, statusReplicas: [String]
        /// Nil where no selector is shown.
        public let labelSelector: [String]?
        /// The paths as they were written, with a dot in front.
        public let specReplicasPath, statusReplicasPath, labelSelectorPath: String
    }

    /// The name of the definition: `crontabs.stable.example.com`.
    public let definition: String
    public let group, version, kind, listKind, plural: String
    /// Nil where the version has none, and knows nothing but metadata.
    public let schema: JSONSchema?
    /// Old definitions may keep whatever is sent.
    public let preservesUnknownFields: Bool
    public let hasStatus: Bool
    public let scale: Scale?
    public let columns: [CustomResourceColumn]
    /// What objects can be selected by: `spec.color`.
    public let selectableFields: [String]
    /// The message `ObjectMeta`, which the metadata of all objects is.
    public let objectMeta: MessageType

    /// Reads the version `version` of a definition (`apiextensions.k8s.io/v1`) that has been validated.
    init(_ definition: JSONValue, version: JSONValue, objectMeta: MessageType) {
        func text(_ value: JSONValue?) -> String { value?.stringValue ?? "" }
        let spec = definition["spec"] ?? [:]
        let names = definition[path: "status", "acceptedNames"] ?? [:]
        self.definition = text(definition["metadata"]?["name"])
        self.version = text(version["name"])
        self.objectMeta = objectMeta
        group = text(spec["group"])
        kind = text(names["kind"])
        listKind = text(names["listKind"])
        plural = text(names["plural"])
        schema = version[path: "schema", "openAPIV3Schema"].map(JSONSchema.init)
        preservesUnknownFields = spec["preserveUnknownFields"]?.boolValue ?? false
        hasStatus = version[path: "subresources", "status"]?.objectValue != nil
        scale = version[path: "subresources", "scale"].flatMap { scale in
            guard scale.objectValue != nil else { return nil }
            let selector = text(scale["labelSelectorPath"])
            return Scale(
                specReplicas: Self.fields(text(scale["specReplicasPath"])),
                statusReplicas: Self.fields(text(scale["statusReplicasPath"])),
                labelSelector: selector.isEmpty ? nil : Self.fields(selector),
                specReplicasPath: text(scale["specReplicasPath"]),
                statusReplicasPath: text(scale["statusReplicasPath"]),
                labelSelectorPath: selector)
        }
        columns = CustomResourceColumn.columns(version["additionalPrinterColumns"])
        selectableFields = (version["selectableFields"]?.arrayValue ?? []).map { field in
            let path = text(field["jsonPath"])
            return path.hasPrefix(".") ? String(path.dropFirst()) : path
        }
    }

    private static func fields(_ path: String) -> [String] {
        (path.hasPrefix(".") ? path.dropFirst() : path[...]).split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
    }

    // MARK: Objects

    /// Brings an object that a client has sent into the form in which it is kept, and returns the paths of fields that
    /// were unknown and are gone.
    func decode(_ object: inout JSONObject) throws(DecodingProblem) -> [String] {
        try prune(&object, isLenient: false)
    }

    private func prune(_ object: inout JSONObject, isLenient: Bool) throws(DecodingProblem) -> [String] {
        var pruning = SchemaPruning(objectMeta: objectMeta, isLenient: isLenient)
        if preservesUnknownFields {
            try pruning.coerceMetadata(of: &object)
        } else {
            try pruning.prune(&object, schema)
        }
        return pruning.unknown
    }

    func applyDefaults(to object: inout JSONObject) {
        if let schema { SchemaDefaults.apply(to: &object, schema) }
    }

    /// An object as it comes from the store, in any version of the definition, in the form that this version has today:
    /// the schema may have changed since it was written. Conversion by a webhook comes before this.
    public func restore(_ object: inout JSONValue) {
        guard case .object(var fields) = object else { return }
        object = .null
        fields["apiVersion"] = .string("\(group)/\(version)")
        fields["kind"] = .string(kind)
        // Nothing is refused when it is read: what makes no sense is left out.
        _ = try? prune(&fields, isLenient: true)
        applyDefaults(to: &fields)
        if fields["metadata"]?["generation"]?.integerValue ?? 0 == 0 {
            fields.change("metadata") { $0["generation"] = 1 }
        }
        object = .object(fields)
    }

    /// What is wrong with a new object, or with one that replaces `old`; metadata is looked at elsewhere.
    public func validate(_ object: JSONValue, replacing old: JSONValue?) -> [FieldError] {
        guard let fields = object.objectValue else { return [] }
        var errors: [FieldError] = []
        if let schema {
            let validator = SchemaValidator(schema)
            errors += old.map { validator.validate(object, replacing: $0) } ?? validator.validate(object)
        }
        errors += validateScale(object, status: false)
        if let schema {
            errors += EmbeddedResourceRules.validate(fields, schema, objectMeta: objectMeta)
            if old?.objectValue.map({ SchemaListTypes.validate($0, schema).isEmpty }) ?? true {
                errors += SchemaListTypes.validate(fields, schema)
            }
        }
        return errors
    }

    /// What is wrong with an object whose status replaces that of `old`.
    public func validateStatus(_ object: JSONValue, replacing old: JSONValue) -> [FieldError] {
        guard let fields = object.objectValue else { return [] }
        var errors: [FieldError] = []
        if let status = object["status"], let inner = schema?.properties["status"] {
            errors += SchemaValidator(inner, prefix: "status").validate(status, replacing: old["status"])
        }
        errors += validateScale(object, status: true)
        if let schema {
            let found = SchemaListTypes.validate(fields, schema)
            if !found.isEmpty, old.objectValue.map({ SchemaListTypes.validate($0, schema).isEmpty }) ?? true {
                errors += found
            }
        }
        return errors
    }

    private func validateScale(_ object: JSONValue, status: Bool) -> [FieldError] {
        guard let scale else { return [] }
        var errors: [FieldError] = []
        if !status { errors += Self.validateReplicas(object, scale.specReplicas, scale.specReplicasPath) }
        errors += Self.validateReplicas(object, scale.statusReplicas, scale.statusReplicasPath)
        if let selector = scale.labelSelector, let value = Self.value(at: selector, in: object),
            value.stringValue == nil
        {
            errors.append(
                .invalid(
                    scale.labelSelectorPath, "",
                    "\(Self.text(selector)) accessor error: \(SchemaText.value(value)) is of the type "
                        + "\(GoText.type(of: value)), expected string"))
        }
        return errors
    }

    private static func validateReplicas(_ object: JSONValue, _ path: [String], _ written: String) -> [FieldError] {
        guard let value = value(at: path, in: object) else { return [] }
        guard let replicas = value.integerValue else {
            return [
                .invalid(
                    written, 0,
                    "\(text(path)) accessor error: \(SchemaText.value(value)) is of the type \(GoText.type(of: value)), "
                        + "expected int64")
            ]
        }
        if replicas < 0 { return [.invalid(written, value, "should be a non-negative integer")] }
        if replicas > Int64(Int32.max) {
            return [.invalid(written, value, "should be less than or equal to \(Int32.max)")]
        }
        return []
    }

    private static func text(_ path: [String]) -> String { "." + path.joined(separator: ".") }

    /// The value at the end of a path of field names.
    public static func value(at path: [String], in object: JSONValue) -> JSONValue? {
        var value: JSONValue? = object
        for key in path { value = value?[key] }
        return value
    }
}

extension SchemaPruning {
    /// Checks the metadata of an object whose other fields are kept whatever they are.
    mutating func coerceMetadata(of object: inout JSONObject) throws(DecodingProblem) {
        var only = JSONObject()
        only["metadata"] = object["metadata"]
        try prune(&only, nil)
        if let metadata = only["metadata"] { object["metadata"] = metadata }
    }
}
