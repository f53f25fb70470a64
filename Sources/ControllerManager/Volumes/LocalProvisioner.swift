import JSON
import KubeTypes

/// Makes volumes that are directories on the node of their first pod, for storage classes with the provisioner
/// `martlet.io/local`.
///
/// It only writes the PersistentVolume. The kubelet of the node makes the directory when the volume is mounted first, and
/// removes it when the volume is released, after which it takes the finalizer off.
enum LocalProvisioner {
    private static let name = LocalVolumes.provisioner

    /// Why a claim cannot have such a volume; nil if it can.
    static func problem(with claim: PersistentVolumeClaim) -> String? {
        if claim.spec.selector != nil { return "claim.Spec.Selector is not supported" }
        if claim.volumeMode != "Filesystem" { return "\(name) does not provide block volume provisioning" }
        if claim.spec.dataSource != nil || claim.spec.dataSourceRef != nil {
            return "plugin \"\(name)\" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource"
        }
        return nil
    }

    /// - Parameter directory: Where nodes keep the volumes' directories.
    static func volume(
        for claim: PersistentVolumeClaim, _ storageClass: StorageClass, on node: Node, directory: String
    ) -> PersistentVolume {
        var volume = PersistentVolume(name: "pvc-\(claim.uid)")
        volume.metadata.finalizers = [LocalVolumes.finalizer]
        volume.metadata.annotations = [LocalVolumes.provisionedBy: name]
        let requested = claim.requestedStorage
        volume.spec.capacity = ["storage": requested]
        volume.spec.accessModes = claim.spec.accessModes
        volume.spec.persistentVolumeReclaimPolicy = storageClass.reclaimPolicy ?? "Delete"
        volume.spec.storageClassName = storageClass.name
        volume.spec.mountOptions = storageClass.mountOptions
        volume.spec.volumeMode = "Filesystem"
        volume.spec.local = LocalVolumeSource([
            "path": .string("\(node.annotations[LocalVolumes.directoryAnnotation] ?? directory)/\(volume.name)")
        ])
        volume.spec.nodeAffinity = VolumeNodeAffinity([
            "required": [
                "nodeSelectorTerms": [
                    [
                        "matchExpressions": [
                            [
                                "key": .string(LocalVolumes.hostname), "operator": "In",
                                "values": [.string(node.labels[LocalVolumes.hostname] ?? node.name)],
                            ]
                        ]
                    ]
                ]
            ]
        ])
        return volume.bound(to: claim)
    }

    /// Whether the volume's directory went with its node: nobody is left to remove it, and to say so.
    static func isStranded(_ volume: PersistentVolume, nodes: [Node]) -> Bool {
        guard volume.isBeingDeleted, volume.metadata.finalizers.contains(LocalVolumes.finalizer),
            let host = LocalVolumes.host(of: volume.json)
        else { return false }
        return !nodes.contains { ($0.labels[LocalVolumes.hostname] ?? $0.name) == host }
    }
}
