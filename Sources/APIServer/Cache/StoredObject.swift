// How objects lie in the store: their JSON without a resourceVersion, followed by where it belongs.
//
// The revision is known only when the write is committed, so it is put in when the object is read back, by one copy:
// the last four bytes are the offset (big endian) at which `,"resourceVersion":"N"` goes.

import JSON
import KubeTypes
import Storage

enum StoredObject {
    private static let firstMetadata = ["name", "generateName", "namespace", "uid"]

    /// The stored form of an object: kind, apiVersion and metadata first, the rest in the order it has.
    static func encode(_ value: JSONValue) -> [UInt8] {
        guard let object = value.objectValue else { return [] }
        var writer = JSONWriter(reserving: 8192)
        writer.write(raw: "{\"kind\":")
        writer.write(object["kind"] ?? "")
        writer.write(raw: ",\"apiVersion\":")
        writer.write(object["apiVersion"] ?? "")
        writer.write(raw: ",\"metadata\":{\"name\":")
        let metadata = object["metadata"]?.objectValue ?? JSONObject()
        writer.write(metadata["name"] ?? "")
        for key in firstMetadata.dropFirst() {
            guard let field = metadata[key], !field.isEmptyValue else { continue }
            write(key, field, to: &writer)
        }
        let offset = UInt32(writer.count)
        for (key, field) in metadata where key != "resourceVersion" && !firstMetadata.contains(key) {
            if field.isNull { continue }
            write(key, field, to: &writer)
        }
        writer.write(raw: "}")
        for (key, field) in object where key != "kind" && key != "apiVersion" && key != "metadata" {
            write(key, field, to: &writer)
        }
        writer.write(raw: "}")
        writer.write(raw: (0..<4).map { UInt8(truncatingIfNeeded: offset >> (24 - 8 * $0)) })
        return writer.bytes
    }

    private static func write(_ key: String, _ value: JSONValue, to writer: inout JSONWriter) {
        writer.write(raw: ",")
        writer.write(key)
        writer.write(raw: ":")
        writer.write(value)
    }

    /// The JSON that clients get: the stored bytes with the revision in place.
    static func bytes(of stored: [UInt8], revision: Revision) -> [UInt8] {
        guard stored.count > 4 else { return [] }
        let end = stored.count - 4
        let offset = stored[end...].reduce(0) { $0 << 8 | Int($1) }
        guard offset <= end else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end + 48)
        bytes.append(contentsOf: stored[..<offset])
        bytes.append(contentsOf: ",\"resourceVersion\":\"".utf8)
        bytes.append(contentsOf: String(revision).utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: stored[offset..<end])
        return bytes
    }

    /// An object that was read from the store.
    static func object(_ keyValue: KeyValue, key: ObjectKey) -> CachedObject {
        object(keyValue.value, revision: keyValue.modRevision, key: key)
    }

    /// The object that `stored` is at a revision.
    static func object(_ stored: [UInt8], revision: Revision, key: ObjectKey) -> CachedObject {
        CachedObject(key: key, bytes: bytes(of: stored, revision: revision), revision: revision)
    }
}
