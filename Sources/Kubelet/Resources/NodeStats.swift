// What the node and its pods use, measured when somebody asks.

import CRI
import KubeTypes

/// One measurement. Rates come from the one before.
struct NodeStats: Sendable {
    struct Container: Sendable {
        var name: String
        var id: String
        var image: String
        var started: Time
        var usage: CgroupUsage
        /// Nanoseconds of one core in a second; nil where there is nothing to compare with.
        var nanoCores: UInt64?
        var rootfs: UInt64 = 0
        var logs = DirectoryUse()
    }

    struct VolumeUse: Sendable {
        var name: String
        var use: DirectoryUse
        var room: FilesystemRoom
        /// In memory rather than on the disk.
        var inMemory: Bool
        /// The claim's namespace and name.
        var claim: (namespace: String, name: String)?
    }

    struct PodUse: Sendable {
        var pod: Pod
        var usage: CgroupUsage?
        var nanoCores: UInt64?
        var network: NetworkUsage?
        var containers: [Container] = []
        var volumes: [VolumeUse] = []

        /// What counts against limits on ephemeral storage: layers, logs and directories on the disk.
        var ephemeral: UInt64 {
            containers.reduce(0) { $0 + $1.rootfs + $1.logs.bytes }
                + volumes.reduce(0) { $0 + ($1.inMemory || $1.claim != nil ? 0 : $1.use.bytes) }
        }
    }

    var time: Time
    var machine: MachineUsage
    var nanoCores: UInt64?
    var network: NetworkUsage?
    var nodeFS: FilesystemRoom
    var imageFS: FilesystemRoom
    /// Bytes that images take.
    var imagesUsed: UInt64
    var pods: [PodUse]
    /// Seconds since the measurement before.
    var window: Double
}

/// Measures. What is asked for again within a few seconds is answered from the last measurement.
actor NodeStatsCollector {
    private struct Previous {
        var time: Time
        var machine: UInt64
        /// By pod uid or container id.
        var cpu: [String: UInt64]
    }

    private let runtime: any RuntimeService
    private let cgroups: PodCgroups
    private let dataDir: String
    private let now: @Sendable () -> Time
    /// The pods of the node with the containers that the runtime showed last.
    private let pods: @Sendable () async -> [(Pod, ObservedPod)]
    private let volumes: PodVolumes
    private var previous: Previous?
    private var last: NodeStats?
    private var measuring: Task<NodeStats, Never>?
    private var diskLook: Time?
    private var disk: [String: DirectoryUse] = [:]
    private var layers: [String: UInt64] = [:]
    private var imagesUsed: UInt64 = 0

    /// Walking directories is slow: their sizes are this many seconds old at most.
    private static let diskInterval = 30.0

    init(
        runtime: any RuntimeService, cgroups: PodCgroups, dataDir: String, volumes: PodVolumes,
        now: @escaping @Sendable () -> Time, pods: @escaping @Sendable () async -> [(Pod, ObservedPod)]
    ) {
        self.runtime = runtime
        self.cgroups = cgroups
        self.dataDir = dataDir
        self.volumes = volumes
        self.now = now
        self.pods = pods
    }

    /// The newest measurement, made now if the last one is old. The first one takes a second: rates need two looks.
    func stats(maxAge: Double = 5) async -> NodeStats {
        if let last, now().since(last.time) < maxAge { return last }
        if let measuring { return await measuring.value }
        let task = Task {
            if previous.map({ now().since($0.time) > 120 }) ?? true {
                _ = await measure()
                try? await Task.sleep(for: .seconds(1))
            }
            return await measure()
        }
        measuring = task
        let result = await task.value
        measuring = nil
        last = result
        return result
    }

    private func measure() async -> NodeStats {
        let entries = await pods()
        await lookAtDisk(entries)
        let time = now()
        let machine = MachineUsage.read()
        var cpu: [String: UInt64] = [:]
        let window = previous.map { time.since($0.time) } ?? 0
        func rate(_ key: String, _ value: UInt64) -> UInt64? {
            cpu[key] = value
            guard let before = previous?.cpu[key], value >= before, window > 0 else { return nil }
            return UInt64(Double(value - before) / window)
        }
        var uses: [NodeStats.PodUse] = []
        for (pod, observed) in entries.sorted(by: { ($0.0.namespace, $0.0.name) < ($1.0.namespace, $1.0.name) }) {
            let path = cgroups.path(of: pod)
            var use = NodeStats.PodUse(pod: pod)
            use.usage = cgroups.tree.usage(path)
            if let usage = use.usage { use.nanoCores = rate(pod.uid, usage.cpu) }
            if !pod.isHostNetwork, let sandbox = observed.readySandbox?.sandbox.id,
                let process = cgroups.tree.processes("\(path)/\(sandbox)").first,
                let text = Files.text("/proc/\(process)/net/dev")
            {
                use.network = NetworkUsage(parsing: text)
            }
            for container in pod.allContainers {
                guard let status = observed.latest(container.name), status.state == .running,
                    let usage = cgroups.tree.usage("\(path)/\(status.id)")
                else { continue }
                use.containers.append(
                    NodeStats.Container(
                        name: container.name, id: status.id, image: status.image,
                        started: Time(nanoseconds: status.startedAt), usage: usage,
                        nanoCores: rate(status.id, usage.cpu), rootfs: layers[status.id] ?? 0,
                        logs: disk["log \(status.id)"] ?? DirectoryUse()))
            }
            use.volumes = await volumeUses(of: pod)
            uses.append(use)
        }
        let machineRate = previous.flatMap { before in
            window > 0 && machine.cpu >= before.machine
                ? UInt64(Double(machine.cpu - before.machine) / window) : nil
        }
        previous = Previous(time: time, machine: machine.cpu, cpu: cpu)
        let room = FilesystemRoom.of(dataDir) ?? FilesystemRoom()
        return NodeStats(
            time: time, machine: machine, nanoCores: machineRate,
            network: Files.text("/proc/net/dev").map(NetworkUsage.init), nodeFS: room, imageFS: room,
            imagesUsed: imagesUsed, pods: uses, window: window)
    }

    private func volumeUses(of pod: Pod) async -> [NodeStats.VolumeUse] {
        await volumes.measurable(pod).compactMap { volume in
            guard let room = FilesystemRoom.of(volume.path) else { return nil }
            if let claim = volume.claim {
                let use = DirectoryUse(
                    bytes: room.used, inodes: room.inodes - min(room.inodes, room.inodesFree))
                return NodeStats.VolumeUse(
                    name: volume.name, use: use, room: room, inMemory: false, claim: (pod.namespace, claim))
            }
            guard let use = disk["volume \(pod.uid) \(volume.name)"] else { return nil }
            return NodeStats.VolumeUse(name: volume.name, use: use, room: room, inMemory: volume.inMemory)
        }
    }

    private func lookAtDisk(_ entries: [(Pod, ObservedPod)]) async {
        let time = now()
        if let diskLook, time.since(diskLook) < Self.diskInterval { return }
        diskLook = time
        var fresh: [String: DirectoryUse] = [:]
        for (pod, observed) in entries {
            for volume in await volumes.measurable(pod) where volume.claim == nil {
                fresh["volume \(pod.uid) \(volume.name)"] = DirectoryUse.of(volume.path)
            }
            for status in observed.containers where !status.logPath.isEmpty {
                guard let slash = status.logPath.lastIndex(of: "/") else { continue }
                fresh["log \(status.id)"] = DirectoryUse.of(String(status.logPath[..<slash]))
            }
            await Task.yield()
        }
        disk = fresh
        if let stats = try? await runtime.containerStats() {
            layers = Dictionary(stats.map { ($0.id, $0.writableLayerBytes) }, uniquingKeysWith: { $1 })
        }
        if let use = try? await runtime.imageFilesystems() { imagesUsed = use.reduce(0) { $0 + $1.usedBytes } }
    }
}
