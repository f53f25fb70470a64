// What the tests of stores share: the two kinds of store, temporary directories, and recorders.
import Glibc
import Synchronization
import Testing

@testable import Storage

enum StoreKind: String, CaseIterable, Sendable { case memory, sqlite }

/// Runs a test with an empty store, and removes what it left.
func withStore(
    _ kind: StoreKind, limits: StoreLimits = StoreLimits(), _ body: (any Store) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let store: any Store =
            switch kind {
            case .memory: MemoryStore(limits: limits)
            case .sqlite: try SQLiteStore(path: directory + "/store.db", limits: limits)
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
