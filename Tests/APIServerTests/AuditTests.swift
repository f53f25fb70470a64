import Foundation
import JSON
import KubeTypes
import Synchronization
import Testing

@testable import APIServer

private typealias UserInfo = InProcessAPI.User

private final class MemorySink: AuditSink {
    private let lines = Mutex<[[UInt8]]>([])
    func write(_ line: [UInt8]) { lines.withLock { $0.append(line) } }
    func flush() {}
    var events: [JSONValue] { lines.withLock { $0 }.compactMap { try? JSONParser.parse($0) } }
}

private func policy(_ rules: String, _ more: String = "") throws -> AuditPolicy {
    try AuditPolicy(Array("apiVersion: audit.k8s.io/v1\nkind: Policy\n\(more)\nrules:\n\(rules)".utf8))
}

@Suite struct AuditTests {
    @Test func theFirstRuleThatMatchesDecides() throws {
        let policy = try policy(
            """
            - {level: None, users: ["system:kube-proxy"], verbs: [watch]}
            - {level: None, userGroups: ["system:nodes"]}
            - {level: None, nonResourceURLs: ["/healthz*", "/version"]}
            - {level: Metadata, resources: [{group: "", resources: [secrets, "pods/log"]}]}
            - {level: Request, namespaces: [kube-system]}
            - {level: RequestResponse, resources: [{group: apps}, {group: "", resources: ["*/status"]}]}
            - {level: Metadata, resources: [{group: "", resources: [configmaps], resourceNames: [only]}]}
            """)
        func decide(
            _ user: String = "u", in groups: [String] = [], verb: String = "get", group: String = "",
            of resource: String = "", sub: String = "", namespace: String = "", name: String = "", path: String = ""
        ) -> AuditLevel {
            policy.decide(
                AuditRequest(
                    user: UserInfo(name: user, groups: groups), verb: verb, isResource: path.isEmpty, group: group,
                    resource: resource, subresource: sub, namespace: namespace, name: name, path: path)
            ).level
        }
        #expect(decide("system:kube-proxy", verb: "watch", of: "endpoints", namespace: "kube-system") == .none)
        #expect(decide("system:kube-proxy", verb: "list", of: "endpoints", namespace: "kube-system") == .request)
        #expect(decide("n", in: ["system:nodes"], of: "secrets") == .none)
        #expect(decide(path: "/healthz/etcd") == .none)
        #expect(decide(of: "secrets", namespace: "kube-system") == .metadata)
        #expect(decide(of: "pods", sub: "log") == .metadata)
        #expect(decide(of: "pods") == .none)
        #expect(decide(group: "apps", of: "deployments") == .requestResponse)
        #expect(decide(of: "nodes", sub: "status") == .requestResponse)
        #expect(decide(of: "configmaps", name: "only") == .metadata)
        #expect(decide(of: "configmaps", name: "other") == .none)
    }

    @Test(arguments: [
        ("- {level: Loud}", "rules[0].level: Unsupported value"), ("", "has no rules"),
        ("- {level: None, nonResourceURLs: [\"/x\"], namespaces: [a]}", "both regular resources"),
        ("- {level: None, nonResourceURLs: [\"x\"]}", "must begin with a '/'"),
        ("- {level: None, omitStages: [Never]}", "rules[0].omitStages"),
    ])
    func refusesWhatMakesNoSense(_ rules: String, _ message: String) {
        do {
            _ = try policy(rules)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(message), "\(error)")
        }
    }

    @Test func tellsWhatHappened() async throws {
        let sink = MemorySink()
        let audit = Audit(
            policy: try policy(
                """
                - {level: None, users: ["system:apiserver"]}
                - {level: RequestResponse, resources: [{group: "", resources: [configmaps]}]}
                - {level: Metadata, omitStages: [RequestReceived]}
                """), sink: sink)
        let plane = try await ControlPlane(audit: audit)
        let path = "/api/v1/namespaces/default/configmaps"
        let created = await plane.call(
            .POST, path, configMap("a"), headers: [("User-Agent", "test/1"), ("X-Forwarded-For", "192.0.2.1")])
        #expect(created.status == 201)
        let events = sink.events
        #expect(events.map { $0["stage"]?.stringValue } == ["RequestReceived", "ResponseComplete"])
        let last = try #require(events.last)
        #expect(last["kind"] == "Event")
        #expect(last["level"] == "RequestResponse")
        #expect(last["auditID"]?.stringValue == created.headers.first(name: "audit-id"))
        #expect(last["requestURI"]?.stringValue == path)
        #expect(last["verb"] == "create")
        #expect(last[path: "user", "username"] == "admin")
        #expect(last["sourceIPs"]?[0] == "192.0.2.1")
        #expect(last["userAgent"] == "test/1")
        #expect(last[path: "objectRef", "name"] == "a")
        #expect(last[path: "objectRef", "resource"] == "configmaps")
        #expect(last[path: "responseStatus", "code"] == 201)
        #expect(last[path: "requestObject", "data", "a"] == "1")
        #expect(last[path: "responseObject", "metadata", "uid"]?.stringValue == created.json.uid)
        #expect(last["annotations"]?["authorization.k8s.io/decision"] == "allow")
        #expect(events.first?["responseStatus"] == nil)

        // Refused, as somebody else, and without any name.
        await plane.call(.GET, "/api/v1/namespaces/default/secrets", headers: [("Impersonate-User", "jane")])
        let refused = try #require(sink.events.last)
        #expect(refused[path: "impersonatedUser", "username"] == "jane")
        #expect(refused["annotations"]?["authorization.k8s.io/decision"] == "forbid")
        #expect(refused[path: "responseStatus", "reason"] == "Forbidden")
        #expect(refused["responseObject"] == nil)
        await plane.call(.GET, "/api/v1/nodes", token: "wrong")
        #expect(sink.events.last?[path: "responseStatus", "code"] == 401)

        let watch = plane.begin(.GET, "\(path)?watch=1")
        _ = await watch.events(1)
        #expect(sink.events.last?["stage"] == "ResponseStarted")
        watch.close()
        #expect(sink.events.last?["stage"] == "ResponseComplete")
        plane.server.stop()
    }

    @Test func rotatesItsFile() throws {
        let folder = "/tmp/martlet-audit-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = AuditLogFile.Options(path: "\(folder)/audit.log")
        options.maxSize = 1
        options.maxBackups = 2
        let log = try AuditLogFile(options, logger: .init(label: "test"))
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 600 << 10)
        for _ in 0..<6 {
            log.write(line)
            log.flush()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(names.count == 3)
        #expect(names.last == "audit.log")
        let permissions = try FileManager.default.attributesOfItem(atPath: "\(folder)/audit.log")[.posixPermissions]
        #expect(permissions as? Int == 0o600)
        #expect(throws: AuditPolicyError.self) {
            try AuditLogFile(.init(path: "\(folder)/none/audit.log"), logger: .init(label: "test"))
        }
    }
}
