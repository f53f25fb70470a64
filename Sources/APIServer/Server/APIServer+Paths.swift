// Paths that are no resources: health, version, metrics, discovery, OpenAPI, and the keys of service account tokens.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1

extension APIServer {
    /// The version that clients are told: the API's, and whose it is.
    public static let gitVersion = "v1.36.0+martlet"

    func respond(toPath request: HTTPRequest, _ path: String, _ user: UserInfo, _ exchange: Exchange) throws(APIError) {
        guard request.method == .GET || request.method == .HEAD else {
            return exchange.sendText(405, "405 method not allowed\n")
        }
        let parts = path.split(separator: "/").map(String.init)
        switch parts.first {
        case nil: exchange.send(["paths": .array(Self.paths.map(JSONValue.string))])
        case "healthz", "livez", "readyz": respondWithHealth(parts, exchange)
        case "version" where parts.count == 1: exchange.send(Self.version)
        case "metrics" where parts.count == 1:
            exchange.sendText(200, metricsText(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        case "openapi":
            // Making these documents takes longer than an event loop, or one of the few threads of tasks, should be kept.
            // One after the other: who waits for a document that is being made then finds it.
            published.queue.async { self.publish(path, request, exchange) }
        case "debug" where parts.count == 3 && parts[1] == "api_priority_and_fairness":
            guard let dump = fairnessDump(parts[2]) else { return exchange.sendNotFoundPage() }
            exchange.sendText(200, dump)
        case "api", "apis": publish(path, request, exchange)
        case ".well-known" where parts == [".well-known", "openid-configuration"]:
            guard let tokens else { return exchange.sendNotFoundPage() }
            exchange.send(tokens.openIDConfiguration)
        case "openid" where parts == ["openid", "v1", "jwks"]:
            guard let tokens else { return exchange.sendNotFoundPage() }
            exchange.send(
                200, ByteBuffer(bytes: JSONWriter.bytes(of: tokens.jwks)), contentType: "application/jwk-set+json")
        default: exchange.sendNotFoundPage()
        }
    }

    private static let paths = [
        "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics",
        "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version",
    ]

    private static let version: JSONValue = [
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": .string(gitVersion), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swift", "platform": .string(platform),
    ]

    private static var platform: String {
        #if arch(arm64)
            "linux/arm64"
        #else
            "linux/amd64"
        #endif
    }

    private func publish(_ path: String, _ request: HTTPRequest, _ exchange: Exchange) {
        let accept = request.headers[canonicalForm: "accept"].map(String.init)
        let own = published.document(path: path, accept: accept)
        guard let document = aggregator.merged(path: path, own) else { return exchange.sendNotFoundPage() }
        if path.hasPrefix("/api"), document.contentType == "application/json", Self.prefersProtobuf(accept),
            let value = try? JSONParser.parse(document.body.readableBytesView), var object = value.objectValue
        {
            object["apiVersion"] = "v1"
            if let bytes = schema.encodeProtobuf(.object(object)) {
                let form = PublishedDocuments.Document(bytes: bytes, contentType: Schema.protobufMediaType)
                return respond(with: form, request, exchange)
            }
        }
        respond(with: document, request, exchange)
    }

    /// Whether a discovery document is wanted in protobuf: it comes before JSON.
    static func prefersProtobuf(_ accept: [String]) -> Bool {
        for clause in accept.joined(separator: ",").split(separator: ",") where !clause.contains("as=") {
            switch String(clause.drop { $0 == " " }.prefix { $0 != ";" }) {
            case Schema.protobufMediaType: return true
            case "application/json", "application/*", "*/*": return false
            default: continue
            }
        }
        return false
    }

    private func respond(with document: PublishedDocuments.Document, _ request: HTTPRequest, _ exchange: Exchange) {
        if request.headers.first(name: "if-none-match") == document.tag {
            exchange.send(
                304, ByteBuffer(), contentType: document.contentType,
                extra: [("etag", document.tag), ("vary", "Accept")])
            return
        }
        exchange.send(
            200, document.body, contentType: document.contentType,
            extra: [("etag", document.tag), ("vary", "Accept"), ("cache-control", "public")])
    }

    private func metricsText() -> String {
        metrics.text(
            objects: cache.all.map { cache in
                let resource = cache.resource
                let name = resource.group.isEmpty ? resource.plural : "\(resource.plural).\(resource.group)"
                return (resource: name, count: cache.count, watchers: cache.watcherCount)
            }, inFlight: mutatingInFlight.load(ordering: .relaxed), revision: cache.revision)
            + deprecationMetrics() + Self.buildInfo + registry.webhookMetrics.text + fairnessMetrics()
    }

    private static var buildInfo: String {
        let labels = [
            ("build_date", "1970-01-01T00:00:00Z"), ("compiler", "swift"), ("git_commit", ""),
            ("git_tree_state", "clean"), ("git_version", gitVersion), ("go_version", ""), ("major", "1"),
            ("minor", "36"), ("platform", platform),
        ]
        let text = labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
        return "# HELP kubernetes_build_info What was built, a constant 1.\n# TYPE kubernetes_build_info gauge\n"
            + "kubernetes_build_info{\(text)} 1\n"
    }

    /// Which versions were asked for that are on their way out, so that one sees what is still to be changed.
    private func deprecationMetrics() -> String {
        var lines: [String] = []
        for key in metrics.requested {
            let row = liveSchema.resource(group: key.group, version: key.version, plural: key.resource)
            guard let warning = row?.deprecation else { continue }
            // `… unavailable in v1.25+ …`
            let removed = warning.range(of: "unavailable in v").map { range in
                String(warning[range.upperBound...].prefix { $0.isNumber || $0 == "." })
            }
            lines.append(
                "apiserver_requested_deprecated_apis{group=\"\(key.group)\",removed_release=\"\(removed ?? "")\","
                    + "resource=\"\(key.resource)\",subresource=\"\(key.subresource)\",version=\"\(key.version)\"} 1\n")
        }
        if lines.isEmpty { return "" }
        return "# HELP apiserver_requested_deprecated_apis Deprecated versions that were asked for.\n"
            + "# TYPE apiserver_requested_deprecated_apis gauge\n" + lines.sorted().joined()
    }
}
