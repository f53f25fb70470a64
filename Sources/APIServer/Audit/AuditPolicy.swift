// The audit policy (audit.k8s.io/v1): which requests are logged, and how much of them.

import JSON
import KubeTypes

/// How much of a request goes to the log.
enum AuditLevel: String, Sendable, Comparable, CaseIterable {
    case none = "None"
    case metadata = "Metadata"
    case request = "Request"
    case requestResponse = "RequestResponse"

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

enum AuditStage: String, Sendable, CaseIterable {
    case requestReceived = "RequestReceived"
    case responseStarted = "ResponseStarted"
    case responseComplete = "ResponseComplete"
    case panic = "Panic"
}

/// A policy file that makes no sense.
public struct AuditPolicyError: Error, CustomStringConvertible {
    public let description: String
}

public struct AuditPolicy: Sendable {
    struct Resources: Sendable {
        var group: String
        var resources: [String]
        var names: [String]
    }

    struct Rule: Sendable {
        var level: AuditLevel
        var users: [String]
        var groups: [String]
        var verbs: [String]
        var resources: [Resources]
        var namespaces: [String]
        var paths: [String]
        var omitStages: Set<AuditStage>
        var omitManagedFields: Bool
    }

    /// What becomes of one request.
    struct Decision: Sendable {
        var level: AuditLevel
        var omitStages: Set<AuditStage>
        var omitManagedFields: Bool
    }

    let rules: [Rule]

    /// Reads a policy in YAML or JSON.
    public init(_ text: [UInt8]) throws(AuditPolicyError) {
        let value: JSONValue
        do {
            value = try YAML.parseOne(text)
        } catch {
            throw AuditPolicyError(description: "the audit policy does not parse: \(error)")
        }
        try self.init(json: value)
    }

    init(json value: JSONValue) throws(AuditPolicyError) {
        guard value["kind"]?.stringValue == "Policy", value["apiVersion"]?.stringValue == "audit.k8s.io/v1" else {
            throw AuditPolicyError(description: "the audit policy is no Policy of audit.k8s.io/v1")
        }
        let omitted = try Self.stages(value["omitStages"], "omitStages")
        let omitsManaged = value["omitManagedFields"]?.boolValue ?? false
        var rules: [Rule] = []
        for (index, rule) in (value["rules"]?.arrayValue ?? []).enumerated() {
            let path = "rules[\(index)]"
            guard let level = AuditLevel(rawValue: rule["level"]?.stringValue ?? "") else {
                throw AuditPolicyError(
                    description: "\(path).level: Unsupported value: \"\(rule["level"]?.stringValue ?? "")\": supported "
                        + "values: \"Metadata\", \"None\", \"Request\", \"RequestResponse\"")
            }
            let resources = (rule["resources"]?.arrayValue ?? []).map { entry in
                Resources(
                    group: entry["group"]?.stringValue ?? "", resources: entry["resources"]?.strings ?? [],
                    names: entry["resourceNames"]?.strings ?? [])
            }
            let paths = rule["nonResourceURLs"]?.strings ?? []
            let namespaces = rule["namespaces"]?.strings ?? []
            if !paths.isEmpty, !resources.isEmpty || !namespaces.isEmpty {
                throw AuditPolicyError(
                    description: "\(path).nonResourceURLs: rules cannot apply to both regular resources and "
                        + "non-resource URLs")
            }
            for url in paths where url != "*" && (!url.hasPrefix("/") || url.dropLast().contains("*")) {
                throw AuditPolicyError(
                    description: "\(path).nonResourceURLs: \"\(url)\" must begin with a '/' character, with '*' only "
                        + "at its end")
            }
            rules.append(
                Rule(
                    level: level, users: rule["users"]?.strings ?? [], groups: rule["userGroups"]?.strings ?? [],
                    verbs: rule["verbs"]?.strings ?? [], resources: resources, namespaces: namespaces, paths: paths,
                    omitStages: try omitted.union(Self.stages(rule["omitStages"], "\(path).omitStages")),
                    omitManagedFields: rule["omitManagedFields"]?.boolValue ?? omitsManaged))
        }
        guard !rules.isEmpty else { throw AuditPolicyError(description: "the audit policy has no rules") }
        self.rules = rules
    }

    private static func stages(_ value: JSONValue?, _ path: String) throws(AuditPolicyError) -> Set<AuditStage> {
        var stages: Set<AuditStage> = []
        for text in value?.strings ?? [] {
            guard let stage = AuditStage(rawValue: text) else {
                throw AuditPolicyError(description: "\(path): Unsupported value: \"\(text)\"")
            }
            stages.insert(stage)
        }
        return stages
    }

    /// The first rule that matches decides; without one nothing is logged.
    func decide(_ request: AuditRequest) -> Decision {
        guard let rule = rules.first(where: { $0.matches(request) }) else {
            return Decision(level: .none, omitStages: [], omitManagedFields: false)
        }
        return Decision(
            level: rule.level, omitStages: rule.omitStages, omitManagedFields: rule.omitManagedFields)
    }
}

/// What rules look at.
struct AuditRequest: Sendable {
    var user: UserInfo
    var verb: String
    var isResource: Bool
    var group = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    var path = ""
}

extension AuditPolicy.Rule {
    fileprivate func matches(_ request: AuditRequest) -> Bool {
        if !users.isEmpty, !users.contains(request.user.name) { return false }
        if !groups.isEmpty, !groups.contains(where: request.user.groups.contains) { return false }
        if !verbs.isEmpty, !verbs.contains(request.verb) { return false }
        if !namespaces.isEmpty || !resources.isEmpty {
            guard request.isResource, namespaces.isEmpty || namespaces.contains(request.namespace) else { return false }
            return resources.isEmpty || resources.contains { $0.matches(request) }
        }
        if !paths.isEmpty {
            guard !request.isResource else { return false }
            return paths.contains { pattern in
                pattern == "*" || pattern == request.path
                    || pattern.hasSuffix("*") && request.path.hasPrefix(pattern.dropLast())
            }
        }
        return true
    }
}

extension AuditPolicy.Resources {
    fileprivate func matches(_ request: AuditRequest) -> Bool {
        guard group == request.group else { return false }
        if resources.isEmpty { return names.isEmpty || names.contains(request.name) }
        let combined = request.subresource.isEmpty ? request.resource : "\(request.resource)/\(request.subresource)"
        let found = resources.contains { pattern in
            pattern == "*" || pattern == combined
                || !request.subresource.isEmpty
                    && (pattern == "\(request.resource)/*" || pattern == "*/\(request.subresource)")
        }
        return found && (names.isEmpty || names.contains(request.name))
    }
}
