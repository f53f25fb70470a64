// Audit events over the wire, and those of components in this process.

import Dispatch
import JSON
import KubeTypes
import Logging
import Synchronization
import Testing

@testable import APIServer

private typealias UserInfo = InProcessAPI.User

@Suite struct AuditWebhookTests {
    private static func line(_ number: Int) -> [UInt8] { Array(#"{"kind":"Event","auditID":"\#(number)"}"#.utf8) }

    private static func configuration(_ server: WebhookServer) -> AuditWebhook.Configuration {
        var configuration = AuditWebhook.Configuration(url: server.url + "/audit")
        configuration.authorityPEM = server.authority.certificatePEM
        configuration.batchSize = 10
        configuration.backoff = .milliseconds(1)
        return configuration
    }

    /// Waits where nobody else has to.
    private static func flush(_ webhook: AuditWebhook) async {
        await withCheckedContinuation { done in
            DispatchQueue.global().async {
                webhook.flush()
                done.resume()
            }
        }
    }

    @Test func sendsBatchesInOrder() async throws {
        let lists = Mutex<[JSONValue]>([])
        let server = try await WebhookServer { _, list in
            // The first one is to be sent again.
            let isFirst = lists.withLock { lists in
                lists.append(list)
                return lists.count == 1
            }
            return isFirst ? ["httpStatus": 503] : [:]
        }
        let webhook = try AuditWebhook(Self.configuration(server), logger: Logger(label: "test"))
        for number in 0..<25 { webhook.write(Self.line(number)) }
        await Self.flush(webhook)
        let received = lists.withLock { $0 }
        #expect(received.allSatisfy { $0["kind"] == "EventList" && $0["apiVersion"] == "audit.k8s.io/v1" })
        #expect(received.first == received.dropFirst().first)
        let ids = received.dropFirst().flatMap { $0["items"]?.arrayValue ?? [] }.map { $0["auditID"]?.stringValue }
        #expect(ids == (0..<25).map { "\($0)" })
        #expect(received.allSatisfy { ($0["items"]?.arrayValue?.count ?? 0) <= 10 })
        await server.stop()
    }

    @Test func givesUpAndDropsWhatIsTooMuch() async throws {
        let requests = Mutex(0)
        let server = try await WebhookServer { _, _ in
            requests.withLock { $0 += 1 }
            return ["httpStatus": 500]
        }
        var configuration = Self.configuration(server)
        configuration.attempts = 3
        configuration.bufferSize = 5
        let webhook = try AuditWebhook(configuration, logger: Logger(label: "test"))
        for number in 0..<8 { webhook.write(Self.line(number)) }
        await Self.flush(webhook)
        #expect(requests.withLock { $0 } == 3)
        await server.stop()
    }

    private final class Lines: AuditSink {
        private let lines = Mutex<[[UInt8]]>([])
        func write(_ line: [UInt8]) { lines.withLock { $0.append(line) } }
        func flush() {}
        var events: [JSONValue] { lines.withLock { $0 }.compactMap { try? JSONParser.parse($0) } }
    }

    @Test func componentsInTheProcessAreLogged() async throws {
        let sink = Lines()
        let policy = try AuditPolicy(
            Array(
                """
                apiVersion: audit.k8s.io/v1
                kind: Policy
                rules:
                - {level: RequestResponse, users: ["system:kube-scheduler", "jane"]}
                """.utf8))
        let plane = try await ControlPlane(audit: Audit(policy: policy, sink: AuditSinks([sink])))
        let scheduler = plane.server.inProcess(
            as: UserInfo(name: "system:kube-scheduler", groups: ["system:authenticated"]))
        _ = try? await scheduler.call(
            APICall(
                verb: "create", group: "coordination.k8s.io", version: "v1", resource: "leases",
                namespace: "kube-system",
                body: [
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "kube-scheduler"],
                ]))
        let last = try #require(sink.events.last)
        #expect(last["stage"] == "ResponseComplete")
        #expect(last["requestURI"] == "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases")
        #expect(last["userAgent"] == "kube-scheduler")
        #expect(last[path: "objectRef", "resource"] == "leases")
        #expect(last[path: "objectRef", "name"] == "kube-scheduler")
        #expect(last[path: "requestObject", "kind"] == "Lease")
        #expect(last[path: "annotations", "authorization.k8s.io/decision"] != nil)
        // Who may not is logged, too.
        let jane = plane.server.inProcess(as: UserInfo(name: "jane"))
        let list = APICall(verb: "list", group: "", version: "v1", resource: "secrets", query: [("limit", "5")])
        await #expect(throws: APIError.self) { try await jane.call(list) }
        #expect(sink.events.last?["requestURI"] == "/api/v1/secrets?limit=5")
        #expect(sink.events.last?[path: "responseStatus", "code"] == 403)
        let watch = try scheduler.watch(APICall(verb: "watch", group: "", version: "v1", resource: "pods"))
        #expect(sink.events.last?["stage"] == "ResponseStarted")
        _ = watch
        plane.server.stop()
    }
}
