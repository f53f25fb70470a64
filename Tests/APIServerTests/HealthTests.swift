// What health paths say, and that they look before they do.

import JSON
import KubeTypes
import Storage
import Synchronization
import Testing

@testable import APIServer

@Suite struct HealthTests {
    /// A store that can be made to fail.
    private final class FailingStore: Store {
        let inner = MemoryStore()
        let problem = Mutex<StoreError?>(nil)

        var revision: Revision { inner.revision }

        func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
            inner.commit(write, completion: completion)
        }

        func range(prefix: String, start: String?, limit: Int, at revision: Revision?) async throws(StoreError)
            -> StoreRange
        {
            if let problem = problem.withLock({ $0 }) { throw problem }
            return try await inner.range(prefix: prefix, start: start, limit: limit, at: revision)
        }

        func watch(
            prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
            ended: @escaping @Sendable (StoreError) -> Void
        ) throws(StoreError) -> any StoreWatch {
            try inner.watch(prefix: prefix, after: after, handler: handler, ended: ended)
        }

        func compact(to revision: Revision) async throws(StoreError) { try await inner.compact(to: revision) }
        func close() async { await inner.close() }
    }

    @Test func aStoreThatFailsIsTold() async throws {
        let store = FailingStore()
        let server = try ControlPlane.server(store)
        let plane = ControlPlane(server: server, store: store.inner)
        // Alive, but not ready before it has started.
        #expect(await plane.call(.GET, "/readyz/informer-sync").status == 500)
        #expect(await plane.call(.GET, "/livez/ping").text == "ok")
        try await server.start()
        for path in ["/healthz", "/livez", "/readyz", "/livez/etcd", "/readyz/poststarthook/rbac/bootstrap-roles"] {
            let answer = await plane.call(.GET, path)
            #expect(answer.status == 200 && answer.text == "ok", "\(path) \(answer.text)")
        }
        store.problem.withLock { $0 = .closed }
        let failed = await plane.call(.GET, "/livez?verbose")
        #expect(failed.status == 500)
        #expect(failed.text.hasPrefix("[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n"))
        #expect(failed.text.hasSuffix("livez check failed\n"))
        #expect(await plane.call(.GET, "/readyz/etcd").text.hasPrefix("internal server error: error getting data"))
        let excluded = await plane.call(.GET, "/livez?verbose&exclude=etcd&exclude=none")
        #expect(excluded.status == 200)
        #expect(excluded.text.contains("[+]etcd excluded: ok\n"))
        #expect(excluded.text.contains("warn: some health checks cannot be excluded: no matches for \"none\"\n"))
        store.problem.withLock { $0 = nil }
        server.beginShutdown()
        #expect(await plane.call(.GET, "/readyz/shutdown").status == 500)
        #expect(await plane.call(.GET, "/livez").status == 200)
        #expect(await plane.call(.GET, "/readyz/none").status == 404)
        server.stop()
    }
}
