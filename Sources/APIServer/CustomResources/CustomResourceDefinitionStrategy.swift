// CustomResourceDefinitions: what the server fills in, what it refuses, and how they go.

import APISchema
import JSON
import KubeTypes

struct CustomResourceDefinitionStrategy: Strategy {
    var tracksGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        var status: JSONObject = [
            "conditions": [], "acceptedNames": ["plural": "", "kind": ""], "storedVersions": [],
        ]
        if let version = Self.storageVersion(of: object) { status["storedVersions"] = [.string(version)] }
        object["status"] = .object(status)
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        guard let version = Self.storageVersion(of: object) else { return }
        let stored = object[path: "status", "storedVersions"]?.strings ?? []
        if !stored.contains(version) {
            object.update("status") { $0["storedVersions"] = .array((stored + [version]).map(JSONValue.string)) }
        }
    }

    private static func storageVersion(of definition: JSONValue) -> String? {
        definition["spec"]?["versions"]?.arrayValue?.first { $0["storage"]?.boolValue == true }?["name"]?.stringValue
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // An update is validated with what it replaces.
        guard object.resourceVersion.isEmpty else { return [] }
        return Self.validate(object, old: nil, context)
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        if context.request.subresource?.name == "status" {
            return CustomResourceDefinitionRules.validateStatus(object)
        }
        return Self.validate(object, old: old, context)
    }

    private static func validate(_ object: JSONValue, old: JSONValue?, _ context: StrategyContext) -> [FieldError] {
        let rules = context.registry.validationRules
        let isBeta = context.request.resource.version == "v1beta1"
        return CustomResourceDefinitionRules.validate(object, replacing: old) { schema, path, oldSchema in
            rules.problems(of: schema, at: path, old: oldSchema)
        } + (isBeta ? [] : CustomResourceApproval.validate(object, old: old))
    }

    /// The first deletion only begins the end: the objects go first.
    func holdsBackDeletion(_ object: JSONValue) -> Bool { !object.isBeingDeleted }

    func prepareForDeletion(_ object: inout JSONValue) {
        let finalizers = object.finalizers
        if !finalizers.contains(CustomResourceController.finalizer),
            !CustomResourceConditions.isTrue("Terminating", of: object)
        {
            object.updateMetadata { $0.set("finalizers", finalizers + [CustomResourceController.finalizer]) }
        }
        guard !CustomResourceConditions.isTrue("Terminating", of: object),
            let now = object.deletionTimestamp.flatMap(Time.init)
        else { return }
        CustomResourceConditions.set(
            "Terminating", "True", reason: "InstanceDeletionPending",
            message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            in: &object, now: now)
    }

    func warnings(_ object: JSONValue) -> [String] { CustomResourceDefinitionRules.warnings(about: object) }
}
