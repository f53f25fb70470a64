// From Ingresses, Services, EndpointSlices and Secrets to the route table: a pure function.

import KubeTypes

/// All that the table is made of.
struct IngressInputs: Sendable {
    var ingresses: [Ingress] = []
    var classes: [IngressClass] = []
    var services: [ObjectKey: Service] = [:]
    /// By Service.
    var slices: [ObjectKey: [EndpointSlice]] = [:]
    /// Secrets that hold a certificate that can be used.
    var certificates: Set<ObjectKey> = []
}

/// What came out, and what is to be said about it.
struct IngressRoutes: Sendable {
    struct Problem: Sendable, Hashable {
        let ingress: ObjectKey
        let reason: String
        let message: String
    }

    var table = RouteTable()
    /// The Secret with the certificate of each host; a wildcard begins with `*.`.
    var certificates: [String: ObjectKey] = [:]
    /// The Ingresses that are ours.
    var accepted: Set<ObjectKey> = []
    var problems: [Problem] = []

    /// The Secret for a name that a client asks for.
    func certificate(for name: String) -> ObjectKey? {
        let host = RouteTable.bare(name)
        if let exact = certificates[host] { return exact }
        guard let dot = host.firstIndex(of: ".") else { return nil }
        return certificates["*" + host[dot...]]
    }
}

struct RouteTableBuilder {
    /// The name by which an IngressClass calls this proxy.
    static let controller = "martlet.dev/ingress"
    /// A class without an object of its own that is served nevertheless, unless another controller claims it: so do the
    /// manifests of half the world name it.
    static let commonClass = "nginx"
    private static let classAnnotation = "kubernetes.io/ingress.class"
    static let defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class"

    private let inputs: IngressInputs
    private var result = IngressRoutes()

    static func build(_ inputs: IngressInputs) -> IngressRoutes {
        var builder = RouteTableBuilder(inputs)
        builder.run()
        return builder.result
    }

    private init(_ inputs: IngressInputs) { self.inputs = inputs }

    private mutating func run() {
        // The oldest has a path that two want.
        let ours = inputs.ingresses.filter(isOurs).sorted { left, right in
            let ages = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let first = ages.0, let second = ages.1, first != second { return first < second }
            return left.key < right.key
        }
        result.accepted = Set(ours.map(\.key))
        var canaries: [(Ingress, RouteSettings)] = []
        for ingress in ours {
            let annotations = Annotations(ingress.annotations)
            for problem in annotations.problems {
                report(ingress, "IgnoredAnnotation", "\(Annotations.prefix)\(problem.name) \(problem.reason)")
            }
            if annotations.settings.canary == nil {
                add(ingress, annotations.settings)
            } else {
                canaries.append((ingress, annotations.settings))
            }
        }
        for (ingress, settings) in canaries { addCanary(ingress, settings) }
    }

    private mutating func report(_ ingress: Ingress, _ reason: String, _ message: String) {
        result.problems.append(IngressRoutes.Problem(ingress: ingress.key, reason: reason, message: message))
    }

    func isOurs(_ ingress: Ingress) -> Bool {
        guard !ingress.isBeingDeleted else { return false }
        guard let name = ingress.spec.ingressClassName ?? ingress.annotations[Self.classAnnotation], !name.isEmpty
        else {
            return inputs.classes.contains {
                $0.spec.controller == Self.controller && $0.annotations[Self.defaultClassAnnotation] == "true"
            }
        }
        if let found = inputs.classes.first(where: { $0.name == name }) {
            return found.spec.controller == Self.controller
        }
        return name == Self.commonClass
    }

    private mutating func add(_ ingress: Ingress, _ settings: RouteSettings) {
        let secured = addCertificates(ingress)
        func route(_ backend: Backend, host: String) -> Route {
            Route(
                ingress: ingress.key, backend: backend, settings: settings,
                hasTLS: secured.contains(host)
                    || host.firstIndex(of: ".").map { secured.contains("*" + host[$0...]) } == true)
        }
        for (host, path, backend) in paths(of: ingress, settings) {
            if case .expression(let pattern) = path, PathExpression(pattern) == nil {
                report(ingress, "InvalidPath", "the path \(pattern) is no regular expression that can be used")
                continue
            }
            result.table.add(route(self.backend(backend, of: ingress), host: host), host: host, path: path)
        }
        if let backend = ingress.spec.defaultBackend {
            let route = route(self.backend(backend, of: ingress), host: "")
            // Of an Ingress with rules it takes what those leave, for their hosts; of one without, everything.
            for host in Set(ingress.spec.rules.compactMap(\.host)) where !host.isEmpty {
                result.table.add(route, host: host.lowercased(), path: .prefix(""))
            }
            if ingress.spec.rules.isEmpty, result.table.defaultRoute == nil { result.table.defaultRoute = route }
        }
    }

    /// - Returns: the hosts that have a certificate.
    private mutating func addCertificates(_ ingress: Ingress) -> Set<String> {
        var secured: Set<String> = []
        for entry in ingress.spec.tls {
            let hosts = entry.hosts.isEmpty ? ingress.spec.rules.compactMap(\.host) : entry.hosts
            for host in hosts.map({ $0.lowercased() }) where !host.isEmpty {
                secured.insert(host)
                guard let name = entry.secretName, !name.isEmpty else { continue }
                let secret = ObjectKey(namespace: ingress.namespace, name: name)
                guard inputs.certificates.contains(secret) else {
                    report(ingress, "InvalidCertificate", "the secret \(secret) holds no certificate that can be used")
                    continue
                }
                if result.certificates[host] == nil { result.certificates[host] = secret }
            }
        }
        return secured
    }

    private func paths(
        of ingress: Ingress, _ settings: RouteSettings
    ) -> [(host: String, path: RoutePath, backend: IngressBackend)] {
        ingress.spec.rules.flatMap { rule in
            (rule.http?.paths ?? []).compactMap { path in
                guard let backend = path.backend else { return nil }
                let text = path.path ?? "/"
                // A target that puts captures together needs an expression that captures; so do paths that are no paths.
                let isExpression = settings.usesExpressions || (settings.rewriteTarget?.contains("$") ?? false)
                return (
                    rule.host?.lowercased() ?? "", RoutePath(text, type: path.pathType, isExpression: isExpression),
                    backend
                )
            }
        }
    }

    /// A canary is another backend for the routes of an Ingress with the same host and path.
    private mutating func addCanary(_ ingress: Ingress, _ settings: RouteSettings) {
        guard let rule = settings.canary else { return }
        for (host, path, backend) in paths(of: ingress, settings) {
            let canary = Canary(rule: rule, backend: self.backend(backend, of: ingress))
            let found = result.table.change(host: host, path: path) { route in
                // One canary for a route, as nginx has it.
                if route.canaries.isEmpty { route.canaries = [canary] }
            }
            if !found {
                report(ingress, "OrphanedCanary", "no other Ingress has the host \"\(host)\" and this path")
            }
        }
    }

    /// Without endpoints if there is no such Service or port: requests are answered with 503.
    private mutating func backend(_ backend: IngressBackend, of ingress: Ingress) -> Backend {
        guard let reference = backend.service else {
            report(ingress, "UnsupportedBackend", "only Services can be backends")
            return Backend(service: ObjectKey(name: ""), port: "", endpoints: [])
        }
        let key = ObjectKey(namespace: ingress.namespace, name: reference.name)
        let port = reference.port?.name ?? reference.port?.number.map(String.init) ?? ""
        guard let service = inputs.services[key] else {
            report(ingress, "BackendNotFound", "there is no service \(key)")
            return Backend(service: key, port: port, endpoints: [])
        }
        let found = service.spec.ports.first { candidate in
            reference.port?.name.map { $0 == candidate.name } ?? (candidate.port == reference.port?.number)
        }
        if service.spec.type == "ExternalName", let name = service.spec.externalName {
            let number = reference.port?.number ?? found?.port
            return Backend(
                service: key, port: port, endpoints: number.map { [BackendEndpoint(host: name, port: $0)] } ?? [])
        }
        guard let found else {
            report(ingress, "BackendNotFound", "the service \(key) has no port \(port)")
            return Backend(service: key, port: port, endpoints: [])
        }
        return Backend(service: key, port: port, endpoints: endpoints(of: key, port: found.name ?? ""))
    }

    private func endpoints(of service: ObjectKey, port: String) -> [BackendEndpoint] {
        var ready: Set<BackendEndpoint> = [], lastResort: Set<BackendEndpoint> = []
        for slice in inputs.slices[service] ?? [] where slice.addressType != "FQDN" {
            for entry in slice.ports where (entry.name ?? "") == port && (entry.protocol ?? "TCP") == "TCP" {
                guard let number = entry.port else { continue }
                for endpoint in slice.endpoints {
                    guard let address = endpoint.addresses.first else { continue }
                    let target = BackendEndpoint(host: address, port: number)
                    if endpoint.conditions?.ready ?? true {
                        ready.insert(target)
                    } else if endpoint.conditions?.serving ?? false {
                        lastResort.insert(target)
                    }
                }
            }
        }
        return (ready.isEmpty ? lastResort : ready).sorted { ($0.host, $0.port) < ($1.host, $1.port) }
    }
}
