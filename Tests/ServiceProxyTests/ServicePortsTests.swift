import JSON
import KubeTypes
import Testing

@testable import ServiceProxy

/// From objects to routes, and from routes to the endpoints that are used.
@Suite struct ServicePortsTests {
    static let node = NodeFacts(
        nodeName: "n1", zone: "z1", nodeIPs: [IPAddress("192.168.1.2")].compactMap { $0 },
        podRanges: [IPRange("10.244.0.0/16")].compactMap { $0 },
        serviceRanges: [IPRange("10.96.0.0/16")].compactMap { $0 })

    static func service(_ spec: JSONValue, name: String = "web", labels: JSONValue = [:], status: JSONValue = [:])
        -> Service
    {
        Service([
            "metadata": ["name": .string(name), "namespace": "default", "labels": labels], "spec": spec,
            "status": status,
        ])
    }

    static func slice(
        _ endpoints: [JSONValue], type: String = "IPv4",
        ports: JSONValue = [["name": "http", "port": 8080, "protocol": "TCP"]]
    ) -> EndpointSlice { slice("web-1", type: type, endpoints, ports: ports) }

    static func slice(
        _ name: String, of service: String = "web", type: String = "IPv4", _ endpoints: [JSONValue],
        ports: JSONValue = [["name": "http", "port": 8080, "protocol": "TCP"]]
    ) -> EndpointSlice {
        EndpointSlice([
            "metadata": [
                "name": .string(name), "namespace": "default",
                "labels": ["kubernetes.io/service-name": .string(service)],
            ],
            "addressType": .string(type), "endpoints": .array(endpoints), "ports": ports,
        ])
    }

    static func endpoint(
        _ address: String, node: String = "n1", ready: Bool = true, serving: Bool = true, terminating: Bool = false,
        zones: [String] = [], nodes: [String] = []
    ) -> JSONValue {
        var value: JSONValue = [
            "addresses": [.string(address)], "nodeName": .string(node),
            "conditions": ["ready": .bool(ready), "serving": .bool(serving), "terminating": .bool(terminating)],
        ]
        if !zones.isEmpty { value["hints"] = ["forZones": .array(zones.map { ["name": .string($0)] })] }
        if !nodes.isEmpty { value["hints"] = ["forNodes": .array(nodes.map { ["name": .string($0)] })] }
        return value
    }

    static let spec: JSONValue = [
        "clusterIP": "10.96.0.1", "ports": [["name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080]],
    ]

    @Test func servicesThatTheProxyLeavesAlone() {
        let specs: [JSONValue] = [
            ["clusterIP": "None", "ports": [["port": 80]]], ["type": "ExternalName", "externalName": "a.b"],
            ["ports": [["port": 80]]], ["clusterIP": "10.96.0.1"],
        ]
        for spec in specs {
            #expect(ServicePorts.routes(services: [Self.service(spec)], slices: [], node: Self.node).isEmpty)
        }
        let labelled = Self.service(Self.spec, labels: ["service.kubernetes.io/service-proxy-name": "x"])
        #expect(ServicePorts.routes(services: [labelled], slices: [], node: Self.node).isEmpty)
    }

    @Test func portsAreMatchedByName() throws {
        let service = Self.service([
            "clusterIP": "10.96.0.1",
            "ports": [
                ["name": "http", "port": 80], ["name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053],
            ],
        ])
        // Not for proxies.
        var headless = Self.slice("web-3", [Self.endpoint("10.244.0.8")])
        headless.metadata.labels["service.kubernetes.io/headless"] = ""
        let slices = [
            Self.slice([Self.endpoint("10.244.0.3"), Self.endpoint("10.244.0.2")]),
            Self.slice(
                "web-2", [Self.endpoint("10.244.0.4")], ports: [["name": "dns", "port": 5353, "protocol": "UDP"]]),
            Self.slice("other", of: "other", [Self.endpoint("10.244.0.9")]),
            Self.slice("six", type: "IPv6", [Self.endpoint("fd00::9")]), headless,
        ]
        let routes = ServicePorts.routes(services: [service], slices: slices, node: Self.node)
        #expect(routes.map(\.name) == ["default/web/tcp/http", "default/web/udp/dns"])
        #expect(routes[0].endpoints.map { "\($0.address):\($0.port)" } == ["10.244.0.2:8080", "10.244.0.3:8080"])
        #expect(routes[1].endpoints.map { "\($0.address):\($0.port)" } == ["10.244.0.4:5353"])
        #expect(routes[1].nodePort == 30053)
    }

    @Test func dualStackServicesHaveARouteForEachFamily() {
        var node = Self.node
        node.families = [.ipv4, .ipv6]
        let service = Self.service([
            "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00:96::1"],
            "ports": [["name": "http", "port": 80]], "externalIPs": ["1.2.3.4", "2001:db8::1"],
        ])
        let slices = [
            Self.slice([Self.endpoint("10.244.0.2")]), Self.slice("six", type: "IPv6", [Self.endpoint("fd00::2")]),
        ]
        let routes = ServicePorts.routes(services: [service], slices: slices, node: node)
        #expect(
            routes.map { "\($0.clusterIP) \($0.externalIPs) \($0.endpoints.map(\.address))" } == [
                "10.96.0.1 [1.2.3.4] [10.244.0.2]", "fd00:96::1 [2001:db8::1] [fd00::2]",
            ])
    }

    @Test func anAddressInTwoSlicesCountsOnceAndLivesIfOneDoes() {
        let slices = [
            Self.slice("a", [Self.endpoint("10.244.0.2", ready: false, terminating: true)]),
            Self.slice("b", [Self.endpoint("10.244.0.2")]),
        ]
        let routes = ServicePorts.routes(services: [Self.service(Self.spec)], slices: slices, node: Self.node)
        #expect(routes[0].endpoints.count == 1)
        #expect(routes[0].endpoints[0].ready)
    }

    private func choose(_ endpoints: [JSONValue], spec: JSONValue = spec) -> String {
        let routes = ServicePorts.routes(
            services: [Self.service(spec)], slices: [Self.slice(endpoints)], node: Self.node)
        let choice = EndpointChoice(routes[0], node: Self.node)
        func last(_ targets: [EndpointTarget]) -> String { targets.map { "\($0.address.bytes[3])" }.joined() }
        return "\(last(choice.cluster))/\(last(choice.local))/\(choice.hasAny)"
    }

    @Test func endpointsAreChosen() {
        let localSpec: JSONValue = [
            "clusterIP": "10.96.0.1", "internalTrafficPolicy": "Local", "ports": [["name": "http", "port": 80]],
        ]
        let bothSpec: JSONValue = [
            "clusterIP": "10.96.0.1", "externalTrafficPolicy": "Local", "type": "NodePort",
            "ports": [["name": "http", "port": 80, "nodePort": 30080]],
        ]
        let ready = Self.endpoint("10.0.0.1"), remote = Self.endpoint("10.0.0.2", node: "n2")
        let leaving = Self.endpoint("10.0.0.3", ready: false, terminating: true)
        let leavingRemote = Self.endpoint("10.0.0.4", node: "n2", ready: false, terminating: true)
        let down = Self.endpoint("10.0.0.5", ready: false, serving: false)
        let gone = Self.endpoint("10.0.0.6", ready: false, serving: false, terminating: true)

        #expect(choose([ready, remote, leaving, down]) == "12//true")
        #expect(choose([leaving, leavingRemote, down, gone]) == "34//true")
        #expect(choose([down, gone]) == "//false")
        #expect(choose([]) == "//false")
        #expect(choose([ready, remote], spec: localSpec) == "/1/true")
        #expect(choose([remote], spec: localSpec) == "//true")
        #expect(choose([remote, leaving], spec: localSpec) == "/3/true")
        #expect(choose([ready, remote], spec: bothSpec) == "12/1/true")
        #expect(choose([remote, leaving], spec: bothSpec) == "2/3/true")
    }

    @Test func hintsAreFollowedWhenAllHaveThem() {
        let here = Self.endpoint("10.0.0.1", zones: ["z1"]), there = Self.endpoint("10.0.0.2", zones: ["z2"])
        #expect(choose([here, there]) == "1//true")
        #expect(choose([there]) == "2//true")
        #expect(choose([here, there, Self.endpoint("10.0.0.3")]) == "123//true")
        let nodes = [Self.endpoint("10.0.0.1", nodes: ["n1"]), Self.endpoint("10.0.0.2", nodes: ["n2"])]
        #expect(choose(nodes) == "1//true")
    }

    @Test(arguments: [
        ("10.1.2.3", "10.1.2.3"), ("fd00:0:0::1", "fd00::1"), ("::ffff:1.2.3.4", "1.2.3.4"), ("1.2.3", ""),
        ("1.2.3.4.5", ""), ("", ""), ("01.2.3.4", ""),
    ])
    func addresses(_ text: String, _ expected: String) {
        #expect((IPAddress(text)?.description ?? "") == expected)
    }

    @Test func ranges() {
        let range = IPRange("10.244.7.9/22")
        #expect(range?.description == "10.244.4.0/22")
        #expect(range?.firstHost.description == "10.244.4.1")
        for (text, inside) in [("10.244.7.255", true), ("10.244.8.0", false), ("fd00::1", false)] {
            #expect(IPAddress(text).map { range?.contains($0) } == inside)
        }
        #expect(IPRange("fd00::/64")?.firstHost.description == "fd00::1")
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "10.0.0.0/8/8"] { #expect(IPRange(text) == nil) }
    }

    @Test func staleFlows() {
        let spec: JSONValue = [
            "clusterIP": "10.96.0.1", "ports": [["name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053]],
        ]
        let ports: JSONValue = [["name": "dns", "port": 5353, "protocol": "UDP"]]
        func routes(_ addresses: [String], _ spec: JSONValue = spec, ports: JSONValue = ports) -> [ServicePortRoute] {
            ServicePorts.routes(
                services: [Self.service(spec)],
                slices: [Self.slice(addresses.map { Self.endpoint($0) }, ports: ports)], node: Self.node)
        }
        let client = IPAddress("10.244.0.9") ?? IPAddress(family: .ipv4, bytes: [0, 0, 0, 0])
        /// A client's entry for `destination`, which was sent on to `endpoint`.
        func isStale(
            _ destination: String, _ endpoint: String, before: [ServicePortRoute], now: [ServicePortRoute]
        ) -> Bool {
            func split(_ text: String) -> (IPAddress, Int) {
                let parts = text.split(separator: ":")
                return (IPAddress(String(parts[0])) ?? client, Int(parts[1]) ?? 0)
            }
            let (to, toPort) = split(destination), (from, fromPort) = split(endpoint)
            let flow = Flow(
                source: client, sourcePort: 4711, destination: to, destinationPort: toPort, replySource: from,
                replySourcePort: fromPort)
            return FlowTable(now, node: Self.node).isStale(
                flow, before: FlowTable(before, node: Self.node), node: Self.node)
        }
        let both = routes(["10.0.0.1", "10.0.0.2"]), one = routes(["10.0.0.1"]), none = routes([])
        let service = "10.96.0.1:53"
        // One more endpoint is no reason.
        #expect(!isStale(service, "10.0.0.1:5353", before: one, now: both))
        #expect(isStale(service, "10.0.0.2:5353", before: both, now: one))
        #expect(!isStale(service, "10.0.0.1:5353", before: both, now: one))
        // Another port of the same endpoint is another endpoint.
        #expect(isStale(service, "10.0.0.1:5354", before: one, now: one))
        // Sent nowhere, while there was no endpoint.
        #expect(isStale(service, service, before: none, now: one))
        #expect(!isStale(service, service, before: none, now: none))
        // The last endpoint, and the whole Service.
        #expect(isStale(service, "10.0.0.1:5353", before: one, now: none))
        #expect(isStale(service, "10.0.0.1:5353", before: one, now: []))
        // A node port is every address's of the node; others are somebody else's.
        #expect(isStale("192.168.1.2:30053", "10.0.0.2:5353", before: both, now: one))
        #expect(isStale("192.168.1.2:30053", "192.168.1.2:30053", before: none, now: one))
        #expect(isStale("127.0.0.1:30053", "10.0.0.2:5353", before: both, now: one))
        #expect(!isStale("198.51.100.7:30053", "198.51.100.7:30053", before: none, now: one))
        #expect(!isStale("198.51.100.7:53", "198.51.100.7:53", before: one, now: both))
        let tcp: JSONValue = [["name": "http", "port": 80, "protocol": "TCP"]]
        #expect(!isStale("10.96.0.1:80", "10.0.0.1:80", before: routes(["10.0.0.1"], Self.spec, ports: tcp), now: []))
    }
}
