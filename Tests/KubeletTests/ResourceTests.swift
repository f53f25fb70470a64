import CRI
import Foundation
import JSON
import KubeTypes
import Testing

@testable import Kubelet

private func pod(_ requests: JSONValue, _ limits: JSONValue, more: JSONValue = [:]) -> Pod {
    var spec: JSONValue = ["containers": [container("app", ["resources": ["requests": requests, "limits": limits]])]]
    for (key, value) in more.objectValue ?? [:] { spec[key] = value }
    return makePod(spec)
}

@Suite struct CgroupLimitTests {
    @Test func followThePodsResources() {
        let guaranteed = CgroupLimits(of: pod(["cpu": "500m", "memory": "64Mi"], ["cpu": "500m", "memory": "64Mi"]))
        #expect(guaranteed.cpuShares == 512)
        #expect(guaranteed.cpuQuota == 50_000)
        #expect(guaranteed.memory == 64 << 20)
        let burstable = CgroupLimits(of: pod(["cpu": "250m"], [:]), pids: 100)
        #expect(burstable.cpuShares == 256)
        #expect(burstable.cpuQuota == nil)
        #expect(burstable.memory == nil)
        #expect(burstable.pids == 100)
        #expect(CgroupLimits(of: pod([:], [:])).cpuShares == 2)
    }

    /// The resources of the pod itself count in place of those of its containers (KEP-2837).
    @Test func followResourcesOfThePodItself() {
        let limits = CgroupLimits(
            of: pod([:], [:], more: ["resources": ["requests": ["cpu": "1"], "limits": ["memory": "1Gi"]]]))
        #expect(limits.cpuShares == 1024)
        #expect(limits.memory == 1 << 30)
    }

    @Test func areWideEnoughForBothSizes() {
        let small = CgroupLimits(of: pod(["cpu": "1", "memory": "1Gi"], ["cpu": "1", "memory": "1Gi"]))
        let large = CgroupLimits(of: pod(["cpu": "2", "memory": "1Gi"], ["cpu": "2", "memory": "1Gi"]))
        #expect(small.widened(by: large) == large)
        #expect(large.widened(by: small) == large)
        #expect(large.widened(by: CgroupLimits()).memory == nil)
    }

    @Test(arguments: [(2 as Int64, 1 as Int64), (1024, 39), (262_144, 10_000)])
    func becomeWeights(_ shares: Int64, _ weight: Int64) { #expect(CgroupTree.weight(shares: shares) == weight) }
}

/// Groups in a directory that stands for the kernel's.
@Suite struct CgroupTreeTests {
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/cgroups-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func write(_ text: String, _ path: String) throws {
        let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        try FileManager.default.createDirectory(atPath: String(directory), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test func readsVersion1() throws {
        try inDirectory { root in
            try write("5000000000\n", "\(root)/cpuacct/kubepods/pod1/cpuacct.usage")
            try write("1000000\n", "\(root)/memory/kubepods/pod1/memory.usage_in_bytes")
            try write(
                "cache 5\ntotal_rss 600000\ntotal_inactive_file 300000\ntotal_pgfault 7\n",
                "\(root)/memory/kubepods/pod1/memory.stat")
            try write("9223372036854771712\n", "\(root)/memory/kubepods/pod1/memory.limit_in_bytes")
            try write("3\n", "\(root)/pids/kubepods/pod1/pids.current")
            let usage = try #require(CgroupTree(mount: root).usage("/kubepods/pod1"))
            #expect(usage.cpu == 5_000_000_000)
            #expect(usage.workingSet == 700_000)
            #expect(usage.rss == 600_000)
            #expect(usage.memoryLimit == nil)
            #expect(usage.processes == 3)
            #expect(CgroupTree(mount: root).usage("/kubepods/pod2") == nil)
        }
    }

    @Test func readsVersion2() throws {
        try inDirectory { root in
            try write("cpu memory", "\(root)/cgroup.controllers")
            try write("usage_usec 5000\n", "\(root)/kubepods/pod1/cpu.stat")
            try write("1000\n", "\(root)/kubepods/pod1/memory.current")
            try write("anon 600\ninactive_file 300\n", "\(root)/kubepods/pod1/memory.stat")
            try write("4096\n", "\(root)/kubepods/pod1/memory.max")
            let usage = try #require(CgroupTree(mount: root).usage("/kubepods/pod1"))
            #expect(usage.cpu == 5_000_000)
            #expect(usage.workingSet == 700)
            #expect(usage.memoryLimit == 4096)
        }
    }

    @Test func writesLimits() throws {
        try inDirectory { root in
            for (controller, names) in [
                ("cpu", ["cpu.shares", "cpu.cfs_quota_us"]), ("memory", ["memory.limit_in_bytes"]),
                ("pids", ["pids.max"]),
            ] {
                for name in names { try write("", "\(root)/\(controller)/kubepods/podx/\(name)") }
            }
            var limits = CgroupLimits(cpuShares: 512, memory: 1 << 20, pids: 10)
            limits.cpuQuota = 5000
            CgroupTree(mount: root).set("/kubepods/podx", limits)
            func text(_ path: String) -> String? { Files.text("\(root)/\(path)") }
            #expect(text("cpu/kubepods/podx/cpu.shares") == "512")
            #expect(text("cpu/kubepods/podx/cpu.cfs_quota_us") == "5000")
            #expect(text("memory/kubepods/podx/memory.limit_in_bytes") == "1048576")
            #expect(text("pids/kubepods/podx/pids.max") == "10")
        }
    }
}

@Suite struct MachineUsageTests {
    @Test func readsTheKernelsTables() {
        let usage = MachineUsage(
            stat: "cpu  100 20 30 4000 50 6 7 8 9 10\ncpu0 1 1 1 1\n",
            meminfo: "MemTotal: 1000 kB\nMemFree: 300 kB\nInactive(file): 200 kB\n",
            loadavg: "0.1 0.2 0.3 2/345 678\n", pidMax: "4194304\n", threadsMax: "1000\n")
        #expect(usage.cpu == 163 * 10_000_000)
        #expect(usage.memory == 700 * 1024)
        #expect(usage.workingSet == 500 * 1024)
        #expect(usage.available == 500 * 1024)
        #expect(usage.processes == 345)
        #expect(usage.maxProcesses == 1000)
    }

    @Test func readsInterfaces() {
        let usage = NetworkUsage(
            parsing: """
                Inter-|   Receive                                                |  Transmit
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
                    lo:     1    1    0    0    0     0          0         0     1       1    0 0 0 0 0 0
                  eth0:   100    2    3    0    0     0          0         0   200       4    5 0 0 0 0 0

                """)
        #expect(
            usage.interfaces
                == [.init(name: "eth0", rxBytes: 100, rxErrors: 3, txBytes: 200, txErrors: 5)])
    }
}

@Suite struct EvictionTests {
    private func use(_ name: String, memory: UInt64, priority: Int = 0, request: String = "0") -> NodeStats.PodUse {
        var pod = pod(["memory": .string(request)], [:], more: ["priority": .integer(Int64(priority))])
        pod.json["metadata"]?["name"] = .string(name)
        var use = NodeStats.PodUse(pod: pod)
        var usage = CgroupUsage()
        usage.workingSet = memory
        use.usage = usage
        use.containers = [
            NodeStats.Container(name: "app", id: "1", image: "", started: testTime, usage: usage)
        ]
        return use
    }

    private func stats(available: UInt64, disk: UInt64 = 50) -> NodeStats {
        var machine = MachineUsage()
        machine.available = available
        machine.workingSet = 1 << 30
        return NodeStats(
            time: testTime, machine: machine,
            nodeFS: FilesystemRoom(capacity: 100, available: disk, inodes: 0, inodesFree: 0),
            imageFS: FilesystemRoom(), imagesUsed: 0, pods: [], window: 10)
    }

    @Test func noticesWhatRunsOut() {
        #expect(EvictionRules.crossed(stats(available: 1 << 30), EvictionRules.defaults) == [])
        #expect(EvictionRules.crossed(stats(available: 50 << 20), EvictionRules.defaults) == [.memory])
        #expect(
            EvictionRules.crossed(stats(available: 50 << 20, disk: 5), EvictionRules.defaults) == [.memory, .nodeDisk])
    }

    @Test func takesThoseBeyondTheirRequestsFirst() {
        let ranked = EvictionRules.ranked(
            [
                use("within", memory: 500 << 20, request: "1Gi"), use("beyond", memory: 100 << 20),
                use("important", memory: 900 << 20, priority: 1000), use("more", memory: 200 << 20),
                use("critical", memory: 2 << 30, priority: 2_000_000_000),
            ], by: .memory)
        #expect(ranked.map(\.pod.name) == ["more", "beyond", "important", "within"])
    }

    @Test func saysWhy() {
        let message = EvictionRules.message(
            use("web", memory: 200 << 20), .memory, available: 50 << 20, threshold: 100 << 20)
        #expect(
            message == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
                + "Container app was using 200Mi, request is 0, has larger consumption of memory. ")
    }

    @Test func enforcesLimitsOnTheDisk() {
        var use = use("web", memory: 0)
        use.pod.json["spec"]?["volumes"] = [["name": "scratch", "emptyDir": ["sizeLimit": "1Mi"]]]
        use.volumes = [
            NodeStats.VolumeUse(
                name: "scratch", use: DirectoryUse(bytes: 1 << 20, inodes: 1), room: FilesystemRoom(), inMemory: false)
        ]
        #expect(EvictionRules.localStorageProblem(use) == nil)
        use.volumes[0].use.bytes += 1
        #expect(
            EvictionRules.localStorageProblem(use) == "Usage of EmptyDir volume \"scratch\" exceeds the limit \"1Mi\". "
        )
    }

    @Test(arguments: [
        ("10%", EvictionThreshold.part(0.1) as EvictionThreshold?), ("1Gi", .amount(1 << 30)), ("x", nil),
    ])
    func readsThresholds(_ text: String, _ threshold: EvictionThreshold?) {
        #expect(EvictionThreshold(text) == threshold)
    }

    @Test func pressureStaysForAWhile() {
        let pressure = NodePressure()
        #expect(pressure.update(["MemoryPressure"], now: testTime))
        #expect(!pressure.update([], now: testTime.adding(299)))
        #expect(pressure.conditions == ["MemoryPressure"])
        #expect(pressure.update([], now: testTime.adding(301)))
        #expect(pressure.conditions == [])
    }
}

@Suite struct MetricsTextTests {
    @Test func writesFamiliesInOrder() {
        var metrics = MetricsText()
        metrics.declare("a_total", "counter", "A.")
        metrics.declare("empty", "gauge", "None.")
        metrics.add("a_total", [("x", "q\"\\\n")], 1.5, at: Time(seconds: 2))
        metrics.add("a_total", [], 3)
        #expect(
            metrics.text
                == "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\"} 1.5 2000\na_total 3\n")
    }
}
