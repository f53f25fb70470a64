// The API over HTTP: from a request to the registry, and from its answer to a response.

import APISchema
import HTTPServer
import JSON
import KubeTypes
import NIOCore
import NIOHTTP1
import Synchronization

extension APIServer {
    public func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter) {
        respond(to: request, response, isSecondLook: false)
    }

    /// - Parameter isSecondLook: whether everything that other servers had written when the request came is known.
    private func respond(to request: HTTPRequest, _ response: any HTTPResponseWriter, isSecondLook: Bool) {
        let target = request.target
        let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = mark.map { String(target[..<$0]) } ?? target
        let queryText = mark.map { target[target.index(after: $0)...] } ?? ""
        if let preparation = authenticator.preparation(for: request) {
            // Somebody else's keys are needed to judge the token, and have to be fetched first.
            return preparation {
                response.eventLoop.execute { self.respond(to: request, response, isSecondLook: isSecondLook) }
            }
        }
        var exchange = Exchange(request, response, metrics, random: configuration.random)
        guard let query = Query(queryText) else {
            return exchange.fail(.badRequest("the query of the request is not valid"))
        }
        exchange.query = query
        let info = RequestInfo(method: request.method, path: path, query: query)
        if cache.isShared, !isSecondLook, mayBeRefusedTooSoon(request, info, query) {
            return lookAgain(info) {
                response.eventLoop.execute { self.respond(to: request, response, isSecondLook: true) }
            }
        }
        let resource = liveSchema.resource(group: info.group, version: info.version, plural: info.resource)
        exchange.describe(info, request.method, isKnown: resource != nil)
        if info.isResource, info.verb == .watch || info.subresource == "log",
            let socket = WebSocketWriter(request, response, info.verb == .watch ? .lines : .binary)
        {
            exchange.response = socket
        }
        let remote = aggregator.remote(for: info)
        do throws(APIError) {
            var offer = ResponseForm.Offer()
            if let resource {
                offer.protobuf = resource.message.hasProtobuf
                offer.table = resource.verbs != ["create"]
            }
            offer.isWatch = info.verb == .watch
            exchange.form = try ResponseForm.negotiate(
                accept: request.headers[canonicalForm: "accept"].map(String.init),
                pretty: exchange.wantsPretty(request.headers), offer: offer)
        } catch {
            // Paths that are no resource have forms of their own to offer, and so has what is proxied to.
            if info.isResource, remote == nil, !Self.isConnect(info) { return exchange.fail(error) }
        }
        do throws(APIError) {
            let sender: UserInfo
            do throws(APIError) {
                sender = try authenticate(request, path)
            } catch {
                exchange.audit = auditRecord(request, info, UserInfo(name: ""), nil, exchange)
                throw error
            }
            var attributes = attributes(info, sender, request.method, query)
            do throws(APIError) {
                attributes.user = try effectiveUser(of: request, attributes)
            } catch {
                exchange.audit = auditRecord(request, info, sender, nil, exchange)
                throw error
            }
            let isImpersonated = attributes.user != sender
            exchange.audit = auditRecord(request, info, sender, isImpersonated ? attributes.user : nil, exchange)
            let fixed = attributes
            passFairness(info, attributes.user, request.method, &exchange) { exchange in
                do throws(APIError) {
                    try self.serve(request, info, fixed, remote, exchange)
                } catch {
                    exchange.fail(error)
                }
            }
        } catch {
            exchange.fail(error)
        }
    }

    /// The request's place in the audit log; nil where nothing is to be logged of it.
    private func auditRecord(
        _ request: HTTPRequest, _ info: RequestInfo, _ user: UserInfo, _ impersonated: UserInfo?, _ exchange: Exchange
    ) -> AuditRecord? {
        guard let audit else { return nil }
        return AuditRecord(
            audit, request, info, user: user, impersonated: impersonated, auditID: exchange.auditID,
            now: configuration.now)
    }

    /// Answers a request whose turn has come.
    private func serve(
        _ request: HTTPRequest, _ info: RequestInfo, _ attributes: AuthorizationAttributes, _ remote: RemoteAPI?,
        _ exchange: Exchange
    ) throws(APIError) {
        try authorize(attributes, audit: exchange.audit?.annotations)
        if let remote {
            let limit: TimeAmount? =
                Self.isLongRunning(info)
                ? nil : try RequestDeadline.limit(exchange.query, maximum: configuration.requestTimeout)
            aggregator.pass(request, info, as: attributes.user, to: remote, exchange, timeout: limit)
        } else if Self.isConnect(info) {
            try respond(toConnect: request, info, attributes.user, exchange)
        } else if info.isResource {
            try respond(toResource: request, info, attributes.user, exchange)
        } else {
            try respond(toPath: request, info.path, attributes.user, exchange)
        }
    }

    private func authenticate(_ request: HTTPRequest, _ path: String) throws(APIError) -> UserInfo {
        do throws(AuthenticationError) {
            return try authenticator.authenticate(request, path: path)
        } catch {
            logger.debug("unauthenticated request: \(error.reason)")
            throw error.apiError
        }
    }

    func attributes(_ info: RequestInfo, _ user: UserInfo, _ method: HTTPMethod, _ query: Query)
        -> AuthorizationAttributes
    {
        guard info.isResource else {
            var attributes = AuthorizationAttributes(user: user, verb: method.rawValue.lowercased())
            attributes.path = info.path
            return attributes
        }
        var attributes = AuthorizationAttributes(user: user, verb: info.verb?.rawValue ?? method.rawValue.lowercased())
        attributes.group = info.group
        attributes.version = info.version
        attributes.resource = info.resource
        attributes.subresource = info.subresource
        attributes.namespace = info.namespace
        attributes.name = info.name.isEmpty ? info.selectedName ?? "" : info.name
        if info.verb?.isOfMany == true, !query.items.isEmpty { attributes.selectors = AuthorizationSelectors(query) }
        return attributes
    }

    // MARK: Resources

    private func respond(
        toResource http: HTTPRequest, _ info: RequestInfo, _ user: UserInfo, _ exchange: Exchange
    ) throws(APIError) {
        guard let verb = info.verb else { throw Self.methodNotAllowed }
        if !liveSchema.serves(group: info.group, version: info.version) {
            return exchange.sendNotFoundPage()
        }
        var request: RegistryRequest
        if verb == .watch, !info.name.isEmpty {
            // `?watch=1` on one object is a watch of the list, restricted to its name.
            request = try resolve(
                user: user, verb: .watch, group: info.group, version: info.version, resource: info.resource,
                subresource: info.subresource, namespace: info.namespace, name: "")
            request.name = info.name
        } else {
            request = try resolve(
                user: user, verb: verb, group: info.group, version: info.version, resource: info.resource,
                subresource: info.subresource, namespace: info.namespace, name: info.name)
        }
        if verb == .watch, let name = info.selectedName { request.name = name }
        request.query = exchange.query
        request.userAgent = http.headers.first(name: "user-agent") ?? ""
        if let subresource = request.subresource, info.rest.isEmpty == false, subresource.name != "proxy" {
            throw Self.pathNotFound
        }
        if request.subresource?.name == "log" { return try respondWithLog(request, exchange) }
        if verb == .watch { return try respondWithWatch(request, exchange) }
        if let audit = exchange.audit { request.audit = audit.annotations }
        try readBody(http, &request)
        exchange.audit?.setRequest(request.body)
        guard verb.isMutating else {
            answer(request, exchange)
            return
        }
        let limit = try RequestDeadline.limit(exchange.query, maximum: configuration.requestTimeout)
        let pending = PendingAnswer()
        pending.start(limit, on: exchange.response.eventLoop) { exchange.fail(RequestDeadline.exceeded) }
        let inFlight = mutatingInFlight.add(1, ordering: .relaxed).newValue
        if inFlight > configuration.mutatingInFlightLimit {
            mutatingInFlight.subtract(1, ordering: .relaxed)
            _ = pending.finish()
            throw .tooManyRequests("too many requests, please try again later", retryAfter: 1)
        }
        answer(request, exchange, pending) { self.mutatingInFlight.subtract(1, ordering: .relaxed) }
    }

    private func answer(
        _ request: RegistryRequest, _ exchange: Exchange, _ pending: PendingAnswer? = nil,
        finally: @escaping @Sendable () -> Void = {}
    ) {
        let rendering = rendering(request, exchange.form)
        let warnings = request.warnings
        registry.perform(request) { result in
            finally()
            // Too late: the client has been told so.
            guard pending?.finish() ?? true else { return }
            do throws(APIError) {
                let (code, body) = try rendering.body(of: try result.get())
                exchange.send(code, body, contentType: exchange.form.contentType, warnings: warnings)
            } catch {
                exchange.fail(error, warnings: warnings)
            }
        }
    }

    private func respondWithWatch(_ request: RegistryRequest, _ exchange: Exchange) throws(APIError) {
        var form = exchange.form
        form.pretty = false
        let rendering = rendering(request, form)
        let response = exchange.response
        let limit = configuration.watchBacklogLimit
        let watcher = try registry.watch(
            request, on: response.eventLoop,
            sink: { options in
                HTTPWatchSink(
                    response: response, rendering: rendering, backlogLimit: limit,
                    wantsBookmarks: options.allowBookmarks)
            },
            begin: { exchange.beginStream(form, request.warnings) })
        response.onClose { [weak watcher] in watcher?.end() }
    }

    // MARK: Bodies

    private func readBody(_ http: HTTPRequest, _ request: inout RegistryRequest) throws(APIError) {
        let size = http.body.readableBytes
        if size > configuration.bodyLimit {
            throw APIError(
                code: 413, reason: "RequestEntityTooLarge",
                message: "Request entity too large: limit is \(configuration.bodyLimit)")
        }
        let type = http.headers.first(name: "content-type")
        switch request.verb {
        case .create, .update:
            let format = try BodyFormat.of(contentType: type)
            if size > 0 { (request.body, request.duplicates) = try parse(http.body, format, request) }
        case .patch:
            let patchType = try PatchType.of(contentType: type)
            request.patchType = patchType
            guard size > 0 else { return }
            if patchType == .apply {
                (request.body, request.duplicates) = try parseApplied(http.body, request)
            } else {
                (request.body, request.duplicates) = try parse(http.body, .json, request)
            }
        case .delete, .deletecollection:
            guard size > 0 else { return }
            request.body = try parse(http.body, try BodyFormat.of(contentType: type), request).body
        default: break
        }
    }

    private func parse(_ body: ByteBuffer, _ format: BodyFormat, _ request: RegistryRequest) throws(APIError)
        -> (body: JSONValue, duplicates: BodyDuplicates)
    {
        switch format {
        case .json:
            do throws(JSONError) {
                return try BodyDuplicates.parseJSON(
                    body.readableBytesView,
                    limits: .init(depth: configuration.depthLimit, bytes: configuration.bodyLimit))
            } catch {
                throw Self.undecodable("json", "\(error)", request)
            }
        case .yaml:
            do throws(YAMLError) {
                return try parseYAML(body)
            } catch {
                throw Self.undecodable("yaml", "\(error)", request)
            }
        case .protobuf:
            let kind = request.subresource?.kind ?? request.resource.kind
            let value = try schema.decodeProtobuf(
                body.readableBytesView, expected: (apiVersion: request.resource.apiVersion, kind: kind))
            return (value, BodyDuplicates())
        }
    }

    private func parseYAML(_ body: ByteBuffer) throws(YAMLError) -> (body: JSONValue, duplicates: BodyDuplicates) {
        try BodyDuplicates.parseYAML(
            Array(body.readableBytesView),
            limits: .init(bytes: configuration.bodyLimit, depth: configuration.depthLimit))
    }

    /// A configuration to apply is YAML, which most clients write as JSON.
    private func parseApplied(_ body: ByteBuffer, _ request: RegistryRequest) throws(APIError)
        -> (body: JSONValue, duplicates: BodyDuplicates)
    {
        let limits = JSONParser.Limits(depth: configuration.depthLimit, bytes: configuration.bodyLimit)
        // The reports on YAML name lines, so that what has something twice is read as YAML in any case.
        if let parsed = try? BodyDuplicates.parseJSON(body.readableBytesView, limits: limits), parsed.duplicates.isEmpty
        {
            return parsed
        }
        do throws(YAMLError) {
            return try parseYAML(body)
        } catch {
            throw .badRequest("error decoding YAML: error converting YAML to JSON: \(error)")
        }
    }

    private static func undecodable(_ format: String, _ why: String, _ request: RegistryRequest) -> APIError {
        if request.verb == .patch { return .badRequest("error decoding patch: \(why)") }
        let kind = request.subresource?.kind ?? request.resource.kind
        return .badRequest(
            "the object provided is unrecognized (must be of type \(kind)): couldn't get version/kind; \(format) parse "
                + "error: \(why)")
    }
}

/// One request and its answer: what goes into every response, whoever gives it.
struct Exchange: Sendable {
    var response: any HTTPResponseWriter
    var form = ResponseForm()
    var query = Query()
    private let requestHeaders: HTTPHeaders
    private let metrics: Metrics
    private let started = SystemClock.monotonic()
    let auditID: String
    /// The uids of the flow schema and the priority level that let the request through.
    var fairness: (schema: String, level: String)?
    /// What is given back when the answer is out, or has begun.
    var ticket: FairnessTicket?
    var audit: AuditRecord?
    private var key = Metrics.Key(verb: "", group: "", version: "", resource: "", subresource: "", code: 0)

    init(
        _ request: HTTPRequest, _ response: any HTTPResponseWriter, _ metrics: Metrics, random: () -> UInt64
    ) {
        self.response = response
        requestHeaders = request.headers
        self.metrics = metrics
        let given = request.headers.first(name: "audit-id") ?? ""
        let isUsable = !given.isEmpty && given.utf8.count <= 64 && given.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        auditID = isUsable ? given : RandomNames.uuid(random)
    }

    /// - Parameter isKnown: whether there is such a resource; others are counted together, or clients could fill memory
    ///   with names.
    mutating func describe(_ info: RequestInfo, _ method: HTTPMethod, isKnown: Bool) {
        if let verb = info.verb {
            key.verb = verb.rawValue.uppercased()
        } else {
            key.verb = [.GET, .HEAD, .POST, .PUT, .PATCH, .DELETE].contains(method) ? method.rawValue : "OTHER"
        }
        guard isKnown else { return }
        key.group = info.group
        key.version = info.version
        key.resource = info.resource
        key.subresource = info.subresource.utf8.count <= 32 ? info.subresource : ""
    }

    /// Indented if asked for, and for people with a terminal or a browser, as upstream guesses from the agent.
    func wantsPretty(_ headers: HTTPHeaders) -> Bool {
        if let pretty = query.optionalFlag("pretty") { return pretty }
        guard let agent = headers.first(name: "user-agent") else { return false }
        return ["curl", "Wget", "Mozilla/5.0"].contains { agent.hasPrefix($0) }
    }

    private func headers(contentType: String, _ warnings: Warnings?) -> HTTPHeaders {
        var headers: HTTPHeaders = [
            "audit-id": auditID, "cache-control": "no-cache, private", "content-type": contentType,
        ]
        if let fairness {
            headers.add(name: "x-kubernetes-pf-flowschema-uid", value: fairness.schema)
            headers.add(name: "x-kubernetes-pf-prioritylevel-uid", value: fairness.level)
        }
        for text in warnings?.all ?? [] { headers.add(name: "warning", value: Self.warning(text)) }
        return headers
    }

    /// A warning as RFC 9111's predecessor writes it: `299 - "text"`, bounded and free of line breaks.
    private static func warning(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars.prefix(2048) {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case let scalar where scalar.value < 0x20 || scalar.value == 0x7f: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return "299 - \"\(quoted)\""
    }

    private func record(_ code: Int) {
        var key = key
        key.code = code
        metrics.record(key, seconds: Double(SystemClock.monotonic() - started) / 1e9)
        ticket?.release()
    }

    func send(
        _ code: Int, _ body: ByteBuffer, contentType: String, warnings: Warnings? = nil,
        extra: [(String, String)] = []
    ) {
        record(code)
        var headers = headers(contentType: contentType, warnings)
        for (name, value) in extra { headers.replaceOrAdd(name: name, value: value) }
        audit?.complete(code, body: contentType.hasPrefix("application/json") ? body : nil)
        let status = HTTPResponseStatus(statusCode: code)
        guard body.readableBytes > Gzip.threshold, Gzip.isAccepted(requestHeaders) else {
            response.send(status, headers: headers, body: [body])
            return
        }
        Gzip.compress(body) { [response, headers] compressed in
            var headers = headers
            if compressed != nil {
                headers.add(name: "content-encoding", value: "gzip")
                headers.add(name: "vary", value: "Accept-Encoding")
            }
            response.send(status, headers: headers, body: [compressed ?? body])
        }
    }

    /// Answers with a value that is no object of the API: what has no protobuf goes out as JSON.
    func send(_ value: JSONValue, code: Int = 200) {
        var form = form
        if form.encoding == .protobuf { form.encoding = .json }
        send(code, Rendering.encode(value, form), contentType: form.contentType)
    }

    func sendText(_ code: Int, _ text: String, contentType: String = "text/plain; charset=utf-8") {
        send(code, ByteBuffer(string: text), contentType: contentType, extra: [("x-content-type-options", "nosniff")])
    }

    /// What Go's mux says to a path that nobody has registered.
    func sendNotFoundPage() { sendText(404, "404 page not found\n") }

    func fail(_ error: APIError, warnings: Warnings? = nil) {
        var extra: [(String, String)] = []
        if error.code == 429 || error.code == 503 || error.code == 504 {
            // A refused eviction names no time: clients would wait for it within their call.
            let seconds = error.details?.retryAfterSeconds ?? (error.code == 429 ? 0 : 1)
            if seconds > 0 { extra.append(("retry-after", String(seconds))) }
        }
        var form = form
        form.view = .full
        send(
            error.code, Rendering.encode(error.status.json, form), contentType: form.contentType, warnings: warnings,
            extra: extra)
    }

    func redirect(_ code: Int, to location: String) {
        send(code, ByteBuffer(), contentType: "text/plain", extra: [("location", location)])
    }

    // MARK: Answers of others

    /// An answer is passed on that somebody else gives.
    func passed(_ code: Int) {
        record(code)
        auditStream(code)
    }

    /// An answer has begun that may last: its end is logged when it comes.
    private func auditStream(_ code: Int) {
        guard let audit else { return }
        audit.started(code)
        response.onClose { audit.complete(code, body: nil) }
    }

    /// What every answer says, whoever gives it.
    func addCommonHeaders(_ headers: inout HTTPHeaders) {
        headers.replaceOrAdd(name: "audit-id", value: auditID)
        if let fairness {
            headers.replaceOrAdd(name: "x-kubernetes-pf-flowschema-uid", value: fairness.schema)
            headers.replaceOrAdd(name: "x-kubernetes-pf-prioritylevel-uid", value: fairness.level)
        }
        if !headers.contains(name: "cache-control") {
            headers.add(name: "cache-control", value: "no-cache, private")
        }
    }

    /// Begins a watch's answer.
    func beginStream(_ form: ResponseForm, _ warnings: Warnings) {
        record(200)
        auditStream(200)
        response.begin(.ok, headers: headers(contentType: form.streamContentType, warnings))
    }
}
