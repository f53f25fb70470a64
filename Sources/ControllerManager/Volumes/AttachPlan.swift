import Crypto
import JSON
import KubeTypes

/// A CSI volume that is to be on a node.
struct AttachableVolume: Hashable, Sendable {
    var volume: String
    var driver: String
    /// The driver's own name of it.
    var handle: String
    var node: String
    /// Whether only one node can have it.
    var isExclusive: Bool

    /// The name that kubelet and attacher expect: a digest of handle, driver and node.
    var attachmentName: String {
        "csi-" + SHA256.hash(data: Array("\(handle)\(driver)\(node)".utf8)).hexadecimal()
    }

    /// As the node's status names it.
    var uniqueName: String { "kubernetes.io/csi/\(driver)^\(handle)" }
}

/// What is to be attached and detached.
struct AttachPlan {
    private(set) var attach: [AttachableVolume] = []
    private(set) var detach: [VolumeAttachment] = []
    /// Volumes that another node has, which lets nobody else have them.
    private(set) var blocked: [(volume: AttachableVolume, by: String)] = []

    /// - Parameters:
    ///   - wanted: The volumes of all pods that have a node.
    ///   - described: A volume as an attachment names it; nil if it is gone.
    ///   - isHeld: Whether a node still uses a volume and must not lose it.
    init(
        wanted: Set<AttachableVolume>, attachments: [VolumeAttachment],
        described: (VolumeAttachment) -> AttachableVolume?, isHeld: (AttachableVolume) -> Bool
    ) {
        var present = Set<String>()
        var holders: [String: Set<String>] = [:]
        let names = Set(wanted.map(\.attachmentName))
        for attachment in attachments where attachment.volume != nil {
            present.insert(attachment.name)
            holders[attachment.volume ?? "", default: []].insert(attachment.node)
            guard !names.contains(attachment.name), !attachment.isBeingDeleted else { continue }
            // An attachment with another name is not this controller's.
            guard let volume = described(attachment) else {
                if attachment.name.hasPrefix("csi-") { detach.append(attachment) }
                continue
            }
            if volume.attachmentName == attachment.name, !isHeld(volume) { detach.append(attachment) }
        }
        for volume in wanted.sorted(by: { ($0.volume, $0.node) < ($1.volume, $1.node) })
        where !present.contains(volume.attachmentName) {
            let others = holders[volume.volume, default: []].subtracting([volume.node])
            if volume.isExclusive, let other = others.min() {
                blocked.append((volume, other))
            } else {
                attach.append(volume)
                holders[volume.volume, default: []].insert(volume.node)
            }
        }
    }
}
