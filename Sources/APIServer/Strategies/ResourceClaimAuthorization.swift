// Who may write what of a claim's status: the parts belong to the scheduler and to drivers, each with permissions of
// their own (KEP-4817, DRAResourceClaimGranularStatusAuthorization).

import JSON
import KubeTypes

enum ResourceClaimAuthorization {
    static func problems(_ claim: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let status = claim["status"]?.objectValue ?? [:]
        let before = old["status"]?.objectValue ?? [:]
        var errors: [FieldError] = []
        if !isSame(status, before, "allocation") || !isSame(status, before, "reservedFor") {
            var wanted = attributes(context, context.request.verb.rawValue)
            wanted.subresource = "binding"
            if let why = refusal(wanted, context) {
                errors.append(
                    .forbidden(
                        "status.allocation",
                        "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", "
                            + "verb=\"\(wanted.verb)\" permission: \(why)"))
            }
        }
        // With the allocation, what was said of it goes, whoever takes it.
        guard status.holds("allocation") else { return errors }
        let drivers = changedDrivers(status[array: "devices"], before[array: "devices"])
        guard !drivers.isEmpty else { return errors }
        let verb = context.request.verb.rawValue
        var verbs = ["arbitrary-node:\(verb)"]
        if isOnNode(of: status, context.request.user) { verbs.insert("associated-node:\(verb)", at: 0) }
        for driver in drivers.sorted() {
            var first: String?
            let isAllowed = verbs.contains { verb in
                var wanted = attributes(context, verb)
                wanted.subresource = "driver"
                wanted.namespace = context.request.namespace
                wanted.name = driver
                let why = refusal(wanted, context)
                first = first ?? why
                return why == nil
            }
            if !isAllowed {
                errors.append(
                    .forbidden(
                        "status.devices",
                        "changing status.devices requires resource=\"resourceclaims/driver\", "
                            + "verb=\"[\(verbs.joined(separator: " "))]\" permission: \(first ?? "")"))
            }
        }
        return errors
    }

    private static func isSame(_ left: JSONObject, _ right: JSONObject, _ field: String) -> Bool {
        func value(_ object: JSONObject) -> JSONValue? {
            guard let value = object[field], !value.isNull, value != .array([]) else { return nil }
            return value
        }
        return value(left) == value(right)
    }

    private static func attributes(_ context: StrategyContext, _ verb: String) -> AuthorizationAttributes {
        var attributes = AuthorizationAttributes(user: context.request.user, verb: verb)
        attributes.group = context.request.resource.group
        attributes.version = context.request.resource.version
        attributes.resource = context.request.resource.plural
        return attributes
    }

    /// Nil if it is allowed.
    private static func refusal(_ attributes: AuthorizationAttributes, _ context: StrategyContext) -> String? {
        switch context.registry.authorizer.authorize(attributes) {
        case .allow: nil
        case .noOpinion(let why), .deny(let why): attributes.forbidden(reason: why).message
        }
    }

    /// Drivers of whose devices something was said, changed or taken back.
    private static func changedDrivers(_ new: [JSONValue], _ old: [JSONValue]) -> Set<String> {
        var left: [[String]: JSONValue] = [:]
        for device in old { left[ResourceClaimStrategy.identity(device)] = device }
        var drivers: Set<String> = []
        for device in new where left.removeValue(forKey: ResourceClaimStrategy.identity(device)) != device {
            drivers.insert(device["driver"]?.stringValue ?? "")
        }
        for device in left.values { drivers.insert(device["driver"]?.stringValue ?? "") }
        return drivers
    }

    /// Whether a service account's token is bound to the only node that has the devices.
    private static func isOnNode(of status: JSONObject, _ user: UserInfo) -> Bool {
        let terms = status["allocation"]?[path: "nodeSelector", "nodeSelectorTerms"]?.arrayValue ?? []
        guard terms.count == 1, let term = terms[0].objectValue, term[array: "matchExpressions"].isEmpty,
            term[array: "matchFields"].count == 1, let field = term[array: "matchFields"][0].objectValue,
            field[string: "key"] == "metadata.name", field[string: "operator"] == "In",
            field[strings: "values"].count == 1
        else { return false }
        return user.name.hasPrefix("system:serviceaccount:")
            && user.extra["authentication.kubernetes.io/node-name"] == field[strings: "values"]
    }
}
