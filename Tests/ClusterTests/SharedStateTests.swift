// Two control planes on one etcd: one's controllers work, and the other's when it is gone.

import EtcdServer
import Foundation
import JSON
import KubeClient
import KubeTypes
import Logging
import Testing

@testable import Cluster

@Suite(.timeLimit(.minutes(5)))
struct SharedStateTests {
    private func options(_ etcd: EtcdServer, port: Int) -> ClusterOptions {
        var options = ClusterOptions(
            directory: DataDirectory(path: "/tmp/martlet-shared-test-\(UUID().uuidString)"))
        options.runsNode = false
        options.port = port
        options.mergesUserKubeconfig = false
        options.sharedState = SharedStateOptions(servers: [etcd.url])
        options.leaderElection.leaseDuration = .seconds(4)
        options.leaderElection.renewDeadline = .seconds(3)
        options.leaderElection.retryPeriod = .milliseconds(200)
        return options
    }

    private var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func replicas(_ count: Int) -> JSONValue {
        [
            "replicas": .integer(Int64(count)), "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": ["containers": [["name": "main", "image": "nowhere.invalid/none:1"]]],
            ],
        ]
    }

    private func pods(_ client: KubeClient) async throws -> [Pod] {
        try await client.list(Pod.self, namespace: "default", labelSelector: "app=web").items
    }

    private func holder(_ client: KubeClient, _ name: String) async -> String? {
        let lease = try? await client.get(Lease.self, name, namespace: "kube-system")
        return lease.flatMap { $0.spec.holderIdentity }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
        for _ in 0..<600 {
            if try await condition() { return true }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    @Test func oneWorksAndTheOtherTakesOver() async throws {
        let etcd = try EtcdServer()
        defer { etcd.remove() }
        try await etcd.start()
        let first = options(etcd, port: 16671)
        var second = options(etcd, port: 16672)
        second.pkiDirectory = first.directory.pki
        defer {
            for options in [first, second] { try? FileManager.default.removeItem(atPath: options.directory.path) }
        }
        for options in [first, second] { try options.directory.prepare() }

        let a = try await ControlPlane(first, logger: logger)
        // The first to come leads.
        let workOfA = Task { await a.runComponents() }
        let clientOfA = a.client(as: "admin", groups: ["system:masters"])
        let isLed = await eventually { await holder(clientOfA, "kube-controller-manager") != nil }
        #expect(isLed)
        let b = try await ControlPlane(second, logger: logger)
        let workOfB = Task { await b.runComponents() }
        let clientOfB = b.client(as: "admin", groups: ["system:masters"])
        #expect(a.keys.tokens.keyID == b.keys.tokens.keyID)
        #expect(a.keys.authority.certificatePEM == b.keys.authority.certificatePEM)

        var set = ReplicaSet(name: "web", namespace: "default")
        set.json["spec"] = replicas(20)
        // A namespace's account is made by the controllers that lead.
        let isMade = await eventually { (try? await clientOfB.create(set)) != nil }
        #expect(isMade)
        let hasAll = try await eventually { try await pods(clientOfB).count >= 20 }
        #expect(hasAll)
        try await Task.sleep(for: .seconds(1))
        var names = Set(try await pods(clientOfA).map(\.name))
        #expect(names.count == 20)

        let leader = await holder(clientOfB, "kube-controller-manager")
        await a.stop()
        let isTaken = await eventually {
            let now = await holder(clientOfB, "kube-controller-manager")
            return now != nil && now != leader
        }
        #expect(isTaken)
        var live = try await clientOfB.get(ReplicaSet.self, "web", namespace: "default")
        live.json["spec"]?["replicas"] = 25
        _ = try await clientOfB.update(live)
        let hasMore = try await eventually { try await pods(clientOfB).count >= 25 }
        #expect(hasMore)
        try await Task.sleep(for: .seconds(1))
        let after = Set(try await pods(clientOfB).map(\.name))
        #expect(after.count == 25 && after.isSuperset(of: names))
        names = after

        workOfA.cancel()
        workOfB.cancel()
        await workOfA.value
        await workOfB.value
        // Who goes in order gives its Lease back.
        #expect(await holder(clientOfB, "kube-controller-manager") == nil)
        #expect(await holder(clientOfB, "kube-scheduler") == nil)
        await b.stop()
    }

    @Test func otherKeysAreRefused() async throws {
        let etcd = try EtcdServer()
        defer { etcd.remove() }
        try await etcd.start()
        let first = options(etcd, port: 16673)
        var second = options(etcd, port: 16674)
        defer {
            for options in [first, second] { try? FileManager.default.removeItem(atPath: options.directory.path) }
        }
        for options in [first, second] { try options.directory.prepare() }
        let plane = try await ControlPlane(first, logger: logger)
        await #expect { _ = try await ControlPlane(second, logger: logger) } throws: { error in
            "\(error)".contains("is not that of the cluster whose state is in etcd")
        }
        // Now it has keys of its own, which are not replaced silently.
        second.pkiDirectory = first.directory.pki
        await #expect { _ = try await ControlPlane(second, logger: logger) } throws: { error in
            "\(error)".contains("is another than")
        }
        second.pkiDirectory = "/tmp/none-\(UUID().uuidString)"
        await #expect { _ = try await ControlPlane(second, logger: logger) } throws: { error in
            "\(error)".contains("is not there")
        }
        // Another prefix is another cluster.
        second.pkiDirectory = nil
        second.sharedState?.prefix = "elsewhere"
        let other = try await ControlPlane(second, logger: logger)
        await other.stop()
        await plane.stop()
    }

    @Test func electionTimesAreChecked() {
        func problem(_ lease: Double, _ deadline: Double, _ retry: Double) -> String? {
            var options = LeaderElectionOptions()
            options.leaseDuration = .milliseconds(Int64(lease * 1000))
            options.renewDeadline = .milliseconds(Int64(deadline * 1000))
            options.retryPeriod = .milliseconds(Int64(retry * 1000))
            return options.problem
        }
        #expect(problem(15, 10, 2) == nil)
        #expect(problem(10, 10, 2) != nil)
        #expect(problem(15, 2, 2) != nil)
        #expect(problem(15, 2.4, 2) != nil)
        #expect(problem(15, 2.5, 2) == nil)
        #expect(problem(0.5, 0.4, 0.1) != nil)
        #expect(problem(15, 10, 0) != nil)
    }
}
