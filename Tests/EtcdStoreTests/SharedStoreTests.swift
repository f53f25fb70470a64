// Two stores on one etcd, and an etcd that goes and comes.

import EtcdServer
import EtcdStore
import Foundation
import PKI
import Storage
import Synchronization
import Testing

@Suite struct SharedStoreTests {
    private func create(_ store: EtcdStore, _ key: String, _ value: String = "x") async throws -> Revision {
        try await store.commit(.create(key: "/registry/" + key, value: bytes(value))).revision
    }

    @Test func whatOneWritesTheOtherKnowsWhenItAsks() async throws {
        try await withEtcd { etcd in
            try await withStore(etcd) { a in
                try await withStore(etcd) { b in
                    let recorder = Recorder()
                    try recorder.watch(b, after: 1)
                    for number in 0..<50 {
                        _ = try await create(a, "k/\(number)", "\(number)")
                        try await b.synchronize()
                        #expect(recorder.events.count == number + 1)
                    }
                    // Revisions that are nobody's here keep nobody waiting.
                    try await withStore(etcd, { $0.prefix = "/elsewhere" }) { other in
                        let foreign = try await create(other, "k/0")
                        try await b.synchronize()
                        #expect(b.revision >= foreign)
                        let further = try await create(other, "k/1")
                        try await b.synchronize(to: further)
                        #expect(b.revision >= further)
                        let range = try await other.range(prefix: "/registry/", start: nil, limit: 0, at: nil)
                        #expect(range.keyValues.map(\.key) == ["/registry/k/0", "/registry/k/1"])
                    }
                    #expect(recorder.summaries.filter { $0.hasPrefix("+/registry/k/") }.count == 50)
                }
                try await withStore(etcd, { $0.synchronizationTimeout = .milliseconds(300) }) { hasty in
                    try Recorder().watch(hasty, after: 1)
                    await #expect(throws: StoreError.self) { try await hasty.synchronize(to: 1_000_000) }
                }
            }
        }
    }

    @Test func writesOfBothAreComparedWithWhatIsThere() async throws {
        try await withEtcd { etcd in
            try await withStore(etcd) { a in
                try await withStore(etcd) { b in
                    _ = try await create(a, "n", "0")
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for store in [a, b, a, b] {
                            group.addTask {
                                for _ in 0..<25 {
                                    var now = try #require(try await store.get("/registry/n"))
                                    while true {
                                        let next = bytes(
                                            String((Int(String(decoding: now.value, as: UTF8.self)) ?? 0) + 1))
                                        do {
                                            _ = try await store.commit(
                                                .update(key: "/registry/n", value: next, expected: now.modRevision))
                                            break
                                        } catch StoreError.conflict(let there?) {
                                            // What is there comes with the refusal.
                                            now = there
                                        }
                                    }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let last = try await b.get("/registry/n")
                    #expect(last?.value == bytes("100"))
                }
            }
        }
    }

    @Test func nothingIsLostOrTwiceWhenEtcdIsRestarted() async throws {
        try await withEtcd { etcd in
            try await withStore(etcd) { store in
                let live = Recorder()
                let history = Recorder()
                _ = try await create(store, "first")
                try live.watch(store, after: 1)
                let acknowledged = Mutex<[String]>([])
                let writer = Task {
                    for number in 0... {
                        if Task.isCancelled { break }
                        do {
                            _ = try await create(store, "w/\(number)")
                            acknowledged.withLock { $0.append("/registry/w/\(number)") }
                        } catch StoreError.failed {
                            try? await Task.sleep(for: .milliseconds(10))
                        }
                    }
                }
                for round in 0..<3 {
                    try await Task.sleep(for: .milliseconds(150))
                    etcd.kill()
                    await #expect(throws: StoreError.self) { _ = try await create(store, "down/\(round)") }
                    await #expect(throws: StoreError.self) { try await store.synchronize() }
                    await #expect(throws: StoreError.self) { try await store.get("/registry/first") }
                    try await etcd.start()
                }
                try await Task.sleep(for: .milliseconds(150))
                writer.cancel()
                try await writer.value
                #expect(await eventually { (try? await store.synchronize()) != nil })
                try history.watch(store, after: 1, prefix: "/registry/w/")
                let there = try await store.range(prefix: "/registry/w/", start: nil, limit: 0, at: nil).keyValues
                // What was acknowledged is there; what failed may be.
                let missing = Set(acknowledged.withLock { $0 }).subtracting(there.map(\.key))
                #expect(missing.isEmpty)
                let expected = there.sorted { $0.modRevision < $1.modRevision }.map { "\($0.key)@\($0.modRevision)" }
                func told(_ recorder: Recorder) -> [String] {
                    recorder.events.filter { $0.keyValue.key.hasPrefix("/registry/w/") }
                        .map { "\($0.keyValue.key)@\($0.keyValue.modRevision)" }
                }
                #expect(
                    await eventually { told(live).count >= expected.count && told(history).count >= expected.count })
                #expect(told(live) == expected)
                #expect(told(history) == expected)
            }
        }
    }

    @Test func aWatchThatMissedWhatIsCompactedEnds() async throws {
        try await withEtcd { etcd in
            let proxied = try await Pause(to: etcd.url)
            defer { proxied.stop() }
            try await withStore(etcd) { writer in
                try await withStore(etcd, { $0.servers = [proxied.url] }) { store in
                    let recorder = Recorder()
                    try recorder.watch(store, after: 1)
                    _ = try await create(writer, "a")
                    #expect(await eventually { recorder.events.count == 1 })
                    await proxied.cut()
                    for number in 0..<5 { _ = try await create(writer, "b/\(number)") }
                    try await writer.compact(
                        to: writer.range(prefix: "/registry/", start: nil, limit: 1, at: nil).revision)
                    try await proxied.mend()
                    #expect(await eventually { !recorder.ends.isEmpty })
                    guard case .compacted = recorder.ends.first else {
                        Issue.record("ended with \(recorder.ends)")
                        return
                    }
                    #expect(recorder.events.count == 1)
                    // Whoever reads everything again goes on from there.
                    let range = try await store.range(prefix: "/registry/", start: nil, limit: 0, at: nil)
                    #expect(range.keyValues.count == 6)
                    let again = Recorder()
                    try again.watch(store, after: range.revision)
                    _ = try await create(store, "c")
                    #expect(again.summaries == ["+/registry/c=x"])
                }
            }
        }
    }

    @Test func oneOfSeveralCompacts() async throws {
        try await withEtcd { etcd in
            func configure(_ configuration: inout EtcdConfiguration) {
                configuration.compactionInterval = .milliseconds(300)
            }
            try await withStore(etcd, configure) { a in
                try await withStore(etcd, configure) { b in
                    for number in 0..<40 {
                        _ = try await create(a, "k/\(number)")
                        try await Task.sleep(for: .milliseconds(25))
                    }
                    // Both know of it, whoever did it.
                    #expect(await eventually { a.compactedRevision > 0 && b.compactedRevision > 0 })
                    // What is newer than a turn is never compacted: each turn compacts up to the one before.
                    let now = try await a.range(prefix: "/registry/", start: nil, limit: 0, at: nil)
                    let again = try await b.range(prefix: "/registry/", start: nil, limit: 0, at: now.revision)
                    #expect(again.keyValues == now.keyValues)
                    let oldest = max(a.compactedRevision, b.compactedRevision)
                    await #expect(throws: StoreError.self) {
                        try await a.range(prefix: "/registry/", start: nil, limit: 0, at: oldest - 1)
                    }
                }
            }
        }
    }

    @Test func overTLSWithACertificate() async throws {
        let directory = NSTemporaryDirectory() + "martlet-etcd-pki-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = try CertificateAuthority.loadOrCreate(
            certificatePath: directory + "/ca.crt", keyPath: directory + "/ca.key", commonName: "etcd-ca")
        try authority.issueServer(commonName: "etcd", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
            .write(certificatePath: directory + "/server.crt", keyPath: directory + "/server.key")
        try authority.issueClient(commonName: "martlet")
            .write(certificatePath: directory + "/client.crt", keyPath: directory + "/client.key")
        let tls = EtcdServer.TLS(
            authorityFile: directory + "/ca.crt", certificateFile: directory + "/server.crt",
            keyFile: directory + "/server.key")
        try await withEtcd(tls: tls) { etcd in
            func configure(_ configuration: inout EtcdConfiguration) {
                configuration.authorityFile = directory + "/ca.crt"
                configuration.certificateFile = directory + "/client.crt"
                configuration.keyFile = directory + "/client.key"
            }
            let recorder = Recorder()
            try await withStore(etcd, configure) { store in
                try recorder.watch(store, after: 1)
                // More than the pings that NIO takes for an attack.
                for number in 0..<300 { _ = try await create(store, "k/\(number)") }
                #expect(recorder.events.count == 300)
            }
            try await withStore(etcd, { $0.authorityFile = directory + "/ca.crt" }) { stranger in
                await #expect(throws: StoreError.self) { try await stranger.get("/registry/k/1") }
            }
            try await withStore(etcd) { trusting in
                await #expect(throws: StoreError.self) { try await trusting.get("/registry/k/1") }
            }
        }
    }

    /// A member that does not answer is left for one that does.
    @Test func severalMembersAreTried() async throws {
        try await withEtcd { etcd in
            let nobody = try EtcdServer()
            defer { nobody.remove() }
            try await withStore(etcd, { $0.servers = [nobody.url, etcd.url] }) { store in
                let range = try await store.range(prefix: "/registry/", start: nil, limit: 1, at: nil)
                let recorder = Recorder()
                try recorder.watch(store, after: range.revision)
                _ = try await create(store, "a")
                #expect(recorder.summaries == ["+/registry/a=x"])
            }
        }
    }
}
