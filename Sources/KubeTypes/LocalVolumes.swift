// What provisioner, kubelet and API server have to agree on about volumes that are directories of a node.

import JSON

/// Volumes of storage classes with Martlet's own provisioner: the controller writes the PersistentVolume, the kubelet of
/// its node makes the directory, and removes it when the volume is given back.
public enum LocalVolumes {
    /// The provisioner that a storage class names.
    public static let provisioner = "martlet.io/local"
    /// Holds a volume until its directory is gone.
    public static let finalizer = "martlet.io/local-volume"
    /// On a node: where it keeps the directories.
    public static let directoryAnnotation = "martlet.io/local-volumes"
    /// On a volume: who made it (well-known annotation of Kubernetes).
    public static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    /// The label of a node that volumes' affinity is about.
    public static let hostname = "kubernetes.io/hostname"

    /// The node that such a volume's directory is on, by its host name label; nil for a volume that somebody else made.
    public static func host(of volume: JSONValue) -> String? {
        guard volume[path: "metadata", "annotations", provisionedBy]?.stringValue == provisioner else { return nil }
        let terms = volume[path: "spec", "nodeAffinity", "required", "nodeSelectorTerms"]?.arrayValue
        let expressions = terms?.first?["matchExpressions"]?.arrayValue ?? []
        return expressions.first { $0["key"]?.stringValue == hostname }?["values"]?.arrayValue?.first?.stringValue
    }
}
