// Following a range of etcd's keys from a revision on, across connections that break.

import Foundation
import GRPCCore
import Logging
import Storage
import Synchronization

/// One watch of etcd's. What it tells begins after a revision and goes on without gap or repetition, however often the
/// connection is made anew.
final class EtcdFollower: Sendable {
    /// What is heard, in order.
    enum News: Sendable {
        case events([StoreEvent], through: Revision)
        /// Everything up to the revision has been told.
        case progress(Revision)
    }

    private let connection: EtcdConnection
    private let keys: EtcdKeys
    private let range: EtcdRange
    private let logger: Logger
    /// Asks for progress on the connection of the moment.
    private let bell = Mutex<AsyncStream<Void>.Continuation?>(nil)
    private let answersProgress = Atomic<Bool>(false)
    /// Up to where everything was told.
    private let reached = Atomic<Int64>(0)

    init(_ connection: EtcdConnection, _ keys: EtcdKeys, _ range: EtcdRange, logger: Logger) {
        self.connection = connection
        self.keys = keys
        self.range = range
        self.logger = logger
    }

    /// Asks how far the watch has come.
    /// - Returns: false where this etcd's answers cannot be relied on.
    func askForProgress() -> Bool {
        guard answersProgress.load(ordering: .relaxed) else { return false }
        bell.withLock { _ = $0?.yield() }
        return true
    }

    /// Tells what happens after a revision until the task is cancelled.
    /// - Returns: `compacted` if what comes next is gone; nil when cancelled.
    func run(after revision: Revision, _ tell: @escaping @Sendable (News) -> Void) async -> StoreError? {
        reached.store(revision, ordering: .relaxed)
        var failures = 0
        while !Task.isCancelled {
            let (number, member) = connection.member
            do {
                let begun = ContinuousClock.now
                try await follow(member, tell)
                // etcd ends watches of a member without a leader.
                connection.leave(number)
                if ContinuousClock.now - begun > .seconds(5) { failures = 0 }
            } catch let error as StoreError {
                if case .compacted = error { return error }
            } catch {
                if Task.isCancelled { return nil }
                logger.debug("the watch of etcd \(member.url) broke: \(error)")
                if EtcdConnection.isAway(error) { connection.leave(number) }
            }
            failures += 1
            try? await Task.sleep(for: .milliseconds(min(50 << min(failures, 5), 1000)))
        }
        return nil
    }

    private func follow(_ member: EtcdConnection.Member, _ tell: @escaping @Sendable (News) -> Void) async throws {
        var options = EtcdConnection.options
        options.timeout = .seconds(5)
        let version = try await member.maintenance.status(.init(), options: options).version
        answersProgress.store(Self.answersProgress(version), ordering: .relaxed)

        let (rings, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        bell.withLock { $0 = ring }
        defer {
            bell.withLock { $0 = nil }
            ring.finish()
        }
        let start = reached.load(ordering: .relaxed) + 1
        let create = Etcdserverpb_WatchRequest.with { request in
            request.createRequest = .with {
                $0.key = Data(range.start)
                $0.rangeEnd = Data(range.end)
                $0.startRevision = start
                $0.prevKv = true
                $0.fragment = true
            }
        }
        options.timeout = nil
        // The member itself says when it has lost the others, instead of standing still.
        let metadata: Metadata = ["hasleader": "true"]
        try await member.watches.watch(
            metadata: metadata, options: options,
            requestProducer: { writer in
                try await writer.write(create)
                for await _ in rings { try await writer.write(.with { $0.progressRequest = .init() }) }
            },
            onResponse: { [self] response in
                var reader = Reader(keys: keys, revision: start - 1)
                for try await message in response.messages {
                    guard let news = try reader.read(message) else { continue }
                    // A connection that breaks from here on is made anew after this.
                    reached.store(reader.revision, ordering: .relaxed)
                    tell(news)
                }
            })
    }

    /// Whether answers to requests for progress wait for the events before them. Older ones may overtake events
    /// (etcd-io/etcd#15220); the versions are those from which upstream relies on it (kubernetes#123192).
    static func answersProgress(_ version: String) -> Bool {
        let release = version.split(whereSeparator: { $0 == "-" || $0 == "+" }).first ?? ""
        let numbers = release.split(separator: ".").map { Int($0) ?? 0 }
        guard numbers.count == 3 else { return false }
        if numbers[0] != 3 { return numbers[0] > 3 }
        switch numbers[1] {
        case 4: return numbers[2] >= 31
        case 5: return numbers[2] >= 13
        default: return numbers[1] > 5
        }
    }

    /// Makes events of the messages of one connection.
    struct Reader {
        let keys: EtcdKeys
        /// Up to where everything was told.
        var revision: Revision
        /// Events of an answer that comes in pieces.
        private var pieces: [StoreEvent] = []
        private var last: Revision?

        init(keys: EtcdKeys, revision: Revision) {
            self.keys = keys
            self.revision = revision
        }

        /// - Throws: `StoreError`: the watch is over.
        mutating func read(_ message: Etcdserverpb_WatchResponse) throws(StoreError) -> News? {
            if message.compactRevision > 0 { throw .compacted(oldest: message.compactRevision) }
            if message.canceled { throw .failed("etcd ended the watch: \(message.cancelReason)") }
            if message.created { return nil }
            // The marker concerns nobody but whoever waits for its revision.
            pieces += message.events.filter { !keys.isMarker($0.kv.key) }.map { StoreEvent($0, keys) }
            last = message.events.last?.kv.modRevision ?? last
            if message.fragment { return nil }
            guard let through = last else {
                guard message.header.revision > revision else { return nil }
                revision = message.header.revision
                return .progress(revision)
            }
            defer {
                pieces = []
                last = nil
            }
            revision = through
            return pieces.isEmpty ? .progress(through) : .events(pieces, through: through)
        }
    }
}

extension StoreEvent {
    init(_ event: Etcdserverpb_Event, _ keys: EtcdKeys) {
        let previous = event.hasPrevKv ? KeyValue(event.prevKv, keys) : nil
        if event.type == .delete {
            // The last value under the revision of the deletion; empty where that is compacted.
            self.init(
                kind: .deleted,
                keyValue: KeyValue(
                    key: keys.outer(event.kv.key), value: previous?.value ?? [],
                    createRevision: previous?.createRevision ?? 0, modRevision: event.kv.modRevision),
                previous: previous)
        } else {
            let isNew = event.kv.createRevision == event.kv.modRevision
            self.init(
                kind: isNew ? .created : .updated, keyValue: KeyValue(event.kv, keys), previous: isNew ? nil : previous)
        }
    }
}

extension KeyValue {
    init(_ keyValue: Etcdserverpb_KeyValue, _ keys: EtcdKeys) {
        self.init(
            key: keys.outer(keyValue.key), value: Array(keyValue.value), createRevision: keyValue.createRevision,
            modRevision: keyValue.modRevision)
    }
}
