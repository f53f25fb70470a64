// Checks the expressions of a policy against the types of the resources that it matches. What it finds are warnings in
// the policy's status.
//
// Upstream's controller writes them a moment after the policy; here they are written with it.

import APISchema
import CEL
import JSON
import KubeTypes

struct PolicyTypeChecker {
    private static let mostTypes = 10
    private let registry: Registry

    init(_ registry: Registry) { self.registry = registry }

    func status(of policy: JSONValue, generation: Int64) -> JSONValue {
        let warnings = warnings(about: policy["spec"] ?? [:])
        var checking = JSONObject()
        if !warnings.isEmpty { checking["expressionWarnings"] = .array(warnings) }
        return ["observedGeneration": .integer(generation), "typeChecking": .object(checking)]
    }

    private func warnings(about spec: JSONValue) -> [JSONValue] {
        let types = matched(spec).map { resource in
            (resource, DeclaredSchemas.type(of: resource, named: resource.kind))
        }
        guard !types.isEmpty else { return [] }
        let paramKind = spec["paramKind"]
        let params = paramKind?.objectValue == nil ? nil : PolicyParameters.resource(paramKind ?? .null, registry)
        let paramType = params.map { DeclaredSchemas.type(of: $0, named: "\($0.kind)Params") }
        var warnings: [JSONValue] = []
        for (index, validation) in (spec["validations"]?.arrayValue ?? []).enumerated() {
            for field in ["expression", "messageExpression"] {
                guard let expression = validation[field]?.stringValue, !expression.isEmpty else { continue }
                let found = types.compactMap { resource, type in
                    problem(with: expression, spec, type, paramType).map {
                        "\(resource.apiVersion.contains("/") ? resource.apiVersion : "/\(resource.apiVersion)"), "
                            + "Kind=\(resource.kind): \($0)\n"
                    }
                }
                if found.isEmpty { continue }
                warnings.append([
                    "fieldRef": .string("spec.validations[\(index)].\(field)"),
                    "warning": .string(found.joined(separator: "\n")),
                ])
            }
        }
        return warnings
    }

    private func problem(
        with expression: String, _ spec: JSONValue, _ type: DeclaredType, _ params: DeclaredType?
    ) -> String? {
        var names = AdmissionVariables(params: spec["paramKind"]?.objectValue != nil, authorizer: true)
        names.schemas = ["object": type.type, "oldObject": type.type]
        var declared = [type]
        if let params {
            names.schemas["params"] = params.type
            declared.append(params)
        }
        var composed: [String: CELType] = [:]
        for variable in spec["variables"]?.arrayValue ?? [] {
            names.composed = composed
            let compilation = AdmissionExpressions.environment(names, declared: declared)
                .compile(variable["expression"]?.stringValue ?? "")
            composed[variable["name"]?.stringValue ?? ""] = compilation.problem == nil ? compilation.type : .dyn
        }
        names.composed = composed
        return AdmissionExpressions.environment(names, declared: declared).compile(expression).problem.map {
            "compilation failed: \($0)"
        }
    }

    /// The resources that a policy's rules name, without wildcards.
    private func matched(_ spec: JSONValue) -> [ResourceType] {
        var found: [ResourceType] = []
        for rule in spec["matchConstraints"]?["resourceRules"]?.arrayValue ?? [] {
            func named(_ key: String) -> [String] {
                let names = rule[key]?.strings ?? []
                return names.contains { $0.contains("*") || $0.contains("/") } ? [] : names
            }
            let (groups, versions, plurals) = (named("apiGroups"), named("apiVersions"), named("resources"))
            for resource in registry.schema.resources
            where groups.contains(resource.group) && versions.contains(resource.version)
                && plurals.contains(resource.plural)
            {
                if !found.contains(resource) { found.append(resource) }
                if found.count == Self.mostTypes { break }
            }
        }
        return found.sorted { ($0.group, $0.version, $0.kind) < ($1.group, $1.version, $1.kind) }
    }
}

/// The types of resources as expressions see them.
enum DeclaredSchemas {
    static func type(of resource: ResourceType, named name: String) -> DeclaredType {
        type(of: resource.message, named: name, within: [])
    }

    private static func type(of message: MessageType, named name: String, within outer: [MessageType]) -> DeclaredType {
        // A type within itself cannot be written down as a tree.
        if outer.contains(message) { return .any }
        var fields: [String: DeclaredType.Field] = [:]
        for field in message.fields {
            guard let escaped = CELEscaping.escape(field.name) else { continue }
            let type = type(of: field.type, named: "\(name).\(escaped)", within: outer + [message])
            fields[escaped] = .init(jsonName: field.name, type: type)
        }
        return .object(name, fields: fields)
    }

    private static func type(of type: FieldType, named name: String, within outer: [MessageType]) -> DeclaredType {
        switch type {
        case .list(let element):
            return .list(self.type(of: element, named: "\(name).@idx", within: outer), maxElements: .max)
        case .map(let value):
            return .map(self.type(of: value, named: "\(name).@elem", within: outer), maxElements: .max)
        case .message(let message):
            if let scalar = message.scalar { return self.scalar(scalar) }
            return self.type(of: message, named: name, within: outer)
        case .scalar(let scalar): return self.scalar(scalar)
        }
    }

    private static func scalar(_ scalar: Scalar) -> DeclaredType {
        switch scalar {
        case .string, .quantity: .scalar(.string, minSerializedSize: 2)
        case .int32, .int64: .scalar(.int, minSerializedSize: 1)
        case .bool: .scalar(.bool, minSerializedSize: 4)
        case .double: .scalar(.double, minSerializedSize: 1)
        case .bytes: .scalar(.bytes, format: .byte, minSerializedSize: 2)
        case .time, .microtime: .scalar(.timestamp, format: .dateTime, minSerializedSize: 21)
        case .intorstring: .intOrString(maxElements: 0)
        case .any: .any
        }
    }
}
