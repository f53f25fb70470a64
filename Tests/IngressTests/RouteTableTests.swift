import JSON
import KubeTypes
import Testing

@testable import Ingress

/// From objects to the table, and from requests to routes.
@Suite struct RouteTableTests {
    static func ingress(
        _ name: String, _ spec: JSONValue, annotations: [String: String] = [:], created: String = "2026-01-01T00:00:00Z"
    ) -> Ingress {
        let pairs = annotations.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONValue.string($0.value)) }
        return Ingress([
            "metadata": [
                "name": .string(name), "namespace": "default", "annotations": .object(JSONObject(pairs)),
                "creationTimestamp": .string(created),
            ], "spec": spec,
        ])
    }

    static func path(_ path: String, _ service: String, type: String = "Prefix") -> JSONValue {
        [
            "path": .string(path), "pathType": .string(type),
            "backend": ["service": ["name": .string(service), "port": ["number": 80]]],
        ]
    }

    static func rule(_ host: String?, _ paths: [JSONValue]) -> JSONValue {
        var rule: JSONValue = ["http": ["paths": .array(paths)]]
        if let host { rule["host"] = .string(host) }
        return rule
    }

    static func inputs(_ ingresses: [Ingress], classes: [IngressClass]? = nil) -> IngressInputs {
        var inputs = IngressInputs()
        inputs.ingresses = ingresses
        inputs.classes =
            classes ?? [
                IngressClass([
                    "metadata": [
                        "name": "martlet", "annotations": ["ingressclass.kubernetes.io/is-default-class": "true"],
                    ], "spec": ["controller": "martlet.dev/ingress"],
                ])
            ]
        for (index, name) in ["a", "b", "c", "d"].enumerated() {
            let key = ObjectKey(namespace: "default", name: name)
            inputs.services[key] = Service([
                "metadata": ["name": .string(name), "namespace": "default"],
                "spec": ["ports": [["name": "http", "port": 80]]],
            ])
            inputs.slices[key] = [
                EndpointSlice([
                    "addressType": "IPv4", "ports": [["name": "http", "port": 8080]],
                    "endpoints": [["addresses": [.string("10.0.0.\(index + 1)")], "conditions": ["ready": true]]],
                ])
            ]
        }
        return inputs
    }

    /// The Service that a request comes to.
    private func service(_ routes: IngressRoutes, _ host: String, _ path: String) -> String? {
        RoutePath.normalized(path).flatMap { routes.table.route(RouteQuery(host: host, path: $0)) }?.route.backend
            .service
            .name
    }

    @Test(
        arguments: [
            ("x.com", "/", "a"), ("x.com:8080", "/", "a"), ("X.COM", "/other", "a"), ("x.com", "/foo", "b"),
            ("x.com", "/foo/", "b"), ("x.com", "/foo/bar", "b"), ("x.com", "/foobar", "a"),
            ("x.com", "/foo/exact", "c"), ("x.com", "/foo/exact/", "b"), ("x.com", "/foo/exact/more", "b"),
            ("w.x.com", "/", "d"), ("v.w.x.com", "/", nil), ("y.com", "/", nil), ("y.com", "/any", "c"),
            ("x.com", "/any/../foo", "b"), ("x.com", "/%66oo", "b"), ("x.com", "//foo//bar", "b"),
            ("x.com", "/foo/../../etc", nil),
        ] as [(String, String, String?)])
    func hostsAndPaths(host: String, path: String, expected: String?) {
        let routes = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress(
                    "i",
                    [
                        "rules": [
                            Self.rule(
                                "x.com",
                                [
                                    Self.path("/", "a"), Self.path("/foo/", "b"),
                                    Self.path("/foo/exact", "c", type: "Exact"),
                                ]), Self.rule("*.x.com", [Self.path("/", "d")]),
                            Self.rule(nil, [Self.path("/any", "c")]),
                        ]
                    ])
            ]))
        #expect(service(routes, host, path) == expected)
        #expect(routes.problems.isEmpty)
    }

    @Test func defaultBackends() {
        let backend: JSONValue = ["service": ["name": "d", "port": ["name": "http"]]]
        let alone = RouteTableBuilder.build(Self.inputs([Self.ingress("i", ["defaultBackend": backend])]))
        #expect(service(alone, "any", "/where") == "d")
        let beside = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress("i", ["defaultBackend": backend, "rules": [Self.rule("x.com", [Self.path("/a", "a")])]])
            ]))
        #expect(service(beside, "x.com", "/a") == "a")
        #expect(service(beside, "x.com", "/b") == "d")
        #expect(service(beside, "y.com", "/b") == nil)
    }

    @Test func theOldestKeepsItsPath() {
        let rules: (String) -> JSONValue = { ["rules": [Self.rule("x.com", [Self.path("/", $0)])]] }
        let routes = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress("a", rules("a"), created: "2026-01-02T00:00:00Z"),
                Self.ingress("z", rules("b"), created: "2026-01-01T00:00:00Z"),
            ]))
        #expect(service(routes, "x.com", "/") == "b")
    }

    @Test func classes() {
        func isOurs(_ name: String?, annotation: String? = nil, classes: [(String, String, Bool)]) -> Bool {
            var spec: JSONValue = ["rules": [Self.rule(nil, [Self.path("/", "a")])]]
            if let name { spec["ingressClassName"] = .string(name) }
            let ingress = Self.ingress(
                "i", spec, annotations: annotation.map { ["kubernetes.io/ingress.class": $0] } ?? [:])
            let objects = classes.map { name, controller, isDefault in
                IngressClass([
                    "metadata": [
                        "name": .string(name),
                        "annotations": ["ingressclass.kubernetes.io/is-default-class": .string("\(isDefault)")],
                    ], "spec": ["controller": .string(controller)],
                ])
            }
            return !RouteTableBuilder.build(Self.inputs([ingress], classes: objects)).accepted.isEmpty
        }
        let ours = ("martlet", "martlet.dev/ingress", true)
        #expect(isOurs(nil, classes: [ours]))
        #expect(!isOurs(nil, classes: [("martlet", "martlet.dev/ingress", false)]))
        #expect(isOurs("martlet", classes: [ours]))
        #expect(isOurs("nginx", classes: [ours]))
        #expect(isOurs(nil, annotation: "nginx", classes: [ours]))
        #expect(!isOurs("nginx", classes: [ours, ("nginx", "k8s.io/ingress-nginx", false)]))
        #expect(!isOurs("other", classes: [ours]))
    }

    @Test(
        arguments: [
            ("/api(/|$)(.*)", "/$2", "/api/v1/x?q=1", "/v1/x?q=1"), ("/api(/|$)(.*)", "/$2", "/api", "/"),
            ("/(a|b)/(.*)", "/$2/$1", "/b/c", "/c/b"), ("/x", "/", "/x/y", nil), ("/cost", "/$9$$", "/cost", nil),
        ] as [(String, String, String, String?)])
    func rewriting(pattern: String, target: String, request: String, expected: String?) throws {
        let routes = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress(
                    "i", ["rules": [Self.rule(nil, [Self.path(pattern, "a", type: "ImplementationSpecific")])]],
                    annotations: ["nginx.ingress.kubernetes.io/rewrite-target": target])
            ]))
        let path = try #require(RoutePath.normalized(request.prefix { $0 != "?" }))
        let match = try #require(routes.table.route(RouteQuery(host: "h", path: path)))
        let rewritten = match.route.target(request, captures: match.captures)
        #expect(rewritten == expected ?? (target == "/" ? "/" : "/$$"))
    }

    @Test func canaries() throws {
        let rules: (String) -> JSONValue = { ["rules": [Self.rule("x.com", [Self.path("/", $0)])]] }
        let prefix = Annotations.prefix
        let routes = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress(
                    "canary", rules("b"),
                    annotations: [
                        prefix + "canary": "true", prefix + "canary-weight": "30", prefix + "canary-by-header": "x-c",
                        prefix + "canary-by-cookie": "try",
                    ]), Self.ingress("main", rules("a"), created: "2026-02-01T00:00:00Z"),
                Self.ingress(
                    "lost", ["rules": [Self.rule("z.com", [Self.path("/", "a")])]],
                    annotations: [prefix + "canary": "true"]),
            ]))
        let route = try #require(routes.table.route(RouteQuery(host: "x.com", path: "/"))).route
        func chosen(_ header: String?, _ cookie: String?, _ roll: Int) -> String {
            route.backend(header: { _ in header }, cookie: { _ in cookie }, roll: { _ in roll }).service.name
        }
        #expect((0..<100).count { chosen(nil, nil, $0) == "b" } == 30)
        #expect(chosen("always", nil, 99) == "b")
        #expect(chosen("never", "always", 0) == "a")
        #expect(chosen(nil, "always", 99) == "b")
        #expect(chosen(nil, "never", 0) == "a")
        #expect(chosen("other", nil, 99) == "a")
        #expect(routes.problems.map(\.reason) == ["OrphanedCanary"])
    }

    @Test func certificatesOfHosts() throws {
        var inputs = Self.inputs([
            Self.ingress(
                "i",
                [
                    "tls": [
                        ["hosts": ["x.com"], "secretName": "one"], ["hosts": ["*.y.com"], "secretName": "two"],
                        ["hosts": ["z.com"], "secretName": "none"],
                    ],
                    "rules": [
                        Self.rule("x.com", [Self.path("/", "a")]), Self.rule("v.y.com", [Self.path("/", "a")]),
                        Self.rule("plain.com", [Self.path("/", "a")]),
                    ],
                ])
        ])
        let (one, two) = (ObjectKey(namespace: "default", name: "one"), ObjectKey(namespace: "default", name: "two"))
        inputs.certificates = [one, two]
        let routes = RouteTableBuilder.build(inputs)
        #expect(routes.certificate(for: "X.com") == one)
        #expect(routes.certificate(for: "v.y.com") == two)
        #expect(routes.certificate(for: "y.com") == nil)
        #expect(routes.certificate(for: "z.com") == nil)
        #expect(routes.problems.map(\.reason) == ["InvalidCertificate"])
        for (host, redirected) in [("x.com", true), ("v.y.com", true), ("plain.com", false)] {
            let match = try #require(routes.table.route(RouteQuery(host: host, path: "/")))
            #expect(match.route.redirectsToTLS == redirected, "\(host)")
        }
    }

    @Test func backendsThatAreNotThere() throws {
        let routes = RouteTableBuilder.build(
            Self.inputs([
                Self.ingress("i", ["rules": [Self.rule(nil, [Self.path("/", "none"), Self.path("/a", "a")])]])
            ]))
        let match = try #require(routes.table.route(RouteQuery(host: "h", path: "/")))
        #expect(match.route.backend.endpoints.isEmpty)
        #expect(routes.problems.map(\.reason) == ["BackendNotFound"])
        let found = try #require(routes.table.route(RouteQuery(host: "h", path: "/a")))
        #expect(found.route.backend.endpoints == [BackendEndpoint(host: "10.0.0.1", port: 8080)])
    }

    @Test func annotationsAreReadOrReported() {
        func read(_ name: String, _ value: String) -> Annotations { Annotations([Annotations.prefix + name: value]) }
        #expect(read("proxy-body-size", "8m").settings.bodySize == 8 << 20)
        #expect(read("proxy-body-size", "0").settings.bodySize == 0)
        #expect(read("proxy-read-timeout", "120").settings.readTimeout == 120)
        #expect(read("proxy-read-timeout", "2m").settings.readTimeout == 120)
        #expect(read("ssl-redirect", "false").settings.sslRedirect == false)
        let sources = read("whitelist-source-range", "10.0.0.0/8, 192.168.1.1").settings.allowedSources
        #expect(sources.map { $0.contains(IPAddress(family: .ipv4, bytes: [10, 1, 2, 3])) } == [true, false])
        #expect(sources.map { $0.contains(IPAddress(family: .ipv4, bytes: [192, 168, 1, 1])) } == [false, true])
        for (name, value) in [
            ("unheard-of", "x"), ("proxy-body-size", "much"), ("canary-weight", "-1"),
            ("whitelist-source-range", "everybody"), ("rewrite-target", "a\nb"), ("affinity", "ip"),
        ] { #expect(read(name, value).problems.map(\.name) == [name]) }
        // A list of sources that cannot be read lets nobody in.
        let closed = read("whitelist-source-range", "everybody").settings.allowedSources
        #expect(!closed.isEmpty && !closed.contains { $0.contains(IPAddress(family: .ipv4, bytes: [10, 0, 0, 1])) })
        #expect(Annotations(["other/annotation": "x"]).problems.isEmpty)
    }
}
