import KubeTypes
import Synchronization

/// How long to wait before a node's failed daemon pod is replaced once more: a second at first, twice as long each time,
/// at most a quarter of an hour.
final class FailureBackoff: Sendable {
    private struct Entry {
        var seconds: Double
        var since: Time
    }
    private static let first = 1.0
    private static let most = 900.0

    private let entries = Mutex<[String: Entry]>([:])

    /// Seconds to wait still; nil if there is nothing to wait for.
    func remaining(_ key: String, now: Time) -> Double? {
        entries.withLock { entries in
            guard let entry = entries[key] else { return nil }
            let rest = entry.seconds - now.since(entry.since)
            return rest > 0 ? rest : nil
        }
    }

    /// Notes another failure; a long time without one begins anew.
    func failed(_ key: String, now: Time) {
        entries.withLock { entries in
            entries = entries.filter { now.since($0.value.since) <= Self.most * 2 }
            let seconds = entries[key].map { min($0.seconds * 2, Self.most) } ?? Self.first
            entries[key] = Entry(seconds: seconds, since: now)
        }
    }
}
