// Nothing new comes into a namespace that is not there or is about to go.

import JSON
import KubeTypes

/// Upstream's NamespaceLifecycle. That some namespaces are never deleted is their strategy's to say.
struct NamespaceLifecycle: AdmissionPlugin {
    func handles(_ attributes: AdmissionAttributes) -> Bool {
        // Asking whether one may is harmless wherever it is done.
        attributes.operation != .delete && attributes.resource.namespaced && !attributes.namespace.isEmpty
            && attributes.resource.group != "authorization.k8s.io"
    }

    func admit(_ attributes: inout AdmissionAttributes, _ registry: Registry) throws(APIError) {
        let name = attributes.namespace
        guard let namespace = registry.cache.cache(group: "", resource: "namespaces")?[ObjectKey(name: name)] else {
            throw .notFound("namespaces", group: "", name: name)
        }
        guard attributes.operation == .create, namespace.value.isBeingDeleted else { return }
        var error = attributes.forbidden(
            "unable to create new content in namespace \(name) because it is being terminated")
        var cause = StatusCause()
        cause.reason = "NamespaceTerminating"
        cause.message = "namespace \(name) is being terminated"
        cause.field = "metadata.namespace"
        error.details?.causes = [cause]
        throw error
    }
}
