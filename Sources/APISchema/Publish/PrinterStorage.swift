import JSON
import KubeTypes

/// The rows of volumes, storage drivers and devices.
enum StoragePrinters {
    static let all: [Printing] = [
        Printing(
            ["/PersistentVolume"],
            "Name@,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,"
                + "VolumeMode+"
        ) { cells in
            let claim = cells["spec", "claimRef"]
            return [
                cells.name, .string(quantity(cells["spec", "capacity", "storage"])),
                .string(CellText.accessModes(cells["spec", "accessModes"])),
                .string(cells["spec", "persistentVolumeReclaimPolicy"].text), .string(phase(cells)),
                .string(claim.isNull ? "" : "\(claim[or: "namespace"].text)/\(claim[or: "name"].text)"),
                .string(storageClass(cells)), .string(unset(cells["spec", "volumeAttributesClassName"])),
                .string(cells["status", "reason"].text), cells.age, .string(unset(cells["spec", "volumeMode"])),
            ]
        },
        Printing(
            ["/PersistentVolumeClaim"],
            "Name@,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode+"
        ) { cells in
            let volume = cells["spec", "volumeName"].text
            return [
                cells.name, .string(phase(cells)), .string(volume),
                .string(volume.isEmpty ? "" : quantity(cells["status", "capacity", "storage"])),
                .string(volume.isEmpty ? "" : CellText.accessModes(cells["status", "accessModes"])),
                .string(storageClass(cells)), .string(unset(cells["spec", "volumeAttributesClassName"])), cells.age,
                .string(unset(cells["spec", "volumeMode"])),
            ]
        },
        Printing(
            ["storage.k8s.io/StorageClass"],
            "Name@,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age"
        ) {
            [
                NetworkPrinters.defaultName(
                    $0,
                    annotations: [
                        "storageclass.kubernetes.io/is-default-class",
                        "storageclass.beta.kubernetes.io/is-default-class",
                    ]), .string($0["provisioner"].text), .string($0["reclaimPolicy"].stringValue ?? "Delete"),
                .string($0["volumeBindingMode"].stringValue ?? "Immediate"),
                .bool($0["allowVolumeExpansion"].boolValue ?? false), $0.age,
            ]
        },
        Printing(["storage.k8s.io/VolumeAttributesClass"], "Name@,DriverName,Age") {
            [$0.name, .string($0["driverName"].text), $0.age]
        },
        Printing(["storage.k8s.io/VolumeAttachment"], "Name@,Attacher@,PV,Node,Attached?,Age") {
            [
                $0.name, .string($0["spec", "attacher"].text),
                .string($0["spec", "source", "persistentVolumeName"].text), .string($0["spec", "nodeName"].text),
                .bool($0["status", "attached"].boolValue ?? false), $0.age,
            ]
        },
        Printing(["storage.k8s.io/CSINode"], "Name@,Drivers#,Age") {
            [$0.name, .integer(Int64($0["spec", "drivers"].list.count)), $0.age]
        },
        Printing(
            ["storage.k8s.io/CSIDriver"],
            "Name@,AttachRequired?,PodInfoOnMount?,StorageCapacity?,TokenRequests,RequiresRepublish?,Modes,Age"
        ) { cells in
            let tokens = cells["spec", "tokenRequests"].arrayValue
            let modes = cells["spec", "volumeLifecycleModes"].list.map(\.text).joined(separator: ",")
            return [
                cells.name, .bool(cells["spec", "attachRequired"].boolValue ?? true),
                .bool(cells["spec", "podInfoOnMount"].boolValue ?? false),
                .bool(cells["spec", "storageCapacity"].boolValue ?? false),
                .string(tokens.map { $0.map { $0[or: "audience"].text }.joined(separator: ",") } ?? "<unset>"),
                .bool(cells["spec", "requiresRepublish"].boolValue ?? false),
                .string(modes.isEmpty ? "<none>" : modes), cells.age,
            ]
        },
        Printing(["resource.k8s.io/ResourceClaim"], "Name@,State,Age") { cells in
            var states: [String] = cells.isBeingDeleted ? ["deleted"] : []
            if cells["status", "allocation"].isPresent {
                states.append("allocated")
                if !cells["status", "reservedFor"].list.isEmpty { states.append("reserved") }
            } else if !cells.isBeingDeleted {
                states.append("pending")
            }
            return [cells.name, .string(states.joined(separator: ",")), cells.age]
        },
        Printing(["resource.k8s.io/ResourceSlice"], "Name@,Node,Driver,Pool,Age") {
            [
                $0.name, .string($0["spec", "nodeName"].text), .string($0["spec", "driver"].text),
                .string($0["spec", "pool", "name"].text), $0.age,
            ]
        },
        Printing(["resource.k8s.io/DeviceTaintRule"], "Name@,Key,Value,Effect,TimeAdded,Age") {
            let taint = $0["spec", "taint"]
            let added = taint[or: "timeAdded"]
            return [
                $0.name, .string(taint[or: "key"].text), .string(taint[or: "value"].text),
                .string(taint[or: "effect"].text), .string(added.isNull ? "" : $0.since(added)), $0.age,
            ]
        },
        Printing(
            ["resource.k8s.io/ResourcePoolStatusRequest"],
            "Name@,Driver,Total,Available,Allocated,Unavailable,Errors,Pools#,Status,Completed", poolStatus),
    ]

    private static func poolStatus(_ cells: TableCells) -> [JSONValue] {
        let status = cells["status"]
        let pools = status[or: "pools"].list
        let poolCount = status[or: "poolCount"].count
        let complete = CellText.condition("Complete", of: status)
        let isComplete = CellText.isTrue("Complete", of: status)
        let isFailed = !isComplete && CellText.isTrue("Failed", of: status)
        let known = status.isPresent && !isFailed
        let sums = ["totalDevices", "availableDevices", "allocatedDevices", "unavailableDevices"].map { field in
            JSONValue.string(known ? String(pools.reduce(0) { $0 + $1[or: field].count }) : "-")
        }
        let errors = pools.count { $0[or: "validationError"].isPresent }
        var state = isFailed ? "Failed" : isComplete ? "Complete" : "Pending"
        if isComplete, poolCount > pools.count { state = "Complete (\(pools.count)/\(poolCount) pools)" }
        let completed = isComplete ? cells.since(complete?[or: "lastTransitionTime"] ?? .null) : "<none>"
        return [cells.name, .string(cells["spec", "driver"].text)] + sums
            + [.string(known ? String(errors) : "-"), .integer(poolCount), .string(state), .string(completed)]
    }

    private static func phase(_ cells: TableCells) -> String {
        cells.isBeingDeleted ? "Terminating" : cells["status", "phase"].text
    }

    private static func quantity(_ quantity: JSONValue) -> String { quantity.isNull ? "0" : quantity.scalarText }

    private static func unset(_ value: JSONValue) -> String { value.stringValue ?? "<unset>" }

    private static func storageClass(_ cells: TableCells) -> String {
        cells["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"].stringValue
            ?? cells["spec", "storageClassName"].text
    }
}
