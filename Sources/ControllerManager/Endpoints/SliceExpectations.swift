import KubeTypes
import Synchronization

/// The EndpointSlices that were created and changed and that the cache has not shown in this form yet.
final class SliceExpectations: Sendable {
    private struct Written {
        var uid: String
        var resourceVersion: String
        var at: Time
    }

    /// By service, then by the slice's name.
    private let written = Mutex<[ObjectKey: [String: Written]]>([:])
    private static let timeoutSeconds = 60.0

    func expect(_ slice: EndpointSlice, service: ObjectKey, now: Time) {
        written.withLock {
            $0[service, default: [:]][slice.name] = Written(
                uid: slice.uid, resourceVersion: slice.resourceVersion, at: now)
        }
    }

    /// A deletion ends the expectation: the slice was there, and is gone.
    func observe(_ slice: EndpointSlice, deleted: Bool) {
        guard deleted, let service = slice.labels[EndpointSlicePlan.serviceName] else { return }
        let key = ObjectKey(namespace: slice.namespace, name: service)
        written.withLock { written in
            guard written[key]?[slice.name]?.uid == slice.uid else { return }
            written[key]?[slice.name] = nil
        }
    }

    /// Whether the cache holds what was written, or something later. What is met, or has waited too long, is forgotten.
    func areMet(by slices: [EndpointSlice], service: ObjectKey, now: Time) -> Bool {
        written.withLock { written in
            guard let expected = written[service] else { return true }
            let remaining = expected.filter { name, write in
                if now.since(write.at) > Self.timeoutSeconds { return false }
                guard let cached = slices.first(where: { $0.name == name }) else { return true }
                if cached.uid != write.uid || cached.resourceVersion == write.resourceVersion { return false }
                // Revisions grow; should they not be numbers, any other than the one written may be the later one.
                guard let cached = Int(cached.resourceVersion), let wrote = Int(write.resourceVersion) else {
                    return false
                }
                return cached < wrote
            }
            written[service] = remaining.isEmpty ? nil : remaining
            return remaining.isEmpty
        }
    }
}
