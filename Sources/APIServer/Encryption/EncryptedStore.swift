// A store whose values are encrypted on their way down and decrypted on their way up.

import Logging
import Storage
import Synchronization

/// Wraps a store. Above it nobody knows of the encryption; below it no plaintext of the resources configured is seen.
public final class EncryptedStore: Store {
    private let base: any Store
    private let configuration: EncryptionConfiguration
    private let logger: Logger
    /// By what keys begin with, `/registry/core/secrets/`: found out once.
    private let transformers = Mutex<[String: ValueTransformer?]>([:])
    /// Keys whose values would be written otherwise today.
    private let stale = Mutex<Set<String>>([])

    public init(_ base: any Store, _ configuration: EncryptionConfiguration, logger: Logger = Logger(label: "store")) {
        self.base = base
        self.configuration = configuration
        self.logger = logger
    }

    public var revision: Revision { base.revision }
    public var isShared: Bool { base.isShared }
    public var compactedRevision: Revision { base.compactedRevision }

    public func synchronize(to revision: Revision?, completion: @escaping @Sendable (StoreError?) -> Void) {
        base.synchronize(to: revision, completion: completion)
    }

    public func needsRewrite(_ key: String) -> Bool { stale.withLock { !$0.isEmpty && $0.contains(key) } }

    private func transformer(for key: String) -> ValueTransformer? {
        // /registry/GROUP/PLURAL/…
        var slashes = 0
        guard
            let end = key.utf8.firstIndex(where: { byte in
                if byte == UInt8(ascii: "/") { slashes += 1 }
                return slashes == 4
            })
        else { return nil }
        let prefix = String(key[..<end])
        return transformers.withLock { known in
            if let found = known[prefix] { return found }
            let parts = prefix.split(separator: "/").map(String.init)
            let group = parts.count == 3 && parts[1] != "core" ? parts[1] : ""
            let transformer = configuration.transformer(group: group, resource: parts.last ?? "")
            known[prefix] = .some(transformer)
            return transformer
        }
    }

    // MARK: Down

    private func encrypted(_ value: [UInt8], _ key: String) throws(StoreError) -> [UInt8] {
        guard let transformer = transformer(for: key) else { return value }
        do {
            return try transformer.encrypt(value, context: key)
        } catch {
            throw .failed("unable to transform key \"\(key)\": \(error)")
        }
    }

    public func commit(
        _ write: StoreWrite, completion: @escaping @Sendable (Result<StoreCommit, StoreError>) -> Void
    ) {
        do throws(StoreError) {
            let encrypted: StoreWrite
            switch write {
            case .create(let key, let value): encrypted = .create(key: key, value: try self.encrypted(value, key))
            case .update(let key, let value, let expected):
                encrypted = .update(key: key, value: try self.encrypted(value, key), expected: expected)
            case .delete: encrypted = write
            }
            base.commit(encrypted) { completion(self.decrypted($0)) }
        } catch {
            completion(.failure(error))
        }
    }

    // MARK: Up

    private func decrypted(_ result: Result<StoreCommit, StoreError>) -> Result<StoreCommit, StoreError> {
        do throws(StoreError) {
            switch result {
            case .success(let commit):
                // Nobody but whoever asks for it pays for what was there before.
                return .success(
                    StoreCommit(revision: commit.revision, previous: try commit.previous.map(decryptedQuietly)))
            case .failure(.keyExists(let keyValue)): return .failure(.keyExists(try decrypted(keyValue)))
            case .failure(.conflict(let keyValue?)): return .failure(.conflict(try decrypted(keyValue)))
            case .failure: return result
            }
        } catch {
            return .failure(error)
        }
    }

    private func decryptedQuietly(_ keyValue: KeyValue) throws(StoreError) -> KeyValue {
        try decrypted(keyValue, notes: false)
    }

    private func decrypted(_ keyValue: KeyValue, notes: Bool = true) throws(StoreError) -> KeyValue {
        guard let transformer = transformer(for: keyValue.key) else { return keyValue }
        do {
            let (value, isStale) = try transformer.decrypt(keyValue.value, context: keyValue.key)
            if notes {
                stale.withLock { stale in
                    if isStale { stale.insert(keyValue.key) } else if !stale.isEmpty { stale.remove(keyValue.key) }
                }
            }
            return KeyValue(
                key: keyValue.key, value: value, createRevision: keyValue.createRevision,
                modRevision: keyValue.modRevision)
        } catch {
            throw .failed("unable to transform key \"\(keyValue.key)\": \(error)")
        }
    }

    public func range(
        prefix: String, start: String?, limit: Int, at revision: Revision?
    ) async throws(StoreError) -> StoreRange {
        let range = try await base.range(prefix: prefix, start: start, limit: limit, at: revision)
        var keyValues: [KeyValue] = []
        keyValues.reserveCapacity(range.keyValues.count)
        // What a key held once says nothing of what it holds now.
        for keyValue in range.keyValues { keyValues.append(try decrypted(keyValue, notes: revision == nil)) }
        return StoreRange(keyValues: keyValues, more: range.more, revision: range.revision)
    }

    public func watch(
        prefix: String, after: Revision, handler: @escaping @Sendable ([StoreEvent]) -> Void,
        ended: @escaping @Sendable (StoreError) -> Void
    ) throws(StoreError) -> any StoreWatch {
        let decrypting: @Sendable ([StoreEvent]) -> Void = { events in
            var decrypted: [StoreEvent] = []
            decrypted.reserveCapacity(events.count)
            for event in events {
                do throws(StoreError) {
                    decrypted.append(
                        StoreEvent(
                            kind: event.kind, keyValue: try self.decrypted(event.keyValue),
                            previous: try event.previous.map(self.decryptedQuietly)))
                    if event.kind == .deleted { self.stale.withLock { _ = $0.remove(event.keyValue.key) } }
                } catch {
                    // It was read at start or written since: only a disk that forgets can bring this about.
                    self.logger.error("a change cannot be told: \(error)")
                }
            }
            handler(decrypted)
        }
        return try base.watch(prefix: prefix, after: after, handler: decrypting, ended: ended)
    }

    public func compact(to revision: Revision) async throws(StoreError) { try await base.compact(to: revision) }
    public func close() async { await base.close() }
}
