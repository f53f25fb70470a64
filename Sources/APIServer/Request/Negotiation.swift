// In which form an answer goes out: chosen from the Accept header, as upstream's content negotiation does it.

import APISchema
import KubeTypes
import NIOHTTP1

/// The form of an answer.
struct ResponseForm: Sendable, Hashable {
    enum Encoding: Sendable, Hashable { case json, yaml, protobuf }
    /// What is shown of an object; the version is that of meta.k8s.io.
    enum View: Sendable, Hashable {
        case full
        case table(version: String)
        /// `PartialObjectMetadata`, or with `list`, `PartialObjectMetadataList`.
        case partial(version: String, list: Bool)
    }

    /// What can be answered in which form.
    struct Offer: Sendable {
        /// Custom resources have no protobuf.
        var protobuf = true
        /// What nobody lists, reviews for one, has no table.
        var table = true
        /// YAML has no form for a stream.
        var isWatch = false

        fileprivate var text: String {
            ["application/json", isWatch ? nil : "application/yaml", protobuf ? Schema.protobufMediaType : nil]
                .compactMap { $0 }.joined(separator: ", ")
        }
    }

    var encoding = Encoding.json
    var view = View.full
    var pretty = false

    var contentType: String {
        switch encoding {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: Schema.protobufMediaType
        }
    }

    /// That of a watch's answer.
    var streamContentType: String { encoding == .json ? contentType : "\(contentType);stream=watch" }

    /// Chooses from an Accept header; none, or `*/*`, means JSON.
    static func negotiate(
        accept: [String], pretty: Bool, offer: Offer = Offer()
    ) throws(APIError) -> ResponseForm {
        let header = accept.joined(separator: ",")
        if header.isEmpty || header == "application/json" || header == "*/*" { return ResponseForm(pretty: pretty) }
        for clause in clauses(of: header) {
            if var form = form(for: clause, offer) {
                form.pretty = pretty
                return form
            }
        }
        throw .notAcceptable("only the following media types are accepted: \(offer.text)")
    }

    private struct Clause {
        var type: Substring
        var parameters: [(name: String, value: String)]
        var quality: Double
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    /// The clauses of the header, best first.
    private static func clauses(of header: String) -> [Clause] {
        let clauses = header.split(separator: ",").prefix(64).map { text -> Clause in
            var parts = text.split(separator: ";").map(trim)
            let type = parts.isEmpty ? "" : parts.removeFirst()
            var clause = Clause(type: type, parameters: [], quality: 1)
            for part in parts {
                let pair = part.split(separator: "=", maxSplits: 1)
                guard pair.count == 2 else { continue }
                let name = String(trim(pair[0]))
                let value = String(trim(pair[1]))
                if name == "q" { clause.quality = Double(value) ?? 1 } else { clause.parameters.append((name, value)) }
            }
            return clause
        }
        // Stable, so that the client's order decides between equals.
        return clauses.enumerated().sorted { ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset) }
            .map(\.element)
    }

    private static func form(for clause: Clause, _ offer: Offer) -> ResponseForm? {
        var form = ResponseForm()
        switch clause.type {
        case "application/json", "*/*", "application/*": form.encoding = .json
        case "application/yaml" where !offer.isWatch: form.encoding = .yaml
        case Schema.protobufMediaType[...] where offer.protobuf: form.encoding = .protobuf
        default: return nil
        }
        var kind = ""
        var group = ""
        var version = ""
        for (name, value) in clause.parameters {
            switch name {
            case "as": kind = value
            case "g": group = value
            case "v": version = value
            default: continue
            }
        }
        guard !kind.isEmpty else { return form }
        guard group == "meta.k8s.io", version == "v1" || version == "v1beta1" else { return nil }
        switch kind {
        case "Table":
            guard offer.table, form.encoding != .protobuf else { return nil }
            form.view = .table(version: version)
        case "PartialObjectMetadata": form.view = .partial(version: version, list: false)
        case "PartialObjectMetadataList": form.view = .partial(version: version, list: true)
        default: return nil
        }
        return form
    }
}

extension APIError {
    static func notAcceptable(_ message: String) -> APIError {
        APIError(code: 406, reason: "NotAcceptable", message: message)
    }
}

/// The form of a request's body.
enum BodyFormat: Sendable {
    case json, yaml, protobuf

    /// From a Content-Type header; none means JSON.
    static func of(contentType: String?) throws(APIError) -> BodyFormat {
        switch mediaType(contentType) {
        case "", "application/json": return .json
        case "application/yaml", "application/x-yaml", "text/yaml": return .yaml
        case Schema.protobufMediaType: return .protobuf
        default: throw unsupported("application/json, application/yaml, \(Schema.protobufMediaType)")
        }
    }

    static func mediaType(_ contentType: String?) -> String {
        guard let contentType else { return "" }
        let type = contentType.prefix { $0 != ";" }
        return type.filter { $0 != " " }.lowercased()
    }

    static func unsupported(_ accepted: String) -> APIError {
        APIError(
            code: 415, reason: "UnsupportedMediaType",
            message: "the body of the request was in an unknown format - accepted media types include: \(accepted)")
    }
}

/// The kinds of patches.
enum PatchType: String, Sendable, CaseIterable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"

    static func of(contentType: String?) throws(APIError) -> PatchType {
        let type = BodyFormat.mediaType(contentType)
        guard let patch = PatchType(rawValue: type) else {
            throw BodyFormat.unsupported(PatchType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return patch
    }
}
