import CRI
import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import PKI
import Testing

@testable import Cluster

private func temporaryDirectory() -> DataDirectory {
    DataDirectory(path: "/tmp/martlet-node-test-\(UUID().uuidString)")
}

private let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()

@Suite struct NodeRecordTests {
    @Test func comesBackAsItWas() throws {
        let directory = temporaryDirectory()
        try directory.prepare()
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        #expect(NodeRecord(in: directory) == nil)
        let record = NodeRecord(name: "b", address: "10.244.255.2", server: "https://10.244.0.1:6443", number: 2)
        try record.write(in: directory)
        #expect(NodeRecord(in: directory) == record)
        try NodeRecord.note(podCIDR: "10.244.1.0/24", in: directory)
        #expect(NodeRecord.podCIDR(in: directory) == "10.244.1.0/24")
        #expect(!NodeRecord.isStopped(in: directory))
        try NodeRecord.note(isStopped: true, in: directory)
        #expect(NodeRecord.isStopped(in: directory))
        try NodeRecord.note(isStopped: false, in: directory)
        #expect(!NodeRecord.isStopped(in: directory))
        let settings = record.settings(in: directory, network: ClusterNetwork())
        #expect(settings.isNamespaced)
        #expect(settings.cgroupRoot == "/martlet-b/kubepods")
        #expect(settings.podCIDR == nil)
    }

    @Test func aSecretIsKeptUntilItIsUsed() throws {
        let directory = temporaryDirectory()
        try directory.prepare()
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        #expect(JoinSecret.read(in: directory) == nil)
        for secret in [
            JoinSecret(token: "a.b", authorityHash: nil), JoinSecret(token: "c.d", authorityHash: "sha256:1"),
        ] {
            try secret.write(in: directory)
            #expect(JoinSecret.read(in: directory) == secret)
        }
        JoinSecret.remove(in: directory)
        #expect(JoinSecret.read(in: directory) == nil)
    }

    @Test func whatIsTheSameOnAllNodes() {
        var network = ClusterNetwork()
        network.nodeLeaseSeconds = 8
        #expect(ClusterNetwork(network.data) == network)
        var data = network.data
        data["serviceCIDR"] = nil
        #expect(ClusterNetwork(data) == nil)
    }

    /// A node is found by its containerd's directory, and what runs in its containers dies before the shims.
    @Test func theProcessesOfANode() {
        typealias Process = NodeProcesses.Process
        let processes = [
            Process(pid: 10, parent: 1, command: "/usr/bin/containerd\0--config\0/d/nodes/b/containerd/config.toml"),
            Process(pid: 11, parent: 1, command: "containerd-shim-runc-v2\0-address\0/d/nodes/b/containerd/x.sock"),
            Process(pid: 12, parent: 11, command: "/pause"), Process(pid: 13, parent: 11, command: "sh"),
            Process(pid: 14, parent: 13, command: "sleep"),
            Process(pid: 20, parent: 1, command: "containerd-shim-runc-v2\0-address\0/d/containerd/x.sock"),
            Process(pid: 21, parent: 20, command: "/pause"), Process(pid: 30, parent: 1, command: "martlet\0agent"),
            // A node whose name begins like the other's.
            Process(pid: 40, parent: 1, command: "containerd\0/d/nodes/b/containerd2/config.toml"),
        ]
        let found = NodeProcesses.ordered(processes, containerd: "/d/nodes/b/containerd", agent: 30)
        #expect(found.first == 30)
        #expect(found.dropFirst().first == 10)
        #expect(found.last == 11)
        #expect(Set(found) == [30, 10, 11, 12, 13, 14])
    }
}

@Suite struct DNSServersTests {
    private func node(_ name: String, _ range: String?, ready: Bool) -> Node {
        var node = Node(name: name)
        node.spec.podCIDR = range
        node.status.conditions = [NodeCondition(["type": "Ready", "status": ready ? "True" : "Unknown"])]
        return node
    }

    @Test func everyNodeAnswersItsOwnPods() {
        let client = KubeClient(NoTransport())
        let servers = DNSServers(
            client: client, reader: client, network: ClusterNetwork(), ownNode: "a", logger: quiet)
        let found = servers.servers([
            node("c", "10.244.2.0/24", ready: false), node("b", "10.244.1.0/24", ready: true),
            node("a", "10.244.0.0/24", ready: false), node("d", nil, ready: true),
        ])
        #expect(
            found.map { "\($0.address) \($0.nodeName ?? "") \($0.isReady)" } == [
                "10.244.0.1 a true", "10.244.1.1 b true", "10.244.2.1 c false",
            ])
    }
}

private struct NoTransport: KubeTransport {
    func call(_ request: KubeRequest) async throws(APIError) -> JSONValue { throw .internalError("no server") }
    func watch(_ request: KubeRequest) async throws(APIError) -> AsyncThrowingStream<KubeWatchEvent, any Error> {
        throw .internalError("no server")
    }
}

@Suite(.serialized) struct NodeJoinTests {
    /// A control plane in this process, and what joins it over HTTPS.
    private func withCluster(
        port: Int, _ body: (DataDirectory, ControlPlane) async throws -> Void
    ) async throws {
        var options = ClusterOptions(directory: temporaryDirectory())
        defer { try? FileManager.default.removeItem(atPath: options.directory.path) }
        options.runsNode = false
        options.port = port
        options.mergesUserKubeconfig = false
        try options.directory.prepare()
        let plane = try await ControlPlane(options, logger: quiet)
        let listener = try await plane.listen(on: "127.0.0.1")
        try Kubeconfigs.write(options, keys: plane.keys)
        let components = Task { await plane.runComponents() }
        await plane.publish()
        let result: Result<Void, any Error>
        do { result = .success(try await body(options.directory, plane)) } catch { result = .failure(error) }
        components.cancel()
        await components.value
        await listener.shutdown()
        await plane.stop()
        try result.get()
    }

    private func join(_ name: String, port: Int, secret: JoinSecret?) throws -> NodeJoin {
        let directory = temporaryDirectory()
        try directory.prepare()
        try secret?.write(in: directory)
        return NodeJoin(
            record: NodeRecord(name: name, address: "192.0.2.7", server: "https://127.0.0.1:\(port)"),
            directory: directory, logger: quiet)
    }

    @Test func aTokenBecomesANode() async throws {
        let port = 16671
        try await withCluster(port: port) { directory, plane in
            let token = try await JoinTokens(directory).create(goodFor: 600)
            let hash = try #require(CertificatePEM.publicKeyHash(plane.keys.authority.certificatePEM))
            let join = try join(
                "worker", port: port, secret: JoinSecret(token: token, authorityHash: "sha256:\(hash)"))
            defer { try? FileManager.default.removeItem(atPath: join.directory.path) }
            let identity = try await join.identity()
            #expect(identity.authorityPEM == plane.keys.authority.certificatePEM)
            // The secret is used up, and the identity is kept.
            #expect(JoinSecret.read(in: join.directory) == nil)
            #expect(try await join.identity().client.certificatePEM == identity.client.certificatePEM)

            let transport = try join.transport(
                identity.authorityPEM,
                .clientCertificate(
                    certificatePEM: identity.client.certificatePEM, keyPEM: identity.client.privateKeyPEM))
            let client = KubeClient(transport)
            let config = try await client.get(ConfigMap.self, ClusterNetwork.configMap, namespace: "kube-system")
            #expect(ClusterNetwork(config.data) == ClusterNetwork())
            let serving = try await join.servingCertificate(client)
            #expect(serving.certificatePEM.hasPrefix("-----BEGIN CERTIFICATE-----"))
            // It is that node to the API: its own Node it may make, others' not.
            var node = Node(name: "worker")
            node.status.conditions = [NodeCondition(["type": "Ready", "status": "True"])]
            node.status.addresses = [NodeAddress(["type": "InternalIP", "address": "192.0.2.7"])]
            try await client.create(node)
            await #expect(throws: APIError.self) { try await client.create(Node(name: "other")) }
            // The cluster gives it a range, which is not the first node's.
            var range: String?
            for _ in 0..<200 where range == nil {
                range = try await client.get(Node.self, "worker").spec.podCIDR
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(range == "10.244.1.0/24")
            // Its network sees what the node itself does not, but no secrets.
            await #expect(throws: APIError.self) { try await client.list(EndpointSlice.self) }
            await #expect(throws: APIError.self) { try await client.list(Pod.self) }
            let certificate = try await join.networkCertificate(client)
            #expect(try await join.networkCertificate(client).certificatePEM == certificate.certificatePEM)
            let networkTransport = try join.transport(
                identity.authorityPEM,
                .clientCertificate(certificatePEM: certificate.certificatePEM, keyPEM: certificate.privateKeyPEM))
            let network = KubeClient(networkTransport)
            #expect((try? await network.list(EndpointSlice.self)) != nil)
            #expect((try? await network.list(Pod.self)) != nil)
            await #expect(throws: APIError.self) { try await network.list(Secret.self) }
            await networkTransport.shutdown()
            await transport.shutdown()
        }
    }

    @Test func whoIsNotTrusted() async throws {
        let port = 16672
        try await withCluster(port: port) { directory, plane in
            let token = try await JoinTokens(directory).create(goodFor: 600)
            for secret in [
                nil,
                // No token, one that nobody made, one with a wrong second half, and another cluster's authority.
                JoinSecret(token: "nonsense", authorityHash: nil),
                JoinSecret(token: "\(token.prefix(7))0000000000000000", authorityHash: nil),
                JoinSecret(token: token, authorityHash: "sha256:00"),
            ] {
                let join = try join("worker", port: port, secret: secret)
                defer { try? FileManager.default.removeItem(atPath: join.directory.path) }
                await #expect(throws: ClusterError.self) { try await join.identity() }
            }
            // A name that a running node has is not taken away from it.
            let admin = plane.client(as: "admin", groups: ["system:masters"])
            var node = Node(name: "worker")
            node.status.conditions = [NodeCondition(["type": "Ready", "status": "True"])]
            node.status.addresses = [NodeAddress(["type": "InternalIP", "address": "192.0.2.8"])]
            try await admin.create(node)
            // Controllers write to it as well.
            try await admin.modify(Node.self, "worker", status: true) { [status = node.status] in
                $0.status = status
                return true
            }
            let join = try join("worker", port: port, secret: JoinSecret(token: token, authorityHash: nil))
            defer { try? FileManager.default.removeItem(atPath: join.directory.path) }
            await #expect(throws: ClusterError.self) { try await join.identity() }
            try await JoinTokens(directory).delete(token)
            #expect(try await JoinTokens(directory).lines().isEmpty)
        }
    }
}
