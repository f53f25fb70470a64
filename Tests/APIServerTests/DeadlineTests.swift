import KubeTypes
import NIOCore
import NIOPosix
import Storage
import Synchronization
import Testing

@testable import APIServer

/// A store whose writes never end.
private final class StuckStore: Store {
    private let base = MemoryStore()
    let isStuck = Atomic<Bool>(false)

    var revision: Revision { base.revision }

    func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
        if !isStuck.load(ordering: .relaxed) { base.commit(write, completion: completion) }
    }

    func range(prefix: String, start: String?, limit: Int, at revision: Revision?) async throws(StoreError)
        -> StoreRange
    { try await base.range(prefix: prefix, start: start, limit: limit, at: revision) }

    func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        try base.watch(prefix: prefix, after: after, handler: handler, ended: ended)
    }

    func compact(to revision: Revision) async throws(StoreError) { try await base.compact(to: revision) }
    func close() async { await base.close() }
}

@Suite struct DeadlineTests {
    @Test(
        arguments: [
            ("1s", 1_000_000_000), ("1m30s", 90_000_000_000), ("500ms", 500_000_000), ("1.5h", 5_400_000_000_000),
            ("0", 0), ("-2s", -2_000_000_000), ("100us", 100_000), ("", nil), ("5", nil), ("s", nil), ("5x", nil),
            (".s", nil), ("99999999999h", nil),
        ] as [(String, Int64?)])
    func readsDurations(_ text: String, _ expected: Int64?) {
        #expect(GoDuration.nanoseconds(text) == expected)
    }

    @Test func endsWhatTakesTooLong() async throws {
        let store = StuckStore()
        let server = try ControlPlane.server(store)
        try await server.start()
        let plane = ControlPlane(server: server, store: MemoryStore())
        store.isStuck.store(true, ordering: .relaxed)
        let path = "/api/v1/namespaces/default/configmaps"
        let answer = await plane.call(.POST, "\(path)?timeout=50ms", configMap("a"))
        #expect(answer.status == 504)
        #expect(answer.reason == "Timeout")
        #expect(answer.message.contains("request did not complete within requested timeout"))
        let wrong = await plane.call(.POST, "\(path)?timeout=soon", configMap("a"))
        #expect(wrong.status == 400)
        #expect(wrong.message.contains("invalid timeout specified in the request URL"))
        store.isStuck.store(false, ordering: .relaxed)
        let good = await plane.call(.POST, "\(path)?timeout=10s", configMap("a"))
        #expect(good.status == 201)
        server.stop()
    }

    @Test func saysThatItIsGoingAway() async throws {
        let plane = try await ControlPlane()
        #expect(await plane.call(.GET, "/readyz").status == 200)
        plane.server.beginShutdown()
        let ready = await plane.call(.GET, "/readyz")
        #expect(ready.status == 500)
        #expect(ready.text.contains("[-]shutdown failed"))
        #expect(await plane.call(.GET, "/livez").status == 200)
        #expect(await plane.call(.GET, "/api/v1/namespaces/default").status == 200)
        plane.server.stop()
    }
}
