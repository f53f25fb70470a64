// What the tests of stores share: the kinds of store, temporary directories, and recorders.
import EtcdServer
import EtcdStore
import Glibc
import Synchronization
import Testing

@testable import Storage

enum StoreKind: String, CaseIterable, Sendable { case memory, sqlite, etcd }

/// Runs a test with an empty store, and removes what it left.
func withStore(
    _ kind: StoreKind, limits: StoreLimits = StoreLimits(), _ body: (any Store) async throws -> Void
) async throws {
    if kind == .etcd { return try await withEtcdStore(limits: limits, body) }
    try await withTemporaryDirectory { directory in
        let store: any Store =
            switch kind {
            case .memory: MemoryStore(limits: limits)
            case .sqlite, .etcd: try SQLiteStore(path: directory + "/store.db", limits: limits)
            }
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

private func withEtcdStore(limits: StoreLimits, _ body: (any Store) async throws -> Void) async throws {
    let server = try EtcdServer()
    defer { server.remove() }
    try await server.start()
    var configuration = EtcdConfiguration(servers: [server.url])
    configuration.root = ""
    configuration.prefix = "/contract"
    configuration.limits = limits
    // Long, for machines that are busy.
    configuration.callTimeout = .seconds(50)
    let store = Rebased(try EtcdStore(configuration))
    do {
        try await body(store)
    } catch {
        await store.close()
        throw error
    }
    await store.close()
}

/// etcd's first revision is 1, in which there is nothing; here it is 0, as in the other stores.
private struct Rebased: Store {
    let base: EtcdStore

    init(_ base: EtcdStore) { self.base = base }

    private func shifted(_ keyValue: KeyValue) -> KeyValue {
        KeyValue(
            key: keyValue.key, value: keyValue.value, createRevision: keyValue.createRevision - 1,
            modRevision: keyValue.modRevision - 1)
    }

    private func shifted(_ error: StoreError) -> StoreError {
        switch error {
        case .keyExists(let there): .keyExists(shifted(there))
        case .conflict(let there): .conflict(there.map(shifted))
        case .compacted(let oldest): .compacted(oldest: oldest - 1)
        case .future(let current): .future(current: current - 1)
        case .closed, .failed: error
        }
    }

    var revision: Revision { max(0, base.revision - 1) }
    var isShared: Bool { true }

    func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void) {
        let inner: StoreWrite =
            switch write {
            case .create: write
            case .update(let key, let value, let expected): .update(key: key, value: value, expected: expected + 1)
            case .delete(let key, let expected): .delete(key: key, expected: expected + 1)
            }
        base.commit(inner) { result in
            completion(
                result.map { StoreCommit(revision: $0.revision - 1, previous: $0.previous.map(shifted)) }
                    .mapError(shifted))
        }
    }

    func range(prefix: String, start: String?, limit: Int, at revision: Revision?) async throws(StoreError)
        -> StoreRange
    {
        do throws(StoreError) {
            let range = try await base.range(prefix: prefix, start: start, limit: limit, at: revision.map { $0 + 1 })
            return StoreRange(
                keyValues: range.keyValues.map(shifted), more: range.more, revision: range.revision - 1)
        } catch {
            throw shifted(error)
        }
    }

    func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        do throws(StoreError) {
            return try base.watch(
                prefix: prefix, after: after + 1,
                handler: { events in
                    handler(
                        events.map {
                            StoreEvent(
                                kind: $0.kind, keyValue: shifted($0.keyValue), previous: $0.previous.map(shifted))
                        })
                }, ended: { ended(shifted($0)) })
        } catch {
            throw shifted(error)
        }
    }

    func compact(to revision: Revision) async throws(StoreError) {
        do throws(StoreError) { try await base.compact(to: revision + 1) } catch { throw shifted(error) }
    }

    func close() async { await base.close() }
}

func withTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/martlet-storage-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer {
        $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    let directory = try #require(made)
    func remove() {
        for name in ["store.db", "store.db-wal", "store.db-shm", "store.db-lock"] { unlink(directory + "/" + name) }
        rmdir(directory)
    }
    do {
        try await body(directory)
    } catch {
        remove()
        throw error
    }
    remove()
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ keyValue: KeyValue?) -> String? { keyValue.map { String(decoding: $0.value, as: UTF8.self) } }

extension StoreEvent {
    /// `+key=value@revision`, `~key=value@revision(before)`, `-key=value@revision(before)`
    var summary: String {
        let mark =
            switch kind {
            case .created: "+"
            case .updated: "~"
            case .deleted: "-"
            }
        let before = previous.map { "(\(text($0) ?? "")@\($0.modRevision))" } ?? ""
        return "\(mark)\(keyValue.key)=\(text(keyValue) ?? "")@\(keyValue.modRevision)\(before)"
    }
}

extension StoreRange {
    var summary: String {
        keyValues.map { "\($0.key)=\(text($0) ?? "")@\($0.createRevision)/\($0.modRevision)" }.joined(separator: " ")
            + (more ? " …" : "") + " #\(revision)"
    }
}

extension StoreError {
    var summary: String {
        switch self {
        case .keyExists(let there): "exists \(text(there) ?? "")@\(there.modRevision)"
        case .conflict(let there): "conflict \(text(there) ?? "-")@\(there?.modRevision ?? 0)"
        case .compacted(let oldest): "compacted \(oldest)"
        case .future(let current): "future \(current)"
        case .closed: "closed"
        case .failed(let why): "failed \(why)"
        }
    }
}

/// What `body` throws, in short; its result otherwise.
func outcome(_ body: () async throws -> String) async -> String {
    do {
        return try await body()
    } catch let error as StoreError {
        return error.summary
    } catch {
        return "\(error)"
    }
}

/// Collects what a watch tells.
final class Recorder: Sendable {
    private let seen = Mutex<[StoreEvent]>([])

    var handler: @Sendable ([StoreEvent]) -> Void { { events in self.seen.withLock { $0 += events } } }
    var events: [StoreEvent] { seen.withLock { $0 } }

    /// Waits until `count` events have come; at most ten seconds.
    func wait(for count: Int) async throws -> [StoreEvent] {
        for _ in 0..<2000 {
            let events = events
            if events.count >= count { return events }
            try await Task.sleep(for: .milliseconds(5))
        }
        return events
    }
}

/// A number that tasks count up together.
final class Counter: Sendable {
    private let number = Atomic(0)
    func add(_ more: Int) { number.add(more, ordering: .relaxed) }
    var value: Int { number.load(ordering: .relaxed) }
}

/// A value that tasks share.
final class Locked<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { mutex.withLock { body(&$0) } }
}
