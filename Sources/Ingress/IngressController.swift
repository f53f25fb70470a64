// The shell of Ingress: informers bring what the route table is made of, sockets bring requests, and Ingresses are told
// the address at which they answer.

import HTTPServer
import JSON
import KubeClient
import KubeTypes
import Logging
import NIOCore
import Synchronization

/// Serves Ingresses of the class `martlet` (the default), and of `nginx` where nobody else does.
public final class IngressController: Sendable {
    public struct Options: Sendable {
        /// Where to listen.
        public var address: String
        /// 0 takes any that is free.
        public var httpPort: Int
        public var httpsPort: Int
        /// Shown to clients that ask for a name without a certificate of its own, PEM.
        public var defaultCertificatePEM: [UInt8]
        public var defaultKeyPEM: [UInt8]
        /// The Service through which clients come, and its namespace; nil makes none.
        public var service: (namespace: String, name: String)?
        /// The node on which this runs, so that the Service knows its endpoint for a local one.
        public var nodeName: String

        public init(
            address: String, httpPort: Int = 0, httpsPort: Int = 0, defaultCertificatePEM: [UInt8],
            defaultKeyPEM: [UInt8], service: (namespace: String, name: String)? = ("kube-system", "martlet-ingress"),
            nodeName: String = ""
        ) {
            self.address = address
            self.httpPort = httpPort
            self.httpsPort = httpsPort
            self.defaultCertificatePEM = defaultCertificatePEM
            self.defaultKeyPEM = defaultKeyPEM
            self.service = service
            self.nodeName = nodeName
        }
    }

    private struct Certificate {
        let resourceVersion: String
        /// Nil where the Secret's cannot be used.
        let parsed: ServerCertificate?
    }

    private struct State {
        var certificates: [ObjectKey: Certificate] = [:]
        var ports: (http: Int, https: Int)?
        var reported: Set<IngressRoutes.Problem> = []
    }

    private let client: KubeClient
    private let options: Options
    private let logger: Logger
    private let ingresses: Informer<Ingress>
    private let classes: Informer<IngressClass>
    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let secrets: Informer<Secret>
    private let recorder: EventRecorder
    private let proxy: IngressProxy
    private let state = Mutex(State())

    private static let byService = "service"

    public init(client: KubeClient, options: Options, logger: Logger = Logger(label: "ingress")) {
        self.client = client
        self.options = options
        self.logger = logger
        ingresses = Informer(client, logger: logger)
        classes = Informer(client, logger: logger)
        services = Informer(client, logger: logger)
        slices = Informer(client, logger: logger)
        secrets = Informer(client, fieldSelector: "type=kubernetes.io/tls", logger: logger)
        recorder = EventRecorder(client: client, component: "martlet-ingress", logger: logger)
        // What clients know are the Service's ports.
        proxy = IngressProxy(
            httpPort: options.service == nil ? options.httpPort : 80,
            httpsPort: options.service == nil ? options.httpsPort : 443, logger: logger)
        slices.addIndex(Self.byService) { slice in
            slice.labels["kubernetes.io/service-name"].map { ["\(slice.namespace)/\($0)"] } ?? []
        }
    }

    /// Where it listens; nil before it does.
    public var ports: (http: Int, https: Int)? { state.withLock { $0.ports } }

    /// The Ingresses that are served at the moment.
    public var served: Set<ObjectKey> { proxy.routes.accepted }

    /// Serves until the task is cancelled.
    /// - Parameter onListen: told the ports, once.
    /// - Throws: `HTTPServerError` if it cannot listen.
    public func run(onListen: @Sendable (_ http: Int, _ https: Int) -> Void = { _, _ in }) async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = IngressProxy.bodyLimit
        var configuration = HTTPServer.Configuration(
            host: options.address, port: options.httpPort, limits: limits, logger: logger)
        let plain = try await HTTPServer.start(configuration, responder: proxy.responder(secure: false))
        var tls = HTTPServer.TLS(
            certificateChainPEM: options.defaultCertificatePEM, privateKeyPEM: options.defaultKeyPEM)
        tls.certificateForName = { [self] name in name.flatMap(certificate(for:)) }
        configuration.tls = tls
        configuration.port = options.httpsPort
        let secure: HTTPServer
        do {
            secure = try await HTTPServer.start(configuration, responder: proxy.responder(secure: true))
        } catch {
            await plain.shutdown(grace: .zero)
            throw error
        }
        state.withLock { $0.ports = (plain.port, secure.port) }
        onListen(plain.port, secure.port)
        await follow(httpPort: plain.port, httpsPort: secure.port)
        await plain.shutdown(grace: .seconds(1))
        await secure.shutdown(grace: .seconds(1))
    }

    private func certificate(for name: String) -> ServerCertificate? {
        guard let secret = proxy.routes.certificate(for: name) else { return nil }
        return state.withLock { $0.certificates[secret]?.parsed }
    }

    private func follow(httpPort: Int, httpsPort: Int) async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        ingresses.addHandler { _ in change.yield() }
        classes.addHandler { _ in change.yield() }
        services.addHandler { _ in change.yield() }
        slices.addHandler { _ in change.yield() }
        secrets.addHandler { _ in change.yield() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.ingresses.run() }
            group.addTask { await self.classes.run() }
            group.addTask { await self.services.run() }
            group.addTask { await self.slices.run() }
            group.addTask { await self.secrets.run() }
            group.addTask { await self.ensureObjects(httpPort: httpPort, httpsPort: httpsPort) }
            group.addTask {
                await self.ingresses.waitForSync()
                await self.classes.waitForSync()
                await self.services.waitForSync()
                await self.slices.waitForSync()
                await self.secrets.waitForSync()
                change.yield()
                for await _ in changes {
                    if Task.isCancelled { return }
                    self.rebuild()
                    await self.updateStatuses()
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
        }
    }

    // MARK: - The table

    private func rebuild() {
        var inputs = IngressInputs()
        inputs.ingresses = ingresses.objects
        inputs.classes = classes.objects
        for ingress in inputs.ingresses {
            for name in Self.serviceNames(ingress) {
                let key = ObjectKey(namespace: ingress.namespace, name: name)
                inputs.services[key] = services[key]
                inputs.slices[key] = slices.objects(by: Self.byService, "\(key)")
            }
            for name in ingress.spec.tls.compactMap(\.secretName) {
                let key = ObjectKey(namespace: ingress.namespace, name: name)
                if readCertificate(key) { inputs.certificates.insert(key) }
            }
        }
        let routes = RouteTableBuilder.build(inputs)
        proxy.replace(routes)
        let fresh = state.withLock { state in
            state.certificates = state.certificates.filter { inputs.certificates.contains($0.key) }
            defer { state.reported = Set(routes.problems) }
            return routes.problems.filter { !state.reported.contains($0) }
        }
        for problem in fresh {
            guard let ingress = ingresses[problem.ingress] else { continue }
            recorder.event(regarding: ingress, type: .warning, reason: problem.reason, message: problem.message)
        }
    }

    private static func serviceNames(_ ingress: Ingress) -> Set<String> {
        let paths = ingress.spec.rules.flatMap { $0.http?.paths ?? [] }
        return Set((paths.map(\.backend) + [ingress.spec.defaultBackend]).compactMap { $0?.service?.name })
    }

    /// Reads a Secret's certificate, once for each of its versions; false if it holds none that can be used.
    private func readCertificate(_ key: ObjectKey) -> Bool {
        guard let secret = secrets[key] else { return false }
        if let known = state.withLock({ $0.certificates[key] }), known.resourceVersion == secret.resourceVersion {
            return known.parsed != nil
        }
        var parsed: ServerCertificate?
        if let chain = secret.bytes("tls.crt"), let privateKey = secret.bytes("tls.key") {
            parsed = try? ServerCertificate(certificateChainPEM: chain, privateKeyPEM: privateKey)
        }
        state.withLock {
            $0.certificates[key] = Certificate(resourceVersion: secret.resourceVersion, parsed: parsed)
        }
        return parsed != nil
    }

    // MARK: - Objects of our own

    /// What clients reach us at: the addresses of our Service, or the one we listen on.
    private var addresses: [String] {
        guard let service = options.service else { return [options.address] }
        let found = services.get(service.name, namespace: service.namespace)
        return found?.status.loadBalancer?.ingress.compactMap(\.ip) ?? []
    }

    private func updateStatuses() async {
        let addresses = addresses
        guard !addresses.isEmpty else { return }
        for key in proxy.routes.accepted.sorted() {
            guard var ingress = ingresses[key],
                ingress.status.loadBalancer?.ingress.compactMap(\.ip) != addresses
            else { continue }
            var status = IngressLoadBalancerStatus()
            status.ingress = addresses.map { address in
                var entry = IngressLoadBalancerIngress()
                entry.ip = address
                return entry
            }
            ingress.status.loadBalancer = status
            do { _ = try await client.updateStatus(ingress) } catch {
                // A newer version is on its way here, and brings another try.
                if !error.isConflict, !error.isNotFound { logger.info("the status of ingress \(key): \(error)") }
            }
        }
    }

    /// The class `martlet`, and the Service that leads to our sockets, with its slice.
    private func ensureObjects(httpPort: Int, httpsPort: Int) async {
        while !Task.isCancelled {
            do {
                try await client.ensure(Self.ingressClass)
                if let service = options.service {
                    try await client.ensure(Self.service(service))
                    try await client.put(slice(service, httpPort: httpPort, httpsPort: httpsPort))
                }
                return
            } catch {
                logger.info("the objects of the ingress proxy: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private static var ingressClass: IngressClass {
        var object = IngressClass(name: "martlet")
        object.metadata.annotations = [RouteTableBuilder.defaultClassAnnotation: "true"]
        object.spec.controller = RouteTableBuilder.controller
        return object
    }

    private static func service(_ reference: (namespace: String, name: String)) -> Service {
        var service = Service(name: reference.name, namespace: reference.namespace)
        service.spec.type = "LoadBalancer"
        // Clients keep their addresses.
        service.spec.externalTrafficPolicy = "Local"
        service.spec.ports = [("http", 80), ("https", 443)].map { name, number in
            var port = ServicePort()
            port.name = name
            port.port = number
            port.protocol = "TCP"
            return port
        }
        return service
    }

    private func slice(
        _ reference: (namespace: String, name: String), httpPort: Int, httpsPort: Int
    ) -> EndpointSlice {
        var slice = EndpointSlice(name: "\(reference.name)-martlet", namespace: reference.namespace)
        slice.metadata.labels = [
            "kubernetes.io/service-name": reference.name, "endpointslice.kubernetes.io/managed-by": "martlet",
        ]
        slice.addressType = options.address.contains(":") ? "IPv6" : "IPv4"
        var endpoint = Endpoint()
        endpoint.addresses = [options.address]
        endpoint.nodeName = options.nodeName.isEmpty ? nil : options.nodeName
        var conditions = EndpointConditions()
        conditions.ready = true
        endpoint.conditions = conditions
        slice.endpoints = [endpoint]
        slice.ports = [("http", httpPort), ("https", httpsPort)].map { name, number in
            var port = EndpointSlicePort()
            port.name = name
            port.port = number
            port.protocol = "TCP"
            return port
        }
        return slice
    }
}

extension Secret {
    /// The bytes under a key of `data`; nil where there are none or they are no base64.
    fileprivate func bytes(_ key: String) -> [UInt8]? { data[key].flatMap(Base64.decode) }
}
