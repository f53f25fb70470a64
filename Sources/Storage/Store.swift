/// The ordered log position of a change, as etcd counts: every commit is one revision, revisions never repeat.
public typealias Revision = Int64

/// A key with its value as some revision left it.
public struct KeyValue: Sendable, Hashable {
    public let key: String
    public let value: [UInt8]
    /// The revision that created the key, and the one that changed it last.
    public let createRevision: Revision
    public let modRevision: Revision

    public init(key: String, value: [UInt8], createRevision: Revision, modRevision: Revision) {
        self.key = key
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
    }
}

/// One change to one key. Each write that is accepted takes a revision of its own.
public enum StoreWrite: Sendable {
    /// Fails with `keyExists` if the key is there.
    case create(key: String, value: [UInt8])
    /// Fails with `conflict` unless the key was changed last at `expected`.
    case update(key: String, value: [UInt8], expected: Revision)
    /// Fails with `conflict` unless the key was changed last at `expected`.
    case delete(key: String, expected: Revision)
}

/// What an accepted write did.
public struct StoreCommit: Sendable {
    public let revision: Revision
    /// What the key held before; nil for a create.
    public let previous: KeyValue?

    public init(revision: Revision, previous: KeyValue?) {
        self.revision = revision
        self.previous = previous
    }
}

public struct StoreEvent: Sendable {
    public enum Kind: Sendable { case created, updated, deleted }
    public let kind: Kind
    /// The key as the event left it; for a deletion, with the last value and the revision of the deletion.
    public let keyValue: KeyValue
    /// What the key held before; nil for a create.
    public let previous: KeyValue?

    public init(kind: Kind, keyValue: KeyValue, previous: KeyValue?) {
        self.kind = kind
        self.keyValue = keyValue
        self.previous = previous
    }
}

public enum StoreError: Error, Sendable {
    case keyExists(KeyValue)
    /// The key is not at the revision expected; what it holds instead, nil if it is gone.
    case conflict(KeyValue?)
    /// The revision asked for is gone: compacted up to and including `oldest - 1`.
    case compacted(oldest: Revision)
    /// The revision asked for has not happened yet.
    case future(current: Revision)
    case closed
    /// The disk or the database failed; nothing of the write is there.
    case failed(String)
}

public struct StoreRange: Sendable {
    public let keyValues: [KeyValue]
    /// Whether more keys follow the last one returned.
    public let more: Bool
    /// The revision at which this is the state.
    public let revision: Revision

    public init(keyValues: [KeyValue], more: Bool, revision: Revision) {
        self.keyValues = keyValues
        self.more = more
        self.revision = revision
    }
}

/// A key-value store with one ordered log of revisions, as etcd has it.
public protocol Store: Sendable {
    /// The revision of the last commit; 0 in an empty store.
    var revision: Revision { get }

    /// Hands a write to the writer. `completion` is called once it is durable, or refused, on the writer's thread:
    /// it must not block. Events of the write reach watchers before its completion is called.
    func commit(_ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void)

    /// The keys that begin with `prefix`, in order, from `start` on (inclusive) if given, as they were `at` a revision
    /// (nil: now). `limit` 0 means all.
    func range(prefix: String, start: String?, limit: Int, at revision: Revision?) async throws(StoreError)
        -> StoreRange

    /// Calls `handler` with every change to keys that begin with `prefix` after revision `after`, in order, in batches,
    /// on a thread of the store's: it must not block. Changes that happened already come first.
    /// - Parameter ended: called at most once, where the watch cannot go on: with `compacted` where history that it was
    ///   not told of is gone, so that whoever follows must read everything again. No call of `handler` follows.
    /// - Throws: `StoreError.compacted` if `after` is older than what is kept.
    func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> StoreWatch

    /// Forgets what keys held before `revision`, except what they hold at it.
    func compact(to revision: Revision) async throws(StoreError)

    /// Whether other processes write to the same state. Watches then hear of a write a moment after it was made, and
    /// whoever must not read what was before it calls `synchronize` first. The store compacts itself.
    var isShared: Bool { get }

    /// The revision before which history is known to be gone; 0 where nothing is known.
    var compactedRevision: Revision { get }

    /// Calls `completion` when the watches have been told of everything that anybody had written when this was called,
    /// or up to `revision`; with `future` where that does not happen within some seconds.
    func synchronize(to revision: Revision?, completion: @escaping @Sendable (StoreError?) -> Void)

    /// Whether a key's value would be stored otherwise if it were written today, so that even a write that changes
    /// nothing is one: true only in stores that change what they hold (encryption, after a change of keys).
    func needsRewrite(_ key: String) -> Bool

    /// Waits for writes under way and closes. Later calls fail with `closed`.
    func close() async
}

/// A watch that goes on until it is cancelled.
public protocol StoreWatch: Sendable {
    /// No call of the handler begins after this returns.
    func cancel()
}

extension Store {
    public var isShared: Bool { false }
    public var compactedRevision: Revision { 0 }
    public func synchronize(to revision: Revision?, completion: @escaping @Sendable (StoreError?) -> Void) {
        completion(nil)
    }
    public func needsRewrite(_ key: String) -> Bool { false }

    /// A watch of whoever can do without the rest once history is gone.
    public func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void
    ) throws(StoreError) -> any StoreWatch {
        try watch(prefix: prefix, after: after, handler: handler, ended: { _ in })
    }

    /// Waits until the watches know what anybody had written when this was called, or what was written up to `revision`.
    public func synchronize(to revision: Revision? = nil) async throws(StoreError) {
        let failure: StoreError? = await withCheckedContinuation { continuation in
            synchronize(to: revision) { continuation.resume(returning: $0) }
        }
        if let failure { throw failure }
    }

    public func commit(_ write: StoreWrite) async throws(StoreError) -> StoreCommit {
        let result = await withCheckedContinuation { continuation in
            commit(write) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    public func get(_ key: String) async throws(StoreError) -> KeyValue? {
        try await range(prefix: key, start: nil, limit: 1, at: nil).keyValues.first { $0.key == key }
    }
}
