// Subresources that connect a client with somebody else: `proxy`, and `exec`, `attach` and `portforward`, which become
// connections of another protocol.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1

extension APIServer {
    private static let streaming: Set<String> = ["exec", "attach", "portforward"]
    /// The largest page whose links are rewritten.
    private static let pageLimit = 8 << 20

    /// Whether a request is one of these.
    static func isConnect(_ info: RequestInfo) -> Bool {
        guard info.group.isEmpty, !info.name.isEmpty else { return false }
        switch info.resource {
        case "pods": return info.subresource == "proxy" || streaming.contains(info.subresource)
        case "services", "nodes": return info.subresource == "proxy"
        default: return false
        }
    }

    func respond(
        toConnect http: HTTPRequest, _ info: RequestInfo, _ user: UserInfo, _ exchange: Exchange
    ) throws(APIError) {
        let verb: Verb
        switch (info.subresource, info.verb) {
        case ("proxy", let given): verb = given ?? .get  // OPTIONS is no verb of the table's
        case (_, .get), (_, .create): verb = info.verb ?? .get
        default: throw Self.methodNotAllowed
        }
        var resolved = try resolve(
            user: user, verb: verb, group: "", version: info.version, resource: info.resource,
            subresource: info.subresource, namespace: info.namespace, name: info.name)
        resolved.query = exchange.query
        let request = resolved
        let loop = exchange.response.eventLoop
        let connect: @Sendable (Result<Void, APIError>) -> Void = { admitted in
            do throws(APIError) {
                try admitted.get()
                if info.subresource == "proxy" {
                    try self.proxy(http, info, request, exchange)
                } else {
                    try self.stream(http, info, request, user, exchange)
                }
            } catch {
                exchange.fail(error)
            }
        }
        registry.admitConnect(request, options: Self.options(info, exchange.query)) { admitted in
            if loop.inEventLoop { connect(admitted) } else { loop.execute { connect(admitted) } }
        }
    }

    /// What a connection's query stands for, as admission sees it.
    static func options(_ info: RequestInfo, _ query: Query) -> JSONValue {
        let owner = ["pods": "Pod", "services": "Service", "nodes": "Node"][info.resource] ?? ""
        let what = ["exec": "Exec", "attach": "Attach", "portforward": "PortForward"][info.subresource] ?? "Proxy"
        var options: JSONObject = ["kind": .string("\(owner)\(what)Options"), "apiVersion": .string(info.version)]
        switch info.subresource {
        case "portforward":
            let ports = query.all("ports").compactMap { Int64($0) }
            if !ports.isEmpty { options["ports"] = .array(ports.map(JSONValue.integer)) }
        case "proxy": options["path"] = .string("/" + info.rest.joined(separator: "/"))
        default:
            for name in ["stdin", "stdout", "stderr", "tty"] where query.flag(name) { options[name] = true }
            if let container = query["container"], !container.isEmpty { options["container"] = .string(container) }
            if info.subresource == "exec" { options.set("command", query.all("command")) }
        }
        return .object(options)
    }

    // MARK: exec, attach, portforward

    private func stream(
        _ http: HTTPRequest, _ info: RequestInfo, _ request: RegistryRequest, _ user: UserInfo, _ exchange: Exchange
    ) throws(APIError) {
        if request.verb == .get {
            // A WebSocket can only be asked for by GET, and is no less than what POST does.
            var attributes = AuthorizationAttributes(user: user, verb: Verb.create.rawValue)
            attributes.version = info.version
            attributes.resource = info.resource
            attributes.subresource = info.subresource
            attributes.namespace = info.namespace
            attributes.name = info.name
            try authorize(attributes)
        }
        guard let pod = request.cache[request.key]?.value else { throw request.notFound }
        var path = "/portForward/\(info.namespace)/\(info.name)"
        if info.subresource != "portforward" {
            path = "/\(info.subresource)/\(info.namespace)/\(info.name)/\(try container(of: pod, request))"
        }
        let nodeName = pod[path: "spec", "nodeName"]?.stringValue ?? ""
        guard !nodeName.isEmpty else { throw .badRequest("pod \(info.name) does not have a host assigned") }
        guard let node = cache.object(group: "", resource: "nodes", namespace: "", name: nodeName)?.value else {
            throw .notFound("nodes", group: "", name: nodeName)
        }
        let target = try kubeletTarget(node)
        guard ProxyPass.isUpgrade(http) else { throw .badRequest("Upgrade request required") }
        let query = Self.streamQuery(info.subresource, exchange.query)
        pass(http, to: target, path: path, query: query, exchange) { problem in
            .internalError("\(problem)")
        }
    }

    /// The options of a stream in the names that kubelets know.
    static func streamQuery(_ subresource: String, _ query: Query) -> String {
        var items: [(String, String)] = []
        if subresource == "portforward" {
            let ports = query.all("ports")
            if !ports.isEmpty { items.append(("port", ports.joined(separator: ","))) }
        } else {
            for (name, theirs) in [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")]
            where query.flag(name) {
                items.append((theirs, "1"))
            }
            if subresource == "exec" { items += query.all("command").map { ("command", $0) } }
        }
        return items.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    }

    // MARK: proxy

    private func proxy(
        _ http: HTTPRequest, _ info: RequestInfo, _ request: RegistryRequest, _ exchange: Exchange
    ) throws(APIError) {
        guard let name = SchemeNamePort(info.name) else {
            let kind = info.resource.dropLast()
            throw .badRequest("invalid \(kind) request \"\(info.name)\"")
        }
        let target =
            switch info.resource {
            case "pods": try podLocation(request, name)
            case "services": try serviceLocation(request, name, id: info.name)
            default: try nodeLocation(name)
            }
        let prefix = Self.proxyPrefix(of: info.path)
        let rest = String(info.path.dropFirst(prefix.count))
        let mark = http.target.firstIndex(of: "?")
        let query = mark.map { String(http.target[http.target.index(after: $0)...]) } ?? ""
        let isUpgrade = ProxyPass.isUpgrade(http)
        if rest.isEmpty, !isUpgrade, http.method == .GET || http.method == .HEAD {
            // Relative links of a page are right only where its path ends in a slash.
            return exchange.redirect(301, to: "\(info.path)/" + (mark == nil ? "" : "?\(query)"))
        }
        var forwarded = http
        forwarded.headers.replaceOrAdd(name: "x-forwarded-uri", value: prefix + (rest.isEmpty ? "/" : rest))
        let host = http.headers.first(name: "host") ?? ""
        let rewriting = ProxyRewriting(
            prefix: prefix, hosts: ["\(target.host):\(target.port)", target.host], requestHost: host)
        let rewrite: @Sendable (inout HTTPHeaders) -> ProxyPass.Body = { headers in
            if isUpgrade { return .stream }
            if let location = headers.first(name: "location"), !location.isEmpty {
                headers.replaceOrAdd(name: "location", value: rewriting.url(location))
                return .stream
            }
            let type = (headers.first(name: "content-type") ?? "").prefix { $0 != ";" && $0 != " " }
            guard type == "text/html", http.method != .HEAD, headers.first(name: "content-encoding") == nil
            else { return .stream }
            return .collect(limit: Self.pageLimit) { rewriting.html($0) }
        }
        pass(forwarded, to: target, path: rest.isEmpty ? "/" : rest, query: query, exchange, adjust: rewrite) {
            problem in
            .serviceUnavailable("error trying to reach service: \(Self.reason(problem))")
        }
    }

    private static func reason(_ problem: ProxyProblem) -> String {
        if case .cannotConnect(let why) = problem { return why }
        return "\(problem)"
    }

    /// The path up to and including the segment `proxy`, as it was sent.
    static func proxyPrefix(of path: String) -> String {
        let isNamespaced = path.utf8.split(separator: UInt8(ascii: "/")).dropFirst(2).first.map {
            Substring($0) == "namespaces"
        }
        let wanted = isNamespaced == true ? 7 : 5
        var segments = 0
        var inSegment = false
        for index in path.utf8.indices {
            if path.utf8[index] == UInt8(ascii: "/") {
                if inSegment, segments == wanted { return String(path[..<index]) }
                inSegment = false
            } else if !inSegment {
                inSegment = true
                segments += 1
            }
        }
        return path
    }

    // MARK: Passing on

    /// Passes a request on and its answer back, counted as this exchange's.
    private func pass(
        _ http: HTTPRequest, to target: ProxyTarget, path: String, query: String, _ exchange: Exchange,
        adjust: (@Sendable (inout HTTPHeaders) -> ProxyPass.Body)? = nil,
        onProblem: @escaping @Sendable (ProxyProblem) -> APIError
    ) {
        var request = http
        request.target = query.isEmpty ? path : "\(path)?\(query)"
        request.headers = ProxyPass.forwardedHeaders(http)
        // Whoever it leads to is no business of the API's credentials.
        request.headers.remove(name: "authorization")
        var pass = ProxyPass(request, to: target)
        pass.adjust = { _, headers in
            exchange.addCommonHeaders(&headers)
            return adjust?(&headers) ?? .stream
        }
        pass.onStatus = { exchange.passed($0) }
        pass.onProblem = { problem, _ in exchange.fail(onProblem(problem)) }
        pass.start(exchange.response)
    }
}
