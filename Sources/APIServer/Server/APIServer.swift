import APISchema
import HTTPServer
import JSON
import KubeTypes
import Logging
import NIOCore
import NIOHTTP1
import PKI
import Storage
import Synchronization

/// The API server above the sockets: it takes requests, over HTTP through `respond` or from inside the process through
/// `inProcess(as:)`, and answers them from the watch cache and the store.
public final class APIServer: HTTPResponder, Sendable {
    public let configuration: APIServerConfiguration
    let liveSchema: LiveSchema
    /// Everything that is stored, in memory.
    public let cache: WatchCache
    let registry: Registry
    let authenticator: RequestAuthenticator
    let authorizer: any Authorizer
    let tokens: ServiceAccountTokenIssuer?
    let kubelets: (any KubeletConnection)?
    let metrics = Metrics()
    let proxyTLS = ProxyTLS()
    /// Who goes ahead and who waits.
    let fairness: Fairness
    let audit: Audit?
    /// Group versions that other servers answer for.
    let aggregator: Aggregator
    let published: PublishedDocuments
    /// Follows CustomResourceDefinitions: what they add is served, and what they take away no longer.
    let customResources: CustomResourceController
    let logger: Logger
    let mutatingInFlight = Atomic<Int>(0)
    let hooks = StartHooks()
    private let ready = Atomic<Bool>(false)
    private let shuttingDown = Atomic<Bool>(false)
    private let fairnessControl = Mutex<FairnessController?>(nil)
    private let aggregation = Mutex<AggregationController?>(nil)
    /// The servers of the cluster that the Service `kubernetes` leads to; nil where this is the only one.
    private let servers: ServerEndpoints?
    private let chores = Mutex<[RepeatedTask]>([])
    private let pastRevisions = Mutex<[(seconds: Int64, revision: Revision)]>([])

    /// - Parameters:
    ///   - authentication: how requests say who they are; its token issuer also answers TokenRequests.
    ///   - authorizers: asked after the node authorizer and RBAC.
    ///   - kubelets: how container logs are fetched; nil answers 501.
    ///   - frontProxy: who this server is towards aggregated API servers; nil has none of them available.
    ///   - audit: what is logged of requests, and where; nil logs nothing.
    public init(
        configuration: APIServerConfiguration, store: any Store, schema: Schema = .builtin,
        authentication: RequestAuthenticator.Configuration, authorizers: [any Authorizer] = [],
        kubelets: (any KubeletConnection)? = nil, frontProxy: FrontProxy? = nil,
        audit: Audit? = nil, logger: Logger = Logger(label: "apiserver")
    ) {
        self.configuration = configuration
        let liveSchema = LiveSchema(schema)
        self.liveSchema = liveSchema
        self.kubelets = kubelets
        self.logger = logger
        tokens = authentication.tokenIssuer
        cache = WatchCache(schema: schema, store: store, logger: logger)
        self.audit = audit
        fairness = Fairness(
            cache: cache, concurrency: configuration.requestsInFlightLimit,
            queueWait: .milliseconds(Int64(configuration.requestTimeout) * 250))
        aggregator = Aggregator(cache: cache, frontProxy: frontProxy, logger: logger)
        authenticator = RequestAuthenticator(authentication, lookup: cache)
        let rbac = RBACAuthorizer(lookup: cache)
        let graph = NodeGraph()
        for source in NodeGraph.sources {
            cache.cache(group: source.group, resource: source.resource)?.observe { events in
                for event in events { graph.changed(source.kind, event.object, isGone: event.kind == .deleted) }
            }
        }
        authorizer = AuthorizerChain([NodeAuthorizer(graph: graph), rbac] + authorizers)
        registry = Registry(
            schema: liveSchema, cache: cache, configuration: configuration, authorizer: authorizer, rbac: rbac,
            authenticator: authenticator, tokens: tokens, logger: logger)
        published = PublishedDocuments(liveSchema)
        customResources = CustomResourceController(liveSchema, registry, logger: logger)
        servers = store.isShared ? ServerEndpoints(store, configuration) : nil
    }

    /// Everything that is served at this moment.
    public var schema: Schema { liveSchema.current }

    /// Whether `start` has finished.
    public var isReady: Bool { ready.load(ordering: .acquiring) }

    /// Loads the watch cache, follows the store, and makes what every cluster has.
    /// - Throws: `StoreError` if the store cannot be read, `APIError` if a bootstrap object cannot be written.
    public func start() async throws {
        try await cache.start()
        hooks.finish(.informers)
        if let services = cache.cache(group: "", resource: "services") {
            for service in services.snapshot.objects.all { registry.services.adopt(service.value) }
        }
        repairClaims()
        try await bootstrap()
        hooks.finish(.admission, .bootstrapRoles, .priorityClasses, .autoregistration)
        try await customResources.start()
        hooks.finish(.definitions, .definitionsSynced)
        startChores()
        followServers()
        let controller = AggregationController(self)
        controller.start()
        hooks.finish(.registration, .discovery)
        aggregation.withLock { $0 = controller }
        if configuration.makesServingObjects {
            let fairnessController = FairnessController(self)
            fairnessController.start()
            fairnessControl.withLock { $0 = fairnessController }
            hooks.finish(.fairnessProducer)
        }
        hooks.finish(.fairnessConsumer)
        authenticator.onLegacyToken { [weak self] namespace, secret, day in
            self?.noteUse(ofToken: secret, in: namespace, on: day)
        }
        ready.store(true, ordering: .releasing)
    }

    /// Whether `beginShutdown` was called.
    var isShuttingDown: Bool { shuttingDown.load(ordering: .acquiring) }

    /// Says at `/readyz` that no more requests should come; those that do are still answered.
    public func beginShutdown() { shuttingDown.store(true, ordering: .releasing) }

    /// Ends watches and stops following the store, which is the caller's to close.
    public func stop() {
        ready.store(false, ordering: .releasing)
        for task in chores.withLock({ $0 }) { task.cancel() }
        customResources.stop()
        aggregation.withLock { $0 }?.stop()
        fairnessControl.withLock { $0 }?.stop()
        audit?.sink.flush()
        cache.stop()
        for resource in cache.all { for watcher in resource.watchers { watcher.end() } }
    }

    /// The API as `user` has it, for components in this process.
    public func inProcess(as user: UserInfo) -> InProcessAPI { InProcessAPI(server: self, user: user) }

    // MARK: Bootstrap

    private func bootstrap() async throws(APIError) {
        try await ensure(Bootstrap.namespaceObjects())
        if configuration.makesServingObjects { try await ensure(FairnessBootstrap.levelObjects) }
        var rest = BootstrapPolicy.objects + Bootstrap.priorityClassObjects()
        if let address = registry.services.first {
            let addresses = await serverAddresses()
            rest += Bootstrap.serviceObjects(configuration, address: address, servers: addresses)
            rest.append(Bootstrap.serviceRange(configuration))
        }
        if configuration.makesServingObjects {
            rest += FairnessBootstrap.flowObjects + AggregationController.localObjects(schema)
        }
        if let frontProxy = aggregator.frontProxy { rest.append(frontProxy.configMap) }
        let tracking = Bootstrap.legacyTokenTracking(since: configuration.now())
        if cache.object(group: "", resource: "configmaps", namespace: tracking.namespace, name: tracking.name) == nil {
            rest.append(tracking)
        }
        try await ensure(rest)
    }

    /// Writes down on a Secret that its token was used, so that those that nobody uses can be found.
    private func noteUse(ofToken secret: String, in namespace: String, on day: String) {
        let call = APICall(
            verb: "patch", group: "", version: "v1", resource: "secrets", namespace: namespace, name: secret,
            body: ["metadata": ["labels": ["kubernetes.io/legacy-token-last-used": .string(day)]]],
            patchType: "application/merge-patch+json")
        handle(call, as: Bootstrap.user) { [logger] result in
            if case .failure(let error) = result { logger.info("the use of the token in \(secret): \(error)") }
        }
    }

    /// Makes objects that are missing and mends those that differ, all at once: the store commits them together.
    private func ensure(_ objects: [JSONValue]) async throws(APIError) {
        let failures = await withTaskGroup(of: APIError?.self) { group in
            for object in objects { group.addTask { await self.ensure(object) } }
            var failures: [APIError] = []
            for await failure in group { if let failure { failures.append(failure) } }
            return failures
        }
        if let failure = failures.first { throw failure }
    }

    private func ensure(_ object: JSONValue) async -> APIError? {
        var failure = await ensureNow(object)
        guard cache.isShared else { return failure }
        // Another server that starts may make the same at the same time.
        for _ in 0..<5 where failure != nil {
            try? await cache.store.synchronize()
            failure = await ensureNow(object)
        }
        return failure
    }

    private func ensureNow(_ object: JSONValue) async -> APIError? {
        guard
            let resource = schema.resource(
                apiVersion: object["apiVersion"]?.stringValue ?? "", kind: object["kind"]?.stringValue ?? ""),
            let cache = cache.cache(for: resource)
        else { return .internalError("a bootstrap object is of an unknown kind: \(object.name)") }
        var call = APICall(
            verb: "create", group: resource.group, version: resource.version, resource: resource.plural,
            namespace: object.namespace, body: object)
        if let stored = cache[ObjectKey(namespace: object.namespace, name: object.name)] {
            guard let changed = Bootstrap.reconciled(stored.value, with: object) else { return nil }
            call.verb = "update"
            call.name = object.name
            call.body = changed
        }
        guard case .failure(let error) = await handle(call, as: Bootstrap.user) else { return nil }
        return error.reason == "AlreadyExists" ? nil : error
    }

    // MARK: Where the API is

    /// The addresses of all servers that live.
    private func serverAddresses() async -> [String] {
        guard let servers else { return [configuration.advertiseAddress] }
        do throws(StoreError) {
            return try await servers.renew()
        } catch {
            logger.warning("it is not known which servers there are: \(error)")
            return [configuration.advertiseAddress]
        }
    }

    /// Keeps the Service `kubernetes` leading to the servers that live.
    private func followServers() {
        guard servers != nil, let service = registry.services.first else { return }
        let loop = configuration.eventLoops.any()
        let task = loop.scheduleRepeatedTask(
            initialDelay: ServerEndpoints.interval, delay: ServerEndpoints.interval
        ) { [weak self] _ in
            guard let self else { return }
            Task {
                guard self.isReady, let servers = self.servers else { return }
                do throws(StoreError) {
                    await self.lead(to: try await servers.renew(), service)
                } catch {
                    self.logger.debug("the servers' addresses are not renewed: \(error)")
                }
            }
        }
        chores.withLock { $0.append(task) }
    }

    private func lead(to addresses: [String], _ service: IPv4Address) async {
        for object in Bootstrap.serviceObjects(configuration, address: service, servers: addresses) {
            if let error = await ensure(object) { logger.warning("the Service kubernetes: \(error)") }
        }
    }

    /// Says to the other servers that this one goes, before it does.
    public func leave() async {
        guard let servers, let service = registry.services.first else { return }
        ready.store(false, ordering: .releasing)
        do throws(StoreError) {
            let others = try await servers.leave()
            if !others.isEmpty { await lead(to: others, service) }
        } catch {
            logger.debug("the other servers find out that this one is gone: \(error)")
        }
    }

    // MARK: Chores

    private func startChores() {
        let loop = configuration.eventLoops.any()
        let minute = TimeAmount.minutes(1)
        let events = loop.scheduleRepeatedTask(initialDelay: minute, delay: minute) { [weak self] _ in
            self?.expireEvents()
            self?.compact()
            self?.repairClaims()
        }
        chores.withLock { $0 = [events] }
    }

    /// Sees that what services hold is theirs to every server.
    func repairClaims() {
        guard let claims = registry.services.claims, let services = cache.cache(group: "", resource: "services") else {
            return
        }
        Task { [registry, logger] in
            do throws(StoreError) {
                try await claims.repair(services, registry.services)
            } catch {
                logger.warning("the addresses and ports of services are not checked: \(error)")
            }
        }
    }

    /// Deletes events that nothing has happened to for their lifetime.
    func expireEvents() {
        guard let events = cache.cache(group: "", resource: "events") else { return }
        let limit = configuration.now().adding(seconds: -configuration.eventLifetime)
        for event in events.snapshot.objects.all {
            let value = event.value
            let texts = [
                value[path: "series", "lastObservedTime"], value["lastTimestamp"], value["eventTime"],
                value["metadata"]?["creationTimestamp"],
            ]
            guard let last = texts.lazy.compactMap({ $0.flatMap(Time.init(field:)) }).max(), last < limit else {
                continue
            }
            cache.store.commit(.delete(key: events.storeKey(event.key), expected: event.revision)) { _ in }
        }
    }

    /// Forgets history that is older than the compaction interval.
    func compact() {
        // A shared store does so itself, one server at a time.
        if cache.isShared { return }
        let now = configuration.now().seconds
        let interval = Int64(configuration.compactionInterval)
        let target: Revision? = pastRevisions.withLock { past in
            past.append((now, cache.revision))
            guard let last = past.lastIndex(where: { $0.seconds <= now - interval }) else { return nil }
            let revision = past[last].revision
            past.removeSubrange(...last)
            return revision
        }
        guard let target, target > 0 else { return }
        let history = cache
        let logger = logger
        Task {
            do throws(StoreError) {
                try await history.compact(to: target)
            } catch {
                logger.warning("compaction of the store failed: \(error)")
            }
        }
    }
}
