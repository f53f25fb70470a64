// The API for components in this process: calls instead of requests.

import APISchema
import JSON
import KubeTypes
import NIOCore
import Storage

extension APIServer {
    /// Answers a call as `user`, with the same authorization and admission as over HTTPS.
    public func handle(_ call: APICall, as user: UserInfo) async -> Result<JSONValue, APIError> {
        await withCheckedContinuation { continuation in
            handle(call, as: user) { continuation.resume(returning: $0) }
        }
    }

    /// The same with a function to call with the answer, at once or on a thread of the store's.
    public func handle(
        _ call: APICall, as user: UserInfo, completion: @escaping @Sendable (Result<JSONValue, APIError>) -> Void
    ) {
        let started = SystemClock.monotonic()
        let audit = auditRecord(call, user)
        do throws(APIError) {
            let request = try registryRequest(call, user, audit)
            audit?.setRequest(call.body)
            let rendering = rendering(request, ResponseForm(), keepsValues: request.verb == .list)
            registry.perform(request) { result in
                let value = result.flatMap { answer -> Result<JSONValue, APIError> in
                    Result { () throws(APIError) in try rendering.value(of: answer) }
                }
                self.record(call, value, started, audit)
                completion(value)
            }
        } catch {
            record(call, .failure(error), started, audit)
            completion(.failure(error))
        }
    }

    /// The call's place in the audit log; nil where nothing is to be logged of it.
    private func auditRecord(_ call: APICall, _ user: UserInfo) -> AuditRecord? {
        guard let audit else { return nil }
        return AuditRecord(
            audit, call, user: user, auditID: RandomNames.uuid(configuration.random), now: configuration.now)
    }

    private func record(
        _ call: APICall, _ result: Result<JSONValue, APIError>, _ started: UInt64, _ audit: AuditRecord?
    ) {
        var code = call.verb == "create" ? 201 : 200
        if case .failure(let error) = result { code = error.code }
        audit?.complete(code) {
            switch result {
            case .success(let value): value
            case .failure(let error): error.status.json
            }
        }
        metrics.record(
            Metrics.Key(
                verb: call.verb.uppercased(), group: call.group, version: call.version, resource: call.resource,
                subresource: call.subresource, code: code),
            seconds: Double(SystemClock.monotonic() - started) / 1e9)
    }

    /// - Parameter keepsValues: the answer is for an informer in this process, or what may be one.
    func rendering(_ request: RegistryRequest, _ form: ResponseForm, keepsValues: Bool = false) -> Rendering {
        Rendering(
            schema: schema, resource: request.resource, storage: request.storage, form: form,
            now: configuration.now(),
            includeObject: request.query["includeObject"].flatMap(Printer.IncludeObject.init(rawValue:)) ?? .metadata,
            keepsValues: keepsValues)
    }

    /// Looks a call up in the schema and authorizes it.
    private func registryRequest(_ call: APICall, _ user: UserInfo, _ audit: AuditRecord?) throws(APIError)
        -> RegistryRequest
    {
        guard let verb = Verb(rawValue: call.verb) else {
            throw .badRequest("unknown verb \"\(call.verb)\"")
        }
        var attributes = AuthorizationAttributes(user: user, verb: call.verb)
        attributes.group = call.group
        attributes.version = call.version
        attributes.resource = call.resource
        attributes.subresource = call.subresource
        attributes.namespace = call.namespace
        attributes.name = call.name
        if verb.isOfMany, !call.query.isEmpty {
            attributes.selectors = AuthorizationSelectors(Query(call.query))
            if call.name.isEmpty {
                // As over HTTP: a selector for one name counts as that name.
                attributes.name =
                    attributes.selectors.fields.first { $0.equal && $0.field == "metadata.name" }?.value ?? ""
            }
        }
        try authorize(attributes, audit: audit?.annotations)
        var request = try resolve(
            user: user, verb: verb, group: call.group, version: call.version, resource: call.resource,
            subresource: call.subresource, namespace: call.namespace, name: call.name)
        request.query = Query(call.query)
        request.body = call.body
        request.userAgent = user.componentName
        if let audit { request.audit = audit.annotations }
        if verb == .patch { request.patchType = try PatchType.of(contentType: call.patchType) }
        return request
    }

    func watch(
        _ call: APICall, as user: UserInfo, onEvent: @escaping @Sendable (APIWatchEvent) -> Bool,
        onEnd: @escaping @Sendable () -> Void
    ) throws(APIError) -> APIWatch {
        var call = call
        call.verb = Verb.watch.rawValue
        let audit = auditRecord(call, user)
        let request: RegistryRequest
        do throws(APIError) {
            request = try registryRequest(call, user, audit)
        } catch {
            audit?.complete(error.code) { error.status.json }
            throw error
        }
        let rendering = rendering(request, ResponseForm(), keepsValues: true)
        let watcher = try registry.watch(
            request, on: configuration.eventLoops.any(),
            sink: { options in
                InProcessWatchSink(
                    rendering: rendering, wantsBookmarks: options.allowBookmarks, onEvent: onEvent, onEnd: onEnd)
            }, begin: { audit?.started(200) })
        if let audit { watcher.onEnd { audit.complete(200) { nil } } }
        return APIWatch(watcher)
    }
}

extension Rendering {
    /// An answer as a value.
    func value(of answer: Answer) throws(APIError) -> JSONValue {
        switch answer {
        case .object(let object, _): try value(of: object)
        case .value(let value, _): value
        case .list(let list): try value(of: list)
        }
    }
}

extension APIServer.UserInfo {
    /// What a component of this process is called where a client would say its user agent: `kube-scheduler`, `kubelet`.
    var componentName: String {
        if name.hasPrefix("system:node:") { return "kubelet" }
        // Controllers have accounts of their own, and are one program to everybody else.
        if name.hasPrefix("system:serviceaccount:kube-system:"), name.hasSuffix("-controller") {
            return "kube-controller-manager"
        }
        return name.split(separator: ":").last.map(String.init) ?? name
    }
}
