// Storage: the default class of claims, finalizers of what is in use, and which claims may grow.

import JSON
import KubeTypes

/// The newest object of a kind that an annotation marks as the default; of equally old ones the first by name.
enum DefaultClass {
    static func find(group: String, resource: String, annotations: [String], _ registry: Registry) -> String? {
        guard let classes = registry.cache.cache(group: group, resource: resource) else { return nil }
        var best: (created: String, name: String)?
        classes.snapshot.objects.forEach { candidate in
            let value = candidate.value
            guard annotations.contains(where: { value.annotations?[$0]?.stringValue == "true" }) else { return true }
            let created = value.metadata?[string: "creationTimestamp"] ?? ""
            if best.map({ created > $0.created }) ?? true { best = (created, candidate.key.name) }
            return true
        }
        return best?.name
    }
}

/// Upstream's DefaultStorageClass.
struct DefaultStorageClass: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.concerns("", "persistentvolumeclaims")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let claim = attributes.object else { return }
        if claim.annotations?["volume.beta.kubernetes.io/storage-class"] != nil { return }
        // The empty class is one: that of volumes without a class.
        if let given = claim[path: "spec", "storageClassName"], !given.isNull { return }
        let name = DefaultClass.find(
            group: "storage.k8s.io", resource: "storageclasses",
            annotations: [
                "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
            ], registry)
        guard let name else { return }
        attributes.object?.update("spec") { $0["storageClassName"] = .string(name) }
    }
}

/// Upstream's DefaultIngressClass.
struct DefaultIngressClass: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.concerns("networking.k8s.io", "ingresses")
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let ingress = attributes.object, ingress.annotations?["kubernetes.io/ingress.class"] == nil,
            ingress[path: "spec", "ingressClassName"].map(\.isNull) ?? true
        else { return }
        let name = DefaultClass.find(
            group: "networking.k8s.io", resource: "ingressclasses",
            annotations: ["ingressclass.kubernetes.io/is-default-class"], registry)
        guard let name else { return }
        attributes.object?.update("spec") { $0["ingressClassName"] = .string(name) }
    }
}

/// Volumes, claims and volume attributes classes go when nobody uses them any more; a controller takes the finalizer off
/// (upstream's StorageObjectInUseProtection).
struct StorageObjectInUseProtection: AdmissionPlugin {
    private static func finalizer(_ attributes: AdmissionAttributes) -> String? {
        guard attributes.operation == .create, attributes.subresource.isEmpty else { return nil }
        return switch (attributes.storage.group, attributes.storage.plural) {
        case ("", "persistentvolumes"): "kubernetes.io/pv-protection"
        case ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection"
        case ("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection"
        default: nil
        }
    }

    func handles(_ attributes: AdmissionAttributes) -> Bool { Self.finalizer(attributes) != nil }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        guard let finalizer = Self.finalizer(attributes), let present = attributes.object?.finalizers,
            !present.contains(finalizer)
        else { return }
        attributes.object?.updateMetadata { $0.set("finalizers", present + [finalizer]) }
    }
}

/// Claims grow only where their class says that volumes can (upstream's PersistentVolumeClaimResize).
struct PersistentVolumeClaimResize: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.concerns("", "persistentvolumeclaims")
    }

    func validate(_ attributes: AdmissionAttributes, _ registry: Registry) throws(APIError) {
        func size(_ claim: JSONValue?) -> Int128 {
            ResourceAmounts(resources: claim?[path: "spec", "resources", "requests"])["storage"]?.nanos ?? 0
        }
        guard let old = attributes.oldObject, size(attributes.object) > size(old) else { return }
        guard old[path: "status", "phase"]?.stringValue == "Bound" else {
            throw attributes.forbidden("Only bound persistent volume claims can be expanded")
        }
        func storageClass(_ claim: JSONValue?) -> String {
            claim?.annotations?["volume.beta.kubernetes.io/storage-class"]?.stringValue
                ?? claim?[path: "spec", "storageClassName"]?.stringValue ?? ""
        }
        let name = storageClass(attributes.object)
        let found = registry.cache.cache(group: "storage.k8s.io", resource: "storageclasses")?[ObjectKey(name: name)]
        guard !name.isEmpty, name == storageClass(old), found?.value["allowVolumeExpansion"]?.boolValue == true else {
            throw attributes.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                    + "support resize")
        }
    }
}
