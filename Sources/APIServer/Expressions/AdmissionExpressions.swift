// Expressions of admission: match conditions, policies. What they may name, and how they are compiled.

import APISchema
import CEL
import JSON
import KubeTypes

/// What an expression of admission may name beside `object`, `oldObject`, `request` and `namespaceObject`.
struct AdmissionVariables: Hashable, Sendable {
    var params = false
    var authorizer = false
    /// `Object{…}`, `JSONPatch{…}`.
    var patches = false
    /// The types of `variables.NAME`; nil where the expression may not have any.
    var composed: [String: CELType]?
    /// What is known of `object`, `oldObject` and `params`, for checking alone.
    var schemas: [String: CELType] = [:]
}

/// Why an expression cannot be used.
struct ExpressionProblem: Error {
    let detail: String
    var isInternal = false
}

enum AdmissionExpressions {
    /// What all expressions of one policy may cost together, and those of match conditions.
    static let budget: UInt64 = 10_000_000
    static let matchConditionsBudget: UInt64 = 2_500_000

    private static func object(_ name: String, _ fields: [String: DeclaredType]) -> DeclaredType {
        .object(name, fields: Dictionary(uniqueKeysWithValues: fields.map { ($0, .init(jsonName: $0, type: $1)) }))
    }

    private static let string = DeclaredType.scalar(.string, minSerializedSize: 2)
    private static let strings = DeclaredType.list(string, maxElements: .max)
    private static let time = DeclaredType.scalar(.timestamp, format: .dateTime, minSerializedSize: 12)
    private static let int = DeclaredType.scalar(.int, minSerializedSize: 1)

    static let userType = object(
        "kubernetes.UserInfo",
        ["username": string, "uid": string, "groups": strings, "extra": .map(strings, maxElements: .max)])

    private static let requestType: DeclaredType = {
        let kind = object("kubernetes.GroupVersionKind", ["group": string, "version": string, "kind": string])
        let resource = object(
            "kubernetes.GroupVersionResource", ["group": string, "version": string, "resource": string])
        return object(
            "kubernetes.AdmissionRequest",
            [
                "kind": kind, "resource": resource, "subResource": string, "requestKind": kind,
                "requestResource": resource, "requestSubResource": string, "name": string, "namespace": string,
                "operation": string, "userInfo": userType, "dryRun": .scalar(.bool, minSerializedSize: 4),
                "options": .any,
            ])
    }()

    private static let namespaceType: DeclaredType = {
        let texts = DeclaredType.map(string, maxElements: .max)
        let condition = object(
            "kubernetes.NamespaceCondition",
            ["status": string, "type": string, "lastTransitionTime": time, "message": string, "reason": string])
        return object(
            "kubernetes.Namespace",
            [
                "metadata": object(
                    "kubernetes.NamespaceMetadata",
                    [
                        "name": string, "generateName": string, "namespace": string, "labels": texts,
                        "annotations": texts, "UID": string, "creationTimestamp": time,
                        "deletionGracePeriodSeconds": int, "deletionTimestamp": time, "generation": int,
                        "resourceVersion": string, "finalizers": strings,
                    ]),
                "spec": object("kubernetes.NamespaceSpec", ["finalizers": strings]),
                "status": object(
                    "kubernetes.NamespaceStatus",
                    ["conditions": .list(condition, maxElements: .max), "phase": string]),
            ])
    }()

    static func environment(_ names: AdmissionVariables, declared: [DeclaredType] = []) -> CELEnvironment {
        var variables: [String: CELType] = [
            "object": names.schemas["object"] ?? .dyn, "oldObject": names.schemas["oldObject"] ?? .dyn,
            "namespaceObject": namespaceType.type, "request": requestType.type,
        ]
        var types: [String: any CELObjectType] = [:]
        if names.params { variables["params"] = names.schemas["params"] ?? .dyn }
        if names.authorizer {
            variables["authorizer"] = .authorizer
            variables["authorizer.requestResource"] = .resourceCheck
        }
        if let composed = names.composed {
            variables["variables"] = .object(PolicyVariables.typeName)
            types[PolicyVariables.typeName] = ComposedType(fields: composed)
        }
        return CELEnvironment(
            variables: variables, objectTypes: types, declared: [requestType, namespaceType] + declared,
            formats: ExpressionFormats.all, findObjectType: names.patches ? PatchTypes.find : nil)
    }

    /// Compiles an expression that is to be of one of some types.
    static func compile(
        _ text: String, returning types: [CELType], in environment: CELEnvironment
    ) throws(ExpressionProblem) -> CELProgram {
        let compilation = environment.compile(text)
        if let problem = compilation.problem { throw ExpressionProblem(detail: "compilation failed: \(problem)") }
        guard types.isEmpty || types.contains(compilation.type) else {
            let wanted =
                types.count == 1 ? shown(types[0]) : "one of [\(types.map(shown).joined(separator: " "))]"
            throw ExpressionProblem(detail: "must evaluate to \(wanted) but got \(shown(compilation.type))")
        }
        do throws(CELError) {
            return try compilation.program()
        } catch {
            throw ExpressionProblem(detail: "program instantiation failed: \(error.message)", isInternal: true)
        }
    }

    /// A type as upstream's messages have it here.
    private static func shown(_ type: CELType) -> String {
        type.isOpen ? type.name : "\(type)" == "null" ? "null_type" : "\(type)"
    }
}

extension CELType {
    fileprivate var isOpen: Bool { if case .type(nil) = self { true } else { false } }
}

/// The type of `variables`.
private struct ComposedType: CELObjectType {
    let fields: [String: CELType]
    func type(ofField name: String) -> CELType? { fields[name] }
}

/// What the expressions of one evaluation may still cost.
final class ExpressionBudget {
    private(set) var remaining: UInt64

    init(_ budget: UInt64) { remaining = budget }

    /// The value of a program. Costs that are beyond the budget end everything.
    func run(
        _ program: CELProgram, _ variables: [String: CELValue]
    ) throws(OutOfBudget) -> Result<CELValue, CELError> {
        let (result, cost) = program.run(variables)
        guard cost <= remaining else { throw OutOfBudget() }
        remaining -= cost
        return result
    }

    func spend(_ cost: UInt64) throws(OutOfBudget) {
        guard cost <= remaining else { throw OutOfBudget() }
        remaining -= cost
    }

    struct OutOfBudget: Error {
        var message: String {
            "validation failed due to running out of cost budget, no further validation rules will be run"
        }
    }
}

/// What expressions are told of a request.
struct AdmissionInput: Sendable {
    /// The values of all variables but `params` and `variables`.
    let variables: [String: CELValue]

    /// - Parameter namespace: The object of the request's namespace.
    init(
        _ versioned: VersionedAdmissionAttributes, namespace: JSONValue?, authorizer: any Authorizer
    ) {
        let attributes = versioned.attributes
        let asking = ExpressionAuthorizer(user: attributes.user, authorizer: authorizer)
        let resource = CELAuthorizationCheck(
            group: attributes.resource.group, resource: attributes.resource.plural,
            subresource: attributes.subresource, namespace: attributes.namespace, name: attributes.name)
        variables = [
            "object": .dynamic(versioned.object ?? .null), "oldObject": .dynamic(versioned.oldObject ?? .null),
            "request": .dynamic(.object(versioned.request)), "namespaceObject": .dynamic(namespace ?? .null),
            "authorizer": .object(CELAuthorizerValue(asking)),
            "authorizer.requestResource": .object(CELAuthorizerValue(asking, resource: resource)),
        ]
    }
}

/// Answers the questions that expressions ask about permissions.
struct ExpressionAuthorizer: CELAuthorizer {
    let user: UserInfo
    let authorizer: any Authorizer

    func decide(_ check: CELAuthorizationCheck) -> CELDecision {
        var user = user
        if let account = check.serviceAccount {
            user = UserInfo(
                name: "system:serviceaccount:\(account.namespace):\(account.name)",
                groups: ["system:serviceaccounts", "system:serviceaccounts:\(account.namespace)"])
        }
        var attributes = AuthorizationAttributes(user: user, verb: check.verb)
        if let path = check.path {
            attributes.path = path
        } else {
            attributes.group = check.group
            attributes.version = "*"
            attributes.resource = check.resource
            attributes.subresource = check.subresource
            attributes.namespace = check.namespace
            attributes.name = check.name
            var selectors: JSONObject = [:]
            for (key, text) in [("fieldSelector", check.fieldSelector), ("labelSelector", check.labelSelector)]
            where !text.isEmpty {
                selectors[key] = ["rawSelector": .string(text)]
            }
            attributes.selectors = AuthorizationSelectors(selectors)
        }
        switch authorizer.authorize(attributes) {
        case .allow(let reason): return CELDecision(isAllowed: true, reason: reason)
        case .noOpinion(let reason), .deny(let reason): return CELDecision(isAllowed: false, reason: reason)
        }
    }
}
