// Strategies of kinds that need one or two hooks each.

import APISchema
import JSON
import KubeTypes

/// Kinds whose DELETE answers with the object.
struct DeletedObjectStrategy: Strategy {
    var returnsDeletedObject: Bool { true }
}

/// A field that stays what it was made.
private func immutable(_ path: String, _ new: JSONValue?, _ old: JSONValue?) -> [FieldError] {
    (new ?? .null) == (old ?? .null) ? [] : [.invalid(path, new ?? .null, "field is immutable")]
}

struct NamespaceStrategy: Strategy {
    static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        let name = object.name
        object.updateMetadata { metadata in
            metadata.updateObject("labels") { $0["kubernetes.io/metadata.name"] = .string(name) }
        }
        object.update("spec") { spec in
            var finalizers = spec["finalizers"]?.strings ?? []
            if !finalizers.contains("kubernetes") { finalizers.append("kubernetes") }
            spec["finalizers"] = .array(finalizers.map(JSONValue.string))
        }
        object["status"] = ["phase": "Active"]
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        let name = old.name
        object.update("spec") { $0["finalizers"] = old["spec"]?["finalizers"] }
        object.updateMetadata { metadata in
            metadata.updateObject("labels") { $0["kubernetes.io/metadata.name"] = .string(name) }
        }
    }

    func holdsBackDeletion(_ object: JSONValue) -> Bool { !(object[path: "spec", "finalizers"]?.isEmptyValue ?? true) }

    func prepareForDeletion(_ object: inout JSONValue) { object.update("status") { $0["phase"] = "Terminating" } }

    func checkDeletion(_ object: JSONValue, _ context: StrategyContext) throws(APIError) {
        if Self.immortal.contains(object.name) {
            throw context.request.forbidden("this namespace may not be deleted")
        }
    }
}

struct SecretStrategy: Strategy {
    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        Self.encodeStringData(&object)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        Self.encodeStringData(&object)
        if (object["type"]?.stringValue ?? "").isEmpty { object["type"] = old["type"] }
    }

    /// `stringData` is a way of writing `data`; it is never read back.
    private static func encodeStringData(_ object: inout JSONValue) {
        guard let strings = object["stringData"]?.objectValue else { return }
        object["stringData"] = nil
        guard !strings.isEmpty else { return }
        object.update("data") { data in
            for (key, value) in strings {
                data[key] = .string(Base64.encode(Array((value.stringValue ?? "").utf8)))
            }
        }
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        immutable("type", object["type"], old["type"])
            + ConfigMapStrategy.validateImmutability(object, old, ["data"])
    }
}

struct ConfigMapStrategy: Strategy {
    static func validateImmutability(_ object: JSONValue, _ old: JSONValue, _ fields: [String]) -> [FieldError] {
        guard old["immutable"]?.boolValue == true else { return [] }
        var errors: [FieldError] = []
        let detail = "field is immutable when `immutable` is set"
        if object["immutable"]?.boolValue != true { errors.append(.forbidden("immutable", detail)) }
        for field in fields where (object[field] ?? [:]) != (old[field] ?? [:]) {
            errors.append(.forbidden(field, detail))
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        Self.validateImmutability(object, old, ["data", "binaryData"])
    }
}

/// PersistentVolumes and their claims.
struct VolumeStrategy: Strategy {
    let phase: String
    let isClaim: Bool

    var returnsDeletedObject: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = ["phase": .string(phase)]
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        guard isClaim, context.request.subresource == nil else { return [] }
        var new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        // A claim may grow; a volume's name may be filled in.
        new["resources"] = before["resources"]
        if (before["volumeName"]?.stringValue ?? "").isEmpty { new["volumeName"] = before["volumeName"] }
        if before["volumeAttributesClassName"] != new["volumeAttributesClassName"] {
            new["volumeAttributesClassName"] = before["volumeAttributesClassName"]
        }
        return new == before
            ? []
            : [
                .forbidden(
                    "spec",
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
                        + "bound claims")
            ]
    }
}

struct ControllerRevisionStrategy: Strategy {
    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        immutable("data", object["data"], old["data"])
    }
}

struct EndpointSliceStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        immutable("addressType", object["addressType"], old["addressType"])
    }
}

struct PriorityClassStrategy: Strategy {
    var tracksGeneration: Bool { true }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let name = object.name
        guard name.hasPrefix("system-") else {
            if object["value"]?.integerValue ?? 0 > 1_000_000_000 {
                return [
                    .forbidden(
                        "value", "maximum allowed value of a user defined priority is 1000000000")
                ]
            }
            return []
        }
        return Bootstrap.priorityClasses.contains { $0.name == name && $0.value == object["value"]?.integerValue }
            ? []
            : [
                .forbidden(
                    "metadata.name",
                    "priority class names with 'system-' prefix are reserved for system use only")
            ]
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let value =
            object["value"]?.integerValue ?? 0 == old["value"]?.integerValue ?? 0
            ? [] : [FieldError.forbidden("value", "may not be changed in an update.")]
        return value + immutable("preemptionPolicy", object["preemptionPolicy"], old["preemptionPolicy"])
    }
}
