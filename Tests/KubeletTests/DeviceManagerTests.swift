// Devices of pods: made ready by drivers, handed to containers, given back.
import CRI
import Glibc
import JSON
import KubeClient
import KubeTypes
import Logging
import Synchronization
import Testing

@testable import Kubelet

/// A driver that writes down what it is asked.
private final class FakeDriver: ResourceDriver {
    private struct State {
        var prepared: Set<String> = []
        var calls: [String] = []
        var problem: String?
    }
    private let state = Mutex(State())

    var calls: [String] { state.withLock { $0.calls } }
    var prepared: Set<String> { state.withLock { $0.prepared } }
    func fail(_ problem: String?) { state.withLock { $0.problem = problem } }

    func prepare(_ claims: [DriverClaim]) async throws -> [String: Result<[PreparedDevice], PluginProblem>] {
        state.withLock { state in
            state.calls.append("prepare \(claims.map(\.name).joined(separator: ","))")
            return Dictionary(
                uniqueKeysWithValues: claims.map { claim in
                    if let problem = state.problem { return (claim.uid, .failure(PluginProblem(problem))) }
                    state.prepared.insert(claim.uid)
                    let device = { (request: String) in
                        PreparedDevice(
                            requests: [request], pool: "p", name: request, cdiDevices: ["x/y=\(claim.name)-\(request)"])
                    }
                    return (claim.uid, .success([device("a"), device("b")]))
                })
        }
    }

    func unprepare(_ claims: [DriverClaim]) async throws -> [String: PluginProblem?] {
        state.withLock { state in
            state.calls.append("unprepare \(claims.map(\.name).joined(separator: ","))")
            return Dictionary(
                uniqueKeysWithValues: claims.map { claim in
                    if let problem = state.problem { return (claim.uid, PluginProblem(problem)) }
                    state.prepared.remove(claim.uid)
                    return (claim.uid, nil)
                })
        }
    }

    func close() {}
}

private final class Directory {
    let path: String

    init() throws {
        var template = Array("/tmp/martlet-devices-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        try #require(!path.isEmpty)
    }

    deinit { try? Files.removeTree(path) }
}

@Suite struct DeviceManagerTests {
    private let api = FakeAPI()
    private let driver = FakeDriver()
    private let directory: Directory

    init() throws { directory = try Directory() }

    private func manager(drivers names: Set<String> = ["x.example.com"]) -> DeviceManager {
        DeviceManager(
            client: KubeClient(api), path: directory.path + "/state", logger: Logger(label: "test")
        ) { [driver] in names.contains($0) ? [driver] : [] }
    }

    private func pod(_ name: String, claims: String..., uses: JSONValue = []) -> Pod {
        makePod(
            [
                "resourceClaims": .array(
                    claims.map { ["name": .string($0), "resourceClaimName": .string($0)] }),
                "containers": [container("c", ["resources": ["claims": uses]])],
            ], metadata: ["name": .string(name), "namespace": "default", "uid": .string("uid-\(name)")])
    }

    private func putClaim(_ name: String, for pods: String..., uid: String? = nil, isAllocated: Bool = true) {
        var status: JSONValue = [
            "reservedFor": .array(pods.map { DeviceClaim.consumer(name: $0, uid: "uid-\($0)") })
        ]
        if isAllocated {
            status["allocation"] = [
                "devices": ["results": [["request": "a", "driver": "x.example.com", "pool": "p", "device": "d"]]]
            ]
        }
        api.put(
            "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/\(name)",
            [
                "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
                "metadata": [
                    "name": .string(name), "namespace": "default", "uid": .string(uid ?? "claim-\(name)"),
                ], "status": status,
            ])
    }

    private func problem(_ work: () async throws(DeviceError) -> Void) async -> String? {
        do throws(DeviceError) {
            try await work()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func devicesAreMadeReadyOnceAndGivenBackByTheLast() async throws {
        let manager = manager()
        putClaim("one", for: "p", "q")
        let first = pod("p", claims: "one", uses: [["name": "one"]])
        let second = pod("q", claims: "one", uses: [["name": "one", "request": "b"]])
        try await manager.prepare(first)
        try await manager.prepare(second)
        try await manager.prepare(first)
        #expect(driver.calls == ["prepare one"])
        #expect(try await manager.cdiDevices(of: first.spec.containers[0], in: first) == ["x/y=one-a", "x/y=one-b"])
        #expect(try await manager.cdiDevices(of: second.spec.containers[0], in: second) == ["x/y=one-b"])
        #expect(await manager.holds("uid-p"))
        try await manager.unprepare(pod: "uid-p")
        #expect(await !manager.holds("uid-p"))
        #expect(driver.prepared == ["claim-one"])
        try await manager.unprepare(pod: "uid-q")
        #expect(driver.prepared.isEmpty)
        #expect(driver.calls == ["prepare one", "unprepare one"])
    }

    @Test func whatDoesNotGoIsSaid() async {
        let manager = manager()
        putClaim("free", for: "other")
        putClaim("open", for: "p", isAllocated: false)
        putClaim("one", for: "p")
        let table: [(Pod, String)] = [
            (
                pod("p", claims: "gone"),
                "fetch ResourceClaim gone: resourceclaims \"gone\" not found"
            ),
            (pod("p", claims: "free"), "pod p (uid-p) is not allowed to use ResourceClaim free (claim-free)"),
            (pod("p", claims: "open"), "ResourceClaim open: not allocated"),
        ]
        for (pod, expected) in table {
            #expect(await problem { () throws(DeviceError) in try await manager.prepare(pod) } == expected)
            #expect(await !manager.holds("uid-p"))
        }
        let without = self.manager(drivers: [])
        let wanting = pod("p", claims: "one")
        #expect(
            await problem { () throws(DeviceError) in try await without.prepare(wanting) }
                == "DRA driver x.example.com is not registered")
        #expect(await !without.holds("uid-p"))
        driver.fail("no luck")
        #expect(
            await problem { () throws(DeviceError) in try await manager.prepare(wanting) }
                == "NodePrepareResources failed for ResourceClaim one: no luck")
        // Asked for: it is given back, too, and not forgotten before.
        #expect(
            await problem { () throws(DeviceError) in try await manager.unprepare(pod: "uid-p") }
                == "NodeUnprepareResources failed for ResourceClaim one: no luck")
        #expect(await manager.holds("uid-p"))
        driver.fail(nil)
        try? await manager.prepare(wanting)
        #expect(driver.prepared == ["claim-one"])
    }

    @Test func theNextAgentKnowsWhatThisOneHasDone() async throws {
        putClaim("one", for: "p")
        let wanting = pod("p", claims: "one", uses: [["name": "one"]])
        try await manager().prepare(wanting)
        let next = manager()
        #expect(await next.holds("uid-p"))
        #expect(try await next.cdiDevices(of: wanting.spec.containers[0], in: wanting).count == 2)
        try await next.prepare(wanting)
        #expect(driver.calls == ["prepare one"])
        // A claim that was replaced meanwhile waits until the old one is given back.
        putClaim("one", for: "q", uid: "claim-two")
        let replacing = pod("q", claims: "one")
        #expect(
            await problem { () throws(DeviceError) in try await next.prepare(replacing) }
                == "old ResourceClaim with same name one and different UID claim-one still exists "
                + "(previous pod force-deleted?!)")
        try await next.unprepare(pod: "uid-p")
        try await next.prepare(replacing)
        #expect(driver.prepared == ["claim-two"])
    }
}

@Suite struct DeviceInterfaceTests {
    @Test func specificationsAreFoundAndApplied() throws {
        let directory = try Directory()
        try Files.write(
            """
            {"cdiVersion": "0.3.0", "kind": "x/y", "containerEdits": {"env": ["ALL=1"]},
             "devices": [
              {"name": "a", "containerEdits": {"env": ["A=b=c"], "deviceNodes": [{"path": "/dev/null"}],
               "mounts": [{"hostPath": "/h", "containerPath": "/c", "options": ["ro", "rbind"]}]}},
              {"name": "hooked", "containerEdits": {"hooks": [{"hookName": "createContainer", "path": "/x"}]}}]}
            """, to: directory.path + "/one.json")
        try Files.write(
            "cdiVersion: 0.3.0\nkind: x/z\ndevices:\n- name: b\n  containerEdits:\n    env: [B=2]\n",
            to: directory.path + "/two.yaml")
        try Files.write("nonsense: [", to: directory.path + "/three.json")
        let edits = try DeviceInterface.edits(for: ["x/y=a", "x/z=b"], in: [directory.path])
        #expect(edits.environment.map { "\($0.name)=\($0.value)" } == ["ALL=1", "A=b=c", "B=2"])
        #expect(edits.devices.map(\.containerPath) == ["/dev/null"])
        #expect(edits.mounts.first?.readOnly == true)
        var config = ContainerConfig(name: "c", attempt: 0, image: "i")
        config.environment = [("A", "old"), ("C", "3")]
        edits.apply(to: &config)
        #expect(config.environment.map { "\($0.name)=\($0.value)" } == ["C=3", "ALL=1", "A=b=c", "B=2"])
        for (names, expected) in [
            (["x/y=no"], "CDI device injection failed: unresolvable CDI devices x/y=no"),
            (
                ["x/y=hooked"],
                "CDI device x/y=hooked: hooks: not implemented for a container runtime without CDI support"
            ),
        ] {
            #expect(throws: ConfigError.self, "\(expected)") {
                _ = try DeviceInterface.edits(for: names, in: [directory.path])
            }
        }
        #expect(try DeviceInterface.edits(for: [], in: [directory.path]) == DeviceEdits())
    }

    @Test(
        arguments: [
            ("containerd://1.6.20~ds1", false), ("containerd://1.7.0", true), ("containerd://v2.1.4", true),
            ("containerd://1.10.1", true), ("cri-o://1.30.0", true),
        ]) func runtimesThatKnowIt(version: String, knows: Bool)
    {
        #expect(NodeReporter.knowsDeviceInterface(version) == knows)
    }
}

@Suite struct PluginRegistryTests {
    /// Answers for sockets by their names.
    private final class Plugins: PluginAccess {
        struct State {
            var infos: [String: PluginInfo] = [:]
            var told: [String] = []
        }
        let state = Mutex(State())
        let driver = FakeDriver()

        func info(at socket: String) async throws -> PluginInfo {
            guard let info = state.withLock({ $0.infos[Self.name(socket)] }) else { throw DeviceError("nobody") }
            return info
        }
        func notify(at socket: String, problem: String?) async throws {
            state.withLock { $0.told.append("\(Self.name(socket)): \(problem ?? "registered")") }
        }
        func driver(at socket: String, version: String) throws -> any ResourceDriver { driver }
        static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }
    }

    private func listen(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }

    @Test func pluginsComeAndGo() async throws {
        let directory = try Directory()
        let plugins = Plugins()
        let changes = Mutex<[String]>([])
        let registry = PluginRegistry(
            directory: directory.path, paths: NodePaths(root: "/data"), access: plugins, logger: Logger(label: "test")
        ) { name, isThere in changes.withLock { $0.append("\(name) \(isThere)") } }
        plugins.state.withLock { state in
            state.infos["dra.sock"] = PluginInfo(
                type: "DRAPlugin", name: "x.example.com", endpoint: "/var/lib/kubelet/plugins/x/dra.sock",
                versions: ["v1.DRAPlugin"])
            state.infos["csi.sock"] = PluginInfo(type: "CSIPlugin", name: "csi", versions: ["1.0.0"])
            state.infos["old.sock"] = PluginInfo(type: "DRAPlugin", name: "y.example.com", versions: ["1.0.0"])
        }
        for name in ["dra.sock", "csi.sock", "old.sock", "late.sock", ".hidden.sock"] {
            try listen(directory.path + "/" + name)
        }
        try Files.write("", to: directory.path + "/file")
        await registry.look()
        let told = plugins.state.withLock { $0.told.sorted() }
        #expect(told.count == 3)
        #expect(told.first?.contains("no handler registered for plugin type: CSIPlugin") == true)
        #expect(told.contains("dra.sock: registered"))
        #expect(told.last?.contains("none of the supported gRPC services") == true)
        #expect(registry.drivers(named: "x.example.com").count == 1)
        #expect(registry.drivers(named: "y.example.com").isEmpty)
        await registry.look()
        #expect(plugins.state.withLock { $0.told.count } == 3)
        // The successor comes before the old one goes.
        plugins.state.withLock { state in
            state.infos["new.sock"] = PluginInfo(
                type: "DRAPlugin", name: "x.example.com", endpoint: "/var/lib/kubelet/plugins/x/new.sock",
                versions: ["v1beta1.DRAPlugin"])
        }
        try listen(directory.path + "/new.sock")
        await registry.look()
        #expect(registry.drivers(named: "x.example.com").count == 2)
        unlink(directory.path + "/dra.sock")
        await registry.look()
        #expect(registry.drivers(named: "x.example.com").count == 1)
        unlink(directory.path + "/new.sock")
        await registry.look()
        #expect(registry.drivers(named: "x.example.com").isEmpty)
        #expect(changes.withLock { $0 } == ["x.example.com true", "x.example.com true", "x.example.com false"])
    }

    @Test(
        arguments: [
            ("/var/lib/kubelet/plugins/x", "/data/plugins/x"), ("/var/lib/kubelet", "/data"),
            ("/var/lib/kubelets/x", "/var/lib/kubelets/x"), ("/etc", "/etc"),
        ]) func pathsOfManifestsAreTheNodes(path: String, own: String)
    {
        #expect(NodePaths(root: "/data").own(path) == own)
    }
}
