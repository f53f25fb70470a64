// What a request is about: read from its method and path, before anything is looked up.

import APISchema
import HTTPServer
import NIOHTTP1

/// What somebody wants to do with a resource; the raw values are those of RBAC rules.
enum Verb: String, Sendable, CaseIterable {
    case get, list, watch, create, update, patch, delete, deletecollection

    /// Whether it is about the objects that selectors choose.
    var isOfMany: Bool { self == .list || self == .watch || self == .deletecollection }

    var isMutating: Bool {
        switch self {
        case .get, .list, .watch: false
        default: true
        }
    }
}

/// The parts of a request's path, as upstream's `RequestInfo` names them.
struct RequestInfo: Sendable {
    /// The path as sent, without the query.
    var path: String
    /// Nil for paths that are no resource, and for methods that mean nothing on one.
    var verb: Verb?
    var isResource = false
    var group = ""
    var version = ""
    var namespace = ""
    var resource = ""
    var name = ""
    var subresource = ""
    /// What follows the subresource (`proxy/…`).
    var rest: [String] = []

    init(method: HTTPMethod, path: String, query: Query) {
        self.path = path
        var parts = Self.split(path)
        guard let root = parts.first, root == "api" || root == "apis", parts.count >= (root == "api" ? 3 : 4) else {
            return
        }
        parts.removeFirst()
        if root == "apis" { group = parts.removeFirst() }
        version = parts.removeFirst()
        var isWatchPath = false
        if parts[0] == "watch", parts.count > 1 {
            isWatchPath = true
            parts.removeFirst()
        }
        isResource = true
        if parts[0] == "namespaces", parts.count > 1 {
            namespace = parts[1]
            // namespaces/NAME and its own subresources are the namespace itself.
            if parts.count > 2, parts[2] != "status", parts[2] != "finalize" { parts.removeFirst(2) }
        }
        resource = parts[0]
        if parts.count > 1 { name = parts[1] }
        if parts.count > 2 { subresource = parts[2] }
        if parts.count > 3 { rest = Array(parts[3...]) }
        verb = Self.verb(method, named: !name.isEmpty, watch: isWatchPath || query.flag("watch"))
        // A subresource of one object is never a list to watch: `proxy/…?watch=1` is somebody else's parameter.
        if !subresource.isEmpty, verb == .watch, !isWatchPath { verb = .get }
        if name.isEmpty, verb == .list || verb == .watch || verb == .deletecollection,
            let selector = query["fieldSelector"], let fields = try? FieldSelector.parse(selector),
            let required = fields.required("metadata.name"), Names.pathSegmentProblem(required) == nil
        {
            selectedName = required
        }
        if isWatchPath, !name.isEmpty {
            selectedName = name
            name = ""
        }
    }

    /// The one name that a list or watch is restricted to by its field selector: authorized like a name in the path.
    var selectedName: String?

    private static func verb(_ method: HTTPMethod, named: Bool, watch: Bool) -> Verb? {
        switch method {
        case .GET, .HEAD: watch && !named ? .watch : watch ? .watch : named ? .get : .list
        case .POST: .create
        case .PUT: .update
        case .PATCH: .patch
        case .DELETE: named ? .delete : .deletecollection
        default: nil
        }
    }

    private static func split(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { part in
            PercentEncoding.decode(part, plusIsSpace: false) ?? String(decoding: part, as: UTF8.self)
        }
    }
}

enum PercentEncoding {
    /// The text that `bytes` stand for; nil where an escape or the UTF-8 is broken.
    static func decode(_ bytes: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        if !bytes.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) {
            return String(Substring(bytes))
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(hex), let low = iterator.next().flatMap(hex) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    /// The text as a value in a query: all but unreserved characters escaped (RFC 3986, 2.3).
    static func encode(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(UnicodeScalar(byte))
            default: escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
