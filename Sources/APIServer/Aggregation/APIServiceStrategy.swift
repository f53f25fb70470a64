import APISchema
import JSON
import KubeTypes

/// APIServices: what they must say, and that those which lead nowhere else are available at once.
struct APIServiceStrategy: Strategy {
    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = [:]
        if Self.isLocal(object) { APIServiceConditions.set(.local, in: &object, now: context.now) }
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        if Self.isLocal(object) { APIServiceConditions.set(.local, in: &object, now: context.now) }
    }

    static func isLocal(_ object: JSONValue) -> Bool { object[path: "spec", "service"]?.objectValue == nil }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let spec = object["spec"]?.objectValue ?? JSONObject()
        let group = spec[string: "group"]
        let version = spec[string: "version"]
        var errors: [FieldError] = []
        let expected = "\(version).\(group)"
        if object.name != expected {
            errors.append(
                .invalid(
                    "metadata.name", .string(object.name), "must be `spec.version+\".\"+spec.group`: \"\(expected)\""))
        }
        if group.isEmpty, version != "v1" {
            errors.append(
                .required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
        }
        if !group.isEmpty, let problem = Names.isDNS1123Subdomain(group).first {
            errors.append(.invalid("spec.group", .string(group), problem))
        }
        if let problem = Names.isDNS1035Label(version).first {
            errors.append(.invalid("spec.version", .string(version), problem))
        }
        for (field, limit) in [("groupPriorityMinimum", Int64(20000)), ("versionPriority", 1000)] {
            let value = spec[field]?.integerValue ?? 0
            if value <= 0 || value > limit {
                errors.append(
                    .invalid("spec.\(field)", .integer(value), "must be positive and less than \(limit)"))
            }
        }
        return errors + Self.validateService(spec)
    }

    private static func validateService(_ spec: JSONObject) -> [FieldError] {
        var errors: [FieldError] = []
        let bundle = spec[string: "caBundle"]
        let skips = spec["insecureSkipTLSVerify"]?.boolValue ?? false
        guard let service = spec["service"]?.objectValue else {
            if !bundle.isEmpty {
                errors.append(
                    .invalid(
                        "spec.caBundle", .string("\(Base64.decode(bundle)?.count ?? 0) bytes"),
                        "local APIServices may not have a caBundle"))
            }
            if skips {
                errors.append(
                    .invalid(
                        "spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify"))
            }
            return errors
        }
        for field in ["namespace", "name"] where service[string: field].isEmpty {
            errors.append(.required("spec.service.\(field)"))
        }
        let port = service["port"]?.integerValue ?? 443
        if !(1...65535).contains(port) {
            errors.append(
                .invalid(
                    "spec.service.port", .integer(port),
                    "port is not valid: must be between 1 and 65535, inclusive"))
        }
        if skips, !bundle.isEmpty {
            errors.append(
                .invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"))
        }
        return errors
    }
}

/// The condition `Available` of an APIService.
struct APIServiceConditions: Sendable, Equatable {
    var status: String
    var reason: String
    var message: String

    static let local = APIServiceConditions(
        status: "True", reason: "Local", message: "Local APIServices are always available")
    static let passed = APIServiceConditions(status: "True", reason: "Passed", message: "all checks passed")

    static func failed(_ reason: String, _ message: String) -> APIServiceConditions {
        APIServiceConditions(status: "False", reason: reason, message: message)
    }

    static func isAvailable(_ object: JSONValue) -> Bool {
        (object[path: "status", "conditions"]?.arrayValue ?? []).contains {
            $0["type"]?.stringValue == "Available" && $0["status"]?.stringValue == "True"
        }
    }

    /// Writes the condition; its transition time changes only with its status.
    /// - Returns: whether anything changed.
    @discardableResult
    static func set(_ condition: APIServiceConditions, in object: inout JSONValue, now: Time) -> Bool {
        var conditions = object[path: "status", "conditions"]?.arrayValue ?? []
        let index = conditions.firstIndex { $0["type"]?.stringValue == "Available" }
        let old = index.map { conditions[$0] }
        if let old, old["status"]?.stringValue == condition.status, old["reason"]?.stringValue == condition.reason,
            old["message"]?.stringValue == condition.message
        {
            return false
        }
        let isSameStatus = old?["status"]?.stringValue == condition.status
        let new: JSONValue = [
            "type": "Available", "status": .string(condition.status), "reason": .string(condition.reason),
            "message": .string(condition.message),
            "lastTransitionTime": isSameStatus ? old?["lastTransitionTime"] ?? now.field : now.field,
        ]
        if let index { conditions[index] = new } else { conditions.append(new) }
        object.update("status") { $0["conditions"] = .array(conditions) }
        return true
    }
}
