import KubeTypes
import Synchronization

/// Objects as a controller wrote them last, as long as its cache has not shown them: deciding on an older status would
/// do what is done already.
final class WrittenObjects<Object: KubeObject>: Sendable {
    private let held = Mutex<[ObjectKey: Object]>([:])

    func remember(_ object: Object) { held.withLock { $0[object.key] = object } }

    func forget(_ key: ObjectKey) { held.withLock { $0[key] = nil } }

    /// The newer of an object in the cache and as it was written last.
    func newest(_ cached: Object) -> Object {
        held.withLock { held in
            guard let written = held[cached.key] else { return cached }
            if written.uid == cached.uid, let own = Int(written.resourceVersion),
                let seen = Int(cached.resourceVersion), own > seen
            {
                return written
            }
            held[cached.key] = nil
            return cached
        }
    }
}
