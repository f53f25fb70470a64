// Discovery and OpenAPI: computed from the schema when somebody first asks, and kept as bytes.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import PKI
import Synchronization

final class PublishedDocuments: Sendable {
    struct Document: Sendable {
        let body: ByteBuffer
        let contentType: String
        /// Changes with the content.
        let tag: String

        init(bytes: [UInt8], contentType: String) {
            body = ByteBuffer(bytes: bytes)
            self.contentType = contentType
            tag = PublishedDocuments.tag(bytes)
        }
    }

    private let schema: Schema
    private let documents = Mutex<[String: Document]>([:])

    init(_ schema: Schema) { self.schema = schema }

    /// The document at a path, in the form that Accept asks for; nil if there is none.
    func document(path: String, accept: [String]) -> Document? {
        let accept = accept.joined(separator: ",")
        let parts = path.split(separator: "/").map(String.init)
        switch parts.first {
        case "api", "apis": return discovery(parts, accept)
        case "openapi": return openAPI(parts, accept)
        default: return nil
        }
    }

    private func discovery(_ parts: [String], _ accept: String) -> Document? {
        let isCore = parts[0] == "api"
        if parts.count == 1 {
            if let version = Self.aggregatedVersion(accept) {
                return cached("\(parts[0]) \(version)", Discovery.aggregatedContentType(version: version)) {
                    JSONWriter.bytes(of: Discovery.aggregated(schema, core: isCore, version: version))
                }
            }
            return json(parts[0]) { isCore ? Discovery.versions(schema) : Discovery.groupList(schema) }
        }
        if isCore {
            guard parts.count == 2 else { return nil }
            return json("api/\(parts[1])") {
                Discovery.resourceList(schema, group: "", version: parts[1], hash: Self.storageVersionHash)
            }
        }
        switch parts.count {
        case 2: return json("apis/\(parts[1])") { Discovery.group(schema, parts[1]) }
        case 3:
            return json("apis/\(parts[1])/\(parts[2])") {
                Discovery.resourceList(
                    schema, group: parts[1], version: parts[2], hash: Self.storageVersionHash)
            }
        default: return nil
        }
    }

    /// The version of aggregated discovery that comes first in Accept; nil if none does.
    static func aggregatedVersion(_ accept: String) -> String? {
        for clause in accept.split(separator: ",") where clause.contains("as=APIGroupDiscoveryList") {
            let version = clause.split(separator: ";").first { $0.drop { $0 == " " }.hasPrefix("v=") }
            switch version?.drop(while: { $0 == " " }).dropFirst(2) {
            case "v2": return "v2"
            case "v2beta1": return "v2beta1"
            default: continue
            }
        }
        return nil
    }

    /// The first eight bytes of its SHA-256 in base64, as upstream has it: clients compare it, no more.
    private static func storageVersionHash(_ version: String) -> String {
        Base64.encode(Array(Digest.sha256(version).prefix(8)))
    }

    private func json(_ key: String, _ make: () -> JSONValue?) -> Document? {
        cached(key, "application/json") { make().map { JSONWriter.bytes(of: $0) } }
    }

    func cached(_ key: String, _ contentType: String, _ make: () -> [UInt8]?) -> Document? {
        if let known = documents.withLock({ $0[key] }) { return known }
        guard let bytes = make() else { return nil }
        let document = Document(bytes: bytes, contentType: contentType)
        documents.withLock { $0[key] = document }
        return document
    }

    /// FNV-1a: tells contents apart, no more.
    fileprivate static func tag(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\"\(String(hash, radix: 16, uppercase: true))\""
    }

    private func openAPI(_ parts: [String], _ accept: String) -> Document? {
        guard parts.count >= 2 else { return nil }
        switch parts[1] {
        case "v2":
            guard parts.count == 2 else { return nil }
            return openAPIV2(accept)
        case "v3": return openAPIV3(Array(parts.dropFirst(2)), accept)
        default: return nil
        }
    }
}

extension PublishedDocuments {
    fileprivate func openAPIV2(_ accept: String) -> Document? {
        // kubectl before 1.27 reads nothing else.
        if OpenAPIV2.acceptsProtobuf(accept) {
            return cached("openapi/v2 protobuf", OpenAPIV2.protobufContentType) { OpenAPIV2.protobuf(schema) }
        }
        return cached("openapi/v2", "application/json") { JSONWriter.bytes(of: OpenAPIV2.document(schema)) }
    }

    /// `/openapi/v3`, `/openapi/v3/api/v1` and `/openapi/v3/apis/GROUP/VERSION`.
    fileprivate func openAPIV3(_ parts: [String], _ accept: String) -> Document? {
        if parts.isEmpty {
            return cached("openapi/v3", "application/json") { JSONWriter.bytes(of: OpenAPIV3.index(schema)) }
        }
        let group: String
        let version: String
        switch (parts[0], parts.count) {
        case ("api", 2): (group, version) = ("", parts[1])
        case ("apis", 3): (group, version) = (parts[1], parts[2])
        default: return nil
        }
        guard schema.group(group)?.versions.contains(version) == true else { return nil }
        return cached("openapi/v3/\(group)/\(version)", "application/json") {
            OpenAPIV3.document(schema, group: group, version: version).map { JSONWriter.bytes(of: $0) }
        }
    }
}
