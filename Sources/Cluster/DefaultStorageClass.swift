import JSON
import KubeClient
import KubeTypes
import Logging

/// The storage class that claims get which name none, so that they are served from the first moment, as in kind and k3s:
/// directories on the node of the first pod.
enum DefaultStorageClass {
    static let name = "standard"

    static var object: StorageClass {
        var storageClass = StorageClass(name: name)
        storageClass.metadata.annotations = ["storageclass.kubernetes.io/is-default-class": "true"]
        storageClass.provisioner = LocalVolumes.provisioner
        storageClass.reclaimPolicy = "Delete"
        storageClass.volumeBindingMode = "WaitForFirstConsumer"
        storageClass.allowVolumeExpansion = true
        return storageClass
    }

    /// Creates the class, unless there is one of its name, changed or not, or another default.
    /// - Parameter client: May list and create storage classes.
    static func ensure(_ client: KubeClient, logger: Logger) async {
        do {
            let present = try await client.list(StorageClass.self).items
            let isServed = present.contains { candidate in
                candidate.name == name
                    || candidate.annotations["storageclass.kubernetes.io/is-default-class"] == "true"
            }
            if !isServed { try await client.create(object) }
        } catch {
            logger.warning("the default storage class cannot be created: \(error)")
        }
    }
}
