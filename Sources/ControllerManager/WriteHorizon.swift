import KubeTypes
import Synchronization

/// Up to which revision a controller has written for a key, and therefore must have read before it decides again: the
/// expectations of controllers whose pods have names of their own.
///
/// Revisions are one ordered log, so that a copy which has come to a later revision shows every earlier write.
final class WriteHorizon<Key: Hashable & Sendable>: Sendable {
    private let horizons = Mutex<[Key: String]>([:])

    /// Notes a write of an object that has this resourceVersion since.
    func wrote(_ resourceVersion: String, for key: Key) {
        horizons.withLock { horizons in
            if let known = horizons[key], !Self.isEarlier(known, than: resourceVersion) { return }
            horizons[key] = resourceVersion
        }
    }

    /// Whether a copy at `resourceVersion` shows everything that was written for the key.
    func isReached(by resourceVersion: String, for key: Key) -> Bool {
        horizons.withLock { horizons in
            guard let horizon = horizons[key] else { return true }
            guard !Self.isEarlier(resourceVersion, than: horizon) else { return false }
            horizons[key] = nil
            return true
        }
    }

    func forget(_ key: Key) { horizons.withLock { $0[key] = nil } }

    /// Revisions are decimal numbers without leading zeros, of any length (API concepts, *Resource versions*).
    static func isEarlier(_ left: String, than right: String) -> Bool {
        left.utf8.count == right.utf8.count ? left < right : left.utf8.count < right.utf8.count
    }
}
