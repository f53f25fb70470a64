// What writes through a subresource, or around it, leave as it was: nobody comes to own it by such a write.

import JSON

enum ResetFields {
    private static let status = FieldSet(fields: ["status"])
    private static let spec = FieldSet(fields: ["spec"])
    private static let specAndMetadata = FieldSet(fields: ["spec"], ["metadata"])

    /// Resources of whose metadata a write of the status keeps nothing, by group.
    private static let keepsMetadata: [String: Set<String>] = [
        "admissionregistration.k8s.io": ["validatingadmissionpolicies"],
        "flowcontrol.apiserver.k8s.io": ["flowschemas", "prioritylevelconfigurations"],
        "internal.apiserver.k8s.io": ["storageversions"], "networking.k8s.io": ["servicecidrs"],
        "resource.k8s.io": ["resourceclaims", "devicetaintrules", "resourcepoolstatusrequests"],
        "scheduling.k8s.io": ["podgroups"], "storage.k8s.io": ["volumeattachments"],
        "storagemigration.k8s.io": ["storageversionmigrations"],
    ]

    /// The fields that a write of `resource` through `subresource` does not touch; empty means the object itself.
    static func of(_ resource: ResourceType, subresource: String) -> FieldSet {
        switch (resource.group, resource.plural, subresource) {
        case ("certificates.k8s.io", "certificatesigningrequests", ""): FieldSet(fields: ["spec"], ["status"])
        case ("certificates.k8s.io", "certificatesigningrequests", "status"):
            FieldSet(fields: ["spec"], ["status", "conditions"])
        case ("certificates.k8s.io", "certificatesigningrequests", "approval"):
            FieldSet(fields: ["spec"], ["status", "certificate"])
        case ("", "namespaces", "finalize"): status
        case (_, _, ""): resource.subresource("status") == nil ? FieldSet() : status
        case (_, "deployments", "status"): FieldSet(fields: ["spec"], ["metadata", "labels"])
        case ("", "pods", "status"):
            FieldSet(fields: ["spec"], ["metadata", "deletionTimestamp"], ["metadata", "ownerReferences"])
        case (let group, let plural, "status"):
            keepsMetadata[group]?.contains(plural) == true ? specAndMetadata : spec
        default: FieldSet()
        }
    }
}
