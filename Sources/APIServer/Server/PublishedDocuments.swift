// Discovery and OpenAPI: computed from the schema when somebody first asks, and kept as bytes.

import APISchema
import Dispatch
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

    /// Where large documents are made.
    let queue = DispatchQueue(label: "published-documents")
    private let live: LiveSchema
    private let documents = Mutex<[String: (generation: UInt64, document: Document)]>([:])

    init(_ schema: LiveSchema) { live = schema }

    /// What a document is made from: as long as that does not change, neither does the document.
    private enum Extent {
        case builtin
        case groupVersion(String, String)
        case everything
    }

    private func generation(_ extent: Extent) -> UInt64 {
        switch extent {
        case .builtin: 0
        case .groupVersion(let group, let version): live.generation(group: group, version: version)
        case .everything: live.snapshot.generation
        }
    }

    private var schema: Schema { live.current }

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

    private func cached(
        _ key: String, _ contentType: String, of extent: Extent = .everything, _ make: () -> [UInt8]?
    ) -> Document? {
        let generation = generation(extent)
        if let known = documents.withLock({ $0[key] }), known.generation == generation { return known.document }
        guard let bytes = make() else { return nil }
        let document = Document(bytes: bytes, contentType: contentType)
        documents.withLock { $0[key] = (generation, document) }
        return document
    }

    fileprivate static func tag(_ bytes: [UInt8]) -> String {
        "\"\(String(FNV1a.hash(bytes), radix: 16, uppercase: true))\""
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
    /// What is built in is made once; what CustomResourceDefinitions add is put behind it.
    fileprivate func openAPIV2(_ accept: String) -> Document? {
        // kubectl before 1.27 reads nothing else.
        if OpenAPIV2.acceptsProtobuf(accept) {
            let type = OpenAPIV2.protobufContentType
            return cached("openapi/v2 protobuf", type) {
                guard
                    let builtin = cached(
                        "openapi/v2 protobuf builtin", type, of: .builtin, { OpenAPIV2.protobuf(live.base) })
                else { return nil }
                return Array(builtin.body.readableBytesView) + OpenAPIV2.customProtobuf(schema)
            }
        }
        return cached("openapi/v2", "application/json") {
            guard
                let builtin = cached(
                    "openapi/v2 builtin", "application/json", of: .builtin,
                    { JSONWriter.bytes(of: OpenAPIV2.document(live.base)) })
            else { return nil }
            let (paths, definitions) = OpenAPIV2.customPart(schema)
            let bytes = Array(builtin.body.readableBytesView)
            return Self.insert(paths, into: Self.insert(definitions, into: bytes, under: "definitions"), under: "paths")
        }
    }

    /// Puts fields at the beginning of the object that stands under `key` at the top of a document.
    static func insert(_ fields: JSONObject, into document: [UInt8], under key: String) -> [UInt8] {
        guard !fields.isEmpty else { return document }
        let opening = Array("\"\(key)\":{".utf8)
        guard let start = document.firstRange(of: opening) else { return document }
        let content = JSONWriter.bytes(of: .object(fields)).dropFirst().dropLast()
        let isEmpty = start.upperBound < document.endIndex && document[start.upperBound] == UInt8(ascii: "}")
        return Array(document[..<start.upperBound]) + content + (isEmpty ? [] : [UInt8(ascii: ",")])
            + document[start.upperBound...]
    }

    /// `/openapi/v3`, `/openapi/v3/api/v1` and `/openapi/v3/apis/GROUP/VERSION`.
    fileprivate func openAPIV3(_ parts: [String], _ accept: String) -> Document? {
        if parts.isEmpty {
            return cached("openapi/v3", "application/json") {
                let index = OpenAPIV3.index(schema) { group, version in
                    openAPIV3(group, version)?.tag.filter { $0 != "\"" }
                }
                return JSONWriter.bytes(of: index)
            }
        }
        switch (parts[0], parts.count) {
        case ("api", 2): return openAPIV3("", parts[1])
        case ("apis", 3): return openAPIV3(parts[1], parts[2])
        default: return nil
        }
    }

    private func openAPIV3(_ group: String, _ version: String) -> Document? {
        let schema = schema
        guard schema.group(group)?.versions.contains(version) == true else { return nil }
        return cached("openapi/v3/\(group)/\(version)", "application/json", of: .groupVersion(group, version)) {
            OpenAPIV3.document(schema, group: group, version: version).map { JSONWriter.bytes(of: $0) }
        }
    }
}
