import JSON
import KubeTypes
import Storage
import Synchronization

/// An object as the watch cache holds it: the bytes that go to clients, and, once somebody asked, the value.
public final class CachedObject: Sendable {
    public let key: ObjectKey
    /// The object in its storage version, resourceVersion in place.
    public let bytes: [UInt8]
    public let revision: Revision
    private let parsed = Mutex<JSONValue?>(nil)

    public init(key: ObjectKey, bytes: [UInt8], revision: Revision, value: JSONValue? = nil) {
        self.key = key
        self.bytes = bytes
        self.revision = revision
        if let value { parsed.withLock { $0 = value } }
    }

    /// The object's value, parsed once.
    public var value: JSONValue {
        parsed.withLock { parsed in
            if let parsed { return parsed }
            // What the store holds was written by this server: if it does not parse, there is nothing to show.
            let value = (try? JSONParser.parse(bytes)) ?? .null
            parsed = value
            return value
        }
    }

    /// The same content under another revision: what a deletion, or leaving a selector, is announced with.
    func restamped(_ revision: Revision) -> CachedObject {
        var value = self.value
        value.updateMetadata { $0["resourceVersion"] = .string(String(revision)) }
        return CachedObject(key: key, bytes: JSONWriter.bytes(of: value), revision: revision, value: value)
    }
}
