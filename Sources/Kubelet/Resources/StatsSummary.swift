// A measurement as `/stats/summary` shows it (k8s.io/kubelet, stats/v1alpha1).

import JSON
import KubeTypes

enum StatsSummary {
    static func json(_ stats: NodeStats, nodeName: String, started: Time) -> JSONValue {
        let time = JSONValue.string(stats.time.description)
        var node: JSONObject = ["nodeName": .string(nodeName), "startTime": .string(started.description)]
        node["cpu"] = cpu(time, stats.machine.cpu, stats.nanoCores)
        node["memory"] = [
            "time": time, "availableBytes": number(stats.machine.available), "usageBytes": number(stats.machine.memory),
            "workingSetBytes": number(stats.machine.workingSet),
        ]
        if let network = stats.network { node["network"] = self.network(time, network) }
        node["fs"] = filesystem(time, stats.nodeFS, used: stats.nodeFS.used)
        node["runtime"] = [
            "imageFs": filesystem(time, stats.imageFS, used: stats.imagesUsed),
            "containerFs": filesystem(time, stats.imageFS, used: stats.imagesUsed),
        ]
        node["rlimit"] = [
            "time": time, "maxpid": number(stats.machine.maxProcesses), "curproc": number(stats.machine.processes),
        ]
        return ["node": .object(node), "pods": .array(stats.pods.map { pod($0, stats, time) })]
    }

    private static func pod(_ use: NodeStats.PodUse, _ stats: NodeStats, _ time: JSONValue) -> JSONValue {
        var pod: JSONObject = [
            "podRef": [
                "name": .string(use.pod.name), "namespace": .string(use.pod.namespace), "uid": .string(use.pod.uid),
            ]
        ]
        if let started = use.pod.status.startTime { pod["startTime"] = .string(started.description) }
        pod["containers"] = .array(
            use.containers.map { container in
                [
                    "name": .string(container.name), "startTime": .string(container.started.description),
                    "cpu": cpu(time, container.usage.cpu, container.nanoCores),
                    "memory": memory(time, container.usage),
                    "rootfs": filesystem(time, stats.imageFS, used: container.rootfs),
                    "logs": filesystem(
                        time, stats.nodeFS, used: container.logs.bytes, inodesUsed: container.logs.inodes),
                ]
            })
        if let usage = use.usage {
            pod["cpu"] = cpu(time, usage.cpu, use.nanoCores)
            pod["memory"] = memory(time, usage)
            pod["process_stats"] = ["process_count": number(usage.processes)]
        }
        if let network = use.network { pod["network"] = self.network(time, network) }
        let volumes: [JSONValue] = use.volumes.map { volume in
            var fields =
                filesystem(time, volume.room, used: volume.use.bytes, inodesUsed: volume.use.inodes).objectValue ?? [:]
            fields["name"] = .string(volume.name)
            if let claim = volume.claim {
                fields["pvcRef"] = ["name": .string(claim.name), "namespace": .string(claim.namespace)]
            }
            return .object(fields)
        }
        if !volumes.isEmpty { pod["volume"] = .array(volumes) }
        pod["ephemeral-storage"] = filesystem(time, stats.nodeFS, used: use.ephemeral)
        return .object(pod)
    }

    private static func number(_ value: UInt64) -> JSONValue { .integer(Int64(clamping: value)) }

    private static func cpu(_ time: JSONValue, _ total: UInt64, _ rate: UInt64?) -> JSONValue {
        var fields: JSONObject = ["time": time]
        if let rate { fields["usageNanoCores"] = number(rate) }
        fields["usageCoreNanoSeconds"] = number(total)
        return .object(fields)
    }

    private static func memory(_ time: JSONValue, _ usage: CgroupUsage) -> JSONValue {
        var fields: JSONObject = ["time": time]
        if let limit = usage.memoryLimit {
            fields["availableBytes"] = number(limit > usage.workingSet ? limit - usage.workingSet : 0)
        }
        fields["usageBytes"] = number(usage.memory)
        fields["workingSetBytes"] = number(usage.workingSet)
        fields["rssBytes"] = number(usage.rss)
        fields["pageFaults"] = number(usage.pageFaults)
        fields["majorPageFaults"] = number(usage.majorPageFaults)
        return .object(fields)
    }

    private static func network(_ time: JSONValue, _ usage: NetworkUsage) -> JSONValue {
        func fields(_ interface: NetworkUsage.Interface) -> JSONObject {
            [
                "name": .string(interface.name), "rxBytes": number(interface.rxBytes),
                "rxErrors": number(interface.rxErrors), "txBytes": number(interface.txBytes),
                "txErrors": number(interface.txErrors),
            ]
        }
        var result: JSONObject = ["time": time]
        if let main = usage.main {
            for field in fields(main) { result[field.key] = field.value }
        }
        result["interfaces"] = .array(usage.interfaces.map { .object(fields($0)) })
        return .object(result)
    }

    private static func filesystem(
        _ time: JSONValue, _ room: FilesystemRoom, used: UInt64, inodesUsed: UInt64? = nil
    ) -> JSONValue {
        [
            "time": time, "availableBytes": number(room.available), "capacityBytes": number(room.capacity),
            "usedBytes": number(used), "inodesFree": number(room.inodesFree), "inodes": number(room.inodes),
            "inodesUsed": number(inodesUsed ?? (room.inodes - min(room.inodes, room.inodesFree))),
        ]
    }
}
