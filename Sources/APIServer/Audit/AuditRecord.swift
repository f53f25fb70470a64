// One request's audit events, from its arrival to the end of its answer.

import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import Synchronization

/// Decides and writes.
public struct Audit: Sendable {
    let policy: AuditPolicy
    let sink: any AuditSink

    public init(policy: AuditPolicy, sink: any AuditSink) {
        self.policy = policy
        self.sink = sink
    }
}

final class AuditRecord: Sendable {
    private struct State {
        /// What is known so far of the fields that every event has.
        var fields: JSONObject
        var requestObject: JSONValue?
        var isComplete = false
    }

    let level: AuditLevel
    let annotations = AuditAnnotations()
    private let decision: AuditPolicy.Decision
    private let sink: any AuditSink
    private let now: @Sendable () -> Time
    private let received: Time
    private let state: Mutex<State>

    /// What is logged of where a request came from.
    private struct Origin {
        var uri: String
        var addresses: [String] = []
        var userAgent: String?
    }

    /// Nil where the policy wants nothing of the request. Otherwise the request's arrival is written.
    convenience init?(
        _ audit: Audit, _ http: HTTPRequest, _ info: RequestInfo, user: UserInfo, impersonated: UserInfo?,
        auditID: String, now: @escaping @Sendable () -> Time
    ) {
        var request = AuditRequest(
            user: user, verb: info.verb?.rawValue ?? http.method.rawValue.lowercased(), isResource: info.isResource)
        if info.isResource {
            request.group = info.group
            request.resource = info.resource
            request.subresource = info.subresource
            request.namespace = info.namespace
            request.name = info.name
        } else {
            request.verb = http.method.rawValue.lowercased()
        }
        request.path = info.path
        let origin = Origin(
            uri: http.target, addresses: Self.addresses(http), userAgent: http.headers.first(name: "user-agent"))
        self.init(audit, request, info.version, origin, impersonated: impersonated, auditID: auditID, now: now)
    }

    /// The same for a call from inside the process.
    convenience init?(
        _ audit: Audit, _ call: APICall, user: UserInfo, auditID: String, now: @escaping @Sendable () -> Time
    ) {
        let request = AuditRequest(
            user: user, verb: call.verb, isResource: true, group: call.group, resource: call.resource,
            subresource: call.subresource, namespace: call.namespace, name: call.name, path: call.path)
        var origin = Origin(uri: call.path, userAgent: user.componentName)
        if !call.query.isEmpty {
            origin.uri += "?" + call.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        }
        self.init(audit, request, call.version, origin, impersonated: nil, auditID: auditID, now: now)
    }

    private init?(
        _ audit: Audit, _ request: AuditRequest, _ version: String, _ origin: Origin, impersonated: UserInfo?,
        auditID: String, now: @escaping @Sendable () -> Time
    ) {
        decision = audit.policy.decide(request)
        guard decision.level != .none else { return nil }
        level = decision.level
        sink = audit.sink
        self.now = now
        received = now()
        var fields: JSONObject = [
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": .string(decision.level.rawValue),
            "auditID": .string(auditID), "stage": "", "requestURI": .string(origin.uri),
            "verb": .string(request.verb), "user": Self.json(request.user),
        ]
        if let impersonated { fields["impersonatedUser"] = Self.json(impersonated) }
        if !origin.addresses.isEmpty { fields["sourceIPs"] = .array(origin.addresses.map(JSONValue.string)) }
        if let agent = origin.userAgent {
            // Upstream cuts it, too: a client must not fill the log.
            let text = String(agent.unicodeScalars.prefix(1024))
            fields["userAgent"] = .string(text.utf8.count < agent.utf8.count ? text + "...TRUNCATED" : agent)
        }
        if request.isResource { fields["objectRef"] = Self.reference(request, version) }
        state = Mutex(State(fields: fields))
        write(.requestReceived, [:])
    }

    private static func json(_ user: UserInfo) -> JSONValue {
        var object: JSONObject = ["username": .string(user.name)]
        if !user.uid.isEmpty { object["uid"] = .string(user.uid) }
        object.set("groups", user.groups)
        if !user.extra.isEmpty {
            var extra: JSONObject = [:]
            for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) {
                extra[key] = .array(values.map(JSONValue.string))
            }
            object["extra"] = .object(extra)
        }
        return .object(object)
    }

    /// Those that proxies named, and the peer.
    private static func addresses(_ http: HTTPRequest) -> [String] {
        var all = http.headers[canonicalForm: "x-forwarded-for"].map(String.init)
        if all.isEmpty, let real = http.headers.first(name: "x-real-ip") { all = [real] }
        if let peer = http.remoteAddress?.ipAddress, all.last != peer { all.append(peer) }
        return all.filter { (try? SocketAddress(ipAddress: $0, port: 0)) != nil }
    }

    private static func reference(_ request: AuditRequest, _ version: String) -> JSONValue {
        var object: JSONObject = ["resource": .string(request.resource)]
        if !request.namespace.isEmpty { object["namespace"] = .string(request.namespace) }
        if !request.name.isEmpty { object["name"] = .string(request.name) }
        if !request.group.isEmpty { object["apiGroup"] = .string(request.group) }
        object["apiVersion"] = .string(version)
        if !request.subresource.isEmpty { object["subresource"] = .string(request.subresource) }
        return .object(object)
    }

    /// Keeps what was sent, where the level asks for it.
    func setRequest(_ body: JSONValue?) {
        guard level >= .request, let body else { return }
        let shown = decision.omitManagedFields ? Self.withoutManagedFields(body) : body
        state.withLock { state in
            state.requestObject = shown
            state.fields.update("objectRef") { reference in
                guard var object = reference?.objectValue else { return }
                for (field, value) in [("name", body.name), ("namespace", body.namespace), ("uid", body.uid)]
                where !value.isEmpty && object[string: field].isEmpty {
                    object[field] = .string(value)
                }
                if !body.resourceVersion.isEmpty { object["resourceVersion"] = .string(body.resourceVersion) }
                reference = .object(object)
            }
        }
    }

    private static func withoutManagedFields(_ value: JSONValue) -> JSONValue {
        var value = value
        if value.metadata?["managedFields"] != nil { value.updateMetadata { $0["managedFields"] = nil } }
        if let items = value["items"]?.arrayValue { value["items"] = .array(items.map(withoutManagedFields)) }
        return value
    }

    /// The answer of a watch or an upgraded connection has begun.
    func started(_ code: Int) { write(.responseStarted, ["responseStatus": Self.status(code, nil)]) }

    /// The answer is out. Only the first call does anything.
    /// - Parameter body: the answer's JSON; nil where it is in another form.
    func complete(_ code: Int, body: ByteBuffer?) {
        complete(code) { body.flatMap { try? JSONParser.parse($0.readableBytesView) } }
    }

    /// - Parameter answer: the answer as a value; asked for only if it is logged.
    func complete(_ code: Int, answer: () -> JSONValue?) {
        let isFirst = state.withLock { state in
            defer { state.isComplete = true }
            return !state.isComplete
        }
        guard isFirst else { return }
        let isError = code >= 400
        let value =
            isError || level == .requestResponse ? answer() : JSONValue?.none
        var more: JSONObject = ["responseStatus": Self.status(code, isError ? value : nil)]
        if level == .requestResponse, let value {
            more["responseObject"] = decision.omitManagedFields ? Self.withoutManagedFields(value) : value
        }
        write(.responseComplete, more)
    }

    private static func status(_ code: Int, _ answer: JSONValue?) -> JSONValue {
        var status: JSONObject = ["metadata": [:]]
        if let answer, answer["kind"]?.stringValue == "Status" {
            for field in ["status", "message", "reason", "details"] {
                if let value = answer[field] { status[field] = value }
            }
        }
        status["code"] = .integer(Int64(code))
        return .object(status)
    }

    private func write(_ stage: AuditStage, _ more: JSONObject) {
        guard !decision.omitStages.contains(stage) else { return }
        var (fields, request) = state.withLock { ($0.fields, $0.requestObject) }
        fields["stage"] = .string(stage.rawValue)
        if let status = more["responseStatus"] { fields["responseStatus"] = status }
        if let request, stage != .requestReceived { fields["requestObject"] = request }
        if let object = more["responseObject"] { fields["responseObject"] = object }
        fields["requestReceivedTimestamp"] = .string(Self.text(received))
        fields["stageTimestamp"] = .string(Self.text(now()))
        let all = annotations.all
        if !all.isEmpty {
            var object: JSONObject = [:]
            for (key, value) in all.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
            fields["annotations"] = .object(object)
        }
        sink.write(JSONWriter.bytes(of: .object(fields)))
    }

    /// With microseconds, as `MicroTime` has them.
    private static func text(_ time: Time) -> String { MicroTime(time).field.stringValue ?? "" }
}
