// What writes through a subresource, or around it, leave as it was: nobody comes to own it by such a write.

import JSON

enum ResetFields {
    /// What is the server's, or the same for all.
    private static let server = FieldSet(
        fields: ["metadata", "name"], ["metadata", "namespace"], ["metadata", "creationTimestamp"],
        ["metadata", "selfLink"], ["metadata", "uid"], ["metadata", "generation"], ["metadata", "managedFields"],
        ["metadata", "resourceVersion"])
    private static let status = server.union(FieldSet(fields: ["status"]))
    private static let spec = server.union(FieldSet(fields: ["spec"]))
    private static let specAndMetadata = FieldSet(fields: ["spec"], ["metadata"])
    private static let specAndStatus = server.union(FieldSet(fields: ["spec"], ["status"]))
    private static let specAndLabels = server.union(FieldSet(fields: ["spec"], ["metadata", "labels"]))
    private static let ofPodStatus = server.union(
        FieldSet(fields: ["spec"], ["metadata", "deletionTimestamp"], ["metadata", "ownerReferences"]))
    private static let ofRequestStatus = server.union(FieldSet(fields: ["spec"], ["status", "conditions"]))
    private static let ofApproval = server.union(FieldSet(fields: ["spec"], ["status", "certificate"]))

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
        case ("certificates.k8s.io", "certificatesigningrequests", ""): specAndStatus
        case ("certificates.k8s.io", "certificatesigningrequests", "status"): ofRequestStatus
        case ("certificates.k8s.io", "certificatesigningrequests", "approval"): ofApproval
        case ("", "namespaces", "finalize"): status
        case (_, _, ""): resource.subresource("status") == nil ? server : status
        case (_, "deployments", "status"): specAndLabels
        case ("", "pods", "status"): ofPodStatus
        case (let group, let plural, "status"):
            keepsMetadata[group]?.contains(plural) == true ? specAndMetadata : spec
        default: server
        }
    }
}
