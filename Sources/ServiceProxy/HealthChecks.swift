// The health check node ports of Services with `externalTrafficPolicy: Local`: a load balancer asks there whether this
// node has endpoints of its own.

import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// What one health check port answers.
struct HealthCheck: Sendable, Hashable {
    let service: ObjectKey
    let localEndpoints: Int

    /// One for each port: the first Service that claims it has it. Endpoints that terminate still serve where there are
    /// no others, but new traffic should go to other nodes.
    static func all(_ services: [Service], _ routes: [ServicePortRoute], node: NodeFacts) -> [Int: HealthCheck] {
        let local = Dictionary(grouping: routes) { $0.service }.mapValues { routes in
            Set(routes.flatMap { $0.endpoints.filter { $0.isLocal && $0.ready }.map(\.address) }).count
        }
        var checks: [Int: HealthCheck] = [:]
        for service in services.sorted(by: { $0.key < $1.key }) {
            guard service.spec.type == "LoadBalancer", service.spec.externalTrafficPolicy == "Local",
                let port = service.spec.healthCheckNodePort, port > 0, checks[port] == nil
            else { continue }
            checks[port] = HealthCheck(service: service.key, localEndpoints: local[service.key] ?? 0)
        }
        return checks
    }
}

/// The servers of the health check ports.
actor HealthChecks {
    private final class Responder: HTTPResponder {
        private let check: Mutex<HealthCheck>

        init(_ check: HealthCheck) { self.check = Mutex(check) }

        func set(_ check: HealthCheck) { self.check.withLock { $0 = check } }

        func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
            let check = check.withLock(\.self)
            let body: JSONValue = [
                "service": ["namespace": .string(check.service.namespace), "name": .string(check.service.name)],
                "localEndpoints": .integer(Int64(check.localEndpoints)), "serviceProxyHealthy": true,
            ]
            response.send(
                check.localEndpoints > 0 ? .ok : .serviceUnavailable,
                headers: [
                    "content-type": "application/json", "x-content-type-options": "nosniff",
                    "x-load-balancing-endpoint-weight": "\(check.localEndpoints)",
                ], body: [ByteBuffer(string: JSONWriter.text(of: body))])
        }
    }

    private var servers: [Int: (server: HTTPServer, responder: Responder)] = [:]
    private let host: String
    private let logger: Logger

    init(host: String, logger: Logger) {
        self.host = host
        self.logger = logger
    }

    func apply(_ checks: [Int: HealthCheck]) async {
        for (port, check) in checks {
            if let running = servers[port] {
                running.responder.set(check)
                continue
            }
            let responder = Responder(check)
            do {
                let server = try await HTTPServer.start(
                    HTTPServer.Configuration(host: host, port: port, logger: logger), responder: responder)
                servers[port] = (server, responder)
            } catch {
                logger.error("the health check port of \(check.service): \(error)")
            }
        }
        for (port, running) in servers where checks[port] == nil {
            servers[port] = nil
            await running.server.shutdown(grace: .zero)
        }
    }
}
