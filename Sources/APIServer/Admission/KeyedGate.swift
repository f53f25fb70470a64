// Lets one task at a time through for each key, in the order in which they came.

import Synchronization

final class KeyedGate: Sendable {
    /// Who waits for a key; a key with no entry is free.
    private let waiting = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    func enter(_ key: String) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                guard waiting[key] == nil else {
                    waiting[key]?.append(continuation)
                    return false
                }
                waiting[key] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func leave(_ key: String) {
        let next: CheckedContinuation<Void, Never>? = waiting.withLock { waiting in
            guard let queue = waiting[key], let first = queue.first else {
                waiting[key] = nil
                return nil
            }
            waiting[key] = Array(queue.dropFirst())
            return first
        }
        next?.resume()
    }
}
