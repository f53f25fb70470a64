// What the tests of the store in etcd share.

import EtcdServer
import EtcdStore
import Foundation
import Storage
import Synchronization
import Testing

/// Runs a test with an etcd of its own.
func withEtcd(tls: EtcdServer.TLS? = nil, _ body: (EtcdServer) async throws -> Void) async throws {
    let server = try EtcdServer(tls: tls)
    defer { server.remove() }
    try await server.start()
    try await body(server)
}

/// Runs a part of a test with a store in it, and closes it.
func withStore(
    _ server: EtcdServer, _ configure: (inout EtcdConfiguration) -> Void = { _ in },
    _ body: (EtcdStore) async throws -> Void
) async throws {
    var configuration = EtcdConfiguration(servers: [server.url])
    // Long, for machines that are busy.
    configuration.callTimeout = .seconds(50)
    configuration.synchronizationTimeout = .seconds(50)
    configure(&configuration)
    let store = try EtcdStore(configuration)
    do {
        try await body(store)
    } catch {
        await store.close()
        throw error
    }
    await store.close()
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Collects what a watch tells.
final class Recorder: Sendable {
    private let state = Mutex<(events: [StoreEvent], ends: [StoreError])>(([], []))

    var handler: @Sendable ([StoreEvent]) -> Void { { events in self.state.withLock { $0.events += events } } }
    var ended: @Sendable (StoreError) -> Void { { error in self.state.withLock { $0.ends.append(error) } } }

    var events: [StoreEvent] { state.withLock { $0.events } }
    var ends: [StoreError] { state.withLock { $0.ends } }
    /// `+/registry/a@2`
    var summaries: [String] {
        events.map { event in
            let mark =
                switch event.kind {
                case .created: "+"
                case .updated: "~"
                case .deleted: "-"
                }
            return "\(mark)\(event.keyValue.key)=\(String(decoding: event.keyValue.value, as: UTF8.self))"
        }
    }

    func watch(_ store: EtcdStore, after revision: Revision, prefix: String = "/registry/") throws {
        _ = try store.watch(prefix: prefix, after: revision, handler: handler, ended: ended)
    }
}

/// Waits until something is so; at most twenty seconds.
func eventually(_ condition: () async -> Bool) async -> Bool {
    for _ in 0..<2000 {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
