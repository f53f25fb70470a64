// How fast the store is; run with MARTLET_MEASURE=1.
import Glibc
import Testing

@testable import Storage

@Suite(.serialized) struct Throughput {
    @Test(.enabled(if: getenv("MARTLET_MEASURE") != nil), arguments: [1, 16, 64, 256])
    func durableWrites(writers: Int) async throws {
        try await withTemporaryDirectory { directory in
            let store = try SQLiteStore(path: directory + "/store.db")
            let value = [UInt8](repeating: UInt8(ascii: "x"), count: 1200)
            let total = writers == 1 ? 3000 : 100_000
            let clock = ContinuousClock()
            func measure(_ what: String, _ write: @escaping @Sendable (Int, Int) async throws -> Void) async throws {
                let time = try await clock.measure {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for writer in 0..<writers {
                            group.addTask {
                                for number in 0..<(total / writers) { try await write(writer, number) }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                print(
                    "\(writers) writers: \(what): \(Int(Double(total / writers * writers) / (time / .seconds(1)))) /s")
            }
            try await measure("creates of 1,200 bytes") { writer, number in
                _ = try await store.commit(
                    .create(key: "/registry/configmaps/default/bench-\(writer)-\(number)", value: value))
            }
            let range = try await clock.measure {
                _ = try await store.range(prefix: "/registry/", start: nil, limit: 10_000, at: nil)
            }
            print("range of 10,000: \(range)")
            try await measure("updates") { writer, number in
                let key = "/registry/configmaps/default/bench-\(writer)-\(number)"
                let now = store.current(of: key)
                _ = try await store.commit(.update(key: key, value: value, expected: now))
            }
            let compacting = try await clock.measure { try await store.compact(to: store.revision) }
            print("compaction of \(total) updates: \(compacting)")
            await store.close()
            let opening = try await clock.measure {
                let store = try SQLiteStore(path: directory + "/store.db")
                await store.close()
            }
            print("opening with \(total) keys: \(opening)")
        }
    }
}
