// The volumes of a pod that have a say in where it can run.
import KubeTypes

struct PodVolumes: Sendable {
    struct Claim: Sendable, Hashable {
        let name: String
        /// Made for the pod from its own template; the claim must then be the pod's.
        let isEphemeral: Bool
    }

    /// A disk that only one pod of a node can have, or several that only read it.
    struct Disk: Sendable, Hashable {
        let id: String
        /// Readers do not disturb each other.
        let isShared: Bool
    }

    var claims: [Claim] = []
    var disks: [Disk] = []

    var isEmpty: Bool { claims.isEmpty && disks.isEmpty }

    init(_ volumes: [Volume], podName: String) {
        for volume in volumes {
            if let claim = volume.persistentVolumeClaim {
                claims.append(Claim(name: claim.claimName, isEphemeral: false))
            } else if volume.ephemeral != nil {
                claims.append(Claim(name: "\(podName)-\(volume.name)", isEphemeral: true))
            } else if let disk = volume.gcePersistentDisk {
                disks.append(Disk(id: "gce/\(disk.pdName)", isShared: disk.readOnly ?? false))
            } else if let disk = volume.awsElasticBlockStore {
                disks.append(Disk(id: "aws/\(disk.volumeID)", isShared: false))
            } else if let disk = volume.iscsi {
                disks.append(Disk(id: "iscsi/\(disk.iqn)", isShared: disk.readOnly ?? false))
            } else if let disk = volume.rbd {
                for monitor in disk.monitors {
                    disks.append(
                        Disk(
                            id: "rbd/\(monitor)/\(disk.pool ?? "rbd")/\(disk.image)", isShared: disk.readOnly ?? false))
                }
            }
        }
    }

    func conflict(with other: PodVolumes) -> Bool {
        disks.contains { disk in
            other.disks.contains { $0.id == disk.id && !($0.isShared && disk.isShared) }
        }
    }
}
