// Keeps APIServices true: one for every group version of this server's own, and for the others whether they can be
// reached.

import APISchema
import JSON
import KubeTypes
import Logging
import NIOCore
import Synchronization

final class AggregationController: Sendable {
    private let server: APIServer
    private let aggregator: Aggregator
    private let signal: AsyncStream<Void>.Continuation
    private let stream: AsyncStream<Void>
    /// The groups that have their APIServices.
    private let seen: Mutex<[APIGroup]>
    private let running = Mutex<(task: Task<Void, Never>, timer: RepeatedTask)?>(nil)

    /// How often servers are asked again whether they still answer.
    private static let interval = TimeAmount.seconds(10)
    private static let automanaged = "kube-aggregator.kubernetes.io/automanaged"
    private static let attempts = 3

    init(_ server: APIServer) {
        self.server = server
        aggregator = server.aggregator
        seen = Mutex(server.schema.groups)
        (stream, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func start() {
        let aggregator = aggregator
        let signal = signal
        server.cache.follow(group: "apiregistration.k8s.io", resource: "apiservices") {
            // At once, so that whoever has seen an APIService become available is not told otherwise.
            aggregator.reload()
            signal.yield()
        }
        let look: @Sendable () -> Void = { if !aggregator.isEmpty { signal.yield() } }
        server.cache.follow(group: "", resource: "services", look)
        server.cache.follow(group: "discovery.k8s.io", resource: "endpointslices", look)
        // A definition's group is served a moment before its status says so, and for a moment after it is gone.
        server.cache.follow(group: "apiextensions.k8s.io", resource: "customresourcedefinitions") { signal.yield() }
        aggregator.reload()
        let timer = server.configuration.eventLoops.any().scheduleRepeatedTask(
            initialDelay: Self.interval, delay: Self.interval
        ) { _ in signal.yield() }
        let task = Task { [self] in
            for await _ in stream {
                await followSchema()
                await checkRemotes()
            }
        }
        running.withLock { $0 = (task, timer) }
    }

    func stop() {
        signal.finish()
        let running = running.withLock { $0 }
        running?.task.cancel()
        running?.timer.cancel()
    }

    // MARK: Group versions of this server's own

    /// One APIService for each group version of a schema.
    static func localObjects(_ schema: Schema) -> [JSONValue] {
        schema.groups.flatMap { group in
            group.versions.enumerated().map { index, version in
                let priorities = APIServicePriorities.priorities(group: group.name, version: version, index: index)
                let managed = APIServicePriorities.isBuiltIn(group.name) ? "onstart" : "true"
                var spec: JSONObject = [:]
                if !group.name.isEmpty { spec["group"] = .string(group.name) }
                spec["version"] = .string(version)
                spec["groupPriorityMinimum"] = .integer(priorities.group)
                spec["versionPriority"] = .integer(priorities.version)
                return [
                    "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                    "metadata": [
                        "name": .string("\(version).\(group.name)"), "labels": [automanaged: .string(managed)],
                    ], "spec": .object(spec),
                ]
            }
        }
    }

    /// Makes APIServices for group versions that came, and removes those of group versions that went. One that somebody
    /// made to lead elsewhere is left alone.
    private func followSchema() async {
        guard server.configuration.makesServingObjects else { return }
        let schema = server.schema
        let isKnown = seen.withLock { seen in
            defer { seen = schema.groups }
            return seen == schema.groups
        }
        if isKnown { return }
        let wanted = Dictionary(
            Self.localObjects(schema).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let objects = server.cache.objects(group: "apiregistration.k8s.io", resource: "apiservices", namespace: nil)
        for object in objects
        where wanted[object.key.name] == nil && object.value.labels?[Self.automanaged]?.stringValue == "true" {
            await write("delete", object.key.name, nil)
        }
        let present = Set(objects.map(\.key.name))
        for (name, object) in wanted where !present.contains(name) { await write("create", name, object) }
    }

    private func write(_ verb: String, _ name: String, _ body: JSONValue?, subresource: String = "") async {
        let call = APICall(
            verb: verb, group: "apiregistration.k8s.io", version: "v1", resource: "apiservices",
            name: verb == "create" ? "" : name, subresource: subresource, body: body)
        if case .failure(let error) = await server.handle(call, as: Bootstrap.user), error.code != 404 {
            server.logger.debug("APIService \(name): \(error)")
        }
    }

    // MARK: Group versions of others

    private func checkRemotes() async {
        let remotes = aggregator.state.withLock { Array($0.remotes.values) }
        await withTaskGroup(of: Void.self) { group in
            for remote in remotes { group.addTask { await self.check(remote) } }
        }
    }

    private func check(_ remote: RemoteAPI) async {
        let condition = await availability(of: remote)
        guard
            let object = server.cache.object(
                group: "apiregistration.k8s.io", resource: "apiservices", namespace: "", name: remote.name.objectName)
        else { return }
        var value = object.value
        // Changed meanwhile: that change has made its own signal.
        guard !APIServiceStrategy.isLocal(value) else { return }
        guard APIServiceConditions.set(condition, in: &value, now: server.configuration.now()) else { return }
        await write("update", remote.name.objectName, value, subresource: "status")
    }

    /// What can be said of a remote now: its service, its endpoints, its answer.
    private func availability(of remote: RemoteAPI) async -> APIServiceConditions {
        let (name, namespace) = (remote.serviceName, remote.serviceNamespace)
        if let problem = Self.serviceProblem(remote, server.cache) {
            aggregator.discovered(remote.name, nil)
            return problem
        }
        var last = ""
        for attempt in 0..<Self.attempts {
            if attempt > 0 { try? await Task.sleep(for: .milliseconds(100)) }
            let url = "https://\(name).\(namespace).svc:\(remote.port)\(remote.name.path)"
            guard let answer = await aggregator.fetch(remote.name.path, from: remote, accept: "application/json")
            else {
                last = remote.tlsProblem ?? "no endpoints available for service \"\(name)\""
                continue
            }
            if (200..<300).contains(answer.status.code), answer.isComplete {
                let document = try? JSONParser.parse(answer.body.readableBytesView)
                aggregator.discovered(remote.name, document?["resources"]?.arrayValue ?? [])
                await fetchOpenAPI(of: remote)
                return .passed
            }
            last =
                answer.status == .badGateway
                ? "failing or missing response from \(url): \(String(buffer: answer.body))"
                : "bad status from \(url): \(answer.status.code)"
        }
        aggregator.discovered(remote.name, nil)
        return .failed("FailedDiscoveryCheck", last)
    }

    /// Old clients read OpenAPI v2 alone. A server without it is none the worse.
    private func fetchOpenAPI(of remote: RemoteAPI) async {
        guard aggregator.wantsOpenAPI(remote.name),
            let answer = await aggregator.fetch("/openapi/v2", from: remote, accept: "application/json"),
            answer.status == .ok, answer.isComplete,
            let document = try? JSONParser.parse(answer.body.readableBytesView),
            let spec = RemoteOpenAPI(document, group: remote.name.group)
        else { return }
        aggregator.discovered(remote.name, openAPI: spec)
    }

    /// What is wrong with the service that a remote is behind, if anything.
    static func serviceProblem(_ remote: RemoteAPI, _ lookup: any ObjectLookup) -> APIServiceConditions? {
        let (name, namespace) = (remote.serviceName, remote.serviceNamespace)
        guard
            let service = lookup.object(group: "", resource: "services", namespace: namespace, name: name)?.value
        else { return .failed("ServiceNotFound", "service/\(name) in \"\(namespace)\" is not present") }
        guard service[path: "spec", "type"]?.stringValue ?? "ClusterIP" == "ClusterIP" else { return nil }
        let ports = service[path: "spec", "ports"]?.arrayValue ?? []
        guard let port = ports.first(where: { $0["port"]?.intValue == remote.port }) else {
            return .failed(
                "ServicePortError", "service/\(name) in \"\(namespace)\" is not listening on port \(remote.port)")
        }
        let portName = port["name"]?.stringValue ?? ""
        let slices = lookup.objects(group: "discovery.k8s.io", resource: "endpointslices", namespace: namespace)
            .map(\.value).filter { $0.labels?["kubernetes.io/service-name"]?.stringValue == name }
        guard !slices.isEmpty else {
            return .failed(
                "EndpointsNotFound", "cannot find endpointslices for service/\(name) in \"\(namespace)\"")
        }
        let isReady = slices.contains { slice in
            let hasPort = (slice["ports"]?.arrayValue ?? []).contains { ($0["name"]?.stringValue ?? "") == portName }
            let hasAddress = (slice["endpoints"]?.arrayValue ?? []).contains {
                $0[path: "conditions", "ready"]?.boolValue ?? true
            }
            return hasPort && hasAddress
        }
        guard isReady else {
            return .failed(
                "MissingEndpoints",
                "endpointslices for service/\(name) in \"\(namespace)\" have no addresses with port name \"\(portName)\""
            )
        }
        return nil
    }
}
