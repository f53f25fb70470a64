// Custom resources: what their definition asks of them.

import APISchema
import JSON
import KubeTypes

struct CustomResourceStrategy: Strategy {
    let custom: CustomResourceType
    let rules: any ValidationRules

    init(_ custom: CustomResourceType, rules: any ValidationRules) {
        self.custom = custom
        self.rules = rules
    }

    var tracksGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }
    var keepsStatusOnCreate: Bool { !custom.hasStatus }

    func prepareForCreate(_ object: inout JSONValue, _ context: inout StrategyContext) throws(APIError) {
        if context.registry.liveSchema.current.isTerminating(custom) {
            throw context.request.forbidden(
                "create not allowed while custom resource definition is terminating", name: object.name)
        }
    }

    func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) throws(APIError)
    {
        // Without the subresource status is a field like others, and counts as one.
        if !custom.hasStatus, object["status"] != old["status"], !Registry.contentDiffers(object, old) {
            object.updateMetadata { $0["generation"] = .integer(old.generation + 1) }
        }
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, old: JSONValue, _ context: inout StrategyContext) {
        let managedFields = object["metadata"]?["managedFields"]
        let version = object["metadata"]?["resourceVersion"]
        object["metadata"] = old["metadata"]
        object.updateMetadata { metadata in
            metadata["managedFields"] = managedFields
            metadata["resourceVersion"] = version
        }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // An update, which has a resourceVersion, is validated with what it replaces.
        guard object.resourceVersion.isEmpty else { return [] }
        return check(custom.validate(object, replacing: nil), object, nil)
    }

    func validateUpdate(_ object: JSONValue, old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let isStatus = context.request.subresource?.name == "status"
        let errors =
            isStatus ? custom.validateStatus(object, replacing: old) : custom.validate(object, replacing: old)
        return check(errors, object, old)
    }

    private static let blocking: Set<FieldError.Kind> = [.notSupported, .required, .tooLong, .tooMany, .typeInvalid]

    private func check(_ errors: [FieldError], _ object: JSONValue, _ old: JSONValue?) -> [FieldError] {
        guard let schema = custom.schema, let checker = rules.checker(of: schema) else { return errors }
        if errors.contains(where: { Self.blocking.contains($0.kind) }) {
            let detail =
                "some validation rules were not checked because the object was invalid; correct the existing errors "
                + "to complete validation"
            return errors + [.invalid("<nil>", .null, detail)]
        }
        return errors + checker.validate(object, replacing: old)
    }

    private static let standardFinalizers: Set<String> = ["orphan", "foregroundDeletion", "kubernetes"]

    func warnings(_ object: JSONValue) -> [String] {
        var warnings: [String] = []
        guard object.resourceVersion.isEmpty else { return [] }
        for finalizer in Set(object.finalizers).sorted() {
            let name = "metadata.finalizers: \(JSONWriter.text(of: .string(finalizer)))"
            warnings += Names.isQualifiedName(finalizer).map { "\(name): \($0)" }
            if finalizer.contains("/") || Self.standardFinalizers.contains(finalizer) { continue }
            let advice =
                finalizer.contains(".")
                ? "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with "
                    + "other finalizer writers"
                : "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
            warnings.append("\(name): \(advice)")
        }
        return warnings
    }
}
