// A control plane in one process without sockets: requests go in through `respond(to:)`, answers are recorded.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import PKI
import Storage
import Synchronization
import Testing

@testable import APIServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// KubeTypes has a view of that name too.
private typealias UserInfo = InProcessAPI.User

/// What came back.
struct Recorded: Sendable {
    var status = 0
    var headers = HTTPHeaders()
    var body: [UInt8] = []

    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }
    var text: String { String(decoding: body, as: UTF8.self) }
    var reason: String { json["reason"]?.stringValue ?? "" }
    var message: String { json["message"]?.stringValue ?? "" }
    /// The fields that a 422 complains about.
    var causes: [String] {
        (json[path: "details", "causes"]?.arrayValue ?? []).compactMap { $0["field"]?.stringValue }
    }
    /// The events of a watch.
    var events: [JSONValue] {
        body.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONParser.parse(Array($0)) }
    }
    var eventSummary: [String] {
        events.map { "\($0["type"]?.stringValue ?? "") \($0[path: "object", "metadata", "name"]?.stringValue ?? "")" }
    }
}

final class RecordingWriter: HTTPResponseWriter {
    private struct State {
        var recorded = Recorded()
        var isOver = false
        var waiters:
            [(condition: @Sendable (Recorded, Bool) -> Bool, continuation: CheckedContinuation<Recorded, Never>)] = []
        var onClose: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    let pending = Mutex(0)

    var pendingBytes: Int { pending.withLock { $0 } }

    func send(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: [ByteBuffer]) {
        change { state in
            state.recorded.status = Int(status.code)
            state.recorded.headers = headers
            for part in body { state.recorded.body += Array(part.readableBytesView) }
            state.isOver = true
        }
        close()
    }

    func begin(_ status: HTTPResponseStatus, headers: HTTPHeaders) {
        change { state in
            state.recorded.status = Int(status.code)
            state.recorded.headers = headers
        }
    }

    func write(_ bytes: ByteBuffer) { change { $0.recorded.body += Array(bytes.readableBytesView) } }

    func end() {
        change { $0.isOver = true }
        close()
    }

    func onClose(_ handler: @escaping @Sendable () -> Void) { state.withLock { $0.onClose.append(handler) } }

    /// The client goes away, or the answer is over.
    func close() {
        let handlers = state.withLock { state in
            defer { state.onClose = [] }
            return state.onClose
        }
        for handler in handlers { handler() }
    }

    private func change(_ body: (inout State) -> Void) {
        let ready: [(CheckedContinuation<Recorded, Never>, Recorded)] = state.withLock { state in
            body(&state)
            var ready: [(CheckedContinuation<Recorded, Never>, Recorded)] = []
            state.waiters.removeAll { waiter in
                guard waiter.condition(state.recorded, state.isOver) else { return false }
                ready.append((waiter.continuation, state.recorded))
                return true
            }
            return ready
        }
        for (continuation, recorded) in ready { continuation.resume(returning: recorded) }
    }

    /// Waits until what was recorded is enough.
    func wait(_ condition: @escaping @Sendable (Recorded, Bool) -> Bool) async -> Recorded {
        await withCheckedContinuation { continuation in
            let now: Recorded? = state.withLock { state in
                if condition(state.recorded, state.isOver) { return state.recorded }
                state.waiters.append((condition, continuation))
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    func finished() async -> Recorded { await wait { $1 } }

    /// Waits for as many events of a watch.
    func events(_ count: Int) async -> Recorded {
        await wait { recorded, over in over || recorded.body.count { $0 == UInt8(ascii: "\n") } >= count }
    }
}

final class ControlPlane: Sendable {
    let server: APIServer
    let store: MemoryStore

    init(
        kubelets: (any KubeletConnection)? = nil, frontProxy: FrontProxy? = nil, audit: Audit? = nil,
        _ configure: (inout APIServerConfiguration) -> Void = { _ in }
    ) async throws {
        store = MemoryStore()
        server = try Self.server(store, kubelets: kubelets, frontProxy: frontProxy, audit: audit, configure)
        try await server.start()
    }

    /// Around a server that was started already.
    init(server: APIServer, store: MemoryStore) {
        self.server = server
        self.store = store
    }

    static func server(
        _ store: any Store, kubelets: (any KubeletConnection)? = nil, frontProxy: FrontProxy? = nil,
        audit: Audit? = nil, _ configure: (inout APIServerConfiguration) -> Void = { _ in }
    ) throws -> APIServer {
        var configuration = APIServerConfiguration()
        configuration.makesServingObjects = false
        configure(&configuration)
        var authentication = RequestAuthenticator.Configuration()
        authentication.staticTokens = [
            "admin": UserInfo(name: "admin", groups: ["system:masters"]), "nobody": UserInfo(name: "nobody"),
        ]
        authentication.tokenIssuer = TestTokens.issuer
        return APIServer(
            configuration: configuration, store: store, authentication: authentication, kubelets: kubelets,
            frontProxy: frontProxy, audit: audit)
    }

    func begin(
        _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil, bytes: [UInt8]? = nil, type: String? = nil,
        accept: String? = nil, token: String? = "admin", headers extra: [(String, String)] = []
    ) -> RecordingWriter {
        var headers = HTTPHeaders()
        if let token { headers.add(name: "authorization", value: "Bearer \(token)") }
        if let type { headers.add(name: "content-type", value: type) }
        if let accept { headers.add(name: "accept", value: accept) }
        for (name, value) in extra { headers.add(name: name, value: value) }
        let content = bytes ?? body.map { JSONWriter.bytes(of: $0) } ?? []
        let writer = RecordingWriter()
        server.respond(
            to: HTTPRequest(method: method, target: target, headers: headers, body: ByteBuffer(bytes: content)), writer)
        return writer
    }

    @discardableResult
    func call(
        _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil, bytes: [UInt8]? = nil, type: String? = nil,
        accept: String? = nil, token: String? = "admin", headers: [(String, String)] = []
    ) async -> Recorded {
        await begin(
            method, target, body, bytes: bytes, type: type, accept: accept, token: token, headers: headers
        ).finished()
    }

    /// Writes an object past the API: endpoints on the loopback, where the tests' servers are, are refused there.
    func put(_ object: JSONValue, group: String, resource: String, namespace: String) async {
        guard let cache = server.cache.cache(group: group, resource: resource) else { return }
        var object = object
        object.updateMetadata { $0["namespace"] = .string(namespace) }
        let key = ObjectKey(namespace: namespace, name: object.name)
        await withCheckedContinuation { continuation in
            store.commit(.create(key: cache.storeKey(key), value: StoredObject.encode(object))) { _ in
                continuation.resume()
            }
        }
    }

    /// Makes a service account, as the controller would, so that pods can be made in a namespace.
    func makeDefaultAccount(_ namespace: String = "default") async {
        await call(
            .POST, "/api/v1/namespaces/\(namespace)/serviceaccounts",
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]])
    }
}

func configMap(_ name: String, _ data: JSONValue = ["a": "1"], labels: JSONValue? = nil) -> JSONValue {
    var metadata: JSONValue = ["name": .string(name)]
    if let labels { metadata["labels"] = labels }
    return ["apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data]
}

func pod(_ name: String, labels: JSONValue = ["app": "web"]) -> JSONValue {
    [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": labels],
        "spec": ["containers": [["name": "c", "image": "nginx:1.27"]]],
    ]
}

func deployment(_ name: String, replicas: Int64 = 2) -> JSONValue {
    [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
        "spec": [
            "replicas": .integer(replicas), "selector": ["matchLabels": ["app": .string(name)]],
            "template": [
                "metadata": ["labels": ["app": .string(name)]],
                "spec": ["containers": [["name": "c", "image": "nginx:1.27"]]],
            ],
        ],
    ]
}

/// One key for all tests, made for this run.
enum TestTokens {
    static let issuer: ServiceAccountTokenIssuer? = {
        let path = "/tmp/martlet-apiserver-tests-\(UInt64.random(in: 0 ..< .max)).pem"
        defer { unlink(path) }
        return try? ServiceAccountTokenIssuer.loadOrCreate(
            issuer: APIServerConfiguration().serviceAccountIssuer, keyPath: path)
    }()
}
