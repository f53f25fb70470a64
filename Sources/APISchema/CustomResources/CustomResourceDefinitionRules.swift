import JSON
import KubeTypes

/// What a CustomResourceDefinition must be like: its names, its versions, and what each version says. Paths are those of
/// upstream, which validates an internal form: what all versions have in common stands directly under `spec` there.
public enum CustomResourceDefinitionRules {
    /// Checks the rules in the expression language of a schema: schema, path, and the schema that it replaces.
    public typealias CheckRules = (JSONSchema, String, JSONSchema?) -> [FieldError]

    private static let selectableFieldsLimit = 8

    /// What is wrong with a definition (`apiextensions.k8s.io/v1`, decoded and defaulted), or with one that replaces
    /// `old`: what was accepted before is not looked at as closely.
    public static func validate(
        _ definition: JSONValue, replacing old: JSONValue?, checkRules: CheckRules
    ) -> [FieldError] {
        var rules = Rules(old: old)
        rules.check(definition, checkRules)
        return rules.errors
    }

    /// What is wrong with a status that a client has written.
    public static func validateStatus(_ definition: JSONValue) -> [FieldError] {
        var rules = Rules(old: nil)
        rules.checkNames(definition[path: "status", "acceptedNames"]?.objectValue ?? [:], "status.acceptedNames")
        return rules.errors
    }

    /// Formats that mean nothing.
    public static func warnings(about definition: JSONValue) -> [String] {
        var formats: [String] = []
        for version in definition["spec"]?["versions"]?.arrayValue ?? [] {
            guard let schema = version[path: "schema", "openAPIV3Schema"] else { continue }
            JSONSchema(schema).forEach { schema in
                if SchemaFormats.isUnrecognized(schema), !formats.contains(schema.format) {
                    formats.append(schema.format)
                }
            }
        }
        return formats.map { "unrecognized format \(JSONWriter.text(of: .string($0)))" }
    }

    private struct Rules {
        let old: JSONValue?
        var errors: [FieldError] = []

        init(old: JSONValue?) { self.old = old }

        mutating func check(_ definition: JSONValue, _ checkRules: CheckRules) {
            let spec = definition["spec"]?.objectValue ?? [:]
            let oldSpec = old?["spec"]
            let plural = spec["names"]?["plural"]?.stringValue ?? ""
            let group = spec["group"]?.stringValue ?? ""
            let name = definition["metadata"]?["name"]?.stringValue ?? ""
            if name != "\(plural).\(group)" {
                errors.append(
                    .invalid("metadata.name", .string(name), "must be spec.names.plural+\".\"+spec.group"))
            }
            checkGroup(group)
            let scope = spec["scope"]?.stringValue ?? ""
            if scope.isEmpty {
                errors.append(.required("spec.scope"))
            } else if scope != "Cluster", scope != "Namespaced" {
                errors.append(.notSupported("spec.scope", .string(scope), ["Cluster", "Namespaced"]))
            }
            let versions = spec["versions"]?.arrayValue ?? []
            checkVersions(versions, oldSpec?["versions"]?.arrayValue ?? [], checkRules)
            let names = spec["names"]?.objectValue ?? [:]
            for key in ["plural", "singular", "kind", "listKind"] where !names.has(key) {
                errors.append(.required("spec.names.\(key)"))
            }
            checkNames(names, "spec.names")
            checkConversion(spec["conversion"], spec["preserveUnknownFields"]?.boolValue ?? false)
            if spec["preserveUnknownFields"]?.boolValue == true {
                errors.append(
                    .invalid(
                        "spec.preserveUnknownFields", true,
                        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                            + "spec.versions[*].schema instead"))
            }
            if let old, let oldSpec { checkImmutable(spec, oldSpec, isEstablished: isEstablished(old)) }
            checkStoredVersions(definition, versions)
        }

        private func isEstablished(_ definition: JSONValue) -> Bool {
            CustomResourceConditions.isTrue("Established", of: definition)
        }

        private mutating func checkGroup(_ group: String) {
            if group.isEmpty {
                errors.append(.required("spec.group"))
                return
            }
            let problems = Names.isDNS1123Subdomain(group)
            if !problems.isEmpty {
                errors.append(.invalid("spec.group", .string(group), problems.joined(separator: ",")))
            } else if !group.contains(".") {
                errors.append(.invalid("spec.group", .string(group), "should be a domain with at least one dot"))
            }
        }

        private mutating func label(_ path: String, _ value: String, prefix: String = "", lowercase: Bool = false) {
            guard !value.isEmpty else { return }
            let problems = Names.isDNS1035Label(lowercase ? value.lowercased() : value)
            if !problems.isEmpty {
                errors.append(.invalid(path, .string(value), prefix + problems.joined(separator: ",")))
            }
        }

        mutating func checkNames(_ names: JSONObject, _ path: String) {
            func text(_ key: String) -> String { names[key]?.stringValue ?? "" }
            label("\(path).plural", text("plural"))
            label("\(path).singular", text("singular"))
            let mixed = "may have mixed case, but should otherwise match: "
            label("\(path).kind", text("kind"), prefix: mixed, lowercase: true)
            label("\(path).listKind", text("listKind"), prefix: mixed, lowercase: true)
            for (index, name) in (names["shortNames"]?.arrayValue ?? []).enumerated() {
                label("\(path).shortNames[\(index)]", name.stringValue ?? "")
            }
            if !text("kind").isEmpty, text("kind") == text("listKind") {
                errors.append(
                    .invalid("\(path).listKind", .string(text("listKind")), "kind and listKind may not be the same"))
            }
            for (index, category) in (names["categories"]?.arrayValue ?? []).enumerated() {
                label("\(path).categories[\(index)]", category.stringValue ?? "")
            }
        }

        private mutating func checkImmutable(_ spec: JSONObject, _ old: JSONValue, isEstablished: Bool) {
            func compare(_ path: String, _ new: JSONValue?, _ old: JSONValue?) {
                if new != old { errors.append(.invalid("spec.\(path)", new ?? "", "field is immutable")) }
            }
            if isEstablished {
                compare("scope", spec["scope"], old["scope"])
                compare("names.kind", spec["names"]?["kind"], old["names"]?["kind"])
            }
            compare("group", spec["group"], old["group"])
            compare("names.plural", spec["names"]?["plural"], old["names"]?["plural"])
        }

        private mutating func checkStoredVersions(_ definition: JSONValue, _ versions: [JSONValue]) {
            let path = "status.storedVersions"
            let value = definition[path: "status", "storedVersions"] ?? []
            let stored = (value.arrayValue ?? []).compactMap(\.stringValue)
            guard !stored.isEmpty else {
                errors.append(.invalid(path, [], "must have at least one stored version"))
                return
            }
            let known = versions.compactMap { $0["name"]?.stringValue }
            for version in versions where version["storage"]?.boolValue == true {
                let name = version["name"]?.stringValue ?? ""
                if !stored.contains(name) {
                    errors.append(.invalid(path, value, "must have the storage version \(name)"))
                }
            }
            for (index, name) in stored.enumerated() where !known.contains(name) {
                errors.append(
                    .invalid(
                        "\(path)[\(index)]", .string(name),
                        "missing from spec.versions; \(name) was previously a storage version, and must remain in "
                            + "spec.versions until a storage migration ensures no data remains persisted in \(name) and "
                            + "removes \(name) from status.storedVersions"))
            }
        }

        // MARK: Versions

        private mutating func checkVersions(
            _ versions: [JSONValue], _ oldVersions: [JSONValue], _ checkRules: CheckRules
        ) {
            func common(_ key: String) -> Bool {
                guard let first = versions.first else { return false }
                return first[key] != nil && versions.allSatisfy { $0[key] == first[key] }
            }
            let schemaIsCommon = common("schema")
            let subresourcesAreCommon = common("subresources")
            let columnsAreCommon = common("additionalPrinterColumns")
            let fieldsAreCommon = common("selectableFields")
            for (index, version) in versions.enumerated() {
                let path = "spec.versions[\(index)]"
                let name = version["name"]?.stringValue ?? ""
                let problems = Names.isDNS1035Label(name)
                if !problems.isEmpty {
                    errors.append(.invalid("\(path).name", .string(name), problems.joined(separator: ",")))
                }
                checkDeprecation(version, path)
                let schemaPath = (schemaIsCommon ? "spec.validation" : "\(path).schema") + ".openAPIV3Schema"
                let written = version[path: "schema", "openAPIV3Schema"]
                let oldVersion = oldVersions.first { $0["name"]?.stringValue == name }
                if let written {
                    if !schemaIsCommon || index == 0 {
                        checkSchema(
                            written, old: oldVersion?[path: "schema", "openAPIV3Schema"],
                            hasStatus: version[path: "subresources", "status"] != nil, schemaPath, checkRules)
                    }
                } else if old == nil || oldVersion?[path: "schema", "openAPIV3Schema"] != nil {
                    errors.append(.required("\(path).schema.openAPIV3Schema"))
                }
                if !subresourcesAreCommon || index == 0 {
                    checkScale(
                        version[path: "subresources", "scale"],
                        (subresourcesAreCommon ? "spec" : path) + ".subresources")
                }
                if !columnsAreCommon || index == 0 {
                    let base = (columnsAreCommon ? "spec" : path) + ".additionalPrinterColumns"
                    for (position, column) in (version["additionalPrinterColumns"]?.arrayValue ?? []).enumerated() {
                        checkColumn(column, "\(base)[\(position)]")
                    }
                }
                if !fieldsAreCommon || index == 0, let fields = version["selectableFields"]?.arrayValue, !fields.isEmpty
                {
                    checkSelectableFields(
                        fields, written.map(JSONSchema.init), old: oldVersion?["selectableFields"]?.arrayValue,
                        (fieldsAreCommon ? "spec" : path) + ".selectableFields")
                }
            }
            let names = versions.map { $0["name"]?.stringValue ?? "" }
            if Set(names).count != names.count {
                errors.append(.invalid("spec.versions", .array(versions), "must contain unique version names"))
            }
            if versions.count(where: { $0["storage"]?.boolValue == true }) != 1 {
                errors.append(
                    .invalid(
                        "spec.versions", .array(versions), "must have exactly one version marked as storage version"))
            }
        }

        private mutating func checkDeprecation(_ version: JSONValue, _ path: String) {
            guard let warning = version["deprecationWarning"], let text = warning.stringValue else { return }
            let field = "\(path).deprecationWarning"
            if version["deprecated"]?.boolValue != true {
                errors.append(.invalid(field, warning, "can only be set for deprecated versions"))
                return
            }
            if text.utf8.count > 256 { errors.append(.invalid(field, warning, "must be <= 256 characters long")) }
            if text.isEmpty { errors.append(.invalid(field, warning, "must not be an empty string")) }
            var offset = 0
            for scalar in text.unicodeScalars {
                let category = scalar.properties.generalCategory
                let isPrintable =
                    switch category {
                    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                        false
                    case .spaceSeparator: scalar == " "
                    default: true
                    }
                if !isPrintable {
                    errors.append(
                        .invalid(
                            field, warning,
                            "must only contain printable UTF-8 characters; non-printable character found at index "
                                + "\(offset)"))
                    break
                }
                offset += UTF8.width(scalar)
            }
        }

        private mutating func checkSchema(
            _ written: JSONValue, old: JSONValue?, hasStatus: Bool, _ path: String, _ checkRules: CheckRules
        ) {
            let schema = JSONSchema(written)
            let before = errors.count
            if hasStatus { checkRoot(schema, path) }
            if schema.isNullable {
                errors.append(.forbidden("\(path).nullable", "nullable cannot be true at the root"))
            }
            let oldSchema = old.map(JSONSchema.init)
            let unsupported = StructuralSchemaRules.unsupported(written)
            var isStructural = false
            if unsupported == nil {
                let found = StructuralSchemaRules.validate(schema, path)
                if found.isEmpty {
                    isStructural = true
                    let problems = SchemaDefaultRules.validate(schema, path, requiresPruned: requiresPruned(oldSchema))
                    isStructural = problems.isEmpty
                    errors += problems
                } else {
                    errors += found
                }
            }
            errors += SchemaDefinitionRules.validate(schema, path, old: oldSchema)
            if errors.count == before, let unsupported {
                errors.append(.invalid(path, "", unsupported))
            }
            if isStructural, errors.count == before, schema.hasValidations {
                errors += checkRules(schema, path, oldSchema)
            }
        }

        private func requiresPruned(_ old: JSONSchema?) -> Bool {
            guard let old else { return true }
            return SchemaDefaultRules.validate(old, "", requiresPruned: true).isEmpty
        }

        private static let allowedAtRoot = [
            "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum",
            "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required",
            "Items",
            "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
        ]

        /// Status is validated by the schema of its property alone, so nothing at the root may speak about it.
        private mutating func checkRoot(_ schema: JSONSchema, _ path: String) {
            if !schema.type.isEmpty, schema.type != "object" {
                errors.append(
                    .invalid(
                        "\(path).type", .string(schema.type),
                        "only \"object\" is allowed as the type at the root of the schema if the status subresource is "
                            + "enabled"))
                return
            }
            for (key, value) in schema.json.sortedByKey() {
                switch value {
                case .bool(false), .null: continue
                default: break
                }
                let name: String
                switch key {
                case "x-kubernetes-preserve-unknown-fields": name = "XPreserveUnknownFields"
                case "x-kubernetes-validations": name = "XValidations"
                case let other where other.hasPrefix("x-kubernetes-"): name = other
                default: name = key.prefix(1).uppercased() + key.dropFirst()
                }
                if Self.allowedAtRoot.contains(name) { continue }
                let list = "[" + Self.allowedAtRoot.joined(separator: " ") + "]"
                errors.append(
                    .invalid(
                        path, .object(schema.json),
                        "only \(list) fields are allowed at the root of the schema if the status subresource is enabled"
                    ))
                return
            }
        }

        // MARK: Subresources, columns, fields

        private mutating func checkPath(_ text: String, _ path: String) -> Bool {
            guard !text.hasPrefix(".") else { return true }
            errors.append(.invalid(path, .string(text), "must be a simple json path starting with ."))
            return false
        }

        private mutating func checkScale(_ scale: JSONValue?, _ path: String) {
            guard let scale = scale?.objectValue else { return }
            for (key, root) in [("specReplicasPath", "spec"), ("statusReplicasPath", "status")] {
                let text = scale[key]?.stringValue ?? ""
                let field = "\(path).scale.\(key)"
                if text.isEmpty {
                    errors.append(.required(field))
                } else if checkPath(text, field), !text.hasPrefix(".\(root).") {
                    errors.append(.invalid(field, .string(text), "should be a json path under .\(root)"))
                }
            }
            let selector = scale["labelSelectorPath"]?.stringValue ?? ""
            let field = "\(path).scale.labelSelectorPath"
            if !selector.isEmpty, checkPath(selector, field), !selector.hasPrefix(".spec."),
                !selector.hasPrefix(".status.")
            {
                errors.append(
                    .invalid(field, .string(selector), "should be a json path under either .spec or .status"))
            }
        }

        private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
        private static let columnFormats = [
            "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
        ]

        private mutating func checkColumn(_ column: JSONValue, _ path: String) {
            func text(_ key: String) -> String { column[key]?.stringValue ?? "" }
            if text("name").isEmpty { errors.append(.required("\(path).name")) }
            let types = "must be one of \(Self.columnTypes.joined(separator: ","))"
            if text("type").isEmpty {
                errors.append(.required("\(path).type", types))
            } else if !Self.columnTypes.contains(text("type")) {
                errors.append(.invalid("\(path).type", .string(text("type")), types))
            }
            if !text("format").isEmpty, !Self.columnFormats.contains(text("format")) {
                errors.append(
                    .invalid(
                        "\(path).format", .string(text("format")),
                        "must be one of \(Self.columnFormats.joined(separator: ","))"))
            }
            if text("jsonPath").isEmpty {
                errors.append(.required("\(path).JSONPath"))
            } else {
                _ = checkPath(text("jsonPath"), "\(path).JSONPath")
            }
        }

        private mutating func checkSelectableFields(
            _ fields: [JSONValue], _ schema: JSONSchema?, old: [JSONValue]?, _ path: String
        ) {
            guard let schema else {
                errors.append(
                    .invalid(
                        path, "", "may only be set when `version.schema.openAPIV3Schema` is not included"))
                return
            }
            var seen: Set<String> = []
            for (index, field) in fields.enumerated() {
                let text = field["jsonPath"]?.stringValue ?? ""
                let place = "\(path)[\(index)].jsonPath"
                guard !text.isEmpty else {
                    errors.append(.required(place))
                    continue
                }
                let found: (names: [String], schema: JSONSchema)
                switch SchemaFieldPath.resolve(text, in: schema) {
                case .success(let result): found = result
                case .failure(let problem):
                    errors.append(.invalid(place, .string(text), "is an invalid path: \(problem.text)"))
                    continue
                }
                if found.names.first == "metadata" {
                    errors.append(.invalid(place, .string(text), "must not point to fields in metadata"))
                }
                if !["string", "boolean", "integer"].contains(found.schema.type) {
                    errors.append(
                        .invalid(
                            place, .string(text),
                            "must point to a field of type string, boolean or integer. Enum string fields and strings "
                                + "with formats are allowed."))
                }
                if !seen.insert(found.names.joined(separator: ".")).inserted {
                    errors.append(.duplicate(place, .string(text)))
                }
            }
            let limit = CustomResourceDefinitionRules.selectableFieldsLimit
            if seen.count > limit, fields != old ?? [] {
                errors.append(
                    FieldError(
                        .tooMany, path, message: "Too many: \(seen.count): must have at most \(limit) items"))
            }
        }

        // MARK: Conversion

        private mutating func checkConversion(_ conversion: JSONValue?, _ preserves: Bool) {
            guard let conversion else { return }
            let path = "spec.conversion"
            let strategy = conversion["strategy"]?.stringValue ?? ""
            if preserves, strategy != "None" {
                errors.append(
                    .invalid(
                        "\(path).strategy", .string(strategy), "must be None if spec.preserveUnknownFields is true"))
            }
            if strategy.isEmpty {
                errors.append(.required("\(path).strategy"))
            } else if strategy != "None", strategy != "Webhook" {
                errors.append(.notSupported("\(path).strategy", .string(strategy), ["None", "Webhook"]))
            }
            let client = conversion[path: "webhook", "clientConfig"]
            let versions = conversion[path: "webhook", "conversionReviewVersions"]?.arrayValue ?? []
            guard strategy == "Webhook" else {
                if client != nil {
                    errors.append(
                        .forbidden(
                            "\(path).webhookClientConfig", "should not be set when strategy is not set to Webhook"))
                }
                if !versions.isEmpty {
                    errors.append(
                        .forbidden(
                            "\(path).conversionReviewVersions",
                            "should not be set when strategy is not set to Webhook"))
                }
                return
            }
            if let client, client.objectValue != nil {
                checkClient(client, "\(path).webhookClientConfig")
            } else {
                errors.append(
                    .required("\(path).webhookClientConfig", "required when strategy is set to Webhook"))
            }
            checkReviewVersions(versions, "\(path).conversionReviewVersions")
        }

        private mutating func checkClient(_ client: JSONValue, _ path: String) {
            let service = client["service"]?.objectValue
            let url = client["url"]?.stringValue
            guard (url == nil) != (service == nil) else {
                errors.append(.required(path, "exactly one of url or service is required"))
                return
            }
            if let url { checkURL(url, "\(path).url") }
            if let service {
                let place = "\(path).service"
                for key in ["name", "namespace"] where !service.has(key) {
                    errors.append(.required("\(place).\(key)", "service \(key) is required"))
                }
                let port = service["port"]?.integerValue ?? 443
                if !(1...65535).contains(port) {
                    errors.append(
                        .invalid(
                            "\(place).port", .integer(port), "port is not valid: must be between 1 and 65535, inclusive"
                        ))
                }
                if let text = service["path"]?.stringValue, !text.isEmpty { checkServicePath(text, "\(place).path") }
            }
        }

        private mutating func checkURL(_ url: String, _ path: String) {
            let value = JSONValue.string(url)
            let form = "; desired format: https://host[/path]"
            guard let mark = url.range(of: "://") else {
                errors.append(.invalid(path, value, "host must be specified\(form)"))
                return
            }
            if url[..<mark.lowerBound] != "https" {
                errors.append(
                    .invalid(
                        path, .string(String(url[..<mark.lowerBound])), "'https' is the only allowed URL scheme\(form)")
                )
            }
            let rest = url[mark.upperBound...]
            let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            if host.isEmpty { errors.append(.invalid(path, value, "host must be specified\(form)")) }
            if let at = host.firstIndex(of: "@") {
                errors.append(
                    .invalid(
                        path, .string(String(host[..<at])), "user information is not permitted in the URL"))
            }
            if let fragment = rest.firstIndex(of: "#") {
                errors.append(
                    .invalid(
                        path, .string(String(rest[rest.index(after: fragment)...])),
                        "fragments are not permitted in the URL"))
            }
            if let query = rest.firstIndex(of: "?") {
                errors.append(
                    .invalid(
                        path, .string(String(rest[rest.index(after: query)...])),
                        "query parameters are not permitted in the URL"))
            }
        }

        private mutating func checkServicePath(_ text: String, _ path: String) {
            guard text.hasPrefix("/") else {
                errors.append(.invalid(path, .string(text), "must start with a '/'"))
                return
            }
            if text == "/" { return }
            let whole = text.hasSuffix("/") ? text.dropLast() : text[...]
            for (index, step) in whole.dropFirst().split(separator: "/", omittingEmptySubsequences: false).enumerated()
            {
                if step.isEmpty {
                    errors.append(.invalid(path, .string(text), "segment[\(index)] may not be empty"))
                    continue
                }
                for problem in Names.isDNS1123Subdomain(String(step)) {
                    errors.append(.invalid(path, .string(text), "segment[\(index)]: \(problem)"))
                }
            }
        }

        private mutating func checkReviewVersions(_ versions: [JSONValue], _ path: String) {
            guard !versions.isEmpty else {
                errors.append(.required(path))
                return
            }
            var seen: Set<String> = []
            for (index, version) in versions.enumerated() {
                let text = version.stringValue ?? ""
                guard seen.insert(text).inserted else {
                    errors.append(.invalid("\(path)[\(index)]", version, "duplicate version"))
                    continue
                }
                for problem in Names.isDNS1035Label(text) {
                    errors.append(.invalid("\(path)[\(index)]", version, problem))
                }
            }
            let oldVersions =
                (old?[path: "spec", "conversion", "webhook", "conversionReviewVersions"]?.arrayValue ?? [])
                .compactMap(\.stringValue)
            let isStrict = oldVersions.isEmpty || oldVersions.contains { $0 == "v1" || $0 == "v1beta1" }
            if isStrict, seen.isDisjoint(with: ["v1", "v1beta1"]) {
                errors.append(.invalid(path, .array(versions), "must include at least one of v1, v1beta1"))
            }
        }
    }
}

/// A path of fields in a schema (`.spec.color`), as selectable fields name them.
enum SchemaFieldPath {
    struct Problem: Error {
        let text: String
    }

    static func resolve(_ path: String, in schema: JSONSchema) -> Result<(names: [String], schema: JSONSchema), Problem>
    {
        guard path.hasPrefix(".") else {
            return .failure(
                Problem(text: "expected . but got: \"\(path.prefix { $0 != "." && $0 != "[" })\""))
        }
        guard !path.contains("[") else {
            return .failure(Problem(text: "expected . but got: ["))
        }
        var names: [String] = []
        var current = schema
        for part in path.dropFirst().split(separator: ".", omittingEmptySubsequences: false) {
            let name = String(part)
            if names.isEmpty, name == "metadata" {
                // Metadata is there whether or not the schema mentions it.
                let rest = path.dropFirst(".metadata".count)
                let text = rest.hasPrefix(".") ? String(rest.dropFirst()) : ""
                return .success((["metadata"] + (text.isEmpty ? [] : [text]), JSONSchema(["type": "string"])))
            }
            guard let next = current.properties[name] ?? current.additionalProperties?.schema else {
                return .failure(
                    Problem(text: "does not refer to a valid field"))
            }
            names.append(name)
            current = next
        }
        return .success((names, current))
    }
}
