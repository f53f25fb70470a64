import JSON
import LinearRegex

/// A schema of a CustomResourceDefinition (`openAPIV3Schema`), parsed once: what pruning, defaulting, validation and
/// publishing of custom resources walk through.
///
/// One type for both kinds of nodes that a structural schema has: those that give the shape, and those inside `allOf`,
/// `anyOf`, `oneOf` and `not`, which only restrict values. What may stand where is checked when the definition is
/// written (`StructuralSchemaRules`), so that here nothing can go wrong any more.
public final class JSONSchema: Sendable {
    /// What `additionalProperties` says.
    public enum AdditionalProperties: Sendable {
        case allowed(Bool)
        case schema(JSONSchema)

        public var schema: JSONSchema? { if case .schema(let schema) = self { schema } else { nil } }
    }

    /// As it was written.
    public let json: JSONObject
    /// Empty where none is given.
    public let type: String
    public let format: String
    public let isNullable: Bool
    public let defaultValue: JSONValue?
    /// Nil where any value is allowed.
    public let enumeration: [JSONValue]?
    public let minimum, maximum, multipleOf: Double?
    public let exclusiveMinimum, exclusiveMaximum: Bool
    public let minLength, maxLength, minItems, maxItems, minProperties, maxProperties: Int64?
    public let pattern: SchemaPattern?
    public let required: [String]
    public let properties: [String: JSONSchema]
    /// The names of the properties in alphabetical order.
    public let propertyNames: [String]
    public let additionalProperties: AdditionalProperties?
    public let items: JSONSchema?
    public let allOf, anyOf, oneOf: [JSONSchema]
    public let not: JSONSchema?
    /// `x-kubernetes-preserve-unknown-fields`
    public let preservesUnknownFields: Bool
    /// `x-kubernetes-embedded-resource`
    public let isEmbeddedResource: Bool
    /// `x-kubernetes-int-or-string`
    public let isIntOrString: Bool
    /// `x-kubernetes-list-type`
    public let listType: String?
    /// `x-kubernetes-list-map-keys`
    public let listMapKeys: [String]
    /// `x-kubernetes-map-type`
    public let mapType: String?
    /// `x-kubernetes-validations`, as written.
    public let validations: [JSONValue]
    /// Something here or further down has a default.
    public let hasDefaults: Bool
    /// Some list here or further down is a set or a map.
    public let hasListTypes: Bool
    /// An embedded resource is here or further down.
    public let hasEmbeddedResources: Bool
    /// Rules are here or further down.
    public let hasValidations: Bool

    /// Reads a schema; anything but an object is read as one without restrictions.
    public init(_ value: JSONValue) {
        let json = value.objectValue ?? JSONObject()
        self.json = json
        func text(_ key: String) -> String { json[key]?.stringValue ?? "" }
        func flag(_ key: String) -> Bool { json[key]?.boolValue ?? false }
        func schemas(_ key: String) -> [JSONSchema] { (json[key]?.arrayValue ?? []).map(JSONSchema.init) }
        func strings(_ key: String) -> [String] { (json[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        type = text("type")
        format = text("format")
        isNullable = flag("nullable")
        // A default of null is none.
        defaultValue = json["default"].flatMap { $0.isNull ? nil : $0 }
        enumeration = json["enum"]?.arrayValue.flatMap { $0.isEmpty ? nil : $0 }
        minimum = json["minimum"]?.doubleValue
        maximum = json["maximum"]?.doubleValue
        multipleOf = json["multipleOf"]?.doubleValue
        exclusiveMinimum = flag("exclusiveMinimum")
        exclusiveMaximum = flag("exclusiveMaximum")
        minLength = json["minLength"]?.integerValue
        maxLength = json["maxLength"]?.integerValue
        minItems = json["minItems"]?.integerValue
        maxItems = json["maxItems"]?.integerValue
        minProperties = json["minProperties"]?.integerValue
        maxProperties = json["maxProperties"]?.integerValue
        let patternText = text("pattern")
        pattern = patternText.isEmpty ? nil : SchemaPattern(patternText)
        required = strings("required")
        var properties: [String: JSONSchema] = [:]
        for (name, property) in json["properties"]?.objectValue ?? [:] { properties[name] = JSONSchema(property) }
        self.properties = properties
        propertyNames = properties.keys.sorted()
        additionalProperties =
            switch json["additionalProperties"] {
            case .bool(let allowed)?: .allowed(allowed)
            case .object(let schema)?: .schema(JSONSchema(.object(schema)))
            default: nil
            }
        items = json["items"]?.objectValue.map { JSONSchema(.object($0)) }
        allOf = schemas("allOf")
        anyOf = schemas("anyOf")
        oneOf = schemas("oneOf")
        not = json["not"].map(JSONSchema.init)
        preservesUnknownFields = flag("x-kubernetes-preserve-unknown-fields")
        isEmbeddedResource = flag("x-kubernetes-embedded-resource")
        isIntOrString = flag("x-kubernetes-int-or-string")
        listType = json["x-kubernetes-list-type"]?.stringValue
        listMapKeys = strings("x-kubernetes-list-map-keys")
        mapType = json["x-kubernetes-map-type"]?.stringValue
        validations = json["x-kubernetes-validations"]?.arrayValue ?? []
        var inner = Array(properties.values)
        if let items { inner.append(items) }
        if let schema = additionalProperties?.schema { inner.append(schema) }
        hasDefaults = defaultValue != nil || inner.contains { $0.hasDefaults }
        hasListTypes = listType == "set" || listType == "map" || inner.contains { $0.hasListTypes }
        hasEmbeddedResources = isEmbeddedResource || inner.contains { $0.hasEmbeddedResources }
        hasValidations = !validations.isEmpty || inner.contains { $0.hasValidations }
    }

    /// The schema of the field `name` of an object: its property, or what all other fields are like.
    func schema(ofField name: String) -> JSONSchema? { properties[name] ?? additionalProperties?.schema }

    /// The types that a value may have; empty if any.
    var types: [String] { isIntOrString ? ["integer", "string"] : type.isEmpty ? [] : [type] }

    /// The schema of everything that is inside this one, itself included, outermost first.
    func forEach(_ body: (JSONSchema) -> Void) {
        body(self)
        for name in propertyNames { properties[name]?.forEach(body) }
        items?.forEach(body)
        additionalProperties?.schema?.forEach(body)
        for schema in allOf + anyOf + oneOf { schema.forEach(body) }
        not?.forEach(body)
    }

    func contains(where condition: (JSONSchema) -> Bool) -> Bool {
        var found = false
        forEach { found = found || condition($0) }
        return found
    }
}

/// The regular expression of a schema (RE2's syntax, in linear time), compiled once. One that cannot be compiled matches
/// nothing and says why.
public struct SchemaPattern: Sendable {
    public let text: String
    private let expression: RegularExpression?
    /// What is wrong with the expression; nil if it is right.
    public let problem: String?

    init(_ text: String) {
        self.text = text
        do throws(RegularExpression.Problem) {
            expression = try RegularExpression(text)
            problem = nil
        } catch {
            expression = nil
            problem = error.message
        }
    }

    /// Whether some part of `value` matches. What takes too long to tell does not.
    func matches(_ value: String) -> Bool {
        guard let expression else { return false }
        do throws(RegularExpression.Exhausted) { return try expression.isFound(in: value) } catch { return false }
    }
}
