import APISchema
import ControllerManager

extension ServedResource {
    /// Every resource once, in the version it is stored in, for the garbage collector and for namespace deletion.
    package static var builtin: [ServedResource] {
        Schema.builtin.resources.filter { resource in
            resource.storage.group == resource.group && resource.storage.version == resource.version
                && resource.storage.plural == resource.plural
        }.map { resource in
            ServedResource(
                apiVersion: resource.apiVersion, resource: resource.plural, kind: resource.kind,
                namespaced: resource.namespaced, verbs: Set(resource.verbs))
        }
    }
}
