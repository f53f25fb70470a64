import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import Testing

@testable import Cluster

private func temporaryDirectory() -> String { "/tmp/martlet-cluster-test-\(UUID().uuidString)" }

@Suite struct DataDirectoryTests {
    @Test func isMadeOnceAndFoundAgain() throws {
        let directory = DataDirectory(path: temporaryDirectory())
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        #expect(!directory.exists)
        try directory.prepare()
        #expect(directory.exists)
        try directory.prepare()
        try directory.remove()
        #expect(!FileManager.default.fileExists(atPath: directory.path))
    }

    @Test func whatIsNotOursIsLeftAlone() throws {
        let path = temporaryDirectory()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path + "/file"))
        #expect(throws: ClusterError.self) { try DataDirectory(path: path).prepare() }
        #expect(throws: ClusterError.self) { try DataDirectory(path: path).remove() }
        #expect(FileManager.default.fileExists(atPath: path + "/file"))
    }

    @Test func runStateRoundTrips() {
        let path = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var state = RunState(pid: 7, port: 6443, nodeName: "here")
        state.apiReadyAfter = 12
        state.write(path: path)
        let read = RunState(path: path)
        #expect(read?.pid == 7)
        #expect(read?.port == 6443)
        #expect(read?.nodeName == "here")
        #expect(read?.apiReadyAfter == 12)
        #expect(read?.nodeReadyAfter == nil)
    }

    @Test func oneProcessHoldsALock() {
        let path = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let lock = FileLock(path: path)
        #expect(lock != nil)
        #expect(FileLock.isHeld(path: path))
        withExtendedLifetime(lock) {}
    }
}

@Suite struct ControlPlaneTests {
    /// A whole control plane in this process: a Deployment, written over HTTPS, becomes pods, seen in process; and all
    /// of it is there again after a restart.
    @Test func deploymentBecomesPods() async throws {
        var options = ClusterOptions(directory: DataDirectory(path: temporaryDirectory()))
        defer { try? FileManager.default.removeItem(atPath: options.directory.path) }
        options.runsNode = false
        options.port = 16666
        options.mergesUserKubeconfig = false
        try options.directory.prepare()
        var logger = Logger(label: "test")
        logger.logLevel = .error
        do {
            let plane = try await ControlPlane(options, logger: logger)
            let listener = try await plane.listen(on: "127.0.0.1")
            try Kubeconfigs.write(options, keys: plane.keys)
            let components = Task { await plane.runComponents() }
            let transport = try HTTPSTransport(KubeConfig.load(path: options.directory.adminKubeconfig))
            var web = Deployment(name: "web", namespace: "default")
            web.json["spec"] = [
                "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]],
                    "spec": ["containers": [["name": "main", "image": "nowhere.invalid/none:1"]]],
                ],
            ]
            try await KubeClient(transport).create(web)
            let inside = plane.client(as: "admin", groups: ["system:masters"])
            var pods: [Pod] = []
            for _ in 0..<200 where pods.count < 3 {
                pods = try await inside.list(Pod.self, namespace: "default", labelSelector: "app=web").items
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(pods.count == 3)
            components.cancel()
            await components.value
            await transport.shutdown()
            await listener.shutdown()
            await plane.stop()
        }
        let again = try await ControlPlane(options, logger: logger)
        let pods = try await again.client(as: "admin", groups: ["system:masters"]).list(Pod.self, namespace: "default")
        #expect(pods.items.count == 3)
        await again.stop()
    }
}
