// Claims for devices, their templates and device classes: selectors that cannot be run are refused when they are
// written, and devices of others are only for namespaces that an administrator has marked.

import CEL
import JSON
import KubeTypes
import Synchronization

enum DeviceSelectorRules {
    private static let compiled = Mutex<[String: FieldError?]>([:])
    private static let limit = 512

    /// What is wrong with the selectors in a field `selectors`.
    static func problems(_ object: JSONObject, at path: String) -> [FieldError] {
        object[array: "selectors"].enumerated().compactMap { index, selector in
            guard let text = selector[path: "cel", "expression"]?.stringValue, !text.isEmpty,
                text.utf8.count <= 10 << 10
            else { return nil }
            return problem(text).map { error in
                FieldError(
                    error.kind, "\(path).selectors[\(index)].cel.expression", message: error.message)
            }
        }
    }

    /// The same few texts come again and again, with every pod that is made from a template.
    private static func problem(_ text: String) -> FieldError? {
        if let known = compiled.withLock({ $0[text] }) { return known }
        let found = compile(text)
        compiled.withLock { compiled in
            if compiled.count >= limit { compiled = [:] }
            compiled[text] = .some(found)
        }
        return found
    }

    private static func compile(_ text: String) -> FieldError? {
        do throws(DeviceSelector.Problem) {
            let selector = try DeviceSelector(text, formats: ExpressionFormats.all)
            return selector.worstCost > DeviceSelector.costLimit
                ? .forbidden("", "too complex, exceeds cost limit") : nil
        } catch {
            return error.isInternal
                ? FieldError(.internalError, "", message: "Internal error: \(error.detail)")
                : .invalid("", .string(text), error.detail)
        }
    }

    /// What is wrong with the requests of a claim's spec beyond their structure.
    /// - Parameter path: of the spec.
    static func problems(ofClaim spec: JSONObject?, at path: String, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var asksForAdminAccess: String?
        for (index, request) in (spec?[object: "devices"][array: "requests"] ?? []).enumerated() {
            let place = "\(path).devices.requests[\(index)]"
            if let exactly = request["exactly"]?.objectValue {
                errors += problems(exactly, at: "\(place).exactly")
                if exactly[flag: "adminAccess"], asksForAdminAccess == nil {
                    // As upstream says it, without the field between.
                    asksForAdminAccess = "spec.devices.requests[\(index)].adminAccess"
                }
            }
            for (number, alternative) in (request["firstAvailable"]?.arrayValue ?? []).enumerated() {
                guard let alternative = alternative.objectValue else { continue }
                errors += problems(alternative, at: "\(place).firstAvailable[\(number)]")
            }
        }
        if let place = asksForAdminAccess { errors += adminAccess(at: place, context) }
        return errors
    }

    /// Who sees the devices of others must be in a namespace that is marked for it (KEP-5018).
    static func adminAccess(at path: String, _ context: StrategyContext) -> [FieldError] {
        let label = "resource.kubernetes.io/admin-access"
        let namespace = context.cache.object(
            group: "", resource: "namespaces", namespace: "", name: context.request.namespace)
        let labels = namespace?.value[path: "metadata", "labels"]?.objectValue
        if labels?[string: label] == "true" { return [] }
        return [
            .forbidden(path, "admin access to devices requires the `\(label): true` label on the containing namespace")
        ]
    }
}

struct DeviceClassStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        DeviceSelectorRules.problems(object["spec"]?.objectValue ?? [:], at: "spec")
    }
}

struct ResourceClaimTemplateStrategy: Strategy {
    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        DeviceSelectorRules.problems(ofClaim: object[path: "spec", "spec"]?.objectValue, at: "spec.spec", context)
    }
}

struct ResourceClaimStrategy: Strategy {
    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        DeviceSelectorRules.problems(ofClaim: object["spec"]?.objectValue, at: "spec", context)
    }

    /// What drivers said of devices goes with the devices.
    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        guard let known = object[path: "status", "devices"]?.arrayValue else { return }
        let gone = Set(Self.devices(old)).subtracting(Self.devices(object))
        let kept = known.filter { !gone.contains(Self.identity($0)) }
        guard kept.count < known.count, var status = object["status"] else { return }
        status["devices"] = kept.isEmpty ? Optional<JSONValue>.none : .array(kept)
        object["status"] = status
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        func results(_ claim: JSONValue) -> [JSONValue] {
            claim[path: "status", "allocation", "devices", "results"]?.arrayValue ?? []
        }
        func isAdmin(_ result: JSONValue) -> Bool { result["adminAccess"]?.boolValue == true }
        let errors = ResourceClaimAuthorization.problems(object, old: old, context)
        guard let index = results(object).firstIndex(where: isAdmin), !results(old).contains(where: isAdmin) else {
            return errors
        }
        let place = "status.allocation.devices.results[\(index)].adminAccess"
        return DeviceSelectorRules.adminAccess(at: place, context) + errors
    }

    private static func devices(_ claim: JSONValue) -> [[String]] {
        (claim[path: "status", "allocation", "devices", "results"]?.arrayValue ?? []).map(identity)
    }

    static func identity(_ device: JSONValue) -> [String] {
        ["driver", "pool", "device", "shareID"].map { device[$0]?.stringValue ?? "" }
    }
}
