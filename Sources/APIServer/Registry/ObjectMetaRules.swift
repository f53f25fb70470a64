// The rules that metadata of every kind obeys (upstream's `ValidateObjectMeta` and `ValidateObjectMetaUpdate`).

import APISchema
import JSON
import KubeTypes

enum ObjectMetaRules {
    /// What is wrong with the name of a new object; the rest of its metadata is the schema's to check.
    static func validateName(_ object: JSONValue, of resource: ResourceType) -> [FieldError] {
        guard let metadata = object.metadata else { return [.required("metadata")] }
        var errors: [FieldError] = []
        let generateName = metadata[string: "generateName"]
        if !generateName.isEmpty {
            for problem in Names.problems(ofName: generateName, of: resource, prefix: true) {
                errors.append(.invalid("metadata.generateName", .string(generateName), problem))
            }
        }
        let name = metadata[string: "name"]
        if name.isEmpty {
            errors.append(.required("metadata.name", "name or generateName is required"))
        } else {
            for problem in Names.problems(ofName: name, of: resource) {
                errors.append(.invalid("metadata.name", .string(name), problem))
            }
        }
        return errors
    }

    /// Carries over what a client need not repeat, and says what it must not change.
    static func prepareUpdate(_ object: inout JSONValue, old: JSONValue) -> [FieldError] {
        guard let before = old.metadata else { return [] }
        var errors: [FieldError] = []
        object.updateMetadata { metadata in
            metadata["selfLink"] = nil
            metadata["generation"] = before["generation"]
            for key in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
                var given = metadata[key]
                if given?.isEmptyValue == true { given = JSONValue?.none }
                if let given, given != before[key], key != "deletionGracePeriodSeconds" || before[key] == nil {
                    errors.append(.invalid("metadata.\(key)", given, "field is immutable"))
                }
                if given == nil || key == "deletionGracePeriodSeconds" { metadata[key] = before[key] }
            }
            // A name that was generated stays told, as upstream keeps it only if the client does.
            if metadata["generateName"]?.isEmptyValue == true { metadata["generateName"] = nil }
        }
        if old.isBeingDeleted {
            let known = Set(old.finalizers)
            let new = object.finalizers.filter { !known.contains($0) }
            if !new.isEmpty {
                let list = new.map { "\"\($0)\"" }.joined(separator: ", ")
                errors.append(
                    .forbidden(
                        "metadata.finalizers",
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "[]string{\(list)}"))
            }
        }
        return errors
    }

    /// Removes labels, annotations and lists that are empty, which are never written.
    static func tidy(_ object: inout JSONValue) {
        object.updateMetadata { metadata in
            for key in ["labels", "annotations", "finalizers", "ownerReferences", "generateName"] {
                if metadata[key]?.isEmptyValue == true { metadata[key] = nil }
            }
        }
    }
}
