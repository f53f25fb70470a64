// Strategies of kinds that need one or two hooks each.

import APISchema
import JSON
import KubeTypes

/// Kinds whose DELETE answers with the object.
struct DeletedObjectStrategy: Strategy {
    var tracksGeneration = false
    var returnsDeletedObject: Bool { true }
}

/// Service accounts refer to secrets by their names alone.
struct ServiceAccountStrategy: Strategy {
    var returnsDeletedObject: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        Self.clean(&object)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        Self.clean(&object)
    }

    private static func clean(_ object: inout JSONValue) {
        guard let secrets = object["secrets"]?.arrayValue, !secrets.isEmpty else { return }
        object["secrets"] = .array(secrets.map { ["name": $0["name"] ?? ""] })
    }
}

struct NamespaceStrategy: Strategy {
    static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        Self.label(&object)
        object.update("spec") { spec in
            var finalizers = spec["finalizers"]?.strings ?? []
            if !finalizers.contains("kubernetes") { finalizers.append("kubernetes") }
            spec["finalizers"] = .array(finalizers.map(JSONValue.string))
        }
        object["status"] = ["phase": "Active"]
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        object.update("spec") { $0["finalizers"] = old["spec"]?["finalizers"] }
        Self.label(&object)
    }

    /// Every namespace can be selected by its name.
    static func label(_ object: inout JSONValue) {
        let name = object.name
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
}

/// PersistentVolumes and their claims.
struct VolumeStrategy: Strategy {
    let isClaim: Bool

    var returnsDeletedObject: Bool { true }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        object["status"] = ["phase": "Pending"]
        if isClaim {
            Self.unifySources(&object)
        } else {
            object.update("status") { $0["lastPhaseTransitionTime"] = context.now.field }
        }
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        if isClaim { Self.unifySources(&object) }
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        guard !isClaim else { return }
        let before = old["status"]
        let now = context.now
        object.update("status") { status in
            let time = status["lastPhaseTransitionTime"]
            let was = before?["lastPhaseTransitionTime"]
            if status["phase"] == before?["phase"] {
                if time == nil { status["lastPhaseTransitionTime"] = was }
            } else if time == nil || time == was {
                status["lastPhaseTransitionTime"] = now.field
            }
        }
    }

    /// Where a claim's data comes from is said in two fields that agree, unless it is another namespace.
    private static func unifySources(_ object: inout JSONValue) {
        let source = object[path: "spec", "dataSource"]
        let reference = object[path: "spec", "dataSourceRef"]
        switch (source, reference) {
        case (let source?, nil): object.update("spec") { $0["dataSourceRef"] = source }
        case (nil, let reference?):
            guard (reference["namespace"]?.stringValue ?? "").isEmpty else { return }
            var plain = reference
            plain["namespace"] = nil
            object.update("spec") { $0["dataSource"] = plain }
        default: break
        }
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
}
