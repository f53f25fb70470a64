import Glibc
import JSON
import KubeClient
import KubeTypes
import Synchronization
import Testing

@testable import ServiceProxy

/// The proxy and the node's network against the real kernel: pods are network namespaces joined by the real CNI plugin.
///
/// Runs only as root in a network namespace that holds nothing yet (`unshare -n swift test`), so that it cannot touch the
/// machine's network.
@Suite(.serialized, .enabled(if: Machine.isOurs)) struct LiveTests {
    @Test func packetsReachTheirEndpoints() async throws {
        let machine = try await Machine()
        do {
            try await check(machine)
        } catch {
            Issue.record(error)
        }
        await machine.close()
    }

    private func check(_ machine: Machine) async throws {
        let node = machine.nodeIP
        let cluster = FakeCluster()
        cluster.set(
            Service.self,
            [
                service("web", "10.96.0.10", nodePort: 30080), service("sticky", "10.96.0.11", affinity: true),
                service("empty", "10.96.0.12", nodePort: 30081), service("alone", "10.96.0.13"),
                service("gateway", "10.96.0.14"),
            ])
        let both = [ServicePortsTests.endpoint("10.244.0.2"), ServicePortsTests.endpoint("10.244.0.3")]
        cluster.set(
            EndpointSlice.self,
            [
                ServicePortsTests.slice("web-1", of: "web", both),
                ServicePortsTests.slice("sticky-1", of: "sticky", both),
                ServicePortsTests.slice("alone-1", of: "alone", [both[0]]),
                ServicePortsTests.slice("gateway-1", of: "gateway", [["addresses": ["10.244.0.1"]]]),
            ])
        let proxy = ServiceProxy(
            client: KubeClient(cluster), nodeName: "n1", nodeIPs: [node], podCIDR: "10.244.0.0/16",
            options: ServiceProxy.Options(table: "mttest", serviceCIDRs: ["10.96.0.0/16"], probeInterval: .seconds(1)))
        let running = Task { await proxy.run() }
        await proxy.waitForSync()

        // From the node and from a pod, by cluster IP; both endpoints take part.
        #expect(await machine.answers(nil, "http://10.96.0.10/", 24) == ["pod1", "pod2"])
        #expect(await machine.answers(1, "http://10.96.0.10/", 24) == ["pod1", "pod2"])
        // To itself through the Service.
        #expect(await machine.answers(1, "http://10.96.0.13/", 3) == ["pod1"])
        // To a server on the pods' gateway, as the cluster's DNS is one.
        #expect(await machine.answers(nil, "http://10.96.0.14/", 3) == ["node"])
        #expect(await machine.answers(1, "http://10.96.0.14/", 3) == ["node"])
        // By node port: the node's address, 127.0.0.1, and a pod.
        #expect(await machine.answers(nil, "http://\(node):30080/", 24) == ["pod1", "pod2"])
        #expect(await machine.answers(nil, "http://127.0.0.1:30080/", 24) == ["pod1", "pod2"])
        #expect(await machine.answers(2, "http://\(node):30080/", 24) == ["pod1", "pod2"])
        // A client stays with its endpoint.
        #expect(await machine.answers(1, "http://10.96.0.11/", 12).count == 1)
        // Nobody there: refused at once, by all ways.
        for (pod, url) in [
            (nil, "http://10.96.0.12/"), (1, "http://10.96.0.12/"), (1, "http://10.96.0.10:81/"),
            (nil, "http://\(node):30081/"), (1, "http://\(node):30081/"),
        ] as [(Int?, String)] {
            let start = ContinuousClock.now
            #expect(await machine.answers(pod, url, 1) == ["refused"], "\(url)")
            #expect(ContinuousClock.now - start < .seconds(1))
        }

        // One endpoint goes, the other Service gets one.
        cluster.change(ServicePortsTests.slice("web-1", of: "web", [both[1]]))
        cluster.change(ServicePortsTests.slice("empty-1", of: "empty", [both[0]]))
        try await Task.sleep(for: .milliseconds(400))
        #expect(await machine.answers(1, "http://10.96.0.10/", 12) == ["pod2"])
        #expect(await machine.answers(nil, "http://10.96.0.12/", 3) == ["pod1"])
        #expect(await machine.answers(nil, "http://\(node):30081/", 3) == ["pod1"])

        // The table is mended when somebody removes it.
        #expect(try await Subprocess.run("nft", ["delete", "table", "ip", "mttest"]).succeeded)
        cluster.change(ServicePortsTests.slice("web-1", of: "web", both))
        try await Task.sleep(for: .milliseconds(600))
        #expect(await machine.answers(1, "http://10.96.0.10/", 24) == ["pod1", "pod2"])

        running.cancel()
        await running.value
        await proxy.cleanup()
        #expect(try await Subprocess.run("nft", ["list", "tables"]).output.contains("mttest") == false)
    }

    private func service(_ name: String, _ ip: String, nodePort: Int64? = nil, affinity: Bool = false) -> Service {
        var port: JSONValue = ["name": "http", "port": 80, "protocol": "TCP"]
        if let nodePort { port["nodePort"] = .integer(nodePort) }
        var spec: JSONValue = ["clusterIP": .string(ip), "ports": [port]]
        if affinity { spec["sessionAffinity"] = "ClientIP" }
        return ServicePortsTests.service(spec, name: name)
    }
}

/// A network namespace as a node, with two pods that serve HTTP.
private struct Machine {
    let nodeIP = "192.168.77.2"
    private let network: NodeNetwork
    private let directory: String
    private let pods: [String]

    /// A namespace with nothing but its loopback is nobody's network yet.
    static let isOurs: Bool =
        geteuid() == 0 && NodeNetwork.links == ["lo"]
        && ["nft", "ip", "busybox", "curl"].allSatisfy { Subprocess.find($0) != nil }

    init() async throws {
        directory = "/tmp/martlet-live-\(getpid())"
        pods = (1...2).map { "mtl\(getpid())-\($0)" }
        network = NodeNetwork(
            NodeNetworkOptions(
                podCIDRs: ["10.244.0.0/16"], serviceCIDRs: ["10.96.0.0/16"], dataDirectory: "\(directory)/cni"))
        // A new namespace has it from the machine, where a cluster may run.
        try await Self.sh("echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet")
        try await Self.sh(
            "ip link set lo up; ip link add up0 type bridge; ip addr add \(nodeIP)/24 dev up0; ip link set up0 up")
        #expect(network.problems == [])
        try await network.setUp()
        try await network.setUp()
        try await Self.sh(
            """
            mkdir -p \(directory)/node && echo node > \(directory)/node/index.html
            busybox httpd -f -p 10.244.0.1:8080 -h \(directory)/node >/dev/null 2>&1 </dev/null & echo $! > \(directory)/pid
            """)
        for (index, pod) in pods.enumerated() {
            let www = "\(directory)/www\(index)"
            try await Self.sh(
                """
                ip netns add \(pod) && ip -n \(pod) link set lo up && mkdir -p \(www) && echo pod\(index + 1) > \(www)/index.html
                export CNI_COMMAND=ADD CNI_CONTAINERID=\(pod) CNI_NETNS=/run/netns/\(pod) CNI_IFNAME=eth0
                export CNI_PATH=\(network.pluginDirectory ?? "")
                $CNI_PATH/ptp <<X
                \(Self.pluginConfiguration(network.options))
                X
                ip netns exec \(pod) busybox httpd -p 8080 -h \(www)
                """)
        }
    }

    /// The first plugin of the list, as the container runtime would call it.
    private static func pluginConfiguration(_ options: NodeNetworkOptions) -> String {
        let list = NodeNetworkPlan.conflist(options, NodeNetworkFacts())
        var plugin = list["plugins"]?[0] ?? [:]
        plugin["cniVersion"] = list["cniVersion"]
        plugin["name"] = list["name"]
        return JSONWriter.text(of: plugin)
    }

    static func sh(_ script: String) async throws {
        let result = try await Subprocess.run("sh", ["-c", script])
        if !result.succeeded { throw NodeNetwork.Failure(description: "\(script): \(result.complaint)") }
    }

    /// The different answers to `count` requests from a pod, or from the node.
    func answers(_ pod: Int?, _ url: String, _ count: Int) async -> Set<String> {
        let prefix = pod.map { ["netns", "exec", pods[$0 - 1]] } ?? []
        var found: Set<String> = []
        for _ in 0..<count {
            let request = ["-s", "-m", "2", url]
            let result =
                prefix.isEmpty
                ? try? await Subprocess.run("curl", request)
                : try? await Subprocess.run("ip", prefix + ["curl"] + request)
            switch result?.status {
            case 0: found.insert(result?.output.filter { $0 != "\n" } ?? "")
            case 7: found.insert("refused")
            default: found.insert("curl \(result?.status ?? -1)")
            }
        }
        return found
    }

    func close() async {
        for pod in pods {
            try? await Self.sh("for p in $(ip netns pids \(pod)); do kill $p; done; ip netns delete \(pod)")
        }
        try? await Self.sh("kill $(cat \(directory)/pid)")
        await network.tearDown()
        let left = try? await Subprocess.run(
            "sh", ["-c", "ip -o link; ip route; cat /proc/sys/net/ipv4/conf/all/route_localnet"])
        let text = left?.output ?? ""
        #expect(
            !text.contains("martlet0") && !text.contains("veth") && !text.contains("10.244") && !text.contains("10.96"))
        #expect(text.hasSuffix("\n0\n"))
        #expect(access("\(directory)/cni/ipam", F_OK) != 0)
        try? await Self.sh("rm -rf \(directory)")
    }
}

/// An API of lists and watches only.
final class FakeCluster: KubeTransport {
    private struct State {
        var lists: [String: [JSONValue]] = [:]
        var watchers: [String: [AsyncThrowingStream<KubeWatchEvent, any Error>.Continuation]] = [:]
    }
    private let state = Mutex(State())

    func set<T: KubeObject>(_ type: T.Type, _ objects: [T]) {
        state.withLock { $0.lists[T.type.resource] = objects.map(\.json) }
    }

    func change<T: KubeObject>(_ object: T) {
        let watchers = state.withLock { $0.watchers[T.type.resource] ?? [] }
        for watcher in watchers { watcher.yield(KubeWatchEvent(kind: .modified, object: object.json)) }
    }

    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue {
        let items = state.withLock { $0.lists[request.resource] ?? [] }
        return ["metadata": ["resourceVersion": "1"], "items": .array(items)]
    }

    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<KubeWatchEvent, any Error>.makeStream()
        state.withLock { $0.watchers[request.resource, default: []].append(continuation) }
        return stream
    }
}
