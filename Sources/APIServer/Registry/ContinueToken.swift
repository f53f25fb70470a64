// Where a list in pages goes on: the revision of its first page, and the key behind which the next one begins.

import JSON
import KubeTypes
import PKI
import Storage

struct ContinueToken: Sendable {
    /// Nil for a list that goes on with what is there now.
    var revision: Revision?
    var after: ObjectKey

    init(revision: Revision?, after: ObjectKey) {
        self.revision = revision
        self.after = after
    }

    /// Reads a token of `text`'s making.
    init(parsing text: String) throws(APIError) {
        guard let bytes = Base64URL.decode(text), let value = try? JSONParser.parse(bytes),
            value["v"]?.stringValue == "meta.k8s.io/v1", let revision = value["rv"]?.integerValue,
            let start = value["start"]?.stringValue, start.hasSuffix("\0"), revision >= -1
        else { throw .badRequest("continue key is not valid: it was not made by this server") }
        self.revision = revision < 0 ? nil : revision
        let key = start.dropLast()
        if let slash = key.firstIndex(of: "/") {
            after = ObjectKey(namespace: String(key[..<slash]), name: String(key[key.index(after: slash)...]))
        } else {
            after = ObjectKey(name: String(key))
        }
    }

    var text: String {
        let value: JSONValue = [
            "v": "meta.k8s.io/v1", "rv": .integer(revision ?? -1), "start": .string(after.description + "\0"),
        ]
        return Base64URL.encode(JSONWriter.bytes(of: value))
    }
}
