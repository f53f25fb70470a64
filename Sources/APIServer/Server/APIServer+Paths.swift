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
            // Making these documents takes longer than an event loop should be kept.
            Task { self.publish(path, request, exchange) }
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
        respond(with: document, request, exchange)
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
            + registry.webhookMetrics.text + fairnessMetrics()
    }

    // MARK: Health

    private func respondWithHealth(_ parts: [String], _ exchange: Exchange) {
        let kind = parts[0]
        let checks = healthChecks(kind)
        if parts.count > 1 {
            let name = parts.dropFirst().joined(separator: "/")
            guard let check = checks.first(where: { $0.name == name }) else { return exchange.sendNotFoundPage() }
            return check.isHealthy
                ? exchange.sendText(200, "ok")
                : exchange.sendText(500, "internal server error: \(check.name): not finished\n")
        }
        let excluded = Set(exchange.query.all("exclude"))
        var text = ""
        var isHealthy = true
        for check in checks {
            if excluded.contains(check.name) {
                text += "[+]\(check.name) excluded: ok\n"
            } else if check.isHealthy {
                text += "[+]\(check.name) ok\n"
            } else {
                isHealthy = false
                text += "[-]\(check.name) failed: reason withheld\n"
            }
        }
        if !isHealthy { return exchange.sendText(500, "\(text)\(kind) check failed\n") }
        exchange.sendText(200, exchange.query["verbose"] == nil ? "ok" : "\(text)\(kind) check passed\n")
    }

    private func healthChecks(_ kind: String) -> [(name: String, isHealthy: Bool)] {
        var checks = [(name: "ping", isHealthy: true), (name: "log", isHealthy: true), (name: "etcd", isHealthy: true)]
        if kind != "livez" {
            for hook in [
                "poststarthook/start-apiserver-admission-initializer", "poststarthook/rbac/bootstrap-roles",
                "poststarthook/scheduling/bootstrap-system-priority-classes", "informer-sync",
            ] {
                checks.append((name: hook, isHealthy: isReady))
            }
            checks.append((name: "shutdown", isHealthy: !isShuttingDown))
        }
        return checks
    }
}
