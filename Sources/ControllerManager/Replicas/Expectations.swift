import KubeTypes
import Synchronization

/// What a controller has done and its cache has not shown yet: as long as something is expected, the cache is behind,
/// and acting on it would create or delete twice.
///
/// Creations are counted, since an object's name is known only after its creation is answered, when the cache may have
/// heard of it already; deletions are kept by UID, since one is seen up to twice (deletion timestamp, removal).
final class Expectations<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var creations = 0
        var deletions: Set<String> = []
        var since: Time
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let timeoutSeconds: Double

    /// - Parameter timeoutSeconds: After this long expectations lapse: an event may have been lost.
    init(timeoutSeconds: Double = 300) { self.timeoutSeconds = timeoutSeconds }

    /// - Parameter deletions: UIDs.
    func expect(creations: Int = 0, deletions: some Sequence<String> = [], of key: Key, now: Time) {
        entries.withLock { $0[key] = Entry(creations: creations, deletions: Set(deletions), since: now) }
    }

    /// `count` creations have been seen, or will never happen.
    func lowerCreations(of key: Key, by count: Int = 1) {
        entries.withLock { $0[key]?.creations -= count }
    }

    /// A deletion has been seen, or failed.
    func observeDeletion(of uid: String, for key: Key) {
        entries.withLock { _ = $0[key]?.deletions.remove(uid) }
    }

    func areSatisfied(for key: Key, now: Time) -> Bool {
        entries.withLock { entries in
            guard let entry = entries[key] else { return true }
            guard entry.creations > 0 || !entry.deletions.isEmpty else { return true }
            return now.since(entry.since) > timeoutSeconds
        }
    }

    func forget(_ key: Key) { entries.withLock { $0[key] = nil } }
}

extension PodControl {
    /// Deletes pods that are expected to go, all at once.
    /// - Returns: The first failure; a pod that is gone already is none.
    func delete(
        _ victims: [Pod], of owner: some KubeObject, _ expectations: Expectations<ObjectKey>
    ) async -> APIError? {
        await withTaskGroup(of: APIError?.self) { group in
            for victim in victims {
                group.addTask {
                    guard let failure = await delete(victim, of: owner) else { return nil }
                    // The cache will not show this deletion.
                    expectations.observeDeletion(of: victim.uid, for: owner.key)
                    return failure.isNotFound ? nil : failure
                }
            }
            var first: APIError?
            for await failure in group where first == nil { first = failure }
            return first
        }
    }
}
