// The generic registry: one implementation of every verb for every resource of the schema.

import APISchema
import JSON
import KubeTypes
import Logging
import NIOCore
import PKI
import Storage

/// Reads are answered from the watch cache at once; writes go through `commit` and are answered by the store's writer.
final class Registry: Sendable {
    /// The built-in types. What CustomResourceDefinitions add is in `liveSchema`.
    let schema: Schema
    let liveSchema: LiveSchema
    let cache: WatchCache
    let configuration: APIServerConfiguration
    let authorizer: any Authorizer
    let logger: Logger
    let services: ServiceAllocations
    let rbac: RBACAuthorizer
    let authenticator: RequestAuthenticator
    let tokens: ServiceAccountTokenIssuer?
    let serviceResolver: ServiceResolver
    let webhooks: WebhookClient
    let webhookMetrics = WebhookMetrics()
    let admission: AdmissionControl
    /// Evaluates the match conditions of webhooks.
    let matchConditions: any MatchConditionCompiler
    /// Evaluates `x-kubernetes-validations`.
    let validationRules: any ValidationRules
    private let strategies: [ObjectIdentifier: any Strategy]
    private let plain = PlainStrategy()

    init(
        schema: LiveSchema, cache: WatchCache, configuration: APIServerConfiguration, authorizer: any Authorizer,
        rbac: RBACAuthorizer, authenticator: RequestAuthenticator, tokens: ServiceAccountTokenIssuer?, logger: Logger
    ) {
        self.schema = schema.base
        liveSchema = schema
        self.cache = cache
        self.configuration = configuration
        self.authorizer = authorizer
        self.rbac = rbac
        self.authenticator = authenticator
        self.tokens = tokens
        self.logger = logger
        services = ServiceAllocations(
            configuration, claims: cache.isShared ? ServiceClaims(cache.store, logger: logger) : nil)
        if cache.isShared {
            cache.cache(group: "", resource: "services")?.observe { [services] events in
                for event in events { services.follow(event) }
            }
        }
        validationRules = SchemaRules()
        serviceResolver = ServiceResolver(cache)
        webhooks = WebhookClient(resolver: serviceResolver)
        matchConditions = ExpressionMatchConditionCompiler()
        admission = .standard(configuration)
        var strategies: [ObjectIdentifier: any Strategy] = [:]
        for resource in cache.builtin {
            strategies[ObjectIdentifier(resource)] = Strategies.strategy(
                group: resource.resource.group, plural: resource.resource.plural)
        }
        self.strategies = strategies
    }

    var store: any Store { cache.store }

    func strategy(_ cache: ResourceCache) -> any Strategy {
        if let custom = cache.resource.custom { return CustomResourceStrategy(custom, rules: validationRules) }
        return strategies[ObjectIdentifier(cache)] ?? plain
    }

    /// Does what a request asks for. `completion` is called once, at once or on another thread.
    func perform(_ request: RegistryRequest, completion: @escaping Completion) {
        guard cache.isShared else { return performSynchronized(request, completion) }
        synchronized(request, completion) { self.performSynchronized(request, completion) }
    }

    private func performSynchronized(_ request: RegistryRequest, _ completion: @escaping Completion) {
        guard request.cache.mayLag else { return performNow(request, completion) }
        request.cache.catchUp { error in
            if let error { return completion(.failure(error)) }
            self.performNow(request, completion)
        }
    }

    private func performNow(_ request: RegistryRequest, _ completion: @escaping Completion) {
        do throws(APIError) {
            if let subresource = request.subresource {
                try performSubresource(subresource, request, completion)
                return
            }
            if !request.verb.isMutating, try answerComponentStatus(request, completion) { return }
            switch request.verb {
            case .get: completion(.success(try get(request)))
            case .list: try list(request, completion)
            case .create: try create(request, completion)
            case .update: try update(request, completion)
            case .patch: try patch(request, completion)
            case .delete: try delete(request, completion)
            case .deletecollection: try deleteCollection(request, completion)
            case .watch: throw .internalError("a watch is not answered by the registry")
            }
        } catch {
            completion(.failure(error))
        }
    }

    func get(_ request: RegistryRequest) throws(APIError) -> Answer {
        _ = try checkedResourceVersion(request.query["resourceVersion"])
        guard let object = request.cache[request.key] else { throw request.notFound }
        return .object(object, code: 200)
    }

    /// The resourceVersion asked for, refused if it lies in the future.
    private func checkedResourceVersion(_ text: String?) throws(APIError) -> Revision? {
        guard let revision = try ListOptions.resourceVersion(text) else { return nil }
        let current = cache.revision
        if revision > current { throw .tooLarge(resourceVersion: revision, current: current) }
        return revision
    }

    /// Goes on elsewhere: what must not keep the store's writer busy.
    func resume(after delay: TimeAmount = .zero, _ work: @escaping @Sendable () -> Void) {
        let loop = configuration.eventLoops.any()
        if delay == .zero { loop.execute(work) } else { loop.scheduleTask(in: delay, work) }
    }

    // MARK: Bodies

    /// Reads the body as an object of the resource's kind: types checked, unknown fields removed, defaults filled in,
    /// converted to the storage version.
    func decodeBody(_ request: RegistryRequest, _ options: WriteOptions) throws(APIError) -> JSONValue {
        guard let body = request.body else { throw Self.emptyBody }
        return try decode(body, request, options)
    }

    static let emptyBody = APIError.badRequest("the body of the request is empty: an object is expected")

    /// - Parameter known: an object of the same version that this one was made from: a patch leaves most of it alone.
    func decode(
        _ body: JSONValue, _ request: RegistryRequest, _ options: WriteOptions, over known: JSONValue? = nil
    ) throws(APIError) -> JSONValue {
        let resource = request.resource
        var object = body
        try checkKind(&object, apiVersion: resource.apiVersion, kind: resource.kind)
        try decodeFields(&object, as: resource.message, resource.kind, resource.version, request, options, over: known)
        schema.applyDefaults(to: &object, of: resource, over: known)
        if resource != request.storage {
            try schema.toStorage(&object, from: resource)
            schema.applyDefaults(to: &object, of: request.storage)
        }
        return object
    }

    /// Checks that an object is of the kind expected, or says nothing about it, and writes the kind into it.
    func checkKind(_ object: inout JSONValue, apiVersion: String, kind: String) throws(APIError) {
        guard case .object(var fields) = object else {
            throw .badRequest(
                "the object provided is unrecognized (must be of type \(kind)): a JSON object is expected")
        }
        object = .null
        let givenKind = fields["kind"]?.stringValue ?? ""
        let givenVersion = fields["apiVersion"]?.stringValue ?? ""
        if !givenKind.isEmpty, givenKind != kind {
            let version = givenVersion.split(separator: "/").last.map(String.init) ?? ""
            throw .badRequest(
                "\(givenKind) in version \"\(version)\" cannot be handled as a \(kind): converting (\(givenVersion) "
                    + "\(givenKind)) to (\(apiVersion) \(kind)): unknown conversion")
        }
        if !givenVersion.isEmpty, givenVersion != apiVersion {
            throw .badRequest(
                "the API version in the data (\(givenVersion)) does not match the expected API version (\(apiVersion))")
        }
        fields["kind"] = .string(kind)
        fields["apiVersion"] = .string(apiVersion)
        object = .object(fields)
    }

    /// A stored value in the version that was asked for.
    func present(_ value: JSONValue, as resource: ResourceType, storage: ResourceType) throws(APIError) -> JSONValue {
        guard resource != storage else { return value }
        var value = value
        if let custom = resource.custom {
            custom.restore(&value)
            return value
        }
        try schema.fromStorage(&value, to: resource)
        return value
    }
}
