import CRI
import Foundation
import JSON
import KubeClient
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct NodeStatusTests {
    private func inspection(hugePages: [String: Int64] = [:]) -> NodeInspection {
        NodeInspection(
            cores: 2, memory: 8 << 30, disk: 100 << 30, kernel: "6", machineID: "", systemUUID: "", bootID: "",
            osImage: "", architecture: "amd64", hugePages: hugePages)
    }

    private func status(_ previous: JSONValue, hugePages: [String: Int64] = [:]) -> NodeStatus {
        let options = KubeletOptions(
            nodeName: "node1", client: KubeClient(FakeAPI()), runtimeSocket: "", nodeIPs: ["192.0.2.1"])
        return NodeStatusBuilder.status(
            NodeStatusInput(
                options: options, machine: inspection(hugePages: hugePages), runtimeVersion: "", images: [],
                previous: NodeStatus(previous), now: testTime))
    }

    @Test func keepsWhatOthersAdded() {
        let built = status([
            "capacity": ["example.com/fpga": "5", "cpu": "64", "hugepages-1Gi": "1Gi"],
            "allocatable": ["example.com/fpga": "3", "example.com/gone": "1"],
        ])
        #expect(built.capacity["example.com/fpga"]?.value == 5)
        // What is not the machine's own is all to be had, and no more than there is.
        #expect(built.allocatable["example.com/fpga"]?.value == 5)
        #expect(built.allocatable["example.com/gone"] == nil)
        #expect(built.capacity["cpu"]?.value == 2)
        #expect(built.capacity["hugepages-1Gi"] == nil)
    }

    @Test func memoryOfHugePagesIsForNothingElse() {
        let built = status([:], hugePages: ["hugepages-2Mi": 1 << 30, "hugepages-1Gi": 0])
        #expect(built.capacity["hugepages-2Mi"]?.canonical == "1Gi")
        #expect(built.capacity["hugepages-1Gi"]?.canonical == "0")
        #expect(built.allocatable["memory"]?.value == (8 << 30) - (1 << 30) - (100 << 20))
    }
}

@Suite struct HugePagesTests {
    @Test(arguments: [(2 << 20, "2MB"), (1 << 30, "1GB"), (64 << 10, "64KB")] as [(Int64, String)])
    func names(_ bytes: Int64, _ name: String) { #expect(HugePages.kernelName(bytes) == name) }

    private func pod(_ limits: JSONValue) -> Pod {
        makePod(["containers": [container("a", ["resources": ["limits": limits, "requests": limits]])]])
    }

    @Test func media() throws {
        let one = pod(["hugepages-2Mi": "4Mi"])
        #expect(try HugePages.size(ofMedium: "HugePages", in: one) == 2 << 20)
        #expect(try HugePages.size(ofMedium: "HugePages-2Mi", in: one) == 2 << 20)
        #expect(throws: ConfigError.self) { try HugePages.size(ofMedium: "HugePages-1Gi", in: one) }
        let two = pod(["hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi"])
        #expect(throws: ConfigError.self) { try HugePages.size(ofMedium: "HugePages", in: two) }
        #expect(try HugePages.size(ofMedium: "HugePages-1Gi", in: two) == 1 << 30)
        #expect(throws: ConfigError.self) { try HugePages.size(ofMedium: "HugePages", in: pod([:])) }
    }

    @Test func podsGetNoneTheyDidNotAskFor() {
        let limits = CgroupLimits(of: pod(["hugepages-2Mi": "4Mi"]), hugePages: ["hugepages-2Mi", "hugepages-1Gi"])
        #expect(limits.hugePages == ["2MB": 4 << 20, "1GB": 0])
    }

    @Test func readsTheKernelsDirectory() throws {
        let path = FileManager.default.temporaryDirectory.path + "/huge-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (size, count) in [("2048", "512"), ("1048576", "0")] {
            let directory = "\(path)/hugepages-\(size)kB"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data("\(count)\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/nr_hugepages"))
        }
        #expect(HugePages.reserved(in: path) == ["hugepages-2Mi": 1 << 30, "hugepages-1Gi": 0])
    }
}

@Suite struct SoftEvictionTests {
    private func stats(available: UInt64) -> NodeStats {
        var machine = MachineUsage()
        machine.available = available
        machine.workingSet = 1 << 30
        return NodeStats(
            time: testTime, machine: machine, nodeFS: FilesystemRoom(), imageFS: FilesystemRoom(), imagesUsed: 0,
            pods: [], window: 10)
    }

    @Test func softThresholdsWait() {
        var policy = EvictionPolicy()
        policy.hard = [.memory: .amount(100)]
        policy.soft = [.memory: .amount(200)]
        policy.softGrace = [.memory: 60]
        policy.maxPodGrace = 15
        var watch = EvictionWatch(policy)
        #expect(watch.look(stats(available: 150), now: testTime).crossed == [.memory])
        #expect(watch.look(stats(available: 150), now: testTime.adding(59)).call == nil)
        let soft = watch.look(stats(available: 150), now: testTime.adding(60)).call
        #expect(soft == EvictionWatch.Call(signal: .memory, threshold: .amount(200), grace: 15))
        let hard = watch.look(stats(available: 50), now: testTime.adding(61)).call
        #expect(hard == EvictionWatch.Call(signal: .memory, threshold: .amount(100), grace: nil))
        // It begins anew when there was enough in between.
        #expect(watch.look(stats(available: 500), now: testTime.adding(62)).crossed == [])
        #expect(watch.look(stats(available: 150), now: testTime.adding(63)).call == nil)
    }
}

@Suite struct LocalVolumeJanitorTests {
    private func volume(_ directory: String, deleted: Bool) -> JSONValue {
        var metadata: JSONValue = ["name": "pvc-1", "uid": "v1", "finalizers": ["martlet.io/local-volume"]]
        if deleted { metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z" }
        return ["metadata": metadata, "spec": ["local": ["path": .string("\(directory)/pvc-1")]]]
    }

    @Test func removesWhatIsGivenBackWhenNobodyUsesIt() async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/janitor-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory + "/pvc-1", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = "/api/v1/persistentvolumes/pvc-1"
        let api = FakeAPI()
        api.put(path, volume(directory, deleted: true))
        let used = Used(["\(directory)/pvc-1"])
        let (events, signal) = AsyncStream.makeStream(of: LocalVolumeJanitor.Event.self)
        let janitor = LocalVolumeJanitor(
            client: KubeClient(api), directory: directory,
            inUse: {
                await used.wasAsked()
                return await used.paths
            }, logger: .init(label: "test"), events: events, signal: signal)
        let task = Task { await janitor.run() }
        defer { task.cancel() }
        #expect(await eventually { await used.asked })
        #expect(FileManager.default.fileExists(atPath: directory + "/pvc-1"))
        await used.release()
        signal.yield(.released)
        #expect(await eventually { api.object(path)?[path: "metadata", "finalizers"]?.arrayValue?.isEmpty ?? true })
        #expect(await eventually { !FileManager.default.fileExists(atPath: directory + "/pvc-1") })
    }

    private actor Used {
        private(set) var paths: Set<String>
        private(set) var asked = false
        init(_ paths: Set<String>) { self.paths = paths }
        func wasAsked() { asked = true }
        func release() { paths = [] }
    }

    private func eventually(_ condition: () async -> Bool) async -> Bool {
        for _ in 0..<1000 {
            if await condition() { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
