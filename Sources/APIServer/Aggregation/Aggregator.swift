// Group versions that other servers answer for: which there are, and passing requests on to them.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

final class Aggregator: Sendable {
    struct State {
        var remotes: [RemoteAPI.Name: RemoteAPI] = [:]
        /// What the servers said last of their resources.
        var discoveries: [RemoteAPI.Name: RemoteDiscovery] = [:]
        /// Grows with every change to either.
        var generation = 0
        var documents: [String: PublishedDocuments.Document] = [:]
    }

    let cache: WatchCache
    let resolver: ServiceResolver
    let frontProxy: FrontProxy?
    let logger: Logger
    let state = Mutex(State())
    /// How many remote group versions there are: almost always none, and then nothing else is looked at.
    private let count = Atomic<Int>(0)

    init(cache: WatchCache, frontProxy: FrontProxy?, logger: Logger) {
        self.cache = cache
        self.frontProxy = frontProxy
        self.logger = logger
        resolver = ServiceResolver(cache)
    }

    var isEmpty: Bool { count.load(ordering: .relaxed) == 0 }

    /// Resources that are never handed to another server, whatever an APIService says.
    private static let alwaysLocal: Set<String> = ["apiservices.apiregistration.k8s.io"]

    /// Reads the APIServices again.
    func reload() {
        let objects = cache.objects(group: "apiregistration.k8s.io", resource: "apiservices", namespace: nil)
        let previous = state.withLock { $0.remotes }
        var remotes: [RemoteAPI.Name: RemoteAPI] = [:]
        for object in objects where !APIServiceStrategy.isLocal(object.value) {
            let spec = object.value["spec"]
            let name = RemoteAPI.Name(
                group: spec?["group"]?.stringValue ?? "", version: spec?["version"]?.stringValue ?? "")
            if let known = previous[name], known.revision == object.revision {
                remotes[name] = known
            } else if let remote = RemoteAPI(object, frontProxy: frontProxy, previous: previous[name]) {
                remotes[remote.name] = remote
            }
        }
        state.withLock { state in
            state.remotes = remotes
            for name in state.discoveries.keys where remotes[name] == nil { state.discoveries[name] = nil }
            state.generation += 1
            state.documents = [:]
        }
        count.store(remotes.count, ordering: .relaxed)
    }

    /// Who answers a request, if not this server.
    func remote(for info: RequestInfo) -> RemoteAPI? {
        if isEmpty { return nil }
        var name = RemoteAPI.Name(group: info.group, version: info.version)
        if !info.isResource {
            let parts = info.path.split(separator: "/")
            switch (parts.first, parts.count) {
            case ("apis", 3): name = RemoteAPI.Name(group: String(parts[1]), version: String(parts[2]))
            case ("openapi", 5) where parts[1] == "v3" && parts[2] == "apis":
                name = RemoteAPI.Name(group: String(parts[3]), version: String(parts[4]))
            default: return nil
            }
        } else if Self.alwaysLocal.contains("\(info.resource).\(info.group)") {
            return nil
        }
        return state.withLock { $0.remotes[name] }
    }

    /// Passes a request on as the user that sent it.
    func pass(
        _ http: HTTPRequest, _ info: RequestInfo, as user: UserInfo, to remote: RemoteAPI, _ exchange: Exchange,
        timeout: TimeAmount?
    ) {
        guard remote.isAvailable else { return exchange.sendText(503, "service unavailable\n") }
        if let problem = remote.tlsProblem { return exchange.sendText(500, problem + "\n") }
        guard let target = target(of: remote) else { return exchange.sendText(503, "service unavailable\n") }
        var request = http
        request.headers = ProxyPass.forwardedHeaders(http)
        request.headers.remove(name: "authorization")
        for name in request.headers.map(\.name) where name.lowercased().hasPrefix("impersonate-") {
            request.headers.remove(name: name)
        }
        request.headers.replaceOrAdd(name: "x-forwarded-uri", value: info.path)
        FrontProxy.setHeaders(&request.headers, for: user)
        request.headers.replaceOrAdd(name: "audit-id", value: exchange.auditID)
        var pass = ProxyPass(request, to: target)
        pass.headTimeout = timeout
        pass.adjust = { status, headers in
            exchange.addCommonHeaders(&headers)
            guard (300..<400).contains(status.code), headers.contains(name: "location") else { return .stream }
            // A server that sends clients elsewhere could have them show their credentials to anybody.
            status = .badGateway
            headers.remove(name: "location")
            headers.replaceOrAdd(name: "content-type", value: "text/plain; charset=utf-8")
            return .collect(limit: 1 << 20) { _ in
                Array("the backend attempted to redirect this request, which is not permitted".utf8)
            }
        }
        pass.onStatus = { exchange.passed($0) }
        pass.onProblem = { problem, _ in
            exchange.fail(.serviceUnavailable("error trying to reach service: \(problem)"))
        }
        pass.start(exchange.response)
    }

    /// Where a remote's service leads now; nil if nowhere.
    func target(of remote: RemoteAPI) -> ProxyTarget? {
        do throws(ServiceResolutionError) {
            let service = try resolver.resolve(
                namespace: remote.serviceNamespace, name: remote.serviceName, port: remote.port)
            return ProxyTarget(
                host: service.host, port: service.port, tls: remote.tls, serverName: service.serverName)
        } catch {
            logger.debug("\(remote.name.objectName): \(error)")
            return nil
        }
    }

    /// Asks a remote in this server's own name.
    func fetch(_ path: String, from remote: RemoteAPI, accept: String) async -> ResponseCollector.Answer? {
        guard remote.tlsProblem == nil, let target = target(of: remote) else { return nil }
        var headers: HTTPHeaders = ["accept": accept, "host": target.serverName ?? target.host]
        FrontProxy.setHeaders(
            &headers, for: UserInfo(name: "system:kube-aggregator", groups: ["system:masters"]))
        var pass = ProxyPass(HTTPRequest(method: .GET, target: path, headers: headers), to: target)
        pass.connectTimeout = .seconds(5)
        pass.headTimeout = .seconds(5)
        pass.onProblem = { problem, response in
            response.send(.badGateway, headers: [:], body: [ByteBuffer(string: "\(problem)")])
            response.abort()
        }
        let collector = ResponseCollector()
        // A server that begins an answer and never ends it.
        let deadline = collector.eventLoop.scheduleTask(in: .seconds(6)) { collector.abort() }
        pass.start(collector)
        let answer = await collector.answer()
        deadline.cancel()
        return answer
    }
}
