// What the proxy says of itself, where kube-proxy says it: /healthz and /livez on port 10256, for load balancers;
// /proxyMode and /metrics on port 10249 of loopback.

import HTTPServer
import JSON
import KubeClient
import KubeTypes
import Logging
import NIOCore
import Synchronization

/// Whether changes reach the kernel in time.
final class ProxyHealth: Sendable {
    static let healthPort = 10256
    static let statusPort = 10249
    /// For how long a change may wait.
    private static let patience = Duration.seconds(60)

    private struct State {
        /// Since when a change waits that the kernel does not have yet.
        var waiting: ContinuousClock.Instant?
        var synced: Time?
        var count = 0
        var failures = 0
        /// False when the node is to be taken away: then load balancers should send their traffic elsewhere.
        var isEligible = true
    }

    private let state = Mutex(State())
    private let mode: ProxyMode
    private let logger: Logger

    init(mode: ProxyMode, logger: Logger) {
        self.mode = mode
        self.logger = logger
    }

    /// A change is about to be written.
    func begin(now: ContinuousClock.Instant = .now) {
        state.withLock { if $0.waiting == nil { $0.waiting = now } }
    }

    /// The kernel has all changes.
    func finish() {
        state.withLock { state in
            state.waiting = nil
            state.synced = wallClockTime()
            state.count += 1
        }
    }

    func fail() { state.withLock { $0.failures += 1 } }
    func setEligible(_ isEligible: Bool) { state.withLock { $0.isEligible = isEligible } }

    /// Status and text for a path; nil where there is nothing.
    func answer(_ path: String, now: ContinuousClock.Instant = .now, time: Time = wallClockTime()) -> (
        isGood: Bool, type: String, text: String
    )? {
        let state = state.withLock(\.self)
        let isHealthy = state.waiting.map { now - $0 < Self.patience } ?? true
        func report(_ isGood: Bool, _ more: JSONValue?) -> (isGood: Bool, type: String, text: String) {
            var json: JSONValue = [
                // Nothing to do is as good as done just now.
                "lastUpdated": isGood ? time.field : state.synced?.field ?? "0001-01-01T00:00:00Z",
                "currentTime": time.field,
            ]
            if let more { json["nodeEligible"] = more }
            return (isGood, "application/json", JSONWriter.text(of: json))
        }
        switch path {
        case "/healthz": return report(isHealthy && state.isEligible, .bool(state.isEligible))
        case "/livez": return report(isHealthy, nil)
        case "/proxyMode": return (true, "text/plain; charset=utf-8", mode.rawValue)
        case "/metrics":
            let lines = [
                "# TYPE kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds \(state.synced?.seconds ?? 0)",
                "# TYPE martlet_proxy_syncs_total counter", "martlet_proxy_syncs_total \(state.count)",
                "# TYPE kubeproxy_sync_proxy_rules_nftables_sync_failures_total counter",
                "kubeproxy_sync_proxy_rules_nftables_sync_failures_total \(state.failures)",
            ]
            return (true, "text/plain; version=0.0.4", lines.joined(separator: "\n") + "\n")
        default: return nil
        }
    }

    private struct Responder: HTTPResponder {
        let health: ProxyHealth
        let paths: Set<String>

        func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
            let path = String(request.target.prefix { $0 != "?" })
            guard paths.contains(path), let (isGood, type, text) = health.answer(path) else {
                response.send(.notFound, headers: ["content-type": "text/plain"], body: [])
                return
            }
            response.send(
                isGood ? .ok : .serviceUnavailable,
                headers: ["content-type": type, "x-content-type-options": "nosniff"], body: [ByteBuffer(string: text)])
        }
    }

    /// Serves until the task is cancelled. A port that somebody else has is left to them.
    /// - Parameter address: the node's own.
    func run(on address: String) async {
        let health = Responder(health: self, paths: ["/healthz", "/livez"])
        let status = Responder(health: self, paths: ["/healthz", "/livez", "/proxyMode", "/metrics"])
        var servers: [HTTPServer] = []
        for (host, port, responder) in [
            (address, Self.healthPort, health), ("127.0.0.1", Self.healthPort, health),
            ("127.0.0.1", Self.statusPort, status),
        ] {
            do {
                servers.append(
                    try await HTTPServer.start(
                        HTTPServer.Configuration(host: host, port: port, logger: logger), responder: responder))
            } catch { logger.info("the proxy's health at \(host):\(port): \(error)") }
        }
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        for server in servers { await server.shutdown(grace: .zero) }
    }
}
