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
    private let document = Mutex<JSONDocument?>(nil)
    private let encoded = Mutex<[UInt8]?>(nil)

    /// - Parameter bytes: as `JSONWriter` writes them.
    public init(key: ObjectKey, bytes: [UInt8], revision: Revision) {
        self.key = key
        self.bytes = bytes
        self.revision = revision
    }

    /// The object's value, whose parts are found in the bytes when they are asked for. The table of them is kept.
    public var value: JSONValue {
        document.withLock { document in
            if let document { return document.root }
            document = JSONDocument(written: bytes)
            // What the store holds was written by this server: if it is no JSON, there is nothing to show.
            return document?.root ?? .null
        }
    }

    /// The object in protobuf, without its envelope, as `make` encodes it from the value.
    /// - Parameter keep: for the watchers that will ask for the same. Lists don't keep what they will not need again.
    func protobuf(keep: Bool, _ make: (JSONValue) -> [UInt8]) -> [UInt8] {
        if let known = encoded.withLock({ $0 }) { return known }
        let bytes = make(transientValue)
        if keep { encoded.withLock { $0 = bytes } }
        return bytes
    }

    /// The same for who asks once and for very many objects: the table is not kept if it was not there.
    var transientValue: JSONValue {
        (document.withLock { $0 } ?? JSONDocument(written: bytes))?.root ?? .null
    }

    /// The same content under another revision: what a deletion, or leaving a selector, is announced with.
    func restamped(_ revision: Revision) -> CachedObject {
        var value = self.value
        value.updateMetadata { $0["resourceVersion"] = .string(String(revision)) }
        return CachedObject(key: key, bytes: JSONWriter.bytes(of: value), revision: revision)
    }
}
