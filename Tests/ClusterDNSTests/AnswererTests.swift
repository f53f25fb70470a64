import JSON
import KubeTypes
import Testing

@testable import ClusterDNS

/// Answers to queries for the cluster's names.
@Suite struct AnswererTests {
    private let answerer = Answerer(
        domain: DNSName("cluster.local") ?? .root, serverAddresses: [[10, 96, 0, 10]],
        reverseRanges: [AddressRange("10.96.0.0/12"), AddressRange("10.244.0.0/16")].compactMap { $0 })

    private static func service(_ name: String, _ spec: JSONValue) -> Service {
        Service(["metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
    }

    private static func slice(_ name: String, of service: String, _ endpoints: JSONValue, _ ports: JSONValue)
        -> EndpointSlice
    {
        EndpointSlice([
            "metadata": [
                "name": .string(name), "namespace": "default",
                "labels": ["kubernetes.io/service-name": .string(service)],
            ],
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        ])
    }

    private func records() -> DNSRecords {
        var records = DNSRecords()
        for name in ["default", "kube-system", "empty"] { records.set(namespace: name) }
        let http: JSONValue = [
            ["name": "http", "port": 80, "protocol": "TCP"], ["name": "dns", "port": 53, "protocol": "UDP"],
        ]
        records.set(
            Self.service("web", ["clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"], "ports": http]))
        records.set(Self.service("db", ["clusterIP": "None", "ports": [["name": "sql", "port": 5432]]]))
        records.set(Self.service("none", ["clusterIP": "None"]))
        records.set(Self.service("out", ["type": "ExternalName", "externalName": "www.example.com"]))
        records.set(Self.service("in", ["type": "ExternalName", "externalName": "web.default.svc.cluster.local"]))
        records.set(Self.service("self", ["type": "ExternalName", "externalName": "self.default.svc.cluster.local"]))
        records.set(Self.service("number", ["type": "ExternalName", "externalName": "1.2.3.4"]))
        records.set(Self.service("pending", ["ports": http]))
        records.set(
            Self.slice(
                "db-1", of: "db",
                [
                    ["addresses": ["10.244.0.5"], "hostname": "db-0", "conditions": ["ready": true]],
                    ["addresses": ["10.244.0.6"]],
                    ["addresses": ["10.244.0.7"], "conditions": ["ready": false]],
                ], [["name": "sql", "port": 5432, "protocol": "TCP"]]))
        records.set(
            Self.slice("web-1", of: "web", [["addresses": ["10.244.0.9"]]], [["name": "http", "port": 8080]]))
        return records
    }

    private func ask(_ name: String, _ type: DNSType = .a, rotation: Int = 0) -> DNSOutcome {
        var query = DNSMessage()
        query.recursionDesired = true
        query.questions = [DNSQuestion(name: DNSName(name) ?? .root, type: type)]
        var records = records()
        return answerer.outcome(query, &records, rotation: rotation)
    }

    /// The answer in short: `NXDOMAIN`, `NODATA`, or its records.
    private func short(_ outcome: DNSOutcome) -> String {
        guard case .answer(let message) = outcome else { return "\(outcome)".prefix(7).description }
        if message.responseCode == DNSResponseCode.nameError || message.answers.isEmpty {
            #expect(message.authorities.first?.payload.type == .soa)
            return message.responseCode == 0 ? "NODATA" : "NXDOMAIN"
        }
        #expect(message.authoritative && message.isResponse && message.recursionAvailable)
        return message.answers.map { record in
            let value: String
            switch record.payload {
            case .address(let bytes): value = bytes.count == 4 ? bytes.map(String.init).joined(separator: ".") : "v6"
            case .name(_, let name): value = name.description
            case .service(_, let weight, let port, let target): value = "\(weight) \(port) \(target)"
            case .text(let texts): value = texts.joined()
            case .authority(let server, _, _, _, _, _, let minimum): value = "\(server) \(minimum)"
            case .other: value = "?"
            }
            return "\(record.ttl) \(value)"
        }.joined(separator: ", ")
    }

    @Test(
        arguments: [
            ("web.default.svc.cluster.local", DNSType.a, "30 10.96.0.1"),
            ("WEB.Default.svc.Cluster.local.", .a, "30 10.96.0.1"),
            ("web.default.svc.cluster.local", .aaaa, "30 v6"),
            ("web.default.svc.cluster.local", .txt, "NODATA"),
            ("web.default.svc.cluster.local", .any, "30 10.96.0.1, 30 v6"),
            ("nope.default.svc.cluster.local", .a, "NXDOMAIN"),
            ("web.nope.svc.cluster.local", .a, "NXDOMAIN"),
            ("pending.default.svc.cluster.local", .a, "NODATA"),
            ("default.svc.cluster.local", .a, "NODATA"),
            ("empty.svc.cluster.local", .a, "NODATA"),
            ("nope.svc.cluster.local", .a, "NXDOMAIN"),
            ("svc.cluster.local", .a, "NODATA"),
            ("cluster.local", .a, "NODATA"),
            ("cluster.local", .soa, "5 ns.dns.cluster.local. 5"),
            ("cluster.local", .ns, "30 ns.dns.cluster.local."),
            ("ns.dns.cluster.local", .a, "30 10.96.0.10"),
            ("dns-version.cluster.local", .txt, "28800 1.1.0"),
            ("example.com.default.svc.cluster.local", .a, "NXDOMAIN"),
            ("web.cluster.local", .a, "NXDOMAIN"),
            // Ports
            ("_http._tcp.web.default.svc.cluster.local", .srv, "30 100 80 web.default.svc.cluster.local."),
            ("_dns._udp.web.default.svc.cluster.local", .srv, "30 100 53 web.default.svc.cluster.local."),
            ("_dns._tcp.web.default.svc.cluster.local", .srv, "NXDOMAIN"),
            ("_http._tcp.web.default.svc.cluster.local", .a, "NODATA"),
            (
                "web.default.svc.cluster.local", .srv,
                "30 50 80 web.default.svc.cluster.local., 30 50 53 web.default.svc.cluster.local."
            ),
            // Headless
            ("db.default.svc.cluster.local", .a, "5 10.244.0.5, 5 10.244.0.6"),
            ("db.default.svc.cluster.local", .aaaa, "NODATA"),
            ("db-0.db.default.svc.cluster.local", .a, "5 10.244.0.5"),
            ("10-244-0-6.db.default.svc.cluster.local", .a, "5 10.244.0.6"),
            ("10-244-0-7.db.default.svc.cluster.local", .a, "NXDOMAIN"),
            ("a.db-0.db.default.svc.cluster.local", .a, "NXDOMAIN"),
            (
                "_sql._tcp.db.default.svc.cluster.local", .srv,
                "5 50 5432 db-0.db.default.svc.cluster.local., 5 50 5432 10-244-0-6.db.default.svc.cluster.local."
            ),
            ("_tcp.db.default.svc.cluster.local", .srv, "NODATA"),
            ("none.default.svc.cluster.local", .a, "NXDOMAIN"),
            ("10-244-0-9.web.default.svc.cluster.local", .a, "5 10.244.0.9"),
            // Aliases
            ("in.default.svc.cluster.local", .a, "5 web.default.svc.cluster.local., 30 10.96.0.1"),
            ("out.default.svc.cluster.local", .cname, "5 www.example.com."),
            ("number.default.svc.cluster.local", .a, "NODATA"),
            // Pods
            ("10-244-0-9.default.pod.cluster.local", .a, "5 10.244.0.9"),
            ("fd00--12.default.pod.cluster.local", .aaaa, "5 v6"),
            ("10-244-0-9.nope.pod.cluster.local", .a, "NXDOMAIN"),
            ("web.default.pod.cluster.local", .a, "NXDOMAIN"),
            ("default.pod.cluster.local", .a, "NODATA"),
            // Reverse
            ("1.0.96.10.in-addr.arpa", .ptr, "5 web.default.svc.cluster.local."),
            ("5.0.244.10.in-addr.arpa", .ptr, "5 db-0.db.default.svc.cluster.local."),
            ("6.0.244.10.in-addr.arpa", .ptr, "NXDOMAIN"),
            (
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .ptr,
                "5 web.default.svc.cluster.local."
            ),
            ("1.0.96.10.in-addr.arpa", .a, "NODATA"),
            ("8.8.8.8.in-addr.arpa", .ptr, "forward"),
            ("example.com", .a, "forward"),
            ("local", .a, "forward"),
        ] as [(String, DNSType, String)])
    func names(_ name: String, _ type: DNSType, _ expected: String) {
        #expect(short(ask(name, type)) == expected)
    }

    @Test func aliasesOutsideAreChased() {
        guard case .chase(let message, let target) = ask("out.default.svc.cluster.local") else {
            Issue.record("not chased")
            return
        }
        #expect(target.description == "www.example.com.")
        #expect(message.answers.map(\.payload.type) == [.cname])
    }

    @Test func aliasesOfThemselvesEnd() {
        guard case .answer(let message) = ask("self.default.svc.cluster.local") else {
            Issue.record("no answer")
            return
        }
        #expect(message.responseCode == DNSResponseCode.serverFailure)
        #expect(message.answers.count == Answerer.aliasLimit)
    }

    @Test func addressesTakeTurns() {
        #expect(short(ask("db.default.svc.cluster.local", rotation: 1)) == "5 10.244.0.6, 5 10.244.0.5")
        #expect(short(ask("db.default.svc.cluster.local", rotation: -2)) == "5 10.244.0.5, 5 10.244.0.6")
    }

    @Test func portsBringTheirAddresses() {
        guard case .answer(let message) = ask("_sql._tcp.db.default.svc.cluster.local", .srv) else {
            Issue.record("no answer")
            return
        }
        #expect(message.additionals.map(\.payload) == [.address([10, 244, 0, 5]), .address([10, 244, 0, 6])])
        #expect(message.additionals.first?.name.description == "db-0.db.default.svc.cluster.local.")
    }

    @Test func queriesThatAreNone() throws {
        var records = records()
        func code(_ change: (inout DNSMessage) -> Void, ready: Bool = true) -> UInt16? {
            var query = DNSMessage()
            query.id = 99
            query.questions = [DNSQuestion(name: DNSName("web.default.svc.cluster.local") ?? .root, type: .a)]
            change(&query)
            guard case .answer(let message) = answerer.outcome(query, &records, ready: ready) else { return nil }
            #expect(message.id == 99 && message.isResponse)
            return message.responseCode
        }
        #expect(code { _ in } == DNSResponseCode.noError)
        #expect(code { $0.isResponse = true } == nil)
        #expect(code { $0.opcode = 5 } == DNSResponseCode.notImplemented)
        #expect(code { $0.questions = [] } == DNSResponseCode.formatError)
        #expect(code { $0.questions += $0.questions } == DNSResponseCode.formatError)
        #expect(code { $0.questions[0].class = 3 } == DNSResponseCode.refused)
        #expect(code { $0.questions[0].type = .axfr } == DNSResponseCode.refused)
        #expect(code { $0.edns = DNSExtension(payloadSize: 512, version: 1) } == DNSResponseCode.badVersion)
        #expect(code({ _ in }, ready: false) == DNSResponseCode.serverFailure)
    }

    @Test func recordsFollowChanges() {
        var records = records()
        func addresses(_ name: String) -> String {
            var query = DNSMessage()
            query.questions = [DNSQuestion(name: DNSName(name) ?? .root, type: .a)]
            return short(answerer.outcome(query, &records))
        }
        records.remove(Self.slice("db-1", of: "db", [], []))
        #expect(addresses("db.default.svc.cluster.local") == "NXDOMAIN")
        records.remove(Self.service("web", [:]))
        #expect(addresses("web.default.svc.cluster.local") == "NXDOMAIN")
        #expect(records.names(of: [10, 96, 0, 1]).isEmpty)
        records.remove(namespace: "empty")
        #expect(addresses("empty.svc.cluster.local") == "NXDOMAIN")
    }
}
